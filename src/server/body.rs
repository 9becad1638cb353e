//! Reads a request's body: once, into one piece, within its bounds of size, time and memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;

use super::fair::{Origin, Part, Shares};
use super::limits::Limits;

/// The unit in which memory is shared, in bytes.
const UNIT_BYTES: usize = 1024;
/// The first capacity of a body that arrives in pieces.
const FIRST_BYTES: usize = 4096;

/// Memory set aside for bodies and answers.
pub(super) fn memory(limits: &Limits) -> Arc<Shares> {
    Shares::new(limits.bodies_bytes / UNIT_BYTES)
}

/// The right to hold some bytes, for as long as this lives.
#[derive(Debug)]
pub(super) struct Share {
    /// The right to hold one small body or answer without memory of the budget.
    free: Option<OwnedSemaphorePermit>,
    budget: Part,
}

impl Share {
    /// No bytes yet, with the right to a small body where the connection still has it.
    pub(super) fn of(free: Option<OwnedSemaphorePermit>, memory: &Arc<Shares>, origin: Origin) -> Self {
        Self {
            free,
            budget: memory.part(origin),
        }
    }

    /// Another one for the same client, without any bytes.
    pub(super) fn empty(&self) -> Self {
        Self {
            free: None,
            budget: self.budget.empty(),
        }
    }

    /// Whose it is.
    pub(super) fn origin(&self) -> Origin {
        self.budget.origin()
    }

    /// Grows the share from `held` bytes to `target`. `false` where the budget has not enough left.
    fn grow(&mut self, held: usize, target: usize, limits: &Limits) -> bool {
        let free = if self.free.is_some() {
            limits.small_body_bytes
        } else {
            0
        };
        self.budget
            .grow(target.saturating_sub(held.max(free)).div_ceil(UNIT_BYTES))
    }

    /// Turns the share of a body that is gone into one for an answer of this many bytes. `false` where the budget has not
    /// enough left.
    pub(super) fn turn_to_answer(&mut self, bytes: usize, limits: &Limits) -> bool {
        self.budget = self.budget.empty();
        self.grow(0, bytes, limits)
    }
}

/// A whole body, with its share of the memory.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) bytes: Bytes,
    pub(super) share: Share,
}

/// Why a body was not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// Larger than a body may be.
    TooLarge,
    /// Not complete in time.
    Slow,
    /// Other large bodies fill the memory.
    NoMemory,
    /// The connection broke, or the client violated the protocol.
    Broken,
}

/// Reads the body. `declared` is its length, where the header says so.
pub(super) async fn read(body: &mut Body, limits: &Limits, share: Share, within: Duration) -> Result<Whole, BodyError> {
    let declared = body
        .size_hint()
        .exact()
        .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if declared.is_some_and(|length| length > limits.body_bytes) {
        return Err(BodyError::TooLarge);
    }
    tokio::time::timeout(within, collect(body, declared, limits, share))
        .await
        .map_err(|_| BodyError::Slow)?
}

/// Throws away what still arrives of a body, within bounds. A stream of HTTP/2 that is answered before its end is reset,
/// and some clients (curl 7.88 among them) then lose the answer.
pub(super) async fn discard(body: &mut Body, limits: &Limits) {
    let mut left = 2 * limits.body_bytes;
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            let Some(less) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else {
                break;
            };
            left = less;
        }
    };
    // Whoever takes longer than the patience loses the answer.
    let _ = tokio::time::timeout(limits.linger, all).await;
}

async fn collect(body: &mut Body, declared: Option<usize>, limits: &Limits, share: Share) -> Result<Whole, BodyError> {
    let mut whole = Buffer {
        bytes: Vec::new(),
        share,
    };
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
            continue;
        };
        if whole.bytes.is_empty() && body.is_end_stream() && data.len() <= limits.small_body_bytes {
            // The usual review arrives in one piece, which is passed on as it lies in the read buffer.
            return if whole.share.grow(0, data.len(), limits) {
                Ok(Whole {
                    bytes: data,
                    share: whole.share,
                })
            } else {
                Err(BodyError::NoMemory)
            };
        }
        if whole.bytes.len() + data.len() > limits.body_bytes {
            return Err(BodyError::TooLarge);
        }
        whole.push(&data, declared, limits)?;
    }
    Ok(Whole {
        bytes: whole.bytes.into(),
        share: whole.share,
    })
}

struct Buffer {
    bytes: Vec<u8>,
    share: Share,
}

impl Buffer {
    /// Appends, and pays for what the buffer grows. The declared length alone reserves nothing: a client may declare 8 MiB
    /// and send nothing.
    fn push(&mut self, data: &[u8], declared: Option<usize>, limits: &Limits) -> Result<(), BodyError> {
        let (held, needed) = (self.bytes.capacity(), self.bytes.len() + data.len());
        if needed > held {
            let most = declared.unwrap_or(limits.body_bytes);
            let first = FIRST_BYTES.min(limits.small_body_bytes);
            let target = (held * 2).max(first).min(most).max(needed);
            if !self.share.grow(held, target, limits) {
                return Err(BodyError::NoMemory);
            }
            self.bytes.reserve_exact(target - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

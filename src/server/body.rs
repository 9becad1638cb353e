//! Reads a request's body: once, into one piece, within its bounds of size, time and memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::Limits;

/// Bytes for each permit of the semaphore that bounds memory.
const UNIT_BYTES: usize = 1024;
/// The first capacity of a body that arrives in pieces.
const FIRST_BYTES: usize = 4096;

/// Memory set aside for bodies and answers.
pub(super) fn memory(limits: &Limits) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(
        (limits.bodies_bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS),
    ))
}

/// The right to hold some bytes, for as long as this lives.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// The right to hold one small body or answer without memory of the budget.
    free: Option<OwnedSemaphorePermit>,
    budget: Option<OwnedSemaphorePermit>,
}

impl Share {
    /// No bytes yet, with the right to a small body where the connection still has it.
    pub(super) fn of(free: Option<OwnedSemaphorePermit>) -> Self {
        Self { free, budget: None }
    }

    /// Grows the share from `held` bytes to `target`. `false` where the budget has not enough left.
    fn grow(&mut self, held: usize, target: usize, limits: &Limits, memory: &Arc<Semaphore>) -> bool {
        let free = if self.free.is_some() {
            limits.small_body_bytes
        } else {
            0
        };
        let grown = target.saturating_sub(held.max(free)).div_ceil(UNIT_BYTES);
        if grown == 0 {
            return true;
        }
        let units = u32::try_from(grown).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(memory).try_acquire_many_owned(units) else {
            return false;
        };
        match &mut self.budget {
            Some(budget) => budget.merge(more),
            None => self.budget = Some(more),
        }
        true
    }

    /// Turns the share of a body that is gone into one for an answer of this many bytes.
    pub(super) fn for_answer(self, bytes: usize, limits: &Limits, memory: &Arc<Semaphore>) -> Option<Self> {
        let mut share = Self::of(self.free);
        drop(self.budget);
        share.grow(0, bytes, limits, memory).then_some(share)
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
pub(super) async fn read(
    body: &mut Body,
    limits: &Limits,
    memory: &Arc<Semaphore>,
    share: Share,
    within: Duration,
) -> Result<Whole, BodyError> {
    let declared = body
        .size_hint()
        .exact()
        .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if declared.is_some_and(|length| length > limits.body_bytes) {
        return Err(BodyError::TooLarge);
    }
    tokio::time::timeout(within, collect(body, declared, limits, memory, share))
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

async fn collect(
    body: &mut Body,
    declared: Option<usize>,
    limits: &Limits,
    memory: &Arc<Semaphore>,
    share: Share,
) -> Result<Whole, BodyError> {
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
            return if whole.share.grow(0, data.len(), limits, memory) {
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
        whole.push(&data, declared, limits, memory)?;
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
    fn push(
        &mut self,
        data: &[u8],
        declared: Option<usize>,
        limits: &Limits,
        memory: &Arc<Semaphore>,
    ) -> Result<(), BodyError> {
        let (held, needed) = (self.bytes.capacity(), self.bytes.len() + data.len());
        if needed > held {
            let most = declared.unwrap_or(limits.body_bytes);
            let first = FIRST_BYTES.min(limits.small_body_bytes);
            let target = (held * 2).max(first).min(most).max(needed);
            if !self.share.grow(held, target, limits, memory) {
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

//! Reads a request's body: once, into one piece, within its bounds of size, time and memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::Limits;

/// Bytes for each place of the semaphore that bounds large bodies.
const UNIT_BYTES: usize = 1024;

/// Memory set aside for large bodies.
pub(super) fn memory(limits: &Limits) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(
        (limits.bodies_bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS),
    ))
}

/// A whole body, with its share of the memory for large ones.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) bytes: Bytes,
    pub(super) memory: Option<OwnedSemaphorePermit>,
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
    within: Duration,
) -> Result<Whole, BodyError> {
    let declared = body
        .size_hint()
        .exact()
        .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if declared.is_some_and(|length| length > limits.body_bytes) {
        return Err(BodyError::TooLarge);
    }
    tokio::time::timeout(within, collect(body, declared, limits, memory))
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
) -> Result<Whole, BodyError> {
    let mut whole = Buffer {
        bytes: Vec::new(),
        memory: None,
    };
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
            continue;
        };
        if whole.bytes.is_empty() && body.is_end_stream() && data.len() <= limits.small_body_bytes {
            // The usual review arrives in one piece, which is passed on as it lies in the read buffer.
            return Ok(Whole {
                bytes: data,
                memory: None,
            });
        }
        if whole.bytes.len() + data.len() > limits.body_bytes {
            return Err(BodyError::TooLarge);
        }
        whole.push(&data, declared, limits, memory)?;
    }
    Ok(Whole {
        bytes: whole.bytes.into(),
        memory: whole.memory,
    })
}

struct Buffer {
    bytes: Vec<u8>,
    memory: Option<OwnedSemaphorePermit>,
}

impl Buffer {
    /// Appends, and pays for what the buffer grows beyond a small body. The declared length alone
    /// reserves no more than that: a client may declare 8 MiB and send nothing.
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
            let target = (held * 2).max(limits.small_body_bytes).min(most).max(needed);
            let grown = target.saturating_sub(held.max(limits.small_body_bytes));
            if let Some(units) = u32::try_from(grown.div_ceil(UNIT_BYTES))
                .ok()
                .filter(|units| *units > 0)
            {
                let share = Arc::clone(memory)
                    .try_acquire_many_owned(units)
                    .map_err(|_| BodyError::NoMemory)?;
                match &mut self.memory {
                    Some(held) => held.merge(share),
                    None => self.memory = Some(share),
                }
            }
            self.bytes.reserve_exact(target - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

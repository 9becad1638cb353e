//! What one connection holds: its free share of memory, and the answers that its client has not read yet.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::fair::Origin;
use super::slots::SlotHolder;

/// The connection that a request came over. Each request has it among its extensions.
#[derive(Debug)]
pub(super) struct Peer {
    slot: SlotHolder,
    origin: Origin,
    free: Arc<Semaphore>,
    unread: Mutex<Unread>,
}

#[derive(Debug, Default)]
struct Unread {
    next: u64,
    since: BTreeMap<u64, Instant>,
}

impl Peer {
    pub(super) fn new(slot: SlotHolder, origin: Origin) -> Arc<Self> {
        Arc::new(Self {
            slot,
            origin,
            free: Arc::new(Semaphore::new(1)),
            unread: Mutex::default(),
        })
    }

    pub(super) fn slot(&self) -> &SlotHolder {
        &self.slot
    }

    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// The right to hold one small body or answer without asking the budget that all connections share. Each connection
    /// has it once, so that however full the budget is, a connection can have one small review answered.
    pub(super) fn free_share(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// An answer that counts as unread until it is on its way, to the last byte.
    pub(super) fn unread(self: &Arc<Self>, answer: Body) -> Body {
        let mut unread = self.lock();
        let nth = unread.next;
        unread.next += 1;
        unread.since.insert(nth, Instant::now());
        let mark = Arc::new(Mark {
            peer: Arc::clone(self),
            nth,
        });
        Body::new(Marked { answer, mark })
    }

    /// Waits until an answer has been unread for longer than this.
    pub(super) async fn stops_reading(&self, patience: Duration) {
        loop {
            let oldest = self.lock().since.values().next().copied();
            let end = oldest.unwrap_or_else(Instant::now) + patience;
            if Instant::now() >= end {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer is unread until all parts of this are dropped.
#[derive(Debug)]
struct Mark {
    peer: Arc<Peer>,
    nth: u64,
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.peer.lock().since.remove(&self.nth);
    }
}

/// A body whose bytes hold a mark until they are written.
struct Marked {
    answer: Body,
    mark: Arc<Mark>,
}

impl HttpBody for Marked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.answer).poll_frame(cx));
        let mark = &self.mark;
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| {
                frame.map_data(|bytes| {
                    Bytes::from_owner(Held {
                        bytes,
                        _until_written: Arc::clone(mark),
                    })
                })
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.answer)
    }
}

/// Bytes, and what they hold on to until they are dropped.
pub(super) struct Held<B, H> {
    pub(super) bytes: B,
    pub(super) _until_written: H,
}

impl<B: AsRef<[u8]>, H> AsRef<[u8]> for Held<B, H> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

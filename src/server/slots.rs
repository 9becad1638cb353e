//! The slots of a port: how many connections it has, and which of them ends when the port is full.
//!
//! No client is known by name, so a connection is known by what it does. One that has not been useful (has not sent a
//! review) loses its slot first, the oldest of these first. Then follow the useful ones that have been idle longest. A
//! connection whose request is being answered keeps its slot. Where nobody may be closed yet, the new connection waits.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::metrics::{Metrics, Port};
use crate::telemetry::RateLimit;

/// The slots of one port.
#[derive(Debug)]
pub(super) struct Slots {
    port: Port,
    most: usize,
    /// A connection that was not useful keeps its slot this long.
    grace: Duration,
    /// A useful one keeps it this long after its last request.
    rest: Duration,
    held: Mutex<Held>,
    freed: Notify,
    metrics: Arc<Metrics>,
    log: RateLimit,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    holders: BTreeMap<u64, Holder>,
}

#[derive(Debug)]
struct Holder {
    /// When it was opened, or when its last request ended.
    since: Instant,
    useful: bool,
    /// Requests being answered.
    busy: usize,
    cut: CancellationToken,
}

impl Slots {
    pub(super) fn new(port: Port, most: usize, grace: Duration, rest: Duration, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            port,
            most,
            grace,
            rest,
            held: Mutex::default(),
            freed: Notify::new(),
            metrics,
            log: RateLimit::new(Duration::from_secs(10)),
        })
    }

    /// Takes a slot; where there is none, one of the others is made to end.
    pub(super) async fn take(self: &Arc<Self>) -> Slot {
        loop {
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            if self.held().holders.len() < self.most {
                return self.take_beyond();
            }
            let wait = self.make_room();
            tokio::select! {
                () = freed => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Takes a slot, however many are taken.
    pub(super) fn take_beyond(self: &Arc<Self>) -> Slot {
        let cut = CancellationToken::new();
        let mut held = self.held();
        let nth = held.next;
        held.next += 1;
        let holder = Holder {
            since: Instant::now(),
            useful: false,
            busy: 0,
            cut: cut.clone(),
        };
        held.holders.insert(nth, holder);
        drop(held);
        Slot {
            slots: Arc::clone(self),
            nth,
            cut,
        }
    }

    /// Whether more than half of the slots are taken.
    pub(super) fn crowded(&self) -> bool {
        self.held().holders.len() > self.most / 2
    }

    /// Makes one connection end, unless one is about to end. Returns how long to wait for somebody to end.
    pub(super) fn make_room(&self) -> Duration {
        let held = self.held();
        let mut idle = held.holders.values().filter(|holder| holder.busy == 0);
        let is_ending = |holder: &Holder| holder.cut.is_cancelled();
        let Some(first) = idle.next().filter(|_| !held.holders.values().any(is_ending)) else {
            return self.rest;
        };
        let last = idle.fold(first, |last, holder| {
            if (holder.useful, holder.since) < (last.useful, last.since) {
                holder
            } else {
                last
            }
        });
        let patience = if last.useful { self.rest } else { self.grace };
        let left = patience.saturating_sub(last.since.elapsed());
        if !left.is_zero() {
            return left;
        }
        last.cut.cancel();
        self.metrics.evicted(self.port);
        if self.log.pass() {
            tracing::warn!(
                port = self.port.as_str(),
                reviewed = last.useful,
                "no room for a new connection: closing the oldest one that sent no review, or else the one idle longest"
            );
        }
        self.rest
    }

    fn with(&self, nth: u64, change: impl FnOnce(&mut Holder)) {
        if let Some(holder) = self.held().holders.get_mut(&nth) {
            change(holder);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One slot. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    nth: u64,
    cut: CancellationToken,
}

impl Slot {
    /// The number of the connection on its port.
    pub(super) fn nth(&self) -> u64 {
        self.nth
    }

    /// Waits until the connection must end to make room for another.
    pub(super) async fn lost(&self) {
        self.cut.cancelled().await;
    }

    /// Whether more than half of the port's slots are taken.
    pub(super) fn crowded(&self) -> bool {
        self.slots.crowded()
    }

    /// What its requests hold on to. It does not keep the slot.
    pub(super) fn holder(&self) -> SlotHolder {
        SlotHolder {
            slots: Arc::clone(&self.slots),
            nth: self.nth,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.held().holders.remove(&self.nth);
        self.slots.freed.notify_waiters();
    }
}

/// The connection that a request came over.
#[derive(Debug)]
pub(super) struct SlotHolder {
    slots: Arc<Slots>,
    nth: u64,
}

impl SlotHolder {
    /// A review has arrived whole. Until the guard is dropped the connection keeps its slot.
    pub(super) fn answering(&self) -> Answering<'_> {
        self.slots.with(self.nth, |holder| holder.busy += 1);
        Answering {
            holder: self,
            useful: false,
        }
    }
}

/// A review is being answered.
#[derive(Debug)]
pub(super) struct Answering<'a> {
    holder: &'a SlotHolder,
    /// Whether it was a review.
    pub(super) useful: bool,
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.holder.slots.with(self.holder.nth, |holder| {
            holder.busy = holder.busy.saturating_sub(1);
            holder.useful |= self.useful;
            if self.useful {
                holder.since = Instant::now();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(most: usize, grace: Duration, rest: Duration) -> Arc<Slots> {
        Slots::new(Port::Webhook, most, grace, rest, Arc::new(Metrics::new()))
    }

    const HOUR: Duration = Duration::from_secs(3600);

    fn use_it(slot: &Slot) {
        slot.holder().answering().useful = true;
    }

    #[tokio::test]
    async fn the_oldest_that_was_not_useful_ends_first() {
        let slots = slots(3, Duration::ZERO, Duration::ZERO);
        let (useful, oldest, newer) = (slots.take().await, slots.take().await, slots.take().await);
        use_it(&useful);
        let (_, newest) = tokio::join!(
            async {
                oldest.lost().await;
                drop(oldest);
            },
            slots.take()
        );
        assert_eq!(newest.nth(), 3);
        assert!(!useful.cut.is_cancelled() && !newer.cut.is_cancelled());
    }

    #[tokio::test]
    async fn of_useful_ones_the_longest_idle_ends_and_a_busy_one_never() {
        let slots = slots(3, Duration::ZERO, Duration::ZERO);
        let (busy, idle, idler) = (slots.take().await, slots.take().await, slots.take().await);
        let holder = busy.holder();
        let _answering = holder.answering();
        use_it(&idler);
        use_it(&idle);
        slots.make_room();
        assert!(idler.cut.is_cancelled());
        drop(idler);
        slots.make_room();
        assert!(idle.cut.is_cancelled());
        drop(idle);
        slots.make_room();
        assert!(!busy.cut.is_cancelled());
    }

    #[tokio::test]
    async fn one_ends_for_each_that_comes() {
        let slots = slots(2, Duration::ZERO, HOUR);
        let both = (slots.take().await, slots.take().await);
        slots.make_room();
        slots.make_room();
        assert!(both.0.cut.is_cancelled() && !both.1.cut.is_cancelled());
    }

    #[tokio::test]
    async fn nobody_ends_within_the_grace_and_the_rest() {
        let slots = slots(2, HOUR, HOUR);
        let (new, used) = (slots.take().await, slots.take().await);
        use_it(&used);
        slots.make_room();
        drop(new);
        slots.make_room();
        assert!(!used.cut.is_cancelled());
    }
}

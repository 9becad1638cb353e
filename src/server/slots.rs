//! The slots of a port: how many connections it has, and which of them ends when the port is full.
//!
//! Slots are shared by address. A connection is a stranger until it has sent a review. When the port is full, the address
//! with the most strangers loses its oldest one, and first one that has sent something that is no review. Where few strangers
//! have a slot, the address with the most connections loses the one that has been idle longest: a connection that has sent
//! reviews loses its slot to others like it, and not to any number of strangers. A connection whose request is being answered
//! keeps its slot. Where nobody may be closed yet, the new connection waits.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::fair::Origin;
use crate::metrics::{Metrics, Port};
use crate::telemetry::RateLimit;

/// The slots of one port.
#[derive(Debug)]
pub(super) struct Slots {
    port: Port,
    most: usize,
    /// A stranger keeps its slot this long, unless its address has more strangers than that of the new connection has
    /// connections.
    grace: Duration,
    /// A connection that has sent a review keeps its slot this long after its last review, unless its address has more
    /// of these than that of the new one has connections.
    rest: Duration,
    held: Mutex<Held>,
    /// A slot may be free, or may be taken from a connection.
    changed: Notify,
    /// Whoever has it is the next to get a slot.
    turn: tokio::sync::Mutex<()>,
    metrics: Arc<Metrics>,
    log: RateLimit,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    holders: BTreeMap<u64, Holder>,
    idle: BTreeMap<Origin, Idle>,
}

#[derive(Debug)]
struct Holder {
    origin: Origin,
    standing: Standing,
    /// When it was opened, or when its last request ended.
    since: Instant,
    /// Requests being answered.
    busy: usize,
    cut: CancellationToken,
}

/// What a connection has shown of itself. The lesser ends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// It has sent something that is no review.
    Refused,
    /// It has not sent a whole request.
    New,
    /// It has sent a review.
    Reviewed,
}

/// The connections of one address that may be closed, those that end first in front.
#[derive(Debug, Default)]
struct Idle {
    strangers: BTreeSet<(Standing, Instant, u64)>,
    reviewed: BTreeSet<(Standing, Instant, u64)>,
}

impl Idle {
    fn of(&mut self, standing: Standing) -> &mut BTreeSet<(Standing, Instant, u64)> {
        match standing {
            Standing::Reviewed => &mut self.reviewed,
            Standing::Refused | Standing::New => &mut self.strangers,
        }
    }
}

impl Held {
    fn insert(&mut self, origin: Origin) -> (u64, CancellationToken) {
        let nth = self.next;
        self.next += 1;
        let cut = CancellationToken::new();
        let holder = Holder {
            origin,
            standing: Standing::New,
            since: Instant::now(),
            busy: 0,
            cut: cut.clone(),
        };
        self.is_idle(nth, &holder);
        self.holders.insert(nth, holder);
        (nth, cut)
    }

    /// Ends its right to a slot; `None` if it has none.
    fn remove(&mut self, nth: u64) -> Option<Holder> {
        let holder = self.holders.remove(&nth)?;
        self.is_not_idle(nth, &holder);
        Some(holder)
    }

    fn change(&mut self, nth: u64, change: impl FnOnce(&mut Holder)) {
        if let Some(mut holder) = self.remove(nth) {
            change(&mut holder);
            if holder.busy == 0 {
                self.is_idle(nth, &holder);
            }
            self.holders.insert(nth, holder);
        }
    }

    fn is_idle(&mut self, nth: u64, holder: &Holder) {
        let idle = self.idle.entry(holder.origin).or_default();
        idle.of(holder.standing).insert((holder.standing, holder.since, nth));
    }

    fn is_not_idle(&mut self, nth: u64, holder: &Holder) {
        let Some(idle) = self.idle.get_mut(&holder.origin) else {
            return;
        };
        idle.of(holder.standing).remove(&(holder.standing, holder.since, nth));
        if idle.strangers.is_empty() && idle.reviewed.is_empty() {
            self.idle.remove(&holder.origin);
        }
    }
}

impl Slots {
    pub(super) fn new(port: Port, most: usize, grace: Duration, rest: Duration, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            port,
            most,
            grace,
            rest,
            held: Mutex::default(),
            changed: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
            metrics,
            log: RateLimit::new(Duration::from_secs(10)),
        })
    }

    /// Takes a slot, if need be from another connection; waits where none may be closed yet.
    pub(super) async fn take(self: &Arc<Self>, origin: Origin) -> Slot {
        if let Ok(slot) = self.try_take(origin) {
            return slot;
        }
        let _turn = self.turn.lock().await;
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            match self.try_take(origin) {
                Ok(slot) => return slot,
                Err(wait) => tokio::select! {
                    () = changed => {}
                    () = sleep(wait) => {}
                },
            }
        }
    }

    /// As [`Slots::take`], but where none may be closed yet, there is one connection too many.
    pub(super) fn take_now(self: &Arc<Self>, origin: Origin) -> Slot {
        self.try_take(origin).unwrap_or_else(|_| self.take_beyond(origin))
    }

    /// Takes a slot, however many are taken.
    pub(super) fn take_beyond(self: &Arc<Self>, origin: Origin) -> Slot {
        let (nth, cut) = self.held().insert(origin);
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

    /// Takes a slot now, if need be from another connection.
    ///
    /// # Errors
    /// There is none for this origin: how long to wait at most.
    pub(super) fn try_take(self: &Arc<Self>, origin: Origin) -> Result<Slot, Duration> {
        if self.held().holders.len() >= self.most {
            self.make_room(Some(origin))?;
        }
        Ok(self.take_beyond(origin))
    }

    /// Makes one connection end. `origin` is that of the new connection; without one, any stranger ends.
    ///
    /// # Errors
    /// No connection may be closed yet: how long to wait at most.
    pub(super) fn make_room(&self, origin: Option<Origin>) -> Result<(), Duration> {
        let mut held = self.held();
        let own = origin.and_then(|origin| held.idle.get(&origin));
        let own = own.map_or(0, |own| own.strangers.len() + own.reviewed.len());
        let most = |size: fn(&Idle) -> usize| held.idle.values().max_by_key(|idle| size(idle));
        let strangers: usize = held.idle.values().map(|idle| idle.strangers.len()).sum();
        let are_few = strangers < self.most.div_ceil(4);
        let strangers = most(|idle| idle.strangers.len())
            .and_then(|idle| Some((idle.strangers.first()?, idle.strangers.len() > own + 1, self.grace)));
        let reviewed = most(|idle| idle.reviewed.len())
            .and_then(|idle| Some((idle.reviewed.first()?, idle.reviewed.len() > own + 1, self.rest)));
        let mut wait = self.rest.max(self.grace);
        let mut loser = None;
        let reviewed = reviewed.filter(|(_, is_more, _)| are_few || *is_more);
        for (&(standing, since, nth), is_more, patience) in strangers.into_iter().chain(reviewed) {
            let left = match standing {
                Standing::Refused => Duration::ZERO,
                _ if is_more => Duration::ZERO,
                _ => patience.saturating_sub(since.elapsed()),
            };
            if left.is_zero() {
                loser = Some(nth);
                break;
            }
            wait = wait.min(left);
        }
        let Some(loser) = loser.and_then(|nth| held.remove(nth)) else {
            return Err(wait);
        };
        drop(held);
        loser.cut.cancel();
        self.metrics.evicted(self.port);
        if self.log.pass() {
            tracing::warn!(
                port = self.port.as_str(),
                from = %loser.origin,
                reviewed = loser.standing == Standing::Reviewed,
                "no room for a new connection: closing one of the address with the most connections"
            );
        }
        Ok(())
    }

    fn change(&self, nth: u64, change: impl FnOnce(&mut Holder)) {
        self.held().change(nth, change);
        self.changed.notify_waiters();
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
        if self.slots.held().remove(self.nth).is_some() {
            self.slots.changed.notify_waiters();
        }
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
        self.slots.change(self.nth, |holder| holder.busy += 1);
        Answering {
            holder: self,
            reviewed: false,
        }
    }

    /// A request came that is no review.
    pub(super) fn refused(&self) {
        self.slots.change(self.nth, |holder| {
            if holder.standing == Standing::New {
                holder.standing = Standing::Refused;
            }
        });
    }
}

/// A review is being answered.
#[derive(Debug)]
pub(super) struct Answering<'a> {
    holder: &'a SlotHolder,
    /// Whether it was a review.
    pub(super) reviewed: bool,
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.holder.slots.change(self.holder.nth, |holder| {
            holder.busy = holder.busy.saturating_sub(1);
            if self.reviewed {
                holder.standing = Standing::Reviewed;
                holder.since = Instant::now();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::fair::origin;
    use super::*;

    fn slots(most: usize, grace: Duration, rest: Duration) -> Arc<Slots> {
        Slots::new(Port::Webhook, most, grace, rest, Arc::new(Metrics::new()))
    }

    const HOUR: Duration = Duration::from_secs(3600);

    fn review(slot: &Slot) {
        slot.holder().answering().reviewed = true;
    }

    fn is_lost(slot: &Slot) -> bool {
        slot.cut.is_cancelled()
    }

    #[tokio::test]
    async fn the_oldest_stranger_ends_first_and_before_it_a_refused_one() {
        let slots = slots(4, Duration::ZERO, Duration::ZERO);
        let mut four = Vec::new();
        for _ in 0..4 {
            four.push(slots.take(origin(1)).await);
        }
        review(&four[0]);
        four[2].holder().refused();
        let _fifth = slots.take(origin(1)).await;
        assert_eq!(
            four.iter().map(is_lost).collect::<Vec<_>>(),
            [false, false, true, false]
        );
        let _sixth = slots.take(origin(1)).await;
        assert_eq!(four.iter().map(is_lost).collect::<Vec<_>>(), [false, true, true, false]);
    }

    #[tokio::test]
    async fn of_reviewed_ones_the_longest_idle_ends_and_a_busy_one_never() {
        let slots = slots(3, Duration::ZERO, Duration::ZERO);
        let (busy, idle, idler) = (
            slots.take(origin(1)).await,
            slots.take(origin(1)).await,
            slots.take(origin(1)).await,
        );
        let holder = busy.holder();
        let _answering = holder.answering();
        review(&idler);
        review(&idle);
        for lost in [[false, true], [true, true], [true, true]] {
            let _ = slots.make_room(Some(origin(1)));
            assert_eq!([is_lost(&idle), is_lost(&idler)], lost);
        }
        assert!(!is_lost(&busy));
    }

    #[tokio::test]
    async fn nobody_ends_within_the_grace_and_the_rest_for_the_same_address() {
        let slots = slots(2, HOUR, HOUR);
        let (new, used) = (slots.take(origin(1)).await, slots.take(origin(1)).await);
        review(&used);
        assert!(slots.make_room(Some(origin(1))).is_err());
        drop(new);
        assert!(slots.make_room(Some(origin(1))).is_err());
        assert!(!is_lost(&used));
    }

    /// Neither grace nor rest keeps the slots of an address that has more than others.
    #[tokio::test]
    async fn the_address_with_the_most_makes_room_for_another() {
        for has_reviewed in [false, true] {
            let slots = slots(4, HOUR, HOUR);
            let mut many = Vec::new();
            for _ in 0..4 {
                let slot = slots.take(origin(1)).await;
                if has_reviewed {
                    review(&slot);
                }
                many.push(slot);
            }
            let other = slots.take(origin(2)).await;
            let another = slots.take(origin(2)).await;
            assert_eq!(many.iter().filter(|slot| is_lost(slot)).count(), 2);
            // Two each: no one can complain.
            assert!(slots.make_room(Some(origin(1))).is_err());
            assert!(slots.make_room(Some(origin(2))).is_err());
            assert!(!is_lost(&other) && !is_lost(&another));
            assert_eq!(slots.held().holders.len(), 4);
        }
    }

    /// An API server with many connections in use loses none to peers that send no review.
    #[tokio::test]
    async fn strangers_make_room_before_whoever_has_reviewed() {
        let slots = slots(8, Duration::ZERO, Duration::ZERO);
        let mut reviewed = Vec::new();
        for _ in 0..5 {
            let slot = slots.take(origin(1)).await;
            review(&slot);
            reviewed.push(slot);
        }
        let mut strangers = Vec::new();
        for nth in 2..100 {
            strangers.push(slots.take(origin(nth)).await);
        }
        assert!(!reviewed.iter().any(is_lost));
        assert_eq!(strangers.iter().filter(|slot| !is_lost(slot)).count(), 3);
    }

    /// An idle connection that has sent reviews outlives strangers of its own address, however many come.
    #[tokio::test]
    async fn strangers_of_the_same_address_wait_for_each_other() {
        let slots = slots(8, HOUR, Duration::ZERO);
        let mut held = Vec::new();
        for nth in 0..8 {
            held.push(slots.take(origin(1)).await);
            if nth < 6 {
                review(&held[nth]);
            }
        }
        assert!(
            slots.make_room(Some(origin(1))).is_err(),
            "two strangers have their grace"
        );
        held[7].holder().refused();
        assert!(slots.make_room(Some(origin(1))).is_ok());
        assert_eq!(held.iter().filter(|slot| is_lost(slot)).count(), 1);
        assert!(is_lost(&held[7]));
        // One stranger is few.
        assert!(slots.make_room(Some(origin(1))).is_ok());
        assert!(is_lost(&held[0]) && !is_lost(&held[6]));
    }

    #[tokio::test]
    async fn one_that_waits_gets_the_next_slot() {
        let slots = slots(1, HOUR, HOUR);
        let first = slots.take(origin(1)).await;
        let (second, ()) = tokio::join!(slots.take(origin(1)), async { drop(first) });
        let third = tokio::join!(slots.take(origin(1)), async { second.holder().refused() }).0;
        assert!(is_lost(&second) && !is_lost(&third));
        drop((second, third));
        assert!(slots.held().idle.is_empty());
    }
}

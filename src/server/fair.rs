//! What peers share by address, so that one address cannot take all of it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a connection comes from: an IPv4 address, or a /64 network of IPv6, because one host can have all its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin(IpAddr);

impl Origin {
    /// Where a request without a connection comes from.
    pub(super) const UNKNOWN: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
}

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
            IpAddr::V4(address) => Self(address.into()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(out),
            IpAddr::V6(network) => write!(out, "{network}/64"),
        }
    }
}

/// An amount of something that all origins share. An origin that has a part of it can get more only while twice as much as
/// its part is left. However many origins take as much as they can, something is left for the next one.
#[derive(Debug)]
pub(super) struct Shares {
    whole: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    sum: usize,
    by: BTreeMap<Origin, usize>,
}

impl Shares {
    /// Nothing of `whole` is taken yet.
    pub(super) fn new(whole: usize) -> Arc<Self> {
        Arc::new(Self {
            whole,
            taken: Mutex::default(),
        })
    }

    /// A part without anything, for this origin to grow.
    pub(super) fn part(self: &Arc<Self>, origin: Origin) -> Part {
        Part {
            shares: Arc::clone(self),
            origin,
            amount: 0,
        }
    }

    /// Takes a part; `None` if too little is left for this origin.
    pub(super) fn take(self: &Arc<Self>, origin: Origin, amount: usize) -> Option<Part> {
        let mut part = self.part(origin);
        part.grow(amount).then_some(part)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.whole - self.taken().sum
    }
}

/// A part of some [`Shares`]. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Part {
    shares: Arc<Shares>,
    origin: Origin,
    amount: usize,
}

impl Part {
    /// Another one for the same origin, without anything.
    pub(super) fn empty(&self) -> Self {
        self.shares.part(self.origin)
    }

    /// Whose it is.
    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// Takes more. `false`, and nothing is taken, if too little is left.
    pub(super) fn grow(&mut self, more: usize) -> bool {
        if more == 0 {
            return true;
        }
        let mut taken = self.shares.taken();
        let own = taken.by.get(&self.origin).copied().unwrap_or(0);
        let Some(left) = self.shares.whole.saturating_sub(taken.sum).checked_sub(more) else {
            return false;
        };
        if own > 0 && own.saturating_add(more) > left.saturating_mul(2) {
            return false;
        }
        taken.sum += more;
        *taken.by.entry(self.origin).or_default() += more;
        self.amount += more;
        true
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.amount == 0 {
            return;
        }
        let mut taken = self.shares.taken();
        taken.sum = taken.sum.saturating_sub(self.amount);
        if let Some(own) = taken.by.get_mut(&self.origin) {
            *own = own.saturating_sub(self.amount);
            if *own == 0 {
                taken.by.remove(&self.origin);
            }
        }
    }
}

/// The `nth` address of a test.
#[cfg(test)]
pub(super) fn origin(nth: u8) -> Origin {
    IpAddr::from([127, 0, 0, nth]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(shares: &Arc<Shares>, origin: Origin, each: usize) -> Vec<Part> {
        std::iter::from_fn(|| shares.take(origin, each)).collect()
    }

    #[test]
    fn an_origin_leaves_a_third_for_others() {
        let shares = Shares::new(30);
        let first = take_all(&shares, origin(1), 1);
        assert_eq!(first.len(), 20);
        let second = take_all(&shares, origin(2), 1);
        assert_eq!(second.len(), 6);
        assert_eq!(take_all(&shares, origin(3), 1).len(), 2);
        drop(first);
        assert_eq!(shares.left(), 24);
        drop(second);
        assert_eq!(shares.left(), 30);
        assert!(shares.taken().by.is_empty());
    }

    #[test]
    fn who_has_nothing_may_take_all_that_is_left() {
        let shares = Shares::new(30);
        let all = shares.take(origin(1), 30).unwrap();
        assert!(shares.take(origin(2), 1).is_none());
        drop(all);
        assert!(shares.take(origin(2), 31).is_none());
        assert_eq!(shares.left(), 30);
    }

    #[test]
    fn a_part_that_cannot_grow_stays_as_it_is() {
        let shares = Shares::new(30);
        let mut part = shares.take(origin(1), 15).unwrap();
        assert!(!part.grow(6));
        assert!(part.grow(5));
        drop(part);
        assert_eq!(shares.left(), 30);
    }

    #[test]
    fn one_network_of_ipv6_is_one_origin() {
        let origin = |text: &str| Origin::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:2"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_eq!(origin("::ffff:10.0.0.1"), origin("10.0.0.1"));
        assert_ne!(origin("10.0.0.1"), origin("10.0.0.2"));
        assert_eq!(origin("2001:db8::1").to_string(), "2001:db8::/64");
    }
}

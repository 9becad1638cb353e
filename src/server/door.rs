//! Connections that have no slot yet. They cost a socket and little else, so there may be many. Each waits here until its
//! client sends something, and then for a slot. One that has sent something by the time it is accepted gets its slot at
//! once, if there is one for it: it does not wait behind any number of silent ones.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::fair::Origin;
use super::limits::Limits;
use super::shutdown::{Phase, reached};
use super::slots::{Slot, Slots};
use crate::metrics::{Metrics, Port};

/// The door of the webhook port, and the slots behind it.
#[derive(Debug)]
pub(super) struct Door {
    places: Arc<Slots>,
    slots: Arc<Slots>,
    patience: Duration,
}

impl Door {
    pub(super) fn new(limits: &Limits, metrics: &Arc<Metrics>) -> Self {
        let slots = |most, grace, rest| Slots::new(Port::Webhook, most, grace, rest, Arc::clone(metrics));
        Self {
            places: slots(limits.waiting, Duration::ZERO, Duration::ZERO),
            slots: slots(limits.connections, limits.grace, limits.rest),
            patience: limits.handshake,
        }
    }

    /// Lets a connection in. Where too many wait, one of the address with the most of them is closed.
    ///
    /// # Errors
    /// The socket cannot be used.
    pub(super) fn enter(&self, stream: TcpStream, peer: SocketAddr) -> io::Result<Guest> {
        let origin = Origin::from(peer.ip());
        // tokio does not know yet whether there is something to read.
        let stream = stream.into_std()?;
        let is_silent = matches!(stream.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        let slot = if is_silent {
            None
        } else {
            self.slots.try_take(origin).ok()
        };
        Ok(Guest {
            stream: TcpStream::from_std(stream)?,
            origin,
            place: slot.map_or_else(|| Place::Door(self.places.take_now(origin)), Place::Slot),
            slots: Arc::clone(&self.slots),
            patience: self.patience,
        })
    }

    /// Closes a connection, because the system has none to give.
    pub(super) fn make_room(&self) {
        let _ = self.places.make_room(None).or_else(|_| self.slots.make_room(None));
    }
}

/// What a connection has when it is accepted.
#[derive(Debug)]
enum Place {
    Door(Slot),
    Slot(Slot),
}

/// A connection that has just come.
#[derive(Debug)]
pub(super) struct Guest {
    stream: TcpStream,
    origin: Origin,
    place: Place,
    slots: Arc<Slots>,
    patience: Duration,
}

/// A connection with its slot.
#[derive(Debug)]
pub(super) struct Seated {
    pub(super) stream: TcpStream,
    pub(super) origin: Origin,
    pub(super) slot: Slot,
}

/// Why a connection got no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Its client sent nothing in time.
    Silent,
    /// Others wait in its place, or the server has stopped.
    Lost,
}

impl Guest {
    /// Waits for the first byte, and for a slot.
    pub(super) async fn seat(self, phase: &watch::Receiver<Phase>) -> Result<Seated, Left> {
        let Self {
            stream, origin, place, ..
        } = self;
        let place = match place {
            Place::Slot(slot) => return Ok(Seated { stream, origin, slot }),
            Place::Door(place) => place,
        };
        let (mut closing, mut stopped) = (phase.clone(), phase.clone());
        let seat = async {
            // Errors are for whoever reads on.
            let first_byte = timeout(self.patience, stream.readable()).await;
            let _ = first_byte.map_err(|_| Left::Silent)?;
            tokio::select! {
                biased;
                slot = self.slots.take(origin) => Ok(slot),
                // No more come after these, so they need no free slot.
                () = reached(&mut closing, Phase::Closing) => Ok(self.slots.take_beyond(origin)),
            }
        };
        let slot = tokio::select! {
            biased;
            slot = seat => slot,
            () = place.lost() => Err(Left::Lost),
            () = reached(&mut stopped, Phase::Stopped) => Err(Left::Lost),
        }?;
        Ok(Seated { stream, origin, slot })
    }
}

//! What an update does, and which parts of the object stay as they are stored.
//!
//! A re-applied manifest repeats what its author wrote, without what raygate filled in. So the record of an object holds,
//! for each part, a fingerprint of what `/mutate` received. A part that comes again as it is stored, or as it was
//! received, stays as it is stored: a re-applied manifest changes nothing, even under newer policies. A forged
//! fingerprint only brings back what is stored.

mod autoscaler;
mod fingerprint;
mod part;
mod parts;
mod scheduling;
mod state;
mod upgrade;

pub use fingerprint::{RECEIVED, Received, Seen};
pub use part::Part;
pub use parts::{Parts, Treatment};
pub use scheduling::without_scheduling;
pub use state::Update;
pub use upgrade::{UPGRADES, upgrade};

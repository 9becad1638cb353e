//! What raygate does to a RayJob and what it says of it: injectors fill in, checks find and may repair.
//!
//! Both are pure functions from a RayJob and the effective policy: an injector plans [`edit::Edit`]s, a check
//! collects [`finding::Finding`]s, and a finding may carry the edits that repair it. Nothing here changes the object;
//! the engine does, in the order of the tables [`INJECTORS`], [`check::REPAIRS`] and [`check::FAMILIES`].

pub mod check;
mod cx;
pub mod edit;
pub mod finding;
pub mod inject;
pub mod own;

pub use check::Check;
pub use cx::{Chosen, Cx, SKIP_ANNOTATION};
pub use edit::{Edit, Op, Plan};
pub use finding::{Finding, Findings};
pub use inject::{INJECTORS, Injector};

/// The annotation that says what raygate did to an object.
pub const APPLIED_ANNOTATION: &str = "raygate.dev/applied";

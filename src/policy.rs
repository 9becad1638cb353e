//! The policy files: their language, how they are read, and what those that match a RayJob come to together.
//!
//! This room parses and merges. It knows neither checks nor injectors: codes and injector names are text here, and
//! whoever loads policies says which ones there are ([`load::Known`]).

pub mod capacity;
pub mod codes;
pub mod exemption;
mod facts;
pub mod json_schema;
mod leaf;
pub mod lint;
pub mod load;
pub mod merge;
mod origin;
mod platform;
pub mod read;
pub mod rule;
pub mod schema;
pub mod select;
pub mod selector;
mod set;
pub mod settings;

pub use exemption::Exemption;
pub use load::load;
pub use merge::{Effective, Leaf};
pub use origin::Origin;
pub use selector::Subject;

pub use facts::Platform;
pub use leaf::SetLeaf;
pub use set::{PolicySet, RayPolicy};

//! From the bytes of policy files to a set of policies: what loaded, and every diagnostic. Whether a mistake is fatal
//! is the caller's choice.

mod exemption;
mod loader;
mod sound;

pub use loader::{Known, KnownCode, Loaded, Source, leaf_names, load};
pub use sound::{LeftOut, Sound, sound};

//! Evaluation: a request and a policy bundle go in, an outcome comes out, and nothing else is touched.

pub mod admit;
pub mod bound;
pub mod bundle;
pub mod child;
pub mod compare;
pub mod decode;
pub mod document;
pub mod judge;
pub mod judged;
pub mod mutate;
pub mod preview;
mod request;
pub mod trace;
pub mod update;

pub use admit::{How, admit};
pub use bundle::{Bundle, Compiled};
pub use decode::Decoded;
pub use document::Document;
pub use judged::{Finder, Judged, Verdict};
pub use mutate::Change;
pub use preview::Preview;

pub use request::{Operation, Outcome, Request};

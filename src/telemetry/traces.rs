//! Traces of reviews, in a build with the cargo feature `otel` and where the environment names a collector.
//!
//! The spans of a review are made once it is answered, from the times that the histograms get too. So a review is measured
//! once, and while it is evaluated no span is alive; a build without the feature has no trace of this.

mod answered;
#[cfg(feature = "otel")]
mod client;
#[cfg(not(feature = "otel"))]
mod none;
#[cfg(feature = "otel")]
mod otlp;

use answered::collector;
pub use answered::{Answered, TracesError};
#[cfg(not(feature = "otel"))]
pub use none::{Waiting, start, trace};
#[cfg(feature = "otel")]
pub use otlp::{Waiting, start, trace};

//! Certificates for the webhook: a CA of our own and a serving certificate below it.
//!
//! The API server trusts one CA for each webhook, its `caBundle`, so nothing is gained by a public one. Everything here
//! is a function of its arguments and of the random numbers that make a key: the caller brings the clock, and writes the
//! files.

pub mod bundle;
pub mod generate;
pub mod names;

pub use bundle::{CaBundle, CaCertificate};
pub use generate::{Authority, Issued, Order, issue};
pub use names::{DnsLabel, SubjectName, service_names};

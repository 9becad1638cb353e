//! The list of hostile inputs and faults, item by item, against the shipped binary over real sockets.
//!
//! A test is called after its item's number and what it tries. [`ITEMS`] says of every item where it is tried; those
//! that need a control plane run in the cluster tests. A test here fails where an item is tried nowhere.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod attempts;
mod binary;
mod creates;
mod envelope;
mod faults;
mod hogs;
mod items;
mod jobs;
mod memory;
mod policies;
#[path = "../cluster/process.rs"]
#[allow(dead_code, reason = "the cluster tests use the rest of it")]
mod process;
mod security;
mod semantics;
mod transport;

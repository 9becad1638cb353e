//! The server over real sockets: protocols, hostile clients, certificates, overload and the end.
//!
//! Every deadline is injected, so that no test waits for a real one, and none asserts how fast the machine is.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

mod bodies;
mod certificates;
mod client;
mod clients;
mod command;
#[path = "../tools/config_map.rs"]
mod config_map;
mod drain;
mod facts;
mod harness;
mod overload;
mod policies;
mod protocols;
mod reload;
mod sighup;
mod slots;

//! The server over real sockets: protocols, hostile clients, certificates, overload and the end.
//!
//! Every deadline is injected, so that no test waits for a real one, and none asserts how fast the machine is.

mod bodies;
mod certificates;
mod client;
mod drain;
mod harness;
mod overload;
mod protocols;

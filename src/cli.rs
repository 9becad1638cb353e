//! The `raygate` command line.

pub mod serve;

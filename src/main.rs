//! The `raygate` command.

fn main() {}

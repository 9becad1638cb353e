//! The `raygate` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    raygate::cli::run()
}

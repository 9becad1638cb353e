//! The `raygate` command.

use std::process::ExitCode;

/// Reviews are many small allocations on few threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    raygate::cli::run()
}

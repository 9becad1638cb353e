//! The `raygate` command.

use std::process::ExitCode;

/// Reviews are many small allocations on few threads. Without huge pages, which take 2 MiB for the first byte, the process
/// needs half of the memory, and the same on every node (`cargo bench --bench soak`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // What panicked has been printed; the exit code shall not be mistaken for findings.
    std::panic::catch_unwind(raygate::cli::run).unwrap_or(ExitCode::from(raygate::cli::INTERNAL))
}

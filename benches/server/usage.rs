//! What a process has used, as Linux counts it.

use std::fs;
use std::time::Duration;

/// Resident memory, in KiB.
pub(crate) struct Memory {
    /// The most until now.
    pub(crate) peak: u64,
}

pub(crate) fn memory(process: u32) -> Memory {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("read a process's status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.expect("a line VmHWM").split_whitespace().next();
    Memory {
        peak: words.expect("a number").parse().expect("KiB"),
    }
}

/// The processor time of all threads. One that ends takes its time with it, so look before and after a short while.
pub(crate) fn processor_time(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("list a process's threads");
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

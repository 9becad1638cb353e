//! The injectors: each fills in one thing, in the order of the table.

pub use injector::Injector;

pub mod accelerators;
mod injector;
pub mod lifecycle;
pub mod pods;
pub mod readiness;
pub mod shared_memory;
pub mod submitter;

/// All injectors, in the order in which they act. What a policy puts on the pods comes first: the others read start
/// parameters, node selectors and queue labels. The repairs of the checks come before them, and once more after the
/// first.
pub static INJECTORS: &[Injector] = &[
    pods::INJECTOR,
    accelerators::INJECTOR,
    shared_memory::INJECTOR,
    readiness::INJECTOR,
    lifecycle::INJECTOR,
    submitter::INJECTOR,
];

//! The injectors: each fills in one thing, in the order of the table.

use crate::ray::{Kinds, Workload};

use super::Cx;
use super::edit::Plan;

pub mod accelerators;
pub mod lifecycle;
pub mod pods;
pub mod readiness;
pub mod shared_memory;
pub mod submitter;

/// An injector.
#[derive(Debug)]
pub struct Injector {
    /// Its name, in policies, in the annotation `raygate.dev/skip` and in the record of what was done.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// The settings that steer it.
    pub settings: &'static [&'static str],
    /// The kinds of objects that it completes.
    pub kinds: Kinds,
    /// Plans its edits of an object of one of these kinds, or none.
    pub plan: fn(&Cx<'_>, &Workload<'_>, &mut Plan),
}

impl Injector {
    /// Plans its edits of an object, if the injector is for its kind.
    pub fn look(&self, cx: &Cx<'_>, job: &Workload<'_>, plan: &mut Plan) {
        if self.kinds.include(job.kind) {
            (self.plan)(cx, job, plan);
        }
    }
}

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

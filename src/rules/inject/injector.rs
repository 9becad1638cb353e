//! An injector as an entry of its table.

use crate::ray::{Kinds, Workload};
use crate::rules::Cx;
use crate::rules::edit::Plan;

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

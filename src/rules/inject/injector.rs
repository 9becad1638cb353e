//! An injector as an entry of its table.

use super::super::Cx;
use super::super::edit::Plan;
use crate::ray::Workload;

/// An injector.
#[derive(Debug)]
pub struct Injector {
    /// Its name, in policies, in the annotation `raygate.dev/skip` and in the record of what was done.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// The settings that steer it.
    pub settings: &'static [&'static str],
    /// Plans its edits, or none.
    pub plan: fn(&Cx<'_>, &Workload<'_>, &mut Plan),
}

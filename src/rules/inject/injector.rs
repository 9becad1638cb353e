//! An injector as an entry of its table.

use crate::ray::RayJob;
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
    /// Plans its edits, or none.
    pub plan: fn(&Cx<'_>, &RayJob<'_>, &mut Plan),
}

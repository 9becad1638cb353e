//! Finds `gcsFaultToleranceOptions.storage` while the backend is Redis, as it is where none is named.

use crate::json::Json;
use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{WITH_BACKENDS, is_embedded, options, options_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG159",
    title: "gcsFaultToleranceOptions.storage is for the embedded store only",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: WITH_BACKENDS,
    page: include_str!("storage_with_redis.md"),
    evidence: &[validation(&[371])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let is_set = |options: Json<'_>| !is_embedded(options) && given(options, "storage").is_some();
    if options(job).is_some_and(is_set) {
        findings.push(
            Finding::new(
                options_path(job, "storage"),
                "fault tolerance: storage is for rocksdb, and the backend is redis",
            )
            .fix("remove storage, or set backend to rocksdb"),
        );
    }
}

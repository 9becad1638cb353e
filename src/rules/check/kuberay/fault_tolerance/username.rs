//! Finds the head's start parameter `redis-username` or its variable `REDIS_USERNAME`, with or without
//! `gcsFaultToleranceOptions`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::Check;
use crate::rules::{Cx, Findings};

use super::super::{CLUSTER_RULES, head_variable, validation};
use super::{head_parameter, instead};

/// The check.
pub const CHECK: Check = Check {
    code: "RG157",
    title: "The Redis user must not be a start parameter or an environment variable",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("username.md"),
    evidence: &[validation(&[193])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    if let Some(path) = head_parameter(job, "redis-username") {
        findings.push(
            instead(path, "the start parameter redis-username", "redisUsername")
                .flyte(flyte::setting(head, "ray_start_params={…}")),
        );
    }
    if let Some(path) = head_variable(job, "REDIS_USERNAME") {
        findings.push(
            instead(path, "REDIS_USERNAME", "redisUsername").flyte(flyte::setting(head, "pod_template=PodTemplate(…)")),
        );
    }
}

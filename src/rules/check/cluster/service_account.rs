//! Finds a pod whose service account is not in its namespace.

use crate::facts::Fact;
use crate::policy::settings::Action;
use crate::ray::pod::SERVICE_ACCOUNT_NAME;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::missing::{Field, find};

/// The check.
pub const CHECK: Check = Check {
    code: "RG810",
    title: "Service accounts must exist in the namespace",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("service_account.md"),
    evidence: &[
        Evidence::Reason("The pod waits until somebody creates the account, as tools that apply many files do"),
        Evidence::Test("tests/facts.rs", "the_api_server_agrees"),
    ],
    run,
};

const FIELD: Field = Field {
    key: SERVICE_ACCOUNT_NAME,
    fact: Fact::ServiceAccount,
    word: "service account",
    built_in: &[],
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.runs_elsewhere() {
        return;
    }
    let Some(accounts) = cx.facts.service_accounts() else {
        return;
    };
    find(&FIELD, cx, job, accounts.iter().map(String::as_str), findings);
}

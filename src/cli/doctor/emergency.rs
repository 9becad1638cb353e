//! `raygate doctor --emergency`.

use serde_json::json;

use crate::install::CONFIGURATION;

use super::configuration::{Kind, patch};

/// How to get raygate out of the way, for a cluster in which it stands in the way.
pub(super) fn text() -> String {
    let ignore = patch(
        Kind::Validating,
        CONFIGURATION,
        "/webhooks/0/failurePolicy",
        Some(&json!("Ignore")),
    );
    let fail = patch(
        Kind::Validating,
        CONFIGURATION,
        "/webhooks/0/failurePolicy",
        Some(&json!("Fail")),
    );
    format!(
        "\
raygate out of the way: none of this needs raygate, and it affects only RayJobs, RayClusters, RayServices and
RayCronJobs.

1. Admit objects while raygate does not answer. When it answers, it still completes and rejects them:

    {ignore}

   Back to normal:

    {fail}

2. Or remove raygate, also if it answers wrongly. Every object then passes as its author wrote it:

    kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration {CONFIGURATION}

   Back to normal: install again, as it was installed, which puts both back:

    kubectl apply -k deploy                                    # by kubectl, or another directory of yours
    helm upgrade raygate deploy/chart --namespace raygate-system --reset-then-reuse-values   # by Helm
    raygate manifests --only webhooks --ca-file certs/ca.crt | kubectl apply -f - # by the command

Objects created meanwhile stay as they are: `raygate scan` lists those that raygate would have rejected.
Then find the cause: raygate doctor
"
    )
}

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
raygate out of the way: none of this needs raygate, and only RayJobs are concerned.

1. Let RayJobs pass while raygate does not answer. Where it answers, it still completes and refuses:

    {ignore}

   Back to normal:

    {fail}

2. Or take raygate away altogether, also where it answers wrongly. Every RayJob then passes as its author wrote it:

    kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration {CONFIGURATION}

   Back to normal: install again, as it was installed, which puts both back:

    kubectl apply -k deploy                                    # by kubectl, or another directory of yours
    helm upgrade raygate deploy/chart --namespace raygate-system --reuse-values   # by Helm
    raygate manifests --only webhooks --ca-file certs/ca.crt | kubectl apply -f - # by the command

RayJobs created meanwhile stay as they are: `raygate scan` lists those that would have been refused.
Then find the cause: raygate doctor
"
    )
}

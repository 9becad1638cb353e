//! `raygate doctor --emergency`.

use serde_json::json;

use crate::install::{CONFIGURATION, NAMESPACE};

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
RayCronJobs. Is raygate running?

    kubectl -n {NAMESPACE} get pods

1. Admit objects while raygate does not answer. When it answers, it still completes and rejects them:

    {ignore}

   Back to normal:

    {fail}

2. Or remove raygate, also if it answers wrongly. Every object then passes as its author wrote it:

    kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration {CONFIGURATION}

   Back to normal: install again, as it was installed, which puts both back. With kubectl, where deploy may be another
   directory of yours:

    kubectl apply -k deploy

   With Helm:

    helm upgrade raygate deploy/chart --namespace {NAMESPACE} --reset-then-reuse-values

   With the command and its other options, where raygate manages its own certificates:

    raygate manifests --certificates self-managed --only webhooks | kubectl apply -f -

   With the command and its other options, where you bring the certificates:

    raygate manifests --ca-file certs/ca.crt --only webhooks | kubectl apply -f -

3. Or stop one policy: set `mode: Disabled` in it, or delete its file. raygate reads changed policies within seconds:

    kubectl -n {NAMESPACE} edit configmap raygate-policies

Objects created meanwhile stay as they are: `raygate scan` lists those that raygate would have rejected.
Then find the cause: raygate doctor
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands of a text: its indented lines, and those of its blocks.
    fn commands(text: &str) -> Vec<String> {
        let starts = ["kubectl ", "helm ", "raygate manifests"];
        let lines = text.lines().map(str::trim);
        lines
            .filter(|line| starts.iter().any(|start| line.starts_with(start)))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_page_and_the_command_have_the_same_commands() {
        let page = include_str!("../../../docs/guide/break-glass.md");
        let before_afterwards = page.split("## Afterwards").next().unwrap();
        let commands = [commands(&text()), commands(before_afterwards)];
        assert_eq!(commands[0], commands[1]);
        assert_eq!(commands[0].len(), 9);
    }
}

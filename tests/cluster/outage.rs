//! What happens to a RayJob while raygate, or a part of it, is out of reach.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::api::Answer;
use crate::cluster::{Cluster, dead_url, rayjobs};
use crate::denial::assert_denied;
use crate::gate::{APPLIED, Gate, Hook, WEBHOOK};
use crate::kubectl::kubectl;
use crate::process::wait_for;
use crate::rayjobs::{all, load, name, with_duplicate_group};
use crate::updates::{assert_deletable, create_with_finalizer};

/// As shipped, nothing gets in unjudged.
pub(crate) fn nothing_is_created_without_raygate(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    gate.kill();
    let job = load("seed-02");
    assert_unreachable(&cluster.api.post(&rayjobs(), &job));
    assert_eq!(cluster.rayjob(name(&job)).code, 404);
}

/// What is in the cluster can be deleted meanwhile, finalizers and all, and can change its owner.
pub(crate) fn a_job_can_be_deleted_without_raygate(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let path = create_with_finalizer(cluster, load("seed-02"));
    gate.kill();
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "0"});
    cluster
        .api
        .merge_patch(&path, &json!({"metadata": {"ownerReferences": [owner]}}))
        .expect(200);
    assert_deletable(cluster, &path);
}

/// What changes its spec waits, and so do labels and annotations, which policies and KubeRay read.
pub(crate) fn no_spec_is_changed_without_raygate(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let path = create_with_finalizer(cluster, load("seed-02"));
    gate.kill();
    for change in [
        json!({"spec": {"entrypoint": "true"}}),
        json!({"metadata": {"labels": {"team": "other"}}}),
        json!({"metadata": {"annotations": {"team": "other"}}}),
    ] {
        assert_unreachable(&cluster.api.merge_patch(&path, &change));
    }
}

/// A platform that would rather run jobs unjudged sets the validating webhook to `Ignore`.
pub(crate) fn with_failures_ignored_a_job_passes_as_it_is(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let ignore = json!([{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]);
    gate.reconfigure(Hook::Validating, &ignore);
    gate.kill();
    let job = with_duplicate_group(load("seed-02"));
    let stored = wait_for("the new failure policy", || {
        let answer = gate.probe(&job);
        if answer.code == 201 {
            Ok(answer.body)
        } else {
            Err(answer)
        }
    });
    assert!(
        stored["metadata"]["annotations"][APPLIED].is_null(),
        "{:#}",
        stored["metadata"]
    );
    cluster.api.post(&rayjobs(), &job).expect(201);
}

/// The mutation is lost and the judgement is not: an author is told to try again, or let in with a warning, but never
/// blamed for what raygate would have repaired.
pub(crate) fn without_the_mutation_nobody_is_blamed(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    gate.reconfigure(
        Hook::Mutating,
        &json!([{"op": "replace", "path": "/webhooks/0/clientConfig/url", "value": dead_url()}]),
    );
    wait_for("the mutating webhook to be out of reach", || {
        let answer = gate.probe(&load("seed-02"));
        if answer.body["metadata"]["annotations"][APPLIED].is_string() {
            Err("still mutates")
        } else {
            Ok(())
        }
    });
    for (file, job) in all() {
        let answer = gate.probe(&job);
        let only_lacks_defaults = file.starts_with("seed-02");
        let cannot_run = file.starts_with("seed-01") || file.starts_with("seed-08");
        match answer.code {
            429 => {
                assert!(!only_lacks_defaults, "{file} can run as it is: {}", answer.message());
                assert_eq!(answer.reason(), "TooManyRequests", "{file}");
                let seconds = answer.body["details"]["retryAfterSeconds"].as_u64();
                assert!(seconds.is_some_and(|seconds| seconds > 0), "{file}: {answer}");
                assert!(
                    answer.message().contains("defaults were not applied"),
                    "{file}: {}",
                    answer.message()
                );
            }
            201 => {
                assert!(!cannot_run, "{file} cannot run as it is, and was let in");
                assert!(
                    answer.warnings.iter().any(|it| it.contains("defaults")),
                    "{file}: {:?}",
                    answer.warnings
                );
            }
            _ => panic!("{file}: {answer}"),
        }
    }
    assert_eq!(
        gate.probe(&load("seed-02")).code,
        201,
        "a job that only lacks defaults may run"
    );
    assert_denied(&gate.probe(&with_duplicate_group(load("seed-02"))));
}

/// A job that nobody can judge does not get in, completed or not.
pub(crate) fn without_the_judgement_nothing_is_created(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    gate.reconfigure(
        Hook::Validating,
        &json!([{"op": "replace", "path": "/webhooks/0/clientConfig/url", "value": dead_url()}]),
    );
    let answer = wait_for("the validating webhook to be out of reach", || {
        let answer = gate.probe(&load("seed-02"));
        if answer.code == 201 {
            Err("still judges")
        } else {
            Ok(answer)
        }
    });
    assert_unreachable(&answer);
}

/// A kubelet's SIGTERM ends the server, and in good order.
pub(crate) fn raygate_ends_on_sigterm(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    assert!(gate.terminate(), "raygate ended badly:\n{}", gate.log());
}

#[track_caller]
pub(crate) fn assert_unreachable(answer: &Answer) {
    assert_eq!(
        (answer.code, answer.reason()),
        (500, "InternalError"),
        "{:#}",
        answer.body
    );
    let text = format!("failed calling webhook \"{WEBHOOK}\"");
    assert!(answer.message().contains(&text), "{}", answer.message());
}

/// The commands of docs/guide/break-glass.md, by kubectl, in the order of the page, while raygate does not answer.
pub(crate) fn the_break_glass_page_opens_the_cluster(cluster: &Cluster) {
    let Some(kubectl) = kubectl() else { return };
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/break-glass.md");
    let page = fs::read_to_string(page).expect("read the page");
    let blocks = page.split("```sh\n").skip(1);
    let commands: Vec<&str> = blocks.map(|block| block.split("```").next().expect("an end")).collect();
    let [ignore, fail, delete] = commands[..] else {
        panic!("{commands:?}")
    };
    let run = |command: &str| {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", command]).env("KUBECONFIG", cluster.kubeconfig());
        shell.env("PATH", kubectl.parent().expect("a folder"));
        crate::gate::run(&mut shell);
    };
    let create = || cluster.api.post(&format!("{}?dryRun=All", rayjobs()), &load("seed-02"));
    let wait_until = |code: u16| {
        wait_for("the API server to hear of it", || {
            let answer = create();
            if answer.code == code { Ok(()) } else { Err(answer) }
        });
    };
    let mut gate = Gate::open(cluster);
    gate.kill();
    assert_unreachable(&create());
    run(ignore);
    wait_until(201);
    run(fail);
    wait_until(500);
    run(delete);
    wait_until(201);
}

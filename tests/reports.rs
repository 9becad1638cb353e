//! RayJobs after public reports: which codes reject each, which warn and which repair it, under the shipped policies.
//!
//! The RayJobs are read from `../shared/cases/reports`; without them the test says so and passes.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use raygate::engine::admit::{answer_mutate, answer_validate};
use raygate::engine::{Bundle, Operation, Outcome, Request};
use raygate::json::Tree;
use raygate::policy::load::Source;
use raygate::policy::settings::Action;
use raygate::ray::defaults;
use serde_json::{Value, json};

/// The name of a report; the codes that deny, those that warn, those that repair.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

/// RayJobs that were judged rightly from the beginning.
#[rustfmt::skip]
const RIGHT: &[Row] = &[
    ("240-re-uv-createdir", &[], &["RG705"], &[]),
    ("122-dash-port-mismatch", &[], &[], &["RG512"]),
    ("162-hostnetwork", &[], &["RG604"], &[]),
    ("431-node-ip-no-env", &["RG716"], &[], &[]),
    ("164-name-48", &["RG101"], &[], &[]),
    ("436-ingress-47", &[], &[], &[]),
    ("151-kueue-elastic", &[], &[], &[]),
    ("152-kueue-autoscale", &[], &["RG709"], &[]),
    ("149-kueue-topology", &[], &[], &[]),
    ("259-kueue-dws", &[], &[], &[]),
    ("153-kueue-multikueue", &[], &[], &[]),
    ("160-kai-http", &[], &[], &[]),
    ("158-yunikorn-gang", &[], &[], &[]),
    ("157-volcano-pod-scheduler", &[], &[], &[]),
    ("170-token-auth", &[], &[], &[]),
    ("172-tls-manual", &[], &[], &[]),
    ("173-head-1gi", &[], &["RG207"], &[]),
    ("174-object-store-over", &["RG305"], &[], &[]),
    ("12-shm-disk-emptydir", &[], &["RG308"], &[]),
    ("433-mps-one-gpu", &[], &[], &[]),
    ("06-hami-gpumem", &[], &[], &[]),
    ("07-gpu-shared-num-gpus", &[], &[], &[]),
    ("256-fractional-gpu", &["RG205"], &[], &[]),
    ("258-mig-mixed", &[], &["RG314"], &[]),
    ("177-init-gpu", &[], &["RG315"], &[]),
    ("307-head-worker-versions", &[], &["RG603"], &[]),
    ("93-rayversion-mismatch", &[], &["RG608"], &[]),
    ("300-gpu-validate", &[], &["RG207"], &[]),
    ("434-flytesnacks", &[], &[], &[]),
    ("19-native-sidecar", &[], &[], &[]),
    ("143-autoscaler-no-token", &[], &["RG514"], &[]),
    ("270-entry-cpus-64", &["RG706"], &[], &[]),
    ("108-epres-internal-head", &[], &[], &[]),
    ("109-epres-acceltype", &[], &[], &[]),
    ("116-tpu-v4-222", &[], &[], &[]),
    ("118-tpu-7x-444", &[], &[], &[]),
    ("115-tpu-v5e-2x4-4x2", &[], &[], &[]),
    ("302-raycluster-config-typo", &["RG121"], &[], &[]),
    ("176-inplace-resize", &[], &[], &[]),
    ("437-gcsfuse-ok", &[], &[], &[]),
    ("322-sidecar-head-always", &["RG128"], &[], &[]),
    ("141-ephemeral-limit-below", &[], &[], &["RG203"]),
    ("134-sub-always", &[], &[], &["RG702"]),
    ("124-dash-ipv6", &[], &[], &[]),
    ("432-plasma-directory", &[], &[], &[]),
    ("311-keep-cluster", &[], &[], &[]),
    ("310-ttl-without-shutdown", &[], &[], &[]),
    ("312-deletion-legacy", &[], &["RG407"], &[]),
    ("106-scale-from-zero", &[], &[], &[]),
    ("328-zero-replicas-gpu-driver", &["RG706"], &[], &[]),
    ("147-ft-no-redis", &[], &[], &[]),
    ("148-ft-options", &[], &[], &[]),
    ("144-autoscaler-v2-always", &["RG165"], &[], &[]),
    ("155-kueue-many-groups", &[], &["RG709"], &[]),
    ("178-gke-gpu", &[], &[], &[]),
];

/// RayJobs that were rejected, warned about or changed wrongly once.
#[rustfmt::skip]
const CORRECTED: &[Row] = &[
    ("09-gaudi-hpu", &[], &[], &[]),
    ("res30-habana.ai_gaudi", &[], &[], &[]),
    ("13-logical-gpus", &[], &["RG211", "RG311"], &[]),
    ("04-kai-gpu-fraction", &[], &[], &[]),
    ("08-runtimeclass-no-resource", &[], &[], &[]),
    ("10-istio-node-ip-hostname", &[], &[], &[]),
    ("344-objstore-arith", &[], &[], &[]),
    ("340-numcpus-nproc", &[], &[], &[]),
    ("154-kueue-selector", &[], &[], &[]),
    ("104-pod-level-resources", &[], &[], &[]),
    ("267-overwrite-dash-8300", &[], &["RG515"], &[]),
    ("17-overwrite-cmd-ports", &[], &["RG515"], &[]),
    ("130-psa-restricted-container-level", &[], &[], &[]),
    ("305-requests-only", &[], &["RG207"], &["RG204"]),
    ("365-system-config-bare", &["RG509"], &[], &[]),
    ("301-kai-docs-k8sjobmode", &[], &["RG303", "RG710"], &["RG206"]),
    ("05-volcano-vgpu", &[], &[], &[]),
    ("99-group-dot", &[], &["RG501"], &[]),
    ("20-kueue-cpu-only", &[], &["RG206"], &[]),
    ("107-no-groups-head0", &[], &["RG731"], &[]),
    ("123-dash-loopback", &["RG511"], &[], &[]),
    ("413-dash-loopback-http", &["RG511"], &[], &[]),
    ("316-sidecar-first-custom-name", &[], &[], &["RG502"]),
    ("69-ep-dollar", &[], &["RG730"], &[]),
    ("132-sub-limits-only", &[], &["RG220"], &[]),
    ("95-python-mismatch", &[], &["RG603"], &[]),
    ("96-arch-mismatch", &[], &["RG620"], &[]),
];

/// RayJobs with pods, a Service or a Job that the API server rejects.
#[rustfmt::skip]
const REJECTED_PODS: &[Row] = &[
    ("200-mount-without-volume", &["RG901"], &[], &[]),
    ("417-submitter-mount-without-volume", &["RG901"], &[], &[]),
    ("206-label-value-bad", &["RG913"], &[], &[]),
    ("205-port-name-long", &["RG907"], &[], &[]),
    ("208-toleration-exists-value", &[], &[], &["RG911"]),
    ("215-probe-no-handler", &["RG909"], &[], &[]),
    ("217-claim-missing", &["RG918"], &[], &[]),
    ("219-nodeselector-bad", &["RG912"], &[], &[]),
    ("202-container-name-upper", &["RG906"], &[], &[]),
    ("204-init-same-name", &["RG906"], &[], &[]),
    ("209-volume-two-sources", &["RG904"], &[], &[]),
    ("420-pvc-without-claim", &["RG905"], &[], &[]),
    ("225-service-account-bad", &["RG917"], &[], &[]),
    ("230-restart-bad", &["RG916"], &[], &[]),
    ("233-emptydir-neg", &["RG905"], &[], &[]),
    ("165-headsvc-long", &["RG927"], &[], &[]),
];

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/reports");
    if !folder.is_dir() {
        eprintln!(
            "SKIPPED: the RayJobs after public reports are not here: {}",
            folder.display()
        );
        return None;
    }
    Some(folder)
}

fn report(folder: &Path, name: &str) -> Value {
    let text =
        fs::read_to_string(folder.join(format!("{name}.json"))).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut object = Tree::read(&text).unwrap();
    defaults::apply(&mut object);
    object.root().to_value()
}

type Answer = fn(&Bundle, Request<'static>) -> Outcome<'static>;

fn ask(bundle: &Bundle, object: &Value, answer: Answer) -> Outcome<'static> {
    let request = Request {
        operation: Operation::Create,
        namespace: object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned(),
        user: String::new(),
        object: Tree::of(object).unwrap(),
        old: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: raygate::facts::Facts::none(),
    };
    answer(bundle, request)
}

/// What the policies make of a RayJob, and the codes that deny, warn and repair.
fn judged(bundle: &Bundle, object: &Value) -> (Value, [BTreeSet<String>; 3]) {
    let mutated = ask(bundle, object, answer_mutate);
    let repaired = mutated.changes.iter().map(|change| change.by.to_owned());
    let repaired = repaired.filter(|by| by.starts_with("RG")).collect();
    let validated = ask(bundle, &mutated.document.value().to_value(), answer_validate);
    let with = |action: Action| {
        let found = validated.findings.iter().filter(|judged| judged.action == action);
        found.map(|judged| judged.code().to_owned()).collect()
    };
    (
        mutated.document.value().to_value(),
        [with(Action::Deny), with(Action::Warn), repaired],
    )
}

#[test]
fn reports_are_judged_rightly() {
    let Some(folder) = folder() else { return };
    let bundle = Bundle::embedded();
    let set = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<BTreeSet<_>>();
    let mut wrong = Vec::new();
    for (name, denies, warns, repairs) in RIGHT.iter().chain(CORRECTED).chain(REJECTED_PODS) {
        let (_, found) = judged(&bundle, &report(&folder, name));
        let wanted = [set(denies), set(warns), set(repairs)];
        if found != wanted {
            wrong.push(format!("{name}: {found:?}, not {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_made_worse() {
    let Some(folder) = folder() else { return };
    let bundle = Bundle::embedded();
    let head = |object: &Value| object["spec"]["rayClusterSpec"]["headGroupSpec"].clone();
    let worker = |object: &Value| object["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].clone();
    let container = |group: &Value| group["template"]["spec"]["containers"][0].clone();
    let mutated = |name: &str| {
        let object = report(&folder, name);
        let (after, _) = judged(&bundle, &object);
        (object, after)
    };
    for name in ["09-gaudi-hpu", "res30-habana.ai_gaudi"] {
        let (_, after) = mutated(name);
        assert_eq!(worker(&after)["rayStartParams"].get("num-gpus"), None, "{name}");
    }
    let (before, after) = mutated("104-pod-level-resources");
    for group in [head, worker] {
        let resources = |object| container(&group(object))["resources"].clone();
        assert_eq!(resources(&after), resources(&before));
    }
    for name in ["267-overwrite-dash-8300", "17-overwrite-cmd-ports"] {
        let (before, after) = mutated(name);
        assert_eq!(
            container(&head(&after))["ports"],
            container(&head(&before))["ports"],
            "{name}"
        );
    }
    let (_, after) = mutated("305-requests-only");
    assert_eq!(container(&head(&after))["resources"]["limits"]["memory"], "4Gi");
}

/// A namespace that demands restricted pods takes the wget's init container as it takes the Ray container.
#[test]
fn an_init_container_is_as_restricted_as_the_ray_container() {
    let Some(folder) = folder() else { return };
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let read = |path: &str| Source::new(path, &fs::read_to_string(policies.join(path)).unwrap());
    let sources = [read("default.yaml"), read("library/slim-images/slim-images.yaml")];
    let loaded = raygate::policy::load(&sources, &raygate::engine::bundle::known());
    assert!(loaded.is_usable(), "{:?}", loaded.diagnostics);
    let object = report(&folder, "130-psa-restricted-container-level");
    let (after, _) = judged(&Bundle::new(loaded.set), &object);
    let pod = &after["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"];
    let context = &pod["initContainers"][0]["securityContext"];
    assert_eq!(context["runAsNonRoot"], json!(true));
    assert_eq!(
        context["seccompProfile"],
        pod["containers"][0]["securityContext"]["seccompProfile"]
    );
    assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}));
}

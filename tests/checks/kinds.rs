//! The same cluster in every kind: the same findings, each at the path of its kind, and the same completed cluster.

use std::collections::BTreeMap;

use raygate::engine::admit::{answer_as_is, answer_mutate};
use raygate::engine::{Bundle, Finder};
use raygate::json::Tree;
use raygate::ray::Kind;
use raygate::ray::kind::{KINDS, RAY_CLUSTER, RAY_CRON_JOB, RAY_JOB, RAY_SERVICE};
use raygate::rules::check;
use raygate::suite::merge;
use serde_json::{Value, json};

use super::{bundle, kuberay_of, read_file, request, with_defaults};

/// Annotations that KubeRay does not find on the cluster of every kind.
const KUBERAYS: &str = "ray.io/";

/// An object of a kind from the parts of a RayJob. `None` if the kind has no place for the cluster or the job.
fn wrapped(kind: &Kind, rayjob: &Value) -> Option<Value> {
    let mut object = rayjob.clone();
    let spec = object["spec"].take();
    object["kind"] = kind.name.into();
    object["spec"] = match kind.name {
        "RayJob" => spec,
        "RayCronJob" => json!({"schedule": "0 3 * * *", "jobTemplate": spec}),
        "RayCluster" => spec["rayClusterSpec"].clone(),
        "RayService" => json!({"rayClusterConfig": spec["rayClusterSpec"]}),
        name => panic!("{name} has no row here"),
    };
    let has_cluster = kind.cluster(tree(&object).root()).is_object();
    has_cluster.then_some(object)
}

fn tree(object: &Value) -> Tree<'static> {
    Tree::of(object).unwrap()
}

/// A path of a RayJob or a sentence about one, as it is for another kind.
fn translated(kind: &Kind, text: &str) -> String {
    let text = match kind.cluster_path().to_string() {
        path if text.starts_with("spec.rayClusterSpec") => text.replacen("spec.rayClusterSpec", &path, 1),
        _ if text.starts_with("spec.") => format!("{}.{}", kind.job_path(), &text["spec.".len()..]),
        _ => text.to_owned(),
    };
    let dashboard = match kind.name {
        "RayService" => "KubeRay can neither deploy the applications nor see their status",
        "RayCluster" => "KubeRay's probes of the head fail",
        _ => "KubeRay can neither submit the job nor see its status",
    };
    let clients = if kind.has_job() {
        "KubeRay and the submitter"
    } else {
        "other pods"
    };
    let words = [
        ("a RayJob", format!("a {}", kind.name)),
        ("the RayJob", format!("the {}", kind.name)),
        ("RayJob name", format!("{} name", kind.name)),
        ("job needs", format!("{} needs", kind.word)),
        ("the job waits if", format!("the {} waits if", kind.word)),
        ("the job waits in Kueue", format!("the {} waits in Kueue", kind.word)),
        ("admits the job", format!("admits the {}", kind.word)),
        ("one job", format!("one {}", kind.word)),
        ("annotate the job", format!("annotate the {}", kind.word)),
        ("Kueue rejects the job", format!("Kueue rejects the {}", kind.word)),
        (
            "KubeRay can neither submit the job nor see its status",
            dashboard.to_owned(),
        ),
        ("KubeRay and the submitter", clients.to_owned()),
        ("rayClusterSpec", kind.cluster_field().to_owned()),
    ];
    words
        .iter()
        .fold(text, |text, (of_job, of_kind)| text.replace(of_job, of_kind))
}

/// What the checks for `kind` and RayJobs find in an object: how often each code, path and sentence. Names have another limit, and
/// the status other fields in each kind.
fn found(bundle: &Bundle, kind: &Kind, (object, facts): (&Value, &Value)) -> BTreeMap<[String; 4], usize> {
    let (mut all, tree) = (BTreeMap::new(), tree(object));
    for judged in answer_as_is(bundle, request(object, facts)).findings {
        assert!(
            judged.finding.path.reaches(tree.root()),
            "{}: {} leads nowhere",
            judged.code(),
            judged.finding.path
        );
        let finding = &judged.finding;
        let is_common = matches!(&judged.finder, Finder::Check(check) if check.kinds.include(kind) && check.kinds.include(&RAY_JOB));
        let path = finding.path.to_string();
        // Nobody submits the jobs of a schedule, whoever made it.
        let is_common = is_common && judged.code() != "RG713";
        if is_common && path != "metadata.name" && !path.starts_with("status.") {
            let key = [judged.code(), &path, &finding.message, &finding.fix].map(str::to_owned);
            *all.entry(key).or_default() += 1;
        }
    }
    all
}

fn remove_worker_probes(kind: &Kind, object: &mut Value) {
    let groups = object.pointer_mut(&kind.groups_path().pointer());
    for group in groups.and_then(Value::as_array_mut).into_iter().flatten() {
        let containers = group
            .pointer_mut("/template/spec/containers")
            .and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            container.retain(|key, _| !key.ends_with("Probe"));
        }
    }
}

#[test]
fn the_same_cluster_finds_the_same_in_every_kind() {
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    for check in check::all() {
        let file = format!("tests/checks/{}.yaml", check.code);
        for case in read_file(&file).as_array().unwrap() {
            if case["set"]["kind"].is_string() {
                continue;
            }
            let mut rayjob = match case["from"].as_str() {
                Some(seed) => read_file(&format!("tests/rayjobs/{seed}.json")),
                None => read_file("tests/checks/base.yaml"),
            };
            merge(&mut rayjob, case.get("set").cloned().unwrap_or_else(|| json!({})));
            let mut rayjob = with_defaults(&rayjob);
            if let Some(annotations) = rayjob["metadata"]["annotations"].as_object_mut() {
                annotations.retain(|key, _| !key.starts_with(KUBERAYS));
            }
            let part = |key: &str| case.get(key).cloned().unwrap_or_else(|| json!({}));
            let bundle = bundle(kuberay_of(check), part("platform"), part("policy"));
            let facts = part("facts");
            for kind in [&RAY_JOB, &RAY_CRON_JOB, &RAY_CLUSTER, &RAY_SERVICE] {
                if !kind.has_job() {
                    // The job asks for things of the cluster, and its submitter counts.
                    rayjob["spec"] = json!({"rayClusterSpec": rayjob["spec"]["rayClusterSpec"], "submissionMode": "HTTPMode", "shutdownAfterJobFinishes": true});
                }
                let Some(object) = wrapped(kind, &rayjob) else { continue };
                let name = format!("{file}: {} as a {}", case["name"], kind.name);
                let wanted: BTreeMap<[String; 4], usize> = found(&bundle, kind, (&rayjob, &facts))
                    .into_iter()
                    .map(|(key, count)| (key.map(|text| translated(kind, &text)), count))
                    .collect();
                let here = found(&bundle, kind, (&object, &facts));
                assert_eq!(here, wanted, "{name}");
                *compared.entry(kind.name).or_default() += here.len();

                let completed = |object: &Value| {
                    let outcome = answer_mutate(&bundle, request(object, &facts));
                    outcome.document.value().to_value()
                };
                let (mut ours, mut theirs) = (completed(&object), completed(&rayjob));
                if kind.is(&RAY_SERVICE) {
                    // KubeRay itself probes the workers of a RayService.
                    remove_worker_probes(kind, &mut ours);
                    remove_worker_probes(&RAY_JOB, &mut theirs);
                }
                let (ours, theirs) = (tree(&ours), tree(&theirs));
                assert_eq!(kind.cluster(ours.root()), RAY_JOB.cluster(theirs.root()), "{name}");
                if kind.has_job() {
                    assert_eq!(kind.job(ours.root()), RAY_JOB.job(theirs.root()), "{name}");
                }
            }
        }
    }
    assert!(
        KINDS.iter().all(|kind| compared.get(kind.name) > Some(&500)),
        "compared too little: {compared:?}"
    );
}

//! Compares objects, schedules, time zones and timeouts with the Go code of KubeRay 1.6.2 itself.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "kuberay/judged.rs"]
mod judged;
#[path = "kuberay/objects.rs"]
mod objects;
#[allow(dead_code, reason = "the comparison with Kubernetes uses the rest of it")]
#[path = "pods/objects.rs"]
mod pods;
#[path = "tools/random.rs"]
mod random;
#[path = "tools/reference.rs"]
mod reference;
#[path = "kuberay/texts.rs"]
mod texts;

use raygate::engine::admit::answer_mutate;
use raygate::engine::bundle::{EMBEDDED, known};
use raygate::engine::update::upgrade;
use raygate::engine::{Bundle, Operation, Request};
use raygate::json::Tree;
use raygate::k8s::duration;
use raygate::policy::Platform;
use raygate::policy::load::Source;
use raygate::ray::build::posted;
use raygate::ray::schedule::{Schedule, is_timeout, is_zone};
use raygate::ray::{KubeRay, Workload, go_yaml};
use raygate::yaml::Limits;
use serde::Deserialize;
use serde_json::{Value, json};

use random::Random;
use reference::{Reference, assert_none};

/// KubeRay's own code.
static KUBERAY: Reference = Reference::new("kuberay", "KubeRay's own");

#[derive(Deserialize)]
struct ScheduleAnswer {
    ok: bool,
    error: String,
    fields: Option<Vec<u64>>,
    every: Option<u64>,
    never: bool,
}

#[test]
fn schedules_are_what_kuberay_reads() {
    let texts = texts::schedules(&mut Random::new(1), 60_000);
    let Some(answers) = KUBERAY.answers::<ScheduleAnswer>("schedule", &texts) else {
        return;
    };
    let mut differences = Vec::new();
    let (mut valid, mut never) = (0, 0);
    for (text, go) in texts.iter().zip(&answers) {
        let ours = Schedule::parse(text);
        valid += usize::from(go.ok);
        never += usize::from(go.never);
        let (fields, every) = match ours {
            Ok(Schedule::Fields {
                minute,
                hour,
                day_of_month,
                month,
                day_of_week,
            }) => (Some(vec![minute, hour, day_of_month, month, day_of_week]), None),
            Ok(Schedule::Every { seconds }) => (None, Some(seconds)),
            Err(_) => (None, None),
        };
        let is_never = ours.as_ref().is_ok_and(Schedule::is_never);
        if (ours.is_ok(), &fields, every, is_never) != (go.ok, &go.fields, go.every, go.never) {
            differences.push(format!(
                "{text:?}: {ours:?}, never {is_never}; Go {} {:?} {:?}, never {}",
                go.error, go.fields, go.every, go.never
            ));
        }
    }
    assert_none(&differences, texts.len());
    assert!(
        (15_000..texts.len() - 15_000).contains(&valid) && never > 100,
        "{valid} of {} are valid, {never} never match",
        texts.len()
    );
}

#[derive(Deserialize)]
struct DurationAnswer {
    ok: bool,
    nanoseconds: i64,
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
}

#[test]
fn durations_and_timeouts_are_what_go_reads() {
    let texts = texts::durations(&mut Random::new(2), 60_000);
    let Some(answers) = KUBERAY.answers::<DurationAnswer>("duration", &texts) else {
        return;
    };
    let timeouts = KUBERAY.answers::<Answer>("timeout", &texts).unwrap();
    let mut differences = Vec::new();
    let mut valid = 0;
    for ((text, go), timeout) in texts.iter().zip(&answers).zip(&timeouts) {
        let ours = duration::nanoseconds(text);
        let theirs = go.ok.then_some(go.nanoseconds);
        if ours != theirs {
            differences.push(format!("{text:?}: {ours:?}, Go {theirs:?}"));
        }
        if is_timeout(text) != timeout.ok {
            differences.push(format!(
                "{text:?} as a timeout: {}, KubeRay {}",
                is_timeout(text),
                timeout.ok
            ));
        }
        valid += usize::from(go.ok);
    }
    assert_none(&differences, texts.len());
    assert!(
        (10_000..texts.len() - 10_000).contains(&valid),
        "{valid} of {} are valid",
        texts.len()
    );
}

#[test]
fn time_zones_are_what_go_finds() {
    let texts = texts::zones(&mut Random::new(3));
    let Some(answers) = KUBERAY.answers::<Answer>("zone", &texts) else {
        return;
    };
    let differs = |(text, go): (&String, &Answer)| {
        let ours = is_zone(text);
        (ours != go.ok).then(|| format!("{text:?}: {ours}, Go {}", go.ok))
    };
    let differences: Vec<String> = texts.iter().zip(&answers).filter_map(differs).collect();
    assert_none(&differences, texts.len());
    assert!(answers.iter().filter(|answer| answer.ok).count() > 500);
}

#[derive(Deserialize)]
struct Verdict {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    undecodable: bool,
    #[serde(default)]
    panic: bool,
}

#[test]
fn objects_are_judged_as_kuberay_1_6_judges_them() {
    compare_verdicts(4);
}

/// `cargo test --test kuberay_go many -- --ignored` compares 400,000 objects.
#[test]
#[ignore = "takes minutes"]
fn many_objects_are_judged_as_kuberay_1_6_judges_them() {
    for seed in 100..120 {
        compare_verdicts(seed * 4);
    }
}

/// Compares 5,000 objects of each kind.
fn compare_verdicts(first_seed: u64) {
    let bundle = judged::bundle(KubeRay::V1_6);
    for (seed, kind) in (first_seed..).zip(judged::KINDS) {
        let objects = objects::objects(&mut Random::new(seed), kind, 5_000);
        let texts: Vec<String> = objects.iter().map(ToString::to_string).collect();
        let Some(answers) = KUBERAY.answers::<Verdict>("validate", &texts) else {
            return;
        };
        let (mut differences, mut judged, mut rejected) = (Vec::new(), 0, 0);
        for (object, verdict) in objects.iter().zip(&answers) {
            assert!(!verdict.undecodable, "{}: {object}", verdict.error);
            rejected += usize::from(!verdict.ok);
            // Where its validators panic, KubeRay says nothing; what raygate says is as good as anything.
            if verdict.panic {
                continue;
            }
            let ours = judged::denied(&bundle, object);
            judged += 1;
            if ours.is_empty() != verdict.ok {
                differences.push(format!("KubeRay: {}\nraygate: {ours:?}\n{object}", verdict.error));
            }
        }
        println!("{kind}: {judged} of {} judged, {rejected} rejected", objects.len());
        assert_none(&differences, judged);
        assert!((1_000..4_500).contains(&rejected), "{kind}: {rejected} rejected");
    }
}

#[derive(Deserialize)]
struct Hash {
    hash: String,
}

/// What KubeRay leaves out of the hash of a RayCluster's spec: a change of the last key of a pointer starts no second cluster.
const MUTED: [&str; 6] = [
    "replicas",
    "minReplicas",
    "maxReplicas",
    "scaleStrategy",
    "tolerations",
    "schedulingGates",
];

#[test]
fn a_change_of_what_scales_or_queues_starts_no_upgrade() {
    let pairs = objects::pairs(&mut Random::new(8), 4_000);
    let specs = pairs.iter().flat_map(|pair| [&pair.first, &pair.second]);
    let texts: Vec<String> = specs.map(ToString::to_string).collect();
    let Some(hashes) = KUBERAY.answers::<Hash>("hash", &texts) else {
        return;
    };
    let (mut muted, mut started) = (0, 0);
    for (pair, hashes) in pairs.iter().zip(hashes.chunks(2)) {
        let is_muted = MUTED.iter().any(|key| pair.pointer.ends_with(key));
        let is_equal = hashes[0].hash == hashes[1].hash;
        assert!(
            !is_muted || is_equal,
            "{}: {} {}",
            pair.pointer,
            pair.first,
            pair.second
        );
        muted += usize::from(is_muted && pair.first != pair.second);
        started += usize::from(!is_equal);
    }
    assert!(muted > 300 && started > 1_500, "{muted} muted, {started} upgrades");
}

fn tree(object: &Value) -> Tree<'static> {
    Tree::of(object).unwrap()
}

/// A RayService with a cluster.
fn service(cluster: &Value) -> Value {
    json!({
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {"name": "summary", "namespace": "team-a"},
        "spec": {"serveConfigV2": "applications: []", "rayClusterConfig": cluster},
    })
}

#[test]
fn an_update_warns_of_a_second_cluster_where_kuberay_starts_one() {
    let pairs = objects::pairs(&mut Random::new(11), 4_000);
    let specs = pairs.iter().flat_map(|pair| [&pair.first, &pair.second]);
    let texts: Vec<String> = specs.map(ToString::to_string).collect();
    let Some(hashes) = KUBERAY.answers::<Hash>("hash", &texts) else {
        return;
    };
    let platform = Platform::default();
    let (mut differences, mut warned, mut compared) = (Vec::new(), 0, 0);
    // Whether an empty value is one like none depends on the type of the field in Go.
    let is_empty = |value: &Value| match value {
        Value::String(text) => text.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    for (pair, hashes) in pairs.iter().zip(hashes.chunks(2)) {
        let values = [&pair.first, &pair.second].map(|spec| spec.pointer(pair.pointer));
        if values.into_iter().flatten().any(is_empty) {
            continue;
        }
        compared += 1;
        let is_warned = upgrade(
            &platform,
            tree(&service(&pair.first)).root(),
            tree(&service(&pair.second)).root(),
        )
        .is_some();
        warned += usize::from(is_warned);
        if is_warned == (hashes[0].hash == hashes[1].hash) {
            differences.push(format!(
                "{}: warned {is_warned}\n{}\n{}",
                pair.pointer, pair.first, pair.second
            ));
        }
    }
    assert_none(&differences, compared);
    assert!(warned > 1_500, "{warned} warned");
}

#[test]
fn a_manifest_that_is_applied_again_starts_no_upgrade() {
    let bundle = |more: &str| {
        let policy = format!(
            "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: own}}\nspec: {{match: {{}}, priority: 5{more}}}\n"
        );
        let sources = [Source::new("a", EMBEDDED[0].1), Source::new("b", &policy)];
        Bundle::new(raygate::policy::load(&sources, &known()).set)
    };
    let request = |object: &Value, old: Option<&Value>| Request {
        operation: if old.is_some() {
            Operation::Update
        } else {
            Operation::Create
        },
        namespace: "team-a".to_owned(),
        user: String::new(),
        object: tree(object),
        old: old.map(tree),
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: raygate::facts::Facts::none(),
    };
    let older = bundle("");
    let newer = bundle(", defaults: {readiness: Wget, pods: {labels: {team: x}, env: [{name: X, value: y}]}}");
    let mut specs = Vec::new();
    let mut completed = 0;
    for manifest in objects::objects(&mut Random::new(12), "RayService", 1_000) {
        let stored = answer_mutate(&older, request(&manifest, None))
            .document
            .value()
            .to_value();
        completed += usize::from(stored["spec"] != manifest["spec"]);
        for bundle in [&older, &newer] {
            let again = answer_mutate(bundle, request(&manifest, Some(&stored)))
                .document
                .value()
                .to_value();
            specs.extend([&stored, &again].map(|object| object["spec"]["rayClusterConfig"].to_string()));
        }
    }
    let Some(hashes) = KUBERAY.answers::<Hash>("hash", &specs) else {
        return;
    };
    for (hashes, specs) in hashes.chunks(2).zip(specs.chunks(2)) {
        assert_eq!(hashes[0].hash, hashes[1].hash, "{}\n{}", specs[0], specs[1]);
    }
    assert!(completed > 900, "{completed} completed");
}

#[derive(Deserialize)]
struct BuiltAnswer {
    posted: Option<Vec<Value>>,
    #[serde(default)]
    error: String,
    #[serde(default)]
    panic: bool,
}

/// A pod without what no validation of the API server reads: commands and the values of variables. KubeRay's are abbreviated
/// here.
fn validated(mut posted: Value) -> Value {
    if posted["kind"] == "Job" {
        posted = posted["spec"]["template"].take();
    }
    for list in ["containers", "initContainers"] {
        let containers = posted["spec"].get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            container.remove("command");
            container.remove("args");
            for probe in ["livenessProbe", "readinessProbe"] {
                if let Some(exec) = container.get_mut(probe).and_then(|probe| probe.get_mut("exec")) {
                    *exec = json!({"command": ["probe"]});
                }
            }
            let env = container.get_mut("env").and_then(Value::as_array_mut);
            for variable in env.into_iter().flatten().filter_map(Value::as_object_mut) {
                variable.remove("value");
            }
        }
    }
    posted
}

/// Whether Go could decode the object, and KubeRay did not panic on it.
fn is_decoded(answer: &BuiltAnswer) -> bool {
    answer.error.is_empty() && !answer.panic
}

#[test]
fn pods_are_built_as_kuberay_builds_them() {
    let mut objects = Vec::new();
    let mut random = Random::new(14);
    for (kind, count) in [("RayJob", 700), ("RayCluster", 300), ("RayService", 200)] {
        objects.extend(pods::objects(&mut random, kind, count));
    }
    let texts: Vec<String> = objects.iter().map(Value::to_string).collect();
    let Some(theirs) = KUBERAY.answers::<BuiltAnswer>("build", &texts) else {
        return;
    };
    let ours: Vec<Vec<Value>> = objects
        .iter()
        .map(|object| {
            let tree = tree(object);
            let all = posted(&Workload::of(tree.root()), "team-a", KubeRay::V1_6, &[]);
            let all = all
                .into_iter()
                .filter(|one| one.resource != "pods" || one.title != "submitter");
            let all = all.map(|one| one.object);
            all.map(validated).collect()
        })
        .collect();
    let ours: Vec<String> = ours.into_iter().map(|list| Value::Array(list).to_string()).collect();
    let ours = KUBERAY.answers::<BuiltAnswer>("canonical", &ours).unwrap();
    let (mut differences, mut compared) = (Vec::new(), 0);
    for ((object, theirs), ours) in objects.iter().zip(theirs).zip(ours) {
        // KubeRay builds pods of groups that it never creates, and of clusters that are not used.
        let is_never = [
            "/spec/clusterSelector/ray.io~1cluster",
            "/spec/workerGroupSpecs/0/maxReplicas",
            "/spec/rayClusterSpec/workerGroupSpecs/0/maxReplicas",
            "/spec/rayClusterConfig/workerGroupSpecs/0/maxReplicas",
        ];
        let is_never = is_never.iter().any(|pointer| {
            object
                .pointer(pointer)
                .is_some_and(|value| *value == "a" || *value == 0)
        });
        if is_never || !is_decoded(&theirs) || !is_decoded(&ours) {
            continue;
        }
        compared += 1;
        let theirs: Vec<Value> = theirs.posted.unwrap_or_default().into_iter().map(validated).collect();
        let ours = ours.posted.unwrap_or_default();
        if theirs.len() != ours.len() {
            differences.push(format!("{} objects, KubeRay {}: {object}", ours.len(), theirs.len()));
        }
        for (mut ours, mut theirs) in ours.into_iter().zip(theirs) {
            // KubeRay's client knows the kind of a Service by its type.
            for object in [&mut ours, &mut theirs].into_iter().filter_map(Value::as_object_mut) {
                object.retain(|key, _| !matches!(&**key, "apiVersion" | "kind"));
            }
            if ours != theirs {
                let patch = json_patch::diff(&theirs, &ours);
                differences.push(format!("{}\n{object}", serde_json::to_string(&patch).unwrap()));
            }
        }
    }
    assert_none(&differences, compared);
    println!("{compared} objects are built as KubeRay builds them");
    assert!(compared > 1_000, "{compared} compared");
}

#[derive(Deserialize)]
struct YamlAnswer {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    value: Value,
}

/// What our reader makes of a text, where it makes anything of it: a mapping, or why KubeRay rejects it.
fn read_yaml(text: &str) -> Option<Result<(Value, bool), String>> {
    let limits = Limits {
        bytes: 1 << 16,
        nodes: 10_000,
        depth: 64,
        lookahead: 1 << 16,
    };
    let document = match go_yaml::read(text, &limits) {
        Ok(document) => document?,
        Err(refusal) => return Some(Err(refusal.to_string())),
    };
    let is_exact = document.differences().is_empty();
    Some(match document.root().to_json() {
        // Go leaves the mapping as it was, which is empty.
        Value::Null => Ok((Value::Object(serde_json::Map::new()), is_exact)),
        value @ Value::Object(_) => Ok((value, is_exact)),
        value => Err(format!("{value} is not a mapping")),
    })
}

/// Whether Go rejects a tag.
fn is_misfit(error: &str) -> bool {
    error.contains("cannot decode") || error.contains("invalid base64")
}

#[test]
fn yaml_is_what_kuberay_reads() {
    let texts = texts::documents(&mut Random::new(9), 15_000);
    let Some(answers) = KUBERAY.answers::<YamlAnswer>("yaml", &texts) else {
        return;
    };
    let mut differences = Vec::new();
    let (mut exact, mut invalid, mut misfits, mut missed) = (0, 0, 0, 0);
    for (text, go) in texts.iter().zip(&answers) {
        let Some(ours) = read_yaml(text) else { continue };
        invalid += usize::from(!go.ok);
        misfits += usize::from(is_misfit(&go.error));
        missed += usize::from(is_misfit(&go.error) && ours.is_ok());
        let is_same = match &ours {
            Ok((value, true)) => go.ok && *value == go.value,
            // The second of duplicate keys is not in our tree, nor is a tag that does not fit it.
            Ok((_, false)) => go.ok || is_misfit(&go.error),
            Err(_) => !go.ok,
        };
        exact += usize::from(matches!(ours, Ok((_, true))));
        if !is_same {
            differences.push(format!("{text:?}: {ours:?}; Go {} {}", go.error, go.value));
        }
    }
    assert_none(&differences, texts.len());
    assert!(
        exact > 5_000 && invalid > 500 && misfits > 500 && missed * 10 < misfits,
        "{exact} read exactly, {invalid} invalid, {missed} of {misfits} tags missed"
    );
}

/// Where a text is broken, our reader may accept what Go rejects; the other way round is a wrong denial, and rare.
#[test]
fn broken_yaml_is_rarely_rejected_wrongly() {
    let texts = texts::broken_documents(&mut Random::new(10), 25_000);
    let Some(answers) = KUBERAY.answers::<YamlAnswer>("yaml", &texts) else {
        return;
    };
    let (mut wrong, mut rejected) = (Vec::new(), 0);
    for (text, go) in texts.iter().zip(&answers) {
        if let Some(Err(refusal)) = read_yaml(text) {
            rejected += 1;
            // An empty mapping is what Go makes of garbage behind an anchor. No config and no environment is empty.
            if go.ok && go.value != Value::Object(serde_json::Map::new()) {
                wrong.push(format!("{text:?}: {refusal}; Go {}", go.value));
            }
        }
    }
    assert!(rejected > 5_000, "{rejected} rejected");
    assert!(
        wrong.len() * 500 < rejected,
        "{} of {rejected}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[derive(Deserialize)]
struct SubmitterAnswer {
    #[serde(default)]
    error: String,
    #[serde(default)]
    template: Value,
}

/// The template that raygate writes for a policy is KubeRay's own, with what the policy sets.
#[test]
fn the_default_submitter_is_kuberays() {
    let policy = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: own}\n\
                  spec: {match: {}, defaults: {pods: {imagePullSecrets: [{name: pull}]}}}\n";
    let bundle = Bundle::new(raygate::policy::load(&[Source::new("a", policy)], &known()).set);
    let mut objects = Vec::new();
    for image in ["rayproject/ray:2.52.1", "host:5000/a/b@sha256:0", "x"] {
        for head in [
            json!([{"name": "r", "image": image}]),
            json!([{"image": image}, {"name": "s", "image": "other"}]),
        ] {
            for more in [json!({}), json!({"submissionMode": "K8sJobMode", "suspend": true})] {
                let mut spec = json!({"entrypoint": "true", "rayClusterSpec": {
                    "headGroupSpec": {"rayStartParams": {}, "template": {"spec": {"containers": head}}},
                }});
                spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                objects.push(
                    json!({"apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": {"name": "a"}, "spec": spec}),
                );
            }
        }
    }
    let completed = objects.iter().map(|object| {
        let request = Request {
            operation: Operation::Create,
            namespace: "team-a".to_owned(),
            user: String::new(),
            object: tree(object),
            old: None,
            now: jiff::Timestamp::UNIX_EPOCH,
            facts: std::sync::Arc::default(),
        };
        answer_mutate(&bundle, request).document.value().to_value()
    });
    let texts: Vec<String> = objects
        .iter()
        .cloned()
        .zip(completed)
        .flat_map(|(object, completed)| [object, completed])
        .map(|object| object.to_string())
        .collect();
    let Some(answers) = KUBERAY.answers::<SubmitterAnswer>("submitter", &texts) else {
        return;
    };
    for (pair, texts) in answers.chunks(2).zip(texts.chunks(2)) {
        assert_eq!([&pair[0].error, &pair[1].error], ["", ""], "{texts:?}");
        let (own, mut ours) = (&pair[0].template, pair[1].template.clone());
        assert_eq!(
            ours["spec"]["imagePullSecrets"],
            json!([{"name": "pull"}]),
            "{}",
            texts[1]
        );
        ours["spec"].as_object_mut().unwrap().remove("imagePullSecrets");
        let annotations = ours["metadata"].as_object_mut().unwrap().remove("annotations");
        assert_eq!(annotations, Some(json!({"raygate.dev/submitter": "default"})));
        assert_eq!(*own, ours, "{}", texts[1]);
    }
}

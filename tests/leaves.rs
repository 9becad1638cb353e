//! Every leaf of the policy language does something: for each there is a set of policies in which it is set, an object,
//! and an effect that is gone without the leaf.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use raygate::admission::{Endpoint, Gate};
use raygate::diag::Sources;
use raygate::engine::bundle::known;
use raygate::engine::{Bundle, How, Operation, Outcome, Request, Verdict, admit};
use raygate::facts::Facts;
use raygate::json::Tree;
use raygate::policy::load::Source;
use raygate::policy::schema::{DOCUMENTS, Field, Kind};
use raygate::ray::defaults;
use raygate::ray::kind::{self, RAY_CLUSTER, RAY_JOB, RAY_SERVICE};
use raygate::rules::check;
use raygate::suite::merge;
use raygate::yaml::{self, Limits, Reading};
use serde_json::{Map, Value, json};

const HEAD: &str = "/spec/rayClusterSpec/headGroupSpec";
const WORKERS: &str = "/spec/rayClusterSpec/workerGroupSpecs/0";
const SUBMITTER: &str = "/spec/submitterPodTemplate";

/// The effect of a leaf.
#[derive(Clone, Debug)]
enum See {
    /// The completed object has this value there.
    At(String, Value),
    /// It has nothing there.
    Nothing(String),
    /// It has this text somewhere.
    Text(&'static str),
    /// A finding with this action and code, and perhaps path.
    Finding(&'static str),
    /// No such finding.
    NoFinding(&'static str),
    /// A finding that says this.
    Message(&'static str),
    /// The verdict.
    Verdict(Verdict),
    /// A policy in Preview would do something.
    Preview,
    /// The status of the denial.
    Status(u64),
    /// It is for readers and changes no outcome: only the digest of the policies.
    Digest,
}

/// A leaf with the policies in which it is set, the leaf's own document first.
struct Entry {
    leaf: String,
    documents: Vec<(&'static str, Value)>,
    object: Value,
    /// What stands in the place of the leaf where a document without it would be broken.
    instead: Option<Value>,
    /// Whether the request is an edit of a RayCluster that runs, not the creation of a RayJob.
    edits_cluster: bool,
    see: See,
}

impl Entry {
    fn new(leaf: impl Into<String>, kind: &'static str, spec: Value, see: See) -> Entry {
        Entry {
            leaf: leaf.into(),
            documents: vec![(kind, spec)],
            object: json!({}),
            instead: None,
            edits_cluster: false,
            see,
        }
    }

    fn edits_a_cluster(mut self) -> Entry {
        self.edits_cluster = true;
        self
    }

    fn beside(mut self, kind: &'static str, spec: Value) -> Entry {
        self.documents.push((kind, spec));
        self
    }

    /// With changes of the object.
    fn on(mut self, object: Value) -> Entry {
        merge(&mut self.object, object);
        self
    }

    fn instead(mut self, value: Value) -> Entry {
        self.instead = Some(value);
        self
    }
}

/// A change of an object below a pointer whose steps are keys and indexes.
fn below(pointer: &str, value: Value) -> Value {
    pointer
        .rsplit('/')
        .filter(|step| !step.is_empty())
        .fold(value, |value, step| {
            step.parse::<usize>()
                .map_or_else(|_| json!({step: value}), |_| json!([value]))
        })
}

/// A verified RayJob of the project `ml` in the domain `production`.
fn base() -> Value {
    let pod = |name: &str| {
        let resources = json!({"cpu": "4", "memory": "16Gi"});
        json!({"spec": {"containers": [{
            "name": name,
            "image": "ghcr.io/my-org/ray:2.52.1",
            "resources": {"requests": resources, "limits": resources},
        }]}})
    };
    json!({
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {
            "name": "a-n0-0",
            "namespace": "ml-production",
            "labels": {"project": "ml", "domain": "production", "workflow-name": "train", "task-name": "train",
                "execution-id": "a", "node-id": "n0"},
        },
        "spec": {
            "entrypoint": "python train.py",
            "rayClusterSpec": {
                "headGroupSpec": {"rayStartParams": {}, "template": pod("ray-head")},
                "workerGroupSpecs": [{
                    "groupName": "workers",
                    "replicas": 2,
                    "minReplicas": 2,
                    "maxReplicas": 2,
                    "rayStartParams": {},
                    "template": pod("ray-worker"),
                }],
            },
        },
    })
}

fn policy(leaf: &str, spec: Value, see: See) -> Entry {
    let mut whole = json!({"match": {}});
    merge(&mut whole, spec);
    Entry::new(format!("RayPolicy.{leaf}"), "RayPolicy", whole, see)
}

fn platform(leaf: &str, spec: Value, see: See) -> Entry {
    Entry::new(format!("Platform.{leaf}"), "Platform", spec, see)
}

/// An exemption for the project `ml`, which waives the warning of a job that is never deleted.
fn exemption(leaf: &str, spec: Value, see: See) -> Entry {
    let mut whole = waiver();
    merge(&mut whole, spec);
    Entry::new(format!("Exemption.{leaf}"), "Exemption", whole, see).beside("Platform", flyte())
}

/// A Platform with one kind of accelerators.
fn nvidia() -> Value {
    json!({"accelerators": {"a": {"resource": "nvidia.com/gpu"}}})
}

/// A head that selects nodes of a pool.
fn selecting(pool: &str) -> Value {
    below(HEAD, json!({"template": {"spec": {"nodeSelector": {"pool": pool}}}}))
}

/// A part of a taint of a declared pool, for a head with a toleration.
fn taint(part: &str, taint: Value, toleration: Value) -> Entry {
    let capacity = json!({"capacity": {"pools": {"p": {"labels": {"pool": "b"}, "taints": [taint]}}}});
    let pod = json!({"template": {"spec": {"nodeSelector": {"pool": "b"}, "tolerations": [toleration]}}});
    platform(
        &format!("capacity.pools.taints.{part}"),
        capacity,
        See::Finding("Warn RG804"),
    )
    .on(below(HEAD, pod))
}

/// Facts of a cluster with nodes of two pools.
fn nodes() -> Arc<Facts> {
    let allocatable = json!({"cpu": "900", "memory": "100Ti", "nvidia.com/gpu": "64"});
    let node = |pool: &str, taints: Value| json!({"metadata": {"labels": {"pool": pool}}, "spec": {"taints": taints}, "status": {"allocatable": allocatable}});
    let gpu = json!([{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]);
    let none = json!({"items": []});
    let kinds =
        json!({"Node": {"items": [node("a", json!([])), node("gpu", gpu)]}, "NodePool": none, "ConfigMap": none});
    Arc::new(Facts::of_kinds(Tree::of(&kinds).unwrap().root()).unwrap().timeless())
}

fn waiver() -> Value {
    json!({"match": {"projects": ["ml"]}, "waive": ["RG408"], "owner": "a", "reason": "b", "expires": "2026-12-31"})
}

fn flyte() -> Value {
    json!({"flyte": {"serviceAccounts": ["flyte"], "namespace": "{project}-{domain}"}})
}

fn gpus() -> Value {
    device("nvidia.com/gpu")
}

fn four_gpus() -> Value {
    json!({"match": {}, "limits": {"maxGpusPerJob": 4}})
}

/// Workers with one unit of a resource.
fn device(key: &str) -> Value {
    let resources = json!({"requests": {key: "1"}, "limits": {key: "1"}});
    below(
        WORKERS,
        json!({"template": {"spec": {"containers": [{"resources": resources}]}}}),
    )
}

/// Workers with a claim of a template.
fn claim(template: &str) -> Value {
    let claims = json!([{"name": "a", "resourceClaimTemplateName": template}]);
    below(WORKERS, json!({"template": {"spec": {"resourceClaims": claims}}}))
}

/// What a policy may say of pods: the keys of the leaf, its value, and where it shows below a pod template. `%` is the
/// pod's container.
fn pod_settings() -> Vec<(&'static str, Value, &'static str, Value, Option<Value>)> {
    let toleration = |leaf, value: Value, instead| {
        (
            leaf,
            json!({"tolerations": [value.clone()]}),
            "/spec/tolerations",
            json!([value]),
            instead,
        )
    };
    let variable =
        |leaf, value: Value, instead| (leaf, json!({"env": [value.clone()]}), "%/env", json!([value]), instead);
    let spec = |leaf, key: &str, place| (leaf, json!({key: "ours"}), place, json!("ours"), None);
    let map = |leaf: &'static str, place: &'static str| {
        (
            leaf,
            json!({leaf: {"example.com/a": "ours"}}),
            place,
            json!({"example.com/a": "ours"}),
            None,
        )
    };
    let other = || Some(json!("other"));
    vec![
        spec("priorityClassName", "priorityClassName", "/spec/priorityClassName"),
        spec("runtimeClassName", "runtimeClassName", "/spec/runtimeClassName"),
        spec("schedulerName", "schedulerName", "/spec/schedulerName"),
        map("labels", "/metadata/labels"),
        map("annotations", "/metadata/annotations"),
        map("nodeSelector", "/spec/nodeSelector"),
        variable("env.name", json!({"name": "A", "value": "ours"}), other()),
        variable("env.value", json!({"name": "A", "value": "ours"}), None),
        variable(
            "env.valueFrom",
            json!({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}),
            None,
        ),
        (
            "imagePullSecrets.name",
            json!({"imagePullSecrets": [{"name": "ours"}]}),
            "/spec/imagePullSecrets",
            json!([{"name": "ours"}]),
            other(),
        ),
        toleration("tolerations.key", json!({"key": "spot", "operator": "Exists"}), other()),
        toleration(
            "tolerations.operator",
            json!({"key": "spot", "operator": "Exists"}),
            None,
        ),
        toleration("tolerations.value", json!({"key": "spot", "value": "a"}), None),
        toleration(
            "tolerations.effect",
            json!({"key": "spot", "operator": "Exists", "effect": "NoSchedule"}),
            None,
        ),
        toleration(
            "tolerations.tolerationSeconds",
            json!({"key": "spot", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            None,
        ),
    ]
}

/// What an author wrote where a policy forces another value.
fn author(template: &str) -> Value {
    let own = json!({"example.com/a": "theirs"});
    below(
        template,
        json!({
            "metadata": {"labels": own, "annotations": own},
            "spec": {
                "priorityClassName": "theirs", "runtimeClassName": "theirs", "schedulerName": "theirs",
                "nodeSelector": own, "containers": [{"env": [{"name": "A", "value": "theirs"}]}],
            },
        }),
    )
}

/// The settings of `defaults` or `force`.
fn settings(group: &str) -> Vec<Entry> {
    let is_forced = group == "force";
    // What a policy forces replaces what the author wrote.
    let theirs = json!({"example.com/a": "theirs"});
    let theirs = json!({
        "metadata": {"labels": theirs, "annotations": theirs},
        "spec": {
            "activeDeadlineSeconds": 60,
            "preRunningDeadlineSeconds": 60,
            "rayClusterSpec": {"headGroupSpec": {"serviceType": "NodePort", "enableIngress": false}},
        },
    });
    let author_wrote = if is_forced { theirs } else { json!({}) };
    let entry = |leaf: &str, settings: Value, see: See| {
        policy(&format!("{group}.{leaf}"), json!({group: settings}), see).on(author_wrote.clone())
    };
    let at = |place: &str, value: Value| See::At(place.to_owned(), value);
    let submitter = json!({"spec": {"submitterPodTemplate": {"spec": {"restartPolicy": "Never", "containers": [
        {"name": "ray-job-submitter", "image": "ghcr.io/my-org/ray:2.52.1"},
    ]}}}});
    let bare = |group: &str| {
        below(
            group,
            json!({"template": {"spec": {"containers": [{"resources": null}]}}}),
        )
    };
    let kinds = json!({"accelerators": {
        "a": {"resource": "nvidia.com/gpu", "nodeSelector": {"gpu": "a"}},
        "b": {"resource": "nvidia.com/gpu", "nodeSelector": {"gpu": "b"}},
    }});
    let memory = |leaf: &str, settings: Value, size: &'static str| {
        entry(leaf, json!({"sharedMemory": settings}), See::Text(size))
    };
    let mut entries = vec![
        entry(
            "lifecycle.shutdownAfterJobFinishes",
            json!({"lifecycle": {"shutdownAfterJobFinishes": true}}),
            at("/spec/shutdownAfterJobFinishes", json!(true)),
        ),
        entry(
            "lifecycle.ttlSecondsAfterFinished",
            json!({"lifecycle": {"ttlSecondsAfterFinished": 300}}),
            at("/spec/ttlSecondsAfterFinished", json!(300)),
        )
        .on(json!({"spec": {"shutdownAfterJobFinishes": true, "ttlSecondsAfterFinished": if is_forced { 60 } else { 0 }}})),
        entry(
            "lifecycle.activeDeadlineSeconds",
            json!({"lifecycle": {"activeDeadlineSeconds": 300}}),
            at("/spec/activeDeadlineSeconds", json!(300)),
        ),
        entry(
            "lifecycle.preRunningDeadlineSeconds",
            json!({"lifecycle": {"preRunningDeadlineSeconds": 300}}),
            at("/spec/preRunningDeadlineSeconds", json!(300)),
        )
        .beside("Platform", json!({"kuberay": {"version": "1.6"}})),
        memory("sharedMemory.size", json!({"size": "50%"}), r#""sizeLimit":"8Gi""#),
        memory("sharedMemory.min", json!({"size": "1%", "min": "12Gi"}), r#""sizeLimit":"12Gi""#),
        memory("sharedMemory.max", json!({"size": "100%", "max": "8Gi"}), r#""sizeLimit":"8Gi""#),
        entry(
            "accelerators",
            json!({"accelerators": {"nvidia.com/gpu": "b"}}),
            at(&format!("{WORKERS}/template/spec/nodeSelector/gpu"), json!("b")),
        )
        .on(gpus())
        .beside("Platform", kinds),
        entry("readiness", json!({"readiness": "Http"}), See::Text("httpGet")),
        entry(
            "wget.image",
            json!({"readiness": "Wget", "wget": {"image": "example.com/busybox:1"}}),
            See::Text("example.com/busybox:1"),
        ),
        entry(
            "job.labels",
            json!({"job": {"labels": {"example.com/a": "ours"}}}),
            at("/metadata/labels/example.com~1a", json!("ours")),
        ),
        entry(
            "job.annotations",
            json!({"job": {"annotations": {"example.com/a": "ours"}}}),
            at("/metadata/annotations/example.com~1a", json!("ours")),
        ),
        entry(
            "head.serviceType",
            json!({"head": {"serviceType": "LoadBalancer"}}),
            at(&format!("{HEAD}/serviceType"), json!("LoadBalancer")),
        ),
        entry(
            "head.enableIngress",
            json!({"head": {"enableIngress": true}}),
            at(&format!("{HEAD}/enableIngress"), json!(true)),
        ),
        entry(
            "submitter.restartPolicy",
            json!({"submitter": {"restartPolicy": "OnFailure"}}),
            at(&format!("{SUBMITTER}/spec/restartPolicy"), json!("OnFailure")),
        )
        .on(submitter.clone())
        .on(if is_forced { json!({}) } else { below(SUBMITTER, json!({"spec": {"restartPolicy": null}})) }),
    ];
    for (leaf, other) in [("requests", "limits"), ("limits", "requests")] {
        let place = format!("{SUBMITTER}/spec/containers/0/resources/{leaf}/cpu");
        let settings = json!({"submitter": {leaf: {"cpu": "1"}, other: {"cpu": "1"}}});
        entries.push(entry(&format!("submitter.{leaf}"), settings, at(&place, json!("1"))).on(submitter.clone()));
    }
    for (section, group) in [("head", HEAD), ("workers", WORKERS)] {
        let container = format!("{group}/template/spec/containers/0");
        entries.extend([
            entry(
                &format!("{section}.rayStartParams"),
                json!({section: {"rayStartParams": {"num-cpus": "2"}}}),
                at(&format!("{group}/rayStartParams/num-cpus"), json!("2")),
            )
            .on(below(
                group,
                json!({"rayStartParams": {"num-cpus": if is_forced { json!("1") } else { Value::Null }}}),
            )),
            entry(
                &format!("{section}.restartPolicy"),
                json!({section: {"restartPolicy": "OnFailure"}}),
                at(&format!("{group}/template/spec/restartPolicy"), json!("OnFailure")),
            )
            .on(below(
                group,
                json!({"template": {"spec": {"restartPolicy": if is_forced { json!("Always") } else { Value::Null }}}}),
            )),
        ]);
        for (resource, least) in [("cpu", "2"), ("memory", "8Gi")] {
            entries.push(
                entry(
                    &format!("{section}.minimum.{resource}"),
                    json!({section: {"minimum": {resource: least}}}),
                    at(&format!("{container}/resources/requests/{resource}"), json!(least)),
                )
                .on(bare(group)),
            );
        }
    }
    let templates = [
        ("head", format!("{HEAD}/template")),
        ("workers", format!("{WORKERS}/template")),
        ("submitter", SUBMITTER.to_owned()),
        ("pods", format!("{HEAD}/template")),
    ];
    for (section, template) in &templates {
        for (leaf, value, place, seen, instead) in pod_settings() {
            let place = format!("{template}{}", place.replace('%', "/spec/containers/0"));
            let mut entry = entry(
                &format!("{section}.{leaf}"),
                json!({*section: value}),
                See::At(place, seen),
            );
            entry.instead = instead;
            if *section == "submitter" {
                entry = entry.on(submitter.clone());
            }
            if is_forced {
                entry = entry.on(author(template));
            }
            entries.push(entry);
        }
    }
    entries
}

/// Each limit with a value that the object exceeds, one that it does not, what is seen of the first and of the second, and
/// the object.
fn limits() -> Vec<(&'static str, Value, Value, See, See, Value)> {
    let denied = |key, tight: Value, loose: Value, code: &'static str, object: Value| {
        (key, tight, loose, See::Finding(code), See::NoFinding(code), object)
    };
    let lowered = |key, place: &str, object: Value| {
        let place = format!("/spec/{place}");
        (
            key,
            json!(60),
            json!(600),
            See::At(place.clone(), json!(60)),
            See::At(place, json!(300)),
            object,
        )
    };
    let claims = below(
        WORKERS,
        json!({"template": {"spec": {"resourceClaims": [{"name": "a"}]}}}),
    );
    vec![
        denied("maxGpusPerJob", json!(1), json!(8), "Deny RG310", gpus()),
        denied("maxCpusPerJob", json!("1"), json!("64"), "Deny RG213", json!({})),
        denied("maxMemoryPerJob", json!("1Gi"), json!("1Ti"), "Deny RG214", json!({})),
        denied("maxPodsPerJob", json!(1), json!(8), "Deny RG507", json!({})),
        denied("maxWorkersPerGroup", json!(1), json!(8), "Deny RG506", json!({})),
        lowered(
            "maxTtlSeconds",
            "ttlSecondsAfterFinished",
            json!({"spec": {"shutdownAfterJobFinishes": true, "ttlSecondsAfterFinished": 300}}),
        ),
        lowered(
            "maxActiveDeadlineSeconds",
            "activeDeadlineSeconds",
            json!({"spec": {"activeDeadlineSeconds": 300}}),
        ),
        lowered(
            "maxPreRunningDeadlineSeconds",
            "preRunningDeadlineSeconds",
            json!({"spec": {"preRunningDeadlineSeconds": 300}}),
        ),
        lowered(
            "maxBackoffLimit",
            "backoffLimit",
            json!({"spec": {"backoffLimit": 300}}),
        ),
        denied(
            "allowedImages",
            json!(["example.com/**"]),
            json!(["ghcr.io/**"]),
            "Deny RG601",
            json!({}),
        ),
        (
            "maxDeletionDelaySeconds",
            json!(60),
            json!(600),
            See::At("/spec/rayClusterDeletionDelaySeconds".to_owned(), json!(60)),
            See::At("/spec/rayClusterDeletionDelaySeconds".to_owned(), json!(300)),
            json!({"kind": "RayService", "spec": {"rayClusterDeletionDelaySeconds": 300}}),
        ),
        denied("accelerators", json!({"a": 1}), json!({"a": 8}), "Deny RG322", gpus()),
        denied("unknownDevices", json!("Deny"), json!("Warn"), "Deny RG321", claims),
        denied(
            "clusterSelector",
            json!("Forbid"),
            json!("Allow"),
            "Deny RG722",
            json!({"spec": {"clusterSelector": {"ray.io/cluster": "shared"}}}),
        ),
        denied(
            "podSecurity",
            json!("baseline"),
            json!("privileged"),
            "Deny RG611",
            below(HEAD, json!({"template": {"spec": {"hostPID": true}}})),
        ),
    ]
}

fn entries() -> Vec<Entry> {
    let deadline = || json!({"lifecycle": {"activeDeadlineSeconds": 300}});
    let place = "/spec/activeDeadlineSeconds".to_owned();
    let (set, unset) = (See::At(place.clone(), json!(300)), See::Nothing(place));
    let mut entries = settings("defaults");
    entries.extend(settings("force"));
    for (key, tight, loose, seen, raised, object) in limits() {
        // Devices that cannot be counted matter where there is a limit of those that can.
        let gpus = if key == "unknownDevices" {
            json!({"maxGpusPerJob": 8})
        } else {
            json!({})
        };
        let limits = |value: Value| {
            let mut limits = gpus.clone();
            merge(&mut limits, json!({key: value}));
            limits
        };
        let limited = json!({"match": {}, "limits": limits(tight.clone())});
        let entry = policy(&format!("limits.{key}"), json!({"limits": limits(tight)}), seen);
        entries.push(entry.on(object.clone()).beside("Platform", nvidia()));
        entries.push(
            exemption(&format!("raise.{key}"), json!({"raise": {key: loose}}), raised)
                .beside("RayPolicy", limited)
                .beside("Platform", nvidia())
                .on(object),
        );
    }
    for (key, missed, met) in [
        ("projects", "other", "ml"),
        ("domains", "other", "production"),
        ("workflows", "other", "train"),
        ("tasks", "other", "train"),
        ("namespaces", "other", "ml-production"),
        ("users", "other", "flyte"),
        ("kinds", "RayCluster", "RayJob"),
    ] {
        let settings = json!({"defaults": deadline()});
        let with = |spec: Value| {
            let mut settings = settings.clone();
            merge(&mut settings, spec);
            settings
        };
        // The author's word alone excludes nothing.
        let excluded = json!({"namespaces": ["ml-*"], key: [met]});
        entries.extend([
            policy(
                &format!("match.{key}"),
                with(json!({"match": {key: [missed]}})),
                unset.clone(),
            ),
            policy(
                &format!("exclude.{key}"),
                with(json!({"exclude": [excluded]})),
                unset.clone(),
            )
            .instead(json!([missed]))
            .beside("Platform", flyte()),
        ]);
        let matches = if ["projects", "kinds"].contains(&key) {
            json!({key: [missed], "namespaces": ["ml-production"]})
        } else {
            json!({key: [missed]})
        };
        entries.push(exemption(
            &format!("match.{key}"),
            json!({"match": matches}),
            See::NoFinding("Audit RG408"),
        ));
    }
    let rule = |leaf: &str, rule: Value, see: See| {
        let mut whole = json!({"name": "own", "require": "job.gpus > 0", "message": "no GPUs"});
        merge(&mut whole, rule);
        policy(&format!("rules.{leaf}"), json!({"rules": [whole]}), see)
    };
    entries.extend([
        policy(
            "match.when",
            json!({"match": {"when": "job.gpus > 0"}, "defaults": deadline()}),
            unset.clone(),
        ),
        policy(
            "exclude.when",
            json!({"exclude": [{"when": "job.gpus == 0"}], "defaults": deadline()}),
            unset.clone(),
        )
        .instead(json!("job.gpus > 0")),
        policy("description", json!({"description": "a"}), See::Digest),
        policy(
            "roll",
            json!({"roll": true, "defaults": {"head": {"labels": {"example.com/a": "ours"}}}}),
            See::At(
                "/spec/headGroupSpec/template/metadata/labels/example.com~1a".to_owned(),
                json!("ours"),
            ),
        )
        .edits_a_cluster(),
        policy("mode", json!({"mode": "Preview", "defaults": deadline()}), See::Preview),
        policy("priority", json!({"priority": 10, "defaults": deadline()}), set.clone()).beside(
            "RayPolicy",
            json!({"match": {}, "priority": 5, "defaults": {"lifecycle": {"activeDeadlineSeconds": 60}}}),
        ),
        policy(
            "allowSkip",
            json!({"allowSkip": ["lifecycle"], "defaults": deadline()}),
            unset.clone(),
        )
        .on(json!({"metadata": {"annotations": {"raygate.dev/skip": "lifecycle"}}})),
        policy(
            "unset",
            json!({"priority": 10, "unset": ["lifecycle.activeDeadlineSeconds"]}),
            unset.clone(),
        )
        .beside("RayPolicy", json!({"match": {}, "defaults": deadline()})),
        policy(
            "actions",
            json!({"actions": {"RG405": "Deny"}}),
            See::Finding("Deny RG405"),
        ),
        rule("name", json!({}), See::Finding("Deny rule/own")).instead(json!("other")),
        rule(
            "each",
            json!({"each": "Pod"}),
            See::Finding("Deny rule/own spec.rayClusterSpec.headGroupSpec.template"),
        ),
        rule("when", json!({"when": "job.gpus > 0"}), See::NoFinding("Deny rule/own")),
        rule("require", json!({}), See::Finding("Deny rule/own")).instead(json!("job.gpus == 0")),
        rule("message", json!({}), See::Message("no GPUs")).instead(json!("other")),
        rule("action", json!({"action": "Warn"}), See::Finding("Warn rule/own")),
        exemption("waive", json!({}), See::Finding("Audit RG408")),
        exemption("owner", json!({}), See::Digest).instead(json!("other")),
        exemption("reason", json!({}), See::Digest).instead(json!("other")),
        exemption("expires", json!({}), See::Finding("Audit RG408")).instead(json!("2026-01-31")),
    ]);
    entries.extend(of_platform());
    entries
}

fn of_platform() -> Vec<Entry> {
    let account = below(HEAD, json!({"template": {"spec": {"serviceAccountName": "own"}}}));
    let own = "system:serviceaccount:ml-production:own";
    let toleration = |leaf: &str, value: Value| {
        let spec = json!({"accelerators": {"a": {"resource": "nvidia.com/gpu", "tolerations": [value.clone()]}}});
        let place = format!("{WORKERS}/template/spec/tolerations");
        platform(
            &format!("accelerators.tolerations.{leaf}"),
            spec,
            See::At(place, json!([value])),
        )
        .on(gpus())
    };
    let selector = See::At(format!("{WORKERS}/template/spec/nodeSelector"), json!({"gpu": "a"}));
    let kind = json!({"accelerators": {"a": {"resource": "nvidia.com/gpu", "nodeSelector": {"gpu": "a"}}}});
    let rules = json!({"spec": {"shutdownAfterJobFinishes": false, "deletionStrategy": {"deletionRules": [
        {"policy": "DeleteCluster", "condition": {"jobStatus": "SUCCEEDED", "ttlSeconds": 60}},
        {"policy": "DeleteCluster", "condition": {"jobStatus": "FAILED", "ttlSeconds": 60}},
    ]}}});
    let little = json!({"cpu": "300m", "memory": "16Gi"});
    let little = json!({"requests": little, "limits": little});
    vec![
        platform(
            "kuberay.version",
            json!({"kuberay": {"version": "1.6"}}),
            See::At("/spec/preRunningDeadlineSeconds".into(), json!(60)),
        )
        .beside(
            "RayPolicy",
            json!({"match": {}, "defaults": {"lifecycle": {"preRunningDeadlineSeconds": 60}}}),
        ),
        platform(
            "kuberay.featureGates",
            json!({"kuberay": {"version": "1.5", "featureGates": {"RayJobDeletionPolicy": false}}}),
            See::Verdict(Verdict::Deny),
        )
        .on(rules),
        platform(
            "kuberay.operators",
            json!({"kuberay": {"operators": [own]}}),
            See::Finding("Deny RG610"),
        )
        .on(account.clone()),
        platform("preview", json!({"preview": ["RayJob"]}), See::Preview),
        platform("mode", json!({"mode": "Preview"}), See::Preview),
        platform(
            "queue.controllers",
            json!({"queue": {"controllers": [own]}}),
            See::Finding("Deny RG610"),
        )
        .on(account),
        platform(
            "flyte.version",
            json!({"flyte": {"version": "1.16.8"}}),
            See::Status(422),
        )
        .beside("RayPolicy", json!({"match": {}, "limits": {"maxPodsPerJob": 1}})),
        platform("flyte.serviceAccounts", flyte(), See::Finding("Audit RG408")).beside("Exemption", waiver()),
        platform(
            "flyte.namespace",
            json!({"flyte": {"serviceAccounts": ["flyte"], "namespace": "{domain}-{project}"}}),
            See::NoFinding("Audit RG408"),
        )
        .beside("Exemption", waiver()),
        platform(
            "flyte.taskDefaults",
            json!({"flyte": {"taskDefaults": {"cpu": "300m"}}}),
            See::At(
                format!("{HEAD}/template/spec/containers/0/resources/requests/cpu"),
                json!("2"),
            ),
        )
        .beside(
            "RayPolicy",
            json!({"match": {}, "defaults": {"head": {"minimum": {"cpu": "2"}}}}),
        )
        .on(below(
            HEAD,
            json!({"template": {"spec": {"containers": [{"resources": little}]}}}),
        )),
        platform("accelerators.resource", kind.clone(), selector.clone())
            .instead(json!("amd.com/gpu"))
            .on(gpus()),
        platform("accelerators.nodeSelector", kind, selector).on(gpus()),
        platform(
            "accelerators.claimTemplates",
            json!({"accelerators": {"a": {"resource": "nvidia.com/gpu", "claimTemplates": {"eight": 8}}}}),
            See::Finding("Deny RG310"),
        )
        .beside("RayPolicy", four_gpus())
        .on(claim("eight")),
        platform(
            "accelerators.deviceClasses",
            json!({"accelerators": {"a": {"resource": "nvidia.com/gpu", "deviceClasses": {"fast": 8}}}}),
            See::Finding("Deny RG310"),
        )
        .beside("RayPolicy", four_gpus())
        .on(device("deviceclass.resource.kubernetes.io/fast")),
        platform(
            "otherDevices.resources",
            json!({"otherDevices": {"resources": ["example.com/*"]}}),
            See::NoFinding("Warn RG321"),
        )
        .beside("RayPolicy", four_gpus())
        .on(device("example.com/thing")),
        platform(
            "otherDevices.claimTemplates",
            json!({"otherDevices": {"claimTemplates": ["nic-*"]}}),
            See::NoFinding("Warn RG321"),
        )
        .beside("RayPolicy", four_gpus())
        .on(claim("nic-1")),
        platform(
            "capacity.world",
            json!({"capacity": {"world": "Closed"}}),
            See::Finding("Deny RG801 spec.rayClusterSpec.headGroupSpec.template.spec.nodeSelector.pool"),
        )
        .on(selecting("b")),
        platform(
            "capacity.pools.labels",
            json!({"capacity": {"pools": {"p": {"labels": {"pool": "b"}}}}}),
            See::NoFinding("Warn RG801"),
        )
        .on(selecting("b")),
        platform(
            "capacity.pools.allocatable",
            json!({"capacity": {"pools": {"p": {"labels": {"pool": "b"}, "allocatable": {"cpu": "1m"}}}}}),
            See::Finding("Warn RG802"),
        )
        .on(selecting("b")),
        platform(
            "capacity.pools.maxNodes",
            json!({"capacity": {"pools": {"p": {"labels": {"pool": "b"}, "allocatable": {"cpu": "64"}, "maxNodes": 1}}, "world": "Closed"}}),
            See::Finding("Deny RG805"),
        )
        .on(below(
            WORKERS,
            json!({"replicas": 100, "minReplicas": 100, "maxReplicas": 100, "template": {"spec": {
                "nodeSelector": {"pool": "b"}, "containers": [{"resources": {"requests": {"cpu": "4"}, "limits": {"cpu": "4"}}}]}}}),
        )),
        taint("key", json!({"key": "t", "effect": "NoExecute"}), json!({"key": "u", "operator": "Exists"})).instead(json!("u")),
        taint("value", json!({"key": "t", "value": "a", "effect": "NoExecute"}), json!({"key": "t", "operator": "Equal"})),
        taint("effect", json!({"key": "t", "effect": "NoExecute"}), json!({"key": "u", "operator": "Exists"}))
            .instead(json!("PreferNoSchedule")),
        platform(
            "capacity.extendedResourceToleration",
            json!({"capacity": {"extendedResourceToleration": false}}),
            See::Finding("Warn RG804"),
        )
        .on(below(
            HEAD,
            json!({"template": {"spec": {"nodeSelector": {"pool": "gpu"}, "containers": [
                {"resources": {"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}}}]}}}),
        )),
        toleration("key", json!({"key": "spot", "operator": "Exists"})).instead(json!("other")),
        toleration("operator", json!({"key": "spot", "operator": "Exists"})),
        toleration("value", json!({"key": "spot", "value": "a"})),
        toleration(
            "effect",
            json!({"key": "spot", "operator": "Exists", "effect": "NoSchedule"}),
        ),
        toleration(
            "tolerationSeconds",
            json!({"key": "spot", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
        ),
    ]
}

/// The leaves of the schema: each key that has no keys of the language below it.
fn leaves() -> BTreeSet<String> {
    fn walk(fields: &[Field], prefix: &str, leaves: &mut BTreeSet<String>) {
        for field in fields {
            let path = format!("{prefix}.{}", field.key);
            match field.kind {
                Kind::Object(fields)
                | Kind::Keyed(_, fields)
                | Kind::Set(fields)
                | Kind::List(&Kind::Object(fields))
                | Kind::Map(_, &Kind::Object(fields)) => walk(fields, &path, leaves),
                _ => {
                    leaves.insert(path);
                }
            }
        }
    }
    let mut leaves = BTreeSet::new();
    for document in DOCUMENTS {
        walk(document.spec, document.kind, &mut leaves);
    }
    leaves
}

/// The place of a leaf in its document, through the first element of lists and the first entry of maps.
fn pointer(spec: &Value, keys: &[&str]) -> Option<String> {
    let Some((key, rest)) = keys.split_first() else {
        return Some(String::new());
    };
    let (step, inner, keys) = match spec {
        Value::Array(items) => ("0", items.first()?, keys),
        Value::Object(map) => match map.get(*key) {
            Some(inner) => (*key, inner, rest),
            None => map.iter().next().map(|(name, inner)| (name.as_str(), inner, keys))?,
        },
        _ => return None,
    };
    Some(format!("/{step}{}", pointer(inner, keys)?))
}

/// What comes of an entry's object.
struct Seen {
    bundle: Bundle,
    request: Request<'static>,
    outcome: Outcome<'static>,
}

fn bundle(documents: &[(&'static str, Value)], title: &str) -> Bundle {
    let sources: Vec<Source> = documents
        .iter()
        .enumerate()
        .map(|(position, (kind, spec))| {
            let mut document = json!({"apiVersion": "raygate.dev/v1beta1", "kind": kind, "spec": spec});
            if *kind != "Platform" {
                document["metadata"] = json!({"name": format!("n{position}")});
            }
            Source::new(&format!("{position}.yaml"), &document.to_string())
        })
        .collect();
    let loaded = raygate::policy::load(&sources, &known());
    let errors: Vec<String> = loaded.diagnostics.iter().map(|d| d.concise(&loaded.sources)).collect();
    assert!(loaded.is_usable(), "{title}: {errors:#?}");
    Bundle::new(loaded.set)
}

/// Flyte creates an object.
fn request(object: Value) -> Request<'static> {
    let mut tree = Tree::of(&object).unwrap();
    defaults::apply(&mut tree);
    Request {
        operation: Operation::Create,
        namespace: object["metadata"]["namespace"].as_str().unwrap().to_owned(),
        user: "flyte".to_owned(),
        object: tree,
        old: None,
        now: "2026-06-01T00:00:00Z".parse().unwrap(),
        facts: Facts::none(),
    }
}

fn see(entry: &Entry, with: bool) -> Seen {
    let mut documents = entry.documents.clone();
    if !with {
        let keys: Vec<&str> = entry.leaf.split('.').skip(1).collect();
        let spec = &mut documents[0].1;
        let pointer = pointer(spec, &keys).unwrap_or_else(|| panic!("{}: not set", entry.leaf));
        let (holder, key) = pointer.rsplit_once('/').unwrap();
        let holder = spec.pointer_mut(holder).and_then(Value::as_object_mut).unwrap();
        match &entry.instead {
            Some(value) => holder.insert(key.to_owned(), value.clone()),
            None => holder.remove(key),
        };
    }
    let bundle = bundle(&documents, &format!("{} ({with})", entry.leaf));
    let mut object = base();
    merge(&mut object, entry.object.clone());
    let mut request = request(object);
    if entry.leaf.starts_with("Platform.capacity.") {
        request.facts = nodes();
    }
    if entry.edits_cluster {
        let old = RAY_CLUSTER.from_job(request.object.root());
        let mut new = old.clone();
        new["metadata"]["annotations"] = json!({"example.com/edited": "true"});
        (request.object, request.old) = (Tree::of(&new).unwrap(), Some(Tree::of(&old).unwrap()));
        request.operation = Operation::Update;
    }
    let outcome = admit(&bundle, request.clone(), How::Both);
    Seen {
        bundle,
        request,
        outcome,
    }
}

impl Seen {
    fn findings(&self) -> Vec<String> {
        let words = self.outcome.findings.iter().map(|judged| {
            let path = judged.finding.path.to_string();
            [judged.action.name(), judged.code(), &path]
                .join(" ")
                .trim_end()
                .to_owned()
        });
        words.collect()
    }

    fn has(&self, wanted: &str) -> bool {
        let finds =
            |found: &String| found == wanted || found.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(' '));
        self.findings().iter().any(finds)
    }

    /// The status of what `/validate` answers.
    fn status(&self) -> Option<u64> {
        let Request {
            namespace,
            user,
            object,
            ..
        } = &self.request;
        let review = json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "u",
                "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"},
                "resource": {"group": "ray.io", "version": "v1", "resource": "rayjobs"},
                "namespace": namespace,
                "operation": "CREATE",
                "userInfo": {"username": user},
                "object": object.root(),
            },
        });
        let gate = Gate::new(Bundle::new(self.bundle.policies().clone()));
        let answer = gate.answer(Endpoint::Validate, review.to_string().as_bytes(), self.request.now);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        body.pointer("/response/status/code")?.as_u64()
    }

    fn shows(&self, see: &See, other: &Seen) -> bool {
        let object = self.outcome.document.value();
        match see {
            See::At(pointer, value) => object.pointer(pointer).is_some_and(|found| found == *value),
            See::Nothing(pointer) => object.pointer(pointer).is_none(),
            See::Text(text) => object.to_string().contains(text),
            See::Finding(wanted) => self.has(wanted),
            See::NoFinding(wanted) => !self.has(wanted),
            See::Message(text) => self
                .outcome
                .findings
                .iter()
                .any(|judged| judged.finding.message.contains(text)),
            See::Verdict(verdict) => self.outcome.verdict == *verdict,
            See::Preview => self.outcome.previews.iter().any(|preview| !preview.would.is_empty()),
            See::Status(status) => self.status() == Some(*status),
            See::Digest => self.bundle.digest() != other.bundle.digest(),
        }
    }
}

#[test]
fn every_leaf_has_an_effect_that_is_gone_without_it() {
    let mut wrong = Vec::new();
    for entry in entries() {
        let (with, without) = (see(&entry, true), see(&entry, false));
        let leaf = &entry.leaf;
        if !with.shows(&entry.see, &without) {
            let object = with.outcome.document.value();
            wrong.push(format!(
                "{leaf}: no {:?}\n  {:?}\n  {object}",
                entry.see,
                with.findings()
            ));
        } else if !matches!(entry.see, See::Digest) && without.shows(&entry.see, &with) {
            wrong.push(format!("{leaf}: {:?} also without it", entry.see));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} are wrong", wrong.join("\n"), wrong.len());
}

/// What runs and lacks a forced field keeps that lack, but no edit writes another value there, in no kind.
#[test]
fn no_edit_writes_another_value_than_the_forced_one() {
    let mut wrong = Vec::new();
    let (mut written, mut lacking) = (0, 0);
    for entry in settings("force") {
        let See::At(pointer, forced) = &entry.see else { continue };
        let mut theirs = base();
        merge(&mut theirs, entry.object.clone());
        let mut without = theirs.clone();
        let (holder, key) = pointer.rsplit_once('/').unwrap();
        let stood = without
            .pointer_mut(holder)
            .and_then(Value::as_object_mut)
            .and_then(|holder| holder.remove(&key.replace("~1", "/")));
        // Some authors only lack the field, or write what is the same as its lack.
        let writes = stood.is_some_and(|stood| stood != json!(false) && stood != json!(0));
        let bundle = bundle(&entry.documents, &entry.leaf);
        for kind in [RAY_JOB.name, RAY_CLUSTER.name, RAY_SERVICE.name] {
            let of_job = pointer.contains("/submitterPodTemplate") || !pointer.contains("/rayClusterSpec/");
            if kind != RAY_JOB.name && of_job && !pointer.starts_with("/metadata") {
                continue;
            }
            let cluster = match kind {
                "RayCluster" => "/spec/",
                "RayService" => "/spec/rayClusterConfig/",
                _ => "/spec/rayClusterSpec/",
            };
            let pointer = pointer.replace("/spec/rayClusterSpec/", cluster);
            let running = |job: &Value| {
                let mut object = request(job.clone()).object.root().to_value();
                object["status"] = json!({"rayClusterName": "a-1", "jobDeploymentStatus": "Running"});
                let spec = object["spec"]["rayClusterSpec"].clone();
                object["kind"] = json!(kind);
                match kind {
                    "RayCluster" => object["spec"] = spec,
                    "RayService" => object["spec"] = json!({"rayClusterConfig": spec}),
                    _ => {}
                }
                object
            };
            let (old, mut new) = (running(&without), running(&theirs));
            if !writes {
                new = old.clone();
            }
            new["metadata"]["labels"]["example.com/edited"] = json!("true");
            let edit = Request {
                operation: Operation::Update,
                old: Some(Tree::of(&old).unwrap()),
                object: Tree::of(&new).unwrap(),
                ..request(base())
            };
            let edit = Request {
                user: "alice".to_owned(),
                ..edit
            };
            let outcome = admit(&bundle, edit, How::Both);
            let after = outcome.document.value();
            let found = after.pointer(&pointer).map(|found| found.to_value());
            let expected = writes
                .then(|| forced.clone())
                .or_else(|| old.pointer(&pointer).cloned());
            if found != expected {
                wrong.push(format!("{kind} {}: {found:?} instead of {expected:?}", entry.leaf));
            }
            *if writes { &mut written } else { &mut lacking } += 1;
        }
    }
    assert!(wrong.is_empty(), "{}\n{} are wrong", wrong.join("\n"), wrong.len());
    assert!(written > 60 && lacking > 20, "{written} {lacking}");
}

#[test]
fn every_leaf_of_the_schema_has_an_entry() {
    let known = leaves();
    let tested: BTreeSet<String> = entries().into_iter().map(|entry| entry.leaf).collect();
    assert!(known.len() > 200);
    assert_eq!(
        known.difference(&tested).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "leaves without an entry"
    );
    assert_eq!(
        tested.difference(&known).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "entries without a leaf"
    );
}

/// `actions` has a leaf for each code: what the example of the check's page finds then has that action.
#[test]
fn the_action_of_every_check_can_be_chosen() {
    let read = |name: &str, text: &str| {
        let mut sources = Sources::new();
        let (_, nodes, _) = yaml::read(
            &mut sources,
            name,
            text.as_bytes(),
            Reading::Kubectl,
            &Limits::manifests(),
        );
        nodes[0].to_json()
    };
    for check in check::all() {
        let page = check.page;
        let below = page.split("# Fails\n```yaml\n").nth(1).unwrap();
        let mut example = read(check.code, below.split("```").next().unwrap());
        let mut part = |key: &str| {
            example
                .as_object_mut()
                .unwrap()
                .remove(key)
                .unwrap_or_else(|| json!({}))
        };
        let (own, mut platform, facts) = (part("policy"), part("platform"), part("facts"));
        let facts = Facts::of_kinds(Tree::of(&facts).unwrap().root()).unwrap().timeless();
        let facts = Arc::new(facts);
        merge(
            &mut platform,
            json!({"accelerators": {"nvidia": {"resource": "nvidia.com/gpu",
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]}}}),
        );
        let version = check.versions.until.unwrap_or_default().max(check.versions.since);
        let gates: Map<String, Value> = check
            .versions
            .gate
            .iter()
            .map(|(gate, on)| ((*gate).to_owned(), json!(on)))
            .collect();
        merge(
            &mut platform,
            json!({"kuberay": {"version": version.to_string(), "featureGates": gates}}),
        );
        let base = read("base.yaml", include_str!("checks/base.yaml"));
        let kind = example["kind"].as_str().and_then(kind::named).unwrap_or(&RAY_JOB);
        let mut object = kind.from_job(Tree::of(&base).unwrap().root());
        merge(&mut object, example);
        let found = |action: &str| {
            let minimum = json!({"minimum": {"cpu": "1", "memory": "4Gi"}});
            let mut policy = json!({"match": {}, "defaults": {"head": minimum, "workers": minimum}});
            merge(&mut policy, json!({"actions": {check.code: action}}));
            merge(&mut policy, own.clone());
            let bundle = bundle(&[("RayPolicy", policy), ("Platform", platform.clone())], check.code);
            let request = Request {
                facts: Arc::clone(&facts),
                ..request(object.clone())
            };
            let outcome = admit(&bundle, request, How::AsItIs);
            let found = outcome.findings.iter().filter(|judged| judged.code() == check.code);
            found.map(|judged| judged.action.name()).collect::<Vec<_>>()
        };
        let audited = found("Audit");
        assert!(
            !audited.is_empty() && audited.iter().all(|action| *action == "Audit"),
            "{}: {audited:?}",
            check.code
        );
        assert!(found("Ignore").is_empty(), "{}", check.code);
    }
}

//! Which of KubeRay's rules hold in which of its releases, written down a second time: the table here is not derived
//! from the checks.
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

use raygate::engine::admit::answer_as_is;
use raygate::engine::{Bundle, Operation, Request};
use raygate::json::Tree;
use raygate::policy::PolicySet;
use raygate::ray::{KubeRay, kind};
use raygate::rules::check;
use serde_json::{Value, json};

/// The codes of KubeRay's own rules that an object breaks under a release, with these feature gates set.
fn broken(kuberay: KubeRay, gates: &[(&str, bool)], object: &Value) -> BTreeSet<&'static str> {
    let mut set = PolicySet::default();
    set.platform.kuberay = kuberay;
    set.platform.feature_gates = gates.iter().map(|(gate, on)| ((*gate).to_owned(), *on)).collect();
    let request = Request {
        operation: Operation::Create,
        namespace: "ml-production".to_owned(),
        user: String::new(),
        object: Tree::of(object).unwrap(),
        old: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: raygate::facts::Facts::none(),
    };
    answer_as_is(&Bundle::new(set), request)
        .findings
        .iter()
        .map(|judged| judged.static_code())
        .filter(|code| code.starts_with("RG1"))
        .collect()
}

fn release(minor: u8) -> KubeRay {
    format!("1.{minor}").parse().expect("a release")
}

/// A RayJob that breaks nothing, with the parts of `changes` set: objects merge, everything else is replaced.
fn job(changes: Value) -> Value {
    let pod = |name: &str| json!({"spec": {"containers": [{"name": name, "image": "rayproject/ray:2.52.1"}]}});
    let mut object = json!({
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": "train-7"},
        "spec": {
            "entrypoint": "python train.py",
            "shutdownAfterJobFinishes": true,
            "ttlSecondsAfterFinished": 0,
            "rayClusterSpec": {"headGroupSpec": {"rayStartParams": {}, "template": pod("ray-head")}},
        },
    });
    merge(&mut object, changes);
    object
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// A job of this spec.
fn spec(changes: Value) -> Value {
    job(json!({"spec": changes}))
}

/// A job of this cluster.
fn cluster(changes: Value) -> Value {
    spec(json!({"rayClusterSpec": changes}))
}

/// A job whose head has these variables, in a cluster of this.
fn head_variable(name: &str, value: &str, changes: Value) -> Value {
    let mut object = cluster(changes);
    object["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": name, "value": value}]);
    object
}

/// A job with one worker group.
fn group(changes: Value, of_cluster: Value) -> Value {
    let mut worker = json!({
        "groupName": "workers",
        "replicas": 1,
        "minReplicas": 1,
        "maxReplicas": 1,
        "rayStartParams": {},
        "template": {"spec": {"containers": [{"name": "ray-worker"}]}},
    });
    merge(&mut worker, changes);
    let mut object = cluster(of_cluster);
    object["spec"]["rayClusterSpec"]["workerGroupSpecs"] = json!([worker]);
    object
}

/// A job with the policies of both ends, in the field of KubeRay 1.5 and that of the releases before it.
fn policy(policy: &str, changes: Value) -> Value {
    let mut object = spec(json!({
        "deletionPolicy": policy,
        "deletionStrategy": {"onSuccess": {"policy": policy}, "onFailure": {"policy": policy}},
    }));
    merge(&mut object, json!({"spec": changes}));
    object
}

/// A job with these deletion rules.
fn rules(rules: Value, changes: Value) -> Value {
    let mut object = spec(json!({"shutdownAfterJobFinishes": false, "deletionStrategy": {"deletionRules": rules}}));
    merge(&mut object, json!({"spec": changes}));
    object
}

/// An object of another kind that breaks nothing, with these changes.
fn of_kind(name: &str, changes: Value) -> Value {
    let mut object = kind::named(name)
        .expect("a kind")
        .from_job(Tree::of(&job(json!({}))).unwrap().root());
    merge(&mut object, changes);
    object
}

/// A RayService with upgrades in steps.
fn upgraded(options: Value) -> Value {
    let strategy = json!({"type": "NewClusterWithIncrementalUpgrade", "clusterUpgradeOptions": options});
    let changes = json!({"rayClusterConfig": {"enableInTreeAutoscaling": true}, "upgradeStrategy": strategy});
    of_kind("RayService", json!({"spec": changes}))
}

/// A rule of KubeRay's: the releases that have it, first and last, the gate that decides, and an object that breaks
/// it.
struct Row {
    code: &'static str,
    since: u8,
    until: u8,
    gate: Option<(&'static str, bool)>,
    object: Value,
}

fn row(code: &'static str, since: u8, object: Value) -> Row {
    Row {
        code,
        since,
        until: 7,
        gate: None,
        object,
    }
}

impl Row {
    fn until(self, until: u8) -> Row {
        Row { until, ..self }
    }

    fn gate(self, gate: &'static str, on: bool) -> Row {
        Row {
            gate: Some((gate, on)),
            ..self
        }
    }
}

const DELETION: &str = "RayJobDeletionPolicy";
const EMBEDDED: &str = "GCSFaultToleranceEmbeddedStorage";
const HISTORY: &str = "RayClusterHistoryServer";
const NETWORK: &str = "RayClusterNetworkPolicy";
const TLS: &str = "RayClusterMTLS";
const INCREMENTAL: &str = "RayServiceIncrementalUpgrade";
const CRON: &str = "RayCronJob";

fn table() -> Vec<Row> {
    let selector = json!({"ray.io/cluster": "shared"});
    let scaling = json!({"enableInTreeAutoscaling": true});
    let v2 = json!({"enableInTreeAutoscaling": true, "autoscalerOptions": {"version": "v2"}});
    let tolerant = json!({"gcsFaultToleranceOptions": {"redisAddress": "redis:6379"}});
    let annotated = |key: &str| {
        let mut object = cluster(tolerant.clone());
        object["metadata"]["annotations"] = json!({key: "true"});
        object
    };
    let head = |changes: Value| cluster(json!({"headGroupSpec": changes}));
    let restarts = |of_cluster: &Value| {
        group(
            json!({"template": {"spec": {"restartPolicy": "Always"}}}),
            of_cluster.clone(),
        )
    };
    let once = |policy: &str| json!({"policy": policy, "condition": {"jobStatus": "FAILED", "ttlSeconds": 60}});
    let collector = json!({"image": "c", "env": [{"name": "STORAGE_BACKEND", "value": "local"}]});
    vec![
        row("RG101", 4, job(json!({"metadata": {"name": "a".repeat(48)}}))),
        row(
            "RG101",
            4,
            of_kind("RayCluster", json!({"metadata": {"name": "a".repeat(54)}})),
        ),
        row(
            "RG101",
            4,
            of_kind("RayService", json!({"metadata": {"name": "a".repeat(48)}})),
        ),
        row("RG102", 4, job(json!({"metadata": {"name": "7-train"}}))),
        row(
            "RG103",
            1,
            spec(json!({"suspend": true, "shutdownAfterJobFinishes": false})),
        ),
        row("RG104", 4, spec(json!({"ttlSecondsAfterFinished": -1}))),
        row(
            "RG105",
            4,
            spec(json!({"ttlSecondsAfterFinished": 1, "shutdownAfterJobFinishes": false})),
        ),
        row("RG106", 3, policy("DeleteCluster", json!({}))).gate(DELETION, false),
        row(
            "RG107",
            5,
            rules(
                json!([once("DeleteCluster")]),
                json!({"shutdownAfterJobFinishes": true}),
            ),
        ),
        row(
            "RG108",
            5,
            rules(
                json!([once("DeleteCluster")]),
                json!({"deletionStrategy": {"onSuccess": {"policy": "DeleteNone"}}}),
            ),
        ),
        row("RG109", 5, spec(json!({"deletionStrategy": {}}))),
        row(
            "RG110",
            5,
            spec(json!({"deletionStrategy": {"onSuccess": {"policy": "DeleteCluster"}}})),
        ),
        row(
            "RG111",
            5,
            spec(json!({"deletionStrategy": {"onSuccess": {}, "onFailure": {}}})),
        ),
        row(
            "RG112",
            3,
            policy("DeleteCluster", json!({"clusterSelector": selector})),
        ),
        row("RG113", 3, policy("DeleteWorkers", json!({"rayClusterSpec": scaling}))),
        row("RG114", 3, policy("DeleteNone", json!({}))),
        row(
            "RG115",
            6,
            rules(json!([{"policy": "DeleteCluster", "condition": {}}]), json!({})),
        ),
        row(
            "RG116",
            5,
            rules(
                json!([{"policy": "DeleteCluster", "condition": {"jobStatus": "FAILED", "ttlSeconds": -1}}]),
                json!({}),
            ),
        ),
        row(
            "RG117",
            5,
            rules(json!([once("DeleteCluster")]), json!({"clusterSelector": selector})),
        ),
        row(
            "RG118",
            5,
            rules(json!([once("DeleteSelf"), once("DeleteSelf")]), json!({})),
        ),
        row(
            "RG119",
            5,
            rules(
                json!([once("DeleteCluster"), {"policy": "DeleteSelf", "condition": {"jobStatus": "FAILED"}}]),
                json!({}),
            ),
        ),
        row("RG120", 1, spec(json!({"suspend": true, "clusterSelector": selector}))),
        row("RG121", 1, spec(json!({"rayClusterSpec": null}))),
        row("RG122", 5, spec(json!({"clusterSelector": {"cluster": "shared"}}))),
        row(
            "RG123",
            5,
            spec(json!({"submissionMode": "SidecarMode", "clusterSelector": selector})),
        ),
        row(
            "RG124",
            6,
            spec(json!({"backoffLimit": 1, "clusterSelector": selector})),
        ),
        row(
            "RG125",
            4,
            spec(json!({"backoffLimit": 1, "submissionMode": "InteractiveMode"})),
        ),
        row(
            "RG126",
            5,
            spec(json!({"submissionMode": "SidecarMode", "submitterPodTemplate": {}})),
        ),
        row(
            "RG127",
            5,
            spec(json!({"submissionMode": "SidecarMode", "submitterConfig": {}})),
        ),
        row("RG128", 5, {
            let mut object = head(json!({"template": {"spec": {"restartPolicy": "Always"}}}));
            object["spec"]["submissionMode"] = json!("SidecarMode");
            object
        }),
        row(
            "RG129",
            6,
            cluster(json!({"authOptions": {"enableK8sTokenAuth": true}})),
        ),
        row("RG130", 1, spec(json!({"runtimeEnvYAML": "- numpy"}))),
        row("RG131", 1, spec(json!({"activeDeadlineSeconds": 0}))),
        row("RG132", 6, spec(json!({"preRunningDeadlineSeconds": 0}))),
        row("RG133", 2, spec(json!({"backoffLimit": -1}))),
        row("RG134", 2, job(json!({"status": {"jobDeploymentStatus": "Waiting"}}))),
        row("RG140", 4, head(json!({"template": {"spec": {"containers": []}}}))),
        row(
            "RG141",
            4,
            group(json!({"template": {"spec": {"containers": []}}}), json!({})),
        ),
        row(
            "RG142",
            5,
            head(json!({"resources": {"CPU": "1"}, "rayStartParams": {"num-cpus": "1"}})),
        ),
        row("RG143", 5, head(json!({"rayStartParams": {"labels": "a=b"}}))),
        row("RG144", 5, head(json!({"labels": {"a": "b c"}}))),
        row("RG146", 6, group(json!({"minReplicas": -1}), json!({}))),
        row("RG147", 6, group(json!({"maxReplicas": -1}), json!({}))),
        row("RG148", 6, group(json!({"minReplicas": 2}), json!({}))),
        row("RG149", 6, group(json!({"idleTimeoutSeconds": 60}), scaling.clone())),
        row("RG150", 7, group(json!({"priority": 1}), v2.clone())),
        row("RG151", 4, annotated("ray.io/ft-enabled")),
        row("RG152", 4, head_variable("RAY_REDIS_ADDRESS", "redis:6379", json!({}))),
        row("RG153", 4, {
            let mut object = head(json!({"rayStartParams": {"redis-password": "x"}}));
            merge(&mut object, json!({"spec": {"rayClusterSpec": tolerant}}));
            object
        }),
        row("RG154", 4, head_variable("REDIS_PASSWORD", "x", tolerant.clone())),
        row("RG155", 4, head_variable("RAY_REDIS_ADDRESS", "x", tolerant.clone())),
        row("RG156", 4, annotated("ray.io/external-storage-namespace")),
        row("RG157", 4, head_variable("REDIS_USERNAME", "x", json!({}))),
        row(
            "RG158",
            7,
            cluster(json!({"gcsFaultToleranceOptions": {"backend": "rocksdb", "redisAddress": "x"}})),
        ),
        row(
            "RG158",
            7,
            cluster(json!({"gcsFaultToleranceOptions": {"backend": "rocksdb"}})),
        )
        .gate(EMBEDDED, false),
        row(
            "RG159",
            7,
            cluster(json!({"gcsFaultToleranceOptions": {"storage": {"size": "1Gi"}}})),
        ),
        row("RG160", 4, group(json!({"suspend": true}), json!({}))).gate(DELETION, false),
        row("RG161", 4, group(json!({"suspend": true}), scaling.clone())),
        row("RG162", 5, head_variable("RAY_enable_autoscaler_v2", "1", json!({}))),
        row("RG163", 4, head_variable("RAY_enable_autoscaler_v2", "1", v2.clone())),
        row("RG164", 4, {
            let mut object = head(json!({"template": {"spec": {"restartPolicy": "Always"}}}));
            merge(&mut object, json!({"spec": {"rayClusterSpec": v2}}));
            object
        }),
        row("RG165", 4, restarts(&v2)),
        row(
            "RG166",
            6,
            cluster(json!({"autoscalerOptions": {"idleTimeoutSeconds": -1}})),
        ),
        row(
            "RG167",
            7,
            cluster(json!({"autoscalerOptions": {"env": [{"name": "KUBERAY_GEN_AUTOSCALER_START_CMD"}]}})),
        ),
        row("RG168", 7, cluster(json!({"historyServerOptions": {}}))),
        row(
            "RG168",
            7,
            cluster(json!({"historyServerOptions": {"collectorOptions": collector}})),
        )
        .gate(HISTORY, false),
        row("RG169", 5, cluster(json!({"authOptions": {"mode": "token"}}))),
        row(
            "RG170",
            6,
            cluster(json!({"authOptions": {"enableK8sTokenAuth": true}})),
        ),
        row(
            "RG171",
            7,
            cluster(json!({"networkPolicy": {"workerGroups": [{"groupName": "nobody"}]}})),
        ),
        row("RG171", 7, cluster(json!({"networkPolicy": {}}))).gate(NETWORK, false),
        row(
            "RG172",
            7,
            head_variable("RAY_USE_TLS", "1", json!({"tlsOptions": {"enabled": true}})),
        ),
        row("RG172", 7, cluster(json!({"tlsOptions": {}}))).gate(TLS, false),
        row(
            "RG173",
            6,
            of_kind("RayCluster", json!({"spec": {"upgradeStrategy": {"type": "Rolling"}}})),
        ),
        row(
            "RG174",
            6,
            of_kind(
                "RayCluster",
                json!({
                    "metadata": {"labels": {"ray.io/originated-from-crd": "RayJob"}},
                    "spec": {"upgradeStrategy": {"type": "None"}},
                }),
            ),
        ),
        row(
            "RG175",
            5,
            of_kind(
                "RayService",
                json!({"metadata": {"annotations": {"ray.io/initializing-timeout": "5 minutes"}}}),
            ),
        ),
        row(
            "RG176",
            3,
            of_kind(
                "RayService",
                json!({"spec": {"rayClusterConfig": {"headGroupSpec": {"headService": {"metadata": {"name": "a"}}}}}}),
            ),
        ),
        row(
            "RG177",
            3,
            of_kind("RayService", json!({"spec": {"upgradeStrategy": {"type": "none"}}})),
        ),
        row("RG177", 3, upgraded(json!({}))).until(4),
        row(
            "RG178",
            5,
            of_kind("RayService", json!({"spec": {"rayClusterDeletionDelaySeconds": -1}})),
        ),
        row(
            "RG179",
            5,
            of_kind(
                "RayService",
                json!({"spec": {"upgradeStrategy": {"type": "NewClusterWithIncrementalUpgrade"}}}),
            ),
        )
        .gate(INCREMENTAL, true),
        row("RG181", 6, cluster(json!({"upgradeStrategy": {"type": "Recreate"}}))),
        row("RG182", 3, {
            let on = |kind: &str| json!({"type": kind, "status": "True"});
            let conditions = [on("RayClusterSuspending"), on("RayClusterSuspended")];
            job(json!({"status": {"rayClusterStatus": {"conditions": conditions}}}))
        }),
        row(
            "RG183",
            7,
            restarts(&json!({"enableInTreeAutoscaling": true, "autoscalerOptions": {"version": "v1"}})),
        ),
        row(
            "RG185",
            1,
            head(json!({"rayStartParams": {"object-store-memory": "1Gi"}})),
        )
        .until(1),
        row("RG187", 5, upgraded(json!({"maxSurgePercent": 101}))).gate(INCREMENTAL, true),
        row(
            "RG188",
            7,
            upgraded(json!({"maxSurgePercent": 10, "stepSizePercent": 20})),
        )
        .gate(INCREMENTAL, true),
        row(
            "RG189",
            6,
            of_kind("RayCronJob", json!({"spec": {"schedule": "daily"}})),
        ),
        row(
            "RG190",
            7,
            of_kind("RayCronJob", json!({"spec": {"schedule": "TZ=UTC 0 3 * * *"}})),
        ),
        row(
            "RG191",
            6,
            of_kind("RayCronJob", json!({"spec": {"timeZone": "europe/berlin"}})),
        ),
        row(
            "RG192",
            6,
            of_kind("RayCronJob", json!({"spec": {"schedule": "0 0 30 2 *"}})),
        ),
        row(
            "RG194",
            7,
            of_kind("RayCronJob", json!({"spec": {"schedule": "@every 30s"}})),
        ),
        row(
            "RG195",
            5,
            of_kind("RayService", json!({"spec": {"upgradeStrategy": {}}})),
        )
        .until(6)
        .gate(INCREMENTAL, true),
        row("RG196", 6, of_kind("RayCronJob", json!({}))).gate(CRON, false),
        row("RG197", 5, upgraded(json!({}))).gate(INCREMENTAL, false),
    ]
}

/// Whether a gate is on where nothing is set: the deletion policy since 1.6, upgrades in steps since 1.7.
fn on_by_default(gate: &str, minor: u8) -> bool {
    gate == DELETION && minor >= 6 || gate == INCREMENTAL && minor >= 7
}

#[test]
fn every_rule_holds_in_its_releases_alone() {
    for row in table() {
        for minor in 1..=7 {
            let has = (row.since..=row.until).contains(&minor);
            let (gate, wanted) = row.gate.unwrap_or((DELETION, true));
            let settings = [None, Some(false), Some(true)];
            for setting in settings {
                let on = setting.unwrap_or_else(|| on_by_default(gate, minor));
                let holds = has && (row.gate.is_none() || on == wanted);
                let set: Vec<(&str, bool)> = setting.map(|on| (gate, on)).into_iter().collect();
                let found = broken(release(minor), &set, &row.object);
                assert_eq!(
                    found.contains(row.code),
                    holds,
                    "{} in KubeRay 1.{minor} with {set:?}: found {found:?}",
                    row.code
                );
            }
        }
    }
}

#[test]
fn the_table_has_every_rule() {
    let rows: BTreeSet<&str> = table().iter().map(|row| row.code).collect();
    let checks: BTreeSet<&str> = check::kuberay::CHECKS.iter().map(|check| check.code).collect();
    assert_eq!(rows, checks);
}

#[test]
fn an_object_that_breaks_nothing_is_never_refused() {
    let group = group(json!({}), json!({}));
    let others = ["RayCluster", "RayService", "RayCronJob"].map(|name| of_kind(name, json!({})));
    for object in [job(json!({})), group].into_iter().chain(others) {
        for minor in 1..=7 {
            for on in [false, true] {
                assert_eq!(
                    broken(release(minor), &[(DELETION, on), (CRON, true)], &object),
                    BTreeSet::new(),
                    "1.{minor}"
                );
            }
        }
    }
}

/// What a job says of its end.
#[derive(Clone, Copy, Debug)]
struct Lifecycle {
    shutdown: bool,
    ttl: bool,
    suspend: bool,
    selector: bool,
    /// `onSuccess: DeleteCluster` and `onFailure: DeleteSelf`.
    ends: bool,
    /// A rule with `DeleteWorkers`, and one with `DeleteSelf`.
    rules: bool,
}

impl Lifecycle {
    fn all() -> impl Iterator<Item = Lifecycle> {
        (0..64_u8).map(|bits| {
            let bit = |at: u8| bits >> at & 1 == 1;
            Lifecycle {
                shutdown: bit(0),
                ttl: bit(1),
                suspend: bit(2),
                selector: bit(3),
                ends: bit(4),
                rules: bit(5),
            }
        })
    }

    fn object(self) -> Value {
        let mut changes = json!({
            "shutdownAfterJobFinishes": self.shutdown,
            "suspend": self.suspend,
            "ttlSecondsAfterFinished": if self.ttl { 60 } else { 0 },
        });
        if self.selector {
            merge(&mut changes, json!({"clusterSelector": {"ray.io/cluster": "shared"}}));
        }
        if self.ends {
            let ends = json!({"onSuccess": {"policy": "DeleteCluster"}, "onFailure": {"policy": "DeleteSelf"}});
            merge(&mut changes, json!({"deletionStrategy": ends}));
        }
        if self.rules {
            let rules = json!([
                {"policy": "DeleteSelf", "condition": {"jobStatus": "FAILED", "ttlSeconds": 60}},
                {"policy": "DeleteWorkers", "condition": {"jobStatus": "FAILED"}},
            ]);
            merge(&mut changes, json!({"deletionStrategy": {"deletionRules": rules}}));
        }
        spec(changes)
    }

    /// The first rule that KubeRay finds broken, in the order in which it asks.
    fn first_refusal(self, minor: u8, gate: bool) -> Option<&'static str> {
        if self.suspend && !self.shutdown {
            return Some("RG103");
        }
        if self.ttl && !self.shutdown {
            return Some("RG105");
        }
        if minor >= 5 && (self.ends || self.rules) {
            if !gate {
                return Some("RG106");
            }
            match (self.ends, self.rules) {
                (_, true) if self.shutdown => return Some("RG107"),
                (true, true) => return Some("RG108"),
                (true, false) if self.selector => return Some("RG112"),
                (false, true) if self.selector => return Some("RG117"),
                _ => {}
            }
        }
        (self.suspend && self.selector).then_some("RG120")
    }

    /// Every rule that is broken.
    fn refusals(self, minor: u8, gate: bool) -> BTreeSet<&'static str> {
        let has_strategy = minor >= 5;
        [
            ("RG103", self.suspend && !self.shutdown),
            ("RG105", self.ttl && !self.shutdown),
            ("RG106", has_strategy && !gate && (self.ends || self.rules)),
            ("RG107", has_strategy && self.rules && self.shutdown),
            ("RG108", has_strategy && self.rules && self.ends),
            ("RG112", has_strategy && self.ends && self.selector),
            ("RG117", has_strategy && self.rules && self.selector),
            ("RG120", self.suspend && self.selector),
        ]
        .into_iter()
        .filter_map(|(code, is_broken)| is_broken.then_some(code))
        .collect()
    }
}

#[test]
fn every_lifecycle_is_judged_as_kuberay_does() {
    for lifecycle in Lifecycle::all() {
        let object = lifecycle.object();
        for minor in [4, 5, 6] {
            for gate in [false, true] {
                let found = broken(release(minor), &[(DELETION, gate)], &object);
                let at = format!("KubeRay 1.{minor}, gate {gate}, {lifecycle:?}");
                assert_eq!(found, lifecycle.refusals(minor, gate), "{at}");
                match lifecycle.first_refusal(minor, gate) {
                    Some(code) => assert!(found.contains(code), "{at}: {code} is not among {found:?}"),
                    None => assert!(found.is_empty(), "{at}: {found:?}"),
                }
            }
        }
    }
}

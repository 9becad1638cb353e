//! The statements of `docs/precedence.md`, each by its number.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use raygate::admission::{Answer, Endpoint, Gate};
use raygate::engine::admit::{answer_mutate, answer_validate};
use raygate::engine::bundle::known;
use raygate::engine::{Bundle, Compiled, Judged, Operation, Outcome, Request, Verdict};
use raygate::json::{Json, Tree};
use raygate::policy::load::{Loaded, Source};
use raygate::policy::settings::Action;
use raygate::policy::{Effective, Subject, load};
use raygate::ray::Kind;
use raygate::ray::Workload;
use raygate::ray::flyte::Identity;
use raygate::ray::kind::{KINDS, RAY_CLUSTER, RAY_SERVICE};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../docs/precedence.md");
const PLATFORM: &str = "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {flyte: {serviceAccounts: [flyte], namespace: \"{project}-{domain}\"}}\n";

/// Policies and exemptions, as `NAME: SPEC` each.
struct Set(Vec<String>);

impl Set {
    fn new() -> Set {
        Set(vec![PLATFORM.to_owned()])
    }

    fn document(mut self, kind: &str, name: &str, spec: &str) -> Set {
        self.0.push(format!(
            "apiVersion: raygate.dev/v1beta1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
        ));
        self
    }

    fn policy(self, name: &str, spec: &str) -> Set {
        self.document("RayPolicy", name, spec)
    }

    /// An exemption that ends at the end of 2026.
    fn exempt(self, name: &str, spec: &str) -> Set {
        let spec = format!("{spec}, owner: ml-platform, reason: a test, expires: 2026-12-31");
        self.document("Exemption", name, &spec)
    }

    fn loaded(&self) -> Loaded {
        load(&[Source::new("policies.yaml", &self.0.join("---\n"))], &known())
    }

    /// The codes of the errors.
    fn errors(&self) -> Vec<String> {
        let loaded = self.loaded();
        let errors = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
        errors.map(|diagnostic| diagnostic.code.to_string()).collect()
    }

    fn bundle(&self) -> Bundle {
        let loaded = self.loaded();
        let found: Vec<String> = loaded
            .diagnostics
            .iter()
            .map(|diagnostic| diagnostic.concise(&loaded.sources))
            .collect();
        assert!(loaded.is_usable(), "{found:#?}");
        Bundle::new(loaded.set)
    }

    fn compiled(&self, who: &Who) -> Arc<Compiled> {
        let bundle = self.bundle();
        let identity = Identity {
            project: "ml".into(),
            domain: "production".into(),
            ..Identity::default()
        };
        let subject = Subject::new(identity, who.namespace, who.user, bundle.platform());
        bundle.compiled(&subject, &Workload::of(Json::NULL))
    }

    /// What the set comes to for a verified RayJob of the project `ml` in `production`.
    fn effective(&self) -> Arc<Compiled> {
        self.compiled(&VERIFIED)
    }
}

/// Who sends a RayJob of the project `ml` in `production`, where to, and when.
struct Who {
    user: &'static str,
    namespace: &'static str,
    day: &'static str,
}

const VERIFIED: Who = Who {
    user: "flyte",
    namespace: "ml-production",
    day: "2026-06-01",
};
const FORGED: Who = Who {
    user: "somebody",
    ..VERIFIED
};

/// A RayJob of the project `ml` in `production`: a head and four workers of 1 CPU and 4Gi each.
fn job() -> Value {
    let pod = |name: &str| {
        let resources = json!({"cpu": "1", "memory": "4Gi"});
        json!({"spec": {"containers": [{
            "name": name,
            "image": "ghcr.io/my-org/ray:2.46.0",
            "resources": {"requests": resources, "limits": resources},
        }]}})
    };
    json!({
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {
            "name": "a-n0-0",
            "namespace": "ml-production",
            "labels": {"project": "ml", "domain": "production", "execution-id": "a", "node-id": "n0"},
        },
        "spec": {
            "entrypoint": "python train.py",
            "shutdownAfterJobFinishes": true,
            "rayClusterSpec": {
                "headGroupSpec": {"rayStartParams": {}, "template": pod("ray-head")},
                "workerGroupSpecs": [{
                    "groupName": "workers",
                    "replicas": 4,
                    "minReplicas": 4,
                    "maxReplicas": 4,
                    "rayStartParams": {},
                    "template": pod("ray-worker"),
                }],
            },
        },
    })
}

fn with(pointer: &str, key: &str, value: Value) -> Value {
    let mut job = job();
    job.pointer_mut(pointer).unwrap()[key] = value;
    job
}

fn request(who: &Who, object: &Value) -> Request<'static> {
    Request {
        operation: Operation::Create,
        namespace: who.namespace.into(),
        user: who.user.into(),
        object: Tree::of(object).unwrap(),
        old: None,
        now: format!("{}T23:59:59Z", who.day).parse().unwrap(),
        facts: raygate::facts::Facts::none(),
    }
}

fn mutated(set: &Set, who: &Who, object: &Value) -> Value {
    answer_mutate(&set.bundle(), request(who, object))
        .document
        .value()
        .to_value()
}

fn judged(set: &Set, who: &Who, object: &Value) -> Outcome<'static> {
    answer_validate(&set.bundle(), request(who, object))
}

/// The findings of a code, with the exemption that each names.
fn of<'a>(outcome: &'a Outcome<'_>, code: &str) -> Vec<(Action, Option<&'a str>)> {
    let found = outcome.findings.iter().filter(|judged| judged.code() == code);
    found
        .map(|judged: &Judged| (judged.action, judged.exemption.as_deref()))
        .collect()
}

fn ttl(effective: &Effective) -> Option<i64> {
    effective.defaults.lifecycle.ttl_seconds_after_finished
}

fn default_ttl(rest: &str, seconds: u32) -> String {
    format!("{rest}, defaults: {{lifecycle: {{ttlSecondsAfterFinished: {seconds}}}}}")
}

#[test]
fn each_statement_has_a_test_and_each_test_a_statement() {
    let stated: Vec<u32> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("**")?.split_once(".**")?.0.parse().ok())
        .collect();
    assert_eq!(stated, (1..=stated.len() as u32).collect::<Vec<_>>());
    let tested: BTreeSet<u32> = include_str!("precedence.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("fn p")?.split_once('_')?.0.parse().ok())
        .collect();
    assert_eq!(tested, stated.into_iter().collect());
}

#[test]
fn p01_every_key_of_match_and_no_entry_of_exclude() {
    let applies = |selector: &str| {
        let set = Set::new().policy("p", &default_ttl(selector, 7));
        ttl(&set.effective().effective) == Some(7)
    };
    assert!(applies("match: {}"));
    assert!(applies("match: {projects: [other, \"m*\"], domains: [production]}"));
    assert!(!applies("match: {projects: [ml], domains: [staging]}"));
    assert!(!applies(
        "match: {}, exclude: [{domains: [staging]}, {namespaces: [ml-production]}]"
    ));
    assert!(applies(
        "match: {}, exclude: [{domains: [staging]}, {namespaces: [ml-production], users: [a]}]"
    ));
}

#[test]
fn p02_a_disabled_policy_is_for_none() {
    let set = Set::new().policy("low", &default_ttl("match: {}", 1)).policy(
        "high",
        &default_ttl("match: {}, priority: 1, mode: Disabled, allowSkip: [readiness]", 2),
    );
    let effective = &set.effective().effective;
    assert_eq!(ttl(effective), Some(1));
    assert!(effective.allow_skip.is_empty());
    assert_eq!(effective.policies.len(), 1);
}

#[test]
fn p03_identity_is_verified_by_user_and_namespace() {
    let limit = |who: &Who| {
        let set = Set::new()
            .policy("low", "match: {}, limits: {maxPodsPerJob: 5}")
            .policy(
                "high",
                "match: {projects: [ml]}, priority: 1, limits: {maxPodsPerJob: 9}",
            );
        set.compiled(who).effective.limits.max_pods_per_job
    };
    assert_eq!(limit(&VERIFIED), Some(9));
    assert_eq!(limit(&FORGED), Some(5));
    assert_eq!(
        limit(&Who {
            namespace: "other",
            ..VERIFIED
        }),
        Some(5)
    );
    let by_namespace = Set::new()
        .policy("low", "match: {}, limits: {maxPodsPerJob: 5}")
        .policy(
            "high",
            "match: {namespaces: [ml-production]}, priority: 1, limits: {maxPodsPerJob: 9}",
        );
    assert_eq!(
        by_namespace.compiled(&FORGED).effective.limits.max_pods_per_job,
        Some(9)
    );
}

#[test]
fn p04_the_highest_priority_wins_leaf_by_leaf() {
    let set = Set::new()
        .policy(
            "a",
            "match: {}, priority: 5, defaults: {lifecycle: {ttlSecondsAfterFinished: 2}}",
        )
        .policy(
            "b",
            "match: {}, defaults: {lifecycle: {ttlSecondsAfterFinished: 1, activeDeadlineSeconds: 7}}",
        );
    let lifecycle = &set.effective().effective.defaults.lifecycle;
    assert_eq!(lifecycle.ttl_seconds_after_finished, Some(2));
    assert_eq!(lifecycle.active_deadline_seconds, Some(7));
}

#[test]
fn p05_equal_priorities_conflict() {
    let errors = |one: &str, two: &str| {
        let set = Set::new().policy("one", one).policy("two", two);
        set.errors()
    };
    let ttl = |rest: &str, seconds: u32| default_ttl(rest, seconds);
    let conflict = vec!["RP203".to_owned()];
    assert_eq!(errors(&ttl("match: {}", 1), &ttl("match: {domains: [a]}", 2)), conflict);
    assert_eq!(
        errors(&ttl("match: {domains: [\"p*\"]}", 1), &ttl("match: {domains: [pa]}", 2)),
        conflict
    );
    assert_eq!(
        errors(&ttl("match: {}, mode: Preview", 1), &ttl("match: {}", 2)),
        conflict
    );
    assert_eq!(
        errors(
            "match: {}, limits: {maxPodsPerJob: 1}",
            "match: {}, limits: {maxPodsPerJob: 2}"
        ),
        conflict
    );
    assert_eq!(
        errors("match: {}, actions: {RG203: Deny}", "match: {}, actions: {RG203: Warn}"),
        conflict
    );
    assert!(errors(&ttl("match: {}", 1), &ttl("match: {}", 1)).is_empty());
    assert!(errors(&ttl("match: {}", 1), &ttl("match: {}, priority: 1", 2)).is_empty());
    assert!(errors(&ttl("match: {domains: [a]}", 1), &ttl("match: {domains: [b, c]}", 2)).is_empty());
    assert!(errors(&ttl("match: {domains: [\"p*\"]}", 1), &ttl("match: {domains: [a]}", 2)).is_empty());
    assert!(errors(&ttl("match: {}, mode: Disabled", 1), &ttl("match: {}", 2)).is_empty());
}

#[test]
fn p06_maps_merge_by_key() {
    let set = Set::new()
        .policy(
            "low",
            "match: {}, defaults: {workers: {labels: {a: low, b: low}, rayStartParams: {x: \"1\"}}}",
        )
        .policy(
            "high",
            "match: {}, priority: 1, defaults: {workers: {labels: {b: high, c: high}}}",
        );
    let workers = &set.effective().effective.defaults.workers;
    let labels: Vec<String> = workers
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(labels, ["a=low", "b=high", "c=high"]);
    assert_eq!(workers.ray_start_params["x"], "1");
}

#[test]
fn p07_env_and_pull_secrets_merge_by_name() {
    let set = Set::new()
        .policy("low", "match: {}, defaults: {head: {imagePullSecrets: [{name: a}], env: [{name: X, value: low}, {name: Y, value: low}]}}")
        .policy("high", "match: {}, priority: 1, defaults: {head: {imagePullSecrets: [{name: b}], env: [{name: Y, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]}}");
    let head = &set.effective().effective.defaults.head;
    assert_eq!(head.image_pull_secrets.len(), 2);
    assert_eq!(head.env["X"], json!({"name": "X", "value": "low"}));
    assert_eq!(
        head.env["Y"],
        json!({"name": "Y", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}})
    );
}

#[test]
fn p08_tolerations_are_a_set() {
    let set = Set::new()
        .policy("low", "match: {}, defaults: {pods: {tolerations: [{key: a, operator: Exists}]}}")
        .policy("high", "match: {}, priority: 1, defaults: {pods: {tolerations: [{operator: Exists, key: a}, {key: b, operator: Exists}]}}");
    assert_eq!(set.effective().effective.defaults.workers.tolerations.len(), 2);
}

#[test]
fn p09_other_lists_are_one_leaf() {
    let set = Set::new()
        .policy("low", "match: {}, limits: {allowedImages: [\"a/**\", \"b/**\"]}")
        .policy("high", "match: {}, priority: 1, limits: {allowedImages: [\"c/**\"]}");
    let images = set.effective().effective.limits.allowed_images.clone();
    assert_eq!(images, Some(vec!["c/**".to_owned()]));
}

#[test]
fn p10_the_kinds_of_pods_go_before_all_pods() {
    let set = Set::new()
        .policy("low", "match: {}, defaults: {head: {priorityClassName: head}}")
        .policy(
            "high",
            "match: {}, priority: 9, defaults: {pods: {priorityClassName: pods}}",
        );
    let defaults = &set.effective().effective.defaults;
    let classes =
        [&defaults.head, &defaults.workers, &defaults.submitter].map(|pods| pods.priority_class_name.as_deref());
    assert_eq!(classes, [Some("head"), Some("pods"), Some("pods")]);
}

#[test]
fn p11_unset_takes_back_what_lower_priorities_set() {
    let labels = |leaf: &str| {
        let set = Set::new()
            .policy("low", "match: {}, defaults: {head: {labels: {app: x, app.kubernetes.io/name: y}}, lifecycle: {ttlSecondsAfterFinished: 1}}, force: {head: {labels: {app: z}}}")
            // Behind it by name, which must not matter.
            .policy("zzz", &format!("match: {{}}, priority: 1, unset: [{leaf}]"))
            .policy("equal", "match: {}, priority: 1, defaults: {head: {labels: {equal: e}}}")
            .policy("high", "match: {}, priority: 2, defaults: {head: {labels: {high: h}}}");
        let compiled = set.effective();
        let (defaults, force) = (&compiled.effective.defaults, &compiled.effective.force);
        assert_eq!(ttl(&compiled.effective), Some(1));
        let keys = |labels: &std::collections::BTreeMap<String, String>| labels.keys().cloned().collect::<Vec<_>>();
        (keys(&defaults.head.labels), keys(&force.head.labels))
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(labels("head.labels"), (words(&["equal", "high"]), words(&[])));
    assert_eq!(
        labels("head.labels.app"),
        (words(&["app.kubernetes.io/name", "equal", "high"]), words(&[]))
    );
    assert_eq!(
        labels("head.labels.app.kubernetes.io/name"),
        (words(&["app", "equal", "high"]), words(&["app"]))
    );
    assert_eq!(
        Set::new().policy("p", "match: {}, unset: [lifecycle.ttl]").errors(),
        ["RP207"]
    );
}

#[test]
fn p12_force_goes_before_defaults() {
    let set = Set::new()
        .policy("low", "match: {}, force: {lifecycle: {ttlSecondsAfterFinished: 60}}")
        .policy("high", &default_ttl("match: {}, priority: 9", 300));
    assert_eq!(mutated(&set, &VERIFIED, &job())["spec"]["ttlSecondsAfterFinished"], 60);
}

#[test]
fn p13_a_higher_policy_may_loosen() {
    let set = Set::new()
        .policy("low", "match: {}, limits: {maxPodsPerJob: 5}, actions: {RG203: Deny}")
        .policy(
            "high",
            "match: {}, priority: 1, limits: {maxPodsPerJob: 50}, actions: {RG203: Ignore}",
        );
    let effective = &set.effective().effective;
    assert_eq!(effective.limits.max_pods_per_job, Some(50));
    assert_eq!(effective.actions["RG203"], Action::Ignore);
}

#[test]
fn p14_rules_and_skips_add_up() {
    let rule = |name: &str| format!("rules: [{{name: {name}, require: \"false\", message: no, action: Warn}}]");
    let set = Set::new()
        .policy("low", &format!("match: {{}}, allowSkip: [readiness], {}", rule("one")))
        .policy(
            "high",
            &format!("match: {{}}, priority: 1, allowSkip: [lifecycle], {}", rule("two")),
        );
    let outcome = judged(&set, &VERIFIED, &job());
    assert_eq!(of(&outcome, "rule/one").len() + of(&outcome, "rule/two").len(), 2);
    let effective = &set.effective().effective;
    assert!(
        ["readiness", "lifecycle"]
            .iter()
            .all(|injector| effective.allow_skip.contains(*injector))
    );
}

#[test]
fn p15_a_default_fills_and_never_changes() {
    let set = Set::new().policy(
        "p",
        "match: {}, defaults: {lifecycle: {ttlSecondsAfterFinished: 300, activeDeadlineSeconds: 900}}",
    );
    let after = mutated(&set, &VERIFIED, &with("/spec", "ttlSecondsAfterFinished", json!(77)));
    assert_eq!(after["spec"]["ttlSecondsAfterFinished"], 77);
    assert_eq!(after["spec"]["activeDeadlineSeconds"], 900);
}

#[test]
fn p16_zero_counts_as_left_out_where_it_cannot_be_told() {
    let set = Set::new().policy(
        "p",
        "match: {}, defaults: {lifecycle: {ttlSecondsAfterFinished: 300, shutdownAfterJobFinishes: true}}",
    );
    let mut object = with("/spec", "ttlSecondsAfterFinished", json!(0));
    object["spec"]["shutdownAfterJobFinishes"] = json!(false);
    let after = mutated(&set, &VERIFIED, &object);
    assert_eq!(after["spec"]["ttlSecondsAfterFinished"], 300);
    assert_eq!(after["spec"]["shutdownAfterJobFinishes"], true);
}

#[test]
fn p17_force_replaces_and_is_verified() {
    let set = Set::new().policy("p", "match: {}, force: {head: {serviceType: ClusterIP}}");
    let object = with("/spec/rayClusterSpec/headGroupSpec", "serviceType", json!("NodePort"));
    let after = mutated(&set, &VERIFIED, &object);
    assert_eq!(
        after["spec"]["rayClusterSpec"]["headGroupSpec"]["serviceType"],
        "ClusterIP"
    );
    assert_eq!(judged(&set, &VERIFIED, &object).verdict, Verdict::Retry);
    assert_eq!(judged(&set, &VERIFIED, &after).verdict, Verdict::Allow);
    // KubeRay prefers the type in headService.
    let service = json!({"spec": {"type": "NodePort", "ports": [{"name": "http", "port": 80}]}});
    let object = with("/spec/rayClusterSpec/headGroupSpec", "headService", service);
    let after = mutated(&set, &VERIFIED, &object);
    let service = &after["spec"]["rayClusterSpec"]["headGroupSpec"]["headService"];
    assert_eq!(
        service["spec"],
        json!({"type": "ClusterIP", "ports": [{"name": "http", "port": 80}]})
    );
    assert_eq!(judged(&set, &VERIFIED, &object).verdict, Verdict::Retry);
    // What is there already, though nobody wrote it, is not written.
    let set = Set::new().policy("p", "match: {}, force: {head: {enableIngress: false}}");
    let ingress = |given: Value| {
        let object = with("/spec/rayClusterSpec/headGroupSpec", "enableIngress", given);
        mutated(&set, &VERIFIED, &object)["spec"]["rayClusterSpec"]["headGroupSpec"]["enableIngress"].clone()
    };
    assert_eq!(ingress(json!(true)), false);
    assert_eq!(ingress(Value::Null), Value::Null);
}

#[test]
fn p18_a_skip_turns_off_defaults_where_it_is_allowed() {
    let skipping = with("/metadata", "annotations", json!({"raygate.dev/skip": "lifecycle"}));
    let seconds = |allow: &str, section: &str| {
        let set = Set::new().policy(
            "p",
            &format!("match: {{}}, allowSkip: [{allow}], {section}: {{lifecycle: {{ttlSecondsAfterFinished: 300}}}}"),
        );
        let after = mutated(&set, &VERIFIED, &skipping);
        after["spec"].get("ttlSecondsAfterFinished").is_some()
    };
    assert!(!seconds("lifecycle", "defaults"));
    assert!(seconds("readiness", "defaults"));
    assert!(seconds("lifecycle", "force"));
}

#[test]
fn p19_a_fix_repairs_the_findings_of_its_check_alone() {
    let set = |action: &str| {
        let spec = format!(
            "match: {{}}, limits: {{maxTtlSeconds: 100, maxBackoffLimit: 1}}, actions: {{RG401: {action}, RG404: Deny}}"
        );
        Set::new().policy("p", &spec)
    };
    let mut object = with("/spec", "ttlSecondsAfterFinished", json!(500));
    object["spec"]["backoffLimit"] = json!(9);
    let after = mutated(&set("Fix"), &VERIFIED, &object);
    assert_eq!(after["spec"]["ttlSecondsAfterFinished"], 100);
    assert_eq!(after["spec"]["backoffLimit"], 9);
    assert_eq!(
        mutated(&set("Deny"), &VERIFIED, &object)["spec"]["ttlSecondsAfterFinished"],
        500
    );
}

#[test]
fn p20_the_own_word_of_a_rayjob_only_tightens() {
    let set = Set::new()
        .policy("low", "match: {}, limits: {maxPodsPerJob: 5, maxBackoffLimit: 5}, actions: {RG203: Deny, RG204: Warn}")
        .policy("own", "match: {projects: [ml]}, priority: 1, limits: {maxPodsPerJob: 9, maxBackoffLimit: 2}, actions: {RG203: Ignore, RG204: Deny}")
        .policy("own-too", "match: {projects: [ml]}, priority: 2, limits: {maxBackoffLimit: 4}");
    let forged = set.compiled(&FORGED);
    assert_eq!(forged.effective.limits.max_pods_per_job, Some(5));
    assert_eq!(forged.effective.limits.max_backoff_limit, Some(2));
    assert_eq!(forged.effective.actions["RG203"], Action::Deny);
    assert_eq!(forged.effective.actions["RG204"], Action::Deny);
    let verified = set.effective();
    assert_eq!(verified.effective.limits.max_pods_per_job, Some(9));
    assert_eq!(verified.effective.limits.max_backoff_limit, Some(4));
    assert_eq!(verified.effective.actions["RG203"], Action::Ignore);
}

#[test]
fn p21_nor_does_it_allow_a_skip_or_replace_what_is_forced() {
    let set = Set::new()
        .policy("low", "match: {}, force: {head: {serviceType: ClusterIP}}")
        .policy("own", "match: {projects: [ml]}, priority: 1, allowSkip: [readiness], unset: [head.serviceType], force: {head: {serviceType: NodePort}}, defaults: {lifecycle: {ttlSecondsAfterFinished: 5}}, rules: [{name: own, require: \"false\", message: no}]");
    for (who, service, skips) in [(&FORGED, "ClusterIP", false), (&VERIFIED, "NodePort", true)] {
        let effective = &set.compiled(who).effective;
        assert_eq!(effective.force.head.service_type.as_deref(), Some(service));
        assert_eq!(effective.allow_skip.contains("readiness"), skips);
        assert_eq!(ttl(effective), Some(5));
        assert_eq!(of(&judged(&set, who, &job()), "rule/own").len(), 1);
    }
}

#[test]
fn p22_nor_does_it_exclude() {
    let set = Set::new().policy(
        "p",
        "match: {}, exclude: [{projects: [ml]}], limits: {maxPodsPerJob: 5}",
    );
    assert_eq!(set.compiled(&FORGED).effective.limits.max_pods_per_job, Some(5));
    assert_eq!(set.effective().effective.limits.max_pods_per_job, None);
}

#[test]
fn p23_a_when_without_a_value_only_tightens() {
    let set = Set::new()
        .policy("low", "match: {}, limits: {maxPodsPerJob: 5}")
        .policy("unsure", "match: {when: \"1 / job.gpus > 0\"}, priority: 1, limits: {maxPodsPerJob: 9, maxBackoffLimit: 2}, actions: {RG203: Deny, RG204: Warn}, defaults: {lifecycle: {ttlSecondsAfterFinished: 5}}, rules: [{name: unsure, require: \"false\", message: no}]");
    let compiled = set.effective();
    let effective = &compiled.effective;
    assert_eq!(effective.limits.max_pods_per_job, Some(5));
    assert_eq!(effective.limits.max_backoff_limit, Some(2));
    assert_eq!(effective.actions["RG203"], Action::Deny);
    assert!(!effective.actions.contains_key("RG204"));
    assert_eq!(ttl(effective), None);
    assert_eq!(effective.rules.len(), 1);
}

fn answer(set: &Set, endpoint: Endpoint, object: &Value) -> Answer {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"},
            "name": "a-n0-0",
            "namespace": "ml-production",
            "operation": "CREATE",
            "userInfo": {"username": "flyte"},
            "object": object,
        },
    });
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    Gate::new(set.bundle()).answer(endpoint, review.to_string().as_bytes(), now)
}

fn response(answer: &Answer) -> Value {
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    body["response"].take()
}

#[test]
fn p24_preview_changes_no_byte() {
    let enforced = || {
        Set::new().policy(
            "base",
            "match: {}, defaults: {lifecycle: {ttlSecondsAfterFinished: 300}}",
        )
    };
    let next = "match: {}, mode: Preview, priority: 1, unset: [lifecycle], defaults: {lifecycle: {activeDeadlineSeconds: 900}}, \
                force: {head: {serviceType: ClusterIP}}, limits: {maxPodsPerJob: 2}, \
                rules: [{name: none, require: \"false\", message: no}]";
    let both = enforced().policy("next", next);
    for endpoint in [Endpoint::Mutate, Endpoint::Validate] {
        let (without, previewed) = (answer(&enforced(), endpoint, &job()), answer(&both, endpoint, &job()));
        let (mut plain, mut response) = (response(&without), response(&previewed));
        let note = response["auditAnnotations"]["preview"].take();
        let note = note.as_str().expect("an audit annotation").to_owned();
        plain["auditAnnotations"].take();
        response["auditAnnotations"].take();
        assert_eq!(plain, response);
        assert_eq!(without.record.verdict, previewed.record.verdict);
        let would: Vec<String> = previewed.record.previews[0]
            .would
            .iter()
            .map(|(code, effect)| format!("{code} {effect}"))
            .collect();
        match endpoint {
            Endpoint::Mutate => {
                assert!(
                    note.contains("next: Change lifecycle spec.activeDeadlineSeconds"),
                    "{note}"
                );
                assert!(
                    note.contains("next: Change lifecycle spec.ttlSecondsAfterFinished"),
                    "{note}"
                );
                assert!(would.contains(&"lifecycle Change".to_owned()), "{would:?}");
            }
            Endpoint::Validate => {
                assert!(note.contains("next: Deny rule/none"), "{note}");
                assert!(would.contains(&"rule/none Deny".to_owned()), "{would:?}");
                assert!(would.len() > 1, "the limit too: {would:?}");
            }
        }
    }
}

#[test]
fn p25_each_policy_in_preview_is_taken_alone() {
    let set = Set::new()
        .policy("base", "match: {}, limits: {maxPodsPerJob: 2}")
        .policy(
            "looser",
            "match: {}, mode: Preview, priority: 1, limits: {maxPodsPerJob: 20}",
        )
        .policy("quiet", "match: {}, mode: Preview, priority: 2, allowSkip: [readiness]");
    let outcome = judged(&set, &VERIFIED, &job());
    assert_eq!(outcome.verdict, Verdict::Deny);
    let would: Vec<(&str, Vec<&str>)> = outcome
        .previews
        .iter()
        .map(|preview| {
            (
                &*preview.policy,
                preview.would.iter().map(|one| one.effect.name()).collect(),
            )
        })
        .collect();
    assert_eq!(would, [("looser", vec!["Ignore"]), ("quiet", vec![])]);
}

/// A limit of two pods, which the job of five exceeds, and the code of that finding.
fn two_pods() -> (Set, &'static str) {
    let set = Set::new().policy("limits", "match: {}, limits: {maxPodsPerJob: 2}");
    (set, "RG507")
}

#[test]
fn p26_an_exemption_holds_to_the_end_of_its_last_day() {
    let (set, code) = two_pods();
    let set = set.exempt("hero", &format!("match: {{projects: [ml]}}, waive: [{code}]"));
    for (day, verdict) in [("2026-12-31", Verdict::Allow), ("2027-01-01", Verdict::Deny)] {
        assert_eq!(judged(&set, &Who { day, ..VERIFIED }, &job()).verdict, verdict, "{day}");
    }
}

#[test]
fn p27_it_holds_for_verified_projects_namespaces_and_users() {
    let verdict = |selector: &str, who: &Who| {
        let (set, code) = two_pods();
        let set = set.exempt("hero", &format!("match: {selector}, waive: [{code}]"));
        judged(&set, who, &job()).verdict
    };
    assert_eq!(verdict("{projects: [ml]}", &VERIFIED), Verdict::Allow);
    assert_eq!(verdict("{projects: [ml]}", &FORGED), Verdict::Deny);
    assert_eq!(verdict("{namespaces: [ml-production]}", &FORGED), Verdict::Allow);
    assert_eq!(verdict("{users: [somebody]}", &FORGED), Verdict::Allow);
    assert_eq!(verdict("{users: [somebody], projects: [ml]}", &FORGED), Verdict::Deny);
    for selector in [
        "{}",
        "{projects: [\"*\"]}",
        "{domains: [production]}",
        "{namespaces: [a, \"?*\"]}",
    ] {
        let (set, code) = two_pods();
        let errors = set
            .exempt("hero", &format!("match: {selector}, waive: [{code}]"))
            .errors();
        assert_eq!(errors, ["RP209"], "{selector}");
    }
}

#[test]
fn p28_what_is_waived_is_an_audit_finding_that_names_the_exemption() {
    let (_, code) = two_pods();
    let set = Set::new()
        .policy(
            "limits",
            &format!("match: {{}}, priority: 1000, limits: {{maxPodsPerJob: 2}}, actions: {{{code}: Deny}}"),
        )
        .exempt("hero", &format!("match: {{projects: [ml]}}, waive: [{code}]"));
    let outcome = judged(&set, &VERIFIED, &job());
    assert_eq!(of(&outcome, code), [(Action::Audit, Some("hero"))]);
    let note = response(&answer(&set, Endpoint::Validate, &job()));
    let findings = note["auditAnnotations"]["findings"].as_str().unwrap();
    assert!(
        findings.contains(&format!("Audit {code}")) && findings.contains("by exemption hero"),
        "{findings}"
    );

    let fixing = "match: {}, limits: {maxTtlSeconds: 100}, actions: {RG401: Fix}";
    let object = with("/spec", "ttlSecondsAfterFinished", json!(500));
    let set = Set::new().policy("limits", fixing);
    assert_eq!(
        mutated(&set, &VERIFIED, &object)["spec"]["ttlSecondsAfterFinished"],
        100
    );
    let set = set.exempt("hero", "match: {projects: [ml]}, waive: [RG401]");
    assert_eq!(
        mutated(&set, &VERIFIED, &object)["spec"]["ttlSecondsAfterFinished"],
        500
    );
}

#[test]
fn p29_rules_are_waived_by_name_and_kuberays_own_never() {
    let set = || Set::new().policy("p", "match: {}, rules: [{name: none, require: \"false\", message: no}]");
    let waive = |code: &str| set().exempt("hero", &format!("match: {{projects: [ml]}}, waive: [{code}]"));
    assert_eq!(judged(&set(), &VERIFIED, &job()).verdict, Verdict::Deny);
    let outcome = judged(&waive("rule/none"), &VERIFIED, &job());
    assert_eq!(outcome.verdict, Verdict::Allow);
    assert_eq!(of(&outcome, "rule/none"), [(Action::Audit, Some("hero"))]);
    assert_eq!(waive("rule/nobody").errors(), ["RP211"]);
    assert_eq!(waive("RG101").errors(), ["RP210"]);
    assert_eq!(waive("RG999").errors(), ["RP204"]);
}

#[test]
fn p30_a_raise_raises_and_never_lowers() {
    let pods = |limits: &str, raise: u32| {
        let set = Set::new()
            .policy("limits", &format!("match: {{}}, priority: 1000, limits: {{{limits}}}"))
            .exempt(
                "hero",
                &format!("match: {{projects: [ml]}}, raise: {{maxPodsPerJob: {raise}}}"),
            );
        let limit = set.effective().effective.limits.max_pods_per_job;
        let outcome = judged(&set, &VERIFIED, &job());
        let (_, code) = two_pods();
        let found: Vec<(Action, Option<String>)> = of(&outcome, code)
            .into_iter()
            .map(|(action, name)| (action, name.map(str::to_owned)))
            .collect();
        (limit, found)
    };
    let audit = (Action::Audit, Some("hero".to_owned()));
    assert_eq!(pods("maxPodsPerJob: 2", 50), (Some(50), vec![audit]));
    assert_eq!(pods("maxPodsPerJob: 2", 3), (Some(3), vec![(Action::Deny, None)]));
    assert_eq!(pods("maxPodsPerJob: 100", 50), (Some(100), vec![]));
    assert_eq!(pods("maxBackoffLimit: 9", 3), (None, vec![]));
}

#[test]
fn p31_of_two_raises_the_stricter_wins() {
    let set = Set::new()
        .policy("limits", "match: {}, limits: {maxPodsPerJob: 2, maxMemoryPerJob: 1Gi, allowedImages: [\"a/**\"]}")
        .exempt("one", "match: {projects: [ml]}, raise: {maxPodsPerJob: 50, maxMemoryPerJob: 2000Mi, allowedImages: [\"b/**\", \"c/**\"]}")
        .exempt("two", "match: {namespaces: [ml-production]}, raise: {maxPodsPerJob: 9, maxMemoryPerJob: 2Ti, allowedImages: [\"c/**\", \"d/**\"]}");
    let limits = &set.effective().effective.limits;
    assert_eq!(limits.max_pods_per_job, Some(9));
    assert_eq!(
        limits.max_memory_per_job.as_ref().map(ToString::to_string).as_deref(),
        Some("2000Mi")
    );
    assert_eq!(
        limits.allowed_images.as_deref(),
        Some(&["a/**".to_owned(), "c/**".to_owned()][..])
    );
}

#[test]
fn p32_a_raise_is_stricter_than_a_waiver() {
    let (set, code) = two_pods();
    let set = set
        .exempt("one", &format!("match: {{projects: [ml]}}, waive: [{code}]"))
        .exempt("two", "match: {projects: [ml]}, raise: {maxPodsPerJob: 4}");
    assert_eq!(of(&judged(&set, &VERIFIED, &job()), code), [(Action::Deny, None)]);
}

#[test]
fn p33_what_only_one_grants_it_grants() {
    let (set, code) = two_pods();
    let set = set
        .policy(
            "rules",
            "match: {}, rules: [{name: none, require: \"false\", message: no}]",
        )
        .exempt("one", "match: {projects: [ml]}, waive: [rule/none]")
        .exempt("two", "match: {projects: [ml]}, raise: {maxPodsPerJob: 50}");
    let outcome = judged(&set, &VERIFIED, &job());
    assert_eq!(outcome.verdict, Verdict::Allow);
    assert_eq!(of(&outcome, "rule/none"), [(Action::Audit, Some("one"))]);
    assert_eq!(of(&outcome, code), [(Action::Audit, Some("two"))]);
}

#[test]
fn p34_a_label_does_not_lead_away_from_the_namespaces_policies() {
    let set = Set::new()
        .policy(
            "staging",
            "match: {projects: [a-b], domains: [staging]}, limits: {maxPodsPerJob: 5}, defaults: {lifecycle: {ttlSecondsAfterFinished: 5}}",
        )
        .policy("other", "match: {projects: [a], domains: [staging]}, limits: {maxPodsPerJob: 1}")
        .policy(
            "production",
            "match: {domains: [production]}, priority: 1, limits: {maxPodsPerJob: 9}",
        );
    let elsewhere = Who {
        namespace: "a-b-staging",
        ..FORGED
    };
    let effective = &set.compiled(&elsewhere).effective;
    assert_eq!(effective.limits.max_pods_per_job, Some(5));
    assert_eq!(ttl(effective), None);
    assert_eq!(set.effective().effective.limits.max_pods_per_job, Some(9));
    // Nor does it lead away from those whose expression looks at it.
    let by = |when: &str| {
        let set = Set::new().policy("when", &format!("match: {{{when}}}, limits: {{maxPodsPerJob: 5}}"));
        set.compiled(&elsewhere).effective.limits.max_pods_per_job
    };
    for (when, most) in [
        ("when: job.flyte.domain == 'staging'", Some(5)),
        (
            "when: job.flyte.project == 'a-b' && job.flyte.domain == 'staging'",
            Some(5),
        ),
        ("when: '[job].exists(j, j.flyte.domain == \"staging\")'", Some(5)),
        ("projects: [a], when: job.flyte.domain == 'b-staging'", Some(5)),
        ("when: job.flyte.project == 'a' && job.flyte.domain == 'staging'", None),
        ("when: job.flyte.domain == 'development'", None),
        ("projects: [a-b], when: job.gpus > 0", None),
    ] {
        assert_eq!(by(when), most, "{when}");
    }
    // What it forces holds too.
    let forcing = |namespace: &'static str, domain: &str| {
        let policy = format!(
            "match: {{domains: [{domain}]}}, force: {{head: {{serviceType: ClusterIP}}}}, defaults: {{lifecycle: {{ttlSecondsAfterFinished: 5}}}}"
        );
        let compiled = Set::new()
            .policy("forcing", &policy)
            .compiled(&Who { namespace, ..FORGED });
        let effective = &compiled.effective;
        (effective.force.head.service_type.is_some(), ttl(effective))
    };
    assert_eq!(forcing("a-b-staging", "staging"), (true, None));
    assert_eq!(forcing("a-b-staging", "b-staging"), (true, None));
    assert_eq!(forcing("a-b-staging", "development"), (false, None));
    // Where the namespace belongs to one project and domain only, its defaults hold too.
    assert_eq!(forcing("a-staging", "staging"), (true, Some(5)));
    assert_eq!(forcing("a-staging", "development"), (false, None));
    // And the RayJob's own word takes back nothing that the namespace says.
    let set = Set::new()
        .policy("placed", "match: {domains: [staging]}, limits: {maxPodsPerJob: 4}, force: {head: {serviceType: ClusterIP}}")
        .policy(
            "own",
            "match: {domains: [production]}, priority: 9, limits: {maxPodsPerJob: 40}, force: {head: {serviceType: NodePort}}, unset: [head.serviceType]",
        );
    let who = Who {
        namespace: "a-staging",
        ..FORGED
    };
    let effective = &set.compiled(&who).effective;
    assert_eq!(effective.limits.max_pods_per_job, Some(4));
    assert_eq!(effective.force.head.service_type.as_deref(), Some("ClusterIP"));
    // A template may say one of the two.
    let platform = PLATFORM.replace("{project}-{domain}", "flyte-{project}");
    let set = Set(vec![platform]).policy("b", "match: {projects: [b]}, limits: {maxPodsPerJob: 5}");
    for (namespace, most) in [("flyte-b", Some(5)), ("flyte-c", None), ("b", None)] {
        let who = Who { namespace, ..FORGED };
        assert_eq!(
            set.compiled(&who).effective.limits.max_pods_per_job,
            most,
            "{namespace}"
        );
    }
}

/// What an update of a RayJob to one with these replicas finds.
fn updated(set: &Set, old: &Value, new: &Value) -> Outcome<'static> {
    let request = Request {
        operation: Operation::Update,
        old: Some(Tree::of(old).unwrap()),
        ..request(&VERIFIED, new)
    };
    answer_validate(&set.bundle(), request)
}

const WORKERS: &str = "/spec/rayClusterSpec/workerGroupSpecs/0";

fn replicas(count: u32) -> Value {
    let mut job = with(WORKERS, "replicas", json!(count));
    let group = job.pointer_mut(WORKERS).unwrap();
    group["minReplicas"] = json!(count);
    group["maxReplicas"] = json!(count);
    job
}

fn with_cluster(mut object: Value) -> Value {
    object["status"] = json!({"rayClusterName": "a"});
    object
}

#[test]
fn p35_an_update_is_refused_for_what_it_makes_worse() {
    let (set, code) = two_pods();
    let verdict = |old: u32, new: u32| updated(&set, &replicas(old), &replicas(new)).verdict;
    assert_eq!(verdict(1, 4), Verdict::Deny);
    assert_eq!(verdict(4, 3), Verdict::Allow);
    assert_eq!(verdict(4, 5), Verdict::Deny);
    let set = Set::new().policy("hero", "match: {domains: [production]}, limits: {maxPodsPerJob: 2}");
    let mut elsewhere = replicas(4);
    elsewhere["metadata"]["labels"]["domain"] = json!("development");
    let outcome = updated(&set, &replicas(1), &elsewhere);
    assert_eq!(of(&outcome, code), [(Action::Deny, None)]);
}

#[test]
fn p36_a_running_job_is_judged_like_any_other() {
    let set = Set::new().policy(
        "limits",
        "match: {}, limits: {maxPodsPerJob: 6, maxTtlSeconds: 60, allowedImages: [\"ghcr.io/my-org/**\"]}, \
         actions: {RG401: Deny}, rules: [{name: three, require: job.workers != 3, message: three workers}]",
    );
    let old = with_cluster(replicas(4));
    let container = "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec/containers/0";
    let cases = [
        ("RG507", replicas(16), Action::Deny),
        (
            "RG401",
            with("/spec", "ttlSecondsAfterFinished", json!(600)),
            Action::Deny,
        ),
        ("RG601", with(container, "image", json!("docker.io/x")), Action::Deny),
        ("rule/three", replicas(3), Action::Deny),
        // The platform names no KubeRay, and not every release rejects it.
        ("RG148", with(WORKERS, "minReplicas", json!(9)), Action::Warn),
        (
            "RG501",
            with("/spec/rayClusterSpec", "workerGroupSpecs", {
                let group = job().pointer(WORKERS).unwrap().clone();
                json!([group, group])
            }),
            Action::Deny,
        ),
    ];
    for (code, new, action) in cases {
        let outcome = updated(&set, &old, &with_cluster(new));
        assert_eq!(
            of(&outcome, code).first(),
            Some(&(action, None)),
            "{code}: {:?}",
            outcome.findings
        );
    }
}

#[test]
fn p37_resuming_is_judged_like_creating() {
    let (set, code) = two_pods();
    let suspended = |mut object: Value| {
        object["spec"]["suspend"] = json!(true);
        object
    };
    let edited = updated(&set, &suspended(replicas(4)), &suspended(replicas(3)));
    assert_eq!(edited.verdict, Verdict::Allow);
    let resumed = updated(&set, &suspended(replicas(4)), &replicas(4));
    assert_eq!(resumed.verdict, Verdict::Deny);
    assert_eq!(of(&resumed, code), [(Action::Deny, None)]);
}

#[test]
fn p38_a_forced_value_is_put_back() {
    let set = Set::new().policy("own", "match: {}, force: {head: {serviceType: ClusterIP}}");
    let head = "/spec/rayClusterSpec/headGroupSpec";
    let old = with_cluster(with(head, "serviceType", json!("ClusterIP")));
    let new = with_cluster(with(head, "serviceType", json!("LoadBalancer")));
    assert_eq!(updated(&set, &old, &new).verdict, Verdict::Retry);
    // A force that is newer than the object waits for the next cluster.
    let labelled = with_cluster(with("/metadata/labels", "seen", json!("yes")));
    assert_eq!(updated(&set, &with_cluster(job()), &labelled).verdict, Verdict::Allow);
}

#[test]
fn p39_a_manifest_that_is_applied_again_changes_nothing() {
    let first = Set::new().policy("own", "match: {}, defaults: {pods: {labels: {team: a}}}");
    let newer = Set::new().policy("own", "match: {}, defaults: {pods: {labels: {team: b}}}");
    let stored = answer_mutate(&first.bundle(), request(&VERIFIED, &job()))
        .document
        .value()
        .to_value();
    let mutated = |mut manifest: Value| {
        manifest["status"] = json!({"rayClusterName": "a"});
        let request = Request {
            operation: Operation::Update,
            old: Some(Tree::of(&with_cluster(stored.clone())).unwrap()),
            ..request(&VERIFIED, &manifest)
        };
        answer_mutate(&newer.bundle(), request).document.value().to_value()
    };
    assert_eq!(mutated(job()), with_cluster(stored.clone()));
    let edited = mutated(with(
        "/spec/rayClusterSpec/headGroupSpec/template/spec/containers/0",
        "image",
        json!("b"),
    ));
    let team = |template: &str| {
        edited
            .pointer(&format!("{template}/template/metadata/labels/team"))
            .cloned()
    };
    assert_eq!(team("/spec/rayClusterSpec/headGroupSpec"), Some(json!("b")));
    assert_eq!(team(WORKERS), Some(json!("a")));
}

fn of_kind(kind: &Kind) -> Value {
    kind.from_job(Tree::of(&job()).unwrap().root())
}

fn update_by(user: &'static str, set: &Set, old: &Value, new: &Value) -> Outcome<'static> {
    let request = Request {
        operation: Operation::Update,
        old: Some(Tree::of(old).unwrap()),
        ..request(&Who { user, ..VERIFIED }, new)
    };
    answer_validate(&set.bundle(), request)
}

fn first_group<'v>(kind: &Kind, object: &'v mut Value) -> &'v mut Value {
    object.pointer_mut(&kind.group_path(0).pointer()).unwrap()
}

#[test]
fn p40_a_policy_is_for_the_kinds_that_it_names() {
    let set = Set::new().policy(
        "two",
        "match: {kinds: [RayCluster, RayService]}, limits: {maxPodsPerJob: 2}",
    );
    for kind in KINDS {
        let is_found = !of(&judged(&set, &FORGED, &of_kind(kind)), "RG507").is_empty();
        assert_eq!(
            is_found,
            matches!(kind.name, "RayCluster" | "RayService"),
            "{}",
            kind.name
        );
    }
    let set = set.policy(
        "more",
        "match: {kinds: [RayService]}, priority: 1, limits: {maxPodsPerJob: 9}",
    );
    assert!(of(&judged(&set, &FORGED, &of_kind(&RAY_SERVICE)), "RG507").is_empty());
    assert_eq!(Set::new().policy("none", "match: {kinds: []}").errors(), ["RP106"]);
}

#[test]
fn p41_a_limit_per_job_is_for_one_object() {
    let set = Set::new().policy("two", "match: {}, limits: {maxPodsPerJob: 2}");
    for kind in KINDS {
        let outcome = judged(&set, &VERIFIED, &of_kind(kind));
        assert_eq!(of(&outcome, "RG507"), [(Action::Deny, None)], "{}", kind.name);
    }
}

#[test]
fn p42_a_kind_says_when_pods_run() {
    let set = Set::new().policy(
        "team",
        "match: {}, limits: {maxPodsPerJob: 2}, defaults: {pods: {labels: {team: a}}}",
    );
    for kind in KINDS {
        let old = of_kind(kind);
        let mut new = old.clone();
        new["metadata"]["labels"]["seen"] = json!("yes");
        first_group(kind, &mut new)["rayStartParams"] = json!({"x": "1"});
        let is_template = kind.name == "RayCronJob";
        let outcome = update_by("somebody", &set, &old, &new);
        assert_eq!(!of(&outcome, "RG507").is_empty(), is_template, "{}", kind.name);
        let is_completed = outcome.document.value().to_string().contains("\"team\":\"a\"");
        let runs = matches!(kind.name, "RayCluster" | "RayService");
        assert_eq!(is_completed, !runs, "{}", kind.name);
    }
}

#[test]
fn p43_the_operators_clusters_were_judged() {
    let set = Set::new().policy("two", "match: {}, limits: {maxPodsPerJob: 2}");
    let operator = Who {
        user: "system:serviceaccount:ray-system:kuberay-operator",
        ..VERIFIED
    };
    for kind in KINDS {
        let mut object = of_kind(kind);
        object["metadata"]["ownerReferences"] = json!([{"apiVersion": "ray.io/v1", "kind": "RayJob", "name": "a"}]);
        assert!(!of(&judged(&set, &VERIFIED, &object), "RG507").is_empty());
        let is_judged = !judged(&set, &operator, &object).findings.is_empty();
        assert_eq!(is_judged, kind.name != "RayCluster", "{}", kind.name);
    }
}

#[test]
fn p44_the_autoscaler_is_not_judged() {
    let set = Set::new().policy("five", "match: {}, limits: {maxPodsPerJob: 5}");
    let scaled = |key: &str, autoscales: bool| {
        let mut old = of_kind(&RAY_CLUSTER);
        old["spec"]["enableInTreeAutoscaling"] = autoscales.into();
        let mut new = old.clone();
        first_group(&RAY_CLUSTER, &mut new)["replicas"] = json!(9);
        first_group(&RAY_CLUSTER, &mut new)[key] = json!(9);
        of(&update_by("head", &set, &old, &new), "RG507").len()
    };
    assert_eq!(scaled("replicas", true), 0);
    assert_eq!(scaled("maxReplicas", true), 1);
    assert_eq!(scaled("maxReplicas", false), 1);
}

#[test]
fn p45_a_second_cluster_is_warned_of() {
    for kind in KINDS {
        let old = of_kind(kind);
        let mut new = old.clone();
        first_group(kind, &mut new)["rayStartParams"] = json!({"x": "1"});
        let found = of(&update_by("somebody", &Set::new(), &old, &new), "RG002").len();
        assert_eq!(found, usize::from(kind.name == "RayService"), "{}", kind.name);
    }
}

#[test]
fn p46_a_policy_can_roll_what_runs() {
    let team = |rest: &str| {
        let set = Set::new().policy("low", "match: {}, defaults: {pods: {labels: {team: a}}}, roll: true");
        let set = set.policy("high", &format!("match: {{}}, priority: 1{rest}"));
        let service = of_kind(&RAY_SERVICE);
        let mut again = service.clone();
        again["metadata"]["labels"]["seen"] = json!("yes");
        let request = Request {
            operation: Operation::Update,
            old: Some(Tree::of(&service).unwrap()),
            ..request(&VERIFIED, &again)
        };
        let made = answer_mutate(&set.bundle(), request).document.value().to_value();
        made.to_string().contains("\"team\":\"a\"")
    };
    assert!(team(""));
    assert!(!team(", roll: false"));
}

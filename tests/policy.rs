//! The policy language: how files are read, which policy wins a leaf, and that no key is without effect.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use raygate::engine::admit::answer_mutate;
use raygate::engine::bundle::known;
use raygate::engine::{Bundle, Operation, Request};
use raygate::json::{Json, Tree};
use raygate::policy::load::{Loaded, Source, leaf_names};
use raygate::policy::merge::Leaf;
use raygate::policy::schema::{self, Kind};
use raygate::policy::settings::Action;
use raygate::policy::{Effective, Platform, Subject, load};
use raygate::ray::Workload;
use raygate::ray::flyte::Identity;
use raygate::rules::{Cx, check};
use serde_json::{Value, json};

fn read(files: &[(&str, &str)]) -> Loaded {
    let sources: Vec<Source> = files.iter().map(|(name, text)| Source::new(name, text)).collect();
    load(&sources, &known())
}

fn diagnostics(loaded: &Loaded) -> Vec<String> {
    loaded
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.concise(&loaded.sources))
        .collect()
}

fn policy(name: &str, spec: &str) -> String {
    format!("apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

const FLYTE: &str = "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {flyte: {serviceAccounts: [\"flyte\"], namespace: \"{project}-{domain}\"}}\n";

fn subject(project: &str, domain: &str, namespace: &str, user: &str, bundle: &Bundle) -> Subject {
    let identity = Identity {
        project: project.into(),
        domain: domain.into(),
        ..Identity::default()
    };
    Subject::new(identity, namespace, user, bundle.platform())
}

fn compiled(bundle: &Bundle, subject: &Subject) -> std::sync::Arc<raygate::engine::Compiled> {
    bundle.compiled(subject, &Workload::of(Json::NULL))
}

/// What these policies come to for a RayJob of Flyte's project `ml` in `production`.
fn effective(specs: &[(&str, &str)]) -> std::sync::Arc<raygate::engine::bundle::Compiled> {
    let mut text = FLYTE.to_owned();
    for (name, spec) in specs {
        text.push_str("---\n");
        text.push_str(&policy(name, spec));
    }
    let loaded = read(&[("a.yaml", &text)]);
    assert!(loaded.is_usable(), "{:#?}", diagnostics(&loaded));
    let bundle = Bundle::new(loaded.set);
    compiled(&bundle, &subject("ml", "production", "ml-production", "flyte", &bundle))
}

fn ttl(effective: &Effective) -> Option<i64> {
    effective.defaults.lifecycle.ttl_seconds_after_finished
}

#[test]
fn the_highest_priority_wins_leaf_by_leaf() {
    let compiled = effective(&[
        (
            "low",
            "{match: {}, defaults: {lifecycle: {ttlSecondsAfterFinished: 1, activeDeadlineSeconds: 7}}}",
        ),
        (
            "high",
            "{match: {domains: [production]}, priority: 5, defaults: {lifecycle: {ttlSecondsAfterFinished: 2}}}",
        ),
        (
            "other",
            "{match: {domains: [staging]}, priority: 9, defaults: {lifecycle: {ttlSecondsAfterFinished: 3}}}",
        ),
    ]);
    assert_eq!(ttl(&compiled.effective), Some(2));
    assert_eq!(compiled.effective.defaults.lifecycle.active_deadline_seconds, Some(7));
    let origin = compiled
        .effective
        .origin(&Leaf::new(false, "lifecycle.ttlSecondsAfterFinished"))
        .unwrap();
    assert_eq!((&*origin.policy, origin.line), ("high", 13));
}

#[test]
fn a_family_names_all_its_checks_and_a_code_wins_over_it() {
    let compiled = effective(&[("a", "{match: {}, actions: {\"RG6*\": Warn, RG601: Deny}}")]);
    for (code, action) in [
        ("RG601", Action::Deny),
        ("RG604", Action::Warn),
        ("RG610", Action::Warn),
    ] {
        assert_eq!(compiled.effective.actions[code], action, "{code}");
    }
    assert!(!compiled.effective.actions.contains_key("RG501"));
    let loaded = read(&[
        (
            "a.yaml",
            &policy(
                "a",
                "{match: {}, actions: {\"RG2*\": Fix, \"RG0*\": Warn, \"R*\": Warn}}",
            ),
        ),
        ("b.yaml", &policy("b", "{match: {}, actions: {\"RG3*\": Warn}}")),
        ("c.yaml", &policy("c", "{match: {}, actions: {RG301: Deny}}")),
    ]);
    let found = diagnostics(&loaded).join("\n");
    for message in [
        "not every check of the family RG2* can repair",
        "no check is of the family RG0*",
        "no family like RG2*",
    ] {
        assert!(found.contains(message), "{message}: {found}");
    }
    let loaded = read(&[
        ("b.yaml", &policy("b", "{match: {}, actions: {\"RG3*\": Warn}}")),
        ("c.yaml", &policy("c", "{match: {}, actions: {RG301: Deny}}")),
    ]);
    assert!(
        diagnostics(&loaded).join("\n").contains("RP203"),
        "{:?}",
        diagnostics(&loaded)
    );
}

#[test]
fn maps_merge_by_key_named_lists_by_name_sets_as_sets_and_other_lists_are_one_leaf() {
    let compiled = effective(&[
        (
            "low",
            "{match: {}, limits: {allowedImages: [\"a/**\", \"b/**\"]}, defaults: {pods: {labels: {a: low, b: low}, env: [{name: X, value: low}, {name: Y, value: low}], tolerations: [{key: t, operator: Exists}]}}}",
        ),
        (
            "high",
            "{match: {}, priority: 1, limits: {allowedImages: [\"c/**\"]}, defaults: {pods: {labels: {b: high}, env: [{name: Y, value: high}], tolerations: [{key: t, operator: Exists}, {key: u, operator: Exists}]}}}",
        ),
    ]);
    let head = &compiled.effective.defaults.head;
    assert_eq!(
        head.labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(),
        ["a=low", "b=high"]
    );
    let env: Vec<String> = head.env.values().map(ToString::to_string).collect();
    assert_eq!(env, [r#"{"name":"X","value":"low"}"#, r#"{"name":"Y","value":"high"}"#]);
    assert_eq!(head.tolerations.len(), 2);
    assert_eq!(
        compiled.effective.limits.allowed_images.as_deref(),
        Some(&["c/**".to_owned()][..])
    );
}

#[test]
fn head_workers_and_submitter_go_before_pods_whatever_the_priority() {
    let compiled = effective(&[
        ("low", "{match: {}, defaults: {head: {priorityClassName: head}}}"),
        (
            "high",
            "{match: {}, priority: 9, defaults: {pods: {priorityClassName: pods}}}",
        ),
    ]);
    let defaults = &compiled.effective.defaults;
    assert_eq!(defaults.head.priority_class_name.as_deref(), Some("head"));
    assert_eq!(defaults.workers.priority_class_name.as_deref(), Some("pods"));
    assert_eq!(defaults.submitter.priority_class_name.as_deref(), Some("pods"));
}

#[test]
fn unset_takes_back_what_lower_policies_set_and_nothing_else() {
    let compiled = effective(&[
        (
            "low",
            "{match: {}, defaults: {lifecycle: {ttlSecondsAfterFinished: 1, activeDeadlineSeconds: 7}, pods: {labels: {a: x}}}}",
        ),
        (
            "high",
            "{match: {}, priority: 1, unset: [lifecycle.activeDeadlineSeconds, pods.labels]}",
        ),
        (
            "higher",
            "{match: {}, priority: 2, defaults: {lifecycle: {activeDeadlineSeconds: 9}}}",
        ),
    ]);
    assert_eq!(ttl(&compiled.effective), Some(1));
    assert_eq!(compiled.effective.defaults.lifecycle.active_deadline_seconds, Some(9));
    assert!(compiled.effective.defaults.head.labels.is_empty());
}

#[test]
fn a_disabled_policy_counts_for_nothing() {
    let compiled = effective(&[
        (
            "low",
            "{match: {}, defaults: {lifecycle: {ttlSecondsAfterFinished: 1}}}",
        ),
        (
            "high",
            "{match: {}, mode: Disabled, priority: 1, defaults: {lifecycle: {ttlSecondsAfterFinished: 2}}}",
        ),
    ]);
    assert_eq!(ttl(&compiled.effective), Some(1));
}

#[test]
fn exclude_takes_away_what_match_takes_in() {
    let compiled = effective(&[(
        "only",
        "{match: {projects: [\"m*\"]}, exclude: [{namespaces: [x]}, {projects: [ml], domains: [production]}], defaults: {lifecycle: {ttlSecondsAfterFinished: 1}}}",
    )]);
    assert_eq!(ttl(&compiled.effective), None);
}

#[test]
fn what_an_object_says_of_itself_may_tighten_and_never_loosen() {
    let text = [
        FLYTE.to_owned(),
        policy("base", "{match: {}, limits: {maxGpusPerJob: 8, maxWorkersPerGroup: 9}, actions: {RG202: Warn, RG501: Deny}}"),
        policy(
            "hero",
            "{match: {projects: [hero]}, priority: 9, limits: {maxGpusPerJob: 512, maxWorkersPerGroup: 2}, actions: {RG202: Deny, RG501: Ignore}, allowSkip: [lifecycle]}",
        ),
    ]
    .join("---\n");
    let loaded = read(&[("a.yaml", &text)]);
    assert!(loaded.is_usable(), "{:#?}", diagnostics(&loaded));
    let bundle = Bundle::new(loaded.set);
    for (user, namespace, verified) in [
        ("flyte", "hero-production", true),
        ("somebody", "hero-production", false),
        ("flyte", "other", false),
    ] {
        let compiled = compiled(&bundle, &subject("hero", "production", namespace, user, &bundle));
        let limits = &compiled.effective.limits;
        assert_eq!(
            limits.max_gpus_per_job,
            Some(if verified { 512 } else { 8 }),
            "{user} {namespace}"
        );
        assert_eq!(limits.max_workers_per_group, Some(2));
        assert_eq!(compiled.effective.actions["RG202"], Action::Deny);
        assert_eq!(
            compiled.effective.actions["RG501"],
            if verified { Action::Ignore } else { Action::Deny }
        );
        assert_eq!(compiled.effective.allow_skip.contains("lifecycle"), verified);
    }
}

#[test]
fn two_policies_of_equal_priority_conflict_unless_they_agree_or_never_meet() {
    let set = |one: &str, two: &str| read(&[("a.yaml", &policy("one", one)), ("b.yaml", &policy("two", two))]);
    let ttl = |selector: &str, seconds: u32| {
        format!("{{match: {selector}, defaults: {{lifecycle: {{ttlSecondsAfterFinished: {seconds}}}}}}}")
    };
    let clash = set(&ttl("{}", 1), &ttl("{domains: [production]}", 2));
    assert_eq!(
        diagnostics(&clash),
        [
            "b.yaml:4:63: error[RP203]: policies `one` and `two` of priority 0 both set `defaults.lifecycle.ttlSecondsAfterFinished`, to 1 and 2"
        ]
    );
    assert_eq!(clash.diagnostics[0].secondary.len(), 1);
    assert!(set(&ttl("{}", 1), &ttl("{}", 1)).is_usable());
    assert!(set(&ttl("{domains: [staging]}", 1), &ttl("{domains: [production]}", 2)).is_usable());
    assert!(!set(&ttl("{domains: [\"p*\"]}", 1), &ttl("{domains: [production]}", 2)).is_usable());
}

#[test]
fn the_digest_ignores_the_order_of_files_and_documents_and_the_spelling() {
    let (one, two) = (policy("one", "{match: {}}"), policy("two", "{match: {}, priority: 3}"));
    let digest = |files: &[(&str, &str)]| read(files).set.digest;
    let plain = digest(&[("a.yaml", &one), ("b.yaml", &two)]);
    assert_eq!(plain, digest(&[("z.yaml", &format!("# a comment\n{two}---\n{one}"))]));
    assert_ne!(plain, digest(&[("a.yaml", &one), ("b.yaml", &two.replace('3', "4"))]));
}

/// A value that a kind takes, in YAML.
fn sample(kind: &Kind, example: &str) -> String {
    match kind {
        Kind::OneOf(names) => names[0].0.to_owned(),
        _ => example.to_owned(),
    }
}

/// Each leaf set alone, in defaults and in force, is read, typed, merged and found with its origin.
#[test]
fn every_leaf_alone_reaches_the_settings() {
    let nothing = effective(&[("none", "{match: {}}")]);
    for entry in schema::entries().iter().filter(|entry| entry.document == "RayPolicy") {
        let Some(leaf) = entry.path.strip_prefix("spec.") else {
            continue;
        };
        let is_inner = matches!(entry.field.kind, Kind::Object(_));
        let mut keys: Vec<&str> = leaf.split('.').collect();
        let is_setting = leaf_names().iter().any(|name| leaf == format!("defaults.{name}"));
        if is_inner || !(is_setting || leaf.starts_with("limits.")) {
            continue;
        }
        for group in if is_setting {
            vec!["defaults", "force"]
        } else {
            vec!["limits"]
        } {
            keys[0] = group;
            let mut text = sample(&entry.field.kind, entry.field.example);
            for key in keys.iter().rev() {
                text = format!("{{{key}: {text}}}");
            }
            let platform = "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {accelerators: {a100-80gb: {resource: nvidia.com/gpu}}}\n---\n";
            let spec = format!("{{match: {{}}, {}}}", &text[1..text.len() - 1]);
            let loaded = read(&[("a.yaml", &format!("{platform}{}", policy("one", &spec)))]);
            assert!(loaded.is_usable(), "{leaf}: {:#?}", diagnostics(&loaded));
            let bundle = Bundle::new(loaded.set);
            let compiled = compiled(&bundle, &subject("", "", "", "", &bundle));
            let seen = |compiled: &raygate::engine::bundle::Compiled| {
                format!(
                    "{:?} {:?} {:?}",
                    compiled.effective.defaults, compiled.effective.force, compiled.effective.limits
                )
            };
            assert_ne!(
                seen(&compiled),
                seen(&nothing),
                "{group}: {leaf} has no effect on the settings"
            );
        }
    }
}

#[test]
fn every_mistake_of_every_document_is_reported_at_once_with_its_place() {
    let loaded = read(&[
        (
            "a.yaml",
            "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: a}\nspec: {match: {}, limits: {maxGpusPerJob: \"64\"}, defautls: {}}\n---\nkind: Pod\n",
        ),
        (
            "b.yaml",
            "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: a}\nspec: {priority: 1.5}\n",
        ),
    ]);
    assert_eq!(
        diagnostics(&loaded),
        [
            "a.yaml:4:43: error[RP103]: `maxGpusPerJob` wants a whole number, this is a string",
            "a.yaml:4:50: error[RP102]: `spec` has no key `defautls`",
            "a.yaml:6:1: error[RP101]: the document has no `apiVersion: raygate.dev/v1beta1`",
            "b.yaml:4:7: error[RP105]: `spec` needs the key `match`",
            "b.yaml:4:18: error[RP106]: `priority` wants a whole number from -1000000 to 1000000",
        ]
    );
}

#[test]
fn the_commented_example_is_true() {
    let loaded = read(&[
        ("default.yaml", include_str!("../policies/default.yaml")),
        (
            "platform.yaml.example",
            include_str!("../policies/platform.yaml.example"),
        ),
    ]);
    assert_eq!(diagnostics(&loaded), Vec::<String>::new());
    assert_eq!(loaded.set.policies.len(), 3);
}

#[test]
fn several_platforms_give_their_parts_and_no_fact_two_values() {
    let platform = |spec: &str| format!("apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {spec}\n");
    let (one, two) = (
        platform(
            "{kuberay: {version: \"1.6\"}, flyte: {taskDefaults: {cpu: 1}}, accelerators: {a: {resource: nvidia.com/gpu}}}",
        ),
        platform(
            "{kuberay: {version: \"1.6\"}, flyte: {taskDefaults: {memory: 1Gi}}, accelerators: {b: {resource: amd.com/gpu}}}",
        ),
    );
    for files in [
        [("a.yaml", &*one), ("b.yaml", &*two)],
        [("b.yaml", &*one), ("a.yaml", &*two)],
    ] {
        let loaded = read(&files);
        assert!(loaded.is_usable(), "{:?}", diagnostics(&loaded));
        let platform = loaded.set.platform;
        assert_eq!(platform.accelerators.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(platform.flyte.task_defaults.len(), 2);
        assert!(platform.names_kuberay);
    }
    let other = platform(
        "{kuberay: {version: \"1.5\"}, accelerators: {a: {resource: nvidia.com/gpu, nodeSelector: {pool: gpu}}}}",
    );
    assert_eq!(
        diagnostics(&read(&[("a.yaml", &*one), ("b.yaml", &*other)])),
        [
            "b.yaml:3:18: error[RP202]: two Platforms set `kuberay.version`, to different values",
            "b.yaml:3:50: error[RP202]: two Platforms set `accelerators.a`, to different values",
        ]
    );
}

#[test]
fn the_line_behind_a_passed_limit_is_the_limits_own() {
    let keys: std::collections::BTreeSet<&str> = schema::LIMITS.iter().map(|field| field.key).collect();
    let covered: std::collections::BTreeSet<&str> = check::all().filter_map(|check| check.limit()).collect();
    assert_eq!(covered, keys, "every limit is held by a check");
    let compiled = effective(&[(
        "caps",
        "{match: {}, limits: {maxGpusPerJob: 2}, actions: {RG310: Deny, RG203: Warn}}",
    )]);
    let platform = Platform::default();
    let cx = Cx {
        policy: &compiled.effective,
        platform: &platform,
        facts: raygate::facts::Known::nothing("a"),
        namespace: "a",
        named: true,
        skipped: false,
    };
    let line = |code: &str| cx.origin(check::find(code).unwrap(), None).map(|origin| origin.column);
    assert_eq!(
        line("RG310"),
        cx.policy.limit_origin("maxGpusPerJob").map(|origin| origin.column)
    );
    assert_ne!(
        line("RG310"),
        cx.policy.action_origin("RG310").map(|origin| origin.column)
    );
    assert_eq!(
        line("RG203"),
        cx.policy.action_origin("RG203").map(|origin| origin.column)
    );
    assert_eq!(line("RG507"), None);
}

#[test]
fn operators_and_queue_controllers_have_defaults_that_the_platform_replaces() {
    const KUBERAY: &str = "system:serviceaccount:ray-system:kuberay-operator";
    const KUEUE: &str = "system:serviceaccount:kueue-system:kueue-controller-manager";
    let platform = |spec: &str| {
        let text = format!("apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {spec}\n");
        let loaded = read(&[("platform.yaml", &text)]);
        loaded.set.platform
    };
    let default = platform("{kuberay: {version: \"1.6\"}}");
    assert!(default.is_operator(KUBERAY) && default.is_queue_controller(KUEUE));
    assert!(!default.is_operator(KUEUE) && !default.is_queue_controller(KUBERAY));
    assert!(!default.is_operator("") && !default.is_operator("tenant"));
    let own = platform("{kuberay: {operators: [\"system:serviceaccount:ops:ray\"]}, queue: {controllers: []}}");
    assert!(own.is_operator("system:serviceaccount:ops:ray"));
    assert!(!own.is_operator(KUBERAY) && !own.is_queue_controller(KUEUE));
}

/// The most GPUs that a verified RayJob may have whose Ray container has these values of Flyte's variable, in order.
fn most_gpus(policies: &str, tasks: &[&str]) -> Option<i64> {
    let loaded = read(&[("p.yaml", &format!("{FLYTE}---\n{policies}"))]);
    assert!(loaded.is_usable(), "{:?}", diagnostics(&loaded));
    let bundle = Bundle::new(loaded.set);
    let variable = |task: &&str| json!({"name": "FLYTE_INTERNAL_TASK_NAME", "value": task});
    let env: Vec<Value> = tasks.iter().map(variable).collect();
    let object = json!({"metadata": {"labels": {"project": "ml", "domain": "production"}}, "spec": {"rayClusterSpec": {
        "headGroupSpec": {"template": {"spec": {"containers": [{"env": env}]}}}}}});
    let object = Tree::of(&object).unwrap();
    let job = Workload::of(object.root());
    let subject = Subject::new(Identity::of(&job), "ml-production", "flyte", bundle.platform());
    assert!(subject.verified);
    bundle.compiled(&subject, &job).effective.limits.max_gpus_per_job
}

#[test]
fn a_task_alone_loosens_nothing_and_the_last_variable_counts() {
    let base = policy("base", "{match: {}, limits: {maxGpusPerJob: 2}}");
    let with = |other: &str| format!("{base}---\n{other}");
    let exemption = with(
        "apiVersion: raygate.dev/v1beta1\nkind: Exemption\nmetadata: {name: hero}\nspec: {match: {projects: [ml], tasks: [hero]}, \
         raise: {maxGpusPerJob: 64}, owner: a, reason: b, expires: 2126-12-31}\n",
    );
    assert_eq!(most_gpus(&exemption, &["hero"]), Some(64));
    assert_eq!(most_gpus(&exemption, &["hero", "own"]), Some(2));
    // Flyte's own comes last, but that it is there twice means that the author has set it too.
    assert_eq!(most_gpus(&exemption, &["own", "hero"]), Some(2));
    assert_eq!(most_gpus(&exemption, &["hero", "hero"]), Some(64));

    let looser = |selector: &str| {
        with(&policy(
            "hero",
            &format!("{{match: {selector}, priority: 1, limits: {{maxGpusPerJob: 64}}}}"),
        ))
    };
    assert_eq!(most_gpus(&looser("{tasks: [hero]}"), &["hero"]), Some(2));
    assert_eq!(
        most_gpus(&looser("{tasks: [hero], workflows: [\"*\"]}"), &["hero"]),
        Some(2)
    );
    assert_eq!(
        most_gpus(&looser("{tasks: [hero], projects: [ml]}"), &["hero"]),
        Some(64)
    );
    assert_eq!(
        most_gpus(&looser("{tasks: [hero], namespaces: [ml-production]}"), &["hero"]),
        Some(64)
    );

    let tighter = with(&policy(
        "tight",
        "{match: {tasks: [own]}, priority: 1, limits: {maxGpusPerJob: 1}}",
    ));
    assert_eq!(most_gpus(&tighter, &["hero", "own"]), Some(1));
}

#[test]
fn a_forced_variable_replaces_the_last_of_its_name() {
    let forced = policy(
        "force",
        "{match: {}, force: {pods: {env: [{name: MODE, value: safe}]}}}",
    );
    let loaded = read(&[("p.yaml", &forced)]);
    let bundle = Bundle::new(loaded.set);
    let object = json!({"metadata": {"name": "a"}, "spec": {"rayClusterSpec": {"headGroupSpec": {"template": {"spec": {
        "containers": [{"name": "ray", "image": "a", "env": [
            {"name": "MODE", "value": "safe"}, {"name": "MODE", "value": "own"}]}]}}}}}});
    let request = Request {
        operation: Operation::Create,
        namespace: "a".to_owned(),
        user: "b".to_owned(),
        object: Tree::of(&object).unwrap(),
        old: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: raygate::facts::Facts::none(),
    };
    let mutated = answer_mutate(&bundle, request);
    let job = Workload::of(mutated.document.value());
    let ray = job.head().and_then(|head| head.main()).unwrap();
    assert_eq!(
        ray.env("MODE").and_then(|variable| variable.get("value")).unwrap(),
        "safe"
    );
}

#[test]
fn no_exemption_waives_the_check_of_trusted_accounts() {
    let exemption = "apiVersion: raygate.dev/v1beta1\nkind: Exemption\nmetadata: {name: e}\nspec: {match: {projects: [ml]}, \
                     waive: [RG610], owner: a, reason: b, expires: 2126-12-31}\n";
    let found = diagnostics(&read(&[("e.yaml", exemption)]));
    assert!(
        found
            .iter()
            .any(|line| line.contains("RG610 cannot be waived: it guards the accounts that raygate trusts")),
        "{found:?}"
    );
}

#[test]
fn devices_that_cannot_be_counted_are_denied_by_the_stricter_policy() {
    let most = |specs: &[(&str, &str)]| effective(specs).effective.limits.unknown_devices;
    assert_eq!(most(&[]), None);
    assert_eq!(
        most(&[
            ("low", "{match: {}, limits: {unknownDevices: Warn}}"),
            (
                "high",
                "{match: {tasks: [\"*\"]}, priority: 1, limits: {unknownDevices: Deny}}"
            ),
        ]),
        Some(Action::Deny)
    );
    // The author's word does not loosen it.
    assert_eq!(
        most(&[
            ("low", "{match: {}, limits: {unknownDevices: Deny}}"),
            (
                "high",
                "{match: {tasks: [\"*\"]}, priority: 1, limits: {unknownDevices: Warn}}"
            ),
        ]),
        Some(Action::Deny)
    );
}

#[test]
fn the_authors_word_does_not_lower_the_pod_security_level() {
    let level = |low: &str, high_match: &str, high: &str| {
        let low = format!("{{match: {{}}, limits: {{podSecurity: \"{low}\"}}}}");
        let high = format!("{{match: {high_match}, priority: 1, limits: {{podSecurity: \"{high}\"}}}}");
        let compiled = effective(&[("low", &low), ("high", &high)]);
        compiled.effective.limits.pod_security.unwrap().to_string()
    };
    let advisory = "{tasks: [\"*\"]}";
    for (low, high, expected) in [
        ("restricted", "baseline", "restricted"),
        ("restricted", "privileged", "restricted"),
        ("baseline", "restricted", "restricted"),
        // Neither of two versions is stricter in everything.
        ("baseline:v1.30", "restricted", "baseline:v1.30"),
        ("restricted:v1.30", "restricted:v1.25", "restricted:v1.30"),
    ] {
        assert_eq!(level(low, advisory, high), expected, "{low} {high}");
        assert_eq!(level(low, "{}", high), high, "{low} {high}");
    }
}

#[test]
fn an_exemption_lowers_the_pod_security_level() {
    let level = |raises: &[&str]| {
        let mut text = FLYTE.to_owned();
        text.push_str("---\n");
        text.push_str(&policy("p", "{match: {}, limits: {podSecurity: restricted}}"));
        for (at, raise) in raises.iter().enumerate() {
            text.push_str(&format!(
                "---\napiVersion: raygate.dev/v1beta1\nkind: Exemption\nmetadata: {{name: e{at}}}\nspec: {{match: {{projects: [ml]}}, \
                 raise: {{podSecurity: \"{raise}\"}}, owner: a, reason: b, expires: 2126-12-31}}\n"
            ));
        }
        let loaded = read(&[("a.yaml", &text)]);
        assert!(loaded.is_usable(), "{:#?}", diagnostics(&loaded));
        let bundle = Bundle::new(loaded.set);
        let compiled = compiled(&bundle, &subject("ml", "production", "ml-production", "flyte", &bundle));
        compiled.effective.limits.pod_security.unwrap().to_string()
    };
    assert_eq!(level(&["baseline:v1.30"]), "baseline:v1.30");
    assert_eq!(level(&["privileged", "baseline"]), "baseline");
    assert_eq!(level(&["restricted:v1.25"]), "restricted");
}

#[test]
fn a_pod_security_level_is_one_that_raygate_has() {
    let said = |level: &str| {
        let spec = format!("{{match: {{}}, limits: {{podSecurity: \"{level}\"}}}}");
        diagnostics(&read(&[("a.yaml", &policy("p", &spec))])).join("\n")
    };
    let levels = said("strict");
    assert!(
        levels.contains("`podSecurity` cannot be `strict`: the level must be baseline, restricted or privileged"),
        "{levels}"
    );
    let versions = said("restricted:v1.99");
    assert!(
        versions.contains("`podSecurity` cannot be `restricted:v1.99`: the version must be latest, or v1.25 to v1.37"),
        "{versions}"
    );
    assert_eq!(said("restricted:v1.37"), "");
}

#[test]
fn a_limit_that_is_no_number_is_loosened_aloud() {
    for (low, high) in [
        ("podSecurity: restricted", "podSecurity: baseline"),
        ("unknownDevices: Deny", "unknownDevices: Warn"),
    ] {
        let text = [
            policy("low", &format!("{{match: {{}}, limits: {{{low}}}}}")),
            policy(
                "high",
                &format!("{{match: {{namespaces: [a]}}, priority: 1, limits: {{{high}}}}}"),
            ),
        ];
        let loaded = read(&[("a.yaml", &text.join("---\n"))]);
        let found = raygate::policy::lint::lint(&loaded, &known());
        let codes: Vec<&str> = found.iter().map(|diagnostic| &*diagnostic.code).collect();
        assert_eq!(codes, ["RL103"], "{high}");
    }
}

/// Each as its reader sees it; the JSON has the same places.
#[test]
fn what_is_wrong_with_an_exemption_is_said_at_its_place() {
    let exemption = |name: &str, spec: &str| {
        format!(
            "apiVersion: raygate.dev/v1beta1\nkind: Exemption\nmetadata: {{name: {name}}}\nspec: {{{spec}, owner: a, reason: b, expires: 2026-12-31}}\n"
        )
    };
    let policy = policy(
        "p",
        "{match: {}, rules: [{name: owner, require: \"true\", message: m}]}",
    );
    let text = [
        policy,
        exemption("all", "match: {domains: [production]}, waive: [RG203]"),
        exemption(
            "codes",
            "match: {projects: [a]}, waive: [RG101, RG998, rule/owners, rg203]",
        ),
        exemption("codes", "match: {projects: [a]}, raise: {maxGpu: 1}"),
        exemption("idle", "match: {projects: [a]}"),
    ]
    .join("---\n");
    let loaded = read(&[("a.yaml", &text)]);
    assert_eq!(
        diagnostics(&loaded),
        [
            "a.yaml:9:8: error[RP209]: the exemption is for everybody: its `match` names no project, namespace or user",
            "a.yaml:14:40: error[RP210]: RG101 cannot be waived: KubeRay itself refuses what it finds",
            "a.yaml:14:47: error[RP204]: no check has the code RG998",
            "a.yaml:14:54: error[RP211]: no policy has a rule named `owners`",
            "a.yaml:14:67: error[RP106]: `waive[3]`: `rg203` is no code like RG203, and no rule like rule/owner",
            "a.yaml:19:40: error[RP102]: `raise` has no key `maxGpu`",
            "a.yaml:23:18: warning[RP212]: the exemption `idle` waives and raises nothing",
        ]
    );
    let rule = loaded.diagnostics.iter().find(|found| found.code == "RP211").unwrap();
    assert_eq!(rule.help, ["did you mean `rule/owner`?"]);
    assert_eq!(rule.to_json(&loaded.sources)["line"], 14);
}

#[test]
fn the_end_of_an_exemption_is_told_fourteen_days_ahead() {
    let text = "\
apiVersion: raygate.dev/v1beta1
kind: Exemption
metadata: {name: hero}
spec:
  match: {projects: [hero]}
  waive: [RG310]
  owner: ml-platform
  reason: one run
  expires: 2026-12-31
";
    let loaded = read(&[("policies/hero.yaml", text)]);
    let told = |day: &str| -> Vec<String> {
        let found = loaded.endings(day.parse().unwrap());
        found.iter().map(|found| found.concise(&loaded.sources)).collect()
    };
    let soon = |days: &str| {
        vec![format!(
            "policies/hero.yaml:9:12: warning[RP214]: the last day of the exemption `hero` is {days}"
        )]
    };
    assert!(told("2026-12-16").is_empty());
    assert_eq!(told("2026-12-17"), soon("in 14 days"));
    assert_eq!(told("2026-12-30"), soon("tomorrow"));
    assert_eq!(told("2026-12-31"), soon("today"));
    let ended = loaded.endings("2027-01-01".parse().unwrap());
    assert_eq!(
        ended[0].render(&loaded.sources, false),
        "\
warning[RP213]: the exemption `hero` has ended, 2026-12-31 was its last day
 --> policies/hero.yaml:9:12
  |
9 |   expires: 2026-12-31
  |            ^^^^^^^^^^
  |
  = let its owner, `ml-platform`, give it a later day or take it out"
    );
    assert_eq!(ended[0].to_json(&loaded.sources)["column"], 12);
}

#[test]
fn what_acts_has_a_digest_of_its_own() {
    let base = policy("base", "{match: {}}");
    let of = |text: &str| {
        let set = read(&[("a.yaml", text)]).set;
        (set.digest, set.acting_digest)
    };
    let (digest, acting) = of(&base);
    assert_eq!(digest, acting);
    for mode in ["Preview", "Disabled"] {
        let other = policy("other", &format!("{{match: {{}}, mode: {mode}}}"));
        let (with, still) = of(&format!("{base}---\n{other}"));
        assert_ne!(with, digest, "what is loaded is another set");
        assert_eq!(still, acting, "what acts is the same");
    }
    let (_, enforced) = of(&format!("{base}---\n{}", policy("other", "{match: {}}")));
    assert_ne!(enforced, acting);
}

/// Only the namespace keeps an author from leaving out a label.
#[test]
fn a_policy_that_enforces_by_label_needs_the_template_that_derives_it() {
    let found = |template: &str, spec: &str| -> Vec<String> {
        let platform =
            format!("apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {{flyte: {{{template}}}}}\n---\n");
        let loaded = read(&[("a.yaml", &(platform + &policy("p", spec)))]);
        diagnostics(&loaded)
    };
    let error = |label: &str, place: &str| {
        vec![format!(
            "a.yaml:{place}: error[RP218]: policy `p` matches by {label}, and the Platform has no `flyte.namespace` with \
             {{{label}}}: a RayJob that does not name its {label} escapes the policy"
        )]
    };
    let limits = "limits: {maxPodsPerJob: 5}";
    for (template, spec, expected) in [
        (
            "",
            format!("{{match: {{projects: [a]}}, {limits}}}"),
            error("project", "8:26"),
        ),
        (
            "",
            format!("{{match: {{domains: [a], namespaces: [a]}}, {limits}}}"),
            error("domain", "8:25"),
        ),
        (
            "",
            "{match: {domains: [a]}, force: {roll: true}}".replace("force: {roll: true}", "actions: {RG401: Warn}"),
            error("domain", "8:25"),
        ),
        (
            "",
            "{match: {domains: [a]}, rules: [{name: r, require: 'true', message: m}]}".to_owned(),
            error("domain", "8:25"),
        ),
        (
            "",
            format!("{{match: {{when: job.flyte.domain == 'a'}}, {limits}}}"),
            error("domain", "8:22"),
        ),
        (
            "",
            format!("{{match: {{when: 'job.flyte.project in [\"a\"]'}}, {limits}}}"),
            error("project", "8:22"),
        ),
        (
            "namespace: \"{project}\"",
            format!("{{match: {{projects: [a]}}, {limits}}}"),
            vec![],
        ),
        (
            "namespace: \"{project}\"",
            format!("{{match: {{projects: [a], domains: [b]}}, {limits}}}"),
            error("domain", "8:40"),
        ),
        (
            "namespace: flyte",
            format!("{{match: {{projects: [a]}}, {limits}}}"),
            error("project", "8:26"),
        ),
        (
            "namespace: \"{project}-{domain}\"",
            format!("{{match: {{projects: [a], domains: [b]}}, {limits}}}"),
            vec![],
        ),
        (
            "",
            "{match: {domains: [a]}, defaults: {readiness: Http}}".to_owned(),
            vec![],
        ),
        (
            "",
            format!("{{match: {{domains: [a]}}, mode: Disabled, {limits}}}"),
            vec![],
        ),
        (
            "",
            format!("{{match: {{tasks: [a], when: job.flyte.task == 'a'}}, {limits}}}"),
            vec![],
        ),
        (
            "",
            format!("{{match: {{namespaces: [a], when: job.gpus > 0}}, {limits}}}"),
            vec![],
        ),
        (
            "",
            format!("{{match: {{}}, exclude: [{{projects: [a]}}], {limits}}}"),
            vec![],
        ),
    ] {
        assert_eq!(found(template, &spec), expected, "{template} {spec}");
    }
}

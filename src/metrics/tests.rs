//! The table against what is exported.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::admission::Spent;
use crate::facts;
use crate::json::Tree;

const UID: &str = "7f3c2b1a-0d9e-4c8b-a7f6-5e4d3c2b1a09";

/// One of everything, so that every family has at least one series.
fn touched() -> Metrics {
    let metrics = Metrics::new();
    metrics.controllers([("queue", "kueue")]);
    let record = Record {
        kind: "RayJob",
        operation: "CREATE".to_owned(),
        verdict: "denied",
        codes: vec!["RG203"],
        injections: vec![("readiness", Some("base".into())), ("RG203", None)],
        gpus: 8,
        spent: Spent {
            body: Duration::from_micros(20),
            queue: Duration::ZERO,
            parse: Duration::from_micros(30),
            judge: Duration::from_micros(40),
        },
        exemptions: vec!["hero".into()],
        previews: vec![Previewed {
            policy: "next".into(),
            would: vec![("RG203".into(), "Deny")],
        }],
        answers: vec![("RG806", "fits")],
        ..Record::default()
    };
    metrics.answered(Endpoint::Mutate, &record, Duration::from_micros(80), Exemplar::uid(UID));
    metrics.rejected("404");
    metrics.handshake_failed("version");
    metrics.certificate(1_790_000_000, 1_800_000_000);
    metrics.certificate_issued("ca");
    metrics.ca_bundle_fits("mutating", true);
    metrics.ca_bundle_written("mutating");
    metrics.configuration_differs("mutating", "scope", 1);
    metrics.cluster_failed("secret", "forbidden");
    metrics.bundle("1", 3, 1_800_000_000);
    metrics.exemptions(vec![("hero".to_owned(), 1_800_000_000)]);
    metrics.policies_broken("policies/a.yaml", 3, "last-good", 1_800_000_001);
    metrics.policy_warnings(["RP216"]);
    let kinds = json!({"RuntimeClass": {"readAt": "2026-11-26T00:00:00Z", "items": []}});
    let facts = json!({"apiVersion": facts::API_VERSION, "kind": facts::KIND, "kinds": kinds});
    metrics.facts(&Facts::read(&[Tree::of(&facts).unwrap().root()]).unwrap());
    metrics
}

/// The labels of the first sample of a family, `le` left out.
fn labels(text: &str, name: &str) -> Vec<String> {
    let sample = text
        .lines()
        .find(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name}_count{{")))
        .unwrap_or_default();
    let inner = sample
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map_or("", |(inner, _)| inner);
    inner
        .split(',')
        .filter_map(|pair| pair.split_once('=').map(|(key, _)| key.to_owned()))
        .filter(|key| key != "le")
        .collect()
}

#[test]
fn the_table_and_the_exported_families_are_the_same() {
    let text = touched().encode();
    let exported: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|rest| rest.split_once(' '))
        .collect();
    let tabled: BTreeMap<&str, &str> = FAMILIES
        .iter()
        .map(|family| {
            (
                family.name.strip_suffix("_total").unwrap_or(family.name),
                family.kind.as_str(),
            )
        })
        .collect();
    assert_eq!(exported, tabled);
    for family in FAMILIES {
        assert_eq!(labels(&text, family.name), family.labels, "{}", family.name);
        assert!(family.name.starts_with("raygate_"), "{}", family.name);
        assert_eq!(
            family.kind == Kind::Counter,
            family.name.ends_with("_total"),
            "{}",
            family.name
        );
        assert!(
            text.contains(&format!("{}.\n", family.help.trim_end_matches('.'))),
            "{}",
            family.name
        );
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_clients_words_never_become_label_values() {
    let metrics = Metrics::new();
    for operation in ["", "create", "DROP TABLE", "CREATE"] {
        let record = Record {
            operation: operation.to_owned(),
            verdict: "malformed",
            ..Record::default()
        };
        metrics.answered(Endpoint::Validate, &record, Duration::ZERO, Exemplar::uid(operation));
    }
    let text = metrics.encode();
    let unknown =
        r#"raygate_requests_total{endpoint="validate",kind="",operation="unknown",verdict="malformed",code=""} 3"#;
    assert!(text.contains(unknown), "{text}");
    assert!(!text.contains("DROP"));
}

#[test]
fn a_fast_decision_has_a_bucket_of_its_own() {
    let metrics = Metrics::new();
    metrics.evaluated(Endpoint::Mutate, Duration::from_micros(40));
    metrics.evaluated(Endpoint::Mutate, Duration::from_micros(150));
    let text = metrics.encode();
    assert!(
        text.contains(r#"raygate_evaluation_duration_seconds_bucket{le="0.00005",endpoint="mutate"} 1"#),
        "{text}"
    );
    assert!(
        text.contains(r#"raygate_evaluation_duration_seconds_bucket{le="0.0002",endpoint="mutate"} 2"#),
        "{text}"
    );
}

#[test]
fn each_stage_that_was_reached_is_observed() {
    let text = touched().encode();
    let count = |stage: &str, count: u32| {
        let line = format!("raygate_stage_duration_seconds_count{{stage=\"{stage}\"}} {count}\n");
        assert!(text.contains(&line), "{line}{text}");
    };
    for (stage, reached) in [("body", 1), ("queue", 0), ("parse", 1), ("mutate", 1), ("validate", 0)] {
        count(stage, reached);
    }
}

#[test]
fn what_was_injected_asked_for_and_refused_is_counted() {
    let text = touched().encode();
    for line in [
        r#"raygate_requests_total{endpoint="mutate",kind="RayJob",operation="CREATE",verdict="denied",code="RG203"} 1"#,
        r#"raygate_injections_total{injector="readiness",policy="base"} 1"#,
        r#"raygate_injections_total{injector="RG203",policy="built-in"} 1"#,
        "raygate_gpus_requested_total 8",
        "raygate_gpus_refused_total 8",
        "raygate_unmutated_total 0",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    let metrics = Metrics::new();
    let missed = Record {
        verdict: "allowed",
        codes: vec!["RG405"],
        injected: vec!["readiness"],
        gpus: u64::MAX,
        ..Record::default()
    };
    for _ in 0..2 {
        metrics.answered(Endpoint::Validate, &missed, Duration::ZERO, None);
    }
    let text = metrics.encode();
    assert!(text.contains("raygate_unmutated_total 2\n"), "{text}");
    assert!(
        text.contains(r#"verdict="allowed",code=""} 2"#),
        "only a denial has a code: {text}"
    );
    assert!(text.contains("raygate_gpus_requested_total 2097152\n"), "{text}");
    assert!(text.contains("raygate_gpus_refused_total 0\n"), "{text}");
    // What was found besides is not why an author must try again.
    let retried = Record {
        verdict: "retry",
        ..missed
    };
    metrics.answered(Endpoint::Validate, &retried, Duration::ZERO, None);
    let text = metrics.encode();
    assert!(text.contains(r#"verdict="retry",code=""} 1"#), "{text}");
}

#[test]
fn an_exemplar_leads_to_the_request() {
    let text = touched().encode();
    let bucket = text
        .lines()
        .find(|line| line.starts_with(r#"raygate_request_duration_seconds_bucket{le="0.0001",endpoint="mutate"} 1 #"#))
        .unwrap_or_else(|| panic!("{text}"));
    assert!(bucket.contains(&format!("# {{uid=\"{UID}\"}} 0.00008 ")), "{bucket}");
    for unlike in ["", "a b", "\"", "é", &"a".repeat(37)] {
        assert_eq!(Exemplar::uid(unlike), None, "{unlike}");
    }
}

#[test]
fn seconds_left_are_counted_when_they_are_read() {
    let metrics = Metrics::new();
    assert!(!metrics.encode().contains("raygate_certificate_seconds_left{"));
    metrics.certificate(0, 1);
    metrics.ca_ends(i64::MAX);
    let text = metrics.encode();
    let left = |certificate: &str| {
        let start = format!(r#"raygate_certificate_seconds_left{{certificate="{certificate}"}} "#);
        let line = text.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        line.parse::<i64>().unwrap()
    };
    assert!(left("serving") < 0 && left("ca") > 0, "{text}");
}

#[test]
fn a_guard_gives_back_what_it_took() {
    let metrics = Metrics::new();
    {
        let _first = metrics.in_flight();
        let _second = metrics.in_flight();
        assert!(metrics.encode().contains("raygate_in_flight 2\n"));
    }
    assert!(metrics.encode().contains("raygate_in_flight 0\n"));
}

#[test]
fn only_the_bundle_in_use_is_shown() {
    let metrics = Metrics::new();
    metrics.bundle("old", 2, 1);
    metrics.bundle("new", 3, 2);
    metrics.bundle("new", 4, 3);
    let text = metrics.encode();
    assert!(text.contains(r#"raygate_policy_bundle_info{digest="new"} 4"#), "{text}");
    assert!(
        text.contains("raygate_policy_bundle_loaded_timestamp_seconds 3\n"),
        "{text}"
    );
    assert!(!text.contains("old"));
}

#[test]
fn a_fault_has_its_place_for_as_long_as_it_lasts() {
    let metrics = Metrics::new();
    metrics.policies_broken("a.yaml", 3, "last-good", 7);
    metrics.policies_broken("b.yaml", 9, "last-good", 7);
    let text = metrics.encode();
    assert!(
        text.contains(
            r#"raygate_policies_broken_since_timestamp_seconds{file="b.yaml",line="9",in_use="last-good"} 7"#
        ),
        "{text}"
    );
    assert!(
        text.contains("raygate_policies_broken 1\n") && !text.contains("a.yaml"),
        "{text}"
    );
    metrics.policies_whole();
    let text = metrics.encode();
    assert!(
        text.contains("raygate_policies_broken 0\n") && !text.contains(".yaml"),
        "{text}"
    );
}

#[test]
fn the_warnings_are_those_of_the_files_in_use() {
    let metrics = Metrics::new();
    metrics.policy_warnings(["RP216", "RL102", "RP216"]);
    let text = metrics.encode();
    assert!(
        text.contains("raygate_policy_warnings{code=\"RP216\"} 2\n") && text.contains("{code=\"RL102\"} 1\n"),
        "{text}"
    );
    metrics.policy_warnings([]);
    assert!(!metrics.encode().contains("raygate_policy_warnings{"));
}

#[test]
fn alerts_find_their_series_from_the_start() {
    let text = Metrics::new().encode();
    for series in [
        "raygate_panics_total 0",
        r#"raygate_overloads_total{cause="in_flight"} 0"#,
    ] {
        assert!(text.contains(series), "{series}");
    }
}

/// An alert sees the first refusal only if the series was there before it.
#[test]
fn the_controllers_of_the_platform_have_their_series_from_the_start() {
    let metrics = Metrics::new();
    let series =
        |user: &str| format!("raygate_refused_controller_requests_total{{controller=\"queue\",user=\"{user}\"}} ");
    metrics.controllers([("queue", "kueue")]);
    assert!(metrics.encode().contains(&format!("{}0\n", series("kueue"))));
    let record = Record {
        refused_controller: Some(("queue", "kueue".into())),
        ..Record::default()
    };
    metrics.answered(Endpoint::Validate, &record, Duration::ZERO, None);
    metrics.names_in_use(&["kueue"].into());
    assert!(metrics.encode().contains(&format!("{}1\n", series("kueue"))));
    metrics.names_in_use(&HashSet::new());
    assert!(!metrics.encode().contains(&series("kueue")));
}

#[test]
fn an_exemption_is_counted_as_expired_from_its_end_on() {
    let metrics = Metrics::new();
    let line = |name: &str| {
        let text = metrics.encode();
        let line = text.lines().find(|line| line.starts_with(name));
        line.map(|line| line.rsplit(' ').next().unwrap().to_owned())
    };
    metrics.exemptions(vec![("past".to_owned(), 1), ("future".to_owned(), i64::MAX)]);
    assert_eq!(line("raygate_exemptions_expired").as_deref(), Some("1"));
    assert_eq!(
        line("raygate_exemption_expiry_timestamp_seconds{exemption=\"past\"}").as_deref(),
        Some("1")
    );
    metrics.exemptions(vec![("future".to_owned(), i64::MAX)]);
    assert_eq!(line("raygate_exemptions_expired").as_deref(), Some("0"));
    assert_eq!(
        line("raygate_exemption_expiry_timestamp_seconds{exemption=\"past\"}"),
        None
    );
}

//! The verdicts of KubeRay 1.7.0's own validators on generated objects: raygate rejects by a rule of KubeRay's (RG1xx) exactly
//! what KubeRay rejects. The verdicts are read from `../shared/verdicts`; without them the test says so and passes.
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

use std::path::Path;
use std::process::Command;

use raygate::ray::KubeRay;
use raygate::ray::schedule::{Schedule, is_timeout, is_zone};
use serde_json::Value;

/// The objects and verdicts of one kind: what KubeRay says first is wrong, or nothing.
fn verdicts(kind: &str) -> Option<Vec<(Value, Option<String>)>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/verdicts/kuberay-1.7.0.jsonl.gz");
    if !file.exists() {
        eprintln!(
            "SKIPPED: the verdicts of KubeRay 1.7.0 are not here: {}",
            file.display()
        );
        return None;
    }
    let Ok(output) = Command::new("gzip").arg("-dc").arg(&file).output() else {
        eprintln!("SKIPPED: gzip is not here to read {}", file.display());
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let verdicts = text.lines().map(|line| {
        let mut verdict: Value = serde_json::from_str(line).unwrap();
        let error = verdict["error"].as_str().map(str::to_owned);
        (verdict["object"].take(), error)
    });
    let verdicts: Vec<_> = verdicts.filter(|(object, _)| object["kind"] == kind).collect();
    assert!(verdicts.len() > 1_000, "{} verdicts on a {kind}", verdicts.len());
    Some(verdicts)
}

#[test]
fn objects_are_judged_as_kuberay_1_7_judges_them() {
    let bundle = judged::bundle(KubeRay::V1_7);
    for kind in judged::KINDS {
        let Some(verdicts) = verdicts(kind) else { return };
        let (mut wrong, mut count) = (Vec::new(), 0);
        for (object, theirs) in &verdicts {
            let ours = judged::denied(&bundle, object);
            count += 1;
            if ours.is_empty() == theirs.is_some() {
                wrong.push(format!("KubeRay: {theirs:?}\nraygate: {ours:?}\n{object}"));
            }
        }
        println!("{kind}: {count} of {} judged", verdicts.len());
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
    }
}

/// KubeRay names the first problem only, and the schedule and the time zone come right after the name.
#[test]
fn schedules_and_time_zones_are_read_as_kuberay_1_7_reads_them() {
    let Some(verdicts) = verdicts("RayCronJob") else { return };
    let mut rejected = 0;
    for (object, theirs) in verdicts {
        let theirs = theirs.unwrap_or_default();
        if theirs.starts_with("RayCronJob name") {
            continue;
        }
        let schedule = object["spec"]["schedule"].as_str().unwrap_or_default();
        let zone = object["spec"]["timeZone"].as_str();
        let ours = schedule.contains("TZ")
            || Schedule::parse(schedule).is_err()
            || zone.is_some_and(|zone| zone.is_empty() || !is_zone(zone));
        let is_theirs = [
            "cannot use TZ",
            "invalid cron schedule",
            "timeZone",
            "invalid time zone",
        ]
        .iter()
        .any(|start| theirs.starts_with(start));
        assert_eq!(ours, is_theirs, "{schedule:?} {zone:?}: {theirs}");
        rejected += usize::from(ours);
    }
    assert!(rejected > 100, "{rejected} rejected");
}

#[test]
fn timeouts_are_read_as_kuberay_1_7_reads_them() {
    let Some(verdicts) = verdicts("RayService") else { return };
    let mut rejected = 0;
    for (object, theirs) in verdicts {
        let theirs = theirs.unwrap_or_default();
        if theirs.contains("RayService name") {
            continue;
        }
        let timeout = object["metadata"]["annotations"]["ray.io/initializing-timeout"].as_str();
        let ours = timeout.is_some_and(|timeout| !is_timeout(timeout));
        assert_eq!(ours, theirs.contains("initializing-timeout"), "{timeout:?}: {theirs}");
        rejected += usize::from(ours);
    }
    assert!(rejected > 50, "{rejected} rejected");
}

//! Reports as other policy engines write them, for dashboards that show those: a List to apply.
//!
//! Both kinds have the same fields (OpenReports `ReportResult`, wgpolicyk8s.io `PolicyReportResult`). There is one
//! report for each namespace, not one for each object, and each has a bound: reports have filled etcd before.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::admission::denial;
use crate::engine::Judged;
use crate::policy::settings::Action;

use super::scanned::Scanned;

/// The most results of one report. One takes at most about 1 KB, and an object in etcd may have 1.5 MiB.
const MOST: usize = 1000;

/// A kind of report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    api_version: &'static str,
    kind: &'static str,
}

pub(super) const OPENREPORTS: Kind = Kind {
    api_version: "openreports.io/v1alpha1",
    kind: "Report",
};

pub(super) const POLICYREPORTS: Kind = Kind {
    api_version: "wgpolicyk8s.io/v1alpha2",
    kind: "PolicyReport",
};

pub(super) fn print(kind: Kind, found: &[Scanned], now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let mut namespaces: BTreeMap<&str, Vec<&Scanned>> = BTreeMap::new();
    for scanned in found {
        namespaces.entry(&scanned.namespace).or_default().push(scanned);
    }
    let reports: Vec<Value> = namespaces
        .iter()
        .map(|(namespace, scanned)| report(kind, namespace, scanned, now))
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": reports});
    writeln!(out, "{list:#}")
}

fn report(kind: Kind, namespace: &str, found: &[&Scanned], now: Timestamp) -> Value {
    let mut results = Vec::new();
    let (mut pass, mut fail, mut warn, mut left_out) = (0, 0, 0, 0);
    for scanned in found {
        let said: Vec<&Judged> = scanned
            .outcome
            .findings
            .iter()
            .filter(|judged| judged.action >= Action::Warn)
            .collect();
        pass += usize::from(said.is_empty());
        for judged in said {
            let denied = judged.action == Action::Deny;
            fail += usize::from(denied);
            warn += usize::from(!denied);
            if results.len() < MOST {
                results.push(result(scanned, judged, denied, now));
            } else {
                left_out += 1;
            }
        }
    }
    let annotations = match left_out {
        0 => json!({}),
        count => json!({"raygate.dev/left-out": count.to_string()}),
    };
    json!({
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": "raygate",
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "raygate"},
            "annotations": annotations,
        },
        "summary": {"pass": pass, "fail": fail, "warn": warn, "error": 0, "skip": 0},
        "results": results,
    })
}

fn result(scanned: &Scanned, judged: &Judged, denied: bool, now: Timestamp) -> Value {
    json!({
        "source": "raygate",
        "policy": judged.code(),
        "category": scanned.kind.name,
        "severity": if denied { "high" } else { "medium" },
        "result": if denied { "fail" } else { "warn" },
        "scored": true,
        "timestamp": {"seconds": now.as_second(), "nanos": 0},
        "message": denial::one(judged),
        "properties": {"path": judged.finding.path.to_string()},
        "resources": [{
            "apiVersion": "ray.io/v1",
            "kind": scanned.kind.name,
            "namespace": scanned.namespace,
            "name": scanned.name,
            "uid": scanned.uid,
        }],
    })
}

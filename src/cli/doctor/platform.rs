//! What raygate stands on: the API server, its clock, and KubeRay.

use jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use crate::cluster::objects;

use super::Findings;

/// The minor version of Kubernetes 1 from which on webhooks have match conditions for good.
const OLDEST_MINOR: u32 = 30;
/// Certificates and tokens stand clocks that differ by less.
const CLOCK_SECONDS: i64 = 60;

/// Whether the API server is of a version that raygate supports.
pub(super) fn judge_version(version: &Value, findings: &mut Findings) {
    let text = |key: &str| version.get(key).and_then(Value::as_str).unwrap_or_default();
    let git = text("gitVersion");
    // Some providers write `31+`.
    let minor = text("minor").trim_end_matches(|c: char| !c.is_ascii_digit());
    match minor.parse::<u32>() {
        Ok(minor) if text("major") == "1" && minor < OLDEST_MINOR => findings.warning(
            "api-server",
            format!("it is Kubernetes {git}; the oldest that raygate supports is 1.{OLDEST_MINOR}"),
            format!("# upgrade the cluster to Kubernetes 1.{OLDEST_MINOR} or later"),
        ),
        _ => findings.ok("api-server", format!("it answers: Kubernetes {git}")),
    }
}

/// Whether this machine's clock and the API server's, in its header `Date`, agree.
pub(super) fn judge_clock(date: Option<&str>, now: Timestamp, findings: &mut Findings) {
    let Some(theirs) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else {
        return findings.note("clock", "the API server does not tell its time");
    };
    let ahead = now.as_second() - theirs.timestamp().as_second();
    let seen = format!("this machine's clock and the API server's differ by {} s", ahead.abs());
    if ahead.abs() <= CLOCK_SECONDS {
        return findings.ok("clock", seen);
    }
    let side = if ahead > 0 { "ahead" } else { "behind" };
    findings.warning(
        "clock",
        format!("{seen}: this one is {side}; certificates are judged by both"),
        "timedatectl set-ntp true  # on the machine whose clock is wrong",
    );
}

/// Whether the cluster has RayJobs of the version that raygate judges.
pub(super) async fn judge_kuberay(client: &Client, findings: &mut Findings) -> bool {
    let group = match objects::get(client, "/apis/ray.io/v1").await {
        Ok(group) => group.unwrap_or_default(),
        Err(error) => {
            findings.unreadable("kuberay", "the API group ray.io", &error);
            return false;
        }
    };
    let resources = group.get("resources").and_then(Value::as_array).into_iter().flatten();
    let served = resources
        .filter_map(|resource| resource.get("name"))
        .any(|name| name == "rayjobs");
    if served {
        findings.ok("kuberay", "rayjobs.ray.io is served as v1");
    } else {
        findings.error(
            "kuberay",
            "rayjobs.ray.io is not served as v1: KubeRay 1.0 or later is not installed",
            "kubectl get crd rayjobs.ray.io -o jsonpath='{.spec.versions[*].name}'  # then install KubeRay",
        );
    }
    served
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use serde_json::json;

    fn level(judge: impl Fn(&mut Findings)) -> (Level, String) {
        let mut findings = Findings::default();
        judge(&mut findings);
        let finding = findings.0.pop().unwrap();
        assert!(findings.0.is_empty());
        (finding.level, finding.seen)
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let date = "Tue, 01 Jul 2025 12:00:00 GMT";
        for (now, expected, words) in [
            ("2025-07-01T12:01:00Z", Level::Ok, "differ by 60 s"),
            ("2025-07-01T12:01:01Z", Level::Warning, "this one is ahead"),
            ("2025-07-01T11:58:59Z", Level::Warning, "this one is behind"),
        ] {
            let now: Timestamp = now.parse().unwrap();
            let (seen, text) = level(|findings| judge_clock(Some(date), now, findings));
            assert_eq!(seen, expected, "{text}");
            assert!(text.contains(words), "{text}");
        }
        for none in [None, Some("yesterday")] {
            let (seen, _) = level(|findings| judge_clock(none, Timestamp::UNIX_EPOCH, findings));
            assert_eq!(seen, Level::Note);
        }
    }

    #[test]
    fn old_clusters_are_named() {
        for (minor, expected) in [
            ("29", Level::Warning),
            ("29+", Level::Warning),
            ("30", Level::Ok),
            ("31+", Level::Ok),
        ] {
            let version = json!({"major": "1", "minor": minor, "gitVersion": format!("v1.{minor}")});
            let (seen, text) = level(|findings| judge_version(&version, findings));
            assert_eq!(seen, expected, "{text}");
        }
    }
}

//! The clocks: those of this machine and of the nodes that run raygate, against the API server's.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use crate::cluster::objects;

use super::Findings;

const CHECK: &str = "clock";
/// Certificates and tokens stand clocks that differ by less.
const MOST_SECONDS: i64 = 60;
/// Where each kubelet renews a Lease with the name of its node, every ten seconds or so.
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

/// Whether this machine's clock and the API server's, in its header `Date`, agree.
pub(super) fn judge(date: Option<&str>, now: Timestamp, findings: &mut Findings) {
    let Some(theirs) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else {
        return findings.note(CHECK, "the API server does not tell its time");
    };
    let ahead = now.as_second() - theirs.timestamp().as_second();
    let seen = format!("this machine's clock and the API server's differ by {} s", ahead.abs());
    if ahead.abs() <= MOST_SECONDS {
        return findings.ok(CHECK, seen);
    }
    findings.warning(
        CHECK,
        format!("{seen}: this one is {}; certificates are judged by both", side(ahead)),
        "timedatectl set-ntp true  # on the machine whose clock is wrong",
    );
}

/// Whether the clocks of these nodes, which are those of their pods, agree with the API server's.
pub(super) async fn judge_nodes(client: &Client, nodes: &BTreeSet<&str>, findings: &mut Findings) {
    for node in nodes {
        match objects::get(client, &format!("{LEASES}/{node}")).await {
            Ok(lease) => judge_node(node, lease.as_ref(), findings),
            Err(error) => findings.unreadable(CHECK, &format!("the Lease of the node {node}"), &error),
        }
    }
}

fn judge_node(node: &str, lease: Option<&Value>, findings: &mut Findings) {
    let Some(ahead) = lease.and_then(ahead) else {
        return findings.note(
            CHECK,
            format!("the clock of the node {node} is not known: its Lease in kube-node-lease does not tell"),
        );
    };
    let seen = format!(
        "the clock of the node {node} and the API server's differ by {} s",
        ahead.abs()
    );
    if ahead.abs() <= MOST_SECONDS {
        return findings.ok(CHECK, seen);
    }
    findings.warning(
        CHECK,
        format!(
            "{seen}: the node's is {}; raygate judges certificates and exemptions by it",
            side(ahead)
        ),
        format!(
            "kubectl debug node/{node} --stdin --tty --profile sysadmin --image busybox -- \
             chroot /host timedatectl set-ntp true"
        ),
    );
}

/// By how many seconds the clock of a node was ahead of the API server's when its kubelet last renewed the Lease: the kubelet
/// writes `renewTime` by its own clock, and the API server notes by its own when that field was written. So it does not
/// matter how long ago that was.
fn ahead(lease: &Value) -> Option<i64> {
    let time = |value: Option<&Value>| value?.as_str()?.parse::<Timestamp>().ok();
    let entries = lease.pointer("/metadata/managedFields")?.as_array()?;
    let written = entries
        .iter()
        .filter(|entry| entry.pointer("/fieldsV1/f:spec/f:renewTime").is_some())
        .filter_map(|entry| time(entry.get("time")))
        .max()?;
    let renewed = time(lease.pointer("/spec/renewTime"))?;
    Some(renewed.as_second() - written.as_second())
}

fn side(ahead: i64) -> &'static str {
    if ahead > 0 { "ahead" } else { "behind" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Level;
    use super::*;

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
            let (seen, text) = level(|findings| judge(Some(date), now, findings));
            assert_eq!(seen, expected, "{text}");
            assert!(text.contains(words), "{text}");
        }
        for none in [None, Some("yesterday")] {
            let (seen, _) = level(|findings| judge(none, Timestamp::UNIX_EPOCH, findings));
            assert_eq!(seen, Level::Note);
        }
    }

    #[test]
    fn a_lease_tells_the_clock_of_its_node() {
        let lease = |renewed: &str| {
            json!({
                "metadata": {"managedFields": [
                    {"time": "2025-07-01T09:00:00Z", "fieldsV1": {"f:metadata": {}}},
                    {"time": "2025-07-01T12:00:00Z", "fieldsV1": {"f:spec": {"f:renewTime": {}}}},
                ]},
                "spec": {"renewTime": renewed},
            })
        };
        for (renewed, expected, words) in [
            ("2025-07-01T12:00:59.999999Z", Level::Ok, "differ by 59 s"),
            ("2025-07-01T12:01:01.000000Z", Level::Warning, "the node's is ahead"),
            ("2025-07-01T11:00:00.000000Z", Level::Warning, "the node's is behind"),
        ] {
            let (seen, text) = level(|findings| judge_node("gpu", Some(&lease(renewed)), findings));
            assert_eq!(seen, expected, "{text}");
            assert!(text.contains(words), "{text}");
        }
        for none in [
            None,
            Some(json!({})),
            Some(lease("yesterday")),
            Some(json!({"spec": {"renewTime": "2025-07-01T12:00:00Z"}})),
        ] {
            let (seen, text) = level(|findings| judge_node("gpu", none.as_ref(), findings));
            assert_eq!(seen, Level::Note, "{text}");
        }
    }
}

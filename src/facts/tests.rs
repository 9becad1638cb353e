use std::collections::BTreeMap;

use super::*;
use crate::json::Tree;
use jiff::Timestamp;
use serde_json::{Value, json};

fn read(documents: &[Value]) -> Result<Facts, FactsError> {
    let trees: Vec<Tree<'_>> = documents.iter().map(|document| Tree::of(document).unwrap()).collect();
    let roots: Vec<_> = trees.iter().map(Tree::root).collect();
    Facts::read(&roots)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn own(kinds: Value) -> Value {
    json!({"apiVersion": API_VERSION, "kind": KIND, "cluster": "east", "kubernetes": "v1.34.1", "kinds": kinds})
}

fn everything() -> Value {
    own(json!({
        "Namespace": {"readAt": "1970-01-01T00:01:00Z", "items": [
            {"metadata": {"name": "b"}},
            {"metadata": {"name": "a", "labels": {"pod-security.kubernetes.io/enforce": "baseline", "team": "x"}}},
        ]},
        "LimitRange": {"readAt": "1970-01-01T00:01:00Z", "items": [
            {"metadata": {"namespace": "a", "name": "r"}, "spec": {"limits": [
                {"type": "Container", "max": {"memory": "64Gi"}, "min": {"cpu": "100m"}},
                {"type": "Pod", "maxLimitRequestRatio": {"cpu": "2"}},
                {"type": "PersistentVolumeClaim", "max": {"storage": "1Ti"}},
            ]}},
        ]},
        "ResourceQuota": {"readAt": "1970-01-01T00:01:00Z", "items": [
            {"metadata": {"namespace": "a", "name": "q"}, "spec": {"hard": {"pods": "4"}, "scopes": ["NotBestEffort"],
                "scopeSelector": {"matchExpressions": [
                    {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]},
                ]}}},
        ]},
        "PriorityClass": {"readAt": "1970-01-01T00:01:00Z", "items": [
            {"metadata": {"name": "high"}, "globalDefault": true}, {"metadata": {"name": "low"}},
        ]},
        "RuntimeClass": {"readAt": "1970-01-01T00:01:00Z", "items": [
            {"metadata": {"name": "kata"}, "overhead": {"podFixed": {"cpu": "250m"}}},
        ]},
        "ServiceAccount": {"unknown": "forbidden"},
        "LocalQueue": {"items": [
            {"metadata": {"namespace": "a", "name": "q"}, "spec": {"clusterQueue": "c", "stopPolicy": "HoldAndDrain"}},
            {"metadata": {"namespace": "a", "name": "r"}, "spec": {"clusterQueue": "c", "stopPolicy": "None"}},
        ]},
        "ClusterQueue": {"items": [{"metadata": {"name": "c"}, "spec": {
            "namespaceSelector": {"matchLabels": {"a": "b"}}, "cohort": "all", "resourceGroups": [
                {"coveredResources": ["cpu"], "flavors": [{"name": "f", "resources": [
                    {"name": "cpu", "nominalQuota": "4", "borrowingLimit": "2", "lendingLimit": "500m"}]}]}]}}]},
        "Cohort": {"items": [{"metadata": {"name": "all"}, "spec": {"parentName": "root"}}]},
        "ResourceFlavor": {"items": [{"metadata": {"name": "f"}, "spec": {"nodeLabels": {"pool": "gpu"},
            "nodeTaints": [{"key": "gpu", "value": "present", "effect": "NoSchedule"}],
            "tolerations": [{"key": "gpu", "operator": "Exists"}]}}]},
        "DeviceClass": {"items": [{"metadata": {"name": "gpu"}, "spec": {"extendedResourceName": "nvidia.com/gpu"}}]},
        "ResourceClaimTemplate": {"items": [{"metadata": {"namespace": "a", "name": "t"}, "spec": {"spec": {"devices": {
            "requests": [{"name": "r", "exactly": {"deviceClassName": "gpu"}}]}}}}]},
        "ResourceClaim": {"items": [{"metadata": {"namespace": "a", "name": "c"}}]},
        "RayCluster": {"items": [{"metadata": {"namespace": "a", "name": "shared"}}]},
        "WorkloadPriorityClass": {"items": [{"metadata": {"name": "high"}}]},
        "Node": {"readAt": "1970-01-01T00:01:00Z", "labels": {"kubernetes.io/os": "linux"}, "values": {"rack": null, "slot": ["1", "2"]},
            "items": [
                {"count": 3, "metadata": {"labels": {"pool": "gpu"}}, "spec": {"taints": [
                    {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]},
                    "status": {"allocatable": {"cpu": "7910m", "nvidia.com/gpu": "8"}}},
                {"status": {"allocatable": {"cpu": "4"}}}]},
        "NodePool": {"items": [{"metadata": {"name": "h100"}, "spec": {"limits": {"nvidia.com/gpu": "128"}, "template": {
            "metadata": {"labels": {"team": "vision"}},
            "spec": {"requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}],
                "taints": [{"key": "spot", "effect": "NoSchedule"}]}}}}]},
        "ConfigMap": {"items": [{"metadata": {"namespace": "kube-system", "name": "cluster-autoscaler-status"},
            "data": {"status": "nodeGroups:\n- name: gpu-a\n  health: {minSize: 0, maxSize: 10}\n"}}]},
        "PersistentVolumeClaim": {"items": [{"metadata": {"namespace": "a", "name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]},
    }))
}

#[test]
fn what_is_written_reads_the_same() {
    let facts = read(&[everything()]).unwrap();
    let again = read(&[facts.document()]).unwrap();
    assert_eq!(facts.document(), again.document());
    assert_eq!(facts.digest, again.digest);
    assert_eq!(facts.minor(), Some(34));
    let text = facts.document().to_string();
    // The API server stores the defaults of a LimitRange, and a file may lack them.
    assert!(
        text.contains(r#""default":{"memory":"64Gi"},"defaultRequest":{"cpu":"100m","memory":"64Gi"}"#),
        "{text}"
    );
}

#[test]
fn times_and_order_do_not_change_the_digest() {
    let facts = read(&[everything()]).unwrap();
    let mut other = everything();
    other["kinds"]["Namespace"]["readAt"] = json!("2026-01-01T00:00:00Z");
    other["kinds"]["Namespace"]["items"].as_array_mut().unwrap().reverse();
    assert_eq!(read(&[other.clone()]).unwrap().digest, facts.digest);
    other["kinds"]["Namespace"]["items"][0]["metadata"]["name"] = json!("c");
    assert_ne!(read(&[other]).unwrap().digest, facts.digest);
}

#[test]
fn what_is_too_old_is_unknown() {
    let facts = read(&[everything()]).unwrap();
    let classes = |now| Known::of(&facts, at(now), "a").priority_classes().map(BTreeMap::len);
    assert_eq!(classes(60 + MAX_AGE), Some(2));
    assert_eq!(classes(60 + MAX_AGE + 1), None);
    // A clock that is a little behind makes nothing old; a time far ahead is a mistake.
    assert_eq!(classes(0), Some(2));
    assert_eq!(classes(-1), None);
    let known = |now| Known::of(&facts, at(now), "a").is_recent(Fact::PriorityClass);
    assert!(known(60 + RECENT) && !known(60 + RECENT + 1));
    let timeless = facts.clone().timeless();
    assert!(Known::of(&timeless, at(1 << 37), "a").priority_classes().is_some());
    assert_eq!(facts.unused(Fact::ServiceAccount, at(0)).unwrap(), "forbidden");
}

#[test]
fn a_list_says_nothing_of_what_it_does_not_have() {
    let list = json!({"kind": "List", "apiVersion": "v1", "items": [
        {"kind": "LimitRange", "metadata": {"namespace": "a", "name": "r"}, "spec": {"limits": []}},
        {"kind": "Pod", "metadata": {"namespace": "a", "name": "p"}},
    ]});
    let accounts =
        json!({"kind": "ServiceAccountList", "items": [{"metadata": {"namespace": "a", "name": "default"}}]});
    let facts = read(&[list, accounts]).unwrap().timeless();
    let known = |namespace| Known::of(&facts, at(0), namespace);
    assert_eq!(known("a").limit_ranges().unwrap().len(), 1);
    assert!(known("b").limit_ranges().is_none());
    assert!(known("a").quotas().is_none());
    assert_eq!(known("a").service_accounts().unwrap().len(), 1);
    assert!(known("b").service_accounts().is_none());
    assert!(known("a").priority_classes().is_none());
    // In raygate's own format a namespace without a LimitRange has none.
    let facts = read(&[everything()]).unwrap().timeless();
    assert_eq!(Known::of(&facts, at(0), "b").limit_ranges(), Some(&[][..]));
}

#[test]
fn an_object_that_cannot_be_read_hides_its_kind_alone() {
    let mut document = everything();
    document["kinds"]["LimitRange"]["items"][0]["spec"]["limits"][0]["max"]["memory"] = json!("lots");
    let facts = read(&[document]).unwrap().timeless();
    let known = Known::of(&facts, at(0), "a");
    assert!(known.limit_ranges().is_none());
    assert!(known.quotas().is_some());
    let why = facts.unused(Fact::LimitRange, at(0)).unwrap();
    assert_eq!(why, "LimitRange a/r cannot be read");
}

#[test]
fn what_has_no_facts_is_refused_with_the_reason() {
    let with = |edit: fn(&mut Value)| {
        let mut document = everything();
        edit(&mut document);
        read(&[document]).unwrap_err().to_string()
    };
    let seen = [
        with(|document| document["apiVersion"] = json!("raygate.dev/v9")),
        with(|document| document["kind"] = json!("RayJob")),
        with(|document| document["kinds"] = json!([])),
        with(|document| document["kinds"]["LimitRanges"] = json!({"items": []})),
        with(|document| document["kinds"]["LimitRange"]["readat"] = json!("x")),
        with(|document| document["kinds"]["LimitRange"]["readAt"] = json!("yesterday")),
        with(|document| document["kinds"]["LimitRange"]["items"] = json!(null)),
        read(&[]).unwrap_err().to_string(),
        read(&[everything(), everything()]).unwrap_err().to_string(),
        read(&[json!([1])]).unwrap_err().to_string(),
    ];
    let wanted = [
        "it has the version `raygate.dev/v9`, and this raygate reads raygate.dev/v1beta1",
        "it must be raygate.dev/v1beta1 ClusterFacts, or a List of Kubernetes objects, and is `RayJob`",
        "kinds must be a map",
        "`LimitRanges` is unknown in kinds; did you mean LimitRange?",
        "`readat` is unknown in kinds.LimitRange; did you mean readAt?",
        "kinds.LimitRange.readAt must be a time such as 2026-11-26T14:00:00Z",
        "kinds.LimitRange.items must be a list",
        "it is empty",
        "it must have one document if that is ClusterFacts",
        "it must be raygate.dev/v1beta1 ClusterFacts, or a List of Kubernetes objects, and is a document without a kind",
    ];
    assert_eq!(seen, wanted);
}

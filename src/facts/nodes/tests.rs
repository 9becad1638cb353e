use super::*;
use crate::facts::{Builder, Fact, Facts, Needs, State};
use crate::json::Tree;
use crate::k8s::node_selector::Requirement;

fn node(labels: Value, taints: Value, allocatable: Value) -> Value {
    json!({"metadata": {"name": "n", "labels": labels}, "spec": {"taints": taints}, "status": {"allocatable": allocatable}})
}

fn facts(nodes: impl IntoIterator<Item = Value>) -> Facts {
    let mut builder = Builder::default();
    let read_at = None;
    builder.state(
        Fact::Node,
        State::Known {
            read_at,
            is_partial: false,
        },
    );
    for node in nodes {
        builder.add(Fact::Node, Tree::of(&node).unwrap().root());
    }
    builder.finish()
}

fn shapes(nodes: impl IntoIterator<Item = Value>) -> Shapes {
    facts(nodes).places.all().clone()
}

/// A cluster of 24 pools in three zones, whose nodes have 40 labels, as large clouds make them.
fn large(nodes: usize) -> impl Iterator<Item = Value> {
    (0..nodes).map(|at| {
        let mut labels = Map::new();
        for constant in 0..30 {
            labels.insert(
                format!("feature.node.kubernetes.io/cpu-cpuid.F{constant}"),
                "true".into(),
            );
        }
        labels.insert(
            "kubernetes.io/hostname".to_owned(),
            format!("ip-10-0-{}-{}.ec2.internal", at / 250, at % 250).into(),
        );
        labels.insert("instance".to_owned(), format!("i-{at:017x}").into());
        labels.insert("pool".to_owned(), format!("pool-{}", at % 24).into());
        labels.insert(
            "topology.kubernetes.io/zone".to_owned(),
            format!("zone-{}", at / 24 % 3).into(),
        );
        labels.insert("rack".to_owned(), format!("rack-{}", at % 100).into());
        let memory = format!("{}Ki", 1_000_000 + at);
        node(
            labels.into(),
            json!([]),
            json!({"cpu": "95690m", "memory": memory, "nvidia.com/gpu": "8"}),
        )
    })
}

#[test]
fn nodes_that_share_labels_are_one_shape() {
    let a = |memory: &str| node(json!({"pool": "a"}), json!([]), json!({"cpu": "4", "memory": memory}));
    let shapes = shapes([
        a("16Gi"),
        a("15Gi"),
        node(json!({"pool": "b"}), json!([]), json!({"cpu": "2"})),
    ]);
    assert_eq!(shapes.shapes.len(), 2);
    let first = &shapes.shapes[0];
    assert_eq!(
        (first.count, first.allocatable["memory"].to_string()),
        (2, "16Gi".to_owned())
    );
}

#[test]
fn five_thousand_nodes_fold_into_few_shapes_and_a_small_file() {
    let facts = facts(large(5_000));
    let all = facts.places.all();
    assert_eq!(all.shapes.len(), 72);
    assert_eq!(all.shapes.iter().map(|shape| shape.count).sum::<u64>(), 5_000);
    // The names of the hosts are too many to be listed, those of the racks are not.
    assert_eq!(all.values["kubernetes.io/hostname"], None);
    assert_eq!(all.values["rack"].as_ref().map(BTreeSet::len), Some(100));
    let text = facts.document().to_string();
    assert!(text.len() < 200_000, "{}", text.len());
    // What is folded folds into itself.
    let again = Facts::parse("again", text.as_bytes()).unwrap();
    assert_eq!(again.document(), facts.document());
}

#[test]
fn labels_with_many_values_leave_the_shapes_until_these_are_few() {
    // Each node has other values of two labels with 40 values each.
    let nodes = (0..1_600).map(|at| {
        let labels = json!({"a": format!("{}", at % 40), "b": format!("{}", at / 40), "pool": format!("{}", at % 2)});
        node(labels, json!([]), json!({"cpu": "4"}))
    });
    let shapes = shapes(nodes);
    assert_eq!(shapes.shapes.len(), 2);
    assert_eq!(shapes.values.keys().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_file_stays_small_whatever_the_nodes_have() {
    let many = |count: usize, value: &dyn Fn(usize) -> Value| {
        let labels: Map<String, Value> = (0..count).map(|at| (format!("label-{at}"), value(at))).collect();
        node(labels.into(), json!([]), json!({}))
    };
    let cases: Vec<(&str, Vec<Value>)> = vec![
        ("10,000 labels", vec![many(10_000, &|_| "x".into())]),
        (
            "10,000 labels that differ",
            (0..3).map(|node| many(10_000, &|_| format!("{node}").into())).collect(),
        ),
        ("a value of 1 MB", vec![many(1, &|_| "x".repeat(1_000_000).into())]),
        ("a value that is no text", vec![many(1, &|_| json!({"a": 1}))]),
        (
            "a quantity that is none",
            vec![node(json!({}), json!([]), json!({"cpu": "lots"}))],
        ),
        (
            "a negative quantity",
            vec![node(json!({}), json!([]), json!({"cpu": "-1"}))],
        ),
        (
            "a taint without a key",
            vec![node(json!({}), json!([{"effect": "NoSchedule"}]), json!({}))],
        ),
        ("a negative count", vec![json!({"count": -1})]),
        (
            "a taint of its own for each node",
            (0..600)
                .map(|at| {
                    node(
                        json!({}),
                        json!([{"key": format!("t{at}"), "effect": "NoSchedule"}]),
                        json!({}),
                    )
                })
                .collect(),
        ),
    ];
    for (what, nodes) in cases {
        let facts = facts(nodes);
        assert!(
            matches!(facts.state(Fact::Node), Some(State::Unknown(_))),
            "{what}: {:?}",
            facts.state(Fact::Node)
        );
        let text = facts.document().to_string();
        assert!(text.len() < 1_000, "{what}: {}", text.len());
    }
    let absurd = facts([node(json!({}), json!([]), json!({"cpu": "9e99", "memory": "1e-99"}))]);
    assert!(matches!(absurd.state(Fact::Node), Some(State::Known { .. })));
}

#[test]
fn taints_that_pass_and_taints_that_only_prefer_do_not_count() {
    let taints = [
        json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}),
        json!({"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}),
        json!({"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}),
        json!({"key": "node.cilium.io/agent-not-ready", "effect": "NoExecute"}),
        json!({"key": "cni.istio.io/not-ready", "effect": "NoSchedule"}),
        json!({"key": "node.cluster.x-k8s.io/uninitialized", "effect": "NoSchedule"}),
        json!({"key": "cloud.google.com/impending-node-termination", "effect": "NoSchedule"}),
        json!({"key": "remediator.kubernetes.azure.com/unschedulable", "effect": "NoSchedule"}),
        json!({"key": "aws-node-termination-handler/spot-itn", "effect": "NoSchedule"}),
        json!({"key": "aws-node-termination-handler/rebalance-recommendation", "effect": "NoSchedule"}),
        json!({"key": "aws-node-termination-handler/scheduled-maintenance", "effect": "NoExecute"}),
        json!({"key": "spot", "effect": "PreferNoSchedule"}),
    ];
    let shapes = shapes([node(json!({}), json!(taints), json!({}))]);
    assert_eq!(shapes.shapes[0].taints, []);
}

#[test]
fn a_node_that_cannot_be_read_makes_the_nodes_unknown() {
    let whole = node(json!({"a": "b"}), json!([]), json!({"cpu": "4"}));
    for object in [
        json!("a"),
        json!(1),
        Value::Null,
        json!([]),
        json!({}),
        json!({"metadata": {"labels": {}}}),
        json!({"status": "Ready"}),
        json!({"metadata": [], "status": {}}),
        json!({"metadata": {"labels": "a=b"}, "status": {}}),
        json!({"spec": {"taints": {"key": "a"}}, "status": {}}),
        json!({"status": {"allocatable": ["cpu"]}}),
        json!({"status": {"capacity": "4"}}),
    ] {
        let facts = facts([whole.clone(), object.clone()]);
        assert!(matches!(facts.state(Fact::Node), Some(State::Unknown(_))), "{object}");
    }
    // A node that has just registered.
    let new = facts([whole, json!({"metadata": {"name": "new"}, "status": {}})]);
    assert!(matches!(new.state(Fact::Node), Some(State::Known { .. })));
}

#[test]
fn a_node_has_the_devices_of_its_capacity() {
    let object = json!({"status": {"allocatable": {"cpu": "3", "nvidia.com/gpu": "7"}, "capacity": {"cpu": "4", "nvidia.com/gpu": "8"}}});
    let shapes = shapes([object]);
    let amounts: Vec<String> = shapes.shapes[0].allocatable.values().map(Quantity::to_string).collect();
    assert_eq!(amounts, ["3", "8"]);
}

#[test]
fn the_index_says_what_a_walk_over_all_nodes_says() {
    let facts = facts(large(600));
    let places = &facts.places;
    for (key, values, expected) in [
        ("pool", vec!["pool-3"], 25),
        ("pool", vec!["pool-3", "pool-4", "nothing"], 50),
        ("pool", vec!["nothing"], 0),
        ("no-label", vec!["x"], 0),
        // A label outside of the shapes: any of them may have a value that some node has.
        ("rack", vec!["rack-7"], 600),
        ("rack", vec!["rack-777"], 0),
    ] {
        let needs = Needs {
            terms: vec![vec![Requirement {
                key,
                operator: crate::k8s::node_selector::Operator::In,
                values: values.clone(),
            }]],
            requests: vec![("memory", Quantity::parse("1Mi").unwrap())],
            ..Needs::default()
        };
        let set = places.large_enough(&needs, places.labelled(&needs));
        let count: u64 = places.of_set(&set).map(|shape| shape.count).sum();
        assert_eq!(count, expected, "{key} {values:?}");
    }
}

use std::ops::Range;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use serde::de::DeserializeSeed as _;
use serde_json::{Value, json};

use super::node::{Kind, Node, Nodes};
use super::*;

/// Any document: few keys, so that edits meet them again, and strings with and without escapes.
fn document() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c\"\\\\\n\u{7f}é\u{1F600}]{0,6}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 64, 12, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..12).prop_map(Value::from),
            btree_map(key(), inner, 0..12).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    "[a-d\"é]{0,3}"
}

/// One edit of some value: which one, and what is done to it.
#[derive(Clone, Debug)]
enum Edit {
    Set(Value),
    Insert(String, Value),
    Push(Value),
    Remove(Index),
    ToFront(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        1 => document().prop_map(Edit::Set),
        4 => (key(), document()).prop_map(|(key, value)| Edit::Insert(key, value)),
        4 => document().prop_map(Edit::Push),
        2 => any::<Index>().prop_map(Edit::Remove),
        2 => any::<Index>().prop_map(Edit::ToFront),
    ]
}

/// Goes down both documents by the same steps, a random child at each, and applies the edit where it can be applied.
fn apply(here: JsonMut<'_, '_>, there: &mut Value, steps: &[Index], edit: &Edit) {
    if let Some((step, steps)) = steps.split_first() {
        match there {
            Value::Array(items) if !items.is_empty() => {
                let at = step.index(items.len());
                return apply(here.index(at).unwrap(), &mut items[at], steps, edit);
            }
            Value::Object(map) if !map.is_empty() => {
                let at = step.index(map.len());
                let (key, value) = map.iter_mut().nth(at).unwrap();
                return apply(here.key(key).unwrap(), value, steps, edit);
            }
            _ => {}
        }
    }
    match (edit, there) {
        (Edit::Set(value), there) => {
            here.set(value).unwrap();
            *there = value.clone();
        }
        (Edit::Insert(key, value), Value::Object(map)) => {
            here.insert(key, value).unwrap();
            map.insert(key.clone(), value.clone());
        }
        (Edit::Push(value), Value::Array(items)) => {
            here.push(value).unwrap();
            items.push(value.clone());
        }
        (Edit::Insert(key, value), _) => assert_eq!(here.insert(key, value), Err(EditError::Kind)),
        (Edit::Push(value), _) => assert_eq!(here.push(value), Err(EditError::Kind)),
        (Edit::Remove(which), Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(which.index(map.len())).unwrap().clone();
            assert!(here.remove(&key));
            map.remove(&key);
        }
        (Edit::Remove(_), _) => assert!(!here.remove("no such key")),
        (Edit::ToFront(which), Value::Array(items)) if !items.is_empty() => {
            let at = which.index(items.len());
            assert!(here.move_to_front(at));
            items[..=at].rotate_right(1);
        }
        (Edit::ToFront(_), _) => assert!(!here.move_to_front(1_000)),
    }
}

fn assert_same(tree: &Tree<'_>, value: &Value) {
    let root = tree.root();
    assert_eq!(root, *value);
    assert_eq!(root.to_value(), *value);
    assert_eq!(root.to_string(), value.to_string());
    assert_eq!(format!("{root:#}"), format!("{value:#}"));
    assert_same_view(root, value);
}

/// Every way to look at a value gives what `serde_json` gives.
fn assert_same_view(json: Json<'_>, value: &Value) {
    assert_eq!(json.as_str(), value.as_str());
    assert_eq!(json.as_bool(), value.as_bool());
    assert_eq!(json.as_i64(), value.as_i64());
    assert_eq!(json.as_u64(), value.as_u64());
    assert_eq!(json.as_f64(), value.as_f64());
    assert_eq!(json.as_number().as_ref(), value.as_number());
    assert_eq!(json.is_null(), value.is_null());
    assert_eq!(json.is_boolean(), value.is_boolean());
    assert_eq!(json.is_number(), value.is_number());
    assert_eq!(json.is_f64(), value.is_f64());
    assert_eq!(json.is_string(), value.is_string());
    assert_eq!(json.is_array(), value.is_array());
    assert_eq!(json.is_object(), value.is_object());
    if let Value::Object(map) = value {
        let object = json.as_object().unwrap();
        assert!(object.keys().eq(map.keys()) && object.keys().rev().eq(map.keys().rev()));
        for (key, value) in map {
            assert!(object.contains_key(key));
            assert_same_view(object.get(key).unwrap(), value);
        }
        assert_eq!(object.get("no such key"), None);
    }
    if let Value::Array(items) = value {
        let array = json.as_array().unwrap();
        assert_eq!(array.len(), items.len());
        assert_eq!(array.last().map(Json::to_value).as_ref(), items.last());
        for (index, item) in items.iter().enumerate() {
            assert_same_view(array.get(index).unwrap(), item);
        }
        assert_eq!(array.get(items.len()), None);
    }
}

proptest! {
    #[test]
    fn a_document_is_read_and_written_as_serde_json_does(value in document()) {
        let (compact, indented) = (value.to_string(), format!("{value:#}"));
        for text in [&compact, &indented] {
            assert_same(&Tree::read(text).unwrap(), &value);
        }
        let copied = Tree::of(&value).unwrap();
        assert_same(&copied, &value);
        assert_same(&Tree::of(&copied.root()).unwrap(), &value);
    }

    #[test]
    fn edits_do_what_the_same_edits_of_a_value_do(
        value in document(),
        edits in vec((vec(any::<Index>(), 0..4), edit()), 1..30),
    ) {
        let (text, mut value) = (value.to_string(), value);
        let mut tree = Tree::read(&text).unwrap();
        for (steps, edit) in &edits {
            apply(tree.root_mut(), &mut value, steps, edit);
            assert_eq!(tree.root(), value);
        }
        assert_same(&tree, &value);
    }

    #[test]
    fn documents_are_equal_exactly_if_their_values_are(one in document(), other in document()) {
        let (left, right) = (Tree::of(&one).unwrap(), Tree::of(&other).unwrap());
        assert_eq!(left.root() == right.root(), one == other);
        assert_eq!(left.root() == other, one == other);
        assert_eq!(left.root(), left.clone().root());
    }

    #[test]
    fn a_broken_text_is_refused_with_the_error_of_serde_json(value in document(), at in any::<Index>(), with in "[\\[\\]{},:\"\\\\0e.-]{0,2}") {
        let mut text = value.to_string();
        let at = (0..=at.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let next = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
        text.replace_range(at..next, &with);
        match (Tree::read(&text), serde_json::from_str::<Value>(&text)) {
            (Ok(tree), Ok(value)) => assert_same(&tree, &value),
            // serde_json takes a key that stands twice, and so may find a later error.
            (Err(error), _) if error.to_string().starts_with("a key stands twice") => {}
            (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected.to_string()),
            (Err(error), Ok(_)) => panic!("serde_json reads {text}: {error}"),
            (Ok(_), Err(expected)) => panic!("{text} is read: {expected}"),
        }
    }
}

#[test]
fn a_tree_borrows_every_string_without_escapes() {
    let text = r#"{"a": ["b", {"": "é"}], "c": "d\n", "\u0065": 1}"#;
    let tree = Tree::read(text).unwrap();
    assert_eq!(tree.owned, "d\ne");
    assert_eq!(tree.root(), serde_json::from_str::<Value>(text).unwrap());
    let foreign = json!(["foreign"]);
    let tree = Reading::of(text).deserialize(&foreign).unwrap();
    assert_eq!(tree.root(), foreign);
}

#[test]
fn a_key_given_twice_is_refused_at_any_depth() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"[{"a":{"b":1,"c":2,"b":3}}]"#,
        "{\"a\":1,\"\\u0061\":2}",
    ] {
        let error = Tree::read(text).unwrap_err().to_string();
        assert!(error.starts_with("a key stands twice in one object"), "{error}");
    }
}

#[test]
fn the_bound_on_values_is_exact() {
    let read = |text: &str, values: usize| Reading::of(text).at_most(values).read().map(drop);
    let text = r#"{"a":[1,"x",{"b":null}]}"#;
    assert!(read(text, 6).is_ok());
    assert!(matches!(read(text, 5), Err(ReadError::TooManyValues)));
    assert!(matches!(read("[1,2,broken", 2), Err(ReadError::TooManyValues)));
    assert!(matches!(read("[1,2]broken", 3), Err(ReadError::Json(_))));
    assert!(matches!(read("[1,broken]", 2), Err(ReadError::TooManyValues)));
}

#[test]
fn what_is_left_out_is_neither_kept_nor_counted() {
    let text = r#"{
        "b": 1,
        "a": {"b": [[1, 2, 3]], "c": {"b": 2}, "d": {"a": {"b": 3}}},
        "e": [{"a": {"b": 4}}]
    }"#;
    let tree = Reading::of(text).without(&["a", "b"]).at_most(12).read().unwrap();
    let expected = json!({"b": 1, "a": {"c": {"b": 2}, "d": {"a": {"b": 3}}}, "e": [{"a": {"b": 4}}]});
    assert_eq!(tree.root(), expected);
    assert!(Reading::of(text).without(&["a", "b"]).at_most(11).read().is_err());
}

#[test]
fn depth_is_bounded_as_by_serde_json() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(Tree::read(&nested(127)).is_ok());
    assert!(Tree::read(&nested(128)).is_err());
    assert!(Tree::read(&nested(1_000_000)).is_err());
}

#[test]
fn pointers_lead_where_those_of_serde_json_do() {
    let value = json!({"a/b": {"~": [1, [2, 3]]}, "": 4, "c": [5], "0": 6});
    let tree = Tree::of(&value).unwrap();
    for pointer in [
        "",
        "/",
        "/a~1b",
        "/a~1b/~0",
        "/a~1b/~0/1/0",
        "/c/0",
        "/c/00",
        "/c/+0",
        "/c/-",
        "/c/1",
        "/c/x",
        "/0",
        "c",
        "/c/0/0",
    ] {
        let found = tree.root().pointer(pointer).map(Json::to_value);
        assert_eq!(found.as_ref(), value.pointer(pointer), "{pointer}");
    }
}

#[test]
fn numbers_keep_their_kind() {
    let text =
        "[0,-0,1,-1,1.0,1e3,18446744073709551615,-9223372036854775808,18446744073709551616,0.1,1e-7,123456789012345.6]";
    let value: Value = serde_json::from_str(text).unwrap();
    assert_same(&Tree::read(text).unwrap(), &value);
    let tree = Tree::read("[1,1.0]").unwrap();
    let [one, float] = [0, 1].map(|index| tree.root().get_index(index).unwrap());
    assert_ne!(one, float);
}

#[test]
fn many_edits_of_one_array_take_little_memory() {
    let mut tree = Tree::of(&json!([])).unwrap();
    for count in 0..10_000_u64 {
        tree.root_mut().push(&json!(count)).unwrap();
    }
    assert!(tree.nodes.len() < 4 * 10_000, "{}", tree.nodes.len());
}

#[test]
fn nodes_are_moved_in_order_over_the_borders_of_chunks() {
    let filled = |range: Range<usize>| {
        let mut nodes = Nodes::with_capacity(0);
        range.for_each(|value| nodes.push(Node::of_bits(Kind::Unsigned, value as u64)));
        nodes
    };
    for (count, from) in [
        (0, 0),
        (5, 3),
        (1024, 1024),
        (1024, 1000),
        (5000, 0),
        (5000, 1024),
        (5000, 2047),
        (5000, 5000),
    ] {
        let (mut nodes, mut others) = (filled(0..count), filled(0..1000));
        nodes.move_to(from, &mut others);
        let moved = (1000..others.len()).map(|at| others.get(at).bits());
        assert!(moved.eq(from as u64..count as u64), "{count} {from}");
        assert_eq!(nodes.len(), from);
        nodes.push(Node::NULL);
        assert_eq!(nodes.len(), from + 1);
        assert!((0..=from).rev().all(|_| nodes.pop().is_some()), "{count} {from}");
        assert!(nodes.pop().is_none());
    }
}

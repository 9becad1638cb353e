use serde_json::json;

use super::*;

#[test]
fn as_kubectl_prints() {
    let value = json!({
        "apiVersion": "ray.io/v1",
        "metadata": {"name": "train", "labels": {}, "finalizers": []},
        "spec": {
            "groups": [{"name": "gpu", "replicas": 4, "args": ["--port=8265", "-c", "*"]}, {}],
            "matrix": [[1, 2], [3.5]],
            "suspend": false,
            "none": null,
        },
    });
    let expected = "\
apiVersion: ray.io/v1
metadata:
  finalizers: []
  labels: {}
  name: train
spec:
  groups:
  - args:
    - --port=8265
    - -c
    - '*'
    name: gpu
    replicas: 4
  - {}
  matrix:
  - - 1
    - 2
  - - 3.5
  none: null
  suspend: false
";
    assert_eq!(emit(&value), expected);
}

#[test]
fn strings_are_quoted_exactly_when_needed() {
    let plain = [
        "a",
        "a b",
        "32Gi",
        "500m",
        "1.2.3",
        "a:b",
        "::1",
        "a#b",
        "http://x/y?z",
        "--port=1",
        "-x",
        "it's",
        "a\"b",
        "größe",
        "大",
        "v1",
        "1-2",
        "a, b",
        "nope",
        "yesterday",
        "10.0.0.1",
        "$(X)",
        "/dev/shm",
        "=x",
        "\\d+",
    ];
    for text in plain {
        assert_eq!(one_line_string(text), text);
    }
    let double = [
        "",
        "~",
        "null",
        "true",
        "yes",
        "No",
        "on",
        "y",
        "12",
        "-1",
        "010",
        "1_000",
        "0x1f",
        "0o17",
        "0b1",
        "0b_",
        "1e3",
        ".5",
        "1:30",
        ".inf",
        "2026-12-31",
        "<<",
        "=",
    ];
    for text in double {
        assert_eq!(one_line_string(text), format!("\"{text}\""));
    }
    let single = [
        "*", "&a", "!x", "a: b", "a:", "a #b", "- a", "-", "? a", "[a", "{a", "%a", "@a", "`a", "|", ">", "'a", "\"a",
        "#a", ",a", " a", "a ", "---", "--- a", "...", "]", "}",
    ];
    for text in single {
        assert_eq!(one_line_string(text), format!("'{}'", text.replace('\'', "''")));
    }
}

#[test]
fn what_cannot_be_seen_is_escaped() {
    assert_eq!(
        one_line_string("a\tb\r\0\u{7f}\u{85}\u{2028}\u{feff}\u{202e}\u{e0041}"),
        r#""a\tb\r\x00\x7f\x85\u2028\ufeff\u202e\U000e0041""#
    );
    assert_eq!(one_line_string("\u{1b}\"\\"), r#""\x1b\"\\""#);
}

#[test]
fn several_lines_are_a_block_where_that_is_exact() {
    assert_eq!(emit(&json!({"a": "one\n  two\n"})), "a: |\n  one\n    two\n");
    assert_eq!(emit(&json!({"a": "one\n\ntwo"})), "a: |-\n  one\n\n  two\n");
    assert_eq!(emit(&json!({"a": "one\ntwo\n\n"})), "a: |+\n  one\n  two\n\n");
    assert_eq!(emit(&json!([{"a": ["one\ntwo\n"]}])), "- a:\n  - |\n    one\n    two\n");
    assert_eq!(emit(&json!("one\ntwo\n")), "|\n  one\n  two\n");
    assert_eq!(emit(&json!({"a": " one\ntwo"})), "a: \" one\\ntwo\"\n");
    assert_eq!(emit(&json!({"a": "one \ntwo"})), "a: \"one \\ntwo\"\n");
    assert_eq!(emit(&json!({"a": "one\n"})), "a: \"one\\n\"\n");
}

#[test]
fn floats_are_floats_in_both_versions() {
    assert_eq!(
        emit(&json!([1.0, 1e300, 1e-7, -2.5e-9])),
        "- 1.0\n- 1.0e+300\n- 1.0e-7\n- -2.5e-9\n"
    );
}

#[test]
fn long_keys_are_marked() {
    let key = "k".repeat(2000);
    assert_eq!(emit(&json!({ &key: {"a": [1]} })), format!("? {key}\n:\n  a:\n  - 1\n"));
}

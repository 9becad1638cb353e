//! What KubeRay's reader makes of these texts was seen in `sigs.k8s.io/yaml` 1.6.0, the reader that KubeRay uses.

use crate::ray::go_yaml;
use crate::ray::runtime_env::LIMITS;

/// What the check says of a text.
fn problem(text: &str) -> Option<String> {
    super::problem(&go_yaml::read(text, &LIMITS))
}

#[test]
fn passes_what_kuberays_reader_takes() {
    for text in [
        "",
        "  \n",
        "# nothing\n",
        "null",
        "~",
        "---\n",
        "---\n---\n[1]",
        "a: 1\n---\n- ]",
        "a: 1\n...\n@",
        "pip: [numpy]",
        "{pip: [a, b], env_vars: {A: \"1\"}}",
        "{\"pip\": [\"a\"]}",
        "\u{feff}pip: [a]",
        "%YAML 1.1\n---\na: 1",
        // Repeated keys, keys that are no text, merge keys, anchors and unknown tags.
        "a: 1\na: 2",
        "1: x\ntrue: y\n2.5: z\n.inf: w",
        "a: &x {b: 1}\nc: {<<: *x}",
        "a: &x [1]\nb: *x",
        "a: !foo 1",
        "a: 1e999",
        "a: yes\nb: 0o17\nc: 1_000\nd: 2020-01-01",
        // Brackets, quotes and comments that YAML 1.2 wants elsewhere.
        "pip: [\nnumpy,\npandas\n]\n",
        "pip: [\n\tnumpy\n]\nconda: {\nname: x\n}\n",
        "env_vars:\n  A: \"one\ntwo\"\n",
        "a: {b: 1}# note",
        "a: |# note\n  text\n",
        "a:\t1\nb:\t\"x\"",
        // Where the first value ends, the reader stops.
        "  a: 1\nb: 2",
        "{a: 1}\nb: 2",
        "a: |\n  text\n   more\n",
    ] {
        assert_eq!(problem(text), None, "{text:?}");
    }
}

#[test]
fn refuses_what_kuberays_reader_refuses() {
    for (text, wanted) in [
        ("- numpy", "is a list, not a mapping"),
        ("[1]", "is a list, not a mapping"),
        ("numpy", "is a string, not a mapping"),
        ("\"\"", "is a string, not a mapping"),
        ("42", "is an integer, not a mapping"),
        ("1.5", "is a number, not a mapping"),
        ("true", "is a boolean, not a mapping"),
        ("---\n- a\n---\nb: 1", "is a list, not a mapping"),
        ("a:\n\tb: 1", "is not YAML in line 2"),
        ("\ta: 1", "is not YAML in line 1"),
        ("a: 1\n\t\n", "is not YAML in line 2"),
        ("a: 1\nb: @c", "is not YAML in line 2"),
        ("key: [1, 2\n", "is not YAML in line 1"),
        ("{a: 1", "is not YAML in line 1"),
        ("a: b: c", "is not YAML in line 1"),
        ("a: 1\n b: 2", "is not YAML in line 2"),
        ("a: \"open\n---\nb: 2", "is not YAML in line 1"),
        ("a: *nobody", "is not YAML in line 1"),
        ("a: &b [*b]", "is not YAML in line 1"),
        ("a: .inf", "is not YAML in line 1"),
        ("a: -.Inf", "is not YAML in line 1"),
        ("a: .nan", "is not YAML in line 1"),
        ("null: 1", "is not YAML in line 1"),
        ("~: 1", "is not YAML in line 1"),
        ("a: 1\n: 2", "is not YAML in line 2"),
        ("{a: 1}: 2", "is not YAML in line 1"),
        ("{a: 1} b: 2", "is not YAML in line 1"),
        ("a: \"\\q\"", "is not YAML in line 1"),
        ("a: 1\u{7}", "is not YAML in line 1"),
        ("%YAML 1.2\n---\na: 1", "is in another version of YAML than 1.1"),
    ] {
        assert_eq!(problem(text).as_deref(), Some(wanted), "{text:?}");
    }
}

#[test]
fn says_nothing_of_what_stands_in_it() {
    for text in [
        "sk-secret",
        "key: sk-secret: x",
        "- sk-secret",
        "a: [sk-secret",
        "sk-secret: *sk-secret",
    ] {
        let message = problem(text).unwrap();
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn the_work_is_bounded() {
    assert_eq!(problem(&format!("- {}", "x".repeat(LIMITS.bytes))), None);
    assert_eq!(problem(&"a: [\nb]\n".repeat(10_000)), None);
    assert_eq!(problem(&"[".repeat(100_000)), None);
}

use super::Step::{Index, Key};
use super::*;
use crate::diag::Sources;
use crate::yaml::{Limits, Reading, parse};

const TEXT: &str = "\
spec:
  groups:
    - name: cpu
    - name: 'gpu'  # the big one
      limits: {cpu: \"8\", memory: 500Mi}
      args:
      - -c
      - |
        run
        it
  empty:
  ref: &r {a: 1}
  copy: *r
";

fn root() -> Node {
    let id = Sources::new().add("a.yaml", TEXT);
    let (mut documents, diagnostics) = parse(id, TEXT, Reading::Cautious, &Limits::policies());
    assert_eq!(diagnostics, []);
    documents.remove(0)
}

fn text(span: Span) -> &'static str {
    &TEXT[span.start..span.end]
}

#[test]
fn paths_lead_to_nodes() {
    let root = root();
    let gpu = root.at(&[Key("spec"), Key("groups"), Index(1)]).unwrap();
    assert_eq!(gpu.get("name").and_then(Node::as_str), Some("gpu"));
    assert_eq!(
        gpu.at(&[Key("args"), Index(1)]).and_then(Node::as_str),
        Some("run\nit\n")
    );
    assert_eq!(root.at(&[Key("spec"), Index(0)]), None);
    assert_eq!(root.at(&[Key("spec"), Key("groups"), Index(2)]), None);
    assert_eq!(root.at(&[]), Some(&root));
}

#[test]
fn spans_are_the_values_own_text() {
    let root = root();
    let at = |path: &[Step<'_>]| text(root.at(path).unwrap().span);
    let gpu = [Key("spec"), Key("groups"), Index(1)];
    let in_gpu = |step| [gpu.as_slice(), &[step]].concat();
    assert_eq!(at(&in_gpu(Key("name"))), "'gpu'");
    assert_eq!(at(&in_gpu(Key("limits"))), "{cpu: \"8\", memory: 500Mi}");
    assert_eq!(
        at(&[in_gpu(Key("limits")).as_slice(), &[Key("memory")]].concat()),
        "500Mi"
    );
    assert_eq!(
        at(&[in_gpu(Key("args")).as_slice(), &[Index(1)]].concat()),
        "run\n        it"
    );
    assert!(at(&gpu).starts_with("name: 'gpu'") && at(&gpu).ends_with("it"));
    assert_eq!(at(&[Key("spec"), Key("empty")]), "empty:");
    assert_eq!(at(&[Key("spec"), Key("ref")]), "{a: 1}");
    assert_eq!(at(&[Key("spec"), Key("copy")]), "*r");
    assert_eq!(at(&[Key("spec"), Key("copy"), Key("a")]), "1");
}

#[test]
fn locating_points_at_one_line() {
    let root = root();
    let at = |path: &[Step<'_>]| text(root.locate(path));
    let gpu = [Key("spec"), Key("groups"), Index(1)];
    assert_eq!(at(&[gpu.as_slice(), &[Key("limits"), Key("memory")]].concat()), "500Mi");
    assert_eq!(
        at(&[gpu.as_slice(), &[Key("limits"), Key("nvidia.com/gpu")]].concat()),
        "limits"
    );
    assert_eq!(at(&[gpu.as_slice(), &[Key("args")]].concat()), "args");
    assert_eq!(at(&[gpu.as_slice(), &[Key("args"), Index(9)]].concat()), "args");
    assert_eq!(at(&gpu), "name");
    assert_eq!(at(&[gpu.as_slice(), &[Key("image"), Key("x")]].concat()), "name");
    assert_eq!(at(&[Key("status")]), "spec");
    assert_eq!(at(&[]), "spec");
}

#[test]
fn kinds_and_counts() {
    let root = root();
    assert_eq!(root.kind(), "a mapping");
    assert_eq!(root.at(&[Key("spec"), Key("groups")]).unwrap().kind(), "a list");
    assert_eq!(root.at(&[Key("spec"), Key("empty")]).unwrap().kind(), "null");
    assert_eq!(
        root.at(&[Key("spec"), Key("ref"), Key("a")]).unwrap().kind(),
        "an integer"
    );
    assert_eq!(root.at(&[Key("spec"), Key("ref")]).unwrap().count(), 3);
    assert_eq!(
        (root.height(), root.at(&[Key("spec"), Key("empty")]).unwrap().height()),
        (5, 0)
    );
}

//! What people type out of habit: policy files as arguments, kubectl's short options, kinds with a slip.

use crate::command::{Folder, SEED, run};

const POLICY: &str = "\
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: mine}
spec:
  match: {}
  rules:
    - name: named
      require: has(object.metadata.name)   # always
      message: no name

    - {name: owned, require: has(object.metadata.labels.owner), message: no owner}
";

#[test]
fn a_policy_file_is_checked_by_itself() {
    let folder = Folder::new(&[
        ("good.yaml", POLICY),
        ("bad.yaml", &POLICY.replace("match:", "mach:")),
        ("twice.yaml", &format!("{POLICY}---\n{POLICY}")),
    ]);
    let good = run(&["check", &folder.file("good.yaml")], "");
    assert_eq!(good.code, 0, "{good:?}");
    assert!(good.out.starts_with("ok: 1 policy (mine)"), "{good:?}");
    let bad = run(&["check", &folder.file("bad.yaml")], "");
    assert_eq!(bad.code, 3, "{bad:?}");
    assert!(bad.out.contains("did you mean `match`?"), "{bad:?}");
    assert_eq!(run(&["check", &folder.file("twice.yaml")], "").code, 3);
    // Beside objects, it is checked first.
    let both = run(&["check", &folder.file("good.yaml"), SEED], "");
    assert_eq!(both.code, 0, "{both:?}");
    assert!(both.out.contains("1 RayJob: 0 denied"), "{both:?}");
    assert_eq!(run(&["check", &folder.file("bad.yaml"), SEED], "").code, 3);
    // A manifest that has other documents too stays a manifest.
    let mixed = format!(
        "{POLICY}---\n{}",
        std::fs::read_to_string("docs/examples/3-completed.yaml").unwrap()
    );
    let folder = Folder::new(&[("mixed.yaml", &mixed)]);
    let mixed = run(&["check", &folder.file("mixed.yaml")], "");
    assert!(mixed.code == 0 && mixed.out.contains("1 RayJob: 0 denied"), "{mixed:?}");
}

#[test]
fn the_short_options_of_kubectl_work() {
    let long = run(&["check", "--output", "concise", "--namespace", "ml", SEED], "");
    let short = run(&["check", "-o", "concise", "-n", "ml", "-f", SEED], "");
    assert_eq!((long.code, &long.out), (short.code, &short.out));
    let quiet = run(&["check", "-q", "docs/examples/1-rejected.yaml"], "");
    assert_eq!((quiet.code, quiet.out.as_str()), (1, ""), "{quiet:?}");
    for command in ["scan", "doctor", "snapshot", "test"] {
        let help = run(&[command, "--help"], "").out;
        assert!(help.contains("-o, --output"), "{command}: {help}");
    }
}

#[test]
fn a_kind_with_a_slip_is_no_clean_run() {
    let manifest = std::fs::read_to_string("docs/examples/3-completed.yaml").unwrap();
    let ran = run(&["check", "-"], &manifest.replace("kind: RayJob", "kind: Rayjob"));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("did you mean RayJob?"), "{ran:?}");
    let other = run(&["check", "-"], "apiVersion: v1\nkind: Pod\n");
    assert_eq!(other.code, 0, "{other:?}");
}

#[test]
fn an_object_without_a_name_is_rejected() {
    let manifest = std::fs::read_to_string("docs/examples/3-completed.yaml").unwrap();
    let named = "name: data-preparation";
    assert!(manifest.contains(named));
    let nameless = manifest.replace(&format!("  {named}\n"), "");
    let ran = run(&["check", "-"], &nameless);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("error[RG005]: the object has no name"), "{ran:?}");
    let generated = manifest.replace(named, "generateName: data-");
    assert_eq!(run(&["check", "-"], &generated).code, 0);
}

#[test]
fn arguments_that_cannot_be_used_are_explained() {
    for (arguments, words) in [
        (&["serve", "--bind", "localhost"] as &[&str], "0.0.0.0:8443"),
        (&["manifests", "--replicas", "0"], "at least 1"),
        (&["sample", "policies/default.yaml"], "no kind of Ray object"),
        (&["explain", "limits.maxGpu"], "did you mean limits.maxGpusPerJob?"),
        (&["explain", "limits.x"], "limits.{"),
        (&["explain", "rule/owned"], "these policies have no rules"),
    ] {
        let ran = run(arguments, "");
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(words), "{arguments:?}: {ran:?}");
    }
    let missing = run(&["scan", "--kubeconfig", "/no-such-file"], "");
    assert_eq!(
        missing.err.matches("No such file or directory").count(),
        1,
        "{missing:?}"
    );
    let components = run(
        &[
            "manifests",
            "--certificates",
            "self-managed",
            "--with",
            "fail-open,monitoring",
        ],
        "",
    );
    assert_eq!(components.code, 0, "{components:?}");
    assert!(components.out.contains("kind: ServiceMonitor"), "{components:?}");
}

#[test]
fn a_rule_has_a_page() {
    let folder = Folder::new(&[("mine.yaml", POLICY)]);
    let explain = |code: &str| run(&["explain", "--policies", folder.path(), code], "");
    let named = explain("rule/named");
    assert_eq!(named.code, 0, "{named:?}");
    let text = "- name: named\n  require: has(object.metadata.name)   # always\n  message: no name\n```\n";
    assert!(named.out.ends_with(text), "{}", named.out);
    let owned = explain("rule/owned");
    assert!(owned.out.contains("A rule of policy mine at "), "{owned:?}");
    assert!(
        owned.out.ends_with(
            "```yaml\n- {name: owned, require: has(object.metadata.labels.owner), message: no owner}\n```\n"
        ),
        "{}",
        owned.out
    );
    let near = explain("rule/ownd");
    assert!(
        near.code == 2 && near.err.contains("did you mean rule/owned?"),
        "{near:?}"
    );
}

#[test]
fn a_key_with_a_dash_shows_the_right_form() {
    for (expression, help) in [
        (
            "has(object.metadata.labels.my-team)",
            "has(object.metadata.labels) && 'my-team' in object.metadata.labels",
        ),
        (
            "has(object.metadata.labels['a.b/c'])",
            "has(object.metadata.labels) && 'a.b/c' in object.metadata.labels",
        ),
        (
            "object.metadata.labels.my-team == 'x'",
            "object.metadata.labels['my-team']",
        ),
    ] {
        let rule = POLICY.replace("has(object.metadata.name)   # always", &format!("\"{expression}\""));
        let folder = Folder::new(&[("mine.yaml", &rule)]);
        let ran = run(&["check", &folder.file("mine.yaml")], "");
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.out.contains(help), "{expression}: {}", ran.out);
    }
}

#[test]
fn a_submitter_that_raygate_writes_out_is_kuberays_own() {
    let policy = "\
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: mine}
spec:
  match: {}
  defaults: {submitter: {labels: {team: ml}, priorityClassName: small}}
";
    let folder = Folder::new(&[("mine.yaml", policy)]);
    let ran = run(
        &[
            "check",
            "--diff",
            "--policies",
            folder.path(),
            "docs/examples/3-completed.yaml",
        ],
        "",
    );
    let line = |text: &str| {
        let found = ran
            .out
            .lines()
            .find(|line| line.contains(text) && line.starts_with('+'));
        found.unwrap_or_else(|| panic!("{text}: {}", ran.out)).to_owned()
    };
    assert!(line("raygate.dev/submitter: default").contains("KubeRay's own submitter"));
    assert!(line("priorityClassName: small").contains("defaults.submitter.priorityClassName"));
    assert!(line("team: ml").contains("defaults.submitter.labels"));
}

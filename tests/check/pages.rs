//! The reports that people look at: HTML and Markdown.

use serde_json::json;

use crate::command::{Folder, run};

const SECRET: &str = "s3cr3t-of-nobody";
/// What would run, close an element or leave a table if it were markup.
const HOSTILE: &str = "</script><img src=x onerror=alert(1)>|`@here`<!--\u{202e}";

/// A RayJob with a hostile label, name and entrypoint, a secret in a variable, and too many GPUs for some.
fn job(name: &str) -> serde_json::Value {
    let container = |name: &str, gpus: &str| {
        json!({"name": name, "image": "ray", "env": [{"name": "TOKEN", "value": SECRET}], "resources": {
            "requests": {"cpu": "2", "memory": "8Gi"},
            "limits": {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": gpus},
        }})
    };
    json!({
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": name, "namespace": HOSTILE, "labels": {"owner": HOSTILE}},
        "spec": {"entrypoint": HOSTILE, "rayClusterSpec": {
            "headGroupSpec": {"rayStartParams": {}, "template": {"spec": {"containers": [container("head", "0")]}}},
            "workerGroupSpecs": [{
                "groupName": HOSTILE, "replicas": 1, "minReplicas": 1, "maxReplicas": 1, "rayStartParams": {},
                "template": {"spec": {"containers": [container("worker", "4")]}},
            }],
        }},
    })
}

fn policy(limit: u8, value: &str) -> String {
    format!(
        "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: caps}}\nspec:\n  match: {{}}\n  \
         limits: {{maxGpusPerJob: {limit}}}\n  defaults: {{head: {{env: [{{name: WANDB_API_KEY, value: {value}}}]}}}}\n"
    )
}

/// What each way to make a report prints in a format.
fn reports(format: &str) -> Vec<String> {
    let objects = format!("{}\n{}\n{{broken\n", job("one"), job(HOSTILE));
    let (before, after) = (policy(8, "key-of-before"), policy(2, "key-of-after"));
    let folder = Folder::new(&[
        ("before/a.yaml", before.as_str()),
        ("after/a.yaml", after.as_str()),
        ("objects.jsonl", objects.as_str()),
    ]);
    let (before, after) = (folder.file("before"), folder.file("after"));
    let objects = folder.file("objects.jsonl");
    let alone = run(&["check", "--policies", &after, "-o", format, &objects], "");
    let compared = run(
        &[
            "check",
            "--policies",
            &after,
            "--against",
            &before,
            "-o",
            format,
            &objects,
        ],
        "",
    );
    assert_eq!((alone.code, compared.code), (1, 1), "{alone:?} {compared:?}");
    vec![alone.out, compared.out]
}

#[test]
fn reports_have_no_values_and_name_what_changes() {
    for format in ["html", "markdown"] {
        for report in reports(format) {
            for secret in [SECRET, "key-of-before", "key-of-after"] {
                assert!(!report.contains(secret), "{format}: {secret}: {report}");
            }
            for named in ["RG310", "caps"] {
                assert!(report.contains(named), "{format}: {named}: {report}");
            }
        }
    }
    // Markdown counts what is filled in, and the code of a finding stands there once.
    let alone = &reports("markdown")[0];
    assert!(alone.contains("  - changed: "), "{alone}");
    assert!(!alone.contains("[RG310]"), "{alone}");
    let compared = &reports("markdown")[1];
    assert!(compared.starts_with("## What other policies change\n"), "{compared}");
    assert!(compared.contains("differ") && compared.contains("env"), "{compared}");
    assert!(reports("html").iter().all(|page| page.contains("env[")), "{compared}");
}

#[test]
fn a_page_needs_nothing_else_and_hostile_text_is_text() {
    for page in reports("html") {
        assert!(page.starts_with("<!doctype html>"), "{page}");
        let policy = "content=\"default-src 'none'; style-src 'sha256-";
        assert_eq!(page.matches(policy).count(), 1, "{page}");
        // No foreign origin, no markup of others, and only the elements of the page itself.
        for foreign in [
            "http://",
            "https://",
            "src=x",
            "onerror=alert(1)>\"",
            "<img",
            "<link",
            "<!--",
            "@import",
            "url(",
        ] {
            let found = page.matches(foreign).count();
            let as_text = page
                .matches(&format!("\\u003c{}", foreign.trim_start_matches('<')))
                .count();
            assert!(found == 0 || foreign == "src=x" || as_text > 0, "{foreign}: {page}");
        }
        assert_eq!(page.matches("<script").count(), 2, "{page}");
        assert_eq!(page.matches("</script>").count(), 2, "{page}");
        assert!(!page.contains('\u{202e}'), "{page}");
        // The data is JSON.
        let data = page
            .split("id=\"data\">")
            .nth(1)
            .unwrap()
            .split("</script>")
            .next()
            .unwrap();
        let rows: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
        assert!(rows[0]["namespace"].as_str().unwrap().contains("<img"), "{rows}");
    }
}

#[test]
fn markdown_keeps_hostile_text_in_code_spans() {
    for report in reports("markdown") {
        for line in report.lines().filter(|line| line.contains("onerror")) {
            let outside: String = line.split('`').step_by(2).collect();
            assert!(!outside.contains("onerror") && !outside.contains('@'), "{line}");
        }
        for row in report.lines().filter(|line| line.starts_with('|')) {
            let cells = row.replace("\\|", "").matches('|').count();
            assert_eq!(cells, 3, "{row}");
        }
    }
}

#[test]
fn the_script_and_the_style_are_those_of_the_policy() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = &reports("html")[0];
    let between = |start: &str, end: &str| page.split(start).nth(1).unwrap().split(end).next().unwrap().to_owned();
    for text in [between("<style>", "</style>"), between("<script>", "</script>")] {
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text.as_bytes()));
        assert!(page.contains(&format!("'sha256-{digest}'")), "{digest}");
    }
}

/// A cap and a TTL, in force or in Preview, on top of a policy that does nothing.
fn cap(mode: &str) -> String {
    format!(
        "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: cap}}\nspec:\n  mode: {mode}\n  match: {{}}\n  \
         defaults: {{lifecycle: {{ttlSecondsAfterFinished: 60}}}}\n"
    )
}

fn compared(mode: &str, format: &str) -> String {
    let plain = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: plain}\nspec: {match: {}}\n";
    let mut job = job("one");
    job["spec"]["shutdownAfterJobFinishes"] = true.into();
    let job = job.to_string();
    let folder = Folder::new(&[
        ("before/a.yaml", plain),
        ("after/a.yaml", &cap(mode)),
        ("job.json", &job),
    ]);
    let [before, after, job] = ["before", "after", "job.json"].map(|name| folder.file(name));
    let arguments = ["check", "--policies", &after, "--against", &before, "-o", format, &job];
    run(&arguments, "").out
}

#[test]
fn a_comparison_counts_the_changes_of_a_policy() {
    let report = compared("Enforce", "markdown");
    assert!(
        report.contains("| Policy | objects |\n|---|---:|\n| `cap` | 1 |"),
        "{report}"
    );
    let page = compared("Enforce", "html");
    assert!(
        page.contains("[\"spec.ttlSecondsAfterFinished\",\"lifecycle\",\"cap\"]"),
        "{page}"
    );
}

#[test]
fn markdown_says_where_a_policy_in_preview_would_change() {
    let report = compared("Preview", "markdown");
    let line = "  - `+` Preview: Change `lifecycle`: `spec.ttlSecondsAfterFinished`, policy `cap`";
    assert!(report.contains(line), "{report}");
}

/// A repair is no policy.
#[test]
fn repairs_are_a_group_of_their_own() {
    let small = job("one")
        .to_string()
        .replace("\"limits\":{\"cpu\":\"2\"", "\"limits\":{\"cpu\":\"1\"");
    let report = run(&["check", "-o", "markdown", "-"], &small).out;
    let group = |name: &str| {
        let rows = report.split(&format!("| {name} | objects |\n|---|---:|\n")).nth(1);
        rows.unwrap_or_default()
            .split("\n\n")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(group("Repair").contains("`RG203`"), "{report}");
    assert!(!group("Policy").contains("RG"), "{report}");
}

#[test]
fn broken_policies_have_their_help_and_no_table() {
    let folder = Folder::new(&[(
        "a.yaml",
        "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: a}\nspec: {matcj: {}}\n",
    )]);
    let report = |format: &str| {
        let ran = run(&["check", "--policies", folder.path(), "-o", format, "-"], "");
        assert_eq!(ran.code, 3);
        assert!(ran.out.contains("The policies are broken"), "{}", ran.out);
        assert!(ran.out.contains("did you mean"), "{}", ran.out);
        ran.out
    };
    assert!(!report("html").contains("<table"));
    assert!(!report("markdown").contains("| objects |"));
}

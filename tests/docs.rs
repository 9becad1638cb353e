//! The pages under `docs/` that come from the code are not stale. `RAYGATE_BLESS=1 cargo test --test docs` writes them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "docs/commands.rs"]
mod commands;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use raygate::metrics::FAMILIES;
use raygate::policy::schema::{self, Kind};
use raygate::rules::{INJECTORS, check};

const HEADER: &str = "<!-- Generated from the code: RAYGATE_BLESS=1 cargo test --test docs -->\n\n";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn hold(name: &str, text: &str) {
    hold_file(name, &format!("{HEADER}{text}"));
}

fn hold_file(name: &str, text: &str) {
    let path = docs().join(name);
    if std::env::var_os("RAYGATE_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/{name} is stale; RAYGATE_BLESS=1 cargo test --test docs writes it anew"
    );
}

#[test]
fn rules() {
    let mut index = "# The checks\n\nA denial and a warning end in the code of their check. `raygate explain CODE` prints the same pages.\n\nThe last column is the evidence: the source, test or limit that proves a denial, or the reason of a warning.\n".to_owned();
    index.push_str(
        "\n## RG0xx: answered by raygate itself\n\nNo policy changes these denials.\n\n| code | title |\n|---|---|\n",
    );
    let mut names = BTreeSet::from(["README.md".to_owned()]);
    for page in raygate::admission::codes::CODES {
        index.push_str(&format!("| [{0}]({0}.md) | {1} |\n", page.code, page.title));
        hold(&format!("rules/{}.md", page.code), &page.markdown());
        names.insert(format!("{}.md", page.code));
    }
    for family in check::FAMILIES {
        index.push_str(&format!(
            "\n## {}xx: {}\n\n| code | rule | default | repairs | KubeRay | evidence |\n|---|---|---|---|---|---|\n",
            family.prefix, family.title
        ));
        for check in family.checks {
            let repairs = if check.fixes { "yes" } else { "" };
            let evidence: Vec<String> = check.evidence.iter().map(ToString::to_string).collect();
            index.push_str(&format!(
                "| [{0}]({0}.md) | {1} | {2} | {repairs} | {3} | {4} |\n",
                check.code,
                check.title,
                check.action.name(),
                check.versions,
                evidence.join("; ")
            ));
            hold(&format!("rules/{}.md", check.code), &check.markdown());
            names.insert(format!("{}.md", check.code));
        }
    }
    hold("rules/README.md", &index);
    for entry in fs::read_dir(docs().join("rules")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "docs/rules/{name} is the page of no check");
    }
}

#[test]
fn policy_language() {
    let mut text = "# The policy language\n\nEvery document has `apiVersion: raygate.dev/v1beta1`, a `kind`, `metadata.name` and a `spec`.\n\n## Kinds\n\n".to_owned();
    for document in schema::DOCUMENTS {
        text.push_str(&format!("- **{}**: {}\n", document.kind, document.doc));
    }
    for document in schema::DOCUMENTS {
        text.push_str(&format!(
            "\n## {}\n\n| key | value | meaning | example |\n|---|---|---|---|\n",
            document.kind
        ));
        for entry in schema::entries().iter().filter(|entry| entry.document == document.kind) {
            let words = entry.field.kind.words().replace('|', "\\|");
            text.push_str(&format!(
                "| `{}` | {words} | {} | `{}` |\n",
                entry.path.trim_start_matches("spec."),
                entry.field.doc,
                entry.field.example
            ));
        }
    }
    text.push_str("\n`force` has the same keys as `defaults`, and `raise` those of `limits`. What wins where several policies and exemptions are for \
         a RayJob, [precedence](precedence.md) says.\n\n## Injectors\n\nThey act in this order, after the repairs of the checks.\n\n| injector | does | settings |\n|---|---|---|\n");
    for injector in INJECTORS {
        text.push_str(&format!(
            "| `{}` | {} | `{}` |\n",
            injector.name,
            injector.doc,
            injector.settings.join("`, `")
        ));
    }
    hold("policy-language.md", &text);
}

#[test]
fn cel() {
    hold("cel.md", &raygate::cel::language::markdown());
}

#[test]
fn policy_schema() {
    let known = raygate::engine::bundle::known();
    hold_file("policy.schema.json", &raygate::policy::json_schema::text(&known));
}

/// What stands before the table of the keys of a test file.
const TESTS: &str = "\
# Tests of policies

`raygate test DIR` loads the policies below a directory and runs every `*.test.yaml` below it. One file is one case: a
RayJob, a request, and what shall come of it.

```yaml
name: a job without a TTL gets one
from: rayjobs/training.json          # or `object:` with the RayJob itself
unset: [spec.ttlSecondsAfterFinished]
request: {namespace: ml-production}
want:
  verdict: Allow
  findings: []
  changes: {spec.ttlSecondsAfterFinished: 300}
```

The object gets the defaults of its CRD, passes the mutation and then the validation, as in the cluster. `want` is
compared exactly. Beside that the mutation is applied to its own result, which must change nothing, and the JSON Patch is
replayed. A file without `want`, a `set` that puts in what is there and an `unset` of what is not there are failures, and
so is a directory without any case.

- `--bless` writes `want` anew where a case comes out otherwise, and leaves the rest of the file as it is. Read what it
  wrote.
- `--coverage` takes each leaf, limit, action, rule and clause of `match` and `exclude` out of the policies in turn and
  reports those that no case notices. Accelerators of the Platform count too; the rest of it does not.
- `previews` has what policies in Preview would have done, each taken alone beside the policies that are enforced. A case is
  about the first of January 2000 unless its `request.at` says otherwise, so that no exemption has ended.
- `changes` has the topmost place of everything that the mutation set, null where it took something away. Where
  elements of a list changed their order, it stands under `list[*].name`. The annotation `raygate.dev/applied` is left out.

- `--policies` names what holds beside the directory, such as the shipped policies beside your own; its tests are not run and
  its parts are not measured.

A directory that holds a file `.raygate-optional` is offered, not active: it is read only where it, or one below it, is named.
The [library](../policies/library/README.md) is one.

Exit codes: 0 all passed, 1 failures or less than full coverage, 2 usage, 3 broken policies.

| key | value | meaning | example |
|---|---|---|---|
";

#[test]
fn policy_tests() {
    fn rows(prefix: &str, fields: &[schema::Field], text: &mut String) {
        for field in fields {
            let path = format!("{prefix}{}", field.key);
            text.push_str(&format!(
                "| `{path}` | {} | {} | `{}` |\n",
                field.kind.words().replace('|', "\\|"),
                field.doc,
                field.example
            ));
            let below = match field.kind {
                // The old object is given as the object is, which is described once.
                _ if field.key == "old" => &[],
                Kind::Object(fields) | Kind::List(&Kind::Object(fields)) => fields,
                _ => &[],
            };
            rows(&format!("{path}."), below, text);
        }
    }
    let mut text = TESTS.to_owned();
    rows("", raygate::suite::keys::CASE, &mut text);
    hold("policy-tests.md", &text);
}

/// What stands before the table of metrics.
const METRICS: &str = "\
# Metrics

`GET /metrics` on the port of `--metrics-bind` answers in the text format of OpenMetrics 1.0. No label takes its values
from a request: each is a word of raygate's own, a code of [the checks](rules/README.md) or the name of a policy, but for
`file` and `line`, whose family has one series at most, and that only while a policy file is broken. Their label `in_use`
says what raygate enforces instead: `last-good`, `valid-documents` or `built-in`.

- `endpoint`: `mutate` or `validate`.
- `operation`: `CREATE`, `UPDATE`, `DELETE`, `CONNECT`, or `unknown` where a review could not be read that far.
- `verdict`: `allowed`, `mutated`, `denied`, `retry`, `not-ours`, `malformed`, `overloaded` or `panicked`.
- `code`: the code of a check, `rule` for all of the platform's own rules; empty where nothing was refused.
- `stage`: `body`, `queue`, `parse`, then `mutate` or `validate`. For slow clients the stage that they did not end:
  `handshake`, `header`, `body` or `answer`.
- `port`: `webhook` or `metrics`.

The buckets of `raygate_request_duration_seconds` carry exemplars: the `uid` of one review in each, which its log line
has too; in a build with traces the `trace_id`, where the review was traced. Prometheus keeps them with
`--enable-feature=exemplar-storage`.

[deploy/monitoring](../deploy/monitoring/README.md) has alert rules and a dashboard over these families.

| family | kind | labels | meaning |
|---|---|---|---|
";

#[test]
fn metrics() {
    let mut text = METRICS.to_owned();
    for family in FAMILIES {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        text.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            family.name,
            family.kind.as_str(),
            labels.join(", "),
            family.help
        ));
    }
    hold("metrics.md", &text);
}

#[test]
fn diagnostics() {
    let mut text = "# Diagnostics of policy files and manifests\n".to_owned();
    for page in raygate::cli::explain::diagnostics() {
        text.push_str(&format!("\n## {}: {}\n\n{}\n", page.code, page.title, page.text));
    }
    hold("diagnostics.md", &text);
}

#[test]
fn commands() {
    hold("commands.md", &commands::page());
}

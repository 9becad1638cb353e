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
    let mut text = "# The policy language\n\nEvery document has `apiVersion: raygate.dev/v1beta1`, a `kind` and a `spec`. All but a Platform have `metadata.name`.\n\n## Kinds\n\n".to_owned();
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

`raygate test DIR` loads the policies below a directory and runs every `*.test.yaml` below it. A file has an object, a
request and the expected result:

```yaml
name: a job without a TTL gets one
from: rayjobs/training.json          # or `object:` with the object itself
unset: [spec.ttlSecondsAfterFinished]
want:
  verdict: Allow
  changes: {spec.ttlSecondsAfterFinished: 300}
```

The object gets the defaults of its CRD and passes the mutation and then the validation, as in the cluster. `want` compares
what it names:

- `verdict: Deny`, and nothing else: other findings and changes do not matter.
- `findings: [{code: RG203}]` means that this finding is there. `findings: []` means that there is none.
- `changes: {spec.backoffLimit: 0}` means that the mutation sets this value. A path may lead into a larger value that was set,
  and a mapping names the keys that are compared. `changes: {}` means that the mutation changes nothing.
- `exact: true` compares everything: each finding and each change must be named.

Each case also mutates its result again, which must change nothing, and replays the JSON Patch. A case without `want` fails. So
do a `set` of what is already there, an `unset` of what is not there, and a directory without cases.

A table tests many small changes of one object:

```yaml
name: production
from: rayjobs/training.json
request: {namespace: ml-production}
cases:
  - name: an owner is required
    want: {verdict: Deny, findings: [{code: rule/gpu-jobs-need-an-owner}]}
  - name: two GPUs are allowed
    set: {metadata: {labels: {owner: vision}}}
    want: {verdict: Allow}
  - name: development needs no owner
    request: {namespace: ml-development}
    want: {verdict: Allow}
```

- `--bless` updates the `want` of each case that comes out otherwise, and nothing else in the file. It keeps to what `want` names:
  it writes new values and removes what is not there any more. It fills `findings: []`, `changes: {}` and `exact: true`. A case
  without `want` gets the verdict and the findings that an author sees. Read what it wrote.
- `--coverage` removes each leaf, limit, action, rule and clause of `match` and `exclude` from the policies in turn, and reports
  those that no case notices. It includes accelerators of the Platform, and nothing else of the Platform.
- `--policies` names policies that apply as well, such as the shipped policies beside your own. Their tests do not run, and
  their parts are not measured.
- `previews` has what policies in Preview would have done, each taken alone beside the policies that are enforced.
- A request is made on 2000-01-01 unless `request.at` names another day, so that no exemption has ended.
- A path in `changes` is the topmost place of a value that is new, changed or removed; a removed value is null. If the elements
  of a list changed their order, the path is `list[*].name`. The annotation `raygate.dev/applied` is left out.

A directory that contains a file `.raygate-optional` is an offer: raygate reads it only if you name it or a directory below it. The
[library](../policies/library/README.md) is one.

Exit codes: 0 if all cases passed, 1 for failures or less than full coverage, 2 for usage, 3 for broken policies.

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
                // Described once: the old object is given as the object is, and a row of a table has keys of a case.
                _ if field.key == "old" => &[],
                Kind::List(&Kind::Object(fields)) if std::ptr::eq(fields, raygate::suite::keys::ROW) => &[],
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

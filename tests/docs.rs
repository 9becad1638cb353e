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

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use raygate::policy::schema;
use raygate::rules::{INJECTORS, check};

const HEADER: &str = "<!-- Generated from the code: RAYGATE_BLESS=1 cargo test --test docs -->\n\n";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn hold(name: &str, text: &str) {
    let path = docs().join(name);
    let text = format!("{HEADER}{text}");
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
    let mut index = "# The checks\n\nA denial and a warning end in the code of their check. `raygate explain CODE` prints the same pages.\n".to_owned();
    let mut names = BTreeSet::from(["README.md".to_owned()]);
    for family in check::FAMILIES {
        index.push_str(&format!(
            "\n## {}xx: {}\n\n| code | what is wrong | default | repairs | KubeRay |\n|---|---|---|---|---|\n",
            family.prefix, family.title
        ));
        for check in family.checks {
            let repairs = if check.fixes { "yes" } else { "" };
            index.push_str(&format!(
                "| [{0}]({0}.md) | {1} | {2} | {repairs} | {3} |\n",
                check.code,
                check.title,
                check.action.name(),
                check.versions
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
    text.push_str("\n`force` has the same keys as `defaults`.\n\n## Injectors\n\nThey act in this order, after the repairs of the checks.\n\n| injector | does | settings |\n|---|---|---|\n");
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
fn diagnostics() {
    let mut text = "# Diagnostics of policy files and manifests\n".to_owned();
    for page in raygate::cli::explain::diagnostics() {
        text.push_str(&format!("\n## {}: {}\n\n{}\n", page.code, page.title, page.text));
    }
    hold("diagnostics.md", &text);
}

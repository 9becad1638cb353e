//! What can be used of policy files of which some documents are broken.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::diag::{Diagnostic, SourceId, Sources, Span, any_error, quoted};
use crate::policy::schema::DOCUMENTS;
use crate::yaml::{self, Limits, Node, Reading};

use super::loader::load_rest;
use super::{Known, Loaded, Source};

/// Rounds in which an error costs its own documents only. Errors follow from others a few rounds deep: without its
/// Platform an accelerator is unknown, without its policy a rule. What needs more is a file past a limit.
const ROUNDS: usize = 8;

/// The sound documents of policy files.
#[derive(Debug)]
pub struct Sound {
    /// The files without their broken documents. What is left keeps its lines.
    pub files: Vec<Source>,
    /// What they load to: no diagnostic is an error.
    pub loaded: Loaded,
    /// The broken documents, by file and line.
    pub left_out: Vec<LeftOut>,
}

/// A document that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its file.
    pub file: String,
    /// The line of the first error, from 1; 0 if the file cannot be read.
    pub line: usize,
    /// Its kind and name, such as ``RayPolicy `caps` ``, as far as they can be read.
    pub document: String,
    /// Whether it is a Platform: the facts that it states are then unknown.
    pub is_platform: bool,
    /// The first error, on one line, with its place.
    pub error: String,
}

/// Leaves out every document that an error names, and loads the rest. An error that names two documents, such as two
/// policies of one name, leaves out both: nothing says which one is right. A document whose end cannot be known takes the
/// rest of its file with it.
pub fn sound(files: &[Source], known: &Known) -> Sound {
    let mut files = files.to_vec();
    let mut left_out = Vec::new();
    for round in 0.. {
        let loaded = load_rest(&files, known);
        if loaded.is_usable() {
            left_out.sort_by(|a: &LeftOut, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
            return Sound {
                files,
                loaded,
                left_out,
            };
        }
        let broken = broken(&loaded, round >= ROUNDS);
        if broken.is_empty() {
            // An error without a place may be about any document.
            files.clear();
        }
        for (source, documents) in &broken {
            left_out.extend(documents.iter().map(|document| document.left_out(&loaded)));
            without(&mut files, &loaded, *source, documents);
        }
    }
    Sound {
        loaded: load_rest(&[], known),
        files: Vec::new(),
        left_out,
    }
}

/// A document that an error names.
struct Broken<'a> {
    bytes: Range<usize>,
    /// The first error, and the place in this document that it names.
    error: &'a Diagnostic,
    place: Span,
}

/// The documents that errors name, by their file, in order.
fn broken(loaded: &Loaded, to_the_end: bool) -> BTreeMap<SourceId, Vec<Broken<'_>>> {
    let mut places: BTreeMap<SourceId, Vec<(Span, &Diagnostic)>> = BTreeMap::new();
    for error in loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()) {
        for (span, _) in error.primary.iter().chain(&error.secondary) {
            places.entry(span.source).or_default().push((*span, error));
        }
    }
    let places = places.into_iter();
    places
        .map(|(source, places)| (source, documents_at(loaded, source, places, to_the_end)))
        .collect()
}

/// The documents of a file that these places are in.
fn documents_at<'a>(
    loaded: &'a Loaded,
    source: SourceId,
    mut places: Vec<(Span, &'a Diagnostic)>,
    to_the_end: bool,
) -> Vec<Broken<'a>> {
    places.sort_by_key(|(span, _)| span.start);
    let text = loaded.sources.get(source).map_or("", |source| &source.text);
    let ranges = yaml::document_ranges(text);
    let mut found: Vec<Broken<'_>> = Vec::new();
    for (place, error) in places {
        // The place may be the end of the text, behind the last document.
        let document = ranges.iter().rev().find(|range| range.start <= place.start);
        let mut bytes = document.cloned().unwrap_or(0..text.len());
        if to_the_end {
            bytes.end = text.len();
        }
        if found
            .last()
            .is_none_or(|last| last.bytes.start < bytes.start && last.bytes.end <= bytes.start)
        {
            found.push(Broken { bytes, error, place });
        }
    }
    found
}

impl Broken<'_> {
    fn left_out(&self, loaded: &Loaded) -> LeftOut {
        let source = loaded.sources.get(self.place.source);
        let text = source.and_then(|source| source.text.get(self.bytes.clone()));
        let nodes = read(text.unwrap_or_default()).0;
        LeftOut {
            file: loaded.sources.name(self.place.source).to_owned(),
            line: loaded.sources.location(self.place).map_or(0, |place| place.line),
            document: if nodes.is_empty() && source.is_some_and(|source| self.bytes == (0..source.text.len())) {
                "file".to_owned()
            } else {
                described(&nodes)
            },
            is_platform: nodes.iter().any(|node| kind(node) == Some("Platform")),
            error: self.error.concise(&loaded.sources),
        }
    }
}

/// Takes documents out of a file, and the file out of the set if nothing is left of it.
fn without(files: &mut Vec<Source>, loaded: &Loaded, source: SourceId, documents: &[Broken<'_>]) {
    let Some(source) = loaded.sources.get(source) else {
        return;
    };
    let cut = |from: usize, to: usize| source.text.get(from..to).unwrap_or_default();
    let mut rest = String::new();
    let mut at = 0;
    for Broken { bytes, .. } in documents {
        rest.push_str(cut(at, bytes.start));
        let lines = cut(bytes.start, bytes.end).matches('\n').count();
        rest.extend(std::iter::repeat_n('\n', lines));
        at = bytes.end;
    }
    rest.push_str(cut(at, source.text.len()));
    let (nodes, diagnostics) = read(&rest);
    let is_empty = nodes.is_empty() && !any_error(&diagnostics);
    files.retain(|file| *file.name != *source.name || !is_empty);
    for file in files.iter_mut().filter(|file| *file.name == *source.name) {
        rest.as_bytes().clone_into(&mut file.bytes);
    }
}

fn read(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let source = Sources::new().add("", text);
    yaml::parse(source, text, Reading::Cautious, &Limits::policies())
}

fn kind(document: &Node) -> Option<&'static str> {
    let kind = document.get("kind").and_then(Node::as_str)?;
    DOCUMENTS
        .iter()
        .map(|document| document.kind)
        .find(|known| *known == kind)
}

/// The kinds and names of documents.
fn described(documents: &[Node]) -> String {
    let one = |document: &Node| {
        let kind = kind(document).unwrap_or("document");
        let name = document.get("metadata").and_then(|metadata| metadata.get("name"));
        match name.and_then(Node::as_str) {
            Some(name) => format!("{kind} {}", quoted(name)),
            None => kind.to_owned(),
        }
    };
    if documents.is_empty() {
        return "document".to_owned();
    }
    documents.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, spec: &str) -> String {
        format!(
            "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: {name}}}\nspec: {{match: {{}}{spec}}}\n"
        )
    }

    /// What is used and what is left out of files: names, and documents with file and line.
    fn split(files: &[(&str, String)]) -> (Vec<String>, Vec<String>) {
        let files: Vec<Source> = files.iter().map(|(name, text)| Source::new(name, text)).collect();
        let sound = sound(&files, &Known::default());
        assert!(sound.loaded.is_usable(), "{:?}", sound.loaded.diagnostics);
        let names = sound.loaded.set.policies.iter().map(|policy| policy.name.to_string());
        let left_out = sound.left_out.iter();
        (
            names.collect(),
            left_out
                .map(|left| format!("{}:{} {}", left.file, left.line, left.document))
                .collect(),
        )
    }

    fn assert_split(files: &[(&str, String)], used: &[&str], left_out: &[&str]) {
        let (is_used, is_left_out) = split(files);
        assert_eq!((is_used, is_left_out), (texts(used), texts(left_out)), "{files:#?}");
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn one_broken_document_costs_nothing_else_of_its_file() {
        for broken in [
            policy("b", ", limitz: {}"),
            policy("b", ", priority: high"),
            policy("b", ", rules: [{name: r, require: '(', message: m}]"),
        ] {
            let text = [policy("a", ""), broken, policy("c", "")].join("---\n");
            assert_split(&[("p.yaml", text)], &["a", "c"], &["p.yaml:9 RayPolicy `b`"]);
        }
        for broken in ["a: [\n", "\"open\n", "a: 1\n a: 2\n", "\ta: 1\n", "a: \0\n"] {
            let text = [policy("a", ""), broken.to_owned(), policy("c", "")].join("---\n");
            let (used, left_out) = split(&[("p.yaml", text)]);
            assert_eq!(used, ["a", "c"], "{broken:?}");
            assert_eq!(left_out.len(), 1, "{broken:?}: {left_out:?}");
        }
    }

    #[test]
    fn what_is_left_keeps_its_lines() {
        let text = [policy("a", ", limitz: {}"), policy("b", "")].join("---\n");
        let found = sound(&[Source::new("p.yaml", &text)], &Known::default());
        assert_eq!(found.loaded.set.policies[0].origin.line, 8);
    }

    #[test]
    fn an_error_that_names_two_documents_leaves_out_both() {
        let cap = |name: &str, most: usize| policy(name, &format!(", limits: {{maxGpusPerJob: {most}}}"));
        let files = [
            ("a.yaml", [cap("a", 1), policy("x", "")].join("---\n")),
            ("b.yaml", cap("b", 2)),
            ("c.yaml", [policy("x", ""), policy("y", "")].join("---\n")),
        ];
        let left_out = [
            "a.yaml:4 RayPolicy `a`",
            "a.yaml:8 RayPolicy `x`",
            "b.yaml:4 RayPolicy `b`",
            "c.yaml:3 RayPolicy `x`",
        ];
        assert_split(&files, &["y"], &left_out);
    }

    #[test]
    fn what_needs_a_left_out_document_is_left_out_too() {
        let platform = "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec:\n  accelerators: {a: {resource: 1}}\n";
        let files = [
            ("platform.yaml", platform.to_owned()),
            (
                "uses.yaml",
                policy("uses", ", defaults: {accelerators: {nvidia.com/gpu: a}}"),
            ),
            ("other.yaml", policy("other", "")),
        ];
        let (used, left_out) = split(&files);
        assert_eq!(used, ["other"]);
        assert_eq!(left_out, ["platform.yaml:4 Platform", "uses.yaml:4 RayPolicy `uses`"]);
    }

    #[test]
    fn a_document_without_a_known_end_takes_the_rest_of_its_file() {
        let sound_file = || ("b.yaml", policy("b", ""));
        let json = |name: &str| {
            format!(
                r#"{{"apiVersion":"raygate.dev/v1beta1","kind":"RayPolicy","metadata":{{"name":"{name}"}},"spec":{{"match":{{}}}}}}"#
            )
        };
        let text = format!("{}\n{}", json("a"), json("c").replace("}}}", "}}"));
        assert_split(&[("a.yaml", text), sound_file()], &["b"], &["a.yaml:2 RayPolicy `a`"]);
        let mut bytes = [policy("a", ""), policy("c", ""), policy("d", "")]
            .join("---\n")
            .into_bytes();
        let at = bytes.windows(2).position(|two| two == b"c}").unwrap();
        bytes[at] = 0xff;
        let file = Source {
            name: "a.yaml".to_owned(),
            bytes,
        };
        let found = sound(&[file], &Known::default());
        assert_eq!(found.loaded.set.policies.len(), 1);
        assert_eq!(found.left_out.len(), 1);
    }

    #[test]
    fn files_that_are_empty_or_too_large_are_left_out_whole() {
        let large = policy("l", &format!(", description: {}", "x".repeat(1 << 20)));
        // 20,000 values are the most of a file; the documents before them are used.
        let many = vec![policy("m", ", exclude: [{namespaces: [a]}]"); 4000];
        let many: Vec<String> = many
            .iter()
            .enumerate()
            .map(|(nth, text)| text.replace("name: m", &format!("name: m{nth}")))
            .collect();
        let (used, left_out) = split(&[
            ("a.yaml", String::new()),
            ("b.yaml", "# all of it\n".to_owned()),
            ("c.yaml", large),
            ("d.yaml", policy("d", "")),
            ("e.yaml", many.join("---\n")),
        ]);
        assert!(used.contains(&"d".to_owned()) && used.len() > 500, "{}", used.len());
        assert_eq!(left_out[..3], ["a.yaml:1 file", "b.yaml:1 file", "c.yaml:1 file"]);
        assert!(left_out.len() < 3 + ROUNDS + 2, "{}", left_out.len());
    }
}

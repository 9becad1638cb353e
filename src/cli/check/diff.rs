//! `raygate check --diff`: the object before and after as a unified diff of YAML. Behind every changed line stands
//! where it comes from.

use std::io::{self, Write};
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use similar::{Algorithm, DiffTag, capture_diff_slices, group_diff_ops};

use crate::cli::is_coloured;
use crate::diag::{Source, Sources, one_line};
use crate::engine::Change;
use crate::engine::mutate::{KEPT, behind};
use crate::json::Json;
use crate::k8s::path::{Path, Step};
use crate::policy::Origin;
use crate::ray::kind::SUBMITTER;
use crate::rules::APPLIED_ANNOTATION;
use crate::yaml::{self, Limits, Node, NodeValue, Reading};

use super::report::Seen;

/// How many lines are shown around a changed one.
const CONTEXT: usize = 3;
/// The column of the origins, unless a changed line is longer than [`WIDEST`].
const NARROWEST: usize = 40;
/// Longer lines push their origin to the right.
const WIDEST: usize = 76;

/// Prints the diff; nothing where nothing was changed.
///
/// # Errors
/// Those of writing.
pub fn print(seen: &Seen<'_>, out: &mut dyn Write) -> io::Result<()> {
    let shown = of(seen);
    if shown.is_empty() {
        return Ok(());
    }
    let name = format!("{}  {}", one_line(seen.file()), one_line(&seen.name()));
    writeln!(out, "--- {name}\n+++ {name}")?;
    let column = shown
        .iter()
        .filter(|line| line.origin.is_some())
        .map(|line| line.text.chars().count() + 1)
        .filter(|width| *width <= WIDEST)
        .max()
        .unwrap_or_default()
        .max(NARROWEST);
    let is_coloured = is_coloured();
    for line in &shown {
        let colour = match line.sign {
            '-' if is_coloured => AnsiColor::Red.on_default(),
            '+' if is_coloured => AnsiColor::Green.on_default(),
            '@' if is_coloured => AnsiColor::Cyan.on_default(),
            _ => Style::new(),
        };
        let text = format!("{}{}", line.sign, line.text);
        match &line.origin {
            None => writeln!(out, "{colour}{text}{colour:#}")?,
            Some(origin) => writeln!(out, "{colour}{text:<column$}{colour:#}  # {}", origin.text)?,
        }
    }
    Ok(())
}

/// A line of a diff.
#[derive(Debug)]
pub struct Shown {
    /// `-` for a line before, `+` for a line after, a space for a line of both, and `@` for the head of a hunk.
    pub sign: char,
    /// The line without its sign.
    pub text: String,
    /// Where a changed line comes from.
    pub origin: Option<Behind>,
}

/// Where a changed line comes from.
#[derive(Debug)]
pub struct Behind {
    /// Policy, leaf, file and line in words; of a repair its code.
    pub text: String,
    /// The place in the policy files, where there is one.
    pub place: Option<Arc<Origin>>,
}

/// The diff of an object before and after `/mutate`; empty where nothing was changed.
pub fn of(seen: &Seen<'_>) -> Vec<Shown> {
    let document = &seen.outcome.document;
    if !document.is_changed() {
        return Vec::new();
    }
    let mut before = lines(seen.asked.object.root());
    for line in &mut before {
        line.place = document.current(&line.place);
    }
    shown(&before, &lines(document.value()), &seen.outcome.changes)
}

fn shown(before: &[Line], after: &[Line], changes: &[Change]) -> Vec<Shown> {
    let mut shown = Vec::new();
    for group in group_diff_ops(capture_diff_slices(Algorithm::Myers, before, after), CONTEXT) {
        if let (Some(first), Some(last)) = (group.first(), group.last()) {
            let old = hunk(first.old_range().start, last.old_range().end);
            let new = hunk(first.new_range().start, last.new_range().end);
            shown.push(Shown {
                sign: '@',
                text: format!("@ -{old} +{new} @@"),
                origin: None,
            });
        }
        for operation in group {
            if operation.tag() == DiffTag::Equal {
                let lines = after.get(operation.new_range()).unwrap_or_default();
                shown.extend(lines.iter().map(|line| Shown {
                    sign: ' ',
                    text: line.text.clone(),
                    origin: None,
                }));
                continue;
            }
            let removed = before.get(operation.old_range()).unwrap_or_default();
            let added = after.get(operation.new_range()).unwrap_or_default();
            let signed = removed
                .iter()
                .map(|line| ('-', line))
                .chain(added.iter().map(|line| ('+', line)));
            shown.extend(signed.map(|(sign, line)| Shown {
                sign,
                text: line.text.clone(),
                origin: Some(origin(changes, &line.place)),
            }));
        }
    }
    shown
}

/// The lines of a hunk, as unified diffs have them: the first, from 1, and how many.
fn hunk(start: usize, end: usize) -> String {
    let count = end - start;
    let first = if count == 0 { start } else { start + 1 };
    if count == 1 {
        first.to_string()
    } else {
        format!("{first},{count}")
    }
}

fn origin(changes: &[Change], place: &Path) -> Behind {
    // A key that becomes the first of its element takes over its dash, so the next line changes too.
    let holder = place.prefix(place.steps().len().saturating_sub(1));
    let is_record = matches!(place.split_last(), Some((_, Step::Key(key))) if key == APPLIED_ANNOTATION);
    let change = behind(changes, place).or_else(|| behind(changes, &holder).filter(|_| !is_record));
    let Some(change) = change else {
        return Behind {
            text: "raygate  its record of these changes".to_owned(),
            place: None,
        };
    };
    // A setting of the submitter needs a template. The rest of it is what KubeRay would use.
    let is_default_submitter =
        |place: &Path| matches!(place.split_last(), Some((_, Step::Key(key))) if key == SUBMITTER);
    if change.by == "pods" && change.places.iter().any(is_default_submitter) {
        return Behind {
            text: "KubeRay's own submitter, written out for the settings below it".to_owned(),
            place: None,
        };
    }
    let text = match (&change.origin, &change.leaf) {
        _ if change.by == KEPT => "stored  kept as it is in the cluster".to_owned(),
        (Some(origin), leaf) => {
            let leaf = leaf
                .as_ref()
                .map_or_else(|| format!("repair {}", change.by), ToString::to_string);
            format!("{}  {leaf}  {}:{}", origin.policy, origin.file, origin.line)
        }
        (None, Some(_)) => format!("built-in  {}", change.by),
        (None, None) => format!("built-in  repair {}", change.by),
    };
    Behind {
        text,
        place: change.origin.clone().filter(|_| change.by != KEPT),
    }
}

/// A line of YAML and the place that begins on it. Two lines are the same where both are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Line {
    place: Path,
    text: String,
}

/// The lines of an object as YAML.
fn lines(object: Json<'_>) -> Vec<Line> {
    let text = yaml::emit(&object.to_value());
    let mut sources = Sources::new();
    let id = sources.add("", &text);
    let mut places: Vec<Option<Path>> = vec![None; text.lines().count()];
    let (nodes, _) = yaml::parse(id, &text, Reading::Kubectl, &Limits::manifests());
    if let (Some(node), Some(source)) = (nodes.first(), sources.get(id)) {
        walk(node, &Path::ROOT, source, &mut places);
    }
    let mut last = Path::ROOT;
    text.lines()
        .zip(places)
        .map(|(text, place)| {
            // Further lines of a text belong to its first.
            if let Some(place) = place {
                last = place;
            }
            Line {
                place: last.clone(),
                text: text.to_owned(),
            }
        })
        .collect()
}

/// Notes for each line the innermost place that begins on it.
fn walk(node: &Node, path: &Path, source: &Source, places: &mut [Option<Path>]) {
    let children: Vec<(usize, Path, &Node)> = match &node.value {
        NodeValue::Mapping(entries) => entries
            .iter()
            .map(|entry| (entry.key.span.start, path.name(&entry.key.text), &entry.value))
            .collect(),
        NodeValue::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (item.span.start, path.index(index), item))
            .collect(),
        _ => return,
    };
    for (byte, path, child) in children {
        if let Some(place) = places.get_mut(source.location(byte).line.saturating_sub(1)) {
            *place = Some(path.clone());
        }
        walk(child, &path, source, places);
    }
}

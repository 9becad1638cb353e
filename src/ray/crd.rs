//! KubeRay's CRDs: the fields of each kind, by release, and what the API server drops or rejects by them.
//!
//! `crd/table.txt` has the fields with their types, made by `tests/crds/table.py` from the CRDs of each release. A cluster
//! test compares it with a real API server. Not in it are formats, patterns, lengths and most CEL rules.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::diag::{quoted, suggest};
use crate::json::{Json, Tree, View};
use crate::k8s::path::{Path, Step};

use super::kind::Kind;
use super::version::KubeRay;

/// The table.
static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("crd/table.txt")));

/// The version of the API that the table describes.
const API_VERSION: &str = "ray.io/v1";

/// The most problems that are kept of one object.
const MOST: usize = 100;

/// How many objects below the root a misplaced field is searched for.
const DEEPEST: usize = 4;

/// Something in an object that is not as the CRD has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub path: Path,
    /// What was found, as a sentence without its end.
    pub found: String,
    /// What to do, as a sentence without its end.
    pub fix: String,
}

/// The fields that the CRD does not have: the API server drops them, or rejects the object if the client asks for strict
/// validation, as `kubectl` does. For no release in particular, those that no release has.
///
/// A field that is null is not reported: nothing is lost with it.
pub fn unknown_fields(object: Json<'_>, release: Option<KubeRay>) -> Vec<Problem> {
    problems(object, release, Look::Unknown)
}

/// What the API server rejects: values of another type, required fields that are missing, and elements of a list that have
/// the same key. For no release in particular, what every release rejects.
pub fn mismatches(object: Json<'_>, release: Option<KubeRay>) -> Vec<Problem> {
    problems(object, release, Look::Mismatch)
}

/// Removes these fields.
pub fn prune(object: &mut Tree<'_>, fields: &[Problem]) {
    for field in fields {
        let Some((last, above)) = field.path.steps().split_last() else {
            continue;
        };
        let Step::Key(key) = last else { continue };
        let parent = above.iter().try_fold(object.root_mut(), |at, step| match step {
            Step::Key(key) => at.key(key),
            Step::Index(index) => at.index(*index),
        });
        if let Some(parent) = parent {
            parent.remove(key);
        }
    }
}

fn problems(object: Json<'_>, release: Option<KubeRay>, look: Look) -> Vec<Problem> {
    if object.get("apiVersion").and_then(Json::as_str) != Some(API_VERSION) {
        return Vec::new();
    }
    let kind = Kind::of(object).name;
    let of = |known: &&Release| release.is_none_or(|release| known.kuberay == release);
    let roots = TABLE
        .releases
        .iter()
        .filter(of)
        .filter_map(|release| release.root(kind));
    let found = |root: usize| {
        let mut walk = Walk {
            root,
            look,
            problems: Vec::new(),
        };
        walk.value(root, object, &Path::ROOT);
        walk.problems
    };
    let mut newest_first = roots.rev();
    let mut problems = newest_first.next().map(found).unwrap_or_default();
    for root in newest_first {
        if problems.is_empty() {
            break;
        }
        let others = found(root);
        problems.retain(|problem| others.iter().any(|other| other.path.covers(&problem.path)));
    }
    problems
}

/// The CRDs of a release as a JSON Schema with `kinds` beside it: for each kind the name of its definition. For editors; what
/// is valid is what [`mismatches`] says.
pub fn json_schema(release: KubeRay) -> Value {
    let Some(known) = TABLE.releases.iter().find(|known| known.kuberay == release) else {
        return json!({"kinds": {}, "$defs": {}});
    };
    let mut definitions = Map::new();
    let mut open: Vec<usize> = known.roots.iter().map(|(_, root)| *root).collect();
    while let Some(number) = open.pop() {
        if !definitions.contains_key(&number.to_string()) {
            definitions.insert(number.to_string(), TABLE.shape(number).json_schema(&mut open));
        }
    }
    let kinds: Map<String, Value> = known
        .roots
        .iter()
        .map(|(kind, root)| ((*kind).to_owned(), root.to_string().into()))
        .collect();
    json!({"kinds": kinds, "$defs": definitions})
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Unknown,
    Mismatch,
}

#[derive(Debug)]
struct Table {
    /// Oldest first.
    releases: Vec<Release>,
    shapes: Vec<Shape>,
}

#[derive(Debug)]
struct Release {
    kuberay: KubeRay,
    /// The kinds with their shapes.
    roots: Vec<(&'static str, usize)>,
}

impl Release {
    fn root(&self, kind: &str) -> Option<usize> {
        self.roots.iter().find(|(name, _)| *name == kind).map(|(_, root)| *root)
    }
}

#[derive(Debug)]
struct Shape {
    kind: ShapeKind,
    allows_null: bool,
}

#[derive(Debug)]
enum ShapeKind {
    Object(Vec<Field>),
    Map(usize),
    /// The shape of the elements, the keys by which they must differ, and how many there are at least.
    List(usize, Vec<&'static str>, usize),
    /// Any string where there are no values.
    String(Vec<&'static str>),
    /// With the least that it may be.
    Integer(Option<i64>),
    Number,
    Boolean,
    IntegerOrString,
    Any,
}

#[derive(Debug)]
struct Field {
    name: &'static str,
    is_required: bool,
    shape: usize,
}

impl Table {
    /// Reads the text of the table. A line that cannot be read is left out; a test reads all of them.
    fn read(text: &'static str) -> Table {
        let (releases, shapes) = text.split_once("\n\n").unwrap_or_default();
        Table {
            releases: releases.lines().filter_map(Release::read).collect(),
            shapes: shapes.lines().map(Shape::read).collect(),
        }
    }

    fn shape(&self, number: usize) -> &Shape {
        static ANY: Shape = Shape {
            kind: ShapeKind::Any,
            allows_null: true,
        };
        self.shapes.get(number).unwrap_or(&ANY)
    }

    fn fields(&self, number: usize) -> &[Field] {
        match &self.shape(number).kind {
            ShapeKind::Object(fields) => fields,
            _ => &[],
        }
    }
}

impl Release {
    fn read(line: &'static str) -> Option<Release> {
        let mut words = line.split(' ');
        let kuberay = words.next()?.parse().ok()?;
        let roots = words.map(|word| {
            let (kind, root) = word.split_once(':')?;
            Some((kind, root.parse().ok()?))
        });
        Some(Release {
            kuberay,
            roots: roots.collect::<Option<_>>()?,
        })
    }
}

impl Shape {
    fn read(line: &'static str) -> Shape {
        let (head, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (head, values) = head.split_once('=').unwrap_or((head, ""));
        let mut words = rest.split(' ');
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(usize::MAX);
        let kind = match head.trim_end_matches(['?', '>']) {
            "o" => ShapeKind::Object(rest.split(' ').filter_map(Field::read).collect()),
            "m" => ShapeKind::Map(number()),
            "a" => {
                let shape = number();
                let keys = words.next().map(|keys| keys.split(',').collect()).unwrap_or_default();
                ShapeKind::List(shape, keys, values.parse().unwrap_or_default())
            }
            "s" => ShapeKind::String(values.split('|').filter(|value| !value.is_empty()).collect()),
            "i" => ShapeKind::Integer(values.parse().ok()),
            "n" => ShapeKind::Number,
            "b" => ShapeKind::Boolean,
            "q" => ShapeKind::IntegerOrString,
            _ => ShapeKind::Any,
        };
        Shape {
            kind,
            allows_null: head.trim_end_matches('>').ends_with('?'),
        }
    }

    /// The shape as a definition; `used` gets the numbers of the shapes that it refers to.
    fn json_schema(&self, used: &mut Vec<usize>) -> Value {
        let mut reference = |number: &usize| {
            used.push(*number);
            json!({"$ref": format!("#/$defs/{number}")})
        };
        match &self.kind {
            ShapeKind::Object(fields) => {
                let properties: Map<String, Value> = fields
                    .iter()
                    .map(|field| (field.name.to_owned(), reference(&field.shape)))
                    .collect();
                let required = fields.iter().filter(|field| field.is_required);
                let required: Vec<&str> = required.map(|field| field.name).collect();
                json!({"type": "object", "properties": properties, "required": required})
            }
            ShapeKind::Map(inner) => json!({"type": "object", "additionalProperties": reference(inner)}),
            ShapeKind::List(inner, _, least) => json!({"type": "array", "items": reference(inner), "minItems": least}),
            ShapeKind::String(values) if values.is_empty() => json!({"type": "string"}),
            ShapeKind::String(values) => json!({"enum": values}),
            ShapeKind::Integer(None) => json!({"type": "integer"}),
            ShapeKind::Integer(Some(least)) => json!({"type": "integer", "minimum": least}),
            ShapeKind::Number => json!({"type": "number"}),
            ShapeKind::Boolean => json!({"type": "boolean"}),
            ShapeKind::IntegerOrString => json!({"type": ["integer", "string"]}),
            ShapeKind::Any => json!({}),
        }
    }

    fn expected(&self) -> String {
        match &self.kind {
            ShapeKind::Object(_) | ShapeKind::Map(_) => "a mapping".to_owned(),
            ShapeKind::List(_, _, 0) => "a list".to_owned(),
            ShapeKind::List(_, _, least) => format!("a list of at least {least}"),
            ShapeKind::String(values) if values.is_empty() => "a string".to_owned(),
            ShapeKind::String(values) => {
                let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                format!("one of {}", values.join(", "))
            }
            ShapeKind::Integer(None) => "an integer".to_owned(),
            ShapeKind::Integer(Some(least)) => format!("an integer of at least {least}"),
            ShapeKind::Number => "a number".to_owned(),
            ShapeKind::Boolean => "true or false".to_owned(),
            ShapeKind::IntegerOrString => "an integer or a string".to_owned(),
            ShapeKind::Any => "anything but null".to_owned(),
        }
    }

    fn accepts(&self, value: Json<'_>) -> bool {
        match (&self.kind, value.view()) {
            (_, View::Null) => self.allows_null,
            (ShapeKind::Any, _)
            | (ShapeKind::Object(_) | ShapeKind::Map(_), View::Object(_))
            | (ShapeKind::Number, View::Number(_))
            | (ShapeKind::Boolean, View::Bool(_))
            | (ShapeKind::IntegerOrString, View::String(_)) => true,
            (ShapeKind::String(values), View::String(text)) => values.is_empty() || values.contains(&text),
            (ShapeKind::List(_, _, least), View::Array(items)) => items.len() >= *least,
            (ShapeKind::Integer(least), View::Number(_)) => {
                let is_enough = |number: f64| least.is_none_or(|least| number >= least as f64);
                value
                    .as_f64()
                    .is_none_or(|number| number.fract() == 0.0 && is_enough(number))
            }
            (ShapeKind::IntegerOrString, View::Number(_)) => value.as_f64().is_none_or(|number| number.fract() == 0.0),
            _ => false,
        }
    }
}

impl Field {
    fn read(word: &'static str) -> Option<Field> {
        let (name, shape) = word.rsplit_once(':')?;
        Some(Field {
            name: name.trim_end_matches('!'),
            is_required: name.ends_with('!'),
            shape: shape.parse().ok()?,
        })
    }
}

struct Walk {
    /// The shape of the whole object.
    root: usize,
    look: Look,
    problems: Vec<Problem>,
}

impl Walk {
    fn push(&mut self, look: Look, path: Path, found: String, fix: String) {
        if look == self.look && self.problems.len() < MOST {
            self.problems.push(Problem { path, found, fix });
        }
    }

    fn value(&mut self, number: usize, value: Json<'_>, path: &Path) {
        let shape = TABLE.shape(number);
        if !shape.accepts(value) {
            return self.mismatch(shape, value, path);
        }
        // The API server drops null from a field that does not allow it, but not from a list.
        match (&shape.kind, value.view()) {
            (ShapeKind::Object(fields), View::Object(object)) => {
                for (key, inner) in object.iter().filter(|(_, inner)| !inner.is_null()) {
                    match fields.iter().find(|field| field.name == key) {
                        Some(field) => self.value(field.shape, inner, &path.name(key)),
                        None => self.unknown(fields, object.iter().map(|(key, _)| key), key, path),
                    }
                }
                let is_missing = |field: &&Field| field.is_required && object.get(field.name).is_none_or(Json::is_null);
                for field in fields.iter().filter(is_missing) {
                    let found = format!("the required field {} is missing", quoted(field.name));
                    let fix = format!("add {}", quoted(field.name));
                    self.push(Look::Mismatch, path.key(field.name), found, fix);
                }
            }
            (ShapeKind::Map(inner), View::Object(object)) => {
                for (key, value) in object.iter().filter(|(_, value)| !value.is_null()) {
                    self.value(*inner, value, &path.name(key));
                }
            }
            (ShapeKind::List(inner, keys, _), View::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(*inner, item, &path.index(index));
                }
                self.duplicates(keys, items.iter(), path);
            }
            _ => {}
        }
    }

    fn mismatch(&mut self, shape: &Shape, value: Json<'_>, path: &Path) {
        let name = quoted(&last_name(path));
        let expected = shape.expected();
        let (found, fix) = match (value.view(), &shape.kind) {
            (View::String(text), ShapeKind::String(values)) => (
                quoted(text),
                match suggest(text, values.iter().copied()) {
                    Some(meant) => format!("did you mean {}?", quoted(meant)),
                    None => format!("write {expected}"),
                },
            ),
            (View::Number(_) | View::Bool(_), ShapeKind::String(values)) if values.is_empty() => {
                (described(value).to_owned(), format!("quote the value: \"{value}\""))
            }
            (View::Number(_), ShapeKind::Integer(Some(_))) if value.as_i64().is_some() => {
                (value.to_string(), format!("write {expected}"))
            }
            (View::Array(items), ShapeKind::List(..)) if items.is_empty() => {
                ("empty".to_owned(), format!("write {expected}"))
            }
            _ => (described(value).to_owned(), format!("write {expected}")),
        };
        self.push(
            Look::Mismatch,
            path.clone(),
            format!("{name} is {found}, must be {expected}"),
            fix,
        );
    }

    fn unknown<'k>(&mut self, fields: &[Field], given: impl Iterator<Item = &'k str>, key: &str, path: &Path) {
        let given: Vec<&str> = given.collect();
        let free = fields
            .iter()
            .map(|field| field.name)
            .filter(|name| !given.contains(name));
        let fix = match (suggest(key, free), self.home(key, path)) {
            (Some(meant), _) => format!("did you mean {}?", quoted(meant)),
            (None, Some(home)) => format!("write it below {}", quoted(&home)),
            (None, None) => "remove it, or correct its name".to_owned(),
        };
        let place = match path.steps().is_empty() {
            true => "the object".to_owned(),
            false => quoted(&path.to_string()),
        };
        self.push(
            Look::Unknown,
            path.name(key),
            format!("{place} has no field {}", quoted(key)),
            fix,
        );
    }

    /// The object near the root that has a field with this name.
    fn home(&self, key: &str, besides: &Path) -> Option<String> {
        let mut level = vec![(Path::ROOT, self.root)];
        for _ in 0..DEEPEST {
            let is_home = |(path, shape): &&(Path, usize)| {
                path != besides && TABLE.fields(*shape).iter().any(|field| field.name == key)
            };
            if let Some((path, _)) = level.iter().find(is_home) {
                return Some(path.to_string()).filter(|path| !path.is_empty());
            }
            let below = |(path, shape): &(Path, usize)| {
                let fields = TABLE.fields(*shape).iter().filter(|field| field.name != "metadata");
                fields
                    .map(|field| (path.key(field.name), field.shape))
                    .collect::<Vec<_>>()
            };
            level = level.iter().flat_map(below).collect();
        }
        None
    }

    /// Elements whose keys all have the values of an earlier one's.
    fn duplicates<'j>(&mut self, keys: &[&'static str], items: impl Iterator<Item = Json<'j>>, path: &Path) {
        if keys.is_empty() || self.look != Look::Mismatch {
            return;
        }
        let mut seen = std::collections::HashSet::new();
        for (index, item) in items.enumerate() {
            let value = |key: &&'static str| match item.get(key).filter(|value| !value.is_null()) {
                Some(value) => Some(value.to_string()),
                // The only key with a default.
                None => (*key == "protocol").then(|| "\"TCP\"".to_owned()),
            };
            let Some(values) = keys.iter().map(value).collect::<Option<Vec<_>>>() else {
                continue;
            };
            if !seen.insert(values) {
                let keys: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
                let found = format!(
                    "an earlier element of {} has the same {}",
                    quoted(&path.to_string()),
                    keys.join(" and ")
                );
                self.push(
                    Look::Mismatch,
                    path.index(index),
                    found,
                    "remove one of the two".to_owned(),
                );
            }
        }
    }
}

/// The last key of a path, with the position below it.
fn last_name(path: &Path) -> String {
    let mut name = String::new();
    for step in path.steps().iter().rev() {
        match step {
            Step::Key(key) => return format!("{key}{name}"),
            Step::Index(index) => name = format!("[{index}]{name}"),
        }
    }
    name
}

fn described(value: Json<'_>) -> &'static str {
    match value.view() {
        View::Null => "null",
        View::Bool(_) => "a boolean",
        View::Number(_) if value.as_i64().is_some() => "an integer",
        View::Number(_) => "a number",
        View::String(_) => "a string",
        View::Array(_) => "a list",
        View::Object(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let (releases, shapes) = include_str!("crd/table.txt").split_once("\n\n").unwrap();
        assert_eq!(TABLE.releases.len(), releases.lines().count());
        let known: Vec<KubeRay> = TABLE.releases.iter().map(|release| release.kuberay).collect();
        assert_eq!(known, KubeRay::ALL);
        for (number, (shape, line)) in TABLE.shapes.iter().zip(shapes.lines()).enumerate() {
            let words = line.split(' ').count() - 1;
            let (read, inner): (usize, Vec<usize>) = match &shape.kind {
                ShapeKind::Object(fields) => (fields.len(), fields.iter().map(|field| field.shape).collect()),
                ShapeKind::Map(inner) => (1, vec![*inner]),
                ShapeKind::List(inner, keys, _) => (1 + usize::from(!keys.is_empty()), vec![*inner]),
                _ => (0, vec![]),
            };
            assert_eq!(read, words, "{line}");
            assert!(inner.iter().all(|inner| *inner < number), "{line}");
            assert!("omasinbqx".contains(&line[..1]), "{line}");
        }
        assert!(
            TABLE
                .releases
                .iter()
                .all(|release| release.roots.iter().all(|(_, root)| *root < TABLE.shapes.len()))
        );
    }
}

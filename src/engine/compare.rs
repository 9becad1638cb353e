//! What two versions of an object have in common, and whether the newer one is worse.

use std::collections::BTreeMap;

use crate::json::{Json, Object, View};
use crate::k8s::json::text;
use crate::k8s::path::{Path, Step, step_into};
use crate::k8s::quantity::Quantity;

use crate::policy::settings::Action;
use crate::rules::Finding;

use super::judged::Finder;

/// The keys that name an element of a list, the first that is there.
const NAMES: [&str; 4] = ["groupName", "name", "mountPath", "key"];

/// The keys below which text and numbers are quantities.
const QUANTITIES: [&str; 5] = ["limits", "requests", "overhead", "sizeLimit", "capacity"];

/// Whether two values mean the same to Kubernetes. A typed client, KubeRay's operator for one, drops what is null or
/// empty and writes quantities in Go's canonical form.
pub fn says_the_same(one: Json<'_>, other: Json<'_>) -> bool {
    same(one, other, false)
}

/// Whether two objects say the same but for these fields. What is missing is an object without fields.
pub fn same_but(one: Json<'_>, other: Json<'_>, but: &[&str]) -> bool {
    fn fields(value: Json<'_>) -> Option<Object<'_>> {
        match value.is_null() {
            true => Some(Object::EMPTY),
            false => value.as_object(),
        }
    }
    match (fields(one), fields(other)) {
        (Some(one), Some(other)) => same_fields(one, other, false, but),
        _ => says_the_same(one, other),
    }
}

fn same_fields(one: Object<'_>, other: Object<'_>, quantity: bool, but: &[&str]) -> bool {
    let counts = |(key, _): &(&str, Json<'_>)| !but.contains(key);
    let is_quantity = |key: &str| quantity || QUANTITIES.contains(&key);
    let mut those = other.iter().filter(counts);
    one.iter().filter(counts).all(|(key, value)| match other.get(key) {
        Some(other) => same(value, other, is_quantity(key)),
        None => is_empty(value),
    }) && those.all(|(key, value)| one.contains_key(key) || is_empty(value))
}

fn same(one: Json<'_>, other: Json<'_>, quantity: bool) -> bool {
    match (one.view(), other.view()) {
        (View::Object(one), View::Object(other)) => same_fields(one, other, quantity, &[]),
        (View::Array(one), View::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other, quantity))
        }
        _ if is_empty(one) && is_empty(other) => true,
        _ if one == other => true,
        (View::String(_) | View::Number(_), View::String(_) | View::Number(_)) if quantity => {
            match (Quantity::from_json(one), Quantity::from_json(other)) {
                (Ok(one), Ok(other)) => one == other,
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether a value is null, an empty object or an empty list.
pub fn is_empty(value: Json<'_>) -> bool {
    match value.view() {
        View::Null => true,
        View::Object(object) => object.is_empty(),
        View::Array(array) => array.is_empty(),
        _ => false,
    }
}

/// The name of an element of a list, where it has one.
pub fn name_of(element: Json<'_>) -> Option<&str> {
    NAMES.into_iter().find_map(|key| text(element, key))
}

/// The value of another version of the document at the same place, elements of lists by their names.
pub fn counterpart<'v>(steps: &[Step], document: Json<'_>, other: Json<'v>) -> Option<Json<'v>> {
    let mut here = Some(document);
    steps.iter().try_fold(other, |there, step| {
        here = here.and_then(|here| step_into(here, step));
        match (step, here.and_then(name_of)) {
            (Step::Index(index), Some(name)) => {
                let named = |element: &Json<'_>| name_of(*element) == Some(name);
                let elements = there.as_array()?;
                elements
                    .get(*index)
                    .filter(named)
                    .or_else(|| elements.iter().find(named))
            }
            _ => step_into(there, step),
        }
    })
}

/// What one check or rule found in the old object, by its place.
#[derive(Debug)]
pub struct Before<'a> {
    finder: &'a Finder,
    places: BTreeMap<String, Known>,
    old: Json<'a>,
}

/// The findings at one place.
#[derive(Debug, Default)]
struct Known {
    /// Each with what happens to it, by message.
    findings: Vec<(Finding, Action)>,
    /// What they are about, each with the position of its finding.
    about: BTreeMap<String, usize>,
}

impl Known {
    /// Those that a finding in the new object may be: the same one before; `None` if there is none. `is_alone` says that the
    /// new object has no other one at the place.
    fn same(&self, finding: &Finding, is_alone: bool) -> Option<Vec<&(Finding, Action)>> {
        if !finding.about.is_empty() {
            let known = |what| self.findings.get(*self.about.get(what)?);
            return finding.about.iter().map(known).collect();
        }
        let known = match self.findings.as_slice() {
            [one] if is_alone => Some(one),
            all => {
                let by_message = all.binary_search_by(|(known, _)| known.message.cmp(&finding.message));
                by_message.ok().and_then(|position| all.get(position))
            }
        };
        known.map(|known| vec![known])
    }
}

impl<'a> Before<'a> {
    /// The findings of `old`, each with what happens to it.
    pub fn of(finder: &'a Finder, findings: Vec<(Finding, Action)>, old: Json<'a>) -> Before<'a> {
        let mut places: BTreeMap<String, Known> = BTreeMap::new();
        for found in findings {
            let known = places.entry(place(finder, &found.0, old)).or_default();
            known.findings.push(found);
        }
        for known in places.values_mut() {
            let findings = &mut known.findings;
            findings.sort_by(|(one, _), (other, _)| one.message.cmp(&other.message));
            let about = findings.iter().enumerate();
            known.about = about
                .flat_map(|(position, (finding, _))| finding.about.iter().map(move |what| (what.clone(), position)))
                .collect();
        }
        Before { finder, places, old }
    }

    /// Of the findings of the same check or rule in the new object, those that are new: the old one had none at their place,
    /// by names, or one about something else, of another value, less weight or a milder action. Where one of the objects has
    /// several at a place that do not say what they are about, only those with the same message are the same.
    pub fn added(&self, findings: Vec<(Finding, Action)>, new: Json<'_>) -> Vec<(Finding, Action)> {
        let at: Vec<String> = findings
            .iter()
            .map(|(finding, _)| place(self.finder, finding, new))
            .collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for place in &at {
            *counts.entry(place).or_default() += 1;
        }
        let is_known = |(finding, action): &(Finding, Action), place: &str| {
            let known = self.places.get(place);
            let same = known.and_then(|known| known.same(finding, counts.get(place) == Some(&1)));
            same.is_some_and(|same| {
                same.iter()
                    .all(|(known, milder)| action <= milder && !self.is_worse(known, finding, new))
            })
        };
        let is_new: Vec<bool> = findings
            .iter()
            .zip(&at)
            .map(|(found, place)| !is_known(found, place))
            .collect();
        let is_new = findings.into_iter().zip(is_new);
        is_new.filter_map(|(found, is_new)| is_new.then_some(found)).collect()
    }

    /// Whether a finding is of another value than one in the old object, or weighs more.
    fn is_worse(&self, known: &Finding, finding: &Finding, new: Json<'_>) -> bool {
        // What a rule is about is in its message, which is part of the place.
        if matches!(self.finder, Finder::Rule(_)) {
            return false;
        }
        if finding.weight != 0 || known.weight != 0 {
            return finding.weight > known.weight;
        }
        let before = known.path.get(self.old).unwrap_or(Json::NULL);
        let after = finding.path.get(new).unwrap_or(Json::NULL);
        !says_the_same(before, after)
    }
}

/// Where a finding stands; of one about the whole object, the entry of its limit; of a rule's, the message too, because many
/// may stand at one place.
fn place(finder: &Finder, finding: &Finding, document: Json<'_>) -> String {
    let mut place = match finder {
        Finder::Check(check) if check.is_job_wide() => finding.entry.clone().unwrap_or_default(),
        _ => by_names(&finding.path, document),
    };
    if matches!(finder, Finder::Rule(_)) {
        place.push('\n');
        place.push_str(&finding.message);
    }
    place
}

/// A path in which elements of lists go by their names, so that it stays the same when the list is reordered.
fn by_names(path: &Path, document: Json<'_>) -> String {
    let mut out = String::new();
    let mut value = Some(document);
    for step in path.steps() {
        value = value.and_then(|value| step_into(value, step));
        match step {
            Step::Key(key) => {
                out.push('.');
                out.push_str(key);
            }
            Step::Index(index) => match value.and_then(name_of) {
                Some(name) => out.push_str(&format!("[{name:?}]")),
                None => out.push_str(&format!("[{index}]")),
            },
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Tree, document};
    use serde_json::json;

    #[test]
    fn another_form_says_the_same() {
        let written = document!({
            "resources": {"limits": {"memory": "1000000000", "cpu": "0.75"}, "claims": []},
            "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {"sizeLimit": "1024Mi"}}],
            "affinity": null,
        });
        let rewritten = document!({
            "resources": {"limits": {"memory": "1G", "cpu": "750m"}},
            "volumes": [{"name": "a"}, {"name": "b", "emptyDir": {"sizeLimit": "1Gi"}}],
        });
        assert!(says_the_same(written.root(), rewritten.root()));
        assert!(says_the_same(rewritten.root(), written.root()));
    }

    #[test]
    fn another_value_does_not() {
        for (one, other) in [
            (json!({"labels": {"a": "1"}}), json!({"labels": {"a": "1.0"}})),
            (json!({"automountServiceAccountToken": false}), json!({})),
            (json!({"limits": {"cpu": "1"}}), json!({"limits": {"cpu": "1001m"}})),
            (json!({"limits": {"cpu": "1"}}), json!({})),
            (json!([1, 2]), json!([2, 1])),
        ] {
            let (one, other) = (Tree::of(&one).unwrap(), Tree::of(&other).unwrap());
            assert!(!says_the_same(one.root(), other.root()), "{one:?} {other:?}");
            assert!(!says_the_same(other.root(), one.root()), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_counterpart_is_found_by_names() {
        let document = document!({"groups": [{"groupName": "b", "x": 1}, {"groupName": "c"}]});
        let other = document!({"groups": [{"groupName": "a", "x": 2}, {"groupName": "b", "x": 3, "y": 4}]});
        let group = |index: usize| Path::of(["groups"]).index(index);
        let found = |steps: &[Step]| counterpart(steps, document.root(), other.root()).map(Json::to_value);
        assert_eq!(found(group(0).key("x").steps()), Some(json!(3)));
        assert_eq!(found(group(0).key("y").steps()), Some(json!(4)));
        assert_eq!(found(group(1).steps()), None);
    }
}

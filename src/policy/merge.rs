//! What the policies that match a RayJob come to together.
//!
//! One rule: for each leaf, the policy with the highest priority wins. Objects and maps merge by key, lists with names
//! by name, sets of tolerations as sets; every other list is one leaf. `head`, `workers` and `submitter` go before
//! `pods`. What a policy was given only on the object's own word may make limits and actions stricter, never looser.
//! `docs/precedence.md` says all of it, statement by statement.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::k8s::pod_security::Profile;

use super::SetLeaf;
use super::exemption::{self, Exemption};
use super::origin::Origin;
use super::rule::Rule;
use super::select::Selected;
use super::settings::{Action, Limits, Settings, leniency};

/// What a change follows: a leaf of `defaults` or `force`, such as `sharedMemory.size`, or a fact of the Platform.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leaf {
    /// Where it stands.
    pub group: Group,
    /// The keys down to it, joined by dots.
    pub path: Cow<'static, str>,
}

/// Where a [`Leaf`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// In `defaults` of a policy.
    Defaults,
    /// In `force` of a policy.
    Force,
    /// In the Platform.
    Platform,
}

impl Leaf {
    /// The leaf of `force` or `defaults` at `path`.
    pub fn new(forced: bool, path: impl Into<Cow<'static, str>>) -> Leaf {
        Leaf {
            group: if forced { Group::Force } else { Group::Defaults },
            path: path.into(),
        }
    }

    /// A kind of accelerators, as the Platform describes it.
    pub fn accelerator(kind: &str) -> Leaf {
        Leaf {
            group: Group::Platform,
            path: format!("accelerators.{kind}").into(),
        }
    }

    /// An entry of a map that is this leaf.
    #[must_use]
    pub fn entry(&self, key: &str) -> Leaf {
        Leaf {
            group: self.group,
            path: format!("{}.{key}", self.path).into(),
        }
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group {
            Group::Defaults => write!(f, "defaults.{}", self.path),
            Group::Force => write!(f, "force.{}", self.path),
            Group::Platform => f.write_str(&self.path),
        }
    }
}

/// What the policies that match come to.
#[derive(Debug, Default)]
pub struct Effective {
    /// What fills empty places.
    pub defaults: Settings,
    /// What replaces the author's values.
    pub force: Settings,
    /// The most that may be asked for.
    pub limits: Limits,
    /// Whether what runs is completed again when it is applied again.
    pub roll: bool,
    /// Actions by code, where a policy names one.
    pub actions: BTreeMap<String, Action>,
    /// The injectors that the author may turn off.
    pub allow_skip: BTreeSet<String>,
    /// The names of the policies that match, lowest priority first.
    pub policies: Vec<Arc<str>>,
    /// The platform's own rules, all of them.
    pub rules: Vec<Arc<Rule>>,
    /// The codes whose action was set on nothing but the object's own word: it may only be stricter than the check's own.
    pub advisory_actions: BTreeSet<String>,
    /// What exemptions waive, by code or as `rule/NAME`, and where they do.
    pub waived: BTreeMap<Arc<str>, Arc<Origin>>,
    /// The limits that exemptions raise, by their keys joined by dots, and where they do.
    pub raised: BTreeMap<String, Arc<Origin>>,
    /// Where each leaf comes from, by its keys joined by dots.
    origins: BTreeMap<String, Arc<Origin>>,
    /// The leaves of `head`, `workers` and `submitter` that a policy says of `pods`.
    of_pods: BTreeSet<String>,
}

impl Effective {
    /// Where a setting comes from.
    pub fn origin(&self, leaf: &Leaf) -> Option<Arc<Origin>> {
        self.origin_of(&leaf.to_string())
    }

    /// A setting as the policy has it that it comes from: of `pods`, where that is what the policy says.
    pub fn as_written(&self, leaf: Leaf) -> Leaf {
        if self.of_pods.is_empty() {
            return leaf;
        }
        match (self.entry_at(&leaf.to_string()), leaf.path.split_once('.')) {
            (Some((key, _)), Some((_, below))) if self.of_pods.contains(key) => Leaf {
                path: format!("{PODS}.{below}").into(),
                ..leaf
            },
            _ => leaf,
        }
    }

    /// Whether a policy sets a leaf of `defaults` or `force`, or something below it.
    pub fn sets(&self, leaf: &str) -> bool {
        ["defaults", "force"]
            .iter()
            .any(|group| self.origin_of(&format!("{group}.{leaf}")).is_some())
    }

    /// Where a limit comes from, by its key.
    pub fn limit_origin(&self, key: &str) -> Option<Arc<Origin>> {
        self.origin_of(&format!("limits.{key}"))
    }

    /// Where an exemption raises a limit, or the first entry of one that is a map.
    pub fn raised_at(&self, key: &str) -> Option<&Arc<Origin>> {
        first_below(&self.raised, key).map(|(_, origin)| origin)
    }

    /// Where the action of a code comes from.
    pub fn action_origin(&self, code: &str) -> Option<Arc<Origin>> {
        self.origin_of(&format!("actions.{code}"))
    }

    /// The origin of a leaf, or of the first entry of a map.
    fn origin_of(&self, path: &str) -> Option<Arc<Origin>> {
        self.entry_at(path).map(|(_, origin)| Arc::clone(origin))
    }

    /// A leaf, or the first entry of a map, with its origin.
    fn entry_at(&self, path: &str) -> Option<(&String, &Arc<Origin>)> {
        first_below(&self.origins, path)
    }
}

/// What stands under a path, or under the first that goes on from it.
fn first_below<'m, T>(map: &'m BTreeMap<String, T>, path: &str) -> Option<(&'m String, &'m T)> {
    let is_below = |(key, _): &(&String, _)| {
        key.strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    map.range::<str, _>((Bound::Included(path), Bound::Unbounded))
        .next()
        .filter(is_below)
}

/// The section of settings that holds for all pods.
const PODS: &str = "pods";

/// A leaf on its way through the merge.
#[derive(Clone)]
struct Winner<'a> {
    leaf: &'a SetLeaf,
    trusted: bool,
    /// Whether the object's own word takes back nothing of it.
    placed: bool,
    certain: bool,
    priority: i64,
}

/// Merges policies, which come lowest priority first, and then what exemptions raise and waive. All of them act,
/// whatever their mode says.
pub fn merge(acting: &[Selected<'_>], exemptions: &[&Exemption]) -> Effective {
    let mut winners: BTreeMap<Vec<String>, Winner<'_>> = BTreeMap::new();
    let mut effective = Effective::default();
    for selected in acting {
        let Selected {
            policy,
            trusted,
            certain,
            ..
        } = selected;
        let placed = *trusted || selected.is_placed();
        effective.policies.push(Arc::clone(&policy.name));
        effective.rules.extend(policy.rules.iter().cloned());
        if *trusted {
            effective.allow_skip.extend(policy.allow_skip.iter().cloned());
        }
        for unset in policy.unset.iter().filter(|_| *certain) {
            winners.retain(|path, winner| {
                let Some((group, leaf)) = path.split_first() else {
                    return true;
                };
                let is_bound = (winner.trusted && !*trusted || winner.placed && !placed) && group == "force";
                // The order among equal priorities is that of names, which decides nothing.
                is_bound
                    || winner.priority >= policy.priority
                    || !matches!(group.as_str(), "defaults" | "force")
                    || !leaf.starts_with(unset)
            });
        }
        for leaf in &policy.leaves {
            let winner = winners.get(&leaf.path);
            let is_bound = winner.is_some_and(|winner| winner.trusted || (winner.placed && !placed));
            // What may be for the RayJob only tightens, and the RayJob's own word does not take that back.
            let is_uncertain = winner.is_some_and(|winner| !winner.certain);
            let may_stand = match winner {
                _ if *trusted => true,
                _ if !*certain && !may_tighten(leaf, selected.forces()) => false,
                Some(winner) if is_bound || is_uncertain || !*certain => {
                    is_stricter(&leaf.path, &leaf.value, &winner.leaf.value)
                }
                _ => true,
            };
            if may_stand {
                // What tightens something that is trusted binds as that did.
                let trusted = *trusted || is_bound;
                let priority = policy.priority;
                winners.insert(
                    leaf.path.clone(),
                    Winner {
                        leaf,
                        trusted,
                        placed: placed || is_bound,
                        certain: *certain && !is_uncertain,
                        priority,
                    },
                );
            }
        }
    }
    effective.of_pods = spread_pods(&mut winners);
    let mut tree = Map::new();
    for (path, winner) in &winners {
        insert(&mut tree, path, &winner.leaf.value);
        if let [group, code] = path.as_slice()
            && group == "actions"
            && !winner.trusted
        {
            effective.advisory_actions.insert(code.clone());
        }
        effective
            .origins
            .insert(path.join("."), Arc::clone(&winner.leaf.origin));
    }
    if let Some(Value::Object(limits)) = tree.get_mut("limits") {
        effective.raised = exemption::raise(limits, exemptions);
        for (key, origin) in &effective.raised {
            effective.origins.insert(format!("limits.{key}"), Arc::clone(origin));
        }
    }
    effective.waived = exemption::waived(exemptions);
    effective.roll = typed(&mut tree, "roll");
    effective.defaults = typed(&mut tree, "defaults");
    effective.force = typed(&mut tree, "force");
    effective.limits = typed(&mut tree, "limits");
    effective.actions = typed(&mut tree, "actions");
    effective
}

/// Copies the leaves of `pods` to `head`, `workers` and `submitter`, where these have none of their own, and says which.
fn spread_pods(winners: &mut BTreeMap<Vec<String>, Winner<'_>>) -> BTreeSet<String> {
    let mut copied = BTreeSet::new();
    let pods: Vec<_> = winners
        .iter()
        .filter(|(path, _)| path.get(1).is_some_and(|section| section == PODS))
        .map(|(path, winner)| (path.clone(), winner.clone()))
        .collect();
    for (path, winner) in pods {
        for section in ["head", "workers", "submitter"] {
            let mut own = path.clone();
            if let Some(name) = own.get_mut(1) {
                section.clone_into(name);
            }
            if let Entry::Vacant(vacant) = winners.entry(own) {
                copied.insert(vacant.key().join("."));
                vacant.insert(winner.clone());
            }
        }
    }
    copied
}

/// Whether a leaf of a policy that is not surely for the RayJob may hold at all.
fn may_tighten(leaf: &SetLeaf, forces: bool) -> bool {
    match leaf.path.first().map(String::as_str) {
        Some("limits") => true,
        Some("force") => forces,
        Some("actions") => leaf.value == "Deny",
        _ => false,
    }
}

/// Whether a limit or an action is stricter than another. What is forced is not, where it differs; a default may always
/// be replaced.
fn is_stricter(path: &[String], new: &Value, old: &Value) -> bool {
    let action = |value: &Value| serde_json::from_value::<Action>(value.clone()).ok();
    match path.first().map(String::as_str) {
        Some("limits") => {
            let profile = |value: &Value| value.as_str()?.parse::<Profile>().ok();
            match (profile(new), profile(old)) {
                (Some(new), Some(old)) => new.covers(old),
                _ => matches!((leniency(new), leniency(old)), (Some(new), Some(old)) if new <= old),
            }
        }
        Some("actions") => matches!((action(new), action(old)), (Some(new), Some(old)) if new >= old),
        Some("force") => new == old,
        _ => true,
    }
}

/// Puts a value at its keys into a tree.
pub(super) fn insert(tree: &mut Map<String, Value>, path: &[String], value: &Value) {
    match path {
        [] => {}
        [last] => {
            tree.insert(last.clone(), value.clone());
        }
        [first, rest @ ..] => {
            let child = tree.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(child) = child {
                insert(child, rest, value);
            }
        }
    }
}

/// A part of the tree, typed. The table of the language and the types agree, so that nothing is lost; a test sets
/// every leaf and reads it back.
fn typed<T: DeserializeOwned + Default>(tree: &mut Map<String, Value>, part: &str) -> T {
    tree.remove(part)
        .and_then(|value| serde_json::from_value(value).ok())
        .unwrap_or_default()
}

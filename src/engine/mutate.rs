//! Completing and repairing: the repairs of the checks, then the injectors, each all or nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::diag::{safe, truncated};
use crate::facts::Known;
use crate::json::Json;
use crate::k8s::path::Path;
use crate::policy::merge::Group;
use crate::policy::{Leaf, Origin};
use crate::ray::Workload;
use crate::rules::inject::pods;
use crate::rules::{APPLIED_ANNOTATION, Check, Cx, Edit, Finding, Findings, INJECTORS, Injector, Op, Plan};

use super::bundle::{Bundle, Compiled};
use super::document::{Document, moved_to_front};
use super::update::{Part, Parts, RECEIVED, Received, Seen, Update};

/// The most that the annotation may hold, in bytes.
const LONGEST_RECORD: usize = 4096;

/// One thing that was filled in or repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The injector's name, or the code of the check whose finding was repaired.
    pub by: &'static str,
    /// What was wrong, or what was to be filled in: a place in the object as it is now.
    pub path: Path,
    /// The places in the object as it is now that its edits changed; none where the value stood there already.
    pub places: Vec<Path>,
    /// What a repair did, or what an injector replaced, in a sentence for the author.
    pub done: Option<String>,
    /// The setting that an injector followed.
    pub leaf: Option<Leaf>,
    /// Where in the policies it comes from.
    pub origin: Option<Arc<Origin>>,
    /// Whether a policy forces it.
    pub forced: bool,
}

/// What is known of an object that is completed, beside the object.
#[derive(Clone, Copy, Debug)]
pub struct Completing<'a> {
    /// Whether its name is final.
    pub named: bool,
    /// What is known of the cluster.
    pub facts: Known<'a>,
}

/// What the record and the changes call a part that an update leaves as it is stored.
pub const KEPT: &str = "kept";

/// Completes and repairs an object that is made, and says how. Applied to its own result it does nothing.
pub fn create(bundle: &Bundle, compiled: &Compiled, asked: Completing<'_>, document: &mut Document) -> Vec<Change> {
    let seen = Seen::of(document.value());
    let changes = fill(bundle, compiled, asked, document);
    if !changes.is_empty() {
        let received = seen.received(document.value());
        write_record(record(bundle, &changes, Some(received), BTreeMap::new()), document);
    }
    changes
}

/// The same without the record.
pub fn fill(bundle: &Bundle, compiled: &Compiled, asked: Completing<'_>, document: &mut Document) -> Vec<Change> {
    mutate(bundle, compiled, asked, None, document)
}

/// The same for an object that is changed: what comes again as it is stored, or as it was received, stays as it is
/// stored, and nothing new is added to pods that run. `other_policies` says whether other policies were for it before.
pub fn update(
    bundle: &Bundle,
    compiled: &Compiled,
    asked: Completing<'_>,
    (update, old, other_policies): (Update, Json<'_>, bool),
    document: &mut Document,
) -> Vec<Change> {
    let look = |document: &Document<'_>, seen: &Seen| {
        let policies = (compiled.effective.roll, other_policies);
        Parts::of(update, policies, old, document.value(), seen)
    };
    let seen = Seen::of(document.value());
    let mut parts = look(document, &seen);
    let mut changes = Vec::new();
    restore(&parts, document, &mut changes);
    changes.extend(mutate(bundle, compiled, asked, Some(&parts), document));
    let forced = changes.iter().any(|change| change.forced);
    if update != Update::Controller && (parts.complete_forced(forced) || parts.complete_changed(document)) {
        changes.extend(mutate(bundle, compiled, asked, Some(&parts), document));
    }
    // What was made of a part may be what was received of it before: then it comes again.
    if !changes.is_empty() && !parts.keeps_all() {
        let completed = look(document, &Seen::of(document.value()));
        let again = restore(&completed, document, &mut changes);
        again.iter().for_each(|part| parts.keep(*part));
        if !again.is_empty() {
            changes.extend(mutate(bundle, compiled, asked, Some(&parts), document));
        }
    }
    let (stored, given) = (recorded(old), recorded(document.value()));
    let repeated = parts.repeated(document.value());
    if parts.keeps_all() || parts.are_all(&repeated) {
        if let Some(stored) = stored.filter(|_| given.is_none() || !changes.is_empty()) {
            write_record(stored.to_owned(), document);
        }
    } else if !changes.is_empty() || (stored.is_some() && given == stored && !Received::describes(document.value())) {
        let holds = parts.keeps_any() || !repeated.is_empty();
        let earlier = stored.filter(|_| holds).map(entries).unwrap_or_default();
        if changes.is_empty() && earlier.is_empty() {
            remove_record(document);
        } else {
            let received = parts.received(&seen, &repeated, document.value());
            write_record(record(bundle, &changes, Some(received), earlier), document);
        }
    }
    changes
}

/// Brings the parts that stay back to what is stored, and says which of them were something else. What was done to those
/// before is no change any more.
fn restore(parts: &Parts<'_>, document: &mut Document, changes: &mut Vec<Change>) -> Vec<Part> {
    let mut restored = Vec::new();
    for (part, path) in parts.staying() {
        let edits = parts.restoring(part, document.value());
        if let Some(places) = apply(document, edits, changes) {
            changes.retain(|change| parts.part_of(&change.path) != part);
            changes.push(Change {
                by: KEPT,
                path,
                places: places.into_iter().flatten().collect(),
                done: None,
                leaf: None,
                origin: None,
                forced: false,
            });
            restored.push(part);
        }
    }
    restored
}

/// Completes and repairs a document, in those parts of it in which that may be done.
fn mutate(
    bundle: &Bundle,
    compiled: &Compiled,
    asked: Completing<'_>,
    parts: Option<&Parts<'_>>,
    document: &mut Document,
) -> Vec<Change> {
    let cx = Cx {
        policy: &compiled.effective,
        platform: bundle.platform(),
        facts: asked.facts,
        namespace: asked.facts.namespace(),
        named: asked.named,
        skipped: false,
    };
    let repairs = || compiled.repairs.iter().map(|check| Step::Repair(check));
    let mut ahead: VecDeque<Step> = repairs().chain(INJECTORS.iter().map(Step::Inject)).collect();
    let mut changes = Vec::new();
    // The shape is found anew only after a step that may have changed it.
    while !ahead.is_empty() {
        let job = Workload::of(document.value());
        let wanted = std::iter::from_fn(|| ahead.pop_front()).find_map(|step| step.look(&cx, &job));
        drop(job);
        match wanted {
            None => break,
            Some(Wanted::Repairs(check, findings)) => repair(&cx, check, findings, parts, document, &mut changes),
            Some(Wanted::Edits(injector, mut edits, notes)) => {
                if let Some(parts) = parts {
                    parts.retain(document.value(), &mut edits);
                }
                let acted = inject(&cx, injector, edits, notes, document, &mut changes);
                if acted && injector.name == pods::INJECTOR.name {
                    ahead = repairs().chain(ahead).collect();
                }
            }
        }
    }
    changes
}

/// One step of completing and repairing an object.
#[derive(Clone, Copy)]
enum Step {
    Repair(&'static Check),
    Inject(&'static Injector),
}

/// What a step wants of the object.
enum Wanted {
    Repairs(&'static Check, Vec<Finding>),
    /// The edits of an injector, and its sentences for the author.
    Edits(&'static Injector, Vec<Edit>, Vec<String>),
}

impl Step {
    /// What the step wants of this RayJob; `None` where it has nothing to do.
    fn look(self, cx: &Cx<'_>, job: &Workload<'_>) -> Option<Wanted> {
        match self {
            Step::Repair(check) => {
                let findings = check.look(cx, job, Findings::new()).into_iter();
                let findings: Vec<Finding> = findings.filter(|finding| finding.repair.is_some()).collect();
                (!findings.is_empty()).then_some(Wanted::Repairs(check, findings))
            }
            Step::Inject(injector) => {
                let mut plan = Plan::default();
                let skipped = cx.skips(job, injector.name);
                injector.look(&Cx { skipped, ..*cx }, job, &mut plan);
                let (notes, edits) = (plan.take_notes(), plan.into_edits());
                (!edits.is_empty()).then_some(Wanted::Edits(injector, edits, notes))
            }
        }
    }
}

fn repair(
    cx: &Cx<'_>,
    check: &Check,
    findings: Vec<Finding>,
    parts: Option<&Parts<'_>>,
    document: &mut Document,
    changes: &mut Vec<Change>,
) {
    let origin = cx.origin(check, None);
    for finding in findings {
        let Some(mut repair) = finding.repair else { continue };
        if let Some(parts) = parts {
            parts.retain(document.value(), &mut repair.edits);
        }
        if let Some(places) = apply(document, repair.edits, changes) {
            changes.push(Change {
                by: check.code,
                path: finding.path,
                places: places.into_iter().flatten().collect(),
                done: Some(repair.done),
                leaf: None,
                origin: origin.clone(),
                forced: false,
            });
        }
    }
}

/// Lets an injector act, and says whether it changed something.
fn inject(
    cx: &Cx<'_>,
    injector: &Injector,
    edits: Vec<Edit>,
    notes: Vec<String>,
    document: &mut Document,
    changes: &mut Vec<Change>,
) -> bool {
    let mut notes = notes.into_iter();
    let planned: Vec<Change> = edits
        .iter()
        .map(|edit| Change {
            by: injector.name,
            path: edit.path.clone(),
            places: Vec::new(),
            done: notes.next(),
            leaf: edit.leaf.clone().map(|leaf| cx.policy.as_written(leaf)),
            origin: edit.leaf.as_ref().and_then(|leaf| cx.leaf_origin(leaf)),
            forced: edit.leaf.as_ref().is_some_and(|leaf| leaf.group == Group::Force),
        })
        .collect();
    let Some(places) = apply(document, edits, changes) else {
        return false;
    };
    changes.extend(planned.into_iter().zip(places).map(|(change, place)| Change {
        places: place.into_iter().collect(),
        ..change
    }));
    true
}

/// The change behind a place of the object as it is now: the nearest one at or above it, else the first below it.
pub fn behind<'c>(changes: &'c [Change], place: &Path) -> Option<&'c Change> {
    let places = || {
        changes
            .iter()
            .flat_map(|change| change.places.iter().map(move |place| (place, change)))
    };
    let at_or_above = places()
        .filter(|(changed, _)| changed.covers(place))
        .max_by_key(|(changed, _)| changed.steps().len());
    let below = || {
        places()
            .filter(|(changed, _)| place.covers(changed))
            .min_by_key(|(changed, _)| *changed)
    };
    at_or_above.or_else(below).map(|(_, change)| change)
}

/// Applies edits, and says for each which place it changed; `None` where nothing changed. Earlier changes follow the
/// containers that are moved.
fn apply(document: &mut Document, edits: Vec<Edit>, earlier: &mut [Change]) -> Option<Vec<Option<Path>>> {
    let moves: Vec<(Path, usize)> = edits
        .iter()
        .filter_map(|edit| match edit.op {
            Op::ToFront(from) => Some((edit.path.clone(), from)),
            _ => None,
        })
        .collect();
    let places = document.apply(edits).ok()?;
    for (array, from) in moves {
        for change in &mut *earlier {
            let follow = |path: &mut Path| *path = moved_to_front(path, &array, from);
            follow(&mut change.path);
            change.places.iter_mut().for_each(follow);
        }
    }
    places.iter().any(Option::is_some).then_some(places)
}

/// What was done, in one line: the bundle, for each injector and code where in the policies it came from, and the
/// fingerprints of what was received. It carries no uid and no time, so that the same job gets the same text. `earlier`
/// is what a former record says that still holds.
pub fn record(
    bundle: &Bundle,
    changes: &[Change],
    received: Option<Received>,
    earlier: BTreeMap<String, String>,
) -> String {
    let mut origins: BTreeMap<&str, Vec<Option<&Origin>>> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.by != KEPT) {
        let known = origins.entry(change.by).or_default();
        if !known.contains(&change.origin.as_deref()) {
            known.push(change.origin.as_deref());
        }
    }
    let mut record = earlier;
    for (by, origins) in origins {
        let written = |origin: &Option<&Origin>| origin.map_or_else(|| "built-in".to_owned(), ToString::to_string);
        let origins: Vec<String> = origins.iter().map(written).collect();
        record.insert(by.to_owned(), origins.join(" "));
    }
    record.insert("bundle".to_owned(), bundle.short_acting_digest().to_owned());
    let mut text = |received: Option<&Received>| {
        match received {
            Some(received) => record.insert(RECEIVED.to_owned(), received.to_string()),
            None => record.remove(RECEIVED),
        };
        safe(&serde_json::to_string(&record).unwrap_or_default()).into_owned()
    };
    let fits = |text: &String| text.len() <= LONGEST_RECORD;
    let whole = text(received.as_ref());
    let shorter = || received.map(Received::without_groups);
    Some(whole)
        .filter(fits)
        .or_else(|| Some(text(shorter().as_ref())).filter(fits))
        .unwrap_or_else(|| truncated(&text(None), LONGEST_RECORD).into_owned())
}

/// The record that an object carries.
pub fn recorded(object: Json<'_>) -> Option<&str> {
    record_path().get(object)?.as_str()
}

/// The entries of a record.
fn entries(record: &str) -> BTreeMap<String, String> {
    serde_json::from_str(record).unwrap_or_default()
}

fn record_path() -> Path {
    Path::of(["metadata", "annotations", APPLIED_ANNOTATION])
}

fn write_record(record: String, document: &mut Document) {
    change_record(Op::Set(record.into()), document);
}

fn remove_record(document: &mut Document) {
    change_record(Op::Remove, document);
}

fn change_record(op: Op, document: &mut Document) {
    let path = record_path();
    // An object whose annotations are no object is rejected by the API server's own schema.
    let _ = document.apply(vec![Edit { path, op, leaf: None }]);
}

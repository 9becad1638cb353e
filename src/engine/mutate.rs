//! Completing and repairing: the repairs of the checks, then the injectors, each all or nothing.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::k8s::path::Path;
use crate::k8s::text::{safe, truncated};
use crate::policy::merge::Group;
use crate::policy::{Leaf, Origin};
use crate::ray::RayJob;
use crate::rules::inject::pods;
use crate::rules::{APPLIED_ANNOTATION, Check, Cx, Edit, Findings, INJECTORS, Injector, Op, Plan};

use super::bundle::{Bundle, Compiled};
use super::document::{Document, moved_to_front};

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

/// Completes and repairs a document, and says how. Applied to its own result it does nothing.
pub fn mutate(bundle: &Bundle, compiled: &Compiled, named: bool, document: &mut Document) -> Vec<Change> {
    let cx = Cx {
        policy: &compiled.effective,
        platform: bundle.platform(),
        namespace: "",
        named,
        skipped: false,
    };
    let repairs = || compiled.repairs.iter().map(|check| Step::Repair(check));
    let mut ahead: VecDeque<Step> = repairs().chain(INJECTORS.iter().map(Step::Inject)).collect();
    let mut changes = Vec::new();
    // The shape is found anew only after a step that may have changed it.
    while !ahead.is_empty() {
        let job = RayJob::of(document.value());
        let wanted = std::iter::from_fn(|| ahead.pop_front()).find_map(|step| step.look(&cx, &job));
        drop(job);
        match wanted {
            None => break,
            Some(Wanted::Repairs(check, findings)) => repair(&cx, check, findings, document, &mut changes),
            Some(Wanted::Edits(injector, edits, notes)) => {
                let acted = inject(&cx, injector, edits, notes, document, &mut changes);
                if acted && injector.name == pods::INJECTOR.name {
                    ahead = repairs().chain(ahead).collect();
                }
            }
        }
    }
    if !changes.is_empty() {
        let record = record(bundle, &changes);
        let edit = Edit {
            path: Path::of(["metadata", "annotations", APPLIED_ANNOTATION]),
            op: Op::Set(record.into()),
            leaf: None,
        };
        // An object whose annotations are no object is refused by the API server's own schema.
        let _ = document.apply(vec![edit]);
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
    Repairs(&'static Check, Findings),
    /// The edits of an injector, and its sentences for the author.
    Edits(&'static Injector, Vec<Edit>, Vec<String>),
}

impl Step {
    /// What the step wants of this RayJob; `None` where it has nothing to do.
    fn look(self, cx: &Cx<'_>, job: &RayJob<'_>) -> Option<Wanted> {
        match self {
            Step::Repair(check) => {
                let mut findings = Findings::new();
                (check.run)(cx, job, &mut findings);
                findings.retain(|finding| finding.repair.is_some());
                (!findings.is_empty()).then_some(Wanted::Repairs(check, findings))
            }
            Step::Inject(injector) => {
                let mut plan = Plan::default();
                let skipped = cx.skips(job, injector.name);
                (injector.plan)(&Cx { skipped, ..*cx }, job, &mut plan);
                let (notes, edits) = (plan.take_notes(), plan.into_edits());
                (!edits.is_empty()).then_some(Wanted::Edits(injector, edits, notes))
            }
        }
    }
}

fn repair(cx: &Cx<'_>, check: &Check, findings: Findings, document: &mut Document, changes: &mut Vec<Change>) {
    let origin = cx.origin(check.code);
    for finding in findings {
        let Some(repair) = finding.repair else { continue };
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

/// What was done, in one line: the bundle, and for each injector and code where in the policies it came from. It
/// carries no uid and no time, so that the same job gets the same text.
pub fn record(bundle: &Bundle, changes: &[Change]) -> String {
    let mut record = BTreeMap::from([("bundle", By::Bundle(bundle.short_acting_digest()))]);
    for change in changes {
        let origins = record.entry(change.by).or_insert_with(|| By::Origins(Vec::new()));
        if let By::Origins(origins) = origins
            && !origins.contains(&change.origin.as_deref())
        {
            origins.push(change.origin.as_deref());
        }
    }
    let record = serde_json::to_string(&record).unwrap_or_default();
    truncated(&safe(&record), LONGEST_RECORD).into_owned()
}

/// The record that an object carries.
pub fn recorded(document: &Document) -> Option<&str> {
    let annotations = document.value().get("metadata")?.get("annotations")?;
    annotations.get(APPLIED_ANNOTATION)?.as_str()
}

/// What stands in the record under one name.
enum By<'a> {
    Bundle(&'a str),
    Origins(Vec<Option<&'a Origin>>),
}

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Bundle(digest) => f.write_str(digest),
            By::Origins(origins) => {
                for (position, origin) in origins.iter().enumerate() {
                    f.write_str(if position > 0 { " " } else { "" })?;
                    match origin {
                        Some(origin) => origin.fmt(f)?,
                        None => f.write_str("built-in")?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl Serialize for By<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

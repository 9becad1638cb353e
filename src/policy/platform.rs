//! The facts of a platform, of which several documents may each give a part.
//!
//! A fact is a scalar, a list, or an entry of a map: an accelerator is one fact, whole. Given twice it must be the same
//! both times; which document comes first means nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::diag::{Diagnostic, Span};
use crate::k8s::glob::Glob;
use crate::ray::device::Devices;
use crate::yaml::Node;

use super::facts::Capacity;
use super::read::below;
use super::schema::{DOCUMENTS, Field, Kind};
use super::settings::PlatformSpec;
use super::{Origin, Platform, codes, merge};

/// Joins the `spec`s of all documents of kind Platform that are sound.
pub(super) fn join(specs: &[Node], origin: impl Fn(Span) -> Arc<Origin>) -> (Platform, Vec<Diagnostic>) {
    let fields = DOCUMENTS
        .iter()
        .find(|document| document.kind == "Platform")
        .map(|document| document.spec)
        .unwrap_or_default();
    let mut facts: BTreeMap<Vec<String>, (Value, Span)> = BTreeMap::new();
    let mut found = Vec::new();
    for spec in specs {
        collect(spec, fields, &[], &mut |path, node, span| {
            let value = node.to_json();
            match facts.get(&path) {
                Some((first, first_span)) if *first != value => found.push(
                    Diagnostic::error(
                        codes::SECOND_FACT,
                        format!("two Platforms set `{}`, to different values", path.join(".")),
                    )
                    .at(span, "")
                    .and_at(*first_span, "the first")
                    .help("a fact of the platform has one value; take one of the two out"),
                ),
                Some(_) => {}
                None => {
                    facts.insert(path, (value, span));
                }
            }
        });
    }
    let mut tree = Map::new();
    let mut accelerator_origins = BTreeMap::new();
    for (path, (value, span)) in &facts {
        merge::insert(&mut tree, path, value);
        if let [section, kind] = path.as_slice()
            && section == "accelerators"
        {
            accelerator_origins.insert(kind.clone(), origin(*span));
        }
    }
    let spec = serde_json::from_value(Value::Object(tree)).unwrap_or_default();
    let platform = Platform {
        accelerator_origins,
        ..platform_of(spec)
    };
    (platform, found)
}

fn collect(node: &Node, fields: &[Field], path: &[String], fact: &mut dyn FnMut(Vec<String>, &Node, Span)) {
    for entry in node.as_mapping().unwrap_or_default() {
        let path = below(path, &entry.key.text);
        match fields
            .iter()
            .find(|field| field.key == entry.key.text)
            .map(|field| field.kind)
        {
            Some(Kind::Object(fields)) => collect(&entry.value, fields, &path, fact),
            Some(Kind::Map(..)) => {
                for entry in entry.value.as_mapping().unwrap_or_default() {
                    fact(below(&path, &entry.key.text), &entry.value, entry.key.span);
                }
            }
            _ => fact(path, &entry.value, entry.key.span),
        }
    }
}

fn platform_of(spec: PlatformSpec) -> Platform {
    Platform {
        devices: devices_of(&spec),
        capacity: Capacity::of(spec.capacity),
        names_kuberay: spec.kuberay.version.is_some(),
        kuberay: spec
            .kuberay
            .version
            .and_then(|version| version.parse().ok())
            .unwrap_or_default(),
        feature_gates: spec.kuberay.feature_gates,
        operators: spec.kuberay.operators,
        queue_controllers: spec.queue.controllers,
        flyte: spec.flyte,
        accelerators: spec.accelerators,
        accelerator_origins: BTreeMap::new(),
        preview: spec.preview,
        mode: spec.mode,
    }
}

/// A device class of several kinds counts as the most that one of them states, since each of its devices is of one kind. A
/// template of claims has the sum, since a claim may hold devices of several kinds.
fn devices_of(spec: &PlatformSpec) -> Devices {
    let globs = |patterns: &[String]| patterns.iter().map(|pattern| Glob::new(pattern)).collect();
    let mut devices = Devices {
        other_resources: globs(&spec.other_devices.resources),
        other_claim_templates: globs(&spec.other_devices.claim_templates),
        ..Devices::default()
    };
    for kind in spec.accelerators.values() {
        devices.resources.extend(kind.resource.clone());
        for (class, count) in &kind.device_classes {
            let most = devices.classes.entry(class.clone()).or_default();
            *most = (*most).max(*count);
        }
        for (template, count) in &kind.claim_templates {
            let sum = devices.claim_templates.entry(template.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
    devices
}

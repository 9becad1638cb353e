//! Accelerators of the Platform that no node of the cluster has.

use std::sync::Arc;

use crate::diag::{listed, quoted, suggest};
use crate::facts::{Known, Needs, Places};
use crate::k8s::node_selector::Requirement;

use super::settings::Accelerator;
use super::{Origin, Platform};

/// A kind of accelerators whose nodes do not exist.
#[derive(Clone, Debug)]
pub struct Unmatched {
    /// Where the kind stands.
    pub origin: Arc<Origin>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// The kinds of accelerators whose `nodeSelector` no node, pool or Karpenter NodePool meets. Nothing if no nodes are known.
pub fn unmatched(platform: &Platform, facts: &Known<'_>) -> Vec<Unmatched> {
    let Some(nodes) = facts.places().filter(|places| !places.shapes().is_empty()) else {
        return Vec::new();
    };
    let all = [nodes, &platform.capacity.pools];
    let kinds = platform
        .accelerators
        .iter()
        .filter(|(_, kind)| !kind.node_selector.is_empty());
    kinds
        .filter_map(|(name, kind)| {
            let needs = Needs {
                selector: requirements(kind),
                tolerates_all: true,
                ..Needs::default()
            };
            let mut pools = facts.node_pools().into_iter().flatten();
            let is_met = all.iter().any(|places| !places.labelled(&needs).is_empty())
                || pools.any(|(name, pool)| pool.refuses(name, &needs).is_none());
            let origin = platform.accelerator_origins.get(name).filter(|_| !is_met)?;
            let shown: Vec<String> = needs.selector.iter().map(|one| quoted(&one.to_string())).collect();
            Some(Unmatched {
                origin: Arc::clone(origin),
                message: format!(
                    "no node has the labels of accelerator {}: {}",
                    quoted(name),
                    listed(&shown)
                ),
                help: help(&all, &needs.selector),
            })
        })
        .collect()
}

fn requirements(kind: &Accelerator) -> Vec<Requirement<'_>> {
    let labels = kind.node_selector.iter();
    labels.map(|(key, value)| Requirement::equal(key, value)).collect()
}

/// The closest labels that nodes have.
fn help(all: &[&Places; 2], selector: &[Requirement<'_>]) -> String {
    let is_unmet = |one: &&Requirement<'_>| all.iter().all(|places| places.meeting(one).is_empty());
    let declare = "declare the nodes in `capacity.pools`";
    let Some(one) = selector.iter().find(is_unmet) else {
        return format!("no node has all of these labels; correct the selector, or {declare}");
    };
    let values: Vec<&str> = all
        .iter()
        .filter_map(|places| places.values(one.key))
        .flatten()
        .map(|(value, _)| value)
        .collect();
    let wanted = one.values.first().copied().unwrap_or_default();
    if let Some(near) = suggest(wanted, values.iter().copied()) {
        return format!(
            "the closest value of {} is {}; use it, or {declare}",
            quoted(one.key),
            quoted(near)
        );
    }
    if !values.is_empty() {
        const SHOWN: usize = 5;
        let shown: Vec<String> = values.iter().take(SHOWN).map(|value| quoted(value)).collect();
        return format!(
            "nodes have {} of {}; use one of them, or {declare}",
            listed(&shown),
            quoted(one.key)
        );
    }
    match suggest(one.key, all.iter().flat_map(|places| places.keys())) {
        Some(near) => format!("the closest label is {}; use it, or {declare}", quoted(near)),
        None => format!("no node has the label {}; correct it, or {declare}", quoted(one.key)),
    }
}

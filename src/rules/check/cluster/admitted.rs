//! A pod as the API server compares it with LimitRanges and quotas: after its own defaults and those of LimitRanges.
//!
//! Kubernetes 1.37: `SetDefaults_Pod` (`pkg/apis/core/v1/defaults.go`) takes an absent request from the limit, then the
//! plugin LimitRanger (`plugin/pkg/admission/limitranger/admission.go`) fills in its defaults.

use std::collections::BTreeMap;

use crate::facts::{LimitRange, Per};
use crate::k8s::quantity::Quantity;
use crate::ray::container::{Container, Resource, Slot};
use crate::ray::pod::Pod;

/// Quantities by the name of the resource.
pub(super) type Amounts<'p> = BTreeMap<&'p str, Quantity>;

/// A container with the amounts that count.
pub(super) struct Admitted<'p> {
    pub(super) container: &'p Container<'p>,
    pub(super) requests: Amounts<'p>,
    pub(super) limits: Amounts<'p>,
}

/// The containers that the API server will see of a pod. `None` where their amounts are unknown: one cannot be read, the
/// pod has resources for its containers together, or its LimitRanges have different defaults, which the API server applies
/// in any order.
pub(super) fn containers<'p>(pod: &'p Pod<'p>, ranges: &'p [LimitRange]) -> Option<Vec<Admitted<'p>>> {
    if pod.has_own_resources() {
        return None;
    }
    let defaults = Defaults::of(ranges)?;
    let seen = pod.everywhere().filter(|container| container.slot != Slot::Ephemeral);
    seen.map(|container| {
        let mut limits = amounts(&container.limits)?;
        let mut requests = limits.clone();
        requests.extend(amounts(&container.requests)?);
        let fill = |into: &mut Amounts<'p>, from: &Amounts<'p>| {
            for (key, quantity) in from {
                into.entry(key).or_insert_with(|| quantity.clone());
            }
        };
        fill(&mut limits, &defaults.limits);
        fill(&mut requests, &defaults.requests);
        Some(Admitted {
            container,
            requests,
            limits,
        })
    })
    .collect()
}

/// What containers get of LimitRanges.
struct Defaults<'p> {
    requests: Amounts<'p>,
    limits: Amounts<'p>,
}

impl<'p> Defaults<'p> {
    fn of(ranges: &'p [LimitRange]) -> Option<Defaults<'p>> {
        let mut all = Defaults {
            requests: Amounts::new(),
            limits: Amounts::new(),
        };
        for range in ranges {
            let mut own = Defaults {
                requests: Amounts::new(),
                limits: Amounts::new(),
            };
            for limits in range.limits.iter().filter(|limits| limits.per == Per::Container) {
                let borrowed = |amounts: &'p BTreeMap<String, Quantity>| {
                    amounts.iter().map(|(key, quantity)| (key.as_str(), quantity.clone()))
                };
                own.limits.extend(borrowed(&limits.default));
                own.requests.extend(borrowed(&limits.default_request));
            }
            join(&mut all.limits, own.limits)?;
            join(&mut all.requests, own.requests)?;
        }
        Some(all)
    }
}

/// Puts amounts together; `None` if they differ in one.
fn join<'p>(all: &mut Amounts<'p>, more: Amounts<'p>) -> Option<()> {
    for (key, quantity) in more {
        if *all.entry(key).or_insert_with(|| quantity.clone()) != quantity {
            return None;
        }
    }
    Some(())
}

fn amounts<'p>(resources: &'p [Resource<'p>]) -> Option<Amounts<'p>> {
    let resources = resources.iter();
    resources
        .map(|resource| {
            let quantity = resource.quantity().filter(|quantity| !quantity.is_negative())?;
            Some((resource.key, quantity.clone()))
        })
        .collect()
}

/// What the containers of a pod come to, by their requests or their limits: those that run together, or the most that they
/// reach while the pod starts.
pub(super) fn total<'p, 'c>(
    containers: impl Iterator<Item = &'c Admitted<'p>>,
    of: fn(&'c Admitted<'p>) -> &'c Amounts<'p>,
) -> Amounts<'p>
where
    'p: 'c,
{
    let (mut sum, mut sidecars, mut peaks) = (Amounts::new(), Amounts::new(), Amounts::new());
    for admitted in containers {
        let is_init = matches!(admitted.container.slot, Slot::Init | Slot::WaitForHead);
        let is_sidecar = admitted.container.is_native_sidecar();
        for (key, quantity) in of(admitted) {
            if is_init && !is_sidecar {
                let beside = sidecars.get(key).unwrap_or(&Quantity::ZERO);
                raise(&mut peaks, key, quantity.saturating_add(beside));
                continue;
            }
            add(&mut sum, key, quantity);
            if is_sidecar {
                add(&mut sidecars, key, quantity);
            }
        }
    }
    for (key, peak) in peaks {
        raise(&mut sum, key, peak);
    }
    sum
}

pub(super) fn add<'p>(sum: &mut Amounts<'p>, key: &'p str, quantity: &Quantity) {
    let sum = sum.entry(key).or_insert(Quantity::ZERO);
    *sum = sum.saturating_add(quantity);
}

fn raise<'p>(most: &mut Amounts<'p>, key: &'p str, quantity: Quantity) {
    let most = most.entry(key).or_insert(Quantity::ZERO);
    if quantity > *most {
        *most = quantity;
    }
}

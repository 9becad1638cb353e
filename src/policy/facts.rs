//! The facts of a platform.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::facts::{Places, Shape};
use crate::k8s::quantity::Quantity;
use crate::k8s::toleration::Taint;
use crate::ray::device::Devices;
use crate::ray::{Kind, KubeRay, version};

use super::origin::Origin;
use super::settings::{Accelerator, CapacitySpec, FlyteSpec, Mode, OPERATORS, QUEUE_CONTROLLERS, TaintSpec, World};

/// Which nodes a platform can have.
#[derive(Clone, Debug, Default)]
pub struct Capacity {
    /// Whether it has no other nodes than those that run, those of Karpenter's NodePools, and those of its pools.
    pub is_closed: bool,
    /// Its pools.
    pub pools: Places,
    /// The names of its pools.
    pub pool_names: BTreeSet<String>,
    /// Whether pods are known not to tolerate the taints of the devices that they request.
    pub device_taints_repel: bool,
}

impl Capacity {
    pub(super) fn of(spec: CapacitySpec) -> Capacity {
        let taint = |taint: TaintSpec| Taint {
            key: taint.key,
            value: taint.value,
            effect: taint.effect,
        };
        let pool_names = spec.pools.keys().cloned().collect();
        let pools = spec.pools.into_values().map(|pool| Shape {
            labels: pool.labels,
            taints: pool.taints.into_iter().map(taint).filter(Taint::repels).collect(),
            allocatable: pool.allocatable,
            count: pool.max_nodes.unwrap_or(u64::MAX),
        });
        Capacity {
            is_closed: spec.world == World::Closed,
            pools: Places::declared(pools.collect()),
            pool_names,
            device_taints_repel: spec.extended_resource_toleration == Some(false),
        }
    }
}

/// The facts of a platform.
#[derive(Clone, Debug, Default)]
pub struct Platform {
    /// The installed KubeRay; the newest release where the platform does not say.
    pub kuberay: KubeRay,
    /// Whether the platform says which KubeRay is installed. An older CRD drops fields that it does not know, so what
    /// only newer ones have is injected only then.
    pub names_kuberay: bool,
    /// Feature gates that differ from the release's defaults.
    pub feature_gates: BTreeMap<String, bool>,
    /// The users that the KubeRay operator runs as; `None` means [`OPERATORS`].
    pub operators: Option<Vec<String>>,
    /// The users that the queue's controllers run as; `None` means [`QUEUE_CONTROLLERS`].
    pub queue_controllers: Option<Vec<String>>,
    /// The Flyte that creates Ray objects.
    pub flyte: FlyteSpec,
    /// The kinds of accelerators.
    pub accelerators: BTreeMap<String, Accelerator>,
    /// Where each of them stands, by its name.
    pub accelerator_origins: BTreeMap<String, Arc<Origin>>,
    /// What the kinds of accelerators and the other devices come to.
    pub devices: Devices,
    /// Which nodes there can be.
    pub capacity: Capacity,
    /// The names of the kinds of Ray objects in Preview.
    pub preview: Vec<String>,
    /// `Preview` puts every kind into Preview.
    pub mode: Mode,
}

impl Platform {
    /// Whether a feature gate of the installed KubeRay is on.
    pub fn gate(&self, name: &str) -> bool {
        self.feature_gates
            .get(name)
            .copied()
            .unwrap_or_else(|| version::gate_default(name, self.kuberay))
    }

    /// Whether the platform says whether a feature gate is on.
    pub fn names_gate(&self, name: &str) -> bool {
        self.feature_gates.contains_key(name)
    }

    /// Whether objects of a kind are neither changed nor denied.
    pub fn previews(&self, kind: &Kind) -> bool {
        self.mode == Mode::Preview || self.preview.iter().any(|name| name == kind.name)
    }

    /// Whether a user is the KubeRay operator.
    pub fn is_operator(&self, user: &str) -> bool {
        is_listed(self.operators.as_deref(), OPERATORS, user)
    }

    /// Whether a user is a controller of the queue.
    pub fn is_queue_controller(&self, user: &str) -> bool {
        is_listed(self.queue_controllers.as_deref(), QUEUE_CONTROLLERS, user)
    }

    /// The users of the controllers, each with what it is: `operator` or `queue`.
    pub fn controllers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let operators = listed(self.operators.as_deref(), OPERATORS).map(|user| ("operator", user));
        let queue = listed(self.queue_controllers.as_deref(), QUEUE_CONTROLLERS).map(|user| ("queue", user));
        operators.chain(queue)
    }

    /// What Flyte's platform gives a container whose author asked for nothing (flyte-core chart: 100m and 500Mi).
    pub fn task_default(&self, resource: &str) -> Option<Quantity> {
        if !self.flyte.task_defaults.is_empty() {
            return self.flyte.task_defaults.get(resource).cloned();
        }
        match resource {
            "cpu" => Quantity::parse("100m").ok(),
            "memory" => Quantity::parse("500Mi").ok(),
            _ => None,
        }
    }
}

/// Whether the platform's list, or the default where it gives none, has a user.
fn is_listed(given: Option<&[String]>, default: &'static [&'static str], user: &str) -> bool {
    listed(given, default).any(|known| known == user)
}

fn listed<'g>(given: Option<&'g [String]>, default: &'static [&'static str]) -> impl Iterator<Item = &'g str> {
    let default = if given.is_none() { default } else { &[] };
    let given = given.unwrap_or_default().iter().map(String::as_str);
    given.chain(default.iter().copied())
}

//! The policy files: their language, how they are read, and what those that match a RayJob come to together.
//!
//! This room parses and merges. It knows neither checks nor injectors: codes and injector names are text here, and
//! whoever loads policies says which ones there are ([`load::Known`]).

pub mod codes;
pub mod exemption;
pub mod json_schema;
pub mod lint;
pub mod load;
pub mod merge;
mod platform;
pub mod read;
pub mod rule;
pub mod schema;
pub mod select;
pub mod settings;

pub use exemption::Exemption;
pub use load::load;
pub use merge::{Effective, Leaf, Origin};
pub use select::Subject;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::k8s::quantity::Quantity;
use crate::ray::{KubeRay, version};

use settings::{Accelerator, FlyteSpec, Mode, OPERATORS, QUEUE_CONTROLLERS};

/// All documents of a set of policy files.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    /// The platform's facts; the defaults where no file has a Platform.
    pub platform: Platform,
    /// The policies, by priority and then by name, lowest first.
    pub policies: Vec<RayPolicy>,
    /// The exemptions, by name.
    pub exemptions: Vec<Exemption>,
    /// The digest over the normalised documents, in hexadecimal.
    pub digest: String,
    /// The digest over those that act: all but the policies in Preview and the disabled ones.
    pub acting_digest: String,
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
    /// The Flyte that creates the RayJobs.
    pub flyte: FlyteSpec,
    /// The kinds of accelerators.
    pub accelerators: BTreeMap<String, Accelerator>,
    /// Where each of them stands, by its name.
    pub accelerator_origins: BTreeMap<String, Arc<Origin>>,
}

impl Platform {
    /// Whether a feature gate of the installed KubeRay is on.
    pub fn gate(&self, name: &str) -> bool {
        self.feature_gates
            .get(name)
            .copied()
            .unwrap_or_else(|| version::gate_default(name, self.kuberay))
    }

    /// The resources that the platform's kinds of accelerators are asked for with.
    pub fn devices(&self) -> Vec<&str> {
        let mut devices: Vec<&str> = self.accelerators.values().map(|kind| kind.resource.as_str()).collect();
        devices.sort_unstable();
        devices.dedup();
        devices
    }

    /// Whether a user is the KubeRay operator.
    pub fn is_operator(&self, user: &str) -> bool {
        is_listed(self.operators.as_deref(), OPERATORS, user)
    }

    /// Whether a user is a controller of the queue.
    pub fn is_queue_controller(&self, user: &str) -> bool {
        is_listed(self.queue_controllers.as_deref(), QUEUE_CONTROLLERS, user)
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
fn is_listed(given: Option<&[String]>, default: &[&str], user: &str) -> bool {
    match given {
        Some(users) => users.iter().any(|known| known == user),
        None => default.contains(&user),
    }
}

/// One policy, read and checked.
#[derive(Clone, Debug)]
pub struct RayPolicy {
    /// Its name, unique.
    pub name: Arc<str>,
    /// What it does with what it finds.
    pub mode: Mode,
    /// The higher wins.
    pub priority: i64,
    /// The RayJobs that it is for.
    pub matches: select::Selector,
    /// The RayJobs that it is not for.
    pub excludes: Vec<select::Selector>,
    /// The injectors that authors may turn off.
    pub allow_skip: Vec<String>,
    /// What it sets: leaves of `defaults`, `force`, `limits` and `actions`, and `roll`.
    pub leaves: Vec<SetLeaf>,
    /// The platform's own rules.
    pub rules: Vec<Arc<rule::Rule>>,
    /// The keys down to leaves of `defaults` and `force` of lower policies that it takes back, with all below them.
    pub unset: Vec<Vec<String>>,
    /// Where it stands.
    pub origin: Arc<Origin>,
}

/// A leaf that a policy sets.
#[derive(Clone, Debug)]
pub struct SetLeaf {
    /// The keys down to it, beginning with `defaults`, `force`, `limits`, `actions` or `roll`.
    pub path: Vec<String>,
    /// Its value.
    pub value: Value,
    /// Where it stands.
    pub origin: Arc<Origin>,
}

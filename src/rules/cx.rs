//! What a check or an injector may look at.

use std::sync::{Arc, LazyLock};

use crate::facts::Known;
use crate::policy::merge::Group;
use crate::policy::settings::Settings;
use crate::policy::{Effective, Leaf, Origin, Platform};
use crate::ray::{KubeRay, Workload};

/// What an injector or a check sees beside the RayJob.
#[derive(Clone, Copy, Debug)]
pub struct Cx<'a> {
    /// What the matching policies come to.
    pub policy: &'a Effective,
    /// The platform's facts.
    pub platform: &'a Platform,
    /// What is known of the cluster.
    pub facts: Known<'a>,
    /// The namespace of the request.
    pub namespace: &'a str,
    /// Whether the object's name is final: not before the API server has completed `generateName`.
    pub named: bool,
    /// Whether the author has turned the injector that runs off: then only what is forced holds.
    pub skipped: bool,
}

pub(super) static NO_SETTINGS: LazyLock<Settings> = LazyLock::new(Settings::default);

/// A setting that holds for this RayJob.
#[derive(Debug)]
pub struct Chosen<'a, T> {
    /// The setting.
    pub value: &'a T,
    /// Whether it replaces what the author wrote.
    pub forced: bool,
    /// The leaf it comes from, for the record.
    pub leaf: Leaf,
}

impl<'a> Cx<'a> {
    /// The setting that `read` finds in `force`, else in `defaults`.
    pub fn setting<T>(
        &self,
        leaf: &'static str,
        read: impl Fn(&'a Settings) -> Option<&'a T>,
    ) -> Option<Chosen<'a, T>> {
        let forced = read(self.settings(true)).map(|value| (value, true));
        forced
            .or_else(|| read(self.settings(false)).map(|value| (value, false)))
            .map(|(value, forced)| Chosen {
                value,
                forced,
                leaf: Leaf::new(forced, leaf),
            })
    }

    /// `force` or `defaults`; nothing of the latter where the author has turned the injector off.
    pub fn settings(&self, forced: bool) -> &'a Settings {
        match forced {
            true => &self.policy.force,
            false if self.skipped => LazyLock::force(&NO_SETTINGS),
            false => &self.policy.defaults,
        }
    }

    /// Where what a change follows stands: in a policy, or in the Platform.
    pub fn leaf_origin(&self, leaf: &Leaf) -> Option<Arc<Origin>> {
        match leaf.group {
            Group::Platform => {
                let kind = leaf.path.split_once('.').map(|(_, kind)| kind)?;
                self.platform.accelerator_origins.get(kind).map(Arc::clone)
            }
            Group::Defaults | Group::Force => self.policy.origin(leaf),
        }
    }

    /// The installed KubeRay.
    pub fn kuberay(&self) -> KubeRay {
        self.platform.kuberay
    }

    /// Whether a feature gate of the installed KubeRay is on.
    pub fn gate(&self, name: &str) -> bool {
        self.platform.gate(name)
    }

    /// Whether the author has turned an injector off, where a policy lets them.
    pub fn skips(&self, job: &Workload<'_>, injector: &str) -> bool {
        self.policy.allow_skip.contains(injector)
            && job
                .annotation(SKIP_ANNOTATION)
                .is_some_and(|names| names.split(',').any(|name| name.trim() == injector))
    }
}

/// The annotation with which an author turns injectors off, by name, separated by commas.
pub const SKIP_ANNOTATION: &str = "raygate.dev/skip";

//! An immutable set of policies, compiled with the checks that hold for its platform.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use crate::policy::load::{Known, KnownCode, Source};
use crate::policy::select::{Selected, select};
use crate::policy::settings::Action;
use crate::policy::{self, Effective, Platform, PolicySet, Subject, merge};
use crate::ray::{RayJob, flyte};
use crate::rules::{Check, INJECTORS, check};

/// The shipped policies: the file's name and text.
pub const EMBEDDED: &[(&str, &str)] = &[("policies/default.yaml", include_str!("../../policies/default.yaml"))];

/// How many different sets of matching policies are remembered.
const REMEMBERED: usize = 1024;

/// The policies that are for a subject, by their position, and whether each may loosen.
type Matching = Vec<(usize, bool, bool)>;

/// Policies, compiled. A request holds one from start to end.
#[derive(Debug)]
pub struct Bundle {
    set: PolicySet,
    checks: Vec<&'static Check>,
    compiled: RwLock<HashMap<Matching, Arc<Compiled>>>,
}

/// What one set of matching policies comes to.
#[derive(Debug)]
pub struct Compiled {
    /// The merged policies.
    pub effective: Effective,
    /// The checks that are looked at, with what happens to their findings.
    pub checks: Vec<(&'static Check, Action)>,
}

impl Compiled {
    /// What happens to the findings of a check; `Ignore` where it is not looked at.
    pub fn action(&self, check: &Check) -> Action {
        self.checks
            .iter()
            .find(|(known, _)| known.code == check.code)
            .map_or(Action::Ignore, |(_, action)| *action)
    }
}

impl Bundle {
    /// Compiles a set of policies.
    pub fn new(set: PolicySet) -> Bundle {
        let checks = check::all()
            .filter(|check| check.versions.hold(&set.platform))
            .collect();
        Bundle {
            set,
            checks,
            compiled: RwLock::default(),
        }
    }

    /// The shipped policies.
    pub fn embedded() -> Bundle {
        let sources: Vec<Source> = EMBEDDED.iter().map(|(name, text)| Source::new(name, text)).collect();
        Bundle::new(policy::load(&sources, &known()).set)
    }

    /// KubeRay's own rules alone, for where the policies cannot be used. Its digest is a word: no set of documents has it.
    pub fn kuberay_only() -> Bundle {
        let mut bundle = Bundle::new(PolicySet {
            digest: "kuberay-only".to_owned(),
            ..PolicySet::default()
        });
        bundle.checks.retain(|check| check.code.starts_with("RG1"));
        bundle
    }

    /// The platform's facts.
    pub fn platform(&self) -> &Platform {
        &self.set.platform
    }

    /// The policies.
    pub fn policies(&self) -> &PolicySet {
        &self.set
    }

    /// The digest over the normalised documents, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.set.digest
    }

    /// The first twelve digits of the digest, which logs and annotations carry.
    pub fn short_digest(&self) -> &str {
        self.set.digest.get(..12).unwrap_or(&self.set.digest)
    }

    /// Who will send an object that does not say so itself: Flyte's first service account for a RayJob that Flyte made,
    /// else nobody.
    pub fn likely_user(&self, object: &Value) -> &str {
        let accounts = &self.platform().flyte.service_accounts;
        accounts
            .first()
            .filter(|_| flyte::made_by_flyte(&RayJob::of(object)))
            .map_or("", String::as_str)
    }

    /// What the policies for a subject and its RayJob come to.
    pub fn compiled(&self, subject: &Subject, job: &RayJob<'_>) -> Arc<Compiled> {
        let selected = select(&self.set, subject, &subject.session(job, None, self.platform()));
        let key: Matching = selected
            .iter()
            .map(|one| (self.position(one), one.trusted, one.certain))
            .collect();
        if let Some(compiled) = self.compiled.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(compiled);
        }
        let effective = merge::merge(&selected);
        let checks = self
            .checks
            .iter()
            .map(|check| (*check, action_of(check, &effective)))
            .filter(|(_, action)| *action != Action::Ignore)
            .collect();
        let compiled = Arc::new(Compiled { effective, checks });
        let mut remembered = self.compiled.write().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, Arc::clone(&compiled));
        compiled
    }

    fn position(&self, selected: &Selected<'_>) -> usize {
        self.set
            .policies
            .iter()
            .position(|policy| std::ptr::eq(policy, selected.policy))
            .unwrap_or(usize::MAX)
    }
}

/// What happens to the findings of a check: what the policies say, else its own action.
fn action_of(check: &Check, effective: &Effective) -> Action {
    match effective.actions.get(check.code) {
        Some(action) if effective.advisory_actions.contains(check.code) => check.action.max(*action),
        Some(action) => *action,
        None => check.action,
    }
}

/// The names that policy files may use of the checks and injectors.
pub fn known() -> Known {
    Known {
        codes: check::all()
            .map(|check| KnownCode {
                code: check.code,
                fixes: check.fixes,
                // A RayJob that KubeRay refuses is not helped by passing here.
                waivable: !check.code.starts_with("RG1"),
            })
            .collect(),
        injectors: INJECTORS.iter().map(|injector| injector.name).collect(),
    }
}

//! An immutable set of policies, compiled with the checks that hold for its platform.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::json::Json;
use crate::policy::load::{Known, KnownCode, Source};
use crate::policy::select::{Selected, select};
use crate::policy::selector::Fit;
use crate::policy::settings::{Action, Mode, Selecting};
use crate::policy::{self, Effective, Exemption, Platform, PolicySet, RayPolicy, Subject, merge};
use crate::ray::{Workload, flyte};
use crate::rules::{Check, INJECTORS, check};

/// The shipped policies: the file's name and text.
pub const EMBEDDED: &[(&str, &str)] = &[("policies/default.yaml", include_str!("../../policies/default.yaml"))];

/// The shipped policies, to be loaded.
pub fn embedded() -> Vec<Source> {
    EMBEDDED.iter().map(|(name, text)| Source::new(name, text)).collect()
}

/// How many different sets of matching policies are remembered.
const REMEMBERED: usize = 1024;

/// The policies that are for a subject, by their position, with whether each may loosen, whether it surely is for the subject, and
/// what the namespace says of it; and the exemptions that hold, by theirs.
type Matching = (Vec<(usize, bool, bool, Fit)>, Vec<usize>);

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
    /// Those of them whose findings are repaired, in the order of the repairs.
    pub repairs: Vec<&'static Check>,
    /// What would hold without the exemptions that raise limits, where there are any.
    pub unraised: Option<Unraised>,
    /// For each policy in Preview, its name and what holds with it.
    pub previews: Vec<(Arc<str>, Compiled)>,
}

/// What would hold if no exemption raised a limit.
#[derive(Debug)]
pub struct Unraised {
    /// The merged policies.
    pub effective: Effective,
    /// The checks of the raised limits.
    pub checks: Vec<&'static Check>,
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
        Bundle::new(policy::load(&embedded(), &known()).set)
    }

    /// The same policies with the kinds of these names in Preview too.
    #[must_use]
    pub fn previewing(mut self, kinds: &[String]) -> Bundle {
        self.set.platform.preview.extend_from_slice(kinds);
        self
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

    /// The first twelve digits of the digest over what acts. It stands in what is written into objects: a policy in
    /// Preview changes nothing there.
    pub fn short_acting_digest(&self) -> &str {
        self.set.acting_digest.get(..12).unwrap_or(&self.set.acting_digest)
    }

    /// The first twelve digits of the digest, which logs and annotations carry.
    pub fn short_digest(&self) -> &str {
        self.set.digest.get(..12).unwrap_or(&self.set.digest)
    }

    /// Who will send an object that does not say so itself: Flyte's first service account for a RayJob that Flyte made,
    /// else nobody.
    pub fn likely_user(&self, object: Json<'_>) -> &str {
        let accounts = &self.platform().flyte.service_accounts;
        accounts
            .first()
            .filter(|_| flyte::made_by_flyte(&Workload::of(object)))
            .map_or("", String::as_str)
    }

    /// What the policies for a subject and its RayJob come to.
    pub fn compiled(&self, subject: &Subject, job: &Workload<'_>) -> Arc<Compiled> {
        let selected = select(&self.set, subject, &subject.seen(job, self.platform()));
        let policies = selected
            .iter()
            .map(|one| (self.position(one), one.trusted, one.certain, one.meant))
            .collect();
        let exemptions = self.set.exemptions.iter().enumerate();
        let exemptions = exemptions.filter(|(_, exemption)| exemption.holds(subject));
        let key: Matching = (policies, exemptions.map(|(position, _)| position).collect());
        if let Some(compiled) = self.compiled.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(compiled);
        }
        let compiled = Arc::new(self.compile(&selected, &key.1));
        let mut remembered = self.compiled.write().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, Arc::clone(&compiled));
        compiled
    }

    fn compile(&self, selected: &[Selected<'_>], exemptions: &[usize]) -> Compiled {
        let exemptions: Vec<&Exemption> = exemptions
            .iter()
            .filter_map(|position| self.set.exemptions.get(*position))
            .collect();
        let acting = |previewed: Option<&RayPolicy>| -> Vec<Selected<'_>> {
            let acts = |policy: &RayPolicy| {
                policy.mode == Mode::Enforce || previewed.is_some_and(|previewed| previewed.name == policy.name)
            };
            selected.iter().filter(|one| acts(one.policy)).copied().collect()
        };
        let previewed = selected.iter().filter(|one| one.policy.mode == Mode::Preview);
        Compiled {
            previews: previewed
                .map(|one| {
                    let with = self.together(&acting(Some(one.policy)), &exemptions);
                    (Arc::clone(&one.policy.name), with)
                })
                .collect(),
            ..self.together(&acting(None), &exemptions)
        }
    }

    /// What policies come to that all act.
    fn together(&self, acting: &[Selected<'_>], exemptions: &[&Exemption]) -> Compiled {
        let mut effective = merge::merge(acting, exemptions);
        let mut checks: Vec<(&Check, Action)> = self
            .checks
            .iter()
            .map(|check| (*check, action_of(check, self.platform(), &effective)))
            .filter(|(_, action)| *action != Action::Ignore)
            .collect();
        let raised: Vec<&Check> = checks
            .iter()
            .filter(|(_, action)| *action > Action::Audit)
            .map(|(check, _)| *check)
            .filter(|check| check.limit().is_some_and(|limit| effective.raised_at(limit).is_some()))
            .collect();
        let rules = &effective.rules;
        effective.waived.retain(|code, _| {
            // Of two exemptions the stricter wins: one that raises a limit still holds it.
            let is_raised = raised.iter().any(|check| check.code == &**code);
            let has_effect = checks
                .iter()
                .map(|(check, action)| (check.code, *action))
                .chain(rules.iter().map(|rule| (&*rule.code, rule.action)))
                .any(|(known, action)| known == &**code && action > Action::Audit);
            has_effect && !is_raised
        });
        for (check, action) in &mut checks {
            if effective.waived.contains_key(check.code) {
                *action = Action::Audit;
            }
        }
        let is_repaired = |check: &Check| {
            let is_it = |(known, action): &(&Check, Action)| known.code == check.code && *action == Action::Fix;
            checks.iter().any(is_it)
        };
        Compiled {
            repairs: check::REPAIRS
                .iter()
                .copied()
                .filter(|check| is_repaired(check))
                .collect(),
            unraised: (!raised.is_empty()).then(|| Unraised {
                effective: merge::merge(acting, &[]),
                checks: raised,
            }),
            effective,
            checks,
            previews: vec![],
        }
    }

    fn position(&self, selected: &Selected<'_>) -> usize {
        self.set
            .policies
            .iter()
            .position(|policy| std::ptr::eq(policy, selected.policy))
            .unwrap_or(usize::MAX)
    }
}

/// What happens to the findings of a check: what the policies say, else its own action on this platform. `limits.unknownDevices` is the
/// own action of the check for devices that cannot be counted, and `limits.clusterSelector` that of the check for selected
/// clusters.
fn action_of(check: &Check, platform: &Platform, effective: &Effective) -> Action {
    let limits = &effective.limits;
    let own = match check.limit() {
        Some("unknownDevices") => limits.unknown_devices.unwrap_or(check.action),
        Some("clusterSelector") if limits.cluster_selector == Some(Selecting::Forbid) => Action::Deny,
        _ => check.action_on(platform),
    };
    match effective.actions.get(check.code) {
        Some(action) if effective.advisory_actions.contains(check.code) => own.max(*action),
        Some(action) => *action,
        None => own,
    }
}

/// The names that policy files may use of the checks and injectors.
pub fn known() -> Known {
    Known {
        codes: check::FAMILIES
            .iter()
            .flat_map(|family| family.checks.iter().map(move |check| (family, check)))
            .map(|(family, check)| KnownCode {
                code: check.code,
                fixes: check.fixes,
                action: check.action,
                never_waived: family.never_waived.or_else(|| check.never_waived()),
            })
            .collect(),
        injectors: INJECTORS.iter().map(|injector| injector.name).collect(),
    }
}

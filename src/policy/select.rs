//! Which policies are for a RayJob.

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::Value;

use crate::cel::{Here, Inputs, Meter, Program, Session};
use crate::ray::RayJob;
use crate::ray::flyte::Identity;

use super::glob::Glob;
use super::{Platform, PolicySet, RayPolicy};

/// Who asks, for what: all that policies select by.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// What the object says of its Flyte execution.
    pub identity: Identity,
    /// Whether the identity is more than the object's own word: a Flyte service account sent it, into the namespace
    /// of its project and domain.
    pub verified: bool,
    /// The namespace.
    pub namespace: String,
    /// The Kubernetes user of the request.
    pub user: String,
    /// `CREATE` or `UPDATE`.
    pub operation: &'static str,
    /// The day of the request, UTC: exemptions end.
    pub today: Date,
}

impl Subject {
    /// A subject, verified against what the platform says of Flyte.
    pub fn new(identity: Identity, namespace: &str, user: &str, platform: &Platform) -> Subject {
        let flyte = &platform.flyte;
        let fits_namespace = flyte.namespace.as_ref().is_none_or(|template| {
            template
                .replace("{project}", &identity.project)
                .replace("{domain}", &identity.domain)
                == namespace
        });
        let verified = flyte.service_accounts.iter().any(|account| account == user) && fits_namespace;
        Subject {
            identity,
            verified,
            namespace: namespace.to_owned(),
            user: user.to_owned(),
            operation: "CREATE",
            today: Date::default(),
        }
    }

    /// The variables of expressions about a RayJob that this subject asks for.
    pub fn session<'a>(&'a self, job: &'a RayJob<'a>, old: Option<&'a Value>, platform: &'a Platform) -> Session<'a> {
        Session::new(Inputs {
            job,
            old,
            identity: &self.identity,
            verified: self.verified,
            operation: self.operation,
            namespace: &self.namespace,
            user: &self.user,
            kuberay: platform.kuberay,
            flyte: platform.flyte.version.as_deref().unwrap_or_default(),
        })
    }
}

/// `match`, or an entry of `exclude`: every key that is given must fit, each through one of its patterns.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Patterns by key; the keys are those of [`super::schema::SELECTOR`].
    pub patterns: Vec<(Key, Vec<Glob>)>,
    /// The expression that must be true too.
    pub when: Option<Arc<Program>>,
}

/// Whether a selector fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Its expression has no value.
    Unknown,
}

/// What a pattern is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The Flyte project.
    Projects,
    /// The Flyte domain.
    Domains,
    /// The Flyte workflow.
    Workflows,
    /// The Flyte task.
    Tasks,
    /// The namespace.
    Namespaces,
    /// The Kubernetes user.
    Users,
}

impl Key {
    /// The key of `match` with this name.
    pub fn of(name: &str) -> Option<Key> {
        Some(match name {
            "projects" => Key::Projects,
            "domains" => Key::Domains,
            "workflows" => Key::Workflows,
            "tasks" => Key::Tasks,
            "namespaces" => Key::Namespaces,
            "users" => Key::Users,
            _ => return None,
        })
    }

    /// What the subject has under this key.
    pub fn read(self, subject: &Subject) -> &str {
        match self {
            Key::Projects => &subject.identity.project,
            Key::Domains => &subject.identity.domain,
            Key::Workflows => &subject.identity.workflow,
            Key::Tasks => &subject.identity.task,
            Key::Namespaces => &subject.namespace,
            Key::Users => &subject.user,
        }
    }

    /// Whether it rests on what the object says of itself.
    pub fn is_advisory(self) -> bool {
        !matches!(self, Key::Namespaces | Key::Users)
    }
}

impl Selector {
    /// Whether every key has a pattern that fits the subject.
    pub fn names(&self, subject: &Subject) -> bool {
        self.patterns.iter().all(|(key, globs)| {
            let value = key.read(subject);
            globs.iter().any(|glob| glob.matches(value))
        })
    }

    /// Whether the subject fits.
    pub fn fit(&self, subject: &Subject, session: &Session<'_>) -> Fit {
        match &self.when {
            _ if !self.names(subject) => Fit::No,
            None => Fit::Yes,
            Some(when) => match when.holds(session, Here::Job, &Arc::new(Meter::default())) {
                Ok(true) => Fit::Yes,
                Ok(false) => Fit::No,
                Err(_) => Fit::Unknown,
            },
        }
    }

    /// Whether the match rests on nothing that the object alone says.
    pub fn is_trusted(&self, subject: &Subject) -> bool {
        let is_advisory = self.patterns.iter().any(|(key, _)| key.is_advisory())
            || self.when.as_ref().is_some_and(|when| when.uses_identity());
        subject.verified || !is_advisory
    }

    /// Whether surely no subject fits both: for some key, each pattern of one excludes each of the other.
    pub fn is_disjoint(&self, other: &Selector) -> bool {
        self.patterns.iter().any(|(key, mine)| {
            other.patterns.iter().any(|(other_key, theirs)| {
                key == other_key
                    && mine
                        .iter()
                        .all(|glob| theirs.iter().all(|other| glob.is_disjoint(other)))
            })
        })
    }
}

/// A policy that is for a subject.
#[derive(Clone, Copy, Debug)]
pub struct Selected<'a> {
    /// The policy.
    pub policy: &'a RayPolicy,
    /// Whether it may loosen what others say: it was selected by nothing that the object alone says.
    pub trusted: bool,
    /// Whether it surely is for the subject: all its expressions had a value. Else it may only tighten.
    pub certain: bool,
}

/// The policies that are for a subject, lowest priority first.
pub fn select<'a>(set: &'a PolicySet, subject: &Subject, session: &Session<'_>) -> Vec<Selected<'a>> {
    let selected = |policy: &'a RayPolicy| {
        let fit = policy.matches.fit(subject, session);
        if fit == Fit::No {
            return None;
        }
        // An exclusion loosens, so the object's own word is not enough for it.
        let excluded: Vec<Fit> = policy
            .excludes
            .iter()
            .filter(|selector| selector.is_trusted(subject))
            .map(|selector| selector.fit(subject, session))
            .collect();
        if excluded.contains(&Fit::Yes) {
            return None;
        }
        let certain = fit == Fit::Yes && !excluded.contains(&Fit::Unknown);
        let trusted = certain && policy.matches.is_trusted(subject);
        Some(Selected {
            policy,
            trusted,
            certain,
        })
    };
    set.policies.iter().filter_map(selected).collect()
}

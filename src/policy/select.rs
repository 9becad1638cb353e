//! Which policies are for a RayJob.

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
        }
    }
}

/// `match`, or an entry of `exclude`: every key that is given must fit, each through one of its patterns.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Patterns by key; the keys are those of [`super::schema::SELECTOR`].
    pub patterns: Vec<(Key, Vec<Glob>)>,
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
    /// Whether the subject fits.
    pub fn matches(&self, subject: &Subject) -> bool {
        self.patterns.iter().all(|(key, globs)| {
            let value = key.read(subject);
            globs.iter().any(|glob| glob.matches(value))
        })
    }

    /// Whether the match rests on nothing that the object alone says.
    pub fn is_trusted(&self, subject: &Subject) -> bool {
        subject.verified || !self.patterns.iter().any(|(key, _)| key.is_advisory())
    }

    /// Whether no subject at all can fit both: some key has only literal, and only different, patterns in both.
    pub fn is_disjoint(&self, other: &Selector) -> bool {
        self.patterns.iter().any(|(key, mine)| {
            other.patterns.iter().any(|(other_key, theirs)| {
                key == other_key
                    && mine.iter().chain(theirs).all(Glob::is_literal)
                    && !mine.iter().any(|glob| theirs.contains(glob))
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
}

/// The policies that are for a subject, lowest priority first.
pub fn select<'a>(set: &'a PolicySet, subject: &Subject) -> Vec<Selected<'a>> {
    set.policies
        .iter()
        .filter(|policy| policy.matches.matches(subject))
        .filter(|policy| !policy.excludes.iter().any(|selector| selector.matches(subject)))
        .map(|policy| {
            let trusted = policy.matches.is_trusted(subject)
                && policy.excludes.iter().all(|selector| selector.is_trusted(subject));
            Selected { policy, trusted }
        })
        .collect()
}

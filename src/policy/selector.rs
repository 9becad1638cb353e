//! Who asks, and the patterns that select by that.

use std::sync::Arc;

use jiff::civil::Date;

use crate::cel::{Here, Inputs, Meter, Program, Session};
use crate::diag::Span;
use crate::json::Json;
use crate::k8s::glob::Glob;
use crate::ray::Workload;
use crate::ray::flyte::Identity;
use crate::ray::kind::RAY_JOB;

use super::Platform;

/// Who asks, for what: all that policies select by.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// What the object says of its Flyte execution.
    pub identity: Identity,
    /// Whether the identity is more than the object's own word: a Flyte service account sent it, into the namespace
    /// of its project and domain.
    pub verified: bool,
    /// Where nothing is verified: the identity with each project and domain that the namespace may belong to.
    pub places: Vec<Identity>,
    /// The namespace.
    pub namespace: String,
    /// The Kubernetes user of the request.
    pub user: String,
    /// The kind of the object: `RayJob`.
    pub kind: &'static str,
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
        let places = match &flyte.namespace {
            Some(template) if !verified => places(template, namespace, &identity),
            _ => vec![],
        };
        Subject {
            identity,
            verified,
            places,
            namespace: namespace.to_owned(),
            user: user.to_owned(),
            kind: RAY_JOB.name,
            operation: "CREATE",
            today: Date::default(),
        }
    }

    /// The variables of expressions about a RayJob that this subject asks for.
    pub fn session<'a>(&'a self, job: &'a Workload<'a>, old: Option<Json<'a>>, platform: &'a Platform) -> Session<'a> {
        self.session_as(&self.identity, job, old, platform)
    }

    /// The variables of `when`.
    pub fn seen<'a>(&'a self, job: &'a Workload<'a>, platform: &'a Platform) -> Seen<'a> {
        let place = |identity| self.session_as(identity, job, None, platform);
        Seen {
            own: self.session(job, None, platform),
            places: self.places.iter().map(place).collect(),
        }
    }

    fn session_as<'a>(
        &'a self,
        identity: &'a Identity,
        job: &'a Workload<'a>,
        old: Option<Json<'a>>,
        platform: &'a Platform,
    ) -> Session<'a> {
        Session::new(Inputs {
            job,
            old,
            identity,
            verified: self.verified,
            operation: self.operation,
            namespace: &self.namespace,
            user: &self.user,
            kuberay: platform.kuberay,
            devices: &platform.devices,
            flyte: platform.flyte.version.as_deref().unwrap_or_default(),
        })
    }
}

/// What the expressions of policies see of an object.
#[derive(Debug)]
pub struct Seen<'a> {
    /// With the project and domain that the object names.
    pub own: Session<'a>,
    /// With those of each of [`Subject::places`].
    pub(super) places: Vec<Session<'a>>,
}

/// `match`, or an entry of `exclude`: every key that is given must fit, each through one of its patterns.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Patterns by key; the keys are those of [`super::schema::SELECTOR`].
    pub patterns: Vec<(Key, Vec<Glob>)>,
    /// The expression that must be true too.
    pub when: Option<Arc<Program>>,
    /// Where that stands.
    pub when_span: Option<Span>,
}

/// Whether a selector fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// The kind of the object.
    Kinds,
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
            "kinds" => Key::Kinds,
            _ => return None,
        })
    }

    /// What the subject has under this key.
    pub fn read(self, subject: &Subject) -> &str {
        self.read_as(subject, &subject.identity)
    }

    /// The same with another identity.
    fn read_as<'s>(self, subject: &'s Subject, identity: &'s Identity) -> &'s str {
        match self {
            Key::Projects => &identity.project,
            Key::Domains => &identity.domain,
            Key::Workflows => &identity.workflow,
            Key::Tasks => &identity.task,
            Key::Namespaces => &subject.namespace,
            Key::Users => &subject.user,
            Key::Kinds => subject.kind,
        }
    }

    /// Whether the author of a task chooses it, whoever sends the object.
    pub fn is_authors(self) -> bool {
        matches!(self, Key::Workflows | Key::Tasks)
    }

    /// Whether it rests on what the object says of itself.
    pub fn is_advisory(self) -> bool {
        !matches!(self, Key::Namespaces | Key::Users | Key::Kinds)
    }
}

impl Selector {
    /// Whether every key has a pattern that fits the subject.
    pub fn names(&self, subject: &Subject) -> bool {
        self.missed(subject).is_none()
    }

    /// The first key none of whose patterns fits the subject, with these.
    pub(super) fn missed(&self, subject: &Subject) -> Option<(Key, &[Glob])> {
        let missed = self
            .patterns
            .iter()
            .find(|(key, globs)| !any_matches(globs, key.read(subject)));
        missed.map(|(key, globs)| (*key, globs.as_slice()))
    }

    /// Whether it fits with the projects and domains that the namespace may belong to: with each of them, with none, or with
    /// some or perhaps.
    pub(super) fn meant(&self, subject: &Subject, seen: &Seen<'_>) -> Fit {
        let uses_identity = self.when.as_ref().is_some_and(|when| when.uses_identity());
        let mut meant = None;
        for (identity, place) in subject.places.iter().zip(&seen.places) {
            let named = |(key, globs): &(Key, Vec<Glob>)| any_matches(globs, key.read_as(subject, identity));
            let fit = match self.patterns.iter().all(named) {
                true if uses_identity => self.when_fits(place),
                true => self.when_fits(&seen.own),
                false => Fit::No,
            };
            if meant.replace(fit).is_some_and(|before| before != fit) {
                return Fit::Unknown;
            }
        }
        meant.unwrap_or(Fit::No)
    }

    /// Whether the expression is true.
    pub(super) fn when_fits(&self, session: &Session<'_>) -> Fit {
        match &self.when {
            None => Fit::Yes,
            Some(when) => match when.holds(session, Here::Job, &Arc::new(Meter::default())) {
                Ok(true) => Fit::Yes,
                Ok(false) => Fit::No,
                Err(_) => Fit::Unknown,
            },
        }
    }

    /// Whether the subject fits.
    pub fn fit(&self, subject: &Subject, session: &Session<'_>) -> Fit {
        if self.names(subject) {
            self.when_fits(session)
        } else {
            Fit::No
        }
    }

    /// Whether the match rests on nothing that the object alone says. Workflow and task are the author's word even where
    /// Flyte sends the object, so they need another key beside them.
    pub fn is_trusted(&self, subject: &Subject) -> bool {
        let is_advisory = self.patterns.iter().any(|(key, _)| key.is_advisory())
            || self.when.as_ref().is_some_and(|when| when.uses_identity());
        let mut naming = self.patterns.iter().filter(|(key, _)| *key != Key::Kinds).peekable();
        let names_author_only = naming.peek().is_some() && naming.all(|(key, _)| key.is_authors());
        let is_forged = subject.identity.is_disputed && self.patterns.iter().any(|(key, _)| key.is_authors());
        !names_author_only && !is_forged && (subject.verified || !is_advisory)
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

pub(super) fn any_matches(globs: &[Glob], value: &str) -> bool {
    globs.iter().any(|glob| glob.matches(value))
}

/// The parts of the template of Flyte's namespaces, with the keys that they say.
pub(super) const PARTS: [(Key, &str); 2] = [(Key::Projects, "{project}"), (Key::Domains, "{domain}")];

/// The identity with each project and domain that a namespace may belong to by the Platform's template. With
/// `{project}-{domain}` the namespace `a-b-c` may be that of `a` and `b-c`, or of `a-b` and `c`. What the template does not
/// say remains the object's word.
fn places(template: &str, namespace: &str, identity: &Identity) -> Vec<Identity> {
    let mut parts: Vec<(usize, Key, &str)> = PARTS
        .iter()
        .filter_map(|(key, part)| Some((template.find(part)?, *key, *part)))
        .collect();
    parts.sort_by_key(|(at, ..)| *at);
    let cut = |from: usize, to: usize| template.get(from..to).unwrap_or_default();
    let (Some((start, first, part)), last) = (parts.first().copied(), parts.last().copied()) else {
        return vec![];
    };
    let end = last.map_or(0, |(at, _, part)| at + part.len());
    let between = last.map_or("", |(at, ..)| cut(start + part.len(), at));
    let (before, after) = (cut(0, start), cut(end, template.len()));
    let Some(inner) = namespace.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) else {
        return vec![];
    };
    let with = |values: &[(Key, &str)]| {
        let mut identity = identity.clone();
        for (key, value) in values {
            let part = match key {
                Key::Projects => &mut identity.project,
                _ => &mut identity.domain,
            };
            (*value).clone_into(part);
        }
        identity
    };
    let Some((_, second, _)) = last.filter(|_| parts.len() > 1) else {
        return vec![with(&[(first, inner)])];
    };
    let splits = inner.char_indices().filter_map(|(at, _)| {
        let (left, right) = inner.split_at_checked(at)?;
        let right = right.strip_prefix(between)?;
        (!left.is_empty() && !right.is_empty()).then(|| with(&[(first, left), (second, right)]))
    });
    splits.collect()
}

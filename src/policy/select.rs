//! Which policies are for an object.

use crate::k8s::glob::Glob;

use super::selector::{Fit, Key, Seen, Subject};
use super::{PolicySet, RayPolicy};

/// A policy that is for a subject.
#[derive(Clone, Copy, Debug)]
pub struct Selected<'a> {
    /// The policy.
    pub policy: &'a RayPolicy,
    /// Whether it may loosen what others say: it was selected by nothing that the object alone says.
    pub trusted: bool,
    /// Whether it surely is for the subject: all its expressions had a value. Else it may only tighten.
    pub certain: bool,
    /// Whether it is for the projects and domains that the namespace may belong to: for each, for some, or for none.
    pub meant: Fit,
}

impl Selected<'_> {
    /// Whether what it forces holds: it surely is for the subject, or for a project and domain that the namespace may belong to.
    pub fn forces(&self) -> bool {
        self.certain || self.meant != Fit::No
    }

    /// Whether the object's own word takes back nothing that it says: the namespace alone says that it is for the subject.
    pub fn is_placed(&self) -> bool {
        self.certain && self.meant == Fit::Yes
    }
}

/// What becomes of a policy for a subject.
#[derive(Clone, Copy, Debug)]
pub enum Decision<'a> {
    /// It is, or may be, for the subject.
    For(Selected<'a>),
    /// None of these patterns fits what the subject has under the key.
    Missed(Key, &'a [Glob]),
    /// Its `when` is false.
    False,
    /// The entry of `exclude` at this position fits.
    Excluded(usize),
}

/// What becomes of a policy for a subject.
pub fn decide<'a>(policy: &'a RayPolicy, subject: &Subject, seen: &Seen<'_>) -> Decision<'a> {
    let missed = policy.matches.missed(subject);
    let fit = match missed {
        None => policy.matches.when_fits(&seen.own),
        Some(_) => Fit::No,
    };
    // The object says otherwise, but where it is sent says that it is, or may be: it does not escape a limit by a label.
    let meant = policy.matches.meant(subject, seen);
    let fit = match (fit, meant) {
        (Fit::No, Fit::Yes) => Fit::Yes,
        (Fit::No, Fit::Unknown) => Fit::Unknown,
        (fit, _) => fit,
    };
    if fit == Fit::No {
        return missed.map_or(Decision::False, |(key, globs)| Decision::Missed(key, globs));
    }
    // An exclusion loosens, so the object's own word is not enough for it.
    let mut uncertain = fit == Fit::Unknown;
    for (position, selector) in policy.excludes.iter().enumerate() {
        if !selector.is_trusted(subject) {
            continue;
        }
        match selector.fit(subject, &seen.own) {
            Fit::Yes => return Decision::Excluded(position),
            Fit::Unknown => uncertain = true,
            Fit::No => {}
        }
    }
    Decision::For(Selected {
        policy,
        trusted: !uncertain && policy.matches.is_trusted(subject),
        certain: !uncertain,
        meant,
    })
}

/// The policies that are for a subject, lowest priority first.
pub fn select<'a>(set: &'a PolicySet, subject: &Subject, seen: &Seen<'_>) -> Vec<Selected<'a>> {
    let selected = |policy: &'a RayPolicy| match decide(policy, subject, seen) {
        Decision::For(selected) => Some(selected),
        Decision::Missed(..) | Decision::False | Decision::Excluded(_) => None,
    };
    set.policies.iter().filter_map(selected).collect()
}

//! What came of each object, and of all.

use std::collections::BTreeMap;

use crate::engine::{Outcome, Verdict};
use crate::policy::settings::Action;
use crate::ray::Kind;
use crate::rules::check::cluster::CHECKS;

/// An object of the cluster, judged as if it were created now.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) kind: &'static Kind,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) outcome: Outcome<'static>,
}

impl Scanned {
    /// Whether there is anything to say of it: it would be refused, warned of, or changed.
    pub(super) fn is_notable(&self) -> bool {
        self.outcome.verdict != Verdict::Allow || self.outcome.document.is_changed() || self.warns()
    }

    pub(super) fn warns(&self) -> bool {
        self.outcome.findings.iter().any(|judged| judged.action == Action::Warn)
    }

    /// What the policies would answer.
    pub(super) fn verdict(&self) -> &'static str {
        match self.outcome.verdict {
            Verdict::Allow => "allowed",
            Verdict::Deny => "denied",
            Verdict::Retry => "retry",
        }
    }
}

/// The objects of a kind, and how many there are of each.
#[derive(Debug)]
pub(super) struct Total {
    pub(super) kind: &'static Kind,
    pub(super) objects: usize,
    pub(super) denied: usize,
    pub(super) warned: usize,
    pub(super) changed: usize,
    /// RayClusters that KubeRay made from other objects of the scan. They are not judged, as at their creation.
    pub(super) children: usize,
}

impl Total {
    pub(super) fn of(kind: &'static Kind) -> Self {
        Self {
            kind,
            objects: 0,
            denied: 0,
            warned: 0,
            changed: 0,
            children: 0,
        }
    }

    pub(super) fn count(&mut self, scanned: &Scanned) {
        self.objects += 1;
        self.denied += usize::from(scanned.outcome.verdict == Verdict::Deny);
        self.warned += usize::from(scanned.warns());
        self.changed += usize::from(scanned.outcome.document.is_changed());
    }
}

/// Objects of a namespace that the cluster can never run, by what is known of it, for one reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Never {
    pub(super) namespace: String,
    pub(super) code: &'static str,
    /// What must be true, and is not.
    pub(super) title: &'static str,
    pub(super) objects: usize,
}

/// What a scan found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The objects to list.
    pub(super) listed: Vec<Scanned>,
    /// One for each kind that the cluster serves.
    pub(super) totals: Vec<Total>,
}

impl Found {
    /// What the cluster can never run, by namespace and reason: the findings by facts that deny or warn.
    pub(super) fn never(&self) -> Vec<Never> {
        let mut counts: BTreeMap<(&str, &'static str), (&'static str, usize)> = BTreeMap::new();
        for scanned in &self.listed {
            for check in CHECKS {
                let mut findings = scanned.outcome.findings.iter();
                if findings.any(|judged| judged.code() == check.code && judged.action >= Action::Warn) {
                    let count = counts
                        .entry((&scanned.namespace, check.code))
                        .or_insert((check.title, 0));
                    count.1 += 1;
                }
            }
        }
        let never = |((namespace, code), (title, objects)): ((&str, &'static str), _)| Never {
            namespace: namespace.to_owned(),
            code,
            title,
            objects,
        };
        counts.into_iter().map(never).collect()
    }
}

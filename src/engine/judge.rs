//! Judging: every check looks, and what it finds decides.

use std::sync::Arc;

use crate::diag::CodePage;
use crate::facts::Known;
use crate::json::Json;
use crate::policy::rule::Rule;
use crate::policy::settings::Action;
use crate::policy::{Origin, Subject};
use crate::ray::Workload;
use crate::rules::{Check, Cx, Finding, Findings, own};

use super::bundle::{Bundle, Compiled};
use super::document::first_missing;

/// Who found something.
#[derive(Clone, Debug)]
pub enum Finder {
    /// A check.
    Check(&'static Check),
    /// A rule of the platform's own.
    Rule(Arc<Rule>),
    /// The server, before any check.
    Server(&'static CodePage),
}

/// The code under which the findings of all rules are counted and shown where names have no place.
pub const RULE_CODE: &str = "rule";

/// A finding, and what happens to it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Who found it.
    pub finder: Finder,
    /// What it found.
    pub finding: Finding,
    /// What happens: `Deny`, `Warn` or `Audit`.
    pub action: Action,
    /// Where in the policies that action stands; `None` where it is the check's own.
    pub origin: Option<Arc<Origin>>,
    /// The exemption but for which more would happen; the action's origin is then there.
    pub exemption: Option<Arc<str>>,
}

impl Judged {
    /// The code of the check, or `rule/NAME`.
    pub fn code(&self) -> &str {
        match &self.finder {
            Finder::Check(check) => check.code,
            Finder::Rule(rule) => &rule.code,
            Finder::Server(page) => page.code,
        }
    }

    /// The code of the check, or [`RULE_CODE`].
    pub fn static_code(&self) -> &'static str {
        match &self.finder {
            Finder::Check(check) => check.code,
            Finder::Rule(_) => RULE_CODE,
            Finder::Server(page) => page.code,
        }
    }
}

/// Who asks, and for what besides the object.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who asks.
    pub subject: &'a Subject,
    /// What is known of the cluster.
    pub facts: Known<'a>,
    /// The object as it was, on an update.
    pub old: Option<Json<'a>>,
    /// Whether the object's name is final.
    pub named: bool,
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The object may be stored.
    Allow,
    /// It may not.
    Deny,
    /// It may not as it is, but the mutating webhook would have repaired it: it was not called, and the same request
    /// may pass at the next try.
    Retry,
}

/// Every finding in an object, worst first, then by code.
pub fn judge(bundle: &Bundle, compiled: &Compiled, asked: &Asked<'_>, object: Json<'_>) -> Vec<Judged> {
    let cx = Cx {
        policy: &compiled.effective,
        platform: bundle.platform(),
        facts: asked.facts,
        namespace: &asked.subject.namespace,
        named: asked.named,
        skipped: false,
    };
    let job = Workload::of(object);
    let mut judged = Vec::new();
    let mut findings = Findings::new();
    for (check, action) in &compiled.checks {
        check.look(&cx, &job, &mut findings);
        for finding in findings.drain(..) {
            let finding = reaching(finding, object);
            let action = match action {
                Action::Fix | Action::Deny if finding.warn_only => Action::Warn,
                Action::Fix => Action::Deny,
                action => *action,
            };
            let waiver = cx.policy.waived.get(check.code);
            judged.push(Judged {
                finder: Finder::Check(check),
                finding,
                action,
                origin: waiver.cloned().or_else(|| cx.origin(check)),
                exemption: waiver.map(|origin| Arc::clone(&origin.policy)),
            });
        }
    }
    if !cx.policy.rules.is_empty() {
        let session = asked.subject.session(&job, asked.old, bundle.platform());
        for rule in &cx.policy.rules {
            let waiver = cx.policy.waived.get(&rule.code);
            judged.extend(own::run(rule, &job, &session).into_iter().map(|finding| Judged {
                finder: Finder::Rule(Arc::clone(rule)),
                finding: reaching(finding, object),
                action: waiver.map_or(rule.action, |_| Action::Audit),
                origin: Some(Arc::clone(waiver.unwrap_or(&rule.origin))),
                exemption: waiver.map(|origin| Arc::clone(&origin.policy)),
            }));
        }
    }
    if let Some(unraised) = &compiled.unraised {
        let cx = Cx {
            policy: &unraised.effective,
            ..cx
        };
        for (check, origin) in &unraised.checks {
            check.look(&cx, &job, &mut findings);
            for finding in findings.drain(..) {
                let finding = reaching(finding, object);
                let is_known = |known: &Judged| known.code() == check.code && known.finding.path == finding.path;
                if !judged.iter().any(is_known) {
                    judged.push(Judged {
                        finder: Finder::Check(check),
                        finding,
                        action: Action::Audit,
                        origin: Some(Arc::clone(origin)),
                        exemption: Some(Arc::clone(&origin.policy)),
                    });
                }
            }
        }
    }
    judged.sort_by_key(|judged| std::cmp::Reverse(judged.action));
    judged
}

/// A finding whose path leads to something, or to what is missing in something.
fn reaching(mut finding: Finding, object: Json<'_>) -> Finding {
    if !finding.path.reaches(object) {
        finding.path = first_missing(object, &finding.path);
    }
    finding
}

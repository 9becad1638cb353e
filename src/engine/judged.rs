//! Findings with what happens to them.

use std::borrow::Cow;
use std::sync::Arc;

use crate::diag::CodePage;
use crate::policy::Origin;
use crate::policy::rule::Rule;
use crate::policy::settings::Action;
use crate::rules::{Check, Finding};

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
    /// How many further findings of the same check or rule are counted here and not kept.
    pub more: usize,
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

    /// What was found, with the number of findings that are not kept.
    pub fn message(&self) -> Cow<'_, str> {
        let message = &self.finding.message;
        match self.more {
            0 => message.into(),
            more => format!("{message} (and {more} more findings of {})", self.code()).into(),
        }
    }
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

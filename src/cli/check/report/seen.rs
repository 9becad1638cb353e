//! What a report is given, RayJob by RayJob.

use std::io;

use crate::cli::check::total::Total;
use crate::diag::{Diagnostic, Location, SourceId, Sources, Span};
use crate::engine::{Finder, Judged, Outcome, Verdict};
use crate::input::asked::{Asked, Skipped};
use crate::k8s::path::{Path, Step};
use crate::policy::Origin;
use crate::policy::settings::Action;
use crate::ray::kind::RAY_JOB;
use crate::yaml;

/// Takes what is found, one after the other, and prints it at once or at the end.
pub trait Report {
    /// Something about the policies.
    fn policies(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()>;

    /// Something about a document that could be read.
    fn remark(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()>;

    /// A document that cannot be read.
    fn unreadable(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()>;

    /// A document that is not judged.
    fn skipped(&mut self, place: &str, skipped: &Skipped) -> io::Result<()>;

    /// An object that was judged.
    fn judged(&mut self, seen: &Seen<'_>) -> io::Result<()>;

    /// The end; there are no totals where nothing was judged, because the policies are broken.
    fn finish(&mut self, total: Option<&Total>) -> io::Result<()>;
}

/// An object that was judged.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The texts of the policies and of the file.
    pub sources: &'a Sources,
    /// The file.
    pub source: SourceId,
    /// The cluster that it was judged for, if there are several.
    pub cluster: Option<&'a str>,
    /// What was asked.
    pub asked: &'a Asked<'a>,
    /// What came of it.
    pub outcome: &'a Outcome<'a>,
    /// The codes of the findings that deny and that `--only` hides.
    pub hidden: &'a [String],
}

impl Seen<'_> {
    /// `NAMESPACE/NAME`, or the name alone, and the cluster if there are several.
    pub fn name(&self) -> String {
        let Asked { namespace, name, .. } = self.asked;
        let name = if namespace.is_empty() {
            name.clone()
        } else {
            format!("{namespace}/{name}")
        };
        self.cluster
            .map_or_else(|| name.clone(), |cluster| format!("{name} in {cluster}"))
    }

    /// The name that tells it from objects of all kinds; a RayJob needs no more than its name.
    pub fn full_name(&self) -> String {
        let kind = self.asked.kind();
        if kind.is(&RAY_JOB) {
            self.name()
        } else {
            format!("{} {}", kind.name, self.name())
        }
    }

    /// The file.
    pub fn file(&self) -> &str {
        self.sources.name(self.source)
    }

    /// `allowed`, `denied` or `retry`.
    pub fn verdict(&self) -> &'static str {
        verdict(self.outcome.verdict)
    }

    /// Why an object is denied of which no finding that denies is shown.
    pub fn denied_unseen(&self) -> Option<String> {
        let is_unseen = self.outcome.verdict == Verdict::Deny && self.count(Action::Deny) == 0;
        (is_unseen && !self.hidden.is_empty())
            .then(|| format!("denied by {}, hidden by --only", self.hidden.join(", ")))
    }

    /// How many findings have an action.
    pub fn count(&self, action: Action) -> usize {
        self.outcome
            .findings
            .iter()
            .filter(|judged| judged.action == action)
            .count()
    }

    /// A finding as a diagnostic in the file. Its path leads into the object as it became, which differs from the file
    /// by what was appended and moved; the nearest place that the file has is pointed at.
    pub fn diagnostic(&self, judged: &Judged) -> Diagnostic {
        let finding = &judged.finding;
        let code = judged.code().to_owned();
        let message = match self.cluster {
            Some(cluster) => format!("{cluster}: {}", judged.message()),
            None => judged.message().into_owned(),
        };
        let mut diagnostic = match judged.action {
            Action::Deny | Action::Fix => Diagnostic::error(code, message),
            Action::Warn => Diagnostic::warning(code, message),
            Action::Audit | Action::Ignore => Diagnostic::note(code, message),
        };
        let within = finding
            .within
            .and_then(|place| self.locate_within(&finding.path, place));
        let span = within.unwrap_or_else(|| self.locate(&finding.path));
        diagnostic = diagnostic.at(span, self.label(&finding.path));
        if let Some((path, label)) = &finding.beside {
            diagnostic = diagnostic.and_at(self.locate(path), *label);
        }
        if !finding.fix.is_empty() {
            diagnostic = diagnostic.help(finding.fix.clone());
        }
        if let Some(setting) = &finding.flyte {
            diagnostic = diagnostic.help(format!("Flyte: {setting}"));
        }
        diagnostic.help(self.decided(judged))
    }

    /// Where the file has a place of the object as it became, or the nearest place that the file has.
    pub fn locate(&self, path: &Path) -> Span {
        self.asked.root.locate(&steps(&self.outcome.document.original(path)))
    }

    /// The rest of a line of the text that a path leads to, from a place on.
    fn locate_within(&self, path: &Path, place: Location) -> Option<Span> {
        let node = self.asked.root.at(&steps(&self.outcome.document.original(path)))?;
        let text = node.as_str()?;
        let line = text.split_inclusive('\n').nth(place.line.checked_sub(1)?)?;
        let (column, _) = line.char_indices().nth(place.column.checked_sub(1)?)?;
        let begin = text
            .split_inclusive('\n')
            .take(place.line - 1)
            .map(str::len)
            .sum::<usize>();
        let source = self.sources.get(node.span.source)?;
        Some(node.within(source, begin + column..begin + line.trim_end().len().max(column)))
    }

    /// The end of a path, which is what a reader looks for, with a container by its name.
    pub(super) fn label(&self, path: &Path) -> String {
        let steps = path.steps();
        let is_start = |key: &str| matches!(key, "containers" | "initContainers" | "rayStartParams");
        let start = steps
            .iter()
            .rposition(|step| matches!(step, Step::Key(key) if is_start(key)))
            .unwrap_or(0);
        let object = self.outcome.document.value();
        let mut label = String::new();
        for (at, step) in steps.iter().enumerate().skip(start) {
            let name = path
                .prefix(at + 1)
                .get(object)
                .and_then(|item| item.get("name")?.as_str());
            match (step, name) {
                (Step::Index(_), Some(name)) if start > 0 => label.push_str(&format!("[{name}]")),
                (Step::Index(index), _) => label.push_str(&format!("[{index}]")),
                (Step::Key(key), _) => {
                    let key = Path::ROOT.name(key).to_string();
                    if !label.is_empty() && !key.starts_with('[') {
                        label.push('.');
                    }
                    label.push_str(&key);
                }
            }
        }
        label
    }

    /// Who decided what becomes of a finding, and where it is explained.
    pub fn decided(&self, judged: &Judged) -> String {
        let action = match judged.action {
            Action::Deny | Action::Fix => "denied",
            Action::Warn => "warned",
            Action::Audit | Action::Ignore => "noted",
        };
        match (&judged.finder, judged.origin.as_deref()) {
            (Finder::Rule(rule), _) => {
                format!(
                    "{action} by {} of policy {} at {}",
                    rule.code, rule.origin.policy, rule.origin
                )
            }
            (Finder::Check(check), None) => format!("{action} by the check itself   raygate explain {}", check.code),
            (Finder::Server(page), _) => format!("{action} always   raygate explain {}", page.code),
            (Finder::Check(check), Some(origin)) => {
                let line = self.policy_line(origin).map(|line| format!(" `{line}`"));
                let line = line.unwrap_or_default();
                format!("{action} by {origin}{line}   raygate explain {}", check.code)
            }
        }
    }

    pub(super) fn policy_line(&self, origin: &Origin) -> Option<&str> {
        let span = self.policy_span(origin)?;
        Some(self.sources.get(span.source)?.slice(span))
    }

    /// Where a policy says something.
    pub fn policy_span(&self, origin: &Origin) -> Option<Span> {
        let place = Location {
            line: origin.line,
            column: origin.column,
        };
        self.sources.rest_of_line(&origin.file, place)
    }
}

fn steps(path: &Path) -> Vec<yaml::Step<'_>> {
    let step = |step| match step {
        &Step::Index(index) => yaml::Step::Index(index),
        Step::Key(key) => yaml::Step::Key(key),
    };
    path.steps().iter().map(step).collect()
}

/// `allowed`, `denied` or `retry`.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allowed",
        Verdict::Deny => "denied",
        Verdict::Retry => "retry",
    }
}

//! Reading exemptions: whom they name, and what they may grant.

use std::sync::Arc;

use jiff::civil::Date;

use crate::diag::{Diagnostic, Span, suggest};
use crate::policy::exemption::NOTICE_DAYS;
use crate::policy::read::Reader;
use crate::policy::schema::EXEMPTION;
use crate::policy::selector::Key;
use crate::policy::{Exemption, codes};
use crate::yaml::Node;

use super::loader::{Loaded, Loader, ReadExemption, error, same_name};

impl Loaded {
    /// The exemptions that have ended on a day, or will in the next [`NOTICE_DAYS`]: a warning each.
    pub fn endings(&self, today: Date) -> Vec<Diagnostic> {
        let exemptions = self.set.exemptions.iter().zip(&self.last_days);
        let ending = exemptions.filter(|(exemption, _)| exemption.days_left(today) <= NOTICE_DAYS);
        ending
            .map(|(exemption, span)| {
                let Exemption {
                    name, owner, expires, ..
                } = exemption;
                let left = exemption.days_left(today);
                let diagnostic = if exemption.has_ended(today) {
                    let message = format!("the exemption `{name}` has ended, {expires} was its last day");
                    Diagnostic::warning(codes::ENDED, message)
                } else {
                    let days = match left {
                        0 => "today".to_owned(),
                        1 => "tomorrow".to_owned(),
                        days => format!("in {days} days"),
                    };
                    Diagnostic::warning(
                        codes::ENDS_SOON,
                        format!("the last day of the exemption `{name}` is {days}"),
                    )
                };
                let owner = crate::diag::quoted(owner);
                diagnostic
                    .at(*span, "")
                    .help(format!("let its owner, {owner}, give it a later day or take it out"))
            })
            .collect()
    }
}

impl Loader<'_> {
    pub(super) fn exemption(&mut self, spec: &Node, name: Option<&Node>, is_sound: bool) {
        let Some((name, text)) = name.and_then(|name| Some((name, name.as_str()?))) else {
            return;
        };
        if let Some(first) = self.exemptions.iter().find(|read| &*read.exemption.name == text) {
            let first = first.name_span;
            return self.push(same_name("exemptions", text, name.span, first));
        }
        let waived: Vec<(&str, Span)> = spec
            .get("waive")
            .and_then(Node::as_sequence)
            .unwrap_or_default()
            .iter()
            .filter_map(|item| Some((item.as_str()?, item.span)))
            .collect();
        self.waivable(&waived);
        self.waived_rules.extend(waived.iter().filter_map(|(code, span)| {
            let rule = code.strip_prefix("rule/")?;
            Some((rule.to_owned(), *span))
        }));
        self.specific(spec);
        if !is_sound {
            return;
        }
        let leaves = Reader::leaves(spec, EXEMPTION, &["raise"]);
        if waived.is_empty() && leaves.is_empty() {
            let message = format!("the exemption `{text}` waives and raises nothing");
            let diagnostic = Diagnostic::warning(codes::GRANTS_NOTHING, message).at(name.span, "");
            self.push(diagnostic.help("give it `waive` or `raise`, or take it out"));
        }
        let words = |key: &str| spec.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        let name: (Arc<str>, Span) = (text.into(), name.span);
        let origin = |span: Span| self.origin(&name.0, span);
        let exemption = Exemption {
            waive: waived
                .iter()
                .map(|(code, span)| ((*code).into(), origin(*span)))
                .collect(),
            raise: leaves.iter().map(|leaf| self.set_leaf(&name.0, leaf)).collect(),
            owner: words("owner"),
            reason: words("reason"),
            expires: words("expires").parse().unwrap_or(Date::ZERO),
            origin: origin(name.1),
            matches: spec.get("match").map(|node| self.selector(node)).unwrap_or_default(),
            name: name.0,
        };
        self.exemptions.push(ReadExemption {
            exemption,
            last_day: spec.get("expires").map_or(name.1, |expires| expires.span),
            name_span: name.1,
        });
    }

    /// The checks that an exemption waives are there, and may be waived.
    fn waivable(&mut self, waived: &[(&str, Span)]) {
        for (code, span) in waived.iter().filter(|(code, _)| code.starts_with("RG")) {
            let diagnostic = match self.known.code(code).map(|known| known.never_waived) {
                Some(None) => continue,
                Some(Some(reason)) => {
                    let message = format!("{code} cannot be waived: {reason}");
                    error(codes::CANNOT_WAIVE, *span, message).help(
                        "let the object be corrected; where the check is wrong, a RayPolicy can turn it off with `actions`",
                    )
                }
                None => self.unknown_code(code, *span),
            };
            self.push(diagnostic);
        }
    }

    /// The `match` names somebody: in one of three keys, every pattern is more than wildcards.
    fn specific(&mut self, spec: &Node) {
        let Some(node) = spec.get("match").filter(|node| node.as_mapping().is_some()) else {
            return;
        };
        let selector = self.selector(node);
        let names_somebody = selector.patterns.iter().any(|(key, globs)| {
            matches!(key, Key::Projects | Key::Namespaces | Key::Users)
                && !globs.is_empty()
                && globs
                    .iter()
                    .all(|glob| glob.as_str().contains(|c| !matches!(c, '*' | '?')))
        });
        if !names_somebody {
            let span = spec.entry("match").map_or(node.span, |entry| entry.key.span);
            let message = "the exemption is for everybody: its `match` names no project, namespace or user";
            let diagnostic = error(codes::NOT_SPECIFIC, span, message.to_owned());
            self.push(diagnostic.help("name those that it is for, for example `match: {namespaces: [team-a]}`"));
        }
    }

    /// The rules that exemptions waive are there.
    pub(super) fn waived_rules_exist(&mut self) {
        let names = || self.rule_names.keys().map(String::as_str);
        let mut found = Vec::new();
        for (rule, span) in &self.waived_rules {
            if self.rule_names.contains_key(rule) {
                continue;
            }
            let diagnostic = error(
                codes::UNKNOWN_RULE,
                *span,
                format!("no policy has a rule named `{rule}`"),
            );
            let near = suggest(rule, names()).map(|near| format!("did you mean `rule/{near}`?"));
            found.push(near.into_iter().fold(diagnostic, Diagnostic::help));
        }
        self.reader.diagnostics.extend(found);
    }
}

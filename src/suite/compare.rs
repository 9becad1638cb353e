//! What a case wants, held against what came out.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diag::{Sources, Span, shorten};
use crate::engine::mutate::behind;
use crate::engine::{Judged, Verdict};
use crate::json::Tree;
use crate::k8s::path::Path;

use super::case::{Case, Want, WantedFinding};
use super::changes::{Changed, between, changes};
use super::run::{Previewed, Ran};

/// The longest value that a line of a difference shows, in characters.
const LONGEST: usize = 160;

/// A place where the wish and the outcome differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The part of the outcome: `verdict`, `findings`, `changes`, `previews`, `applied twice` or `patch replayed`.
    pub part: &'static str,
    /// What is wanted, and does not come out.
    pub want: Option<Line>,
    /// What comes out, and is not wanted.
    pub got: Option<Line>,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What stands or should stand there.
    pub text: String,
    /// Where it comes from: a place in the test, or the policy's line that made it.
    pub place: Option<String>,
}

/// The name of a verdict in test files.
pub(super) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "Allow",
        Verdict::Deny => "Deny",
        Verdict::Retry => "Retry",
    }
}

/// Every difference, in the order of the parts.
pub fn compare(case: &Case, ran: &Ran, sources: &Sources) -> Vec<Difference> {
    let mut out = Vec::new();
    if let Some(want) = &case.want {
        let comparison = Comparison { want, ran, sources };
        comparison.verdict(&mut out);
        comparison.findings(&mut out);
        comparison.changes(&mut out);
        comparison.previews(&mut out);
    }
    soundness(ran, &mut out);
    out
}

struct Comparison<'a> {
    want: &'a Want,
    ran: &'a Ran,
    sources: &'a Sources,
}

impl Comparison<'_> {
    fn place(&self, span: Span) -> Option<String> {
        let line = self.sources.location(span)?.line;
        Some(format!("{}:{line}", self.sources.name(span.source)))
    }

    fn verdict(&self, out: &mut Vec<Difference>) {
        let (want, got) = (self.want.verdict, self.ran.verdict);
        if want != got {
            out.push(Difference {
                part: "verdict",
                want: Some(Line {
                    text: verdict_name(want).to_owned(),
                    place: self.place(self.want.verdict_span),
                }),
                got: Some(Line {
                    text: verdict_name(got).to_owned(),
                    place: None,
                }),
            });
        }
    }

    fn findings(&self, out: &mut Vec<Difference>) {
        let mut found: Vec<&Judged> = self.ran.findings.iter().collect();
        let mut wanted: Vec<&WantedFinding> = self.want.findings.iter().collect();
        // The wishes that say most choose first.
        wanted.sort_by_key(|wish| usize::from(wish.path.is_none()) * 2 + usize::from(wish.action.is_none()));
        for wish in wanted {
            match found.iter().position(|judged| is_met(wish, judged)) {
                Some(position) => {
                    found.remove(position);
                }
                None => out.push(Difference {
                    part: "findings",
                    want: Some(Line {
                        text: finding_text(&wish.code, wish.action.as_deref(), wish.path.as_deref()),
                        place: self.place(wish.span),
                    }),
                    got: None,
                }),
            }
        }
        for judged in found {
            let path = judged.finding.path.to_string();
            let text = finding_text(judged.code(), Some(judged.action.name()), Some(&path));
            out.push(Difference {
                part: "findings",
                want: None,
                got: Some(Line {
                    text: format!("{text}: {}", judged.finding.message),
                    place: judged.origin.as_ref().map(ToString::to_string),
                }),
            });
        }
    }

    fn changes(&self, out: &mut Vec<Difference>) {
        let got = changes(&self.ran.before, &self.ran.after);
        for path in self
            .want
            .changes
            .keys()
            .chain(got.keys().filter(|path| !self.want.changes.contains_key(*path)))
        {
            let wanted = self.want.changes.get(path);
            let found = got.get(path);
            match (wanted, found) {
                (Some((wish, _)), Some(changed)) if *wish == changed.value => {}
                (Some((wish, span)), Some(changed)) => {
                    let place = self.place(*span);
                    self.inside(wish, changed, place, out);
                }
                _ => out.push(Difference {
                    part: "changes",
                    want: wanted.map(|(wish, span)| Line {
                        text: setting(path, wish),
                        place: self.place(*span),
                    }),
                    got: found.map(|changed| Line {
                        text: setting(path, &changed.value),
                        place: self.maker(&changed.path),
                    }),
                }),
            }
        }
    }

    fn previews(&self, out: &mut Vec<Difference>) {
        let line = |[policy, code, effect, path]: [&str; 4], place: Option<String>| {
            let text = format!("{policy}: {effect} {code} at {path}");
            Some(Line { text, place })
        };
        let words = |one: &'_ Previewed| {
            [
                one.policy.clone(),
                one.code.clone(),
                one.effect.to_owned(),
                one.path.clone(),
            ]
        };
        let mut got: Vec<[String; 4]> = self.ran.previews.iter().map(words).collect();
        for (wish, span) in &self.want.previews {
            match got.iter().position(|one| one == wish) {
                Some(position) => {
                    got.remove(position);
                }
                None => out.push(Difference {
                    part: "previews",
                    want: line(wish.each_ref().map(String::as_str), self.place(*span)),
                    got: None,
                }),
            }
        }
        out.extend(got.iter().map(|one| Difference {
            part: "previews",
            want: None,
            got: line(one.each_ref().map(String::as_str), None),
        }));
    }

    /// Two values of one path differ: only the places in them that do are shown.
    fn inside(&self, wish: &Value, changed: &Changed, place: Option<String>, out: &mut Vec<Difference>) {
        let reverse = between(&changed.path, &changed.value, wish);
        let forward = between(&changed.path, wish, &changed.value);
        for path in forward
            .keys()
            .chain(reverse.keys().filter(|path| !forward.contains_key(*path)))
        {
            let line = |side: &BTreeMap<String, Changed>, place: Option<String>| {
                let value = &side.get(path)?.value;
                Some(Line {
                    text: setting(path, value),
                    place,
                })
            };
            out.push(Difference {
                part: "changes",
                want: line(&reverse, place.clone()),
                got: line(&forward, self.maker(&changed.path)),
            });
        }
    }

    /// The policy's line that made the change at a path, with the injector or the code that did it.
    fn maker(&self, path: &Path) -> Option<String> {
        let change = behind(&self.ran.changes, path)?;
        Some(match &change.origin {
            Some(origin) => format!("{origin} {}", change.by),
            None => change.by.to_owned(),
        })
    }
}

fn is_met(wish: &WantedFinding, judged: &Judged) -> bool {
    wish.code == judged.code()
        && wish.action.as_ref().is_none_or(|action| action == judged.action.name())
        && wish
            .path
            .as_ref()
            .is_none_or(|path| *path == judged.finding.path.to_string())
}

fn finding_text(code: &str, action: Option<&str>, path: Option<&str>) -> String {
    let parts = [Some(code), action, path.map(|_| "at"), path];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn setting(path: &str, value: &Value) -> String {
    format!("{path}: {}", shorten(&value.to_string(), LONGEST))
}

/// What must hold for every case: a second mutation changes nothing, and the patch leads to the result.
fn soundness(ran: &Ran, out: &mut Vec<Difference>) {
    let replayed = match &ran.replayed {
        Ok(value) => value,
        Err(error) => {
            out.push(Difference {
                part: "patch replayed",
                want: None,
                got: Some(Line {
                    text: format!("the patch cannot be applied: {error}"),
                    place: None,
                }),
            });
            &ran.after
        }
    };
    let after = Tree::of(&ran.after).unwrap_or_default();
    for (part, other) in [("applied twice", &ran.again), ("patch replayed", replayed)] {
        for (path, changed) in between(&Path::ROOT, &ran.after, other) {
            let once = changed.path.get(after.root());
            out.push(Difference {
                part,
                want: once.map(|_| Line {
                    text: setting(&path, &changed.old),
                    place: None,
                }),
                got: Some(Line {
                    text: setting(&path, &changed.value),
                    place: None,
                }),
            });
        }
    }
}

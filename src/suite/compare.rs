//! What a case wants, held against what came out.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diag::{Sources, Span, shorten};
use crate::engine::mutate::behind;
use crate::engine::{Judged, Verdict};
use crate::json::Tree;
use crate::k8s::path::Path;

use super::case::{Case, Want, WantedFinding, WantedPreview};
use super::changes::{Changed, below, between, changes, named, set_at};
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
        let got = self.ran.verdict;
        if let Some((want, span)) = self.want.verdict
            && want != got
        {
            out.push(Difference {
                part: "verdict",
                want: Some(Line {
                    text: verdict_name(want).to_owned(),
                    place: self.place(span),
                }),
                got: Some(Line {
                    text: verdict_name(got).to_owned(),
                    place: None,
                }),
            });
        }
    }

    fn findings(&self, out: &mut Vec<Difference>) {
        let wishes = self.want.findings.as_deref();
        let line = |judged: &Judged| {
            let path = judged.finding.path.to_string();
            let text = finding_text(judged.code(), Some(judged.action.name()), Some(&path));
            Line {
                text: format!("{text}: {}", judged.finding.message),
                place: judged.origin.as_ref().map(ToString::to_string),
            }
        };
        let pairs = Pairs::of(wishes.unwrap_or_default(), &self.ran.findings);
        for (wish, got) in pairs.unmet {
            out.push(Difference {
                part: "findings",
                want: Some(Line {
                    text: finding_text(&wish.code, wish.action.as_deref(), wish.path.as_deref()),
                    place: self.place(wish.span),
                }),
                got: got.map(line),
            });
        }
        if self.wants_all(wishes) {
            out.extend(pairs.others.into_iter().map(|judged| Difference {
                part: "findings",
                want: None,
                got: Some(line(judged)),
            }));
        }
    }

    /// Whether what a list of wishes does not name must not be there.
    fn wants_all<T>(&self, wishes: Option<&[T]>) -> bool {
        self.want.exact || wishes.is_some_and(<[T]>::is_empty)
    }

    fn changes(&self, out: &mut Vec<Difference>) {
        let got = changes(&self.ran.before, &self.ran.after);
        for (path, (wish, span)) in self.want.changes.iter().flatten() {
            self.change(&got, path, wish, *span, out);
        }
        let wishes = self.want.changes.as_ref();
        if self.want.exact || wishes.is_some_and(BTreeMap::is_empty) {
            let others = got
                .iter()
                .filter(|(path, _)| !wishes.is_some_and(|wishes| wishes.contains_key(*path)));
            out.extend(others.map(|(path, changed)| Difference {
                part: "changes",
                want: None,
                got: Some(Line {
                    text: setting(path, &changed.value),
                    place: self.maker(&changed.path),
                }),
            }));
        }
    }

    fn change(&self, got: &BTreeMap<String, Changed>, path: &str, wish: &Value, span: Span, out: &mut Vec<Difference>) {
        let found = if self.want.exact {
            got.get(path).map(|changed| (changed, changed.value.clone()))
        } else {
            set_at(got, path).map(|(changed, value)| (changed, named(wish, value)))
        };
        let parts = if self.want.exact { Vec::new() } else { below(path, wish) };
        match found {
            Some((_, value)) if *wish == value => {}
            Some((changed, value)) => self.inside(path, wish, changed, &value, self.place(span), out),
            None if !parts.is_empty() => {
                for (path, _, wish) in parts {
                    self.change(got, &path, wish, span, out);
                }
            }
            None => out.push(Difference {
                part: "changes",
                want: Some(Line {
                    text: setting(path, wish),
                    place: self.place(span),
                }),
                got: None,
            }),
        }
    }

    fn previews(&self, out: &mut Vec<Difference>) {
        let wishes = self.want.previews.as_deref();
        let line = |one: &Previewed| Line {
            text: format!("{}: {} {} at {}", one.policy, one.effect, one.code, one.path),
            place: None,
        };
        let pairs = Pairs::of(wishes.unwrap_or_default(), &self.ran.previews);
        for (wish, got) in pairs.unmet {
            let what = finding_text(&wish.code, None, wish.path.as_deref());
            let effect = wish
                .effect
                .as_ref()
                .map(|effect| format!("{effect} "))
                .unwrap_or_default();
            out.push(Difference {
                part: "previews",
                want: Some(Line {
                    text: format!("{}: {effect}{what}", wish.policy),
                    place: self.place(wish.span),
                }),
                got: got.map(line),
            });
        }
        if self.wants_all(wishes) {
            out.extend(pairs.others.into_iter().map(|one| Difference {
                part: "previews",
                want: None,
                got: Some(line(one)),
            }));
        }
    }

    /// Two values of one path differ: only the places in them that do are shown.
    fn inside(
        &self,
        path: &str,
        wish: &Value,
        changed: &Changed,
        value: &Value,
        place: Option<String>,
        out: &mut Vec<Difference>,
    ) {
        let at = super::path::parse(path).unwrap_or_else(|| changed.path.clone());
        let reverse = between(&at, value, wish);
        let forward = between(&at, wish, value);
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

/// Something that can be wanted, and the wish for it.
pub(super) trait Wanted<T> {
    /// Whether this is what is wanted.
    fn is_met(&self, got: &T) -> bool;
    /// Whether this is the same thing, at another place or with another effect.
    fn is_near(&self, got: &T) -> bool;
    /// What is left open: a wish that says more chooses first.
    fn openness(&self) -> usize;
}

impl Wanted<Judged> for WantedFinding {
    fn is_met(&self, judged: &Judged) -> bool {
        self.is_near(judged)
            && self.action.as_ref().is_none_or(|action| action == judged.action.name())
            && self
                .path
                .as_ref()
                .is_none_or(|path| *path == judged.finding.path.to_string())
    }

    fn is_near(&self, judged: &Judged) -> bool {
        self.code == judged.code()
    }

    fn openness(&self) -> usize {
        usize::from(self.path.is_none()) * 2 + usize::from(self.action.is_none())
    }
}

impl Wanted<Previewed> for WantedPreview {
    fn is_met(&self, one: &Previewed) -> bool {
        self.is_near(one)
            && self.effect.as_ref().is_none_or(|effect| effect == one.effect)
            && self.path.as_ref().is_none_or(|path| *path == one.path)
    }

    fn is_near(&self, one: &Previewed) -> bool {
        self.policy == one.policy && self.code == one.code
    }

    fn openness(&self) -> usize {
        usize::from(self.path.is_none()) * 2 + usize::from(self.effect.is_none())
    }
}

/// Wishes and what came out, put together.
pub(super) struct Pairs<'a, W, T> {
    /// The wishes that are met, in the order of the case.
    pub met: Vec<&'a W>,
    /// The others, each with what came nearest to it.
    pub unmet: Vec<(&'a W, Option<&'a T>)>,
    /// What came out and belongs to no wish.
    pub others: Vec<&'a T>,
}

impl<'a, W: Wanted<T>, T> Pairs<'a, W, T> {
    pub fn of(wishes: &'a [W], got: &'a [T]) -> Self {
        let mut others: Vec<&T> = got.iter().collect();
        let mut wishes: Vec<&W> = wishes.iter().collect();
        wishes.sort_by_key(|wish| wish.openness());
        let mut take = |wanted: &dyn Fn(&T) -> bool| {
            let position = others.iter().position(|one| wanted(one))?;
            Some(others.remove(position))
        };
        let (met, unmet): (Vec<&W>, Vec<&W>) = wishes
            .into_iter()
            .partition(|wish| take(&|one| wish.is_met(one)).is_some());
        let unmet = unmet
            .into_iter()
            .map(|wish| (wish, take(&|one| wish.is_near(one))))
            .collect();
        Pairs { met, unmet, others }
    }
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

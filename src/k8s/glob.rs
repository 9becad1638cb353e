//! Patterns with `*` (any text) and `?` (any one character).

/// The largest product of two patterns that [`Glob::is_disjoint`] walks, in states: patterns of 1000 characters.
const MOST_STATES: usize = 1 << 20;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    pattern: String,
}

impl Glob {
    /// The pattern `text`; every text is one.
    pub fn new(text: &str) -> Glob {
        Glob {
            pattern: text.to_owned(),
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether it stands for itself alone.
    pub fn is_literal(&self) -> bool {
        !self.pattern.contains(['*', '?'])
    }

    /// Whether surely every text that fits the other fits this too.
    pub fn covers(&self, other: &Glob) -> bool {
        self.pattern == "*" || self == other || (other.is_literal() && self.matches(&other.pattern))
    }

    /// Whether no text fits both. It is exact up to patterns of about 1000 characters; longer ones may count as
    /// overlapping where they do not.
    pub fn is_disjoint(&self, other: &Glob) -> bool {
        let ours: Vec<char> = self.pattern.chars().collect();
        let theirs: Vec<char> = other.pattern.chars().collect();
        if ours.len().saturating_mul(theirs.len()) > MOST_STATES {
            return false;
        }
        // A text that fits both leads through the product of the two patterns, from the start of both to their ends.
        // `reached` holds, for a position in ours, the positions in theirs that some text leads to.
        let mut reached = vec![false; theirs.len() + 1];
        let mark = |row: &mut [bool], at: usize| row.get_mut(at).into_iter().for_each(|state| *state = true);
        mark(&mut reached, 0);
        for left in ours.iter().map(Some).chain([None]) {
            let mut next = vec![false; reached.len()];
            for at in 0..reached.len() {
                if reached.get(at) != Some(&true) {
                    continue;
                }
                match (left, theirs.get(at)) {
                    (Some('*'), _) | (_, Some('*')) => {
                        mark(&mut reached, at + 1);
                        mark(&mut next, at);
                    }
                    (Some(left), Some(right)) if left == right || *left == '?' || *right == '?' => {
                        mark(&mut next, at + 1);
                    }
                    _ => {}
                }
            }
            if left.is_some() {
                reached = next;
            }
        }
        reached.last() != Some(&true)
    }

    /// Whether `text` fits, in at most pattern times text steps.
    pub fn matches(&self, text: &str) -> bool {
        let fits = |wanted: &char, seen: &char| *wanted == '?' || wanted == seen;
        fits_in_order(self.pattern.chars(), text.chars(), |wanted| *wanted == '*', fits)
    }
}

/// Whether the items of `text` fit a pattern one after the other, where an item of the pattern that `is_any` stands for
/// any number of them. On a mismatch only the last such item can take more, so that the time is bounded by the product
/// of the two lengths.
pub(super) fn fits_in_order<P, T>(
    mut pattern: impl Iterator<Item = P> + Clone,
    mut text: impl Iterator<Item = T> + Clone,
    is_any: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let mut last_any = None;
    loop {
        let rest = text.clone();
        match (pattern.next(), text.next()) {
            (Some(wanted), _) if is_any(&wanted) => {
                text = rest.clone();
                last_any = Some((pattern.clone(), rest));
                continue;
            }
            (Some(wanted), Some(seen)) if fits(&wanted, &seen) => continue,
            (None, None) => return true,
            _ => {}
        }
        let Some((after_any, from)) = &mut last_any else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        (pattern, text) = (after_any.clone(), from.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, fits) in [
            ("ml*", "mlplatform", true),
            ("ml*", "xml", false),
            ("*.train_*", "workflows.jobs.train_bert", true),
            ("*-sandbox", "a-sandbox-b", false),
            ("a?c", "abc", true),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("**a*b", "xxaxxb", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_are_not_exponential() {
        let pattern = Glob::new(&"*a".repeat(200));
        assert!(!pattern.matches(&"a".repeat(100)));
        assert!(!pattern.matches(&"ab".repeat(20_000).replace('a', "b")));
        assert!(!pattern.is_disjoint(&Glob::new(&"*a".repeat(1000))));
        assert!(!pattern.is_disjoint(&Glob::new(&"b".repeat(1 << 20))));
    }

    #[test]
    fn patterns_that_exclude_each_other() {
        for (one, other, disjoint) in [
            ("team-a-*", "team-b-*", true),
            ("*-dev", "*-prod", true),
            ("a*b", "b*a", true),
            ("a*", "*a", false),
            ("a*c", "ab*", false),
            ("a?", "a", true),
            ("?", "é", false),
            ("?", "??", true),
            ("*", "", false),
            ("?*", "", true),
        ] {
            let (one, other) = (Glob::new(one), Glob::new(other));
            assert_eq!(one.is_disjoint(&other), disjoint, "{one:?} {other:?}");
            assert_eq!(other.is_disjoint(&one), disjoint, "{other:?} {one:?}");
        }
    }

    /// All texts of at most `longest` of these characters.
    fn texts(alphabet: &str, longest: usize) -> Vec<String> {
        let mut texts = vec![String::new()];
        let mut from = 0;
        for _ in 0..longest {
            let until = texts.len();
            for at in from..until {
                texts.extend(
                    alphabet
                        .chars()
                        .map(|c| format!("{}{c}", texts[at]))
                        .collect::<Vec<_>>(),
                );
            }
            from = until;
        }
        texts
    }

    /// What the two wildcards mean, said without a thought for time.
    fn fits(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|taken| fits(rest, &text[taken..])),
            ([b'?', rest @ ..], [_, text @ ..]) => fits(rest, text),
            ([wanted, rest @ ..], [seen, text @ ..]) => wanted == seen && fits(rest, text),
            _ => false,
        }
    }

    /// A text that fits two patterns need not be longer than both of them together.
    #[test]
    fn all_short_patterns_match_and_exclude_as_trying_every_text_says() {
        let texts_tried = texts("ab", 8);
        let patterns: Vec<(Glob, Vec<bool>)> = texts("ab*?", 4)
            .into_iter()
            .map(|text| {
                let fitting = texts_tried.iter().map(|tried| fits(text.as_bytes(), tried.as_bytes()));
                (Glob::new(&text), fitting.collect())
            })
            .collect();
        for (pattern, fitting) in &patterns {
            for (text, fits) in texts_tried.iter().zip(fitting) {
                assert_eq!(pattern.matches(text), *fits, "{pattern:?} {text}");
            }
            for (other, others) in &patterns {
                let meet = fitting.iter().zip(others).any(|(one, other)| *one && *other);
                assert_eq!(pattern.is_disjoint(other), !meet, "{pattern:?} {other:?}");
                if pattern.covers(other) {
                    assert!(fitting.iter().zip(others).all(|(one, other)| *one || !other));
                }
            }
        }
    }
}

//! Patterns with `*` (any text) and `?` (any one character).

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

    /// Whether surely no text fits both: one stands for itself alone, and does not fit the other.
    pub fn is_disjoint(&self, other: &Glob) -> bool {
        (self.is_literal() && !other.matches(&self.pattern)) || (other.is_literal() && !self.matches(&other.pattern))
    }

    /// Whether `text` fits, in at most pattern times text steps.
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.pattern.as_bytes(), text.as_bytes());
        let (mut p, mut t) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while let Some(&byte) = text.get(t) {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(b'?') => {
                    p += 1;
                    t += 1;
                    while text.get(t).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
                        t += 1;
                    }
                }
                Some(&expected) if expected == byte => {
                    p += 1;
                    t += 1;
                }
                _ => match &mut star {
                    Some((at, taken)) => {
                        *taken += 1;
                        (p, t) = (*at + 1, *taken);
                    }
                    None => return false,
                },
            }
        }
        pattern
            .get(p..)
            .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
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
    }
}

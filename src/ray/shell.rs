//! What bash makes of text that KubeRay puts into a command without quotes: the values of `rayStartParams`
//! (`common/pod.go`) and, in a submitter of KubeRay 1.3 and later, the entrypoint (`common/job.go`).

/// Something in a text that is no plain word to a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special<'a> {
    /// A blank between words.
    Blank,
    /// A character that ends a command, redirects it or groups: `;`, `&`, `|`, `<`, `>`, brackets, a line end.
    Operator(char),
    /// A command or a calculation whose result is put in: `$(…)`, `$((…))`, `$[…]` or backquotes.
    Command,
    /// A variable, `$NAME` or `${NAME}`; the name is empty for special ones such as `$?` and `${A:-1}`.
    Variable(&'a str),
    /// `#` at the start of a word: the rest of the line is not read.
    Comment,
    /// A quotation mark, a backquote, or the bracket of `$(`, `$[` or `${` without its end.
    Unclosed(char),
}

/// The special parts of a text, in their order; what stands in single quotes or after a backslash is plain.
#[derive(Debug)]
pub struct Specials<'a> {
    text: &'a str,
    at: usize,
    in_double_quotes: bool,
    at_word_start: bool,
}

/// Walks over the special parts of `text`.
pub fn specials(text: &str) -> Specials<'_> {
    Specials {
        text,
        at: 0,
        in_double_quotes: false,
        at_word_start: true,
    }
}

impl<'a> Iterator for Specials<'a> {
    type Item = Special<'a>;

    fn next(&mut self) -> Option<Special<'a>> {
        loop {
            let rest = self.rest();
            let plain = rest.bytes().position(may_be_special).unwrap_or(rest.len());
            self.at_word_start &= plain == 0;
            self.at += plain;
            let Some(character) = self.rest().chars().next() else {
                break;
            };
            let at_word_start = std::mem::replace(&mut self.at_word_start, false);
            self.at += character.len_utf8();
            match character {
                '\\' => self.at += self.rest().chars().next().map_or(0, char::len_utf8),
                '"' => self.in_double_quotes = !self.in_double_quotes,
                '`' => return Some(self.substitution('`', Special::Command)),
                '$' => {
                    if let Some(special) = self.dollar() {
                        return Some(special);
                    }
                }
                _ if self.in_double_quotes => {}
                '\'' => match self.rest().find('\'') {
                    Some(end) => self.at += end + 1,
                    None => {
                        self.at = self.text.len();
                        return Some(Special::Unclosed('\''));
                    }
                },
                ' ' | '\t' => {
                    self.at_word_start = true;
                    return Some(Special::Blank);
                }
                ';' | '&' | '|' | '<' | '>' | '(' | ')' | '\n' => {
                    self.at_word_start = true;
                    return Some(Special::Operator(character));
                }
                '#' if at_word_start => return Some(Special::Comment),
                _ => {}
            }
        }
        std::mem::take(&mut self.in_double_quotes).then_some(Special::Unclosed('"'))
    }
}

impl<'a> Specials<'a> {
    /// What follows the last special part.
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Steps behind the end of what was opened with `open`.
    fn substitution(&mut self, open: char, whole: Special<'a>) -> Special<'a> {
        match closing(self.rest(), open) {
            Some(end) => {
                self.at += end;
                whole
            }
            None => {
                self.at = self.text.len();
                Special::Unclosed(open)
            }
        }
    }

    /// What follows a dollar sign; `None` where it stands for itself.
    fn dollar(&mut self) -> Option<Special<'a>> {
        let rest = self.rest();
        match rest.chars().next()? {
            open @ ('(' | '[') => {
                self.at += 1;
                Some(self.substitution(open, Special::Command))
            }
            '{' => {
                self.at += 1;
                let name = leading_name(self.rest());
                let is_plain = self
                    .rest()
                    .get(name.len()..)
                    .is_some_and(|after| after.starts_with('}'));
                Some(self.substitution('{', Special::Variable(if is_plain { name } else { "" })))
            }
            '\'' if !self.in_double_quotes => {
                // `$'…'`, in which a backslash escapes.
                self.at += 1;
                match end_of(self.rest(), '\'', true) {
                    Some(end) => {
                        self.at += end;
                        None
                    }
                    None => {
                        self.at = self.text.len();
                        Some(Special::Unclosed('\''))
                    }
                }
            }
            first if first.is_ascii_alphabetic() || first == '_' => {
                let name = leading_name(rest);
                self.at += name.len();
                Some(Special::Variable(name))
            }
            first if first.is_ascii_digit() || "?$!#@*-".contains(first) => {
                self.at += 1;
                Some(Special::Variable(""))
            }
            _ => None,
        }
    }
}

/// Where a quotation ends, behind its closing mark.
fn end_of(text: &str, mark: char, escapes: bool) -> Option<usize> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' if escapes => drop(characters.next()),
            _ if character == mark => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Where `(`, `[`, `{` or a backquote that stands before `text` is closed, behind the closing character. The patterns of a
/// `case`, comments and here-documents in it are not understood.
fn closing(text: &str, open: char) -> Option<usize> {
    if open == '`' {
        return end_of(text, '`', true);
    }
    let mut open = vec![open];
    let mut at = 0;
    while let Some(character) = text.get(at..)?.chars().next() {
        at += character.len_utf8();
        let rest = text.get(at..).unwrap_or_default();
        let inner = *open.last()?;
        match character {
            '\\' => at += rest.chars().next().map_or(0, char::len_utf8),
            '\'' if inner != '"' => at += end_of(rest, '\'', false)?,
            '$' if rest.starts_with('\'') && inner != '"' => at += 1 + end_of(rest.get(1..)?, '\'', true)?,
            '$' if rest.starts_with(['(', '[', '{']) => {
                open.extend(rest.chars().next());
                at += 1;
            }
            '`' => at += end_of(rest, '`', true)?,
            '(' | '[' if inner == character => open.push(character),
            '"' if inner != '"' => open.push('"'),
            _ => {
                let closes = match inner {
                    '(' => ')',
                    '[' => ']',
                    '{' => '}',
                    mark => mark,
                };
                if character == closes {
                    open.pop();
                }
            }
        }
        if open.is_empty() {
            return Some(at);
        }
    }
    None
}

fn may_be_special(byte: u8) -> bool {
    matches!(
        byte,
        b'\\'
            | b'"'
            | b'`'
            | b'$'
            | b'\''
            | b' '
            | b'\t'
            | b';'
            | b'&'
            | b'|'
            | b'<'
            | b'>'
            | b'('
            | b')'
            | b'\n'
            | b'#'
    )
}

fn leading_name(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The one word that a shell makes of `text`, without its quotation marks; `None` where it makes something else of it,
/// and of `$'…'`. Variables stay as they are written.
pub fn unquoted(text: &str) -> Option<String> {
    let plain = |special| matches!(special, Special::Variable(name) if !name.is_empty());
    if !specials(text).all(plain) {
        return None;
    }
    let mut word = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut quote = None;
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, '\\') => word.extend(characters.next()),
            // `$"…"` is for translations, and `$'…'` has escapes of its own.
            (None, '$') if characters.peek() == Some(&'"') => {}
            (None, '$') if characters.peek() == Some(&'\'') => return None,
            (Some('"'), '\\') => match characters.next_if(|next| "\"\\$`".contains(*next)) {
                Some(escaped) => word.push(escaped),
                None => word.push('\\'),
            },
            (_, character) => word.push(character),
        }
    }
    Some(word)
}

/// The longest text in which [`last_of_braces`] looks for braces, in bytes: its work is quadratic.
const LONGEST_WITH_BRACES: usize = 2_000;

/// What bash makes of the braces in a text that has no [`Special`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Braces {
    /// It keeps them.
    Kept,
    /// It makes several words of the text; this is the last one, with its quotation marks.
    Expanded(String),
    /// A sequence such as `{1..9}`, or a text that is too long: not known here.
    Unknown,
}

/// Expands the braces of a text as bash does (`braces.c`): in the last word, each `{…,…}` has become its last part.
pub fn last_of_braces(text: &str) -> Braces {
    if !text.contains('{') || !(text.contains(',') || text.contains("..")) {
        return Braces::Kept;
    }
    // Of `$'…'`, bash's own search for braces sees the quotation marks alone.
    if text.len() > LONGEST_WITH_BRACES || text.contains("$'") {
        return Braces::Unknown;
    }
    let mut last = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_expanded = false;
    while let Some((open, braced)) = leftmost_braces(rest) {
        let Some(part) = braced.last_part else {
            return Braces::Unknown;
        };
        last.push_str(rest.get(..open).unwrap_or_default());
        match last_of_braces(part) {
            Braces::Kept => last.push_str(part),
            Braces::Expanded(part) => last.push_str(&part),
            Braces::Unknown => return Braces::Unknown,
        }
        is_expanded = true;
        rest = rest.get(braced.end..).unwrap_or_default();
    }
    last.push_str(rest);
    if is_expanded {
        Braces::Expanded(last)
    } else {
        Braces::Kept
    }
}

/// A pair of braces that bash expands.
struct Braced<'a> {
    /// What is behind its last comma; `None` for a sequence.
    last_part: Option<&'a str>,
    /// Behind the closing brace.
    end: usize,
}

/// The first brace of a text that opens an expansion.
fn leftmost_braces(text: &str) -> Option<(usize, Braced<'_>)> {
    let opening = unquoted_bytes(text).filter(|(_, byte)| *byte == b'{');
    opening
        .into_iter()
        .find_map(|(open, _)| Some((open, braced(text, open)?)))
}

/// What the brace at `open` opens. A closing brace counts only behind a comma or two dots: `{a}b,c}` is one pair.
fn braced(text: &str, open: usize) -> Option<Braced<'_>> {
    let (mut level, mut last_comma, mut has_dots) = (0_usize, None, false);
    let inside = text.get(open + 1..)?;
    for (at, byte) in unquoted_bytes(inside) {
        match byte {
            b'}' if level == 0 && (last_comma.is_some() || has_dots) => {
                return Some(Braced {
                    last_part: last_comma.and_then(|comma: usize| inside.get(comma + 1..at)),
                    end: open + 1 + at + 1,
                });
            }
            b'{' => level += 1,
            b'}' => level = level.saturating_sub(1),
            b',' if level == 0 => last_comma = Some(at),
            b'.' if level == 0 => has_dots |= inside.get(at..).is_some_and(|rest| rest.starts_with("..")),
            _ => {}
        }
    }
    None
}

/// The bytes of a text outside quotation marks and not behind a backslash, with their places.
fn unquoted_bytes(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let (mut quote, mut is_escaped) = (None, false);
    text.bytes().enumerate().filter(move |(_, byte)| {
        if std::mem::take(&mut is_escaped) {
            return false;
        }
        match (quote, byte) {
            (Some(b'"') | None, b'\\') => is_escaped = true,
            (Some(open), byte) => quote = Some(open).filter(|open| open != byte),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, _) => return true,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_what_bash_sees() {
        let of = |text| specials(text).collect::<Vec<_>>();
        assert_eq!(of("python train.py --name='a;b && c' \"d|e\""), vec![Special::Blank; 3]);
        assert_eq!(of("a;b"), [Special::Operator(';')]);
        assert_eq!(of(r"a\;b\ c"), []);
        assert_eq!(of("\"$(nproc)\""), [Special::Command]);
        assert_eq!(
            of("$MY_POD_IP:${PORT}"),
            [Special::Variable("MY_POD_IP"), Special::Variable("PORT")]
        );
        assert_eq!(of("${A:-1}"), [Special::Variable("")]);
        assert_eq!(
            of("${A:-$(echo '}')}$((2*(3+4)))`a b`"),
            [Special::Variable(""), Special::Command, Special::Command]
        );
        assert_eq!(of("\"$(hostname -I | tr \" \" - | sed 's/)//')\""), [Special::Command]);
        assert_eq!(of("$[2*(3+4)]"), [Special::Command]);
        assert_eq!(of("$'it\\'s'"), []);
        for (text, open) in [
            ("$(a", '('),
            ("${a", '{'),
            ("`a", '`'),
            ("$[1", '['),
            ("$(')'", '('),
            ("$(\")", '('),
        ] {
            assert_eq!(of(text), [Special::Unclosed(open)], "{text}");
        }
        assert_eq!(of("5$ '$(x)'"), [Special::Blank]);
        assert_eq!(of("'open"), [Special::Unclosed('\'')]);
        assert_eq!(of("\"open"), [Special::Unclosed('"')]);
        assert_eq!(of("a#b #c"), [Special::Blank, Special::Comment]);
        assert_eq!(of("ä\\"), []);
    }

    #[test]
    fn expands_braces_as_bash_does() {
        let expanded = |text: &str| Braces::Expanded(text.to_owned());
        assert_eq!(last_of_braces(r#"{\"TPU\":4,\"a\":1}"#), expanded(r#"\"a\":1"#));
        assert_eq!(last_of_braces("{a,b}{c,{d,e}f}g"), expanded("befg"));
        assert_eq!(last_of_braces("{a{b,c}d}"), expanded("{acd}"));
        assert_eq!(last_of_braces("{{a,b}"), expanded("{b"));
        assert_eq!(last_of_braces("{a}b,c}"), expanded("c"));
        assert_eq!(last_of_braces("x{a,}"), expanded("x"));
        for kept in [
            "{}",
            "{a}",
            "{a,b",
            "a,b}",
            "'{a,b}'",
            "\"{a,b}\"",
            "\\{a,b}",
            "{a\\,b}",
            "{'a,b'}",
            "{a,b\\}",
        ] {
            assert_eq!(last_of_braces(kept), Braces::Kept, "{kept}");
        }
        for unknown in ["{1..3}", "x{a,{1..3}}", &"{,".repeat(LONGEST_WITH_BRACES)] {
            assert_eq!(last_of_braces(unknown), Braces::Unknown, "{unknown}");
        }
    }

    #[test]
    fn takes_quotation_marks_away() {
        assert_eq!(unquoted(r#"'{"TPU": 4}'"#).as_deref(), Some(r#"{"TPU": 4}"#));
        assert_eq!(unquoted(r#""{\"TPU\": 4}""#).as_deref(), Some(r#"{"TPU": 4}"#));
        assert_eq!(unquoted(r#"{"TPU":4}"#).as_deref(), Some("{TPU:4}"));
        assert_eq!(unquoted(r#"{"TPU": 4}"#), None);
        assert_eq!(unquoted(r#"$"a$"b"#).as_deref(), Some("a$b"));
        assert_eq!(unquoted(r#"$'{"TPU":4}'"#), None);
        assert_eq!(unquoted("'open"), None);
    }
}

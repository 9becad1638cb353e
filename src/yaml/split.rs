//! A stream of YAML cut into its documents.
//!
//! A line that begins with `---` or `...`, alone or before white space, is a document marker wherever it stands: such
//! lines are forbidden in the content of a document, be it quoted (YAML 1.2.2, production 206, `c-forbidden`). So the
//! documents can be told apart without reading them, and a broken one does not take the others with it.

/// The documents of a stream, each with the byte at which it begins, its marker and directives included.
pub(super) fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let (mut begin, mut opened, mut at) = (0, false, 0);
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        if is_marker(line, "---") {
            if opened {
                documents.push((begin, text.get(begin..at).unwrap_or_default()));
                begin = at;
            }
            opened = true;
        } else if is_marker(line, "...") {
            documents.push((begin, text.get(begin..next).unwrap_or_default()));
            (begin, opened) = (next, false);
        } else if !line.starts_with(['#', '%']) && !line.trim_ascii().is_empty() {
            opened = true;
        }
        at = next;
    }
    documents.push((begin, text.get(begin..).unwrap_or_default()));
    documents.retain(|(_, document)| !document.trim_ascii().is_empty());
    documents
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::documents;

    fn texts(text: &str) -> Vec<&str> {
        let all = documents(text);
        assert!(all.iter().all(|(begin, document)| text[*begin..].starts_with(document)));
        all.into_iter().map(|(_, document)| document).collect()
    }

    #[test]
    fn markers_separate() {
        assert_eq!(texts("a: 1\n---\nb: 2\n"), ["a: 1\n", "---\nb: 2\n"]);
        assert_eq!(texts("---\na: 1\n--- # two\nb: 2"), ["---\na: 1\n", "--- # two\nb: 2"]);
        assert_eq!(texts("a: 1\r\n---\r\nb: 2\r\n"), ["a: 1\r\n", "---\r\nb: 2\r\n"]);
        assert_eq!(texts("# head\n\n---\na: 1\n"), ["# head\n\n---\na: 1\n"]);
        assert_eq!(
            texts("a: 1\n...\n%YAML 1.2\n---\nb: 2\n"),
            ["a: 1\n...\n", "%YAML 1.2\n---\nb: 2\n"]
        );
    }

    #[test]
    fn what_only_looks_like_a_marker_does_not() {
        assert_eq!(texts("a: |\n  ---\n  b\n"), ["a: |\n  ---\n  b\n"]);
        assert_eq!(texts("----\n---x\n"), ["----\n---x\n"]);
        assert_eq!(texts(" \n\n"), Vec::<&str>::new());
    }

    #[test]
    fn a_marker_ends_what_is_broken() {
        assert_eq!(texts("a: \"open\n---\nb: 2\n"), ["a: \"open\n", "---\nb: 2\n"]);
    }
}

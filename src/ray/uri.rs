//! URIs and paths as Python reads them: `urllib.parse` and `pathlib` of Python 3.11.

/// A URI, split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    /// In lower case.
    pub scheme: String,
    /// The host with all that belongs to it.
    pub authority: String,
    /// Without parameters, query and fragment.
    pub path: String,
}

/// The scheme of a URI as Python's `urlsplit` reads it.
pub fn scheme(uri: &str) -> Option<String> {
    split_scheme(&stripped(uri)).map(|(scheme, _)| scheme)
}

/// Splits a URI as Python's `urlparse` does; `None` where it has no scheme.
pub fn parse(uri: &str) -> Option<Uri> {
    let uri = stripped(uri);
    let (scheme, rest) = split_scheme(&uri)?;
    let (authority, rest) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let path = match scheme.as_str() {
        "http" | "https" => without_parameters(path),
        _ => path,
    };
    Some(Uri {
        authority: authority.to_owned(),
        path: path.to_owned(),
        scheme,
    })
}

/// Without the characters that Python drops.
fn stripped(uri: &str) -> String {
    uri.trim_start_matches(|character: char| character <= ' ')
        .replace(['\t', '\r', '\n'], "")
}

fn split_scheme(uri: &str) -> Option<(String, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.'));
    is_scheme.then(|| (scheme.to_ascii_lowercase(), rest))
}

/// The path up to the parameters of its last segment.
fn without_parameters(path: &str) -> &str {
    let last = path.rfind('/').unwrap_or_default();
    let at = path.get(last..).and_then(|segment| segment.find(';'));
    at.and_then(|at| path.get(..last + at)).unwrap_or(path)
}

/// The parts of a path that count.
fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

/// The suffix of a path's last part as Python's `Path.suffix` gives it: with its dot, or empty.
pub fn suffix(path: &str) -> &str {
    let name = parts(path).next_back().unwrap_or_default();
    match name.rfind('.') {
        Some(dot) if dot > 0 && dot + 1 < name.len() => name.get(dot..).unwrap_or_default(),
        _ => "",
    }
}

/// Whether a path leads to a directory on every machine: the current one, one above it, or the root.
pub fn is_always_a_directory(path: &str) -> bool {
    parts(path).all(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_urlparse_does() {
        let cases = [
            ("s3://bucket/a.zip", Some(("s3", "bucket", "/a.zip"))),
            ("HTTPS://h/a.zip;p?q#f", Some(("https", "h", "/a.zip"))),
            ("https://h/a;b/c.zip", Some(("https", "h", "/a;b/c.zip"))),
            ("s3://b/a;b.zip", Some(("s3", "b", "/a;b.zip"))),
            ("s3://a.zip", Some(("s3", "a.zip", ""))),
            ("file:/a.zip", Some(("file", "", "/a.zip"))),
            ("https://h?x=/a.zip", Some(("https", "h", ""))),
            (" s3://b/\na.zip", Some(("s3", "b", "/a.zip"))),
            ("./src", None),
            ("1s://b", None),
            ("", None),
        ];
        for (uri, expected) in cases {
            let expected = expected.map(|(scheme, authority, path)| Uri {
                scheme: scheme.to_owned(),
                authority: authority.to_owned(),
                path: path.to_owned(),
            });
            assert_eq!(parse(uri), expected, "{uri}");
        }
    }

    #[test]
    fn reads_paths_as_pathlib_does() {
        let cases = [
            ("a.zip", ".zip"),
            ("a/b.tar.gz", ".gz"),
            ("a.zip/", ".zip"),
            ("a.zip/.", ".zip"),
            (".yaml", ""),
            ("a.", ""),
            ("..", ""),
            ("", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(suffix(path), expected, "{path}");
        }
        for (path, expected) in [
            ("", true),
            ("./", true),
            ("../..", true),
            ("/", true),
            ("a", false),
            ("../a", false),
        ] {
            assert_eq!(is_always_a_directory(path), expected, "{path}");
        }
    }
}

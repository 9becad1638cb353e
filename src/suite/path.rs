//! Paths as people write them, and as [`Path`] prints them.

use crate::k8s::path::Path;

/// Reads `spec.workerGroupSpecs[0].labels["a.b/c"]`; `None` where it is no such path.
pub(super) fn parse(text: &str) -> Option<Path> {
    let mut path = Path::ROOT;
    let mut rest = text;
    while !rest.is_empty() {
        if rest.starts_with("[\"") {
            let mut strings = serde_json::Deserializer::from_str(rest.get(1..)?).into_iter::<String>();
            let key = strings.next()?.ok()?;
            let end = 1 + strings.byte_offset();
            path = path.name(&key);
            rest = rest.get(end..)?.strip_prefix(']')?;
        } else if let Some(index) = rest.strip_prefix('[') {
            let (number, after) = index.split_once(']')?;
            path = path.index(number.parse().ok()?);
            rest = after;
        } else {
            let rest_of_key = if path.steps().is_empty() {
                rest
            } else {
                rest.strip_prefix('.')?
            };
            let end = rest_of_key.find(['.', '[']).unwrap_or(rest_of_key.len());
            let (key, after) = rest_of_key.split_at_checked(end)?;
            if key.is_empty() {
                return None;
            }
            path = path.name(key);
            rest = after;
        }
    }
    (!path.steps().is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_a_path_prints_is_read_back() {
        for text in [
            "spec",
            "spec.workerGroupSpecs[0].groupName",
            "metadata.labels[\"a.b/c\"].x",
            "a[\"q\\\"]\"][12][3]",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            ".a",
            "a.",
            "a..b",
            "a[",
            "a[x]",
            "a[1",
            "a[\"b]",
            "a[\"b\"c]",
            "a[1]b",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

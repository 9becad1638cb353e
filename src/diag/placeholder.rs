//! Variables of templates that nobody filled in.

/// The first part of a text that a template should have replaced: `$NAME`, `${NAME}`, `{{ name }}` or `<your-name>`.
pub fn placeholder(text: &str) -> Option<&str> {
    text.char_indices().find_map(|(at, character)| {
        let rest = text.get(at..)?;
        match character {
            '$' => variable(rest),
            '{' => enclosed(rest, "{{", "}}"),
            '<' => enclosed(rest, "<", ">"),
            _ => None,
        }
    })
}

/// A shell's variable at the start of a text.
fn variable(text: &str) -> Option<&str> {
    if text.starts_with("${") {
        return enclosed(text, "${", "}");
    }
    let name = text.get(1..)?;
    let length = name
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(name.len());
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    text.get(..=length).filter(|_| is_name)
}

/// What stands between two marks at the start of a text, with the marks.
fn enclosed<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let inside = text.strip_prefix(open)?;
    let length = inside.find(close).filter(|length| *length > 0)?;
    text.get(..open.len() + length + close.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_several_templates_are_found() {
        for (text, found) in [
            ("$IMAGE", Some("$IMAGE")),
            ("ghcr.io/$ORG/ray:1", Some("$ORG")),
            ("train-${JOB_ID}", Some("${JOB_ID}")),
            ("{{ .Values.image }}:1", Some("{{ .Values.image }}")),
            ("{{image}}", Some("{{image}}")),
            ("<your-image>", Some("<your-image>")),
            ("é$é<é>", Some("<é>")),
            ("$", None),
            ("$1", None),
            ("${}", None),
            ("{{}}", None),
            ("<>", None),
            ("{a}", None),
            ("a < b", None),
            ("ghcr.io/my-org/ray:1", None),
        ] {
            assert_eq!(placeholder(text), found, "{text}");
        }
    }
}

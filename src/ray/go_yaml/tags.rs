//! Tags that do not fit their values. `sigs.k8s.io/yaml` rejects the text then (`resolve` and `scalar` of yaml.v2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::diag::Diagnostic;
use crate::yaml::{self, Node, NodeValue};

/// Where the first tag is that does not fit the scalar behind it. Where the scalar cannot be told, the tag fits.
pub(super) fn first_misfit(text: &str, root: &Node, diagnostics: &[Diagnostic]) -> Option<usize> {
    let tags = diagnostics.iter().filter(|diagnostic| &*diagnostic.code == "RY206");
    let mut tags = tags.filter_map(|diagnostic| diagnostic.primary.as_ref()).peekable();
    tags.peek()?;
    let mut scalars = Vec::new();
    collect(root, &mut scalars);
    scalars.sort_unstable_by_key(|(start, _)| *start);
    tags.filter_map(|(span, _)| {
        let kind = text.get(span.start..span.end)?.strip_prefix("!!")?;
        let next = scalars.partition_point(|(start, _)| *start < span.end);
        let (start, value) = scalars.get(next)?;
        (is_behind(text.get(span.end..*start)?) && !fits(kind, value)).then_some(span.start)
    })
    .min()
}

/// The scalars that were read as text, with where each begins.
fn collect<'n>(node: &'n Node, scalars: &mut Vec<(usize, &'n str)>) {
    match &node.value {
        NodeValue::String(text) => scalars.push((node.span.start, text)),
        NodeValue::Sequence(items) => items.iter().for_each(|item| collect(item, scalars)),
        NodeValue::Mapping(entries) => {
            for entry in entries {
                scalars.push((entry.key.span.start, &entry.key.text));
                collect(&entry.value, scalars);
            }
        }
        NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) => {}
    }
}

/// Whether only blanks are between a tag and the scalar, or the header of a block.
fn is_behind(between: &str) -> bool {
    let inline = between.trim_start_matches([' ', '\t']);
    inline.is_empty() && !between.is_empty() || inline.starts_with(['|', '>']) && !inline.contains(['&', '!', '#'])
}

/// Whether the reader accepts a value for a tag.
fn fits(tag: &str, text: &str) -> bool {
    let is_date = || {
        let mut parts = text.splitn(3, '-');
        let is_number = |part: Option<&str>, most: usize| {
            part.is_some_and(|part| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        is_number(parts.next(), 4) && is_number(parts.next(), 2) && parts.next().is_some()
    };
    match (tag, yaml::plain_value(text)) {
        // Go skips line ends within base64.
        ("binary", _) => STANDARD.decode(text.replace(['\r', '\n'], "")).is_ok(),
        ("timestamp", _) => is_date(),
        ("int", Some(NodeValue::Number(number))) => !number.is_f64(),
        ("float", None | Some(NodeValue::Number(_)))
        | ("bool", Some(NodeValue::Bool(_)))
        | ("null", Some(NodeValue::Null)) => true,
        ("int" | "float" | "bool" | "null", _) => false,
        _ => true,
    }
}

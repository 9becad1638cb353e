//! Keys of one object that go together or not, each of them sound by itself. What Kubernetes would refuse in every pod,
//! or what contradicts itself, is an error here, where its author sees it.

use crate::diag::{Diagnostic, Span};
use crate::k8s::quantity::Quantity;
use crate::yaml::Node;

use super::super::codes;
use super::super::schema::Field;

/// What is wrong with keys that stand together in an object of these fields.
pub(super) fn check(node: &Node, fields: &[Field]) -> Vec<Diagnostic> {
    let knows = |key: &str| fields.iter().any(|field| field.key == key);
    if knows("tolerationSeconds") {
        toleration(node)
    } else if knows("valueFrom") {
        both(node, "value", "valueFrom").into_iter().collect()
    } else if knows("min") && knows("max") {
        bounds(node)
    } else if knows("requests") && knows("limits") {
        requests(node)
    } else if knows("claimTemplates") && knows("nodeSelector") {
        no_device(node).into_iter().collect()
    } else {
        vec![]
    }
}

fn error(span: Span, message: String) -> Diagnostic {
    Diagnostic::error(codes::BAD_VALUE, message).at(span, "")
}

fn key_span(node: &Node, key: &str) -> Option<Span> {
    node.entry(key).map(|entry| entry.key.span)
}

/// Two keys of which an object has one.
fn both(node: &Node, one: &str, other: &str) -> Option<Diagnostic> {
    let (first, second) = (key_span(node, one)?, key_span(node, other)?);
    Some(
        error(second, format!("`{other}` cannot stand beside `{one}`"))
            .and_at(first, "")
            .help("keep one of them"),
    )
}

/// The rules of Kubernetes for tolerations (`validateTolerations`).
fn toleration(node: &Node) -> Vec<Diagnostic> {
    let text = |key: &str| node.get(key).and_then(Node::as_str);
    let exists = text("operator") == Some("Exists");
    let mut found = Vec::new();
    if text("key").is_none_or(str::is_empty) && !exists {
        found.push(
            error(
                node.span,
                "a toleration without a `key` tolerates every taint".to_owned(),
            )
            .help("give it a `key`; if every taint is meant, write `operator: Exists`"),
        );
    }
    if let Some(span) = key_span(node, "value").filter(|_| exists && text("value") != Some("")) {
        found.push(
            error(span, "`operator: Exists` takes no `value`".to_owned())
                .help("take the value out, or write `operator: Equal`"),
        );
    }
    if let Some(span) = key_span(node, "tolerationSeconds").filter(|_| text("effect") != Some("NoExecute")) {
        found.push(
            error(span, "`tolerationSeconds` is for `effect: NoExecute` alone".to_owned())
                .help("take it out, or write `effect: NoExecute`"),
        );
    }
    found
}

fn quantity(node: &Node) -> Option<Quantity> {
    Quantity::from_value(&node.to_json()).ok()
}

/// A value that is above another.
fn above(node: &Node, (low, high): (&str, &str)) -> Option<Diagnostic> {
    let (one, other) = (node.entry(low)?, node.entry(high)?);
    let (less, more) = (quantity(&one.value)?, quantity(&other.value)?);
    (less > more).then(|| {
        error(one.value.span, format!("`{low}: {less}` is above `{high}: {more}`"))
            .and_at(other.value.span, "")
            .help(format!("lower `{low}`, or raise `{high}`"))
    })
}

/// A kind of accelerators that nothing asks for.
fn no_device(node: &Node) -> Option<Diagnostic> {
    let keys = ["resource", "claimTemplates", "deviceClasses"];
    let is_asked_for = keys.iter().any(|key| node.get(key).is_some());
    (!is_asked_for).then(|| {
        error(node.span, "nothing asks for this accelerator".to_owned())
            .help("add `resource`, `claimTemplates` or `deviceClasses`")
    })
}

/// Bounds, and a size that is no share, in their order.
fn bounds(node: &Node) -> Vec<Diagnostic> {
    let pairs = [("min", "max"), ("size", "max"), ("min", "size")];
    pairs
        .into_iter()
        .find_map(|pair| above(node, pair))
        .into_iter()
        .collect()
}

/// Requests that are above their limits: Kubernetes refuses the pod.
fn requests(node: &Node) -> Vec<Diagnostic> {
    let (Some(requests), Some(limits)) = (node.get("requests"), node.get("limits")) else {
        return vec![];
    };
    let entries = requests.as_mapping().unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| {
            let key = entry.key.text.as_str();
            let limit = &limits.entry(key)?.value;
            let (request, most) = (quantity(&entry.value)?, quantity(limit)?);
            let message = format!("the request of {request} {key} is above its limit of {most}");
            (request > most).then(|| {
                error(entry.value.span, message)
                    .and_at(limit.span, "")
                    .help("Kubernetes refuses such a pod; lower the request, or raise the limit")
            })
        })
        .collect()
}

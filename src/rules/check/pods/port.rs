//! Ports, by number and by name.

use crate::json::Json;

/// What is wrong with the name of a port, if anything is (`k8s.io/apimachinery`, `IsValidPortName`).
pub(super) fn name_fault(name: &str) -> Option<&'static str> {
    if name.len() > 15 {
        Some("is longer than 15 characters")
    } else if name
        .bytes()
        .any(|byte| !byte.is_ascii_lowercase() && !byte.is_ascii_digit() && byte != b'-')
    {
        Some("has characters other than lowercase letters, digits and `-`")
    } else if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        Some("has no letter")
    } else if name.contains("--") {
        Some("has two hyphens in a row")
    } else if name.starts_with('-') || name.ends_with('-') {
        Some("starts or ends with `-`")
    } else {
        None
    }
}

/// What is wrong with a port that is a number or a name, if anything is.
pub(super) fn fault(port: Json<'_>) -> Option<&'static str> {
    match port.as_str() {
        Some(name) => name_fault(name),
        None => (!is_number(port.as_i64().unwrap_or_default())).then_some("is not between 1 and 65535"),
    }
}

/// Whether a port has this number.
pub(super) fn is_number(port: i64) -> bool {
    (1..=65535).contains(&port)
}

//! `rayVersion` as KubeRay reads it, which is not how Ray's own releases are read: Kubernetes'
//! `util/version.ParseGeneric` takes a `v` in front, two numbers or more, and anything on the same line after them.

use crate::k8s::json::text;
use crate::ray::Workload;

/// What `rayVersion` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RayVersion<'a> {
    /// Nothing.
    Unset,
    /// A text that KubeRay cannot read.
    Unreadable(&'a str),
    /// A version: its text, and its major and minor number.
    Known(&'a str, (u64, u64)),
}

impl<'a> RayVersion<'a> {
    /// The version of a RayJob's cluster.
    pub fn of(job: &Workload<'a>) -> RayVersion<'a> {
        let version = job.cluster.and_then(|cluster| text(cluster, "rayVersion"));
        match version.filter(|version| !version.is_empty()) {
            None => RayVersion::Unset,
            Some(version) => match numbers(version) {
                None => RayVersion::Unreadable(version),
                Some(numbers) => RayVersion::Known(version, numbers),
            },
        }
    }

    /// Whether it is known and not older than this minor release.
    pub fn at_least(&self, major: u64, minor: u64) -> bool {
        matches!(self, RayVersion::Known(_, numbers) if *numbers >= (major, minor))
    }
}

/// The first two numbers of a version that `ParseGeneric` reads: every number must fit 64 bits, and the first may not
/// have a zero in front.
fn numbers(text: &str) -> Option<(u64, u64)> {
    let text = text.trim_start_matches(['\t', '\n', '\x0c', '\r', ' ']);
    if text.contains('\n') {
        return None;
    }
    let mut rest = text.strip_prefix('v').unwrap_or(text);
    let mut found = Vec::new();
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        if number.is_empty() {
            // A dot without a number after it belongs to the rest, a version without a first number is none.
            break;
        }
        if found.is_empty() && number.len() > 1 && number.starts_with('0') {
            return None;
        }
        found.push(number.parse::<u64>().ok()?);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => break,
        }
    }
    match found.as_slice() {
        [major, minor, ..] => Some((*major, *minor)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn reads_what_kubernetes_reads() {
        for (text, version) in [
            ("2.52.0", (2, 52)),
            ("2.52", (2, 52)),
            ("v2.52.1-py312", (2, 52)),
            (" \t\n2.55.x", (2, 55)),
            ("2.052", (2, 52)),
            ("2.56.0rc1", (2, 56)),
            ("2.56.", (2, 56)),
            ("0.1", (0, 1)),
            ("3.0.0.dev0 (nightly)", (3, 0)),
        ] {
            assert_eq!(numbers(text), Some(version), "{text:?}");
        }
        for text in [
            "",
            "v",
            "2",
            "2.",
            "nightly",
            "latest",
            "02.52.0",
            "V2.52",
            "2.52\n",
            "vv2.1",
            "-2.1",
            "2.x",
            ".2.1",
            "2.18446744073709551616",
            "2.1.99999999999999999999",
            "\u{a0}2.52",
            "\u{b}2.52",
        ] {
            assert_eq!(numbers(text), None, "{text:?}");
        }
    }
}

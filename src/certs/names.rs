//! The names that a serving certificate is good for.

use std::{fmt, net::IpAddr, str::FromStr};

/// The name of a Service or Namespace: an RFC 1123 label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsLabel(String);

/// A name that a client may dial: a DNS name, one with `*` as its first label, or an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectName(String);

/// Why a text is not the name it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not an RFC 1123 label.
    #[error(
        "`{0}` is no name of a Kubernetes Service or Namespace: write 1 to 63 of a-z, 0-9 and `-`, \
         with a letter or digit at both ends"
    )]
    Label(String),
    /// Neither a DNS name nor an IP address.
    #[error(
        "`{0}` is neither a DNS name nor an IP address: write one like `raygate.example.com`, `*.example.com` or `10.0.0.7`"
    )]
    Subject(String),
}

/// The names under which a cluster reaches a Service, shortest first.
///
/// The API server dials `NAME.NAMESPACE.svc`; the other forms serve clients inside the cluster, whose resolver completes
/// them, and `cluster.local` is the domain that clusters have unless told otherwise.
pub fn service_names(service: &DnsLabel, namespace: &DnsLabel) -> Vec<SubjectName> {
    [
        format!("{service}"),
        format!("{service}.{namespace}"),
        format!("{service}.{namespace}.svc"),
        format!("{service}.{namespace}.svc.cluster.local"),
    ]
    .map(SubjectName)
    .into()
}

impl FromStr for DnsLabel {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
        if lower && is_label(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Label(text.to_owned()))
        }
    }
}

impl FromStr for SubjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.parse::<IpAddr>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        // A name whose last label is a number is an IP address with a slip in it.
        let number = name
            .rsplit('.')
            .next()
            .is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
        if text.len() <= 253 && !number && name.split('.').all(is_label) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Subject(text.to_owned()))
        }
    }
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl DnsLabel {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SubjectName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DnsLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_kubernetes_takes() {
        for good in ["raygate", "a", "0", "1-team", &"a".repeat(63)] {
            assert_eq!(
                good.parse::<DnsLabel>().map(|label| label.to_string()),
                Ok(good.to_owned())
            );
        }
        for bad in ["", "-a", "a-", "Ray", "a.b", "a_b", "a b", "a\nb", "ä", &"a".repeat(64)] {
            assert_eq!(bad.parse::<DnsLabel>(), Err(NameError::Label(bad.to_owned())));
        }
    }

    #[test]
    fn subjects_are_names_and_addresses() {
        for good in [
            "localhost",
            "a.b-c.example",
            "Host.Example",
            "*.example.com",
            "127.0.0.1",
            "::1",
            "1.example",
        ] {
            assert!(good.parse::<SubjectName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "*",
            "*.",
            "a..b",
            "a.",
            ".a",
            "a.*.b",
            "1.2.3.400",
            "10.0.0",
            "7",
            "[::1]",
            "a:1",
            "https://a",
            "a\n",
        ] {
            assert_eq!(bad.parse::<SubjectName>(), Err(NameError::Subject(bad.to_owned())));
        }
    }

    #[test]
    fn a_service_has_four_names() {
        let [service, namespace] = ["gate", "ml"].map(|name| name.parse().expect("a label"));
        let names = service_names(&service, &namespace);
        let names: Vec<_> = names.iter().map(SubjectName::as_str).collect();
        assert_eq!(names, ["gate", "gate.ml", "gate.ml.svc", "gate.ml.svc.cluster.local"]);
    }
}

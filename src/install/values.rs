//! Values that go into the objects, checked before they get there.

use std::{fmt, str::FromStr};

use crate::k8s::image::Image;

/// The name of a container image, with or without registry, tag and digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName(String);

/// `https://HOST:PORT`, below which `/mutate` and `/validate` are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

/// Why a value cannot go into the objects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not an image.
    #[error("`{0}` is no name of a container image: write one like `registry.example.com/raygate:1.2.3`")]
    Image(String),
    /// Not a URL that a webhook configuration takes: Kubernetes wants https, and neither user, query nor fragment.
    #[error("`{0}` is no address of a webhook: write `https://HOST` or `https://HOST:PORT` and nothing behind it")]
    Url(String),
}

impl BaseUrl {
    /// The host that is dialled, without brackets and port.
    pub fn host(&self) -> &str {
        let authority = self.0.strip_prefix("https://").unwrap_or(&self.0);
        match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => authority.split_once(':').map_or(authority, |(host, _)| host),
        }
    }
}

impl FromStr for ImageName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match Image::parse(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(ValueError::Image(text.to_owned())),
        }
    }
}

impl FromStr for BaseUrl {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text
            .strip_prefix("https://")
            .map(|rest| rest.strip_suffix('/').unwrap_or(rest))
        {
            Some(authority) if is_authority(authority) => Ok(Self(format!("https://{authority}"))),
            _ => Err(ValueError::Url(text.to_owned())),
        }
    }
}

/// `host`, `host:port`, `[::1]` or `[::1]:port`.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("bracketed", port),
        Some(_) => return false,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let host = host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let port = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|digits| !digits.starts_with('+') && digits.parse::<u16>().is_ok_and(|port| port > 0));
    host && port
}

impl ImageName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_with_and_without_registry_are_taken() {
        for good in [
            "raygate",
            "raygate:0.1.0",
            "registry.example.com:5000/ml/raygate@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(
                good.parse::<ImageName>().map(|image| image.to_string()),
                Ok(good.to_owned())
            );
        }
        for bad in [
            "",
            ":tag",
            "ray gate",
            "raygate\n",
            "\"raygate\"",
            "raygate #1",
            "raygate/",
            "a@sha256:0123",
        ] {
            assert_eq!(bad.parse::<ImageName>(), Err(ValueError::Image(bad.to_owned())));
        }
    }

    #[test]
    fn urls_are_https_host_and_port() {
        for (text, url) in [
            ("https://127.0.0.1:9443", "https://127.0.0.1:9443"),
            ("https://gate.example.com/", "https://gate.example.com"),
            ("https://[::1]:9443", "https://[::1]:9443"),
        ] {
            assert_eq!(text.parse::<BaseUrl>().map(|url| url.to_string()), Ok(url.to_owned()));
        }
        for bad in [
            "",
            "https://",
            "http://a",
            "a:1",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "https://a:0",
            "https://a:65536",
            "https://a:+1",
            "https://a:1:2",
            "https://[::1",
            "https://[a]:1",
            "https://[::1]1",
            "https://a b",
            "https://:1",
        ] {
            assert_eq!(bad.parse::<BaseUrl>(), Err(ValueError::Url(bad.to_owned())), "{bad}");
        }
    }
}

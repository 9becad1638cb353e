//! Releases of Ray, as `rayVersion` and the tags of Ray's own images name them.

use std::fmt;

/// A release of Ray, such as 2.52.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Release {
    /// The release with these numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Release {
        Release { major, minor, patch }
    }

    /// The release that a text begins with: `2.52.1`, `2.52.1-py312-gpu`, `2.9.0rc1` is none.
    pub fn leading(text: &str) -> Option<Release> {
        let numbers = text.split(['-', '_', '+']).next()?;
        let mut parts = numbers.split('.').map(|part| part.parse::<u16>().ok());
        let release = Release::new(parts.next()??, parts.next()??, parts.next()??);
        Some(release)
    }

    /// The release that the tag of an image of Ray itself names: `rayproject/ray:2.52.1-gpu`, or a copy of it that is
    /// named so. The tag of any other image is its own affair.
    pub fn of_image(repository: &str, tag: &str) -> Option<Release> {
        Release::leading(tag).filter(|_| is_rays_own(repository))
    }
}

/// Whether a repository is named like one of Ray's own images.
pub fn is_rays_own(repository: &str) -> bool {
    let name = repository.rsplit('/').next().unwrap_or_default();
    matches!(name, "ray" | "ray-ml" | "ray-llm")
}

/// The Python that the tag of one of Ray's own images names: 3.12 for `2.52.1-py312-gpu`. A tag that names none has
/// that release's own choice.
pub fn python(tag: &str) -> Option<(u8, u8)> {
    tag.split('-').find_map(|part| {
        let digits = part.strip_prefix("py")?;
        let (major, minor) = digits.split_at_checked(1)?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    })
}

/// The architecture that a tag ends with, as the kubelet names it: `arm64` for `2.52.1-py312-aarch64`.
pub fn architecture(tag: &str) -> Option<&'static str> {
    let ends = |names: &[&str]| {
        names.iter().any(|name| {
            tag.strip_suffix(name)
                .is_some_and(|before| before.is_empty() || before.ends_with(['-', '.', '_']))
        })
    };
    if ends(&["aarch64", "arm64"]) {
        Some("arm64")
    } else if ends(&["amd64", "x86_64"]) {
        Some("amd64")
    } else {
        None
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The major release of CUDA in the tag of one of Ray's own images: 12 in `2.52.1-py311-cu128`. `gpu` names none.
pub fn cuda(tag: &str) -> Option<u32> {
    let mut versions = tag
        .split('-')
        .filter_map(|part| part.strip_prefix("cu")?.parse::<u32>().ok());
    versions.next().map(|version| version / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_tell_python_and_architecture() {
        for (tag, of_python, of_nodes) in [
            ("2.52.1-py312-cu121-aarch64", Some((3, 12)), Some("arm64")),
            ("2.9.0-py39-gpu", Some((3, 9)), None),
            ("2.52.1", None, None),
            ("latest-x86_64", None, Some("amd64")),
            ("amd64", None, Some("amd64")),
            ("py", None, None),
            ("pyé-charm64", None, None),
        ] {
            assert_eq!(python(tag), of_python, "{tag}");
            assert_eq!(architecture(tag), of_nodes, "{tag}");
        }
    }

    #[test]
    fn reads_versions_and_tags() {
        assert_eq!(Release::leading("2.52.1"), Some(Release::new(2, 52, 1)));
        assert_eq!(Release::leading("2.52.1-py312-cu121"), Some(Release::new(2, 52, 1)));
        assert_eq!(Release::leading("2.52.1.a1b2c3-py310"), Some(Release::new(2, 52, 1)));
        for text in [
            "",
            "nightly",
            "2.52",
            "v2.52.1",
            "2.9.0rc1",
            "3fQ8rXvW1n2b7u0LxS0Kzg",
            "99999999.0.0",
        ] {
            assert_eq!(Release::leading(text), None, "{text}");
        }
    }

    #[test]
    fn reads_the_release_of_cuda() {
        for (tag, major) in [
            ("2.52.1-py311-cu128", Some(12)),
            ("2.9.0-cu118-aarch64", Some(11)),
            ("2.52.1-gpu", None),
            ("2.52.1-cuda", None),
        ] {
            assert_eq!(cuda(tag), major, "{tag}");
        }
    }
}

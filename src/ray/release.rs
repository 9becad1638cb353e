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
        let name = repository.rsplit('/').next()?;
        let is_ray = matches!(name, "ray" | "ray-ml" | "ray-llm");
        if is_ray { Release::leading(tag) } else { None }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}

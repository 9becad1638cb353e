//! A level of the standards at a version.

use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How strict a profile is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is forbidden.
    Privileged,
    /// Known ways to more privileges are forbidden.
    Baseline,
    /// The pod must also give up what it does not need.
    Restricted,
}

/// The Kubernetes release whose rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The newest one that this module has.
    Latest,
    /// `v1.` and this minor version.
    Minor(u8),
}

/// A level at a version: `restricted`, or `restricted:v1.34`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// How strict it is.
    pub level: Level,
    /// Whose rules apply.
    pub version: Version,
}

impl Level {
    /// Every level, the least strict first.
    pub const ALL: [Level; 3] = [Level::Privileged, Level::Baseline, Level::Restricted];

    /// The name that Kubernetes uses.
    pub fn name(self) -> &'static str {
        match self {
            Level::Privileged => "privileged",
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        }
    }
}

impl Version {
    /// The oldest minor version that this module has.
    pub const OLDEST: u8 = 25;
    /// The newest minor version that this module has.
    pub const NEWEST: u8 = 37;

    /// The minor version.
    pub fn minor(self) -> u8 {
        match self {
            Version::Latest => Self::NEWEST,
            Version::Minor(minor) => minor,
        }
    }
}

impl Profile {
    /// Whether it is at least as strict as another. Versions differ in both directions, so those of two profiles must be
    /// the same.
    pub fn covers(self, other: Profile) -> bool {
        let same = self.version.minor() == other.version.minor();
        other.level == Level::Privileged || (same && self.level >= other.level)
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Profile, String> {
        let (level, version) = text.split_once(':').unwrap_or((text, "latest"));
        let level = Level::ALL.into_iter().find(|known| known.name() == level);
        let level = level.ok_or("the level must be baseline, restricted or privileged")?;
        let minor = || {
            let digits = version.strip_prefix("v1.")?;
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
            let minor = digits.parse().ok().filter(|_| is_plain)?;
            (Version::OLDEST..=Version::NEWEST).contains(&minor).then_some(minor)
        };
        let version = match version {
            "latest" => Version::Latest,
            _ => Version::Minor(minor().ok_or_else(|| {
                format!(
                    "the version must be latest, or v1.{} to v1.{}",
                    Version::OLDEST,
                    Version::NEWEST
                )
            })?),
        };
        Ok(Profile { level, version })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.level.name())?;
        match self.version {
            Version::Latest => Ok(()),
            Version::Minor(minor) => write!(f, ":v1.{minor}"),
        }
    }
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

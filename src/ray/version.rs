//! KubeRay's releases and feature gates, as far as they change what a RayJob may say.

use std::fmt;
use std::str::FromStr;

/// A minor release of KubeRay, such as 1.7. `main` reads as the newest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KubeRay {
    minor: u8,
}

impl KubeRay {
    /// KubeRay 1.1, the oldest release that is known here.
    pub const V1_1: KubeRay = KubeRay { minor: 1 };
    /// KubeRay 1.2.
    pub const V1_2: KubeRay = KubeRay { minor: 2 };
    /// KubeRay 1.3.
    pub const V1_3: KubeRay = KubeRay { minor: 3 };
    /// KubeRay 1.4.
    pub const V1_4: KubeRay = KubeRay { minor: 4 };
    /// KubeRay 1.5.
    pub const V1_5: KubeRay = KubeRay { minor: 5 };
    /// KubeRay 1.6.
    pub const V1_6: KubeRay = KubeRay { minor: 6 };
    /// KubeRay 1.7 of August 2026, the newest release, and the one assumed if the Platform names none.
    pub const V1_7: KubeRay = KubeRay { minor: 7 };

    /// The oldest release that may be installed where the Platform names none. Older ones must be named.
    pub const OLDEST_SUPPORTED: KubeRay = Self::V1_4;

    /// Every version that is known here, oldest first.
    pub const ALL: [KubeRay; 7] = [
        Self::V1_1,
        Self::V1_2,
        Self::V1_3,
        Self::V1_4,
        Self::V1_5,
        Self::V1_6,
        Self::V1_7,
    ];
}

impl Default for KubeRay {
    fn default() -> Self {
        Self::V1_7
    }
}

impl fmt::Display for KubeRay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}

impl FromStr for KubeRay {
    type Err = String;

    /// Reads `1.7`, `1.7.0`, `v1.7.0` or `main`.
    fn from_str(text: &str) -> Result<Self, String> {
        if matches!(text, "main" | "master" | "nightly") {
            return Ok(Self::V1_7);
        }
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        let major = parts.next().and_then(|part| part.parse::<u8>().ok());
        let minor = parts.next().and_then(|part| part.parse::<u8>().ok());
        let rest_is_numeric = parts.all(|part| part.parse::<u16>().is_ok());
        match (major, minor) {
            (Some(1), Some(minor)) if rest_is_numeric => Self::ALL
                .into_iter()
                .find(|version| version.minor == minor)
                .ok_or_else(|| format!("KubeRay {text} is not known here, the known ones are 1.1 to 1.7")),
            _ => Err(format!(
                "{text:?} is no KubeRay version; write it like \"1.6\" or \"1.6.2\""
            )),
        }
    }
}

/// A feature gate of KubeRay's operator.
#[derive(Debug)]
pub struct Gate {
    /// Its name.
    pub name: &'static str,
    /// The first release that knows it.
    pub since: KubeRay,
    /// The first release in which it is on by default, if any.
    pub on_since: Option<KubeRay>,
}

/// The gates that decide a rule (KubeRay, `pkg/features/features.go`).
pub static GATES: &[Gate] = &[
    Gate {
        name: "GCSFaultToleranceEmbeddedStorage",
        since: KubeRay::V1_7,
        on_since: None,
    },
    Gate {
        name: "RayClusterHistoryServer",
        since: KubeRay::V1_7,
        on_since: None,
    },
    Gate {
        name: "RayClusterMTLS",
        since: KubeRay::V1_7,
        on_since: None,
    },
    Gate {
        name: "RayClusterNetworkPolicy",
        since: KubeRay::V1_7,
        on_since: None,
    },
    Gate {
        name: "RayCronJob",
        since: KubeRay::V1_6,
        on_since: None,
    },
    Gate {
        name: "RayJobDeletionPolicy",
        since: KubeRay::V1_3,
        on_since: Some(KubeRay::V1_6),
    },
    Gate {
        name: "RayMultiHostIndexing",
        since: KubeRay::V1_5,
        on_since: Some(KubeRay::V1_6),
    },
    Gate {
        name: "RayServiceIncrementalUpgrade",
        since: KubeRay::V1_5,
        on_since: Some(KubeRay::V1_7),
    },
    Gate {
        name: "SidecarSubmitterRestart",
        since: KubeRay::V1_7,
        on_since: None,
    },
];

/// Whether a gate is on by default in `version`.
pub fn gate_default(name: &str, version: KubeRay) -> bool {
    GATES
        .iter()
        .any(|gate| gate.name == name && gate.on_since.is_some_and(|since| version >= since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_as_people_write_them() {
        for (text, version) in [
            ("1.6", KubeRay::V1_6),
            ("v1.4.2", KubeRay::V1_4),
            ("main", KubeRay::V1_7),
        ] {
            assert_eq!(text.parse(), Ok(version));
        }
        for text in ["", "2.0", "1", "1.99", "1.6-rc.1", "latest"] {
            assert!(text.parse::<KubeRay>().is_err(), "{text}");
        }
    }
}

//! The kinds that the webhook configurations register.

use std::{fmt, str::FromStr};

use crate::ray::Kind;
use crate::ray::kind::{self, KINDS};

/// The kinds that come to raygate: all, unless an installation is narrowed. Objects of the others are never judged.
#[derive(Clone, Debug)]
pub struct RegisteredKinds(Vec<&'static Kind>);

/// A list of kinds that cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind that raygate judges. Write one or more of {all}, separated by commas", all = RegisteredKinds::default())]
pub struct KindError(String);

impl RegisteredKinds {
    /// The kinds whose resources these are.
    pub fn of_resources<'r>(resources: impl IntoIterator<Item = &'r str>) -> Self {
        let resources: Vec<&str> = resources.into_iter().collect();
        Self(
            KINDS
                .into_iter()
                .filter(|kind| resources.contains(&kind.resource))
                .collect(),
        )
    }

    /// The kinds in the order of [`KINDS`].
    pub fn iter(&self) -> impl Iterator<Item = &'static Kind> {
        self.0.iter().copied()
    }

    /// Whether objects of this kind come.
    pub fn include(&self, kind: &Kind) -> bool {
        self.iter().any(|known| known.is(kind))
    }

    /// Whether no kind is left out.
    pub fn is_all(&self) -> bool {
        self.0.len() == KINDS.len()
    }

    /// Their resources, as a rule of a webhook lists them.
    pub(super) fn resources(&self) -> Vec<&'static str> {
        self.iter().map(|kind| kind.resource).collect()
    }
}

impl Default for RegisteredKinds {
    fn default() -> Self {
        Self(KINDS.to_vec())
    }
}

/// Kinds by their names, separated by commas, in any order.
impl FromStr for RegisteredKinds {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        match names.iter().find(|name| kind::named(name).is_none()) {
            Some(unknown) => Err(KindError((*unknown).to_owned())),
            None => Ok(Self(
                KINDS.into_iter().filter(|kind| names.contains(&kind.name)).collect(),
            )),
        }
    }
}

/// As `--kinds` takes them.
impl fmt::Display for RegisteredKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(|kind| kind.name).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_order() {
        let kinds: RegisteredKinds = "RayCluster, RayJob,RayJob".parse().unwrap();
        assert_eq!(kinds.to_string(), "RayJob,RayCluster");
        assert_eq!(kinds.resources(), ["rayjobs", "rayclusters"]);
        assert!(!kinds.is_all());
        let all: RegisteredKinds = RegisteredKinds::default().to_string().parse().unwrap();
        assert!(all.is_all());
        for wrong in ["", "rayjobs", "RayJob,", "RayJob,Pod"] {
            assert!(wrong.parse::<RegisteredKinds>().is_err(), "{wrong}");
        }
        let error = "RayJobs".parse::<RegisteredKinds>().unwrap_err().to_string();
        assert!(
            error.contains("`RayJobs`") && error.contains("RayJob,RayCluster,RayService,RayCronJob"),
            "{error}"
        );
    }

    #[test]
    fn resources_that_are_not_ours_are_no_kinds() {
        let kinds = RegisteredKinds::of_resources(["pods", "rayservices", "*"]);
        assert_eq!(kinds.to_string(), "RayService");
    }
}

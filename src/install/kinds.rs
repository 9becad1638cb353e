//! Lists of kinds: those that come to raygate, and those that are in Preview.

use std::{fmt, str::FromStr};

use serde_json::Value;

use crate::ray::Kind;
use crate::ray::kind::{self, KINDS};

use super::platforms::platforms;

/// A list of kinds; all of them by default.
#[derive(Clone, Debug)]
pub struct KindList(Vec<&'static Kind>);

/// A list of kinds that cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind that raygate judges. Write one or more of {all}, separated by commas", all = KindList::default())]
pub struct KindError(String);

impl KindList {
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

    /// Whether this kind is one of them.
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

/// The kinds that the Platform of these policy files puts into Preview: those that it lists, or all.
pub fn previewed_kinds<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> KindList {
    let platforms = platforms(texts);
    if platforms
        .iter()
        .any(|platform| platform.pointer("/spec/mode") == Some(&"Preview".into()))
    {
        return KindList::default();
    }
    let lists = platforms
        .iter()
        .filter_map(|platform| platform.pointer("/spec/preview")?.as_array());
    let names: Vec<&str> = lists.flatten().filter_map(Value::as_str).collect();
    KindList(KINDS.into_iter().filter(|kind| names.contains(&kind.name)).collect())
}

impl Default for KindList {
    fn default() -> Self {
        Self(KINDS.to_vec())
    }
}

/// Kinds by their names, separated by commas, in any order.
impl FromStr for KindList {
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
impl fmt::Display for KindList {
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
        let kinds: KindList = "RayCluster, RayJob,RayJob".parse().unwrap();
        assert_eq!(kinds.to_string(), "RayJob,RayCluster");
        assert_eq!(kinds.resources(), ["rayjobs", "rayclusters"]);
        assert!(!kinds.is_all());
        let all: KindList = KindList::default().to_string().parse().unwrap();
        assert!(all.is_all());
        for wrong in ["", "rayjobs", "RayJob,", "RayJob,Pod"] {
            assert!(wrong.parse::<KindList>().is_err(), "{wrong}");
        }
        let error = "RayJobs".parse::<KindList>().unwrap_err().to_string();
        assert!(
            error.contains("`RayJobs`") && error.contains("RayJob,RayCluster,RayService,RayCronJob"),
            "{error}"
        );
    }

    #[test]
    fn the_platform_says_what_is_in_preview() {
        let of = |text: &str| previewed_kinds([text.as_bytes()]).to_string();
        assert_eq!(
            of("kind: Platform\nspec: {preview: [RayService, RayJob]}\n"),
            "RayJob,RayService"
        );
        assert_eq!(
            of("kind: Platform\nspec: {mode: Preview}\n"),
            KindList::default().to_string()
        );
        assert_eq!(
            of("kind: RayPolicy\nspec: {preview: [RayService], mode: Preview}\n"),
            ""
        );
        assert_eq!(of("kind: Platform\nspec: {preview: 3}\n"), "");
    }

    #[test]
    fn resources_that_are_not_ours_are_no_kinds() {
        let kinds = KindList::of_resources(["pods", "rayservices", "*"]);
        assert_eq!(kinds.to_string(), "RayService");
    }
}

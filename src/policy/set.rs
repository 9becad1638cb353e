//! A set of policies.

use std::sync::Arc;

use super::exemption::Exemption;
use super::facts::Platform;
use super::origin::Origin;
use super::selector::Selector;
use super::settings::Mode;
use super::{SetLeaf, rule};

/// All documents of a set of policy files.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    /// The platform's facts; the defaults where no file has a Platform.
    pub platform: Platform,
    /// The policies, by priority and then by name, lowest first.
    pub policies: Vec<RayPolicy>,
    /// The exemptions, by name.
    pub exemptions: Vec<Exemption>,
    /// The digest over the normalised documents, in hexadecimal.
    pub digest: String,
    /// The digest over those that act: all but the policies in Preview and the disabled ones.
    pub acting_digest: String,
}

/// One policy, read and checked.
#[derive(Clone, Debug)]
pub struct RayPolicy {
    /// Its name, unique.
    pub name: Arc<str>,
    /// What it does with what it finds.
    pub mode: Mode,
    /// The higher wins.
    pub priority: i64,
    /// The RayJobs that it is for.
    pub matches: Selector,
    /// The RayJobs that it is not for.
    pub excludes: Vec<Selector>,
    /// The injectors that authors may turn off.
    pub allow_skip: Vec<String>,
    /// What it sets: leaves of `defaults`, `force`, `limits` and `actions`, and `roll`.
    pub leaves: Vec<SetLeaf>,
    /// The platform's own rules.
    pub rules: Vec<Arc<rule::Rule>>,
    /// The keys down to leaves of `defaults` and `force` of lower policies that it takes back, with all below them.
    pub unset: Vec<Vec<String>>,
    /// Where it stands.
    pub origin: Arc<Origin>,
}

//! Exemptions: what is waived and raised for somebody, until a day.

use std::sync::Arc;

use jiff::civil::Date;

use super::SetLeaf;
use super::merge::Origin;
use super::select::Selector;

/// An exemption, read and checked.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// Its name, unique among exemptions.
    pub name: Arc<str>,
    /// The RayJobs that it is for.
    pub matches: Selector,
    /// The checks and rules that it waives, by code or as `rule/NAME`, and where each stands.
    pub waive: Vec<(Arc<str>, Arc<Origin>)>,
    /// The limits that it raises: leaves of `limits`.
    pub raise: Vec<SetLeaf>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is granted.
    pub reason: String,
    /// The last day on which it holds, UTC.
    pub expires: Date,
    /// Where it stands.
    pub origin: Arc<Origin>,
}

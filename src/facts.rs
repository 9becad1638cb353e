//! What is known of a cluster: namespaces, LimitRanges, quotas, Kueue's queues, nodes, and the names of classes, service
//! accounts, claims and RayClusters.
//!
//! [`Facts`] are data, as policies are: an immutable snapshot that a request carries. They come from a file in raygate's own
//! format, `kind: ClusterFacts`, or from the List that `kubectl get … -o yaml` prints. Each kind of fact has the time at
//! which it was read, or the reason why it is unknown. A rule asks through [`Known`]: what is unknown, or too old,
//! reads as `None`, and then the rule finds nothing. Secrets and the content of ConfigMaps are never facts.

mod autoscale;
mod build;
mod ceilings;
mod fact;
mod kept;
mod known;
mod kueue;
mod nodes;
mod objects;
mod places;
mod read;
mod set;
mod write;

pub use autoscale::{Demand, Group, NODE_POOL_LABEL, NodePool, Refusal, STATUS};
pub use build::Builder;
pub use ceilings::{Ceilings, UNLIMITED, Units, units};
pub use fact::Fact;
pub use kept::kept;
pub use known::{Known, RECENT};
pub use kueue::{ClusterQueue, Cohort, FlavorQuotas, LocalQueue, ResourceFlavor, ResourceGroup, Share};
pub use nodes::{Node, Shape, Texts, is_extended};
pub use objects::{ClaimTemplate, DeviceClass, LimitRange, Limits, Per, PriorityClass, Quota, RuntimeClass, Scope};
pub use places::{Needs, Places, Set, is_after_start, is_given, rounded};
pub use read::FactsError;
pub use set::{API_VERSION, Facts, KIND, MAX_AGE, State};

#[cfg(test)]
mod tests;

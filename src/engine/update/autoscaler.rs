//! The scaling of Ray's autoscaler.

use crate::engine::compare::{same_but, says_the_same};
use crate::json::Json;
use crate::k8s::json::below;
use crate::ray::kind::{RAY_CLUSTER, WORKERS};
use crate::ray::{Kind, Workload};

/// The fields of a worker group that the autoscaler writes (Ray 2.52, `autoscaler/_private/kuberay/node_provider.py`).
const SCALED: &[&str] = &["replicas", "scaleStrategy"];

/// Whether an update changes nothing but what Ray's autoscaler writes, on a RayCluster that it scales. Whoever sends it,
/// it passes no limit: under autoscaling, limits count `maxReplicas`, and KubeRay builds no more
/// ([`pods_at_most`](crate::ray::facts::pods_at_most)).
pub fn only_scales(old: Json<'_>, new: Json<'_>) -> bool {
    let kind = Kind::of(new);
    let (was, is) = (kind.cluster(old), kind.cluster(new));
    let (groups_were, groups_are) = (kind.groups(old), kind.groups(new));
    kind.is(&RAY_CLUSTER)
        && Workload::of(old).autoscales()
        && same_but(was, is, &[WORKERS])
        && groups_were.len() == groups_are.len()
        && groups_were
            .iter()
            .zip(groups_are)
            .all(|(was, is)| same_but(was, is, SCALED))
        && [["metadata", "labels"], ["metadata", "annotations"]]
            .iter()
            .all(|keys| says_the_same(below(old, keys), below(new, keys)))
}

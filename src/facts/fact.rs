//! The kinds of facts.

use super::autoscale::STATUS;

/// A kind of fact: a kind of Kubernetes object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// The namespaces, with their labels.
    Namespace,
    /// The LimitRanges.
    LimitRange,
    /// The ResourceQuotas, without what is used of them.
    ResourceQuota,
    /// The names of the priority classes, and which of them is the default.
    PriorityClass,
    /// The names of the runtime classes, and their overhead.
    RuntimeClass,
    /// The names of the service accounts.
    ServiceAccount,
    /// Kueue's LocalQueues: their ClusterQueues, and whether they are stopped.
    LocalQueue,
    /// Kueue's ClusterQueues: their quotas and namespaces, and whether they are stopped.
    ClusterQueue,
    /// The names of Kueue's priority classes.
    WorkloadPriorityClass,
    /// The nodes, folded into shapes.
    Node,
    /// Karpenter's NodePools.
    NodePool,
    /// The ConfigMap with the status of the cluster-autoscaler, and no other one: its node groups.
    AutoscalerStatus,
    /// The volume claims and their access modes.
    VolumeClaim,
    /// Kueue's ResourceFlavors: labels, taints and tolerations.
    ResourceFlavor,
    /// Kueue's Cohorts: their parents and quotas.
    Cohort,
    /// The names of the device classes, and the extended resources that they stand for.
    DeviceClass,
    /// The names of the templates of resource claims, and their device classes.
    ResourceClaimTemplate,
    /// The names of the resource claims.
    ResourceClaim,
    /// The names of the RayClusters.
    RayCluster,
}

impl Fact {
    /// Every kind.
    pub const ALL: [Fact; 19] = [
        Fact::Namespace,
        Fact::LimitRange,
        Fact::ResourceQuota,
        Fact::PriorityClass,
        Fact::RuntimeClass,
        Fact::ServiceAccount,
        Fact::LocalQueue,
        Fact::ClusterQueue,
        Fact::WorkloadPriorityClass,
        Fact::Node,
        Fact::NodePool,
        Fact::AutoscalerStatus,
        Fact::VolumeClaim,
        Fact::ResourceFlavor,
        Fact::Cohort,
        Fact::DeviceClass,
        Fact::ResourceClaimTemplate,
        Fact::ResourceClaim,
        Fact::RayCluster,
    ];

    /// The kind, as Kubernetes spells it.
    pub fn name(self) -> &'static str {
        match self {
            Fact::Namespace => "Namespace",
            Fact::LimitRange => "LimitRange",
            Fact::ResourceQuota => "ResourceQuota",
            Fact::PriorityClass => "PriorityClass",
            Fact::RuntimeClass => "RuntimeClass",
            Fact::ServiceAccount => "ServiceAccount",
            Fact::LocalQueue => "LocalQueue",
            Fact::ClusterQueue => "ClusterQueue",
            Fact::WorkloadPriorityClass => "WorkloadPriorityClass",
            Fact::Node => "Node",
            Fact::NodePool => "NodePool",
            Fact::AutoscalerStatus => "ConfigMap",
            Fact::VolumeClaim => "PersistentVolumeClaim",
            Fact::ResourceFlavor => "ResourceFlavor",
            Fact::Cohort => "Cohort",
            Fact::DeviceClass => "DeviceClass",
            Fact::ResourceClaimTemplate => "ResourceClaimTemplate",
            Fact::ResourceClaim => "ResourceClaim",
            Fact::RayCluster => "RayCluster",
        }
    }

    /// Where the API server lists all objects of this kind.
    pub fn path(self) -> &'static str {
        match self {
            Fact::Namespace => "/api/v1/namespaces",
            Fact::LimitRange => "/api/v1/limitranges",
            Fact::ResourceQuota => "/api/v1/resourcequotas",
            Fact::PriorityClass => "/apis/scheduling.k8s.io/v1/priorityclasses",
            Fact::RuntimeClass => "/apis/node.k8s.io/v1/runtimeclasses",
            Fact::ServiceAccount => "/api/v1/serviceaccounts",
            // Kueue 0.19 and all earlier releases serve v1beta1.
            Fact::LocalQueue => "/apis/kueue.x-k8s.io/v1beta1/localqueues",
            Fact::ClusterQueue => "/apis/kueue.x-k8s.io/v1beta1/clusterqueues",
            Fact::WorkloadPriorityClass => "/apis/kueue.x-k8s.io/v1beta1/workloadpriorityclasses",
            Fact::Node => "/api/v1/nodes",
            Fact::NodePool => "/apis/karpenter.sh/v1/nodepools",
            Fact::AutoscalerStatus => "/api/v1/namespaces/kube-system/configmaps",
            Fact::VolumeClaim => "/api/v1/persistentvolumeclaims",
            Fact::ResourceFlavor => "/apis/kueue.x-k8s.io/v1beta1/resourceflavors",
            Fact::Cohort => "/apis/kueue.x-k8s.io/v1beta1/cohorts",
            Fact::DeviceClass => "/apis/resource.k8s.io/v1/deviceclasses",
            Fact::ResourceClaimTemplate => "/apis/resource.k8s.io/v1/resourceclaimtemplates",
            Fact::ResourceClaim => "/apis/resource.k8s.io/v1/resourceclaims",
            Fact::RayCluster => "/apis/ray.io/v1/rayclusters",
        }
    }

    /// What selects among the objects at the path, as the end of a query; empty for all.
    pub fn query(self) -> &'static str {
        match self {
            Fact::AutoscalerStatus => "&fieldSelector=metadata.name%3Dcluster-autoscaler-status",
            _ => "",
        }
    }

    /// Whether there are none if the API server does not know the kind, rather than that nothing is known.
    pub fn is_none_if_unserved(self) -> bool {
        self == Fact::NodePool
    }

    /// Whether an object of this kind, in this namespace and of this name, is a fact.
    pub fn takes(self, namespace: &str, name: &str) -> bool {
        self != Fact::AutoscalerStatus || (namespace, name) == STATUS
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Fact> {
        Fact::ALL.into_iter().find(|fact| fact.name() == name)
    }
}

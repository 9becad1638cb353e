//! The kinds of facts.

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
    pub const ALL: [Fact; 15] = [
        Fact::Namespace,
        Fact::LimitRange,
        Fact::ResourceQuota,
        Fact::PriorityClass,
        Fact::RuntimeClass,
        Fact::ServiceAccount,
        Fact::LocalQueue,
        Fact::ClusterQueue,
        Fact::WorkloadPriorityClass,
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
            Fact::ResourceFlavor => "/apis/kueue.x-k8s.io/v1beta1/resourceflavors",
            Fact::Cohort => "/apis/kueue.x-k8s.io/v1beta1/cohorts",
            Fact::DeviceClass => "/apis/resource.k8s.io/v1/deviceclasses",
            Fact::ResourceClaimTemplate => "/apis/resource.k8s.io/v1/resourceclaimtemplates",
            Fact::ResourceClaim => "/apis/resource.k8s.io/v1/resourceclaims",
            Fact::RayCluster => "/apis/ray.io/v1/rayclusters",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Fact> {
        Fact::ALL.into_iter().find(|fact| fact.name() == name)
    }
}

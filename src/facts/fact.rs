//! The kinds of facts.

/// A kind of fact: a kind of Kubernetes object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// The namespaces, with their labels for Pod Security.
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
    /// Kueue's ClusterQueues: whether they are stopped, or select no namespace.
    ClusterQueue,
    /// The names of Kueue's priority classes.
    WorkloadPriorityClass,
}

impl Fact {
    /// Every kind.
    pub const ALL: [Fact; 9] = [
        Fact::Namespace,
        Fact::LimitRange,
        Fact::ResourceQuota,
        Fact::PriorityClass,
        Fact::RuntimeClass,
        Fact::ServiceAccount,
        Fact::LocalQueue,
        Fact::ClusterQueue,
        Fact::WorkloadPriorityClass,
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
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Fact> {
        Fact::ALL.into_iter().find(|fact| fact.name() == name)
    }
}

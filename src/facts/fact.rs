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
}

impl Fact {
    /// Every kind.
    pub const ALL: [Fact; 6] = [
        Fact::Namespace,
        Fact::LimitRange,
        Fact::ResourceQuota,
        Fact::PriorityClass,
        Fact::RuntimeClass,
        Fact::ServiceAccount,
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
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Fact> {
        Fact::ALL.into_iter().find(|fact| fact.name() == name)
    }
}

//! Facts in raygate's own format.

use serde_json::{Map, Value, json};

use super::fact::Fact;
use super::set::{API_VERSION, Facts, KIND, Namespace, State};

impl Facts {
    /// The facts as the content of a file.
    pub fn document(&self) -> Value {
        self.to_value(true)
    }

    /// The same, with or without the times.
    pub(super) fn to_value(&self, is_dated: bool) -> Value {
        let mut kinds = Map::new();
        for (fact, state) in &self.states {
            let mut kind = Map::new();
            match state {
                State::Unknown(reason) => {
                    kind.insert("unknown".to_owned(), reason.clone().into());
                }
                State::Known { read_at, is_partial } => {
                    if let Some(read_at) = read_at.filter(|_| is_dated) {
                        kind.insert("readAt".to_owned(), read_at.to_string().into());
                    }
                    if *is_partial {
                        kind.insert("partial".to_owned(), true.into());
                    }
                    kind.insert("items".to_owned(), self.items(*fact).into());
                }
            }
            kinds.insert(fact.name().to_owned(), kind.into());
        }
        let mut document = Map::new();
        document.insert("apiVersion".to_owned(), API_VERSION.into());
        document.insert("kind".to_owned(), KIND.into());
        for (key, text) in [("cluster", &self.cluster), ("kubernetes", &self.kubernetes)] {
            if !text.is_empty() {
                document.insert(key.to_owned(), text.clone().into());
            }
        }
        document.insert("kinds".to_owned(), kinds.into());
        document.into()
    }

    /// The objects of a kind, in the shape that Kubernetes gives them.
    fn items(&self, fact: Fact) -> Vec<Value> {
        let namespaces = self.namespaces.iter();
        match fact {
            Fact::Namespace => namespaces
                .filter_map(|(name, namespace)| {
                    let labels = namespace.labels.as_ref()?;
                    Some(match labels.is_empty() {
                        true => json!({"metadata": {"name": name}}),
                        false => json!({"metadata": {"name": name, "labels": labels}}),
                    })
                })
                .collect(),
            Fact::LimitRange => self.in_namespaces(|namespace| {
                let ranges = namespace.limit_ranges.iter();
                ranges.map(|range| (range.name.clone(), Some(range.spec()))).collect()
            }),
            Fact::ResourceQuota => self.in_namespaces(|namespace| {
                let quotas = namespace.quotas.iter();
                quotas.map(|quota| (quota.name.clone(), Some(quota.spec()))).collect()
            }),
            Fact::ServiceAccount => self.in_namespaces(|namespace| {
                let names = namespace.service_accounts.iter();
                names.map(|name| (name.clone(), None)).collect()
            }),
            Fact::LocalQueue => self.in_namespaces(|namespace| {
                let queues = namespace.local_queues.iter();
                queues.map(|(name, queue)| (name.clone(), Some(queue.spec()))).collect()
            }),
            Fact::ClusterQueue => {
                let queues = self.cluster_queues.iter();
                queues
                    .map(|(name, queue)| json!({"metadata": {"name": name}, "spec": queue.spec()}))
                    .collect()
            }
            Fact::ResourceFlavor => {
                let flavors = self.resource_flavors.iter();
                flavors
                    .map(|(name, flavor)| json!({"metadata": {"name": name}, "spec": flavor.spec()}))
                    .collect()
            }
            Fact::Cohort => {
                let cohorts = self.cohorts.iter();
                cohorts
                    .map(|(name, cohort)| json!({"metadata": {"name": name}, "spec": cohort.spec()}))
                    .collect()
            }
            Fact::DeviceClass => {
                let classes = self.device_classes.iter();
                classes
                    .map(|(name, class)| match class.spec() {
                        Some(spec) => json!({"metadata": {"name": name}, "spec": spec}),
                        None => json!({"metadata": {"name": name}}),
                    })
                    .collect()
            }
            Fact::ResourceClaimTemplate => self.in_namespaces(|namespace| {
                let templates = namespace.claim_templates.iter();
                templates
                    .map(|(name, template)| (name.clone(), Some(template.spec())))
                    .collect()
            }),
            Fact::ResourceClaim => self.in_namespaces(|namespace| {
                let names = namespace.claims.iter();
                names.map(|name| (name.clone(), None)).collect()
            }),
            Fact::RayCluster => self.in_namespaces(|namespace| {
                let names = namespace.ray_clusters.iter();
                names.map(|name| (name.clone(), None)).collect()
            }),
            Fact::WorkloadPriorityClass => {
                let names = self.workload_priority_classes.iter();
                names.map(|name| json!({"metadata": {"name": name}})).collect()
            }
            Fact::PriorityClass => {
                let classes = self.priority_classes.iter();
                classes
                    .map(|(name, class)| match class.is_default {
                        true => json!({"metadata": {"name": name}, "globalDefault": true}),
                        false => json!({"metadata": {"name": name}}),
                    })
                    .collect()
            }
            Fact::RuntimeClass => {
                let classes = self.runtime_classes.iter();
                classes
                    .map(|(name, class)| match class.overhead() {
                        Some(overhead) => json!({"metadata": {"name": name}, "overhead": overhead}),
                        None => json!({"metadata": {"name": name}}),
                    })
                    .collect()
            }
        }
    }

    fn in_namespaces(&self, of: impl Fn(&Namespace) -> Vec<(String, Option<Value>)>) -> Vec<Value> {
        let object = |namespace: &str, (name, spec): (String, Option<Value>)| {
            let metadata = json!({"namespace": namespace, "name": name});
            match spec {
                Some(spec) => json!({"metadata": metadata, "spec": spec}),
                None => json!({"metadata": metadata}),
            }
        };
        let namespaces = self.namespaces.iter();
        namespaces
            .flat_map(|(name, namespace)| of(namespace).into_iter().map(move |found| object(name, found)))
            .collect()
    }
}

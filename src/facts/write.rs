//! Facts in raygate's own format.

use std::iter;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::autoscale;
use super::fact::Fact;
use super::set::{API_VERSION, Facts, KIND, Namespace, State};

impl Facts {
    /// The SHA-256 over all facts without their times, in hexadecimal. No more than one object is held as JSON.
    pub(super) fn sum(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(text);
            hash.update("\n");
        };
        add(&self.cluster);
        add(&self.kubernetes);
        for (fact, state) in &self.states {
            add(fact.name());
            match state {
                State::Unknown(reason) => add(reason),
                State::Known { is_partial, .. } => {
                    add(&is_partial.to_string());
                    if *fact == Fact::Node {
                        add(&Value::from(self.places.all().written()).to_string());
                    }
                    self.items(*fact).for_each(|item| add(&item.to_string()));
                }
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The facts as the content of a file.
    pub fn document(&self) -> Value {
        let mut kinds = Map::new();
        for (fact, state) in &self.states {
            let mut kind = Map::new();
            match state {
                State::Unknown(reason) => {
                    kind.insert("unknown".to_owned(), reason.clone().into());
                }
                State::Known { read_at, is_partial } => {
                    if let Some(read_at) = read_at {
                        kind.insert("readAt".to_owned(), read_at.to_string().into());
                    }
                    if *is_partial {
                        kind.insert("partial".to_owned(), true.into());
                    }
                    match fact {
                        Fact::Node => kind.extend(self.places.all().written()),
                        _ => {
                            kind.insert("items".to_owned(), self.items(*fact).collect());
                        }
                    }
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
    fn items(&self, fact: Fact) -> Box<dyn Iterator<Item = Value> + '_> {
        let namespaces = self.namespaces.iter();
        match fact {
            Fact::Namespace => Box::new(namespaces.filter_map(|(name, namespace)| {
                let labels = namespace.labels.as_ref()?;
                Some(match labels.is_empty() {
                    true => json!({"metadata": {"name": name}}),
                    false => json!({"metadata": {"name": name, "labels": labels}}),
                })
            })),
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
                Box::new(queues.map(|(name, queue)| json!({"metadata": {"name": name}, "spec": queue.spec()})))
            }
            Fact::ResourceFlavor => {
                let flavors = self.resource_flavors.iter();
                Box::new(flavors.map(|(name, flavor)| json!({"metadata": {"name": name}, "spec": flavor.spec()})))
            }
            Fact::Cohort => {
                let cohorts = self.cohorts.iter();
                Box::new(cohorts.map(|(name, cohort)| json!({"metadata": {"name": name}, "spec": cohort.spec()})))
            }
            Fact::DeviceClass => {
                let classes = self.device_classes.iter();
                Box::new(classes.map(|(name, class)| match class.spec() {
                    Some(spec) => json!({"metadata": {"name": name}, "spec": spec}),
                    None => json!({"metadata": {"name": name}}),
                }))
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
                Box::new(names.map(|name| json!({"metadata": {"name": name}})))
            }
            Fact::Node => Box::new(iter::empty()),
            Fact::NodePool => {
                let pools = self.node_pools.iter();
                Box::new(pools.map(|(name, pool)| json!({"metadata": {"name": name}, "spec": pool.spec()})))
            }
            Fact::AutoscalerStatus if self.autoscaler_groups.is_empty() => Box::new(iter::empty()),
            Fact::AutoscalerStatus => Box::new(iter::once(autoscale::written(&self.autoscaler_groups))),
            Fact::VolumeClaim => self.in_namespaces(|namespace| {
                let claims = namespace.volume_claims.iter();
                claims
                    .map(|(name, modes)| (name.clone(), Some(json!({"accessModes": modes}))))
                    .collect()
            }),
            Fact::PriorityClass => {
                let classes = self.priority_classes.iter();
                Box::new(classes.map(|(name, class)| match class.is_default {
                    true => json!({"metadata": {"name": name}, "globalDefault": true}),
                    false => json!({"metadata": {"name": name}}),
                }))
            }
            Fact::RuntimeClass => {
                let classes = self.runtime_classes.iter();
                Box::new(classes.map(|(name, class)| match class.overhead() {
                    Some(overhead) => json!({"metadata": {"name": name}, "overhead": overhead}),
                    None => json!({"metadata": {"name": name}}),
                }))
            }
        }
    }

    fn in_namespaces<'f>(
        &'f self,
        of: impl Fn(&'f Namespace) -> Vec<(String, Option<Value>)> + 'f,
    ) -> Box<dyn Iterator<Item = Value> + 'f> {
        let object = |namespace: &str, (name, spec): (String, Option<Value>)| {
            let metadata = json!({"namespace": namespace, "name": name});
            match spec {
                Some(spec) => json!({"metadata": metadata, "spec": spec}),
                None => json!({"metadata": metadata}),
            }
        };
        let namespaces = self.namespaces.iter();
        Box::new(
            namespaces
                .flat_map(move |(name, namespace)| of(namespace).into_iter().map(move |found| object(name, found))),
        )
    }
}

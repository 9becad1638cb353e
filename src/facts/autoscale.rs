//! What may add nodes: Karpenter's NodePools, and the groups of the cluster-autoscaler.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::json::Json;
use crate::k8s::json::{below, child, items, text};
use crate::k8s::node_selector::{Operator, Requirement};
use crate::k8s::toleration::Taint;
use crate::yaml;

use super::objects::{Amounts, amounts, put};
use super::places::{Needs, is_given};

/// The label that Karpenter gives the nodes of a NodePool.
pub const NODE_POOL_LABEL: &str = "karpenter.sh/nodepool";

/// A NodePool of Karpenter (`karpenter.sh/v1`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodePool {
    /// The labels of its nodes.
    pub labels: BTreeMap<String, String>,
    /// What else its nodes' labels meet.
    pub requirements: Vec<Demand>,
    /// The taints that keep pods away from its nodes.
    pub taints: Vec<Taint>,
    /// Taints that its nodes have until they are ready.
    pub startup_taints: Vec<Taint>,
    /// The most that its nodes together may have.
    pub limits: Amounts,
}

/// A requirement on a label of the nodes of a NodePool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The key of the label.
    pub key: String,
    /// How its value is compared.
    pub operator: Operator,
    /// With what.
    pub values: Vec<String>,
}

/// Why a NodePool never starts a node for a pod, the nearest reason last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal<'a> {
    /// It gives its nodes no such label.
    Label(&'a str),
    /// The pod does not tolerate this taint.
    Taint(&'a Taint),
    /// The pod alone needs more of this resource than all nodes of the NodePool may have.
    Limit(&'a str),
}

impl NodePool {
    /// Reads one; `None` if that cannot be.
    pub(super) fn read(object: Json<'_>) -> Option<NodePool> {
        let spec = child(object, "spec");
        let template = below(spec, &["template", "spec"]);
        let taints = |key: &str| {
            items(template, key)
                .iter()
                .map(Taint::read)
                .collect::<Option<Vec<Taint>>>()
        };
        let labels = below(spec, &["template", "metadata", "labels"]).as_object();
        let labels = labels.into_iter().flatten();
        let demand = |expression| {
            let one = Requirement::read(expression)?;
            Some(Demand {
                key: one.key.to_owned(),
                operator: one.operator,
                values: one.values.into_iter().map(str::to_owned).collect(),
            })
        };
        // An operator of a later Karpenter demands something that is not known here: it is left out, so that the pool has
        // more nodes than it really has.
        let requirements = items(template, "requirements").iter().filter_map(demand);
        Some(NodePool {
            labels: labels
                .map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned())))
                .collect::<Option<_>>()?,
            requirements: requirements.collect(),
            taints: taints("taints")?.into_iter().filter(Taint::repels).collect(),
            startup_taints: taints("startupTaints")?,
            limits: amounts(spec, "limits")?,
        })
    }

    pub(super) fn spec(&self) -> Value {
        let taint = |taint: &Taint| json!({"key": taint.key, "value": taint.value, "effect": taint.effect});
        let taints = |taints: &[Taint]| taints.iter().map(taint).collect::<Vec<Value>>();
        let requirements = self
            .requirements
            .iter()
            .map(|one| json!({"key": one.key, "operator": format!("{:?}", one.operator), "values": one.values}));
        let mut template = Map::new();
        template.insert("requirements".to_owned(), requirements.collect());
        for (key, list) in [("taints", &self.taints), ("startupTaints", &self.startup_taints)] {
            if !list.is_empty() {
                template.insert(key.to_owned(), taints(list).into());
            }
        }
        let mut whole = Map::new();
        if !self.labels.is_empty() {
            whole.insert("metadata".to_owned(), json!({"labels": self.labels}));
        }
        whole.insert("spec".to_owned(), template.into());
        let mut spec = Map::new();
        spec.insert("template".to_owned(), whole.into());
        put(&mut spec, "limits", &self.limits);
        spec.into()
    }

    /// Why it never starts a node for a pod; `None` if it may. `name` is its own name.
    pub fn refuses<'a>(&'a self, name: &str, needs: &'a Needs<'a>) -> Option<Refusal<'a>> {
        if !needs.are_met(|one| self.may_meet(name, one)) {
            let missed = needs.requirements().find(|one| !self.may_meet(name, one))?;
            return Some(Refusal::Label(missed.key));
        }
        if let Some(taint) = self.taints.iter().find(|taint| !needs.tolerates(taint)) {
            return Some(Refusal::Taint(taint));
        }
        let mut requests = needs.requests.iter();
        let over = requests.find(|(key, amount)| self.limits.get(*key).is_some_and(|limit| amount > limit));
        over.map(|(key, _)| Refusal::Limit(key))
    }

    /// Whether a node of it may meet a requirement of a pod (Karpenter 1.6, `scheduling/requirements.go`, `Compatible`).
    fn may_meet(&self, name: &str, wanted: &Requirement<'_>) -> bool {
        if wanted.key == NODE_POOL_LABEL {
            return wanted.is_met(Some(name));
        }
        if let Some(value) = self.labels.get(wanted.key) {
            return wanted.is_met(Some(value));
        }
        let mut own = self.requirements.iter().filter(|own| own.key == wanted.key).peekable();
        if own.peek().is_none() {
            return wanted.is_met_by_absence() || is_given(wanted.key);
        }
        own.all(|own| own.may_agree(wanted))
    }

    /// Whether its nodes can have a label before they run.
    pub fn defines(&self, key: &str) -> bool {
        self.labels.contains_key(key) || self.requirements.iter().any(|one| one.key == key) || is_given(key)
    }
}

impl Demand {
    /// Whether a label may meet both.
    fn may_agree(&self, wanted: &Requirement<'_>) -> bool {
        let own = Requirement {
            key: &self.key,
            operator: self.operator,
            values: self.values.iter().map(String::as_str).collect(),
        };
        match (own.operator, wanted.operator) {
            (Operator::In, _) => own.values.iter().any(|value| wanted.is_met(Some(value))),
            (_, Operator::In) => wanted.values.iter().any(|value| own.is_met(Some(value))),
            (Operator::DoesNotExist, _) => wanted.is_met_by_absence(),
            (Operator::Exists, _) => wanted.operator != Operator::DoesNotExist,
            _ => true,
        }
    }
}

/// A node group of the cluster-autoscaler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The most nodes that it may have.
    pub most: u64,
    /// Whether it has no node now, so that nothing shows what its nodes offer.
    pub is_empty: bool,
}

/// The namespace and the name of the ConfigMap in which the cluster-autoscaler says what it does.
pub const STATUS: (&str, &str) = ("kube-system", "cluster-autoscaler-status");

/// Reads the groups of the cluster-autoscaler's status: YAML since 1.30, text before; `None` if that cannot be.
pub(super) fn groups(object: Json<'_>) -> Option<Vec<Group>> {
    let status = text(child(object, "data"), "status")?;
    let as_yaml = || {
        let mut sources = crate::diag::Sources::new();
        let limits = yaml::Limits::manifests();
        let (_, nodes, _) = yaml::read(
            &mut sources,
            "status",
            status.as_bytes(),
            yaml::Reading::Kubectl,
            &limits,
        );
        let status = nodes.first()?.to_json();
        let groups = status.get("nodeGroups")?.as_array()?;
        let group = |group: &Value| {
            Some(Group {
                name: group.get("name")?.as_str()?.to_owned(),
                most: group.pointer("/health/maxSize").map_or(Some(0), Value::as_u64)?,
                is_empty: group
                    .pointer("/health/nodeCounts/registered/total")
                    .map_or(Some(0), Value::as_u64)?
                    == 0,
            })
        };
        groups.iter().map(group).collect::<Option<Vec<Group>>>()
    };
    as_yaml().or_else(|| as_text(status))
}

/// Reads `Name:  GROUP` and the line `Health: … (… registered=0 … minSize=0, maxSize=10)` that follows.
fn as_text(status: &str) -> Option<Vec<Group>> {
    let (_, listed) = status.split_once("NodeGroups:")?;
    let mut groups: Vec<Group> = Vec::new();
    for line in listed.lines() {
        if let Some(name) = line.trim().strip_prefix("Name:") {
            groups.push(Group {
                name: name.trim().to_owned(),
                most: 0,
                is_empty: true,
            });
        }
        if let Some((_, rest)) = line.split_once(" registered=")
            && let Some(group) = groups.last_mut()
        {
            group.is_empty = !rest.starts_with(|c| matches!(c, '1'..='9'));
        }
        if let Some((_, rest)) = line.split_once("maxSize=")
            && let Some(group) = groups.last_mut()
        {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            group.most = rest.get(..end)?.parse().ok()?;
        }
    }
    Some(groups)
}

/// The same as the cluster-autoscaler writes it, for a file. Of the number of nodes, only whether there is one is kept, so
/// that the file does not change with each node.
pub(super) fn written(groups: &[Group]) -> Value {
    let group = |group: &Group| {
        let counts = json!({"registered": {"total": u8::from(!group.is_empty)}});
        json!({"name": group.name, "health": {"nodeCounts": counts, "maxSize": group.most}})
    };
    let groups: Vec<Value> = groups.iter().map(group).collect();
    let (namespace, name) = STATUS;
    json!({
        "metadata": {"namespace": namespace, "name": name},
        "data": {"status": json!({"nodeGroups": groups}).to_string()},
    })
}

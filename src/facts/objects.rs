//! The objects that are facts: what is read of each, and how it is written again.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::json::Json;
use crate::k8s::json::{below, child, given, items, text};
use crate::k8s::quantity::Quantity;

/// Quantities by the name of the resource.
pub type Amounts = BTreeMap<String, Quantity>;

/// A LimitRange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRange {
    /// Its name.
    pub name: String,
    /// Its items for containers and pods, in their order.
    pub limits: Vec<Limits>,
}

/// What a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Each container and init container.
    Container,
    /// The containers of a pod together.
    Pod,
}

impl Per {
    /// The word that Kubernetes uses.
    pub fn name(self) -> &'static str {
        match self {
            Per::Container => "Container",
            Per::Pod => "Pod",
        }
    }
}

/// One item of a LimitRange, with the defaults that the API server stores with it
/// (Kubernetes 1.37, `pkg/apis/core/v1/defaults.go`, `SetDefaults_LimitRangeItem`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What it is for.
    pub per: Per,
    /// The least that may be requested.
    pub min: Amounts,
    /// The most that limits may be.
    pub max: Amounts,
    /// How many times its request a limit may be.
    pub ratio: Amounts,
    /// The limits of containers without one.
    pub default: Amounts,
    /// The requests of containers without one.
    pub default_request: Amounts,
}

/// A ResourceQuota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name.
    pub name: String,
    /// What it allows in all, by the name of the quota's resource: `requests.cpu`.
    pub hard: Amounts,
    /// The pods that it is for: those of all these scopes.
    pub scopes: Vec<Scope>,
}

/// A scope of a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name: `BestEffort`.
    pub name: String,
    /// `Exists`, `DoesNotExist`, `In` or `NotIn`.
    pub operator: String,
    /// The values of `In` and `NotIn`.
    pub values: Vec<String>,
}

/// A priority class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriorityClass {
    /// Whether pods that name no class get it.
    pub is_default: bool,
}

/// A runtime class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeClass {
    /// What each pod of it needs beside its containers.
    pub overhead: Amounts,
}

/// A device class of dynamic resource allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceClass {
    /// The extended resource that pods may request in its place.
    pub extended_resource: Option<String>,
}

/// A ResourceClaimTemplate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimTemplate {
    /// For each request, the device classes of which one is enough.
    pub classes: Vec<Vec<String>>,
}

/// Reads a map of quantities; `None` if one of them is none.
pub(super) fn amounts(value: Json<'_>, key: &str) -> Option<Amounts> {
    let Some(map) = given(value, key) else {
        return Some(Amounts::new());
    };
    let entries = map.as_object()?.iter();
    entries
        .map(|(key, value)| Some((key.to_owned(), Quantity::from_json(value).ok()?)))
        .collect()
}

fn texts(value: Json<'_>, key: &str) -> Option<Vec<String>> {
    let all = items(value, key).iter();
    all.map(|value| value.as_str().map(str::to_owned)).collect()
}

fn written(amounts: &Amounts) -> Value {
    let entries = amounts.iter();
    entries
        .map(|(key, quantity)| (key.clone(), Value::from(quantity.to_string())))
        .collect::<Map<String, Value>>()
        .into()
}

/// Puts a map of quantities into an object, unless it is empty.
pub(super) fn put(object: &mut Map<String, Value>, key: &str, amounts: &Amounts) {
    if !amounts.is_empty() {
        object.insert(key.to_owned(), written(amounts));
    }
}

impl LimitRange {
    /// Reads one; `None` if that cannot be.
    pub(super) fn read(name: &str, object: Json<'_>) -> Option<LimitRange> {
        let mut limits = Vec::new();
        for item in items(child(object, "spec"), "limits").iter() {
            let per = match text(item, "type")? {
                "Container" => Per::Container,
                "Pod" => Per::Pod,
                // PersistentVolumeClaim, and what later releases may add.
                _ => continue,
            };
            limits.push(Limits::read(per, item)?);
        }
        Some(LimitRange {
            name: name.to_owned(),
            limits,
        })
    }

    pub(super) fn spec(&self) -> Value {
        let limits: Vec<Value> = self.limits.iter().map(Limits::written).collect();
        json!({"limits": limits})
    }
}

impl Limits {
    fn read(per: Per, item: Json<'_>) -> Option<Limits> {
        let mut limits = Limits {
            per,
            min: amounts(item, "min")?,
            max: amounts(item, "max")?,
            ratio: amounts(item, "maxLimitRequestRatio")?,
            default: amounts(item, "default")?,
            default_request: amounts(item, "defaultRequest")?,
        };
        if per == Per::Container {
            let fill = |into: &mut Amounts, from: &Amounts| {
                for (key, quantity) in from {
                    into.entry(key.clone()).or_insert_with(|| quantity.clone());
                }
            };
            fill(&mut limits.default, &limits.max);
            fill(&mut limits.default_request, &limits.default);
            fill(&mut limits.default_request, &limits.min);
        }
        Some(limits)
    }

    fn written(&self) -> Value {
        let mut object = Map::new();
        object.insert("type".to_owned(), self.per.name().into());
        put(&mut object, "min", &self.min);
        put(&mut object, "max", &self.max);
        put(&mut object, "maxLimitRequestRatio", &self.ratio);
        put(&mut object, "default", &self.default);
        put(&mut object, "defaultRequest", &self.default_request);
        object.into()
    }
}

impl Quota {
    /// Reads one; `None` if that cannot be.
    pub(super) fn read(name: &str, object: Json<'_>) -> Option<Quota> {
        let spec = child(object, "spec");
        let exists = |name| Scope {
            name,
            operator: "Exists".to_owned(),
            values: Vec::new(),
        };
        let mut scopes: Vec<Scope> = texts(spec, "scopes")?.into_iter().map(exists).collect();
        for term in items(child(spec, "scopeSelector"), "matchExpressions").iter() {
            scopes.push(Scope {
                name: text(term, "scopeName")?.to_owned(),
                operator: text(term, "operator")?.to_owned(),
                values: texts(term, "values")?,
            });
        }
        Some(Quota {
            name: name.to_owned(),
            hard: amounts(spec, "hard")?,
            scopes,
        })
    }

    pub(super) fn spec(&self) -> Value {
        let mut object = Map::new();
        object.insert("hard".to_owned(), written(&self.hard));
        if !self.scopes.is_empty() {
            let terms = self.scopes.iter().map(|scope| {
                let mut term = json!({"scopeName": scope.name, "operator": scope.operator});
                if let (false, Some(term)) = (scope.values.is_empty(), term.as_object_mut()) {
                    term.insert("values".to_owned(), json!(scope.values));
                }
                term
            });
            let terms: Vec<Value> = terms.collect();
            object.insert("scopeSelector".to_owned(), json!({"matchExpressions": terms}));
        }
        object.into()
    }
}

impl DeviceClass {
    pub(super) fn read(object: Json<'_>) -> DeviceClass {
        DeviceClass {
            extended_resource: text(child(object, "spec"), "extendedResourceName").map(str::to_owned),
        }
    }

    pub(super) fn spec(&self) -> Option<Value> {
        let name = self.extended_resource.as_ref()?;
        Some(json!({"extendedResourceName": name}))
    }
}

impl ClaimTemplate {
    /// Reads one (Kubernetes 1.37, `resource/v1`; `v1beta1` has the class in the request itself).
    pub(super) fn read(object: Json<'_>) -> ClaimTemplate {
        let requests = items(below(object, &["spec", "spec", "devices"]), "requests").iter();
        let named = |request: Json<'_>| text(request, "deviceClassName").map(str::to_owned);
        let of = |request: Json<'_>| {
            let exact = named(request).or_else(|| named(child(request, "exactly")));
            let alternatives = items(request, "firstAvailable").iter().filter_map(named);
            exact.into_iter().chain(alternatives).collect::<Vec<String>>()
        };
        ClaimTemplate {
            classes: requests.map(of).filter(|classes| !classes.is_empty()).collect(),
        }
    }

    pub(super) fn spec(&self) -> Value {
        let requests: Vec<Value> = self
            .classes
            .iter()
            .map(|classes| {
                let classes: Vec<Value> = classes.iter().map(|name| json!({"deviceClassName": name})).collect();
                json!({"firstAvailable": classes})
            })
            .collect();
        json!({"spec": {"devices": {"requests": requests}}})
    }
}

impl PriorityClass {
    pub(super) fn read(object: Json<'_>) -> PriorityClass {
        PriorityClass {
            is_default: child(object, "globalDefault").as_bool() == Some(true),
        }
    }
}

impl RuntimeClass {
    pub(super) fn read(object: Json<'_>) -> Option<RuntimeClass> {
        Some(RuntimeClass {
            overhead: amounts(below(object, &["overhead"]), "podFixed")?,
        })
    }

    pub(super) fn overhead(&self) -> Option<Value> {
        (!self.overhead.is_empty()).then(|| json!({"podFixed": written(&self.overhead)}))
    }
}

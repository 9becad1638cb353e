//! The Pod Security Standards of Kubernetes: which of their controls a pod violates.
//!
//! The source of every rule is the package `policy` of `k8s.io/pod-security-admission` 0.37 (Kubernetes 1.37), which the
//! API server itself runs. `tests/quantity_go.rs` compares the two on generated pods.

mod controls;
mod profile;

use serde_json::Value;

use super::path::Path;

pub use controls::restricted_source;
pub use profile::{Level, Profile, Version};

use controls::CONTROLS;

/// A pod to evaluate: its template, and all its containers.
#[derive(Debug)]
pub struct Pod<'a> {
    /// Where the template stands in the document.
    pub at: Path,
    /// The template: `metadata` and `spec`.
    pub template: &'a Value,
    /// All containers of the pod: running, init and ephemeral ones, and those that a controller adds to it.
    pub containers: Vec<Container<'a>>,
}

/// A container to evaluate.
#[derive(Debug)]
pub struct Container<'a> {
    /// Where it stands in the document.
    pub at: Path,
    /// The container.
    pub value: &'a Value,
}

/// A control of the standards that a pod violates, at one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The control, under the name that Kubernetes gives it: `allowPrivilegeEscalation`.
    pub control: &'static str,
    /// The field, which may be missing.
    pub path: Path,
    /// The position of the container in [`Pod::containers`]; `None` if the violation is the pod's own.
    pub container: Option<usize>,
    /// What stands there, or what is missing: "hostPID is true".
    pub found: String,
    /// What to change, as an imperative: "leave hostPID out".
    pub fix: String,
}

impl<'a> Pod<'a> {
    /// The pod of a template at `at`, with the containers that the template lists.
    pub fn of(template: &'a Value, at: Path) -> Pod<'a> {
        let mut containers = Vec::new();
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            let values = field(template, "spec").map_or(&[][..], |spec| items(spec, list));
            containers.extend(values.iter().enumerate().map(|(index, value)| Container {
                at: at.keys(["spec", list]).then_index(index),
                value,
            }));
        }
        Pod {
            at,
            template,
            containers,
        }
    }

    /// What the pod violates of a profile; nothing if the profile admits it.
    pub fn violations(&self, profile: Profile) -> Vec<Violation> {
        let mut violations = Vec::new();
        for control in CONTROLS.iter().filter(|control| control.applies(profile)) {
            let mut report = Report {
                pod: self,
                control: control.id,
                violations: &mut violations,
            };
            (control.run)(self, profile.version, &mut report);
        }
        violations
    }

    fn spec(&self) -> &'a Value {
        field(self.template, "spec").unwrap_or(&Value::Null)
    }

    fn volumes(&self) -> &'a [Value] {
        items(self.spec(), "volumes")
    }

    /// The pod's own security context and those of the containers that have one, each with whose it is.
    fn contexts(&self) -> impl Iterator<Item = (Owner, &'a Value)> {
        let own = field(self.spec(), CONTEXT).map(|context| (Owner::Pod, context));
        let containers = self.containers.iter().enumerate();
        own.into_iter().chain(
            containers
                .filter_map(|(index, container)| Some((Owner::Container(index), field(container.value, CONTEXT)?))),
        )
    }

    /// Whether the pod runs in a user namespace, for which newer versions relax some controls.
    fn has_user_namespace(&self) -> bool {
        flag(self.spec(), "hostUsers") == Some(false)
    }

    /// Whether the pod says that it runs on Windows, where the controls of Linux do not apply (Kubernetes 1.25).
    fn is_windows(&self) -> bool {
        field(self.spec(), "os").is_some_and(|os| text(os, "name") == "windows")
    }
}

/// The key of a security context.
const CONTEXT: &str = "securityContext";

/// Whose field violates a control.
#[derive(Clone, Copy)]
enum Owner {
    Pod,
    Container(usize),
}

/// The violations of one control.
struct Report<'p, 'a> {
    pod: &'p Pod<'a>,
    control: &'static str,
    violations: &'p mut Vec<Violation>,
}

impl Report<'_, '_> {
    /// A field below the template's `spec`, or below a container.
    fn field<const N: usize>(&mut self, owner: Owner, keys: [&'static str; N], found: String, fix: impl Into<String>) {
        let path = self.at(owner).keys(keys);
        self.path(owner, path, found, fix);
    }

    /// A field of a security context.
    fn context<const N: usize>(
        &mut self,
        owner: Owner,
        keys: [&'static str; N],
        found: String,
        fix: impl Into<String>,
    ) {
        let path = self.at(owner).then_key(CONTEXT).keys(keys);
        self.path(owner, path, found, fix);
    }

    fn path(&mut self, owner: Owner, path: Path, found: String, fix: impl Into<String>) {
        self.violations.push(Violation {
            control: self.control,
            path,
            container: match owner {
                Owner::Pod => None,
                Owner::Container(index) => Some(index),
            },
            found,
            fix: fix.into(),
        });
    }

    /// Where the fields of an owner stand.
    fn at(&self, owner: Owner) -> Path {
        let container = match owner {
            Owner::Pod => None,
            Owner::Container(index) => self.pod.containers.get(index),
        };
        container.map_or_else(|| self.pod.at.key("spec"), |container| container.at.clone())
    }
}

/// The value under a key; what is null is absent, as it is for Go.
fn field<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|value| !value.is_null())
}

fn flag(value: &Value, key: &str) -> Option<bool> {
    value.get(key).and_then(Value::as_bool)
}

/// The text under a key, empty if it is absent.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The fields of a container that send a probe or a hook of the kubelet to another host than the pod.
pub const HOSTS: [&[&str]; 10] = [
    &["livenessProbe", "httpGet", "host"],
    &["livenessProbe", "tcpSocket", "host"],
    &["readinessProbe", "httpGet", "host"],
    &["readinessProbe", "tcpSocket", "host"],
    &["startupProbe", "httpGet", "host"],
    &["startupProbe", "tcpSocket", "host"],
    &["lifecycle", "postStart", "httpGet", "host"],
    &["lifecycle", "postStart", "tcpSocket", "host"],
    &["lifecycle", "preStop", "httpGet", "host"],
    &["lifecycle", "preStop", "tcpSocket", "host"],
];

/// The hosts of a container's probes and hooks, each with its field.
pub fn hosts(container: &Value) -> impl Iterator<Item = (&'static [&'static str], &str)> {
    HOSTS.into_iter().filter_map(move |keys| {
        let host = keys.iter().try_fold(container, |value, key| value.get(key))?.as_str()?;
        (!host.is_empty()).then_some((keys, host))
    })
}

#[cfg(test)]
mod tests;

//! A pod as the controls look at it, and what they report.

use serde_json::Value;

use crate::k8s::json::{child, given, items, text};
use crate::k8s::path::Path;

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
            let values = items(child(template, "spec"), list);
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

    pub(super) fn spec(&self) -> &'a Value {
        child(self.template, "spec")
    }

    pub(super) fn volumes(&self) -> &'a [Value] {
        items(self.spec(), "volumes")
    }

    /// The pod's own security context and those of the containers that have one, each with whose it is.
    pub(super) fn contexts(&self) -> impl Iterator<Item = (Owner, &'a Value)> {
        let own = given(self.spec(), CONTEXT).map(|context| (Owner::Pod, context));
        let containers = self.containers.iter().enumerate();
        own.into_iter().chain(
            containers
                .filter_map(|(index, container)| Some((Owner::Container(index), given(container.value, CONTEXT)?))),
        )
    }

    /// Whether the pod runs in a user namespace, for which newer versions relax some controls.
    pub(super) fn has_user_namespace(&self) -> bool {
        flag(self.spec(), "hostUsers") == Some(false)
    }

    /// Whether the pod says that it runs on Windows, where the controls of Linux do not apply (Kubernetes 1.25).
    pub(super) fn is_windows(&self) -> bool {
        given(self.spec(), "os").is_some_and(|os| text(os, "name") == Some("windows"))
    }
}

/// The key of a security context.
pub(super) const CONTEXT: &str = "securityContext";

/// Whose field violates a control.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    Pod,
    Container(usize),
}

/// The violations of one control.
pub(super) struct Report<'p, 'a> {
    pub(super) pod: &'p Pod<'a>,
    pub(super) control: &'static str,
    pub(super) violations: &'p mut Vec<Violation>,
}

impl Report<'_, '_> {
    /// A field below the template's `spec`, or below a container.
    pub(super) fn field<const N: usize>(
        &mut self,
        owner: Owner,
        keys: [&'static str; N],
        found: String,
        fix: impl Into<String>,
    ) {
        let path = self.at(owner).keys(keys);
        self.path(owner, path, found, fix);
    }

    /// A field of a security context.
    pub(super) fn context<const N: usize>(
        &mut self,
        owner: Owner,
        keys: [&'static str; N],
        found: String,
        fix: impl Into<String>,
    ) {
        let path = self.at(owner).then_key(CONTEXT).keys(keys);
        self.path(owner, path, found, fix);
    }

    pub(super) fn path(&mut self, owner: Owner, path: Path, found: String, fix: impl Into<String>) {
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
    pub(super) fn at(&self, owner: Owner) -> Path {
        let container = match owner {
            Owner::Pod => None,
            Owner::Container(index) => self.pod.containers.get(index),
        };
        container.map_or_else(|| self.pod.at.key("spec"), |container| container.at.clone())
    }
}

/// Whether a flag is set, if it is there.
pub(super) fn flag(value: &Value, key: &str) -> Option<bool> {
    child(value, key).as_bool()
}

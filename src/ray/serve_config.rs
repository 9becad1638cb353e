//! `serveConfigV2` of a RayService: the YAML of Ray's `ServeDeploySchema`, checked before Ray sees it.
//!
//! KubeRay reads the text with `sigs.k8s.io/yaml` and sends it as JSON to Ray's dashboard (KubeRay 1.7,
//! `rayservice_controller.go`, `updateServeDeployment`), minutes after the RayService exists. Ray validates it with
//! pydantic and answers 400; KubeRay records an event and retries indefinitely. Most models ignore unknown keys, so a
//! misspelled key has no effect. What the models of several releases say was read from Ray itself, see [`keys`];
//! the order of replicas is validated by Serve's controller a moment later (`application_state.py`).

mod deployments;
pub mod keys;
pub mod kinds;
mod problem;
mod rules;
mod types;
mod walk;

use crate::diag::{Location, quoted};
use crate::k8s::path::Path;
use crate::yaml::Limits;

use super::go_yaml::{self, Document};

pub use deployments::{Amounts, Deployment, Needs, Others, Part, Replicas};
pub use kinds::Releases;

use problem::MOST;
pub use problem::{Place, Problem};
use walk::Walk;

/// The bounds within which a config is read. A larger one is left to Ray.
const LIMITS: Limits = Limits {
    bytes: 1 << 18,
    nodes: 20_000,
    depth: 64,
    lookahead: 1 << 18,
};

/// What a `serveConfigV2` says.
#[derive(Clone, Debug, Default)]
pub struct ServeConfig {
    /// What is wrong with it, in the order of the text: at most 50.
    pub problems: Vec<Problem>,
    /// How many problems more there are.
    pub more: usize,
    /// The deployments that it names, over all applications. Ray takes those that it does not name from the code.
    pub deployments: Vec<Deployment>,
    /// The port of Serve's HTTP proxies, where the config sets one. Ray's default is 8000.
    pub port: Option<i64>,
    /// The address on which these proxies listen, where the config sets one. Ray's default for a config is 0.0.0.0.
    pub host: Option<String>,
    /// Where the list of applications is, if it is empty.
    pub no_applications: Option<Place>,
}

impl ServeConfig {
    /// The most that a replica needs of one Ray node, of each resource.
    pub fn most_of_a_node(&self) -> Amounts {
        let parts = self.deployments.iter().flat_map(Deployment::parts);
        parts.fold(Amounts::default(), |mut most, part| {
            most.iter_mut()
                .zip(part.amounts)
                .for_each(|(most, amount)| *most = most.max(amount));
            most
        })
    }
}

/// Reads a config. The work is bounded for any text.
pub fn read(text: &str) -> ServeConfig {
    let whole = |found: String, fix: &str, line, rejected_by| ServeConfig {
        problems: vec![Problem {
            place: Place::new(&Path::ROOT, Location { line, column: 1 }),
            found,
            fix: fix.to_owned(),
            rejected_by,
        }],
        ..ServeConfig::default()
    };
    let document = match go_yaml::read(text, &LIMITS) {
        Ok(Some(document)) => document,
        Ok(None) if text.len() > LIMITS.bytes => {
            let found = format!(
                "the config has {} bytes, and only {} are checked",
                text.len(),
                LIMITS.bytes
            );
            return whole(found, "Make it smaller", 1, Releases::NONE);
        }
        Ok(None) => {
            let found = "the config has too many values, levels or aliases to be checked".to_owned();
            return whole(found, "Make it smaller", 1, Releases::NONE);
        }
        Err(refusal) => {
            let found = format!("the config {refusal}, KubeRay cannot read it");
            return whole(found, "Correct the YAML", refusal.line(), Releases::ALL);
        }
    };
    let root = document.root();
    if root.as_mapping().is_none() {
        let found = match root.kind() {
            "null" => "the config is empty, Ray requires `applications`".to_owned(),
            kind => format!("the config is {kind}, KubeRay reads a mapping only"),
        };
        return whole(found, "Write a mapping with `applications`", 1, Releases::ALL);
    }
    let mut walk = Walk::new(&document);
    duplicates(&document, &mut walk);
    walk.config();
    let (mut problems, more) = walk.finish();
    problems.extend(document.next().map(|line| Problem {
        place: Place::new(&Path::ROOT, Location { line, column: 1 }),
        found: "a second YAML document, KubeRay reads only the first".to_owned(),
        fix: "Put all applications into one document".to_owned(),
        rejected_by: Releases::NONE,
    }));
    let http = |key: &str| root.get("http_options").and_then(|options| options.get(key));
    let applications = root.get("applications");
    let empty = applications.filter(|list| list.as_sequence().is_some_and(<[_]>::is_empty));
    ServeConfig {
        problems,
        more,
        deployments: deployments::of(&document),
        port: http("port").and_then(deployments::integer),
        host: http("host").and_then(|host| host.as_str()).map(str::to_owned),
        no_applications: empty.map(|list| Place::new(&Path::of(["applications"]), document.location(list.span))),
    }
}

/// Reports each duplicate key of a mapping.
fn duplicates(document: &Document, walk: &mut Walk<'_>) {
    for duplicate in document
        .differences()
        .iter()
        .filter(|duplicate| duplicate.code == "RY203")
    {
        let Some((span, _)) = duplicate.primary else { continue };
        let key = walk.key_at(span);
        walk.report(
            &Path::ROOT,
            span,
            format!("key {} is duplicate, KubeRay uses the last one", quoted(&key)),
            "Remove one of the two".to_owned(),
        );
    }
}

#[cfg(test)]
mod tests;

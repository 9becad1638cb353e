//! `raygate sample`: a review to post to a server.

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::diag::Sources;
use crate::yaml::{self, Limits, Reading};

use super::{CLEAN, Failure};

/// A RayJob as Flyte sends it, with a mistake that its author could not see.
pub(super) const RAYJOB: &str = include_str!("../../tests/rayjobs/seed-01-gpu-training.json");

/// The arguments of `raygate sample`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The RayJob to ask about; without one, a GPU training as Flyte sends it
    file: Option<PathBuf>,
}

/// Prints an AdmissionReview that asks to create the RayJob.
///
/// # Errors
/// [`Failure::Usage`] if the file cannot be read, [`Failure::Output`] if the output cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    let object = match &args.file {
        None => serde_json::from_str(RAYJOB).map_err(|error| Failure::Usage(error.to_string()))?,
        Some(file) => {
            let name = file.display().to_string();
            let bytes = std::fs::read(file).map_err(|error| Failure::Usage(format!("cannot read {name}: {error}")))?;
            let mut sources = Sources::new();
            let (_, nodes, diagnostics) =
                yaml::read(&mut sources, &name, &bytes, Reading::Kubectl, &Limits::manifests());
            if let Some(error) = diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
                return Err(Failure::Usage(error.concise(&sources)));
            }
            nodes
                .first()
                .map(yaml::Node::to_json)
                .ok_or_else(|| Failure::Usage(format!("{name} is empty")))?
        }
    };
    writeln!(out, "{}", review(&object))?;
    Ok(CLEAN)
}

fn review(object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "5a3f1f6e-1c57-4f0e-9a50-000000000001",
            "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"},
            "resource": {"group": "ray.io", "version": "v1", "resource": "rayjobs"},
            "name": object.pointer("/metadata/name"),
            "namespace": object.pointer("/metadata/namespace"),
            "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller"},
            "object": object,
        },
    })
}

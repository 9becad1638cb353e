//! `raygate sample`: a review to post to a server.

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::diag::Sources;
use crate::input::{self, InputError, Piece};
use crate::json::{Json, Tree};
use crate::ray::defaults;

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
    let mut object = match &args.file {
        None => Tree::read(RAYJOB).map_err(|error| Failure::Usage(error.to_string()))?,
        Some(file) => first(file)?,
    };
    defaults::apply(&mut object);
    writeln!(out, "{}", review(object.root()))?;
    Ok(CLEAN)
}

/// The first object of a file.
fn first(file: &PathBuf) -> Result<Tree<'static>, Failure> {
    let mut first = None;
    let files = input::files(std::slice::from_ref(file))?;
    input::read::<InputError>(&files, &Sources::new(), &mut |sources, piece| match piece {
        Piece::Document(_, node) => {
            first.get_or_insert_with(|| Tree::of(node).unwrap_or_default());
            Ok(())
        }
        Piece::Unreadable(diagnostic) => Err(InputError::Unreadable(diagnostic.concise(sources))),
        Piece::Remark(_) => Ok(()),
    })?;
    first.ok_or_else(|| Failure::Usage(format!("{} is empty", file.display())))
}

fn review(object: Json<'_>) -> Value {
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

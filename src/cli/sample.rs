//! `raygate sample`: a review to post to a server.

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::diag::listed;
use crate::diag::{Sources, suggest};
use crate::input::asked::not_ours;
use crate::input::{self, InputError, Piece};
use crate::json::{Json, Tree};
use crate::ray::kind::{self, GROUP, KINDS, RAY_JOB};
use crate::ray::{Kind, defaults};

use super::{CLEAN, Failure};

/// A RayJob as Flyte sends it, with a mistake that its author could not see.
pub(super) const RAYJOB: &str = include_str!("../../tests/rayjobs/seed-01-gpu-training.json");

/// The arguments of `raygate sample`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The Ray object to ask about; without one, a GPU training as Flyte sends it
    #[arg(conflicts_with = "kind")]
    file: Option<PathBuf>,
    /// The kind of the object: the same GPU training as a RayJob, RayCluster, RayService or RayCronJob
    #[arg(long, value_name = "KIND", default_value = RAY_JOB.name, value_parser = kind_of)]
    kind: &'static Kind,
}

fn kind_of(text: &str) -> Result<&'static Kind, String> {
    let names = KINDS.map(|kind| kind.name);
    kind::named(text).ok_or_else(|| match suggest(text, names) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the kinds are {}", listed(&names)),
    })
}

/// Prints an AdmissionReview that asks to create the object.
///
/// # Errors
/// [`Failure::Usage`] if the file cannot be read, [`Failure::Output`] if the output cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    let mut object = match &args.file {
        None => {
            let job = Tree::read(RAYJOB).map_err(|error| Failure::Usage(error.to_string()))?;
            Tree::of(&args.kind.from_job(job.root())).unwrap_or_default()
        }
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
    let first = first.ok_or_else(|| Failure::Usage(format!("{} is empty", file.display())))?;
    match not_ours(first.root()) {
        Some(reason) => Err(Failure::Usage(format!("{}: {reason}", file.display()))),
        None => Ok(first),
    }
}

fn review(object: Json<'_>) -> Value {
    let kind = Kind::of(object);
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "5a3f1f6e-1c57-4f0e-9a50-000000000001",
            "kind": {"group": GROUP, "version": "v1", "kind": kind.name},
            "resource": {"group": GROUP, "version": "v1", "resource": kind.resource},
            "name": object.pointer("/metadata/name"),
            "namespace": object.pointer("/metadata/namespace"),
            "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller"},
            "object": object,
        },
    })
}

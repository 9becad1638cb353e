//! `raygate init`: a first set of policies, drafted from what is known of a cluster.

mod draft;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::diag::listed;
use crate::facts::Facts;
use crate::ray::KubeRay;

use super::cluster::ClusterArgs;
use super::doctor::release;
use super::{CLEAN, Failure, facts, policies, snapshot, test};

/// The arguments of `raygate init`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory to write. It must be empty, or not exist
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// What is known of the cluster: a file of `raygate snapshot`, a List that kubectl printed, or - for standard input,
    /// instead of a live cluster
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the directory is not empty or cannot be written, the facts cannot be read, or the cluster refuses.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    let directory = &args.directory;
    let is_taken = match fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => directory.exists(),
    };
    if is_taken {
        let name = directory.display();
        return Err(Failure::Usage(format!(
            "{name} is not an empty directory; name a new one, so that nothing is overwritten"
        )));
    }
    let (facts, kuberay) = match &args.facts {
        Some(file) => (facts::of_file(file)?, None),
        None => live(&args.cluster)?,
    };
    let files = draft::files(&facts, kuberay);
    for (name, text) in &files {
        write(&directory.join(name), text)?;
    }
    let directories = std::slice::from_ref(directory);
    let (bundle, loaded) = policies::bundle(directories)?;
    if !loaded.diagnostics.is_empty() {
        anstream::eprintln!("{}", policies::rendered(&loaded));
    }
    // The tests hold what the drafted policies do now.
    test::bless(directories, &bundle)?;

    let names: Vec<String> = files.iter().map(|(name, _)| (*name).clone()).collect();
    let name = directory.display();
    writeln!(out, "{name}: wrote {}\n", listed(&names))?;
    writeln!(
        out,
        "Read the files: every value in them is a guess from facts about the cluster. Then:\n"
    )?;
    writeln!(out, "  raygate test {name}")?;
    let known = match &args.facts {
        Some(file) if file.as_os_str() != "-" => format!(" --facts {}", file.display()),
        _ => String::new(),
    };
    writeln!(out, "  raygate check --policies {name}{known} job.yaml")?;
    writeln!(out, "  raygate explain --policies {name}{known} job.yaml")?;
    Ok(CLEAN)
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let written = match file.parent() {
        Some(parent) => fs::create_dir_all(parent).and_then(|()| fs::write(file, text)),
        None => fs::write(file, text),
    };
    written.map_err(|error| Failure::Usage(format!("cannot write {}: {error}", file.display())))
}

/// The facts of a live cluster, and the release of its KubeRay.
fn live(cluster: &ClusterArgs) -> Result<(Facts, Option<KubeRay>), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Cluster(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        let facts = snapshot::of_cluster(cluster).await?;
        let client = cluster.connect().await?;
        Ok((facts, release::installed(&client).await))
    })
}

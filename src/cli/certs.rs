//! `raygate certs`: a CA and a serving certificate, as files.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::Failure;

use crate::{
    certs::{self, DnsLabel, Order, SubjectName, generate::IssueError},
    install,
};

/// Make a CA and a serving certificate for the webhook
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The directory for ca.crt, ca.key, tls.crt and tls.key
    #[arg(long, value_name = "DIR", default_value = "certs")]
    pub out: PathBuf,
    /// The Service that the API server calls
    #[arg(long, value_name = "NAME", default_value = install::SERVICE)]
    pub service: DnsLabel,
    /// The namespace of the Service
    #[arg(long, value_name = "NAME", default_value = install::NAMESPACE)]
    pub namespace: DnsLabel,
    /// A further DNS name or IP address that the certificate is good for; may be given again
    #[arg(long = "name", value_name = "EXTRA")]
    pub names: Vec<SubjectName>,
    /// The days until both certificates end
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: u32,
    /// Replace the files that are already there
    #[arg(long)]
    pub force: bool,
}

/// Why `raygate certs` stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file stands where one would be written.
    #[error("cannot write {}: it is already there; give --force to replace it, or --out for another directory", .0.display())]
    Exists(PathBuf),
    /// The certificates could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The file system said no.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The report could not be printed.
    #[error("cannot print what was written: {0}")]
    Print(#[from] io::Error),
}

/// Writes the four files and prints which, for whom, until when, and what comes next.
///
/// # Errors
/// When one of the files is there and `--force` is not given: then none is written. When the certificates cannot be made
/// or a file cannot be written.
pub fn run(args: &Args, now: Timestamp, out: &mut dyn Write) -> Result<(), Error> {
    let mut names = certs::service_names(&args.service, &args.namespace);
    names.extend(args.names.iter().cloned());
    let issued = certs::issue(&Order {
        names: names.clone(),
        days: args.days,
        now,
    })?;
    // Each key before its certificate: a watcher that sees the new certificate finds its key.
    let files = [
        ("ca.key", &issued.ca_key, 0o600),
        ("ca.crt", &issued.ca_certificate, 0o644),
        ("tls.key", &issued.key, 0o600),
        ("tls.crt", &issued.certificate, 0o644),
    ]
    .map(|(name, text, mode)| (args.out.join(name), text, mode));

    if !args.force
        && let Some((path, ..)) = files.iter().find(|(path, ..)| path.symlink_metadata().is_ok())
    {
        return Err(Error::Exists(path.clone()));
    }
    fs::create_dir_all(&args.out).map_err(|source| Error::Write {
        path: args.out.clone(),
        source,
    })?;
    for (path, text, mode) in &files {
        replace(path, text, *mode).map_err(|source| Error::Write {
            path: path.clone(),
            source,
        })?;
    }
    for (path, ..) in &files {
        writeln!(out, "wrote {}", path.display())?;
    }
    writeln!(out, "good until {} for", issued.not_after.strftime("%F"))?;
    for name in &names {
        writeln!(out, "  {name}")?;
    }
    write_next_steps(args, out)?;
    Ok(())
}

/// The way into the cluster that leaves no moment in which the API server calls a raygate that is not there yet.
fn write_next_steps(args: &Args, out: &mut dyn Write) -> io::Result<()> {
    let Args { namespace, service, .. } = args;
    let file = |name: &str| args.out.join(name).display().to_string();
    let mut manifests = "raygate manifests".to_owned();
    for (option, name, default) in [
        ("--namespace", namespace, install::NAMESPACE),
        ("--service", service, install::SERVICE),
    ] {
        if name.as_str() != default {
            manifests += &format!(" {option} {name}");
        }
    }
    let (certificate, key, ca) = (file("tls.crt"), file("tls.key"), file("ca.crt"));
    writeln!(out, "next, to run raygate with them in a cluster:")?;
    writeln!(out, "  {manifests} --only server | kubectl apply -f -")?;
    writeln!(
        out,
        "  kubectl -n {namespace} create secret tls raygate-tls --cert {certificate} --key {key}"
    )?;
    writeln!(out, "  kubectl -n {namespace} rollout status deployment/raygate")?;
    writeln!(out, "  {manifests} --only webhooks --ca-file {ca} | kubectl apply -f -")
}

/// Writes a file beside its place and moves it there, so that a reader finds the old text or the new one, and a key is
/// never open to others, not even for a moment.
fn replace(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(part)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(part, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(part);
    }
    written
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Usage(error.to_string())
    }
}

//! `raygate manifests`: the objects of `deploy/` with the names and the CA of one cluster.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use clap::ValueEnum;

use crate::{
    certs::{CaBundle, DnsLabel, bundle::BundleError},
    install::{self, BaseUrl, ImageName, Server, Target, Webhooks},
};

/// Print the Kubernetes objects that run raygate
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The namespace of raygate
    #[arg(long, value_name = "NAME", default_value = install::NAMESPACE)]
    pub namespace: DnsLabel,
    /// The Service that the API server calls
    #[arg(long, value_name = "NAME", default_value = install::SERVICE)]
    pub service: DnsLabel,
    /// The container image
    #[arg(long, default_value = install::IMAGE)]
    pub image: ImageName,
    /// How many pods answer
    #[arg(long, default_value_t = install::REPLICAS, value_parser = clap::value_parser!(u32).range(1..))]
    pub replicas: u32,
    /// The CA of the serving certificate, as PEM; needed for the webhooks
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "only",
        required_if_eq_any = [("only", "webhooks"), ("only", "all")]
    )]
    pub ca_file: Option<PathBuf>,
    /// Print a part of them
    #[arg(long, value_enum)]
    pub only: Option<Part>,
    /// Let the API server call this address and not the Service
    #[arg(long, value_name = "https://HOST:PORT")]
    pub url: Option<BaseUrl>,
}

/// Which objects to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The two webhook configurations
    Webhooks,
    /// Everything else
    Server,
    /// Both, as without --only
    All,
}

/// Why `raygate manifests` stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The webhooks need a CA.
    #[error("the webhooks need the CA that signed raygate's certificate: give --ca-file")]
    NoCa,
    /// The CA file could not be read.
    #[error("cannot read the CA from {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The CA file holds something else.
    #[error("cannot use {} as CA: {source}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BundleError,
    },
    /// The objects could not be printed.
    #[error("cannot print the objects: {0}")]
    Print(#[from] io::Error),
}

/// Prints the objects, with `policies` (name and text of each file) as their ConfigMap.
///
/// # Errors
/// When the CA is missing, cannot be read, or is none.
pub fn run(args: &Args, policies: &[(&str, &str)], out: &mut dyn Write) -> Result<(), Error> {
    let Args {
        namespace,
        service,
        image,
        replicas,
        ..
    } = args;
    let part = args.only.unwrap_or(Part::All);
    let mut documents = Vec::new();
    if part != Part::Webhooks {
        documents.push(install::server(&Server {
            namespace,
            service,
            image,
            replicas: *replicas,
            policies,
        }));
    }
    if part != Part::Server {
        let ca = &read_ca(args)?;
        let target = args.url.as_ref().map_or(Target::Service(service), Target::Url);
        documents.push(install::webhooks(&Webhooks { namespace, target, ca }));
    }
    out.write_all(documents.join("---\n").as_bytes())?;
    Ok(())
}

fn read_ca(args: &Args) -> Result<CaBundle, Error> {
    let path = args.ca_file.as_ref().ok_or(Error::NoCa)?;
    let text = fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.clone(),
        source,
    })?;
    CaBundle::from_pem(&text).map_err(|source| Error::Ca {
        path: path.clone(),
        source,
    })
}

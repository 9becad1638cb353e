//! `raygate manifests`: the objects of `deploy/` with the names and the CA of one cluster.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use serde_json::Value;

use super::{CLEAN, FINDINGS, Failure};
use crate::{
    certs::{CaBundle, DnsLabel, bundle::BundleError},
    diag::Sources,
    input::{self, InputError, Piece},
    install::{self, BaseUrl, BuildError, Certificates, Component, Controllers, ImageName, Install, KindList},
    yaml,
};

/// A number of replicas.
fn replicas(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "give a whole number, at least 1".to_owned())
}

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
    #[arg(long, default_value_t = install::REPLICAS, value_parser = replicas)]
    pub replicas: u32,
    /// Who keeps the certificates
    #[arg(long, value_enum, default_value = "files")]
    pub certificates: Keeper,
    /// The CA of the serving certificate, as PEM; needed for the webhooks where the certificates are files
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Components to add, separated by commas; may be repeated
    #[arg(long, value_enum, value_delimiter = ',')]
    pub with: Vec<Component>,
    /// The kinds that raygate judges, separated by commas. Objects of other kinds are created unjudged
    #[arg(long, value_name = "KINDS", default_value_t)]
    pub kinds: KindList,
    /// A namespace whose objects raygate never judges, in addition to kube-system and its own. May be repeated
    #[arg(long, value_name = "NAMESPACE")]
    pub exclude: Vec<DnsLabel>,
    /// Directory of policies for the ConfigMap, whose Platform names the users of KubeRay's operator and of queue
    /// controllers; may be repeated. Without it the built-in policies
    #[arg(long, value_name = "DIR")]
    pub policies: Vec<PathBuf>,
    /// Print a part of them
    #[arg(long, value_enum)]
    pub only: Option<Part>,
    /// Let the API server call this address and not the Service; not where cert-manager keeps the certificates
    #[arg(long, value_name = "https://HOST:PORT")]
    pub url: Option<BaseUrl>,
    /// Print nothing, but look at the webhook configurations in a file of manifests (`-`: standard input), and refuse
    /// those that match more than objects of ray.io
    #[arg(long, value_name = "FILE", exclusive = true)]
    pub check: Option<PathBuf>,
}

/// Who keeps the serving certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Keeper {
    /// You, in the Secret raygate-tls
    Files,
    /// cert-manager, which must be installed
    CertManager,
    /// raygate itself, which then talks to the API server
    SelfManaged,
}

/// Which objects to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The two webhook configurations
    Webhooks,
    /// Everything else
    Server,
    /// What restricts raygate's own account: the admission policies for self-managed certificates
    AdmissionPolicies,
    /// Both, as without --only
    All,
}

/// Why `raygate manifests` stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The webhooks need a CA.
    #[error(
        "the webhooks need the CA that signed raygate's certificate: give --ca-file, or let cert-manager keep the \
         certificates with --certificates cert-manager, or raygate itself with --certificates self-managed"
    )]
    NoCa,
    /// Someone else brings what an option would bring.
    #[error(
        "{0} goes with --certificates files only: elsewhere the keeper of the certificates brings the CA, for the Service"
    )]
    OnlyFiles(&'static str),
    /// The manifests to look at cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
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
    /// The manifests to look at are no YAML.
    #[error("{0}")]
    Syntax(String),
    /// The manifests to look at have nothing to look at.
    #[error("{0} holds no webhook configuration of raygate, so nothing was checked")]
    NoWebhooks(String),
    /// There is no account to restrict.
    #[error("--only admission-policies needs --certificates self-managed: otherwise raygate's account has no rights")]
    NoAccount,
    /// A ConfigMap has no folders.
    #[error("two policy files are named {0}, and a ConfigMap holds one file of each name: rename one")]
    SameName(String),
    /// The objects of this binary match more than they may.
    #[error("a defect of this raygate, nothing is printed: {0}")]
    TooWide(install::Excess),
    /// The objects of this binary do not fit together.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The objects could not be printed.
    #[error("cannot print the objects: {0}")]
    Print(#[from] io::Error),
}

/// Prints the objects, with `policies` (name and text of each file) as their ConfigMap; or checks those of a file. Returns
/// the exit code.
///
/// # Errors
/// When the CA is missing, cannot be read, or is none; when two policy files have one name; when the file to check cannot
/// be read, or holds nothing to check.
pub fn run(args: &Args, policies: &[(&str, &str)], out: &mut dyn Write) -> Result<u8, Error> {
    if let Some(file) = &args.check {
        return check(file, out);
    }
    let part = args.only.unwrap_or(Part::All);
    let ca = read_ca(args, part)?;
    if part == Part::AdmissionPolicies && args.certificates != Keeper::SelfManaged {
        return Err(Error::NoAccount);
    }
    let mut names = BTreeSet::new();
    if let Some((path, _)) = policies
        .iter()
        .find(|(path, _)| !names.insert(install::file_name(path)))
    {
        return Err(Error::SameName(install::file_name(path).to_owned()));
    }
    let objects = install::objects(&Install {
        namespace: &args.namespace,
        service: &args.service,
        image: &args.image,
        replicas: args.replicas,
        certificates: match args.certificates {
            Keeper::Files => Certificates::Files(ca.as_ref()),
            Keeper::CertManager => Certificates::CertManager,
            Keeper::SelfManaged => Certificates::SelfManaged,
        },
        components: &args.with,
        url: args.url.as_ref(),
        kinds: &args.kinds,
        excluded_namespaces: &args.exclude,
        controllers: &Controllers::of_policies(policies.iter().map(|(_, text)| text.as_bytes())),
        policies,
    })?;
    if let Some(excess) = objects.iter().flat_map(install::excess).next() {
        return Err(Error::TooWide(excess));
    }
    let wanted = |object: &&Value| match part {
        Part::All => true,
        Part::Webhooks => install::is_webhook_configuration(object),
        Part::Server => !install::is_webhook_configuration(object),
        Part::AdmissionPolicies => install::is_admission_policy(object),
    };
    let documents: Vec<String> = objects.iter().filter(wanted).map(yaml::emit).collect();
    out.write_all(documents.join("---\n").as_bytes())?;
    Ok(CLEAN)
}

/// The CA, where one is needed or given.
fn read_ca(args: &Args, part: Part) -> Result<Option<CaBundle>, Error> {
    if args.certificates != Keeper::Files {
        return match (&args.ca_file, &args.url) {
            (Some(_), _) => Err(Error::OnlyFiles("--ca-file")),
            (_, Some(_)) if args.certificates == Keeper::CertManager => Err(Error::OnlyFiles("--url")),
            (None, _) => Ok(None),
        };
    }
    let Some(path) = &args.ca_file else {
        return match part {
            Part::Server | Part::AdmissionPolicies => Ok(None),
            Part::Webhooks | Part::All => Err(Error::NoCa),
        };
    };
    let text = fs::read_to_string(path).map_err(|source| unread(path, source))?;
    let ca = CaBundle::from_pem(&text).map_err(|source| Error::Ca {
        path: path.clone(),
        source,
    })?;
    Ok(Some(ca))
}

fn unread(path: &Path, source: io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        source,
    }
}

/// Prints what raygate's webhook configurations in a file match beyond ray.io.
fn check(file: &Path, out: &mut dyn Write) -> Result<u8, Error> {
    let (mut objects, mut errors) = (Vec::new(), Vec::new());
    let files = input::files(&[file.to_owned()])?;
    input::read::<InputError>(&files, &Sources::new(), &mut |sources, piece| {
        match piece {
            Piece::Document(_, node) => objects.push(node.to_json()),
            Piece::Unreadable(diagnostic) => errors.push(diagnostic.concise(sources)),
            Piece::Remark(_) => {}
        }
        Ok(())
    })?;
    if !errors.is_empty() {
        return Err(Error::Syntax(errors.join("\n")));
    }
    let configurations: Vec<&Value> = objects.iter().filter(|object| install::is_raygates(object)).collect();
    if configurations.is_empty() {
        return Err(Error::NoWebhooks(file.display().to_string()));
    }
    let mut code = CLEAN;
    for configuration in configurations {
        let text = |pointer| {
            configuration
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (kind, name) = (text("/kind"), text("/metadata/name"));
        let excess = install::excess(configuration);
        if excess.is_empty() {
            let kinds = install::registered_kinds(configuration);
            writeln!(out, "ok       {kind} {name} matches only objects of ray.io: {kinds}")?;
        }
        for excess in excess {
            writeln!(out, "too wide {kind} {name}: {excess}")?;
            code = FINDINGS;
        }
    }
    Ok(code)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Usage(error.to_string())
    }
}

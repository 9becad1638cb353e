//! The policies of a running server: followed, compiled beside the requests, and exchanged whole.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;
use sha2::{Digest as _, Sha256};

use super::{Digest, Follower, Found, Source, read_settled};
use crate::admission::Gate;
use crate::engine::Bundle;
use crate::engine::bundle::known;
use crate::files::{self, FilesError};
use crate::metrics::Metrics;
use crate::policy::load::{self, Loaded, load};

/// Why policy files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PoliciesError {
    /// A file or directory cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// There is none, where there were some: rather a volume that went away than a wish to have no policies.
    #[error("there is no policy file below {}", listed(.0))]
    Empty(Vec<PathBuf>),
    /// They were read, and at least one diagnostic is an error.
    #[error("{}", first_error(.0))]
    Broken(Box<Loaded>),
}

impl PoliciesError {
    /// The file that breaks first, and the line; 0 where a file is broken as a whole.
    fn place(&self) -> (String, usize) {
        match self {
            Self::Files(error) => (error.path().display().to_string(), 0),
            Self::Empty(directories) => (listed(directories), 0),
            Self::Broken(loaded) => {
                let span = errors(loaded).find_map(|diagnostic| diagnostic.primary.as_ref().map(|(span, _)| *span));
                let place = span.and_then(|span| Some((span, loaded.sources.location(span)?)));
                place.map_or_else(Default::default, |(span, location)| {
                    (loaded.sources.name(span.source).to_owned(), location.line)
                })
            }
        }
    }
}

fn errors(loaded: &Loaded) -> impl Iterator<Item = &crate::diag::Diagnostic> {
    loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error())
}

/// The first error on one line, and how many there are besides.
fn first_error(loaded: &Loaded) -> String {
    let first = errors(loaded)
        .next()
        .map_or_else(String::new, |diagnostic| diagnostic.concise(&loaded.sources));
    match errors(loaded).count() {
        0 | 1 => first,
        2 => format!("{first} (and 1 more error)"),
        count => format!("{first} (and {} more errors)", count - 1),
    }
}

fn listed(directories: &[PathBuf]) -> String {
    let names: Vec<String> = directories
        .iter()
        .map(|directory| directory.display().to_string())
        .collect();
    names.join(":")
}

/// What is in use now.
#[derive(Debug)]
pub struct Taken {
    former: Arc<Bundle>,
    bundle: Arc<Bundle>,
    warnings: Vec<String>,
}

/// The policy files below some directories, and the gate that answers by them.
pub struct PolicyFiles {
    directories: Vec<PathBuf>,
    gate: Arc<Gate>,
    metrics: Arc<Metrics>,
    /// Since when the files cannot be used.
    broken_since: Option<Timestamp>,
}

impl fmt::Debug for PolicyFiles {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PolicyFiles")
            .field("directories", &self.directories)
            .finish_non_exhaustive()
    }
}

impl PolicyFiles {
    /// Loads the policies below these directories into a gate, and follows them. With `fallback`, a gate that starts with
    /// broken files enforces KubeRay's own rules until they are repaired.
    ///
    /// # Errors
    /// Where the files cannot be used, and `fallback` is not set.
    pub fn start(
        directories: Vec<PathBuf>,
        fallback: bool,
        metrics: Arc<Metrics>,
    ) -> Result<(Follower<Self>, Arc<Gate>), PoliciesError> {
        let mut source = Self {
            directories,
            gate: Arc::new(Gate::new(Bundle::kuberay_only())),
            metrics,
            broken_since: None,
        };
        let loaded =
            read_settled(|| source.read(), Self::digest).and_then(|(files, digest)| Ok((compile(&files)?, digest)));
        let follower = match loaded {
            Ok(((bundle, warnings), digest)) => {
                warn(&warnings);
                source.gate.replace(bundle);
                in_use(&source.gate, &source.metrics);
                Follower::using(source, digest)
            }
            Err(error) if fallback => {
                tracing::error!(
                    error = %error,
                    "the policies are broken: only KubeRay's own rules are enforced, nothing is injected"
                );
                in_use(&source.gate, &source.metrics);
                source.is_broken(&error);
                Follower::without(source, &error)
            }
            Err(error) => return Err(error),
        };
        let gate = Arc::clone(&follower.source.gate);
        Ok((follower, gate))
    }

    fn is_broken(&mut self, error: &PoliciesError) {
        let since = *self.broken_since.get_or_insert_with(Timestamp::now);
        let (file, line) = error.place();
        self.metrics.policies_broken(&file, line, since.as_second());
        self.gate.set_fault(Some(format!("broken since {since:.0}: {error}")));
    }

    fn is_whole(&mut self) {
        self.broken_since = None;
        self.metrics.policies_whole();
        self.gate.set_fault(None);
    }
}

impl Source for PolicyFiles {
    type Content = Vec<load::Source>;
    type Taken = Taken;
    type Error = PoliciesError;

    fn read(&self) -> Result<Self::Content, PoliciesError> {
        Ok(files::policies(&self.directories)?)
    }

    fn digest(files: &Self::Content) -> Digest {
        let mut hash = Sha256::new();
        for file in files {
            for part in [file.name.as_bytes(), &file.bytes] {
                hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                hash.update(part);
            }
        }
        hash.finalize().into()
    }

    fn take(&mut self, files: Self::Content) -> Result<Taken, PoliciesError> {
        if files.is_empty() {
            return Err(PoliciesError::Empty(self.directories.clone()));
        }
        let (bundle, warnings) = compile(&files)?;
        let former = self.gate.replace(bundle);
        Ok(Taken {
            former,
            bundle: self.gate.bundle(),
            warnings,
        })
    }

    fn report(&mut self, found: &Found<Taken, PoliciesError>, asked: bool) {
        match found {
            Found::Same if asked => tracing::info!(
                bundle = self.gate.bundle().short_digest(),
                "SIGHUP: the policy files are as they were"
            ),
            Found::Unsettled if asked => {
                tracing::warn!("SIGHUP: the policy files are being written, they are looked at again")
            }
            Found::Same | Found::Unsettled => {}
            Found::New(taken) => {
                self.is_whole();
                self.metrics.policies_reloaded();
                in_use(&self.gate, &self.metrics);
                warn(&taken.warnings);
                tracing::info!(
                    bundle = taken.bundle.short_digest(),
                    former = taken.former.short_digest(),
                    policies = taken.bundle.policies().policies.len(),
                    "policies replaced"
                );
            }
            Found::Mended => {
                self.is_whole();
                tracing::info!(
                    bundle = self.gate.bundle().short_digest(),
                    "the policy files hold again what is in use"
                );
            }
            Found::Broken { error, known } => {
                self.metrics.policy_reload_failed();
                if !known || asked {
                    self.is_broken(error);
                    tracing::error!(
                        %error,
                        bundle = self.gate.bundle().short_digest(),
                        "the policy files cannot be used, the former policies stay in use"
                    );
                }
            }
        }
    }
}

/// Tells the metrics which policies a gate answers by, from now on.
pub fn in_use(gate: &Gate, metrics: &Metrics) {
    let bundle = gate.bundle();
    let (policies, exemptions) = (&bundle.policies().policies, &bundle.policies().exemptions);
    metrics.bundle(bundle.short_digest(), policies.len(), Timestamp::now().as_second());
    metrics.exemptions(
        exemptions
            .iter()
            .map(|exemption| (exemption.name.to_string(), exemption.end().as_second()))
            .collect(),
    );
    let known = known();
    let codes = known.codes.iter().map(|known| known.code);
    let rules = policies.iter().flat_map(|policy| &policy.rules);
    metrics.names_in_use(
        &codes
            .chain(known.injectors)
            .chain(rules.map(|rule| &*rule.code))
            .chain(policies.iter().map(|policy| &*policy.name))
            .chain(exemptions.iter().map(|exemption| &*exemption.name))
            .collect(),
    );
}

/// Compiles policy files, with their warnings on one line each.
fn compile(files: &[load::Source]) -> Result<(Bundle, Vec<String>), PoliciesError> {
    let loaded = load(files, &known());
    if !loaded.is_usable() {
        return Err(PoliciesError::Broken(Box::new(loaded)));
    }
    let endings = loaded.endings(Offset::UTC.to_datetime(Timestamp::now()).date());
    let warnings = loaded.diagnostics.iter().chain(&endings);
    let warnings = warnings.map(|diagnostic| diagnostic.concise(&loaded.sources)).collect();
    Ok((Bundle::new(loaded.set), warnings))
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!(policy = warning, "policy warning");
    }
}

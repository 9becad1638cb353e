//! The facts of a running server: a file that another process writes, followed as policies are.
//!
//! Facts never keep a server from starting or from being ready. A file that cannot be used is reported once; what was
//! read before stays in use until it is too old, and then no rule uses it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Digest, Follower, Found, Source, read_settled};
use crate::admission::Gate;
use crate::diag::one_line;
use crate::facts::{Fact, Facts, Known};
use crate::files::{self, NoFacts};
use crate::metrics::Metrics;
use crate::policy::capacity::unmatched;
use crate::telemetry::error_chain;

/// The largest file that is read, in bytes. Facts about a large cluster take less than 1 MB.
const LARGEST: u64 = 16 << 20;

/// A file with facts, and the gate that answers by them.
pub struct FactsFile {
    path: PathBuf,
    gate: Arc<Gate>,
    metrics: Arc<Metrics>,
    /// The digest of the facts that the log named last.
    logged: String,
}

impl fmt::Debug for FactsFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FactsFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl FactsFile {
    /// Reads the facts of a file into a gate if that is possible, and follows the file.
    pub fn start(path: PathBuf, gate: Arc<Gate>, metrics: Arc<Metrics>) -> Follower<Self> {
        let mut source = Self {
            path,
            gate,
            metrics,
            logged: String::new(),
        };
        let settled = read_settled(|| source.read(), Self::digest);
        let (content, error) = match settled {
            Ok((content, digest)) => match source.take(content) {
                Ok(facts) => {
                    source.report(&Found::New(facts), false);
                    return Follower::using(source, digest);
                }
                Err(error) => (Some(digest), error),
            },
            Err(error) => (None, error),
        };
        source.is_broken(&error);
        Follower::without(source, content, &error)
    }

    fn is_mended(&self) {
        self.metrics.facts_broken(false);
        self.gate.set_facts_fault(None);
    }

    fn is_broken(&self, error: &NoFacts) {
        self.metrics.facts_broken(true);
        self.gate
            .set_facts_fault(Some(one_line(&error_chain(error)).into_owned()));
        tracing::error!(
            %error,
            "the facts about the cluster cannot be used: what was read before is used until it is too old"
        );
    }
}

impl Source for FactsFile {
    type Content = Vec<u8>;
    type Taken = Arc<Facts>;
    type Error = NoFacts;

    fn read(&self) -> Result<Vec<u8>, NoFacts> {
        files::facts_bytes(&self.path, LARGEST)
    }

    fn digest(content: &Vec<u8>) -> Digest {
        Sha256::digest(content).into()
    }

    fn take(&mut self, content: Vec<u8>) -> Result<Arc<Facts>, NoFacts> {
        let facts = Arc::new(files::facts(&self.path, &content)?);
        self.gate.set_facts(Arc::clone(&facts));
        Ok(facts)
    }

    fn report(&mut self, found: &Found<Arc<Facts>, NoFacts>, asked: bool) {
        match found {
            Found::Same if asked => tracing::info!("SIGHUP: the facts about the cluster are as they were"),
            Found::Same | Found::Unsettled | Found::Broken { known: true, .. } => {}
            Found::New(facts) => {
                self.is_mended();
                self.metrics.facts(facts);
                // The file is written anew all the time, so that its age says whether somebody still looks.
                if self.logged != facts.digest {
                    let now = Timestamp::now();
                    let unknown: Vec<String> = Fact::ALL
                        .into_iter()
                        .filter_map(|fact| Some(format!("{}: {}", fact.name(), facts.unused(fact, now)?)))
                        .collect();
                    let digest = facts.digest.get(..12).unwrap_or(&facts.digest);
                    tracing::info!(
                        facts = digest,
                        unknown = unknown.join("; "),
                        "facts about the cluster are in use"
                    );
                    for one in unmatched(self.gate.bundle().platform(), &Known::of(facts, now, "")) {
                        tracing::warn!(
                            place = %one.origin,
                            help = one.help,
                            "{}",
                            one.message
                        );
                    }
                    self.logged.clone_from(&facts.digest);
                }
            }
            Found::Mended => {
                self.is_mended();
                tracing::info!("the facts about the cluster can be used again");
            }
            Found::Broken { error, known: false } => self.is_broken(error),
        }
    }
}

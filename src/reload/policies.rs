//! The policies of a running server: followed, compiled beside the requests, and exchanged whole.
//!
//! Under a running server, only files without any error replace the policies in use. At the start there is nothing to
//! keep, so a server that accepts broken files uses their sound documents, or the built-in policies if no policy is sound.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;
use sha2::{Digest as _, Sha256};

use super::{Digest, Follower, Found, Source, read_settled};
use crate::admission::Gate;
use crate::diag::{Diagnostic, Severity};
use crate::engine::Bundle;
use crate::engine::bundle::{embedded, known};
use crate::engine::preview::OF_KINDS;
use crate::files::{self, Policies};
use crate::metrics::Metrics;
use crate::policy::lint;
use crate::policy::load::{self, LeftOut, Loaded, load, sound};

/// The notices of one kind that `/readyz?verbose` shows at most.
const MOST_NOTICES: usize = 20;

/// What a left-out Platform costs.
const UNKNOWN_FACTS: &str = "its KubeRay release, Flyte settings and accelerators are unknown";

/// What a document costs that was left out at the start and has no error any more.
const FIXED: &str = "its error is gone from the files; raygate uses it once all errors are gone";

/// Why policy files cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.first())]
pub struct PoliciesError {
    /// The files. What is unreadable among them is a part of the error.
    pub found: Box<Policies>,
    /// The directories that must contain a policy file and do not: more likely a volume that is missing than a wish to
    /// have no policies.
    pub empty: Vec<PathBuf>,
    /// What the readable files hold. Diagnostics may be errors.
    pub loaded: Box<Loaded>,
}

impl PoliciesError {
    /// Everything that is wrong with the files for a terminal, with the warnings about them.
    pub fn rendered(&self) -> String {
        let unreadable = self.found.unreadable.iter().map(|error| format!("error: {error}"));
        let of_files = self.found.diagnostics();
        // What loads from no file at all says the same in a milder way.
        let loaded = self.loaded.diagnostics.iter().filter(|_| self.found.none().is_none());
        let diagnostics = of_files.iter().chain(loaded);
        let diagnostics = diagnostics.map(|diagnostic| diagnostic.render(&self.loaded.sources, true));
        unreadable.chain(diagnostics).collect::<Vec<_>>().join("\n")
    }

    /// All errors, on one line each.
    fn all(&self) -> Vec<String> {
        let unreadable = self.found.unreadable.iter().map(ToString::to_string);
        let empty = (!self.empty.is_empty()).then(|| {
            let none = files::no_policies(&self.empty).message;
            format!("{none}: check the path and the volume")
        });
        let broken = errors(&self.loaded).map(|error| error.concise(&self.loaded.sources));
        unreadable.chain(empty).chain(broken).collect()
    }

    /// The first error on one line, and how many there are besides.
    fn first(&self) -> String {
        let all = self.all();
        let first = all.first().map_or("", String::as_str);
        match all.len() {
            0 | 1 => first.to_owned(),
            2 => format!("{first} (and 1 more error)"),
            count => format!("{first} (and {} more errors)", count - 1),
        }
    }

    /// The file that breaks first, and the line; 0 where a file is broken as a whole.
    fn place(&self) -> (String, usize) {
        if let Some(error) = self.found.unreadable.first() {
            return (error.path().display().to_string(), 0);
        }
        if let Some(directory) = self.empty.first() {
            return (directory.display().to_string(), 0);
        }
        let span = errors(&self.loaded).find_map(|diagnostic| diagnostic.primary.as_ref().map(|(span, _)| *span));
        let place = span.and_then(|span| Some((span, self.loaded.sources.location(span)?)));
        place.map_or_else(Default::default, |(span, location)| {
            (self.loaded.sources.name(span.source).to_owned(), location.line)
        })
    }
}

fn errors(loaded: &Loaded) -> impl Iterator<Item = &Diagnostic> {
    loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error())
}

/// How a server takes its policies.
#[derive(Clone, Debug, Default)]
pub struct Accept {
    /// Broken files at the start: what is sound is used.
    pub broken: bool,
    /// Directories without any policy file.
    pub empty: bool,
    /// The names of the kinds in Preview, whatever the files say.
    pub preview: Vec<String>,
}

/// What is in use while the files contain an error.
#[derive(Debug)]
enum InUse {
    /// What the files held before.
    LastGood,
    /// What could be used of them at the start. These documents could not.
    Sound(Vec<LeftOut>),
    /// The built-in policies, because no policy was sound at the start. These documents were not.
    BuiltIn(Vec<LeftOut>),
}

impl InUse {
    /// The label of the metric, which alerts select by.
    const fn label(&self) -> &'static str {
        match self {
            Self::LastGood => "last-good",
            Self::Sound(_) => "valid-documents",
            Self::BuiltIn(_) => "built-in",
        }
    }

    /// What that means, for people.
    const fn meaning(&self) -> &'static str {
        match self {
            Self::LastGood => "the last good policies stay in use",
            Self::Sound(left_out) if left_out.is_empty() => "the documents of the start are in use",
            Self::Sound(_) => "only the documents that were valid at the start are in use",
            Self::BuiltIn(_) => "no valid policy was found at the start, so the built-in policies are in use",
        }
    }

    fn left_out(&self) -> &[LeftOut] {
        match self {
            Self::LastGood => &[],
            Self::Sound(left_out) | Self::BuiltIn(left_out) => left_out,
        }
    }
}

/// Policies that can be put to use.
struct Compiled {
    bundle: Bundle,
    /// The directories that it comes from.
    contributing: Vec<PathBuf>,
    /// The code and the text of each warning, on one line.
    warnings: Vec<(String, String)>,
    /// Exemptions that end or have ended, a line each. They are true today only.
    endings: Vec<String>,
}

/// What is in use now.
#[derive(Debug)]
pub struct Taken {
    former: Arc<Bundle>,
    bundle: Arc<Bundle>,
}

/// The policy files below some directories, and the gate that answers by them.
pub struct PolicyFiles {
    directories: Vec<PathBuf>,
    accept: Accept,
    gate: Arc<Gate>,
    metrics: Arc<Metrics>,
    in_use: InUse,
    /// The directories that what is in use comes from.
    contributing: Vec<PathBuf>,
    /// Since when the files contain an error.
    broken_since: Option<Timestamp>,
    /// The warnings about what is in use.
    warnings: Vec<String>,
}

impl fmt::Debug for PolicyFiles {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PolicyFiles")
            .field("directories", &self.directories)
            .finish_non_exhaustive()
    }
}

impl PolicyFiles {
    /// Loads the policies below these directories into a gate, and follows them.
    ///
    /// # Errors
    /// If the files cannot be used and are not accepted as they are.
    pub fn start(
        directories: Vec<PathBuf>,
        accept: Accept,
        metrics: Arc<Metrics>,
    ) -> Result<(Follower<Self>, Arc<Gate>), PoliciesError> {
        let read = || Ok::<_, Infallible>(files::policies(&directories));
        let (found, digest) = match read_settled(read, Self::digest) {
            Ok(settled) => settled,
            Err(never) => match never {},
        };
        let loaded = load(&found.sources, &known());
        let (compiled, kept, error) = match usable(found, &[], &accept, loaded) {
            Ok((found, loaded)) => (compile(&found, &found.sources, loaded), InUse::LastGood, None),
            Err(error) if accept.broken => {
                let (compiled, kept) = salvage(&error.found);
                (compiled, kept, Some(error))
            }
            Err(error) => return Err(error),
        };
        let mut source = Self {
            directories,
            gate: Arc::new(Gate::previewing(compiled.bundle, accept.preview.clone())),
            accept,
            metrics,
            in_use: kept,
            contributing: compiled.contributing,
            broken_since: None,
            warnings: Vec::new(),
        };
        source.warn(&compiled.warnings, &compiled.endings);
        in_use(&source.gate, &source.metrics);
        let gate = Arc::clone(&source.gate);
        let follower = match error {
            None => {
                source.is_whole();
                Follower::using(source, digest)
            }
            Some(error) => {
                source.has_left_out();
                source.is_broken(&error);
                Follower::without(source, Some(digest), &error)
            }
        };
        Ok((follower, gate))
    }

    /// Logs what a start with broken files costs: a line for each document that is not enforced.
    fn has_left_out(&self) {
        let left_out = self.in_use.left_out();
        for LeftOut {
            file,
            line,
            document,
            is_platform,
            error,
        } in left_out
        {
            if *line == 0 {
                tracing::error!(path = file, error, "not read: the policies in it are not enforced");
            } else if *is_platform {
                tracing::error!(file, line, document, error, "Platform left out: {UNKNOWN_FACTS}");
            } else {
                tracing::error!(
                    file,
                    line,
                    document,
                    error,
                    "policy document left out: it is not enforced"
                );
            }
        }
        tracing::error!(
            in_use = self.in_use.label(),
            left_out = left_out.len(),
            policies = self.gate.bundle().policies().policies.len(),
            "started with broken policy files: {}",
            self.in_use.meaning()
        );
    }

    fn is_broken(&mut self, error: &PoliciesError) {
        let since = *self.broken_since.get_or_insert_with(Timestamp::now);
        let (file, line) = error.place();
        self.metrics
            .policies_broken(&file, line, self.in_use.label(), since.as_second());
        let (left_out, mut errors) = (self.in_use.left_out(), error.all());
        let still = match left_out {
            [] => Vec::new(),
            _ => unsound(&error.found, sound(&error.found.sources, &known()).left_out),
        };
        let mut costs = Vec::new();
        for left_out in left_out {
            let is_same = |now: &&LeftOut| (&now.file, &now.document) == (&left_out.file, &left_out.document);
            let why = still.iter().find(is_same).map(|now| &*now.error);
            // It is listed here.
            errors.retain(|error| why != Some(&**error));
            let facts = if left_out.is_platform {
                UNKNOWN_FACTS
            } else {
                "it is not enforced"
            };
            let why = why.map_or_else(|| format!("{}: {FIXED}", left_out.file), str::to_owned);
            costs.push(format!("left out: {}: {facts}: {why}", left_out.document));
        }
        let mut notices = vec![format!("broken since {since:.0}: {}", self.in_use.meaning())];
        notices.extend(bounded(costs.into_iter()));
        notices.extend(bounded(errors.iter().map(|error| format!("error: {error}"))));
        notices.extend(self.warnings.iter().cloned());
        self.gate.set_notices(notices);
    }

    fn is_whole(&mut self) {
        self.broken_since = None;
        self.metrics.policies_whole();
        self.gate.set_notices(self.warnings.clone());
    }

    /// Reports the warnings about what is in use from now on.
    fn warn(&mut self, warnings: &[(String, String)], endings: &[String]) {
        let texts = || warnings.iter().map(|(_, text)| text);
        for warning in texts().chain(endings) {
            tracing::warn!(policy = warning, "policy warning");
        }
        self.metrics.policy_warnings(warnings.iter().map(|(code, _)| &**code));
        self.warnings = bounded(texts().cloned());
    }
}

/// The first lines, and how many more there are.
fn bounded(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_NOTICES);
    let more = (more > 0).then(|| format!("{more} more are in the log"));
    lines.take(MOST_NOTICES).chain(more).collect()
}

impl Source for PolicyFiles {
    type Content = Policies;
    type Taken = Taken;
    type Error = PoliciesError;

    fn read(&self) -> Result<Policies, PoliciesError> {
        // What cannot be read is a fault of the content: it hides no other one.
        Ok(files::policies(&self.directories))
    }

    fn digest(found: &Policies) -> Digest {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        };
        for file in &found.sources {
            add(file.name.as_bytes());
            add(&file.bytes);
        }
        // What is not read is reported, so a change of it is one too.
        for paths in [&found.ignored, &found.empty] {
            add(&paths.len().to_be_bytes());
            paths.iter().for_each(|path| add(path.as_os_str().as_encoded_bytes()));
        }
        found
            .unreadable
            .iter()
            .for_each(|error| add(error.to_string().as_bytes()));
        hash.finalize().into()
    }

    fn take(&mut self, found: Policies) -> Result<Taken, PoliciesError> {
        let loaded = load(&found.sources, &known());
        let (found, loaded) = usable(found, &self.contributing, &self.accept, loaded)?;
        let compiled = compile(&found, &found.sources, loaded);
        let former = self.gate.replace(compiled.bundle);
        self.contributing = compiled.contributing;
        self.in_use = InUse::LastGood;
        self.warn(&compiled.warnings, &compiled.endings);
        Ok(Taken {
            former,
            bundle: self.gate.bundle(),
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
                if taken.former.digest() == taken.bundle.digest() {
                    tracing::info!(
                        bundle = taken.bundle.short_digest(),
                        "the policy files changed and are valid, the policies stay the same"
                    );
                } else {
                    tracing::info!(
                        bundle = taken.bundle.short_digest(),
                        former = taken.former.short_digest(),
                        policies = taken.bundle.policies().policies.len(),
                        "policies replaced"
                    );
                }
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
                        in_use = self.in_use.label(),
                        bundle = self.gate.bundle().short_digest(),
                        "the policy files contain an error: {}",
                        self.in_use.meaning()
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
            .chain([OF_KINDS])
            .chain(rules.map(|rule| &*rule.code))
            .chain(policies.iter().map(|policy| &*policy.name))
            .chain(exemptions.iter().map(|exemption| &*exemption.name))
            .chain(bundle.platform().controllers().map(|(_, user)| user))
            .collect(),
    );
    metrics.controllers(bundle.platform().controllers());
}

/// The files and the set that was loaded from them, if nothing is wrong with them. What is in use comes from the
/// `contributing` directories: each of them must still have a policy file.
fn usable(
    found: Policies,
    contributing: &[PathBuf],
    accept: &Accept,
    loaded: Loaded,
) -> Result<(Policies, Loaded), PoliciesError> {
    let mut empty = Vec::new();
    if !accept.empty {
        let now = found.contributing();
        // What cannot be read says so itself.
        let is_unreadable = |path: &PathBuf| found.unreadable.iter().any(|error| error.path().starts_with(path));
        empty.extend(
            contributing
                .iter()
                .filter(|path| !now.contains(path) && !is_unreadable(path))
                .cloned(),
        );
        if found.none().is_some() {
            empty.clone_from(&found.directories);
        }
    }
    if found.unreadable.is_empty() && empty.is_empty() && loaded.is_usable() {
        return Ok((found, loaded));
    }
    Err(PoliciesError {
        found: Box::new(found),
        empty,
        loaded: Box::new(loaded),
    })
}

/// Compiles a usable set that was loaded from the sources among these files.
fn compile(found: &Policies, sources: &[load::Source], loaded: Loaded) -> Compiled {
    let endings = loaded.endings(Offset::UTC.to_datetime(Timestamp::now()).date());
    let endings = endings
        .iter()
        .map(|diagnostic| diagnostic.concise(&loaded.sources))
        .collect();
    let of_files = found.warnings();
    let not_enforced = lint::not_enforced(&loaded);
    let warnings = of_files.iter().chain(&loaded.diagnostics).chain(&not_enforced);
    let warnings = warnings.filter(|diagnostic| diagnostic.severity == Severity::Warning);
    let warning = |diagnostic: &Diagnostic| (diagnostic.code.to_string(), diagnostic.concise(&loaded.sources));
    Compiled {
        warnings: warnings.map(warning).collect(),
        endings,
        contributing: files::contributing(&found.directories, sources),
        bundle: Bundle::new(loaded.set),
    }
}

/// What can be used of files that contain an error: their sound documents; with the built-in policies if there is no
/// policy among them, and these alone if the two do not fit together.
fn salvage(found: &Policies) -> (Compiled, InUse) {
    let sound = sound(&found.sources, &known());
    let left_out = unsound(found, sound.left_out);
    if !sound.loaded.set.policies.is_empty() {
        return (compile(found, &sound.files, sound.loaded), InUse::Sound(left_out));
    }
    let together = [embedded(), sound.files].concat();
    let mut loaded = load(&together, &known());
    let mut sources = &*together;
    if !loaded.is_usable() {
        (loaded, sources) = (load(&embedded(), &known()), &[]);
    }
    (compile(found, sources, loaded), InUse::BuiltIn(left_out))
}

/// What is not used of these files: what cannot be read, and these documents.
fn unsound(found: &Policies, documents: Vec<LeftOut>) -> Vec<LeftOut> {
    let unreadable = found.unreadable.iter().map(|error| {
        let file = error.path().display().to_string();
        LeftOut {
            document: file.clone(),
            file,
            line: 0,
            is_platform: false,
            error: error.to_string(),
        }
    });
    unreadable.chain(documents).collect()
}

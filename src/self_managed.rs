//! Certificates that raygate makes and renews itself: a CA and a serving certificate in one Secret, shared by all replicas
//! without a leader, and the CA in the `caBundle` of raygate's own two webhook configurations.
//!
//! Replicas agree by the Secret's version: whoever writes first wins, the others read again. Each replica looks at the
//! wall clock and at the cluster every few seconds, and what it does follows from what it finds, so that a look may fail,
//! and a replica may start or die, at any point:
//!
//! 1. Read both configurations, *then* the Secret. Make in the Secret what is due.
//! 2. Write the Secret's bundle into each configuration that has another one, for the version that was read: since the
//!    Secret was read later, no replica can put an older bundle over a newer one.
//! 3. Serve the Secret's certificate once both configurations have trusted its CA for long enough that every API server
//!    has heard of it. Until then the former one is served, whose CA is in the bundle too.

mod configurations;
mod kept;
mod secret;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, DynamicObject};
use serde_json::Value;
use tokio::time::Instant;

use crate::certs::generate::IssueError;
use crate::certs::names::NameError;
use crate::certs::{CaCertificate, DnsLabel, SubjectName, service_names};
use crate::cluster::{Cause, describe};
use crate::install::{
    self, BaseUrl, BuildError, Certificates, Component, Controllers, Difference, Install, KindList, Part, ValueError,
};
use crate::metrics::Metrics;
use crate::server::{CertificateStore, Pair, Trust, unix_now};

use configurations::Configuration;
use kept::{Due, Kept, Wanted};

/// A look that takes longer has found nothing.
const PATIENCE: Duration = Duration::from_secs(15);

/// After a failure, and after several.
const SHORTEST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// An API server that asks for a longer pause is asked again after this: certificates end for nobody's sake.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);

/// So many conflicts in a row are no race between replicas any more.
const MOST_CONFLICTS: u32 = 10;

/// The shortest life that leaves time to renew.
pub const SHORTEST_LIFE: Duration = Duration::from_secs(10);

/// What to keep, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespace of the Secret, and of the Service.
    pub namespace: DnsLabel,
    /// The Secret's name.
    pub secret: String,
    /// The Service that the API server calls.
    pub service: DnsLabel,
    /// The address that it calls instead.
    pub url: Option<BaseUrl>,
    /// The name of both webhook configurations.
    pub configuration: String,
    /// Whether the validating configuration ignores failures.
    pub fail_open: bool,
    /// The kinds that both configurations register.
    pub kinds: KindList,
    /// Further namespaces that both configurations leave out.
    pub excluded_namespaces: Vec<DnsLabel>,
    /// The life of a CA.
    pub ca_life: Duration,
    /// The life of a serving certificate; never past the end of its CA.
    pub certificate_life: Duration,
}

/// Why certificates cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// A name that no certificate can be made for.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The configurations to compare with cannot be put together.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The image in `deploy/` has no name.
    #[error(transparent)]
    Image(#[from] ValueError),
}

/// How often the cluster is looked at, and how long an API server may take to hear of a new bundle. Certificates that live
/// for minutes only are looked after faster.
#[derive(Clone, Copy, Debug)]
struct Pace {
    period: Duration,
    settle: Duration,
}

impl Pace {
    fn of(life: Duration) -> Self {
        let share = life / 20;
        Self {
            period: share.min(Duration::from_secs(15)),
            settle: share.min(Duration::from_secs(5)),
        }
    }
}

/// Why a look did not come to its end.
#[derive(Debug)]
enum Trouble {
    /// The API server refused, or did not answer. `object` is `secret`, `mutating` or `validating`.
    Cluster {
        object: &'static str,
        title: String,
        error: kube::Error,
    },
    /// No answer in all the time of a look.
    Silence,
    /// The Secret is someone else's.
    Foreign(String),
    /// Certificates could not be made.
    Issue(IssueError),
}

impl Trouble {
    fn labels(&self) -> (&'static str, &'static str) {
        match self {
            Self::Cluster { object, error, .. } => (object, Cause::of(error).as_str()),
            Self::Silence => ("any", Cause::Unreachable.as_str()),
            Self::Foreign(_) => ("secret", "foreign"),
            Self::Issue(_) => ("secret", "issue"),
        }
    }

    /// Another replica was faster: there is something newer to read, and nothing is wrong.
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Cluster { error, .. } if Cause::of(error) == Cause::Conflict)
    }

    /// The pause that the API server asks for.
    fn retry_after(&self) -> Duration {
        match self {
            Self::Cluster {
                error: kube::Error::Api(status),
                ..
            } => {
                let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
                Duration::from_secs(seconds.into()).min(LONGEST_RETRY_AFTER)
            }
            _ => Duration::ZERO,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Cluster { title, error, .. } => format!("{title}: {}", describe(error)),
            Self::Silence => format!("the API server did not answer within {} s", PATIENCE.as_secs()),
            Self::Foreign(why) => why.clone(),
            Self::Issue(error) => error.to_string(),
        }
    }
}

/// What both configurations held when they were last read, or `None` for one that does not exist.
type Bundles = Vec<Option<Vec<Vec<u8>>>>;

/// One replica's keeper of the certificates.
pub struct Keeper {
    secrets: Api<Secret>,
    secret: String,
    secret_title: String,
    configurations: Vec<Configuration>,
    options: Options,
    /// Whose writes the configurations leave out by the policies in use.
    controllers: Box<dyn Fn() -> Controllers + Send + Sync>,
    /// Those that `configurations` expect.
    expected_controllers: Controllers,
    wanted: Wanted,
    pace: Pace,
    store: Arc<CertificateStore>,
    metrics: Arc<Metrics>,
    bundles: Option<Bundles>,
    /// The CA that both configurations trust, and since when this replica knows.
    trusted: Option<(String, Instant)>,
    /// The bundle that this replica has seen in its place, per configuration: another one there is someone else's doing.
    written: Vec<Option<String>>,
    differences: Vec<Vec<Difference>>,
    failures: u32,
    /// How often in a row another replica was faster.
    conflicts: u32,
    reported: Option<String>,
}

impl Keeper {
    /// A keeper that hands certificates to this store. `controllers` says whose writes the configurations leave out; it is
    /// asked at each look, as policies change.
    ///
    /// # Errors
    /// When the host of the URL is no name for a certificate; and at a defect of this binary.
    pub fn new(
        client: &Client,
        options: Options,
        controllers: impl Fn() -> Controllers + Send + Sync + 'static,
        store: Arc<CertificateStore>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeeperError> {
        let expected_controllers = controllers();
        let expected = expected(&options, &expected_controllers)?;
        let Options {
            namespace,
            secret,
            service,
            url,
            configuration,
            ca_life,
            certificate_life,
            ..
        } = options.clone();
        let mut names = service_names(&service, &namespace);
        let dialled = match &url {
            Some(url) => url.host().to_owned(),
            None => format!("{service}.{namespace}.svc"),
        };
        if url.is_some() {
            names.push(dialled.parse::<SubjectName>()?);
        }
        let configurations = configurations::both(client, &configuration, expected);
        let seconds = |life: Duration| i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        Ok(Self {
            secrets: Api::namespaced(client.clone(), namespace.as_str()),
            secret_title: format!("Secret {namespace}/{secret}"),
            secret,
            written: configurations.iter().map(|_| None).collect(),
            differences: configurations.iter().map(|_| Vec::new()).collect(),
            configurations,
            options,
            controllers: Box::new(controllers),
            expected_controllers,
            wanted: Wanted {
                names,
                dialled,
                ca_life: seconds(ca_life),
                certificate_life: seconds(certificate_life),
            },
            pace: Pace::of(certificate_life.min(ca_life)),
            store,
            metrics,
            bundles: None,
            trusted: None,
            failures: 0,
            conflicts: 0,
            reported: None,
        })
    }

    /// Keeps the certificates for as long as it is polled, and never gives up.
    pub async fn keep(mut self) {
        loop {
            let looked = tokio::time::timeout(PATIENCE, self.look()).await;
            let pause = self.conclude(looked.unwrap_or(Err(Trouble::Silence)));
            tokio::time::sleep(pause).await;
        }
    }

    /// Looks at the cluster once, does what is due, and says when to look again.
    async fn look(&mut self) -> Result<Duration, Trouble> {
        let mut trouble = None;
        let found = match self.read_configurations().await {
            Ok(found) => Some(found),
            Err(error) => {
                trouble = Some(error);
                None
            }
        };
        let now = unix_now();
        let kept = self.read_secret(found.as_deref(), now).await?;
        self.metrics.ca_ends(kept.ca_ends());
        if let Some(found) = found {
            let bundle = kept.bundle();
            let mut bundles = Bundles::new();
            for (at, found) in found.into_iter().enumerate() {
                bundles.push(match found {
                    Some(found) => Some(self.write_bundle(at, found, &bundle, &mut trouble).await),
                    None => None,
                });
            }
            self.bundles = Some(bundles);
        }
        let settling = self.serve(&kept, now);
        self.check_trust(now, trouble.as_ref());
        match trouble {
            Some(trouble) => Err(trouble),
            None => Ok(self.next_look(&kept, now, settling)),
        }
    }

    /// Expects what the policies in use say.
    fn follow_policies(&mut self) {
        let controllers = (self.controllers)();
        if controllers == self.expected_controllers {
            return;
        }
        // They could be put together at the start.
        for (configuration, expected) in
            (self.configurations.iter_mut()).zip(expected(&self.options, &controllers).into_iter().flatten())
        {
            configuration.expected = expected;
        }
        self.expected_controllers = controllers;
    }

    /// Reads both configurations, and tells what is wrong with them.
    async fn read_configurations(&mut self) -> Result<Vec<Option<DynamicObject>>, Trouble> {
        self.follow_policies();
        let mut all = Vec::new();
        for (at, configuration) in self.configurations.iter().enumerate() {
            let found = configuration.get().await.map_err(|error| Trouble::Cluster {
                object: configuration.label,
                title: configuration.title.clone(),
                error,
            })?;
            let differences = install::differences(&configuration.expected, found.as_ref().map(|found| &found.data));
            if let Some(known) = self.differences.get_mut(at)
                && *known != differences
            {
                report_differences(configuration, known, &differences);
                *known = differences;
            }
            all.push(found);
        }
        for (configuration, differences) in self.configurations.iter().zip(&self.differences) {
            for part in Part::ALL {
                let count = differences.iter().filter(|it| it.part == part).count();
                self.metrics
                    .configuration_differs(configuration.label, part.as_str(), count);
            }
        }
        Ok(all)
    }

    /// Reads the Secret, and makes in it what is due.
    async fn read_secret(&self, found: Option<&[Option<DynamicObject>]>, now: i64) -> Result<Kept, Trouble> {
        let cluster = |error| Trouble::Cluster {
            object: "secret",
            title: self.secret_title.clone(),
            error,
        };
        let secret = self.secrets.get_opt(&self.secret).await.map_err(cluster)?;
        if let Some(why) = secret.as_ref().and_then(secret::foreign) {
            let title = &self.secret_title;
            return Err(Trouble::Foreign(format!(
                "{title} is not raygate's: {why}; give another name with --secret, or delete it"
            )));
        }
        let read = secret.as_ref().map(|secret| secret::read(secret, &self.wanted, now));
        let damaged = matches!(read, Some(Err(_)));
        let (contents, reason) = match read {
            Some(Ok(kept)) => match kept.due(now, found.is_some()) {
                None => return Ok(kept),
                Some(Due { step, reason }) => (kept.step(step, &self.wanted, now), reason),
            },
            Some(Err(reason)) => (self.begin(found, now), reason),
            None => (self.begin(found, now), "there was none".to_owned()),
        };
        let contents = contents.map_err(Trouble::Issue)?;
        let written = secret::write(&self.secrets, &self.secret, secret.as_ref(), &contents).await;
        let written = written.map_err(cluster)?;
        for certificate in contents.made {
            self.metrics.certificate_issued(certificate);
        }
        let made = contents.made.join(" and ");
        if damaged {
            tracing::warn!(
                secret = self.secret_title,
                reason,
                made,
                "made new certificates in the Secret, which was damaged"
            );
        } else {
            tracing::info!(
                secret = self.secret_title,
                reason,
                made,
                "made certificates in the Secret"
            );
        }
        secret::read(&written, &self.wanted, now).map_err(|why| {
            Trouble::Foreign(format!(
                "{}: what was written cannot be read back: {why}",
                self.secret_title
            ))
        })
    }

    /// A new CA, where the Secret has none that can be used. Every CA that may still be served under is trusted further:
    /// that of this replica, and those that the configurations hold.
    fn begin(&self, found: Option<&[Option<DynamicObject>]>, now: i64) -> Result<kept::Contents, IssueError> {
        let mut trusted = Vec::new();
        if let Some((ca, _)) = &self.trusted {
            trusted.extend(CaCertificate::all(ca.as_bytes()));
        }
        for (configuration, found) in self.configurations.iter().zip(found.unwrap_or_default()) {
            let bundles = found.as_ref().map(|found| configuration.bundles(found));
            for ca in bundles
                .into_iter()
                .flatten()
                .flat_map(|bundle| CaCertificate::all(&bundle))
            {
                if !trusted.contains(&ca) {
                    trusted.push(ca);
                }
            }
        }
        kept::replace(
            &self.wanted,
            now,
            &trusted,
            now.saturating_add(self.wanted.certificate_life),
        )
    }

    /// Writes the bundle where there is another one, and returns what the configuration then holds.
    async fn write_bundle(
        &mut self,
        at: usize,
        found: DynamicObject,
        bundle: &str,
        trouble: &mut Option<Trouble>,
    ) -> Vec<Vec<u8>> {
        let Some(configuration) = self.configurations.get(at) else {
            return Vec::new();
        };
        let foreign = self
            .written
            .get(at)
            .is_some_and(|written| written.as_deref() == Some(bundle));
        match configuration.write(&found, bundle).await {
            Ok(patched) => {
                if patched.is_some() {
                    self.metrics.ca_bundle_written(configuration.label);
                    let configuration = &configuration.title;
                    if foreign {
                        tracing::warn!(configuration, "someone changed the caBundle, which was written again");
                    } else {
                        tracing::info!(configuration, "wrote the caBundle");
                    }
                }
                if let Some(written) = self.written.get_mut(at) {
                    *written = Some(bundle.to_owned());
                }
                configuration.bundles(patched.as_ref().unwrap_or(&found))
            }
            Err(error) => {
                *trouble = Some(Trouble::Cluster {
                    object: configuration.label,
                    title: configuration.title.clone(),
                    error,
                });
                configuration.bundles(&found)
            }
        }
    }

    /// Serves the Secret's certificate if its time has come. Otherwise returns how long to wait for it.
    fn serve(&mut self, kept: &Kept, now: i64) -> Option<Duration> {
        let Ok(pair) = &kept.pair else { return None };
        if self.fits(pair, now).is_err() {
            self.trusted = None;
            return Some(self.pace.settle);
        }
        let since = match &self.trusted {
            Some((ca, since)) if ca == kept.ca() => *since,
            _ => {
                let since = Instant::now();
                self.trusted = Some((kept.ca().to_owned(), since));
                since
            }
        };
        let current = self.store.current();
        if current.as_ref().is_some_and(|current| current.chain() == pair.chain()) {
            return None;
        }
        let waited = since.elapsed();
        // Where nothing else could be trusted there is nothing to wait for.
        let at_once = !kept.has_former_cas() || current.is_some_and(|current| self.fits(&current, now).is_err());
        if waited < self.pace.settle && !at_once {
            return Some(self.pace.settle.saturating_sub(waited));
        }
        self.store.swap(pair.clone());
        self.metrics.certificate(pair.not_before, pair.not_after);
        tracing::info!(ends = pair.ends(), "serving the certificate of the Secret");
        None
    }

    /// Whether every configuration that exists leads to this certificate, as far as is known.
    fn fits(&self, pair: &Pair, now: i64) -> Result<(), String> {
        let bundles = self
            .bundles
            .as_ref()
            .ok_or("the webhook configurations were not read yet")?;
        for (configuration, bundles) in self.configurations.iter().zip(bundles) {
            for bundle in bundles.iter().flatten() {
                pair.trusted_by(bundle, &self.wanted.dialled, now)
                    .map_err(|refusal| format!("{} does not trust the certificate: {refusal}", configuration.title))?;
            }
        }
        Ok(())
    }

    /// Tells readiness and metrics whether the certificate in use fits.
    fn check_trust(&self, now: i64, trouble: Option<&Trouble>) {
        let Some(pair) = self.store.current() else {
            let waiting = || "waiting for every API server to hear of the new CA".to_owned();
            let reason = trouble.map_or_else(waiting, Trouble::text);
            self.store.set_trust(Trust::Misfit(reason));
            return;
        };
        for (configuration, bundles) in self.configurations.iter().zip(self.bundles.iter().flatten()) {
            let fits = bundles
                .iter()
                .flatten()
                .all(|bundle| pair.trusted_by(bundle, &self.wanted.dialled, now).is_ok());
            self.metrics
                .ca_bundle_fits(configuration.label, fits && bundles.is_some());
        }
        let missing = self
            .bundles
            .iter()
            .flatten()
            .filter(|bundles| bundles.is_none())
            .count();
        self.store.set_trust(match self.fits(&pair, now) {
            Ok(()) if missing > 0 => Trust::Fits(format!("{missing} of the 2 webhook configurations do not exist")),
            Ok(()) => Trust::Fits("both webhook configurations trust the certificate".to_owned()),
            Err(reason) => Trust::Misfit(reason),
        });
    }

    fn next_look(&self, kept: &Kept, now: i64, settling: Option<Duration>) -> Duration {
        let missing = self.bundles.iter().flatten().any(Option::is_none);
        let mut pause = spread(self.pace.period);
        if missing {
            pause = pause.min(Duration::from_secs(2));
        }
        if let Some(settling) = settling {
            pause = pause.min(settling);
        }
        let due = u64::try_from(kept.due_at().saturating_sub(now)).unwrap_or(0);
        // A third of the life is left by then: no replica need be the first.
        pause.min(Duration::from_secs(due) + spread(self.pace.settle))
    }

    /// Logs and counts how a look ended, and says when the next one is.
    fn conclude(&mut self, looked: Result<Duration, Trouble>) -> Duration {
        let trouble = match looked {
            Ok(pause) => {
                if self.reported.take().is_some() {
                    tracing::info!("the cluster answers again as it should");
                }
                self.failures = 0;
                self.conflicts = 0;
                return pause;
            }
            Err(trouble) => trouble,
        };
        let (object, cause) = trouble.labels();
        self.metrics.cluster_failed(object, cause);
        if trouble.is_conflict() && self.conflicts < MOST_CONFLICTS {
            self.conflicts += 1;
            tracing::debug!(error = trouble.text(), "another replica was faster");
            return spread(Duration::from_millis(100));
        }
        let text = trouble.text();
        let is_ready = self.store.current().is_some();
        if self.reported.as_ref() != Some(&text) {
            tracing::error!(
                error = text,
                serving = is_ready,
                "certificates cannot be kept up; what is served stays in use, and this is tried again"
            );
        }
        if !is_ready {
            self.store.set_trust(Trust::Misfit(text.clone()));
        }
        self.reported = Some(text);
        self.failures = self.failures.saturating_add(1);
        backoff(self.failures).max(trouble.retry_after())
    }
}

/// Both configurations as `raygate manifests` prints them, the mutating one first.
fn expected(options: &Options, controllers: &Controllers) -> Result<Vec<Value>, KeeperError> {
    let components: &[Component] = if options.fail_open { &[Component::FailOpen] } else { &[] };
    let objects = install::objects(&Install {
        namespace: &options.namespace,
        service: &options.service,
        image: &install::IMAGE.parse()?,
        replicas: install::REPLICAS,
        certificates: Certificates::SelfManaged,
        components,
        url: options.url.as_ref(),
        kinds: &options.kinds,
        excluded_namespaces: &options.excluded_namespaces,
        controllers,
        policies: &[],
    })?;
    let mut configurations: Vec<_> = objects.into_iter().filter(install::is_webhook_configuration).collect();
    configurations.sort_by_key(|object| object["kind"].to_string());
    Ok(configurations)
}

fn report_differences(configuration: &Configuration, known: &[Difference], differences: &[Difference]) {
    let configuration = &configuration.title;
    for difference in differences.iter().filter(|it| !known.contains(it)) {
        tracing::warn!(
            configuration,
            part = difference.part.as_str(),
            difference = difference.text,
            "the webhook configuration is not as `raygate manifests` prints it"
        );
    }
    if differences.is_empty() {
        tracing::info!(
            configuration,
            "the webhook configuration is again as `raygate manifests` prints it"
        );
    }
}

/// Doubles with each failure in a row.
fn backoff(failures: u32) -> Duration {
    let doubled = SHORTEST_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(10));
    spread(doubled.min(LONGEST_BACKOFF))
}

/// Between three quarters and the whole of a pause, so that replicas do not act in step. The standard library's hasher is
/// seeded at random.
fn spread(pause: Duration) -> Duration {
    let random = u32::try_from(RandomState::new().build_hasher().finish() >> 48).unwrap_or(0);
    pause * 3 / 4 + pause / 4 * random / (1 << 16)
}

#[cfg(test)]
mod tests;

//! What raygate counts and measures: every family in one table, and the functions that observe.
//!
//! No label takes its values from a request: each is one of a few words that the program knows, or a name that stands in
//! the policy files in use, so that neither a client nor a long row of reloads can grow the number of series.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::admission::{Endpoint, Previewed, Record};
use crate::facts::{Fact, Facts, State};

mod labels;
mod series;
mod stages;
mod table;

pub use labels::Exemplar;
use labels::{Named, Only, Word};
use stages::{ENDPOINTS, Stages, histograms, plain};

pub use series::endpoint_label;
use series::{of, register};
pub use table::{FAMILIES, FamilySpec, Kind};

/// What one object adds to the counters of GPUs at most: a slip of a key must not drown them.
const MOST_GPUS: u64 = 1 << 20;

/// Why a request was turned away although nothing was wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overload {
    /// Too many evaluations were running or waiting.
    InFlight,
    /// The caller would have given up before the answer.
    Deadline,
    /// Bodies and answers that nobody reads filled the memory that is set aside for them.
    Memory,
}

impl Overload {
    const ALL: [Self; 3] = [Self::InFlight, Self::Deadline, Self::Memory];

    /// The value of the `cause` label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
        }
    }
}

/// One of the two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Where reviews are taken.
    Webhook,
    /// Where probes and scrapers are answered.
    Metrics,
}

impl Port {
    const ALL: [Self; 2] = [Self::Webhook, Self::Metrics];

    /// The value of the `port` label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Metrics => "metrics",
        }
    }
}

fn controller_labels(controller: &'static str, user: &Arc<str>) -> [(&'static str, Word); 2] {
    [
        ("controller", Word::Known(controller)),
        ("user", Word::Named(Arc::clone(user))),
    ]
}

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels<5>, Counter>,
    rejections: Family<Labels<1>, Counter>,
    findings: Family<Labels<1>, Counter>,
    injections: Named<2>,
    unmutated: Counter,
    refused_controllers: Named<2>,
    gpus_requested: Counter,
    gpus_refused: Counter,
    request_durations: [HistogramWithExemplars<Exemplar>; 2],
    evaluation_durations: [Histogram; 2],
    stages: Stages,
    in_flight: Gauge,
    connections: Gauge,
    evictions: Family<Labels<1>, Counter>,
    accept_errors: Counter,
    handshake_failures: Family<Labels<1>, Counter>,
    slow_clients: Family<Labels<1>, Counter>,
    overloads: Family<Labels<1>, Counter>,
    panics: Counter,
    certificate_start: Gauge,
    certificate_expiry: Gauge,
    certificate_reloads: Counter,
    certificate_reload_failures: Counter,
    certificate_left: Family<Labels<1>, Gauge>,
    /// The end of the CA's life, in seconds since 1970; 0 where there is none to know of.
    ca_ends: AtomicI64,
    certificates_issued: Family<Labels<1>, Counter>,
    ca_bundle_fits: Family<Labels<1>, Gauge>,
    ca_bundle_writes: Family<Labels<1>, Counter>,
    configuration_differences: Family<Labels<2>, Gauge>,
    cluster_failures: Family<Labels<2>, Counter>,
    bundle: Only<1>,
    bundle_loaded: Gauge,
    policy_reloads: Counter,
    policy_reload_failures: Counter,
    policies_broken: Gauge,
    policies_broken_since: Only<3>,
    policy_warnings: Family<[(&'static str, String); 1], Gauge>,
    preview_reviews: Named<2>,
    preview_effects: Named<3>,
    facts_answers: Family<Labels<2>, Counter>,
    facts_age: Family<Labels<1>, Gauge>,
    facts_broken: Gauge,
    /// The kinds of facts that are known, and when each was read.
    facts_read: Mutex<Vec<(&'static str, i64)>>,
    exemption_uses: Named<1>,
    exemption_expiry: Family<[(&'static str, String); 1], Gauge>,
    exemptions_expired: Gauge,
    /// The exemptions in use, and when each ends.
    exemption_ends: Mutex<Vec<(String, i64)>>,
    log_lines_dropped: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All families, registered, with the series that alerts watch already at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let metrics = Self {
            requests: registered(&mut registry, &table::REQUESTS),
            rejections: registered(&mut registry, &table::REJECTIONS),
            findings: registered(&mut registry, &table::FINDINGS),
            injections: Named::new(registered(&mut registry, &table::INJECTIONS)),
            unmutated: registered(&mut registry, &table::UNMUTATED),
            refused_controllers: Named::new(registered(&mut registry, &table::REFUSED_CONTROLLERS)),
            gpus_requested: registered(&mut registry, &table::GPUS_REQUESTED),
            gpus_refused: registered(&mut registry, &table::GPUS_REFUSED),
            request_durations: histograms(&mut registry, &table::REQUEST_DURATION, "endpoint", ENDPOINTS, || {
                HistogramWithExemplars::new(stages::BUCKETS.into_iter())
            }),
            evaluation_durations: histograms(&mut registry, &table::EVALUATION_DURATION, "endpoint", ENDPOINTS, plain),
            stages: Stages::new(&mut registry),
            in_flight: registered(&mut registry, &table::IN_FLIGHT),
            connections: registered(&mut registry, &table::CONNECTIONS),
            evictions: registered(&mut registry, &table::EVICTIONS),
            accept_errors: registered(&mut registry, &table::ACCEPT_ERRORS),
            handshake_failures: registered(&mut registry, &table::HANDSHAKE_FAILURES),
            slow_clients: registered(&mut registry, &table::SLOW_CLIENTS),
            overloads: registered(&mut registry, &table::OVERLOADS),
            panics: registered(&mut registry, &table::PANICS),
            certificate_start: registered(&mut registry, &table::CERTIFICATE_START),
            certificate_expiry: registered(&mut registry, &table::CERTIFICATE_EXPIRY),
            certificate_reloads: registered(&mut registry, &table::CERTIFICATE_RELOADS),
            certificate_reload_failures: registered(&mut registry, &table::CERTIFICATE_RELOAD_FAILURES),
            bundle: Only::new(registered(&mut registry, &table::BUNDLE)),
            certificate_left: registered(&mut registry, &table::CERTIFICATE_LEFT),
            ca_ends: AtomicI64::new(0),
            certificates_issued: registered(&mut registry, &table::CERTIFICATES_ISSUED),
            ca_bundle_fits: registered(&mut registry, &table::CA_BUNDLE_FITS),
            ca_bundle_writes: registered(&mut registry, &table::CA_BUNDLE_WRITES),
            configuration_differences: registered(&mut registry, &table::CONFIGURATION_DIFFERENCES),
            cluster_failures: registered(&mut registry, &table::CLUSTER_FAILURES),
            bundle_loaded: registered(&mut registry, &table::BUNDLE_LOADED),
            policy_reloads: registered(&mut registry, &table::POLICY_RELOADS),
            policy_reload_failures: registered(&mut registry, &table::POLICY_RELOAD_FAILURES),
            policies_broken: registered(&mut registry, &table::POLICIES_BROKEN),
            policies_broken_since: Only::new(registered(&mut registry, &table::POLICIES_BROKEN_SINCE)),
            policy_warnings: registered(&mut registry, &table::POLICY_WARNINGS),
            preview_reviews: Named::new(registered(&mut registry, &table::PREVIEW_REVIEWS)),
            preview_effects: Named::new(registered(&mut registry, &table::PREVIEW_EFFECTS)),
            facts_answers: registered(&mut registry, &table::FACTS_ANSWERS),
            facts_age: registered(&mut registry, &table::FACTS_AGE),
            facts_broken: registered(&mut registry, &table::FACTS_BROKEN),
            facts_read: Mutex::default(),
            exemption_uses: Named::new(registered(&mut registry, &table::EXEMPTION_USES)),
            exemption_expiry: registered(&mut registry, &table::EXEMPTION_EXPIRY),
            exemptions_expired: registered(&mut registry, &table::EXEMPTIONS_EXPIRED),
            exemption_ends: Mutex::default(),
            log_lines_dropped: registered(&mut registry, &table::LOG_LINES_DROPPED),
            registry,
        };
        metrics.start_at_zero()
    }

    fn start_at_zero(mut self) -> Self {
        let build: Family<Labels<1>, Gauge> = registered(&mut self.registry, &table::BUILD);
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        for cause in Overload::ALL {
            self.overloads.get_or_create(&[("cause", cause.as_str())]).inc_by(0);
        }
        for port in Port::ALL {
            self.evictions.get_or_create(&[("port", port.as_str())]).inc_by(0);
        }
        for stage in ["handshake", "header", "body", "answer"] {
            self.slow_clients.get_or_create(&[("stage", stage)]).inc_by(0);
        }
        self
    }

    /// One answered review: how it ended, what was found, injected and asked for, and how long it took from the end of the
    /// request's header to the answer. The exemplar leads from its bucket to its log line, or to its trace.
    pub fn answered(&self, endpoint: Endpoint, record: &Record, took: Duration, exemplar: Option<Exemplar>) {
        let denied = record.verdict == "denied";
        let refused = denied || record.verdict == "retry";
        let labels = [
            ("endpoint", endpoint_label(endpoint)),
            ("kind", record.kind),
            ("operation", operation_label(&record.operation)),
            ("verdict", record.verdict),
            (
                "code",
                record.codes.first().filter(|_| denied).copied().unwrap_or_default(),
            ),
        ];
        self.requests.get_or_create(&labels).inc();
        for &code in &record.codes {
            self.findings.get_or_create(&[("code", code)]).inc();
        }
        for &(code, answer) in &record.answers {
            self.facts_answers
                .get_or_create(&[("code", code), ("answer", answer)])
                .inc();
        }
        for (injector, policy) in &record.injections {
            let policy = policy.clone().map_or(Word::Known("built-in"), Word::Named);
            let labels = [("injector", Word::Known(injector)), ("policy", policy)];
            self.injections.inc(labels);
        }
        if endpoint == Endpoint::Validate && !record.injected.is_empty() {
            self.unmutated.inc();
        }
        if let Some((controller, user)) = &record.refused_controller {
            self.refused_controllers.inc(controller_labels(controller, user));
        }
        let gpus = record.gpus.min(MOST_GPUS);
        self.gpus_requested.inc_by(gpus);
        if refused {
            self.gpus_refused.inc_by(gpus);
        }
        for name in &record.exemptions {
            let labels = [("exemption", Word::Named(Arc::clone(name)))];
            self.exemption_uses.inc(labels);
        }
        for Previewed { policy, would } in &record.previews {
            let labels = [
                ("endpoint", Word::Known(endpoint_label(endpoint))),
                ("policy", Word::Named(Arc::clone(policy))),
            ];
            self.preview_reviews.inc(labels);
            for (code, effect) in would {
                let labels = [
                    ("policy", Word::Named(Arc::clone(policy))),
                    ("code", Word::Named(Arc::clone(code))),
                    ("effect", Word::Known(effect)),
                ];
                self.preview_effects.inc(labels);
            }
        }
        self.stages.observe(endpoint, &record.spent);
        of(&self.request_durations, endpoint).observe(took.as_secs_f64(), exemplar, Some(SystemTime::now()));
    }

    /// The evaluation alone: from the bytes of the review to the bytes of its answer.
    pub fn evaluated(&self, endpoint: Endpoint, took: Duration) {
        of(&self.evaluation_durations, endpoint).observe(took.as_secs_f64());
    }

    /// A request that was refused before it was read, with its HTTP status.
    pub fn rejected(&self, status: &'static str) {
        self.rejections.get_or_create(&[("status", status)]).inc();
    }

    /// Counts a request as in flight until the guard is dropped.
    pub fn in_flight(&self) -> GaugeGuard<'_> {
        GaugeGuard::new(&self.in_flight)
    }

    /// Counts a connection as open until the guard is dropped.
    pub fn connection(&self) -> GaugeGuard<'_> {
        GaugeGuard::new(&self.connections)
    }

    /// A connection was closed to make room for another.
    pub fn evicted(&self, port: Port) {
        self.evictions.get_or_create(&[("port", port.as_str())]).inc();
    }

    /// The operating system refused to hand out a connection.
    pub fn accept_failed(&self) {
        self.accept_errors.inc();
    }

    /// A TLS handshake failed, with its cause in one word.
    pub fn handshake_failed(&self, cause: &'static str) {
        self.handshake_failures.get_or_create(&[("cause", cause)]).inc();
    }

    /// A client was cut because it did not send its handshake, header or body in time, or did not read its answer.
    pub fn slow_client(&self, stage: &'static str) {
        self.slow_clients.get_or_create(&[("stage", stage)]).inc();
    }

    /// A request was turned away to protect the others.
    pub fn overloaded(&self, cause: Overload) {
        self.overloads.get_or_create(&[("cause", cause.as_str())]).inc();
    }

    /// An evaluation panicked.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// The life of the certificate in use, in seconds since 1970.
    pub fn certificate(&self, not_before: i64, not_after: i64) {
        self.certificate_start.set(not_before);
        self.certificate_expiry.set(not_after);
    }

    /// A new certificate was taken over from its files.
    pub fn certificate_reloaded(&self) {
        self.certificate_reloads.inc();
    }

    /// The certificate files changed into something that cannot be served.
    pub fn certificate_reload_failed(&self) {
        self.certificate_reload_failures.inc();
    }

    /// The CA that signed the certificate in use ends at this time, in seconds since 1970.
    pub fn ca_ends(&self, not_after: i64) {
        self.ca_ends.store(not_after, Ordering::Relaxed);
    }

    /// A certificate was made and put into the Secret: `serving` or `ca`.
    pub fn certificate_issued(&self, certificate: &'static str) {
        self.certificates_issued
            .get_or_create(&[("certificate", certificate)])
            .inc();
    }

    /// Whether the `caBundle` of a configuration leads to the certificate in use.
    pub fn ca_bundle_fits(&self, configuration: &'static str, fits: bool) {
        self.ca_bundle_fits
            .get_or_create(&[("configuration", configuration)])
            .set(i64::from(fits));
    }

    /// The `caBundle` of a configuration was written.
    pub fn ca_bundle_written(&self, configuration: &'static str) {
        self.ca_bundle_writes
            .get_or_create(&[("configuration", configuration)])
            .inc();
    }

    /// How many differences a part of a configuration has.
    pub fn configuration_differs(&self, configuration: &'static str, part: &'static str, differences: usize) {
        self.configuration_differences
            .get_or_create(&[("configuration", configuration), ("part", part)])
            .set(i64::try_from(differences).unwrap_or(i64::MAX));
    }

    /// An object of the cluster could not be read or written.
    pub fn cluster_failed(&self, object: &'static str, cause: &'static str) {
        self.cluster_failures
            .get_or_create(&[("object", object), ("cause", cause)])
            .inc();
    }

    /// Whoever reads the seconds left wants them as of now, so they are counted when they are read.
    fn count_seconds_left(&self) {
        let now = Timestamp::now().as_second();
        let ends = [
            ("serving", self.certificate_expiry.get()),
            ("ca", self.ca_ends.load(Ordering::Relaxed)),
        ];
        for (certificate, end) in ends.into_iter().filter(|(_, end)| *end != 0) {
            self.certificate_left
                .get_or_create(&[("certificate", certificate)])
                .set(end.saturating_sub(now));
        }
    }

    /// The policies in use, by the digest of their bundle, and when they were loaded, in seconds since 1970. The former
    /// digest's series ends.
    pub fn bundle(&self, digest: &str, policies: usize, loaded: i64) {
        let policies = i64::try_from(policies).unwrap_or(i64::MAX);
        self.bundle.set(Some(([("digest", digest.to_owned())], policies)));
        self.bundle_loaded.set(loaded);
    }

    /// The names that may stand in the labels of [`Self::answered`]: those of the policies and exemptions in use, and what
    /// policies in Preview may have effects by. Series with others end.
    pub fn names_in_use(&self, names: &HashSet<&str>) {
        self.refused_controllers.keep(names);
        self.injections.keep(names);
        self.preview_reviews.keep(names);
        self.preview_effects.keep(names);
        self.exemption_uses.keep(names);
    }

    /// The users of the Platform's controllers, each with what it is: `operator` or `queue`.
    pub fn controllers<'u>(&self, users: impl IntoIterator<Item = (&'static str, &'u str)>) {
        for (controller, user) in users {
            self.refused_controllers
                .begin(controller_labels(controller, &Arc::from(user)));
        }
    }

    /// The exemptions in use, each with the second since 1970 at which it ends. The series of the former ones end.
    pub fn exemptions(&self, ends: Vec<(String, i64)>) {
        let labels = |name: &String| [("exemption", name.clone())];
        for (name, end) in &ends {
            self.exemption_expiry.get_or_create(&labels(name)).set(*end);
        }
        let mut current = self.exemption_ends.lock().unwrap_or_else(PoisonError::into_inner);
        for (former, _) in std::mem::replace(&mut *current, ends) {
            if !current.iter().any(|(name, _)| *name == former) {
                self.exemption_expiry.remove(&labels(&former));
            }
        }
    }

    /// New policies were taken over from their files.
    pub fn policies_reloaded(&self) {
        self.policy_reloads.inc();
    }

    /// The policy files changed into something that cannot be used.
    pub fn policy_reload_failed(&self) {
        self.policy_reload_failures.inc();
    }

    /// The policy files contain an error since this time, in seconds since 1970; this is the place of the first error, and
    /// what is in use instead of the files.
    pub fn policies_broken(&self, file: &str, line: usize, in_use: &str, since: i64) {
        self.policies_broken.set(1);
        let labels = [
            ("file", file.to_owned()),
            ("line", line.to_string()),
            ("in_use", in_use.to_owned()),
        ];
        self.policies_broken_since.set(Some((labels, since)));
    }

    /// The warnings about the policy files in use, by their codes.
    pub fn policy_warnings<'c>(&self, codes: impl IntoIterator<Item = &'c str>) {
        self.policy_warnings.clear();
        for code in codes {
            self.policy_warnings.get_or_create(&[("code", code.to_owned())]).inc();
        }
    }

    /// The policy files are what is in use.
    pub fn policies_whole(&self) {
        self.policies_broken.set(0);
        self.policies_broken_since.set(None);
    }

    /// These facts about the cluster are in use.
    pub fn facts(&self, facts: &Facts) {
        let read = Fact::ALL.into_iter().filter_map(|fact| match facts.state(fact)? {
            State::Known { read_at, .. } => Some((fact.name(), (*read_at)?.as_second())),
            State::Unknown(_) => None,
        });
        *self.facts_read.lock().unwrap_or_else(PoisonError::into_inner) = read.collect();
    }

    /// Whether the file with facts cannot be used.
    pub fn facts_broken(&self, is_broken: bool) {
        self.facts_broken.set(i64::from(is_broken));
    }

    /// The whole registry in the text format of `OpenMetrics`.
    pub fn encode(&self) -> String {
        let now = Timestamp::now().as_second();
        let ends = self.exemption_ends.lock().unwrap_or_else(PoisonError::into_inner);
        let expired = ends.iter().filter(|(_, end)| *end <= now).count();
        drop(ends);
        self.exemptions_expired.set(i64::try_from(expired).unwrap_or(i64::MAX));
        let read = self.facts_read.lock().unwrap_or_else(PoisonError::into_inner);
        self.facts_age.clear();
        for &(kind, second) in read.iter() {
            self.facts_age
                .get_or_create(&[("kind", kind)])
                .set(now.saturating_sub(second).max(0));
        }
        drop(read);
        self.log_lines_dropped
            .inner()
            .store(crate::telemetry::dropped_lines(), Ordering::Relaxed);
        self.count_seconds_left();
        let mut text = String::with_capacity(16 * 1024);
        // Writing to a string cannot fail; a family that refused to encode would leave a text without `# EOF`,
        // which the scraper reports.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

/// Holds a gauge one higher for as long as it lives.
#[derive(Debug)]
pub struct GaugeGuard<'a>(&'a Gauge);

impl<'a> GaugeGuard<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for GaugeGuard<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The request's own word only where it is one that the API server knows.
fn operation_label(operation: &str) -> &'static str {
    ["CREATE", "UPDATE", "DELETE", "CONNECT"]
        .into_iter()
        .find(|known| *known == operation)
        .unwrap_or("unknown")
}

fn registered<M: Metric + Clone + Default>(registry: &mut Registry, spec: &FamilySpec) -> M {
    let metric = M::default();
    register(registry, spec, metric.clone());
    metric
}

#[cfg(test)]
mod tests;

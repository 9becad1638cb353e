//! The table of metric families. Registration, the generated page of documentation and the tests read it.

/// What a family measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises; its name ends in `_total`.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts observations by size.
    Histogram,
}

impl Kind {
    /// The word after `# TYPE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilySpec {
    /// The name that a query uses.
    pub name: &'static str,
    /// One sentence for `# HELP`.
    pub help: &'static str,
    /// What it measures.
    pub kind: Kind,
    /// The names of its labels, in order.
    pub labels: &'static [&'static str],
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> FamilySpec {
    FamilySpec {
        name,
        help,
        kind: Kind::Counter,
        labels,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> FamilySpec {
    FamilySpec {
        name,
        help,
        kind: Kind::Gauge,
        labels,
    }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> FamilySpec {
    FamilySpec {
        name,
        help,
        kind: Kind::Histogram,
        labels,
    }
}

pub(super) const REQUESTS: FamilySpec = counter(
    "raygate_requests_total",
    &["endpoint", "kind", "operation", "verdict", "code"],
    "Admission reviews answered; a review that was denied has the code of its worst finding.",
);
pub(super) const REJECTIONS: FamilySpec = counter(
    "raygate_rejected_requests_total",
    &["status"],
    "HTTP requests refused before a review was read, by status.",
);
pub(super) const FINDINGS: FamilySpec = counter(
    "raygate_findings_total",
    &["code"],
    "Reviews in which something was found, by the code of each finding.",
);
pub(super) const INJECTIONS: FamilySpec = counter(
    "raygate_injections_total",
    &["injector", "policy"],
    "Reviews that an injector or a repair changed, by the policy that asked for it.",
);
pub(super) const UNMUTATED: FamilySpec = counter(
    "raygate_unmutated_total",
    &[],
    "Creations that reached the validation without what the mutation would have done: its webhook was not called, or by a replica with other policies.",
);
pub(super) const REFUSED_CONTROLLERS: FamilySpec = counter(
    "raygate_refused_controller_requests_total",
    &["controller", "user"],
    "Requests of verified controllers that were refused, by the user that the Platform names: those of KubeRay's operator (`operator`), such as the RayJob of a RayCronJob, and those of the queue's controllers (`queue`).",
);
pub(super) const GPUS_REQUESTED: FamilySpec = counter(
    "raygate_gpus_requested_total",
    &[],
    "GPUs and other accelerators that new Ray objects asked for, each object's cut at 1048576. Dry runs do not count. Only with client certificates is it certain that no other client made the requests up.",
);
pub(super) const GPUS_REFUSED: FamilySpec = counter(
    "raygate_gpus_refused_total",
    &[],
    "Those of them whose object was refused.",
);
pub(super) const REQUEST_DURATION: FamilySpec = histogram(
    "raygate_request_duration_seconds",
    &["endpoint"],
    "Time from the end of a request's header to its answer, reading the body included.",
);
pub(super) const EVALUATION_DURATION: FamilySpec = histogram(
    "raygate_evaluation_duration_seconds",
    &["endpoint"],
    "Time from the bytes of a review to the bytes of its answer.",
);
pub(super) const STAGE_DURATION: FamilySpec = histogram(
    "raygate_stage_duration_seconds",
    &["stage"],
    "Where the time of a review goes: body, queue, parse, and then mutate or validate.",
);
pub(super) const IN_FLIGHT: FamilySpec = gauge(
    "raygate_in_flight",
    &[],
    "Requests whose header is read and whose answer is not yet made.",
);
pub(super) const CONNECTIONS: FamilySpec = gauge(
    "raygate_connections",
    &[],
    "Connections to the webhook port that are served.",
);
pub(super) const EVICTIONS: FamilySpec = counter(
    "raygate_evicted_connections_total",
    &["port"],
    "Connections closed to make room for new ones, because all places of the port were taken.",
);
pub(super) const ACCEPT_ERRORS: FamilySpec = counter(
    "raygate_accept_errors_total",
    &[],
    "Times that the operating system refused a new connection, for example for want of file descriptors.",
);
pub(super) const HANDSHAKE_FAILURES: FamilySpec = counter(
    "raygate_tls_handshake_failures_total",
    &["cause"],
    "TLS handshakes that failed. `unidentified` is a client without an accepted certificate, `untrusted` one that does not trust raygate's.",
);
pub(super) const SLOW_CLIENTS: FamilySpec = counter(
    "raygate_slow_clients_total",
    &["stage"],
    "Clients cut for sending too slowly, or for not reading the answer.",
);
pub(super) const OVERLOADS: FamilySpec = counter(
    "raygate_overloads_total",
    &["cause"],
    "Requests turned away to protect the others.",
);
pub(super) const PANICS: FamilySpec = counter(
    "raygate_panics_total",
    &[],
    "Evaluations that panicked. Each is a defect of raygate.",
);
pub(super) const CERTIFICATE_EXPIRY: FamilySpec = gauge(
    "raygate_certificate_expiry_timestamp_seconds",
    &[],
    "When the certificate in use ends, in seconds since 1970.",
);
pub(super) const CERTIFICATE_START: FamilySpec = gauge(
    "raygate_certificate_start_timestamp_seconds",
    &[],
    "When the life of the certificate in use began, in seconds since 1970.",
);
pub(super) const CERTIFICATE_RELOADS: FamilySpec = counter(
    "raygate_certificate_reloads_total",
    &[],
    "Certificates taken over from changed files.",
);
pub(super) const CERTIFICATE_RELOAD_FAILURES: FamilySpec = counter(
    "raygate_certificate_reload_failures_total",
    &[],
    "Polls that found certificate files which cannot be served; the former pair stays in use.",
);
pub(super) const CERTIFICATE_LEFT: FamilySpec = gauge(
    "raygate_certificate_seconds_left",
    &["certificate"],
    "Seconds until the serving certificate ends, and where raygate manages certificates itself, until its CA ends. Negative after the end.",
);
pub(super) const CERTIFICATES_ISSUED: FamilySpec = counter(
    "raygate_certificates_issued_total",
    &["certificate"],
    "Certificates that this replica made and put into the Secret, where raygate manages them itself.",
);
pub(super) const CA_BUNDLE_FITS: FamilySpec = gauge(
    "raygate_ca_bundle_fits",
    &["configuration"],
    "1 while the caBundle of the webhook configuration leads to the serving certificate, 0 while it does not.",
);
pub(super) const CA_BUNDLE_WRITES: FamilySpec = counter(
    "raygate_ca_bundle_writes_total",
    &["configuration"],
    "Times that this replica wrote the caBundle of a webhook configuration: at a new CA, and after someone else changed it.",
);
pub(super) const CONFIGURATION_DIFFERENCES: FamilySpec = gauge(
    "raygate_webhook_configuration_differences",
    &["configuration", "part"],
    "Differences between a webhook configuration in the cluster and what `raygate manifests` prints, by part.",
);
pub(super) const CLUSTER_FAILURES: FamilySpec = counter(
    "raygate_cluster_failures_total",
    &["object", "cause"],
    "Failed attempts to read or write the Secret and the webhook configurations; the former state stays in use.",
);
pub(super) const BUNDLE: FamilySpec = gauge(
    "raygate_policy_bundle_info",
    &["digest"],
    "The number of policies in use, by the digest of their bundle.",
);
pub(super) const POLICIES_BROKEN: FamilySpec = gauge(
    "raygate_policies_broken",
    &[],
    "1 while the policy files contain an error; the log says which file and line.",
);
pub(super) const POLICIES_BROKEN_SINCE: FamilySpec = gauge(
    "raygate_policies_broken_since_timestamp_seconds",
    &["file", "line", "in_use"],
    "Since when the policy files contain an error, in seconds since 1970, by the place of the first error and by what is in use instead. Present only while it lasts.",
);
pub(super) const POLICY_WARNINGS: FamilySpec = gauge(
    "raygate_policy_warnings",
    &["code"],
    "Warnings about the policy files in use, by code; the log has their texts.",
);
pub(super) const BUNDLE_LOADED: FamilySpec = gauge(
    "raygate_policy_bundle_loaded_timestamp_seconds",
    &[],
    "When the policies in use were loaded, in seconds since 1970.",
);
pub(super) const POLICY_RELOADS: FamilySpec = counter(
    "raygate_policy_reloads_total",
    &[],
    "Sets of policies taken over from changed files.",
);
pub(super) const POLICY_RELOAD_FAILURES: FamilySpec = counter(
    "raygate_policy_reload_failures_total",
    &[],
    "Polls that found policy files with an error; the policies in use stay in use.",
);
pub(super) const PREVIEW_REVIEWS: FamilySpec = counter(
    "raygate_preview_reviews_total",
    &["endpoint", "policy"],
    "Reviews that a policy in Preview matched.",
);
pub(super) const PREVIEW_EFFECTS: FamilySpec = counter(
    "raygate_preview_effects_total",
    &["policy", "code", "effect"],
    "Reviews in which a policy in Preview would have done something, by the check, rule or injector and its effect.",
);
pub(super) const FACTS_ANSWERS: FamilySpec = counter(
    "raygate_facts_answers_total",
    &["code", "answer"],
    "Answers of the checks that need facts about the cluster, by code: cannot, fits, or unknown if the facts are missing or too old.",
);
pub(super) const FACTS_AGE: FamilySpec = gauge(
    "raygate_facts_age_seconds",
    &["kind"],
    "Seconds since each kind of fact was read; after 300 it is not used. Missing for a kind that is unknown.",
);
pub(super) const FACTS_BROKEN: FamilySpec = gauge(
    "raygate_facts_broken",
    &[],
    "1 while the file with facts cannot be used; the log says why.",
);
pub(super) const EXEMPTION_USES: FamilySpec = counter(
    "raygate_exemption_uses_total",
    &["exemption"],
    "Reviews in which an exemption let something through.",
);
pub(super) const EXEMPTION_EXPIRY: FamilySpec = gauge(
    "raygate_exemption_expiry_timestamp_seconds",
    &["exemption"],
    "When an exemption ends or has ended, in seconds since 1970.",
);
pub(super) const EXEMPTIONS_EXPIRED: FamilySpec = gauge(
    "raygate_exemptions_expired",
    &[],
    "The exemptions in the policy files that have ended and do nothing.",
);
pub(super) const LOG_LINES_DROPPED: FamilySpec = counter(
    "raygate_log_lines_dropped_total",
    &[],
    "Log lines dropped because the reader of standard error fell behind.",
);
pub(super) const BUILD: FamilySpec = gauge(
    "raygate_build_info",
    &["version"],
    "Always 1; the label says which raygate runs.",
);

/// Every family, in the order in which they are documented.
pub static FAMILIES: &[FamilySpec] = &[
    REQUESTS,
    REJECTIONS,
    FINDINGS,
    INJECTIONS,
    UNMUTATED,
    REFUSED_CONTROLLERS,
    GPUS_REQUESTED,
    GPUS_REFUSED,
    REQUEST_DURATION,
    EVALUATION_DURATION,
    STAGE_DURATION,
    IN_FLIGHT,
    CONNECTIONS,
    EVICTIONS,
    ACCEPT_ERRORS,
    HANDSHAKE_FAILURES,
    SLOW_CLIENTS,
    OVERLOADS,
    PANICS,
    CERTIFICATE_START,
    CERTIFICATE_EXPIRY,
    CERTIFICATE_RELOADS,
    CERTIFICATE_RELOAD_FAILURES,
    CERTIFICATE_LEFT,
    CERTIFICATES_ISSUED,
    CA_BUNDLE_FITS,
    CA_BUNDLE_WRITES,
    CONFIGURATION_DIFFERENCES,
    CLUSTER_FAILURES,
    BUNDLE,
    BUNDLE_LOADED,
    POLICY_RELOADS,
    POLICY_RELOAD_FAILURES,
    POLICIES_BROKEN,
    POLICIES_BROKEN_SINCE,
    POLICY_WARNINGS,
    PREVIEW_REVIEWS,
    PREVIEW_EFFECTS,
    FACTS_ANSWERS,
    FACTS_AGE,
    FACTS_BROKEN,
    EXEMPTION_USES,
    EXEMPTION_EXPIRY,
    EXEMPTIONS_EXPIRED,
    LOG_LINES_DROPPED,
    BUILD,
];

//! `--server-dry-run`: asks the API server whether it accepts what KubeRay would create.

use kube::Client;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::admission::codes::REJECTED_BY_THE_API_SERVER as PAGE;
use crate::cli::Failure;
use crate::cli::cluster::ClusterArgs;
use crate::cluster::{Cause, describe, objects};
use crate::diag::one_line;
use crate::engine::{Bundle, Finder, Judged, Outcome, Verdict};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::Workload;
use crate::ray::build::{Posted, posted};
use crate::ray::defaults::complete_name;
use crate::rules::Finding;

/// A cluster that is asked, and not changed.
pub(super) struct DryRun {
    runtime: Runtime,
    client: Client,
}

/// Why the API server rejects an object.
struct Refusal {
    /// The field, where it names one.
    field: String,
    /// Its sentence about the field, or about all.
    sentence: String,
    /// Whether the same object may be accepted later.
    may_pass_later: bool,
}

impl DryRun {
    /// A client of the cluster.
    ///
    /// # Errors
    /// [`Failure::Cluster`] if there is no cluster to ask.
    pub(super) fn connect(args: &ClusterArgs) -> Result<DryRun, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Cluster(format!("cannot start: {error}")))?;
        let client = runtime.block_on(args.connect())?;
        Ok(DryRun { runtime, client })
    }

    /// Posts what KubeRay would create from the object as `/mutate` returns it, as dry runs, and adds each refusal to the
    /// findings. `namespace` is empty where the object names none; the kubeconfig's counts then. What exists already is
    /// no refusal.
    ///
    /// # Errors
    /// [`Failure::Cluster`] if the API server does not answer, or does not let the user create pods.
    pub(super) fn judge(
        &self,
        bundle: &Bundle,
        namespace: &str,
        only: &[String],
        outcome: &mut Outcome<'_>,
    ) -> Result<(), Failure> {
        let is_asked = only.is_empty() || only.iter().any(|prefix| PAGE.code.starts_with(prefix.as_str()));
        if !is_asked {
            return Ok(());
        }
        let namespace = match namespace {
            "" => self.client.default_namespace(),
            namespace => namespace,
        };
        let mut object = outcome.document.tree().clone();
        complete_name(&mut object);
        let workload = Workload::of(object.root());
        let platform = bundle.platform();
        let gates: Vec<(String, bool)> = platform
            .feature_gates
            .iter()
            .map(|(name, on)| (name.clone(), *on))
            .collect();
        let mut known: Vec<(Path, String)> = Vec::new();
        for one in posted(&workload, namespace, platform.kuberay, &gates) {
            for refusal in self.refusals(&one, namespace)? {
                let is_missing = refusal.field == NAMESPACE;
                let path = match is_missing {
                    true => Path::of(["metadata", "namespace"]),
                    false => one.place(&refusal.field),
                };
                let path = workload.nearest(path);
                // A Job and its pod are rejected for the same, and a container and KubeRay's copy of it.
                let place = (path, refusal.sentence.clone());
                if known.contains(&place) {
                    continue;
                }
                known.push(place.clone());
                outcome.findings.push(judged(&one, place.0, &refusal));
                if is_missing {
                    return Ok(decide(outcome));
                }
            }
        }
        Ok(decide(outcome))
    }

    fn refusals(&self, posted: &Posted, namespace: &str) -> Result<Vec<Refusal>, Failure> {
        let group = if posted.resource == "jobs" {
            "apis/batch/v1"
        } else {
            "api/v1"
        };
        let path = format!("/{group}/namespaces/{namespace}/{}?dryRun=All", posted.resource);
        let mut object = posted.object.clone();
        if posted.has_new_account
            && let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut)
        {
            spec.remove("serviceAccountName");
        }
        match self.runtime.block_on(objects::post(&self.client, &path, &object)) {
            Ok(_) => Ok(Vec::new()),
            Err(error) => read(&error, posted, namespace),
        }
    }
}

/// What a [`Refusal`] names where the namespace is missing.
const NAMESPACE: &str = "metadata.namespace";

fn read(error: &kube::Error, posted: &Posted, namespace: &str) -> Result<Vec<Refusal>, Failure> {
    let failed = |help: &str| {
        let resource = posted.resource;
        let described = describe(error);
        Failure::Cluster(format!("cannot try the {resource} of {namespace}: {described}{help}"))
    };
    let kube::Error::Api(status) = error else {
        return Err(failed("; is this the right cluster? see --kubeconfig and --context"));
    };
    let message = one_line(&status.message).into_owned();
    let whole = |field: &str, may_pass_later| {
        let (field, sentence) = (field.to_owned(), message.clone());
        vec![Refusal {
            field,
            sentence,
            may_pass_later,
        }]
    };
    match Cause::of(error) {
        Cause::Conflict => Ok(Vec::new()),
        Cause::NotFound => Ok(whole(NAMESPACE, false)),
        Cause::Forbidden if message.contains("cannot create resource") => Err(failed(
            "; --server-dry-run needs the right to create pods, services and jobs.batch",
        )),
        // Other pods may end before KubeRay creates this one.
        Cause::Forbidden if message.contains("exceeded quota") => Ok(whole("", true)),
        Cause::Forbidden | Cause::Invalid => {
            let causes = status.details.iter().flat_map(|details| &details.causes);
            let refusals: Vec<Refusal> = causes
                .filter(|cause| !cause.field.is_empty())
                .map(|cause| Refusal {
                    field: cause.field.clone(),
                    sentence: one_line(&cause.message).into_owned(),
                    may_pass_later: false,
                })
                .collect();
            Ok(if refusals.is_empty() {
                whole("", false)
            } else {
                refusals
            })
        }
        _ => Err(failed("")),
    }
}

fn judged(posted: &Posted, path: Path, refusal: &Refusal) -> Judged {
    let Refusal { field, sentence, .. } = refusal;
    let sentence = match &**field {
        "" | NAMESPACE => sentence.clone(),
        field => format!("{field}: {sentence}"),
    };
    let message = format!(
        "{}: the API server rejects its {}: {sentence}",
        posted.title, posted.what
    );
    Judged {
        finder: Finder::Server(&PAGE),
        finding: Finding::new(path, message).fix("correct the field, or ask the operator of the cluster"),
        action: if refusal.may_pass_later {
            Action::Warn
        } else {
            Action::Deny
        },
        origin: None,
        exemption: None,
    }
}

/// Puts the findings in order, and denies for the worst.
fn decide(outcome: &mut Outcome<'_>) {
    outcome.findings.sort_by_key(|judged| std::cmp::Reverse(judged.action));
    let denies = outcome.findings.iter().any(|judged| judged.action == Action::Deny);
    if denies && outcome.verdict == Verdict::Allow {
        outcome.verdict = Verdict::Deny;
    }
}

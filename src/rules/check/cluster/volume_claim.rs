//! Finds volumes whose PersistentVolumeClaim does not exist, or cannot be mounted by as many pods.

use std::collections::BTreeMap;

use crate::diag::{counted, quoted};
use crate::k8s::json::{child, items, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::facts::pods_at_least;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::missing::fix;

/// The check.
pub const CHECK: Check = Check {
    code: "RG811",
    title: "Volume claims must exist and allow as many pods",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("volume_claim.md"),
    evidence: &[Evidence::Source(
        "Kubernetes 1.37.2",
        "pkg/scheduler/framework/plugins/volumerestrictions/volume_restrictions.go",
        &[301],
    )],
    run,
};

const ONE_POD: &str = "ReadWriteOncePod";
const ONE_NODE: &str = "ReadWriteOnce";

/// The pods that mount a claim.
struct Mounts {
    pods: u64,
    path: Path,
    title: String,
}

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.runs_elsewhere() {
        return;
    }
    let Some(known) = cx.facts.volume_claims() else { return };
    let mut mounted: BTreeMap<&str, Mounts> = BTreeMap::new();
    for pod in &job.pods {
        let pods = u64::try_from(pods_at_least(job, pod)).unwrap_or_default();
        let mut of_pod: Vec<&str> = Vec::new();
        for (at, volume) in items(pod.spec, "volumes").iter().enumerate() {
            let Some(name) = text(child(volume, "persistentVolumeClaim"), "claimName").filter(|name| !name.is_empty())
            else {
                continue;
            };
            let path = pod.spec_path().then_key("volumes").then_index(at);
            let path = path.then_key("persistentVolumeClaim").then_key("claimName");
            let setting = flyte::setting(pod, "pod_template=PodTemplate(…)");
            if !known.contains_key(name) {
                let message = format!(
                    "{}: PersistentVolumeClaim {} does not exist in namespace {}, the pod stays pending",
                    pod.title(),
                    quoted(name),
                    quoted(cx.namespace)
                );
                let fix = fix(
                    name,
                    known.keys().map(String::as_str),
                    "PersistentVolumeClaim",
                    "the volume",
                );
                findings.push(Finding::new(path, message).fix(fix).flyte(setting).warn_only());
                continue;
            }
            if of_pod.contains(&name) {
                continue;
            }
            of_pod.push(name);
            let mounts = mounted.entry(name).or_insert_with(|| Mounts {
                pods: 0,
                path,
                title: pod.title(),
            });
            mounts.pods = mounts.pods.saturating_add(pods);
        }
    }
    for (name, Mounts { pods, path, title }) in mounted {
        let modes = known.get(name).map(Vec::as_slice).unwrap_or_default();
        let is_only = |mode: &str| !modes.is_empty() && modes.iter().all(|one| one == mode);
        let (what, is_sure) = match () {
            () if pods < 2 => continue,
            () if is_only(ONE_POD) => ("one pod at a time can mount it", job.kind.has_job()),
            () if is_only(ONE_NODE) => ("only pods of one node can mount it", false),
            () => continue,
        };
        let mode = modes.first().map(String::as_str).unwrap_or_default();
        let message = format!(
            "{title}: {} mount PersistentVolumeClaim {}, which is {mode}: {what}",
            counted(pods, "pod"),
            quoted(name)
        );
        let finding = Finding::new(path, message)
            .fix("use a claim that is ReadWriteMany or ReadOnlyMany, or one claim for each pod")
            .weight(pods.try_into().unwrap_or(i64::MAX));
        findings.push(match is_sure {
            true => finding,
            false => finding.warn_only(),
        });
    }
}

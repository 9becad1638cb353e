//! Finds a deployment whose replica fits no pod.

use crate::diag::{listed, quoted};
use crate::k8s::quantity::format_bytes;
use crate::policy::settings::Action;
use crate::ray::facts::pods_at_most;
use crate::ray::kind::SERVE_CONFIG;
use crate::ray::serve_config::{Deployment, Needs};
use crate::ray::{Kinds, Pod, Workload};
use crate::rules::check::systems::offer;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::config_path;

/// The check.
pub const CHECK: Check = Check {
    code: "RG719",
    title: "Each replica must fit into a pod of the cluster",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::ALL,
    page: include_str!("needs.md"),
    evidence: &[Evidence::Source(
        "Ray 2.52.1",
        "python/ray/serve/_private/deployment_state.py",
        &[2858, 2861],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let pods = job.ray_pods().filter(|pod| pods_at_most(job, pod) > 0);
    let offers: Vec<Amounts> = pods.map(|pod| offered(cx, job, pod)).collect();
    if job.head().is_none() {
        return;
    }
    let deployments = job.serve_config().map(|config| config.deployments.iter());
    for deployment in deployments.into_iter().flatten() {
        let Some(needs) = parts(deployment)
            .into_iter()
            .find(|needs| !offers.iter().any(|offer| holds(offer, needs)))
        else {
            continue;
        };
        findings.push(
            Finding::new(
                config_path(),
                format!(
                    "{SERVE_CONFIG} line {}: one replica of deployment {} needs {}",
                    deployment.place.line,
                    quoted(&deployment.name),
                    shortage(&needs, &offers)
                ),
            )
            .fix("lower what the deployment asks for, or add a larger worker group"),
        );
    }
}

/// CPUs, GPUs and bytes of memory.
type Amounts = [f64; 3];

/// What one pod offers; infinity where that cannot be told.
fn offered(cx: &Cx<'_>, job: &Workload<'_>, pod: &Pod<'_>) -> Amounts {
    let of = |offer: offer::Offer| offer(cx, job, pod).map_or(f64::INFINITY, |amount| amount as f64);
    [of(offer::cpus), of(offer::gpus), of(offer::memory)]
}

fn holds(offer: &Amounts, needs: &Amounts) -> bool {
    offer.iter().zip(needs).all(|(offer, need)| offer >= need)
}

/// What one replica of a deployment needs, each part on one pod. The code decides what the config does not say.
fn parts(deployment: &Deployment) -> Vec<Amounts> {
    let amounts = |needs: &Needs| [needs.cpus, needs.gpus, needs.memory].map(Option::unwrap_or_default);
    let bundles = deployment.bundles.iter().map(amounts);
    if deployment.bundles.is_empty() {
        let actor = deployment.actor.iter();
        return actor
            .map(|needs| {
                [
                    needs.cpus.unwrap_or(1.0),
                    needs.gpus.unwrap_or_default(),
                    needs.memory.unwrap_or_default(),
                ]
            })
            .collect();
    }
    if deployment.strategy.as_deref() != Some("STRICT_PACK") {
        return bundles.collect();
    }
    let mut sum = [0.0; 3];
    for bundle in bundles {
        sum.iter_mut().zip(bundle).for_each(|(sum, amount)| *sum += amount);
    }
    vec![sum]
}

/// The first resource that no pod has enough of, or all of them where no pod has enough of all.
fn shortage(needs: &Amounts, offers: &[Amounts]) -> String {
    let amount = |amounts: &Amounts, which: usize| amounts.get(which).copied().unwrap_or_default();
    let resources = [(1, "GPU"), (0, "CPU"), (2, "memory")];
    for (which, resource) in resources {
        let need = amount(needs, which);
        let most = offers.iter().map(|offer| amount(offer, which)).fold(0.0, f64::max);
        if need > most {
            let most = if resource == "memory" {
                format_bytes(most as u64)
            } else {
                most.to_string()
            };
            return format!("{}, the largest pod has {most}", shown(need, resource));
        }
    }
    let needed = resources.iter().filter(|(which, _)| amount(needs, *which) > 0.0);
    let all: Vec<String> = needed
        .map(|(which, resource)| shown(amount(needs, *which), resource))
        .collect();
    format!("{}, no pod has all of it", listed(&all))
}

fn shown(amount: f64, resource: &str) -> String {
    match resource {
        "memory" => format!("{} of memory", format_bytes(amount as u64)),
        unit if amount == 1.0 => format!("1 {unit}"),
        unit => format!("{amount} {unit}s"),
    }
}

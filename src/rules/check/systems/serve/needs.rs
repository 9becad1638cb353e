//! Finds a deployment whose replica fits no pod.

use crate::diag::{counted, listed, quoted};
use crate::k8s::quantity::{bytes_down, bytes_up};
use crate::policy::settings::Action;
use crate::ray::device::is_accelerator;
use crate::ray::facts::pods_at_most;
use crate::ray::serve_config::{Amounts, Deployment, Others, Part};
use crate::ray::{Kinds, Pod, Workload, told};
use crate::rules::check::systems::offer;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::at;

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
    let offers: Vec<Offered> = pods.map(|pod| offered(cx, job, pod)).collect();
    if job.head().is_none() {
        return;
    }
    let deployments = job.serve_config().map(|config| config.deployments.iter());
    for deployment in deployments.into_iter().flatten() {
        let parts = deployment.parts();
        let fails = |holds: fn(&Offered, &Part) -> bool| {
            let mut parts = parts.iter();
            parts.find(|part| !offers.iter().any(|offer| holds(offer, part)))
        };
        let (lacking, is_certain) = match (fails(Offered::has_amounts), fails(Offered::holds)) {
            (Some(part), _) => (shortage(&part.amounts, &offers), true),
            (None, Some(part)) => (lacking(part, &offers), false),
            (None, None) => continue,
        };
        let found = format!("one replica of deployment {} needs {lacking}", quoted(&deployment.name));
        let finding = at(&deployment.place, &found).fix(if is_certain {
            "lower what the deployment asks for, or add a larger worker group"
        } else {
            "name the resource in the rayStartParams of a worker group, or remove it from the deployment"
        });
        // A node may get a resource in other ways, too.
        findings.push(if is_certain { finding } else { finding.warn_only() });
    }
}

/// Whether a replica needs CPUs of the head, because no worker has what it needs. It reads what the author wrote, so that what
/// raygate adds to the pods changes nothing.
pub fn needs_head_cpus(job: &Workload<'_>) -> bool {
    let workers = job.workers().filter(|pod| pods_at_most(job, pod) > 0);
    let offers: Vec<Amounts> = workers.map(written).collect();
    let deployments = job.serve_config().into_iter().flat_map(|config| &config.deployments);
    let mut parts = deployments.flat_map(Deployment::parts);
    parts.any(|part| part.cpus() > 0.0 && !offers.iter().any(|offer| holds(offer, &part.amounts)))
}

/// What start parameters and limits say that a pod offers; infinity where they do not say it, and no GPU without a device.
fn written(pod: &Pod<'_>) -> Amounts {
    let Some(ray) = pod.main() else {
        return Amounts::default();
    };
    let given = |key: &str| told::whole(pod, key).map(|number| number as f64);
    let limit = |key: &str| ray.limit(key)?.quantity().map(|limit| limit.value() as f64);
    let request = || ray.request("cpu")?.quantity().map(|request| request.value() as f64);
    let gpus = match ray.limits.iter().any(|limit| is_accelerator(limit.key)) {
        true => f64::INFINITY,
        false => 0.0,
    };
    [
        given("num-cpus")
            .or_else(|| limit("cpu"))
            .or_else(request)
            .unwrap_or(f64::INFINITY),
        given("num-gpus").unwrap_or(gpus),
        given("memory").or_else(|| limit("memory")).unwrap_or(f64::INFINITY),
    ]
}

fn holds(offer: &Amounts, need: &Amounts) -> bool {
    offer.iter().zip(need).all(|(offer, need)| offer >= need)
}

/// What one pod offers; infinity where that cannot be told.
struct Offered {
    amounts: Amounts,
    /// `None` where it cannot be told.
    others: Option<Others>,
}

impl Offered {
    fn has_amounts(&self, part: &Part) -> bool {
        holds(&self.amounts, &part.amounts)
    }

    fn has(&self, resource: &str, need: f64) -> bool {
        let offer = |others: &Others| others.get(resource).copied().unwrap_or_default();
        self.others.as_ref().is_none_or(|others| offer(others) >= need)
    }

    fn holds(&self, part: &Part) -> bool {
        self.has_amounts(part) && part.others.iter().all(|(resource, need)| self.has(resource, *need))
    }
}

fn offered(cx: &Cx<'_>, job: &Workload<'_>, pod: &Pod<'_>) -> Offered {
    let of = |offer: offer::Offer| offer(cx, job, pod).map_or(f64::INFINITY, |amount| amount as f64);
    // Ray names resources after other accelerators, also after the slice of a TPU.
    let others = offer::gpus(cx, job, pod).and_then(|_| offer::others(pod));
    Offered {
        amounts: [of(offer::cpus), of(offer::gpus), of(offer::memory)],
        others,
    }
}

/// The first resource that no pod has enough of, or all of them where no pod has enough of all.
fn shortage(needs: &Amounts, offers: &[Offered]) -> String {
    let amount = |amounts: &Amounts, which: usize| amounts.get(which).copied().unwrap_or_default();
    let resources = [(1, "GPU"), (0, "CPU"), (2, "memory")];
    for (which, resource) in resources {
        let need = amount(needs, which);
        let offers = offers.iter().map(|offer| amount(&offer.amounts, which));
        let most = offers.fold(0.0, f64::max);
        if need > most {
            let most = if resource == "memory" {
                bytes_down(most as i64)
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
        "memory" => format!("{} of memory", bytes_up(amount as i64)),
        unit => counted(amount, unit),
    }
}

/// The first custom resource that no pod has enough of, or all of them.
fn lacking(part: &Part, offers: &[Offered]) -> String {
    let shown = |(name, amount): (&String, &f64)| format!("{amount} of resource {}", quoted(name));
    let mut others = part.others.iter();
    match others.find(|(name, need)| !offers.iter().any(|offer| offer.has(name, **need))) {
        Some(other) => format!("{}, no pod has as much", shown(other)),
        None => {
            let all: Vec<String> = part.others.iter().map(shown).collect();
            format!("{}, no pod has all of it", listed(&all))
        }
    }
}

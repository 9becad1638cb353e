//! The reviews that are sent: of the ten RayJobs, and of one of them grown.

use std::sync::Arc;

use raygate::admission::Gate;
use raygate::engine::Bundle;
use serde_json::Value;

use crate::cells::{Bodies, Cell};
use crate::load;
use crate::sent::{self, complete, review};

/// The ten as Flyte created them, and as `/mutate` left them.
pub(crate) struct Reviews {
    gate: Gate,
    jobs: Vec<Value>,
}

impl Reviews {
    pub(crate) fn new() -> Self {
        Self {
            gate: Gate::new(Bundle::embedded()),
            jobs: sent::jobs().into_iter().map(|(_, job)| job).collect(),
        }
    }

    /// The bodies of a kind: for `/validate` those of the completed jobs.
    pub(crate) fn bodies(&self, endpoint: &str, bodies: Bodies) -> Vec<Vec<u8>> {
        let jobs: Vec<Value> = match bodies {
            Bodies::Ten | Bodies::NotOurs => self.jobs.clone(),
            Bodies::Kb15 => vec![grown(&self.jobs[0], 15_000)],
            Bodies::Kb40 => vec![grown(&self.jobs[0], 40_000)],
            Bodies::Kb400 => vec![grown(&self.jobs[0], 400_000)],
        };
        let kind = if bodies == Bodies::NotOurs {
            "RayCluster"
        } else {
            "RayJob"
        };
        let jobs = jobs.into_iter().map(|mut job| {
            if endpoint == "validate" {
                complete(&self.gate, &mut job);
            }
            job["kind"] = kind.into();
            review(&job)
        });
        jobs.collect()
    }

    /// The mean bytes of each kind of body, before `/mutate`.
    pub(crate) fn sizes(&self) -> Vec<(Bodies, usize)> {
        let kinds = [Bodies::Ten, Bodies::Kb15, Bodies::Kb40, Bodies::Kb400, Bodies::NotOurs];
        let sizes = kinds.map(|kind| {
            let bodies = self.bodies("mutate", kind);
            (kind, bodies.iter().map(Vec::len).sum::<usize>() / bodies.len())
        });
        sizes.into()
    }

    /// The requests of a cell, as the bytes that are sent.
    pub(crate) fn requests(&self, cell: &Cell) -> Arc<Vec<Vec<u8>>> {
        let bodies = self.bodies(cell.endpoint, cell.bodies);
        let requests = bodies.iter().map(|body| load::request(cell.endpoint, body));
        Arc::new(requests.collect())
    }
}

/// The job with its first worker group again and again, each under a name of its own, until its review is about so
/// large.
fn grown(job: &Value, bytes: usize) -> Value {
    let mut job = job.clone();
    let groups = |job: &Value| job["spec"]["rayClusterSpec"]["workerGroupSpecs"].clone();
    let group = groups(&job)[0].clone();
    let each = group.to_string().len();
    let missing = (bytes.saturating_sub(review(&job).len()) + each / 2) / each;
    let groups = job["spec"]["rayClusterSpec"]["workerGroupSpecs"].as_array_mut();
    let groups = groups.expect("worker groups");
    for nth in 0..missing {
        let mut group = group.clone();
        group["groupName"] = format!("group-{nth}").into();
        groups.push(group);
    }
    job
}

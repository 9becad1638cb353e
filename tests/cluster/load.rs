//! Creates that never stop, while replicas are rolled and killed, certificates turn over and policies change: none fails,
//! none is stored as it was sent, and none gets in that must not. Both webhooks have the failure policy `Fail`, and the API
//! server calls their Service, over HTTP/1.1 as in a cluster.
//!
//! A call that is under way in a process that is killed is lost: the API server does not send it again, whatever the
//! webhook. The create is then answered with an error, nothing is stored, and Flyte sends it again, as the clients do here.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Answer;
use crate::cluster::{Cluster, rayjob, rayjobs};
use crate::config_map::ConfigMap;
use crate::fleet::{Fleet, SECRET, Way, secret_data};
use crate::gate::APPLIED;
use crate::process::wait_for;
use crate::rayjobs::{all, name, named, with_duplicate_group};

/// Who create RayJobs at the same time, each one after the other.
const CLIENTS: usize = 4;

/// Of so many jobs, one must be refused.
const BAD_SHARE: usize = 3;

/// How often a client sends a job that it is told to send again, as client-go does, and so Flyte.
const TRIES: usize = 10;

/// What a policy allows.
const MAX_WORKERS: usize = 500;

/// Looks that are short enough for a hundred reloads, and a drain that is shorter than a pod's and longer than the
/// balancer's news.
const FLAGS: [&str; 4] = ["--poll", "25ms", "--drain-delay", "2s"];

/// The policies of one generation: the shipped ones, and two files of which each leaves its mark on every job, as a
/// default.
fn policies(generation: usize) -> Vec<(&'static str, String)> {
    policies_that("defaults", generation)
}

/// The same, with marks that are `defaults` or that the policies `force`.
fn policies_that(verb: &str, generation: usize) -> Vec<(&'static str, String)> {
    let policy = |name: &str, more: &str| {
        format!(
            "apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {{name: {name}}}
spec:
  match: {{}}
  {verb}: {{pods: {{labels: {{{name}: mark-{generation}}}}}}}
  {more}
"
        )
    };
    vec![
        ("default.yaml", include_str!("../../policies/default.yaml").to_owned()),
        (
            "first.yaml",
            policy("first", &format!("limits: {{maxWorkersPerGroup: {MAX_WORKERS}}}")),
        ),
        ("second.yaml", policy("second", "priority: 1")),
    ]
}

/// The same with a mistake in the last file.
fn broken_policies(generation: usize) -> Vec<(&'static str, String)> {
    let mut files = policies(generation);
    files[2].1 = files[2].1.replace("priority: 1", "priority: none");
    files
}

/// Two replicas that both webhooks lead to, with the failure policy `Fail`.
fn fleet<'a>(cluster: &'a Cluster, policies: &ConfigMap, flags: &[&str]) -> Fleet<'a> {
    let folder = policies.path().to_str().expect("a path in UTF-8");
    let flags = [&FLAGS, flags, &["--policies", folder]].concat();
    let mut fleet = Fleet::new(cluster, Way::Service, &flags);
    fleet.register_with(|configuration| configuration["webhooks"][0]["failurePolicy"] = json!("Fail"));
    fleet.add();
    fleet.add();
    fleet.wait_ready();
    fleet.wait_in_force();
    fleet
}

/// What the clients share, and what they have seen.
struct Load<'a> {
    cluster: &'a Cluster,
    jobs: Vec<Value>,
    done: AtomicBool,
    sent: AtomicUsize,
    created: AtomicUsize,
    refused: AtomicUsize,
    /// The generation of policies that is in use at least, and the newest one that may be.
    generations: [AtomicUsize; 2],
    failures: Mutex<Vec<Failure>>,
}

/// A create that was not answered as it should be.
#[derive(Debug)]
enum Failure {
    /// A webhook gave no answer: nothing was stored.
    NoAnswer(#[expect(dead_code, reason = "printed")] String),
    /// The client shall try again after so many seconds.
    Later(u64),
    /// Any other.
    Wrong(#[expect(dead_code, reason = "printed")] String),
}

/// Ends the load, also where its test panics.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<'a> Load<'a> {
    /// Creates RayJobs for as long as `events` takes.
    fn during(cluster: &'a Cluster, events: impl FnOnce(&Self)) -> Self {
        let load = Self {
            cluster,
            jobs: all().into_iter().map(|(_, job)| job).collect(),
            done: AtomicBool::new(false),
            sent: AtomicUsize::new(0),
            created: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            generations: [0, 0].map(AtomicUsize::new),
            failures: Mutex::default(),
        };
        thread::scope(|scope| {
            let _stop = Stop(&load.done);
            for _ in 0..CLIENTS {
                scope.spawn(|| load.run());
            }
            load.wait_for_more();
            events(&load);
            load.wait_for_more();
        });
        load
    }

    /// Waits until every kind of job has been sent, and answered, once more by every client.
    fn wait_for_more(&self) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        let (created, refused) = (count(&self.created), count(&self.refused));
        let (jobs, bad) = (self.jobs.len() * CLIENTS, CLIENTS * 2);
        wait_for("the load to go on", || {
            let more = (count(&self.created) - created, count(&self.refused) - refused);
            if more.0 >= jobs && more.1 >= bad {
                Ok(())
            } else {
                Err(format!("{more:?} so far"))
            }
        });
    }

    fn run(&self) {
        while !self.done.load(Ordering::SeqCst) {
            let nth = self.sent.fetch_add(1, Ordering::SeqCst);
            self.send_until_stored(nth);
        }
    }

    /// Sends a job again where a client would.
    fn send_until_stored(&self, nth: usize) {
        for _ in 0..TRIES {
            let Err(failure) = self.send(nth) else { return };
            let pause = match failure {
                Failure::NoAnswer(_) => Some(Duration::ZERO),
                Failure::Later(seconds) => Some(Duration::from_secs(seconds)),
                Failure::Wrong(_) => None,
            };
            self.failed(failure);
            let Some(pause) = pause else { return };
            thread::sleep(pause);
        }
        self.failed(Failure::Wrong(format!("load-{nth} was sent {TRIES} times")));
    }

    fn failed(&self, failure: Failure) {
        lock(&self.failures).push(failure);
    }

    fn send(&self, nth: usize) -> Result<(), Failure> {
        let job = self.jobs[nth % self.jobs.len()].clone();
        let job = named(job, &format!("load-{nth}"));
        let counter = if nth.is_multiple_of(BAD_SHARE) {
            self.refuse(job, nth)?;
            &self.refused
        } else {
            self.create(&job)?;
            &self.created
        };
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// A job that must be stored completed, by policies of one generation.
    fn create(&self, job: &Value) -> Result<(), Failure> {
        let least = self.generations[0].load(Ordering::SeqCst);
        let answer = self.cluster.api.post(&rayjobs(), job);
        if answer.code != 201 {
            return Err(self.unexpected(job, &answer));
        }
        let most = self.generations[1].load(Ordering::SeqCst);
        let stored = self.cluster.rayjob(name(job)).expect(200);
        self.cluster.api.delete(&rayjob(name(job))).expect(200);
        if !stored["metadata"]["annotations"][APPLIED].is_string() {
            return Err(Failure::Wrong(format!("not completed: {answer}")));
        }
        let pod = &stored["spec"]["rayClusterSpec"]["headGroupSpec"]["template"];
        let [first, second] = ["first", "second"].map(|policy| &pod["metadata"]["labels"][policy]);
        let mark = first.as_str().and_then(|mark| mark.strip_prefix("mark-"));
        let generation = mark.and_then(|mark| mark.parse::<usize>().ok());
        if first == second && generation.is_some_and(|it| (least..=most).contains(&it)) {
            Ok(())
        } else {
            Err(Failure::Wrong(format!(
                "{} has the marks {first} and {second}, and not those of one generation in {least}..={most}",
                name(job)
            )))
        }
    }

    /// A job that must not be stored: KubeRay would refuse it, or a policy does.
    fn refuse(&self, mut job: Value, nth: usize) -> Result<(), Failure> {
        let code = if nth.is_multiple_of(2 * BAD_SHARE) {
            job = with_duplicate_group(job);
            "RG501"
        } else {
            let group = &mut job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0];
            for count in ["replicas", "minReplicas", "maxReplicas"] {
                group[count] = json!(MAX_WORKERS + 1);
            }
            "RG506"
        };
        let answer = self.cluster.api.post(&rayjobs(), &job);
        if answer.code == 403 && causes(&answer).contains(&code) && self.cluster.rayjob(name(&job)).code == 404 {
            Ok(())
        } else {
            Err(self.unexpected(&job, &answer))
        }
    }

    fn unexpected(&self, job: &Value, answer: &Answer) -> Failure {
        let text = format!("{}: {} {}", name(job), answer.code, answer.message());
        let stored = self.cluster.rayjob(name(job)).code != 404;
        match (answer.code, answer.body["details"]["retryAfterSeconds"].as_u64()) {
            (500, None) if !stored && text.contains("failed calling webhook") => Failure::NoAnswer(text),
            (429, Some(seconds)) if !stored => Failure::Later(seconds),
            _ => Failure::Wrong(text),
        }
    }

    /// Prints what there was, and returns what failed.
    fn report(self, events: &str) -> Vec<Failure> {
        let (created, refused) = (self.created.into_inner(), self.refused.into_inner());
        let failures = self.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        eprintln!(
            "{events}: {created} created, {refused} refused as they must be, {} answers of another kind",
            failures.len()
        );
        failures
    }
}

#[track_caller]
fn assert_none(failures: &[Failure]) {
    assert!(failures.is_empty(), "{failures:#?}");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn causes(answer: &Answer) -> Vec<&str> {
    let causes = answer.body["details"]["causes"].as_array();
    let causes = causes.into_iter().flatten();
    causes.filter_map(|cause| cause["reason"].as_str()).collect()
}

/// SIGKILL, again and again: only what the process was just answering is lost, at most one create of each client.
pub(crate) fn a_kill_fails_only_what_it_interrupts(cluster: &Cluster) {
    const KILLS: usize = 5;
    let policies = ConfigMap::new(&policies(0));
    let mut fleet = fleet(cluster, &policies, &[]);
    let load = Load::during(cluster, |load| {
        for kill in 0..KILLS {
            let before = lock(&load.failures).len();
            fleet.kill(kill % 2);
            let lost = lock(&load.failures).len() - before;
            assert!(lost <= CLIENTS, "{lost} lost by one kill: {:#?}", lock(&load.failures));
        }
    });
    let failures = load.report("kills");
    let is_cut = |failure: &Failure| matches!(failure, Failure::NoAnswer(_));
    assert!(failures.iter().all(is_cut), "{failures:#?}");
}

/// Both replicas of a Deployment are replaced again and again.
pub(crate) fn rollouts_fail_no_create(cluster: &Cluster) {
    const ROLLOUTS: usize = 20;
    let policies = ConfigMap::new(&policies(0));
    let mut fleet = fleet(cluster, &policies, &[]);
    let load = Load::during(cluster, |_| {
        for _ in 0..ROLLOUTS {
            fleet.roll(0);
            fleet.roll(1);
        }
        fleet.wait_gone();
    });
    let late = fleet.balancer.late_connections();
    eprintln!("{late} connections went to a replica that was draining");
    assert_none(&load.report("rollouts"));
    assert!(late > 0, "nobody came late");
}

/// A CA comes to its last third, and then the Secret is deleted again and again, which asks for a new CA at once.
pub(crate) fn turnovers_fail_no_create(cluster: &Cluster) {
    const TURNOVERS: usize = 20;
    let policies = ConfigMap::new(&policies(0));
    let fleet = fleet(cluster, &policies, &["--ca-life", "30s", "--certificate-life", "30s"]);
    let load = Load::during(cluster, |_| {
        for turnover in 1..=TURNOVERS {
            let before = secret_data(cluster, "tls.crt");
            if turnover > 1 {
                cluster.api.delete(SECRET).expect(200);
            }
            for replica in &fleet.replicas {
                wait_for(&format!("turnover {turnover}"), || {
                    let served = replica
                        .daemon
                        .log()
                        .matches("serving the certificate of the Secret")
                        .count();
                    if served > turnover {
                        Ok(())
                    } else {
                        Err(format!("{served} were served"))
                    }
                });
            }
            assert_ne!(secret_data(cluster, "tls.crt"), before);
        }
    });
    assert_none(&load.report("turnovers"));
}

/// Policies change in both replicas, and every fourth time into some that are broken.
pub(crate) fn reloads_fail_no_create(cluster: &Cluster) {
    const RELOADS: usize = 100;
    let mut volume = ConfigMap::new(&policies(0));
    let fleet = fleet(cluster, &volume, &[]);
    let load = Load::during(cluster, |load| {
        let mut taken = 0.0;
        let [least, most] = &load.generations;
        for generation in 1..=RELOADS {
            if generation % 4 == 3 {
                volume.update(&broken_policies(generation));
                (0..2).for_each(|at| fleet.wait_metric(at, "raygate_policies_broken", 1.0));
                continue;
            }
            most.store(generation, Ordering::SeqCst);
            volume.update(&policies(generation));
            taken += 1.0;
            (0..2).for_each(|at| fleet.wait_metric(at, "raygate_policy_reloads_total", taken));
            least.store(generation, Ordering::SeqCst);
        }
    });
    assert_none(&load.report("reloads"));
}

/// What the policies force must be in a job when it is judged, and for a moment one replica has the new values and the other
/// has not. A job that both have seen is sent again by its client, and then stored with the marks of one generation.
pub(crate) fn forced_values_change_without_a_loss(cluster: &Cluster) {
    const RELOADS: usize = 4;
    let mut volume = ConfigMap::new(&policies_that("force", 0));
    let fleet = fleet(cluster, &volume, &[]);
    let load = Load::during(cluster, |load| {
        let [least, most] = &load.generations;
        for generation in 1..=RELOADS {
            most.store(generation, Ordering::SeqCst);
            volume.update(&policies_that("force", generation));
            for replica in 0..2 {
                fleet.wait_metric(replica, "raygate_policy_reloads_total", generation as f64);
            }
            least.store(generation, Ordering::SeqCst);
            load.wait_for_more();
        }
    });
    let failures = load.report("changes of forced values");
    let is_told = |failure: &Failure| matches!(failure, Failure::Later(_));
    assert!(failures.iter().all(is_told), "{failures:#?}");
}

//! Random sequences of requests by several users against a model of the API server, for all kinds and several policy
//! bundles, which also change in between.
//!
//! The model stores the object, applies the CRD's defaults, counts generations, evaluates the match conditions of our own
//! webhook configuration, and calls both webhooks, the mutating one twice. KubeRay, Kueue and the autoscaler do what the
//! real ones do. After each step:
//! - No accepted request adds a finding that denies, whether raygate was asked or not.
//! - What KubeRay builds pods from has no such finding and every forced value, but for those that it had when the policies
//!   changed.
//! - Honest requests are accepted: of KubeRay, Kueue and the autoscaler, and of users who change a label or a finalizer.
//! - A manifest that is applied again changes nothing, and a second pass of `/mutate` neither.
//! - The RayJobs of a RayCronJob are accepted, unless the RayCronJob was admitted with a warning that says otherwise.
//!
//! `RAYGATE_SEQUENCES=1000 cargo test --release --test sequences` tries as many sequences for each kind; a failure names its
//! seed, which belongs into `SEEDS`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

#[path = "sequences/actors.rs"]
mod actors;
#[path = "sequences/conditions.rs"]
mod conditions;
#[path = "sequences/edits.rs"]
mod edits;
#[allow(dead_code, reason = "the tests with Go use the rest of it")]
#[path = "tools/random.rs"]
mod random;
#[path = "sequences/world.rs"]
mod world;

use raygate::ray::Kind;
use raygate::ray::kind::{KINDS, named};

use random::Random;
use world::World;

/// Seeds that failed once, each with its kind.
const SEEDS: &[(&str, u64)] = &[
    ("RayCluster", 0),
    ("RayCluster", 5),
    ("RayCluster", 27),
    ("RayCluster", 45),
    ("RayCluster", 47),
    ("RayCluster", 75),
    ("RayCluster", 122),
    ("RayCluster", 184),
    ("RayJob", 4),
    ("RayJob", 10),
    ("RayJob", 121),
    ("RayService", 176),
    ("RayService", 184),
    ("RayCronJob", 4),
    ("RayCronJob", 33),
    ("RayCronJob", 37),
    ("RayCronJob", 121),
];
/// How many sequences are tried for each kind, and how many steps each has.
const SEQUENCES: u64 = 6;
const STEPS: usize = 30;

fn sequences() -> u64 {
    let given = std::env::var("RAYGATE_SEQUENCES").ok();
    given.map_or(SEQUENCES, |count| count.parse().expect("RAYGATE_SEQUENCES is a number"))
}

fn run(kind: &'static Kind, seed: u64) -> World {
    let mut random = Random::new(seed);
    let mut world = World::new(kind, seed, &mut random);
    for _ in 0..STEPS {
        actors::step(&mut world, &mut random);
    }
    world
}

#[test]
fn failed_once() {
    for (kind, seed) in SEEDS {
        run(named(kind).unwrap(), *seed);
    }
}

fn hold(kind: &'static Kind) {
    let tried = (0..sequences()).map(|seed| (seed, std::panic::catch_unwind(|| run(kind, seed))));
    let (worlds, failed): (Vec<_>, Vec<_>) = tried.partition(|(_, world)| world.is_ok());
    let failed: Vec<u64> = failed.iter().map(|(seed, _)| *seed).collect();
    assert!(
        failed.is_empty(),
        "{}: these seeds fail, see above: {failed:?}",
        kind.name
    );
    let worlds: Vec<World> = worlds.into_iter().filter_map(|(_, world)| world.ok()).collect();
    // The sequences are worth something only if both answers are frequent, and pods are built.
    let sum = |count: fn(&World) -> usize| worlds.iter().map(count).sum::<usize>();
    let (accepted, refused, built) = (
        sum(|world| world.accepted),
        sum(|world| world.refused),
        sum(|world| world.built),
    );
    let steps = STEPS * worlds.len();
    assert!(
        accepted * 4 > steps && refused * 20 > steps && built > 0,
        "{}: {accepted} accepted, {refused} refused, {built} built of {steps}",
        kind.name
    );
}

#[test]
fn rayjobs_hold() {
    hold(KINDS[0]);
}

#[test]
fn rayclusters_hold() {
    hold(KINDS[1]);
}

#[test]
fn rayservices_hold() {
    hold(KINDS[2]);
}

#[test]
fn raycronjobs_hold() {
    hold(KINDS[3]);
}

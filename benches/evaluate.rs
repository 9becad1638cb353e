//! What evaluating and answering a review costs, as a ratio to parsing its bytes with serde_json in the same run.
//!
//! `cargo bench --bench evaluate` prints each RayJob of `tests/rayjobs` with the shipped policies and every check, then
//! the checks and injectors one by one, slowest first, then how the cost grows with worker groups and with policies. Each
//! figure is the least of many interleaved batches, so that other work on the machine mostly drops out.
//!
//! `cargo bench --bench evaluate -- mutate` (or `validate`, or `parse`) answers one review again and again, to be watched
//! by a profiler; a number behind it says how often.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "server/sent.rs"]
mod sent;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use raygate::admission::{Endpoint, Gate};
use raygate::cel::{Here, Meter, Place, compile};
use raygate::engine::Bundle;
use raygate::engine::bundle::{EMBEDDED, known};
use raygate::policy::Subject;
use raygate::policy::load::Source;
use raygate::ray::RayJob;
use raygate::ray::flyte::Identity;
use raygate::rules::{Cx, INJECTORS, Plan, check};
use serde_json::Value;

use sent::{complete, jobs, review};

/// As the binary's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A rule as large as rules get: 141 nodes once its loops are written out, with four regular expressions.
const RULE: &str = r#"
    job.gpus >= 1 && job.memory < quantity('100Ti') && job.flyte.project.matches('^[a-z][a-z0-9-]*$')
    && object.metadata.name.matches('^[a-z0-9-]{1,60}$')
    && has(object.metadata.labels.domain) && object.metadata.labels.domain in ['production', 'staging', 'development']
    && object.spec.?ttlSecondsAfterFinished.orValue(0) + 60 < 1000000
    && object.spec.rayClusterSpec.workerGroupSpecs.all(g,
        g.groupName.matches('^[a-z-]+$')
        && g.template.spec.containers.all(c,
            c.image.contains('/') && !c.image.endsWith(':latest')
            && quantity(c.?resources.?limits.?memory.orValue('0')) >= quantity('0')))
    && object.spec.rayClusterSpec.headGroupSpec.template.spec.containers.exists(c,
        c.name.size() > 0 && c.image.matches('ray'))
    && (request.user == '' || request.user.startsWith('system:') || platform.kuberay != '1.1')
"#;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const BATCHES: usize = 60;
const EACH: u32 = 20;
/// What a profiler needs to see something.
const REPEATS: u32 = 50_000;
/// What a profiler can watch.
const WORKS: [&str; 3] = ["parse", "mutate", "validate"];

/// The least time of one call, over interleaved batches of all the works.
fn least(works: &mut [Box<dyn FnMut() + '_>]) -> Vec<Duration> {
    let mut least = vec![Duration::MAX; works.len()];
    for _ in 0..BATCHES {
        for (work, least) in works.iter_mut().zip(&mut least) {
            let start = Instant::now();
            for _ in 0..EACH {
                work();
            }
            *least = (*least).min(start.elapsed() / EACH);
        }
    }
    least
}

/// The object as `/mutate` leaves it.
fn completed(gate: &Gate, object: &Value) -> Value {
    let mut object = object.clone();
    complete(gate, &mut object);
    object
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The bytes of the object's review, and the microseconds of its parse and `/mutate`, then, completed, of its parse and
/// `/validate`.
fn measured(gate: &Gate, object: &Value) -> (usize, [f64; 4]) {
    let (raw, done) = (review(object), review(&completed(gate, object)));
    let times = least(&mut [
        Box::new(|| drop(black_box(serde_json::from_slice::<Value>(black_box(&raw))))),
        Box::new(|| drop(black_box(gate.answer(Endpoint::Mutate, black_box(&raw), NOW)))),
        Box::new(|| drop(black_box(serde_json::from_slice::<Value>(black_box(&done))))),
        Box::new(|| drop(black_box(gate.answer(Endpoint::Validate, black_box(&done), NOW)))),
    ]);
    (raw.len(), [0, 1, 2, 3].map(|at: usize| micros(times[at])))
}

/// Answers, or only parses, one review again and again, for a profiler.
fn repeat(gate: &Gate, work: &str, times: u32, object: &Value) {
    let raw = review(object);
    let done = review(&completed(gate, object));
    for _ in 0..times {
        match work {
            "mutate" => drop(black_box(gate.answer(Endpoint::Mutate, black_box(&raw), NOW))),
            "validate" => drop(black_box(gate.answer(Endpoint::Validate, black_box(&done), NOW))),
            _ => drop(black_box(serde_json::from_slice::<Value>(black_box(&raw)))),
        }
    }
}

fn main() {
    let gate = Gate::new(Bundle::embedded());
    let jobs = jobs();
    let (_, first) = &jobs[0];
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|one| WORKS.contains(&one.as_str())) {
        let times = arguments
            .get(at + 1)
            .and_then(|times| times.parse().ok())
            .unwrap_or(REPEATS);
        return repeat(&gate, &arguments[at], times, first);
    }
    println!(
        "{:<46} {:>7} {:>9} {:>9} {:>6} {:>9} {:>6}",
        "review", "bytes", "parse µs", "mutate", "ratio", "validate", "ratio"
    );
    let (mut all_parse, mut all_mutate, mut all_validate) = (0.0, 0.0, 0.0);
    for (name, object) in &jobs {
        let (bytes, [parse, mutate, parse_done, validate]) = measured(&gate, object);
        println!(
            "{name:<46} {bytes:>7} {parse:>9.1} {mutate:>9.1} {:>6.2} {validate:>9.1} {:>6.2}",
            mutate / parse,
            validate / parse_done
        );
        all_parse += parse;
        all_mutate += mutate / parse;
        all_validate += validate / parse_done;
    }
    let count = jobs.len() as f64;
    println!(
        "{:<46} {:>7} {:>9.1} {:>9} {:>6.2} {:>9} {:>6.2}\n",
        "mean",
        "",
        all_parse / count,
        "",
        all_mutate / count,
        "",
        all_validate / count
    );
    by_part(&gate, first);
    growth(&gate, first);
}

/// How the cost grows with the worker groups of a RayJob, and with policies that are for others.
fn growth(gate: &Gate, object: &Value) {
    println!(
        "\n{:<28} {:>9} {:>9} {:>9} {:>6} {:>9} {:>6}",
        "growth", "bytes", "parse µs", "mutate", "ratio", "validate", "ratio"
    );
    for groups in [1, 4, 16, 64] {
        print_growth(gate, &format!("{groups} worker groups"), &with_groups(object, groups));
    }
    for policies in [1, 10, 100, 1000] {
        let gate = Gate::new(with_policies(policies));
        print_growth(&gate, &format!("{policies} policies for others"), object);
    }
}

fn print_growth(gate: &Gate, name: &str, object: &Value) {
    let (bytes, [parse, mutate, parse_done, validate]) = measured(gate, object);
    println!(
        "{name:<28} {bytes:>9} {parse:>9.1} {mutate:>9.1} {:>6.2} {validate:>9.1} {:>6.2}",
        mutate / parse,
        validate / parse_done
    );
}

/// The RayJob with its first worker group so many times, each under a name of its own.
fn with_groups(object: &Value, count: usize) -> Value {
    let mut object = object.clone();
    let groups = object["spec"]["rayClusterSpec"]["workerGroupSpecs"]
        .as_array_mut()
        .unwrap();
    let first = groups[0].clone();
    *groups = (0..count)
        .map(|nth| {
            let mut group = first.clone();
            group["groupName"] = format!("group-{nth}").into();
            group
        })
        .collect();
    object
}

/// The shipped policies, and so many that are for other projects.
fn with_policies(count: usize) -> Bundle {
    let others: Vec<String> = (0..count)
        .map(|nth| {
            format!(
                "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: other-{nth}}}\n\
                 spec: {{priority: {nth}, match: {{projects: [other-{nth}]}}, limits: {{maxGpusPerJob: {nth}}}}}\n"
            )
        })
        .collect();
    let mut sources: Vec<Source> = EMBEDDED.iter().map(|(name, text)| Source::new(name, text)).collect();
    // A file may hold so many values and no more.
    for (nth, others) in others.chunks(500).enumerate() {
        sources.push(Source::new(&format!("others-{nth}.yaml"), &others.join("---\n")));
    }
    let loaded = raygate::policy::load(&sources, &known());
    let errors: Vec<String> = loaded
        .diagnostics
        .iter()
        .map(|one| one.concise(&loaded.sources))
        .collect();
    assert!(loaded.is_usable(), "{}", errors.join("\n"));
    Bundle::new(loaded.set)
}

/// The shape, every injector and every check on the first RayJob, as shares of one parse.
fn by_part(gate: &Gate, object: &Value) {
    let object = completed(gate, object);
    let bytes = object.to_string().into_bytes();
    let job = RayJob::of(&object);
    let bundle = &gate.bundle();
    let subject = Subject::new(Identity::of(&job), "mlplatform-production", "", bundle.platform());
    let compiled = bundle.compiled(&subject, &job);
    let cx = Cx {
        policy: &compiled.effective,
        platform: bundle.platform(),
        named: true,
        skipped: false,
    };
    let rule = compile(RULE, Place::Job).expect("the expression is legal");
    let session = subject.session(&job, None, bundle.platform());
    let mut names: Vec<String> = vec!["parse".into(), "shape".into(), "select".into()];
    let mut works: Vec<Box<dyn FnMut() + '_>> = vec![
        Box::new(|| drop(black_box(serde_json::from_slice::<Value>(black_box(&bytes))))),
        Box::new(|| drop(black_box(RayJob::of(black_box(&object))))),
        Box::new(|| drop(black_box(bundle.compiled(black_box(&subject), &job)))),
    ];
    names.push("rule of 141 nodes".into());
    works.push(Box::new(|| {
        let holds = rule.holds(&session, Here::Job, &Arc::new(Meter::default()));
        assert_eq!(black_box(holds), Ok(true));
    }));
    for injector in INJECTORS {
        names.push(format!("injector {}", injector.name));
        let (cx, job) = (&cx, &job);
        works.push(Box::new(move || {
            let mut plan = Plan::default();
            (injector.plan)(cx, job, &mut plan);
            black_box(plan);
        }));
    }
    for check in check::all() {
        names.push(format!("{} {}", check.code, check.title));
        let (cx, job) = (&cx, &job);
        works.push(Box::new(move || {
            let mut findings = Vec::new();
            (check.run)(cx, job, &mut findings);
            black_box(findings);
        }));
    }
    let times = least(&mut works);
    let parse = micros(times[0]);
    let all_checks: f64 = names
        .iter()
        .zip(&times)
        .filter(|(name, _)| name.starts_with("RG"))
        .map(|(_, time)| micros(*time))
        .sum();
    let mut parts: Vec<(&String, f64)> = names.iter().zip(times.iter().map(|time| micros(*time))).collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    println!("{:<70} {:>9} {:>9}", "part", "µs", "of parse");
    for (name, time) in parts {
        println!("{name:<70} {time:>9.2} {:>9.3}", time / parse);
    }
    println!("{:<70} {all_checks:>9.2} {:>9.3}", "all checks", all_checks / parse);
}

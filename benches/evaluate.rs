//! What evaluating and answering a review costs, as a ratio to parsing its bytes with serde_json in the same run.
//!
//! `cargo bench --bench evaluate` prints each RayJob of `tests/rayjobs` with the shipped policies and every check, then
//! the checks and injectors one by one, slowest first, then how the cost grows with worker groups and with policies. Each
//! figure is the least of many interleaved batches, so that other work on the machine mostly drops out. `-- --keep TEXT`
//! keeps the run beside the earlier ones, under what had changed, and replaces a part of docs/performance.md.
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

#[path = "evaluate/kept.rs"]
mod kept;
#[path = "report/machine.rs"]
mod machine;
#[path = "report/page.rs"]
mod page;
#[path = "server/sent.rs"]
mod sent;

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use raygate::admission::response::Response;
use raygate::admission::review::{Asked, Review};
use raygate::admission::{Endpoint, Gate, Record};
use raygate::cel::{Here, Meter, Place, compile};
use raygate::engine::admit::answer_mutate;
use raygate::engine::bundle::{EMBEDDED, known};
use raygate::engine::{Bundle, Request};
use raygate::json::Tree;
use raygate::policy::Subject;
use raygate::policy::load::Source;
use raygate::ray::Workload;
use raygate::ray::flyte::Identity;
use raygate::rules::{Cx, Findings, INJECTORS, Plan, check};
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
/// The least share of a parse at which a part has a row of its own.
const SHOWN: f64 = 0.01;
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
    let keep = arguments.iter().position(|one| one == "--keep");
    let keep = keep.and_then(|at| arguments.get(at + 1));
    let mut text = format!(
        "## Evaluate and answer, without a network\n\n    cargo bench --bench evaluate\n\n\
         On {}; load average before the run {:.1}. From the bytes of a review to the bytes of its answer, with the shipped \
         policies and every check, against serde_json's parse of the same bytes. Each figure is the least of {BATCHES} \
         interleaved batches.\n\n",
        machine::shape(),
        machine::load(),
    );
    text += HEAD;
    let mut all = [0.0; 2];
    for (name, object) in &jobs {
        let ratios = row(&mut text, name, &gate, object);
        all = [all[0] + ratios[0], all[1] + ratios[1]];
    }
    let [mutate, validate] = all.map(|sum| sum / jobs.len() as f64);
    let _ = writeln!(text, "| mean | | | | {mutate:.2} | | {validate:.2} |\n");
    text += "### Growth\n\nWith worker groups, and with policies that are for others.\n\n";
    growth(&mut text, &gate, first);
    text += "\n### Nodes\n\nThe checks about nodes (RG801 to RG805, RG818) on a RayJob with five pod templates, by the facts about \
             5,000 nodes.\n\n";
    nodes(&mut text, first);
    text += "\n### By part\n\nOn the first RayJob, completed; each injector looks, and finds nothing to do.\n\n";
    by_part(&mut text, &gate, first);
    if let Some(what) = keep {
        kept::add(what, mutate, validate);
    }
    let _ = write!(
        text,
        "\n### Kept\n\nThe means of the ten in earlier runs.\n\n{}",
        kept::table()
    );
    println!("{text}");
    if keep.is_some() {
        page::replace("evaluate", text.trim_end());
    }
}

const HEAD: &str =
    "| | bytes | parse µs | /mutate µs | of parse | /validate µs | of parse |\n|---|---|---|---|---|---|---|\n";

/// Measures the reviews of an object, and returns what `/mutate` and `/validate` take as multiples of their parses.
fn row(text: &mut String, name: &str, gate: &Gate, object: &Value) -> [f64; 2] {
    let (bytes, [parse, mutate, parse_done, validate]) = measured(gate, object);
    let ratios = [mutate / parse, validate / parse_done];
    let _ = writeln!(
        text,
        "| {name} | {bytes} | {parse:.1} | {mutate:.1} | {:.2} | {validate:.1} | {:.2} |",
        ratios[0], ratios[1]
    );
    ratios
}

/// How the cost grows with the worker groups of a RayJob, and with policies that are for others.
fn growth(text: &mut String, gate: &Gate, object: &Value) {
    text.push_str(HEAD);
    for groups in [1, 4, 16, 64] {
        row(
            text,
            &format!("{groups} worker groups"),
            gate,
            &with_groups(object, groups),
        );
    }
    for policies in [1, 10, 100, 1000] {
        let gate = Gate::new(with_policies(policies));
        row(text, &format!("{policies} policies for others"), &gate, object);
    }
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

/// The shipped policies, and so many that are for other namespaces.
fn with_policies(count: usize) -> Bundle {
    let others: Vec<String> = (0..count)
        .map(|nth| {
            format!(
                "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: other-{nth}}}\n\
                 spec: {{priority: {nth}, match: {{namespaces: [other-{nth}]}}, limits: {{maxGpusPerJob: {nth}}}}}\n"
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

/// What the checks about nodes cost by facts with few and many shapes, for pods that fit and for pods that do not.
fn nodes(text: &mut String, raw: &Value) {
    text.push_str("| shapes | the pods | µs |\n|---|---|---|\n");
    let platform = Source::new(
        "platform.json",
        r#"{"apiVersion": "raygate.dev/v1beta1", "kind": "Platform", "spec": {"capacity": {"world": "Closed"}}}"#,
    );
    let bundle = Bundle::new(raygate::policy::load(&[platform], &known()).set);
    for pools in [24, 480] {
        let facts = nodes_of(pools);
        for (what, pool) in [("fit", "pool-7"), ("select a label that no node has", "pool-x")] {
            let mut object = with_groups(raw, 3);
            let spec = &mut object["spec"]["rayClusterSpec"];
            for group in spec["workerGroupSpecs"].as_array_mut().unwrap() {
                group["template"]["spec"]["nodeSelector"] = serde_json::json!({"pool": pool});
            }
            let tree = Tree::of(&object).unwrap();
            let job = Workload::of(tree.root());
            let subject = Subject::new(Identity::of(&job), "a", "", bundle.platform());
            let compiled = bundle.compiled(&subject, &job);
            let cx = Cx {
                policy: &compiled.effective,
                platform: bundle.platform(),
                facts: raygate::facts::Known::of(&facts, NOW, "a"),
                namespace: "a",
                named: true,
                skipped: false,
            };
            let checks = ["RG801", "RG802", "RG803", "RG804", "RG805", "RG818"];
            let checks = checks.map(|code| check::find(code).unwrap());
            let mut works: [Box<dyn FnMut() + '_>; 1] = [Box::new(|| {
                let mut findings = Findings::new();
                checks.iter().for_each(|check| (check.run)(&cx, &job, &mut findings));
                assert_eq!(black_box(findings).is_empty(), what == "fit");
            })];
            let _ = writeln!(text, "| {pools} | {what} | {:.1} |", micros(least(&mut works)[0]));
        }
    }
}

/// Facts about 5,000 nodes in so many pools.
fn nodes_of(pools: usize) -> raygate::facts::Facts {
    let nodes: Vec<Value> = (0..5_000)
        .map(|at| {
            serde_json::json!({
                "metadata": {"labels": {"pool": format!("pool-{}", at % pools), "kubernetes.io/hostname": format!("host-{at}")}},
                "spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]},
                "status": {"allocatable": {"cpu": "96", "memory": format!("{}Mi", 500_000 + at), "nvidia.com/gpu": "8"}},
            })
        })
        .chain([serde_json::json!({"status": {"allocatable": {"cpu": "96", "memory": "1Ti"}}})])
        .collect();
    let kinds = serde_json::json!({"Node": {"items": nodes}, "NodePool": {"items": []}, "DeviceClass": {"items": []},
        "ConfigMap": {"items": []}});
    let tree = Tree::of(&kinds).unwrap();
    raygate::facts::Facts::of_kinds(tree.root()).unwrap().timeless()
}

/// Reading, the shape, every injector and check, the patch and the answer, as shares of one parse.
fn by_part(text: &mut String, gate: &Gate, raw: &Value) {
    let bytes = completed(gate, raw).to_string().into_bytes();
    let object = Tree::read(std::str::from_utf8(&bytes).expect("text")).expect("a document");
    let job = Workload::of(object.root());
    let bundle = &gate.bundle();
    let subject = Subject::new(Identity::of(&job), "mlplatform-production", "", bundle.platform());
    let compiled = bundle.compiled(&subject, &job);
    let cx = Cx {
        policy: &compiled.effective,
        platform: bundle.platform(),
        facts: raygate::facts::Known::nothing("a"),
        namespace: "a",
        named: true,
        skipped: false,
    };
    let rule = compile(RULE, Place::Job).expect("the expression is legal");
    let session = subject.session(&job, None, bundle.platform());
    let reviewed = review(raw);
    let asked = Review::read_envelope(&reviewed).expect("the review is one");
    let outcome = answer_mutate(bundle, request(&reviewed));
    let mut names: Vec<String> = [
        "parse",
        "shape",
        "select",
        "read: from the bytes to the object, which is then dropped",
        "mutate: read, and all that `/mutate` does to the object",
        "patch",
        "answer: the patch and all around it, as bytes",
    ]
    .map(String::from)
    .into();
    let mut works: Vec<Box<dyn FnMut() + '_>> = vec![
        Box::new(|| drop(black_box(serde_json::from_slice::<Value>(black_box(&bytes))))),
        Box::new(|| drop(black_box(Workload::of(black_box(object.root()))))),
        Box::new(|| drop(black_box(bundle.compiled(black_box(&subject), &job)))),
        Box::new(|| drop(black_box(request(black_box(&reviewed))))),
        Box::new(|| drop(black_box(answer_mutate(bundle, request(&reviewed))))),
        Box::new(|| drop(black_box(serde_json::to_vec(&outcome.document.cheapest_patch())))),
        Box::new(|| {
            drop(black_box(
                Response::mutated(&asked, bundle, &outcome).answer(Record::default()),
            ))
        }),
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
            let mut findings = Findings::new();
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
    text.push_str("| part | µs | of parse |\n|---|---|---|\n");
    let (shown, rest): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(_, time)| time / parse >= SHOWN);
    for (name, time) in shown {
        let _ = writeln!(text, "| {name} | {time:.2} | {:.3} |", time / parse);
    }
    let sum: f64 = rest.iter().map(|(_, time)| time).sum();
    let _ = writeln!(
        text,
        "| {} others together | {sum:.2} | {:.3} |",
        rest.len(),
        sum / parse
    );
    let _ = writeln!(text, "| all checks | {all_checks:.2} | {:.3} |", all_checks / parse);
}

/// What a review asks for.
fn request(bytes: &[u8]) -> Request<'_> {
    match Review::read(bytes).and_then(|mut review| review.asked(NOW)) {
        Ok(Asked::Judged(request)) => *request,
        other => panic!("{other:?}"),
    }
}

//! Runs the tests one after the other on one control plane, and reports as libtest does.

use std::any;
use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::Instant;

use crate::binaries::Binaries;
use crate::cluster::Cluster;
use crate::nodes;

/// One test: a function that panics if the cluster does not do what it should.
pub(crate) struct Test {
    name: &'static str,
    run: Box<dyn Fn(&Cluster)>,
    needs_scheduler: bool,
    is_ignored: bool,
}

/// A test named after its module and function.
pub(crate) fn test<F: Fn(&Cluster) + 'static>(run: F) -> Test {
    let path = any::type_name::<F>();
    Test {
        name: path.split_once("::").map_or(path, |(_, name)| name),
        run: Box::new(run),
        needs_scheduler: false,
        is_ignored: false,
    }
}

impl Test {
    /// The test cannot run where only etcd and kube-apiserver are at hand.
    pub(crate) fn needs_scheduler(self) -> Self {
        Self {
            needs_scheduler: true,
            ..self
        }
    }

    /// The test takes long, and runs only with `--ignored`, or with `--include-ignored`.
    pub(crate) fn ignored(self) -> Self {
        Self {
            is_ignored: true,
            ..self
        }
    }
}

/// The part of libtest's arguments that cargo and editors use.
#[derive(Default)]
struct Arguments {
    list: bool,
    exact: bool,
    only_ignored: bool,
    with_ignored: bool,
    filters: Vec<String>,
    skip: Vec<String>,
}

impl Arguments {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut parsed = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => parsed.list = true,
                "--exact" => parsed.exact = true,
                "--ignored" => parsed.only_ignored = true,
                "--include-ignored" => parsed.with_ignored = true,
                "--skip" => parsed.skip.extend(arguments.next()),
                // Options with a value that mean nothing here.
                "--test-threads" | "--format" | "--color" | "--logfile" | "-Z" => drop(arguments.next()),
                other if other.starts_with('-') => {}
                _ => parsed.filters.push(argument),
            }
        }
        parsed
    }

    /// Whether a test is among those that were named.
    fn names(&self, test: &Test) -> bool {
        let fits = |filter: &String| {
            if self.exact {
                test.name == filter
            } else {
                test.name.contains(filter.as_str())
            }
        };
        (self.filters.is_empty() || self.filters.iter().any(fits)) && !self.skip.iter().any(fits)
    }

    /// Whether a test that was named runs.
    fn runs(&self, test: &Test) -> bool {
        self.with_ignored || test.is_ignored == self.only_ignored
    }
}

#[derive(Default)]
struct Report {
    passed: usize,
    ignored: usize,
    filtered_out: usize,
    failed: Vec<&'static str>,
}

/// The test target's `main`.
pub(crate) fn main(tests: &[Test]) -> ExitCode {
    let arguments = Arguments::parse(env::args().skip(1));
    let named: Vec<&Test> = tests.iter().filter(|test| arguments.names(test)).collect();
    if arguments.list {
        let listed = named.iter().filter(|test| !arguments.only_ignored || test.is_ignored);
        listed.for_each(|test| println!("{}: test", test.name));
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    println!("\nrunning {} tests", named.len());
    let mut report = Report {
        filtered_out: tests.len() - named.len(),
        ..Report::default()
    };
    let (wanted, ignored): (Vec<&Test>, Vec<&Test>) = named.into_iter().partition(|test| arguments.runs(test));
    ignored
        .iter()
        .for_each(|test| println!("test {} ... ignored", test.name));
    report.ignored += ignored.len();
    if !wanted.is_empty() {
        run(&wanted, &mut report);
    }
    let Report {
        passed,
        ignored,
        filtered_out,
        failed,
    } = &report;
    if !failed.is_empty() {
        println!("\nfailures:\n    {}", failed.join("\n    "));
    }
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {passed} passed; {} failed; {ignored} ignored; 0 measured; \
         {filtered_out} filtered out; finished in {:.2}s\n",
        failed.len(),
        start.elapsed().as_secs_f64(),
    );
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(101)
    }
}

fn run(tests: &[&Test], report: &mut Report) {
    let binaries = match Binaries::locate() {
        Ok(binaries) => binaries,
        Err(missing) => return skip(tests, &missing, report),
    };
    let started = panic::catch_unwind(AssertUnwindSafe(|| {
        let cluster = Cluster::start(&binaries);
        if cluster.has_scheduler {
            nodes::add(&cluster);
        }
        cluster
    }));
    let Ok(mut cluster) = started else {
        eprintln!("THE CONTROL PLANE OF THE CLUSTER TESTS DID NOT START");
        report.failed.extend(tests.iter().map(|test| test.name));
        return;
    };
    let (tests, unplaceable): (Vec<&Test>, Vec<&Test>) = tests
        .iter()
        .partition(|test| cluster.has_scheduler || !test.needs_scheduler);
    if !unplaceable.is_empty() {
        skip(&unplaceable, "KUBEBUILDER_ASSETS holds no kube-scheduler", report);
    }
    for test in tests {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            cluster.clear();
            (test.run)(&cluster);
        }));
        let died = cluster.last_words();
        if outcome.is_ok() && died.is_none() {
            println!("test {} ... ok", test.name);
            report.passed += 1;
        } else {
            println!("test {} ... FAILED", test.name);
            report.failed.push(test.name);
        }
        if let Some(last_words) = died {
            eprintln!("{last_words}");
        }
    }
    if !report.failed.is_empty() {
        eprintln!("the logs of the control plane are in {}", cluster.keep_logs().display());
    }
}

/// Counts tests as ignored, or as failed where they must run, and says so on standard error: nobody should take a run
/// without them for a run with them.
fn skip(tests: &[&Test], missing: &str, report: &mut Report) {
    let required = env::var_os("RAYGATE_REQUIRE_CLUSTER").is_some_and(|value| value == "1");
    let (outcome, heading) = if required {
        ("FAILED", "CANNOT RUN")
    } else {
        ("ignored", "ARE SKIPPED")
    };
    for test in tests {
        println!("test {} ... {outcome}", test.name);
    }
    eprintln!("\nCLUSTER TESTS {heading} ({}): {missing}", tests.len());
    if required {
        report.failed.extend(tests.iter().map(|test| test.name));
    } else {
        eprintln!("RAYGATE_REQUIRE_CLUSTER=1 makes this a failure\n");
        report.ignored += tests.len();
    }
}

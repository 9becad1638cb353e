//! Any text as an expression of a rule: refused at load, or it comes to an end on a real RayJob.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use raygate::cel::{Here, Meter, Place, compile};
use raygate::engine::Bundle;
use raygate::json::Tree;
use raygate::policy::Subject;
use raygate::ray::Workload;
use raygate::ray::flyte::Identity;

static BUNDLE: LazyLock<Bundle> = LazyLock::new(Bundle::embedded);
static OBJECT: LazyLock<Tree<'static>> = LazyLock::new(|| {
    Tree::read(include_str!("../../tests/rayjobs/seed-01-gpu-training.json")).expect("a RayJob is JSON")
});

fuzz_target!(|text: &str| {
    match compile(text, Place::Job) {
        Err(problems) => {
            for problem in problems {
                assert!(!problem.message.is_empty());
                assert!(problem.range.end <= text.len().max(1) && problem.range.start <= problem.range.end);
            }
        }
        Ok(program) => {
            let job = Workload::of(OBJECT.root());
            let subject = Subject::new(Identity::of(&job), "mlplatform-production", "", BUNDLE.platform());
            let session = subject.session(&job, None, BUNDLE.platform());
            let _ = program.holds(&session, Here::Job, &Arc::new(Meter::default()));
        }
    }
});

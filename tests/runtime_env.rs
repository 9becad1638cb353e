//! Compares our reading of generated runtime environments with Ray's own. `runtime_env/answers.txt` records what six
//! releases of Ray said to them; `RAYGATE_BLESS=1` asks Ray again, see `runtime_env/ask_ray.py`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "runtime_env/generate.rs"]
mod generate;
#[allow(dead_code, reason = "the tests with Go use the rest of it")]
#[path = "tools/random.rs"]
mod random;
#[path = "tools/recorded.rs"]
mod recorded;

use std::collections::BTreeSet;

use raygate::ray::runtime_env::{self, Effect, Problem, Way};
use raygate::ray::serve_config::Releases;
use raygate::ray::serve_config::keys::RELEASES;

const SEED: u64 = 20_261_130;
const COUNT: usize = 8_000;

/// What the record says about itself: it is worth nothing for other environments.
fn header(environments: &[String]) -> String {
    let digest = recorded::sha256(environments);
    format!(
        "# What Ray {} say to {COUNT} runtime environments of the seed {SEED} with the SHA-256\n\
         # {digest}.\n\
         # For `ray job submit` and for a job posted to the dashboard: the releases that reject it in any case, and those that\n\
         # reject it without the files that it names; the newest first. Then the keys that some of them do not know.\n",
        RELEASES.join(", ")
    )
}

/// The releases that reject an environment in any case, and those that do without its files, as the record has them.
fn masks(problems: &[Problem]) -> [String; 2] {
    let all = |of: fn(&Effect) -> Option<Releases>| {
        let effects = problems.iter().filter_map(|problem| of(&problem.effect));
        effects.fold(Releases::NONE, |all, by| all | by)
    };
    let rejected = all(|effect| match effect {
        Effect::Rejected(by) => Some(*by),
        _ => None,
    });
    let missing = all(|effect| match effect {
        Effect::Missing(by) => Some(*by),
        _ => None,
    });
    [rejected, missing & !rejected].map(|by| format!("{:06b}", by.0))
}

#[test]
fn environments_are_judged_as_ray_judges_them() {
    let environments = generate::environments(&mut random::Random::new(SEED), COUNT);
    let answers = recorded::answers("runtime_env", &header(&environments), &environments);
    let mut differences = Vec::new();
    let (mut rejected, mut accepted, mut partly) = (0, 0, 0);
    for (text, answer) in environments.iter().zip(&answers) {
        let environment = runtime_env::read(text).expect("JSON of a mapping is read");
        let submitted = runtime_env::problems(&environment, Way::Submitted);
        let posted = runtime_env::problems(&environment, Way::Posted);
        let unknown: BTreeSet<String> = submitted
            .iter()
            .filter_map(|problem| match problem.effect {
                Effect::Ignored(by) => {
                    let key = problem.found.strip_prefix("unknown key `")?.strip_suffix('`')?;
                    Some(format!(" {key}:{:06b}", by.0))
                }
                _ => None,
            })
            .collect();
        let unknown: String = unknown.into_iter().collect();
        let ours = format!("{} {}{unknown}", masks(&submitted).join(" "), masks(&posted).join(" "));
        rejected += usize::from(answer.starts_with("111111"));
        accepted += usize::from(answer.starts_with("000000 000000"));
        partly += usize::from(!answer.starts_with("111111") && !answer.starts_with("000000"));
        if ours != *answer {
            let problems: Vec<String> = submitted.iter().map(|problem| format!("  {problem:?}")).collect();
            differences.push(format!(
                "{text}\n  Ray  {answer}\n  ours {ours}\n{}",
                problems.join("\n")
            ));
        }
    }
    let first = differences.iter().take(10).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(
        differences.is_empty(),
        "{} of {COUNT} differ:\n{first}",
        differences.len()
    );
    // The generator is worth something only if all kinds are frequent.
    assert!(
        rejected > 1_500 && accepted > 1_500 && partly > 300,
        "{rejected} rejected by all, {accepted} by none, {partly} by some"
    );
}

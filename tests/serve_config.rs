//! Compares our reading of generated Serve configs with Ray's own models. `serve_config/answers.txt` records what
//! six releases of Ray said to them; `RAYGATE_BLESS=1` asks Ray again, see `serve_config/ask_ray.py`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "serve_config/generate.rs"]
mod generate;
#[allow(dead_code, reason = "the tests with Go use the rest of it")]
#[path = "tools/random.rs"]
mod random;
#[path = "tools/recorded.rs"]
mod recorded;

use std::collections::BTreeSet;

use raygate::ray::serve_config::keys::RELEASES;
use raygate::ray::serve_config::{self, Releases, ServeConfig};

const SEED: u64 = 20_261_130;
const COUNT: usize = 4_000;

/// What the record says about itself: it is worth nothing for other configs.
fn header(configs: &[String]) -> String {
    let digest = recorded::sha256(configs);
    format!(
        "# What Ray {} say to {COUNT} configs of the seed {SEED} with the SHA-256 {digest}:\n\
         # the releases that reject it, the newest first, and the keys that none of them knows.\n",
        RELEASES.join(", ")
    )
}

/// The releases that reject a config for one of its problems.
fn rejecting(config: &ServeConfig) -> Releases {
    config
        .problems
        .iter()
        .fold(Releases::NONE, |all, problem| all | problem.rejected_by)
}

#[test]
fn configs_are_judged_as_ray_judges_them() {
    let configs = generate::configs(&mut random::Random::new(SEED), COUNT);
    let answers = recorded::answers("serve_config", &header(&configs), &configs);
    let mut differences = Vec::new();
    let (mut rejected_by_all, mut accepted_by_all, mut with_unknown_keys) = (0, 0, 0);
    for (text, answer) in configs.iter().zip(&answers) {
        let mut words = answer.split(' ');
        let theirs = Releases(u8::from_str_radix(words.next().unwrap(), 2).unwrap());
        let unknown: BTreeSet<String> = words.map(str::to_owned).collect();
        let config = serve_config::read(text);
        assert_eq!(config.more, 0, "the generator makes too many mistakes: {text}");
        rejected_by_all += usize::from(theirs == Releases::ALL);
        accepted_by_all += usize::from(theirs.is_none());
        with_unknown_keys += usize::from(!unknown.is_empty());
        let is_unknown = |found: &str| found.starts_with("unknown key ");
        let ours: BTreeSet<String> = config
            .problems
            .iter()
            .filter(|problem| is_unknown(&problem.found))
            .map(|problem| problem.place.path.to_string())
            .collect();
        if rejecting(&config) != theirs || ours != unknown {
            let problems: Vec<String> = config
                .problems
                .iter()
                .map(|problem| {
                    format!(
                        "  {:06b} {}: {}",
                        problem.rejected_by.0, problem.place.path, problem.found
                    )
                })
                .collect();
            differences.push(format!("{text}\nRay {answer}\n{}", problems.join("\n")));
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
        rejected_by_all > 800 && accepted_by_all > 800 && with_unknown_keys > 400,
        "{rejected_by_all} rejected by all, {accepted_by_all} by none, {with_unknown_keys} with unknown keys"
    );
}

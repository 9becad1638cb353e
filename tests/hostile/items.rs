//! Where each item is tried.

use std::fs;
use std::path::Path;

/// Where an item is tried.
enum Tried {
    /// In this target, by a test whose name begins `item_NN_`.
    Here,
    /// By tests of other targets too, or only: file and function.
    By(&'static [(&'static str, &'static str)]),
    /// It cannot happen to raygate, or cannot be tried by a test, and why.
    No(&'static str),
}

use Tried::{By, Here, No};

/// Every item, in order, with what it is about.
const ITEMS: &[(u8, &str, Tried)] = &[
    (1, "a body above the cap", Here),
    (2, "headers and bodies one byte at a time", Here),
    (3, "more idle connections than there are slots", Here),
    (
        4,
        "HTTP/2 rapid resets and large header lists",
        By(&[
            ("tests/server/bodies.rs", "rapid_resets_end_the_connection"),
            ("tests/server/bodies.rs", "header_lists_over_http2_are_bounded"),
        ]),
    ),
    (5, "what is no POST of JSON", Here),
    (6, "old TLS and strange server names", Here),
    (
        7,
        "client certificates",
        No(
            "raygate asks for none: it answers everybody the same, an answer holds nothing but what the question held and \
         the names of policies, and it acts on nothing; SECURITY.md, threat 5",
        ),
    ),
    (8, "the timeout in the query", Here),
    (9, "clients that leave", Here),
    (10, "the paths of operators on the webhook port", Here),
    (11, "redirects and giant answers", Here),
    (12, "bodies that are no review", Here),
    (13, "text that is no text", Here),
    (14, "duplicate keys", Here),
    (15, "nesting", Here),
    (16, "numbers", Here),
    (17, "great lengths", Here),
    (18, "reviews without what makes them one", Here),
    (19, "what is not ours", Here),
    (20, "a kind in other letters", Here),
    (21, "objects that do not fit the operation", Here),
    (22, "a dry run", Here),
    (23, "a name that is still to come", Here),
    (24, "an older API version", Here),
    (25, "a good job that becomes a bad one", Here),
    (26, "finalizers of a job that breaks a newer rule", Here),
    (27, "a new spec behind a deletion", Here),
    (28, "the label that selects the policy taken away", Here),
    (29, "labels that imitate another domain", Here),
    (30, "exemptions that an author writes", Here),
    (31, "an exemption that has expired", Here),
    (32, "two exemptions", Here),
    (33, "the same mistake in other kinds", Here),
    (34, "selected clusters with and without a description", Here),
    (35, "mistakes in init containers, sidecars and the submitter", Here),
    (36, "the Ray container not in front", Here),
    (37, "GPUs by other names and amounts", Here),
    (38, "quantities", Here),
    (39, "three numbers of GPUs", Here),
    (40, "text that others execute or expand", Here),
    (41, "/dev/shm by other spellings", Here),
    (42, "sizes of /dev/shm that cannot be", Here),
    (43, "tolerations that are there", Here),
    (44, "a node selector with another value", Here),
    (45, "images that look alike", Here),
    (46, "times that contradict each other", Here),
    (47, "rights that a mutation might add", Here),
    (48, "odd places for a patch", Here),
    (49, "the mutation twice", Here),
    (50, "what raygate makes raygate admits", Here),
    (51, "fields of a KubeRay to come", Here),
    (52, "fields that are the API server's", Here),
    (53, "policy files that cannot be used", Here),
    (54, "a ConfigMap that changes all the time", Here),
    (55, "expressions that explode", Here),
    (56, "messages with the author's words", Here),
    (57, "policies that want out", Here),
    (
        58,
        "a replica killed, a node drained, twenty rollouts",
        By(&[
            ("tests/cluster/outage.rs", "nothing_is_created_without_raygate"),
            ("tests/cluster/outage.rs", "raygate_ends_on_sigterm"),
            ("tests/cluster/load.rs", "a_kill_fails_only_what_it_interrupts"),
            ("tests/cluster/load.rs", "rollouts_fail_no_create"),
        ]),
    ),
    (
        59,
        "a kept connection to a server that ends",
        By(&[
            (
                "tests/server/drain.rs",
                "requests_in_flight_are_finished_and_nothing_new_begins",
            ),
            (
                "tests/server/drain.rs",
                "until_the_cluster_has_heard_it_goes_on_serving",
            ),
            (
                "tests/server/drain.rs",
                "who_waits_for_a_place_when_the_port_closes_is_answered",
            ),
        ]),
    ),
    (60, "certificate files that break", Here),
    (61, "a log that takes nothing", Here),
    (62, "little processor, memory and few file descriptors", Here),
    (
        63,
        "a Kubernetes API that cannot be reached",
        By(&[
            (
                "tests/cluster/certificates.rs",
                "raygate_recovers_from_an_outage_of_the_api_server",
            ),
            ("tests/cluster/certificates.rs", "a_refused_write_keeps_the_old_state"),
        ]),
    ),
    (
        64,
        "a webhook configuration that someone deletes or edits",
        By(&[
            ("tests/cluster/certificates.rs", "edits_of_the_configurations_are_seen"),
            ("tests/cluster/doctor.rs", "a_deleted_configuration_is_missed"),
            ("tests/cluster/account.rs", "only_the_ca_bundle_can_be_changed"),
            (
                "tests/cluster/doctor.rs",
                "an_edited_failure_policy_is_set_right_by_the_printed_patch",
            ),
        ]),
    ),
    (65, "an end in the middle", Here),
    (
        66,
        "other versions of Kubernetes, KubeRay and Flyte",
        By(&[("tests/kuberay_matrix.rs", "every_rule_holds_in_its_releases_alone")]),
    ),
    (
        67,
        "a panic",
        By(&[("tests/server/overload.rs", "a_panic_costs_one_review")]),
    ),
    (
        68,
        "what Flyte makes of a denial",
        By(&[
            (
                "tests/admission.rs",
                "the_status_is_final_where_the_platform_names_a_flyte_that_takes_it_so",
            ),
            ("tests/cluster/denial.rs", "no_text_of_the_author_steers_flyte"),
        ]),
    ),
];

/// Whether this target, or another that [`ITEMS`] names, tries the item of this number.
pub(crate) fn is_tried(number: u8) -> bool {
    let item = ITEMS.iter().find(|(nth, ..)| *nth == number);
    item.is_some_and(|(_, _, tried)| !matches!(tried, No(_)))
}

/// Fails unless the file has a test of this name, which is run.
#[track_caller]
pub(crate) fn assert_is_test(file: &str, function: &str) {
    let is_run = match file
        .strip_prefix("tests/cluster/")
        .and_then(|name| name.strip_suffix(".rs"))
    {
        Some(module) => source("tests/cluster/main.rs").contains(&format!("test({module}::{function})")),
        None => {
            let test = format!(r"#\[(tokio::)?test.*\]\n\s*(async )?fn {function}\(");
            regex::Regex::new(&test).expect("a pattern").is_match(&source(file))
        }
    };
    assert!(is_run, "{file} has no test {function}");
}

pub(crate) fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_item_is_tried_somewhere() {
    let numbers: Vec<u8> = ITEMS.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=68).collect::<Vec<u8>>());
    let here: String = ["transport", "envelope", "semantics", "policies", "faults"]
        .iter()
        .map(|room| source(&format!("tests/hostile/{room}.rs")))
        .collect();
    for (number, what, tried) in ITEMS {
        let is_here = here.contains(&format!("#[test]\nfn item_{number:02}_"));
        match tried {
            Here => assert!(is_here, "no test tries item {number}: {what}"),
            By(tests) => {
                assert!(is_here || !tests.is_empty(), "no test tries item {number}: {what}");
                for (file, function) in *tests {
                    assert_is_test(file, function);
                }
            }
            No(reason) => assert!(!is_here && reason.len() > 40, "item {number}: {what}"),
        }
    }
}

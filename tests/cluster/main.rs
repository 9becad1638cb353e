//! raygate in a real cluster: a kube-apiserver with etcd and kube-scheduler, the shipped binary, policies and webhook
//! configurations, and the RayJobs that Flyte submits.
//!
//! The tests share one control plane and run one after the other, so this target has its own `main` in place of
//! libtest's; arguments and output are the same.
//!
//! | variable | meaning |
//! |---|---|
//! | `KUBEBUILDER_ASSETS` | a folder with etcd, kube-apiserver and (for the placement tests) kube-scheduler, instead of building them with Go |
//! | `RAYGATE_RAY_CRDS` | a folder with KubeRay's CRDs, such as `ray.io_rayjobs.yaml`. Kinds without a file there get our own small CRD |
//! | `RAYGATE_REQUIRE_CLUSTER` | `1` makes it a failure that the tests cannot run here |
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may panic, and prints its result"
)]

mod account;
mod api;
mod balancer;
mod baseline;
mod binaries;
mod capacity;
mod certificates;
mod clients;
mod cluster;
mod completion;
#[path = "../tools/config_map.rs"]
mod config_map;
mod denial;
mod doctor;
mod dry_run;
mod facts;
mod fields;
mod fleet;
mod foreign;
mod gate;
#[path = "../facts/generate.rs"]
mod generate;
#[path = "../tools/go.rs"]
mod go;
#[path = "../tools/helm.rs"]
mod helm;
#[path = "../tools/http.rs"]
mod http;
mod install;
mod kinds;
#[path = "../tools/kubectl.rs"]
mod kubectl;
mod kueue;
mod kueue_quota;
#[path = "../kueue_quota/generate.rs"]
mod kueue_world;
mod load;
mod nodes;
#[path = "../capacity/generate.rs"]
mod nodes_and_pods;
mod offline;
mod order;
mod outage;
mod placement;
mod pretend;
mod process;
mod queues;
#[path = "../tools/random.rs"]
#[allow(dead_code, reason = "other tests make texts")]
mod random;
mod rayjobs;
mod reach;
mod runner;
mod scan;
mod standin;
mod updates;
mod ways_in;

use runner::test;

fn main() -> std::process::ExitCode {
    runner::main(&[
        test(baseline::the_crd_fills_in_defaults),
        test(baseline::v1alpha1_is_served_without_newer_fields),
        test(baseline::the_crd_refuses_a_port_twice),
        test(baseline::every_rayjob_is_accepted_as_flyte_posts_it),
        test(baseline::a_pod_with_limits_below_its_requests_is_refused),
        test(baseline::a_gpu_pod_without_toleration_is_unschedulable).needs_scheduler(),
        test(baseline::a_gpu_pod_with_toleration_is_placed_on_the_gpu_node).needs_scheduler(),
        test(completion::every_rayjob_is_completed),
        test(completion::a_repair_is_said_in_a_warning),
        test(completion::what_the_author_wrote_stands),
        test(completion::a_job_without_an_end_gets_one),
        test(completion::a_completed_job_is_left_as_it_is),
        test(offline::the_command_completes_as_the_cluster_does),
        test(offline::the_command_refuses_as_the_cluster_does),
        test(fields::mistakes_are_found_as_the_cluster_finds_them),
        test(dry_run::the_pods_of_every_rayjob_are_accepted),
        test(dry_run::what_the_api_server_rejects_is_reported),
        test(dry_run::an_exhausted_quota_only_warns),
        test(dry_run::who_may_not_create_pods_is_told),
        test(placement::the_pods_of_every_rayjob_are_placed).needs_scheduler(),
        test(placement::only_the_completed_gpu_worker_is_placed).needs_scheduler(),
        test(placement::only_the_repaired_worker_is_accepted),
        test(denial::a_denial_reaches_the_client_whole),
        test(denial::all_findings_come_at_once),
        test(denial::no_unequal_gpu_amounts_are_stored),
        test(denial::no_text_of_the_author_steers_flyte),
        test(ways_in::server_side_apply),
        test(ways_in::applying_the_same_file_again),
        test(ways_in::kubectl_applies_the_same_file_again),
        test(ways_in::merge_patch),
        test(ways_in::json_patch),
        test(ways_in::replace),
        test(ways_in::v1alpha1),
        test(ways_in::dry_run),
        test(updates::a_job_from_before_the_gate_can_be_deleted),
        test(updates::a_job_that_breaks_a_newer_policy_can_be_deleted),
        test(updates::kuberay_can_report_the_status),
        test(updates::kueue_can_suspend_and_place),
        test(updates::a_group_added_to_a_suspended_job_is_completed),
        test(clients::the_api_server_is_answered),
        test(clients::another_name_is_refused),
        test(reach::finalizers_and_owners_do_not_come),
        test(reach::labels_and_annotations_come),
        test(reach::the_operators_updates_do_not_come),
        test(reach::what_the_operator_creates_comes),
        test(reach::a_queue_suspends_without_raygate),
        test(reach::other_suspensions_come),
        test(reach::the_conditions_know_every_version_of_a_rayjob),
        test(kinds::each_kind_is_completed_and_judged),
        test(kinds::a_file_applied_again_changes_nothing),
        test(kinds::kubectl_applies_the_same_file_again),
        test(kinds::gitops_tools_see_no_difference),
        test(kinds::an_object_is_suspended_and_resumed),
        test(kinds::a_change_of_a_service_starts_a_second_cluster),
        test(kinds::writes_that_need_no_answer_do_not_come),
        test(kinds::the_operator_needs_no_raygate),
        test(kinds::a_queue_suspends_each_kind_without_raygate),
        test(kinds::the_autoscaler_needs_no_raygate),
        test(kinds::what_is_more_than_scaling_comes),
        test(kinds::a_large_cluster_scales_without_raygate),
        test(kinds::every_field_of_a_worker_group_is_listed),
        test(kinds::a_kind_in_preview_is_stored_as_it_came),
        test(kinds::narrowed_webhooks_leave_other_kinds_alone),
        test(outage::nothing_is_created_without_raygate),
        test(outage::a_job_can_be_deleted_without_raygate),
        test(outage::no_spec_is_changed_without_raygate),
        test(outage::with_failures_ignored_a_job_passes_as_it_is),
        test(outage::without_the_mutation_nobody_is_blamed),
        test(outage::without_the_judgement_nothing_is_created),
        test(outage::the_break_glass_page_opens_the_cluster),
        test(outage::raygate_ends_on_sigterm),
        test(scan::every_rayjob_is_judged_over_several_pages),
        test(scan::a_selector_and_a_namespace_narrow_it),
        test(scan::each_kind_is_counted),
        test(scan::reports_are_for_one_namespace_each),
        test(scan::what_the_cluster_refuses_is_said),
        test(certificates::an_empty_cluster_gets_one_ca),
        test(certificates::the_shipped_roles_allow_nothing_else),
        test(certificates::a_damaged_secret_is_made_anew),
        test(certificates::the_secret_of_someone_else_is_left_alone),
        test(certificates::edits_of_the_configurations_are_seen),
        test(certificates::a_refused_write_keeps_the_old_state),
        test(certificates::raygate_recovers_from_an_outage_of_the_api_server),
        test(account::only_the_ca_bundle_can_be_changed),
        test(account::only_its_own_secret_can_be_created),
        test(load::rollouts_fail_no_create),
        test(load::turnovers_fail_no_create),
        test(load::reloads_fail_no_create),
        test(load::forced_values_change_without_a_loss),
        test(load::a_kill_fails_only_what_it_interrupts),
        test(doctor::a_healthy_gate_has_no_findings),
        test(doctor::a_deleted_configuration_is_missed),
        test(doctor::a_foreign_ca_is_told_by_what_fails),
        test(doctor::an_edited_failure_policy_is_set_right_by_the_printed_patch),
        test(doctor::a_wider_scope_is_set_right_by_the_printed_patch),
        test(doctor::kinds_that_do_not_come_are_reported),
        test(doctor::a_new_kind_is_scanned_previewed_and_enforced),
        test(doctor::a_killed_raygate_is_told_by_what_fails),
        test(doctor::an_emergency_asks_nobody),
        test(doctor::no_cluster_is_no_finding),
        test(doctor::what_is_installed_is_judged),
        test(doctor::the_secret_of_the_deployment_is_judged),
        test(doctor::an_unrestricted_account_is_restricted_by_the_printed_command),
        test(doctor::the_clocks_of_the_nodes_are_judged),
        test(facts::the_api_server_decides),
        test(facts::an_observer_follows_the_cluster),
        test(capacity::the_scheduler_decides).needs_scheduler(),
        test(order::raygate_comes_before_kueue_and_once_more_after),
        test(install::every_object_of_the_chart_is_taken),
        test(install::every_object_of_the_overlays_is_taken),
        test(install::every_object_of_the_command_is_taken),
        test(install::pods_pass_restricted_pod_security),
        test(install::helm_installs_upgrades_and_leaves_no_webhook),
        test(install::an_upgrade_keeps_the_registered_kinds),
        test(install::an_upgrade_from_the_previous_release_can_be_rolled_back),
        test(install::taking_the_webhooks_away_first_does_not_hinder_helm),
        test(install::an_image_that_never_runs_blocks_nobody),
        test(install::kubectl_registers_the_webhooks_last),
        test(install::kubectl_applies_again_and_deletes),
        test(kueue::each_kind_is_admitted_evicted_and_resumed).ignored(),
        test(kueue::a_preempted_job_comes_back_as_it_was).ignored(),
        test(kueue::a_file_applied_again_changes_nothing_in_any_state).ignored(),
        test(kueue::quota_is_taken_back_without_raygate).ignored(),
        test(kueue::a_submitter_of_kueue_stays_and_is_no_edit).ignored(),
        test(kueue::an_object_does_not_leave_its_queue).ignored(),
        test(kueue::a_job_on_a_selected_cluster_is_in_no_queue).ignored(),
        test(kueue::an_edit_is_completed_and_starts_once).ignored(),
        test(kueue::kueue_says_what_rg709_says).ignored(),
        test(kueue::the_doctor_says_what_no_object_shows).ignored(),
        test(kueue::autoscaling_needs_slices).ignored(),
        test(kueue_quota::kueue_decides).ignored(),
        test(facts::an_observer_stays_small_under_churn).ignored(),
    ])
}

//! RG7xx: Flyte, submission and the systems that schedule.

pub mod batch_scheduler;
mod command;
pub mod entrypoint;
pub mod entrypoint_needs;
pub mod entrypoint_shell;
pub mod entrypoint_variables;
pub mod head_service;
pub mod interactive_flyte;
pub mod job_id;
pub mod job_metadata;
pub mod kai;
pub mod kueue;
pub mod kueues_own;
pub mod managed_by;
pub mod mode;
pub mod no_cpus;
pub mod node_ip;
mod offer;
pub mod open_service;
pub mod runtime_env;
pub mod selected_cluster;
pub mod selector_wins;
pub mod serve;
pub mod submitter;
pub mod submitter_sidecar;
pub mod submitter_without_container;

use crate::rules::Check;
use command::{passes_a_shell, runs_kuberays_command, submits_by_command};

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &mode::CHECK,
    &submitter::CHECK,
    &entrypoint::CHECK,
    &entrypoint_shell::CHECK,
    &runtime_env::CHECK,
    &entrypoint_needs::CHECK,
    &job_id::CHECK,
    &selector_wins::CHECK,
    &kueue::CHECK,
    &kai::CHECK,
    &batch_scheduler::CHECK,
    &interactive_flyte::CHECK,
    &open_service::CHECK,
    &job_metadata::CHECK,
    &node_ip::CHECK,
    &head_service::CHECK,
    &serve::ignored::CHECK,
    &serve::needs::CHECK,
    &serve::port::CHECK,
    &selected_cluster::CHECK,
    &serve::rejected::CHECK,
    &serve::service_port::CHECK,
    &entrypoint_variables::CHECK,
    &no_cpus::CHECK,
    &submitter_sidecar::CHECK,
    &managed_by::CHECK,
    &kueues_own::CHECK,
    &submitter_without_container::CHECK,
];

//! RG1xx: what KubeRay itself refuses, after the object exists. A code ends in the number of its rule in this project's
//! count of KubeRay's rules (`validation.go`, the RayCluster controller and the CRD, KubeRay 1.1 to 1.7).
//!
//! All rules look at once, where KubeRay stops at the first that is broken. Rules on the cluster's spec hold since
//! KubeRay 1.4, which asks them of the RayJob; 1.3 asked most of them of the RayCluster alone, and the RayJob waited for
//! it in vain. They hold beside a `clusterSelector` too, as in KubeRay, except for those that only the RayCluster meets
//! (RG181 to RG185): with a selector none is made. `spec.managedBy` changes nothing here: where another controller
//! manages the object, a KubeRay of another cluster refuses it later.
//!
//! A rule is one check with one code for all kinds. The rules on the cluster's spec hold for every kind, those on the job for
//! RayJobs and RayCronJobs. RG173 to RG179 and RG187 to RG197 are those of the other kinds alone.
//!
//! These rules have no check of their own:
//!
//! | Rule | Why |
//! |---|---|
//! | RG145, no `minReplicas` or `maxReplicas` without autoscaling | the CRD fills in both before admission |
//! | RG180, the RayCluster's name | KubeRay makes it of the RayJob's: RG101 and RG102 say so already |
//! | RG182, a cluster both suspending and suspended | nobody can correct a status: it warns |
//! | RG184, TLS without cert-manager | the object does not show what is installed in the cluster |
//! | RG186, a child that the API server refuses | RG2xx to RG6xx find the causes in the pod templates |

pub mod autoscaler;
pub mod cluster;
pub mod cron_job;
pub mod deletion;
pub mod fault_tolerance;
mod fields;
pub mod groups;
pub mod job;
pub mod name;
pub mod ray_version;
pub mod security;
pub mod service;
pub mod submission;

use crate::rules::Check;

use fields::{
    CLUSTER_RULES, DELETION_GATE, gate_off, head_container, head_variable, position, restart_policy, validation,
};

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &name::too_long::CHECK,
    &name::not_a_label::CHECK,
    &job::suspended_without_shutdown::CHECK,
    &job::negative_ttl::CHECK,
    &job::ttl_without_shutdown::CHECK,
    &deletion::gate_off::CHECK,
    &deletion::rules_with_shutdown::CHECK,
    &deletion::two_styles::CHECK,
    &deletion::empty_strategy::CHECK,
    &deletion::one_end_only::CHECK,
    &deletion::no_policy::CHECK,
    &deletion::selected_cluster::CHECK,
    &deletion::workers_with_autoscaling::CHECK,
    &deletion::shutdown_and_keep::CHECK,
    &deletion::rule_condition::CHECK,
    &deletion::rule_negative_ttl::CHECK,
    &deletion::rule_on_selected_cluster::CHECK,
    &deletion::rule_twice::CHECK,
    &deletion::rule_order::CHECK,
    &job::suspended_on_selected_cluster::CHECK,
    &job::no_cluster::CHECK,
    &job::selector_without_name::CHECK,
    &submission::sidecar_on_selected_cluster::CHECK,
    &job::retries_on_selected_cluster::CHECK,
    &submission::interactive_retries::CHECK,
    &submission::sidecar_template::CHECK,
    &submission::sidecar_config::CHECK,
    &submission::sidecar_restart_policy::CHECK,
    &security::kubernetes_tokens::CHECK,
    &job::runtime_env::CHECK,
    &job::active_deadline::CHECK,
    &job::pre_running_deadline::CHECK,
    &job::negative_retries::CHECK,
    &submission::waiting_in_another_mode::CHECK,
    &groups::head_without_container::CHECK,
    &groups::workers_without_container::CHECK,
    &groups::resources_twice::CHECK,
    &groups::labels_parameter::CHECK,
    &groups::label_syntax::CHECK,
    &groups::negative_minimum::CHECK,
    &groups::negative_maximum::CHECK,
    &groups::minimum_above_maximum::CHECK,
    &autoscaler::group_idle_timeout::CHECK,
    &autoscaler::group_priority::CHECK,
    &fault_tolerance::annotation_and_options::CHECK,
    &fault_tolerance::address_without_options::CHECK,
    &fault_tolerance::password_parameter::CHECK,
    &fault_tolerance::password_variable::CHECK,
    &fault_tolerance::address_variable::CHECK,
    &fault_tolerance::namespace_annotation::CHECK,
    &fault_tolerance::username::CHECK,
    &fault_tolerance::embedded_store::CHECK,
    &fault_tolerance::storage_with_redis::CHECK,
    &groups::suspended_gate_off::CHECK,
    &groups::suspended_with_autoscaling::CHECK,
    &autoscaler::v2_without_autoscaling::CHECK,
    &autoscaler::version_twice::CHECK,
    &autoscaler::restarting_head::CHECK,
    &autoscaler::restarting_workers::CHECK,
    &autoscaler::negative_idle_timeout::CHECK,
    &autoscaler::start_command::CHECK,
    &cluster::history_server::CHECK,
    &security::token_without_ray_version::CHECK,
    &security::kubernetes_token_options::CHECK,
    &security::network_policy::CHECK,
    &security::tls::CHECK,
    &cluster::upgrade_type::CHECK,
    &cluster::upgrade_of_a_child::CHECK,
    &service::initializing_timeout::CHECK,
    &service::head_service_name::CHECK,
    &service::upgrade_type::CHECK,
    &service::deletion_delay::CHECK,
    &service::upgrade_without_autoscaler::CHECK,
    &cluster::upgrade_strategy::CHECK,
    &cluster::suspending_and_suspended::CHECK,
    &autoscaler::restarting_workers_v1::CHECK,
    &groups::object_store::CHECK,
    &service::upgrade_options::CHECK,
    &service::step_above_surge::CHECK,
    &cron_job::schedule::CHECK,
    &cron_job::schedule_zone::CHECK,
    &cron_job::time_zone::CHECK,
    &cron_job::never::CHECK,
    &cron_job::too_often::CHECK,
    &service::upgrade_without_type::CHECK,
    &cron_job::gate_off::CHECK,
    &service::upgrade_gate_off::CHECK,
];

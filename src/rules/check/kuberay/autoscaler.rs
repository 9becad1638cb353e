//! Rules on autoscaling (KubeRay 1.6 and 1.7, `validation.go`). KubeRay calls the autoscaler v2 where
//! `autoscalerOptions.version` says so; the variable in the head counts for the groups' settings only.

pub mod group_idle_timeout;
pub mod group_priority;
pub mod negative_idle_timeout;
mod options;
pub mod restarting_head;
pub mod restarting_workers;
pub mod restarting_workers_v1;
pub mod start_command;
pub mod v2_without_autoscaling;
pub mod version_twice;

use options::{V2_FIELD, V2_VARIABLE, is_v2, options, restarting, v2_variable, version};

//! Rules on how the job is submitted (KubeRay 1.6, `validation.go`, `ValidateRayJobSpec` and `ValidateRayJobStatus`).

pub mod interactive_retries;
pub mod sidecar_config;
pub mod sidecar_on_selected_cluster;
pub mod sidecar_restart_policy;
pub mod sidecar_template;
pub mod waiting_in_another_mode;

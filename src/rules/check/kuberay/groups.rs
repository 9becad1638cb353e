//! Rules on the head and the worker groups: containers, replicas, resources, labels and start parameters (KubeRay 1.6,
//! `validation.go`, `ValidateRayClusterSpec`, `validateRayGroupResources` and `validateRayGroupLabels`).

mod group;
pub mod head_without_container;
pub mod label_syntax;
pub mod labels_parameter;
pub mod minimum_above_maximum;
pub mod negative_maximum;
pub mod negative_minimum;
pub mod object_store;
pub mod resources_twice;
pub mod suspended_gate_off;
pub mod suspended_with_autoscaling;
pub mod workers_without_container;

use group::{negative, suspended, without_containers};

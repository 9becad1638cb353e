//! RG5xx: worker groups, start parameters, ports, probes and the order of containers.

pub mod autoscaler_needs;
mod bounds;
pub mod container_order;
pub mod group_name;
pub mod hosts;
pub mod max_pods;
pub mod max_workers;
pub mod min_above_max;
pub mod no_dashboard;
pub mod own_command;
pub mod ports;
pub mod probes;
pub mod replicas;
pub mod reserved_parameters;
pub mod shell_in_parameters;
pub mod unbounded;
pub mod unknown_parameters;

use crate::rules::Check;
use bounds::bounds;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &group_name::CHECK,
    &container_order::CHECK,
    &hosts::CHECK,
    &replicas::CHECK,
    &unbounded::CHECK,
    &max_workers::CHECK,
    &max_pods::CHECK,
    &min_above_max::CHECK,
    &shell_in_parameters::CHECK,
    &reserved_parameters::CHECK,
    &no_dashboard::CHECK,
    &ports::CHECK,
    &probes::CHECK,
    &autoscaler_needs::CHECK,
    &own_command::CHECK,
    &unknown_parameters::CHECK,
];

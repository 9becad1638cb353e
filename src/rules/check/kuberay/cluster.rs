//! Rules on the RayCluster, also the one that KubeRay makes of another object: its history server, its upgrades and its status (KubeRay 1.6 and
//! 1.7, `validation.go`).

pub mod history_server;
pub mod suspending_and_suspended;
pub mod upgrade_of_a_child;
pub mod upgrade_strategy;
pub mod upgrade_type;

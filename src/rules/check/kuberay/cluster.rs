//! Rules on the RayCluster that KubeRay makes of the RayJob: its history server, its upgrades and its status (KubeRay 1.6 and
//! 1.7, `validation.go`).

pub mod history_server;
pub mod suspending_and_suspended;
pub mod upgrade_strategy;

//! RG3xx: accelerators and shared memory.

mod fields;
pub mod foreign_shm_volume;
pub mod head_accelerators;
pub mod init_accelerators;
pub mod max_accelerators;
pub mod max_gpus;
pub mod missing_toleration;
pub mod mixed_devices;
pub mod num_gpus_above;
pub mod num_gpus_below;
pub mod object_store_above_shm;
pub mod shm_not_memory;
pub mod shm_path;
pub mod shm_size;
pub mod shm_without_bound;
pub mod sidecar_accelerators;
pub mod small_shm;
pub mod stray_toleration;
pub mod submitter_accelerators;
pub mod tpu_topology;
pub mod uncounted_device;
pub mod unknown_device;
pub mod unknown_resource;

use crate::rules::Check;
use fields::{devices, is_device, resource_path, shm_size_path};

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &unknown_resource::CHECK,
    &submitter_accelerators::CHECK,
    &head_accelerators::CHECK,
    &shm_size::CHECK,
    &object_store_above_shm::CHECK,
    &shm_path::CHECK,
    &foreign_shm_volume::CHECK,
    &shm_not_memory::CHECK,
    &shm_without_bound::CHECK,
    &max_gpus::CHECK,
    &num_gpus_above::CHECK,
    &num_gpus_below::CHECK,
    &uncounted_device::CHECK,
    &mixed_devices::CHECK,
    &init_accelerators::CHECK,
    &missing_toleration::CHECK,
    &stray_toleration::CHECK,
    &tpu_topology::CHECK,
    &sidecar_accelerators::CHECK,
    &small_shm::CHECK,
    &unknown_device::CHECK,
    &max_accelerators::CHECK,
];

//! Rules on the fault tolerance of Ray's global control store, GCS (KubeRay 1.6, `validation.go`). Values of variables and
//! parameters may be secrets and are never repeated.

pub mod address_variable;
pub mod address_without_options;
pub mod annotation_and_options;
pub mod embedded_store;
pub mod namespace_annotation;
mod options;
pub mod password_parameter;
pub mod password_variable;
pub mod storage_with_redis;
pub mod username;

use options::{
    ENABLED, WITH_BACKENDS, annotation, beside_options, head_parameter, instead, is_embedded, options, options_path,
};

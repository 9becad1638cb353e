//! raygate: the admission gate for Ray on Kubernetes.
//!
//! It stands between whoever creates a RayJob (Flyte, most of the time) and KubeRay: it completes the job with
//! what the platform knows, repairs what it safely can, refuses what cannot work, and says why.
//!
//! A request goes one way through the modules, and each may use only those to its right:
//!
//! `cli → self_managed → {server, play, install, suite, input} → reload → {certs, cluster, metrics, files} → telemetry → admission → engine → rules → policy → cel → ray → k8s → yaml → {diag, json}`
//!
//! From `engine` rightwards everything is a pure function of the request and the policy bundle: no clock, no
//! network, no files, no environment. `tests/architecture.rs` holds both statements.

pub mod admission;
pub mod cel;
pub mod certs;
pub mod cli;
pub mod cluster;
pub mod diag;
pub mod engine;
pub mod facts;
pub mod files;
pub mod input;
pub mod install;
pub mod json;
pub mod k8s;
pub mod metrics;
pub mod observe;
pub mod play;
pub mod policy;
pub mod ray;
pub mod reload;
pub mod rules;
pub mod self_managed;
pub mod server;
pub mod suite;
pub mod telemetry;
pub mod yaml;

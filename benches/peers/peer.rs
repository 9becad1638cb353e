//! The webhook in Go, built once from its module.

use std::path::{Path, PathBuf};

use crate::go;

/// The program; none on a machine without Go, which is said loudly.
pub(crate) fn build() -> Option<PathBuf> {
    if !go::is_installed() {
        eprintln!(
            "SKIPPED: there is no `go` on the path to build the Go webhook with; it is left out of the comparison"
        );
        return None;
    }
    let program = go::Program {
        name: "controller-runtime",
        source: &Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/controller-runtime"),
        files: &["main.go", "go.mod", "go.sum"],
        package: ".",
        ldflags: "-s -w",
        told: "the Go webhook that raygate is measured against: once, some minutes on two cores",
    };
    Some(program.build())
}

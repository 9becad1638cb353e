//! Helm, built from its module.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::go;

/// The folder of our chart.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/chart");

/// A Helm that is not told which Kubernetes it was made for takes it for 1.20.
const LDFLAGS: &str = "-s -w -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 \
                       -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=37";

/// The program; none on a machine without Go, which is said loudly, and a failure under `RAYGATE_REQUIRE_GO=1`.
pub fn helm() -> Option<PathBuf> {
    if go::is_installed() {
        let program = go::Program {
            name: "helm",
            source: &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helm"),
            files: &["go.mod", "go.sum"],
            package: "helm.sh/helm/v3/cmd/helm",
            ldflags: LDFLAGS,
            told: "Helm for the tests of the chart: once, some minutes on two cores",
        };
        return Some(program.build());
    }
    assert!(
        std::env::var_os("RAYGATE_REQUIRE_GO").is_none_or(|value| value != "1"),
        "RAYGATE_REQUIRE_GO=1, but there is no `go` on the path to build Helm with"
    );
    // Written past the test harness, which keeps the output of a passing test to itself.
    let told = b"SKIPPED: the chart is not tried, there is no `go` on the path to build Helm with\n";
    std::io::stderr().write_all(told).expect("stderr is open");
    None
}

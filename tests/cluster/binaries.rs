//! Where the programs of the control plane come from: `KUBEBUILDER_ASSETS`, or built once with Go.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::go;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/controlplane");

/// How to start each part of the control plane.
pub(crate) enum Binaries {
    /// A folder with one program for each part.
    Assets(PathBuf),
    /// Our own program, whose first argument is the part.
    Built(PathBuf),
}

impl Binaries {
    /// The programs to use, built first if need be. `Err` says what is missing on this machine.
    pub(crate) fn locate() -> Result<Self, String> {
        if let Some(assets) = env::var_os("KUBEBUILDER_ASSETS") {
            let assets = PathBuf::from(assets);
            return match ["etcd", "kube-apiserver"]
                .iter()
                .find(|part| !assets.join(part).is_file())
            {
                Some(part) => Err(format!(
                    "KUBEBUILDER_ASSETS is {} but holds no {part}",
                    assets.display()
                )),
                None => Ok(Self::Assets(assets)),
            };
        }
        if !go::is_installed() {
            return Err("Go is not installed (no `go` in PATH), and KUBEBUILDER_ASSETS is not set".to_owned());
        }
        Ok(Self::Built(build()))
    }

    /// The command of a part; none where the folder does not hold it.
    pub(crate) fn command(&self, part: &str) -> Option<Command> {
        match self {
            Self::Assets(folder) => {
                let program = folder.join(part);
                program.is_file().then(|| Command::new(program))
            }
            Self::Built(program) => {
                let mut command = Command::new(program);
                command.arg(part);
                Some(command)
            }
        }
    }
}

fn build() -> PathBuf {
    let version = kubernetes_version();
    let program = go::Program {
        name: "controlplane",
        source: Path::new(SOURCE),
        files: &["main.go", "go.mod", "go.sum"],
        package: ".",
        ldflags: &format!("-s -w -X k8s.io/component-base/version.gitVersion={version}"),
        told: "the Kubernetes control plane of the cluster tests with Go: once, some six minutes on two cores",
    };
    program.build()
}

/// What the servers must say their version is: clients refuse one that says none.
fn kubernetes_version() -> String {
    let module = fs::read_to_string(Path::new(SOURCE).join("go.mod")).expect("read go.mod");
    let version = module
        .lines()
        .find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "));
    version.expect("go.mod requires k8s.io/kubernetes").to_owned()
}

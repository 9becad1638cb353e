//! Where the programs of the control plane come from: `KUBEBUILDER_ASSETS`, or built once with Go.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

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
        let go = Command::new("go").arg("version").output();
        if !go.is_ok_and(|output| output.status.success()) {
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

/// Builds the control plane below the target folder, named after the sources, unless that has been done before.
fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("a folder above the target's tmp");
    let folder = target.join("controlplane");
    fs::create_dir_all(&folder).expect("create the control plane's folder");
    let program = folder.join(format!("controlplane-{}", source_digest()));

    // Test processes that run at the same time wait here for the first one's build.
    let lock = File::create(folder.join("lock")).expect("create the build's lock file");
    lock.lock().expect("lock the build");
    if program.is_file() {
        return program;
    }
    eprintln!(
        "building the Kubernetes control plane of the cluster tests with Go: once, some six minutes on two cores"
    );
    for outdated in fs::read_dir(&folder)
        .expect("read the control plane's folder")
        .flatten()
    {
        if outdated.file_name().to_string_lossy().starts_with("controlplane-") {
            let _ = fs::remove_file(outdated.path());
        }
    }
    let unfinished = folder.join("unfinished");
    let status = Command::new("go")
        .current_dir(SOURCE)
        .args(["build", "-trimpath", "-ldflags"])
        .arg(format!(
            "-s -w -X k8s.io/component-base/version.gitVersion={}",
            kubernetes_version()
        ))
        .arg("-o")
        .arg(&unfinished)
        .arg(".")
        .status()
        .expect("run go build");
    assert!(status.success(), "go build of {SOURCE} failed with {status}");
    fs::rename(&unfinished, &program).expect("name the built control plane");
    program
}

fn source_digest() -> String {
    let mut digest = Sha256::new();
    for file in ["main.go", "go.mod", "go.sum"] {
        let bytes = fs::read(Path::new(SOURCE).join(file)).expect("read the control plane's source");
        digest.update(bytes.len().to_le_bytes());
        digest.update(bytes);
    }
    digest
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What the servers must say their version is: clients refuse one that says none.
fn kubernetes_version() -> String {
    let module = fs::read_to_string(Path::new(SOURCE).join("go.mod")).expect("read go.mod");
    let version = module
        .lines()
        .find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "));
    version.expect("go.mod requires k8s.io/kubernetes").to_owned()
}

//! Where kubectl is.

use std::{env, io::Write as _, path::PathBuf};

/// `RAYGATE_KUBECTL`, which then has to work, or a kubectl on the path, if there is one; it is said loudly if not.
pub fn kubectl() -> Option<PathBuf> {
    let on_path = || {
        let path = env::var_os("PATH")?;
        env::split_paths(&path)
            .map(|directory| directory.join("kubectl"))
            .find(|file| file.is_file())
    };
    let kubectl = env::var_os("RAYGATE_KUBECTL").map(PathBuf::from).or_else(on_path);
    if kubectl.is_none() {
        // Written past the test harness, which keeps the output of a passing test to itself.
        let told = b"SKIPPED: kustomize is not tried; put a kubectl on the path, or name one in RAYGATE_KUBECTL\n";
        std::io::stderr().write_all(told).unwrap();
    }
    kubectl
}

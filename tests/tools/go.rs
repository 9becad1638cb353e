//! Programs that the tests build with Go, once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// A Go program of the tests.
pub struct Program<'a> {
    /// What it is called, and its folder below the target folder.
    pub name: &'a str,
    /// The folder of its module.
    pub source: &'a Path,
    /// The files of the module: a change of one of them makes another program.
    pub files: &'a [&'a str],
    /// The package to build.
    pub package: &'a str,
    /// Flags of the linker.
    pub ldflags: &'a str,
    /// What is built, for whom, and how long it takes.
    pub told: &'a str,
}

/// Whether a Go is on the path.
pub fn is_installed() -> bool {
    let go = Command::new("go").arg("version").output();
    go.is_ok_and(|output| output.status.success())
}

impl Program<'_> {
    /// Builds the program below the target folder, named after the sources, unless that has been done before.
    pub fn build(&self) -> PathBuf {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .expect("a folder above the target's tmp");
        let folder = target.join(self.name);
        fs::create_dir_all(&folder).expect("create the program's folder");
        let program = folder.join(format!("{}-{}", self.name, self.source_digest()));

        // Test processes that run at the same time wait here for the first one's build.
        let lock = File::create(folder.join("lock")).expect("create the build's lock file");
        lock.lock().expect("lock the build");
        if program.is_file() {
            return program;
        }
        eprintln!("building {}", self.told);
        for outdated in fs::read_dir(&folder).expect("read the program's folder").flatten() {
            if outdated
                .file_name()
                .to_string_lossy()
                .starts_with(&format!("{}-", self.name))
            {
                let _ = fs::remove_file(outdated.path());
            }
        }
        let unfinished = folder.join("unfinished");
        let status = Command::new("go")
            .current_dir(self.source)
            .args(["build", "-trimpath", "-ldflags", self.ldflags, "-o"])
            .arg(&unfinished)
            .arg(self.package)
            .status()
            .expect("run go build");
        assert!(
            status.success(),
            "go build of {} failed with {status}",
            self.source.display()
        );
        fs::rename(&unfinished, &program).expect("name the built program");
        program
    }

    fn source_digest(&self) -> String {
        let mut digest = Sha256::new();
        for file in self.files {
            let bytes = fs::read(self.source.join(file)).expect("read the program's source");
            digest.update(bytes.len().to_le_bytes());
            digest.update(bytes);
        }
        let digest = digest.finalize();
        digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

//! A mounted ConfigMap.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

/// A volume as the kubelet keeps it: the files are links into `..data`, which is a link to a folder for each version and
/// is exchanged in one step.
pub struct ConfigMap {
    dir: TempDir,
    version: usize,
}

impl ConfigMap {
    /// A volume with these files: names and texts.
    pub fn new(files: &[(&str, String)]) -> Self {
        let mut volume = Self {
            dir: TempDir::new().unwrap(),
            version: 0,
        };
        volume.update(files);
        for (name, _) in files {
            symlink(Path::new("..data").join(name), volume.path().join(name)).unwrap();
        }
        volume
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Exchanges all files at once.
    pub fn update(&mut self, files: &[(&str, String)]) {
        let path = |name: &str| self.dir.path().join(name);
        let former = fs::read_link(path("..data")).ok();
        self.version += 1;
        let version = format!("..2026_11_26_{}", self.version);
        fs::create_dir(path(&version)).unwrap();
        for (name, text) in files {
            fs::write(path(&version).join(name), text).unwrap();
        }
        symlink(&version, path("..data_tmp")).unwrap();
        fs::rename(path("..data_tmp"), path("..data")).unwrap();
        if let Some(former) = former {
            fs::remove_dir_all(path("").join(former)).unwrap();
        }
    }
}

//! Child processes that never outlive the tests, and waiting for a condition.

use std::fmt::Display;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything that starts, stops or spreads through the control plane may take. Far above what any of it needs,
/// so that a slow machine does not fail a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Asks `probe` until it succeeds; panics with `what` and the last failure once [`PATIENCE`] has run out.
pub(crate) fn wait_for<T, E: Display>(what: &str, mut probe: impl FnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match probe() {
            Ok(found) => return found,
            Err(state) => {
                assert!(
                    start.elapsed() < PATIENCE,
                    "gave up after {PATIENCE:?} waiting for {what}: {state}"
                );
            }
        }
        thread::sleep(Duration::from_millis(25));
    }
}

/// A process group that ends with the test process, however that ends.
///
/// Drop guards end the children of a test that passes, fails or panics, but not those of a test process that is killed.
/// The group's leader therefore waits on a pipe that only the test process holds, and kills its group when it closes.
/// As long as the leader waits, the group's id cannot be given to anyone else.
pub(crate) struct Group {
    leader: Child,
}

impl Group {
    pub(crate) fn new() -> io::Result<Self> {
        use std::os::unix::process::CommandExt;
        let leader = Command::new("sh")
            .args(["-c", "read -r _; kill -s KILL 0"])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()?;
        Ok(Self { leader })
    }

    fn id(&self) -> i32 {
        i32::try_from(self.leader.id()).expect("a process id fits 31 bits")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(self.leader.stdin.take());
        let _ = self.leader.wait();
    }
}

/// A child process in the background, killed on drop. What it prints goes to `<folder>/<name>.log`.
pub(crate) struct Daemon {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    pub(crate) fn start(group: &Group, name: &str, command: &mut Command, folder: &Path) -> Self {
        use std::os::unix::process::CommandExt;
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).expect("create a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("share a log file"))
            .stderr(output)
            .process_group(group.id())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// Everything that the process has printed until now.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Nothing while the process runs; the end of its log once it has ended by itself.
    pub(crate) fn last_words(&mut self) -> Option<String> {
        let status = self.child.try_wait().expect("ask for a child's state")?;
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.split_at(lines.len().saturating_sub(30)).1.join("\n");
        Some(format!("{} ended with {status}; its last words:\n{tail}", self.name))
    }

    /// Panics if the process has ended by itself.
    #[track_caller]
    pub(crate) fn assert_running(&mut self) {
        if let Some(last_words) = self.last_words() {
            panic!("{last_words}");
        }
    }

    /// The process id. It stays this child's until the child has been waited for.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM, as a kubelet sends it.
    pub(crate) fn terminate(&mut self) {
        // Until it is waited for, the id of an ended child is not given away.
        let status = Command::new("sh")
            .args(["-c", "kill -s TERM \"$0\"", &self.id().to_string()])
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "cannot send SIGTERM to {}",
            self.name
        );
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let child = &mut self.child;
        wait_for(&format!("{} to end", self.name), || {
            child
                .try_wait()
                .expect("ask for a child's state")
                .ok_or("still running")
        })
    }

    /// SIGKILL: gone at once, without a word.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

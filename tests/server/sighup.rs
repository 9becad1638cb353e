//! The command itself, told by signals to reload and to end.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

use crate::client::get;
use crate::harness::{PATIENCE, eventually};
use crate::reload::{broken_files, digest, files, write};

/// `raygate serve`, killed when it is dropped.
struct Raygate {
    child: Child,
    log: Arc<Mutex<Vec<Value>>>,
}

impl Raygate {
    fn serve(policies: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_raygate"))
            .args(["serve", "--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0"])
            // Only a signal makes it look at its files within this test.
            .args(["--poll", "1h", "--log-format", "json", "--policies"])
            .arg(policies)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                written.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, log }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for a line of the log with this message, and takes everything up to it out.
    async fn until_logged(&self, message: &str) -> Value {
        let found = Mutex::new(None);
        eventually(message, async || {
            let mut log = self.log.lock().unwrap();
            let at = log.iter().position(|line| line["message"] == message);
            *found.lock().unwrap() = at.and_then(|at| log.drain(..=at).next_back());
            at.is_some()
        })
        .await;
        found.into_inner().unwrap().unwrap()
    }
}

impl Drop for Raygate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reloads_at_once_and_sigterm_ends() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), &files(1));
    let mut raygate = Raygate::serve(dir.path());
    let serving = raygate.until_logged("serving").await;
    let admin: SocketAddr = serving["metrics"].as_str().unwrap().parse().unwrap();
    let bundle = |generation| format!("raygate_policy_bundle_info{{digest=\"{}\"}} 2\n", digest(generation));
    assert!(get(admin, "/metrics").await.body_text().contains(&bundle(1)));

    write(dir.path(), &files(2));
    raygate.signal("HUP");
    let replaced = raygate.until_logged("policies replaced").await;
    assert_eq!(
        (&replaced["bundle"], &replaced["former"]),
        (&digest(2).into(), &digest(1).into())
    );
    assert!(get(admin, "/metrics").await.body_text().contains(&bundle(2)));

    write(dir.path(), &broken_files(3));
    let refused = "the policy files cannot be used, the former policies stay in use";
    // Whoever asks again is answered again.
    for _ in 0..2 {
        raygate.signal("HUP");
        let line = raygate.until_logged(refused).await;
        assert_eq!((&line["level"], &line["bundle"]), (&"ERROR".into(), &digest(2).into()));
        let place = format!("{}:9:", dir.path().join("second.yaml").display());
        assert!(line["error"].as_str().unwrap().starts_with(&place), "{line}");
    }
    let ready = get(admin, "/readyz?verbose").await;
    assert!(
        ready.status == 200 && ready.body_text().contains("[!] policy files"),
        "{ready:?}"
    );

    write(dir.path(), &files(2));
    raygate.signal("HUP");
    raygate.until_logged("the policy files hold again what is in use").await;
    raygate.signal("HUP");
    raygate.until_logged("SIGHUP: the policy files are as they were").await;

    raygate.signal("TERM");
    raygate.until_logged("stopped").await;
    let give_up = std::time::Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = raygate.child.try_wait().unwrap() {
            break status;
        }
        assert!(std::time::Instant::now() < give_up, "it does not end");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert!(status.success(), "{status}");
}

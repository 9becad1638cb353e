//! `raygate serve` as a process of its own, with its log.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::harness::{PATIENCE, eventually};

/// The process, killed when it is dropped.
pub(crate) struct Raygate {
    child: Child,
    log: Arc<Mutex<Vec<Value>>>,
}

impl Raygate {
    /// Starts it on two free ports of this machine, with more arguments and environment.
    pub(crate) fn serve(with: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_raygate"));
        command
            .args(["serve", "--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0"])
            .args(["--log-format", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        with(&mut command);
        let mut child = command.spawn().unwrap();
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

    /// Waits until it serves. The addresses for reviews, and for probes and scrapers.
    pub(crate) async fn serving(&self) -> (SocketAddr, SocketAddr) {
        let line = self.until_logged("serving").await;
        let address = |port: &str| line[port].as_str().unwrap().parse().unwrap();
        (address("webhook"), address("metrics"))
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for a line of the log with this message, and takes everything up to it out.
    pub(crate) async fn until_logged(&self, message: &str) -> Value {
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

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let give_up = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(tokio::time::Instant::now() < give_up, "it does not end");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Raygate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The servers, each a process of its own on one core.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use tempfile::TempDir;

use crate::cells::Cell;
use crate::http;
use crate::load;
use crate::peer;
use crate::process::{Daemon, Group, wait_for};
use crate::results::{Sample, Stages};
use crate::reviews::Reviews;
use crate::{certificate, floor, usage};

/// The core of whichever server is measured, and that of the load.
pub(crate) struct Cores {
    server: usize,
}

impl Cores {
    /// Moves this process to one core, and keeps another for the servers. `Err` says what is missing on this machine.
    pub(crate) fn find() -> Result<Self, String> {
        let status = fs::read_to_string("/proc/self/status").map_err(|_| "there is no /proc".to_owned())?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let cores = list.map(|list| cores(list.trim())).unwrap_or_default();
        let [server, load, ..] = cores[..] else {
            return Err("there is only one core, which server and load would share".to_owned());
        };
        let moved = Command::new("taskset")
            .args(["-a", "-p", "-c", &load.to_string(), &std::process::id().to_string()])
            .output();
        if moved.is_ok_and(|output| output.status.success()) {
            Ok(Self { server })
        } else {
            Err("there is no `taskset` on the path to bind processes to cores with".to_owned())
        }
    }
}

/// The cores of a list such as `0-3,8`.
fn cores(list: &str) -> Vec<usize> {
    let ranges = list.split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}

/// A running server.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    address: SocketAddr,
    admin: SocketAddr,
    daemon: Daemon,
}

impl Running {
    pub(crate) fn process(&self) -> u32 {
        self.daemon.id()
    }
}

/// All of them; gone when dropped.
pub(crate) struct Servers {
    running: Vec<Running>,
    config: Arc<ClientConfig>,
    cores: Cores,
    group: Group,
    folder: TempDir,
}

impl Servers {
    /// Starts all that can be started here, and waits until each is ready.
    pub(crate) fn start(cores: Cores) -> Self {
        let folder = TempDir::with_prefix_in("servers-", env!("CARGO_TARGET_TMPDIR")).expect("create a folder");
        let config = certificate::make(folder.path());
        let group = Group::new().expect("start the leader of the process group");
        let mut servers = Self {
            running: Vec::new(),
            config,
            cores,
            group,
            folder,
        };
        let itself = std::env::current_exe().expect("the path of this program");
        for name in ["null", "parse"] {
            servers.add(name, &itself, |command, folder, [address, admin]| {
                command.args([floor::FLAG, name]).arg(folder);
                command.args([address.to_string(), admin.to_string()]);
            });
        }
        servers.add_raygate("raygate", &[]);
        let policies = Path::new(env!("CARGO_MANIFEST_DIR"));
        let [shipped, rule] = ["policies/default.yaml", "benches/server/policies/rule.yaml"].map(|file| {
            let copy = servers.folder.path().join(Path::new(file).file_stem().expect("a name"));
            fs::create_dir(&copy).expect("create a folder of policies");
            fs::copy(policies.join(file), copy.join("policy.yaml")).expect("copy a policy");
            copy
        });
        servers.add_raygate("raygate-rule", &[&shipped, &rule]);
        if let Some(peer) = peer::build() {
            servers.add("go", &peer, |command, folder, [address, _]| {
                command
                    .args(["--port", &address.port().to_string(), "--cert-dir"])
                    .arg(folder);
            });
        }
        for server in &servers.running {
            wait_for(server.name, || std::net::TcpStream::connect(server.address));
        }
        servers
    }

    fn add_raygate(&mut self, name: &'static str, policies: &[&Path]) {
        self.add(
            name,
            Path::new(env!("CARGO_BIN_EXE_raygate")),
            |command, folder, addresses| {
                raygate_arguments(command, folder, addresses);
                for policy in policies {
                    command.arg("--policies").arg(policy);
                }
            },
        );
    }

    fn add(&mut self, name: &'static str, program: &Path, arguments: impl Fn(&mut Command, &Path, [SocketAddr; 2])) {
        let addresses @ [address, admin] = free_addresses();
        let mut command = self.pinned(program);
        arguments(&mut command, self.folder.path(), addresses);
        let daemon = Daemon::start(&self.group, name, &mut command, self.folder.path());
        self.running.push(Running {
            name,
            address,
            admin,
            daemon,
        });
    }

    /// The command of a program that runs on the servers' core and gets nothing from this process's environment.
    fn pinned(&self, program: &Path) -> Command {
        let mut command = Command::new("taskset");
        command.args(["-c", &self.cores.server.to_string()]).arg(program);
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    pub(crate) fn all(&self) -> &[Running] {
        &self.running
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.running.iter().any(|server| server.name == name)
    }

    pub(crate) fn get(&self, name: &str) -> &Running {
        let found = self.running.iter().find(|server| server.name == name);
        found.unwrap_or_else(|| panic!("no server is called {name}"))
    }

    /// One server under one load for so long.
    pub(crate) fn measure(&self, cell: &Cell, reviews: &Reviews, time: Duration) -> Sample {
        let server = self.get(cell.server);
        let requests = reviews.requests(cell);
        let mut looks = Vec::new();
        let answers = load::run(server.address, &self.config, &requests, cell.connections, time, || {
            looks.push(usage::processor_time(server.process()));
        });
        // Its log goes into a file, which is not to fill the disk.
        let log = self.folder.path().join(format!("{}.log", server.name));
        fs::File::create(log).expect("empty a log");
        Sample::new(answers, looks[1].saturating_sub(looks[0]))
    }

    /// Where raygate spends the time of a review, as its own metrics say.
    pub(crate) fn stages(&self, cell: &Cell, reviews: &Reviews, time: Duration) -> Stages {
        let admin = self.get(cell.server).admin;
        let before = sums(admin);
        self.measure(cell, reviews, time);
        let after = sums(admin).into_iter();
        let spent = after
            .zip(before)
            .map(|((stage, sum, count), (_, sum_before, count_before))| {
                let mean = (sum - sum_before) / (count - count_before).max(1.0);
                (stage, mean * 1e6)
            });
        spent.filter(|(_, micros)| *micros > 0.0).collect()
    }

    /// The time from the start of raygate's process to its readiness, many times.
    pub(crate) fn time_starts(&self, times: usize) -> Vec<Duration> {
        let starts = (0..times).map(|_| {
            let addresses @ [_, admin] = free_addresses();
            let mut command = self.pinned(Path::new(env!("CARGO_BIN_EXE_raygate")));
            raygate_arguments(&mut command, self.folder.path(), addresses);
            let start = Instant::now();
            let _daemon = Daemon::start(&self.group, "start", &mut command, self.folder.path());
            while !http::get(admin, "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                assert!(
                    start.elapsed() < Duration::from_secs(30),
                    "raygate does not become ready"
                );
                std::thread::sleep(Duration::from_millis(1));
            }
            start.elapsed()
        });
        starts.collect()
    }
}

fn raygate_arguments(command: &mut Command, folder: &Path, [address, admin]: [SocketAddr; 2]) {
    command.args([
        "serve",
        "--bind",
        &address.to_string(),
        "--metrics-bind",
        &admin.to_string(),
    ]);
    command.arg("--tls-cert").arg(folder.join("tls.crt"));
    command.arg("--tls-key").arg(folder.join("tls.key"));
}

/// Addresses that nobody listens on, held together so that they differ.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("bind a loopback port"));
    listeners.map(|listener| listener.local_addr().expect("a bound port"))
}

/// Sum and count of each stage's histogram.
fn sums(admin: SocketAddr) -> Vec<(String, f64, f64)> {
    let metrics = http::get(admin, "/metrics").expect("raygate's metrics");
    let values = |suffix: &str| -> Vec<(String, f64)> {
        let prefix = format!("raygate_stage_duration_seconds_{suffix}{{stage=\"");
        let lines = metrics
            .lines()
            .filter_map(|line| line.strip_prefix(&prefix)?.split_once("\"} "));
        lines
            .map(|(stage, value)| (stage.to_owned(), value.parse().expect("a number")))
            .collect()
    };
    let (sums, counts) = (values("sum"), values("count"));
    assert!(!sums.is_empty(), "no stages in raygate's metrics");
    let all = sums.into_iter().zip(counts);
    all.map(|((stage, sum), (_, count))| (stage, sum, count)).collect()
}

//! Items 58 to 68: what breaks around raygate.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::binary::{Raygate, create, head};
use crate::jobs::seed;
use crate::process::wait_for;

/// Sends a signal to a process that this test started.
fn signal(raygate: &Raygate, name: &str) {
    let status = Command::new("sh")
        .args(["-c", "kill -s \"$1\" \"$0\"", &raygate.server.id().to_string(), name])
        .status();
    assert!(status.is_ok_and(|status| status.success()), "cannot send {name}");
}

#[test]
fn item_60_certificate_files_that_break() {
    let raygate = Raygate::start();
    let (certificate, key) = (raygate.file("tls.crt"), raygate.file("tls.key"));
    let (good, good_key) = (fs::read(&certificate).expect("read"), fs::read(&key).expect("read"));
    let failures = || raygate.metric("raygate_certificate_reload_failures_total");
    let notice = |before: f64| {
        wait_for("the broken files to be noticed", || {
            if failures() > before { Ok(()) } else { Err(failures()) }
        });
        raygate.assert_serving();
        assert_eq!(raygate.probe("/readyz").status, 200);
    };
    let before = failures();
    fs::write(&certificate, "garbage").expect("write");
    notice(before);
    let before = failures();
    fs::write(&certificate, &good[..good.len() / 2]).expect("write");
    notice(before);
    let other = Raygate::start();
    let before = failures();
    fs::copy(other.file("tls.crt"), &certificate).expect("copy a certificate without its key");
    notice(before);
    let before = failures();
    fs::remove_file(&key).expect("remove the key");
    notice(before);
    fs::write(&certificate, &good).expect("write");
    fs::write(&key, &good_key).expect("write");
    raygate.assert_serving();
}

/// A small review that is not for raygate; answering it costs a line of the log all the same.
fn other() -> Vec<u8> {
    let text = String::from_utf8(create(&json!({"metadata": {"name": "x"}}))).expect("text");
    text.replace("RayJob", "RayTune")
        .replace("rayjobs", "raytunes")
        .into_bytes()
}

#[test]
fn item_61_a_log_pipe_that_nobody_reads() {
    // A reader that stops once raygate serves, and keeps the pipe open.
    let reader = r#"mkfifo pipe; { sed -u '/"message":"serving"/q'; exec sleep 600; } <pipe >&2 & exec 2>pipe; exec"#;
    let raygate = Raygate::start_under(reader, |command, _| {
        command.args(["--log", "trace"]);
    });
    let mut asked = 0;
    // The pipe fills, then the queue before it; from then on lines are dropped and counted, and requests are not.
    while raygate.metric("raygate_log_lines_dropped_total") < 100.0 {
        assert!(
            asked < 100_000,
            "no line was dropped after {asked} reviews: {}",
            raygate.metrics()
        );
        let mut client = raygate.connect();
        for _ in 0..20 {
            assert_eq!(client.post("/mutate", &other()).status, 200);
            asked += 1;
        }
    }
    raygate.assert_serving();
    assert_eq!(raygate.probe("/readyz").status, 200);
}

#[test]
fn item_61_a_log_on_a_full_disk() {
    let ports = [0; 2].map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("find a free port"));
    let addresses = [0, 1].map(|nth: usize| ports[nth].local_addr().expect("an address"));
    drop(ports);
    let mut raygate = Raygate::start_at(addresses, "exec 2>/dev/full; exec", |command, _| {
        command.args(["--log", "trace"]);
    });
    for _ in 0..50 {
        raygate.assert_serving();
    }
    assert_eq!(raygate.probe("/readyz").status, 200);
    raygate.server.assert_running();
    assert_eq!(
        raygate.server.log(),
        "",
        "everything that it said went to the full disk"
    );
}

/// What the loader puts before the C library in `raygate serve`, and in nothing else: `clock.c`.
fn clock(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/clock.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .status();
    match compiled {
        Ok(status) => {
            assert!(status.success(), "clock.c does not compile");
            Some(library)
        }
        Err(error) => {
            eprintln!("SKIPPED: THE CLOCK OF THE SERVER CANNOT BE SET WITHOUT cc: {error}");
            None
        }
    }
}

#[test]
fn item_62_a_clock_that_jumps_by_a_year() {
    const YEAR: f64 = 365.0 * 86_400.0;
    let tools = TempDir::with_prefix("raygate-clock-").expect("create a folder");
    let Some(library) = clock(tools.path()) else { return };
    let raygate = Raygate::start_with(|command, folder| {
        command
            .env("LD_PRELOAD", &library)
            .env("CLOCK_AHEAD", folder.join("ahead"));
    });
    let left = || raygate.metric("raygate_certificate_seconds_left");
    let before = left();
    let jump = |seconds: i64| {
        // Whole at any moment: the server reads it whenever it looks at its clock.
        fs::write(raygate.file("next"), seconds.to_string()).expect("write");
        fs::rename(raygate.file("next"), raygate.file("ahead")).expect("rename");
    };
    let is_near = |seconds: f64| (left() - seconds).abs() < 3_600.0;

    // Forward: the certificate has ended by this clock. It serves on, to whoever still takes it, and readiness says why
    // the others don't.
    let mut kept = raygate.connect();
    assert_eq!(kept.post("/mutate", &create(&seed(1))).status, 200);
    jump(365 * 86_400);
    assert!(
        is_near((before - YEAR).max(0.0)) || is_near(before - YEAR),
        "{} s left of {before}",
        left()
    );
    assert_eq!(
        kept.post("/mutate", &create(&seed(1))).status,
        200,
        "a kept connection is none the older"
    );
    raygate.assert_serving();
    let unready = raygate.probe("/readyz?verbose");
    assert_eq!(unready.status, 503, "{}", unready.text());
    assert!(unready.text().contains("ended at"), "{}", unready.text());

    // Backward: deadlines are none the longer.
    jump(-365 * 86_400);
    assert!(is_near(before + YEAR), "{} s left of {before}", left());
    raygate.assert_serving();
    let mut slow = raygate.connect();
    slow.send(head("POST", "/validate", "content-length: 1000\r\n").as_bytes())
        .expect("send a header");
    assert_eq!(slow.receive().map(|answer| answer.status), Some(408));

    jump(0);
    assert_eq!(raygate.probe("/readyz").status, 200);
    raygate.assert_serving();
    assert!(is_near(before), "{} s left of {before}", left());
}

#[test]
fn item_62_a_twentieth_of_a_processor_and_a_freeze() {
    let raygate = Raygate::start();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let raygate = &raygate;
        scope.spawn(move || {
            // Runs for 5 ms of each 100 ms until the requests are answered.
            while stopped.recv_timeout(Duration::from_millis(5)).is_err() {
                signal(raygate, "STOP");
                let is_over = stopped.recv_timeout(Duration::from_millis(95)).is_ok();
                signal(raygate, "CONT");
                if is_over {
                    break;
                }
            }
        });
        let mut client = raygate.connect();
        for _ in 0..5 {
            let answer = client.post("/mutate", &create(&seed(1)));
            assert!(matches!(answer.status, 200 | 503 | 504), "{}", answer.text());
        }
        stop.send(()).expect("the throttle still runs");
    });
    signal(&raygate, "STOP");
    let mut frozen = raygate_connection(&raygate);
    let waiting = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        frozen
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .expect("ask");
        let mut answer = String::new();
        frozen.read_to_string(&mut answer).expect("an answer");
        answer
    });
    std::thread::sleep(Duration::from_secs(2));
    signal(&raygate, "CONT");
    assert!(waiting.join().expect("no panic").starts_with("HTTP/1.1 200"));
    raygate.assert_serving();
}

fn raygate_connection(raygate: &Raygate) -> TcpStream {
    crate::binary::plain(raygate.admin)
}

#[test]
fn item_62_memory_under_a_thousand_hostile_bodies() {
    let raygate = Raygate::start();
    raygate.assert_serving();
    let mut clients = Vec::new();
    let part = vec![b' '; 512 << 10];
    // Large ones that share a budget, and small ones that need none, all of them unfinished.
    for (declared, sent) in [(8 << 20, 512 << 10), (64 << 10, 60 << 10)]
        .into_iter()
        .cycle()
        .take(1000)
    {
        let mut client = raygate.connect();
        let request = head("POST", "/mutate", &format!("content-length: {declared}\r\n"));
        if client
            .send(request.as_bytes())
            .and_then(|()| client.send(&part[..sent]))
            .is_ok()
        {
            clients.push(client);
        }
    }
    let peak = raygate.peak() >> 20;
    drop(clients);
    assert!(
        peak < 256,
        "1000 connections took {peak} MiB, more than the chart gives a pod"
    );
    raygate.assert_serving();
}

#[test]
fn item_62_no_file_descriptors_left() {
    let raygate = Raygate::start_under("ulimit -n 64; exec", |_, _| {});
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.extend(TcpStream::connect_timeout(&raygate.webhook, Duration::from_millis(200)));
    }
    drop(idle);
    wait_for("raygate to serve again", || {
        let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| raygate.assert_serving()));
        answer.map_err(|_| "not yet")
    });
    assert!(
        raygate.metric("raygate_accept_errors_total") >= 1.0,
        "{}",
        raygate.metrics()
    );
}

#[test]
fn item_65_an_end_in_the_middle() {
    let mut raygate = Raygate::start();
    let mut client = raygate.connect();
    assert_eq!(client.post("/mutate", &create(&seed(1))).status, 200);
    raygate.server.terminate();
    assert!(raygate.server.wait().success());
}

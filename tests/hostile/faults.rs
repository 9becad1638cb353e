//! Items 58 to 68: what breaks around raygate.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::binary::{Raygate, create, head, raygate};
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

/// A server whose log goes to `output`, on ports that were free a moment ago.
fn logging_to(output: Stdio) -> (std::process::Child, [SocketAddr; 2]) {
    let ports = [0; 2].map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("find a free port"));
    let addresses = [0, 1].map(|nth: usize| ports[nth].local_addr().expect("an address"));
    drop(ports);
    let [webhook, admin] = addresses.map(|address| address.to_string());
    let child = raygate()
        .args(["serve", "--bind", &webhook, "--metrics-bind", &admin, "--log", "trace"])
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()
        .expect("start raygate");
    wait_for("raygate to serve", || TcpStream::connect(addresses[1]));
    (child, addresses)
}

/// Asks for the metrics again and again, which is logged nowhere but keeps the server busy, and opens connections
/// whose failed handshakes are.
fn keep_busy(addresses: [SocketAddr; 2]) {
    use std::io::{Read as _, Write as _};
    for _ in 0..2000 {
        let mut noise = crate::binary::plain(addresses[0]);
        let _ = noise.write_all(b"this is no TLS\r\n\r\n");
        let _ = noise.read(&mut [0; 64]);
    }
    let mut probe = crate::binary::plain(addresses[1]);
    probe
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .expect("ask");
    let mut answer = String::new();
    probe.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn item_61_a_log_that_takes_nothing() {
    // A pipe that nobody reads, and a disk that is full.
    let full = File::options().write(true).open("/dev/full").expect("open /dev/full");
    for output in [Stdio::piped(), Stdio::from(full)] {
        let (mut child, addresses) = logging_to(output);
        keep_busy(addresses);
        assert!(child.try_wait().expect("ask for its state").is_none(), "it has ended");
        child.kill().expect("end it");
        let _ = child.wait();
    }
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
    let before = raygate.resident();
    let mut clients = Vec::new();
    let part = vec![b' '; 512 << 10];
    for _ in 0..1000 {
        let mut client = raygate.connect();
        let request = head("POST", "/mutate", &format!("content-length: {}\r\n", 8 << 20));
        if client
            .send(request.as_bytes())
            .and_then(|()| client.send(&part))
            .is_ok()
        {
            clients.push(client);
        }
    }
    let grown = raygate.resident().saturating_sub(before) >> 20;
    drop(clients);
    assert!(grown < 192, "1000 connections took {grown} MiB");
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

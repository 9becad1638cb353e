//! The command itself, told by signals to reload and to end.

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::client::get;
use crate::command::Raygate;
use crate::harness::eventually;
use crate::reload::{broken_files, digest, files, write};

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reloads_at_once_and_sigterm_ends() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), &files(1));
    let mut raygate = Raygate::serve(|command| {
        // Only a signal makes it look at its files within this test.
        command.args(["--poll", "1h", "--policies"]).arg(dir.path());
    });
    let (_, admin) = raygate.serving().await;
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
    let refused = "the policy files contain an error: the last good policies stay in use";
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
    let status = raygate.ended().await;
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_ends_nothing_where_no_files_are_followed() {
    let mut raygate = Raygate::serve(|_| {});
    let (_, admin) = raygate.serving().await;
    raygate.signal("HUP");
    assert_eq!(get(admin, "/readyz").await.status, 200);
    raygate.signal("TERM");
    let status = raygate.ended().await;
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_drain() {
    let mut raygate = Raygate::serve(|command| {
        command.args(["--drain-delay", "1h"]);
    });
    let (webhook, admin) = raygate.serving().await;
    raygate.signal("TERM");
    raygate.until_logged("draining: not ready, still serving").await;
    eventually("not ready", async || get(admin, "/readyz").await.status == 503).await;
    assert!(
        TcpStream::connect(webhook).await.is_ok(),
        "not everybody has heard of it"
    );
    raygate.signal("TERM");
    raygate.until_logged("asked again: stopped without draining").await;
    let status = raygate.ended().await;
    assert!(status.success(), "{status}");
}

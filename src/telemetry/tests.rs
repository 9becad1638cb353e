//! What a line looks like, and what happens when nobody reads.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use tracing_subscriber::util::SubscriberInitExt as _;

use super::*;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn json_fields_stand_at_the_top_level_and_cannot_forge_a_line() {
    let out = Shared::default();
    let (queue, flush) = writer::spawn(out.clone());
    {
        let _scope = json(EnvFilter::new("info"), queue).set_default();
        tracing::info!(uid = "a\n{}", codes = %Commas(&["RG203", "RG405"]), microseconds = 83_u64, "answered");
        tracing::debug!("not this one");
    }
    drop(flush);
    let text = out.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["message"], "answered");
    assert_eq!(line["uid"], "a\n{}");
    assert_eq!(line["codes"], "RG203,RG405");
    assert_eq!(line["microseconds"], 83);
    assert_eq!(line["level"], "INFO");
    assert!(line["timestamp"].is_string());
}

#[test]
fn a_readable_line_quotes_what_a_client_wrote() {
    let out = Shared::default();
    let (queue, flush) = writer::spawn(out.clone());
    {
        let _scope = text(EnvFilter::new("info"), queue).set_default();
        tracing::info!(name = "a\nERROR forged", "answered");
    }
    drop(flush);
    assert_eq!(out.text().lines().count(), 1, "{}", out.text());
}

/// Blocks in its first write until it is told to go on.
struct Stalled {
    entered: Sender<()>,
    release: Receiver<()>,
    out: Shared,
}

impl Write for Stalled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.entered.send(());
        let _ = self.release.recv();
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_stalls_costs_lines_and_never_blocks() {
    let out = Shared::default();
    let (entered, in_write) = channel();
    let (go, release) = channel();
    let (queue, flush) = writer::spawn(Stalled {
        entered,
        release,
        out: out.clone(),
    });
    let dropped = queue.error_counter();
    {
        let _scope = json(EnvFilter::new("info"), queue).set_default();
        tracing::info!("first");
        in_write.recv().unwrap();
        // More than the queue holds: every call must return although the first line is still being written.
        for _ in 0..5000 {
            tracing::info!("more");
        }
    }
    assert!(dropped.dropped_lines() >= 800, "{}", dropped.dropped_lines());
    drop(go);
    drop(flush);
    assert!(out.text().contains("first"));
}

#[test]
fn a_bad_filter_is_named() {
    let error = init(Format::Json, "info,raygate=louder").unwrap_err();
    assert!(error.to_string().contains("info,raygate=louder"), "{error}");
}

#[test]
fn only_two_formats_exist() {
    assert_eq!("json".parse(), Ok(Format::Json));
    assert_eq!("text".parse(), Ok(Format::Text));
    assert!("yaml".parse::<Format>().unwrap_err().contains("`yaml`"));
}

#[test]
fn clipping_never_splits_a_character() {
    assert_eq!(clip("aé", 2), "a");
    assert_eq!(clip("aé", 3), "aé");
    assert_eq!(clip("", 0), "");
}

#[test]
fn a_rate_limit_passes_once_in_a_period() {
    let limit = RateLimit::new(Duration::from_secs(3600));
    assert!(limit.pass());
    assert!(!limit.pass());
    let open = RateLimit::new(Duration::ZERO);
    assert!(open.pass() && open.pass());
}

#[test]
fn a_panic_is_a_line_of_the_log() {
    let out = Shared::default();
    let (queue, flush) = writer::spawn(out.clone());
    let (here, before) = (std::thread::current().id(), std::panic::take_hook());
    // Other tests of this process keep the hook that they know.
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == here {
            log_panic(panic)
        } else {
            before(panic)
        }
    }));
    {
        let _scope = json(EnvFilter::new("info"), queue).set_default();
        let _ = std::panic::catch_unwind(|| panic!("broken: {}", "x".repeat(1000)));
    }
    let _ = std::panic::take_hook();
    drop(flush);
    let line: serde_json::Value = serde_json::from_str(&out.text()).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["panic"].as_str().unwrap().len(), 200);
    assert!(
        line["location"].as_str().unwrap().contains("telemetry/tests.rs"),
        "{line}"
    );
}

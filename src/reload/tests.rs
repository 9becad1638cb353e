//! What a follower does with files that change under it, one look at a time.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use super::*;

/// Files in memory: their content or why they cannot be read; a content with an `x` cannot be used.
#[derive(Clone)]
struct Memory {
    now: Arc<Mutex<Result<String, String>>>,
    used: Arc<Mutex<Vec<String>>>,
}

impl Memory {
    fn holding(content: &str) -> Self {
        Self {
            now: Arc::new(Mutex::new(Ok(content.to_owned()))),
            used: Arc::default(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Fault(String);

impl Source for Memory {
    type Content = String;
    type Taken = String;
    type Error = Fault;

    fn read(&self) -> Result<String, Fault> {
        self.now.lock().unwrap().clone().map_err(Fault)
    }

    fn digest(content: &String) -> Digest {
        let mut digest = [0; 32];
        digest[..content.len()].copy_from_slice(content.as_bytes());
        digest
    }

    fn take(&mut self, content: String) -> Result<String, Fault> {
        if content.contains('x') {
            return Err(Fault(format!("cannot use {}", content.trim())));
        }
        self.used.lock().unwrap().push(content.clone());
        Ok(content)
    }

    fn report(&mut self, _found: &Found<String, Fault>, _asked: bool) {}
}

fn following(first: &str) -> (Follower<Memory>, Memory) {
    let files = Memory::holding(first);
    let follower = Follower::using(files.clone(), Memory::digest(&first.to_owned()));
    (follower, files)
}

/// One look, in a word.
fn look(follower: &mut Follower<Memory>) -> String {
    match follower.look() {
        Found::Same => "same".to_owned(),
        Found::Unsettled => "unsettled".to_owned(),
        Found::New(content) => format!("new {content}"),
        Found::Mended => "mended".to_owned(),
        Found::Broken { error, known: false } => format!("broken: {error}"),
        Found::Broken { error, known: true } => format!("still: {error}"),
    }
}

/// Each content of the files, and what a look at it finds.
fn walk(first: &str, steps: &[(Result<&str, &str>, &str)]) {
    let (mut follower, files) = following(first);
    for (at, (now, expected)) in steps.iter().enumerate() {
        *files.now.lock().unwrap() = now.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(look(&mut follower), *expected, "look {at} at {now:?}");
    }
}

#[test]
fn a_change_is_taken_over_once_it_has_settled() {
    walk(
        "a",
        &[
            (Ok("a"), "same"),
            (Ok("b"), "unsettled"),
            (Ok("bc"), "unsettled"),
            (Ok("bc"), "new bc"),
            (Ok("bc"), "same"),
            (Ok("d"), "unsettled"),
            (Ok("bc"), "same"),
            (Ok("d"), "unsettled"),
            (Ok("d"), "new d"),
        ],
    );
}

#[test]
fn a_fault_is_reported_once_and_its_end_too() {
    walk(
        "a",
        &[
            (Ok("x"), "unsettled"),
            (Ok("x"), "broken: cannot use x"),
            (Ok("x"), "still: cannot use x"),
            (Ok("x "), "unsettled"),
            (Ok("x "), "broken: cannot use x"),
            (Err("gone"), "unsettled"),
            (Err("gone"), "broken: gone"),
            (Err("gone"), "still: gone"),
            (Ok("a"), "mended"),
            (Ok("a"), "same"),
            (Ok("x"), "unsettled"),
            (Ok("x"), "broken: cannot use x"),
            (Ok("b"), "unsettled"),
            (Ok("b"), "new b"),
            (Ok("b"), "same"),
        ],
    );
}

#[test]
fn what_started_broken_is_mended_by_any_good_content() {
    let files = Memory::holding("x");
    let mut follower = Follower::without(
        files.clone(),
        Some(Memory::digest(&"x".to_owned())),
        &Fault("cannot use x".to_owned()),
    );
    assert_eq!(look(&mut follower), "unsettled");
    assert_eq!(look(&mut follower), "still: cannot use x");
    *files.now.lock().unwrap() = Ok("b".to_owned());
    assert_eq!(look(&mut follower), "unsettled");
    assert_eq!(look(&mut follower), "new b");
    assert_eq!(*files.used.lock().unwrap(), ["b"]);
}

#[test]
fn who_asks_does_not_wait_for_the_next_look() {
    let (mut follower, files) = following("a");
    *files.now.lock().unwrap() = Ok("b".to_owned());
    assert!(matches!(follower.look_at_once(), Found::New(content) if content == "b"));
    assert!(matches!(follower.look_at_once(), Found::Same));
}

#[test]
fn files_that_never_settle_are_never_used_and_a_look_still_ends() {
    #[derive(Default)]
    struct Restless(AtomicU8);
    impl Source for Restless {
        type Content = u8;
        type Taken = ();
        type Error = Fault;
        fn read(&self) -> Result<u8, Fault> {
            Ok(self.0.fetch_add(1, Ordering::Relaxed))
        }
        fn digest(content: &u8) -> Digest {
            [*content; 32]
        }
        fn take(&mut self, _: u8) -> Result<(), Fault> {
            panic!("never settled")
        }
        fn report(&mut self, _found: &Found<(), Fault>, _asked: bool) {}
    }
    let source = Restless::default();
    assert!(read_settled(|| source.read(), Restless::digest).is_ok());
    let mut follower = Follower::using(Restless::default(), [255; 32]);
    assert!(matches!(follower.look_at_once(), Found::Unsettled));
}

#[tokio::test]
async fn a_panic_is_one_look_lost() {
    #[derive(Default)]
    struct Panics(Arc<AtomicU8>);
    impl Source for Panics {
        type Content = ();
        type Taken = ();
        type Error = Fault;
        fn read(&self) -> Result<(), Fault> {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("as asked")
        }
        fn digest((): &()) -> Digest {
            [0; 32]
        }
        fn take(&mut self, (): ()) -> Result<(), Fault> {
            Ok(())
        }
        fn report(&mut self, _found: &Found<(), Fault>, _asked: bool) {}
    }
    let source = Panics::default();
    let looks = Arc::clone(&source.0);
    let following = tokio::spawn(follow(Follower::using(source, [0; 32]), Duration::from_millis(1)));
    let give_up = Instant::now() + Duration::from_secs(30);
    while looks.load(Ordering::Relaxed) < 3 {
        assert!(Instant::now() < give_up, "it looks no more");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    following.abort();
}

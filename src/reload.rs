//! Follows files under a running process: a new content takes over by itself, and never a bad one for a good one.
//!
//! Files are polled, not watched: a mounted ConfigMap or Secret changes by exchanging the symlink `..data`, after which
//! a watch on the old files sees nothing any more, and a few small reads each second cost nothing.
//!
//! Nothing is acted upon before two looks in a row found the same. A writer may be between two files, or in the middle of
//! one, and what it has written so far may well be legal: a chain without its intermediate certificates, a set of policies
//! without its limits.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::telemetry::error_chain;

pub mod facts;
pub mod policies;

/// How often files are looked at where nobody says otherwise. Two looks lie well within the 5 s that a change may take.
pub const PERIOD: Duration = Duration::from_secs(1);

/// Looks in a row, without a pause between them, that settle what a file holds when somebody says that it is complete.
const LOOKS_AT_ONCE: usize = 8;

/// Tells two contents apart: SHA-256.
pub type Digest = [u8; 32];

/// Files, and what becomes of their content.
pub trait Source: Send + 'static {
    /// What the files hold at one moment.
    type Content;
    /// What was made of it.
    type Taken: fmt::Debug;
    /// Why it could not be read, or not be used.
    type Error: std::error::Error;

    /// Reads the files as they are now, through any symlinks.
    ///
    /// # Errors
    /// Where one of them cannot be read.
    fn read(&self) -> Result<Self::Content, Self::Error>;

    /// The digest of a content.
    fn digest(content: &Self::Content) -> Digest;

    /// Checks a content and puts it to use in place of the former one, whole or not at all.
    ///
    /// # Errors
    /// Where it cannot be used; the former one then stays in use.
    fn take(&mut self, content: Self::Content) -> Result<Self::Taken, Self::Error>;

    /// Tells logs and metrics what a look found. `asked`: somebody waits for an answer, even if it is an old one.
    fn report(&mut self, found: &Found<Self::Taken, Self::Error>, asked: bool);
}

/// What one look at the files found.
#[derive(Debug)]
pub enum Found<T, E> {
    /// What is in use already.
    Same,
    /// Something else than the look before: a writer may be half-way, so nothing is done yet.
    Unsettled,
    /// A content that took the former one's place.
    New(T),
    /// What is in use already, after something that could not be used.
    Mended,
    /// Nothing that can be used.
    Broken {
        /// Why.
        error: E,
        /// Whether the same fault of the same content has been reported.
        known: bool,
    },
}

/// Files with what is known of them.
#[derive(Debug)]
pub struct Follower<S> {
    source: S,
    /// What is in use; `None` where the process started without anything.
    used: Option<Digest>,
    seen: Option<Seen>,
    /// The fault that was reported last.
    fault: Option<Fault>,
}

#[derive(Debug, PartialEq, Eq)]
struct Fault {
    /// The content that it is a fault of; `None` where it could not be read.
    content: Option<Digest>,
    error: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Content(Digest),
    Unreadable(String),
}

impl<S: Source> Follower<S> {
    /// Follows files whose content `used` is in use already.
    pub fn using(source: S, used: Digest) -> Self {
        Self {
            source,
            used: Some(used),
            seen: None,
            fault: None,
        }
    }

    /// Follows files that could not be used, which has been reported. `content` is what they held, if they could be read.
    pub fn without(source: S, content: Option<Digest>, fault: &S::Error) -> Self {
        Self {
            source,
            used: None,
            seen: None,
            fault: Some(Fault {
                content,
                error: error_chain(fault),
            }),
        }
    }

    /// Looks at the files once. Reads them and checks what they hold, so not on an async worker.
    pub fn look(&mut self) -> Found<S::Taken, S::Error> {
        let read = self.source.read();
        let seen = match &read {
            Ok(content) => Seen::Content(S::digest(content)),
            Err(error) => Seen::Unreadable(error_chain(error)),
        };
        let digest = match seen {
            Seen::Content(digest) => Some(digest),
            Seen::Unreadable(_) => None,
        };
        if digest.is_some() && digest == self.used {
            self.seen = None;
            return match self.fault.take() {
                Some(_) => Found::Mended,
                None => Found::Same,
            };
        }
        if self.seen.as_ref() != Some(&seen) {
            self.seen = Some(seen);
            return Found::Unsettled;
        }
        match read.and_then(|content| self.source.take(content)) {
            Ok(taken) => {
                self.used = digest;
                self.seen = None;
                self.fault = None;
                Found::New(taken)
            }
            Err(error) => {
                let fault = Fault {
                    content: digest,
                    error: error_chain(&error),
                };
                let known = self.fault.as_ref() == Some(&fault);
                self.fault = Some(fault);
                Found::Broken { error, known }
            }
        }
    }

    /// Looks until two looks agree. Files that change all the time are left to the next look.
    fn look_at_once(&mut self) -> Found<S::Taken, S::Error> {
        let mut found = self.look();
        for _ in 1..LOOKS_AT_ONCE {
            if !matches!(found, Found::Unsettled) {
                break;
            }
            found = self.look();
        }
        found
    }

    fn step(&mut self, asked: bool) {
        let found = if asked { self.look_at_once() } else { self.look() };
        self.source.report(&found, asked);
    }
}

/// Reads files until two readings in a row agree, so that a process does not start with half of an update. Files that
/// change all the time are taken as they were last.
///
/// # Errors
/// What a reading failed with.
pub fn read_settled<C, E>(read: impl Fn() -> Result<C, E>, digest_of: fn(&C) -> Digest) -> Result<(C, Digest), E> {
    let mut content = read()?;
    let mut digest = digest_of(&content);
    for _ in 1..LOOKS_AT_ONCE {
        content = read()?;
        let before = std::mem::replace(&mut digest, digest_of(&content));
        if before == digest {
            break;
        }
    }
    Ok((content, digest))
}

/// Looks at the files in each period, and at once on SIGHUP, for as long as it is polled.
pub async fn follow<S: Source>(mut follower: Follower<S>, period: Duration) {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut hangups = catch_hangups();
    loop {
        let asked = tokio::select! {
            _ = ticks.tick() => false,
            () = next(&mut hangups) => true,
        };
        let stepped = tokio::task::spawn_blocking(move || {
            // The panic is logged by its hook. What is in use is whole: it is swapped after all that could panic.
            let _ = catch_unwind(AssertUnwindSafe(|| follower.step(asked)));
            follower
        });
        let Ok(back) = stepped.await else { return };
        follower = back;
    }
}

/// Catches SIGHUP from now on, instead of dying of it. `None` where the system refuses, which leaves polling.
pub fn catch_hangups() -> Option<Signal> {
    signal(SignalKind::hangup())
        .inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be caught: files are only polled"))
        .ok()
}

async fn next(hangups: &mut Option<Signal>) {
    match hangups {
        Some(hangups) => {
            hangups.recv().await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;

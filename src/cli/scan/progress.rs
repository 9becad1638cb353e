//! How far a scan is, for whoever waits at a terminal.

use std::io::{self, IsTerminal as _, Write as _};

use crate::ray::kind::Kind;

/// One line on a terminal, gone when the scan ends, well or not.
pub(super) struct Progress {
    is_shown: bool,
    /// What is counted.
    kind: &'static str,
}

impl Progress {
    /// On standard error, where that is a terminal that can move its cursor.
    pub(super) fn start() -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            is_shown: io::stderr().is_terminal() && !is_dumb,
            kind: "",
        }
    }

    /// From now on, objects of this kind are counted.
    pub(super) fn begin(&mut self, kind: &'static Kind) {
        self.kind = kind.name;
        self.show(0, None);
    }

    /// So many are read, and so many are left, where that is known.
    pub(super) fn show(&self, judged: usize, left: Option<u64>) {
        let judged = u64::try_from(judged).unwrap_or(u64::MAX);
        // It stays one line in a terminal of any width, and an interrupt finds the terminal as it was.
        self.write(&format!(
            "\r\u{1b}[K\u{1b}[?7l{}\u{1b}[?7h",
            line(self.kind, judged, left)
        ));
    }

    /// In one piece, past what takes escape sequences for colours and leaves them out on demand.
    fn write(&self, text: &str) {
        if self.is_shown {
            // The scan does not depend on who watches it.
            let _ = io::stderr().write_all(text.as_bytes());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.write("\r\u{1b}[K");
    }
}

fn line(kind: &str, judged: u64, left: Option<u64>) -> String {
    const WIDTH: u64 = 30;
    let Some(left) = left else {
        return format!("{judged} {kind}s so far");
    };
    let all = judged.saturating_add(left);
    let done = WIDTH.saturating_mul(judged).checked_div(all).unwrap_or(WIDTH);
    let part = |n: u64| usize::try_from(n).unwrap_or(0);
    let (done, left) = ("=".repeat(part(done)), " ".repeat(part(WIDTH - done)));
    format!("[{done}{left}] {judged} of {all} {kind}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        for (judged, left, filled) in [(0, 0, 30), (0, 4, 0), (1, 3, 7), (4, 0, 30)] {
            let line = line("RayJob", judged, Some(left));
            assert_eq!(line.matches('=').count(), filled, "{line}");
            let all = judged + left;
            assert!(line.ends_with(&format!("] {judged} of {all} RayJobs")), "{line}");
            assert_eq!(line.find(']'), Some(31), "{line}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_drawn() {
        assert_eq!(line("RayJob", 100, None), "100 RayJobs so far");
    }
}

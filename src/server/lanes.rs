//! Where a review is evaluated, by its size.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::Limits;
use super::fair::Shares;

/// Reviews that run on blocking threads, one at a time: each may use the memory that is set aside for its lane. The
/// others wait in the order in which they came.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) running: Arc<Semaphore>,
    pub(super) in_flight: Arc<Shares>,
}

impl Lane {
    pub(super) fn new(in_flight: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(1)),
            in_flight: Shares::new(in_flight),
        }
    }
}

/// The lanes for what does not run on a worker.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) ordinary: Lane,
    pub(super) large: Lane,
}

impl Lanes {
    pub(super) fn new(in_flight: usize) -> Self {
        Self {
            ordinary: Lane::new(in_flight),
            large: Lane::new(in_flight),
        }
    }

    /// Where a review runs; `None` is the worker that read it.
    pub(super) fn of(&self, body: &[u8], limits: &Limits) -> Option<&Lane> {
        let values = most_values(body);
        if body.len() <= limits.inline_bytes && values <= limits.inline_values {
            None
        } else if body.len() <= limits.ordinary_bytes && values <= limits.ordinary_values {
            Some(&self.ordinary)
        } else {
            Some(&self.large)
        }
    }
}

/// The most values that a JSON text can have: a map or list of n values has n - 1 commas.
pub(super) fn most_values(text: &[u8]) -> usize {
    // One pass that the compiler turns into vector instructions: it costs a hundredth of reading the text.
    1 + text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_on_values_is_never_below_their_number() {
        for (text, values) in [
            ("1", 1),
            ("[]", 1),
            ("{}", 1),
            ("[1,2]", 3),
            (r#"{"a":1}"#, 2),
            (r#"{"a":{"b":{}},"c":[[],[1]]}"#, 7),
        ] {
            assert!(most_values(text.as_bytes()) >= values, "{text}");
        }
    }
}

//! The count of what an expression does.

use std::sync::atomic::{AtomicU32, Ordering};

use cel::ExecutionError;

use super::MOST_STEPS;

/// The steps that are left to one rule for one RayJob.
#[derive(Debug)]
pub struct Meter {
    left: AtomicU32,
}

impl Default for Meter {
    fn default() -> Self {
        Meter {
            left: AtomicU32::new(MOST_STEPS),
        }
    }
}

impl Meter {
    /// Takes steps, and says whether there were enough. Once there were not, there are none any more.
    pub(super) fn take(&self, steps: usize) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        let rest = u32::try_from(steps).ok().and_then(|steps| left.checked_sub(steps));
        self.left.store(rest.unwrap_or(0), Ordering::Relaxed);
        rest.is_some() && !self.is_empty()
    }

    /// Whether the steps ran out.
    pub(super) fn is_empty(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// As [`Meter::take`], with an error for the interpreter.
    pub(super) fn charge(&self, steps: usize) -> Result<(), ExecutionError> {
        if self.take(steps) {
            Ok(())
        } else {
            Err(ExecutionError::InternalError("steps".to_owned()))
        }
    }

    /// The steps taken so far.
    pub fn taken(&self) -> u32 {
        MOST_STEPS - self.left.load(Ordering::Relaxed)
    }
}

//! How threads are asked to end: a flag that waits can watch.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Cheap to clone; once set it stays set.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub fn set(&self) {
        *self.0.set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }

    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps for `span` or until the flag is set, and answers whether it is.
    #[must_use]
    pub fn wait(&self, span: Duration) -> bool {
        let guard = self.0.set.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, _) =
            self.0.changed.wait_timeout_while(guard, span, |set| !*set).unwrap_or_else(PoisonError::into_inner);
        *guard
    }
}

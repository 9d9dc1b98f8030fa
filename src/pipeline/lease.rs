//! Who may run the shard: the member of the consumer group that holds the one partition of the lease topic. A thread of
//! its own polls, because a member that does not poll is thrown out; everybody else reads what it last saw.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use super::stop::Stop;
use crate::kafka::{GroupMetadata, KafkaFault, Lease, LeaseState};

const POLL: Duration = Duration::from_millis(100);
const RETRY: Duration = Duration::from_secs(1);

/// Cheap to clone.
#[derive(Clone)]
pub struct LeaseWatch(Arc<Shared>);

struct Shared {
    lease: Lease,
    seen: Mutex<Seen>,
    /// Met by a poll since the lease was last held: why it may not come.
    trouble: Mutex<Option<KafkaFault>>,
    changed: Condvar,
}

/// `term` counts how often the lease came to us: a session belongs to one term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub held: bool,
    pub term: u64,
}

impl LeaseWatch {
    #[must_use]
    pub fn new(lease: Lease) -> Self {
        let shared = Shared { lease, seen: Mutex::default(), trouble: Mutex::default(), changed: Condvar::new() };
        Self(Arc::new(shared))
    }

    #[must_use]
    pub fn seen(&self) -> Seen {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn holds(&self, term: u64) -> bool {
        self.seen() == Seen { held: true, term }
    }

    /// This member's identity in the group, if it still holds the lease in `term`.
    #[must_use]
    pub fn member(&self, term: u64) -> Option<GroupMetadata> {
        self.holds(term).then(|| self.0.lease.metadata()).flatten()
    }

    /// Waits at most `span` for the lease.
    #[must_use]
    pub fn wait_held(&self, span: Duration) -> Option<u64> {
        let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, _) =
            self.0.changed.wait_timeout_while(seen, span, |seen| !seen.held).unwrap_or_else(PoisonError::into_inner);
        seen.held.then_some(seen.term)
    }

    /// Why the lease does not come, if that is not merely that another instance holds it.
    #[must_use]
    pub fn trouble(&self) -> Option<KafkaFault> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives the lease back and asks for it again: after a rival's claim, whoever the group elects goes on.
    pub fn rejoin(&self) {
        if let Err(fault) = self.0.lease.rejoin() {
            warn!(%fault, "could not leave the lease group");
        }
        self.tell(false);
    }

    /// The polling thread's body; leaves the group at the end.
    pub fn poll_until(&self, stop: &Stop) {
        while !stop.is_set() {
            match self.0.lease.poll(POLL) {
                Ok(LeaseState::Held) => self.tell(true),
                Ok(LeaseState::Waiting) => self.tell(false),
                Err(fault) => {
                    warn!(%fault, "lease poll failed");
                    *self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
                    // The broker decides who holds the lease; while it is away nothing can be committed anyway.
                    let _stopping = stop.wait(RETRY);
                }
            }
        }
        self.tell(false);
        self.0.lease.leave();
    }

    fn tell(&self, held: bool) {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.held == held {
            return;
        }
        *seen = Seen { held, term: seen.term + u64::from(held) };
        if held {
            *self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
            info!(term = seen.term, "holding the lease");
        } else {
            info!(term = seen.term, "not holding the lease");
        }
        drop(seen);
        self.0.changed.notify_all();
    }
}

//! The named checks behind `/readyz` and `/livez`. Threads of the pipeline set them; HTTP reads them. Setting the state
//! that stands already costs one short lock and allocates nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The brokers answer.
    Kafka,
    /// This instance owns its shard.
    Lease,
    /// State is rebuilt up to the end of the changelog.
    Recovery,
    /// Records delivered and outcomes add up.
    Conservation,
    /// The local store takes rows.
    Store,
    /// Every input partition is read.
    Inputs,
}

impl Check {
    pub const ALL: [Self; 6] =
        [Self::Kafka, Self::Lease, Self::Recovery, Self::Conservation, Self::Store, Self::Inputs];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Lease => "lease",
            Self::Recovery => "recovery",
            Self::Conservation => "conservation",
            Self::Store => "store",
            Self::Inputs => "inputs",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckState {
    Ok,
    /// Not yet, or not now; it will pass by itself.
    Waiting,
    /// A person is needed.
    Failed,
}

impl CheckState {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
        }
    }
}

/// One check as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    pub check: Check,
    pub state: CheckState,
    /// How long it has been in this state.
    pub since: Duration,
    pub detail: String,
}

impl CheckReport {
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.state == CheckState::Ok
    }
}

struct Standing {
    state: CheckState,
    since: Instant,
    detail: String,
}

/// Every check begins as waiting: nothing is ready before it has said so.
pub struct Health {
    standings: Mutex<[Standing; Check::ALL.len()]>,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    #[must_use]
    pub fn new() -> Self {
        let now = Instant::now();
        let standing = |_| Standing { state: CheckState::Waiting, since: now, detail: "not started".to_owned() };
        Self { standings: Mutex::new(Check::ALL.map(standing)) }
    }

    pub fn set(&self, check: Check, state: CheckState, detail: &str) {
        let mut standings = self.lock();
        let standing = &mut standings[check as usize];
        if standing.state != state {
            standing.state = state;
            standing.since = Instant::now();
        }
        if standing.detail != detail {
            detail.clone_into(&mut standing.detail);
        }
    }

    /// Every check, in the order of [`Check::ALL`].
    #[must_use]
    pub fn report(&self) -> Vec<CheckReport> {
        let standings = self.lock();
        let report = |check: Check| {
            let Standing { state, since, detail } = &standings[check as usize];
            CheckReport { check, state: *state, since: since.elapsed(), detail: detail.clone() }
        };
        Check::ALL.into_iter().map(report).collect()
    }

    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.report().iter().all(CheckReport::is_ok)
    }

    // A thread that panicked while it held the lock left whole values behind: there is nothing to distrust.
    fn lock(&self) -> MutexGuard<'_, [Standing; Check::ALL.len()]> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_ready_before_every_check_has_said_so() {
        let health = Health::new();
        for check in Check::ALL {
            assert!(!health.is_ready());
            health.set(check, CheckState::Ok, "");
        }
        assert!(health.is_ready());
        health.set(Check::Kafka, CheckState::Waiting, "broker is down");
        assert!(!health.is_ready());
        assert_eq!(health.report()[0].detail, "broker is down");
    }

    #[test]
    fn checks_are_stored_in_the_order_of_their_list() {
        for (index, check) in Check::ALL.into_iter().enumerate() {
            assert_eq!(check as usize, index);
        }
    }
}

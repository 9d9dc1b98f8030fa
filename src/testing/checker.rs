//! The judge from outside: what was sent, what a read_committed reader saw, and whether the one follows from the other.
//!
//! It shares no code with what it judges: JSON is read as plain values, canonical bytes are made by a canonicaliser of
//! its own, and a case's view is folded from the events by rules written from the contract. [`history`] checks the
//! event log of each case (ids, order, chain), `fold` and `view` that the last view of a case is the fold of the
//! events, `accounts` that every record ended exactly once.
//!
//! What it takes for granted: events of one case are handed over in the order in which they were read; `sent` names
//! every record of the input topics with its position; and what an event had to cut to fit its bounds (lists of an
//! alert, evidence of a link) is not compared, because no event holds it whole.

mod accounts;
mod canonical;
mod fold;
mod history;
mod lists;
mod priority;
mod view;

pub use canonical::canonical;
pub use history::event_hash;

/// One record that was sent to an input topic, and what has to become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// Which elements of the record are alerts; just 0 for a record that is one alert.
    pub alerts: Vec<u32>,
    /// What the dead letters must hold of it: each unreadable element's own bytes, or the whole record's.
    pub dead: Vec<Vec<u8>>,
}

impl Sent {
    #[must_use]
    pub fn alert(topic: &str, partition: i32, offset: i64) -> Self {
        Self { topic: topic.to_owned(), partition, offset, alerts: vec![0], dead: Vec::new() }
    }

    /// A record without a readable alert. A non-empty array is an envelope, and each element a dead letter.
    #[must_use]
    pub fn poison(topic: &str, partition: i32, offset: i64, bytes: &[u8]) -> Self {
        let elements = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(bytes).unwrap_or_default();
        let mut dead: Vec<Vec<u8>> = elements.iter().map(|element| element.get().as_bytes().to_vec()).collect();
        if dead.is_empty() {
            dead.push(bytes.to_vec());
        }
        Self { topic: topic.to_owned(), partition, offset, alerts: Vec::new(), dead }
    }
}

/// What the reader saw, in the order of reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Keys and values of the case events.
    pub events: Vec<(String, Vec<u8>)>,
    /// Keys and values of the case views; a tombstone has no value.
    pub views: Vec<(String, Option<Vec<u8>>)>,
    /// Headers and values of the dead letters.
    pub dead_letters: Vec<(Headers, Vec<u8>)>,
}

/// Names and values, in the order of the record.
pub type Headers = Vec<(String, String)>;

/// What need not have happened yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// A case's last view may be older than its last event.
    pub views_may_lag: bool,
    /// So many alerts may be counted nowhere: repeats that are not told yet, and repeats of alerts in closed cases.
    pub untold_max: u64,
}

/// What a history that holds was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub events: u64,
    pub refused_commands: u64,
    pub cases: u64,
    pub views_compared: u64,
    /// Alerts with an event of their own.
    pub told_alone: u64,
    /// Alerts in the counts of repeats and roll-ups.
    pub told_in_counts: u64,
    pub dead_letters: u64,
}

/// One way in which the history is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("{what} cannot be read: {detail}")]
    Unreadable { what: String, detail: String },
    #[error("event {id}: {detail}")]
    Envelope { id: String, detail: String },
    #[error("event {id} was seen twice")]
    DoubledEvent { id: String },
    #[error("case {case}: seq {expected} was due, {found} came")]
    Order { case: String, expected: u64, found: u64 },
    #[error("event {id} does not follow from the one before it: its prev_hash is another")]
    BrokenChain { id: String },
    #[error("event {id} was altered: its hash is not that of its bytes")]
    Altered { id: String },
    #[error("event {id} tells half of something: its other half was never seen")]
    Torn { id: String },
    #[error("case {case} has events and no view")]
    NoView { case: String },
    #[error("view of {case}, which has no events")]
    UnknownView { case: String },
    #[error("last view of {case} is at seq {view}, its last event at {event}")]
    StaleView { case: String, view: u64, event: u64 },
    #[error("view of {case}: {member} is {found}, the events say {expected}")]
    WrongView { case: String, member: String, expected: String, found: String },
    #[error("{position}: the alert has {times} events of its own")]
    DoubledAlert { position: String, times: u64 },
    #[error("{position}: an event tells of an alert that was not sent")]
    UnknownAlert { position: String },
    #[error("{alone} alerts without an event of their own, {counted} in counts, {untold_max} may be untold")]
    Conservation { alone: u64, counted: u64, untold_max: u64 },
    #[error("{position}: dead letters are missing or altered: {expected} expected, {found} found")]
    DeadLetters { position: String, expected: usize, found: usize },
    #[error("{position}: a dead letter that nothing accounts for")]
    UnknownDeadLetter { position: String },
    #[error("dead letter without header {header}")]
    DeadLetterHeader { header: String },
}

/// Checks everything that `sent` and `seen` say about each other.
pub fn check(sent: &[Sent], seen: &Seen, allowed: Allowed) -> Result<Report, Vec<Violation>> {
    let mut violations = Vec::new();
    let history = history::read(&seen.events, &mut violations);
    let mut report = Report {
        events: history.events() as u64,
        refused_commands: history.refused,
        cases: history.cases.len() as u64,
        ..Report::default()
    };
    accounts::alerts(sent, &history, allowed, &mut report, &mut violations);
    accounts::dead_letters(sent, &seen.dead_letters, &mut report, &mut violations);
    // A fold of a log with holes would only say again, in many words, that there are holes.
    let whole = violations.iter().all(|violation| !violation.spoils_the_fold());
    let world = if whole { Some(fold::fold(&history, &mut violations)) } else { None };
    view::check(&history, world.as_ref(), &seen.views, allowed, &mut report, &mut violations);
    if violations.is_empty() { Ok(report) } else { Err(violations) }
}

impl Violation {
    fn spoils_the_fold(&self) -> bool {
        match self {
            Self::Unreadable { .. }
            | Self::Envelope { .. }
            | Self::DoubledEvent { .. }
            | Self::Order { .. }
            | Self::BrokenChain { .. }
            | Self::Altered { .. }
            | Self::Torn { .. } => true,
            Self::NoView { .. }
            | Self::UnknownView { .. }
            | Self::StaleView { .. }
            | Self::WrongView { .. }
            | Self::DoubledAlert { .. }
            | Self::UnknownAlert { .. }
            | Self::Conservation { .. }
            | Self::DeadLetters { .. }
            | Self::UnknownDeadLetter { .. }
            | Self::DeadLetterHeader { .. } => false,
        }
    }
}

//! The rules that a load's alerts come from.

use std::sync::Arc;

use crate::model::Severity;

/// More than an incident has alerts, so that none meets the same rule twice.
pub(super) const RULES: usize = VERBS.len() * OBJECTS.len();

pub(super) struct Catalog {
    rules: Vec<RuleEntry>,
}

pub(super) struct RuleEntry {
    pub number: usize,
    pub uid: Arc<str>,
    pub name: Arc<str>,
    pub severity: Severity,
    pub tactic: Arc<str>,
    pub technique: Arc<str>,
}

/// What was done, with the tactic, the technique and the severity that go with it.
const VERBS: [(&str, &str, &str, Severity); 16] = [
    ("Suspicious execution from", "TA0002", "T1204.002", Severity::Medium),
    ("Encoded command line in", "TA0002", "T1059.001", Severity::Medium),
    ("New autostart entry by", "TA0003", "T1547.001", Severity::Medium),
    ("Scheduled task created by", "TA0003", "T1053.005", Severity::Low),
    ("Service installed by", "TA0003", "T1543.003", Severity::Medium),
    ("Token manipulation by", "TA0004", "T1134.001", Severity::High),
    ("Tampering with logging by", "TA0005", "T1070.001", Severity::High),
    ("Code injected by", "TA0005", "T1055", Severity::High),
    ("Memory of the logon service read by", "TA0006", "T1003.001", Severity::High),
    ("Repeated failed logons through", "TA0006", "T1110.001", Severity::Low),
    ("Account enumeration by", "TA0007", "T1087.002", Severity::Low),
    ("Network share scan by", "TA0007", "T1135", Severity::Low),
    ("Remote service started by", "TA0008", "T1021.002", Severity::Medium),
    ("Archive staged by", "TA0009", "T1560.001", Severity::Low),
    ("Periodic outbound connection of", "TA0011", "T1071.001", Severity::Medium),
    ("Large upload by", "TA0010", "T1041", Severity::Medium),
];

const OBJECTS: [&str; 32] = [
    "an office document",
    "a script host",
    "a mail attachment",
    "a browser child process",
    "an archive tool",
    "a remote shell",
    "a management agent",
    "a database client",
    "a print service",
    "a backup tool",
    "a developer tool",
    "a virtual machine",
    "a file transfer tool",
    "a remote desktop session",
    "a software updater",
    "a signed system binary",
    "a temporary folder",
    "a network share",
    "a removable drive",
    "a user profile",
    "a web server",
    "a mail server",
    "a directory service",
    "a name service",
    "a proxy client",
    "a chat client",
    "a meeting client",
    "a password manager",
    "a terminal multiplexer",
    "a container runtime",
    "a build server",
    "an unknown process",
];

impl Catalog {
    pub(super) fn new() -> Self {
        Self { rules: (0..RULES).map(entry).collect() }
    }

    /// The rule of an incident's alert: all of them in turn, from another one on in each incident.
    pub(super) fn rule(&self, incident: u64, alert: u32) -> &RuleEntry {
        let first = usize::try_from(incident % RULES as u64).unwrap_or(0);
        &self.rules[(first + alert as usize) % RULES]
    }
}

fn entry(number: usize) -> RuleEntry {
    let (verb, tactic, technique, severity) = VERBS[number % VERBS.len()];
    let object = OBJECTS[number / VERBS.len()];
    RuleEntry {
        number,
        uid: format!("LD-{number:04}").into(),
        name: format!("{verb} {object}").into(),
        severity,
        tactic: tactic.into(),
        technique: technique.into(),
    }
}

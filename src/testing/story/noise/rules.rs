//! The rules that fire on ordinary days.

use crate::testing::story::products::{Sigma, Signature, WazuhRule};

const fn signature(id: u32, text: &'static str, category: &'static str, severity: u8) -> Signature {
    Signature { id, text, category, severity }
}

/// With the port that is tried.
pub(super) const SCANS: [(Signature, u16); 4] = [
    (signature(2_001_219, "ET SCAN Potential SSH Scan", "Attempted Information Leak", 2), 22),
    (signature(2_010_936, "ET SCAN Suspicious inbound to Oracle SQL port 1521", "Potentially Bad Traffic", 2), 1521),
    (signature(2_010_937, "ET SCAN Suspicious inbound to mySQL port 3306", "Potentially Bad Traffic", 2), 3306),
    (signature(2_010_939, "ET SCAN Suspicious inbound to PostgreSQL port 5432", "Potentially Bad Traffic", 2), 5432),
];

pub(super) const VULNERABILITY_CHECKS: [Signature; 6] = [
    signature(1_000_201, "LOCAL Scanner user agent", "Attempted Information Leak", 3),
    signature(1_000_202, "LOCAL Request for a version control directory", "Attempted Information Leak", 2),
    signature(1_000_203, "LOCAL Request for a backup of a configuration file", "Attempted Information Leak", 2),
    signature(1_000_204, "LOCAL Directory traversal in a URL", "Web Application Attack", 1),
    signature(1_000_205, "LOCAL SQL keywords in a URL", "Web Application Attack", 1),
    signature(1_000_206, "LOCAL Many different URLs answered with 404", "Attempted Information Leak", 3),
];

/// With the name in the TLS handshake.
pub(super) const OFFICE_POLICIES: [(Signature, &str); 5] = [
    (
        signature(1_000_301, "LOCAL Remote support tool", "Potential Corporate Privacy Violation", 3),
        "relay.help-desk.example",
    ),
    (
        signature(1_000_302, "LOCAL Personal file sharing", "Potential Corporate Privacy Violation", 3),
        "my.family-photos.example",
    ),
    (
        signature(1_000_303, "LOCAL Chat outside the approved list", "Potential Corporate Privacy Violation", 3),
        "ws.chatter.example",
    ),
    (
        signature(1_000_304, "LOCAL Outdated TLS version offered", "Not Suspicious Traffic", 3),
        "old.supplier-portal.example",
    ),
    (
        signature(1_000_305, "LOCAL Software update over an unusual host", "Misc activity", 3),
        "dl.editor-updates.example",
    ),
];

pub(super) const LOGON_FAILURE: Sigma =
    Sigma::new("Logon Failure (Wrong Password)", "low", ("Sec", 4625), &["CredAccess"], &["T1110"]);
pub(super) const PRIVILEGED_SERVICE: Sigma =
    Sigma::new("Process Ran With High Privilege", "med", ("Sec", 4673), &["CredAccess", "Impact"], &["T1003.001"]);
pub(super) const SHADOW_COPY: Sigma = Sigma::new(
    "Shadow Copies Creation Using Operating Systems Utilities",
    "med",
    ("Sysmon", 1),
    &["CredAccess"],
    &["T1003"],
);

pub(super) const SSH_FAILURE: WazuhRule = WazuhRule {
    id: "5710",
    level: 5,
    description: "sshd: Attempt to login using a non-existent user",
    groups: &["syslog", "sshd", "authentication_failed", "invalid_login"],
    technique: Some(("T1110.001", "Credential Access", "Password Guessing")),
};
pub(super) const SSH_FAILURES: WazuhRule = WazuhRule {
    id: "5712",
    level: 10,
    description: "sshd: brute force trying to get access to the system. Non existent user.",
    groups: &["syslog", "sshd", "authentication_failures"],
    technique: Some(("T1110", "Credential Access", "Brute Force")),
};
pub(super) const FILE_CHANGED: WazuhRule = WazuhRule {
    id: "550",
    level: 7,
    description: "Integrity checksum changed.",
    groups: &["ossec", "syscheck", "syscheck_entry_modified", "syscheck_file"],
    technique: Some(("T1565.001", "Impact", "Stored Data Manipulation")),
};
pub(super) const SUDO: WazuhRule = WazuhRule {
    id: "5402",
    level: 3,
    description: "Successful sudo to ROOT executed.",
    groups: &["syslog", "sudo"],
    technique: Some(("T1548.003", "Privilege Escalation", "Sudo and Sudo Caching")),
};
pub(super) const SERVICE_RESTARTED: WazuhRule = WazuhRule {
    id: "61138",
    level: 5,
    description: "Service state changed",
    groups: &["windows", "windows_system"],
    technique: None,
};

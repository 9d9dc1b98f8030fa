//! One sketch in each product's own words. Every shape names the host's address, so that an incident holds together
//! whichever products report it.

use super::Shape;
use super::catalog::{Catalog, RuleEntry};
use super::sketch::{Fifth, Sketch, rfc3339, user_of};
use crate::model::Severity;

pub(super) fn write(sketch: &Sketch, catalog: &Catalog, out: &mut Vec<u8>) {
    let rule = catalog.rule(sketch.incident, sketch.alert);
    let line = match sketch.shape {
        Shape::Native => native(sketch, rule),
        Shape::Hayabusa => hayabusa(sketch, rule),
        Shape::Suricata => suricata(sketch, rule),
        Shape::Wazuh => wazuh(sketch, rule),
    };
    // Written over several lines for the reader of this file; no value holds a line end.
    line.lines().for_each(|part| out.extend_from_slice(part.trim_start().as_bytes()));
}

fn native(sketch: &Sketch, rule: &RuleEntry) -> String {
    let (at, uid, host, user) = (rfc3339(sketch.at), sketch.uid(), sketch.host(), sketch.user());
    let RuleEntry { uid: rule_uid, name, severity, tactic, technique, .. } = rule;
    let (pid, process) = (sketch.pid(), sketch.process());
    format!(
        r#"
            {{"schema_version":"1.0","alert_uid":"{uid}","title":"{name}","description":"{description}",
            "event_time":"{at}","severity_id":{severity},"confidence":{confidence},
            "source":{{"vendor":"Example Security","product":"Endpoint Sensor","type":"edr","instance":"eu-1"}},
            "rule":{{"uid":"{rule_uid}","name":"{name}","version":"3"}},
            "attacks":[{{"tactic_uid":"{tactic}","technique_uid":"{technique}"}}],
            "entities":[{{"kind":"host","id":"{host}","role":"asset"}},
            {{"kind":"user","id":"corp\\{user}","name":"{user}","domain":"CORP","role":"actor"}},{bridge}
            {{"kind":"process","id":"{process}","name":"agent.exe","role":"actor"}}],
            "observables":[{{"type":"ip","value":"{address}","role":"source"}},{fifth}],
            "evidences":[{{"process":{{"pid":{pid},"path":"C:\\Users\\{user}\\AppData\\Local\\Temp\\agent.exe",
            "command_line":"agent.exe --job {pid} --quiet","parent":"explorer.exe"}}}}],
            "labels":{{"site":"north","team":"soc"}},"tags":["load"]}}"#,
        description = DESCRIPTION,
        severity = severity.id(),
        confidence = 40 + pid % 60,
        address = sketch.address(),
        fifth = fifth(sketch),
        bridge = bridge(sketch),
    )
}

pub(super) const DESCRIPTION: &str = "A process did what this rule watches for. The sensor saw it in real time and let it run, \
    as its policy says; the process, its parent and the connection are in the evidence.";

fn fifth(sketch: &Sketch) -> String {
    match sketch.fifth() {
        Fifth::Domain(name) => format!(r#"{{"type":"domain","value":"{name}","role":"peer"}}"#),
        Fifth::Hash(digest) => format!(r#"{{"type":"hash","value":"{digest}","role":"peer"}}"#),
        Fifth::Server => format!(r#"{{"type":"ip","value":"{}","role":"destination"}}"#, sketch.server()),
    }
}

fn bridge(sketch: &Sketch) -> String {
    let name = sketch.bridge.map(user_of);
    name.map(|name| format!(r#"{{"kind":"user","id":"corp\\{name}","name":"{name}","domain":"CORP","role":"actor"}},"#))
        .unwrap_or_default()
}

fn hayabusa(sketch: &Sketch, rule: &RuleEntry) -> String {
    let host = sketch.host().to_ascii_uppercase();
    let RuleEntry { number, name, technique, .. } = rule;
    format!(
        r#"
            {{"Timestamp":"{at}","RuleTitle":"{name}","Level":"{level}","Computer":"{host}","Channel":"Sysmon",
            "EventID":3,"MitreTactics":["{tactic}"],"MitreTags":["{technique}"],"RecordID":{serial},
            "Details":{{"Initiated":true,"Proto":"tcp","SrcIP":"{address}","SrcPort":{port},"SrcHost":"{host}",
            "TgtIP":"{server}","TgtPort":445,"TgtHost":"n/a","User":"CORP\\{user}",
            "Proc":"C:\\Users\\{user}\\AppData\\Local\\Temp\\agent.exe","PID":{pid},"PGUID":"{process}"}},
            "ExtraFieldInfo":{{"RuleName":"-","SourceIsIpv6":false,"host":"collector-1.example.com"}},
            "RuleFile":"load_{number:04}.yml","RuleID":"00000000-0000-4000-8000-{number:012}"}}"#,
        at = rfc3339(sketch.at),
        level = level(rule.severity),
        tactic = short_tactic(&rule.tactic),
        serial = sketch.serial,
        address = sketch.address(),
        server = sketch.server(),
        port = sketch.port(),
        user = sketch.user(),
        pid = sketch.pid(),
        process = sketch.process(),
    )
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown | Severity::Informational => "info",
        Severity::Low => "low",
        Severity::Medium => "med",
        Severity::High => "high",
        Severity::Critical | Severity::Fatal => "crit",
    }
}

/// The abbreviations of Hayabusa's default output profile.
fn short_tactic(tactic: &str) -> &'static str {
    match tactic {
        "TA0002" => "Exec",
        "TA0003" => "Persis",
        "TA0004" => "PrivEsc",
        "TA0005" => "Evas",
        "TA0006" => "CredAccess",
        "TA0007" => "Disc",
        "TA0008" => "LatMov",
        "TA0009" => "Collect",
        "TA0010" => "Exfil",
        _ => "C2",
    }
}

fn suricata(sketch: &Sketch, rule: &RuleEntry) -> String {
    let at = rfc3339(sketch.at);
    let (number, name, port) = (rule.number, &rule.name, sketch.port());
    format!(
        r#"
            {{"timestamp":"{stem}000+0000","flow_id":{flow},"in_iface":"eth0","event_type":"alert",
            "src_ip":"{address}","src_port":{port},"dest_ip":"{server}","dest_port":443,"proto":"TCP",
            "alert":{{"action":"allowed","gid":1,"signature_id":{sid},"rev":3,"signature":"LOAD {name}",
            "category":"Misc activity","severity":{severity},
            "metadata":{{"mitre_tactic_id":["{tactic}"],"mitre_technique_id":["{technique}"]}}}},
            "app_proto":"tls","flow":{{"pkts_toserver":9,"pkts_toclient":7,"bytes_toserver":1840,
            "bytes_toclient":5210,"start":"{stem}000+0000"}},"host":"sensor-1"}}"#,
        stem = at.trim_end_matches('Z'),
        flow = 1_000_000_000_000 + sketch.serial,
        address = sketch.address(),
        server = sketch.server(),
        sid = 9_000_000 + number,
        severity = 4_u8.saturating_sub(rule.severity.id()).clamp(1, 3),
        tactic = rule.tactic,
        technique = rule.technique,
    )
}

fn wazuh(sketch: &Sketch, rule: &RuleEntry) -> String {
    let (host, address, at) = (sketch.host(), sketch.address(), rfc3339(sketch.at));
    let RuleEntry { number, name, technique, .. } = rule;
    format!(
        r#"
            {{"timestamp":"{stem}+0000","rule":{{"level":{level},"description":"{name}","id":"{rule}",
            "mitre":{{"id":["{technique}"]}},"firedtimes":1,"mail":false,"groups":["windows","load"]}},
            "agent":{{"id":"{agent:03}","name":"{host}","ip":"{address}"}},"manager":{{"name":"wazuh-1"}},
            "id":"{seconds}.{serial}","decoder":{{"name":"windows_eventchannel"}},
            "data":{{"dstip":"{server}","dstuser":"CORP\\{user}"}},"location":"EventChannel"}}"#,
        stem = at.trim_end_matches('Z'),
        level = wazuh_level(rule.severity),
        rule = 200_000 + number,
        agent = 1 + sketch.incident % 9_000,
        seconds = sketch.at.millis() / 1_000,
        serial = sketch.serial,
        server = sketch.server(),
        user = sketch.user(),
    )
}

const fn wazuh_level(severity: Severity) -> u8 {
    match severity {
        Severity::Unknown | Severity::Informational => 3,
        Severity::Low => 5,
        Severity::Medium => 8,
        Severity::High => 12,
        Severity::Critical | Severity::Fatal => 15,
    }
}

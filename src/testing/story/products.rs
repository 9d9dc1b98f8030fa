//! How each product writes an alert: the field names and the ways of their documentation and output.

use serde_json::{Value, json};

use super::cast::Host;
use super::{Product, Scene};
use crate::model::Timestamp;
use crate::testing::load::rfc3339;
use crate::testing::rng::mix;

/// A Sigma rule as Hayabusa reports it.
pub(super) struct Sigma {
    pub title: &'static str,
    pub level: &'static str,
    pub channel: &'static str,
    pub event_id: u16,
    pub tactics: &'static [&'static str],
    pub techniques: &'static [&'static str],
}

impl Sigma {
    pub(super) const fn new(
        title: &'static str,
        level: &'static str,
        (channel, event_id): (&'static str, u16),
        tactics: &'static [&'static str],
        techniques: &'static [&'static str],
    ) -> Self {
        Self { title, level, channel, event_id, tactics, techniques }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Signature {
    pub id: u32,
    pub text: &'static str,
    pub category: &'static str,
    /// Suricata's priority: 1 is the most serious.
    pub severity: u8,
}

pub(super) struct Flow<'a> {
    pub source: (&'a str, u16),
    pub destination: (&'a str, u16),
    pub protocol: &'static str,
    pub up_bytes: u64,
}

pub(super) struct WazuhRule {
    pub id: &'static str,
    pub level: u8,
    pub description: &'static str,
    pub groups: &'static [&'static str],
    pub technique: Option<(&'static str, &'static str, &'static str)>,
}

/// What a native alert of the mail gateway or the endpoint sensor says beside its product.
pub(super) struct Native {
    pub title: &'static str,
    pub severity_id: u8,
    pub rule: &'static str,
    pub attack: (&'static str, &'static str),
    pub entities: Value,
    pub observables: Value,
}

impl Scene {
    pub(super) fn hayabusa(&mut self, second: u32, host: &Host, rule: &Sigma, details: &Value) {
        let (at, number) = self.moment(second);
        let mut alert = json!({
            "Timestamp": rfc3339(at), "RuleTitle": rule.title, "Level": rule.level, "Computer": host.full_name(),
            "Channel": rule.channel, "EventID": rule.event_id, "RecordID": 210_000 + number, "Details": details,
            "ExtraFieldInfo": { "RuleName": "-", "host": "wec-01.corp.example" },
            "RuleFile": rule_file(rule), "RuleID": rule_id(rule.title),
        });
        // The tool leaves empty lists out.
        if !rule.tactics.is_empty() {
            alert["MitreTactics"] = json!(rule.tactics);
        }
        if !rule.techniques.is_empty() {
            alert["MitreTags"] = json!(rule.techniques);
        }
        self.add(Product::Hayabusa, at, &alert);
    }

    /// `layer` is what the application parser saw: `{"tls":{…}}`, `{"http":{…}}`, or nothing.
    pub(super) fn suricata(&mut self, second: u32, flow: &Flow<'_>, signature: &Signature, layer: &Value) {
        let (at, number) = self.moment(second);
        let mut alert = json!({
            "timestamp": offset_time(at, "000+0000"), "flow_id": 1_840_000_000_000_000_u64 + mix(number) % 90_000_000_000,
            "in_iface": "ens192", "event_type": "alert", "host": "sensor-01",
            "src_ip": flow.source.0, "src_port": flow.source.1,
            "dest_ip": flow.destination.0, "dest_port": flow.destination.1, "proto": flow.protocol,
            "alert": { "action": "allowed", "gid": 1, "signature_id": signature.id, "rev": 2,
                "signature": signature.text, "category": signature.category, "severity": signature.severity },
            "flow": { "pkts_toserver": 4 + flow.up_bytes / 1_200, "pkts_toclient": 5, "bytes_toserver": flow.up_bytes,
                "bytes_toclient": 4_180, "start": offset_time(at, "000+0000") },
        });
        for (name, value) in layer.as_object().into_iter().flatten() {
            alert["app_proto"] = json!(name);
            alert[name] = value.clone();
        }
        self.add(Product::Suricata, at, &alert);
    }

    /// An event of the Windows event channel as the agent forwards it.
    pub(super) fn wazuh_windows(&mut self, second: u32, host: &Host, rule: &WazuhRule, system: &Value, data: &Value) {
        let mut system = system.clone();
        system["computer"] = json!(host.full_name());
        system["severityValue"] = json!("INFORMATION");
        let data = json!({ "win": { "system": system, "eventdata": data } });
        self.wazuh(
            second,
            host,
            rule,
            &json!({ "decoder": { "name": "windows_eventchannel" },
            "data": data, "location": "EventChannel" }),
        );
    }

    /// `rest` is what depends on the decoder: `decoder`, `data` or `syscheck`, `location`, `full_log`.
    pub(super) fn wazuh(&mut self, second: u32, host: &Host, rule: &WazuhRule, rest: &Value) {
        let (at, number) = self.moment(second);
        let mut about = json!({ "level": rule.level, "description": rule.description, "id": rule.id,
            "firedtimes": 1 + number % 5, "mail": rule.level >= 12, "groups": rule.groups });
        if let Some((id, tactic, technique)) = rule.technique {
            about["mitre"] = json!({ "id": [id], "tactic": [tactic], "technique": [technique] });
        }
        let mut alert = json!({
            "timestamp": offset_time(at, "+0000"), "rule": about, "manager": { "name": "wazuh-01" },
            "agent": { "id": format!("{:03}", host.agent), "name": host.name, "ip": host.address },
            "id": format!("{}.{}", at.millis() / 1_000, 7_000_000 + number * 1_511),
        });
        for (name, value) in rest.as_object().into_iter().flatten() {
            alert[name] = value.clone();
        }
        self.add(Product::Wazuh, at, &alert);
    }

    pub(super) fn mail(&mut self, second: u32, alert: Native) {
        self.native(
            second,
            Product::Mail,
            &json!({ "vendor": "Example Mail", "product": "Mail Gateway", "type": "email",
            "instance": "mx-1" }),
            alert,
        );
    }

    pub(super) fn endpoint(&mut self, second: u32, alert: Native) {
        self.native(
            second,
            Product::Endpoint,
            &json!({ "vendor": "Example Security", "product": "Endpoint Sensor",
            "type": "edr" }),
            alert,
        );
    }

    fn native(&mut self, second: u32, product: Product, source: &Value, alert: Native) {
        let (at, number) = self.moment(second);
        let record = json!({
            "schema_version": "1.0", "alert_uid": format!("{}-{number:05}", &rule_id(alert.rule)[..8]),
            "title": alert.title, "event_time": rfc3339(at), "severity_id": alert.severity_id, "source": source,
            "rule": { "uid": alert.rule, "name": alert.title },
            "attacks": [{ "tactic_uid": alert.attack.0, "technique_uid": alert.attack.1 }],
            "entities": alert.entities, "observables": alert.observables,
        });
        self.add(product, at, &record);
    }
}

/// RFC 3339 without the colon in its offset, as Suricata and Wazuh write it.
fn offset_time(at: Timestamp, end: &str) -> String {
    rfc3339(at).trim_end_matches('Z').to_owned() + end
}

/// A stable UUID for a rule.
fn rule_id(title: &str) -> String {
    let seed = title.bytes().fold(0, |seed, byte| mix(seed ^ u64::from(byte)));
    let (front, back) = (seed, mix(seed));
    let groups = [front >> 32, front >> 16 & 0xffff, front & 0xffff, back >> 48, back & 0xffff_ffff_ffff];
    let [a, b, c, d, e] = groups;
    format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
}

fn rule_file(rule: &Sigma) -> String {
    let words = rule.title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_");
    format!("win_{}_{name}.yml", rule.channel.to_ascii_lowercase())
}

/// The members of a Sysmon process creation, as Hayabusa names them.
pub(super) fn process(user: &str, image: &str, command: &str, parent: &str, logon: &str, guid: &str) -> Value {
    json!({
        "Cmdline": command, "Proc": image, "User": format!("CORP\\{user}"), "ParentCmdline": parent, "LID": logon,
        "LGUID": "n/a", "PID": 2_000 + mix(command.len() as u64) % 9_000, "PGUID": guid, "ParentPID": 5_124,
        "ParentPGUID": "n/a",
    })
}

/// A connection that Sysmon saw, as Hayabusa names its members.
pub(super) fn connection(user: &str, image: &str, guid: &str, source: &Host, target: (&str, u16)) -> Value {
    json!({
        "Initiated": true, "Proto": "tcp", "SrcIP": source.address, "SrcPort": 50_412, "SrcHost": source.full_name(),
        "TgtIP": target.0, "TgtPort": target.1, "TgtHost": "n/a", "User": format!("CORP\\{user}"), "Proc": image,
        "PID": 6_120, "PGUID": guid,
    })
}

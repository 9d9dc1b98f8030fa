//! The least that any correlating program has to parse: hand-written structs that borrow from the record, one for each shape
//! of the load. Nothing is checked, made canonical or kept.

use std::borrow::Cow;

use serde::Deserialize;

/// Parses a record of the load and touches everything that was parsed.
pub fn weight(payload: &[u8]) -> usize {
    if payload.starts_with(b"{\"Timestamp\"") {
        let alert: Hayabusa<'_> = serde_json::from_slice(payload).expect("a Hayabusa alert");
        alert.weight()
    } else if payload.starts_with(b"{\"timestamp\"") {
        let alert: Suricata<'_> = serde_json::from_slice(payload).expect("a Suricata alert");
        alert.weight()
    } else {
        let alert: Alert<'_> = serde_json::from_slice(payload).expect("a native alert");
        alert.weight()
    }
}

/// What a correlating program looks at, borrowed from the record wherever no escape forbids it.
#[derive(Deserialize)]
struct Alert<'a> {
    #[serde(borrow)]
    alert_uid: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    description: Cow<'a, str>,
    #[serde(borrow)]
    event_time: Cow<'a, str>,
    severity_id: u8,
    #[serde(borrow)]
    source: Source<'a>,
    #[serde(borrow)]
    rule: Rule<'a>,
    #[serde(borrow)]
    attacks: Vec<Attack<'a>>,
    #[serde(borrow)]
    entities: Vec<Entity<'a>>,
    #[serde(borrow)]
    observables: Vec<Observable<'a>>,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow)]
    vendor: Cow<'a, str>,
    #[serde(borrow)]
    product: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Rule<'a> {
    #[serde(borrow)]
    uid: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Attack<'a> {
    #[serde(borrow)]
    tactic_uid: Cow<'a, str>,
    #[serde(borrow)]
    technique_uid: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Entity<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    role: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Observable<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(borrow)]
    role: Cow<'a, str>,
}

impl Alert<'_> {
    /// Touches what was parsed, so that no field of it can be left out.
    fn weight(&self) -> usize {
        let head = [&self.alert_uid, &self.title, &self.description, &self.event_time];
        let mid = [&self.source.vendor, &self.source.product, &self.rule.uid, &self.rule.name];
        let attacks = self.attacks.iter().flat_map(|it| [&it.tactic_uid, &it.technique_uid]);
        let entities = self.entities.iter().flat_map(|it| [&it.kind, &it.id, &it.role]);
        let observables = self.observables.iter().flat_map(|it| [&it.kind, &it.value, &it.role]);
        let texts = head.into_iter().chain(mid).chain(attacks).chain(entities).chain(observables);
        usize::from(self.severity_id) + texts.map(|text| text.len()).sum::<usize>()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Hayabusa<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    rule_title: Cow<'a, str>,
    #[serde(borrow)]
    level: Cow<'a, str>,
    #[serde(borrow)]
    computer: Cow<'a, str>,
    #[serde(borrow)]
    mitre_tactics: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    mitre_tags: Vec<Cow<'a, str>>,
    #[serde(rename = "RecordID")]
    record_id: u64,
    #[serde(borrow)]
    details: Details<'a>,
    #[serde(borrow, rename = "RuleID")]
    rule_id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow, rename = "SrcIP")]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "TgtIP")]
    target: Cow<'a, str>,
    #[serde(borrow, rename = "User")]
    user: Cow<'a, str>,
    #[serde(borrow, rename = "Proc")]
    process: Cow<'a, str>,
    #[serde(borrow, rename = "PGUID")]
    guid: Cow<'a, str>,
}

impl Hayabusa<'_> {
    fn weight(&self) -> usize {
        let head = [&self.timestamp, &self.rule_title, &self.level, &self.computer, &self.rule_id];
        let Details { source, target, user, process, guid } = &self.details;
        let texts = head.into_iter().chain([source, target, user, process, guid]);
        let texts = texts.chain(&self.mitre_tactics).chain(&self.mitre_tags);
        self.record_id as usize + texts.map(|text| text.len()).sum::<usize>()
    }
}

#[derive(Deserialize)]
struct Suricata<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    flow_id: u64,
    #[serde(borrow)]
    src_ip: Cow<'a, str>,
    #[serde(borrow)]
    dest_ip: Cow<'a, str>,
    #[serde(borrow)]
    host: Cow<'a, str>,
    #[serde(borrow)]
    alert: Signature<'a>,
}

#[derive(Deserialize)]
struct Signature<'a> {
    signature_id: u64,
    rev: u64,
    #[serde(borrow)]
    signature: Cow<'a, str>,
    #[serde(borrow)]
    category: Cow<'a, str>,
    severity: u64,
}

impl Suricata<'_> {
    fn weight(&self) -> usize {
        let Signature { signature_id, rev, signature, category, severity } = &self.alert;
        let texts = [&self.timestamp, &self.src_ip, &self.dest_ip, &self.host, signature, category];
        let numbers = self.flow_id ^ signature_id ^ rev ^ severity;
        numbers as usize ^ texts.iter().map(|text| text.len()).sum::<usize>()
    }
}

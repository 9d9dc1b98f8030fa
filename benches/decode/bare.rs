//! The yardsticks: for each JSON sample the least that anyone could read of it, into a struct that borrows. They check
//! nothing, make nothing canonical and keep nothing.

use std::borrow::Cow;

use serde::Deserialize;

#[derive(Deserialize)]
#[allow(dead_code)]
pub struct BareNative<'a> {
    alert_uid: &'a str,
    #[serde(borrow)]
    source: BareSource<'a>,
    event_time: &'a str,
    title: &'a str,
    description: &'a str,
    severity_id: u8,
    confidence: u8,
    risk_score: u8,
    #[serde(borrow)]
    rule: BareRule<'a>,
    #[serde(borrow)]
    attacks: Vec<BareAttack<'a>>,
    #[serde(borrow)]
    observables: Vec<BareObservable<'a>>,
    #[serde(borrow)]
    entities: Vec<BareEntity<'a>>,
    #[serde(borrow)]
    tags: Vec<&'a str>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub struct BareSource<'a> {
    vendor: &'a str,
    product: &'a str,
    r#type: &'a str,
    instance: &'a str,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareRule<'a> {
    uid: &'a str,
    name: &'a str,
    version: &'a str,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareAttack<'a> {
    tactic_uid: &'a str,
    technique_uid: &'a str,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareObservable<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    value: Cow<'a, str>,
    role: &'a str,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareEntity<'a> {
    kind: &'a str,
    #[serde(borrow)]
    id: Cow<'a, str>,
    role: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
pub struct BareHayabusa<'a> {
    timestamp: &'a str,
    rule_title: &'a str,
    level: &'a str,
    computer: &'a str,
    channel: &'a str,
    #[serde(borrow)]
    mitre_tactics: Vec<&'a str>,
    #[serde(borrow)]
    mitre_tags: Vec<&'a str>,
    #[serde(rename = "RecordID")]
    record_id: u64,
    #[serde(borrow)]
    details: BareDetails<'a>,
    #[serde(rename = "RuleID")]
    rule_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
struct BareDetails<'a> {
    #[serde(borrow)]
    src_proc: Cow<'a, str>,
    #[serde(borrow)]
    tgt_proc: Cow<'a, str>,
    #[serde(borrow)]
    src_user: Cow<'a, str>,
    #[serde(borrow)]
    tgt_user: Cow<'a, str>,
    #[serde(rename = "SrcPGUID")]
    src_pguid: &'a str,
    #[serde(rename = "TgtPGUID")]
    tgt_pguid: &'a str,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub struct BareSuricata<'a> {
    timestamp: &'a str,
    flow_id: u64,
    event_type: &'a str,
    src_ip: &'a str,
    dest_ip: &'a str,
    #[serde(borrow)]
    alert: BareSignature<'a>,
    #[serde(borrow)]
    http: BareHttp<'a>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareSignature<'a> {
    gid: u32,
    signature_id: u32,
    rev: u32,
    signature: &'a str,
    category: &'a str,
    severity: u8,
    #[serde(borrow)]
    metadata: BareMetadata<'a>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareMetadata<'a> {
    #[serde(borrow)]
    mitre_tactic_id: Vec<&'a str>,
    #[serde(borrow)]
    mitre_technique_id: Vec<&'a str>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareHttp<'a> {
    hostname: &'a str,
    url: &'a str,
    http_user_agent: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
pub struct BareWindows<'a> {
    #[serde(borrow)]
    event: BareEvent<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
struct BareEvent<'a> {
    #[serde(borrow)]
    system: BareSystem<'a>,
    #[serde(borrow)]
    event_data: BareEventData<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
struct BareSystem<'a> {
    #[serde(rename = "EventID")]
    event_id: u32,
    level: u8,
    keywords: &'a str,
    #[serde(rename = "EventRecordID")]
    event_record_id: u64,
    channel: &'a str,
    computer: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
struct BareEventData<'a> {
    subject_user_sid: &'a str,
    subject_user_name: &'a str,
    target_user_sid: &'a str,
    target_user_name: &'a str,
    target_domain_name: &'a str,
    workstation_name: &'a str,
    ip_address: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code)]
pub struct BareWindowsFlat<'a> {
    event_time: &'a str,
    hostname: &'a str,
    #[serde(rename = "EventID")]
    event_id: u32,
    source_name: &'a str,
    record_number: u64,
    channel: &'a str,
    subject_user_sid: &'a str,
    subject_user_name: &'a str,
    subject_domain_name: &'a str,
    subject_logon_id: &'a str,
    #[serde(borrow)]
    new_process_name: Cow<'a, str>,
    command_line: &'a str,
    #[serde(borrow)]
    parent_process_name: Cow<'a, str>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
pub struct BareUnknown<'a> {
    id: &'a str,
    created: &'a str,
    severity: &'a str,
    name: &'a str,
    description: &'a str,
    #[serde(borrow)]
    policy: BarePolicy<'a>,
    #[serde(borrow)]
    user: BareUser<'a>,
    #[serde(borrow)]
    device: BareDevice<'a>,
    #[serde(borrow)]
    network: BareNetwork<'a>,
    #[serde(borrow)]
    file: BareFile<'a>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BarePolicy<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareUser<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    email: &'a str,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareDevice<'a> {
    hostname: &'a str,
    ip: &'a str,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareNetwork<'a> {
    source_ip: &'a str,
    destination_ip: &'a str,
    destination_domain: &'a str,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareFile<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    sha256: &'a str,
}

//! What decoding costs, against the least that anyone could do: serde_json into a hand-written struct that borrows. That
//! yardstick checks nothing, makes nothing canonical and keeps nothing; the ratio is the price of what decoding does.

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;

use casewright::config::{Limits, SourceConfig, TenantRule};
use casewright::model::{Tenant, TopicName};
use casewright::wire::scan::scan;
use casewright::wire::{Decoder, Element, Profiles, Record};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Deserialize;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const NATIVE: &str = r#"{"schema_version":"1.0","alert_uid":"edr-2026-0004711","source":{"vendor":"Example","product":"edr","type":"edr","instance":"eu-1"},"event_time":"2026-08-01T12:00:00.250Z","title":"Credential dumping from LSASS by an unsigned process","description":"An unsigned process opened lsass.exe with rights that allow reading its memory.","severity_id":4,"confidence":85,"risk_score":73,"rule":{"uid":"EDR-1003-1","name":"LSASS memory read","version":"12"},"attacks":[{"tactic_uid":"TA0006","technique_uid":"T1003.001"}],"observables":[{"type":"ip","value":"10.20.30.40","role":"asset"},{"type":"hash","value":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","role":"context"},{"type":"file_path","value":"C:\\Users\\mkeller\\AppData\\Local\\Temp\\p.exe","role":"context"},{"type":"domain","value":"updates.evil.example","role":"peer"}],"entities":[{"kind":"host","id":"WS-0042.corp.example","role":"asset","criticality":2},{"kind":"user","id":"CORP\\mkeller","role":"actor"}],"tags":["lsass","unsigned"],"labels":{"team":"emea"}}"#;

const HAYABUSA: &str = r#"{"Timestamp":"2026-08-01T09:15:02.417Z","RuleTitle":"Suspicious LSASS Access","Level":"high","Computer":"FS-02.corp.example","Channel":"Sysmon","EventID":10,"MitreTactics":["CredAccess"],"MitreTags":["T1003.001"],"OtherTags":["sysmon"],"RecordID":88231,"Details":{"SrcProc":"C:\\Users\\mkeller\\AppData\\p.exe","TgtProc":"C:\\Windows\\System32\\lsass.exe","SrcUser":"CORP\\MKeller","TgtUser":"NT AUTHORITY\\SYSTEM","Access":"0x1010","SrcPID":4242,"SrcPGUID":"{C0FFEE00-1111-2222-0000-0010AABBCCDD}","TgtPID":640,"TgtPGUID":"{C0FFEE00-1111-2222-0000-0010AABB0001}"},"ExtraFieldInfo":{"@timestamp":"2026-08-01T09:15:03.000Z","@version":1,"AccountName":"SYSTEM","AccountType":"User","CallTrace":"C:\\Windows\\SYSTEM32\\ntdll.dll+9c524|C:\\Windows\\SYSTEM32\\KERNELBASE.dll+2730e|C:\\Users\\mkeller\\AppData\\p.exe+1f00|UNKNOWN(00007FFB7EABB780)","Channel":"Microsoft-Windows-Sysmon/Operational","Domain":"NT AUTHORITY","EventID":10,"EventReceivedTime":"2026-08-01 09:15:03","EventTime":"2026-08-01 09:15:02","EventType":"INFO","Hostname":"FS-02.corp.example","Keywords":-9223372036854775808,"Message":"Process accessed:\r\nRuleName: \r\nUtcTime: 2026-08-01 09:15:02.417\r\nSourceProcessId: 4242\r\nSourceImage: C:\\Users\\mkeller\\AppData\\p.exe\r\nTargetProcessId: 640\r\nTargetImage: C:\\Windows\\System32\\lsass.exe\r\nGrantedAccess: 0x1010\r\n","OpcodeValue":0,"ProcessID":3148,"ProviderGuid":"{5770385F-C22A-43E0-BF4C-06F5698FFBD9}","RecordNumber":88231,"Severity":"INFO","SeverityValue":2,"SourceModuleName":"eventlog","SourceName":"Microsoft-Windows-Sysmon","Task":10,"ThreadID":4772,"UserID":"S-1-5-18","Version":3,"host":"collector.corp.example","port":49730},"RuleFile":"lsass.yml","RuleID":"11111111-2222-3333-4444-555555555555","RuleAuthor":"nobody"}"#;

#[derive(Deserialize)]
#[allow(dead_code)]
struct BareNative<'a> {
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
struct BareSource<'a> {
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
struct BareHayabusa<'a> {
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

fn limits() -> Limits {
    Limits {
        record_bytes_max: 256 * 1024,
        depth_max: 32,
        observables_max: 64,
        entities_max: 32,
        string_bytes_max: 8 * 1024,
        elements_max: 1_000,
    }
}

fn source(profile: &str) -> SourceConfig {
    let tenant = vec![TenantRule::Constant(Tenant::parse("acme").expect("a sound name"))];
    SourceConfig { topic: "alerts".to_owned(), profile: profile.into(), tenant, timezone: None, start_at: None }
}

fn decoded(criterion: &mut Criterion, group: &str, raw: &str, profile: &str) {
    let decoder = Decoder::new(Arc::new(Profiles::embedded()), limits());
    let topic = TopicName::new("alerts");
    let payload = Some(raw.as_bytes());
    let record = Record { topic: &topic, partition: 0, offset: 0, timestamp: None, payload, headers: &[] };
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Bytes(raw.len() as u64));
    for profile in [profile, "auto"] {
        let source = source(profile);
        assert!(matches!(decoder.decode(&record, &source)[0], Element::Alert(_)));
        group.bench_function(format!("decode as {profile}"), |bencher| {
            bencher.iter(|| decoder.decode(black_box(&record), &source));
        });
    }
    let limits = limits();
    group.bench_function("scan alone", |bencher| bencher.iter(|| scan(black_box(raw.as_bytes()), &limits).is_ok()));
    group.finish();
}

fn native(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("native");
    group.throughput(Throughput::Bytes(NATIVE.len() as u64));
    group.bench_function("bare struct", |bencher| {
        bencher.iter(|| serde_json::from_str::<BareNative<'_>>(black_box(NATIVE)).expect("sound"));
    });
    group.finish();
    decoded(criterion, "native", NATIVE, "native");
}

fn hayabusa(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hayabusa");
    group.throughput(Throughput::Bytes(HAYABUSA.len() as u64));
    group.bench_function("bare struct", |bencher| {
        bencher.iter(|| serde_json::from_str::<BareHayabusa<'_>>(black_box(HAYABUSA)).expect("sound"));
    });
    group.finish();
    decoded(criterion, "hayabusa", HAYABUSA, "hayabusa");
}

criterion_group!(benches, native, hayabusa);
criterion_main!(benches);

//! What the outside reads: every event kind, the view, commands and dead letters against their schemas, the event chain
//! against an independent canonicaliser, and golden files that show a change of shape as a changed line.

mod canonical;
pub mod samples;
mod schema;

use std::sync::Arc;

use casewright::config::Limits;
use casewright::model::{
    Actor, CaseId, CaseStatus, Command, CommandKind, Counted, EDGES_TOLD_MAX, EdgeId, EdgeView, EventKind, KeyKind,
    Millis, MoveSide, ObservableKind, Origin, PartId, PartedBy, Refusal, Role, TopicName, Verdict,
};
use casewright::wire::audit::{self, ShardEvent, ShardEventKind};
use casewright::wire::command::{self, CommandError};
use casewright::wire::{alert_json, dead_letter, event, view};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use canonical::canonical;
use samples::{T0, case, event as sample_event, event_kinds};
use schema::Schema;

const EVENT_BYTES_MAX: usize = 256 * 1024;

fn encoded(event: &casewright::model::CaseEvent, prev: [u8; 32]) -> (Vec<u8>, [u8; 32]) {
    let mut out = b"before".to_vec();
    let hash = event::encode(event, prev, "default", &mut out);
    assert!(out.starts_with(b"before"), "encoding appends");
    (out.split_off(6), hash)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fits(schema: &Schema, bytes: &[u8]) -> Value {
    let value: Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(schema.problems(&value), Vec::<String>::new(), "{value:#}");
    value
}

#[test]
fn every_event_kind_fits_its_schema_and_its_golden_file() {
    let schema = Schema::load("case-event.schema.json");
    for (at, kind) in event_kinds().into_iter().enumerate() {
        let label = kind.label();
        let (bytes, _) = encoded(&sample_event(at as u64 + 1, kind), event::NO_HASH);
        let value = fits(&schema, &bytes);
        assert_eq!(value["type"], format!("casewright.case.{label}.v1"));
        golden(&format!("{:02}-{label}.json", at + 1), &value);
    }
}

/// Compares with the file under tests/data/events; `CASEWRIGHT_BLESS=1` writes it anew.
fn golden(name: &str, value: &Value) {
    let path = format!("{}/tests/data/events/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = format!("{value:#}\n");
    if std::env::var_os("CASEWRIGHT_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(kept, text, "{name} changed: decide, then run with CASEWRIGHT_BLESS=1");
}

#[test]
fn event_bytes_are_canonical_and_chained() {
    let mut prev = event::NO_HASH;
    for (at, kind) in event_kinds().into_iter().enumerate() {
        let (bytes, hash) = encoded(&sample_event(at as u64 + 1, kind), prev);
        check_chain(&bytes, prev, hash);
        prev = hash;
    }
}

/// The bytes equal their own canonical form, and the hash is over that form without `data.hash`.
fn check_chain(bytes: &[u8], prev: [u8; 32], hash: [u8; 32]) {
    let mut value: Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!(std::str::from_utf8(bytes).unwrap(), canonical(&value));
    let data = value["data"].as_object_mut().unwrap();
    assert_eq!(data["prev_hash"], hex(&prev));
    assert_eq!(data.remove("hash").unwrap(), hex(&hash));
    assert_eq!(<[u8; 32]>::from(Sha256::digest(canonical(&value))), hash);
}

#[test]
fn any_change_to_an_event_changes_its_hash() {
    let event = |text: &str| sample_event(4, EventKind::CommentAdded { text: text.into() });
    let hashes = [encoded(&event("a"), [0; 32]).1, encoded(&event("b"), [0; 32]).1, encoded(&event("a"), [1; 32]).1];
    assert!(hashes[0] != hashes[1] && hashes[0] != hashes[2] && hashes[1] != hashes[2]);
}

proptest! {
    #[test]
    fn whatever_the_text_the_bytes_stay_canonical(
        title in any::<String>(),
        value in "[\\x00-\\x20\"\\\\\\u{7f}-\\u{a0}\u{2028}😀]{0,40}",
        seq in 1..u64::MAX,
        age in any::<i64>(),
    ) {
        let mut alert = samples::alert(7);
        alert.title = title.into();
        alert.observables[0].value = value.into();
        let mut link = samples::link();
        link.evidence[0].age = Millis(age);
        let (part, link) = (casewright::model::PartId(seq), Arc::new(link));
        let kind = EventKind::AlertAttached { part, begins: Vec::new(), edge: None, edges: Vec::new(), alert: Arc::new(alert), late: false, link };
        let (bytes, hash) = encoded(&sample_event(seq, kind), [9; 32]);
        check_chain(&bytes, [9; 32], hash);
    }
}

#[test]
fn an_event_is_bounded_and_says_what_it_left_out() {
    let schema = Schema::load("case-event.schema.json");
    let long: Arc<str> = "\u{1}".repeat(8 * 1024).into();
    let mut alert = samples::alert(1);
    alert.title = Arc::clone(&long);
    alert.rule.name = Arc::clone(&long);
    alert.source.vendor = Some(Arc::clone(&long));
    alert.observables =
        vec![casewright::model::Observable { value: Arc::clone(&long), ..alert.observables[0].clone() }; 150];
    alert.entities = vec![casewright::model::Entity { id: "h".into(), ..alert.entities[0].clone() }; 150];
    let mut link = samples::link();
    link.evidence = vec![casewright::model::Evidence { value: long, ..link.evidence[0].clone() }; 32];
    let (part, alert) = (casewright::model::PartId(1), Arc::new(alert));
    let kind = EventKind::AlertAttached {
        part,
        begins: Vec::new(),
        edge: None,
        edges: Vec::new(),
        alert,
        late: false,
        link: Arc::new(link),
    };
    let (bytes, _) = encoded(&sample_event(1, kind), event::NO_HASH);
    assert!(bytes.len() <= EVENT_BYTES_MAX, "{}", bytes.len());
    let value = fits(&schema, &bytes);
    let alert = &value["data"]["payload"]["alert"];
    assert_eq!((&alert["observables_total"], &alert["entities_total"]), (&json!(150), &json!(150)));
    assert_eq!(alert["entities"].as_array().unwrap().len(), 100);
    assert!(alert["observables"].as_array().unwrap().len() < 100, "bounded by bytes");
    assert!(alert["title"].as_str().unwrap().ends_with('…'));
}

/// Lists that a reader folds are never cut: as many parts as a case may have, and as many edges as an alert may draw.
#[test]
fn what_is_folded_is_told_whole_within_the_bound() {
    let schema = Schema::load("case-event.schema.json");
    let long: Arc<str> = "\u{1}".repeat(96 * 1024).into();
    let parts: Vec<PartId> = (0..4_097).map(|at| PartId(u64::MAX - at)).collect();
    let moved = EventKind::AlertsMoved {
        other: case(2),
        side: MoveSide::From,
        parts,
        by: PartedBy::Hub { kind: KeyKind::Url, value: Arc::clone(&long) },
        comment: Some(Arc::clone(&long)),
    };
    let value = bounded(&schema, moved);
    assert_eq!(value["parts"].as_array().unwrap().len(), 4_097);

    let edges: Vec<EdgeId> = (0..EDGES_TOLD_MAX as u64).map(|at| EdgeId(u64::MAX - at)).collect();
    let value = bounded(&schema, EventKind::Unlinked { edges, drawn: Vec::new(), by: PartedBy::Person });
    assert_eq!(value["edges"].as_array().unwrap().len(), EDGES_TOLD_MAX);

    let edge =
        |at| EdgeView { id: EdgeId(at), keys: vec![(KeyKind::Url, Arc::clone(&long)); 9], ..samples::edge_view() };
    let mut alert = samples::alert(1);
    alert.title = Arc::clone(&long);
    let attached = EventKind::AlertAttached {
        part: PartId(6),
        begins: vec![PartId(6)],
        edge: None,
        edges: (0..128).map(edge).collect(),
        alert: Arc::new(alert),
        late: false,
        link: Arc::new(samples::link()),
    };
    let value = bounded(&schema, attached);
    let edges = value["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 128);
    assert!(edges.iter().any(|edge| edge.get("keys").is_none()), "keys are left out instead");
}

fn bounded(schema: &Schema, kind: EventKind) -> Value {
    let (bytes, _) = encoded(&sample_event(1, kind), event::NO_HASH);
    assert!(bytes.len() <= EVENT_BYTES_MAX, "{}", bytes.len());
    let mut value = fits(schema, &bytes);
    value["data"]["payload"].take()
}

#[test]
fn the_view_fits_its_schema_and_its_bound() {
    let schema = Schema::load("case-view.schema.json");
    let mut out = Vec::new();
    view::encode(&samples::view(), &mut out);
    let value = fits(&schema, &out);
    assert_eq!(canonical(&value).as_bytes(), out);
    golden("view.json", &value);

    let mut view = samples::view();
    let long: Arc<str> = "\"".repeat(9_000).into();
    let counted =
        |at: usize| Counted { value: (ObservableKind::Url, format!("{at}{long}").into(), Role::Peer), count: 1 };
    view.observables.items = (0..200).map(counted).collect();
    view.observables.total = 256;
    view.title = long;
    out.clear();
    view::encode(&view, &mut out);
    assert!(out.len() <= EVENT_BYTES_MAX);
    assert_eq!(fits(&schema, &out)["observables_total"], 256);
}

#[test]
fn a_refusal_is_an_event_of_its_own() {
    let command = Command { expected_seq: Some(3), ..commands().swap_remove(0) };
    let mut out = Vec::new();
    let refusal = Refusal::VersionConflict { expected: 3, actual: 9 };
    event::encode_refused(&command, &refusal, T0, "default", &mut out);
    let value = fits(&Schema::load("command-refused.schema.json"), &out);
    assert_eq!(canonical(&value).as_bytes(), out);
    assert_eq!(value["id"], "refused:casewright.commands:0:17");
    assert_eq!(value["data"]["reason"], "version_conflict");
    golden("command-refused.json", &value);
}

#[test]
fn an_alert_in_the_native_shape_fits_the_schema_of_what_may_be_sent() {
    let mut out = Vec::new();
    alert_json::write(&samples::alert(90_210), &mut out);
    let value = fits(&Schema::load("native-alert.schema.json"), &out);
    assert_eq!(value["evidences"][0]["process"]["pid"], 4711);
    assert_eq!(value["time_from"], "field");
    golden("native-alert.json", &value);
}

#[test]
fn dead_letter_headers_fit_their_schema() {
    let headers =
        dead_letter::headers("not_json", "expected value at byte 0", "edr.alerts", 3, 7, Some("native"), Some(2));
    let mut value: Value = headers.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    for (name, kept) in dead_letter::kept(&[("tenant", b"acme"), ("other", b"x")], &[]) {
        value[name] = String::from_utf8(kept).unwrap().into();
    }
    assert_eq!(value["header.tenant"], "acme");
    assert_eq!(Schema::load("dead-letter-headers.schema.json").problems(&value), Vec::<String>::new());
}

#[test]
fn what_befalls_a_shard_fits_its_schema() {
    let schema = Schema::load("shard-event.schema.json");
    for kind in ShardEventKind::ALL {
        for from in [None, Some(7)] {
            let event = ShardEvent {
                kind,
                changelog: "00112233445566778899aabbccddeeff",
                batch: 12,
                topic: "edr.alerts",
                partition: 3,
                from,
                to: 90,
                instance: "4711@127.0.0.1:8480",
                time: T0,
            };
            let mut out = Vec::new();
            audit::encode(&event, "0", &mut out);
            let value = fits(&schema, &out);
            assert_eq!(value["id"], format!("{}:00112233445566778899aabbccddeeff:12:edr.alerts:3", kind.label()));
            assert_eq!((value["data"]["from"].as_u64(), &value["data"]["to"]), (from.map(|_| 7), &90.into()));
        }
    }
}

fn command_origin() -> Origin {
    Origin { topic: TopicName::new("casewright.commands"), partition: 0, offset: 17, index: 0 }
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

/// One of each kind.
fn commands() -> Vec<Command> {
    let comment: Option<Arc<str>> = Some("done\n\"really\"".into());
    let kinds = vec![
        CommandKind::Close { verdict: Some(Verdict::FalsePositive), comment: comment.clone() },
        CommandKind::Reopen { comment: comment.clone() },
        CommandKind::Merge { other: case(3) },
        CommandKind::UndoMerge { other: case(3), comment },
        CommandKind::SetStatus { status: CaseStatus::Containing },
        CommandKind::SetVerdict { verdict: Verdict::Undetermined },
        CommandKind::Assign { owner: Some("maria".into()), team: Some("tier 2".into()) },
        CommandKind::Assign { owner: None, team: None },
        CommandKind::Acknowledge,
        CommandKind::Comment { text: "seen".into() },
    ];
    kinds.into_iter().map(of_maria).collect()
}

fn of_maria(kind: CommandKind) -> Command {
    Command {
        origin: command_origin(),
        recorded_at: Some(T0),
        actor: Actor::Person { name: "maria".into(), verified: false },
        case: case(7),
        expected_seq: Some(12),
        idempotency: None,
        kind,
    }
}

fn read(text: &str) -> Result<Command, CommandError> {
    command::decode(command_origin(), Some(T0), text.as_bytes(), &limits())
}

#[test]
fn every_command_comes_back_as_it_was_sent() {
    let schema = Schema::load("command.schema.json");
    for sent in commands() {
        let bytes = command::encode(&sent);
        fits(&schema, &bytes);
        assert_eq!(read(std::str::from_utf8(&bytes).unwrap()), Ok(sent.clone()));
        let keyed = command::encode_with_key(&sent, "k-1");
        fits(&schema, &keyed);
        let idempotency = Some(command::idempotency(&sent.case.tenant, "k-1"));
        assert_eq!(read(std::str::from_utf8(&keyed).unwrap()), Ok(Command { idempotency, ..sent }));
    }
}

#[test]
fn an_idempotency_key_is_its_tenants_own() {
    let other = CaseId::parse("other-1").unwrap().tenant;
    assert_ne!(command::idempotency(&samples::tenant(), "k"), command::idempotency(&other, "k"));
}

#[test]
fn a_command_that_is_not_exactly_one_is_refused_with_what_is_wrong() {
    let long = "x".repeat(9_000);
    let table = [
        ("", "a command is one JSON object"),
        ("[]", "a command is one JSON object"),
        (r#"["close","acme-7",["maria"]]"#, "a command is one JSON object"),
        (r#"{"command":"close","case_id":"acme-7","actor":["maria"]}"#, "a command is one JSON object"),
        (r#"{"command":"close","case_id":"acme-7","actor":{"name":{"a":{}}}}"#, "a command is one JSON object"),
        (r#"{"command":"close","case_id":"acme-7","actor":{"name":"maria"}} {}"#, "trailing characters"),
        (r#"{"command":"close","case_id":"acme-7"}"#, "missing field `actor`"),
        (r#"{"command":"close","command":"reopen","case_id":"acme-7","actor":{"name":"m"}}"#, "duplicate field"),
        (r#"{"command":"close","case_id":"acme-7","actor":{"name":"m"},"force":true}"#, "unknown field `force`"),
        (r#"{"command":"close","case_id":"acme-7","actor":{"name":"m","verified":true}}"#, "unknown field `verified`"),
        (r#"{"command":"explode","case_id":"acme-7","actor":{"name":"m"}}"#, "there is no command `explode`"),
        (r#"{"command":"close","case_id":"acme-07","actor":{"name":"m"}}"#, "`case_id`: is no case id"),
        (r#"{"command":"merge","case_id":"acme-7","actor":{"name":"m"}}"#, "`other` is required"),
        (
            r#"{"command":"close","case_id":"acme-7","actor":{"name":"m"},"other":"acme-1"}"#,
            "`other` is not a field of `close`",
        ),
        (r#"{"command":"set_status","case_id":"acme-7","actor":{"name":"m"},"status":"done"}"#, "`status`: is none"),
        (r#"{"command":"close","case_id":"acme-7","actor":{"name":" "}}"#, "`actor.name`: is empty"),
        (
            "{\"command\":\"close\",\"case_id\":\"acme-7\",\"actor\":{\"name\":\"m\\u202e\"}}",
            "`actor.name`: holds control",
        ),
        (r#"{"command":"close","case_id":"acme-7","actor":{"name":"m"},"expected_seq":-1}"#, "invalid value"),
        (r#"{"command":"close","case_id":"acme-7","actor":{"name":"m"},"expected_seq":1e400}"#, "number out of range"),
    ];
    for (text, expected) in table {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let comment = format!(r#"{{"command":"comment","case_id":"acme-7","actor":{{"name":"m"}},"text":"{long}"}}"#);
    assert_eq!(read(&comment).unwrap_err().to_string(), "`text`: is too long");
    let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert_eq!(
        command::decode(command_origin(), None, deep.as_bytes(), &Limits { record_bytes_max: usize::MAX, ..limits() }),
        Err(CommandError::Shape)
    );
    assert_eq!(command::decode(command_origin(), None, &[b'"', 0xff], &limits()), Err(CommandError::NotUtf8));
    let large = vec![b' '; 256 * 1024 + 1];
    assert!(matches!(command::decode(command_origin(), None, &large, &limits()), Err(CommandError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn no_bytes_make_the_command_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = command::decode(command_origin(), None, &bytes, &limits());
    }
}

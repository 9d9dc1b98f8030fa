//! The event log of each case by itself: unique ids, a gapless `seq`, an envelope that agrees with the key, and the
//! chain of hashes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Violation, canonical};

const REFUSED: &str = "casewright.command.refused.v1";
const SUPPRESSED: &str = "casewright.alert.suppressed.v1";
const NOISE: &str = "casewright.noise.";
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[derive(Default)]
pub(super) struct History {
    /// The events of each case in order of `seq`.
    pub cases: BTreeMap<String, Vec<Event>>,
    pub refused: u64,
    /// The origins of alerts that a noise rule kept out of every case.
    pub suppressed: Vec<Value>,
}

pub(super) struct Event {
    pub id: String,
    pub seq: u64,
    /// The X of `casewright.case.X.v1`.
    pub kind: String,
    pub time: String,
    pub tenant: String,
    pub hash: String,
    pub payload: Value,
}

impl History {
    pub(super) fn events(&self) -> usize {
        self.cases.values().map(Vec::len).sum()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Event> {
        self.cases.values().flatten()
    }
}

pub(super) fn read(events: &[(String, Vec<u8>)], violations: &mut Vec<Violation>) -> History {
    let mut history = History::default();
    let mut ids = BTreeSet::new();
    for (key, bytes) in events {
        let value: Value = match serde_json::from_slice(bytes) {
            Ok(value) => value,
            Err(error) => {
                let what = format!("an event with key {key}");
                violations.push(Violation::Unreadable { what, detail: error.to_string() });
                continue;
            }
        };
        let id = text(&value, "/id");
        if !ids.insert(id.clone()) {
            violations.push(Violation::DoubledEvent { id });
        } else if text(&value, "/type") == REFUSED {
            history.refused += 1;
        } else if text(&value, "/type") == SUPPRESSED {
            history.suppressed.extend(value.pointer("/data/payload/alert/origin").cloned());
        } else if text(&value, "/type").starts_with(NOISE) {
            // A rule came or went: no case and no alert hangs on it.
        } else {
            take(&mut history, key, id, value, violations);
        }
    }
    history
}

fn take(history: &mut History, key: &str, id: String, mut value: Value, violations: &mut Vec<Violation>) {
    if let Err(detail) = envelope(key, &id, &value) {
        return violations.push(Violation::Envelope { id, detail });
    }
    let before = history.cases.get(key).and_then(|events| events.last());
    let seq = value.pointer("/data/seq").and_then(Value::as_u64).unwrap_or(0);
    let expected = before.map_or(1, |event| event.seq + 1);
    if seq != expected {
        violations.push(Violation::Order { case: key.to_owned(), expected, found: seq });
    } else if text(&value, "/data/prev_hash") != before.map_or(NO_HASH, |event| &event.hash) {
        violations.push(Violation::BrokenChain { id: id.clone() });
    }
    let hash = text(&value, "/data/hash");
    if event_hash(&value).as_deref() != Some(&hash) {
        violations.push(Violation::Altered { id: id.clone() });
    }
    let kind = text(&value, "/type").trim_start_matches("casewright.case.").trim_end_matches(".v1").to_owned();
    let (time, tenant) = (text(&value, "/time"), text(&value, "/data/tenant_id"));
    let payload = value.pointer_mut("/data/payload").map(Value::take).unwrap_or_default();
    history.cases.entry(key.to_owned()).or_default().push(Event { id, seq, kind, time, tenant, hash, payload });
}

/// What CloudEvents and the contract say about the members around `data`.
fn envelope(key: &str, id: &str, value: &Value) -> Result<(), String> {
    let seq = value.pointer("/data/seq").and_then(Value::as_u64).ok_or("data.seq is no number")?;
    let tenant = key.rsplit_once('-').map_or("", |(tenant, _)| tenant);
    let source = text(value, "/source");
    let rules = [
        (id == format!("{key}:{seq}"), "its id is not key:seq"),
        (text(value, "/specversion") == "1.0", "specversion"),
        (text(value, "/subject") == key, "subject is not the key"),
        (text(value, "/partitionkey") == key, "partitionkey is not the key"),
        (text(value, "/data/case_id") == key, "data.case_id is not the key"),
        (text(value, "/data/tenant_id") == tenant, "data.tenant_id is not the tenant of the case"),
        (text(value, "/datacontenttype") == "application/json", "datacontenttype"),
        (source.starts_with("/casewright/"), "source"),
        (text(value, "/type").starts_with("casewright.case."), "type"),
        (value.pointer("/data/payload").is_some_and(Value::is_object), "data.payload is no object"),
    ];
    let broken = rules.into_iter().find(|(holds, _)| !holds);
    broken.map_or(Ok(()), |(_, detail)| Err(detail.to_owned()))
}

/// SHA-256, in hexadecimal, over the canonical bytes of an event without its member `data.hash`.
#[must_use]
pub fn event_hash(event: &Value) -> Option<String> {
    let mut event = event.clone();
    event.get_mut("data")?.as_object_mut()?.remove("hash")?;
    let bytes = canonical(&event)?;
    let digest = Sha256::digest(bytes.as_bytes());
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(super) fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

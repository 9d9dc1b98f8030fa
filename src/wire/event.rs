//! Case events as CloudEvents 1.0 in structured JSON. The bytes are canonical (RFC 8785) as they are written, so the
//! chain is hashed in the same pass: `hash` is the SHA-256 of the event without its member `data.hash`, and `prev_hash`
//! inside it ties it to the event before. What happened was decided by the engine; the payloads are in `payload`.

mod noise;
mod payload;

pub use noise::encode_noise;
pub(super) use payload::{intel_match, link, priority};

use sha2::{Digest, Sha256};

use super::alert_json;
use super::json::{self, Object, object};
use crate::model::{Actor, CaseEvent, Cause, Command, Origin, Refusal, Timestamp};

/// `prev_hash` of a case's first event.
pub const NO_HASH: [u8; 32] = [0; 32];

const REFUSED: &str = "casewright.command.refused.v1";
const HEX_BYTES: usize = 64;

/// Appends `event` as CloudEvents JSON and returns its hash, the `prev_hash` of the case's next event. `instance` names
/// the daemon in `source`.
pub fn encode(event: &CaseEvent, prev_hash: [u8; 32], instance: &str, out: &mut Vec<u8>) -> [u8; 32] {
    let start = out.len();
    let mut member = 0..0;
    object(out, |o| {
        o.object("data", |o| member = data(o, event, &prev_hash));
        o.text("datacontenttype", "application/json");
        let id = o.key("id");
        id.push(b'"');
        json::plain(&event.case, id);
        id.push(b':');
        json::decimal(event.seq, id);
        id.push(b'"');
        envelope(o, &event.case, instance, event.time);
        let kind = o.key("type");
        kind.extend_from_slice(b"\"casewright.case.");
        kind.extend_from_slice(event.kind.label().as_bytes());
        kind.extend_from_slice(b".v1\"");
    });
    seal(out, start, member)
}

/// Appends the event that tells of a command that was not carried out. It belongs to no chain and has no `seq`: a
/// refusal changes no case. Its id is the command's position, the same on every replay.
pub fn encode_refused(command: &Command, refusal: &Refusal, time: Timestamp, instance: &str, out: &mut Vec<u8>) {
    object(out, |o| {
        o.object("data", |o| refused(o, command, refusal));
        o.text("datacontenttype", "application/json");
        o.text("id", &refused_id(&command.origin));
        match command.is_tenant_wide() {
            true => envelope(o, &command.case.tenant, instance, time),
            false => envelope(o, &command.case, instance, time),
        }
        o.text("type", REFUSED);
    });
}

/// The members from `partitionkey` to `time`.
fn envelope(o: &mut Object<'_>, subject: &impl std::fmt::Display, instance: &str, time: Timestamp) {
    o.id("partitionkey", subject);
    let source = o.key("source");
    json::text(&["/casewright/", instance].concat(), source);
    o.text("specversion", "1.0");
    o.id("subject", subject);
    o.time("time", time);
}

/// Writes `data` with zeros for its hash, and returns where the member `hash` with its comma lies.
fn data(o: &mut Object<'_>, event: &CaseEvent, prev_hash: &[u8; 32]) -> std::ops::Range<usize> {
    o.object("actor", |o| actor(o, &event.actor));
    o.id("case_id", &event.case);
    o.object("cause", |o| cause(o, &event.cause));
    let before = o.out.len();
    o.hex("hash", &NO_HASH);
    let member = before..o.out.len();
    o.object("payload", |o| payload::write(o, &event.kind));
    policy(o, &event.policy);
    o.hex("prev_hash", prev_hash);
    o.uint("seq", event.seq);
    o.text("tenant_id", event.case.tenant.as_str());
    member
}

/// Hashes the event that begins at `start` without its member `hash`, and writes the hash into that member.
fn seal(out: &mut [u8], start: usize, member: std::ops::Range<usize>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(&out[start..member.start]);
    hasher.update(&out[member.end..]);
    let hash: [u8; 32] = hasher.finalize().into();
    json::hex_into(&hash, &mut out[member.end - 1 - HEX_BYTES..member.end - 1]);
    hash
}

fn refused(o: &mut Object<'_>, command: &Command, refusal: &Refusal) {
    o.object("actor", |o| actor(o, &command.actor));
    if !command.is_tenant_wide() {
        o.id("case_id", &command.case);
    }
    o.object("cause", |o| alert_json::origin(o, &command.origin));
    o.text("command", command.kind.label());
    o.text("detail", &refusal.to_string());
    if let Some(expected) = command.expected_seq {
        o.uint("expected_seq", expected);
    }
    o.text("reason", refusal.label());
    o.text("tenant_id", command.case.tenant.as_str());
}

fn refused_id(origin: &Origin) -> String {
    format!("refused:{}:{}:{}", origin.topic.as_str(), origin.partition, origin.offset)
}

fn actor(o: &mut Object<'_>, actor: &Actor) {
    match actor {
        Actor::Engine => o.text("kind", "engine"),
        Actor::Person { name, verified } => {
            o.text("kind", "person");
            o.text("name", name);
            o.flag("verified", *verified);
        }
    }
}

fn cause(o: &mut Object<'_>, cause: &Cause) {
    match cause {
        Cause::Record(origin) => alert_json::origin(o, origin),
        Cause::Clock => o.flag("clock", true),
    }
}

fn policy(o: &mut Object<'_>, digest: &[u8; 32]) {
    let out = o.key("policy");
    out.extend_from_slice(b"\"sha256:");
    json::hex(digest, out);
    out.push(b'"');
}

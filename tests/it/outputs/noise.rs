//! What is written out about noise: commands and events of noise rules.

use casewright::model::{
    Actor, AlertId, CaseId, Cause, Command, CommandKind, InhibitOn, Inhibition, Matcher, Millis, NoiseEvent, NoiseFact,
    NoiseId, NoiseKind, NoiseRule, Refusal, SuppressedBy,
};
use casewright::wire::{command, event};

use super::samples::{self, T0};
use super::schema::Schema;
use super::{canonical, command_origin, fits, of_maria, read};

fn matcher(text: &str) -> Matcher {
    Matcher::parse(text).unwrap()
}

fn rule(kind: NoiseKind) -> NoiseRule {
    let lasts = Some(Millis::from_hours(2));
    NoiseRule {
        kind,
        matcher: matcher("rule = scan and host in (a, b)"),
        owner: "ann".into(),
        reason: "ours".into(),
        lasts,
    }
}

fn rules() -> [NoiseRule; 4] {
    let target = matcher("rule = noise");
    let inhibition = Inhibition { target, on: InhibitOn::User, within: Millis::from_mins(30) };
    let kinds = [NoiseKind::Silence, NoiseKind::Allow, NoiseKind::Exclude, NoiseKind::Inhibit(Box::new(inhibition))];
    kinds.map(rule)
}

fn about_tenant(kind: CommandKind) -> Command {
    Command { case: CaseId { tenant: samples::tenant(), number: 0 }, expected_seq: None, ..of_maria(kind) }
}

#[test]
fn every_command_about_noise_comes_back_as_it_was_sent() {
    let schema = Schema::load("command.schema.json");
    let adds = rules().map(|rule| CommandKind::AddNoise { rule: Box::new(rule) });
    for kind in adds.into_iter().chain([CommandKind::EndNoise { id: NoiseId(3) }]) {
        let sent = about_tenant(kind);
        let bytes = command::encode(&sent);
        fits(&schema, &bytes);
        assert_eq!(read(std::str::from_utf8(&bytes).unwrap()), Ok(sent));
    }
}

#[test]
fn a_command_about_noise_that_is_not_exactly_one_is_refused_with_what_is_wrong() {
    let table = [
        (r#""command":"silence","case_id":"acme-1","matcher":"rule = a","reason":"r""#, "`tenant_id` is required"),
        (
            r#""command":"silence","tenant_id":"a b","matcher":"rule = a","reason":"r""#,
            "`tenant_id`: is no tenant's name",
        ),
        (r#""command":"silence","tenant_id":"acme","reason":"r""#, "`matcher` is required"),
        (
            r#""command":"silence","tenant_id":"acme","matcher":"rule","reason":"r""#,
            "`matcher`: `=`, `!=`, `in` or `>=`",
        ),
        (r#""command":"silence","tenant_id":"acme","matcher":"rule = a""#, "`reason` is required"),
        (
            r#""command":"allow","tenant_id":"acme","matcher":"rule = a","reason":"r","on":"host""#,
            "`on` is not a field of `allow`",
        ),
        (
            r#""command":"silence","tenant_id":"acme","matcher":"rule = a","reason":"r","for_ms":0"#,
            "`for_ms`: is nothing, or more than ten years",
        ),
        (r#""command":"unsilence","tenant_id":"acme","rule":1,"expected_seq":2"#, "`expected_seq`: is a case's"),
        (r#""command":"close","tenant_id":"acme""#, "`case_id` is required"),
        (r#""command":"close","tenant_id":"acme","case_id":"acme-1""#, "`tenant_id` is not a field of `close`"),
    ];
    for (members, expected) in table {
        let text = format!(r#"{{"actor":{{"name":"m"}},{members}}}"#);
        let error = read(&text).expect_err(&text).to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn facts_about_noise_fit_their_schema() {
    let schema = Schema::load("noise-event.schema.json");
    let [silence, .., inhibition] = rules();
    let alert = std::sync::Arc::new(samples::alert(5));
    let by = |source| SuppressedBy { rule: NoiseId(3), source };
    let facts = [
        NoiseFact::Suppressed { alert: alert.clone(), late: false, by: by(None) },
        NoiseFact::Suppressed { alert, late: true, by: by(Some(AlertId(7))) },
        NoiseFact::Added { id: NoiseId(3), rule: Box::new(silence), expires_at: Some(T0) },
        NoiseFact::Added { id: NoiseId(4), rule: Box::new(inhibition), expires_at: None },
        NoiseFact::Ended { id: NoiseId(3), hits: 12 },
    ];
    for fact in facts {
        let label = fact.label();
        let actor = Actor::Person { name: "maria".into(), verified: false };
        let cause = Cause::Record(command_origin());
        let event = NoiseEvent { tenant: samples::tenant(), time: T0, actor, cause, policy: [7; 32], fact };
        let mut out = Vec::new();
        event::encode_noise(&event, "default", &mut out);
        let value = fits(&schema, &out);
        assert_eq!(canonical(&value).as_bytes(), out);
        assert_eq!(value["id"], format!("{label}:casewright.commands:0:17:0"));
        assert_eq!((&value["partitionkey"], &value["subject"]), (&"acme".into(), &"acme".into()));
    }
}

#[test]
fn a_refusal_about_noise_is_keyed_by_its_tenant() {
    let command = about_tenant(CommandKind::EndNoise { id: NoiseId(3) });
    let mut out = Vec::new();
    event::encode_refused(&command, &Refusal::NoSuchRule(NoiseId(3)), T0, "default", &mut out);
    let value = fits(&Schema::load("command-refused.schema.json"), &out);
    assert_eq!((&value["partitionkey"], &value["data"]["reason"]), (&"acme".into(), &"no_such_rule".into()));
}

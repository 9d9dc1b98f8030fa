//! Facts about noise as CloudEvents: rules that were added and ended, and every alert that one suppressed. They are keyed
//! by their tenant and in no chain; an id is the position of the record that brought the fact about, the same on every
//! replay.

use super::super::{alert_json, command};
use super::{Object, actor, cause, envelope, object, policy};
use crate::model::{Cause, NoiseEvent, NoiseFact, NoiseRule, SuppressedBy, Timestamp};

/// Appends `event` as CloudEvents JSON.
pub fn encode_noise(event: &NoiseEvent, instance: &str, out: &mut Vec<u8>) {
    object(out, |o| {
        o.object("data", |o| {
            o.object("actor", |o| actor(o, &event.actor));
            o.object("cause", |o| cause(o, &event.cause));
            o.object("payload", |o| payload(o, &event.fact));
            policy(o, &event.policy);
            o.text("tenant_id", event.tenant.as_str());
        });
        o.text("datacontenttype", "application/json");
        o.text("id", &id(event));
        envelope(o, &event.tenant, instance, event.time);
        o.text("type", &["casewright.", event.fact.label(), ".v1"].concat());
    });
}

fn id(event: &NoiseEvent) -> String {
    match &event.cause {
        Cause::Record(origin) => {
            let (topic, partition) = (origin.topic.as_str(), origin.partition);
            format!("{}:{topic}:{partition}:{}:{}", event.fact.label(), origin.offset, origin.index)
        }
        Cause::Clock => unreachable!("only records bring facts about noise about"),
    }
}

fn payload(o: &mut Object<'_>, fact: &NoiseFact) {
    match fact {
        NoiseFact::Suppressed { alert, late, by: SuppressedBy { rule, source } } => {
            o.object("alert", |o| alert_json::summary(o, alert, Some(*late)));
            if let Some(source) = source {
                o.id("inhibited_by", source);
            }
            o.uint("rule", rule.0);
        }
        NoiseFact::Added { id, rule, expires_at } => added(o, id.0, rule, *expires_at),
        NoiseFact::Ended { id, hits } => {
            o.uint("hits", *hits);
            o.uint("rule", id.0);
        }
    }
}

fn added(o: &mut Object<'_>, id: u64, rule: &NoiseRule, expires_at: Option<Timestamp>) {
    if let Some(expires_at) = expires_at {
        o.time("expires_at", expires_at);
    }
    o.text("kind", rule.kind.label());
    o.uint("rule", id);
    o.object("says", |o| command::noise_rule(o, rule));
}

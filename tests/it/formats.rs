//! Records as products write them, and as nobody should: what each becomes. Samples are written for these tests after
//! the products' documentation.

mod envelopes;
mod expected;
mod hostile;
mod language;
mod letters;
mod mutations;
mod native;
mod profiles;
mod real;
mod vendors;

use std::sync::{Arc, LazyLock};

use casewright::config::{Limits, SourceConfig, TenantRule};
use casewright::model::{Alert, Tenant, Timestamp, TopicName};
use casewright::wire::{Decoder, Element, Elements, Profiles, Record, RejectReason, Rejection};

const RECORDED_AT: Timestamp = Timestamp::from_millis(1_785_585_600_000);

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

fn decoder() -> &'static Decoder {
    static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::new(Arc::new(Profiles::embedded()), limits()));
    &DECODER
}

fn source(profile: &str) -> SourceConfig {
    let tenant = vec![TenantRule::Constant(Tenant::parse("acme").unwrap())];
    SourceConfig { topic: "alerts".to_owned(), profile: profile.into(), tenant, timezone: None, start_at: None }
}

fn decode(profile: &str, payload: impl AsRef<[u8]>) -> Elements {
    decode_from(&source(profile), "alerts", &[], payload)
}

fn decode_from(source: &SourceConfig, topic: &str, headers: &[(&str, &[u8])], payload: impl AsRef<[u8]>) -> Elements {
    let topic = TopicName::new(topic);
    let payload = Some(payload.as_ref());
    let record = Record { topic: &topic, partition: 3, offset: 7, timestamp: Some(RECORDED_AT), payload, headers };
    decoder().decode(&record, source)
}

fn alert(profile: &str, payload: impl AsRef<[u8]>) -> Arc<Alert> {
    match decode(profile, payload).into_iter().next() {
        Some(Element::Alert(alert)) => alert,
        other => panic!("no alert but {other:?}"),
    }
}

fn rejection(profile: &str, payload: impl AsRef<[u8]>) -> Rejection {
    match decode(profile, payload).into_iter().next() {
        Some(Element::Rejected(rejection)) => rejection,
        other => panic!("no rejection but {other:?}"),
    }
}

fn reason(profile: &str, payload: impl AsRef<[u8]>) -> RejectReason {
    rejection(profile, payload).reason
}

/// `kind value role`, sorted.
fn observables(alert: &Alert) -> Vec<String> {
    let line = |o: &casewright::model::Observable| format!("{} {} {}", o.kind.label(), o.value, o.role.label());
    sorted(alert.observables.iter().map(line))
}

/// `kind id role`, sorted.
fn entities(alert: &Alert) -> Vec<String> {
    sorted(alert.entities.iter().map(|e| format!("{} {} {}", e.kind.label(), e.id, e.role.label())))
}

fn sorted(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

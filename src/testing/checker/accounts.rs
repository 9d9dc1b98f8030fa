//! Conservation, seen from outside: every alert that was sent is told of once, alone or in a count, and every
//! unreadable record is in the dead letters once, untouched.

use std::collections::BTreeMap;

use serde_json::Value;

use super::history::{Event, History};
use super::{Allowed, Headers, Report, Sent, Violation};

type Position = (String, i64, i64);

pub(super) fn alerts(
    sent: &[Sent],
    history: &History,
    allowed: Allowed,
    report: &mut Report,
    violations: &mut Vec<Violation>,
) {
    let mut times: BTreeMap<(Position, u64), u64> = BTreeMap::new();
    for record in sent {
        let position = (record.topic.clone(), i64::from(record.partition), record.offset);
        times.extend(record.alerts.iter().map(|index| ((position.clone(), u64::from(*index)), 0)));
    }
    let mut counted = 0;
    let suppressed = history.suppressed.iter().map(|origin| Told::Alone(position_of(origin)));
    for told in history.all().map(told).chain(suppressed) {
        match told {
            Told::Alone(position) => match times.get_mut(&position) {
                Some(times) => *times += 1,
                None => violations.push(Violation::UnknownAlert { position: show(&position.0) }),
            },
            Told::InCounts(count) => counted += count,
            Told::Nothing => {}
        }
    }
    let doubled = times.iter().filter(|(_, times)| **times > 1);
    violations.extend(
        doubled.map(|((position, _), times)| Violation::DoubledAlert { position: show(position), times: *times }),
    );
    let alone = times.values().filter(|times| **times == 0).count() as u64;
    if !(counted..=counted.saturating_add(allowed.untold_max)).contains(&alone) {
        violations.push(Violation::Conservation { alone, counted, untold_max: allowed.untold_max });
    }
    report.told_alone = times.len() as u64 - alone;
    report.told_in_counts = counted;
}

enum Told {
    Alone((Position, u64)),
    InCounts(u64),
    Nothing,
}

fn told(event: &Event) -> Told {
    let payload = &event.payload;
    match event.kind.as_str() {
        "opened" | "alert_attached" | "alert_updated" => {
            Told::Alone(position_of(payload.pointer("/alert/origin").unwrap_or(&Value::Null)))
        }
        "alert_repeated" | "alerts_rolled_up" => {
            Told::InCounts(payload.get("count").and_then(Value::as_u64).unwrap_or(0))
        }
        _ => Told::Nothing,
    }
}

/// A record, and the element where it holds many.
fn position_of(origin: &Value) -> (Position, u64) {
    let number = |name: &str| origin.get(name).and_then(Value::as_i64).unwrap_or(-1);
    let topic = super::history::text(origin, "/topic");
    ((topic, number("partition"), number("offset")), origin.get("index").and_then(Value::as_u64).unwrap_or(0))
}

pub(super) fn dead_letters(
    sent: &[Sent],
    letters: &[(Headers, Vec<u8>)],
    report: &mut Report,
    violations: &mut Vec<Violation>,
) {
    let mut found: BTreeMap<Position, Vec<(u64, &[u8])>> = BTreeMap::new();
    for (headers, bytes) in letters {
        match whence(headers) {
            Ok((position, index)) => found.entry(position).or_default().push((index, bytes)),
            Err(header) => violations.push(Violation::DeadLetterHeader { header: header.to_owned() }),
        }
    }
    for record in sent {
        let position = (record.topic.clone(), i64::from(record.partition), record.offset);
        let mut letters = found.remove(&position).unwrap_or_default();
        letters.sort_by_key(|letter| letter.0);
        if !letters.iter().map(|letter| letter.1).eq(record.dead.iter().map(Vec::as_slice)) {
            let (expected, found) = (record.dead.len(), letters.len());
            violations.push(Violation::DeadLetters { position: show(&position), expected, found });
        }
        report.dead_letters += letters.len() as u64;
    }
    violations.extend(found.keys().map(|position| Violation::UnknownDeadLetter { position: show(position) }));
}

/// Where a dead letter came from, or which header does not say so.
fn whence(headers: &[(String, String)]) -> Result<(Position, u64), &'static str> {
    let header =
        |name: &'static str| headers.iter().find(|header| header.0 == name).map(|header| &header.1).ok_or(name);
    let number = |name| header(name).and_then(|value| value.parse().map_err(|_| name));
    header("reason").and_then(|reason| if reason.is_empty() { Err("reason") } else { Ok(()) })?;
    let index = header("index").ok().map_or(Ok(0), |index| index.parse().map_err(|_| "index"))?;
    Ok(((header("topic")?.clone(), number("partition")?, number("offset")?), index))
}

fn show((topic, partition, offset): &Position) -> String {
    format!("{topic}/{partition}/{offset}")
}

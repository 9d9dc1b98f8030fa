//! The judge is judged: a small history that holds passes, and each way of breaking one is named. Every event and view
//! is made by hand here, so that nothing the daemon does can make the judge blind.

use casewright::testing::checker::{Allowed, Report, Seen, Sent, Violation, check, event_hash};
use serde_json::{Value, json};

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Views by their keys, as a reader would see them.
type Views = Vec<(String, Option<Vec<u8>>)>;

/// Writes events with their chain, as a reader would see them.
#[derive(Default)]
struct Log {
    events: Vec<(String, Value)>,
}

impl Log {
    fn add(&mut self, case: &str, kind: &str, minute: u32, payload: Value) {
        let own: Vec<&Value> = self.events.iter().filter(|event| event.0 == case).map(|event| &event.1).collect();
        let seq = own.len() as u64 + 1;
        let before = own.last().map_or(json!(ZEROS), |event| event["data"]["hash"].clone());
        let mut event = json!({ "specversion": "1.0", "id": format!("{case}:{seq}"), "source": "/casewright/test",
            "type": format!("casewright.case.{kind}.v1"), "subject": case, "partitionkey": case, "time": at(minute),
            "datacontenttype": "application/json", "data": { "tenant_id": "acme", "case_id": case, "seq": seq,
            "prev_hash": before, "hash": ZEROS, "actor": { "kind": "engine" }, "cause": { "clock": true },
            "policy": format!("sha256:{ZEROS}"), "payload": payload } });
        event["data"]["hash"] = json!(event_hash(&event).unwrap());
        self.events.push((case.to_owned(), event));
    }

    fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        self.events.iter().map(|(key, event)| (key.clone(), event.to_string().into_bytes())).collect()
    }

    fn hash_of_last(&self, case: &str) -> Value {
        self.events.iter().rfind(|event| event.0 == case).unwrap().1["data"]["hash"].clone()
    }
}

fn at(minute: u32) -> String {
    format!("2026-08-01T12:{minute:02}:00.000Z")
}

fn priority(score: u64) -> Value {
    json!({ "band": "P4", "factors": [], "score": score })
}

fn alert(offset: u64, minute: u32, severity: u64, host: &str) -> Value {
    json!({ "id": format!("{offset:032x}"), "title": format!("alert {offset}"), "severity_id": severity,
        "event_time": at(minute), "late": false, "marks": [], "time_from": "field",
        "origin": { "topic": "alerts", "partition": 0, "offset": offset },
        "rule": { "uid": format!("r{severity}"), "name": format!("rule {severity}") },
        "source": { "product": "sensor" },
        "attacks": [{ "tactic_uid": "TA0006" }], "attacks_total": 1, "observables": [], "observables_total": 0,
        "entities": [{ "id": host, "kind": "host", "role": "asset" }], "entities_total": 1 })
}

fn link(strength: u64) -> Value {
    let evidence = json!({ "age_ms": 0, "counted": true, "kind": "host", "part": 1, "role": "asset",
        "specificity": 1_000, "value": "web-1", "weight": strength, "window_ms": 3_600_000 });
    json!({ "evidence": [evidence], "evidence_total": 1, "rivals": [], "strength": strength })
}

fn edge(id: u64, from: u64, to: u64, strength: u64) -> Value {
    json!({ "from": from, "id": id, "keys": [{ "kind": "host", "value": "web-1" }], "strength": strength, "to": to })
}

fn opened(alert: Value, part: u64, score: u64) -> Value {
    json!({ "alert": alert, "part": part, "priority": priority(score), "roll_up": false })
}

/// A part that begins with its first alert, and the edges that this draws, its own first.
fn attached(alert: Value, part: u64, edges: &[Value]) -> Value {
    json!({ "alert": alert, "begins": [part], "edge": edges[0]["id"], "edges": edges, "link": link(700), "part": part })
}

/// Twice, at the third and the fourth minute.
fn repeated(alert: u64, part: u64) -> Value {
    let tally = json!({ "alert_id": format!("{alert:032x}"), "count": 2, "first_at": at(3), "last_at": at(4) });
    json!({ "count": 2, "part": part, "repeats_total": 1, "repeats": [tally] })
}

/// Two cases: an alert of the first one is repeated, another one with both hosts is attached and merges them.
fn story() -> Log {
    let mut log = Log::default();
    log.add("acme-1", "opened", 0, opened(alert(0, 0, 2, "web-1"), 1, 9));
    log.add("acme-2", "opened", 1, opened(alert(1, 1, 3, "db-1"), 2, 20));
    log.add("acme-1", "alert_repeated", 7, repeated(0, 1));
    let edges = [edge(1, 3, 1, 700), edge(2, 2, 1, 800)];
    log.add("acme-1", "alert_attached", 7, attached(alert(2, 5, 2, "web-1"), 3, &edges));
    log.add("acme-2", "merged_into", 7, json!({ "edge": 2, "into": "acme-1" }));
    let merged =
        json!({ "between": [2, 1], "edge": 2, "from": "acme-2", "link": link(800), "parts": [2], "parts_total": 1 });
    log.add("acme-1", "merged", 7, merged);
    log.add("acme-1", "severity_changed", 7, json!({ "from": "low", "from_id": 2, "to": "medium", "to_id": 3 }));
    log.add("acme-1", "priority_changed", 7, json!({ "priority": priority(30) }));
    log
}

fn undo(log: &mut Log) {
    let parted = |other: &str, side: &str| json!({ "by": { "kind": "person" }, "edge": 2, "other": other, "parts": [2], "parts_total": 1, "side": side });
    log.add("acme-1", "unlinked", 8, json!({ "by": { "kind": "person" }, "edges": [2], "edges_total": 1 }));
    log.add("acme-1", "merge_undone", 8, parted("acme-2", "survivor"));
    log.add("acme-2", "merge_undone", 8, parted("acme-1", "restored"));
    log.add("acme-1", "severity_changed", 8, json!({ "from": "medium", "from_id": 3, "to": "low", "to_id": 2 }));
    log.add("acme-1", "priority_changed", 8, json!({ "priority": priority(9) }));
}

/// The members that differ, on those that every view has.
fn view(log: &Log, case: &str, seq: u64, members: Value) -> (String, Option<Vec<u8>>) {
    let mut view = json!({ "case_id": case, "tenant_id": "acme", "seq": seq, "audit_head": log.hash_of_last(case),
        "status": "new", "stage": "new", "roll_up": false, "verdict": null, "acknowledged_at": null, "contained_at": null,
        "resolved_at": null, "closed_at": null, "owner": null, "team": null, "follows": null, "merged_into": null,
        "duplicate_count": 0, "rolled_up_count": 0, "observables": [], "observables_total": 0, "related": [],
        "related_total": 0, "merged_from": [], "merged_from_total": 0, "edges": [], "edges_total": 0,
        "intel_matches": [], "intel_matches_total": 0, "links_summary": { "edges": 0, "related": 0 } });
    let both = view.as_object_mut().unwrap();
    both.extend(members.as_object().unwrap().clone());
    (case.to_owned(), Some(view.to_string().into_bytes()))
}

fn lists(counts: &[(&str, u64)], alerts: u64, rules: &[(u64, u64)], parts: &[u64]) -> Value {
    let entities: Vec<Value> = counts
        .iter()
        .map(|(host, count)| json!({ "count": count, "id": host, "kind": "host", "role": "asset" }))
        .collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|(severity, count)| {
            json!({ "count": count, "uid": format!("r{severity}"),
        "name": format!("rule {severity}") })
        })
        .collect();
    json!({ "alert_count": alerts, "entities_total": entities.len(), "entities": entities, "rules_total": rules.len(),
        "rules": rules, "sources": [{ "count": alerts, "product": "sensor" }], "sources_total": 1,
        "attacks": [{ "count": alerts, "tactic_uid": "TA0006" }], "attacks_total": 1, "parts": parts,
        "parts_total": parts.len() })
}

fn with(mut one: Value, two: Value) -> Value {
    one.as_object_mut().unwrap().extend(two.as_object().unwrap().clone());
    one
}

fn merged_views(log: &Log) -> Views {
    let survivor = with(
        lists(&[("web-1", 2), ("db-1", 1)], 3, &[(2, 2), (3, 1)], &[1, 2, 3]),
        json!({
        "title": "alert 1", "severity_id": 3, "priority": priority(30), "opened_at": at(0), "first_event_at": at(0),
        "last_event_at": at(5), "duplicate_count": 2,
        "merged_from": [{ "at": at(7), "case_id": "acme-2", "edge": 2 }], "merged_from_total": 1,
        "edges": [edge(1, 3, 1, 700), edge(2, 2, 1, 800)], "edges_total": 2, "links_summary": { "edges": 2, "related": 0 } }),
    );
    // The order of the entities is that of the parts.
    let survivor = with(
        survivor,
        json!({ "entities": [{ "count": 2, "id": "web-1", "kind": "host", "role": "asset" },
        { "count": 1, "id": "db-1", "kind": "host", "role": "asset" }] }),
    );
    vec![view(log, "acme-1", 6, survivor), absorbed_view(log)]
}

fn absorbed_view(log: &Log) -> (String, Option<Vec<u8>>) {
    let absorbed = json!({ "title": "merged into acme-1", "merged_into": "acme-1", "status": "merged", "stage": "merged",
        "severity_id": 3, "priority": priority(20), "opened_at": at(1), "first_event_at": at(1), "last_event_at": at(1),
        "alert_count": 0, "entities": [], "entities_total": 0, "rules": [], "rules_total": 0, "sources": [],
        "sources_total": 0, "attacks": [], "attacks_total": 0, "parts": [], "parts_total": 0 });
    view(log, "acme-2", 2, absorbed)
}

fn parted_views(log: &Log) -> Views {
    let one = with(
        lists(&[("web-1", 2)], 2, &[(2, 2)], &[1, 3]),
        json!({
        "title": "alert 0", "severity_id": 2, "priority": priority(9), "opened_at": at(0), "first_event_at": at(0),
        "last_event_at": at(5), "duplicate_count": 2, "edges": [edge(1, 3, 1, 700)], "edges_total": 1,
        "links_summary": { "edges": 1, "related": 0 } }),
    );
    let two = with(
        lists(&[("db-1", 1)], 1, &[(3, 1)], &[2]),
        json!({ "title": "alert 1", "severity_id": 3,
        "priority": priority(20), "opened_at": at(1), "first_event_at": at(1), "last_event_at": at(1) }),
    );
    vec![view(log, "acme-1", 10, one), view(log, "acme-2", 3, two)]
}

fn poison_letter(offset: i64, index: Option<u32>, bytes: &[u8]) -> (Vec<(String, String)>, Vec<u8>) {
    let headers = [
        ("reason", "not_json".to_owned()),
        ("detail", String::new()),
        ("topic", "alerts".to_owned()),
        ("partition", "0".to_owned()),
        ("offset", offset.to_string()),
    ];
    let index = index.map(|index| ("index", index.to_string()));
    let headers = headers.into_iter().chain(index).map(|(name, value)| (name.to_owned(), value)).collect();
    (headers, bytes.to_vec())
}

/// Alerts 0 to 2 with events of their own, 3 and 4 repeat the first; 5 and 6 are poison.
fn sent() -> Vec<Sent> {
    let mut sent: Vec<Sent> = (0..5).map(|offset| Sent::alert("alerts", 0, offset)).collect();
    sent.push(Sent::poison("alerts", 0, 5, b"{cut"));
    sent.push(Sent::poison("alerts", 0, 6, b"[1, \"x\"]"));
    sent
}

fn seen(log: &Log, views: Views) -> Seen {
    let dead_letters =
        vec![poison_letter(5, None, b"{cut"), poison_letter(6, Some(1), b"\"x\""), poison_letter(6, Some(0), b"1")];
    Seen { events: log.bytes(), views, dead_letters }
}

fn whole() -> Seen {
    let log = story();
    seen(&log, merged_views(&log))
}

#[track_caller]
fn violations(seen: &Seen) -> Vec<Violation> {
    check(&sent(), seen, Allowed::default()).expect_err("a broken history must be found")
}

/// Changes an event and seals it anew, as a daemon that did the wrong thing would.
fn reseal(log: &mut Log, place: usize, change: impl Fn(&mut Value)) {
    change(&mut log.events[place].1);
    let cases: Vec<String> = log.events.iter().map(|event| event.0.clone()).collect();
    for case in cases {
        let mut before = json!(ZEROS);
        for (_, event) in log.events.iter_mut().filter(|event| event.0 == case) {
            event["data"]["prev_hash"] = before;
            event["data"]["hash"] = json!(event_hash(event).unwrap());
            before = event["data"]["hash"].clone();
        }
    }
}

#[test]
fn a_history_that_holds_passes() {
    let report = check(&sent(), &whole(), Allowed::default()).unwrap();
    let expected = Report {
        events: 8,
        refused_commands: 0,
        cases: 2,
        views_compared: 2,
        told_alone: 3,
        told_in_counts: 2,
        dead_letters: 3,
    };
    assert_eq!(report, expected);
}

#[test]
fn an_undone_merge_gives_the_parts_back() {
    let mut log = story();
    undo(&mut log);
    let views = parted_views(&log);
    check(&sent(), &seen(&log, views), Allowed::default()).unwrap();
    let views = merged_views(&log);
    assert!(matches!(violations(&seen(&log, views))[..], [Violation::StaleView { .. }, ..]));
}

#[test]
fn indicators_are_shown_as_they_were_told() {
    let mut log = story();
    let met = json!({ "confidence": 80, "list": "feed", "type": "ip", "value": "203.0.113.9" });
    let told = json!({ "alert_id": format!("{:032x}", 2), "match": met, "part": 3 });
    log.add("acme-1", "intel_matched", 8, told);
    let mut views = merged_views(&log);
    let mut of = |members: Value| {
        let mut view: Value = serde_json::from_slice(views[0].1.as_ref().unwrap()).unwrap();
        view["seq"] = json!(7);
        views[0].1 = Some(with(view, members).to_string().into_bytes());
        check(&sent(), &seen(&log, views.clone()), Allowed::default())
    };
    assert!(of(json!({ "intel_matches": [met], "intel_matches_total": 1 })).is_ok());
    let found = of(json!({ "intel_matches": [], "intel_matches_total": 0 })).unwrap_err();
    assert!(matches!(&found[..], [Violation::WrongView { member, .. }] if member == "intel_matches"), "{found:?}");
}

#[test]
fn a_priority_that_the_events_do_not_come_to_is_found() {
    let right = json!({ "band": "P4", "score": 22, "factors": [{ "name": "severity", "points": 21 },
        { "name": "risk", "points": 0 }, { "name": "tactics", "points": 0 }, { "name": "repeats", "points": 1 }] });
    let told = |change: &dyn Fn(&mut Value)| {
        let mut log = story();
        let mut wrong = right.clone();
        change(&mut wrong);
        log.add("acme-1", "priority_changed", 8, json!({ "priority": wrong }));
        let mut views = merged_views(&log);
        let mut view: Value = serde_json::from_slice(views[0].1.as_ref().unwrap()).unwrap();
        (view["seq"], view["priority"]) = (json!(7), wrong);
        views[0].1 = Some(view.to_string().into_bytes());
        check(&sent(), &seen(&log, views), Allowed::default())
    };
    assert_eq!(told(&|_| {}).map(|_| ()), Ok(()));
    let changes: [&dyn Fn(&mut Value); 4] = [
        &|wrong| wrong["factors"][0]["points"] = json!(34),
        &|wrong| wrong["factors"][3]["points"] = json!(2),
        &|wrong| wrong["score"] = json!(23),
        &|wrong| wrong["band"] = json!("P3"),
    ];
    for change in changes {
        let found = told(change).unwrap_err();
        assert!(matches!(&found[..], [Violation::WrongView { member, .. }] if member == "priority"), "{found:?}");
    }
}

#[test]
fn the_order_between_cases_does_not_matter() {
    let mut log = story();
    undo(&mut log);
    let mut seen = seen(&log, parted_views(&log));
    seen.events.sort_by(|one, two| two.0.cmp(&one.0));
    check(&sent(), &seen, Allowed::default()).unwrap();
}

#[test]
fn a_lost_event_is_found() {
    for place in 0..8 {
        let mut seen = whole();
        let (case, _) = seen.events.remove(place);
        let found = violations(&seen);
        let last_of_case = !seen.events[place..].iter().any(|event| event.0 == case);
        let expected = |violation: &Violation| match violation {
            Violation::Order { .. } => true,
            Violation::StaleView { .. } | Violation::NoView { .. } => last_of_case,
            _ => false,
        };
        assert!(found.iter().any(expected), "event {place}: {found:?}");
    }
}

#[test]
fn a_doubled_event_is_found() {
    for place in 0..8 {
        let mut seen = whole();
        seen.events.insert(place, seen.events[place].clone());
        assert!(matches!(violations(&seen)[..], [Violation::DoubledEvent { .. }]), "event {place}");
    }
}

#[test]
fn events_in_another_order_are_found() {
    let mut seen = whole();
    seen.events.swap(2, 3);
    let found = violations(&seen);
    assert!(matches!(found[0], Violation::Order { expected: 2, found: 3, .. }), "{found:?}");
}

#[test]
fn any_altered_byte_of_a_value_is_found() {
    let whole = whole();
    for place in 0..whole.events.len() {
        for member in ["\"time\":\"2026", "\"severity_id\":", "\"count\":2", "\"clock\":true"] {
            let mut seen = whole.clone();
            let text = String::from_utf8(seen.events[place].1.clone()).unwrap();
            let changed = match member {
                "\"time\":\"2026" => text.replacen(member, "\"time\":\"2027", 1),
                "\"clock\":true" => text.replacen(member, "\"clock\":false", 1),
                _ => text.replacen(member, &format!("{member}1"), 1),
            };
            if changed == text {
                continue;
            }
            seen.events[place].1 = changed.into_bytes();
            assert!(violations(&seen).iter().any(|one| matches!(one, Violation::Altered { .. })), "{place} {member}");
        }
    }
}

#[test]
fn a_history_written_anew_breaks_the_chain() {
    let mut log = story();
    // One event with another payload and a hash that fits, but nothing after it sealed again.
    log.events[3].1["data"]["payload"]["alert"]["title"] = json!("harmless");
    log.events[3].1["data"]["hash"] = json!(event_hash(&log.events[3].1).unwrap());
    let views = merged_views(&log);
    assert!(violations(&seen(&log, views)).iter().any(|one| matches!(one, Violation::BrokenChain { .. })));
}

#[test]
fn half_a_merge_is_torn() {
    let mut log = story();
    let place = log.events.iter().position(|event| event.1["type"] == "casewright.case.merged_into.v1").unwrap();
    log.events.remove(place);
    let views = merged_views(&log);
    let found = violations(&seen(&log, views));
    assert!(found.contains(&Violation::Torn { id: "acme-1:4".into() }), "{found:?}");

    let log = Log { events: story().events.into_iter().take(5).collect() };
    let views = merged_views(&story());
    let found = violations(&seen(&log, views));
    assert!(found.iter().any(|one| matches!(one, Violation::Torn { .. })), "{found:?}");
}

/// After `story`, what held part 3 falls: it is a case of its own.
fn split() -> (Log, Views) {
    let mut log = story();
    let by = json!({ "kind": "hub", "key": { "kind": "host", "value": "web-1" } });
    log.add("acme-1", "unlinked", 9, json!({ "by": by, "edges": [1], "edges_total": 1 }));
    let split = |other: &str, side: &str| {
        json!({ "by": by, "other": other, "parts": [3], "parts_total": 1, "priority": priority(9), "roll_up": false,
            "severity": "low", "severity_id": 2, "side": side })
    };
    log.add("acme-1", "split", 9, split("acme-3", "from"));
    log.add("acme-3", "split", 9, split("acme-1", "new"));
    let left = with(
        lists(&[("web-1", 1), ("db-1", 1)], 2, &[(2, 1), (3, 1)], &[1, 2]),
        json!({ "title": "alert 1", "severity_id": 3, "priority": priority(30), "opened_at": at(0),
            "first_event_at": at(0), "last_event_at": at(4), "duplicate_count": 2,
            "merged_from": [{ "at": at(7), "case_id": "acme-2", "edge": 2 }], "merged_from_total": 1,
            "edges": [edge(2, 2, 1, 800)], "edges_total": 1, "links_summary": { "edges": 1, "related": 0 } }),
    );
    let new = with(
        lists(&[("web-1", 1)], 1, &[(2, 1)], &[3]),
        json!({ "title": "alert 2", "severity_id": 2, "priority": priority(9), "opened_at": at(9),
            "first_event_at": at(5), "last_event_at": at(5) }),
    );
    let views = vec![view(&log, "acme-1", 8, left), absorbed_view(&log), view(&log, "acme-3", 1, new)];
    (log, views)
}

/// A part of the first case goes to the second one, and is repeated there.
fn moved() -> (Log, Views) {
    let mut log = Log::default();
    log.add("acme-1", "opened", 0, opened(alert(0, 0, 2, "web-1"), 1, 9));
    log.add("acme-2", "opened", 1, opened(alert(1, 1, 3, "db-1"), 2, 20));
    log.add("acme-1", "alert_attached", 2, attached(alert(2, 2, 2, "web-1"), 3, &[edge(1, 3, 1, 700)]));
    let by = json!({ "kind": "background", "rule": "rule 2" });
    let unlinked = json!({ "by": by, "drawn": [edge(5, 3, 2, 1_000)], "edges": [1], "edges_total": 1 });
    log.add("acme-1", "unlinked", 3, unlinked);
    let moved =
        |other: &str, side: &str| json!({ "by": by, "other": other, "parts": [3], "parts_total": 1, "side": side });
    log.add("acme-1", "alerts_moved", 3, moved("acme-2", "from"));
    log.add("acme-2", "alerts_moved", 3, moved("acme-1", "to"));
    log.add("acme-2", "alert_repeated", 5, repeated(2, 3));
    let left = with(
        lists(&[("web-1", 1)], 1, &[(2, 1)], &[1]),
        json!({ "title": "alert 0", "severity_id": 2, "priority": priority(9), "opened_at": at(0),
            "first_event_at": at(0), "last_event_at": at(0) }),
    );
    let joined = with(
        lists(&[("db-1", 1), ("web-1", 1)], 2, &[(3, 1), (2, 1)], &[2, 3]),
        json!({ "title": "alert 1", "severity_id": 3, "priority": priority(20), "opened_at": at(1),
            "first_event_at": at(1), "last_event_at": at(4), "duplicate_count": 2, "edges": [edge(5, 3, 2, 1_000)],
            "edges_total": 1, "links_summary": { "edges": 1, "related": 0 } }),
    );
    let views = vec![view(&log, "acme-1", 4, left), view(&log, "acme-2", 3, joined)];
    (log, views)
}

#[test]
fn parts_that_split_off_or_move_count_where_they_went() {
    for (log, views) in [split(), moved()] {
        let mut seen = seen(&log, views);
        check(&sent(), &seen, Allowed::default()).unwrap();
        seen.events.sort_by(|one, two| two.0.cmp(&one.0));
        check(&sent(), &seen, Allowed::default()).expect("the order between cases does not matter");
    }
}

/// The log without its event at `place`, whole otherwise: as if the daemon had never told of it.
fn without(log: Log, place: usize) -> Log {
    let mut rest = Log::default();
    for (at, (case, event)) in log.events.into_iter().enumerate() {
        if at != place {
            let kind = event["type"].as_str().unwrap().split('.').nth(2).unwrap();
            let minute = event["time"].as_str().unwrap()[14..16].parse().unwrap();
            rest.add(&case, kind, minute, event["data"]["payload"].clone());
        }
    }
    rest
}

fn place_of(log: &Log, kind: &str, side: &str) -> usize {
    let is = |event: &Value| {
        event["type"] == format!("casewright.case.{kind}.v1") && event["data"]["payload"]["side"] == side
    };
    log.events.iter().position(|event| is(&event.1)).unwrap()
}

#[track_caller]
fn assert_torn(log: &Log, views: Views, id: &str) {
    let found = violations(&seen(log, views));
    assert!(found.contains(&Violation::Torn { id: id.into() }), "{found:?}");
}

#[test]
fn half_a_split_or_a_move_is_torn() {
    type Story = fn() -> (Log, Views);
    // The half that nobody tells, and what is left: a half that waits, or one that nobody waits for.
    let table: [(Story, &str, &str, &str); 4] = [
        (split, "split", "from", "acme-3:1"),
        (split, "split", "new", "acme-1 to acme-3, parts 3"),
        (moved, "alerts_moved", "from", "acme-2:2"),
        (moved, "alerts_moved", "to", "acme-1 to acme-2, parts 3"),
    ];
    for (story, kind, side, torn) in table {
        let (log, views) = story();
        let place = place_of(&log, kind, side);
        assert_torn(&without(log, place), views, torn);
    }
}

#[test]
fn halves_that_tell_of_different_parts_are_torn() {
    for (story, kind, side) in [(split as fn() -> _, "split", "new"), (moved, "alerts_moved", "to")] {
        let (mut log, views): (Log, _) = story();
        let place = place_of(&log, kind, side);
        reseal(&mut log, place, |event| event["data"]["payload"]["parts"] = json!([1]));
        let waits = log.events[place].1["id"].as_str().unwrap().to_owned();
        assert_torn(&log, views, &waits);
    }
}

#[test]
fn an_envelope_that_disagrees_with_its_key_is_found() {
    for member in ["subject", "partitionkey"] {
        let mut log = story();
        reseal(&mut log, 0, |event| event[member] = json!("acme-2"));
        let views = merged_views(&log);
        assert!(violations(&seen(&log, views)).iter().any(|one| matches!(one, Violation::Envelope { .. })), "{member}");
    }
}

#[test]
fn views_that_are_stale_missing_or_of_nothing_are_found() {
    let log = story();
    let mut stale = whole();
    stale.views[0] = view(&log, "acme-1", 5, json!({}));
    assert!(matches!(violations(&stale)[..], [Violation::StaleView { view: 5, event: 6, .. }]));
    let may_lag = Allowed { views_may_lag: true, ..Allowed::default() };
    assert_eq!(check(&sent(), &stale, may_lag).unwrap().views_compared, 1);

    let mut ahead = whole();
    ahead.views[0] = view(&log, "acme-1", 7, json!({}));
    assert!(check(&sent(), &ahead, may_lag).is_err(), "a view of events that nobody saw");

    let mut missing = whole();
    missing.views.pop();
    assert!(matches!(violations(&missing)[..], [Violation::NoView { .. }]));

    let mut unknown = whole();
    unknown.views.push(("acme-9".into(), Some(b"{}".to_vec())));
    assert!(matches!(violations(&unknown)[..], [Violation::UnknownView { .. }]));
}

#[test]
fn every_member_of_a_view_is_compared() {
    let whole = whole();
    for place in 0..2 {
        let view: Value = serde_json::from_slice(whole.views[place].1.as_ref().unwrap()).unwrap();
        for member in view.as_object().unwrap().keys().filter(|member| *member != "seq") {
            let mut seen = whole.clone();
            let mut wrong = view.clone();
            wrong[member] = json!("something else");
            seen.views[place].1 = Some(wrong.to_string().into_bytes());
            let found = violations(&seen);
            assert!(found.iter().any(|one| matches!(one, Violation::WrongView { .. })), "{member}: {found:?}");
        }
    }
}

#[test]
fn lost_and_doubled_alerts_are_found() {
    let mut more = sent();
    more.push(Sent::alert("alerts", 0, 7));
    let found = check(&more, &whole(), Allowed::default()).unwrap_err();
    assert_eq!(found, [Violation::Conservation { alone: 3, counted: 2, untold_max: 0 }]);
    assert!(check(&more, &whole(), Allowed { untold_max: 1, ..Allowed::default() }).is_ok());

    let fewer: Vec<Sent> = sent().into_iter().filter(|record| record.offset != 4).collect();
    let found = check(&fewer, &whole(), Allowed { untold_max: 9, ..Allowed::default() }).unwrap_err();
    assert!(matches!(found[..], [Violation::Conservation { alone: 1, counted: 2, .. }]), "counted once too often");

    let mut log = story();
    reseal(&mut log, 3, |event| event["data"]["payload"]["alert"]["origin"]["offset"] = json!(0));
    let views = merged_views(&log);
    let found = violations(&seen(&log, views));
    assert!(found.contains(&Violation::DoubledAlert { position: "alerts/0/0".into(), times: 2 }), "{found:?}");

    let mut log = story();
    reseal(&mut log, 3, |event| event["data"]["payload"]["alert"]["origin"]["offset"] = json!(5));
    let views = merged_views(&log);
    let found = violations(&seen(&log, views));
    assert!(found.contains(&Violation::UnknownAlert { position: "alerts/0/5".into() }), "{found:?}");
}

#[test]
fn dead_letters_are_compared_byte_by_byte() {
    let broken: [fn(&mut Seen); 4] = [
        |seen| _ = seen.dead_letters.remove(0),
        |seen| seen.dead_letters.push(seen.dead_letters[0].clone()),
        |seen| seen.dead_letters[0].1[0] ^= 1,
        |seen| _ = seen.dead_letters.pop(),
    ];
    for change in broken {
        let mut seen = whole();
        change(&mut seen);
        assert!(matches!(violations(&seen)[..], [Violation::DeadLetters { .. }]));
    }
    let mut good = whole();
    good.dead_letters.push(poison_letter(2, None, b"a good one"));
    assert!(matches!(violations(&good)[..], [Violation::DeadLetters { .. }]), "alert 2 is no poison");
    let mut stray = whole();
    stray.dead_letters.push(poison_letter(99, None, b""));
    assert!(matches!(violations(&stray)[..], [Violation::UnknownDeadLetter { .. }]));
    for header in ["reason", "topic", "partition", "offset"] {
        let mut bare = whole();
        bare.dead_letters[0].0.retain(|known| known.0 != header);
        let found = violations(&bare);
        assert_eq!(found[0], Violation::DeadLetterHeader { header: header.to_owned() });
    }
}

#[test]
fn refused_commands_are_no_part_of_a_case() {
    let mut seen = whole();
    let refused =
        json!({ "id": "refused:casewright.commands:0:3", "type": "casewright.command.refused.v1", "data": {} });
    seen.events.push(("acme-1".into(), refused.to_string().into_bytes()));
    assert_eq!(check(&sent(), &seen, Allowed::default()).unwrap().refused_commands, 1);
    seen.events.push(seen.events.last().unwrap().clone());
    assert!(matches!(violations(&seen)[..], [Violation::DoubledEvent { .. }]));
}

#[test]
fn what_is_no_json_is_found() {
    let mut seen = whole();
    seen.events.push(("acme-3".into(), b"{\"id\":".to_vec()));
    assert!(matches!(violations(&seen)[..], [Violation::Unreadable { .. }]));
    let mut seen = whole();
    seen.views[0].1 = Some(b"nonsense".to_vec());
    assert!(matches!(violations(&seen)[..], [Violation::Unreadable { .. }]));
}

//! Generator, decoder, engine and outputs together, without Kafka: a replayed load ends as it was drawn, the story comes
//! out as it was told, and the judge who reads only the outputs agrees with every view, merges and their undoing
//! included.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use casewright::config::{self, SourceConfig, TenantRule};
use casewright::engine::{Asset, Indicator, Lists};
use casewright::model::{EntityKind, ObservableKind, Outcome, Tenant, Timestamp, TopicName};
use casewright::pipeline::{Lines, Replay, ReplayReport};
use casewright::testing::checker::{Allowed, Report, Seen, Sent, check};
use casewright::testing::load::{Drawn, Ending, Load, LoadConfig, Mix, Shape};
use casewright::testing::rng::Rng;
use casewright::testing::story::{StoryRecord, story};
use casewright::wire::{Decoder, Profiles};
use serde_json::{Value, json};

const ALERTS: &str = "alerts";
const COMMANDS: &str = "casewright.commands";

/// Replays `lines`; gives also what a reader of the output topics would have seen.
fn replay(lines: &[Vec<u8>], kind: Lines) -> (ReplayReport, Seen) {
    replay_knowing(Arc::default(), lines, kind)
}

fn replay_knowing(lists: Arc<Lists>, lines: &[Vec<u8>], kind: Lines) -> (ReplayReport, Seen) {
    let config = config::parse("").unwrap();
    let tenant = vec![TenantRule::Constant(Tenant::parse("default").unwrap())];
    let source = SourceConfig { topic: ALERTS.into(), profile: "auto".into(), tenant, timezone: None, start_at: None };
    let decoder = Decoder::new(Arc::new(Profiles::embedded()), config.limits.clone());
    let mut events = Vec::new();
    let mut keep = |event: &[u8]| {
        let value: Value = serde_json::from_slice(event).unwrap();
        events.push((value["partitionkey"].as_str().unwrap().to_owned(), event.to_vec()));
    };
    let mut replay = Replay::new(&decoder, &config, source, kind, &mut keep).unwrap().with_lists(lists);
    for (number, line) in (1..).zip(lines) {
        replay.line(&TopicName::new(ALERTS), number, line).unwrap();
    }
    let report = replay.finish().unwrap();
    let views = report.cases.iter().map(|(case, view)| (case.to_string(), Some(view.clone()))).collect();
    (report, Seen { events, views, dead_letters: Vec::new() })
}

/// A plain replay takes the number of the line for the offset.
fn sent(lines: usize) -> Vec<Sent> {
    (1..=i64::try_from(lines).unwrap()).map(|line| Sent::alert(ALERTS, 0, line)).collect()
}

/// At the end of a replay the repeats of the last minute of event time are not told yet.
#[track_caller]
fn judge(sent: &[Sent], seen: &Seen) -> Report {
    let allowed = Allowed { untold_max: sent.len() as u64 / 10, ..Allowed::default() };
    check(sent, seen, allowed).unwrap_or_else(|violations| {
        let told: Vec<String> = violations.iter().take(10).map(ToString::to_string).collect();
        panic!("{} violations\n{}", violations.len(), told.join("\n"))
    })
}

fn draw(config: LoadConfig, count: usize) -> (Vec<Drawn>, Vec<Vec<u8>>) {
    let mut load = Load::new(config);
    let one = |_| {
        let mut line = Vec::new();
        (load.next(&mut line), line)
    };
    (0..count).map(one).unzip()
}

const fn outcome(ending: Ending) -> Outcome {
    match ending {
        Ending::Opened => Outcome::Opened,
        Ending::Attached => Outcome::Attached,
        Ending::Duplicate => Outcome::Duplicate,
    }
}

#[test]
fn every_alert_of_a_load_ends_as_it_was_drawn() {
    for (mix, shapes) in [(Mix::Default, vec![Shape::Native]), (Mix::Hard, Shape::ALL.to_vec())] {
        let (drawn, lines) = draw(LoadConfig { mix, shapes, ..LoadConfig::default() }, 3_000);
        let (report, seen) = replay(&lines, Lines::Plain);
        let mut cases: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
        for ((drawn, assignment), line) in drawn.iter().zip(&report.assignments).zip(&lines) {
            let placed = &assignment.alerts[0];
            assert_eq!(placed.outcome, outcome(drawn.ending), "{}", String::from_utf8_lossy(line));
            cases.entry(drawn.incident).or_default().extend(report.case_of(placed).map(ToString::to_string));
        }
        assert!(cases.values().all(|cases| cases.len() == 1), "an incident is one case");
        assert_eq!(cases.len(), report.cases.len(), "and a case is one incident");
        assert_eq!(judge(&sent(lines.len()), &seen).views_compared, report.cases.len() as u64);
    }
}

#[test]
fn views_are_the_fold_of_the_events_where_cases_merge() {
    let config = LoadConfig { bridge_permille: 20, rate_per_s: 5, incidents_max: 200, ..LoadConfig::default() };
    let (_, lines) = draw(config, 3_000);
    let (_, seen) = replay(&lines, Lines::Plain);
    assert!(seen.events.iter().any(|event| is(event, "merged")), "a run without a merge proves nothing");
    judge(&sent(lines.len()), &seen);
}

#[test]
fn views_are_the_fold_of_the_events_under_random_commands() {
    for seed in 1..=4 {
        let (lines, sent) = with_commands(seed, 1_500);
        let (report, seen) = replay(&lines, Lines::Kcat);
        assert!(report.outcomes[Outcome::CommandApplied.index()] > 20, "seed {seed}");
        for kind in ["merged", "merge_undone", "closed", "assigned"] {
            assert!(seen.events.iter().any(|event| is(event, kind)), "seed {seed}: nothing was {kind}");
        }
        judge(&sent, &seen);
    }
}

/// Every third value that the views of a run show is an indicator, every second machine or account matters.
fn lists_out_of(seen: &Seen) -> Arc<Lists> {
    let (mut indicators, mut assets) = (Vec::new(), Vec::new());
    for (_, view) in &seen.views {
        let view: Value = serde_json::from_slice(view.as_ref().unwrap()).unwrap();
        for one in view["observables"].as_array().unwrap() {
            let kind = ObservableKind::from_label(one["type"].as_str().unwrap()).unwrap();
            let value = one["value"].as_str().unwrap().into();
            indicators.push(Indicator { kind, value, list: 0, confidence: 70, valid_until: None });
        }
        for one in view["entities"].as_array().unwrap() {
            let kind = EntityKind::from_label(one["kind"].as_str().unwrap()).unwrap();
            assets.push(Asset { kind, id: one["id"].as_str().unwrap().into(), criticality: 3 });
        }
    }
    let indicators = indicators.into_iter().step_by(3).collect();
    Arc::new(Lists::new(vec!["feed".into()], indicators, assets.into_iter().step_by(2).collect()))
}

#[test]
fn views_are_the_fold_of_the_events_where_indicators_are_met() {
    let (lines, sent) = with_commands(9, 1_000);
    let (_, seen) = replay(&lines, Lines::Kcat);
    let (report, seen) = replay_knowing(lists_out_of(&seen), &lines, Lines::Kcat);
    let met = |kind: &str| seen.events.iter().filter(|event| is(event, kind)).count();
    assert!(met("intel_matched") > 50 && met("merge_undone") > 0);
    assert!(
        report.cases.values().any(|view| String::from_utf8_lossy(view).contains("\"name\":\"asset\",\"points\":7"))
    );
    judge(&sent, &seen);
}

fn is((_, event): &(String, Vec<u8>), kind: &str) -> bool {
    let value: Value = serde_json::from_slice(event).unwrap();
    value["type"] == format!("casewright.case.{kind}.v1")
}

/// A load with bridges, and between its alerts what people might do, as `kcat -J` would print both.
fn with_commands(seed: u64, count: usize) -> (Vec<Vec<u8>>, Vec<Sent>) {
    let shapes = Shape::ALL.to_vec();
    let config =
        LoadConfig { seed, bridge_permille: 15, rate_per_s: 5, incidents_max: 60, shapes, ..LoadConfig::default() };
    let (drawn, alerts) = draw(config, count);
    let mut rng = Rng::new(seed);
    let (mut lines, mut sent) = (Vec::new(), Vec::new());
    for (offset, (drawn, alert)) in (0..).zip(drawn.iter().zip(&alerts)) {
        let line = |topic: &str, payload: &str| {
            let line = json!({ "topic": topic, "partition": 0, "offset": offset, "ts": drawn.at.millis(), "payload": payload });
            line.to_string().into_bytes()
        };
        lines.push(line(ALERTS, std::str::from_utf8(alert).unwrap()));
        sent.push(Sent::alert(ALERTS, 0, offset));
        if offset > 150 && rng.chance(150) {
            lines.push(line(COMMANDS, &command(&mut rng).to_string()));
        }
    }
    (lines, sent)
}

fn command(rng: &mut Rng) -> Value {
    let (one, two) = (1 + rng.below(20), 1 + rng.below(20));
    let (older, newer) = (format!("default-{}", one.min(two)), format!("default-{}", one.max(two)));
    let mut command = match rng.below(8) {
        0 | 1 => json!({ "command": "merge", "other": newer }),
        2..=4 => json!({ "command": "undo_merge", "other": newer }),
        5 => json!({ "command": "close", "verdict": "true_positive" }),
        6 => json!({ "command": "set_status", "status": "recovering" }),
        _ => json!({ "command": "assign", "owner": "o.one" }),
    };
    command["case_id"] = json!(older);
    command["actor"] = json!({ "name": "p.one" });
    command
}

#[test]
fn the_attack_of_the_story_is_one_case_of_five_products_without_noise() {
    let records = story(Timestamp::from_millis(1_768_208_400_000), 1);
    let lines: Vec<Vec<u8>> = records.iter().map(|record| record.json.clone().into_bytes()).collect();
    let (report, seen) = replay(&lines, Lines::Plain);
    judge(&sent(lines.len()), &seen);
    let cases_of = |attack: bool| {
        let part = |(record, _): &(&StoryRecord, _)| record.part_of_attack == attack;
        let assigned = records.iter().zip(&report.assignments).filter(part);
        assigned.map(|(_, assignment)| report.case_of(&assignment.alerts[0]).unwrap()).collect::<BTreeSet<_>>()
    };
    let (attack, noise) = (cases_of(true), cases_of(false));
    assert_eq!(attack.len(), 1, "{attack:?}");
    assert!(attack.is_disjoint(&noise));
    let view: Value = serde_json::from_slice(&report.cases[*attack.first().unwrap()]).unwrap();
    assert_eq!(view["sources_total"], 5);
    let score = |view: &Vec<u8>| serde_json::from_slice::<Value>(view).unwrap()["priority"]["score"].as_u64();
    assert_eq!(view["priority"]["score"].as_u64(), report.cases.values().map(score).max().unwrap(), "it comes first");
}

/// A vendor sends an alert again when its status changes: the same alert, whatever it travels in, and no new one.
#[test]
fn a_vendor_s_update_of_an_alert_updates_it() {
    let graph = |status: &str, updated: &str| {
        json!({
            "@odata.type": "#microsoft.graph.security.alert", "id": "da1_-2", "providerAlertId": "da1_-2",
            "incidentId": "7", "status": status, "severity": "high", "serviceSource": "microsoftDefenderForEndpoint",
            "detectorId": "d-1", "title": "Suspicious execution of hidden file", "category": "DefenseEvasion",
            "createdDateTime": "2026-08-01T09:00:00Z", "lastUpdateDateTime": updated,
            "firstActivityDateTime": "2026-08-01T08:59:00Z",
            "evidence": [{"@odata.type": "#microsoft.graph.security.deviceEvidence", "deviceDnsName": "ws-041.corp.example"}]
        })
    };
    let new = graph("new", "2026-08-01T09:00:00Z");
    let taken = graph("inProgress", "2026-08-01T09:10:00Z");
    let done = graph("resolved", "2026-08-01T09:30:00Z");
    let lines: Vec<Vec<u8>> = [
        new.clone(),
        taken.clone(),
        json!({"message": taken.to_string(), "@timestamp": "2026-08-01T09:11:00Z"}),
        json!({"value": [done]}),
        new,
    ]
    .iter()
    .map(|record| record.to_string().into_bytes())
    .collect();
    let (report, seen) = replay(&lines, Lines::Plain);
    let placed: Vec<_> = report.assignments.iter().map(|assignment| &assignment.alerts[0]).collect();
    let outcomes: Vec<Outcome> = placed.iter().map(|placed| placed.outcome).collect();
    let expected = [Outcome::Opened, Outcome::Updated, Outcome::Duplicate, Outcome::Updated, Outcome::Duplicate];
    assert_eq!(outcomes, expected);
    assert!(placed.iter().all(|alert| alert.alert == placed[0].alert), "one alert");
    assert_eq!(report.cases.len(), 1);
    // The last repeat is not told yet.
    check(&sent(lines.len()), &seen, Allowed { untold_max: 2, ..Allowed::default() }).unwrap();
}

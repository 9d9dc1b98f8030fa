//! What holds for every stream of alerts, commands and time.

use std::collections::BTreeMap;

use casewright::engine::{Effects, PartState, Policy, RowKey, StateRow, priority_of};
use casewright::model::{CaseEvent, CaseId, CaseStatus, CaseView, EventKind, Tenant};
use proptest::prelude::*;

use super::fold::Fold;
use super::script;
use super::world::World;

/// Small worlds meet often: few names, small caps, short windows, many commands.
const POLICY: &str = "policy soft_cap=12 hard_cap=20 parts=6 hub_users=3 quiet=6h reopen_window=5h id_window=8h";

fn policy() -> Policy {
    script::policy(Policy::default(), POLICY)
}

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(words)
}

fn alert() -> impl Strategy<Value = String> {
    let who =
        (0..6_u8, pick(&["", " host=h1", " host=h2", " host=h3"]), pick(&["", " user=bob", " user=eve", " user=ann"]));
    let what = (
        pick(&[
            "",
            " src=8.8.8.8",
            " src=10.0.0.1",
            " hash=abc",
            " mention=h1",
            " target=h2",
            " hash=abc domain=x.example",
        ]),
        pick(&["r1", "r2", "r3"]),
        pick(&["low", "medium", "high"]),
    );
    let how = (
        pick(&["", "", "", "", " tenant=acme"]),
        pick(&["", "", "", "", " exclude", " no_merge", " rev=1", " activity=update", " activity=close"]),
        0..40_u8,
        -20..5_i64,
        0..3_u8,
    );
    let weight = (
        pick(&["", "", "", " risk=3", " risk=90"]),
        pick(&["", "", "", " conf=10", " conf=90"]),
        pick(&["", "", "", " crit=low", " crit=extreme"]),
        pick(&["", "", " tactic=TA0001", " tactic=TA0002"]),
    );
    (who, what, how, weight).prop_map(|(who, (what, rule, sev), how, (risk, conf, crit, tactic))| {
        let ((_, host, user), (tenant, how, name, skew, partition)) = (who, how);
        let weight = format!("{risk}{conf}{crit}{tactic}");
        format!(
            "alert a{name}{host}{user}{what} rule={rule} sev={sev}{weight}{tenant}{how} partition={partition} skew={skew}"
        )
    })
}

fn command() -> impl Strategy<Value = String> {
    let one = (1..9_u64).prop_map(|number| format!("case-{number}"));
    let two = (1..9_u64).prop_map(|number| format!("case-{number}"));
    let verbs = pick(&[
        "close", "close", "reopen", "merge", "merge", "undo", "undo", "status", "verdict", "assign", "ack", "comment",
    ]);
    (verbs, one, two, pick(&["eve", "zoe"])).prop_map(|(verb, one, two, owner)| match verb {
        "merge" | "undo" => format!("{verb} {one} {two}"),
        "status" => format!("status {one} recovering"),
        "verdict" => format!("verdict {one} true_positive"),
        "assign" => format!("assign {one} owner={owner}"),
        _ => format!("{verb} {one}"),
    })
}

fn lists() -> impl Strategy<Value = String> {
    let one = pick(&["", " ip:8.8.8.8=90", " ip:8.8.8.8=20@6h", " domain:x.example=50 hash:abc=70"]);
    let two = pick(&["", " host:h1=extreme", " host:h1=low user:bob=high", " host:10.0.0.1=medium"]);
    (one, two).prop_map(|(one, two)| format!("lists{one}{two}"))
}

/// A step, and the seconds that pass before it.
fn step() -> impl Strategy<Value = (i64, String)> {
    let gap = prop_oneof![12 => 0..120_i64, 4 => 120..3_600_i64, 1 => 3_600..30_000_i64, 1 => 80_000..200_000_i64];
    let what = prop_oneof![
        30 => alert(),
        8 => command(),
        1 => Just("advance".to_owned()),
        1 => lists(),
        1 => (0..3_u8).prop_map(|partition| format!("idle partition={partition}")),
    ];
    (gap, what)
}

fn steps() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(step(), 1..120).prop_map(|steps| lines(&mut 0, &steps))
}

/// Two streams, the second of which goes on when the first ends.
fn two_streams() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    (prop::collection::vec(step(), 0..90), prop::collection::vec(step(), 1..90)).prop_map(|(a, b)| {
        let mut now = 0;
        (lines(&mut now, &a), lines(&mut now, &b))
    })
}

fn lines(now: &mut i64, steps: &[(i64, String)]) -> Vec<String> {
    let told = steps.iter().map(|(gap, what)| {
        *now += gap;
        line(*now, what)
    });
    told.collect()
}

/// `skew=N` becomes an event time that many minutes from the record's.
fn line(now: i64, what: &str) -> String {
    match what.split_once(" skew=") {
        Some((alert, skew)) => {
            let at = (now + skew.parse::<i64>().unwrap() * 60).max(0);
            format!("{now}s {alert} at={at}s")
        }
        None => format!("{now}s {what}"),
    }
}

fn run(lines: &[String], batch: usize) -> World {
    let mut world = World::new(policy());
    go_on(&mut world, lines, batch);
    world
}

fn go_on(world: &mut World, lines: &[String], batch: usize) {
    for batch in lines.chunks(batch) {
        batch.iter().for_each(|line| world.line(line));
        world.seal();
    }
}

fn views(world: &World, events: &[CaseEvent]) -> Vec<CaseView> {
    let mut ids: Vec<&CaseId> = events.iter().map(|event| &event.case).collect();
    ids.sort();
    ids.dedup();
    ids.into_iter().filter_map(|id| world.engine.view(id)).collect()
}

fn same_effects(one: &Effects, two: &Effects) -> Result<(), TestCaseError> {
    prop_assert_eq!(&one.emit, &two.emit);
    let settled = |effects: &Effects| -> Vec<_> {
        effects.settled.iter().map(|s| (s.origin.clone(), s.outcome, s.late, s.case.clone(), s.part)).collect()
    };
    prop_assert_eq!(settled(one), settled(two));
    Ok(())
}

fn same_rows(one: &World, other: &World) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.rows.keys().collect::<Vec<_>>(), other.rows.keys().collect::<Vec<_>>());
    for (row, other) in rows(one).zip(rows(other)) {
        prop_assert_eq!(row, other);
    }
    Ok(())
}

/// The rows without keys that have expired: those count as gone, and when they are freed follows the memory, not the
/// inputs. Freeing one moves others in the list.
fn rows(world: &World) -> impl Iterator<Item = StateRow> {
    let (policy, watermark) = (policy(), world.engine.stats().watermark);
    world.rows.values().cloned().map(move |mut row| {
        if let StateRow::Part(part) = &mut row {
            part.keys.retain(|key| key.last_at.plus(policy.kind(key.kind).window) >= watermark);
            part.keys.sort_by_key(|key| key.hash);
        }
        row
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_size_of_batches_shows_nowhere(lines in steps()) {
        let one = run(&lines, 1);
        for batch in [7, 5_000] {
            same_effects(&one.effects, &run(&lines, batch).effects)?;
        }
    }

    #[test]
    fn a_restart_shows_nowhere(lines in steps(), cut in 0..120_usize, again in 0..120_usize) {
        let whole = run(&lines, 5);
        let cut = cut.min(lines.len());
        let mut parted = run(&lines[..cut], 3);
        parted.restart(99);
        let rest = &lines[cut..];
        let again = again.min(rest.len());
        go_on(&mut parted, &rest[..again], 4);
        parted.restart(7);
        go_on(&mut parted, &rest[again..], 2);
        same_effects(&whole.effects, &parted.effects)?;
        prop_assert_eq!(views(&whole, &[]), views(&parted, &[]));
    }

    /// Both end their batches at the same places, so that events, outcomes and every last row must be the same.
    #[test]
    fn replay_of_a_and_b_is_replay_of_a_then_replay_of_b(
        (a, b) in two_streams(), batch in 1..12_usize, seed in any::<u64>(),
    ) {
        let whole = {
            let mut world = run(&a, batch);
            world.seal();
            go_on(&mut world, &b, batch);
            world
        };
        let mut parted = run(&a, batch);
        parted.restart(seed);
        go_on(&mut parted, &b, batch);
        same_effects(&whole.effects, &parted.effects)?;
        same_rows(&whole, &parted)?;
        prop_assert_eq!(views(&whole, &whole.effects.emit), views(&parted, &parted.effects.emit));
        let (one, other) = (whole.engine.stats(), parted.engine.stats());
        prop_assert_eq!((one.cases, one.parts, one.watermark, one.now), (other.cases, other.parts, other.watermark, other.now));
    }

    #[test]
    fn arrears_are_caught_up_with_alike_by_batches_and_restarts(
        hosts in 8..60_u32,
        jumps in prop::collection::vec((0..200_000_i64, 0..70_u32), 1..40),
        cut in 0..100_usize,
    ) {
        let mut lines: Vec<String> = (0..hosts).map(|host| format!("{host}s alert a{host} host=h{host}")).collect();
        let mut now = i64::from(hosts);
        for (number, (gap, host)) in jumps.into_iter().enumerate() {
            now += gap;
            lines.push(format!("{now}s alert b{number} host=h{host}"));
        }
        let whole = run(&lines, 1);
        same_effects(&whole.effects, &run(&lines, 5_000).effects)?;
        let (first, rest) = lines.split_at(cut.min(lines.len()));
        let mut parted = run(first, 3);
        for line in rest {
            parted.restart(9);
            parted.line(line);
        }
        same_effects(&whole.effects, &parted.effects)?;
    }

    #[test]
    fn views_owed_before_a_restart_are_owed_behind_it(lines in steps(), cut in 0..120_usize, odd: bool) {
        let (first, rest) = lines.split_at(cut.min(lines.len()));
        let mut world = World::new(policy());
        world.owes_view = if odd { |case| case.number % 2 == 1 } else { |case| case.number % 2 == 0 };
        go_on(&mut world, first, 3);
        world.seal();
        let owed = |world: &World| -> Vec<_> {
            world.engine.owed_views().into_iter().map(|case| (world.engine.view(&case), case)).collect()
        };
        let before = owed(&world);
        world.restart(5);
        prop_assert_eq!(&owed(&world), &before);
        prop_assert!(before.iter().all(|(view, _)| view.is_some()));
        before.iter().for_each(|(_, case)| world.engine.viewed(case));
        world.owes_view = |_| false;
        go_on(&mut world, rest, 4);
        same_effects(&run(&lines, 5).effects, &world.effects)?;
    }

    #[test]
    fn what_is_resident_shows_nowhere(lines in steps()) {
        let mut keeping = World::new(policy());
        keeping.engine.keep_cold();
        go_on(&mut keeping, &lines, 3);
        same_effects(&keeping.effects, &run(&lines, 3).effects)?;
    }

    #[test]
    fn every_input_settles_once(lines in steps()) {
        let world = run(&lines, 10);
        let inputs = lines.iter().filter(|line| [" advance", " idle", " lists"].iter().all(|word| !line.contains(word))).count();
        prop_assert_eq!(world.effects.settled.len(), inputs);
        let mut origins: Vec<_> = world.effects.settled.iter().map(|settled| settled.origin.clone()).collect();
        origins.sort();
        origins.dedup();
        prop_assert_eq!(origins.len(), inputs);
    }

    #[test]
    fn views_are_the_fold_of_the_events(lines in steps()) {
        let mut world = World::new(policy());
        world.engine.keep_cold();
        let mut fold = Fold::default();
        for line in &lines {
            let told = world.effects.emit.len();
            world.line(line);
            world.effects.emit[told..].iter().for_each(|event| fold.take(event));
            world.seal();
        }
        for mut folded in fold.views() {
            let view = world.engine.view(&folded.id).unwrap();
            folded.audit_head = view.audit_head;
            if folded.status == CaseStatus::Merged {
                (folded.first_event_at, folded.last_event_at) = (folded.opened_at, folded.opened_at);
            }
            prop_assert_eq!(view, folded);
        }
    }

    #[test]
    fn undoing_a_merge_gives_the_views_back(lines in steps(), picks in any::<[prop::sample::Index; 2]>()) {
        let mut world = run(&lines, 10);
        let open = open_cases(&world);
        let [one, two] = picks.map(|pick| if open.is_empty() { 0 } else { open[pick.index(open.len())] });
        if one == two {
            return Ok(());
        }
        let at = world.now();
        let ids = [script::case(&format!("case-{one}")), script::case(&format!("case-{two}"))];
        // What was counted is told first, or the telling itself would be the difference.
        ids.iter().for_each(|id| world.line(&format!("{at} comment {}", script::case_name(id))));
        let before: Vec<_> = ids.iter().map(|id| world.engine.view(id).map(plain)).collect();
        let told = world.effects.emit.len();
        world.line(&format!("{at} merge case-{one} case-{two}"));
        let merged = world.effects.emit[told..].iter().any(|event| matches!(event.kind, EventKind::Merged { .. }));
        if !merged {
            return Ok(());
        }
        let (older, newer) = (one.min(two), one.max(two));
        world.line(&format!("{at} undo case-{older} case-{newer}"));
        let after: Vec<_> = ids.iter().map(|id| world.engine.view(id).map(plain)).collect();
        prop_assert_eq!(before, after);
    }

    /// Whatever way it took there: what was counted and not told yet does not count.
    #[test]
    fn a_priority_is_a_function_of_the_parts(lines in steps(), batch in 1..9_usize) {
        let world = run(&lines, batch);
        for number in open_cases(&world) {
            let view = world.engine.view(&script::case(&format!("case-{number}"))).unwrap();
            let part = |id: &_| match &world.rows[&RowKey::Part(view.id.tenant.clone(), *id)] {
                StateRow::Part(part) => part.clone(),
                other => panic!("{other:?}"),
            };
            let parts: Vec<PartState> = view.parts.items.iter().map(part).collect();
            prop_assert_eq!((view.severity, view.priority.clone()), priority_of(parts.iter()));
            prop_assert_eq!((view.severity, view.priority), priority_of(parts.iter().rev()));
        }
    }

    #[test]
    fn more_evidence_lowers_no_priority(lines in steps()) {
        let mut before: BTreeMap<CaseId, Vec<u8>> = BTreeMap::new();
        for event in run(&lines, 10).effects.emit {
            match event.kind {
                EventKind::Opened { priority, .. } | EventKind::PriorityChanged { priority } => {
                    let now: Vec<u8> = priority.factors.iter().map(|factor| factor.points).collect();
                    let was = before.insert(event.case, now.clone()).unwrap_or_else(|| vec![0; now.len()]);
                    prop_assert!(was.iter().zip(&now).all(|(was, now)| was <= now), "{was:?} {now:?}");
                }
                EventKind::MergeUndone { .. } | EventKind::Split { .. } | EventKind::AlertsMoved { .. } => {
                    before.remove(&event.case);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_case_tells_each_indicator_once(lines in steps()) {
        let mut told: BTreeMap<CaseId, Vec<_>> = BTreeMap::new();
        for event in run(&lines, 10).effects.emit {
            let told = told.entry(event.case).or_default();
            match event.kind {
                EventKind::IntelMatched { found, .. } => {
                    let indicator = (found.kind, found.value);
                    prop_assert!(!told.contains(&indicator), "{indicator:?}");
                    told.push(indicator);
                }
                // The part that it was told of may be gone.
                EventKind::MergeUndone { .. } | EventKind::Split { .. } | EventKind::AlertsMoved { .. } => told.clear(),
                _ => {}
            }
        }
    }

    #[test]
    fn nothing_crosses_tenants_and_time_never_goes_back(lines in steps()) {
        let world = run(&lines, 10);
        let acme = Tenant::parse("acme").unwrap();
        for settled in &world.effects.settled {
            if let (Some(alert), Some(case)) = (&settled.alert, &settled.case) {
                prop_assert_eq!(&alert.tenant, &case.tenant);
            }
        }
        for event in &world.effects.emit {
            if let EventKind::Merged { from, .. } | EventKind::MergedInto { into: from, .. } = &event.kind {
                prop_assert_eq!(&from.tenant, &event.case.tenant);
            }
        }
        prop_assert!(world.effects.emit.iter().map(|event| event.time).is_sorted());
        prop_assert!(world.rows.values().all(|row| !is_mixed(row, &acme)));
    }
}

/// A key expires in a part, becomes a hub elsewhere and is met again in that part: a restart frees expired keys, and that
/// must not show.
#[test]
fn a_hub_met_where_it_had_expired_shows_no_restart() {
    let mut lines = vec!["0s alert a0 host=p user=k sev=high".to_owned()];
    for minutes in (50..30 * 60).step_by(50) {
        lines.push(format!("{minutes}m alert p{minutes} host=p sev=high"));
    }
    // Two machines where somebody else acts first, and the user on both of them.
    for (host, who) in [("h1", "ann"), ("h2", "eve"), ("h3", "zoe")] {
        lines.push(format!("1800m alert {who}1 host={host} user={who} sev=high"));
        lines.push(format!("1801m alert {who}2 host={host} user=k sev=high"));
    }
    let last = ["1830m alert z1 host=p user=k sev=high", "1831m alert z2 host=p user=k sev=high"];
    let told = |restarts: bool| {
        let mut world = World::new(policy());
        lines.iter().for_each(|line| world.line(line));
        if restarts {
            world.seal();
            world.restart(9);
        }
        assert!(world.engine.stats().hub_keys > 0, "the user is a hub");
        let before = world.effects.emit.len();
        last.iter().for_each(|line| world.line(line));
        world.effects.emit[before..].iter().map(|event| format!("{:?}", event.kind)).collect::<Vec<_>>()
    };
    assert_eq!(told(false), told(true));
}

fn is_mixed(row: &StateRow, acme: &Tenant) -> bool {
    match row {
        StateRow::Part(part) => (part.tenant == *acme) != (part.home.tenant == *acme),
        _ => false,
    }
}

/// The numbers of those that stand open in the tenant that commands are about.
fn open_cases(world: &World) -> Vec<u64> {
    let view = |number: &u64| world.engine.view(&script::case(&format!("case-{number}")));
    (1..200).filter(|number| view(number).is_some_and(|view| view.status.is_open())).collect()
}

/// A view without what a merge and its undoing leave behind on purpose.
fn plain(view: CaseView) -> CaseView {
    CaseView { seq: 0, audit_head: [0; 32], merged_into: None, ..view }
}

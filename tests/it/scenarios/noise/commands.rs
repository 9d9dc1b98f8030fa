//! Commands about parts: `split`, `move`, `detach`, and `merge` with several others.

use casewright::model::{CaseStatus, CaseView, Outcome};
use proptest::prelude::*;

use super::check;
use super::script;
use super::world::World;

#[test]
fn a_split_part_is_a_case_of_its_own_and_stays_one() {
    check(
        "
        0s   alert a1 host=web-1 user=bob
        10s  alert a2 host=db-1 user=bob
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        1m   split case-1 parts=2
        -- case-1 loses 1 edges: person
        -- case-1 split off case-2
        -- case-2 is split from case-1: person
        2m   alert a3 host=db-1 user=bob
        -- case-2 joined by a3
        -- case-2 refused case-1: kept_apart
        -- case-1 linked case-2
        ",
    );
}

#[test]
fn what_one_names_of_a_case_stays_together() {
    check(
        "
        0s   alert a1 host=web-1 user=bob
        10s  alert a2 host=db-1 user=bob
        20s  alert a3 host=web-2 user=bob
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        -- case-1 joined by a3 in a new part
        1m   split case-1 parts=2,3
        -- case-1 loses 2 edges: person
        -- case-1 split off case-2
        -- case-2 is split from case-1: person
        ",
    );
}

#[test]
fn the_number_stays_with_the_part_that_the_case_was_opened_for() {
    check(
        "
        0s   alert a1 host=web-1 user=bob
        10s  alert a2 host=db-1 user=bob
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        1m   split case-1 parts=1
        -- case-1 loses 1 edges: person
        -- case-1 split off case-2
        -- case-2 is split from case-1: person
        ",
    );
}

#[test]
fn splitting_what_was_a_case_gives_that_case_back() {
    check(
        "
        0s   alert a1 host=web-1
        10s  alert a2 host=db-1
        -- case-1 opened by a1
        -- case-2 opened by a2
        1m   merge case-1 case-2
        -- case-2 merged into case-1
        -- case-1 took case-2
        2m   split case-1 parts=2
        -- case-1 loses 1 edges: person
        -- case-1 gave back case-2
        -- case-2 parted from case-1
        ",
    );
}

#[test]
fn a_moved_part_counts_in_the_other_case() {
    check(
        "
        0s   alert a1 host=web-1 user=bob
        10s  alert a2 host=db-1 user=bob
        20s  alert a3 host=mail-1
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        -- case-2 opened by a3
        1m   move case-1 case-2 parts=2
        -- case-1 loses 1 edges: person
        -- case-1 moved parts to case-2: person
        -- case-2 took parts of case-1
        2m   alert a4 host=db-1 user=bob
        -- case-2 joined by a4
        -- case-2 refused case-1: kept_apart
        -- case-1 linked case-2
        ",
    );
}

#[test]
fn an_alert_is_detached_with_its_part() {
    check(
        "
        0s   alert a1 host=web-1 user=bob
        10s  alert a2 host=db-1 user=bob
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        1m   detach case-1 a2
        -- case-1 loses 1 edges: person
        -- case-1 split off case-2
        -- case-2 is split from case-1: person
        ",
    );
}

#[test]
fn several_cases_merge_at_once_or_none() {
    check(
        "
        0s   alert a1 host=web-1
        10s  alert a2 host=db-1
        20s  alert a3 host=mail-1
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        1m   merge case-3 case-2 case-9
        -- refused: no_such_case
        2m   merge case-3 case-2 case-3
        -- refused: same_case
        3m   merge case-3 case-2 case-1
        -- case-3 merged into case-2
        -- case-2 took case-3
        -- case-2 merged into case-1
        -- case-1 took case-2
        ",
    );
}

#[test]
fn what_cannot_be_parted_is_refused_with_its_reason() {
    check(
        "
        policy parts=2
        0s   alert a1 host=web-1 user=bob
        10s  alert a2 host=db-1 user=bob
        20s  alert a3 host=mail-1
        30s  alert a4 host=mail-1 tenant=acme
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        -- case-2 opened by a3
        -- acme-1 opened by a4
        1m   split case-1 parts=1,2
        -- refused: leaves_nothing
        1m   split case-1 parts=7
        -- refused: no_such_part
        1m   move case-2 case-1 parts=3
        -- refused: leaves_nothing
        1m   move case-1 acme-1 parts=2
        -- refused: other_tenant
        1m   move case-1 case-1 parts=2
        -- refused: same_case
        1m   detach case-1 a3
        -- refused: no_such_alert
        2m   close case-1
        -- case-1 closed
        3m   split case-1 parts=2
        -- refused: closed
        3m   detach case-1 a2
        -- refused: closed
        ",
    );
}

const POLICY: &str = "policy soft_cap=12 hard_cap=20 parts=40 quiet=6h reopen_window=5h";

fn world(lines: &[String]) -> World {
    let mut world = World::new(script::policy(Default::default(), POLICY));
    lines.iter().for_each(|line| world.line(line));
    world
}

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(words)
}

fn line() -> impl Strategy<Value = String> {
    let who = (pick(&["h1", "h2", "h3", "h4"]), pick(&["", " user=bob", " user=eve"]), pick(&["r1", "r2"]), 0..60_u8);
    let alert = who.prop_map(|(host, user, rule, name)| format!("alert a{name} host={host}{user} rule={rule}"));
    let ends = (1..6_u8, 1..6_u8, 1..9_u8, 1..9_u8, 0..60_u8);
    let verbs = pick(&["split", "split", "move", "move", "detach", "merge", "undo", "close"]);
    let command = (verbs, ends).prop_map(|(verb, (one, two, part, other, alert))| match verb {
        "split" => format!("split case-{one} parts={part},{other}"),
        "move" => format!("move case-{one} case-{two} parts={part}"),
        "detach" => format!("detach case-{one} a{alert}"),
        "merge" => format!("merge case-{one} case-{two} case-{part}"),
        "undo" => format!("undo case-{one} case-{two}"),
        _ => format!("close case-{one}"),
    });
    prop_oneof![4 => alert, 3 => command]
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    let timed =
        |lines: Vec<String>| lines.iter().enumerate().map(|(at, line)| format!("{}s {line}", at * 20)).collect();
    prop::collection::vec(line(), 1..80).prop_map(timed)
}

fn views(world: &World) -> Vec<CaseView> {
    (1..200).filter_map(|number| world.engine.view(&script::case(&format!("case-{number}")))).collect()
}

/// Without what a split and a merge leave behind on purpose.
fn plain(view: CaseView) -> CaseView {
    let mut plain = CaseView { seq: 0, audit_head: [0; 32], ..view };
    (plain.merged_from, plain.edges.items, plain.edges.total) = (Vec::new(), Vec::new(), 0);
    plain
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_parted_every_alert_is_in_one_case_and_every_input_settles_once(lines in lines()) {
        let mut world = world(&lines);
        prop_assert_eq!(world.effects.settled.len(), lines.len());
        let count = |outcome| world.effects.count(outcome) as u64;
        let told = count(Outcome::Opened) + count(Outcome::Attached);
        let standing = |view: &&CaseView| view.status != CaseStatus::Merged;
        let shown = views(&world);
        let alerts: u64 = shown.iter().filter(standing).map(|view| view.alert_count).sum();
        prop_assert_eq!(alerts, told, "each alert is counted once");
        let mut parts: Vec<_> = shown.iter().filter(standing).flat_map(|view| view.parts.items.clone()).collect();
        let all = parts.len();
        parts.sort_unstable();
        parts.dedup();
        prop_assert_eq!(parts.len(), all, "no part is in two cases");
        world.restart(3);
        prop_assert_eq!(views(&world), shown.iter().cloned().map(|view| CaseView { audit_head: [1; 32], ..view }).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_split_off_and_merged_again_is_what_it_was(lines in lines(), which: prop::sample::Index, at: prop::sample::Index) {
        let mut world = world(&lines);
        let open: Vec<CaseView> = views(&world).into_iter().filter(|view| view.status.is_open() && view.parts.total > 1).collect();
        if open.is_empty() {
            return Ok(());
        }
        let view = &open[which.index(open.len())];
        let now = world.now();
        let case = script::case_name(&view.id);
        // What was counted is told first.
        world.line(&format!("{now} comment {case}"));
        let before = world.engine.view(&view.id).map(plain);
        let part = view.parts.items[at.index(view.parts.items.len())].0;
        let told = views(&world).len();
        world.line(&format!("{now} split {case} parts={part}"));
        if views(&world).len() == told {
            return Ok(());
        }
        let newborn = views(&world).last().unwrap().id.clone();
        world.line(&format!("{now} merge {case} {}", script::case_name(&newborn)));
        prop_assert_eq!(world.engine.view(&view.id).map(plain), before);
    }
}

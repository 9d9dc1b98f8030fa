//! Silences, allow-list entries, exclusions and inhibitions, as an analyst would tell them.

use casewright::model::{NoiseId, Outcome, SuppressedBy, Tenant};
use casewright::store::{SegmentWriter, Step};
use proptest::prelude::*;

use super::world::World;
use super::{check, script};

#[test]
fn a_silence_keeps_alerts_out_of_every_case_until_it_ends() {
    check(
        "
        0s     alert a0 host=web-1
        -- case-1 opened by a0
        1m     silence 1h : rule = scan and host = lab-*
        -- rule 1: silence rule = \"scan\" and host = \"lab-*\"
        2m     alert a1 host=lab-7 rule=scan
        -- a1 suppressed by rule 1
        3m     alert a2 host=web-2 rule=scan
        -- case-2 opened by a2
        59m    alert a3 host=lab-8 rule=scan
        -- a3 suppressed by rule 1
        1h8m   alert a4 host=lab-9 rule=scan
        -- a4 suppressed by rule 1
        1h12m  alert a5 host=lab-9 rule=scan
        -- case-3 opened by a5
        ",
    );
}

#[test]
fn a_silence_ends_early_when_somebody_says_so() {
    check(
        "
        0s  alert a0 host=web-1
        -- case-1 opened by a0
        1m  silence 10d : rule = scan
        -- rule 1: silence rule = \"scan\"
        2m  alert a1 host=lab-7 rule=scan
        -- a1 suppressed by rule 1
        3m  unsilence 1
        -- rule 1 ended after 1 hits
        4m  alert a2 host=lab-7 rule=scan
        -- case-2 opened by a2
        5m  unsilence 1
        -- refused: no_such_rule
        ",
    );
}

#[test]
fn what_is_known_already_stays_where_it_is() {
    check(
        "
        0s  alert a1 host=web-1 rule=scan
        -- case-1 opened by a1
        1m  silence 1h : rule = scan
        -- rule 1: silence rule = \"scan\"
        2m  alert a1 host=web-1 rule=scan activity=update
        -- case-1 updated by a1
        3m  alert a1 host=web-1 rule=scan
        -- a1 duplicate in case-1
        4m  alert a2 host=web-1 rule=scan user=bob
        -- case-1 repeated a1 x1
        -- a2 suppressed by rule 1
        ",
    );
}

#[test]
fn what_is_critical_is_never_silenced_unless_the_rule_says_so() {
    check(
        "
        0s  alert a0 host=web-1
        -- case-1 opened by a0
        1m  silence 1h : rule = scan
        -- rule 1: silence rule = \"scan\"
        2m  alert a1 host=lab-1 rule=scan sev=critical
        -- case-2 opened by a1
        3m  silence 1h : rule = scan and severity in (critical, fatal)
        -- rule 2: silence rule = \"scan\" and severity in (critical, fatal)
        4m  alert a2 host=lab-2 rule=scan sev=critical
        -- a2 suppressed by rule 2
        ",
    );
}

#[test]
fn what_is_known_to_be_good_is_allowed_without_an_end() {
    check(
        "
        0s   alert a0 host=web-1
        -- case-1 opened by a0
        1m   allow : ip = 10.9.0.0/16 and rule != exploit
        -- rule 1: allow ip = 10.9.0.0/16 and rule != \"exploit\"
        9d   alert a1 src=10.9.3.4 host=web-2 rule=portscan
        -- case-1 expired
        -- a1 suppressed by rule 1
        9d1m alert a2 src=10.9.3.4 host=web-2 rule=exploit
        -- case-2 opened by a2
        ",
    );
}

#[test]
fn an_excluded_value_links_nothing() {
    check(
        "
        0s  alert a1 host=web-1 src=8.8.8.8
        10s alert a2 host=web-2 src=8.8.8.8
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        1m  exclude : ip = 9.9.9.9
        -- rule 1: exclude ip = \"9.9.9.9\"
        2m  alert a3 host=web-3 src=9.9.9.9
        3m  alert a4 host=web-4 src=9.9.9.9
        -- case-2 opened by a3
        -- case-3 opened by a4
        4m  unsilence 1
        -- rule 1 ended after 2 hits
        ",
    );
}

#[test]
fn weaker_alerts_of_a_machine_are_inhibited_while_a_graver_one_is_known() {
    check(
        "
        0s   alert a0 host=web-9
        -- case-1 opened by a0
        1m   inhibit host 30m : rule = ransomware => rule = file-rename
        -- rule 1: inhibit rule = \"ransomware\"
        2m   alert a1 host=web-1 rule=file-rename
        -- case-2 opened by a1
        3m   alert a2 host=web-1 rule=ransomware sev=high
        -- case-2 joined by a2
        -- case-2 severity high
        4m   alert a3 host=web-1 rule=file-rename path=/a
        -- a3 suppressed by rule 1 because of a2
        5m   alert a4 host=web-2 rule=file-rename
        -- case-3 opened by a4
        6m   alert a5 host=web-1 rule=file-rename sev=high path=/b
        -- case-2 joined by a5
        34m  alert a6 host=web-1 rule=file-rename path=/c
        -- case-2 joined by a6 in a new part
        ",
    );
}

#[test]
fn what_is_too_broad_or_without_an_end_is_refused() {
    check(
        "
        0s  silence 1h : rule = scan
        -- refused: no_such_tenant
        1m  alert a0 host=web-1
        -- case-1 opened by a0
        2m  silence : rule = scan
        -- refused: needs_an_end
        2m  silence 91d : rule = scan
        -- refused: needs_an_end
        2m  silence 1h : severity >= low
        -- refused: too_broad
        2m  silence 1h : host != web-1
        -- refused: too_broad
        2m  exclude : rule = scan
        -- refused: too_broad
        2m  inhibit any 25h : rule = a => rule = b
        -- refused: too_broad
        2m  unsilence 7
        -- refused: no_such_rule
        ",
    );
}

#[test]
fn tenants_do_not_hear_of_one_anothers_silences() {
    check(
        "
        0s  alert a0 host=web-1
        1s  alert b0 host=web-1 tenant=acme
        -- case-1 opened by a0
        -- acme-1 opened by b0
        1m  silence 1h tenant=acme : rule = scan
        -- rule 1: silence rule = \"scan\"
        2m  alert a1 host=lab-7 rule=scan
        3m  alert b1 host=lab-7 rule=scan tenant=acme
        -- case-2 opened by a1
        -- b1 suppressed by rule 1
        ",
    );
}

#[test]
fn a_flood_is_counted_in_its_part_until_it_falls() {
    check(
        "
        policy flood=3
        0s   alert a1 host=web-1 rule=scan path=/1
        1s   alert a2 host=web-1 rule=scan path=/2
        2s   alert a3 host=web-1 rule=scan path=/3
        -- case-1 opened by a1
        -- case-1 joined by a2
        -- case-1 joined by a3
        3s   alert a4 host=web-1 rule=scan path=/4
        4s   alert a5 host=web-1 rule=scan path=/5
        -- a4 rolled up in case-1
        -- a5 rolled up in case-1
        5s   alert b1 host=web-1 rule=other
        -- case-1 rolled up x2
        -- case-1 joined by b1
        6s   alert a6 host=web-1 rule=scan path=/6 sev=high
        -- case-1 joined by a6
        -- case-1 severity high
        7s   alert a7 host=web-1 rule=scan path=/7 sev=critical
        -- case-1 joined by a7
        -- case-1 severity critical
        8s   alert a8 host=web-2 rule=scan path=/8
        -- case-2 opened by a8
        25m  alert a9 host=web-1 rule=scan path=/9
        -- case-1 joined by a9 in a new part
        ",
    );
}

#[test]
fn a_flood_in_a_roll_up_is_counted_there() {
    check(
        "
        policy flood=3
        0s      alert a1 host=web-1 rule=poll path=/1
        1h1m    alert a2 host=web-1 rule=poll path=/2
        2h2m    alert a3 host=web-1 rule=poll path=/3
        3h3m    alert a4 host=web-1 rule=poll path=/4
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        -- case-4 rolls up a4
        3h3m1s  alert a5 host=web-1 rule=poll path=/5
        3h3m2s  alert a6 host=web-1 rule=poll path=/6
        -- case-4 joined by a5
        -- case-4 joined by a6
        3h3m3s  alert a7 host=web-1 rule=poll path=/7
        -- a7 rolled up in case-4
        ",
    );
}

#[test]
fn a_bridge_into_another_case_is_told_in_the_middle_of_a_flood() {
    check(
        "
        policy flood=2
        0s   alert b1 host=db-1 src=8.8.8.8
        1s   alert a1 host=web-1 rule=scan path=/1
        2s   alert a2 host=web-1 rule=scan path=/2
        3s   alert a3 host=web-1 rule=scan path=/3
        -- case-1 opened by b1
        -- case-2 opened by a1
        -- case-2 joined by a2
        -- a3 rolled up in case-2
        4s   alert a4 host=web-1 rule=scan src=8.8.8.8
        -- case-1 joined by a4 in a new part
        -- case-2 rolled up x1
        -- case-2 merged into case-1
        -- case-1 took case-2
        ",
    );
}

#[test]
fn what_suppressed_an_alert_is_read_back_from_its_segment() {
    let mut world = World::new(script::policy(Default::default(), "policy"));
    let lines = [
        "0s alert a0 host=web-1",
        "1m silence 1h : rule = scan",
        "1m inhibit host 1h : rule = grave => rule = slight",
        "2m alert a1 host=web-1 rule=scan",
        "2m alert a2 host=web-2 rule=grave sev=high",
        "3m alert a3 host=web-2 rule=slight",
    ];
    lines.iter().for_each(|line| world.line(line));
    let mut writer = SegmentWriter::new(1);
    world.effects.settled.iter().for_each(|settled| writer.settled(settled));
    let chunks = writer.finish_chunks();
    let steps: Vec<Step> = chunks.iter().flat_map(|chunk| chunk.steps().unwrap()).collect();
    let suppressed = steps.iter().filter_map(|step| match step {
        Step::Alert(step) => Some((world.script.name(step.alert.id), step.outcome, step.suppressed_by?)),
        _ => None,
    });
    let grave = world.effects.settled[4].alert.as_ref().unwrap().id;
    let by = |rule, source| SuppressedBy { rule: NoiseId(rule), source };
    let expected = [("a1", Outcome::Suppressed, by(1, None)), ("a3", Outcome::Suppressed, by(2, Some(grave)))];
    assert_eq!(suppressed.collect::<Vec<_>>(), expected);
    assert!(chunks.iter().all(|chunk| chunk.verify().is_ok()));
}

fn told_twice(lines: &[&str], cut: usize) -> [Vec<String>; 2] {
    [false, true].map(|restarts| {
        let mut world = World::new(script::policy(Default::default(), "policy flood=3"));
        let mut told = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            if restarts && place >= cut {
                world.restart(place as u64);
            }
            world.line(line);
            told.extend(world.told());
        }
        told
    })
}

#[test]
fn a_restart_shows_in_no_rule_no_source_and_no_flood() {
    let lines = [
        "0s alert a0 host=web-1",
        "1m silence 1h : rule = scan",
        "1m inhibit any 1h : rule = grave => rule = slight",
        "1m exclude : user = svc",
        "2m alert a1 host=web-1 rule=scan",
        "2m alert a2 host=web-1 rule=grave sev=high",
        "3m alert a3 host=web-1 rule=slight",
        "3m alert a4 host=web-2 user=svc",
        "4m alert a5 host=web-3 user=svc",
        "4m alert f1 host=web-4 rule=f path=/1",
        "4m alert f2 host=web-4 rule=f path=/2",
        "4m alert f3 host=web-4 rule=f path=/3",
        "4m alert f4 host=web-4 rule=f path=/4",
        "5m alert f5 host=web-4 rule=f path=/5",
        "6m unsilence 1",
        "7m alert a6 host=web-5 rule=scan",
    ];
    for cut in 0..lines.len() {
        let [one, two] = told_twice(&lines, cut);
        assert_eq!(one, two, "restarts from line {cut}");
    }
}

#[test]
fn rules_without_hits_are_stale_and_long_ended_ones_are_forgotten() {
    let mut world = World::new(Default::default());
    let lines =
        ["0s alert a0 host=web-1", "1m allow : rule = scan", "1m silence 1h : rule = other", "2m alert a1 rule=scan"];
    lines.iter().for_each(|line| world.line(line));
    let stale = |world: &World| world.engine.stale_noise_rules().map(|rule| rule.id.0).collect::<Vec<_>>();
    assert_eq!(stale(&world), [0_u64; 0]);
    let stats = world.engine.stats().noise;
    assert_eq!((stats.allows, stats.silences, stats.stale), (1, 1, 0));
    world.line("2h advance");
    assert_eq!(stale(&world), [2], "it ran out and nobody ended it");
    world.line("31d advance");
    assert_eq!(stale(&world), [1, 2], "nothing was allowed for a month");
    let stats = world.engine.stats().noise;
    assert_eq!((stats.allows, stats.silences, stats.stale), (1, 0, 2));
    world.seal();
    world.line("31d allow : rule = third");
    world.seal();
    let tenant = Tenant::parse("t").unwrap();
    let listed: Vec<_> = world.engine.noise_rules(&tenant).map(|rule| (rule.id.0, rule.hits)).collect();
    assert_eq!(listed, [(1, 1), (3, 0)]);
}

#[test]
fn a_tenant_has_a_thousand_rules_at_most_and_ended_ones_make_room() {
    let mut world = World::new(Default::default());
    world.line("0s alert a0 host=web-1");
    for number in 0..1_000 {
        world.line(&format!("1m allow : rule = r{number}"));
    }
    world.told();
    world.line("2m allow : rule = more");
    assert_eq!(world.told(), ["refused: too_many_rules"]);
    world.line("3m unsilence 500");
    world.line("4m allow : rule = more");
    assert_eq!(world.told(), ["rule 500 ended after 0 hits", "rule 1001: allow rule = \"more\""]);
    world.seal();
    let tenant = Tenant::parse("t").unwrap();
    assert_eq!(world.engine.noise_rules(&tenant).count(), 1_000);
    world.line("5m alert a1 host=web-2 rule=r499");
    world.line("5m alert a2 host=web-2 rule=r998");
    assert_eq!(world.told(), ["case-2 opened by a1", "a2 suppressed by rule 999"]);
}

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(words)
}

fn line() -> impl Strategy<Value = String> {
    let severities = pick(&["low", "medium", "high", "critical"]);
    let who = (
        pick(&["h1", "h2", "h3"]),
        pick(&["", " user=bob", " src=8.8.8.8"]),
        pick(&["r1", "r2"]),
        0..50_u8,
        severities,
    );
    let alert =
        who.prop_map(|(host, more, rule, name, sev)| format!("alert a{name} host={host}{more} rule={rule} sev={sev}"));
    let rule = pick(&[
        "silence 1h : rule = r1",
        "silence 10m : host = h* and severity <= high",
        "silence 10m : host = h1 and severity = critical",
        "allow : user = bob",
        "exclude : ip = 8.0.0.0/8",
        "exclude : host in (h1, h2)",
        "inhibit host 10m : severity >= high => rule = r2",
        "inhibit any 1h : rule = r1 => user = bob",
    ]);
    let rule = rule.prop_map(|rule| rule.replace(" and severity <= high", ""));
    prop_oneof![8 => alert, 2 => rule, 1 => (1..9_u8).prop_map(|id| format!("unsilence {id}"))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn restarts_show_in_no_rule(
        lines in prop::collection::vec((0..300_i64, line()), 1..60),
        restarts in prop::collection::vec(any::<bool>(), 60),
    ) {
        let run = |restarting: bool| {
            let mut world = World::new(script::policy(Default::default(), "policy flood=4"));
            let mut now = 0;
            for ((gap, line), restart) in lines.iter().zip(&restarts) {
                now += gap;
                if restarting && *restart {
                    world.restart(now.unsigned_abs());
                }
                world.line(&format!("{now}s {line}"));
            }
            world.seal();
            let rules: Vec<_> = world.engine.noise_rules(&Tenant::parse("t").unwrap()).cloned().collect();
            let settled = world.effects.settled.iter().map(|settled| (settled.outcome, settled.suppressed_by));
            (rules, settled.collect::<Vec<_>>())
        };
        prop_assert_eq!(run(false), run(true));
    }

    #[test]
    fn no_rule_loses_an_alert(lines in prop::collection::vec((0..300_i64, line()), 1..100)) {
        let mut world = World::new(script::policy(Default::default(), "policy flood=4"));
        let mut now = 0;
        for (gap, line) in &lines {
            now += gap;
            world.line(&format!("{now}s {line}"));
        }
        prop_assert_eq!(world.effects.settled.len(), lines.len());
        let mut origins: Vec<_> = world.effects.settled.iter().map(|settled| settled.origin.clone()).collect();
        origins.sort();
        origins.dedup();
        prop_assert_eq!(origins.len(), lines.len(), "each input settles once");
        for settled in &world.effects.settled {
            let suppressed = settled.outcome == Outcome::Suppressed;
            prop_assert_eq!(settled.suppressed_by.is_some(), suppressed);
            prop_assert!(!suppressed || settled.case.is_none());
        }
        let hits: u64 = world.engine.noise_rules(&Tenant::parse("t").unwrap()).map(|rule| rule.hits).sum();
        prop_assert!(hits >= world.effects.count(Outcome::Suppressed) as u64, "each is counted on its rule");
    }
}

//! The priority: the worked examples of its page, and what the page promises of it.

use casewright::engine::{Policy, StateRow, priority_of};
use casewright::model::{Band, Priority};

use super::script::case;
use super::world::World;

const PAGE: &str = include_str!("../../../docs/priority.md");

/// Plays lines a second apart; `repeat NAME COUNT` sends the alert of that name again, and lets the count be told.
fn play(lines: &[&str]) -> World {
    let mut world = World::new(Policy::default());
    let mut now = 0;
    for line in lines {
        let Some(repeat) = line.strip_prefix("repeat ") else {
            world.line(&format!("{now}s {line}"));
            now += 1;
            continue;
        };
        let (name, count) = repeat.split_once(' ').unwrap();
        let again = lines.iter().find(|line| line.starts_with(&format!("alert {name} "))).unwrap();
        for _ in 0..count.parse().unwrap() {
            world.line(&format!("{now}s {again}"));
        }
        world.line(&format!("{}s advance", now + 60));
    }
    world
}

fn priority(world: &World, number: u64) -> Priority {
    world.engine.view(&case(&format!("case-{number}"))).unwrap().priority
}

/// As the page writes it: the factors that have points, the score, the band.
fn written(priority: &Priority) -> String {
    let factors = priority.factors.iter().filter(|factor| factor.points > 0);
    let factors: Vec<String> = factors.map(|factor| format!("{} {}", factor.name, factor.points)).collect();
    format!("= {}: {} {}", factors.join(", "), priority.score, priority.band.label())
}

#[test]
fn the_worked_examples_are_right() {
    let examples: Vec<&str> = PAGE
        .split("```example\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(example, _)| example)
        .collect();
    assert!(examples.len() >= 7);
    for example in examples {
        let (inputs, result) = example.trim_end().rsplit_once('\n').unwrap();
        let world = play(&inputs.lines().collect::<Vec<_>>());
        assert_eq!(written(&priority(&world, 1)), result, "{example}");
    }
}

#[test]
fn the_page_names_every_factor_and_its_most() {
    let world = play(&["alert a host=web-1"]);
    for (factor, most) in priority(&world, 1).factors.iter().zip([50, 30, 12, 6, 10, 12, 6, 4]) {
        assert!(PAGE.contains(&format!("| `{}` | {most} |", factor.name)), "{} {most}", factor.name);
    }
}

#[test]
fn a_thousand_low_repeats_do_not_outrank_a_critical_alert() {
    let loud = play(&["alert a host=web-1 rule=r sev=low conf=100", "repeat a 1000"]);
    let critical = play(&["alert a host=web-1 sev=critical conf=10"]);
    assert!(priority(&loud, 1).score < priority(&critical, 1).score);
    // Nor does the same rule on many machines.
    let wide: Vec<String> = (0..200).map(|host| format!("alert a{host} host=h{host} rule=r sev=low group=g")).collect();
    let wide = play(&wide.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(wide.engine.view(&case("case-1")).unwrap().parts.total > 100);
    assert!(priority(&wide, 1).score < priority(&critical, 1).score);
}

#[test]
fn a_true_incident_outranks_a_loud_single_rule() {
    let incident = play(&[
        "alert a host=db-1 sev=high tactic=TA0001 crit=high",
        "alert b host=db-1 sev=high tactic=TA0002",
        "alert c host=db-1 sev=high tactic=TA0006",
    ]);
    for severity in ["high", "critical"] {
        let noise = play(&[&format!("alert a host=web-1 rule=r sev={severity}"), "repeat a 3000"]);
        assert_eq!(priority(&noise, 1).factors[7].points, 4);
        assert!(priority(&incident, 1).score > priority(&noise, 1).score, "{severity}");
    }
}

/// A thousand alerts of noise to one that matters: every rule has its machines, on which it fires and fires.
#[test]
fn incidents_stay_on_top_of_noise() {
    const INCIDENTS: u64 = 10;
    let mut lines = Vec::new();
    for number in 0..INCIDENTS {
        for (step, tactic) in ["TA0001", "TA0002", "TA0006"].into_iter().enumerate() {
            lines.push(format!("alert i{number}-{step} host=inc{number} sev=high tactic={tactic} crit=high"));
        }
    }
    for number in 0..30_000_u32 {
        let (host, severity) = (number % 300, ["low", "medium", "high", "critical"][(number % 4) as usize]);
        lines.push(format!("alert n{number} host=h{host} rule=noisy-{} sev={severity} dedup=d{number}", host % 30));
    }
    let mut world = World::new(Policy::default());
    lines.iter().for_each(|line| world.line(&format!("1s {line}")));
    let views = (1..=1_000).filter_map(|number| world.engine.view(&case(&format!("case-{number}"))));
    let mut ranked: Vec<_> = views.map(|view| (std::cmp::Reverse(view.priority.score), view.id.number)).collect();
    assert!(ranked.len() > 200, "{} cases", ranked.len());
    ranked.sort();
    let top = &ranked[..20];
    assert!((1..=INCIDENTS).all(|number| top.iter().any(|(_, of)| *of == number)), "{top:?}");
}

#[test]
fn everything_at_its_most_is_a_hundred() {
    let tactics = ["TA0001", "TA0002", "TA0003", "TA0004"];
    let alerts: Vec<String> = (0..20)
        .map(|rule| {
            let (tactic, product) = (tactics[rule % 4], rule % 4);
            format!(
                "alert a{rule} host=h sev=fatal risk=100 conf=100 tactic={tactic} product=p{product} dst=203.0.113.9"
            )
        })
        .collect();
    let lines = ["lists host:h=extreme ip:203.0.113.9=100"].into_iter().chain(alerts.iter().map(String::as_str));
    let priority = priority(&play(&lines.collect::<Vec<_>>()), 1);
    assert_eq!((priority.score, priority.band), (100, Band::P1));
}

/// A part of an earlier version has no risk; its rules speak for it, and its next alert fills in what is missing.
#[test]
fn a_part_of_an_earlier_version_is_weighed_by_its_rules() {
    let mut world = play(&["alert a host=web-1 user=u rule=r1 sev=high", "alert b host=web-1 user=u rule=r2 sev=low"]);
    let expected = priority(&world, 1);
    world.seal();
    for row in world.rows.values_mut() {
        if let StateRow::Part(part) = row {
            part.risk = casewright::engine::Risk::unknown();
            assert_eq!(priority_of(std::iter::once(&*part)).1, expected);
        }
    }
    world.reopen(3);
    world.line("9s alert c host=web-1 user=u rule=r3 sev=low");
    let priority = priority(&world, 1);
    assert!(priority.score >= expected.score);
    world.seal();
    let part = world.rows.values().find_map(|row| if let StateRow::Part(part) = row { Some(part) } else { None });
    assert_eq!(part.unwrap().risk.rules, [73, 21, 21]);
}

#[test]
fn an_asset_on_the_list_counts_as_the_list_says() {
    let asset = |lines: &[&str]| priority(&play(lines), 1).factors[4].points;
    assert_eq!(asset(&["alert a host=web-1 crit=extreme"]), 10);
    assert_eq!(asset(&["lists host:web-1=low", "alert a host=web-1 crit=extreme"]), 2);
    assert_eq!(asset(&["lists user:bob=high", "alert a host=web-1 user=bob crit=low"]), 7);
    assert_eq!(asset(&["lists host:10.0.0.1=medium", "alert a ip=10.0.0.1"]), 4);
    assert_eq!(asset(&["lists host:web-1=extreme", "alert a host=web-2 mention=web-1"]), 0);
    // Later lists leave it as it was, for the case that has it.
    let lines = ["lists host:web-1=high", "alert a host=web-1", "lists", "alert b host=web-1", "alert c host=web-2"];
    let world = play(&lines);
    assert_eq!((priority(&world, 1).factors[4].points, priority(&world, 2).factors[4].points), (7, 0));
}

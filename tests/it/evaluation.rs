//! What `make evaluate` measures with: the same alerts and figures from the same seed, a label for every alert, and the
//! whole of it on a small set of our own making. That recorded sets are not here keeps none of these from running.

#![allow(dead_code, reason = "the command uses all of it")]

use std::path::Path;
use std::sync::Arc;

use casewright::config;
use casewright::testing::score::score;
use casewright::testing::stress::{Group, Labelled, Stress};
use casewright::wire::{Profiles, alert_json, check_samples};

use run::{Evaluator, native_lines};

#[path = "../../benches/evaluate/run.rs"]
mod run;
#[path = "../../benches/evaluate/sets.rs"]
mod sets;
#[path = "../../benches/evaluate/stressed.rs"]
mod stressed;
#[path = "../../benches/evaluate/table.rs"]
mod table;
#[path = "../../benches/evaluate/target.rs"]
mod target;

fn evaluation() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evaluation")
}

fn evaluator() -> Evaluator {
    Evaluator::new(&evaluation().join("casewright.toml"))
}

#[test]
fn the_configuration_adds_a_profile_to_the_defaults_and_nothing_else() {
    let told = config::load(Some(&evaluation().join("casewright.toml")), std::iter::empty()).unwrap();
    let defaults = config::parse("").unwrap();
    let profiles = Arc::new(Profiles::load(told.profiles_dir.as_deref()).unwrap());
    assert_eq!(config::Config { profiles_dir: None, ..told }, defaults);
    assert!(profiles.contains("ait-ads"));
    assert_eq!(check_samples(&profiles, &defaults.limits).faults, []);
}

fn sample(evaluator: &Evaluator) -> Vec<Labelled> {
    let set = sets::stressed().into_iter().next().expect("a set");
    evaluator.decode(&set.load(&evaluation().join("sample")))
}

#[test]
fn a_recorded_set_gives_a_row_with_as_many_cells_as_the_table_has_columns() {
    let set = sets::all().into_iter().next().expect("a set");
    let row = set.row(&evaluator(), &evaluation().join("sample"), None);
    let mut table = sets::table();
    assert_eq!((row.cells[2].as_str(), row.aims), ("24", 2));
    table.add(row.cells);
    table.print();
}

#[test]
fn what_is_not_there_is_named() {
    let data = evaluation().join("sample");
    let missing: Vec<_> = sets::all().iter().flat_map(|set| set.missing(&data)).collect();
    assert!(missing.contains(&data.join("ait-ads/shaw.labels.csv")), "{missing:?}");
    assert!(missing.iter().all(|file| !file.starts_with(data.join("windows-sigma-concurrent"))), "{missing:?}");
}

#[test]
fn a_replay_through_native_alerts_decides_the_same() {
    let evaluator = evaluator();
    let set = sets::stressed().into_iter().next().expect("a set");
    let recorded = set.load(&evaluation().join("sample"));
    let native = native_lines(&evaluator.decode(&recorded));
    assert_eq!(evaluator.run(&recorded, 0).cases, evaluator.run(&native, 0).cases);
}

#[test]
fn checkpoints_change_nothing_and_the_last_is_the_end() {
    let evaluator = evaluator();
    let lines = native_lines(&sample(&evaluator));
    let ran = evaluator.run(&lines, 5);
    let again = evaluator.run(&lines, 0);
    let labels: Vec<&str> = lines.iter().map(|line| &*line.label).collect();
    assert_eq!((&ran.cases, score(&ran.cases, &labels)), (&again.cases, score(&again.cases, &labels)));
    let seen: Vec<usize> = ran.moments.iter().map(Vec::len).collect();
    assert_eq!(seen, [5, 10, 15, 20, 24]);
    assert_eq!(ran.moments.last(), Some(&ran.cases));
}

#[test]
fn a_seed_gives_the_same_stress_and_every_alert_its_label() {
    let alerts = sample(&evaluator());
    let text = |stressed: &[Labelled]| {
        let mut bytes = Vec::new();
        for labelled in stressed {
            alert_json::write(&labelled.alert, &mut bytes);
            bytes.extend_from_slice(labelled.label.as_bytes());
        }
        bytes
    };
    for stress in Stress::all() {
        let stressed = stress.apply(&alerts, 7);
        assert_eq!(text(&stressed), text(&stress.apply(&alerts, 7)), "{}", stress.name);
        if !stress.seeded {
            assert_eq!(text(&stressed), text(&stress.apply(&alerts, 8)), "{}", stress.name);
        }
        assert!(stressed.iter().all(|labelled| !labelled.label.is_empty()), "{}", stress.name);
        assert_eq!(native_lines(&stressed).len(), stressed.len(), "{}", stress.name);
        // Nothing that was recorded is lost, but where few incidents are picked.
        let kept = stressed.len() >= alerts.len() || stress.group == Group::FewShareOne;
        assert!(kept, "{}: {} of {} alerts", stress.name, stressed.len(), alerts.len());
        assert!(stressed.is_sorted_by_key(|labelled| labelled.alert.event_time.at), "{}", stress.name);
        for incident in stress.incidents {
            assert!(stressed.iter().any(|labelled| &*labelled.label == *incident), "{}: {incident}", stress.name);
        }
    }
}

#[test]
fn another_seed_gives_another_stress() {
    let alerts = sample(&evaluator());
    let stress = Stress::all().into_iter().find(|stress| stress.name == "dc logons, peer").expect("it is there");
    assert_ne!(stress.apply(&alerts, 1), stress.apply(&alerts, 2));
}

#[test]
fn every_stress_is_replayed_and_told() {
    let evaluator = evaluator();
    let alerts = sample(&evaluator);
    let mut report = stressed::Report::new("sample");
    for stress in Stress::all() {
        report.add(&stress, &[stressed::trial(&evaluator, &alerts, &stress, 1, None)]);
    }
    report.print();
}

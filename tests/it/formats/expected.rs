//! Samples of real formats, where a checkout has them beside it, against what a person read in them: `tests/data/formats`
//! holds a file for each, with the line, its time and what it is about. The samples are not part of the repository;
//! `tests/data/generic` holds records of ours, of products that no profile knows and in wrappings of all kinds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use casewright::model::{Alert, TimeFrom};
use casewright::wire::{Element, times};
use serde::Deserialize;

use super::decode;
use crate::data::real_data;

/// What a person read in one line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    line: usize,
    /// The record itself, where it is one of ours.
    record: Option<String>,
    /// In UTC, to the millisecond.
    time: Option<String>,
    /// Of a time without a year: `03-22T14:21:53`.
    time_md: Option<String>,
    /// `kind value`, in any role.
    #[serde(default)]
    has: Vec<String>,
    #[serde(default)]
    not: Vec<String>,
    rejected: Option<String>,
}

fn things(alert: &Alert) -> Vec<String> {
    let entities = alert.entities.iter().map(|e| format!("{} {}", e.kind.label(), e.id));
    let observables = alert.observables.iter().map(|o| format!("{} {}", o.kind.label(), o.value));
    entities.chain(observables).collect()
}

/// What of it did not come out.
fn wrong(expected: &Expected, elements: &[Element]) -> Vec<String> {
    let alerts: Vec<&Alert> = elements
        .iter()
        .filter_map(|element| match element {
            Element::Alert(alert) => Some(&**alert),
            Element::Rejected(_) => None,
        })
        .collect();
    if let Some(reason) = &expected.rejected {
        let told = elements.iter().any(|e| matches!(e, Element::Rejected(r) if r.reason.label() == reason));
        return if told { Vec::new() } else { vec![format!("not rejected as {reason}")] };
    }
    if alerts.is_empty() {
        return vec![format!("no alert: {elements:?}")];
    }
    let mut wrong = Vec::new();
    let found: Vec<String> = alerts.iter().flat_map(|alert| things(alert)).collect();
    wrong.extend(expected.has.iter().filter(|thing| !found.contains(thing)).map(|thing| format!("has no {thing}")));
    wrong.extend(expected.not.iter().filter(|thing| found.contains(thing)).map(|thing| format!("has {thing}")));
    let of_field =
        |alert: &&Alert| (alert.event_time.from == TimeFrom::Field).then(|| times::text(alert.event_time.at));
    let at: Vec<String> = alerts.iter().filter_map(of_field).collect();
    if let Some(time) = expected.time.as_ref().filter(|time| !at.contains(time)) {
        wrong.push(format!("is at {at:?}, not {time}"));
    }
    if let Some(time) = expected.time_md.as_ref().filter(|time| !at.iter().any(|at| at.contains(time.as_str()))) {
        wrong.push(format!("is at {at:?}, not {time}"));
    }
    wrong
}

#[test]
fn samples_come_out_as_a_person_reads_them() {
    let Some(samples) = real_data("formats") else {
        eprintln!("no samples here: formats is not beside this checkout, and was not tried");
        return;
    };
    let mut poor = BTreeMap::new();
    for (name, expectations) in expectations() {
        let text = fs::read(samples.join(&name)).expect("the sample file of an expectation");
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let (mut right, mut all) = (0_usize, 0_usize);
        for expected in expectations {
            let line = lines.get(expected.line.wrapping_sub(1)).copied().unwrap_or_default();
            let wrong = wrong(&expected, &decode("auto", line));
            all += 1;
            right += usize::from(wrong.is_empty());
            wrong.iter().for_each(|what| eprintln!("{name}:{}: {what}", expected.line));
        }
        eprintln!("{name}: {right} of {all} as a person reads them");
        if right * 100 < all * 98 {
            poor.insert(name, format!("{right} of {all}"));
        }
    }
    assert!(poor.is_empty(), "less than 98 %: {poor:#?}");
}

fn expectations() -> BTreeMap<String, Vec<Expected>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats");
    let files = fs::read_dir(dir).expect("the expectations").map(|entry| entry.expect("an entry").path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(".expect.jsonl")?.to_owned();
        let text = fs::read_to_string(&path).expect("an expectation");
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
        Some((name.clone(), lines.map(parse).collect()))
    };
    files.filter_map(read).collect()
}

#[test]
fn records_of_products_that_nobody_named_are_understood() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/generic");
    let (mut all, mut faults) = (0_usize, Vec::new());
    for entry in fs::read_dir(dir).expect("the records") {
        let path = entry.expect("an entry").path();
        for (number, line) in (1..).zip(fs::read_to_string(&path).expect("a file of records").lines()) {
            let expected: Expected =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{}:{number}: {error}", path.display()));
            let record = expected.record.as_ref().expect("a record");
            all += 1;
            let wrong = wrong(&expected, &decode("auto", record));
            faults.extend(wrong.into_iter().map(|what| format!("{}:{number}: {what}", path.display())));
        }
    }
    assert!(all > 0 && faults.is_empty(), "{all} records, {faults:#?}");
}

/// Every sample there is, expected or not, ends as an alert or as a dead letter with a reason.
#[test]
fn every_sample_ends_somewhere() {
    let Some(samples) = real_data("formats") else {
        eprintln!("no samples here: formats is not beside this checkout, and was not tried");
        return;
    };
    let (mut alerts, mut reasons) = (0_usize, BTreeMap::<&str, usize>::new());
    for entry in fs::read_dir(samples).expect("the samples") {
        let path = entry.expect("an entry").path();
        if !path.extension().is_some_and(|extension| extension == "jsonl" || extension == "log") {
            continue;
        }
        for line in fs::read(&path).expect("a sample file").split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
        {
            for element in decode("auto", line) {
                match element {
                    Element::Alert(_) => alerts += 1,
                    Element::Rejected(rejection) => {
                        eprintln!("{}: {} {}", path.display(), rejection.reason.label(), rejection.detail);
                        *reasons.entry(rejection.reason.label()).or_default() += 1;
                    }
                }
            }
        }
    }
    eprintln!("{alerts} alerts, rejected: {reasons:?}");
    assert!(alerts > 1_000, "{alerts} alerts, {reasons:?}");
}

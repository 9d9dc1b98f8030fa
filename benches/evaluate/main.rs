//! How well alerts become cases, measured on recorded alerts that are no part of the repository.
//!
//! `make evaluate` and `make evaluate-stress`; docs/evaluation.md says what the figures mean.

mod run;
mod sets;
mod stressed;
mod table;
mod target;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use casewright::testing::stress::{Labelled, Stress};

use run::Evaluator;
use sets::Set;
use stressed::{Report, Trial, trial};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const USAGE: &str = "\
--stress         the stressed sets in place of the recorded ones
--data DIR       where the sets lie; default ../shared/data
--config FILE    default tests/evaluation/casewright.toml: the defaults, and a profile for AIT's reduced alerts
--on SET         only sets whose name holds this
--only NAME      only stresses whose name holds this (`=NAME`: is this)
--seeds N        seeds 1 to N; default 3
--out DIR        each line with its case and label, as JSON lines
--jobs N         threads; default one per core";

struct Options {
    stress: bool,
    data: PathBuf,
    config: PathBuf,
    on: String,
    only: String,
    seeds: u64,
    out: Option<PathBuf>,
    jobs: usize,
}

fn main() {
    let options = options();
    let sets = if options.stress { sets::stressed() } else { sets::all() };
    let sets: Vec<Set> = sets.into_iter().filter(|set| set.title().contains(&options.on)).collect();
    if sets.is_empty() {
        usage(&format!("no set is named {}", options.on));
    }
    let missing: BTreeSet<PathBuf> = sets.iter().flat_map(|set| set.missing(&options.data)).collect();
    if !missing.is_empty() {
        for file in missing {
            eprintln!("evaluate: {} is not there, nor with .zst", file.display());
        }
        eprintln!(
            "evaluate: recorded alerts are no part of this repository. DATA=DIR names where they lie; docs/evaluation.md \
             says what has to be there."
        );
        std::process::exit(1);
    }
    let evaluator = Evaluator::new(&options.config);
    if options.stress { stress(&options, &evaluator, &sets) } else { recorded(&options, &evaluator, &sets) }
}

fn recorded(options: &Options, evaluator: &Evaluator, sets: &[Set]) {
    let began = Instant::now();
    let rows = each(options.jobs, sets, |set| set.row(evaluator, &options.data, options.out.as_deref()));
    let mut table = sets::table();
    let (met, of) = rows.iter().fold((0, 0), |sum, row| (sum.0 + row.met, sum.1 + row.aims));
    rows.into_iter().for_each(|row| table.add(row.cells));
    table.print();
    println!("targets met: {met} of {of}; {:.1} s", began.elapsed().as_secs_f64());
}

fn stress(options: &Options, evaluator: &Evaluator, sets: &[Set]) {
    let began = Instant::now();
    let sets: Vec<_> = sets.iter().map(|set| (set.name, evaluator.decode(&set.load(&options.data)))).collect();
    let wanted = |name: &str| match options.only.strip_prefix('=') {
        Some(exact) => name == exact,
        None => name.contains(&options.only),
    };
    let stresses: Vec<Stress> = Stress::all().into_iter().filter(|stress| wanted(stress.name)).collect();
    if stresses.is_empty() {
        usage(&format!("no stress is named {}", options.only));
    }
    let mut jobs: Vec<(usize, usize, u64)> = Vec::new();
    for set in 0..sets.len() {
        for (place, stress) in stresses.iter().enumerate() {
            let seeds = if stress.seeded { options.seeds } else { 1 };
            jobs.extend((1..=seeds).map(|seed| (set, place, seed)));
        }
    }
    let try_one = |&(set, place, seed): &(usize, usize, u64)| {
        let alerts: &[Labelled] = &sets[set].1;
        let out = options.out.as_deref().map(|folder| (folder, sets[set].0));
        trial(evaluator, alerts, &stresses[place], seed, out)
    };
    let mut trials = jobs.iter().zip(each(options.jobs, &jobs, try_one)).peekable();
    for (set, (name, _)) in sets.iter().enumerate() {
        let mut report = Report::new(name);
        for (place, stress) in stresses.iter().enumerate() {
            let mut of_stress: Vec<Trial> = Vec::new();
            while let Some((_, trial)) = trials.next_if(|((of, at, _), _)| (*of, *at) == (set, place)) {
                of_stress.push(trial);
            }
            report.add(stress, &of_stress);
        }
        report.print();
    }
    println!("\n{} trials in {:.1} s", jobs.len(), began.elapsed().as_secs_f64());
}

/// `work` on each item, on so many threads; the answers in the order of the items.
fn each<T: Sync, A: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> A + Sync) -> Vec<A> {
    let next = AtomicUsize::new(0);
    let answers: Mutex<Vec<Option<A>>> = Mutex::new(items.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((place, item)) = items.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
                    let answer = work(item);
                    answers.lock().expect("no thread has failed")[place] = Some(answer);
                }
            });
        }
    });
    let answers = answers.into_inner().expect("no thread has failed");
    answers.into_iter().map(|answer| answer.expect("every item is worked on")).collect()
}

fn options() -> Options {
    let mut options = Options {
        stress: false,
        data: "../shared/data".into(),
        config: "tests/evaluation/casewright.toml".into(),
        on: String::new(),
        only: String::new(),
        seeds: 3,
        out: None,
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| usage(&format!("{arg} takes a value")));
        match arg.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--stress" => options.stress = true,
            "--data" => options.data = value().into(),
            "--config" => options.config = value().into(),
            "--on" => options.on = value(),
            "--only" => options.only = value(),
            "--seeds" => options.seeds = number(&value()).max(1),
            "--out" => options.out = Some(value().into()),
            "--jobs" => options.jobs = usize::try_from(number(&value())).unwrap_or(1),
            _ => usage(&format!("{arg} is not known")),
        }
    }
    options
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| usage(&format!("{text} is not a number")))
}

fn usage(wrong: &str) -> ! {
    eprintln!("evaluate: {wrong}\n{USAGE}");
    std::process::exit(64);
}

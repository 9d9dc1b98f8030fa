//! The stressed sets: every stress with every seed, the final grouping and the running view, in one table per group.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use casewright::testing::score::{Score, Wide, fallen, pair_precision, score, wide};
use casewright::testing::stress::{Group, Labelled, Stress};

use super::run::{Evaluator, Ran, native_lines, write};
use super::table::{Table, fixed, joined};
use super::target::{Measure, Target, at_least};

/// Looks at the running view.
const CHECKPOINTS: usize = 40;
/// A case of fewer alerts is not missed where it falls apart.
const FALLEN_ALERTS_MIN: usize = 5;

/// One stress with one seed.
pub struct Trial {
    score: Score,
    incidents: Vec<Incident>,
    running: Vec<f64>,
    /// Cases that were ever large enough to be missed, and those of them that fell apart.
    known: usize,
    fell: usize,
    seconds: f64,
}

/// An incident that a stress looks at by itself.
struct Incident {
    wide: Wide,
    /// Recall where related cases count as one.
    related: f64,
    /// Share of it in the visible case that has most of it.
    visible: f64,
    band: String,
}

/// `out` gets the stressed alerts with their cases: a folder, and the set's name.
pub fn trial(
    evaluator: &Evaluator,
    alerts: &[Labelled],
    stress: &Stress,
    seed: u64,
    out: Option<(&Path, &str)>,
) -> Trial {
    let began = Instant::now();
    let stressed = stress.apply(alerts, seed);
    let labels: Vec<&str> = stressed.iter().map(|labelled| &*labelled.label).collect();
    let lines = native_lines(&stressed);
    let ran = evaluator.run(&lines, CHECKPOINTS);
    if let Some((folder, set)) = out {
        write(folder, &format!("{set} {} {seed}", stress.name), &lines, &ran);
    }
    assert_eq!(ran.rejected, 0, "{}: what is added can be read", stress.name);
    let (known, fell) = falls(&ran);
    Trial {
        score: score(&ran.cases, &labels),
        incidents: stress.incidents.iter().map(|incident| look_at(&ran, &labels, incident)).collect(),
        running: ran.moments.iter().map(|cases| pair_precision(cases, &labels[..cases.len()])).collect(),
        known,
        fell,
        seconds: began.elapsed().as_secs_f64(),
    }
}

/// Alerts that part do so between two checkpoints next to each other.
fn falls(ran: &Ran) -> (usize, usize) {
    let (mut known, mut fell) = (BTreeSet::new(), BTreeSet::new());
    for pair in ran.moments.windows(2) {
        let (large, apart) = fallen(&pair[0], &pair[1], FALLEN_ALERTS_MIN);
        known.extend(large);
        fell.extend(apart);
    }
    (known.len(), fell.len())
}

fn look_at(ran: &Ran, labels: &[&str], incident: &str) -> Incident {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    let mut total = 0_usize;
    for ((case, label), rolled_up) in ran.cases.iter().zip(labels).zip(&ran.rolled_up) {
        if *label == incident {
            total += 1;
            if let Some(case) = case.filter(|_| !rolled_up) {
                *counts.entry(case).or_default() += 1;
            }
        }
    }
    let visible = counts.into_iter().filter_map(|(case, count)| Some((count, ran.visible_band(case)?)));
    let (count, band) = visible.max().unwrap_or((0, "none"));
    Incident {
        wide: wide(&ran.cases, labels, incident),
        related: wide(&ran.with_related(), labels, incident).recall,
        visible: count as f64 / total.max(1) as f64,
        band: band.to_owned(),
    }
}

fn targets(group: Group) -> Vec<Target> {
    let running = at_least(Measure::RunningMedian, 0.95);
    match group {
        Group::Plain => vec![running],
        Group::SharedInfrastructure => vec![
            at_least(Measure::Precision, 0.95),
            at_least(Measure::WorstPrecision, 0.90),
            at_least(Measure::Recall, 0.95),
            running,
        ],
        Group::FewShareOne | Group::Renamed => {
            vec![at_least(Measure::Precision, 0.90), at_least(Measure::Recall, 0.93), running]
        }
        Group::Benign => vec![at_least(Measure::Precision, 0.90), running],
        Group::Wide => vec![at_least(Measure::Recall, 0.95), at_least(Measure::Related, 0.98), running],
        Group::BigDomain => vec![at_least(Measure::Precision, 0.99), at_least(Measure::Recall, 0.95), running],
        Group::Slow => vec![at_least(Measure::Visible, 0.95), running],
    }
}

/// The figures of one stress, over its seeds.
struct Figures<'t> {
    trials: &'t [Trial],
    /// The place of the incident that is looked at.
    incident: Option<usize>,
}

impl Figures<'_> {
    fn mean(&self, of: impl Fn(&Trial) -> f64) -> f64 {
        self.trials.iter().map(of).sum::<f64>() / self.trials.len() as f64
    }

    fn worst(&self, of: impl Fn(&Trial) -> f64) -> f64 {
        self.trials.iter().map(of).fold(f64::INFINITY, f64::min)
    }

    fn of_incident(&self, of: impl Fn(&Incident) -> f64) -> f64 {
        self.incident.map_or(f64::NAN, |place| self.mean(|trial| of(&trial.incidents[place])))
    }

    /// Over all checkpoints of all seeds: the lower middle, and the worst.
    fn running(&self) -> (f64, f64) {
        let mut all: Vec<f64> = self.trials.iter().flat_map(|trial| trial.running.iter().copied()).collect();
        all.sort_by(f64::total_cmp);
        let median = all.get(all.len().saturating_sub(1) / 2).copied().unwrap_or(1.0);
        (median, all.first().copied().unwrap_or(1.0))
    }

    fn falls(&self) -> (usize, usize) {
        self.trials.iter().fold((0, 0), |sum, trial| (sum.0 + trial.known, sum.1 + trial.fell))
    }

    fn measure(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Precision => self.mean(|trial| trial.score.pair.precision),
            Measure::WorstPrecision => self.worst(|trial| trial.score.pair.precision),
            Measure::Recall if self.incident.is_some() => self.of_incident(|incident| incident.wide.recall),
            Measure::Recall => self.mean(|trial| trial.score.pair.recall),
            Measure::F1 => self.mean(|trial| trial.score.b_cubed.f1()),
            Measure::Noise => self.mean(|trial| trial.score.noise_in_incidents.unwrap_or(0.0)),
            Measure::AlertsPerCase => self.mean(|trial| trial.score.alerts_per_case()),
            Measure::ChainCases => f64::NAN,
            Measure::Related => self.of_incident(|incident| incident.related),
            Measure::Visible => self.of_incident(|incident| incident.visible),
            Measure::RunningMedian => self.running().0,
        }
    }

    fn bands(&self) -> String {
        let place = self.incident.unwrap_or(0);
        let bands: BTreeSet<&str> = self.trials.iter().map(|trial| &*trial.incidents[place].band).collect();
        bands.into_iter().collect::<Vec<_>>().join(" ")
    }
}

/// The tables of one set.
pub struct Report {
    set: &'static str,
    tables: BTreeMap<Group, Table>,
    sums: BTreeMap<Group, Sum>,
}

/// What the rows of one group come to.
#[derive(Default)]
struct Sum {
    rows: usize,
    precision: f64,
    recall: f64,
    related: f64,
    noise: f64,
    /// The worst seed of all.
    worst: Option<f64>,
    /// The worst stress's median, and the worst moment of all.
    running: Option<(f64, f64)>,
    known: usize,
    fell: usize,
    met: usize,
    wanted: usize,
}

impl Sum {
    fn add(&mut self, figures: &Figures<'_>, met: usize, wanted: usize) {
        let (median, moment) = figures.running();
        let (known, fell) = figures.falls();
        let least = |known: Option<f64>, new: f64| Some(known.map_or(new, |known| known.min(new)));
        self.rows += 1;
        self.precision += figures.measure(Measure::Precision);
        self.recall += figures.measure(Measure::Recall);
        self.related += figures.measure(Measure::Related);
        self.noise += figures.measure(Measure::Noise);
        self.worst = least(self.worst, figures.measure(Measure::WorstPrecision));
        let (medians, moments) = self.running.unzip();
        self.running = least(medians, median).zip(least(moments, moment));
        (self.known, self.fell) = (self.known + known, self.fell + fell);
        (self.met, self.wanted) = (self.met + met, self.wanted + wanted);
    }

    fn row(&self, group: Group) -> Vec<String> {
        let mean = |sum: f64| if sum.is_nan() { String::new() } else { fixed(sum / self.rows.max(1) as f64) };
        let (median, moment) = self.running.unwrap_or((1.0, 1.0));
        vec![
            group.label().to_owned(),
            self.rows.to_string(),
            mean(self.precision),
            fixed(self.worst.unwrap_or(1.0)),
            mean(self.recall),
            mean(self.related),
            mean(self.noise),
            fixed(median),
            fixed(moment),
            format!("{}/{}", self.fell, self.known),
            format!("{} of {}", self.met, self.wanted),
        ]
    }
}

impl Report {
    pub fn new(set: &'static str) -> Self {
        Self { set, tables: BTreeMap::new(), sums: BTreeMap::new() }
    }

    pub fn add(&mut self, stress: &Stress, trials: &[Trial]) {
        let table = self.tables.entry(stress.group).or_insert_with(|| Table::new(&header(stress.group)));
        let sum = self.sums.entry(stress.group).or_default();
        let places: Vec<Option<usize>> =
            if stress.incidents.is_empty() { vec![None] } else { (0..stress.incidents.len()).map(Some).collect() };
        for incident in places {
            let name = match incident {
                Some(place) if stress.incidents.len() > 1 => format!("{}: {}", stress.name, stress.incidents[place]),
                Some(_) | None => stress.name.to_owned(),
            };
            let figures = Figures { trials, incident };
            let targets = targets(stress.group);
            let (met, verdicts) = joined(&targets, |measure| figures.measure(measure));
            sum.add(&figures, met, targets.len());
            let mut cells = vec![name];
            cells.extend(own_cells(stress.group, &figures));
            cells.extend(common_cells(&figures));
            cells.push(verdicts);
            table.add(cells);
        }
    }

    pub fn print(&self) {
        for (group, table) in &self.tables {
            println!("\n{}: {}", self.set, group.label());
            table.print();
        }
        println!(
            "\n{}: all groups; means over the rows above, the least of `worst P`, `run med` and `run min`",
            self.set
        );
        let mut table = Table::new(&SUMMARY);
        self.sums.iter().for_each(|(group, sum)| table.add(sum.row(*group)));
        table.print();
    }
}

const SUMMARY: [&str; 11] =
    ["group", "rows", "P", "worst P", "R", "related", "noise", "run med", "run min", "fell", "targets met"];

/// What every group shows behind its own columns.
const COMMON: [&str; 10] = ["P", "worst P", "R", "B3 F1", "noise", "run med", "run min", "fell", "s", "targets"];

fn header(group: Group) -> Vec<&'static str> {
    let own: &[&str] = match group {
        Group::Plain
        | Group::SharedInfrastructure
        | Group::FewShareOne
        | Group::Renamed
        | Group::Benign
        | Group::BigDomain => &[],
        Group::Wide => &["wide R", "related", "largest", "strangers", "noise in"],
        Group::Slow => &["visible", "band"],
    };
    [&["stress"], own, &COMMON].concat()
}

fn own_cells(group: Group, figures: &Figures<'_>) -> Vec<String> {
    match group {
        Group::Plain
        | Group::SharedInfrastructure
        | Group::FewShareOne
        | Group::Renamed
        | Group::Benign
        | Group::BigDomain => Vec::new(),
        Group::Wide => vec![
            fixed(figures.of_incident(|incident| incident.wide.recall)),
            fixed(figures.of_incident(|incident| incident.related)),
            fixed(figures.of_incident(|incident| incident.wide.largest)),
            fixed(figures.of_incident(|incident| incident.wide.strangers)),
            fixed(figures.of_incident(|incident| incident.wide.noise)),
        ],
        Group::Slow => vec![fixed(figures.of_incident(|incident| incident.visible)), figures.bands()],
    }
}

fn common_cells(figures: &Figures<'_>) -> Vec<String> {
    let (median, worst) = figures.running();
    let (known, fell) = figures.falls();
    vec![
        fixed(figures.measure(Measure::Precision)),
        fixed(figures.measure(Measure::WorstPrecision)),
        fixed(figures.mean(|trial| trial.score.pair.recall)),
        fixed(figures.measure(Measure::F1)),
        fixed(figures.measure(Measure::Noise)),
        fixed(median),
        fixed(worst),
        format!("{fell}/{known}"),
        format!("{:.1}", figures.trials.iter().map(|trial| trial.seconds).sum::<f64>()),
    ]
}

//! The recorded sets: where their alerts and labels lie, what is cut off, which truth they are held against, and what is
//! aimed at.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use casewright::testing::score::{NOISE, Score, score, spread};

use super::run::{Evaluator, Line, Ran, write};
use super::table::{Table, fixed, joined};
use super::target::{Measure, Target, at_least, at_most};

/// The labels that make up the attack on each AIT site: from the first scan to root on the machine. `dnsteal` is left out:
/// it steals data from another machine from long before the attack until after it, and shares nothing with it.
const CHAIN: [&str; 9] = [
    "dns_scan",
    "network_scan",
    "service_scan",
    "wpscan",
    "dirb",
    "webshell_cmd",
    "crack_passwords",
    "attacker_change_user",
    "escalated_sudo_command",
];
/// Of the chain's alerts, so many have to be in the cases that are counted.
const CHAIN_PERMILLE: usize = 950;

/// One line of the table.
#[derive(Clone)]
pub struct Set {
    pub name: &'static str,
    alerts: String,
    labels: String,
    column: &'static str,
    /// Hours of event time cut off at the beginning.
    cut_hours: f64,
    /// The column of the labels that tells the tenant.
    tenant: Option<&'static str>,
    chain: bool,
    targets: Vec<Target>,
}

pub fn all() -> Vec<Set> {
    let mut sets = vec![
        set("windows-sigma-concurrent", "scenario")
            .aims([at_least(Measure::F1, 0.985), at_least(Measure::Precision, 0.995)]),
        set("windows-sigma", "scenario").aims([at_least(Measure::Precision, 0.94), at_least(Measure::F1, 0.92)]),
    ];
    for cut_hours in [0.0, 1.0, 2.0, 3.0, 4.0, 4.5] {
        let noise = at_most(Measure::Noise, if cut_hours > 0.0 { 0.05 } else { 0.03 });
        let aims = [at_least(Measure::Precision, 0.99), at_least(Measure::Recall, 0.95), noise];
        sets.push(Set { cut_hours, ..set("mixed", "incident").aims(aims) });
    }
    let isolated = [at_least(Measure::Precision, 1.0), at_least(Measure::Recall, 0.90)];
    sets.push(Set { tenant: Some("team"), ..set("cptc-2017", "team").aims(isolated) });
    sets.push(set("cptc-2017", "team"));
    sets.extend(["shaw", "wardbeck", "wheeler"].map(site));
    sets.push(set("wazuh-ait", "phase"));
    sets.push(set("cloudtrail-attacks", "technique"));
    sets
}

/// The sets that stresses are laid on.
pub fn stressed() -> Vec<Set> {
    vec![set("windows-sigma-concurrent", "scenario"), set("mixed", "incident")]
}

fn set(name: &'static str, column: &'static str) -> Set {
    let (alerts, labels) = (format!("{name}/alerts.jsonl"), format!("{name}/labels.csv"));
    Set { name, alerts, labels, column, cut_hours: 0.0, tenant: None, chain: false, targets: Vec::new() }
}

fn site(name: &'static str) -> Set {
    let (alerts, labels) = (format!("ait-ads/{name}.jsonl"), format!("ait-ads/{name}.labels.csv"));
    let aims =
        [at_least(Measure::AlertsPerCase, 250.0), at_most(Measure::Noise, 0.01), at_most(Measure::ChainCases, 2.0)];
    Set { alerts, labels, chain: true, ..set(name, "event_label").aims(aims) }
}

impl Set {
    fn aims(self, targets: impl Into<Vec<Target>>) -> Self {
        Self { targets: targets.into(), ..self }
    }

    pub fn title(&self) -> String {
        match (self.cut_hours, self.tenant, self.name) {
            (0.0, Some(tenant), name) => format!("{name}, tenant = {tenant}"),
            (0.0, None, "cptc-2017") => "cptc-2017, one tenant".to_owned(),
            (0.0, None, name) => name.to_owned(),
            (hours, _, name) => format!("{name}, without {hours} h"),
        }
    }

    /// Those of its files that are not there.
    pub fn missing(&self, data: &Path) -> Vec<PathBuf> {
        let files = [&self.alerts, &self.labels].map(|file| data.join(file));
        files.into_iter().filter(|file| !file.exists() && !packed(file).exists()).collect()
    }

    /// # Panics
    /// If the files are not there, or labels and alerts do not agree in count.
    pub fn load(&self, data: &Path) -> Vec<Line> {
        let alerts = read(&data.join(&self.alerts));
        let labels = read(&data.join(&self.labels));
        let labels = Labels::parse(&labels);
        let (truth, tenants) = (labels.column(self.column), self.tenant.map(|name| labels.column(name)));
        let mut lines = Vec::with_capacity(truth.len());
        let texts = alerts.lines().map(str::trim).filter(|line| !line.is_empty());
        for (place, text) in texts.enumerate() {
            let label = truth.get(place).unwrap_or_else(|| panic!("{}: no label for line {}", self.name, place + 1));
            let tenant = tenants.as_ref().map(|tenants| format!("{}-{}", self.tenant.unwrap_or(""), tenants[place]));
            lines.push(Line { bytes: text.as_bytes().to_vec(), tenant, label: Arc::clone(label) });
        }
        assert_eq!(lines.len(), truth.len(), "{}: as many alerts as labels", self.name);
        lines
    }

    fn cut(&self, evaluator: &Evaluator, lines: Vec<Line>) -> Vec<Line> {
        if self.cut_hours == 0.0 {
            return lines;
        }
        let times = evaluator.times(&lines);
        let begin = times.iter().copied().min().unwrap_or(0) + (self.cut_hours * 3_600_000.0) as i64;
        lines.into_iter().zip(times).filter(|(_, at)| *at >= begin).map(|(line, _)| line).collect()
    }

    /// Runs the set and answers its row; `out` gets its lines with their cases.
    pub fn row(&self, evaluator: &Evaluator, data: &Path, out: Option<&Path>) -> Row {
        let lines = self.cut(evaluator, self.load(data));
        let ran = evaluator.run(&lines, 0);
        if let Some(folder) = out {
            write(folder, &self.title(), &lines, &ran);
        }
        let labels: Vec<&str> = lines.iter().map(|line| &*line.label).collect();
        self.told(&ran, &labels)
    }

    fn told(&self, ran: &Ran, labels: &[&str]) -> Row {
        let score = score(&ran.cases, labels);
        let chain = self.chain.then(|| spread(&ran.cases, labels, &CHAIN, CHAIN_PERMILLE));
        let steps = self.chain.then(|| main_cases(&ran.cases, labels));
        let (met, targets) = joined(&self.targets, |measure| figure(measure, &score, chain));
        let cells = vec![
            self.title(),
            self.column.to_owned(),
            score.alerts.to_string(),
            score.cases.to_string(),
            format!("{:.1}", score.alerts_per_case()),
            score.largest.to_string(),
            fixed(score.pair.precision),
            fixed(score.pair.recall),
            fixed(score.b_cubed.precision),
            fixed(score.b_cubed.recall),
            fixed(score.b_cubed.f1()),
            score.noise_in_incidents.map_or_else(String::new, fixed),
            chain.map_or_else(String::new, |cases| format!("{cases} ({})", steps.unwrap_or(0))),
            if ran.rejected > 0 { ran.rejected.to_string() } else { String::new() },
            format!("{:.1}", ran.seconds),
            targets,
        ];
        Row { cells, met, aims: self.targets.len() }
    }
}

pub struct Row {
    pub cells: Vec<String>,
    pub met: usize,
    pub aims: usize,
}

pub fn table() -> Table {
    Table::new(&[
        "set", "truth", "alerts", "cases", "a/case", "largest", "P", "R", "B3 P", "B3 R", "B3 F1", "noise", "chain",
        "rejected", "s", "targets",
    ])
}

fn figure(measure: Measure, score: &Score, chain: Option<usize>) -> f64 {
    match measure {
        Measure::Precision => score.pair.precision,
        Measure::Recall => score.pair.recall,
        Measure::F1 => score.b_cubed.f1(),
        Measure::Noise => score.noise_in_incidents.unwrap_or(0.0),
        Measure::AlertsPerCase => score.alerts_per_case(),
        Measure::ChainCases => chain.unwrap_or(0) as f64,
        Measure::WorstPrecision | Measure::Related | Measure::Visible | Measure::RunningMedian => f64::NAN,
    }
}

/// In how many different cases the steps of the chain have most of their alerts: two scans are 99 % of all its alerts, and
/// this is the same figure with every step counting alike.
fn main_cases(cases: &[Option<u32>], labels: &[&str]) -> usize {
    let mut mains: Vec<Option<u32>> = Vec::new();
    for step in CHAIN {
        let mut counts: std::collections::BTreeMap<Option<u32>, usize> = std::collections::BTreeMap::new();
        for (case, _) in cases.iter().zip(labels).filter(|(_, label)| **label == step) {
            *counts.entry(*case).or_default() += 1;
        }
        mains.extend(counts.into_iter().max_by_key(|(_, count)| *count).map(|(case, _)| case));
    }
    mains.sort_unstable();
    mains.dedup();
    mains.len()
}

/// A file as it is, or its `.zst`.
fn read(path: &Path) -> String {
    let packed = packed(path);
    let mut text = String::new();
    let done = if packed.exists() {
        File::open(&packed).and_then(zstd::Decoder::new).and_then(|mut file| file.read_to_string(&mut text))
    } else {
        File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    done.unwrap_or_else(|error| panic!("{}, or the same with .zst: {error}", path.display()));
    text
}

fn packed(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".zst");
    PathBuf::from(name)
}

/// A table of labels in the order of its lines. No value of it holds a comma.
struct Labels<'t> {
    header: Vec<&'t str>,
    rows: Vec<Vec<&'t str>>,
}

impl<'t> Labels<'t> {
    fn parse(text: &'t str) -> Self {
        let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = rows.next().unwrap_or_default();
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|row| row.first().and_then(|line| line.parse::<u64>().ok()));
        Self { header, rows }
    }

    fn column(&self, name: &str) -> Vec<Arc<str>> {
        let place = self.header.iter().position(|column| *column == name);
        let place = place.unwrap_or_else(|| panic!("labels have no column {name}"));
        let mut known: HashMap<&str, Arc<str>> = HashMap::new();
        let mut value = |row: &Vec<&'t str>| {
            let value = row.get(place).copied().unwrap_or(NOISE);
            Arc::clone(known.entry(value).or_insert_with(|| value.into()))
        };
        self.rows.iter().map(&mut value).collect()
    }
}

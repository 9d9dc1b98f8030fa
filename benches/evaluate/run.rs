//! One set of alerts through the code of `casewright replay`, and which case each of its alerts is in: at the end, and at
//! moments on the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use casewright::config::{self, Config, SourceConfig, TenantRule};
use casewright::model::{CaseId, Outcome, Tenant, TopicName};
use casewright::pipeline::{Lines, Replay, ReplayReport};
use casewright::testing::stress::Labelled;
use casewright::wire::{AUTO, Decoder, Element, Profiles, Record, alert_json};
use serde::Deserialize;

/// The engine as it comes, with one more profile if a configuration says so.
pub struct Evaluator {
    config: Config,
    decoder: Decoder,
    source: SourceConfig,
}

/// A line and whose it is, where a header has to tell.
pub struct Line {
    pub bytes: Vec<u8>,
    pub tenant: Option<String>,
    pub label: Arc<str>,
}

/// What became of a set.
#[derive(Default)]
pub struct Ran {
    /// The case of each alert at the end.
    pub cases: Vec<Option<u32>>,
    /// The cases of the alerts so far, at each checkpoint.
    pub moments: Vec<Vec<Option<u32>>>,
    pub rolled_up: Vec<bool>,
    pub rejected: u64,
    pub seconds: f64,
    views: BTreeMap<u32, View>,
    ids: BTreeMap<String, u32>,
}

/// What is read of a case's view.
#[derive(Deserialize)]
struct View {
    priority: Priority,
    related: Vec<Related>,
    merged_into: Option<String>,
}

#[derive(Deserialize)]
struct Priority {
    band: String,
}

#[derive(Deserialize)]
struct Related {
    case_id: String,
}

impl Evaluator {
    /// # Panics
    /// If the configuration or a profile of its directory is wrong.
    pub fn new(config: &Path) -> Self {
        let config = config::load(Some(config), std::iter::empty()).unwrap_or_else(|error| panic!("{error}"));
        let profiles = Profiles::load(config.profiles_dir.as_deref()).unwrap_or_else(|error| panic!("{error}"));
        let decoder = Decoder::new(Arc::new(profiles), config.limits.clone());
        let constant = TenantRule::Constant(Tenant::parse("default").expect("a good name"));
        let tenant = vec![TenantRule::Header("tenant".to_owned()), TenantRule::Field, constant];
        let source =
            SourceConfig { topic: String::new(), profile: AUTO.into(), tenant, timezone: None, start_at: None };
        Self { config, decoder, source }
    }

    /// Replays the lines; `checkpoints` moments on the way are kept, evenly over the lines.
    pub fn run(&self, lines: &[Line], checkpoints: usize) -> Ran {
        let began = Instant::now();
        let mut ran = Ran::default();
        let mut numbers = Numbers::default();
        let topic = TopicName::new("evaluation");
        let kcat = lines.iter().any(|line| line.tenant.is_some());
        let read_as = if kcat { Lines::Kcat } else { Lines::Plain };
        let mut ignored = |_: &[u8]| {};
        let mut replay = Replay::new(&self.decoder, &self.config, self.source.clone(), read_as, &mut ignored)
            .expect("a replay can begin");
        let mut next = 1;
        for (place, line) in lines.iter().enumerate() {
            let bytes = line.tenant.as_deref().map(|tenant| as_kcat(&line.bytes, tenant, place));
            let number = place as u64 + 1;
            replay.line(&topic, number, bytes.as_deref().unwrap_or(&line.bytes)).expect("a line is replayed");
            // The last moment is the end.
            if next < checkpoints && (place + 1) * checkpoints >= next * lines.len() {
                let report = replay.so_far().expect("a replay goes on");
                ran.moments.push(numbers.cases(report));
                next += 1;
            }
        }
        let report = replay.finish().expect("a replay ends");
        ran.cases = numbers.cases(&report);
        assert_eq!(ran.cases.len(), lines.len(), "every line is assigned");
        if checkpoints > 0 {
            ran.moments.push(ran.cases.clone());
        }
        ran.rejected = report.outcomes[Outcome::Rejected.index()];
        let first = report.assignments.iter().map(|assignment| assignment.alerts.first());
        ran.rolled_up = first.map(|placed| placed.is_some_and(|placed| placed.outcome == Outcome::RolledUp)).collect();
        ran.seconds = began.elapsed().as_secs_f64();
        if checkpoints > 0 {
            ran.views = report.cases.iter().map(|(id, json)| (numbers.of(id), view(json))).collect();
            ran.ids = numbers.0.iter().map(|(id, number)| (id.to_string(), *number)).collect();
        }
        ran
    }

    /// The lines as alerts that a stress can change, without what no case is made by. A line that is no alert is left out.
    pub fn decode(&self, lines: &[Line]) -> Vec<Labelled> {
        let topic = TopicName::new("evaluation");
        let mut labelled = Vec::with_capacity(lines.len());
        for (offset, line) in (1..).zip(lines) {
            let payload = Some(&*line.bytes);
            let record = Record { topic: &topic, partition: 0, offset, timestamp: None, payload, headers: &[] };
            if let Some(Element::Alert(mut alert)) = self.decoder.decode(&record, &self.source).into_iter().next() {
                let kept = Arc::make_mut(&mut alert);
                (kept.description, kept.unmapped) = (None, None);
                (kept.evidences, kept.links) = (Vec::new(), Vec::new());
                labelled.push(Labelled { alert, label: Arc::clone(&line.label) });
            }
        }
        labelled
    }

    /// The event time of each line, in milliseconds; of a line that is no alert, that of the one before.
    pub fn times(&self, lines: &[Line]) -> Vec<i64> {
        let topic = TopicName::new("evaluation");
        let mut last = 0;
        let mut time = |(offset, line): (i64, &Line)| {
            let payload = Some(&*line.bytes);
            let record = Record { topic: &topic, partition: 0, offset, timestamp: None, payload, headers: &[] };
            if let Some(Element::Alert(alert)) = self.decoder.decode(&record, &self.source).first() {
                last = alert.event_time.at.millis();
            }
            last
        };
        (1..).zip(lines).map(&mut time).collect()
    }
}

/// Alerts as lines of native alerts.
pub fn native_lines(alerts: &[Labelled]) -> Vec<Line> {
    let line = |labelled: &Labelled| {
        let mut bytes = Vec::new();
        alert_json::write(&labelled.alert, &mut bytes);
        Line { bytes, tenant: None, label: Arc::clone(&labelled.label) }
    };
    alerts.iter().map(line).collect()
}

/// Each line with its case and label, as JSON lines in `folder`: what one looks at to see why.
pub fn write(folder: &Path, name: &str, lines: &[Line], ran: &Ran) {
    let mut text = String::new();
    for ((number, line), case) in (1..).zip(lines).zip(&ran.cases) {
        let record = String::from_utf8_lossy(&line.bytes);
        let case = case.map_or_else(|| "null".to_owned(), |case| case.to_string());
        text += &format!("{{\"line\":{number},\"case\":{case},\"label\":\"{}\",\"record\":{record}}}\n", line.label);
    }
    let file = folder.join(format!("{}.jsonl", name.replace([' ', ',', '='], "-")));
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text)).expect("the folder can be written");
}

fn as_kcat(bytes: &[u8], tenant: &str, offset: usize) -> Vec<u8> {
    let payload = std::str::from_utf8(bytes).expect("alerts are UTF-8");
    let line = serde_json::json!({
        "topic": "evaluation", "partition": 0, "offset": offset, "headers": ["tenant", tenant], "payload": payload,
    });
    line.to_string().into_bytes()
}

impl Ran {
    /// The cases, those that are told to be related made one.
    pub fn with_related(&self) -> Vec<Option<u32>> {
        let mut parents: BTreeMap<u32, u32> = BTreeMap::new();
        for (case, view) in &self.views {
            let related = view.related.iter().map(|related| &related.case_id).chain(&view.merged_into);
            for other in related.filter_map(|id| self.ids.get(id)) {
                let (one, other) = (root(&parents, *case), root(&parents, *other));
                if one != other {
                    parents.insert(one.max(other), one.min(other));
                }
            }
        }
        self.cases.iter().map(|case| case.map(|case| root(&parents, case))).collect()
    }

    /// How an analyst's list shows the case; none where the list leaves it out, as it does what is no more than counted
    /// noise.
    pub fn visible_band(&self, case: u32) -> Option<&str> {
        let band = self.views.get(&case).map(|view| &*view.priority.band)?;
        (band != "informational").then_some(band)
    }
}

fn root(parents: &BTreeMap<u32, u32>, mut case: u32) -> u32 {
    while let Some(parent) = parents.get(&case) {
        case = *parent;
    }
    case
}

/// Cases by number, the same at each moment.
#[derive(Default)]
struct Numbers(BTreeMap<CaseId, u32>);

impl Numbers {
    fn of(&mut self, id: &CaseId) -> u32 {
        if let Some(number) = self.0.get(id) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).expect("not so many cases");
        self.0.insert(id.clone(), number);
        number
    }

    /// Of a line with many alerts, the first counts, as in `--assignments`.
    fn cases(&mut self, report: &ReplayReport) -> Vec<Option<u32>> {
        let first = report.assignments.iter().map(|assignment| assignment.alerts.first());
        first.map(|placed| placed.and_then(|placed| report.case_of(placed)).map(|id| self.of(id))).collect()
    }
}

fn view(json: &[u8]) -> View {
    serde_json::from_slice(json).expect("a view is what its schema says")
}

//! A set of alerts in the making: what was recorded, what is added, and the dice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Labelled;
use super::naming::{self, Named};
use crate::model::{
    Activity, Alert, AlertId, Correlation, EventTime, Marks, Origin, Role, Rule, Severity, Source, Tenant, TimeFrom,
    Timestamp, TopicName,
};
use crate::testing::rng::Rng;
use crate::testing::score::NOISE;

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

/// What a detector says of something that is added: its words and how bad it finds that.
pub type Says = (&'static str, Severity);

#[derive(Debug)]
pub struct Scene {
    pub rng: Rng,
    recorded: Vec<Labelled>,
    added: Vec<Labelled>,
    first_at: i64,
    last_at: i64,
    tenant: Tenant,
}

impl Scene {
    #[must_use]
    pub fn new(alerts: &[Labelled], seed: u64) -> Self {
        let times = alerts.iter().map(|labelled| labelled.alert.event_time.at.millis());
        let tenant = alerts.first().map(|labelled| labelled.alert.tenant.clone());
        let tenant = tenant.or_else(|| Tenant::parse("default").ok()).expect("a good name");
        Self {
            rng: Rng::new(seed),
            first_at: times.clone().min().unwrap_or(0),
            last_at: times.max().unwrap_or(0),
            recorded: alerts.to_vec(),
            added: Vec::new(),
            tenant,
        }
    }

    /// All alerts in the order of event time; of the same time, the recorded before the added.
    #[must_use]
    pub fn finish(self) -> Vec<Labelled> {
        let mut all = self.recorded;
        all.extend(self.added);
        all.sort_by_key(|labelled| labelled.alert.event_time.at);
        all
    }

    pub const fn first_at(&self) -> i64 {
        self.first_at
    }

    pub const fn last_at(&self) -> i64 {
        self.last_at
    }

    /// The moment at which `permille` of the recorded time is over.
    pub const fn moment(&self, permille: i64) -> i64 {
        self.first_at + (self.last_at - self.first_at) * permille / 1_000
    }

    /// A whole number below `bound`.
    pub fn draw(&mut self, bound: i64) -> i64 {
        self.rng.below(bound.unsigned_abs()).cast_signed()
    }

    /// A place in `weights`, drawn in their proportion.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut drawn = self.rng.below(weights.iter().sum());
        for (place, weight) in weights.iter().enumerate() {
            if drawn < *weight {
                return place;
            }
            drawn -= weight;
        }
        0
    }

    pub fn recorded(&self) -> &[Labelled] {
        &self.recorded
    }

    /// Changes the recorded alerts. Their order stays that of their times.
    pub fn change(&mut self, mut each: impl FnMut(&mut Rng, Labelled) -> Option<Labelled>) {
        let recorded = std::mem::take(&mut self.recorded);
        self.recorded = recorded.into_iter().filter_map(|labelled| each(&mut self.rng, labelled)).collect();
        let times = self.recorded.iter().map(|labelled| labelled.alert.event_time.at.millis());
        self.first_at = times.clone().min().unwrap_or(0);
        self.last_at = times.max().unwrap_or(0);
    }

    /// An alert that nobody recorded.
    pub fn add(&mut self, at: i64, says: Says, named: &[Named], label: &str) {
        self.add_said(at, says.0, says.1, named, label);
    }

    pub fn add_said(&mut self, at: i64, title: &str, severity: Severity, named: &[Named], label: &str) {
        let number = self.added.len();
        let title: Arc<str> = title.into();
        let mut alert = Alert {
            id: AlertId(0),
            tenant: self.tenant.clone(),
            origin: Origin { topic: TopicName::new("stress"), partition: 0, offset: 0, index: 0 },
            event_time: EventTime { at: Timestamp::from_millis(at), from: TimeFrom::Field },
            recorded_at: None,
            description: None,
            severity,
            confidence: None,
            risk_score: None,
            source: Source { product: "stress".into(), ..Source::default() },
            alert_uid: Some(format!("added-{number}").into()),
            source_ref: None,
            rule: Rule { uid: Arc::clone(&title), name: Arc::clone(&title), version: None },
            attacks: Vec::new(),
            activity: Activity::Create,
            revision: 0,
            observables: Vec::new(),
            entities: Vec::new(),
            dedup_key: None,
            labels: Vec::new(),
            tags: Vec::new(),
            tlp: None,
            pap: None,
            correlation: Correlation::default(),
            links: Vec::new(),
            evidences: Vec::new(),
            unmapped: None,
            marks: Marks::default(),
            profile: "native".into(),
            title,
        };
        named.iter().for_each(|named| naming::name(&mut alert, named));
        self.added.push(Labelled { alert: Arc::new(alert), label: label.into() });
    }

    /// Names these in `permille` of the recorded alerts from `start` on.
    pub fn mark(&mut self, permille: u16, start: i64, named: &[Named]) -> &mut Self {
        self.change(|rng, mut labelled| {
            if labelled.alert.event_time.at.millis() >= start && rng.chance(permille) {
                let alert = Arc::make_mut(&mut labelled.alert);
                named.iter().for_each(|named| naming::name(alert, named));
            }
            Some(labelled)
        });
        self
    }

    /// The machines that recorded alerts are about, in the order of their names.
    pub fn machines(&self) -> Vec<Arc<str>> {
        let machines = self.recorded.iter().filter_map(|labelled| naming::machine(&labelled.alert));
        machines.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// When recorded alerts were about each machine.
    pub fn times_of_machines(&self) -> BTreeMap<Arc<str>, Vec<i64>> {
        let mut times: BTreeMap<Arc<str>, Vec<i64>> = BTreeMap::new();
        for Labelled { alert, .. } in &self.recorded {
            if let Some(machine) = naming::machine(alert) {
                times.entry(Arc::clone(machine)).or_default().push(alert.event_time.at.millis());
            }
        }
        times
    }

    /// The account that each incident names most often; one made up where it names none.
    pub fn accounts(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        let mut counts: BTreeMap<Arc<str>, BTreeMap<Arc<str>, usize>> = BTreeMap::new();
        for Labelled { alert, label } in self.recorded.iter().filter(|labelled| &*labelled.label != NOISE) {
            let known = counts.entry(Arc::clone(label)).or_default();
            for user in naming::users(alert) {
                *known.entry(Arc::clone(&user.id)).or_default() += 1;
            }
        }
        let main = |label: &Arc<str>, counts: BTreeMap<Arc<str>, usize>| {
            let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
            most.map_or_else(|| Arc::from(format!("user-{label}")), |(user, _)| user)
        };
        counts.into_iter().map(|(label, counts)| (Arc::clone(&label), main(&label, counts))).collect()
    }
}

/// The machine that an added alert is about.
pub fn about(machine: &str) -> Named {
    naming::host(machine, Role::Asset)
}

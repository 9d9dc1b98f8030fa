//! The engine alone, without IO: 100,000 open cases; five keys an alert, Zipf-distributed; 60 % attach, 20 % repeat,
//! 20 % open; events with their reasons built, rows handed out every 5,000 alerts.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Arc;

use casewright::engine::{Effects, Engine, Input, Policy, subject_of};
use casewright::model::{
    Activity, Alert, AlertId, Attack, Correlation, Entity, EntityKind, EventTime, Marks, Observable, ObservableKind,
    Origin, Outcome, Role, Rule, Severity, Source, Tenant, TimeFrom, Timestamp, TopicName,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const OPEN_CASES: u64 = 100_000;
const BATCH: usize = 5_000;
/// Event time between alerts: the whole bench plays within the windows.
const STEP_MILLIS: i64 = 1;

/// Draws alerts of incidents whose names nobody else has, so that each ends as it was meant to.
struct Load {
    state: u64,
    sent: u64,
    incidents: u64,
    tenant: Tenant,
    topic: TopicName,
    product: Arc<str>,
    title: Arc<str>,
    rules: Vec<Arc<str>>,
}

impl Load {
    fn new() -> Self {
        Self {
            state: 42,
            sent: 0,
            incidents: 0,
            tenant: Tenant::parse("acme").unwrap(),
            topic: TopicName::new("alerts"),
            product: "edr".into(),
            title: "Suspicious process started".into(),
            rules: (0..1_000).map(|number| format!("rule-{number}").into()).collect(),
        }
    }

    /// SplitMix64.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A known incident, the lower numbers far more often: each halving of the range is as likely as the next.
    fn zipf(&mut self) -> u64 {
        let range = self.incidents.max(1);
        let bits = u64::from(64 - range.leading_zeros());
        let below = 1_u64 << (self.draw() % bits + 1);
        self.draw() % below.min(range)
    }

    fn next(&mut self) -> Input {
        match self.draw() % 10 {
            0..2 => self.open(),
            2..4 => {
                let incident = self.zipf();
                self.alert(incident, 0)
            }
            _ => {
                let (incident, rule) = (self.zipf(), 1 + self.draw() % 999);
                self.alert(incident, rule)
            }
        }
    }

    fn open(&mut self) -> Input {
        self.incidents += 1;
        self.alert(self.incidents - 1, 0)
    }

    fn alert(&mut self, incident: u64, rule: u64) -> Input {
        self.sent += 1;
        let at = Timestamp::from_millis(1_767_225_600_000 + i64::try_from(self.sent).unwrap() * STEP_MILLIS);
        // Rules other than the first are told apart by what they saw, or a few thousand would be all there are.
        let dedup = (rule > 0).then(|| format!("{}", self.sent).into());
        let rule = self.rules[usize::try_from(rule).unwrap()].clone();
        let alert = Alert {
            id: AlertId(u128::from(self.draw()) << 64 | u128::from(self.sent)),
            tenant: self.tenant.clone(),
            origin: Origin {
                topic: self.topic.clone(),
                partition: i32::try_from(self.sent % 4).unwrap(),
                offset: i64::try_from(self.sent).unwrap(),
                index: 0,
            },
            event_time: EventTime { at, from: TimeFrom::Field },
            recorded_at: Some(at),
            title: self.title.clone(),
            description: None,
            severity: Severity::Medium,
            confidence: None,
            risk_score: None,
            source: Source { product: self.product.clone(), ..Source::default() },
            alert_uid: None,
            source_ref: None,
            rule: Rule { uid: rule.clone(), name: rule, version: None },
            attacks: vec![Attack { tactic: Some("TA0002".into()), technique: None }],
            activity: Activity::Create,
            revision: 0,
            observables: observables(incident),
            entities: entities(incident),
            dedup_key: dedup,
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
        };
        let subject = subject_of(&alert);
        Input::Alert { alert: Arc::new(alert), subject }
    }
}

fn entities(incident: u64) -> Vec<Entity> {
    let names = [("host", EntityKind::Host, Role::Asset), ("user", EntityKind::User, Role::Actor)];
    let entity = |(name, kind, role): (&str, EntityKind, Role)| {
        let id = format!("{name}-{incident}").into();
        Entity { kind, id, name: None, domain: None, site: None, role, criticality: 0 }
    };
    names.into_iter().map(entity).collect()
}

fn observables(incident: u64) -> Vec<Observable> {
    let [_, _, _, _, _, a, b, c] = incident.to_be_bytes();
    let values = [
        (ObservableKind::Ip, format!("10.{a}.{b}.{c}"), Role::Asset),
        (ObservableKind::Hash, format!("{:064x}", incident % 50_000), Role::Target),
        (ObservableKind::Domain, format!("d{}.example", incident % 70_000), Role::Peer),
    ];
    let observable = |(kind, value, role): (ObservableKind, String, Role)| {
        let value = value.into();
        Observable { kind, value, role, ioc: false, ignore_correlation: false, tags: Vec::new() }
    };
    values.into_iter().map(observable).collect()
}

struct Bench {
    engine: Engine,
    effects: Effects,
    batch: u64,
    counts: [usize; Outcome::ALL.len()],
}

impl Bench {
    /// Leaves the effects where they are: whoever sends them on drops them.
    fn run(&mut self, inputs: Vec<Input>) {
        for input in inputs {
            self.engine.apply(input, &mut self.effects);
        }
        self.batch += 1;
        self.engine.seal(self.batch, &mut |change| drop(black_box(change)));
        black_box(self.engine.touched());
        self.effects.settled.iter().for_each(|settled| self.counts[settled.outcome.index()] += 1);
    }

    /// The memory stays, as it does in the pipeline.
    fn forget_effects(&mut self) {
        self.effects.clear();
    }
}

fn engine(criterion: &mut Criterion) {
    let mut load = Load::new();
    let engine = Engine::new(7, Policy::default(), "".into());
    let mut bench = Bench { engine, effects: Effects::default(), batch: 0, counts: Default::default() };
    for _ in 0..OPEN_CASES / BATCH as u64 {
        bench.run((0..BATCH).map(|_| load.open()).collect());
        bench.forget_effects();
    }
    bench.counts = Default::default();
    let (load, bench) = (RefCell::new(load), RefCell::new(bench));
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    group.bench_function("60 % attach, 20 % repeat, 20 % open", |bencher| {
        let inputs = || {
            bench.borrow_mut().forget_effects();
            (0..BATCH).map(|_| load.borrow_mut().next()).collect::<Vec<Input>>()
        };
        bencher.iter_batched(inputs, |inputs| bench.borrow_mut().run(inputs), BatchSize::PerIteration);
    });
    group.finish();
    let bench = bench.borrow();
    let total: usize = bench.counts.iter().sum();
    for outcome in Outcome::ALL {
        let count = bench.counts[outcome.index()];
        if count > 0 {
            println!("{}: {:.1} %", outcome.label(), count as f64 * 100.0 / total as f64);
        }
    }
    println!("{:?}", bench.engine.stats());
}

criterion_group!(benches, engine);
criterion_main!(benches);

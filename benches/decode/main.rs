//! What decoding costs, against the least that anyone could do: serde_json into a hand-written struct that borrows. That
//! yardstick checks nothing, makes nothing canonical and keeps nothing; the ratio is the price of what decoding does.
//!
//! The subjects of a sample take turns in short slices, and a ratio is the median over the rounds of what two slices of
//! one round say: on a machine that others use too, what lies next to each other in time is all that compares.

mod bare;
mod samples;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bare::{BareHayabusa, BareNative, BareSuricata, BareUnknown, BareWindows, BareWindowsFlat};
use casewright::config::{Limits, SourceConfig, TenantRule};
use casewright::engine::{dedup_hash, keys_of};
use casewright::model::{Alert, Tenant, TopicName};
use casewright::wire::scan::scan;
use casewright::wire::{Decoder, Element, Profiles, Record};
use serde::Deserialize;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Slices are shorter than those of the scheduler, so that most of them are not interrupted and the median is none that
/// was.
const ROUNDS: usize = 1_001;
const SLICE: Duration = Duration::from_micros(200);

/// One thing to be timed.
struct Subject<'a> {
    name: String,
    run: Box<dyn Fn() + 'a>,
    /// Nanoseconds per run, one for each round.
    times: Vec<f64>,
}

impl<'a> Subject<'a> {
    fn new(name: impl Into<String>, run: impl Fn() + 'a) -> Self {
        Self { name: name.into(), run: Box::new(run), times: Vec::with_capacity(ROUNDS) }
    }

    fn slice(&mut self, runs: u32) {
        let began = Instant::now();
        for _ in 0..runs {
            (self.run)();
        }
        self.times.push(began.elapsed().as_nanos() as f64 / f64::from(runs));
    }

    /// How often it runs in a slice.
    fn runs(&self) -> u32 {
        let began = Instant::now();
        let mut runs = 0;
        while began.elapsed() < SLICE {
            (self.run)();
            runs += 1;
        }
        runs
    }

    fn over(&self, other: &Self) -> f64 {
        median(self.times.iter().zip(&other.times).map(|(mine, theirs)| mine / theirs).collect())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Bench {
    decoder: Decoder,
    limits: Limits,
    topic: TopicName,
}

/// What one sample's subjects came to.
struct Ratios {
    over_bare: Option<f64>,
    auto_over_named: f64,
    /// Microseconds of the named profile.
    named_us: f64,
}

impl Bench {
    fn new() -> Self {
        let limits = Limits {
            record_bytes_max: 256 * 1024,
            depth_max: 32,
            observables_max: 64,
            entities_max: 32,
            string_bytes_max: 8 * 1024,
            elements_max: 1_000,
        };
        let decoder = Decoder::new(Arc::new(Profiles::embedded()), limits.clone());
        Self { decoder, limits, topic: TopicName::new("alerts") }
    }

    fn record<'a>(&'a self, raw: &'a str) -> Record<'a> {
        let payload = Some(raw.as_bytes());
        Record { topic: &self.topic, partition: 0, offset: 0, timestamp: None, payload, headers: &[] }
    }

    fn decodes<'a>(&'a self, raw: &'a str, profile: &str) -> Subject<'a> {
        let (record, source) = (self.record(raw), source(profile));
        assert!(matches!(self.decoder.decode(&record, &source)[0], Element::Alert(_)), "{profile}");
        let run = move || drop(black_box(self.decoder.decode(black_box(&record), &source)));
        Subject::new(format!("decode as {profile}"), run)
    }

    fn alert(&self, raw: &str, profile: &str) -> Arc<Alert> {
        match &self.decoder.decode(&self.record(raw), &source(profile))[0] {
            Element::Alert(alert) => Arc::clone(alert),
            Element::Rejected(rejection) => panic!("{profile}: {}", rejection.detail),
        }
    }

    fn json<'a, B: Deserialize<'a>>(&'a self, raw: &'a str, profile: &str) -> Ratios {
        let bare = Subject::new("bare struct", || {
            black_box(serde_json::from_str::<B>(black_box(raw)).expect("sound"));
        });
        let limits = &self.limits;
        let scan = Subject::new("scan alone", move || {
            black_box(scan(black_box(raw.as_bytes()), limits).is_ok());
        });
        self.compare(raw, profile, vec![bare, scan])
    }

    fn text(&self, raw: &str, profile: &str) -> Ratios {
        self.compare(raw, profile, vec![self.decodes(raw, "generic")])
    }

    fn compare<'a>(&'a self, raw: &'a str, profile: &str, others: Vec<Subject<'a>>) -> Ratios {
        let alert = self.alert(raw, profile);
        let keys = Subject::new("keys and dedup hash", move || {
            let keys = keys_of(black_box(&alert));
            black_box(dedup_hash(&alert, &keys));
        });
        let mut subjects = vec![self.decodes(raw, profile), self.decodes(raw, "auto"), keys];
        subjects.extend(others);
        let runs: Vec<u32> = subjects.iter().map(Subject::runs).collect();
        for _ in 0..ROUNDS {
            for (subject, runs) in subjects.iter_mut().zip(&runs) {
                subject.slice(*runs);
            }
        }
        report(raw, profile, &subjects)
    }
}

fn report(raw: &str, profile: &str, subjects: &[Subject<'_>]) -> Ratios {
    let bare = subjects.iter().find(|subject| subject.name == "bare struct");
    println!("{profile}, {} bytes", raw.len());
    for subject in subjects {
        let us = median(subject.times.clone()) / 1_000.0;
        let ratio = bare.map(|bare| format!("{:8.2} x bare", subject.over(bare))).unwrap_or_default();
        println!("  {:32}{us:8.2} us{ratio}", subject.name);
    }
    Ratios {
        over_bare: bare.map(|bare| subjects[0].over(bare)),
        auto_over_named: subjects[1].over(&subjects[0]),
        named_us: median(subjects[0].times.clone()) / 1_000.0,
    }
}

fn source(profile: &str) -> SourceConfig {
    let tenant = vec![TenantRule::Constant(Tenant::parse("acme").expect("a sound name"))];
    SourceConfig { topic: "alerts".to_owned(), profile: profile.into(), tenant, timezone: None, start_at: None }
}

fn main() {
    let bench = Bench::new();
    let all = [
        ("native", bench.json::<BareNative<'_>>(samples::NATIVE, "native")),
        ("hayabusa", bench.json::<BareHayabusa<'_>>(samples::HAYABUSA, "hayabusa")),
        ("suricata", bench.json::<BareSuricata<'_>>(samples::SURICATA, "suricata")),
        ("windows_event", bench.json::<BareWindows<'_>>(samples::WINDOWS_EVENT, "windows-event")),
        ("windows_flat", bench.json::<BareWindowsFlat<'_>>(samples::WINDOWS_FLAT, "windows-event-flat")),
        ("generic", bench.json::<BareUnknown<'_>>(samples::UNKNOWN, "generic")),
    ];
    let cef = bench.text(samples::CEF, "palo-alto-cef");
    print!("decode_ratios");
    for (name, ratios) in &all {
        print!(" {name}={:.2}", ratios.over_bare.unwrap_or_default());
    }
    let worst = all.iter().map(|(_, ratios)| ratios.auto_over_named).fold(0.0, f64::max);
    println!(" auto_over_named={worst:.2} cef_us={:.1}", cef.named_us);
}

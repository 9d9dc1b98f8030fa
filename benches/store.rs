//! What leaves the engine, without Kafka: an event encoded and hashed, and batches of 5,000 alerts as one segment and a
//! header row for every tenth alert, encoded and applied to either store.

#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/it/outputs/samples.rs"]
mod samples;

use std::hint::black_box;
use std::sync::Arc;

use casewright::engine::{CaseState, Settled, StateRef};
use casewright::model::{
    Alert, Band, CaseStatus, EventKind, Observable, ObservableKind, Outcome, PartId, Priority, Role, Severity,
};
use casewright::store::{ChangelogId, Codec, MemoryStore, Position, Row, SegmentWriter, SledStore, Store};
use casewright::wire::{event, view};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const CHANGELOG: ChangelogId = ChangelogId([7; 16]);
const ALERTS: usize = 5_000;
const ALERTS_PER_HEADER: usize = 10;

/// As varied as real alerts, so that they compress like those.
fn alert(number: u64) -> Alert {
    let mut alert = samples::alert(number.cast_signed());
    let address = format!("10.{}.{}.{}", number % 7, number * 31 % 250, number * 17 % 250);
    alert.observables.push(Observable {
        kind: ObservableKind::Ip,
        value: address.into(),
        role: Role::Source,
        ioc: false,
        ignore_correlation: false,
        tags: Vec::new(),
    });
    alert.observables[0].value = blake3::hash(&number.to_be_bytes()).to_hex().as_str().into();
    alert.title = format!("Suspicious process {} on web-{}", number * 7_919 % 5_000, number % 300).into();
    alert
}

fn batch() -> Vec<Settled> {
    let link = Arc::new(samples::link());
    let settled = |number: usize| {
        let alert = Arc::new(alert(number as u64));
        Settled {
            origin: alert.origin.clone(),
            // The default load: 68 % attach, 30 % duplicate, 2 % open.
            outcome: match number % 100 {
                0..68 => Outcome::Attached,
                68..98 => Outcome::Duplicate,
                _ => Outcome::Opened,
            },
            late: false,
            case: Some(samples::case(number as u64 / 10 + 1)),
            part: Some(PartId(number as u64)),
            link: Some(Arc::clone(&link)),
            suppressed_by: None,
            alert: Some(alert),
        }
    };
    (0..ALERTS).map(settled).collect()
}

fn headers() -> Vec<CaseState> {
    (1..=(ALERTS / ALERTS_PER_HEADER) as u64).map(header).collect()
}

fn header(number: u64) -> CaseState {
    CaseState {
        id: samples::case(number),
        seq: number,
        audit_head: [3; 32],
        view_seq: 0,
        status: CaseStatus::New,
        status_before_merge: None,
        verdict: None,
        owner: None,
        team: None,
        severity: Severity::High,
        priority: Priority { score: 40, band: Band::P3, factors: samples::priority().factors },
        opened_at: samples::T0,
        acknowledged_at: None,
        contained_at: None,
        resolved_at: None,
        closed_at: None,
        closed_watermark: None,
        follows: None,
        merged_into: None,
        merged_from: Vec::new(),
        kept_apart: Vec::new(),
        related: Vec::new(),
        overflowed: false,
        parts: vec![PartId(number)],
    }
}

fn rows(codec: &Codec, number: u64, settled: &[Settled], headers: &[CaseState]) -> Vec<Row> {
    let mut segment = SegmentWriter::new(number);
    settled.iter().for_each(|settled| segment.settled(settled));
    let mut rows = segment.finish(codec);
    rows.extend(headers.iter().map(|header| codec.state(StateRef::Case(header))));
    rows
}

fn outputs(c: &mut Criterion) {
    let mut group = c.benchmark_group("wire");
    let (alert, link) = (Arc::new(alert(1)), Arc::new(samples::link()));
    let kind = EventKind::AlertAttached {
        part: PartId(1),
        begins: Vec::new(),
        edge: None,
        edges: Vec::new(),
        alert,
        late: false,
        link,
    };
    let event = samples::event(7, kind);
    let mut out = Vec::new();
    event::encode(&event, event::NO_HASH, "default", &mut out);
    group.throughput(Throughput::Bytes(out.len() as u64));
    group.bench_function("event", |b| {
        b.iter(|| {
            out.clear();
            event::encode(black_box(&event), event::NO_HASH, "default", &mut out)
        });
    });
    let case = samples::view();
    group.bench_function("view", |b| {
        b.iter(|| {
            out.clear();
            view::encode(black_box(&case), &mut out);
        });
    });
    group.finish();
}

fn stores(c: &mut Criterion) {
    let (codec, settled, headers) = (Codec::new(CHANGELOG), batch(), headers());
    let mut group = c.benchmark_group("store");
    group.sample_size(20).throughput(Throughput::Elements(ALERTS as u64));
    group.bench_function("encode", |b| b.iter(|| rows(&codec, 1, &settled, &headers)));
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sled = SledStore::open(dir.path(), 64 * 1024 * 1024).expect("a new store opens");
    for (name, store) in [("sled", &sled as &dyn Store), ("memory", &MemoryStore::new())] {
        store.set_changelog(CHANGELOG).expect("a new store takes a changelog");
        let mut number = 0;
        let mut next = || {
            number += 1;
            (number, rows(&codec, number, &settled, &headers))
        };
        group.bench_function(name, |b| {
            b.iter_batched(
                &mut next,
                |(number, rows)| store.apply(&rows.iter().collect::<Vec<_>>(), Position(number.cast_signed())),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, outputs, stores);
criterion_main!(benches);

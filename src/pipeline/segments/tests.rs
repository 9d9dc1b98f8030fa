//! Segment rows through the composer: they come and go with the cases that need them, within bounds, and the same with a
//! restart as without one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::super::DeadLetter;
use super::super::compose::{Composer, Decided, Unwatched};
use super::super::pending::Pending;
use super::super::recover::read_rows;
use super::super::schedule::ViewSchedule;
use super::*;
use crate::engine::{Engine, Input, Policy, subject_of};
use crate::model::{
    Activity, Actor, Alert, AlertId, CaseId, Command, CommandKind, Correlation, Entity, EntityKind, EventTime, Marks,
    Origin, Outcome, Role, Rule, Severity, Source, TimeFrom, TopicName,
};
use crate::store::{ChangelogId, Manifest, MemoryStore, Position, Step, Store, verify};
use crate::testing::rng::Rng;

const CHANGELOG: ChangelogId = ChangelogId([5; 16]);
const HOUR: i64 = 3_600_000;

/// The live pipeline without Kafka: a batch is committed by being applied.
struct World {
    composer: Composer,
    store: Arc<MemoryStore>,
    rows: RowReader,
    offset: i64,
    outcomes: Vec<Outcome>,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        store.set_changelog(CHANGELOG).unwrap();
        let engine = Engine::new(1, Policy::default(), "".into());
        let composer = composer(engine, super::super::ledger::Ledger::default(), Manifest::first(CHANGELOG));
        let rows = RowReader::new(Arc::clone(&store) as Arc<dyn Store>, Pending::default());
        let composer = composer.with_segments(Segments::default());
        Self { composer, store, rows, offset: 0, outcomes: Vec::new() }
    }

    fn restart(&mut self, seed: u64) {
        let loaded = read_rows(self.store.as_ref(), &Codec::new(CHANGELOG)).unwrap();
        assert_eq!(loaded.unfit, None);
        let engine = loaded.restore.finish(seed, Policy::default(), "".into()).unwrap();
        let manifest = loaded.manifest.unwrap();
        assert_eq!(loaded.ledger.sum(), manifest.checksum);
        self.composer = composer(engine, loaded.ledger, manifest).with_segments(loaded.segments);
    }

    /// One batch: elements and then inputs.
    fn batch(&mut self, elements: Vec<Decided>, inputs: Vec<Input>) {
        let mut draft = self.composer.begin();
        let mut watcher = Outcomes(&mut self.outcomes);
        for element in elements {
            self.composer.element(&mut draft, element, &self.rows, &mut watcher).unwrap();
        }
        for input in inputs {
            self.composer.input(&mut draft, input, &self.rows, &mut Unwatched).unwrap();
        }
        let batch = self.composer.finish(draft, &self.rows, false, Timestamp::from_millis(7)).unwrap();
        let keys: Vec<_> = batch.rows[..batch.rows.len() - 1].iter().map(|row| &row.key).collect();
        assert!(keys.is_sorted() && keys.windows(2).all(|two| two[0] != two[1]), "each row once, in order");
        self.store.apply(&batch.rows.iter().collect::<Vec<_>>(), Position(1)).unwrap();
        if batch.manifest.batch.is_multiple_of(10) {
            assert_eq!(batch.manifest.checksum, summed(self.store.as_ref()), "batch {}", batch.manifest.batch);
        }
    }

    fn known(&self) -> &Segments {
        self.composer.segments.as_ref().unwrap()
    }

    fn origin(&mut self) -> Origin {
        self.offset += 1;
        Origin { topic: TopicName::new("alerts"), partition: 0, offset: self.offset, index: 0 }
    }

    fn alert(&mut self, host: &str, hours: i64, severity: Severity) -> Decided {
        let alert = alert(self.origin(), host, hours * HOUR + self.offset, severity);
        let subject = subject_of(&alert);
        Decided::Alert { alert: Arc::new(alert), subject }
    }

    /// An alert that alone makes its batch's row no small one.
    fn large(&mut self, host: &str, hours: i64, severity: Severity) -> Decided {
        let Decided::Alert { mut alert, subject } = self.alert(host, hours, severity) else { unreachable!() };
        let mut dice = Rng::new(self.offset as u64);
        let text: String = (0..600).map(|_| format!("{:016x}", dice.next_u64())).collect();
        Arc::make_mut(&mut alert).unmapped = Some(text.into());
        Decided::Alert { alert, subject }
    }

    fn command(&mut self, case: u64, kind: CommandKind) -> Decided {
        let case = CaseId { tenant: Tenant::parse("t").unwrap(), number: case };
        Decided::Command(Box::new(Command {
            origin: self.origin(),
            recorded_at: None,
            actor: Actor::Person { name: "ann".into(), verified: false },
            case,
            expected_seq: None,
            idempotency: None,
            kind,
        }))
    }

    fn poison(&mut self) -> Decided {
        let letter = DeadLetter {
            key: "k".to_owned(),
            headers: Vec::new(),
            kept: Vec::new(),
            value: vec![0],
            source: 0,
            reason: "not_json",
        };
        Decided::Dead { letter, origin: self.origin() }
    }

    /// The offsets of all records in the rows, in the rows' order.
    fn offsets(&self) -> Vec<i64> {
        let batches: Vec<u64> = self.known().batches.keys().copied().collect();
        let steps = batches.into_iter().flat_map(|batch| self.steps(batch));
        steps.filter_map(|step| step.origin().map(|origin| origin.offset)).collect()
    }

    /// What the row of a batch holds.
    fn steps(&self, batch: u64) -> Vec<Step> {
        let chunks = segment_rows(self.store.as_ref()).into_iter().filter(|((of, _), _)| *of == batch);
        let codec = Codec::new(CHANGELOG);
        chunks
            .flat_map(|((batch, chunk), _)| super::read(batch, chunk, &codec, &self.rows).unwrap().steps().unwrap())
            .collect()
    }
}

struct Outcomes<'a>(&'a mut Vec<Outcome>);

impl super::super::compose::Watcher for Outcomes<'_> {
    fn event(&mut self, _: &crate::model::CaseEvent) {}
    fn settled(&mut self, settled: &crate::engine::Settled) {
        self.0.push(settled.outcome);
    }
}

fn composer(engine: Engine, ledger: super::super::ledger::Ledger, manifest: Manifest) -> Composer {
    // Views go out with every batch, so that nothing depends on the clock.
    let views = ViewSchedule::new(Duration::ZERO);
    Composer::new(engine, Codec::new(CHANGELOG), ledger, manifest, views, "0".to_owned(), 1_000)
}

fn alert(origin: Origin, host: &str, at: i64, severity: Severity) -> Alert {
    let entity = Entity {
        kind: EntityKind::Host,
        id: host.into(),
        name: None,
        domain: None,
        site: None,
        role: Role::Asset,
        criticality: 0,
    };
    Alert {
        id: AlertId(origin.offset as u128),
        tenant: Tenant::parse("t").unwrap(),
        event_time: EventTime { at: Timestamp::from_millis(at), from: TimeFrom::Field },
        recorded_at: None,
        title: "title".into(),
        description: None,
        severity,
        confidence: None,
        risk_score: None,
        source: Source { product: "edr".into(), ..Source::default() },
        alert_uid: None,
        source_ref: None,
        rule: Rule { uid: "r".into(), name: "r".into(), version: None },
        attacks: Vec::new(),
        activity: Activity::Create,
        revision: 0,
        observables: Vec::new(),
        entities: vec![entity],
        // Each is an alert of its own.
        dedup_key: Some(origin.offset.to_string().into()),
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
        origin,
    }
}

fn advance(hours: i64) -> Input {
    Input::Advance { watermark: Timestamp::from_millis(hours * HOUR) }
}

fn segment_rows(store: &dyn Store) -> BTreeMap<(u64, u32), Box<[u8]>> {
    let mut rows = BTreeMap::new();
    store
        .for_each(&mut |key, value| {
            if let Ok(RowName::Segment { batch, chunk }) = RowName::from_bytes(key) {
                rows.insert((batch, chunk), value.into());
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

fn summed(store: &dyn Store) -> u128 {
    let mut sum = 0;
    store
        .for_each(&mut |key, value| {
            if RowName::from_bytes(key).unwrap().is_summed() {
                sum ^= Codec::checksum(value).unwrap();
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    sum
}

/// All that is known, without the places that it happens to be at.
fn plain(segments: &Segments) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for (batch, rows) in &segments.batches {
        let mut parts: Vec<String> = rows
            .parts
            .iter()
            .map(|place| {
                let part = &segments.parts[*place as usize];
                let count = part.batches.iter().find(|(of, _)| of == batch).unwrap().1;
                format!("{}/{:04} {count} {}", part.tenant, part.id.0, part.warm)
            })
            .collect();
        parts.sort();
        let sparse = segments.sparse.contains(batch);
        let BatchRows { watermark, chunks, steps, needed, checksum, .. } = rows;
        writeln!(text, "{batch}: {watermark:?} {chunks} {steps} {needed} {sparse} {checksum:x} {parts:?}").unwrap();
    }
    let known: usize = segments.places.values().map(HashMap::len).sum();
    assert_eq!(known, segments.parts.len() - segments.free.len());
    assert!(segments.parts.iter().enumerate().all(|(place, part)| {
        let free = segments.free.contains(&(place as Place));
        free == part.batches.is_empty()
    }));
    text
}

#[test]
fn rows_stay_in_proportion_to_what_is_warm() {
    let mut world = World::new();
    let mut most = 0;
    for hour in 1..400 {
        let mut elements: Vec<Decided> =
            (0..8).map(|number| world.alert(&format!("h{hour}-{number}"), hour, Severity::Low)).collect();
        elements.push(world.large(&format!("large{hour}"), hour, Severity::Low));
        if hour % 100 == 5 {
            // Nobody but a person closes these.
            elements.push(world.alert(&format!("keep{hour}"), hour, Severity::High));
        }
        world.batch(elements, Vec::new());
        most = most.max(world.known().batches.len());
    }
    // A day until it is quiet, three until it is cold; four kept alerts.
    assert!((90..=104).contains(&most), "{most} rows");
    world.batch(Vec::new(), vec![advance(800)]);
    world.batch(Vec::new(), vec![advance(900)]);
    world.batch(Vec::new(), vec![advance(1_000)]);
    let left: Vec<u64> = segment_rows(world.store.as_ref()).into_keys().map(|(batch, _)| batch).collect();
    assert_eq!(left, [5, 105, 205, 305, 402]);
    for batch in [5, 105, 205, 305] {
        let steps = world.steps(batch);
        let [Step::Alert(step)] = &steps[..] else { panic!("one alert, not {steps:?}") };
        assert_eq!(step.alert.severity, Severity::High);
    }
    assert!(verify(world.store.as_ref()).unwrap().is_sound());
    assert_eq!(world.known().places.values().map(HashMap::len).sum::<usize>(), 4, "nothing is held for what is gone");
}

#[test]
fn batches_without_alerts_do_not_pile_up() {
    let mut world = World::new();
    for hour in 1..400 {
        let poison = vec![world.poison(), world.poison()];
        world.batch(poison, vec![advance(hour)]);
        assert!(world.known().batches.len() <= 66, "{} rows after {hour}", world.known().batches.len());
    }
    // Three days of them can be replayed in their order, and little more.
    let offsets = world.offsets();
    assert!((144..400).contains(&offsets.len()), "{} records", offsets.len());
    assert!(offsets.iter().rev().zip((0..=world.offset).rev()).all(|(offset, expected)| *offset == expected));
}

#[test]
fn where_alerts_trickle_in_small_rows_are_gathered() {
    let mut world = World::new();
    for number in 1..=1_000 {
        let alert = vec![world.alert(&format!("h{}", number % 40), 1 + number / 400, Severity::Low)];
        world.batch(alert, Vec::new());
        assert!(world.known().batches.len() <= 64 + 16, "{} rows", world.known().batches.len());
        if number % 250 == 0 {
            world.restart(number as u64);
        }
    }
    assert_eq!(world.offsets(), (1..=1_000).collect::<Vec<_>>());
    assert!(verify(world.store.as_ref()).unwrap().is_sound());
    let pairs: usize = world.known().parts.iter().map(|part| part.batches.len()).sum();
    assert!(pairs < 700, "{pairs} of parts and rows, for a thousand alerts");
}

#[test]
fn a_batch_takes_away_no_more_than_its_bound() {
    let mut world = World::new();
    for number in 0..600 {
        let alert = vec![world.large(&format!("h{number}"), 1, Severity::Low)];
        world.batch(alert, Vec::new());
    }
    world.batch(Vec::new(), vec![advance(30)]);
    let mut left = Vec::new();
    for hour in [110, 111, 112, 113] {
        world.batch(Vec::new(), vec![advance(hour)]);
        left.push(segment_rows(world.store.as_ref()).len());
        world.restart(hour as u64);
    }
    assert_eq!(left, [346, 91, 3, 4], "256 a batch, and each adds its own");
}

#[test]
fn a_case_that_comes_back_needs_its_alerts_again_if_they_are_there() {
    let mut world = World::new();
    // Two of three steps stay needed, so the row stays whole when the third turns cold.
    let first = vec![
        world.alert("low", 1, Severity::Low),
        world.alert("high1", 1, Severity::High),
        world.alert("high2", 1, Severity::High),
    ];
    world.batch(first, Vec::new());
    let second = vec![world.alert("gone", 2, Severity::Low)];
    world.batch(second, Vec::new());
    for hour in [30, 60, 110, 150] {
        world.batch(Vec::new(), vec![advance(hour)]);
    }
    assert_eq!((world.steps(1).len(), world.steps(2).len()), (3, 0));
    assert_eq!(world.known().batches[&1].needed, 2);

    for case in [1, 4] {
        world.outcomes.clear();
        let reopen = vec![world.command(case, CommandKind::Reopen { comment: None })];
        world.batch(reopen, Vec::new());
        assert_eq!(world.outcomes, [Outcome::CommandApplied], "case {case}");
    }
    assert_eq!(world.known().batches[&1].needed, 3);
    let plainly = plain(world.known());
    world.restart(3);
    assert_eq!(plain(world.known()), plainly);

    for hour in [151, 180, 260, 300] {
        world.batch(Vec::new(), vec![advance(hour)]);
    }
    assert_eq!(world.known().batches[&1].needed, 2, "and turned cold once more");
}

/// One step of a random day.
fn step(world: &mut World, dice: &mut Rng, hour: &mut i64) {
    *hour += [0, 1, 3, 30][dice.below(4) as usize];
    let mut elements = Vec::new();
    for _ in 0..dice.below(6) {
        let host = format!("h{}", dice.below(12));
        elements.push(match dice.below(12) {
            0 => world.poison(),
            1 => world.alert(&host, *hour, Severity::High),
            _ => world.alert(&host, *hour, Severity::Low),
        });
    }
    let (one, two) = (dice.below(9) + 1, dice.below(9) + 1);
    let other = CaseId { tenant: Tenant::parse("t").unwrap(), number: two };
    let kind = match dice.below(8) {
        0 | 1 => Some(CommandKind::Reopen { comment: None }),
        2 => Some(CommandKind::Close { verdict: None, comment: None }),
        3 => Some(CommandKind::Merge { others: vec![other] }),
        4 | 5 => Some(CommandKind::UndoMerge { other, comment: None }),
        _ => None,
    };
    elements.extend(kind.map(|kind| world.command(one, kind)));
    let inputs = if dice.below(4) == 0 { vec![advance(*hour)] } else { Vec::new() };
    world.batch(elements, inputs);
}

#[test]
fn a_restart_changes_no_row() {
    let (mut retired, mut thinned) = (0, 0);
    for seed in 0..6 {
        let (mut whole, mut parted) = (World::new(), World::new());
        let (mut dice, mut same, mut moments) = (Rng::new(seed), Rng::new(seed), Rng::new(seed + 1_000));
        let (mut hour, mut same_hour) = (1, 1);
        for number in 1..=150_u64 {
            step(&mut whole, &mut dice, &mut hour);
            step(&mut parted, &mut same, &mut same_hour);
            if moments.below(5) == 0 {
                parted.restart(seed + number);
            }
            assert_eq!(plain(whole.known()), plain(parted.known()), "seed {seed} batch {number}");
        }
        assert_eq!(segment_rows(whole.store.as_ref()), segment_rows(parted.store.as_ref()), "seed {seed}");
        assert!(verify(whole.store.as_ref()).unwrap().is_sound(), "seed {seed}");
        let known = whole.known();
        retired += 150 - known.batches.len();
        thinned += known.batches.values().filter(|rows| rows.steps == rows.needed).count();
    }
    assert!(retired > 300 && thinned > 4, "{retired} rows went, {thinned} were written anew");
}

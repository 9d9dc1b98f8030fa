//! The store: rows come back as they were written, damage is found, both stores behave alike, and what an earlier
//! version wrote still opens.

mod rows;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use casewright::engine::{EdgeKind, EdgeStands, EdgeState, Input, PartKind, RowKey, Settled, StateRow};
use casewright::model::{CaseId, Origin, Outcome, PartId, Timestamp};
use casewright::store::{
    self, ChangelogId, Claim, Codec, Fault, Manifest, MemoryStore, PortableError, Position, Row, RowError, RowName,
    SegmentWriter, SledStore, Step, Store, StoreError, StoreHome, StoredRow,
};
use proptest::prelude::*;

use rows::Dice;

const CHANGELOG: ChangelogId = ChangelogId(*b"casewright-tests");
const CACHE: u64 = 8 * 1024 * 1024;

fn stored(codec: &Codec, row: &Row) -> StoredRow {
    codec.decode(&row.key, row.value.as_deref().unwrap()).unwrap()
}

fn name(dice: &mut Dice) -> RowName {
    match dice.below(11) {
        9 => RowName::Engine(RowKey::Lists),
        10 => RowName::Engine(RowKey::ListChunk { chunk: dice.below(9) as u32 }),
        0 => RowName::Engine(RowKey::Clock),
        1 => RowName::Engine(RowKey::LearnedDelta { batch: dice.number(), chunk: dice.below(3) as u16 }),
        2 => RowName::Engine(RowKey::LearnedBucket { bucket: dice.below(1_024) as u16, chunk: dice.below(3) as u16 }),
        3 => RowName::Engine(RowKey::Tenant(dice.tenant())),
        4 => RowName::Engine(RowKey::Case(dice.case())),
        5 => RowName::Engine(RowKey::Part(dice.tenant(), PartId(dice.number()))),
        6 => RowName::Segment { batch: dice.number(), chunk: dice.below(9) as u32 },
        7 => RowName::CaseSegments { case: dice.case(), chunk: dice.below(9) as u32 },
        _ => [RowName::Manifest, RowName::Claim, RowName::Engine(RowKey::Policy)][dice.below(3)].clone(),
    }
}

/// What the bytes of a name must be ordered by: shard before tenants, then tenant, kind, numbers.
fn place(name: &RowName) -> (Option<String>, u8, u64, u32) {
    let of = |tenant: &casewright::model::Tenant| Some(tenant.to_string());
    match name {
        RowName::Manifest => (None, 1, 0, 0),
        RowName::Claim => (None, 2, 0, 0),
        RowName::Engine(RowKey::Clock) => (None, 3, 0, 0),
        RowName::Engine(RowKey::Policy) => (None, 4, 0, 0),
        RowName::Engine(RowKey::LearnedDelta { batch, chunk }) => (None, 5, *batch, u32::from(*chunk)),
        RowName::Engine(RowKey::LearnedBucket { bucket, chunk }) => (None, 6, u64::from(*bucket), u32::from(*chunk)),
        RowName::Segment { batch, chunk } => (None, 7, *batch, *chunk),
        RowName::Engine(RowKey::Lists) => (None, 8, 0, 0),
        RowName::Engine(RowKey::ListChunk { chunk }) => (None, 9, u64::from(*chunk), 0),
        RowName::Engine(RowKey::Tenant(tenant)) => (of(tenant), 1, 0, 0),
        RowName::Engine(RowKey::Case(case)) => (of(&case.tenant), 2, case.number, 0),
        RowName::Engine(RowKey::Part(tenant, part)) => (of(tenant), 3, part.0, 0),
        RowName::CaseSegments { case, chunk } => (of(&case.tenant), 4, case.number, *chunk),
    }
}

proptest! {
    #[test]
    fn names_come_back_and_keep_their_order(a: u64, b: u64) {
        let (a, b) = (name(&mut Dice(a)), name(&mut Dice(b)));
        prop_assert_eq!(&RowName::from_bytes(&a.to_bytes()).unwrap(), &a);
        prop_assert_eq!(a.to_bytes().cmp(&b.to_bytes()), place(&a).cmp(&place(&b)));
        prop_assert_eq!(a.to_bytes() == b.to_bytes(), a == b);
    }

    #[test]
    fn foreign_keys_are_no_names(key in proptest::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(name) = RowName::from_bytes(&key) {
            prop_assert_eq!(&*name.to_bytes(), &*key);
        }
    }

    #[test]
    fn rows_of_every_kind_come_back(seed: u64) {
        let (codec, mut dice) = (Codec::new(CHANGELOG), Dice(seed));
        for _ in 0..8 {
            let state = dice.state_row();
            let row = codec.state(state.as_ref());
            prop_assert_eq!(&row.key, &RowName::Engine(state.key()).to_bytes());
            prop_assert_eq!(stored(&codec, &row), StoredRow::State(state));
        }
        let manifest = dice.manifest(CHANGELOG);
        let row = manifest.to_row();
        prop_assert_eq!(&Manifest::decode(row.value.as_deref().unwrap()).unwrap(), &manifest);
        prop_assert_eq!(stored(&codec, &row), StoredRow::Manifest(manifest));
        let claim = dice.claim(CHANGELOG);
        prop_assert_eq!(&Claim::decode(claim.to_row().value.as_deref().unwrap()).unwrap(), &claim);
        prop_assert_eq!(stored(&codec, &claim.to_row()), StoredRow::Claim(claim));
        let segments = dice.case_segments();
        prop_assert_eq!(stored(&codec, &codec.case_segments(&segments)), StoredRow::CaseSegments(segments));
    }

    #[test]
    fn any_flipped_bit_of_a_row_is_found(seed: u64, place: prop::sample::Index, bit in 0_u32..8) {
        let (codec, mut dice) = (Codec::new(CHANGELOG), Dice(seed));
        let row = codec.state(dice.state_row().as_ref());
        let mut value = row.value.unwrap();
        let at = place.index(value.len());
        value[at] ^= 1_u8 << bit;
        prop_assert_eq!(codec.decode(&row.key, &value), Err(RowError::Checksum));
    }

    #[test]
    fn no_bytes_make_a_row_reader_panic(seed: u64, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let name = name(&mut Dice(seed)).to_bytes();
        let codec = Codec::new(CHANGELOG);
        prop_assert!(codec.decode(&name, &body).is_err());
        // With a right checksum the body itself is what must be survived.
        let value = sealed(&name, &body);
        let _ = codec.decode(&name, &value);
        let _ = (Manifest::decode(&body), Claim::decode(&body));
    }

    #[test]
    fn segments_give_back_what_the_engine_settled(seed: u64, count in 0_usize..40) {
        let mut dice = Dice(seed);
        let settled: Vec<Settled> = (0..count).map(|at| dice.settled(at as i64)).collect();
        let mut writer = SegmentWriter::new(9);
        for settled in &settled {
            writer.settled(settled);
        }
        let steps = steps_of(writer);
        prop_assert_eq!(steps, settled.iter().map(expected).collect::<Vec<_>>());
    }
}

/// A row value with a right checksum over any body, made with the published recipe and not with the codec.
fn sealed(key: &[u8], body: &[u8]) -> Vec<u8> {
    let mut value = [&[1], body].concat();
    let mut hasher = blake3::Hasher::new_keyed(&blake3::derive_key("casewright row checksum v1", &CHANGELOG.0));
    hasher.update(&(key.len() as u32).to_be_bytes()).update(key).update(&value);
    let mut sum = [0; 16];
    hasher.finalize_xof().fill(&mut sum);
    value.extend_from_slice(&sum);
    value
}

fn steps_of(writer: SegmentWriter) -> Vec<Step> {
    writer.finish_chunks().iter().flat_map(|segment| segment.steps().unwrap()).collect()
}

fn expected(settled: &Settled) -> Step {
    let (origin, case, part, late) = (settled.origin.clone(), settled.case.clone(), settled.part, settled.late);
    match (&settled.alert, settled.outcome) {
        (None, outcome) => Step::Command { origin, outcome, case },
        (Some(alert), Outcome::Duplicate) => Step::Repeat { origin, alert: alert.id, late, case, part },
        (Some(alert), outcome) => Step::Alert(Box::new(store::AlertStep {
            alert: (**alert).clone(),
            outcome,
            late,
            case,
            part,
            link: settled.link.as_deref().cloned(),
        })),
    }
}

#[test]
fn a_large_batch_is_cut_into_chunks_that_can_be_read_alone() {
    let mut dice = Dice(4);
    let settled: Vec<Settled> = (0..5_000).map(|at| dice.settled(at)).collect();
    let mut writer = SegmentWriter::new(3);
    settled.iter().for_each(|settled| writer.settled(settled));
    let chunks = writer.finish_chunks();
    assert!(chunks.len() > 1);
    for (at, chunk) in chunks.iter().enumerate() {
        assert_eq!((chunk.batch, chunk.chunk as usize), (3, at));
        assert!(chunk.packed.len() <= 64 * 1024, "{} bytes", chunk.packed.len());
        assert_eq!(chunk.steps().unwrap().len(), chunk.steps as usize);
        let codec = Codec::new(CHANGELOG);
        assert_eq!(stored(&codec, &codec.segment(chunk)), StoredRow::Segment(chunk.clone()));
        assert_eq!(chunk.verify(), Ok(()));
    }
    let steps: Vec<Step> = chunks.iter().flat_map(|chunk| chunk.steps().unwrap()).collect();
    assert_eq!(steps, settled.iter().map(expected).collect::<Vec<_>>());
}

#[test]
fn a_head_that_does_not_fit_its_steps_is_found() {
    let (mut dice, mut writer) = (Dice(5), SegmentWriter::new(3));
    (0..40).for_each(|at| writer.settled(&dice.settled(at)));
    let mut chunk = writer.finish_chunks().remove(0);
    assert_eq!(chunk.verify(), Ok(()));
    chunk.head.as_mut().unwrap().parts[0].1[0].1 += 1;
    assert_eq!(chunk.verify(), Err(RowError::Head));
}

#[test]
fn what_is_kept_of_a_chunk_is_what_was_there() {
    let (mut dice, mut writer) = (Dice(6), SegmentWriter::new(3));
    (0..400).for_each(|at| writer.settled(&dice.settled(at)));
    let chunks = writer.finish_chunks();
    let is_needed = |part: PartId| part.0.is_multiple_of(3);
    let mut kept = SegmentWriter::new(3);
    for chunk in &chunks {
        // An older row tells the same by its steps alone.
        let old = store::Segment { head: None, ..chunk.clone() };
        assert_eq!(old.known().unwrap().parts, chunk.known().unwrap().parts);
        kept.copy_from(&old, |part| part.is_some_and(|(_, part)| is_needed(part))).unwrap();
    }
    let whole = |step: &Step| matches!(step, Step::Alert(step) if step.part.is_some_and(is_needed));
    let all = chunks.iter().flat_map(|chunk| chunk.steps().unwrap());
    let expected: Vec<Step> = all.filter(whole).collect();
    assert!(!expected.is_empty());
    assert_eq!(steps_of(kept), expected);
}

#[test]
fn steps_that_do_not_compress_are_cut_until_they_fit() {
    let (mut dice, mut writer) = (Dice(8), SegmentWriter::new(1));
    for at in 0..60 {
        let mut settled = dice.settled(at);
        let mut alert = crate::outputs::samples::alert(at);
        alert.unmapped = Some((0..500).map(|_| format!("{:016x}", dice.roll())).collect::<String>().into());
        (settled.alert, settled.outcome) = (Some(alert.into()), Outcome::Attached);
        writer.settled(&settled);
    }
    let chunks = writer.finish_chunks();
    assert!(chunks.iter().all(|chunk| chunk.packed.len() <= 64 * 1024));
    assert_eq!(chunks.iter().map(|chunk| chunk.steps).sum::<u32>(), 60);
}

#[test]
fn a_segment_tells_the_runs_in_the_engines_order() {
    let mut writer = SegmentWriter::new(1);
    let at = |partition, offset, index| {
        let topic = casewright::model::TopicName::new("ids");
        Origin { topic, partition, offset, index }
    };
    for origin in [at(0, 5, 0), at(0, 5, 1), at(0, 9, 0), at(1, 2, 0)] {
        writer.mark_rejected(&origin);
    }
    writer.mark_input(&Input::Advance { watermark: Timestamp::from_millis(77) });
    writer.mark_input(&Input::Idle { origin: at(1, 3, 0) });
    writer.mark_input(&Input::Lists(std::sync::Arc::default()));
    writer.mark_rejected(&at(0, 10, 0));
    let steps = steps_of(writer);
    let runs: Vec<_> = store::Segment::runs(&steps)
        .into_iter()
        .map(|run| (run.partition, run.first_offset, run.last_offset, run.records))
        .collect();
    assert_eq!(runs, [(0, 5, 9, 2), (1, 2, 2, 1), (0, 10, 10, 1)]);
    assert_eq!(steps[4], Step::Advance { watermark: Timestamp::from_millis(77) });
    assert!(matches!(&steps[5], Step::Idle { partition: 1, .. }));
    assert_eq!(steps[6], Step::Lists { digest: casewright::engine::Lists::default().digest() });
}

/// A store with some rows and the manifest that fits them.
fn fill(store: &dyn Store, seed: u64) {
    let (codec, mut dice) = (Codec::new(CHANGELOG), Dice(seed));
    store.set_changelog(CHANGELOG).unwrap();
    let mut rows: BTreeMap<Box<[u8]>, Row> = BTreeMap::new();
    let mut add = |row: Row| rows.insert(row.key.clone(), row);
    for _ in 0..40 {
        add(codec.state(dice.state_row().as_ref()));
    }
    let mut writer = SegmentWriter::new(1);
    writer.mark_watermark(dice.at());
    (0..30).for_each(|at| writer.settled(&dice.settled(at)));
    writer.finish(&codec).into_iter().for_each(|row| drop(add(row)));
    add(codec.case_segments(&dice.case_segments()));
    let checksum = rows.values().fold(0, |sum, row| sum ^ Codec::checksum(row.value.as_deref().unwrap()).unwrap());
    let outcomes = [3, 20, 0, 7, 0, 0, 1, 0, 2];
    let manifest = Manifest { checksum, outcomes, elements: 33, batch: 1, ..dice.manifest(CHANGELOG) };
    let all: Vec<Row> = rows.into_values().chain([manifest.to_row(), dice.claim(CHANGELOG).to_row()]).collect();
    store.apply(&all.iter().collect::<Vec<_>>(), Position(77)).unwrap();
}

fn rows_of(store: &dyn Store) -> Vec<Row> {
    let mut rows = Vec::new();
    store
        .for_each(&mut |key, value| {
            rows.push(Row { key: key.into(), value: Some(value.into()) });
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

#[test]
fn a_sound_store_verifies_and_says_what_it_holds() {
    let store = MemoryStore::new();
    fill(&store, 1);
    let report = store::verify(&store).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
    assert_eq!(report.info, store::info(&store).unwrap());
    assert_eq!(report.info.kinds["manifest"].rows, 1);
    assert_eq!(report.info.rows, rows_of(&store).len() as u64);
    assert_eq!(Some(report.checksum), report.info.manifest.map(|manifest| manifest.checksum));
}

#[test]
fn a_flipped_bit_in_any_row_is_found() {
    let sound = MemoryStore::new();
    fill(&sound, 2);
    let mut dice = Dice(3);
    for row in rows_of(&sound) {
        let mut value = row.value.unwrap();
        let at = dice.below(value.len());
        value[at] ^= 1 << dice.below(8);
        let damaged = MemoryStore::new();
        fill(&damaged, 2);
        damaged.apply(&[&Row { key: row.key.clone(), value: Some(value) }], Position(77)).unwrap();
        let faults = store::verify(&damaged).unwrap().faults;
        let kind = RowName::from_bytes(&row.key).unwrap().kind();
        assert!(faults.iter().any(|fault| matches!(fault, Fault::Row { kind: found, .. } if *found == kind)), "{kind}");
    }
}

#[test]
fn a_missing_foreign_or_swapped_row_is_found() {
    let find = |damage: &dyn Fn(&MemoryStore)| {
        let store = MemoryStore::new();
        fill(&store, 5);
        damage(&store);
        store::verify(&store).unwrap().faults
    };
    let segment = RowName::Segment { batch: 1, chunk: 0 };
    let missing = find(&|store| store.apply(&[&Row::removal(&segment)], Position(78)).unwrap());
    assert!(matches!(missing[..], [Fault::Checksum { .. }]), "{missing:?}");
    let foreign = Codec::new(ChangelogId([7; 16])).state(Dice(9).state_row().as_ref());
    let foreign = find(&|store| store.apply(&[&foreign], Position(78)).unwrap());
    assert!(foreign.iter().any(|fault| matches!(fault, Fault::Row { error: RowError::Checksum, .. })), "{foreign:?}");
    let swapped = find(&|store| {
        let mut rows = rows_of(store);
        let value = rows[3].value.clone();
        rows[3].value = std::mem::replace(&mut rows[4].value, value);
        store.apply(&[&rows[3], &rows[4]], Position(78)).unwrap();
    });
    assert_eq!(swapped.len(), 2, "{swapped:?}");
    let interrupted = find(&|store| store.begin_replay().unwrap());
    assert_eq!(interrupted, [Fault::Replaying]);
    let unmanifested = find(&|store| store.apply(&[&Row::removal(&RowName::Manifest)], Position(78)).unwrap());
    assert_eq!(unmanifested, [Fault::NoManifest]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn both_stores_behave_alike(seed: u64) {
        let dir = tempfile::tempdir().unwrap();
        let (memory, mut dice) = (MemoryStore::new(), Dice(seed));
        let mut sled = SledStore::open(dir.path(), CACHE).unwrap();
        let names: Vec<_> = (0..12).map(|_| name(&mut dice).to_bytes()).collect();
        for step in 0..30 {
            let rows: Vec<Row> = (0..dice.below(6)).map(|_| Row {
                key: names[dice.below(names.len())].clone(),
                value: dice.flag().then(|| dice.text().as_bytes().into()),
            }).collect();
            let rows: Vec<&Row> = rows.iter().collect();
            match dice.below(8) {
                0 => same(memory.set_changelog(CHANGELOG), sled.set_changelog(CHANGELOG)),
                1 => same(memory.begin_replay(), sled.begin_replay()),
                2 => same(memory.end_replay(), sled.end_replay()),
                3 => {
                    drop(sled);
                    sled = SledStore::open(dir.path(), CACHE).unwrap();
                }
                _ => same(memory.apply(&rows, Position(step)), sled.apply(&rows, Position(step))),
            }
            prop_assert_eq!(memory.meta().unwrap(), sled.meta().unwrap());
            let key = &names[dice.below(names.len())];
            prop_assert_eq!(memory.get(key).unwrap(), sled.get(key).unwrap());
        }
        prop_assert_eq!(rows_of(&memory), rows_of(&sled));
        prop_assert_eq!(store::state_hash(&memory).unwrap(), store::state_hash(&sled).unwrap());
    }
}

fn same(a: Result<(), StoreError>, b: Result<(), StoreError>) {
    assert_eq!(a.map_err(|error| error.to_string()), b.map_err(|error| error.to_string()));
}

#[test]
fn an_open_store_is_locked_and_another_format_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = SledStore::open(dir.path(), CACHE).unwrap();
    assert!(matches!(SledStore::open(dir.path(), CACHE), Err(StoreError::Locked(_))));
    drop(open);
    std::fs::write(dir.path().join("format"), "2\n").unwrap();
    assert!(matches!(SledStore::open(dir.path(), CACHE), Err(StoreError::Format { found: 2 })));
    std::fs::remove_file(dir.path().join("format")).unwrap();
    assert!(matches!(SledStore::open(dir.path(), CACHE), Err(StoreError::Damaged(_))));
}

/// Damages every file of a sled directory at many places: it opens with an error, or its rows show it, or the damage
/// hit nothing that counts. It never panics and never gives rows that pass as sound but differ.
#[test]
fn a_damaged_directory_is_an_error_or_found_by_verify() {
    let dir = tempfile::tempdir().unwrap();
    let written = SledStore::open(dir.path(), CACHE).unwrap();
    fill(&written, 6);
    let hash = store::state_hash(&written).unwrap();
    drop(written);
    let (mut dice, mut noticed) = (Dice(11), 0);
    for _ in 0..40 {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), copy.path());
        damage(&copy.path().join("rows").join("db"), &mut dice);
        noticed += u32::from(!is_sound_and_equal(copy.path(), hash));
    }
    assert!(noticed > 0, "not one of the damages was noticed");
}

fn is_sound_and_equal(dir: &Path, hash: [u8; 32]) -> bool {
    let Ok(store) = SledStore::open(dir, CACHE) else { return false };
    let Ok(report) = store::verify(&store) else { return false };
    // sled may fall back to what was written before the damage: an older store, which says so by its position.
    let current = report.info.meta.is_some_and(|meta| meta.position == Position(77));
    if report.is_sound() && current {
        assert_eq!(store::state_hash(&store).unwrap(), hash, "sound, and not what was written");
    }
    report.is_sound() && current
}

/// Sixteen flipped bits in the part of the file that is written.
fn damage(file: &Path, dice: &mut Dice) {
    let mut bytes = std::fs::read(file).unwrap();
    let written = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    for _ in 0..16 {
        bytes[dice.below(written)] ^= 1 << dice.below(8);
    }
    std::fs::write(file, bytes).unwrap();
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_home_sets_a_store_aside_and_opens_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let directory = StoreHome::directory(dir.path().join("shard-0"), CACHE);
    for home in [directory, StoreHome::memory()] {
        assert!(home.is_empty());
        let store = home.open().unwrap();
        fill(store.as_ref(), 7);
        drop(store);
        assert!(!home.is_empty());
        assert_eq!(home.open().unwrap().meta().unwrap().unwrap().position, Position(77));
        let aside = home.set_aside().unwrap();
        assert!(aside.is_none_or(|path| path.is_dir()));
        assert_eq!(home.open().unwrap().meta().unwrap(), None);
    }
}

fn exported(store: &dyn Store) -> Vec<u8> {
    let mut file = Vec::new();
    let report = store::export(store, &mut file).unwrap();
    assert_eq!((report.changelog, report.position), (CHANGELOG, Position(77)));
    file
}

#[test]
fn an_export_imports_into_the_same_state() {
    let (from, dir) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    fill(&from, 8);
    let file = exported(&from);
    let into = SledStore::open(dir.path(), CACHE).unwrap();
    let report = store::import(&mut &file[..], &into).unwrap();
    assert_eq!(report.rows, rows_of(&from).len() as u64);
    assert_eq!(into.meta().unwrap(), from.meta().unwrap());
    assert_eq!(store::state_hash(&into).unwrap(), store::state_hash(&from).unwrap());
    assert!(store::verify(&into).unwrap().is_sound());
    assert_eq!(exported(&into), file, "the same state exports to the same bytes");
    assert!(matches!(store::import(&mut &file[..], &into), Err(PortableError::NotEmpty)));
    assert!(matches!(store::export(&MemoryStore::new(), &mut Vec::new()), Err(PortableError::Empty)));
}

#[test]
fn no_damaged_export_imports() {
    let from = MemoryStore::new();
    fill(&from, 9);
    let file = exported(&from);
    let mut dice = Dice(10);
    for _ in 0..200 {
        let mut damaged = file.clone();
        match dice.below(3) {
            0 => damaged.truncate(dice.below(file.len())),
            1 => damaged.push(0),
            _ => {
                let at = dice.below(file.len());
                damaged[at] ^= 1 << dice.below(8);
            }
        }
        let into = MemoryStore::new();
        assert!(store::import(&mut &damaged[..], &into).is_err());
        assert!(into.meta().unwrap().is_none_or(|meta| meta.replaying), "a failed import stays marked");
    }
}

/// What was ever written, with how many kinds of row it had. The second has segments with a head, and deltas in chunks;
/// the third has parts by machine and identity with their risk, edges of more than one kind, habits, lists, and what an
/// alert continues.
const VERSIONS: [(&str, usize); 3] = [("v1", 11), ("v2", 11), ("v3", 13)];

fn fixture(version: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/store").join(version).join(name)
}

#[test]
fn what_every_version_wrote_still_opens() {
    VERSIONS.into_iter().for_each(still_opens);
}

/// Rows, positions and the state hash of what that version wrote. These files are never written anew.
fn still_opens((version, kinds): (&str, usize)) {
    let expected = std::fs::read_to_string(fixture(version, "state-hash.txt")).unwrap();
    let from_export = MemoryStore::new();
    store::import(&mut std::fs::File::open(fixture(version, "export.cws")).unwrap(), &from_export).unwrap();
    // sled writes into what it opens.
    let copy = tempfile::tempdir().unwrap();
    copy_dir(&fixture(version, "sled"), copy.path());
    let from_sled = SledStore::open(copy.path(), CACHE).unwrap();
    for store in [&from_export as &dyn Store, &from_sled] {
        let report = store::verify(store).unwrap();
        assert!(report.is_sound(), "{:?}", report.faults);
        assert_eq!(report.info.meta.unwrap().position, Position(77));
        let hash: String = store::state_hash(store).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, expected.trim());
        assert_eq!(report.info.kinds.len(), kinds, "every kind of row: {:?}", report.info.kinds.keys());
        reencode(store, version == VERSIONS[VERSIONS.len() - 1].0);
    }
}

/// What is read can be written, and says the same then. In a row of the same version it is the same bytes, so that state
/// hashes compare across versions of the daemon; the newest fixture is all of that kind.
fn reencode(store: &dyn Store, newest: bool) {
    let codec = Codec::new(CHANGELOG);
    for row in rows_of(store) {
        let read = stored(&codec, &row);
        let again = match &read {
            StoredRow::State(state) => {
                check_what_was_not_written(row.value.as_deref().unwrap()[0], state);
                codec.state(state.as_ref())
            }
            StoredRow::Manifest(manifest) => manifest.to_row(),
            StoredRow::Claim(claim) => claim.to_row(),
            StoredRow::Segment(segment) => {
                assert!(!segment.steps().unwrap().is_empty());
                codec.segment(segment)
            }
            StoredRow::CaseSegments(segments) => codec.case_segments(segments),
        };
        let version = |row: &Row| row.value.as_deref().unwrap()[0];
        if newest || version(&again) == version(&row) {
            assert_eq!(again, row);
        } else {
            assert!(version(&again) > version(&row));
            assert_eq!(stored(&codec, &again), read);
        }
    }
}

/// What a row of version 1 does not hold reads as what it meant then: one identity stood for the machine, every part
/// gathered, and an edge held by a person's word or by its evidence, or was undone.
fn check_what_was_not_written(version: u8, state: &StateRow) {
    if version > 1 {
        return;
    }
    match state {
        StateRow::Part(part) => {
            assert_eq!((part.kind, part.identity, part.began_at), (PartKind::Gathered, None, None));
            assert_eq!((part.gathered_at, &part.actors[..]), (part.last_at, &[][..]));
            let known = |edge: &EdgeState| {
                let certain = edge.kind == EdgeKind::Person && edge.strength_permille == 1_000;
                (certain || edge.kind == EdgeKind::Evidence) && edge.stands != EdgeStands::Refused
            };
            assert!(part.edges.iter().all(known));
        }
        StateRow::Tenant(tenant) => assert_eq!(tenant.began_at, None),
        StateRow::LearnedDelta { entries, .. } | StateRow::LearnedBucket { entries, .. } => {
            assert!(entries.habits.is_empty() && entries.stats.iter().all(|stat| stat.hub_until.is_none()));
        }
        StateRow::Clock(_)
        | StateRow::Policy(_)
        | StateRow::Case(_)
        | StateRow::Lists(_)
        | StateRow::ListChunk { .. } => {}
    }
}

/// Writes the fixture where there is none: once for each version of the rows.
#[test]
fn the_fixture_of_this_version_is_there() {
    let (version, _) = VERSIONS[VERSIONS.len() - 1];
    if std::env::var_os("CASEWRIGHT_BLESS").is_none() || fixture(version, "sled").exists() {
        assert!(fixture(version, "export.cws").is_file() && fixture(version, "sled/format").is_file());
        return;
    }
    std::fs::create_dir_all(fixture(version, "sled")).unwrap();
    let store = SledStore::open(&fixture(version, "sled"), CACHE).unwrap();
    fill(&store, 2_026);
    store.flush().unwrap();
    std::fs::write(fixture(version, "export.cws"), exported(&store)).unwrap();
    let hash: String = store::state_hash(&store).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(fixture(version, "state-hash.txt"), format!("{hash}\n")).unwrap();
}

#[test]
fn ids_read_back_from_their_text() {
    let id = ChangelogId::random();
    assert_eq!(ChangelogId::parse(&id.to_string()), Some(id));
    assert_ne!(id, ChangelogId::random());
    assert_eq!(ChangelogId::parse("xyz"), None);
    assert!(CaseId::parse("acme-1").is_some());
}

//! The corpus of odd records, the samples of every profile, and what becomes of both when their bytes are changed: the
//! same checks as the fuzz targets, bounded, on any compiler.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use casewright::testing::hostile::{Reader, check_list, check_profile, check_text};
use casewright::wire::Profiles;
use proptest::prelude::*;

static READER: LazyLock<Reader> = LazyLock::new(Reader::default);
static PROFILES: LazyLock<Profiles> = LazyLock::new(Profiles::embedded);
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let samples = PROFILES.samples().map(|sample| sample.as_bytes().to_vec());
    samples.chain(corpus()).collect()
});

static LISTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| files_of("tests/data/lists"));

fn corpus() -> Vec<Vec<u8>> {
    files_of("tests/corpus")
}

fn files_of(dir: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let files = fs::read_dir(dir).expect("the corpus").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files.iter().map(|path| fs::read(path).expect("a corpus file")).collect()
}

/// One change of some bytes.
#[derive(Clone, Debug)]
enum Change {
    Flip(usize, u8),
    Cut(usize, usize),
    Double(usize, usize),
    Insert(usize, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let odd = prop_oneof![
        Just(b"\\".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"=".to_vec()),
        Just(b"|".to_vec()),
        Just(b"{\"a\":".to_vec()),
        Just(b"[[[[".to_vec()),
        Just(b"\xff\xfe".to_vec()),
        Just("\u{202e}\u{0}".as_bytes().to_vec()),
        Just(b"CEF:0|".to_vec()),
        Just(b"1e999".to_vec()),
        Just(b"\\ud800".to_vec()),
        proptest::collection::vec(any::<u8>(), 1..12),
    ];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Flip(at, byte)),
        (any::<usize>(), 1_usize..64).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<usize>(), 1_usize..64).prop_map(|(at, length)| Change::Double(at, length)),
        (any::<usize>(), odd).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let length = bytes.len();
    let place = |at: usize| if length == 0 { 0 } else { at % length };
    match change {
        Change::Flip(at, byte) => bytes.get_mut(place(*at)).into_iter().for_each(|old| *old ^= byte),
        Change::Cut(at, count) => drop(bytes.drain(place(*at)..(place(*at) + count).min(length))),
        Change::Double(at, count) => {
            let part = bytes[place(*at)..(place(*at) + count).min(length)].to_vec();
            bytes.splice(place(*at)..place(*at), part);
        }
        Change::Insert(at, part) => drop(bytes.splice(place(*at)..place(*at), part.iter().copied())),
    }
}

#[test]
fn the_corpus_is_read() {
    assert!(SEEDS.len() > 30, "{} seeds", SEEDS.len());
    for seed in SEEDS.iter() {
        READER.check(seed);
        check_text(&String::from_utf8_lossy(seed));
        check_profile(&String::from_utf8_lossy(seed));
        check_list(&String::from_utf8_lossy(seed));
    }
    LISTS.iter().for_each(|list| check_list(&String::from_utf8_lossy(list)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn changed_records_end_somewhere(which in any::<usize>(), changes in proptest::collection::vec(change(), 1..6)) {
        let mut bytes = SEEDS[which % SEEDS.len()].clone();
        changes.iter().for_each(|change| apply(&mut bytes, change));
        READER.check(&bytes);
        check_text(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn changed_lists_are_read_or_refused(which in any::<usize>(), changes in proptest::collection::vec(change(), 1..6)) {
        let mut bytes = LISTS[which % LISTS.len()].clone();
        changes.iter().for_each(|change| apply(&mut bytes, change));
        check_list(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn changed_profiles_compile_or_say_where(which in any::<usize>(), changes in proptest::collection::vec(change(), 1..4)) {
        let names: Vec<_> = PROFILES.list().iter().map(|profile| profile.name.to_owned()).collect();
        let mut bytes = PROFILES.text(&names[which % names.len()]).unwrap().as_bytes().to_vec();
        changes.iter().for_each(|change| apply(&mut bytes, change));
        check_profile(&String::from_utf8_lossy(&bytes));
    }
}

//! Lists from outside: how much assets matter, and which observables are known to be bad. They are an input like the
//! policy: they take effect at one point of the order and are kept as rows. What they say of an alert is kept with its
//! part at that moment, so that lists of another day change nothing that was found before.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::case::Case;
use super::index::Index;
use super::part::Part;
use super::slab::Slot;
use super::{Change, Engine, RestoreError, Risk, RowKey, StateRef, Turn};
use crate::model::{Actor, Alert, EntityKind, EventKind, IntelMatch, ObservableKind, Timestamp};

/// What one shard may hold; more is refused where lists are read.
pub const INDICATORS_MAX: usize = 1_000_000;
pub const ASSETS_MAX: usize = 100_000;
/// Distinct names of lists, and the bytes of one.
pub const LIST_NAMES_MAX: usize = 256;
pub const LIST_NAME_BYTES_MAX: usize = 128;

/// Bytes of entries in one row.
const CHUNK_BYTES_MAX: usize = 32 * 1024;
/// What an entry takes in a row beside its value, at most.
const ENTRY_BYTES: usize = 20;

/// A value that is known to be bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    pub kind: ObservableKind,
    /// Canonical, as an alert's observables are.
    pub value: Box<str>,
    /// Its place among the names of the lists.
    pub list: u16,
    /// 0 to 100.
    pub confidence: u8,
    /// Event times past this do not match it.
    pub valid_until: Option<Timestamp>,
}

/// How much a thing matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    pub kind: EntityKind,
    /// Canonical, as an alert's entities are.
    pub id: Box<str>,
    /// 0 to 4, as an entity's.
    pub criticality: u8,
}

/// Where they are from and how many rows they fill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListsState {
    pub digest: [u8; 32],
    pub names: Vec<Arc<str>>,
    pub chunks: u32,
}

/// Some of the entries, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListChunk {
    pub indicators: Vec<Indicator>,
    pub assets: Vec<Asset>,
}

/// The same by reference.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListChunkRef<'a> {
    pub indicators: &'a [Indicator],
    pub assets: &'a [Asset],
}

impl ListChunkRef<'_> {
    #[must_use]
    pub fn to_chunk(self) -> ListChunk {
        ListChunk { indicators: self.indicators.to_vec(), assets: self.assets.to_vec() }
    }
}

/// All entries, each value once, with an index over them.
#[derive(Clone, Debug)]
pub struct Lists {
    digest: [u8; 32],
    names: Vec<Arc<str>>,
    /// Sorted by kind and value.
    indicators: Vec<Indicator>,
    assets: Vec<Asset>,
    indicator_places: HashTable<u32>,
    asset_places: HashTable<u32>,
}

/// Who writes the lists is trusted with them; alerts only ask.
const HASHER: FixedState = FixedState::with_seed(0);

impl Default for Lists {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new(), Vec::new())
    }
}

impl Lists {
    /// Sorts the entries and keeps one of each value: of an indicator the one that is valid longest, and the surest of
    /// those; of an asset the one that makes it matter most. `names` are what the indicators' `list` counts in.
    #[must_use]
    pub fn new(names: Vec<Arc<str>>, mut indicators: Vec<Indicator>, mut assets: Vec<Asset>) -> Self {
        // None is longer than any time.
        let rank = |indicator: &Indicator| {
            let forever = indicator.valid_until.is_none();
            std::cmp::Reverse((forever, indicator.valid_until, indicator.confidence, std::cmp::Reverse(indicator.list)))
        };
        indicators.sort_by(|a, b| (a.kind, &a.value).cmp(&(b.kind, &b.value)).then_with(|| rank(a).cmp(&rank(b))));
        indicators.dedup_by(|later, kept| (later.kind, &later.value) == (kept.kind, &kept.value));
        assets.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)).then(b.criticality.cmp(&a.criticality)));
        assets.dedup_by(|later, kept| (later.kind, &later.id) == (kept.kind, &kept.id));
        let digest = digest(&names, &indicators, &assets);
        let indicator_places = places(&indicators, |indicator| hash(indicator.kind as u8, &indicator.value));
        let asset_places = places(&assets, |asset| hash(asset.kind as u8, &asset.id));
        Self { digest, names, indicators, assets, indicator_places, asset_places }
    }

    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    #[must_use]
    pub fn indicators(&self) -> usize {
        self.indicators.len()
    }

    #[must_use]
    pub fn assets(&self) -> usize {
        self.assets.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indicators.is_empty() && self.assets.is_empty()
    }

    /// The indicator that this value is, if it is valid at that time.
    #[must_use]
    pub fn indicator(&self, kind: ObservableKind, value: &Arc<str>, at: Timestamp) -> Option<IntelMatch> {
        let is = |place: &u32| {
            let indicator = &self.indicators[*place as usize];
            indicator.kind == kind && *indicator.value == **value
        };
        let place = self.indicator_places.find(hash(kind as u8, value), is)?;
        let indicator = &self.indicators[*place as usize];
        let valid = indicator.valid_until.is_none_or(|until| at <= until);
        let list = self.names.get(usize::from(indicator.list)).cloned().unwrap_or_default();
        let (confidence, valid_until) = (indicator.confidence, indicator.valid_until);
        valid.then(|| IntelMatch { kind, value: Arc::clone(value), list, confidence, valid_until })
    }

    /// What the list says of this thing. A user is also known by the bare name, if that is what the list has.
    #[must_use]
    pub fn criticality(&self, kind: EntityKind, id: &str) -> Option<u8> {
        let bare = || id.rsplit_once('\\').filter(|_| kind == EntityKind::User).map(|(_, name)| name);
        self.asset(kind, id).or_else(|| bare().and_then(|name| self.asset(kind, name)))
    }

    fn asset(&self, kind: EntityKind, id: &str) -> Option<u8> {
        let is = |place: &u32| {
            let asset = &self.assets[*place as usize];
            asset.kind == kind && *asset.id == *id
        };
        let place = self.asset_places.find(hash(kind as u8, id), is)?;
        Some(self.assets[*place as usize].criticality)
    }

    /// Takes in what the lists and the alert itself say of the things that it is about. Answers whether anything rose.
    fn note(&self, risk: &mut Risk, alert: &Alert) -> bool {
        risk.matter(self.criticality_of(alert)) | self.meet(risk, alert)
    }

    /// The highest among the machines and accounts that the alert is about. What a list says of one goes before what
    /// the alert says of it.
    fn criticality_of(&self, alert: &Alert) -> u8 {
        let entities = alert.entities.iter().filter(|entity| entity.role.is_self());
        let named = entities.map(|entity| {
            let listed = if self.assets.is_empty() { None } else { self.criticality(entity.kind, &entity.id) };
            listed.unwrap_or(entity.criticality)
        });
        let named = named.max().unwrap_or_default();
        if self.assets.is_empty() {
            return named;
        }
        let addresses = alert.observables.iter().filter(|seen| seen.kind == ObservableKind::Ip && seen.role.is_self());
        addresses.filter_map(|seen| self.asset(EntityKind::Host, &seen.value)).fold(named, u8::max)
    }

    fn meet(&self, risk: &mut Risk, alert: &Alert) -> bool {
        if self.indicators.is_empty() {
            return false;
        }
        let mut rose = false;
        for seen in &alert.observables {
            if let Some(found) = self.indicator(seen.kind, &seen.value, alert.event_time.at) {
                rose |= risk.meet(found, alert.id);
            }
        }
        rose
    }

    /// The entries in rows of bounded size.
    fn chunks(&self) -> impl Iterator<Item = ListChunkRef<'_>> {
        let indicators = Pieces(&self.indicators, |indicator: &Indicator| indicator.value.len());
        let assets = Pieces(&self.assets, |asset: &Asset| asset.id.len());
        let indicators = indicators.map(|indicators| ListChunkRef { indicators, assets: &[] });
        indicators.chain(assets.map(|assets| ListChunkRef { indicators: &[], assets }))
    }
}

/// As many entries at a time as fit into a row.
struct Pieces<'a, T>(&'a [T], fn(&T) -> usize);

impl<'a, T> Iterator for Pieces<'a, T> {
    type Item = &'a [T];

    fn next(&mut self) -> Option<&'a [T]> {
        let mut bytes = 0;
        let fitting = self.0.iter().take_while(|entry| {
            bytes += (self.1)(entry) + ENTRY_BYTES;
            bytes <= CHUNK_BYTES_MAX
        });
        let (piece, rest) = self.0.split_at(fitting.count().max(1).min(self.0.len()));
        self.0 = rest;
        (!piece.is_empty()).then_some(piece)
    }
}

fn hash(kind: u8, value: &str) -> u64 {
    HASHER.hash_one((kind, value))
}

fn places<T>(entries: &[T], hash: impl Fn(&T) -> u64) -> HashTable<u32> {
    let mut places = HashTable::with_capacity(entries.len());
    for (place, entry) in (0_u32..).zip(entries) {
        places.insert_unique(hash(entry), place, |place| hash(&entries[*place as usize]));
    }
    places
}

/// Over every name and entry, each text with its length before it.
fn digest(names: &[Arc<str>], indicators: &[Indicator], assets: &[Asset]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("casewright lists v1");
    let text = |hasher: &mut blake3::Hasher, text: &str| {
        hasher.update(&(text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    hasher.update(&(names.len() as u64).to_be_bytes());
    names.iter().for_each(|name| text(&mut hasher, name));
    for indicator in indicators {
        text(&mut hasher, &indicator.value);
        hasher.update(&[indicator.kind as u8, indicator.confidence, u8::from(indicator.valid_until.is_some())]);
        hasher.update(&indicator.list.to_be_bytes());
        hasher.update(&indicator.valid_until.unwrap_or_default().millis().to_be_bytes());
    }
    hasher.update(&(indicators.len() as u64).to_be_bytes());
    for asset in assets {
        text(&mut hasher, &asset.id);
        hasher.update(&[asset.kind as u8, asset.criticality]);
    }
    *hasher.finalize().as_bytes()
}

/// The lists in force, and what of them is in rows.
#[derive(Default)]
pub struct Held {
    lists: Arc<Lists>,
    state: ListsState,
    dirty: bool,
    /// Rows that the lists before them filled.
    filled: u32,
}

impl Held {
    pub(super) fn adopt(&mut self, lists: Arc<Lists>) {
        // Until the next seal the rows are still those of whatever was sealed last.
        self.dirty |= lists.digest != self.lists.digest;
        let chunks = u32::try_from(lists.chunks().count()).unwrap_or(u32::MAX);
        self.state = ListsState { digest: lists.digest, names: lists.names.clone(), chunks };
        self.lists = lists;
    }

    /// The lists of an earlier life, from their rows in order.
    pub(super) fn restore(state: Option<ListsState>, chunks: Vec<(u32, ListChunk)>) -> Result<Self, RestoreError> {
        let Some(state) = state else {
            return if chunks.is_empty() { Ok(Self::default()) } else { Err(RestoreError::Lists) };
        };
        let whole = chunks.iter().map(|(chunk, _)| *chunk).eq(0..state.chunks);
        let (mut indicators, mut assets) = (Vec::new(), Vec::new());
        for (_, mut chunk) in chunks {
            indicators.append(&mut chunk.indicators);
            assets.append(&mut chunk.assets);
        }
        let lists = Lists::new(state.names.clone(), indicators, assets);
        if !whole || lists.digest != state.digest {
            return Err(RestoreError::Lists);
        }
        Ok(Self { lists: Arc::new(lists), filled: state.chunks, state, dirty: false })
    }

    pub(super) fn seal(&mut self, change: &mut dyn FnMut(Change<'_>)) {
        if !std::mem::take(&mut self.dirty) {
            return;
        }
        for (chunk, entries) in (0..).zip(self.lists.chunks()) {
            change(Change::Save(StateRef::ListChunk { chunk, entries }));
        }
        for chunk in self.state.chunks..self.filled {
            change(Change::Remove(RowKey::ListChunk { chunk }));
        }
        self.filled = self.state.chunks;
        change(Change::Save(StateRef::Lists(&self.state)));
    }
}

impl Engine {
    /// The lists in force.
    #[must_use]
    pub fn lists(&self) -> &Lists {
        &self.lists.lists
    }

    /// What is known beforehand of the alert goes into the risk of a part that takes it in.
    pub(super) fn note(&self, risk: &mut Risk, alert: &Alert) -> bool {
        self.lists.lists.note(risk, alert)
    }

    pub(super) fn note_in(&mut self, part: Slot<Part>, alert: &Alert) -> bool {
        self.lists.lists.note(&mut self.parts[part].state.risk, alert)
    }

    /// Tells each indicator that the case's parts met and that no event of the case tells yet: new ones, and after
    /// cases parted those that only a part of the other one told.
    pub(super) fn tell_intel(&mut self, turn: &mut Turn<'_>, case: Slot<Case>) {
        if self.states_of(case).flat_map(|part| &part.risk.intel).all(|seen| seen.told) {
            return;
        }
        let (mut untold, mut known) = (Vec::new(), Index::new(0));
        for slot in self.parts_of(case) {
            let state = &self.parts[slot].state;
            for (place, seen) in state.risk.intel.iter().enumerate() {
                if seen.told {
                    known.insert((seen.found.kind, Arc::clone(&seen.found.value)), ());
                } else {
                    untold.push((state.id, place, slot, seen.found.clone(), seen.alert));
                }
            }
        }
        untold.sort_unstable_by_key(|(part, place, ..)| (*part, *place));
        for (part, _, slot, found, alert) in untold {
            if known.insert((found.kind, Arc::clone(&found.value)), ()).is_none() {
                self.parts[slot].state.risk.tell(&found);
                self.soil_part(slot);
                self.publish(turn, case, Actor::Engine, EventKind::IntelMatched { part, alert, found });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indicator(value: &str, confidence: u8, until: Option<i64>) -> Indicator {
        let valid_until = until.map(Timestamp::from_millis);
        Indicator { kind: ObservableKind::Domain, value: value.into(), list: 0, confidence, valid_until }
    }

    fn asset(kind: EntityKind, id: &str, criticality: u8) -> Asset {
        Asset { kind, id: id.into(), criticality }
    }

    #[test]
    fn of_one_value_the_entry_that_is_valid_longest_stays() {
        let entries = vec![
            indicator("a.example", 90, Some(5)),
            indicator("a.example", 10, None),
            indicator("a.example", 20, None),
            indicator("b.example", 1, Some(7)),
            indicator("b.example", 99, Some(6)),
        ];
        let lists = Lists::new(vec!["x".into()], entries.clone(), Vec::new());
        let at = |value: &str, at| {
            lists.indicator(ObservableKind::Domain, &value.into(), Timestamp::from_millis(at)).map(|one| one.confidence)
        };
        assert_eq!(at("a.example", 1_000), Some(20));
        assert_eq!((at("b.example", 7), at("b.example", 8), at("c.example", 0)), (Some(1), None, None));
        assert_eq!(lists.indicator(ObservableKind::Url, &"a.example".into(), Timestamp::default()), None);
        let turned = Lists::new(vec!["x".into()], entries.into_iter().rev().collect(), Vec::new());
        assert_eq!(lists.digest(), turned.digest(), "the order of the lines says nothing");
    }

    #[test]
    fn users_are_known_by_their_bare_name_where_the_list_has_it() {
        let assets = vec![
            asset(EntityKind::User, "maria", 3),
            asset(EntityKind::User, r"corp\eve", 4),
            asset(EntityKind::Host, "web-1", 1),
            asset(EntityKind::Host, "web-1", 2),
        ];
        let lists = Lists::new(Vec::new(), Vec::new(), assets);
        assert_eq!(lists.criticality(EntityKind::User, r"corp\maria"), Some(3));
        assert_eq!(lists.criticality(EntityKind::User, "eve"), None);
        assert_eq!(lists.criticality(EntityKind::User, r"corp\eve"), Some(4));
        assert_eq!(lists.criticality(EntityKind::Host, "web-1"), Some(2));
    }

    #[test]
    fn rows_are_bounded_and_give_the_lists_back() {
        let long = |number: usize| indicator(&format!("{number:0>100}.example"), 50, None);
        let assets = (0..5_000).map(|number| asset(EntityKind::Host, &format!("h{number}"), 2)).collect();
        let lists = Lists::new(vec!["x".into()], (0..10_000).map(long).collect(), assets);
        let mut held = Held::default();
        held.adopt(Arc::new(lists.clone()));
        let (mut chunks, mut state) = (Vec::new(), None);
        held.seal(&mut |change| match change {
            Change::Save(StateRef::ListChunk { chunk, entries }) => chunks.push((chunk, entries.to_chunk())),
            Change::Save(StateRef::Lists(lists)) => state = Some(lists.clone()),
            other => panic!("{other:?}"),
        });
        assert!(chunks.len() > 30 && chunks.iter().all(|(_, chunk)| chunk.indicators.len() < 300));
        let again = Held::restore(state.clone(), chunks.clone()).map(|held| held.lists.digest());
        assert_eq!(again, Ok(lists.digest()));
        chunks.pop();
        assert_eq!(Held::restore(state, chunks).map(|_| ()), Err(RestoreError::Lists));
        // Shorter lists take away what longer ones left.
        held.adopt(Arc::default());
        let mut removed = 0;
        held.seal(&mut |change| removed += u32::from(matches!(change, Change::Remove(_))));
        assert!(removed > 30);
    }
}

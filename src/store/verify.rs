//! Looking into a store: what is in it, and whether every bit of it is as it was written.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{Claim, Codec, Manifest, Position, RowError, RowName, Store, StoreError, StoreMeta, StoredRow};

/// Faults that are listed one by one; past it they are only counted.
const FAULTS_MAX: usize = 100;

/// What a store holds, by its keys alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    pub meta: Option<StoreMeta>,
    pub manifest: Option<Manifest>,
    pub claim: Option<Claim>,
    pub kinds: BTreeMap<&'static str, KindCount>,
    pub rows: u64,
    /// Keys and values.
    pub bytes: u64,
    pub size_on_disk: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCount {
    pub rows: u64,
    pub bytes: u64,
    pub largest: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    pub info: Info,
    /// The XOR over the rows that are there.
    pub checksum: u128,
    /// The first faults, in the order of the keys.
    pub faults: Vec<Fault>,
    pub faults_total: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{kind} row {key}: {error}")]
    Row {
        kind: &'static str,
        /// Hexadecimal.
        key: String,
        error: RowError,
    },
    #[error("rows sum up to {found:032x}, the manifest says {manifest:032x}")]
    Checksum { found: u128, manifest: u128 },
    #[error("outcomes add up to {outcomes}, elements delivered to {elements}")]
    Conservation { outcomes: u64, elements: u64 },
    #[error("there is no manifest, and the store is past its first batch")]
    NoManifest,
    #[error("manifest is of another changelog than the store")]
    OtherChangelog,
    #[error("a replay of the changelog into this store was interrupted")]
    Replaying,
}

impl VerifyReport {
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.faults_total == 0
    }
}

/// Counts what a store holds.
pub fn info(store: &dyn Store) -> Result<Info, StoreError> {
    walk(store, &mut |_, _, _| {})
}

/// Reads every row: its checksum, that it can be read, that a segment unpacks, and whether all of them add up to what
/// the manifest says.
pub fn verify(store: &dyn Store) -> Result<VerifyReport, StoreError> {
    let mut report = VerifyReport { info: Info::default(), checksum: 0, faults: Vec::new(), faults_total: 0 };
    let codec = store.meta()?.map(|meta| Codec::new(meta.changelog));
    let info = walk(store, &mut |name, key, value| {
        let Some(codec) = &codec else { return };
        report.row(codec, name, key, value);
    })?;
    report.info = info;
    report.whole();
    Ok(report)
}

impl VerifyReport {
    fn row(&mut self, codec: &Codec, name: Result<&RowName, &RowError>, key: &[u8], value: &[u8]) {
        let kind = name.map_or("unknown", RowName::kind);
        if name.is_ok_and(RowName::is_summed) {
            self.checksum ^= Codec::checksum(value).unwrap_or(0);
        }
        if let Err(error) = read(codec, key, value) {
            self.fault(Fault::Row { kind, key: hex(key), error });
        }
    }

    fn whole(&mut self) {
        match (self.info.meta, self.info.manifest.clone()) {
            (Some(meta), Some(manifest)) => self.against(meta, &manifest),
            (Some(_) | None, None) if !self.info.is_before_the_first_batch() => self.fault(Fault::NoManifest),
            (Some(_) | None, None) | (None, Some(_)) => {}
        }
        if self.info.meta.is_some_and(|meta| meta.replaying) {
            self.fault(Fault::Replaying);
        }
    }

    fn against(&mut self, meta: StoreMeta, manifest: &Manifest) {
        if manifest.changelog != meta.changelog {
            self.fault(Fault::OtherChangelog);
        }
        if manifest.checksum != self.checksum {
            self.fault(Fault::Checksum { found: self.checksum, manifest: manifest.checksum });
        }
        let outcomes = manifest.outcomes.iter().sum();
        if outcomes != manifest.elements {
            self.fault(Fault::Conservation { outcomes, elements: manifest.elements });
        }
    }

    fn fault(&mut self, fault: Fault) {
        self.faults_total += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }
}

/// Checksum, body, and the steps of a segment against its head.
fn read(codec: &Codec, key: &[u8], value: &[u8]) -> Result<(), RowError> {
    match codec.decode(key, value)? {
        StoredRow::Segment(segment) => segment.verify(),
        StoredRow::State(_) | StoredRow::Manifest(_) | StoredRow::Claim(_) | StoredRow::CaseSegments(_) => Ok(()),
    }
}

type Visit<'v> = dyn FnMut(Result<&RowName, &RowError>, &[u8], &[u8]) + 'v;

fn walk(store: &dyn Store, visit: &mut Visit<'_>) -> Result<Info, StoreError> {
    let mut info = Info { meta: store.meta()?, size_on_disk: store.size_on_disk()?, ..Info::default() };
    store.for_each(&mut |key, value| {
        let name = RowName::from_bytes(key);
        info.count(name.as_ref().ok(), key, value);
        visit(name.as_ref(), key, value);
        ControlFlow::Continue(())
    })?;
    Ok(info)
}

impl Info {
    /// Nothing yet, or nothing but the claim of the first owner.
    fn is_before_the_first_batch(&self) -> bool {
        match (self.rows, &self.claim) {
            (0, _) => self.meta.is_none_or(|meta| meta.position == Position(0)),
            (1, Some(_)) => true,
            (_, Some(_) | None) => false,
        }
    }

    fn count(&mut self, name: Option<&RowName>, key: &[u8], value: &[u8]) {
        let bytes = (key.len() + value.len()) as u64;
        let kind = self.kinds.entry(name.map_or("unknown", RowName::kind)).or_default();
        kind.rows += 1;
        kind.bytes += bytes;
        kind.largest = kind.largest.max(bytes);
        self.rows += 1;
        self.bytes += bytes;
        match name {
            Some(RowName::Manifest) => self.manifest = Manifest::decode(value).ok(),
            Some(RowName::Claim) => self.claim = Claim::decode(value).ok(),
            Some(RowName::Engine(_) | RowName::Segment { .. } | RowName::CaseSegments { .. }) | None => {}
        }
    }
}

/// One number for all rows but the claim, byte for byte: equal for two stores that hold the same state.
pub fn state_hash(store: &dyn Store) -> Result<[u8; 32], StoreError> {
    let mut hasher = blake3::Hasher::new_derive_key("casewright store state v1");
    let claim = RowName::Claim.to_bytes();
    store.for_each(&mut |key, value| {
        if *key != *claim {
            for bytes in [key, value] {
                hasher.update(&(bytes.len() as u64).to_be_bytes());
                hasher.update(bytes);
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(hasher.finalize().into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The one way back: from whatever the store holds and whatever the changelog says, to an engine that goes on exactly
//! where the last committed batch ended. Restart, crash, lost disk, moved shard and aborted transaction all come here.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::ledger::Ledger;
use super::segments::Segments;
use super::stop::Stop;
use super::tail::{self, TailError};
use crate::config;
use crate::engine::{Engine, Policy, Restore, RestoreError, Taken};
use crate::kafka::{ChangelogReader, Ends, KafkaFault};
use crate::model::{Millis, Timestamp};
use crate::store::{
    ChangelogId, Codec, Manifest, Position, RowError, RowName, Store, StoreError, StoreHome, StoreMeta, StoredRow,
};

/// How long to wait between looks at a foreign transaction that hangs on the changelog.
const FOREIGN_WAIT: Duration = Duration::from_secs(1);
/// A tail is right only while its tombstones are: DESIGN's `min.compaction.lag` (24 h) and `delete.retention` (7 d), less
/// an hour for clocks.
const TOMBSTONES_KEPT: Millis = Millis::from_hours(24 + 7 * 24 - 1);

/// An engine with its state, and everything that must go on from the same point.
pub struct Recovered {
    pub store: Arc<dyn Store>,
    pub engine: Engine,
    pub codec: Codec,
    pub ledger: Ledger,
    pub segments: Segments,
    pub manifest: Manifest,
    /// Nothing was ever written to this changelog.
    pub first_start: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    #[error(transparent)]
    Refused(#[from] RefusedStart),
    #[error("reading the changelog failed")]
    Kafka(#[from] KafkaFault),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("a row of the state cannot be read")]
    Row(#[from] RowError),
    #[error("the rows do not make a state")]
    Restore(#[from] RestoreError),
    #[error("the policy row cannot be read")]
    Policy(#[from] config::ConfigError),
    #[error("stopped while recovering")]
    Stopped,
}

/// What a restart cannot heal: a person must choose.
#[derive(Debug, thiserror::Error)]
pub enum RefusedStart {
    #[error(
        "the store belongs to changelog {store}, the cluster's is {cluster}; either start with --rebuild-store to build \
         the store anew from this cluster, or export it with `casewright store export` and import it into new topics"
    )]
    OtherChangelog { store: ChangelogId, cluster: ChangelogId },
    #[error(
        "the store is at changelog offset {store}, the changelog ends at {end}: the topic lost records or was made anew; \
         either start with --rebuild-store to build the store anew from what the topic still has, or export it with \
         `casewright store export` and import it into new topics"
    )]
    AheadOfChangelog { store: i64, end: i64 },
    #[error(
        "the changelog begins at offset {low} and has no manifest: its records were deleted, and the state with them; \
         restore the topic, or start with --rebuild-store to begin with an empty state"
    )]
    ChangelogEmptied { low: i64 },
    #[error(
        "the changelog itself is damaged, {0} even after reading all of it; `casewright store verify` on a copy of a store \
         may show which rows"
    )]
    ChangelogDamaged(Damage),
}

/// What the store is worth against the changelog: DESIGN's table, decided in one place.
#[derive(Debug)]
enum Found {
    /// Apply what the changelog has behind this position.
    Tail(Position),
    /// Read all of the changelog into an empty store.
    Rebuild(&'static str),
    Refuse(RefusedStart),
}

pub struct Recovery<'a> {
    pub home: &'a StoreHome,
    pub changelog: &'a mut ChangelogReader,
    pub now: Timestamp,
    /// The operator asked for a store built anew.
    pub rebuild: bool,
    /// For a changelog without a policy row.
    pub policy: &'a Policy,
    pub policy_text: &'a Arc<str>,
    pub seed: u64,
    pub stop: &'a Stop,
    pub progress: &'a dyn Fn(&str),
}

impl Recovery<'_> {
    pub fn run(mut self) -> Result<Recovered, RecoverError> {
        let ends = self.settled_ends()?;
        let cluster = tail::changelog_id(self.changelog, ends)?;
        let (store, found) = self.open(ends, cluster)?;
        match found {
            Found::Refuse(refused) => Err(refused.into()),
            Found::Rebuild(why) => self.rebuild(store, ends, cluster, why),
            Found::Tail(from) => match self.load(Arc::clone(&store), from, ends, cluster) {
                Ok(Ok(recovered)) => Ok(recovered),
                Ok(Err(damage)) => {
                    warn!(%damage, "the store is damaged");
                    self.rebuild(store, ends, cluster, "damaged")
                }
                // It opened, and shows its damage only where it is read.
                Err(RecoverError::Store(StoreError::Damaged(reason))) => {
                    warn!(reason, "the store cannot be read");
                    self.rebuild(store, ends, cluster, "damaged")
                }
                Err(error) => Err(error),
            },
        }
    }

    /// A foreign open transaction hides committed rows behind it, our own too: wait until it is settled.
    fn settled_ends(&mut self) -> Result<Ends, RecoverError> {
        loop {
            let ends = self.changelog.ends()?;
            if ends.committed_end == ends.uncommitted_end {
                return Ok(ends);
            }
            let hidden = ends.uncommitted_end - ends.committed_end;
            warn!(hidden, "a foreign transaction is open on the changelog and hides records: waiting for it to end");
            (self.progress)("waiting for a foreign transaction on the changelog to end");
            if self.stop.wait(FOREIGN_WAIT) {
                return Err(RecoverError::Stopped);
            }
        }
    }

    fn open(&self, ends: Ends, cluster: Option<ChangelogId>) -> Result<(Arc<dyn Store>, Found), RecoverError> {
        if self.rebuild {
            self.home.set_aside()?;
        }
        match self.home.open() {
            Ok(store) => {
                let found = self.assess(store.meta()?, store.as_ref(), ends, cluster);
                Ok((store, found))
            }
            Err(StoreError::Damaged(reason)) => {
                warn!(reason, "the store cannot be opened");
                self.home.set_aside()?;
                Ok((self.home.open()?, Found::Rebuild("unreadable")))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn assess(&self, meta: Option<StoreMeta>, store: &dyn Store, ends: Ends, cluster: Option<ChangelogId>) -> Found {
        let Some(meta) = meta else {
            // Nobody deletes the beginning of a changelog that was never written.
            let emptied = cluster.is_none() && ends.low > 0 && !self.rebuild;
            let refused = || Found::Refuse(RefusedStart::ChangelogEmptied { low: ends.low });
            return if emptied { refused() } else { Found::Rebuild("empty") };
        };
        match cluster {
            // The store remembers batches, the changelog none: it is not the one that they were written to.
            None if store.get(&RowName::Manifest.to_bytes()).is_ok_and(|row| row.is_some()) => {
                return Found::Refuse(RefusedStart::AheadOfChangelog {
                    store: meta.position.0,
                    end: ends.committed_end,
                });
            }
            Some(cluster) if cluster != meta.changelog => {
                return Found::Refuse(RefusedStart::OtherChangelog { store: meta.changelog, cluster });
            }
            Some(_) | None => {}
        }
        let position = meta.position;
        if meta.replaying {
            Found::Rebuild("a rebuild was interrupted")
        } else if position.0 > ends.committed_end {
            Found::Refuse(RefusedStart::AheadOfChangelog { store: position.0, end: ends.committed_end })
        } else if position.0 < ends.low {
            Found::Rebuild("older than the changelog's start")
        } else if position.0 < ends.committed_end && self.tombstones_gone(store) {
            Found::Rebuild("too old for the changelog's tail")
        } else {
            Found::Tail(position)
        }
    }

    fn tombstones_gone(&self, store: &dyn Store) -> bool {
        let manifest = store.get(&RowName::Manifest.to_bytes()).ok().flatten();
        let written = manifest.and_then(|value| Manifest::decode(&value).ok()).map(|manifest| manifest.at);
        written.is_none_or(|at| self.now.since(at) > TOMBSTONES_KEPT)
    }

    fn rebuild(
        &mut self,
        store: Arc<dyn Store>,
        ends: Ends,
        cluster: Option<ChangelogId>,
        why: &'static str,
    ) -> Result<Recovered, RecoverError> {
        let meta = store.meta()?;
        // sled lets go of its directory when its last handle is dropped.
        drop(store);
        let records = ends.committed_end - ends.low;
        info!(why, records, "building the store from the changelog");
        match meta {
            None => {}
            // Half of what the changelog has, and nothing else.
            Some(meta) if meta.replaying => self.home.discard()?,
            // Kept for a person to look at.
            Some(_) => drop(self.home.set_aside()?),
        }
        let store = self.home.open()?;
        let from = Position(ends.low);
        match self.load(store, from, ends, cluster)? {
            Ok(recovered) => Ok(recovered),
            Err(damage) => Err(RefusedStart::ChangelogDamaged(damage).into()),
        }
    }

    /// Brings the store to the changelog's end and the engine out of the store.
    fn load(
        &mut self,
        store: Arc<dyn Store>,
        from: Position,
        ends: Ends,
        cluster: Option<ChangelogId>,
    ) -> Result<Result<Recovered, Damage>, RecoverError> {
        let Some(cluster) = cluster else { return self.first_start(store).map(Ok) };
        if store.meta()?.is_none() {
            store.set_changelog(cluster)?;
            store.begin_replay()?;
        }
        let applied =
            tail::apply(self.changelog, store.as_ref(), from, ends, self.stop).map_err(|error| match error {
                TailError::Kafka(fault) => RecoverError::Kafka(fault),
                TailError::Store(error) => RecoverError::Store(error),
                TailError::Stopped => RecoverError::Stopped,
            })?;
        if store.meta()?.is_some_and(|meta| meta.replaying) {
            store.end_replay()?;
        }
        info!(from = from.0, to = ends.committed_end, rows = applied, "changelog tail applied");
        (self.progress)("loading the open cases");
        let codec = Codec::new(cluster);
        let loaded = match read_rows(store.as_ref(), &codec) {
            Ok(loaded) => loaded,
            Err(RecoverError::Row(error)) => {
                return Ok(Err(Damage::Row(error)));
            }
            Err(error) => return Err(error),
        };
        let Some(manifest) = loaded.manifest else {
            return Ok(Err(Damage::NoManifest));
        };
        if loaded.ledger.sum() != manifest.checksum {
            return Ok(Err(Damage::Sum { found: loaded.ledger.sum(), manifest: manifest.checksum }));
        }
        let Loaded { restore, ledger, segments, unfit, .. } = loaded;
        if let Some(unfit) = unfit {
            return Err(unfit.into());
        }
        let (policy, text) = self.policy_of(&restore)?;
        let engine = restore.finish(self.seed, policy, text)?;
        let state_hash = format!("{:032x}", manifest.checksum);
        info!(batch = manifest.batch, %state_hash, changelog = %cluster, "state recovered");
        Ok(Ok(Recovered { store, engine, codec, ledger, segments, manifest, first_start: false }))
    }

    fn first_start(&self, store: Arc<dyn Store>) -> Result<Recovered, RecoverError> {
        // A first start that ended before its first commit has named the store already.
        let changelog = match store.meta()? {
            Some(meta) => meta.changelog,
            None => {
                let changelog = ChangelogId::random();
                store.set_changelog(changelog)?;
                changelog
            }
        };
        info!(%changelog, "first start on an empty changelog");
        Ok(Recovered {
            store,
            engine: Engine::new(self.seed, self.policy.clone(), Arc::clone(self.policy_text)),
            codec: Codec::new(changelog),
            ledger: Ledger::default(),
            segments: Segments::default(),
            manifest: Manifest::first(changelog),
            first_start: true,
        })
    }

    /// The policy that was in force at the last batch, which is not always the configured one.
    fn policy_of(&self, restore: &Restore) -> Result<(Policy, Arc<str>), RecoverError> {
        match restore.policy() {
            Some(state) => Ok((config::parse_policy(&state.text)?, Arc::clone(&state.text))),
            None => Ok((self.policy.clone(), Arc::clone(self.policy_text))),
        }
    }
}

/// Why rows are not a state.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    #[error("a row cannot be read ({0})")]
    Row(RowError),
    #[error("there is no manifest")]
    NoManifest,
    #[error("the rows have checksum {found:032x} and the manifest says {manifest:032x}")]
    Sum { found: u128, manifest: u128 },
}

#[derive(Default)]
pub(super) struct Loaded {
    pub restore: Restore,
    pub ledger: Ledger,
    pub segments: Segments,
    pub manifest: Option<Manifest>,
    /// The first rows that do not fit together. The checksum comes first: it says whether the store is to blame.
    pub unfit: Option<RestoreError>,
}

/// Reads every row once, in the order of the names, and keeps what is hot.
pub(super) fn read_rows(store: &dyn Store, codec: &Codec) -> Result<Loaded, RecoverError> {
    let mut loaded = Loaded::default();
    let mut failed = None;
    store.for_each(&mut |key, value| match loaded.take(codec, key, value) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    match failed {
        Some(error) => Err(error),
        None => loaded.take_missing(store, codec).map(|()| loaded),
    }
}

impl Loaded {
    fn take(&mut self, codec: &Codec, key: &[u8], value: &[u8]) -> Result<(), RecoverError> {
        let row = codec.decode(key, value)?;
        let checksum = Codec::checksum(value)?;
        match row {
            StoredRow::Manifest(manifest) => self.manifest = Some(manifest),
            StoredRow::Claim(_) => {}
            StoredRow::State(row) => match self.restore.take(row) {
                Ok(Taken::Kept) => self.ledger.load(key, checksum),
                Ok(Taken::PassedOver) => self.ledger.load_cold(checksum),
                Err(error) => {
                    self.ledger.load_cold(checksum);
                    self.unfit.get_or_insert(error);
                }
            },
            StoredRow::Segment(segment) => {
                self.ledger.shift(checksum);
                self.segments.take(&segment, checksum, &|_, _| false)?;
            }
            // No version writes these any more.
            StoredRow::CaseSegments(_) => self.ledger.load_cold(checksum),
        }
        Ok(())
    }

    /// Rows that were passed over and turned out to be needed. What is not there, the engine will name.
    fn take_missing(&mut self, store: &dyn Store, codec: &Codec) -> Result<(), RecoverError> {
        loop {
            let mut found = false;
            for key in self.restore.missing() {
                let name = RowName::Engine(key).to_bytes();
                let Some(value) = store.get(&name)? else { continue };
                if let StoredRow::State(row) = codec.decode(&name, &value)? {
                    self.ledger.warm(&name, Codec::checksum(&value)?);
                    self.restore.take_missing(row);
                    found = true;
                }
            }
            if !found {
                return Ok(());
            }
        }
    }
}

//! The store on disk: one sled tree of rows, and one of what the store says of itself, written in one transaction.
//!
//! sled's `flush` does not fsync on Linux, and a damaged file may panic inside it: neither matters, because the changelog
//! is the truth. What matters is that damage is told, so panics at opening become `Damaged`.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::{ChangelogId, FORMAT, Position, Row, Store, StoreError, StoreMeta};

const ROWS: &[u8] = b"rows";
/// In the tree of rows, before every row's name, so that one batch of one tree carries the position too.
const POSITION: &[u8] = b"\0\0position";
const META: &[u8] = b"meta";
const CHANGELOG: &[u8] = b"changelog";
const FORMAT_KEY: &[u8] = b"format";
const REPLAYING: &[u8] = b"replaying";

pub struct SledStore {
    db: sled::Db,
    rows: sled::Tree,
    meta: sled::Tree,
}

impl SledStore {
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let opened = catch_unwind(|| {
            let db = sled::Config::new()
                .path(path)
                .cache_capacity(cache_bytes)
                .mode(sled::Mode::HighThroughput)
                .flush_every_ms(Some(1_000))
                .open()?;
            let (rows, meta) = (db.open_tree(ROWS)?, db.open_tree(META)?);
            Ok(Self { db, rows, meta })
        });
        let store = match opened {
            Ok(opened) => opened.map_err(|error| sort("open", path, error))?,
            Err(_) => return Err(StoreError::Damaged("sled panicked while opening it".to_owned())),
        };
        match store.number(FORMAT_KEY)? {
            None => {
                store.put_meta(FORMAT_KEY, &u64::from(FORMAT).to_be_bytes())?;
                Ok(store)
            }
            Some(found) if found == u64::from(FORMAT) => Ok(store),
            Some(found) => Err(StoreError::Format { found: u32::try_from(found).unwrap_or(u32::MAX) }),
        }
    }

    fn number(&self, key: &[u8]) -> Result<Option<u64>, StoreError> {
        let value = guarded("read", || self.meta.get(key))?;
        Ok(value.and_then(|value| value.as_ref().try_into().ok()).map(u64::from_be_bytes))
    }

    fn put_meta(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        guarded("write", || self.meta.insert(key, value).map(|_| ()))
    }
}

impl Store for SledStore {
    fn apply(&self, rows: &[&Row], position: Position) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for row in rows {
            match &row.value {
                Some(value) => batch.insert(&*row.key, &**value),
                None => batch.remove(&*row.key),
            }
        }
        batch.insert(POSITION, &position.0.to_be_bytes());
        guarded("write", || self.rows.apply_batch(batch))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Box<[u8]>>, StoreError> {
        Ok(guarded("read", || self.rows.get(key))?.map(|value| value.as_ref().into()))
    }

    fn for_each(&self, visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>) -> Result<(), StoreError> {
        guarded("read", || {
            for entry in &self.rows {
                let (key, value) = entry?;
                if key != POSITION && visit(&key, &value).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn meta(&self) -> Result<Option<StoreMeta>, StoreError> {
        let changelog = guarded("read", || self.meta.get(CHANGELOG))?;
        let Some(changelog) = changelog.and_then(|value| value.as_ref().try_into().ok()).map(ChangelogId) else {
            return Ok(None);
        };
        let position = guarded("read", || self.rows.get(POSITION))?;
        let position = position.and_then(|value| value.as_ref().try_into().ok()).map_or(0, i64::from_be_bytes);
        let replaying = self.number(REPLAYING)?.is_some();
        Ok(Some(StoreMeta { changelog, position: Position(position), format: FORMAT, replaying }))
    }

    fn set_changelog(&self, changelog: ChangelogId) -> Result<(), StoreError> {
        match self.meta()? {
            Some(meta) => Err(StoreError::HasChangelog(meta.changelog)),
            None => self.put_meta(CHANGELOG, &changelog.0),
        }
    }

    fn begin_replay(&self) -> Result<(), StoreError> {
        self.put_meta(REPLAYING, &1_u64.to_be_bytes())
    }

    fn end_replay(&self) -> Result<(), StoreError> {
        guarded("write", || self.meta.remove(REPLAYING).map(|_| ()))
    }

    fn flush(&self) -> Result<(), StoreError> {
        guarded("write", || self.db.flush().map(|_| ()))
    }

    fn size_on_disk(&self) -> Result<u64, StoreError> {
        guarded("measure", || self.db.size_on_disk())
    }
}

/// A damaged page may panic as late as it is read.
fn guarded<T>(action: &'static str, call: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| sort(action, Path::new(""), error)),
        Err(_) => Err(StoreError::Damaged(format!("sled panicked trying to {action} it"))),
    }
}

fn sort(action: &'static str, path: &Path, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(source) if is_lock(&source) => StoreError::Locked(path.display().to_string()),
        sled::Error::Io(source) => StoreError::Io { action, source },
        sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) | sled::Error::Unsupported(_) => {
            StoreError::Damaged(error.to_string())
        }
        sled::Error::CollectionNotFound(_) => StoreError::Damaged(error.to_string()),
    }
}

/// sled reports a held lock as an error of kind `Other` that says so.
fn is_lock(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock || error.to_string().contains("could not acquire lock")
}

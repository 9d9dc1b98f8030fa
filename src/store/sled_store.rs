//! The store on disk. One sled tree holds the rows and, under a key that is in no changelog, what the store says of
//! itself: sled's batches are atomic within one tree, so rows and position cannot part. sled panics on some kinds of
//! damage; here a panic becomes `Damaged`, and the pipeline builds a new store from the changelog.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::row::STORE_META;
use super::{ChangelogId, FORMAT, Position, Row, Store, StoreError, StoreMeta, Visitor};

/// Beside the rows, so that a directory of another format is known without opening it.
const FORMAT_FILE: &str = "format";
const ROWS_DIR: &str = "rows";
/// sled hands its buffers to the operating system this often; nothing waits for it.
const FLUSH_EVERY_MS: u64 = 500;
const META_BYTES: usize = 16 + 8 + 4 + 1;
const SUM_BYTES: usize = 16;

/// sled lets go of its lock a moment after its last handle is dropped.
const LOCK_MAX: Duration = Duration::from_secs(3);
const LOCK_LOOK: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub struct SledStore {
    db: sled::Db,
    /// The same as in the tree, so that a batch need not read it. Held while a batch is applied: one writer.
    meta: Mutex<Option<StoreMeta>>,
}

impl SledStore {
    /// Opens the store in `dir`, or makes a new one there.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let until = Instant::now() + LOCK_MAX;
        loop {
            match Self::open_once(path, cache_bytes) {
                Err(StoreError::Locked(_)) if Instant::now() < until => std::thread::sleep(LOCK_LOOK),
                opened => return opened,
            }
        }
    }

    fn open_once(dir: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        fs::create_dir_all(dir).map_err(|source| StoreError::Io { action: "make the directory of", source })?;
        check_format(dir)?;
        let config = sled::Config::new()
            .path(dir.join(ROWS_DIR))
            .cache_capacity(cache_bytes)
            .flush_every_ms(Some(FLUSH_EVERY_MS));
        let db = guard(|| config.open().map_err(|error| at_open(error, dir)))?;
        let meta = guard(|| read_meta(&db))?;
        Ok(Self { db, meta: Mutex::new(meta) })
    }

    fn write(&self, batch: &mut sled::Batch, next: StoreMeta, held: &mut Option<StoreMeta>) -> Result<(), StoreError> {
        batch.insert(&STORE_META, meta_bytes(&next));
        guard(|| self.db.apply_batch(std::mem::take(batch)).map_err(|error| failed("write", error)))?;
        *held = Some(next);
        Ok(())
    }

    fn set_replaying(&self, replaying: bool) -> Result<(), StoreError> {
        let mut held = self.meta.lock().unwrap_or_else(PoisonError::into_inner);
        let meta = held.ok_or(StoreError::NoChangelog)?;
        self.write(&mut sled::Batch::default(), StoreMeta { replaying, ..meta }, &mut held)?;
        self.flush()
    }
}

impl Store for SledStore {
    fn apply(&self, rows: &[&Row], position: Position) -> Result<(), StoreError> {
        let mut held = self.meta.lock().unwrap_or_else(PoisonError::into_inner);
        let meta = held.ok_or(StoreError::NoChangelog)?;
        let mut batch = sled::Batch::default();
        for row in rows {
            match &row.value {
                Some(value) => batch.insert(&*row.key, &**value),
                None => batch.remove(&*row.key),
            }
        }
        self.write(&mut batch, StoreMeta { position, ..meta }, &mut held)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Box<[u8]>>, StoreError> {
        let found = guard(|| self.db.get(key).map_err(|error| failed("read", error)))?;
        Ok(found.map(|value| Box::from(&*value)))
    }

    fn for_each_from(&self, from: &[u8], visit: &mut Visitor<'_>) -> Result<(), StoreError> {
        let mut rows = self.db.range(from..);
        // Only sled's own work is guarded: a panic of the visitor is the visitor's.
        while let Some(row) = guard(|| rows.next().transpose().map_err(|error| failed("read", error)))? {
            let (key, value) = row;
            if *key != STORE_META && visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn meta(&self) -> Result<Option<StoreMeta>, StoreError> {
        Ok(*self.meta.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_changelog(&self, changelog: ChangelogId) -> Result<(), StoreError> {
        let mut held = self.meta.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(meta) = *held {
            return Err(StoreError::HasChangelog(meta.changelog));
        }
        let meta = StoreMeta { changelog, position: Position(0), format: FORMAT, replaying: false };
        self.write(&mut sled::Batch::default(), meta, &mut held)
    }

    fn begin_replay(&self) -> Result<(), StoreError> {
        self.set_replaying(true)
    }

    fn end_replay(&self) -> Result<(), StoreError> {
        self.set_replaying(false)
    }

    fn flush(&self) -> Result<(), StoreError> {
        guard(|| self.db.flush().map_err(|error| failed("flush", error)))?;
        Ok(())
    }

    fn size_on_disk(&self) -> Result<u64, StoreError> {
        guard(|| self.db.size_on_disk().map_err(|error| failed("measure", error)))
    }
}

/// Refuses a directory of another format, and marks a new one.
fn check_format(dir: &Path) -> Result<(), StoreError> {
    let file = dir.join(FORMAT_FILE);
    match fs::read_to_string(&file) {
        Ok(text) => match text.trim().parse() {
            Ok(FORMAT) => Ok(()),
            Ok(found) => Err(StoreError::Format { found }),
            Err(_) => Err(StoreError::Damaged("the format file holds no number".to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => mark_format(dir, &file),
        Err(source) => Err(StoreError::Io { action: "read the format of", source }),
    }
}

fn mark_format(dir: &Path, file: &Path) -> Result<(), StoreError> {
    if dir.join(ROWS_DIR).exists() {
        return Err(StoreError::Damaged("there are rows, and no format file".to_owned()));
    }
    fs::write(file, format!("{FORMAT}\n")).map_err(|source| StoreError::Io { action: "mark", source })
}

/// Runs sled's work; its panics on damaged files become an error.
fn guard<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(StoreError::Damaged(text.unwrap_or("sled panicked").to_owned()))
    })
}

fn at_open(error: sled::Error, dir: &Path) -> StoreError {
    match &error {
        // sled has no kind of its own for this.
        sled::Error::Io(io) if io.to_string().contains("could not acquire lock") => {
            StoreError::Locked(dir.display().to_string())
        }
        _ => failed("open", error),
    }
}

fn failed(action: &'static str, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(source) => StoreError::Io { action, source },
        damaged => StoreError::Damaged(damaged.to_string()),
    }
}

fn read_meta(db: &sled::Db) -> Result<Option<StoreMeta>, StoreError> {
    let Some(bytes) = db.get(STORE_META).map_err(|error| failed("read", error))? else {
        return if db.is_empty() { Ok(None) } else { Err(StoreError::Damaged("rows without a position".to_owned())) };
    };
    let meta = parse_meta(&bytes).ok_or_else(|| StoreError::Damaged("the position cannot be read".to_owned()))?;
    if meta.format == FORMAT { Ok(Some(meta)) } else { Err(StoreError::Format { found: meta.format }) }
}

fn meta_bytes(meta: &StoreMeta) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(META_BYTES + SUM_BYTES);
    bytes.extend_from_slice(&meta.changelog.0);
    bytes.extend_from_slice(&meta.position.0.to_be_bytes());
    bytes.extend_from_slice(&meta.format.to_be_bytes());
    bytes.push(u8::from(meta.replaying));
    let sum = blake3::hash(&bytes);
    bytes.extend_from_slice(&sum.as_bytes()[..SUM_BYTES]);
    bytes
}

fn parse_meta(bytes: &[u8]) -> Option<StoreMeta> {
    let (content, sum) = bytes.split_last_chunk::<SUM_BYTES>()?;
    if blake3::hash(content).as_bytes()[..SUM_BYTES] != sum[..] {
        return None;
    }
    let (changelog, rest) = content.split_first_chunk()?;
    let (position, rest) = rest.split_first_chunk()?;
    let (format, rest) = rest.split_first_chunk()?;
    let [replaying] = rest else { return None };
    Some(StoreMeta {
        changelog: ChangelogId(*changelog),
        position: Position(i64::from_be_bytes(*position)),
        format: u32::from_be_bytes(*format),
        replaying: *replaying != 0,
    })
}

/// Moves the directory out of the way, for a person to look at, and answers where to.
pub(super) fn set_aside(dir: &Path) -> Result<PathBuf, StoreError> {
    let name = |number: u32| {
        let mut name = dir.as_os_str().to_owned();
        name.push(format!(".set-aside-{number}"));
        PathBuf::from(name)
    };
    let free = (1..u32::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0));
    fs::rename(dir, &free).map_err(|source| StoreError::Io { action: "set aside", source })?;
    Ok(free)
}

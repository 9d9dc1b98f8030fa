//! Where a shard's store lives: a directory, or nowhere but in memory. Recovery opens it, and sets a damaged one aside.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{MemoryStore, SledStore, Store, StoreError, sled_store};

#[derive(Debug)]
pub struct StoreHome(Place);

#[derive(Debug)]
enum Place {
    Directory { path: PathBuf, cache_bytes: u64 },
    Memory(Mutex<Arc<MemoryStore>>),
}

impl StoreHome {
    #[must_use]
    pub fn directory(path: impl Into<PathBuf>, cache_bytes: u64) -> Self {
        Self(Place::Directory { path: path.into(), cache_bytes })
    }

    /// Opened again, it is the same store, as a directory would be.
    #[must_use]
    pub fn memory() -> Self {
        Self(Place::Memory(Mutex::default()))
    }

    pub fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        match &self.0 {
            Place::Directory { path, cache_bytes } => Ok(Arc::new(SledStore::open(path, *cache_bytes)?)),
            Place::Memory(store) => Ok(Arc::clone(&*store.lock().unwrap_or_else(PoisonError::into_inner)) as _),
        }
    }

    /// Whether there is nothing to set aside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Place::Directory { path, .. } => fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none()),
            Place::Memory(store) => {
                let store = store.lock().unwrap_or_else(PoisonError::into_inner);
                matches!(store.meta(), Ok(None))
            }
        }
    }

    /// What the store takes on disk, without opening it; 0 where that cannot be told.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match &self.0 {
            Place::Directory { path, .. } => bytes_below(path),
            Place::Memory(store) => {
                let store = Arc::clone(&*store.lock().unwrap_or_else(PoisonError::into_inner));
                store.size_on_disk().unwrap_or(0)
            }
        }
    }

    /// Makes room for a new store where the old one is worth nothing. Whoever has it open must have let go of it.
    pub fn discard(&self) -> Result<(), StoreError> {
        match &self.0 {
            Place::Directory { path, .. } => {
                fs::remove_dir_all(path).map_err(|source| StoreError::Io { action: "remove the half of", source })
            }
            Place::Memory(store) => {
                *store.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
                Ok(())
            }
        }
    }

    /// Makes room for a new store; the old one is kept beside it. Answers where, if there was a directory. Whoever has
    /// the old one open must have let go of it.
    pub fn set_aside(&self) -> Result<Option<PathBuf>, StoreError> {
        match &self.0 {
            Place::Directory { path, .. } if path.exists() => sled_store::set_aside(path).map(Some),
            Place::Directory { .. } => Ok(None),
            Place::Memory(store) => {
                *store.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
                Ok(None)
            }
        }
    }
}

/// Files come and go meanwhile: what is gone when it is looked at weighs nothing.
fn bytes_below(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let weigh = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(weigh).sum()
}

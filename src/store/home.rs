//! Where a shard's store lives, and how it is put aside.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{MemoryStore, SledStore, Store, StoreError};

#[derive(Clone, Debug)]
pub enum StoreHome {
    Disk { path: PathBuf, cache_bytes: u64 },
    /// Gone with the process; every opening begins anew.
    Memory,
}

impl StoreHome {
    pub fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        match self {
            Self::Disk { path, cache_bytes } => {
                std::fs::create_dir_all(path).map_err(|source| StoreError::Io { action: "make", source })?;
                Ok(Arc::new(SledStore::open(path, *cache_bytes)?))
            }
            Self::Memory => Ok(Arc::new(MemoryStore::new())),
        }
    }

    /// Moves the store out of the way, so that the next opening begins with an empty one. One is kept for looking at; an
    /// older one goes, because disks are bounded.
    pub fn set_aside(&self) -> Result<(), StoreError> {
        let Self::Disk { path, .. } = self else { return Ok(()) };
        if !path.exists() {
            return Ok(());
        }
        let aside = aside_of(path);
        let moved = if aside.exists() { std::fs::remove_dir_all(&aside) } else { Ok(()) };
        moved
            .and_then(|()| std::fs::rename(path, &aside))
            .map_err(|source| StoreError::Io { action: "set aside", source })
    }

    /// Whether there is nothing to set aside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Disk { path, .. } => !path.exists(),
            Self::Memory => true,
        }
    }
}

/// `data` becomes `data.aside`, beside it.
fn aside_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".aside");
    path.with_file_name(name)
}

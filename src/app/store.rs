//! `casewright store`.

use std::ops::ControlFlow;

use clap::Subcommand;

use super::{AppError, ConfigArgs};
use crate::store::{Codec, RowName, Store, StoreHome, StoredRow};

#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Whose rows these are, where they stand, how many there are.
    Info(ConfigArgs),
    /// Check every row's checksum, and their sum against the manifest; exit 1 if anything is damaged.
    Verify(ConfigArgs),
}

/// What one pass over the rows found.
#[derive(Default)]
struct Found {
    rows: u64,
    bytes: u64,
    damaged: u64,
    sum: u128,
    manifest: Option<crate::store::Manifest>,
}

pub fn run(command: &StoreCommand) -> Result<(), AppError> {
    let (args, verify) = match command {
        StoreCommand::Info(args) => (args, false),
        StoreCommand::Verify(args) => (args, true),
    };
    let config = args.load()?;
    let (path, cache_bytes) = (config.store.path.clone(), config.store.cache_bytes);
    if !path.exists() {
        return Err(AppError::Failed(format!("there is no store at {}", path.display())));
    }
    let store = StoreHome::directory(path, cache_bytes).open()?;
    let Some(meta) = store.meta()? else {
        println!("the store is empty");
        return Ok(());
    };
    let found = look(store.as_ref(), &Codec::new(meta.changelog))?;
    println!("changelog {}, next offset {}, format {}", meta.changelog, meta.position.0, meta.format);
    println!("{} rows, {} bytes, {} bytes on disk", found.rows, found.bytes, store.size_on_disk()?);
    if let Some(manifest) = &found.manifest {
        println!("batch {}, state hash {:032x}", manifest.batch, manifest.checksum);
        for position in &manifest.positions {
            println!("input {}/{} at {}", position.topic.as_str(), position.partition, position.next_offset);
        }
    }
    if verify { judge(&found) } else { Ok(()) }
}

fn look(store: &dyn Store, codec: &Codec) -> Result<Found, AppError> {
    let mut found = Found::default();
    store.for_each(&mut |key, value| {
        found.rows += 1;
        found.bytes += (key.len() + value.len()) as u64;
        match codec.decode(key, value) {
            Ok(StoredRow::Manifest(manifest)) => found.manifest = Some(manifest),
            Ok(StoredRow::Claim(_)) => {}
            Ok(StoredRow::State(_) | StoredRow::Segment(_) | StoredRow::CaseSegments(_)) => {
                found.sum ^= Codec::checksum(value).unwrap_or(0);
            }
            Err(error) => {
                found.damaged += 1;
                println!("damaged row {:?}: {error}", RowName::from_bytes(key).ok());
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn judge(found: &Found) -> Result<(), AppError> {
    let said = found.manifest.as_ref().map_or(0, |manifest| manifest.checksum);
    if found.damaged == 0 && found.sum == said {
        println!("every row is whole, and together they are what the manifest says");
        return Ok(());
    }
    Err(AppError::Failed(format!("{} damaged rows; the rows sum to {:032x}, the manifest says {said:032x}", found.damaged, found.sum)))
}

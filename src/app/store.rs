//! `casewright store`: what is in a store directory, whether it is whole, and how to move it.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;

use super::{AppError, ConfigArgs};
use crate::store::{self, Info, Store, StoreHome};

#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Whose rows these are, where they stand, how many there are
    Info(ConfigArgs),
    /// Check every row's checksum, and their sum against the manifest; exit 1 if anything is damaged
    Verify(ConfigArgs),
    /// Write the whole store to one portable file
    Export(FileArgs),
    /// Fill an empty store directory from such a file
    Import(FileArgs),
}

#[derive(Debug, clap::Args)]
pub struct FileArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(command: &StoreCommand) -> Result<(), AppError> {
    match command {
        StoreCommand::Info(args) => {
            tell(&store::info(open(args, true)?.as_ref())?);
            Ok(())
        }
        StoreCommand::Verify(args) => verify(open(args, true)?.as_ref()),
        StoreCommand::Export(args) => export(open(&args.config, true)?.as_ref(), &args.file),
        StoreCommand::Import(args) => import(open(&args.config, false)?.as_ref(), &args.file),
    }
}

fn open(args: &ConfigArgs, must_exist: bool) -> Result<Arc<dyn Store>, AppError> {
    let config = args.load()?;
    let path = &config.store.path;
    if must_exist && !path.exists() {
        return Err(AppError::Failed(format!("there is no store at {}", path.display())));
    }
    Ok(StoreHome::directory(path, config.store.cache_bytes).open()?)
}

fn tell(info: &Info) {
    let Some(meta) = info.meta else {
        println!("the store is empty");
        return;
    };
    println!("changelog   {}", meta.changelog);
    println!("position    {}", meta.position.0);
    println!("format      {}", meta.format);
    println!("rows        {} ({} bytes; {} on disk)", info.rows, info.bytes, info.size_on_disk);
    for (kind, count) in &info.kinds {
        println!("  {kind:<16} {:>8} rows {:>12} bytes, the largest {}", count.rows, count.bytes, count.largest);
    }
    if let Some(manifest) = &info.manifest {
        println!("batch       {}", manifest.batch);
        println!("state hash  {:032x}", manifest.checksum);
        for position in &manifest.positions {
            println!("input       {}/{} at {}", position.topic.as_str(), position.partition, position.next_offset);
        }
    }
}

fn verify(store: &dyn Store) -> Result<(), AppError> {
    let report = store::verify(store)?;
    tell(&report.info);
    for fault in &report.faults {
        println!("fault       {fault}");
    }
    if report.is_sound() {
        println!("every row is whole, and together they are what the manifest says");
        Ok(())
    } else {
        Err(AppError::Failed(format!("{} faults", report.faults_total)))
    }
}

fn export(store: &dyn Store, file: &Path) -> Result<(), AppError> {
    let io = |source| AppError::Io { doing: format!("writing {}", file.display()), source };
    let mut out = BufWriter::new(File::create_new(file).map_err(io)?);
    let report = store::export(store, &mut out)?;
    println!("{} rows of changelog {} to {}", report.rows, report.changelog, file.display());
    Ok(())
}

fn import(store: &dyn Store, file: &Path) -> Result<(), AppError> {
    let io = |source| AppError::Io { doing: format!("reading {}", file.display()), source };
    let mut input = BufReader::new(File::open(file).map_err(io)?);
    let report = store::import(&mut input, store)?;
    println!("{} rows of changelog {}, next offset {}", report.rows, report.changelog, report.position.0);
    Ok(())
}

//! `store`: look into a store's directory and move it, while no daemon has it open.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;

#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The directory, instead of what the configuration says
    #[arg(long, value_name = "DIR", global = true)]
    pub path: Option<PathBuf>,
    #[command(subcommand)]
    pub action: StoreAction,
}

#[derive(Clone, Debug, Subcommand)]
pub enum StoreAction {
    /// Say what is in it: changelog, position, rows, size
    Info,
    /// Check every row against its checksum and all of them against the manifest
    Verify,
    /// Write everything into one portable file
    Export {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Fill an empty directory from such a file
    Import {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

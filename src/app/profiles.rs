//! `profiles`: the vendor formats that are known, and the check of one's own.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;

#[derive(Clone, Debug, Args)]
pub struct ProfilesArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(subcommand)]
    pub action: ProfilesAction,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ProfilesAction {
    /// Name the profiles, built-in and one's own
    List,
    /// Write one profile as it stands
    Show {
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Read the profiles of a directory and run their examples
    Test {
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

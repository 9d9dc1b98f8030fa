//! `positions`: where each input stands, and how to move it while the daemon is stopped.

use clap::{Args, Subcommand};

use super::ConfigArgs;

#[derive(Clone, Debug, Args)]
pub struct PositionsArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(subcommand)]
    pub action: PositionsAction,
}

#[derive(Clone, Debug, Subcommand)]
pub enum PositionsAction {
    /// Name the next offset of each input partition
    Show,
    /// Move one partition: skips or repeats records, and says so in the changelog
    Set {
        #[arg(value_name = "TOPIC")]
        topic: String,
        #[arg(value_name = "PARTITION", value_parser = clap::value_parser!(i32).range(0..))]
        partition: i32,
        #[arg(value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
        offset: i64,
    },
}

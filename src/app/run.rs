//! `run`: the daemon.

use clap::Args;

use super::ConfigArgs;

const EXAMPLES: &str = "\
Examples:
  casewright run --config casewright.toml
  casewright run --config casewright.toml --rebuild-store   set the local store aside, read the whole changelog";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Set the local store aside and rebuild it from the changelog
    #[arg(long)]
    pub rebuild_store: bool,
}

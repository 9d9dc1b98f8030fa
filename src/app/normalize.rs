//! `normalize`: one JSON line out for each line in, to see what a profile makes of a record.

use std::path::PathBuf;

use clap::Args;

use super::ConfigArgs;

const EXAMPLES: &str = "\
Examples:
  casewright normalize eve.json
  tail -1 alerts.json | casewright normalize --profile wazuh -";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct NormalizeArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// How lines are read: a profile's name, or auto
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub profile: String,
    /// Files of one record a line; `-` is stdin, `.zst` and `.gz` are read as they are
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

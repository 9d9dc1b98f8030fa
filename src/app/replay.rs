//! `replay`: the same decoder and engine over recorded alerts, without Kafka.

use std::path::PathBuf;

use clap::Args;

use super::ConfigArgs;

const EXAMPLES: &str = "\
Examples:
  casewright replay alerts.jsonl                                    what would the cases be?
  casewright replay --profile suricata --cases cases.jsonl eve.json.zst
  kcat -C -b localhost:9092 -t alerts -e -J | casewright replay --kcat --events events.jsonl -";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// How lines are read: a profile's name, or auto
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub profile: String,
    /// Whose alerts they are
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub tenant: String,
    /// Lines are what `kcat -J` prints; tenant and topic rules apply as live
    #[arg(long)]
    pub kcat: bool,
    /// Write one line per input line: its alert, case and outcome
    #[arg(long, value_name = "OUT")]
    pub assignments: Option<PathBuf>,
    /// Write the case events in order
    #[arg(long, value_name = "OUT")]
    pub events: Option<PathBuf>,
    /// Write the final views of the cases
    #[arg(long, value_name = "OUT")]
    pub cases: Option<PathBuf>,
    /// Write a report of the cases to stdout
    #[arg(long)]
    pub report: bool,
    /// Files of one alert a line; `-` is stdin, `.zst` and `.gz` are read as they are
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

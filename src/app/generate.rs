//! `generate`: a load of realistic alerts from a seed.

use clap::{Args, ValueEnum};

use super::ConfigArgs;

const EXAMPLES: &str = "\
Examples:
  casewright generate --count 1000 > alerts.jsonl
  casewright generate --count 1000000 --rate 20000 --to kafka --topic alerts --config casewright.toml";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GenerateArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// How many alerts
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub count: u64,
    /// At most this many a second; as fast as possible without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,
    /// The same seed gives the same alerts
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Where they go
    #[arg(long, value_enum, default_value_t)]
    pub to: Destination,
    /// The topic, for kafka; the first source's where there is one
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Destination {
    Kafka,
    #[default]
    Stdout,
}

//! The commands and the flags that all of them share. Flags of one command are in that command's file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::{
    case, check_config, completions, dead_letters, demo, generate, health, man, normalize, positions, profiles, replay,
    run, store, topics,
};
use crate::telemetry::Color;

const EXAMPLES: &str = "\
Examples:
  casewright demo --once                             the main job, with no Kafka and no configuration
  casewright topics create --config casewright.toml  the daemon's own topics
  casewright run --config casewright.toml            the daemon
  casewright replay alerts.jsonl --cases cases.jsonl recorded alerts, with no Kafka
  casewright case list --status open                 what there is to look at
  casewright positions show --config casewright.toml where each input stands, and what is stopped
  casewright dead-letters list                       what could not be read, and why
  casewright check-config --config casewright.toml   is this configuration right?
  CASEWRIGHT__HTTP__BIND=127.0.0.1:9000 casewright check-config
  casewright completions bash > /etc/bash_completion.d/casewright

Exit codes: 0 done or stopped on request, 1 failed, 64 bad usage or configuration.";

/// Alerts in from Kafka, cases and case events out, nothing lost and nothing twice.
#[derive(Debug, Parser)]
#[command(name = "casewright", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Debug, Args)]
pub struct GlobalArgs {
    /// What to log to stderr: a level, or target=level with commas between
    #[arg(long, global = true, env = "RUST_LOG", value_name = "FILTER", hide_env_values = true)]
    pub log: Option<String>,
    /// Whether to color what goes to a terminal
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

/// Where the configuration is; without it, all defaults.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// The configuration file; CASEWRIGHT__SECTION__KEY in the environment overrides its keys
    #[arg(long, env = "CASEWRIGHT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The daemon: alerts in from Kafka, cases and case events out
    Run(run::RunArgs),
    /// Everything in one process, with no Kafka and no configuration
    Demo(demo::DemoArgs),
    /// The same decoder and engine over recorded alerts, with no Kafka
    Replay(replay::ReplayArgs),
    /// Each line's alert in the native shape with canonical values, or why it is none
    Normalize(normalize::NormalizeArgs),
    /// Cases in the terminal: look at them, ask why they are, work on them
    Case(case::CaseArgs),
    /// The formats that are known
    #[command(subcommand)]
    Profiles(profiles::ProfilesCommand),
    /// Make or compare the daemon's Kafka topics
    #[command(subcommand)]
    Topics(topics::TopicsCommand),
    /// Where each input stands; move it, with the daemon stopped
    #[command(subcommand)]
    Positions(positions::PositionsCommand),
    /// What could not be read, and sending it again after a repair
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
    /// Write a load of realistic alerts
    Generate(generate::GenerateArgs),
    /// Look into a store directory, or move it, with the daemon stopped
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Parse, validate and explain the configuration
    CheckConfig(check_config::CheckConfigArgs),
    /// Ask a running daemon whether it is live
    Health(health::HealthArgs),
    /// Write completions for a shell to stdout
    Completions(completions::CompletionsArgs),
    /// Write the manual page to stdout
    Man(man::ManArgs),
}

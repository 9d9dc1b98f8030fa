//! The commands: each builds its parts in one straight line and stops them in reverse.

mod check_config;
mod generate;
mod lines;
mod normalize;
mod profiles;
mod replay;
mod run;
mod store;
mod topics;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::{self, Config, ConfigError};
use crate::kafka::{ClientError, KafkaFault};
use crate::pipeline::{PlanError, ReplayError, ShardError};
use crate::store::StoreError;
use crate::telemetry::{Color, LogError, LogOptions};
use crate::wire::ProfileError;

pub const EXIT_DONE: u8 = 0;
pub const EXIT_FAILED: u8 = 1;
/// `EX_USAGE` of sysexits.h: bad usage or configuration.
pub const EXIT_USAGE: u8 = 64;

/// Streaming alert correlation with security case management, on Kafka, exactly once.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to log, as `info`, `debug`, `casewright=debug,warn`.
    #[arg(long, global = true, env = "CASEWRIGHT_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
    /// Whether to colour what goes to a terminal; NO_COLOR says never.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  casewright replay --profile auto alerts.jsonl --cases cases.jsonl
  casewright normalize alerts.jsonl | head -3
  casewright topics create --config casewright.toml
  casewright run --config casewright.toml";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The daemon: alerts in from Kafka, cases and case events out.
    Run(run::RunArgs),
    /// The same decoder and engine over recorded alerts, one a line, with no Kafka.
    Replay(replay::ReplayArgs),
    /// Each line's alert in the native shape with canonical values, or why it is none.
    Normalize(normalize::NormalizeArgs),
    /// The formats that are known.
    #[command(subcommand)]
    Profiles(profiles::ProfilesCommand),
    /// Read the configuration, check it, say what it comes to.
    CheckConfig(ConfigArgs),
    /// The daemon's own Kafka topics.
    #[command(subcommand)]
    Topics(topics::TopicsCommand),
    /// Look into a store directory (with the daemon stopped).
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// A load of realistic alerts.
    Generate(generate::GenerateArgs),
    /// Completions for a shell, to stdout.
    Completions { shell: clap_complete::Shell },
    /// The manual page, to stdout.
    Man,
}

#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// The configuration; every key has a default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigArgs {
    pub(crate) fn load(&self) -> Result<Config, AppError> {
        load_config(self.config.as_deref())
    }
}

pub(crate) fn load_config(path: Option<&Path>) -> Result<Config, AppError> {
    Ok(config::load(path, std::env::vars())?)
}

/// What ends a command early.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{0}")]
    Usage(String),
    #[error("log set-up")]
    Log(#[from] LogError),
    #[error(transparent)]
    Shard(#[from] ShardError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error("kafka")]
    Kafka(#[from] KafkaFault),
    #[error("store")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Failed(String),
    #[error("{doing}")]
    Io {
        doing: String,
        #[source]
        source: std::io::Error,
    },
}

/// The one table of exit codes.
#[must_use]
pub fn exit_code(error: &AppError) -> u8 {
    match error {
        AppError::Config(_)
        | AppError::Profile(_)
        | AppError::Client(_)
        | AppError::Usage(_)
        | AppError::Log(_)
        | AppError::Shard(ShardError::Plan(PlanError::NoStart(_))) => EXIT_USAGE,
        AppError::Shard(_)
        | AppError::Replay(_)
        | AppError::Kafka(_)
        | AppError::Store(_)
        | AppError::Failed(_)
        | AppError::Io { .. } => EXIT_FAILED,
    }
}

/// The error and what it rests on, on one line of stderr.
pub fn print_error(error: &AppError) {
    let mut text = format!("casewright: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    eprintln!("{text}");
}

/// Runs one command to its end.
pub fn run(cli: Cli) -> Result<(), AppError> {
    let color = match cli.color {
        ColorChoice::Auto => Color::Auto,
        ColorChoice::Always => Color::Always,
        ColorChoice::Never => Color::Never,
    };
    crate::telemetry::set_up(&LogOptions { filter: Some(cli.log), color, no_color: std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()) })?;
    match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Normalize(args) => normalize::run(&args),
        Command::Profiles(command) => profiles::run(&command),
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Topics(command) => topics::run(&command),
        Command::Store(command) => store::run(&command),
        Command::Generate(args) => generate::run(&args),
        Command::Completions { shell } => {
            let mut command = <Cli as clap::CommandFactory>::command();
            clap_complete::generate(shell, &mut command, "casewright", &mut std::io::stdout());
            Ok(())
        }
        Command::Man => {
            let page = clap_mangen::Man::new(<Cli as clap::CommandFactory>::command());
            page.render(&mut std::io::stdout())
                .map_err(|source| AppError::Io { doing: "writing the manual page".to_owned(), source })
        }
    }
}

//! The command line: which commands there are, what each of them builds and in which order, and the exit code of every
//! end. The commands themselves live in a file each.

mod case;
mod check_config;
mod cli;
mod completions;
mod dead_letters;
mod demo;
mod error;
mod generate;
mod health;
mod lines;
mod man;
mod normalize;
mod positions;
mod profiles;
mod replay;
mod run;
mod store;
mod topics;

use std::error::Error;
use std::process::ExitCode;

pub use cli::{Cli, Command, ConfigArgs, GlobalArgs};
pub use error::AppError;

use crate::config::Config;
use crate::telemetry::{self, LogOptions};

const OK: u8 = 0;

/// What clap found wrong is told in its own words, with the usage beside it.
#[must_use]
pub fn usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to be done about a terminal that went away.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { error::USAGE } else { OK })
}

/// Runs one command to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    match set_up_logs(&cli.global).and_then(|()| dispatch(cli.command)) {
        Ok(()) => ExitCode::from(OK),
        Err(error) if error.is_reader_gone() => ExitCode::from(OK),
        Err(error) => {
            eprintln!("casewright: {}", chain(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(command: Command) -> Result<(), AppError> {
    match command {
        Command::Case(args) => case::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Normalize(args) => normalize::run(&args),
        Command::Profiles(command) => profiles::run(&command),
        Command::Positions(command) => positions::run(&command),
        Command::DeadLetters(command) => dead_letters::run(&command),
        Command::Topics(command) => topics::run(&command),
        Command::Generate(args) => generate::run(&args),
        Command::Store(command) => store::run(&command),
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

fn set_up_logs(global: &GlobalArgs) -> Result<(), AppError> {
    let filter = global.log.clone().filter(|filter| !filter.is_empty());
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    telemetry::set_up(&LogOptions { filter, color: global.color, no_color }).map_err(AppError::from)
}

impl ConfigArgs {
    pub(crate) fn load(&self) -> Result<Config, AppError> {
        load_config(self)
    }
}

/// The configuration that a command's flags, the environment and the file say together.
pub(crate) fn load_config(args: &ConfigArgs) -> Result<Config, AppError> {
    // A variable that is not UTF-8 can be none of ours: their names and values are.
    let env =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(crate::config::load(args.config.as_deref(), env)?)
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

//! `casewright profiles`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;

use super::{AppError, ConfigArgs};
use crate::wire::{GENERIC, NATIVE, Profiles, check_samples};

#[derive(Debug, Subcommand)]
pub enum ProfilesCommand {
    /// The names that `--profile` and `[[source]] profile` take, besides `auto`, each with its product and its file.
    List(ConfigArgs),
    /// A profile's file, to read or to begin one's own with.
    Show {
        #[command(flatten)]
        config: ConfigArgs,
        name: String,
    },
    /// Reads every profile's own samples and says what did not come out as its file says.
    Test {
        #[command(flatten)]
        config: ConfigArgs,
        /// A directory of one's own profiles, in place of the configuration's.
        dir: Option<PathBuf>,
    },
}

pub fn run(command: &ProfilesCommand) -> Result<(), AppError> {
    match command {
        ProfilesCommand::List(args) => {
            let profiles = load(args, None)?;
            let mut lines =
                format!("{NATIVE:<28} the format of our own\n{GENERIC:<28} any product, by its field names alone\n");
            for profile in profiles.list() {
                lines.push_str(&format!("{:<28} {:<44} {}\n", profile.name, profile.product, profile.file));
            }
            tell(&lines)
        }
        ProfilesCommand::Show { config, name } => {
            let profiles = load(config, None)?;
            let known = || profiles.names().join(", ");
            let none = || AppError::Usage(format!("{name} has no file; known are {}", known()));
            tell(profiles.text(name).ok_or_else(none)?)
        }
        ProfilesCommand::Test { config, dir } => test(config, dir.as_deref()),
    }
}

fn load(args: &ConfigArgs, dir: Option<&Path>) -> Result<Profiles, AppError> {
    let config = args.load()?;
    Ok(Profiles::load(dir.or(config.profiles_dir.as_deref()))?)
}

fn tell(text: &str) -> Result<(), AppError> {
    let writing = |source| AppError::Io { doing: "writing".to_owned(), source };
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(writing)
}

fn test(args: &ConfigArgs, dir: Option<&Path>) -> Result<(), AppError> {
    let profiles = Arc::new(load(args, dir)?);
    let report = check_samples(&profiles, &args.load()?.limits);
    for fault in &report.faults {
        println!("{fault}");
    }
    println!("profiles={} samples={} faults={}", report.profiles, report.samples, report.faults.len());
    match report.faults.len() {
        0 => Ok(()),
        count => Err(AppError::Failed(format!("{count} samples did not come out as their profiles say"))),
    }
}

//! `casewright profiles`.

use clap::Subcommand;

use super::{AppError, ConfigArgs};
use crate::wire::Profiles;

#[derive(Debug, Subcommand)]
pub enum ProfilesCommand {
    /// The names that `--profile` and `[[source]] profile` take, besides `auto`.
    List(ConfigArgs),
}

pub fn run(command: &ProfilesCommand) -> Result<(), AppError> {
    match command {
        ProfilesCommand::List(args) => {
            let profiles = Profiles::load(args.load()?.profiles_dir.as_deref())?;
            for name in profiles.names() {
                println!("{name}");
            }
            Ok(())
        }
    }
}

//! Arguments in, exit code out; everything between is `casewright::app`.

use std::process::ExitCode;

use casewright::app::{self, Cli};
use clap::Parser as _;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => app::run(cli),
        Err(error) => app::usage(&error),
    }
}

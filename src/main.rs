//! Arguments and exit codes; everything else is in the library.

use std::process::ExitCode;

use casewright::app;
use clap::Parser;

fn main() -> ExitCode {
    let cli = match app::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way too.
            let _printed = error.print();
            return ExitCode::from(if error.use_stderr() { app::EXIT_USAGE } else { app::EXIT_DONE });
        }
    };
    match app::run(cli) {
        Ok(()) => ExitCode::from(app::EXIT_DONE),
        Err(error) => {
            app::print_error(&error);
            ExitCode::from(app::exit_code(&error))
        }
    }
}

//! Arguments in, exit code out; everything between is `casewright::app`.

use std::process::ExitCode;

use casewright::app::{self, Cli};
use clap::Parser as _;

/// An alert is allocated by one thread, carried by a second and freed by a third, thousands at a time: the system's
/// allocator spent a third of the engine's time on that.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => app::run(cli),
        Err(error) => app::usage(&error),
    }
}

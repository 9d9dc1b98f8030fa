//! `man`: the manual page, or that of one command.

use std::io::{self, Write};

use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use super::{AppError, Cli};

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write one page per command into this directory instead
    #[arg(long, value_name = "DIR")]
    pub dir: Option<std::path::PathBuf>,
}

pub fn run(args: &ManArgs) -> Result<(), AppError> {
    let written = match &args.dir {
        Some(dir) => clap_mangen::generate_to(Cli::command(), dir),
        None => page().and_then(|text| io::stdout().lock().write_all(&text)),
    };
    written.map_err(AppError::Output)
}

fn page() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(Cli::command()).render(&mut text)?;
    Ok(text)
}

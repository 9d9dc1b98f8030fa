//! `casewright replay`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lines::{each_line, written_at};
use super::{AppError, ConfigArgs, normalize};
use crate::model::Outcome;
use crate::pipeline::{Assignment, Lines, Replay, ReplayReport};
use crate::wire::{AUTO, Decoder, Profiles, lists};

/// How often progress is shown, in lines.
const PROGRESS_EVERY: u64 = 50_000;

#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How the lines are read: a profile's name, or auto.
    #[arg(long, default_value = AUTO, value_name = "NAME")]
    profile: String,
    /// Whose the alerts are, where neither header nor field says so.
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
    /// The lines are what `kcat -J` prints; topics and tenants are read as live.
    #[arg(long)]
    kcat: bool,
    /// Where each line's alert ended, as JSON lines.
    #[arg(long, value_name = "OUT")]
    assignments: Option<PathBuf>,
    /// The case events in their order, as JSON lines.
    #[arg(long, value_name = "OUT")]
    events: Option<PathBuf>,
    /// The final views of all cases, as JSON lines.
    #[arg(long, value_name = "OUT")]
    cases: Option<PathBuf>,
    /// Say more in the summary: why lines were rejected.
    #[arg(long)]
    report: bool,
    /// Files of one record a line; `-` is stdin, `.gz` and `.zst` are read as they are.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

pub fn run(args: &ReplayArgs) -> Result<(), AppError> {
    let config = args.config.load()?;
    let profiles = Profiles::load(config.profiles_dir.as_deref())?;
    let source = normalize::source(&profiles, &args.profile, &args.tenant)?;
    let decoder = Decoder::new(Arc::new(profiles), config.limits.clone()).written_near(written_at(&args.files));
    let mut events = args.events.as_deref().map(create).transpose()?;
    let mut failed = None;
    let mut write_event = |event: &[u8]| {
        if let Some(out) = &mut events
            && let Err(error) = out.write_all(event).and_then(|()| out.write_all(b"\n"))
        {
            failed.get_or_insert(error);
        }
    };
    let lines = if args.kcat { Lines::Kcat } else { Lines::Plain };
    let mut replay = Replay::new(&decoder, &config, source, lines, &mut write_event)?;
    let mut seen = 0;
    replay = replay.with_lists(lists::load(&config.lists.assets, &config.lists.intel)?.lists);
    each_line(&args.files, &mut |file, number, bytes| {
        seen += 1;
        if seen % PROGRESS_EVERY == 0 && io::stderr().is_terminal() {
            eprint!("\r{seen} lines");
        }
        Ok(replay.line(file, number, bytes)?)
    })?;
    let report = replay.finish()?;
    if let Some(error) = failed {
        return Err(AppError::Io { doing: "writing the events".to_owned(), source: error });
    }
    if let Some(mut out) = events {
        out.flush().map_err(|source| AppError::Io { doing: "writing the events".to_owned(), source })?;
    }
    write_outputs(args, &report)?;
    summarise(args, &report);
    Ok(())
}

fn create(path: &Path) -> Result<BufWriter<File>, AppError> {
    let made = File::create(path).map(BufWriter::new);
    made.map_err(|source| AppError::Io { doing: format!("making {}", path.display()), source })
}

fn write_outputs(args: &ReplayArgs, report: &ReplayReport) -> Result<(), AppError> {
    if let Some(path) = &args.assignments {
        let mut out = create(path)?;
        let io = |source| AppError::Io { doing: format!("writing {}", path.display()), source };
        for assignment in &report.assignments {
            writeln!(out, "{}", assignment_line(assignment, report)).map_err(io)?;
        }
        out.flush().map_err(io)?;
    }
    if let Some(path) = &args.cases {
        let mut out = create(path)?;
        let io = |source| AppError::Io { doing: format!("writing {}", path.display()), source };
        for view in report.cases.values() {
            out.write_all(view).and_then(|()| out.write_all(b"\n")).map_err(io)?;
        }
        out.flush().map_err(io)?;
    }
    Ok(())
}

/// Ids, cases and outcomes are made of characters that JSON does not escape.
fn assignment_line(assignment: &Assignment, report: &ReplayReport) -> String {
    let quoted = |text: Option<String>| text.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""));
    let fields = |placed: &crate::pipeline::Placed| {
        let case = quoted(report.case_of(placed).map(ToString::to_string));
        let alert = quoted(placed.alert.map(|id| id.to_string()));
        format!("\"alert_id\":{alert},\"case_id\":{case},\"outcome\":\"{}\"", placed.outcome.label())
    };
    let first = assignment.alerts.first().map(fields).unwrap_or_default();
    let mut line = format!("{{\"line\":{},{first}", assignment.line);
    if assignment.alerts.len() > 1 {
        let all: Vec<String> = assignment.alerts.iter().map(|placed| format!("{{{}}}", fields(placed))).collect();
        line.push_str(&format!(",\"alerts\":[{}]", all.join(",")));
    }
    line + "}"
}

fn summarise(args: &ReplayArgs, report: &ReplayReport) {
    eprintln!("{} lines, {} cases", report.lines, report.cases.len());
    for outcome in Outcome::ALL {
        let count = report.outcomes[outcome.index()];
        if count > 0 {
            eprintln!("  {:<16} {count}", outcome.label());
        }
    }
    if args.report {
        for (reason, count) in &report.rejected {
            eprintln!("  rejected: {reason} {count}");
        }
    }
}

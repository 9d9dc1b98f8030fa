//! `casewright case`: cases in the terminal. Reading goes to a daemon's API, or to the files that a replay wrote; what
//! changes a case is a command on the command topic. How it looks is in `text`, where it comes from in `source`.

mod client;
mod command;
mod events;
mod files;
mod source;
mod text;
mod told;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{AppError, ConfigArgs};
use crate::model::{AlertId, CaseId, CaseStatus, Tenant};
use source::Source;

const EXAMPLES: &str = "\
Examples:
  casewright case list --status open --order priority
  casewright case show acme-42
  casewright case explain acme-42
  casewright case explain acme-42 --alert 0f3c... --alert 9b21...    what leads from one alert to the other
  casewright replay --cases cases.jsonl --events events.jsonl alerts.jsonl
  casewright case explain default-1 --cases cases.jsonl --events events.jsonl
  casewright case close acme-42 --verdict false_positive --comment 'a test of ours'
  casewright case undo acme-42 acme-57                               take the merge of acme-57 back";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CaseArgs {
    #[command(subcommand)]
    command: CaseCommand,
}

#[derive(Debug, Subcommand)]
pub enum CaseCommand {
    /// Cases, newest activity or highest priority first
    List(ListArgs),
    /// One case
    Show(ShowArgs),
    /// Why it is one: parts, edges and their evidence, and what would break it apart
    Explain(ExplainArgs),
    /// Make one case of two; the older one survives
    Merge(command::PairArgs),
    /// Take the merge of the second case into the first back
    Undo(command::PairArgs),
    /// Close a case
    Close(command::CloseArgs),
    /// Open a closed case again
    Reopen(command::ReopenArgs),
    /// Say what a case is
    Verdict(command::VerdictArgs),
    /// Give a case to a person or a team; to nobody without either
    Assign(command::AssignArgs),
    /// Say that somebody looks at it
    Ack(command::AckArgs),
    /// Add a comment
    Comment(command::CommentArgs),
    /// Move an open case to another stage
    Status(command::StatusArgs),
}

/// Where cases are read from.
#[derive(Debug, Args)]
pub struct ReadArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The daemon's API; else where the configuration says that it listens
    #[arg(long, value_name = "URL", conflicts_with_all = ["cases", "events"])]
    url: Option<String>,
    /// Read the case views that `replay --cases` wrote, and no daemon
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// Read the case events that `replay --events` wrote, and no daemon
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// The JSON as it comes
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    filter: Filter,
    /// Begin behind the page that ended in this cursor
    #[arg(long, conflicts_with = "cases")]
    cursor: Option<String>,
}

#[derive(Debug, Args)]
pub struct Filter {
    #[arg(long, value_parser = parse_tenant)]
    pub tenant: Option<Tenant>,
    /// open, or stages with commas between; merged cases are listed only by name
    #[arg(long, value_delimiter = ',', value_parser = parse_status)]
    pub status: Vec<String>,
    #[arg(long, value_parser = ["P1", "P2", "P3", "P4", "informational"])]
    pub band: Option<String>,
    /// Only (or none of) what one rule says all day of one machine
    #[arg(long, value_name = "BOOL")]
    pub roll_up: Option<bool>,
    /// Cases of this owner; of nobody if empty
    #[arg(long)]
    pub owner: Option<String>,
    #[arg(long, default_value = "activity", value_parser = ["activity", "priority"])]
    pub order: String,
    /// Cases on a page, at most 500
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub limit: u16,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    read: ReadArgs,
    #[arg(value_name = "CASE", value_parser = parse_case)]
    case: CaseId,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    read: ReadArgs,
    #[arg(value_name = "CASE", value_parser = parse_case)]
    case: CaseId,
    /// How this alert came into the case; given twice, what leads from one to the other
    #[arg(long, value_name = "ID", value_parser = parse_alert)]
    alert: Vec<AlertId>,
}

pub fn run(args: &CaseArgs) -> Result<(), AppError> {
    match &args.command {
        CaseCommand::List(args) => {
            let json = Source::of(&args.read)?.list(&args.filter, args.cursor.as_deref())?;
            write(&args.read, &json, |json| text::list(&told::read(json)?))
        }
        CaseCommand::Show(args) => {
            let json = Source::of(&args.read)?.show(&args.case)?;
            write(&args.read, &json, |json| text::show(&told::read(json)?))
        }
        CaseCommand::Explain(args) => {
            if args.alert.len() > 2 {
                return Err(AppError::Usage("--alert is given once or twice".to_owned()));
            }
            let json = Source::of(&args.read)?.explain(&args.case, &args.alert)?;
            write(&args.read, &json, |json| text::explain(&told::read(json)?))
        }
        CaseCommand::Merge(args) => command::merge(args),
        CaseCommand::Undo(args) => command::undo(args),
        CaseCommand::Close(args) => command::close(args),
        CaseCommand::Reopen(args) => command::reopen(args),
        CaseCommand::Verdict(args) => command::verdict(args),
        CaseCommand::Assign(args) => command::assign(args),
        CaseCommand::Ack(args) => command::acknowledge(args),
        CaseCommand::Comment(args) => command::comment(args),
        CaseCommand::Status(args) => command::status(args),
    }
}

/// To a pipe the JSON goes byte for byte; a terminal never gets a control character of foreign making.
fn write(args: &ReadArgs, json: &[u8], render: impl FnOnce(&[u8]) -> Result<String, AppError>) -> Result<(), AppError> {
    let mut out = io::stdout().lock();
    let written = match (args.json, out.is_terminal()) {
        (true, false) => out.write_all(json).and_then(|()| out.write_all(b"\n")),
        (true, true) => writeln!(out, "{}", text::escaped(&String::from_utf8_lossy(json))),
        (false, _) => out.write_all(render(json)?.as_bytes()),
    };
    written.and_then(|()| out.flush()).map_err(AppError::Output)
}

fn parse_case(raw: &str) -> Result<CaseId, String> {
    CaseId::parse(raw).ok_or_else(|| "a case id is TENANT-N, such as acme-42".to_owned())
}

fn parse_alert(raw: &str) -> Result<AlertId, String> {
    AlertId::parse(raw).ok_or_else(|| "an alert id is 32 hexadecimal digits".to_owned())
}

fn parse_tenant(raw: &str) -> Result<Tenant, String> {
    Tenant::parse(raw).map_err(|error| error.to_string())
}

fn parse_status(raw: &str) -> Result<String, String> {
    let known = raw == "open" || CaseStatus::from_label(raw).is_some();
    let labels = || CaseStatus::ALL.map(CaseStatus::label).join(", ");
    if known { Ok(raw.to_owned()) } else { Err(format!("known are open, {}", labels())) }
}

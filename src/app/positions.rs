//! `casewright positions`: where each input stands, and moving it while the daemon is stopped. What a move does is the
//! pipeline's; here are the words for it and the tables.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{AppError, ConfigArgs};
use crate::config::Config;
use crate::kafka::Client;
use crate::model::{Timestamp, TopicName};
use crate::pipeline::{self, InputStanding, Move, MoveReport, MoveTo, Moved, Standings, Stop};
use crate::telemetry::{Health, Metrics};

const EXAMPLES: &str = "\
Examples:
  casewright positions show --config casewright.toml
  casewright positions show --config casewright.toml --json
  casewright positions set alerts:3 earliest --config casewright.toml     the topic was made anew: read it from its start
  casewright positions set alerts latest --config casewright.toml         every partition of the topic
  casewright positions set alerts:0 1234567 --config casewright.toml
  casewright positions set alerts 2026-08-01T06:00:00Z --config casewright.toml

Moving back repeats records: alerts seen lately are counted as duplicates, older ones may open cases again. Moving on skips
records. Both are what you asked for, and both are in the changelog: the manifest of the batch that this command writes.";

/// A group takes this long to let a newcomer in, beside the session time-out of a member that was killed.
const JOIN_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum PositionsCommand {
    /// Each input partition: position, start and end of its log, lag, and what the next start makes of it
    Show(ShowArgs),
    /// Move input positions, with the daemon stopped: skips or repeats records
    Set(SetArgs),
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// One JSON document in place of the table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SetArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// One partition of an input topic, or all of them
    #[arg(value_name = "TOPIC[:PARTITION]", value_parser = parse_place)]
    place: Place,
    /// earliest, latest, an offset, or a time such as 2026-08-01T06:00:00Z: the first record at or after it
    #[arg(value_name = "WHERE", value_parser = parse_where)]
    to: MoveTo,
}

#[derive(Clone, Debug)]
struct Place {
    topic: TopicName,
    partition: Option<i32>,
}

fn parse_place(raw: &str) -> Result<Place, String> {
    // A topic's name has no colon.
    let (topic, partition) = raw.split_once(':').map_or((raw, None), |(topic, number)| (topic, Some(number)));
    let number = |raw: &str| raw.parse().ok().filter(|number: &i32| *number >= 0);
    let partition = match partition {
        None => None,
        Some(raw) => Some(number(raw).ok_or_else(|| format!("`{raw}` is no partition: a number from 0 on"))?),
    };
    if topic.is_empty() {
        return Err("a topic, or topic:partition".to_owned());
    }
    Ok(Place { topic: TopicName::new(topic), partition })
}

fn parse_where(raw: &str) -> Result<MoveTo, String> {
    match raw {
        "earliest" => return Ok(MoveTo::Earliest),
        "latest" => return Ok(MoveTo::Latest),
        _ => {}
    }
    if let Ok(offset) = raw.parse() {
        let offset = Some(offset).filter(|offset| *offset >= 0);
        return offset.map(MoveTo::Offset).ok_or_else(|| "an offset counts from 0".to_owned());
    }
    let time = raw.parse::<jiff::Timestamp>();
    time.map(|at| MoveTo::Time(Timestamp::from_millis(at.as_millisecond())))
        .map_err(|_| "earliest, latest, an offset, or a time with its zone such as 2026-08-01T06:00:00Z".to_owned())
}

pub fn run(command: &PositionsCommand) -> Result<(), AppError> {
    match command {
        PositionsCommand::Show(args) => show(args),
        PositionsCommand::Set(args) => set(args),
    }
}

fn show(args: &ShowArgs) -> Result<(), AppError> {
    let config = args.config.load()?;
    let standings = pipeline::standings(&config, &Client::new(&config.kafka)?)?;
    let mut out = io::stdout().lock();
    let written = if args.json { json(&standings, &mut out) } else { table(&standings, &mut out) };
    written.and_then(|()| out.flush()).map_err(AppError::Output)
}

fn table(standings: &Standings, out: &mut impl Write) -> io::Result<()> {
    match &standings.manifest {
        Some(manifest) => writeln!(out, "batch {} of changelog {}", manifest.batch, manifest.changelog)?,
        None => writeln!(out, "nothing was ever committed: the first start takes each [[source]]'s start_at")?,
    }
    let width = standings.inputs.iter().map(|input| name(input).len()).max().unwrap_or(0).max("input".len());
    writeln!(
        out,
        "{:<width$} {:>14} {:>14} {:>14} {:>12} {:>14}  state",
        "input", "position", "log start", "log end", "lag", "committed"
    )?;
    for input in &standings.inputs {
        let number = |number: Option<i64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        writeln!(
            out,
            "{:<width$} {:>14} {:>14} {:>14} {:>12} {:>14}  {}",
            name(input),
            number(input.position.as_ref().map(|position| position.next_offset)),
            number(input.log.map(|log| log.0)),
            number(input.log.map(|log| log.1)),
            number(input.lag()),
            number(input.committed),
            explain(input)
        )?;
    }
    if let Some(fault) = &standings.committed_unknown {
        writeln!(out, "the group's committed offsets could not be read: {fault}")?;
    }
    Ok(())
}

fn name(input: &InputStanding) -> String {
    format!("{}:{}", input.topic.as_str(), input.partition)
}

/// The state, with what it means where that is not nothing.
fn explain(input: &InputStanding) -> String {
    use crate::pipeline::InputState as State;
    let what = match input.state {
        State::Sound => return State::Sound.label().to_owned(),
        State::Unproven => "no record before the position to compare it with",
        State::New => "not read yet: the next start begins it, a source where its start_at says",
        State::Gap => "records were deleted before they were read: the next start counts them and goes on",
        State::PastEnd => {
            "STOPPED: the log ends before the position, the topic was made anew; `positions set` moves it"
        }
        State::Replaced => {
            "STOPPED: another record is where the last one was, the topic was made anew; `positions set` moves it"
        }
        State::Gone => "the topic, or this partition of it, does not exist",
        State::Unnamed => "no [[source]] names it; its position is kept",
    };
    format!("{}: {what}", input.state)
}

#[derive(Serialize)]
struct ShownStandings {
    changelog: Option<String>,
    batch: Option<u64>,
    inputs: Vec<ShownInput>,
}

#[derive(Serialize)]
struct ShownInput {
    topic: String,
    partition: i32,
    position: Option<i64>,
    log_start: Option<i64>,
    log_end: Option<i64>,
    lag: Option<i64>,
    committed: Option<i64>,
    delivered: u64,
    state: &'static str,
    halted: bool,
}

impl From<&InputStanding> for ShownInput {
    fn from(input: &InputStanding) -> Self {
        Self {
            topic: input.topic.as_str().to_owned(),
            partition: input.partition,
            position: input.position.as_ref().map(|position| position.next_offset),
            log_start: input.log.map(|log| log.0),
            log_end: input.log.map(|log| log.1),
            lag: input.lag(),
            committed: input.committed,
            delivered: input.position.as_ref().map_or(0, |position| position.delivered),
            state: input.state.label(),
            halted: input.state.is_halted(),
        }
    }
}

fn json(standings: &Standings, out: &mut impl Write) -> io::Result<()> {
    let manifest = standings.manifest.as_ref();
    let shown = ShownStandings {
        changelog: manifest.map(|manifest| manifest.changelog.to_string()),
        batch: manifest.map(|manifest| manifest.batch),
        inputs: standings.inputs.iter().map(ShownInput::from).collect(),
    };
    serde_json::to_writer(&mut *out, &shown)?;
    writeln!(out)
}

fn set(args: &SetArgs) -> Result<(), AppError> {
    let config = Arc::new(args.config.load()?);
    let wish = Move { topic: args.place.topic.clone(), partition: args.place.partition, to: args.to };
    let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::new()));
    let shard = super::run::shard(&config, false, metrics, health, Stop::default())?;
    eprintln!("waiting for the lease: no instance of the daemon may run");
    let report = shard.move_positions(&wish, lease_wait(&config))?;
    let mut out = io::stdout().lock();
    tell(&report, &mut out).and_then(|()| out.flush()).map_err(AppError::Output)
}

/// A member that was killed is a member until its session ends.
fn lease_wait(config: &Config) -> Duration {
    config.pipeline.lease_timeout * 2 + JOIN_MAX
}

fn tell(report: &MoveReport, out: &mut impl Write) -> io::Result<()> {
    for moved in &report.moved {
        writeln!(out, "{}:{} {}", moved.topic.as_str(), moved.partition, step(moved))?;
    }
    for halted in &report.halted {
        writeln!(out, "still stopped: {halted}")?;
    }
    writeln!(out, "written with batch {}; the next `casewright run` goes on from there", report.batch)
}

fn step(moved: &Moved) -> String {
    let to = moved.to;
    match moved.from {
        None => format!("had no position, begins at {to}"),
        Some(from) if from < to => format!("moved from {from} to {to}: skips {} offsets", to - from),
        Some(from) if from > to => format!("moved from {from} back to {to}: {} offsets before it", from - to),
        Some(from) => format!("stays at {from}; what is there now counts as the right topic"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_topic_and_perhaps_a_partition() {
        let place = parse_place("edr.alerts:3").unwrap();
        assert_eq!((place.topic.as_str(), place.partition), ("edr.alerts", Some(3)));
        assert_eq!(parse_place("edr.alerts").unwrap().partition, None);
        for wrong in ["", ":3", "a:", "a:-1", "a:b", "a:1:2"] {
            assert!(parse_place(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn where_is_a_word_an_offset_or_a_time() {
        assert_eq!(parse_where("earliest"), Ok(MoveTo::Earliest));
        assert_eq!(parse_where("17"), Ok(MoveTo::Offset(17)));
        assert_eq!(parse_where("1970-01-01T00:00:01Z"), Ok(MoveTo::Time(Timestamp::from_millis(1_000))));
        for wrong in ["", "-1", "newest", "2026-08-01", "2026-08-01T06:00:00"] {
            assert!(parse_where(wrong).is_err(), "{wrong}");
        }
    }
}

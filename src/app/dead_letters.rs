//! `casewright dead-letters`: what could not be read and why, and sending it again once the profile, the tenant rule or
//! the sender is repaired. Foreign bytes are shown so that a terminal obeys nothing in them, and sent untouched.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{AppError, ConfigArgs};
use crate::config::Config;
use crate::kafka::{Assigned, Client, InputReader, KafkaFault, RawBatch, ReadFault, TxnFault, TxnProducer};
use crate::model::Timestamp;
use crate::wire::dead_letter::{self, Letter, RESUBMITTED_FROM};
use crate::wire::{self, RejectReason};

const EXAMPLES: &str = "\
Examples:
  casewright dead-letters list --config casewright.toml                        the newest 50
  casewright dead-letters list --reason bad_tenant --since 2026-08-01T00:00:00Z --json
  casewright dead-letters resubmit --reason missing_field --topic edr.alerts --dry-run
  casewright dead-letters resubmit --reason missing_field --topic edr.alerts
  casewright dead-letters resubmit --offsets 1200-1250

A letter goes back to its source topic and partition with its bytes untouched and the headers that decide how it is read,
and with `resubmitted_from`, the letter it was. The daemon may run. A letter of one element of a larger record goes back as a
record of its own, with what it needs of what lay around it. Sending a letter twice is harmless where the alert names
itself: the second is a duplicate.";

const POLL_RECORDS: usize = 500;
const POLL_WAIT: Duration = Duration::from_millis(200);
/// With neither a record nor the end for this long, reading gives up.
const STALLED_AFTER: Duration = Duration::from_secs(30);
/// Letters sent in one transaction.
const CHUNK: usize = 500;
/// … and at most so many bytes of them.
const CHUNK_BYTES: usize = 32 << 20;
const COMMIT_MAX: Duration = Duration::from_secs(60);
const PREVIEW_BYTES: usize = 120;
const JSON_VALUE_BYTES: usize = 64 << 10;

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum DeadLettersCommand {
    /// The newest letters: why each is one, where it came from, the beginning of its bytes
    List(ListArgs),
    /// Send letters to their source topics again
    Resubmit(ResubmitArgs),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    filter: Filter,
    /// So many of the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// One JSON object a line; `value` is the bytes as text, cut at 64 KiB, and `exact` says whether nothing was replaced
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ResubmitArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    filter: Filter,
    /// Every letter there is; needed where nothing else narrows them down
    #[arg(long)]
    all: bool,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Debug, Default, Args)]
struct Filter {
    /// Only this reason
    #[arg(long, value_parser = parse_reason)]
    reason: Option<RejectReason>,
    /// Only letters of records of this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Only letters written at or after this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,
    /// Only these offsets of the dead-letter topic: one, or FIRST-LAST
    #[arg(long, value_name = "OFFSETS", value_parser = parse_offsets)]
    offsets: Option<Offsets>,
    /// Only this partition of the dead-letter topic
    #[arg(long, value_name = "PARTITION")]
    partition: Option<i32>,
}

/// Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offsets {
    first: i64,
    last: i64,
}

fn parse_reason(raw: &str) -> Result<RejectReason, String> {
    RejectReason::from_label(raw).ok_or_else(|| {
        let known: Vec<&str> = RejectReason::ALL.into_iter().map(RejectReason::label).collect();
        format!("known are {}", known.join(", "))
    })
}

fn parse_time(raw: &str) -> Result<Timestamp, String> {
    let time = raw.parse::<jiff::Timestamp>();
    time.map(|at| Timestamp::from_millis(at.as_millisecond()))
        .map_err(|_| "a time with its zone, such as 2026-08-01T06:00:00Z".to_owned())
}

fn parse_offsets(raw: &str) -> Result<Offsets, String> {
    let (first, last) = raw.split_once('-').unwrap_or((raw, raw));
    let range = first.parse().ok().zip(last.parse().ok()).map(|(first, last)| Offsets { first, last });
    let sound = range.filter(|range| 0 <= range.first && range.first <= range.last);
    sound.ok_or_else(|| "an offset such as 1200, or two with the smaller one first: 1200-1250".to_owned())
}

impl Filter {
    fn narrows(&self) -> bool {
        let Self { reason, topic, since, offsets, partition } = self;
        reason.is_some() || topic.is_some() || since.is_some() || offsets.is_some() || partition.is_some()
    }

    fn takes(&self, place: &Place, letter: &Letter<'_>) -> bool {
        self.reason.is_none_or(|reason| reason.label() == letter.reason)
            && self.topic.as_ref().is_none_or(|topic| topic == letter.topic)
            && self.since.is_none_or(|since| place.at.is_none_or(|at| at >= since))
            && self.offsets.is_none_or(|range| (range.first..=range.last).contains(&place.offset))
    }
}

/// Where in the dead-letter topic a letter is, and since when.
#[derive(Clone, Copy, Debug)]
struct Place {
    partition: i32,
    offset: i64,
    at: Option<Timestamp>,
}

pub fn run(command: &DeadLettersCommand) -> Result<(), AppError> {
    match command {
        DeadLettersCommand::List(args) => list(args),
        DeadLettersCommand::Resubmit(args) => resubmit(args),
    }
}

type EachLetter<'a> = dyn FnMut(&Place, &Letter<'_>, &[u8]) -> Result<(), AppError> + 'a;

/// One partition of the dead-letter topic, from where to where.
struct Span {
    at: Assigned,
    end: i64,
    open: bool,
}

/// Shows `each` every letter that the filter takes, up to where the topic ended when it began. Answers how many records
/// there were no letters of ours.
fn walk(client: &Client, topic: &str, filter: &Filter, each: &mut EachLetter<'_>) -> Result<u64, AppError> {
    let mut reader = client.reader()?;
    let mut spans = spans(client, &reader, topic, filter)?;
    let positions: Vec<Assigned> = spans.iter().map(|span| span.at.clone()).collect();
    reader.assign(&positions)?;
    let (mut foreign, mut moved_at) = (0, Instant::now());
    let mut batch = RawBatch::default();
    while spans.iter().any(|span| span.open) {
        batch.clear();
        match reader.poll(&mut batch, POLL_RECORDS, POLL_WAIT) {
            // The bound below watches brokers that stay away.
            Ok(()) | Err(ReadFault::Transient(_)) => {}
            Err(fault) => return Err(AppError::Failed(format!("reading {topic}: {fault}"))),
        }
        if !batch.records.is_empty() {
            moved_at = Instant::now();
        }
        foreign += look(&batch, &mut spans, filter, each)?;
        for (index, next) in reader.positions()? {
            spans[index].open &= next < spans[index].end;
        }
        if moved_at.elapsed() > STALLED_AFTER {
            return Err(AppError::Failed(format!("reading {topic}: no answer for {} s", STALLED_AFTER.as_secs())));
        }
    }
    Ok(foreign)
}

fn spans(client: &Client, reader: &InputReader, topic: &str, filter: &Filter) -> Result<Vec<Span>, AppError> {
    let partitions = client.admin()?.partitions(topic)?;
    let partitions = partitions.ok_or_else(|| KafkaFault::NoSuchTopic { topic: topic.to_owned() })?;
    let mut spans = Vec::new();
    for partition in (0..partitions).filter(|number| filter.partition.is_none_or(|only| only == *number)) {
        let (low, high) = reader.low_high(topic, partition)?;
        let since = match filter.since {
            Some(since) => reader.offset_at_time(topic, partition, since.millis())?,
            None => low,
        };
        let begin = filter.offsets.map_or(since, |range| range.first.max(since));
        let end = filter.offsets.map_or(high, |range| range.last.saturating_add(1).min(high));
        if begin < end {
            let at = Assigned { topic: topic.to_owned(), partition, next_offset: begin };
            spans.push(Span { at, end, open: true });
        }
    }
    Ok(spans)
}

/// Shows the letters of one poll; answers how many records were none.
fn look(batch: &RawBatch, spans: &mut [Span], filter: &Filter, each: &mut EachLetter<'_>) -> Result<u64, AppError> {
    let mut foreign = 0;
    for record in &batch.records {
        let span = &mut spans[record.source as usize];
        if record.offset >= span.end {
            span.open = false;
            continue;
        }
        let at = record.timestamp.map(Timestamp::from_millis);
        let place = Place { partition: span.at.partition, offset: record.offset, at };
        match dead_letter::read(batch.headers(record)) {
            Some(letter) if filter.takes(&place, &letter) => {
                each(&place, &letter, batch.payload(record).unwrap_or_default())?;
            }
            Some(_) => {}
            None => foreign += 1,
        }
    }
    for &index in &batch.at_end {
        spans[index].open = false;
    }
    Ok(foreign)
}

fn list(args: &ListArgs) -> Result<(), AppError> {
    let config = args.config.load()?;
    let client = Client::new(&config.kafka)?;
    let limit = args.limit as usize;
    let mut newest: VecDeque<String> = VecDeque::with_capacity(limit);
    let mut all = 0_u64;
    let foreign = walk(&client, &config.topics.dead_letters, &args.filter, &mut |place, letter, bytes| {
        all += 1;
        if newest.len() == limit {
            newest.pop_front();
        }
        newest.push_back(if args.json { json(place, letter, bytes)? } else { line(place, letter, bytes) });
        Ok(())
    })?;
    let mut out = io::stdout().lock();
    let written = newest.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    written.map_err(AppError::Output)?;
    let shown = newest.len() as u64;
    if shown < all {
        eprintln!("the newest {shown} of {all} letters; --limit shows more, filters fewer");
    } else {
        eprintln!("{all} letters");
    }
    if foreign > 0 {
        eprintln!("{foreign} records on the topic are not letters of ours");
    }
    Ok(())
}

fn line(place: &Place, letter: &Letter<'_>, bytes: &[u8]) -> String {
    let shown = |raw: &str| dead_letter::shown(raw.as_bytes(), PREVIEW_BYTES);
    let at = place.at.map_or_else(|| "-".to_owned(), time);
    let (partition, offset) = (place.partition, place.offset);
    let element = letter.index.map_or_else(String::new, |index| format!("[{index}]"));
    format!(
        "{partition}:{offset}  {at}  {}  {}:{}:{}{element}  {} bytes  {}  | {}",
        shown(letter.reason),
        shown(letter.topic),
        letter.partition,
        letter.offset,
        bytes.len(),
        shown(letter.detail),
        dead_letter::shown(bytes, PREVIEW_BYTES)
    )
}

fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.millis())
        .map_or_else(|_| format!("{} ms", at.millis()), |time| time.to_string())
}

#[derive(Serialize)]
struct ShownLetter {
    partition: i32,
    offset: i64,
    time: Option<String>,
    reason: String,
    detail: String,
    topic: String,
    source_partition: i32,
    source_offset: i64,
    index: Option<u32>,
    profile: Option<String>,
    headers: std::collections::BTreeMap<String, String>,
    bytes: usize,
    cut_from_bytes: Option<u64>,
    value: String,
    exact: bool,
}

fn json(place: &Place, letter: &Letter<'_>, bytes: &[u8]) -> Result<String, AppError> {
    let shown = |raw: &str| dead_letter::shown(raw.as_bytes(), JSON_VALUE_BYTES);
    let value = dead_letter::shown(bytes, JSON_VALUE_BYTES);
    let headers = letter.kept.iter().map(|(name, value)| (shown(name), dead_letter::shown(value, JSON_VALUE_BYTES)));
    let shown = ShownLetter {
        partition: place.partition,
        offset: place.offset,
        time: place.at.map(time),
        reason: shown(letter.reason),
        detail: shown(letter.detail),
        topic: shown(letter.topic),
        source_partition: letter.partition,
        source_offset: letter.offset,
        index: letter.index,
        profile: letter.profile.map(shown),
        headers: headers.collect(),
        bytes: bytes.len(),
        cut_from_bytes: letter.cut_from_bytes,
        exact: value.as_bytes() == bytes,
        value,
    };
    serde_json::to_string(&shown).map_err(|error| AppError::Output(error.into()))
}

/// Why a letter is not sent again.
#[derive(Clone, Copy, Debug, Default)]
struct LeftOut {
    cut: u64,
    unread: u64,
}

/// Sends in transactions, each bounded in letters and bytes.
struct Resend<'a> {
    /// None for a dry run.
    producer: Option<TxnProducer>,
    config: &'a Config,
    /// The partitions of each topic of the cluster.
    topics: std::collections::BTreeMap<String, i32>,
    in_flight: usize,
    in_flight_bytes: usize,
    sent: std::collections::BTreeMap<String, u64>,
    left_out: LeftOut,
}

impl Resend<'_> {
    fn take(&mut self, place: &Place, letter: &Letter<'_>, bytes: &[u8]) -> Result<(), AppError> {
        if letter.cut_from_bytes.is_some() {
            self.left_out.cut += 1;
            return Ok(());
        }
        let Some(&partitions) = self.topics.get(letter.topic).filter(|_| self.reads(letter.topic)) else {
            self.left_out.unread += 1;
            return Ok(());
        };
        *self.sent.entry(letter.topic.to_owned()).or_default() += 1;
        let from = format!("{}:{}:{}", self.config.topics.dead_letters, place.partition, place.offset);
        let Some(producer) = &self.producer else {
            println!("would send {}", line(place, letter, bytes));
            return Ok(());
        };
        if self.in_flight == 0 {
            producer.begin().map_err(failed)?;
        }
        let mut headers: Vec<(&str, &[u8])> =
            letter.kept.iter().filter(|(name, _)| *name != RESUBMITTED_FROM).copied().collect();
        headers.push((RESUBMITTED_FROM, from.as_bytes()));
        // Where it was, so that records of one sender keep their order; where that is gone, anywhere.
        let partition = Some(letter.partition).filter(|number| (0..partitions).contains(number));
        producer.send(letter.topic, partition, None, Some(bytes), &headers).map_err(failed)?;
        self.in_flight += 1;
        self.in_flight_bytes += bytes.len();
        if self.in_flight == CHUNK || self.in_flight_bytes >= CHUNK_BYTES {
            self.commit()?;
        }
        Ok(())
    }

    fn reads(&self, topic: &str) -> bool {
        topic == self.config.topics.commands
            || self.config.sources.iter().any(|source| wire::topic_matches(&source.topic, topic))
    }

    fn commit(&mut self) -> Result<(), AppError> {
        if let Some(producer) = self.producer.as_ref().filter(|_| self.in_flight > 0) {
            producer.drain(COMMIT_MAX).map_err(failed)?;
            producer.commit().map_err(failed)?;
        }
        (self.in_flight, self.in_flight_bytes) = (0, 0);
        Ok(())
    }
}

fn failed(fault: TxnFault) -> AppError {
    AppError::Failed(format!(
        "sending again: {fault}; letters of transactions before this one are sent, those of this one are not"
    ))
}

fn resubmit(args: &ResubmitArgs) -> Result<(), AppError> {
    if !args.filter.narrows() && !args.all {
        let detail =
            "say which: --reason, --topic, --since, --offsets or --partition; or --all for every letter there is";
        return Err(AppError::Usage(detail.to_owned()));
    }
    let config = args.config.load()?;
    let client = Client::new(&config.kafka)?;
    let producer = match args.dry_run {
        true => None,
        false => {
            let producer = client.producer(&format!("{}-resubmit", config.kafka.app))?;
            producer.init(COMMIT_MAX).map_err(failed)?;
            Some(producer)
        }
    };
    let topics = client.admin()?.list_topics()?;
    let mut resend = Resend {
        producer,
        config: &config,
        topics,
        in_flight: 0,
        in_flight_bytes: 0,
        sent: std::collections::BTreeMap::new(),
        left_out: LeftOut::default(),
    };
    let walked = walk(&client, &config.topics.dead_letters, &args.filter, &mut |place, letter, bytes| {
        resend.take(place, letter, bytes)
    });
    if let Err(error) = walked.and_then(|_| resend.commit()) {
        // An open transaction on the source topics would hold the daemon up until it times out.
        if let Some(Err(fault)) = resend.producer.take().map(TxnProducer::abort) {
            eprintln!("the transaction could not be aborted, it times out by itself: {fault}");
        }
        return Err(error);
    }
    tell(&resend, args.dry_run)
}

fn tell(resend: &Resend<'_>, dry_run: bool) -> Result<(), AppError> {
    let did = if dry_run { "would send" } else { "sent" };
    for (topic, count) in &resend.sent {
        println!("{did} {count} letters to {topic}");
    }
    if resend.sent.is_empty() {
        println!("{did} nothing");
    }
    let LeftOut { cut, unread } = resend.left_out;
    if cut > 0 {
        eprintln!("{cut} letters left out: their bytes were cut, the whole is only at the source");
    }
    if unread > 0 {
        eprintln!("{unread} letters left out: no [[source]] reads their topic, or it does not exist");
    }
    match resend.sent.is_empty() && cut + unread > 0 {
        true => Err(AppError::Failed("none of the letters can be sent again".to_owned())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_one_or_a_range() {
        assert_eq!(parse_offsets("7"), Ok(Offsets { first: 7, last: 7 }));
        assert_eq!(parse_offsets("7-9"), Ok(Offsets { first: 7, last: 9 }));
        for wrong in ["", "-", "9-7", "-3", "a", "1-2-3"] {
            assert!(parse_offsets(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_reason_is_one_of_the_closed_set() {
        assert_eq!(parse_reason("bad_tenant"), Ok(RejectReason::BadTenant));
        assert!(parse_reason("bad").unwrap_err().contains("missing_field"));
    }
}

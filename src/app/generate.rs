//! `casewright generate`.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::{AppError, ConfigArgs};
use crate::kafka::{Client, TxnFault};
use crate::model::{Millis, Timestamp};
use crate::pipeline::wall_now;
use crate::testing::load::{Load, LoadConfig, Mix, Shape};

/// Alerts sent in one transaction, or written before the pace is looked at again.
const CHUNK: u64 = 1_000;
const COMMIT_MAX: Duration = Duration::from_secs(60);

const EXAMPLES: &str = "\
Examples:
  casewright generate --count 1000 > alerts.jsonl
  casewright generate --count 100000 --to kafka --config casewright.toml
  casewright generate --count 60000 --rate 200 --seed 7 --to kafka --config casewright.toml   for five minutes";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct GenerateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How many alerts.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    count: u64,
    /// At most so many a second; 0 is as fast as it goes.
    #[arg(long, default_value_t = 0, value_name = "N")]
    rate: u64,
    /// The same seed and start give the same alerts; the same seed sent again is all duplicates.
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Event time of the first alert, such as 2026-01-01T00:00:00Z, which is the default for stdout. To kafka the default
    /// is so far back that the last one is about now: a daemon that has seen newer alerts would take them for late ones.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    start: Option<Timestamp>,
    #[arg(long, value_enum, default_value_t = To::Stdout)]
    to: To,
    /// How the alerts end: default is 68 % attached, 30 % repeated, 2 % opening a case; hard is 60, 20, 20.
    #[arg(long, value_enum, default_value_t = MixChoice::Default)]
    mix: MixChoice,
    /// The topic to write to; else the first `[[source]]` of the configuration.
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum To {
    Kafka,
    Stdout,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MixChoice {
    Default,
    Hard,
}

pub fn run(args: &GenerateArgs) -> Result<(), AppError> {
    let mix = match args.mix {
        MixChoice::Default => Mix::Default,
        MixChoice::Hard => Mix::Hard,
    };
    let mut config = LoadConfig { seed: args.seed, mix, shapes: vec![Shape::Native], ..LoadConfig::default() };
    if args.rate > 0 {
        config.rate_per_s = u32::try_from(args.rate).unwrap_or(u32::MAX);
    }
    config.start = start(args, config.start, config.rate_per_s);
    let load = Load::new(config);
    match args.to {
        To::Stdout => to_stdout(args, load),
        To::Kafka => to_kafka(args, load),
    }
}

fn start(args: &GenerateArgs, fixed: Timestamp, rate_per_s: u32) -> Timestamp {
    let now_less = |span| wall_now().minus(Millis(span));
    match (args.start, args.to) {
        (Some(start), To::Kafka | To::Stdout) => start,
        (None, To::Stdout) => fixed,
        // What is sent at a pace is sent while it happens.
        (None, To::Kafka) if args.rate > 0 => now_less(0),
        (None, To::Kafka) => {
            let span = args.count.saturating_mul(1_000) / u64::from(rate_per_s.max(1));
            now_less(i64::try_from(span).unwrap_or(0))
        }
    }
}

fn parse_time(raw: &str) -> Result<Timestamp, String> {
    let time = raw.parse::<jiff::Timestamp>();
    time.map(|at| Timestamp::from_millis(at.as_millisecond()))
        .map_err(|_| "a time with its zone, such as 2026-01-01T00:00:00Z".to_owned())
}

/// Sleeps so that `sent` alerts took as long as the rate says.
fn pace(began: Instant, sent: u64, rate: u64) {
    if let Some(due) = sent.saturating_mul(1_000).checked_div(rate) {
        std::thread::sleep(Duration::from_millis(due).saturating_sub(began.elapsed()));
    }
}

/// Small steps at a small rate, so that the load is even.
fn chunk(args: &GenerateArgs) -> u64 {
    if args.rate == 0 { CHUNK } else { (args.rate / 20).clamp(1, CHUNK) }
}

fn to_stdout(args: &GenerateArgs, mut load: Load) -> Result<(), AppError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (began, chunk) = (Instant::now(), chunk(args));
    let mut line = Vec::new();
    for sent in 1..=args.count {
        line.clear();
        load.next(&mut line);
        line.push(b'\n');
        out.write_all(&line).map_err(AppError::Output)?;
        if sent % chunk == 0 {
            out.flush().map_err(AppError::Output)?;
            pace(began, sent, args.rate);
        }
    }
    out.flush().map_err(AppError::Output)
}

fn to_kafka(args: &GenerateArgs, mut load: Load) -> Result<(), AppError> {
    let config = args.config.load()?;
    let topic = args.topic.clone().or_else(|| config.sources.first().map(|source| source.topic.clone()));
    let topic = topic.ok_or_else(|| AppError::Usage("--topic, or a [[source]] in the configuration".to_owned()))?;
    let failed = |fault: TxnFault| AppError::Failed(format!("sending to {topic}: {fault}"));
    let producer = Client::new(&config.kafka)?.producer(&format!("{}-generate", config.kafka.app))?;
    producer.init(COMMIT_MAX).map_err(failed)?;
    let (began, chunk) = (Instant::now(), chunk(args));
    let mut value = Vec::new();
    let mut sent = 0;
    while sent < args.count {
        producer.begin().map_err(failed)?;
        for _ in 0..chunk.min(args.count - sent) {
            value.clear();
            let drawn = load.next(&mut value);
            let headers = [("tenant", drawn.tenant.as_bytes())];
            producer.send(&topic, None, None, Some(&value), &headers).map_err(failed)?;
            sent += 1;
        }
        producer.drain(COMMIT_MAX).map_err(failed)?;
        producer.commit().map_err(failed)?;
        pace(began, sent, args.rate);
    }
    eprintln!("{sent} alerts to {topic}");
    Ok(())
}

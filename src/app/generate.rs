//! `casewright generate`.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::{AppError, ConfigArgs};
use crate::kafka::{Client, TxnFault};
use crate::testing::load::{Load, LoadConfig, Mix, Shape};

/// Alerts sent in one transaction, or written before the pace is looked at again.
const CHUNK: u64 = 1_000;
const COMMIT_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How many alerts.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    count: u64,
    /// At most so many a second; 0 is as fast as it goes.
    #[arg(long, default_value_t = 0, value_name = "N")]
    rate: u64,
    /// The same seed gives the same alerts.
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
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
    let load = Load::new(LoadConfig { seed: args.seed, mix, shapes: vec![Shape::Native], ..LoadConfig::default() });
    match args.to {
        To::Stdout => to_stdout(args, load),
        To::Kafka => to_kafka(args, load),
    }
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
    let io = |source| AppError::Io { doing: "writing".to_owned(), source };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (began, chunk) = (Instant::now(), chunk(args));
    let mut line = Vec::new();
    for sent in 1..=args.count {
        line.clear();
        load.next(&mut line);
        line.push(b'\n');
        out.write_all(&line).map_err(io)?;
        if sent % chunk == 0 {
            out.flush().map_err(io)?;
            pace(began, sent, args.rate);
        }
    }
    out.flush().map_err(io)
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

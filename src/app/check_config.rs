//! `check-config`: what the daemon would run with, said in a few lines, secrets left out.

use std::io::{self, Write};

use clap::Args;

use super::{AppError, ConfigArgs, load_config};
use crate::config::{Config, SourceConfig, StartAt, TenantRule};
use crate::kafka::Client;
use crate::wire::Profiles;
use crate::wire::lists::{self, FileReport, Loaded};

const EXAMPLES: &str = "\
Examples:
  casewright check-config                            the defaults and the environment
  casewright check-config --config casewright.toml
  casewright check-config --policy                   the whole policy, as it is stored and hashed";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckConfigArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Write the canonical text of the policy instead
    #[arg(long)]
    pub policy: bool,
}

pub fn run(args: &CheckConfigArgs) -> Result<(), AppError> {
    let config = load_config(&args.config)?;
    // What `run` would refuse before it talks to anyone.
    let profiles = Profiles::load(config.profiles_dir.as_deref())?;
    Client::new(&config.kafka)?;
    super::run::check_profiles(&config, &profiles)?;
    let loaded = lists::load(&config.lists.assets, &config.lists.intel)?;
    let mut out = io::stdout().lock();
    let written = if args.policy { write!(out, "{}", config.policy_text) } else { explain(&config, &loaded, &mut out) };
    written.and_then(|()| out.flush()).map_err(AppError::Output)
}

fn explain(config: &Config, loaded: &Loaded, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "brokers   {} (group {}, app {})", config.kafka.brokers, config.kafka.group, config.kafka.app)?;
    for (key, value) in config.kafka.shown() {
        writeln!(out, "          {key} = {value}")?;
    }
    for source in &config.sources {
        writeln!(out, "source    {}", source_line(source))?;
    }
    let topics = &config.topics;
    writeln!(out, "reads     {}, {}", topics.commands, topics.lease)?;
    let writes = [&topics.case_events, &topics.cases, &topics.dead_letters, &topics.state, &topics.audit];
    writeln!(out, "writes    {}", writes.map(String::as_str).join(", "))?;
    writeln!(out, "store     {}", config.store.path.display())?;
    for FileReport { file, entries, skipped } in &loaded.files {
        let but = if skipped.total() > 0 { format!(", skipped: {skipped}") } else { String::new() };
        writeln!(out, "list      {} ({entries} entries{but})", file.display())?;
    }
    writeln!(out, "http      {}", config.http.bind)?;
    writeln!(out, "policy    sha256:{}", hex(&config.policy.digest))?;
    for lack in lacks(config) {
        writeln!(out, "note      {lack}")?;
    }
    writeln!(out, "the configuration is good")
}

/// What is right as it stands, and still keeps `run` from starting.
fn lacks(config: &Config) -> Vec<String> {
    let mut lacks = Vec::new();
    if config.sources.is_empty() {
        lacks.push("`run` needs at least one [[source]]".to_owned());
    }
    for source in config.sources.iter().filter(|source| source.start_at.is_none()) {
        lacks.push(format!("`{}` has no start_at: `run` needs one for partitions without a position", source.topic));
    }
    lacks
}

fn source_line(source: &SourceConfig) -> String {
    let rules: Vec<String> = source.tenant.iter().map(rule).collect();
    let start = source.start_at.map_or_else(|| "not said".to_owned(), start);
    format!("{} (profile {}, tenant by {}, start at {start})", source.topic, source.profile, rules.join(", then "))
}

fn rule(rule: &TenantRule) -> String {
    match rule {
        TenantRule::Header(name) => format!("header {name}"),
        TenantRule::Field => "field".to_owned(),
        TenantRule::Topic => "topic".to_owned(),
        TenantRule::Constant(tenant) => format!("constant {tenant}"),
    }
}

fn start(start: StartAt) -> String {
    match start {
        StartAt::Earliest => "earliest".to_owned(),
        StartAt::Latest => "latest".to_owned(),
        StartAt::Time(at) => jiff::Timestamp::from_millisecond(at.millis())
            .map_or_else(|_| format!("{} ms", at.millis()), |time| time.to_string()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

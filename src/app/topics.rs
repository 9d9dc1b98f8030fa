//! `casewright topics`.

use clap::Subcommand;

use super::{AppError, ConfigArgs};
use crate::kafka::Client;
use crate::kafka::topics::{self, TopicReport, TopicSpec, TopicState};

#[derive(Debug, Subcommand)]
pub enum TopicsCommand {
    /// Make what is missing, with the right settings, and compare the rest.
    Create(CreateArgs),
    /// Compare, and say what differs and why it matters; exit 1 if anything does.
    Check(ConfigArgs),
}

#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Also make the topics of the sources, with so many partitions: for trying things, where no sensor made them yet.
    #[arg(long, value_name = "PARTITIONS")]
    inputs: Option<i32>,
}

pub fn run(command: &TopicsCommand) -> Result<(), AppError> {
    let (args, create, inputs) = match command {
        TopicsCommand::Create(args) => (&args.config, true, args.inputs),
        TopicsCommand::Check(args) => (args, false, None),
    };
    let config = args.load()?;
    let admin = Client::new(&config.kafka)?.admin()?;
    let brokers = admin.brokers()?;
    let mut specs = topics::specs(&config.topics, brokers);
    if let Some(partitions) = inputs {
        let named = config.sources.iter().filter(|source| !source.topic.contains('{'));
        specs.extend(named.map(|source| input_spec(&source.topic, partitions, brokers)));
    }
    let reports = if create { topics::create(&admin, &specs) } else { topics::check(&admin, &specs) };
    let wrong = reports.iter().filter(|report| !tell(report)).count();
    if wrong == 0 { Ok(()) } else { Err(AppError::Failed(format!("{wrong} of {} topics need a hand", reports.len()))) }
}

fn input_spec(topic: &str, partitions: i32, brokers: usize) -> TopicSpec {
    let replication = if brokers >= 3 { 3 } else { 1 };
    TopicSpec { name: topic.to_owned(), partitions, partitions_fixed: None, replication, settings: Vec::new() }
}

/// Prints one report; answers whether the topic is as it should be.
fn tell(report: &TopicReport) -> bool {
    let topic = &report.topic;
    match &report.state {
        TopicState::Created => println!("{topic}: created"),
        TopicState::Right => println!("{topic}: as it should be"),
        TopicState::Missing => println!("{topic}: missing; `casewright topics create` makes it"),
        TopicState::Failed(fault) => println!("{topic}: {fault}"),
        TopicState::Differs(differences) => {
            for each in differences {
                println!("{topic}: {} is {}, wanted {}: {}", each.setting, each.found, each.wanted, each.why);
            }
        }
    }
    matches!(report.state, TopicState::Created | TopicState::Right)
}

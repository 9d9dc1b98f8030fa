//! `casewright topics`.

use clap::Subcommand;

use super::{AppError, ConfigArgs};
use crate::kafka::Client;
use crate::kafka::topics::{self, TopicReport, TopicState};

#[derive(Debug, Subcommand)]
pub enum TopicsCommand {
    /// Make what is missing, with the right settings, and compare the rest.
    Create(ConfigArgs),
    /// Compare, and say what differs and why it matters; exit 1 if anything does.
    Check(ConfigArgs),
}

pub fn run(command: &TopicsCommand) -> Result<(), AppError> {
    let (args, create) = match command {
        TopicsCommand::Create(args) => (args, true),
        TopicsCommand::Check(args) => (args, false),
    };
    let config = args.load()?;
    let admin = Client::new(&config.kafka)?.admin()?;
    let specs = topics::specs(&config.topics, admin.brokers()?);
    let reports = if create { topics::create(&admin, &specs) } else { topics::check(&admin, &specs) };
    let wrong = reports.iter().filter(|report| !tell(report)).count();
    if wrong == 0 { Ok(()) } else { Err(AppError::Failed(format!("{wrong} of {} topics need a hand", reports.len()))) }
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

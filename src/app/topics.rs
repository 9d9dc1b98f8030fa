//! `topics`: make the daemon's Kafka topics, or compare them with what they should be.

use clap::{Args, Subcommand};

use super::ConfigArgs;

#[derive(Clone, Debug, Args)]
pub struct TopicsArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(subcommand)]
    pub action: TopicsAction,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum TopicsAction {
    /// Make the topics that are missing, with the right settings
    Create,
    /// Compare topics and settings, and explain what differs
    Check,
}

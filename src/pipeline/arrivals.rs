//! Partitions and topics that come while the shard runs. Asked for every few seconds on a thread of its own; where the
//! inputs have grown, the spell ends in good order and the next one reads them too: there is one way to begin.

use std::collections::BTreeSet;
use std::time::Duration;

use tracing::{debug, info};

use super::lag::{Serving, Standing};
use super::stop::Stop;
use crate::config::Config;
use crate::kafka::{Client, KafkaFault};
use crate::wire;

const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The thread's body and what it asks.
pub struct ArrivalWatch<'a> {
    pub client: &'a Client,
    pub config: &'a Config,
    pub standing: &'a Standing,
}

impl ArrivalWatch<'_> {
    pub fn run_until(&self, stop: &Stop) {
        while !stop.wait(LOOK_EVERY) {
            let Some(serving) = self.standing.serving() else { continue };
            match self.arrived(&serving) {
                Ok(arrived) if arrived.is_empty() => {}
                Ok(arrived) => {
                    info!(arrived = arrived.join(" "), "inputs have grown");
                    serving.outgrown.set();
                }
                Err(fault) => debug!(%fault, "whether there are new inputs could not be asked"),
            }
        }
    }

    fn arrived(&self, serving: &Serving) -> Result<Vec<String>, KafkaFault> {
        let listed = self.client.admin()?.list_topics()?;
        let mut wanted = BTreeSet::new();
        for (topic, partitions) in &listed {
            let is_alerts = self.config.sources.iter().any(|source| wire::topic_matches(&source.topic, topic));
            if is_alerts || *topic == self.config.topics.commands {
                wanted.extend((0..*partitions).map(|partition| (topic.as_str(), partition)));
            }
        }
        // Those that wait for an operator have a position too: they are known, and wait on.
        for position in &serving.manifest.positions {
            wanted.remove(&(position.topic.as_str(), position.partition));
        }
        Ok(wanted.into_iter().map(|(topic, partition)| format!("{topic}/{partition}")).collect())
    }
}

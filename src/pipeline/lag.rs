//! How far behind the work is, asked every few seconds on a thread of its own: the input partitions against their logs'
//! ends, the local store against the changelog, and how much disk the store takes. Nothing here decides anything, and
//! nothing waits for it: brokers that do not answer leave the gauges as they were.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::debug;

use super::inputs::Inputs;
use super::stop::Stop;
use crate::kafka::{Client, InputReader, KafkaFault};
use crate::store::{Manifest, Position, StoreHome};
use crate::telemetry::Metrics;

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A shutdown may have to wait this long, if it comes while the brokers do not answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Where the work stands, told by the threads that move it.
#[derive(Default)]
pub struct Standing(Mutex<State>);

#[derive(Default)]
struct State {
    serving: Option<Serving>,
    /// Counts the spells of serving, so that an answer that comes late is not taken for another spell's.
    spells: u64,
    /// Where the local store stands in the changelog, once that is known.
    stored: Option<Position>,
}

#[derive(Clone)]
pub struct Serving {
    inputs: Inputs,
    /// The last one committed.
    pub manifest: Arc<Manifest>,
    /// Set when there are inputs that this spell does not read.
    pub outgrown: Stop,
    /// Behind the last committed batch.
    changelog: Option<Position>,
}

impl Standing {
    /// The inputs are read from `manifest`'s positions on, until the answer is set: then there are more of them.
    pub fn serve(&self, inputs: Inputs, manifest: Arc<Manifest>) -> Stop {
        let mut state = self.lock();
        let outgrown = Stop::default();
        state.spells += 1;
        state.serving = Some(Serving { inputs, manifest, outgrown: outgrown.clone(), changelog: None });
        outgrown
    }

    #[must_use]
    pub fn serving(&self) -> Option<Serving> {
        self.lock().serving.clone()
    }

    /// Another instance may serve now: its lag is not ours to tell.
    pub fn rest(&self, metrics: &Metrics) {
        let mut state = self.lock();
        state.spells += 1;
        state.serving = None;
        metrics.forget_input_lag();
    }

    pub fn committed(&self, manifest: &Arc<Manifest>, changelog: Position) {
        if let Some(serving) = &mut self.lock().serving {
            serving.manifest = Arc::clone(manifest);
            serving.changelog = Some(changelog);
        }
    }

    pub fn stored(&self, position: Position) {
        self.lock().stored = Some(position);
    }

    #[must_use]
    pub fn knows_the_store(&self) -> bool {
        self.lock().stored.is_some()
    }

    // What a thread that panicked left behind are whole values, and gauges at that.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's body and what it asks.
pub struct LagWatch<'a> {
    pub client: &'a Client,
    /// The changelog's topic and this shard's partition of it.
    pub changelog: (String, i32),
    pub standing: &'a Standing,
    pub home: &'a StoreHome,
    pub metrics: &'a Metrics,
}

impl LagWatch<'_> {
    pub fn run_until(&self, stop: &Stop) {
        let mut reader = None;
        loop {
            if let Err(fault) = self.look(&mut reader) {
                debug!(%fault, "how far behind the work is could not be asked");
            }
            if stop.wait(LOOK_EVERY) {
                return;
            }
        }
    }

    fn look(&self, reader: &mut Option<InputReader>) -> Result<(), KafkaFault> {
        self.metrics.store_bytes(self.home.bytes());
        let reader = match reader {
            Some(reader) => reader,
            None => reader.insert(self.client.reader()?),
        };
        let (spells, inputs) = {
            let state = self.standing.lock();
            (state.spells, state.serving.as_ref().map(|serving| Arc::clone(&serving.inputs)))
        };
        // One request to each broker, however many partitions there are.
        let asked: Vec<(&str, i32)> = match &inputs {
            Some(inputs) => inputs.iter().map(|input| (input.topic.as_str(), input.partition)).collect(),
            None => vec![(self.changelog.0.as_str(), self.changelog.1)],
        };
        let ends = reader.ends(&asked, ANSWER_WITHIN)?;
        let state = self.standing.lock();
        if state.spells == spells {
            self.tell(&state, &ends);
        }
        Ok(())
    }

    fn tell(&self, state: &State, ends: &[Option<i64>]) {
        let Some(serving) = &state.serving else {
            // A store that was never filled lacks all of it.
            let stored = state.stored.unwrap_or_default();
            if let Some(end) = ends.first().copied().flatten() {
                self.metrics.changelog_lag((end - stored.0).max(0));
            }
            return;
        };
        for (input, end) in serving.inputs.iter().zip(ends) {
            let Some(end) = end else { continue };
            let position = serving.manifest.next_offset(&input.topic, input.partition);
            self.metrics.input_lag(input.topic.as_str(), input.partition, (end - position).max(0));
        }
        // Against the last committed batch, not the log's end: behind that are only commit markers.
        if let (Some(changelog), Some(stored)) = (serving.changelog, state.stored) {
            self.metrics.changelog_lag((changelog.0 - stored.0).max(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::inputs::{Input, InputKind};
    use super::*;
    use crate::config::KafkaConfig;
    use crate::model::TopicName;
    use crate::store::{ChangelogId, InputPosition};

    fn manifest(next_offset: i64) -> Arc<Manifest> {
        let topic = TopicName::new("alerts");
        let position =
            InputPosition { topic, partition: 0, next_offset, last_offset: None, fingerprint: 0, delivered: 0 };
        Arc::new(Manifest { positions: vec![position], ..Manifest::first(ChangelogId([1; 16])) })
    }

    /// What `/metrics` says of a lag after the brokers answered with `end`.
    fn told(standing: &Standing, metrics: &Metrics, end: Option<i64>) -> Vec<String> {
        let brokers = "127.0.0.1:9".to_owned();
        let kafka = KafkaConfig { brokers, group: "g".into(), app: "a".into(), properties: [].into() };
        let client = Client::new(&kafka).unwrap();
        let home = StoreHome::memory();
        let changelog = ("state".to_owned(), 0);
        let watch = LagWatch { client: &client, changelog, standing, home: &home, metrics };
        watch.tell(&standing.lock(), &[end]);
        let text = metrics.render().unwrap();
        let lines = text.lines().filter(|line| line.starts_with("casewright_") && line.contains("_lag"));
        lines.map(|line| line.replace("casewright_", "")).collect()
    }

    #[test]
    fn an_owner_tells_of_its_inputs_and_a_standby_of_its_store() {
        let (standing, metrics) = (Standing::default(), Metrics::new());
        standing.stored(Position(30));
        assert_eq!(told(&standing, &metrics, Some(100)), ["changelog_lag 70"]);

        let input = Input { topic: TopicName::new("alerts"), partition: 0, kind: InputKind::Alerts(0) };
        let _outgrown = standing.serve([input].into(), manifest(40));
        let lag = |records| format!("input_lag{{partition=\"0\",topic=\"alerts\"}} {records}");
        assert_eq!(told(&standing, &metrics, Some(55)), ["changelog_lag 70".to_owned(), lag(15)]);
        standing.committed(&manifest(55), Position(120));
        assert_eq!(told(&standing, &metrics, Some(55)), ["changelog_lag 90".to_owned(), lag(0)]);
        standing.stored(Position(120));
        assert_eq!(told(&standing, &metrics, None), ["changelog_lag 0".to_owned(), lag(0)]);

        standing.rest(&metrics);
        assert_eq!(told(&standing, &metrics, Some(121)), ["changelog_lag 1"]);
    }
}

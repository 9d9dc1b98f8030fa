//! Records to elements: in parallel, with their order kept. Everything that does not depend on the policy or on earlier
//! records happens here, so that the one engine thread has little left to do.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use smallvec::SmallVec;

use super::batch::DeadLetter;
use super::compose::{Decided, Decoded};
use super::inputs::{Input, InputKind, Inputs, fingerprint};
use crate::config::Config;
use crate::engine;
use crate::kafka::{RawBatch, RawRecord};
use crate::model::{Alert, Origin, Timestamp};
use crate::store::InputPosition;
use crate::wire::{self, Decoder, Element, Record, Rejection};

/// Records decoded by one task: enough to pay for handing it out, few enough to share a batch among threads.
const CHUNK: usize = 128;

pub struct DecodeStage {
    decoder: Arc<Decoder>,
    config: Arc<Config>,
    inputs: Inputs,
    positions: Vec<InputPosition>,
    pool: rayon::ThreadPool,
}

type Elements = SmallVec<[Decided; 1]>;

impl DecodeStage {
    pub fn new(
        decoder: Arc<Decoder>,
        config: Arc<Config>,
        inputs: Inputs,
        positions: Vec<InputPosition>,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match config.pipeline.decode_threads {
            0 => (cores / 2).max(1),
            set => set,
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("decode-{index}"))
            .build()?;
        Ok(Self { decoder, config, inputs, positions, pool })
    }

    /// Decodes one poll's records. `reached` is where each input stands behind them, past control records.
    pub fn decode(&mut self, raw: &RawBatch, reached: &[(usize, i64)]) -> Decoded {
        let began = Instant::now();
        let chunks: Vec<Vec<Elements>> = self.pool.install(|| {
            let chunks = raw.records.par_chunks(CHUNK);
            chunks.map(|chunk| chunk.iter().map(|record| self.record(raw, record)).collect()).collect()
        });
        let mut decoded = Decoded {
            elements: chunks.into_iter().flatten().flatten().collect(),
            records: raw.records.len(),
            bytes: raw.bytes(),
            at_end: raw.at_end.clone(),
            ..Decoded::default()
        };
        self.account(raw, reached, &mut decoded);
        decoded.seconds = began.elapsed().as_secs_f64();
        decoded
    }

    fn record(&self, raw: &RawBatch, record: &RawRecord) -> Elements {
        let input = &self.inputs[record.source as usize];
        let timestamp = record.timestamp.map(Timestamp::from_millis);
        match input.kind {
            InputKind::Commands => SmallVec::from_buf([self.command(raw, record, input, timestamp)]),
            InputKind::Alerts(source) => {
                let headers: SmallVec<[(&str, &[u8]); 4]> = raw.headers(record).collect();
                let record = Record {
                    topic: &input.topic,
                    partition: input.partition,
                    offset: record.offset,
                    timestamp,
                    payload: raw.payload(record),
                    headers: &headers,
                };
                decide(&self.decoder, &record, &self.config.sources[source], source)
            }
        }
    }

    fn command(&self, raw: &RawBatch, record: &RawRecord, input: &Input, timestamp: Option<Timestamp>) -> Decided {
        let (topic, partition) = (input.topic.clone(), input.partition);
        let origin = Origin { topic, partition, offset: record.offset, index: 0 };
        decide_command(origin, timestamp, raw.payload(record).unwrap_or_default(), &self.config)
    }

    /// Moves the positions and fingerprints, and counts what metrics tell per source.
    fn account(&mut self, raw: &RawBatch, reached: &[(usize, i64)], decoded: &mut Decoded) {
        let mut last: Vec<Option<&RawRecord>> = vec![None; self.positions.len()];
        // One place past the configured sources stands for the commands.
        decoded.sources = vec![(0, None); self.config.sources.len() + 1];
        for record in &raw.records {
            let input = record.source as usize;
            self.positions[input].delivered += 1;
            self.positions[input].next_offset = record.offset + 1;
            last[input] = Some(record);
            let source = match self.inputs[input].kind {
                InputKind::Alerts(source) => source,
                InputKind::Commands => self.config.sources.len(),
            };
            let timestamp = record.timestamp.map(Timestamp::from_millis);
            decoded.sources[source].0 += 1;
            decoded.sources[source].1 = decoded.sources[source].1.max(timestamp);
            decoded.recorded.extend(timestamp);
        }
        for (input, record) in last.into_iter().enumerate() {
            let Some(record) = record else { continue };
            decoded.spoke.push(input);
            self.positions[input].last_offset = Some(record.offset);
            self.positions[input].fingerprint = fingerprint(record.offset, record.timestamp, raw.payload(record));
        }
        for &(input, next_offset) in reached {
            let position = &mut self.positions[input];
            position.next_offset = position.next_offset.max(next_offset);
        }
        decoded.positions.clone_from(&self.positions);
    }
}

/// Decodes one alert record into elements ready for the engine. The offline replay goes through here too.
pub fn decide(decoder: &Decoder, record: &Record<'_>, source: &crate::config::SourceConfig, index: usize) -> Elements {
    let elements = decoder.decode(record, source);
    elements
        .into_iter()
        .map(|element| match element {
            Element::Alert(alert) => keyed(alert),
            Element::Rejected(rejection) => dead(record, &rejection, source, index),
        })
        .collect()
}

/// Decodes one record of the command topic.
pub fn decide_command(origin: Origin, timestamp: Option<Timestamp>, payload: &[u8], config: &Config) -> Decided {
    match wire::command::decode(origin.clone(), timestamp, payload, &config.limits) {
        Ok(command) => Decided::Command(Box::new(command)),
        Err(error) => {
            let reason = wire::command::REASON;
            let (topic, detail) = (origin.topic.as_str(), error.to_string());
            let headers =
                wire::dead_letter::headers(reason, &detail, topic, origin.partition, origin.offset, None, None);
            let key = wire::dead_letter::key(&origin);
            // One place past the configured sources stands for the commands.
            let (value, source) = (payload.to_vec(), config.sources.len());
            let letter = DeadLetter { key, headers, kept: Vec::new(), value, source, reason };
            Decided::Dead { letter, origin }
        }
    }
}

fn keyed(alert: Arc<Alert>) -> Decided {
    let subject = engine::subject_of(&alert);
    Decided::Alert { alert, subject }
}

fn dead(record: &Record<'_>, rejection: &Rejection, config: &crate::config::SourceConfig, source: usize) -> Decided {
    let origin = Origin {
        topic: record.topic.clone(),
        partition: record.partition,
        offset: record.offset,
        index: rejection.index.unwrap_or(0),
    };
    let reason = rejection.reason.label();
    let headers = wire::dead_letter::headers(
        reason,
        &rejection.detail,
        record.topic.as_str(),
        record.partition,
        record.offset,
        rejection.profile.as_deref(),
        rejection.index,
    );
    let payload = record.payload.unwrap_or_default();
    let value = rejection.letter(payload).to_vec();
    let kept = wire::dead_letter::kept(record.headers, &config.tenant);
    Decided::Dead {
        letter: DeadLetter { key: wire::dead_letter::key(&origin), headers, kept, value, source, reason },
        origin,
    }
}

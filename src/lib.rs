//! Casewright: alerts in from Kafka, cases and case events out, nothing lost and nothing twice.
//!
//! Two ideas carry the crate. A **pure engine decides, a thin shell does**: [`engine`] turns inputs (alerts, commands,
//! the passing of event time) into effects and never touches a clock, a file or the network. And **Kafka is the truth,
//! sled the local state store**: one Kafka transaction carries everything a batch decided, and only after it commits
//! are the rows applied locally, so every failure ends in the same recovery path.
//!
//! Reading order: [`model`] (the nouns), [`engine`] (the verdicts), [`wire`] (outside JSON to model and back),
//! [`store`] (rows and sled), [`kafka`] (bytes, offsets, transactions), [`pipeline`] (the loop that ties them),
//! [`http`] (health, metrics, API), [`config`] and [`telemetry`]; [`app`] builds all of it in one straight line.
//! ARCHITECTURE.md has the reasons.

#![forbid(unsafe_code)]

pub mod app;
pub mod config;
pub mod engine;
pub mod http;
pub mod kafka;
pub mod model;
pub mod pipeline;
pub mod store;
pub mod telemetry;
pub mod testing;
pub mod wire;

//! What the outside learns of a commit: metrics, health and the read views. Only committed state is ever shown.

use std::sync::Arc;
use std::time::Duration;

use super::batch::Batch;
use super::commit::Spent;
use super::{ReadViews, wall_now};
use crate::config::Config;
use crate::kafka::TxnFault;
use crate::model::Outcome;
use crate::telemetry::{Check, CheckState, CommitResult, Health, Metrics, Stage};

pub struct Reporter {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    views: ReadViews,
    /// Topic names of the configured sources, and the command topic behind them.
    sources: Vec<String>,
}

impl Reporter {
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, health: Arc<Health>, views: ReadViews, config: &Config) -> Self {
        let sources = config.sources.iter().map(|source| &source.topic).chain([&config.topics.commands]);
        Self { metrics, health, views, sources: sources.cloned().collect() }
    }

    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    pub fn failed(&self, fault: &TxnFault) {
        let result = match fault {
            TxnFault::Fenced => CommitResult::Fenced,
            TxnFault::Abortable(_) | TxnFault::Rejected { .. } => CommitResult::Aborted,
            TxnFault::TimedOut(_) => CommitResult::TimedOut,
            TxnFault::Fatal(_) => CommitResult::Failed,
        };
        self.metrics.commit(result);
        self.health.set(Check::Kafka, CheckState::Failed, &fault.to_string());
    }

    pub fn committed(&self, batch: &Batch, spent: Spent) {
        let told = &batch.told;
        self.metrics.commit(CommitResult::Ok);
        self.health.set(Check::Kafka, CheckState::Ok, "committing");
        self.metrics.stage(Stage::Decode, Duration::from_secs_f64(told.decode_seconds));
        self.metrics.stage(Stage::Engine, Duration::from_secs_f64(told.engine_seconds));
        self.metrics.stage(Stage::Produce, spent.produce);
        self.metrics.stage(Stage::Commit, spent.commit);
        self.metrics.batch_records(told.records);
        self.count(batch);
        self.gauges(batch);
        for (case, summary) in &batch.summaries {
            self.views.publish(case, summary);
        }
        self.conservation(batch);
    }

    fn count(&self, batch: &Batch) {
        let told = &batch.told;
        for outcome in Outcome::ALL {
            self.metrics.outcomes(outcome, told.outcomes[outcome.index()]);
        }
        for (label, count) in &told.event_types {
            self.metrics.case_events(label, *count);
        }
        for (source, (records, newest)) in self.sources.iter().zip(&told.sources) {
            self.metrics.records(source, *records, *newest);
        }
        for letter in &batch.dead_letters {
            self.metrics.dead_letter(&self.sources[letter.source], letter.reason);
        }
        for gap in &told.gaps {
            self.metrics.gap(gap.topic.as_str(), gap.partition, gap.to - gap.from);
        }
        let now = wall_now();
        for recorded in &told.recorded {
            self.metrics.alert_latency(now.since(*recorded));
        }
    }

    fn gauges(&self, batch: &Batch) {
        let told = &batch.told;
        if let Some(stats) = &told.stats {
            self.metrics.watermark(stats.watermark);
            self.metrics.hub_keys(stats.hub_keys);
            self.metrics.live_keys(stats.live_keys);
            self.metrics.list_entries(stats.listed_assets, stats.listed_indicators);
        }
        for (status, count) in told.cases() {
            self.metrics.cases(status, count);
        }
        for (kind, strength, count) in &told.links {
            self.metrics.links(*kind, *strength, *count);
        }
        for (result, count) in &told.merges {
            self.metrics.merges(*result, *count);
        }
    }

    /// Every element ends in exactly one outcome; when the sums part, someone must look.
    fn conservation(&self, batch: &Batch) {
        let ended: u64 = batch.manifest.outcomes.iter().sum();
        if ended == batch.manifest.elements {
            self.health.set(Check::Conservation, CheckState::Ok, "");
        } else {
            self.metrics.conservation_mismatch();
            let detail = format!("{} elements were delivered, {ended} outcomes told", batch.manifest.elements);
            self.health.set(Check::Conservation, CheckState::Failed, &detail);
        }
    }
}

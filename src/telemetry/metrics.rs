//! Every metric by name, in one struct with a registry of its own. What the hot path counts is resolved to its child
//! once; the rest is told once a batch, where a look-up by label costs nothing that shows.

mod label;

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

use crate::model::{KeyKind, Millis, Outcome, Timestamp};

pub use label::{CommitResult, LinkStrength, ListLoad, MergeResult, OffsetDispute, RecoveryCause, Stage};

/// From a millisecond to a minute: what a batch stage, an answer or an alert's way may take.
const SECONDS: [f64; 15] = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0];
const RECORDS: [f64; 8] = [1.0, 10.0, 100.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 20_000.0];

pub struct Metrics {
    registry: Registry,
    records: IntCounterVec,
    source_last_record: GaugeVec,
    outcomes: [IntCounter; Outcome::ALL.len()],
    dead_letters: IntCounterVec,
    case_events: IntCounterVec,
    commits: [IntCounter; CommitResult::ALL.len()],
    recoveries: [IntCounter; RecoveryCause::ALL.len()],
    links: IntCounterVec,
    merges: [IntCounter; MergeResult::ALL.len()],
    list_loads: [IntCounter; ListLoad::ALL.len()],
    list_entries: IntGaugeVec,
    list_skipped: IntGauge,
    conservation_mismatches: IntCounter,
    gap_records: IntCounterVec,
    offset_disputes: [IntCounter; OffsetDispute::ALL.len()],
    cases: IntGaugeVec,
    input_lag: IntGaugeVec,
    changelog_lag: IntGauge,
    watermark: Gauge,
    store_bytes: IntGauge,
    hub_keys: IntGauge,
    live_keys: IntGauge,
    alert_latency: Histogram,
    stages: [Histogram; Stage::ALL.len()],
    batch_records: Histogram,
    http_requests: HistogramVec,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let r = &registry;
        let outcomes = counters(r, "casewright_outcomes_total", "ends of input elements", &["outcome"]);
        let commits = counters(r, "casewright_commits_total", "Kafka transactions by how they ended", &["result"]);
        let recoveries = counters(r, "casewright_recoveries_total", "ways back through the changelog", &["cause"]);
        let merges = counters(r, "casewright_merges_total", "cases that evidence would join", &["result"]);
        let list_loads =
            counters(r, "casewright_list_loads_total", "readings of the lists of assets and indicators", &["result"]);
        let stages = histograms(r, "casewright_batch_stage_seconds", "time of one stage of one batch", &["stage"]);
        let disputes = counters(
            r,
            "casewright_committed_offset_disputes_total",
            "partitions whose committed offset disagreed with the manifest at a start",
            &["dispute"],
        );
        build_info(r);
        Self {
            records: counters(r, "casewright_records_total", "records delivered", &["source"]),
            source_last_record: register(r, source_last_record()),
            outcomes: Outcome::ALL.map(|outcome| outcomes.with_label_values(&[outcome.label()])),
            dead_letters: counters(r, "casewright_dead_letters_total", "unreadable input", &["source", "reason"]),
            case_events: counters(r, "casewright_case_events_total", "case events committed", &["type"]),
            commits: CommitResult::ALL.map(|result| commits.with_label_values(&[result.label()])),
            recoveries: RecoveryCause::ALL.map(|cause| recoveries.with_label_values(&[cause.label()])),
            links: counters(r, "casewright_links_total", "keys that linked an alert", &["kind", "strength"]),
            merges: MergeResult::ALL.map(|result| merges.with_label_values(&[result.label()])),
            list_loads: ListLoad::ALL.map(|result| list_loads.with_label_values(&[result.label()])),
            list_entries: gauges(
                r,
                "casewright_list_entries",
                "entries of the lists of assets and indicators in force",
                &["list"],
            ),
            list_skipped: gauge(
                r,
                "casewright_list_skipped_entries",
                "entries of the lists' files that could not be used",
            ),
            conservation_mismatches: counter(
                r,
                "casewright_conservation_mismatches_total",
                "batches after which outcomes and delivered elements did not add up",
            ),
            gap_records: counters(
                r,
                "casewright_input_gap_records_total",
                "offsets that the broker had deleted before they were read",
                &["topic", "partition"],
            ),
            offset_disputes: OffsetDispute::ALL.map(|dispute| disputes.with_label_values(&[dispute.label()])),
            cases: gauges(r, "casewright_cases", "cases by status", &["status"]),
            input_lag: gauges(r, "casewright_input_lag", "records not yet committed", &["topic", "partition"]),
            changelog_lag: gauge(r, "casewright_changelog_lag", "changelog records that the local store lacks"),
            watermark: register(r, watermark()),
            store_bytes: gauge(r, "casewright_store_bytes", "bytes of the local store on disk"),
            hub_keys: gauge(
                r,
                "casewright_hub_keys",
                "keys that link nothing now: strangers met there, or too many machines",
            ),
            live_keys: gauge(r, "casewright_live_keys", "keys held in memory on which alerts can meet"),
            alert_latency: register(r, alert_latency()),
            stages: Stage::ALL.map(|stage| stages.with_label_values(&[stage.label()])),
            batch_records: register(r, batch_records()),
            http_requests: histograms(
                r,
                "casewright_http_request_seconds",
                "time to answer a request",
                &["route", "status"],
            ),
            registry,
        }
    }

    /// Records delivered from a configured source, and the newest of their timestamps: a source gone silent is an alarm.
    pub fn records(&self, source: &str, records: u64, newest: Option<Timestamp>) {
        self.records.with_label_values(&[source]).inc_by(records);
        if let Some(newest) = newest {
            self.source_last_record.with_label_values(&[source]).set(seconds(newest));
        }
    }

    pub fn outcomes(&self, outcome: Outcome, count: u64) {
        self.outcomes[outcome.index()].inc_by(count);
    }

    /// Elements that have their outcome.
    #[must_use]
    pub fn outcomes_sum(&self) -> u64 {
        self.outcomes.iter().map(IntCounter::get).sum()
    }

    /// `reason` is one of the closed set of `wire`.
    pub fn dead_letter(&self, source: &str, reason: &'static str) {
        self.dead_letters.with_label_values(&[source, reason]).inc();
    }

    /// `kind` is `EventKind::label`.
    pub fn case_events(&self, kind: &'static str, count: u64) {
        self.case_events.with_label_values(&[kind]).inc_by(count);
    }

    pub fn commit(&self, result: CommitResult) {
        self.commits[result as usize].inc();
    }

    pub fn recovered(&self, cause: RecoveryCause) {
        self.recoveries[cause as usize].inc();
    }

    pub fn links(&self, kind: KeyKind, strength: LinkStrength, count: u64) {
        self.links.with_label_values(&[kind.label(), strength.label()]).inc_by(count);
    }

    pub fn merges(&self, result: MergeResult, count: u64) {
        self.merges[result as usize].inc_by(count);
    }

    pub fn list_load(&self, result: ListLoad) {
        self.list_loads[result as usize].inc();
    }

    /// Of the lists in force.
    pub fn list_entries(&self, assets: u64, indicators: u64) {
        self.list_entries.with_label_values(&["assets"]).set(signed(assets));
        self.list_entries.with_label_values(&["indicators"]).set(signed(indicators));
    }

    /// Of the files, as they were last read.
    pub fn list_skipped(&self, count: u64) {
        self.list_skipped.set(signed(count));
    }

    pub fn conservation_mismatch(&self) {
        self.conservation_mismatches.inc();
    }

    pub fn gap(&self, topic: &str, partition: i32, records: i64) {
        let records = u64::try_from(records).unwrap_or(0);
        self.gap_records.with_label_values(&[topic, &partition.to_string()]).inc_by(records);
    }

    /// The group's committed offset of one partition is not what the manifest says.
    pub fn offsets_disputed(&self, dispute: OffsetDispute) {
        self.offset_disputes[dispute as usize].inc();
    }

    /// `status` is `CaseStatus::label`.
    pub fn cases(&self, status: &'static str, count: u64) {
        self.cases.with_label_values(&[status]).set(signed(count));
    }

    pub fn input_lag(&self, topic: &str, partition: i32, records: i64) {
        self.input_lag.with_label_values(&[topic, &partition.to_string()]).set(records);
    }

    /// This instance reads no inputs any more.
    pub fn forget_input_lag(&self) {
        self.input_lag.reset();
    }

    pub fn changelog_lag(&self, records: i64) {
        self.changelog_lag.set(records);
    }

    pub fn watermark(&self, watermark: Timestamp) {
        self.watermark.set(seconds(watermark));
    }

    pub fn store_bytes(&self, bytes: u64) {
        self.store_bytes.set(signed(bytes));
    }

    pub fn hub_keys(&self, count: u64) {
        self.hub_keys.set(signed(count));
    }

    pub fn live_keys(&self, count: u64) {
        self.live_keys.set(signed(count));
    }

    /// From the record's timestamp to the commit; a producer's clock that runs ahead counts as none.
    pub fn alert_latency(&self, latency: Millis) {
        self.alert_latency.observe(millis(latency.0.max(0)) / 1_000.0);
    }

    pub fn stage(&self, stage: Stage, took: Duration) {
        self.stages[stage as usize].observe(took.as_secs_f64());
    }

    pub fn stage_store(&self, took: Duration) {
        self.stage(Stage::Store, took);
    }

    pub fn batch_records(&self, records: usize) {
        self.batch_records.observe(records as f64);
    }

    /// `route` is a line of the routing table, never a path that a client made up.
    pub fn http_request(&self, route: &'static str, status: u16, took: Duration) {
        self.http_requests.with_label_values(&[route, &status.to_string()]).observe(took.as_secs_f64());
    }

    /// In Prometheus' text format 0.0.4.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Every name that is registered, with or without a series yet.
    #[must_use]
    pub fn names() -> Vec<String> {
        let metrics = Self::new();
        let vectors: [&dyn Collector; 9] = [
            &metrics.records,
            &metrics.source_last_record,
            &metrics.dead_letters,
            &metrics.case_events,
            &metrics.links,
            &metrics.gap_records,
            &metrics.list_entries,
            &metrics.cases,
            &metrics.input_lag,
        ];
        let vectors = vectors.into_iter().chain([&metrics.http_requests as &dyn Collector]);
        let described = vectors.flat_map(Collector::desc).map(|desc| desc.fq_name.clone());
        let gathered = metrics.registry.gather().into_iter().map(|family| family.name().to_owned());
        let mut names: Vec<String> = described.chain(gathered).collect();
        names.sort();
        names.dedup();
        names
    }
}

fn source_last_record() -> GaugeVec {
    let opts = Opts::new("casewright_source_last_record_timestamp_seconds", "timestamp of the newest record");
    valid(GaugeVec::new(opts, &["source"]))
}

fn watermark() -> Gauge {
    valid(Gauge::new("casewright_watermark_timestamp_seconds", "event time before which nothing is expected"))
}

fn alert_latency() -> Histogram {
    let opts = HistogramOpts::new("casewright_alert_latency_seconds", "from record timestamp to commit");
    valid(Histogram::with_opts(opts.buckets(SECONDS.to_vec())))
}

fn batch_records() -> Histogram {
    let opts = HistogramOpts::new("casewright_batch_records", "records of one batch");
    valid(Histogram::with_opts(opts.buckets(RECORDS.to_vec())))
}

fn build_info(registry: &Registry) {
    let info = gauges(registry, "casewright_build_info", "always 1", &["version"]);
    info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    register(registry, valid(IntCounter::new(name, help)))
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    register(registry, valid(IntCounterVec::new(Opts::new(name, help), labels)))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    register(registry, valid(IntGauge::new(name, help)))
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    register(registry, valid(IntGaugeVec::new(Opts::new(name, help), labels)))
}

fn histograms(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
    let opts = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
    register(registry, valid(HistogramVec::new(opts, labels)))
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> C {
    valid(registry.register(Box::new(metric.clone())));
    metric
}

/// Names, labels and buckets are constants of this file: one that Prometheus refuses is our own fault, and every test
/// that builds the struct finds it.
fn valid<T>(metric: Result<T, prometheus::Error>) -> T {
    metric.expect("metric definitions are valid and distinct")
}

fn seconds(at: Timestamp) -> f64 {
    millis(at.millis()) / 1_000.0
}

/// Prometheus knows only floats; a time in milliseconds is exact in one for 285,000 years.
fn millis(value: i64) -> f64 {
    value as f64
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered() {
        let metrics = Metrics::new();
        metrics.outcomes(Outcome::Opened, 3);
        metrics.records("alerts", 5, Some(Timestamp::from_millis(1_500)));
        metrics.commit(CommitResult::Fenced);
        metrics.gap("alerts", 2, 7);
        metrics.stage(Stage::Engine, Duration::from_millis(3));
        metrics.batch_records(5);
        let text = metrics.render().unwrap();
        for line in [
            "casewright_outcomes_total{outcome=\"opened\"} 3",
            "casewright_outcomes_total{outcome=\"rejected\"} 0",
            "casewright_records_total{source=\"alerts\"} 5",
            "casewright_source_last_record_timestamp_seconds{source=\"alerts\"} 1.5",
            "casewright_commits_total{result=\"fenced\"} 1",
            "casewright_input_gap_records_total{partition=\"2\",topic=\"alerts\"} 7",
            "casewright_batch_stage_seconds_bucket{stage=\"engine\",le=\"0.005\"} 1",
            "casewright_batch_records_count 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn every_name_begins_with_ours() {
        let names = Metrics::names();
        assert!(names.is_sorted_by(|one, two| one < two), "each once: {names:?}");
        assert!(names.iter().all(|name| name.starts_with("casewright_")));
    }
}

//! `casewright demo`: everything in one process, with no Kafka and no configuration. The pipeline is the daemon's own; only
//! the broker is a stand-in, which librdkafka brings along for tests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use rdkafka::config::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tokio::sync::oneshot;

use super::AppError;
use super::run::until_the_end;
use crate::config::{Config, SourceConfig, StartAt, TenantRule};
use crate::http;
use crate::kafka::Client;
use crate::model::{Shard as ShardId, Tenant, Timestamp};
use crate::pipeline::{CaseReader, ListFiles, ReadViews, Shard, ShardError, Stop, wall_now};
use crate::store::StoreHome;
use crate::telemetry::{Health, Metrics};
use crate::testing::story::{StoryRecord, story};
use crate::wire::{Decoder, Profiles};

const EXAMPLES: &str = "\
Examples:
  casewright demo             feed the bundled alerts and keep serving until Ctrl-C
  casewright demo --once      feed them all, print the summary, end";
const SEED: u64 = 1;
/// The story lasts some hours of event time; it ends about now.
const STORY_MS: i64 = 6 * 3_600_000;
const SEND_MAX: Duration = Duration::from_secs(30);
const SETTLE_MAX: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// Where health and metrics are served
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8480")]
    pub http: SocketAddr,
    /// Alerts a second
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,
    /// Feed all, print the summary and end
    #[arg(long)]
    pub once: bool,
}

pub fn run(args: &DemoArgs) -> Result<(), AppError> {
    let failed = |error: rdkafka::error::KafkaError| AppError::Failed(format!("the embedded broker: {error}"));
    let cluster = MockCluster::new(1).map_err(failed)?;
    let brokers = cluster.bootstrap_servers();
    let start = Timestamp::from_millis(wall_now().millis() - STORY_MS);
    let records = story(start, SEED);
    let config = Arc::new(config(args, &brokers, &records)?);
    let own = &config.topics;
    let inputs = config.sources.iter().map(|source| &source.topic);
    for topic in [&own.commands, &own.case_events, &own.cases, &own.dead_letters, &own.state, &own.lease, &own.audit]
        .into_iter()
        .chain(inputs)
    {
        cluster.create_topic(topic, 1, 1).map_err(failed)?;
    }
    eprintln!("an embedded broker at {brokers}: for trying things only, it proves no guarantee");
    let parts = Parts::start(&config, args.once)?;
    let fed = feed(&brokers, &records, if args.once { None } else { Some(args.rate) });
    fed.map_err(AppError::Failed)?;
    if args.once { parts.summary(records.len() as u64) } else { parts.serve(&config, &brokers) }
}

fn config(args: &DemoArgs, brokers: &str, records: &[StoryRecord]) -> Result<Config, AppError> {
    let mut config = crate::config::parse("")?;
    config.kafka.brokers = brokers.to_owned();
    config.http.bind = args.http;
    let tenant = Tenant::parse("demo").map_err(|error| AppError::Failed(error.to_string()))?;
    for record in records {
        if !config.sources.iter().any(|source| source.topic == record.topic) {
            config.sources.push(SourceConfig {
                topic: record.topic.to_owned(),
                profile: record.profile.into(),
                timezone: None,
                tenant: vec![TenantRule::Constant(tenant.clone())],
                start_at: Some(StartAt::Earliest),
            });
        }
    }
    Ok(config)
}

/// The running daemon.
struct Parts {
    runtime: tokio::runtime::Runtime,
    ended: oneshot::Receiver<Result<(), ShardError>>,
    stop: Stop,
    views: ReadViews,
    metrics: Arc<Metrics>,
}

impl Parts {
    fn start(config: &Arc<Config>, quiet: bool) -> Result<Self, AppError> {
        let io = |source| AppError::Io { doing: "starting".to_owned(), source };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(io)?;
        let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::new()));
        let (stop, views, reader) = (Stop::default(), ReadViews::default(), CaseReader::default());
        if !quiet {
            let (metrics, health) = (Arc::clone(&metrics), Arc::clone(&health));
            let (bind, cases) = (config.http.bind, reader.clone());
            let service = runtime.block_on(async { http::Service::new(bind, false, metrics, health, cases) })?;
            runtime.spawn(service.run(std::future::pending()));
        }
        let shard = Shard {
            id: ShardId::SINGLE,
            client: Client::new(&config.kafka)?,
            decoder: Arc::new(Decoder::new(Arc::new(Profiles::embedded()), config.limits.clone())),
            metrics: Arc::clone(&metrics),
            health,
            views: views.clone(),
            reader,
            home: StoreHome::memory(),
            instance: "demo".to_owned(),
            rebuild_store: false,
            stop: stop.clone(),
            lists: ListFiles::default(),
            config: Arc::clone(config),
        };
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name("shard".to_owned());
        thread.spawn(move || drop(end.send(shard.run()))).map_err(io)?;
        Ok(Self { runtime, ended, stop, views, metrics })
    }

    fn serve(self, config: &Config, brokers: &str) -> Result<(), AppError> {
        let http = config.http.bind;
        eprintln!("the story is told. Try:");
        eprintln!("  casewright case list --url http://{http}");
        eprintln!("  curl http://{http}/readyz");
        eprintln!("  curl -s http://{http}/metrics | grep casewright_outcomes");
        eprintln!("  kcat -b {brokers} -C -t {} -o beginning -e", config.topics.case_events);
        eprintln!("Ctrl-C ends it");
        Ok(self.runtime.block_on(until_the_end(self.ended, &self.stop, config.pipeline.shutdown_deadline))??)
    }

    /// Waits until every alert has its outcome, stops, and says what came of it.
    fn summary(self, alerts: u64) -> Result<(), AppError> {
        let until = Instant::now() + SETTLE_MAX;
        while self.metrics.outcomes_sum() < alerts {
            if Instant::now() > until {
                return Err(AppError::Failed(format!("{} of {alerts} alerts settled", self.metrics.outcomes_sum())));
            }
            std::thread::sleep(LOOK);
        }
        self.stop.set();
        let crashed = |_| AppError::Failed("the shard's thread ended without a word".to_owned());
        self.runtime.block_on(self.ended).map_err(crashed)??;
        let mut cases = self.views.all();
        cases.sort_by_key(|(id, case)| (std::cmp::Reverse(case.priority.score), id.number));
        for (id, case) in cases.iter().take(10) {
            println!(
                "{id:<10} priority {:>3}  {:<13} {:>4} alerts {:>4} repeats {} products  {}",
                case.priority.score,
                case.severity.label(),
                case.alert_count,
                case.duplicate_count,
                case.products,
                case.title
            );
        }
        let broadest = cases.iter().map(|(_, case)| case.products).max().unwrap_or(0);
        println!("alerts={alerts} cases={} max_products={broadest}", cases.len());
        Ok(())
    }
}

/// Sends the story, at `rate` alerts a second or as fast as it goes.
fn feed(brokers: &str, records: &[StoryRecord], rate: Option<u32>) -> Result<(), String> {
    let failed = |error: rdkafka::error::KafkaError| format!("sending the story: {error}");
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", brokers).set("linger.ms", "1").create().map_err(failed)?;
    for record in records {
        let message = BaseRecord::<str, str>::to(record.topic).payload(&record.json).timestamp(record.at.millis());
        producer.send(message).map_err(|(error, _)| failed(error))?;
        producer.poll(Duration::ZERO);
        if let Some(rate) = rate {
            std::thread::sleep(Duration::from_secs(1) / rate);
        }
    }
    producer.flush(SEND_MAX).map_err(failed)
}

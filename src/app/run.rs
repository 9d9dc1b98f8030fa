//! `casewright run`: the daemon.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use super::{AppError, ConfigArgs};
use crate::config::Config;
use crate::http;
use crate::kafka::Client;
use crate::model::Shard as ShardId;
use crate::pipeline::{CaseReader, ListFiles, ReadViews, Shard, ShardError, Stop};
use crate::store::StoreHome;
use crate::telemetry::{Health, Metrics};
use crate::wire::{AUTO, Decoder, Profiles};

/// How long a slow reader may hold up the end.
const HTTP_END_MAX: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Set the store aside and build it anew from the changelog.
    #[arg(long)]
    rebuild_store: bool,
}

pub fn run(args: &RunArgs) -> Result<(), AppError> {
    let config = Arc::new(args.config.load()?);
    if config.sources.is_empty() {
        return Err(AppError::Usage("no [[source]] in the configuration: there is nothing to read".to_owned()));
    }
    let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::new()));
    let stop = Stop::default();
    let mut shard = shard(&config, args.rebuild_store, Arc::clone(&metrics), Arc::clone(&health), stop.clone())?;
    shard.lists = ListFiles::read(&config, &metrics)?;
    info!(version = env!("CARGO_PKG_VERSION"), brokers = config.kafka.brokers, "starting");
    serve(&config, shard, &stop, metrics, health)
}

/// The one shard, with its store in the configured directory, and without lists.
pub fn shard(
    config: &Arc<Config>,
    rebuild_store: bool,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    stop: Stop,
) -> Result<Shard, AppError> {
    let profiles = Profiles::load(config.profiles_dir.as_deref())?;
    check_profiles(config, &profiles)?;
    Ok(Shard {
        id: ShardId::SINGLE,
        client: Client::new(&config.kafka)?,
        decoder: Arc::new(Decoder::new(Arc::new(profiles), config.limits.clone())),
        metrics,
        health,
        views: ReadViews::default(),
        reader: CaseReader::default(),
        home: StoreHome::directory(&config.store.path, config.store.cache_bytes),
        instance: format!("{}@{}", std::process::id(), config.http.bind),
        rebuild_store,
        stop,
        lists: ListFiles::default(),
        config: Arc::clone(config),
    })
}

/// Every profile that a source names must be there.
pub fn check_profiles(config: &Config, profiles: &Profiles) -> Result<(), AppError> {
    match config.sources.iter().find(|source| *source.profile != *AUTO && !profiles.contains(&source.profile)) {
        None => Ok(()),
        Some(source) => {
            let known = profiles.names().join(", ");
            let topic = &source.topic;
            Err(AppError::Usage(format!("[[source]] {topic}: profile `{}`: known are auto, {known}", source.profile)))
        }
    }
}

/// HTTP and signals on a small runtime, the shard on a thread of its own; whichever ends first ends the other.
pub fn serve(
    config: &Config,
    shard: Shard,
    stop: &Stop,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
) -> Result<(), AppError> {
    let io = |source| AppError::Io { doing: "starting".to_owned(), source };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(io)?;
    let (bind, insecure, cases) = (config.http.bind, config.http.insecure, shard.reader.clone());
    let service = runtime.block_on(async { http::Service::new(bind, insecure, metrics, health, cases) })?;
    let (ended, end) = tokio::sync::oneshot::channel::<Result<(), ShardError>>();
    let worker = std::thread::Builder::new().name("shard".to_owned()).spawn(move || {
        // Nobody listens any more only if the deadline has passed.
        let _ = ended.send(shard.run());
    });
    worker.map_err(io)?;
    let (stop_http, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = runtime.spawn(service.run(async {
        let _gone = stopped.await;
    }));
    let result = runtime.block_on(until_the_end(end, stop, config.pipeline.shutdown_deadline))?;
    drop(stop_http);
    let _served = runtime.block_on(async { tokio::time::timeout(HTTP_END_MAX, served).await });
    runtime.shutdown_timeout(Duration::from_millis(200));
    Ok(result?)
}

pub async fn until_the_end(
    end: tokio::sync::oneshot::Receiver<Result<(), ShardError>>,
    stop: &Stop,
    deadline: Duration,
) -> Result<Result<(), ShardError>, AppError> {
    let io = |source| AppError::Io { doing: "listening for signals".to_owned(), source };
    let mut term = signal(SignalKind::terminate()).map_err(io)?;
    let mut int = signal(SignalKind::interrupt()).map_err(io)?;
    let crashed = || AppError::Failed("the shard's thread ended without a word".to_owned());
    tokio::pin!(end);
    tokio::select! {
        ended = &mut end => return ended.map_err(|_| crashed()),
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    info!("stopping: finishing the last batch");
    stop.set();
    tokio::select! {
        ended = &mut end => ended.map_err(|_| crashed()),
        _ = term.recv() => Ok(cut_short("a second signal")),
        _ = int.recv() => Ok(cut_short("a second signal")),
        () = tokio::time::sleep(deadline) => Ok(cut_short("the shutdown deadline")),
    }
}

/// Safe at any moment: what was not committed is not there, and comes again.
fn cut_short(by: &str) -> Result<(), ShardError> {
    warn!(by, "ending before the last batch was finished; nothing is lost by it");
    Ok(())
}

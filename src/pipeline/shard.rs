//! The life of one shard in one process: wait for the lease, recover, work, and after any fault begin again at the top.
//! There is no other way back, so the way back is tried every day.

use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info, warn};

use super::commit::Committer;
use super::compose::{Composer, Unwatched};
use super::decode::DecodeStage;
use super::idle::IdleClock;
use super::inputs::{self, InputKind, Inputs, PlanError};
use super::lease::LeaseWatch;
use super::pending::{Pending, RowReader};
use super::recover::{RecoverError, Recovered, Recovery, RefusedStart};
use super::report::Reporter;
use super::schedule::ViewSchedule;
use super::session::{Session, SessionFault};
use super::stop::Stop;
use super::{Batch, ReadViews, wall_now};
use crate::config::Config;
use crate::engine::Input;
use crate::kafka::{Client, KafkaFault, TxnFault, TxnProducer};
use crate::model::{Origin, Shard as ShardId};
use crate::store::{Claim, StoreHome};
use crate::telemetry::{Check, CheckState, Health, Metrics, RecoveryCause};
use crate::wire::Decoder;

const INIT_MAX: Duration = Duration::from_secs(30);
const BACKOFF_MIN: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
const LEASE_WAIT: Duration = Duration::from_millis(200);

pub struct Shard {
    pub id: ShardId,
    pub config: Arc<Config>,
    pub client: Client,
    pub decoder: Arc<Decoder>,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub views: ReadViews,
    pub home: StoreHome,
    /// Names this process in its claims.
    pub instance: String,
    pub rebuild_store: bool,
    pub stop: Stop,
}

/// What ends the daemon: a person must act. Everything else is waited out.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    #[error(transparent)]
    Refused(#[from] RefusedStart),
    #[error(transparent)]
    Plan(PlanError),
    #[error("joining the lease group failed")]
    Lease(#[source] KafkaFault),
}

#[derive(Debug, thiserror::Error)]
enum SpellFault {
    #[error(transparent)]
    Recover(#[from] RecoverError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Session(#[from] SessionFault),
}

impl Shard {
    /// Blocks until a stop is asked for, or until only a person can help.
    pub fn run(mut self) -> Result<(), ShardError> {
        self.health.set(Check::Lease, CheckState::Waiting, "joining the lease group");
        let lease = self
            .client
            .lease(&self.config.topics.lease, self.config.pipeline.lease_timeout)
            .map_err(ShardError::Lease)?;
        let watch = LeaseWatch::new(lease);
        let polling = Stop::default();
        std::thread::scope(|scope| {
            let poller = scope.spawn(|| watch.poll_until(&polling));
            let end = self.work(&watch);
            polling.set();
            if poller.join().is_err() {
                error!("the lease thread panicked");
            }
            end
        })
    }

    fn work(&mut self, watch: &LeaseWatch) -> Result<(), ShardError> {
        let mut backoff = BACKOFF_MIN;
        while !self.stop.is_set() {
            let Some(term) = watch.wait_held(LEASE_WAIT) else {
                self.health.set(Check::Lease, CheckState::Waiting, "another instance holds the lease");
                continue;
            };
            self.health.set(Check::Lease, CheckState::Ok, "held");
            let fault = match self.spell(watch, term) {
                Ok(()) => return Ok(()),
                Err(SpellFault::Recover(RecoverError::Stopped)) => return Ok(()),
                Err(SpellFault::Recover(RecoverError::Refused(refused))) => return Err(refused.into()),
                Err(SpellFault::Plan(plan @ (PlanError::NoStart(_) | PlanError::NoTopic(_)))) => {
                    return Err(ShardError::Plan(plan));
                }
                Err(fault) => fault,
            };
            let cause = cause_of(&fault);
            warn!(error = chain(&fault), cause = cause.label(), "recovering");
            self.metrics.recovered(cause);
            self.health.set(Check::Recovery, CheckState::Waiting, cause.label());
            // `--rebuild-store` was for the first start only.
            self.rebuild_store = false;
            if cause == RecoveryCause::Fenced {
                // A rival, or merely our own transaction that timed out: Kafka does not say. Nobody initialises again
                // against another's claim, so the lease goes back, and whoever the group elects goes on.
                watch.rejoin();
            }
            let _stopping = self.stop.wait(backoff);
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
        Ok(())
    }

    /// One lease-holding spell, from recovery to the first fault.
    fn spell(&self, watch: &LeaseWatch, term: u64) -> Result<(), SpellFault> {
        let transactional_id = format!("{}-{}", self.config.kafka.app, self.id);
        let producer = self.client.producer(&transactional_id).map_err(SessionFault::from)?;
        // Fences whoever ran this shard before, and settles our own transaction if one was in doubt.
        producer.init(INIT_MAX).map_err(SessionFault::from)?;
        let recovered = self.recover()?;
        let admin = self.client.admin().map_err(SessionFault::from)?;
        let plan = inputs::plan(&self.config, &self.client, &admin, &recovered.manifest)?;
        self.tell_plan(&plan);
        if !watch.holds(term) {
            return Err(SessionFault::LeaseLost.into());
        }
        let session = self.session(watch, term, producer, recovered, &plan)?;
        self.health.set(Check::Recovery, CheckState::Ok, "recovered");
        self.health.set(Check::Kafka, CheckState::Ok, "committing");
        self.health.set(Check::Store, CheckState::Ok, "");
        info!(inputs = plan.inputs.len(), "serving");
        Ok(session.run()?)
    }

    fn recover(&self) -> Result<Recovered, SpellFault> {
        let partition = self.id.partition();
        let mut changelog = self.client.changelog(&self.config.topics.state, partition).map_err(RecoverError::from)?;
        self.health.set(Check::Recovery, CheckState::Waiting, "reading the changelog");
        let health = &self.health;
        let recovery = Recovery {
            home: &self.home,
            changelog: &mut changelog,
            now: wall_now(),
            rebuild: self.rebuild_store,
            policy: &self.config.policy,
            policy_text: &self.config.policy_text,
            seed: seed(),
            stop: &self.stop,
            progress: &|what| health.set(Check::Recovery, CheckState::Waiting, what),
        };
        Ok(recovery.run()?)
    }

    fn tell_plan(&self, plan: &inputs::Plan) {
        for gap in &plan.gaps {
            self.metrics.gap(gap.topic.as_str(), gap.partition, gap.to - gap.from);
        }
        if plan.halted.is_empty() {
            self.health.set(Check::Inputs, CheckState::Ok, "");
        } else {
            self.health.set(Check::Inputs, CheckState::Failed, &plan.halted.join("; "));
        }
    }

    fn session(
        &self,
        watch: &LeaseWatch,
        term: u64,
        producer: TxnProducer,
        recovered: Recovered,
        plan: &inputs::Plan,
    ) -> Result<Session, SpellFault> {
        let pipeline = &self.config.pipeline;
        let Recovered { store, engine, codec, ledger, segments, mut manifest, first_start } = recovered;
        manifest.positions.clone_from(&plan.positions);
        let schedule = ViewSchedule::new(pipeline.view_interval);
        let mut composer = Composer::new(
            engine,
            codec,
            ledger,
            manifest,
            schedule,
            self.id.to_string(),
            pipeline.dead_letter_bytes_max,
        )
        .with_segments(segments);
        let rows = RowReader::new(Arc::clone(&store), Pending::default());
        let first = self.first_batch(&mut composer, &rows, first_start, plan)?;
        let inputs: Inputs = plan.inputs.clone().into();
        let mut reader = self.client.reader().map_err(SessionFault::from)?;
        reader.assign(&plan.assigned()).map_err(SessionFault::from)?;
        let decode = DecodeStage::new(
            Arc::clone(&self.decoder),
            Arc::clone(&self.config),
            Arc::clone(&inputs),
            plan.positions.clone(),
        )
        .map_err(SessionFault::from)?;
        let topics = self.config.topics.clone();
        Ok(Session {
            reader,
            decode,
            composer,
            committer: Committer::new(producer, topics, self.id),
            store,
            idle: IdleClock::new(inputs.len(), pipeline.partition_idle_after, pipeline.idle_advance),
            inputs,
            lease: watch.clone(),
            term,
            reporter: Reporter::new(
                Arc::clone(&self.metrics),
                Arc::clone(&self.health),
                self.views.clone(),
                &self.config,
            ),
            batch_records_max: pipeline.batch_records_max,
            batch_wait: pipeline.batch_wait,
            stop: self.stop.clone(),
            first,
        })
    }

    /// The claim on the changelog, and the policy where it is another one than the last batch ran under.
    fn first_batch(
        &self,
        composer: &mut Composer,
        rows: &RowReader,
        first_start: bool,
        plan: &inputs::Plan,
    ) -> Result<Batch, SpellFault> {
        let mut draft = composer.begin();
        if first_start || composer.engine().policy_digest() != self.config.policy.digest {
            let (policy, text) = (Box::new(self.config.policy.clone()), Arc::clone(&self.config.policy_text));
            composer
                .input(&mut draft, Input::Policy { policy, text }, rows, &mut Unwatched)
                .map_err(SessionFault::from)?;
        }
        for (input, position) in plan.inputs.iter().zip(&plan.positions) {
            if let InputKind::Alerts(_) = input.kind {
                let (topic, partition, offset) = (input.topic.clone(), input.partition, position.next_offset);
                let expect = Input::Expect { origin: Origin { topic, partition, offset, index: 0 } };
                composer.input(&mut draft, expect, rows, &mut Unwatched).map_err(SessionFault::from)?;
            }
        }
        let claim = Claim { instance: self.instance.clone(), changelog: composer.manifest().changelog, at: wall_now() };
        draft.claim(&claim);
        Ok(composer.finish(draft, rows, false, wall_now()).map_err(SessionFault::from)?)
    }
}

/// The error and what it rests on.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Which fault led back to recovery: a metric label.
fn cause_of(fault: &SpellFault) -> RecoveryCause {
    match fault {
        SpellFault::Recover(_) => RecoveryCause::Recovery,
        SpellFault::Plan(_) => RecoveryCause::Inputs,
        SpellFault::Session(fault) => match fault {
            SessionFault::LeaseLost => RecoveryCause::LeaseLost,
            SessionFault::Read(_) | SessionFault::Kafka(_) => RecoveryCause::Inputs,
            SessionFault::Commit(TxnFault::Fenced) => RecoveryCause::Fenced,
            SessionFault::Commit(_) => RecoveryCause::Commit,
            SessionFault::Store(_) => RecoveryCause::Store,
            SessionFault::Threads(_) | SessionFault::Panicked => RecoveryCause::Panic,
        },
    }
}

/// Keys the engine's hash index; it never shows in what the engine decides.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_or(0, |()| u64::from_le_bytes(bytes))
}

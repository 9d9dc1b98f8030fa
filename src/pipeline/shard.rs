//! The life of one shard in one process: wait for the lease, recover, work, and after any fault begin again at the top.
//! There is no other way back, so the way back is tried every day.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info, warn};

use super::arrivals::ArrivalWatch;
use super::commit::Committer;
use super::compose::{Composer, Draft, Unwatched};
use super::decode::DecodeStage;
use super::idle::IdleClock;
use super::inputs::{self, InputKind, Inputs, PlanError};
use super::lag::{LagWatch, Standing};
use super::lease::LeaseWatch;
use super::lists::ListFiles;
use super::pending::{Pending, RowReader};
use super::recover::{RecoverError, Recovered, Recovery, RefusedStart};
use super::report::Reporter;
use super::schedule::ViewSchedule;
use super::session::{Session, SessionFault};
use super::stop::Stop;
use super::{Batch, CaseReader, ReadViews, wall_now, witness};
use crate::config::Config;
use crate::engine::Input;
use crate::kafka::{Client, KafkaFault, TxnFault, TxnProducer};
use crate::model::{Origin, Shard as ShardId, TopicName};
use crate::store::{Claim, Manifest, StoreHome};
use crate::telemetry::{Check, CheckState, Health, Metrics, RecoveryCause};
use crate::wire::Decoder;
use crate::wire::audit::{ShardEvent, ShardEventKind};

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
    pub reader: CaseReader,
    pub home: StoreHome,
    /// Names this process in its claims.
    pub instance: String,
    pub rebuild_store: bool,
    pub lists: ListFiles,
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
pub(super) enum SpellFault {
    #[error(transparent)]
    Recover(#[from] RecoverError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Session(#[from] SessionFault),
}

impl Shard {
    /// Blocks until a stop is asked for, or until only a person can help.
    pub fn run(self) -> Result<(), ShardError> {
        self.health.set(Check::Lease, CheckState::Waiting, "joining the lease group");
        let lease = self
            .client
            .lease(&self.config.topics.lease, self.config.pipeline.lease_timeout)
            .map_err(ShardError::Lease)?;
        let watch = LeaseWatch::new(lease);
        let polling = Stop::default();
        let standing = Arc::new(Standing::default());
        let lag = LagWatch {
            client: &self.client,
            changelog: (self.config.topics.state.clone(), self.id.partition()),
            standing: &standing,
            home: &self.home,
            metrics: &self.metrics,
        };
        let arrivals = ArrivalWatch { client: &self.client, config: &self.config, standing: &standing };
        std::thread::scope(|scope| {
            let threads = [
                scope.spawn(|| watch.poll_until(&polling)),
                scope.spawn(|| lag.run_until(&polling)),
                scope.spawn(|| arrivals.run_until(&polling)),
                scope.spawn(|| self.lists.run_until(&polling, &self.metrics)),
            ];
            let end = self.work(&watch, &standing);
            polling.set();
            for thread in threads {
                if thread.join().is_err() {
                    error!("the lease thread, or one that watches the lag, the inputs or the lists, panicked");
                }
            }
            end
        })
    }

    fn work(&self, watch: &LeaseWatch, standing: &Arc<Standing>) -> Result<(), ShardError> {
        let mut backoff = BACKOFF_MIN;
        let life = Life { rebuild: Cell::new(self.rebuild_store), ..Life::default() };
        self.metrics.recovered(RecoveryCause::Start);
        while !self.stop.is_set() {
            let Some(term) = watch.wait_held(LEASE_WAIT) else {
                self.wait_for_the_lease(watch)?;
                self.look_into_the_store(standing);
                continue;
            };
            self.health.set(Check::Lease, CheckState::Ok, "held");
            let ended = self.spell(watch, term, &life, standing);
            standing.rest(&self.metrics);
            let fault = match ended {
                Ok(()) => return Ok(()),
                Err(SpellFault::Recover(RecoverError::Stopped)) => return Ok(()),
                Err(SpellFault::Recover(RecoverError::Refused(refused))) => return Err(refused.into()),
                // At the start it is the configuration. Later it is waited for: ending would stop all sources for good.
                Err(SpellFault::Plan(plan @ (PlanError::NoStart(_) | PlanError::NoTopic(_)))) if !life.served.get() => {
                    return Err(ShardError::Plan(plan));
                }
                Err(fault) => fault,
            };
            let cause = cause_of(&fault);
            warn!(error = chain(&fault), cause = cause.label(), "recovering");
            self.metrics.recovered(cause);
            self.health.set(Check::Recovery, CheckState::Waiting, cause.label());
            if is_of_the_store(&fault) {
                self.health.set(Check::Store, CheckState::Failed, &chain(&fault));
            }
            if cause == RecoveryCause::Fenced || is_of_the_store(&fault) {
                // Fenced: a rival, or merely our own transaction that timed out; Kafka does not say. Nobody initialises
                // again against another's claim, so the lease goes back, and whoever the group elects goes on. Another
                // instance's store may be sound where this one's is not.
                watch.rejoin();
            }
            if life.serving.take() {
                backoff = BACKOFF_MIN;
            }
            let _stopping = self.stop.wait(backoff);
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
        Ok(())
    }

    /// Says what is waited for. Before the lease was ever ours, a lease topic that is not there ends the daemon, as any
    /// other of its own topics does: librdkafka looks for it again only after minutes. Later it is waited for.
    fn wait_for_the_lease(&self, watch: &LeaseWatch) -> Result<(), ShardError> {
        let trouble = watch.trouble();
        let detail = match &trouble {
            None => "another instance holds the lease, or the group is about to give it".to_owned(),
            Some(fault) => fault.to_string(),
        };
        self.health.set(Check::Lease, CheckState::Waiting, &detail);
        if let Some(KafkaFault::NoSuchTopic { topic }) = trouble
            && watch.seen().term == 0
            // Asked again, because a broker that is just starting may not know all its topics.
            && self.client.admin().is_ok_and(|admin| matches!(admin.partitions(&topic), Ok(None)))
        {
            return Err(ShardError::Plan(PlanError::NoTopic(topic)));
        }
        Ok(())
    }

    /// A waiting instance says how far its store is behind; nobody writes it meanwhile, so one look will do. On this
    /// thread, which is the one that opens it when the lease comes.
    fn look_into_the_store(&self, standing: &Standing) {
        if standing.knows_the_store() {
            return;
        }
        let filled =
            if self.home.is_empty() { None } else { self.home.open().ok().and_then(|store| store.meta().ok()) };
        standing.stored(filled.flatten().map(|meta| meta.position).unwrap_or_default());
    }

    /// One lease-holding spell, from recovery to the first fault.
    fn spell(&self, watch: &LeaseWatch, term: u64, life: &Life, standing: &Arc<Standing>) -> Result<(), SpellFault> {
        let producer = self.fencing_producer()?;
        let recovered = self.recover(life.rebuild.get())?;
        life.rebuild.set(false);
        let admin = self.client.admin().map_err(SessionFault::from)?;
        let mut seen = life.seen.borrow_mut();
        let plan = inputs::plan(&self.config, &self.client, &admin, &recovered.manifest, seen.as_ref())?;
        *seen = Some(plan.topics.clone());
        drop(seen);
        self.tell_plan(&plan);
        witness::hear(&self.client, &recovered.manifest, &plan, &self.metrics);
        if !watch.holds(term) {
            return Err(SessionFault::LeaseLost.into());
        }
        let session = self.session(watch, term, producer, recovered, &plan, standing)?;
        self.health.set(Check::Recovery, CheckState::Ok, "recovered");
        self.health.set(Check::Kafka, CheckState::Ok, "committing");
        self.health.set(Check::Store, CheckState::Ok, "");
        info!(inputs = plan.inputs.len(), "serving");
        life.served.set(true);
        life.serving.set(true);
        let ended = session.run();
        self.reader.end();
        Ok(ended?)
    }

    /// Fences whoever ran this shard before, and settles our own transaction if one was in doubt.
    pub(super) fn fencing_producer(&self) -> Result<TxnProducer, SpellFault> {
        let transactional_id = format!("{}-{}", self.config.kafka.app, self.id);
        let producer = self.client.producer(&transactional_id).map_err(SessionFault::from)?;
        producer.init(INIT_MAX).map_err(SessionFault::from)?;
        Ok(producer)
    }

    pub(super) fn recover(&self, rebuild: bool) -> Result<Recovered, SpellFault> {
        let partition = self.id.partition();
        let mut changelog = self.client.changelog(&self.config.topics.state, partition).map_err(RecoverError::from)?;
        self.health.set(Check::Recovery, CheckState::Waiting, "reading the changelog");
        let health = &self.health;
        let recovery = Recovery {
            home: &self.home,
            changelog: &mut changelog,
            now: wall_now(),
            rebuild,
            policy: &self.config.policy,
            policy_text: &self.config.policy_text,
            seed: seed(),
            stop: &self.stop,
            progress: &|what| health.set(Check::Recovery, CheckState::Waiting, what),
        };
        Ok(recovery.run()?)
    }

    fn tell_plan(&self, plan: &inputs::Plan) {
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
        standing: &Arc<Standing>,
    ) -> Result<Session, SpellFault> {
        let pipeline = &self.config.pipeline;
        let (store, codec) = (Arc::clone(&recovered.store), recovered.codec.clone());
        let (composer, first) = self.compose(recovered, plan)?;
        let (holds_permille, cases) = (self.config.policy.attach_permille, composer.engine().summaries());
        self.reader.begin(Arc::clone(&store), codec, holds_permille, cases);
        let stood = Arc::clone(&first.manifest);
        let inputs: Inputs = plan.inputs.clone().into();
        if let Some(meta) = store.meta().map_err(SessionFault::from)? {
            standing.stored(meta.position);
        }
        let outgrown = standing.serve(Arc::clone(&inputs), stood);
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
            committer: Committer::new(producer, topics, self.id, inputs.len()),
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
            outgrown,
            lists: self.lists.wanted(),
            first,
            standing: Arc::clone(standing),
            cases: self.reader.clone(),
        })
    }

    /// The engine ready to go on from the plan's positions, and the batch that says so.
    pub(super) fn compose(&self, recovered: Recovered, plan: &inputs::Plan) -> Result<(Composer, Batch), SpellFault> {
        let pipeline = &self.config.pipeline;
        let Recovered { store, engine, codec, ledger, segments, mut manifest, first_start } = recovered;
        manifest.positions = plan.manifest_positions();
        let schedule = ViewSchedule::new(pipeline.view_interval);
        let shard = self.id.to_string();
        let mut composer =
            Composer::new(engine, codec, ledger, manifest, schedule, shard, pipeline.dead_letter_bytes_max)
                .with_segments(segments);
        let rows = RowReader::new(store, Pending::default());
        let first = self.first_batch(&mut composer, &rows, first_start, plan)?;
        Ok((composer, first))
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
        // What is not read must not hold the watermark back.
        for parked in &plan.parked {
            let (topic, partition, offset) = (parked.topic.clone(), parked.partition, parked.next_offset);
            let idle = Input::Idle { origin: Origin { topic, partition, offset, index: 0 } };
            composer.input(&mut draft, idle, rows, &mut Unwatched).map_err(SessionFault::from)?;
        }
        self.audit(&mut draft, composer.manifest(), plan);
        let claim = Claim { instance: self.instance.clone(), changelog: composer.manifest().changelog, at: wall_now() };
        draft.claim(&claim);
        Ok(composer.finish(draft, rows, false, wall_now()).map_err(SessionFault::from)?)
    }

    /// Positions that go anywhere but over their records: told in the transaction that acts on it, or not at all.
    fn audit(&self, draft: &mut Draft, manifest: &Manifest, plan: &inputs::Plan) {
        let (changelog, shard) = (manifest.changelog.to_string(), self.id.to_string());
        let mut tell = |kind, topic: &TopicName, partition, from, to| {
            let (changelog, topic, instance) = (changelog.as_str(), topic.as_str(), self.instance.as_str());
            let (batch, time) = (manifest.batch + 1, wall_now());
            let event = ShardEvent { kind, changelog, batch, topic, partition, from, to, instance, time };
            draft.audit(&event, &shard);
        };
        for moved in &plan.moved {
            tell(ShardEventKind::PositionMoved, &moved.topic, moved.partition, moved.from, moved.to);
        }
        for gap in &plan.gaps {
            tell(ShardEventKind::InputGap, &gap.topic, gap.partition, Some(gap.from), gap.to);
        }
        plan.gaps.iter().cloned().for_each(|gap| draft.gap(gap));
    }
}

/// What a process remembers from one spell to the next.
#[derive(Default)]
struct Life {
    /// `--rebuild-store`, until a store was built.
    rebuild: Cell<bool>,
    /// It has served in some spell.
    served: Cell<bool>,
    /// The last spell came as far as that.
    serving: Cell<bool>,
    /// The cluster's topics when the inputs were last planned.
    seen: RefCell<Option<BTreeSet<String>>>,
}

const fn is_of_the_store(fault: &SpellFault) -> bool {
    matches!(fault, SpellFault::Recover(RecoverError::Store(_)) | SpellFault::Session(SessionFault::Store(_)))
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
            SessionFault::Read(_) | SessionFault::Kafka(_) | SessionFault::Outgrown => RecoveryCause::Inputs,
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

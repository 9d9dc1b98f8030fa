//! One spell of work under one lease: poll, decode, decide, commit and keep, each on a thread of its own with a bounded
//! queue between them. The first fault ends the spell; what was not committed is dropped and recovered from the changelog.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use tracing::debug;

use super::commit::Committer;
use super::compose::{Composer, Decoded, Draft};
use super::decode::DecodeStage;
use super::idle::{IdleClock, Tick};
use super::inputs::Inputs;
use super::keep::{Committed, keep};
use super::lag::Standing;
use super::lease::LeaseWatch;
use super::lists::WantedLists;
use super::pending::{Pending, RowReader};
use super::report::Reporter;
use super::stop::Stop;
use super::{Batch, CaseReader, compose::Unwatched, wall_now};
use crate::engine::Input;
use crate::kafka::{InputReader, KafkaFault, RawBatch, ReadFault, TxnFault};
use crate::model::Origin;
use crate::store::{Store, StoreError};
use crate::telemetry::{Check, CheckState, Health};

/// Polls waiting to be decoded, decoded ones waiting for the engine, batches waiting for the commit: one each is enough to
/// keep every stage busy, and all of it is dropped when a transaction aborts.
const STAGED_MAX: usize = 1;
/// A full batch is made of so many polls, so that it is decoded while it comes.
const POLLS_PER_BATCH: usize = 4;
/// As many as can be filled, decoded and waited for at once.
const SPARE_MAX: usize = 3;
const SPARE_BYTES_MAX: usize = 16 << 20;
const COMMITTED_MAX: usize = 8;
/// How often the passing of time is looked at.
const TICK: Duration = Duration::from_millis(50);
/// How often a batch that takes in more looks whether it may go.
const GATHER_LOOK: Duration = Duration::from_millis(1);
const ASK_EVERY: Duration = Duration::from_secs(1);
const POLL_WAIT_MAX: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
pub enum SessionFault {
    #[error("the lease went to another instance")]
    LeaseLost,
    /// No fault: the way to more inputs is the way from the start.
    #[error("there are more inputs than it reads")]
    Outgrown,
    #[error("reading the inputs failed")]
    Read(#[from] ReadFault),
    #[error("asking the brokers failed")]
    Kafka(#[from] KafkaFault),
    #[error("the transaction failed")]
    Commit(#[from] TxnFault),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the decoding threads could not be started")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("a thread of the pipeline panicked")]
    Panicked,
}

pub struct Session {
    pub reader: InputReader,
    pub decode: DecodeStage,
    pub composer: Composer,
    pub committer: Committer,
    pub store: Arc<dyn Store>,
    pub inputs: Inputs,
    pub lease: LeaseWatch,
    pub term: u64,
    pub idle: IdleClock,
    pub reporter: Reporter,
    pub batch_records_max: usize,
    pub batch_wait: Duration,
    /// The daemon is to stop: finish what was read, then end.
    pub stop: Stop,
    /// There are inputs that it does not read: finish what was read, then end.
    pub outgrown: Stop,
    /// The lists that are to be in force, which may change at any time.
    pub lists: WantedLists,
    /// A batch that must go out first: the claim on the changelog, a changed policy.
    pub first: Batch,
    /// Told where the work stands; asked by those who measure.
    pub standing: Arc<Standing>,
    /// Told what is committed and what is stored; answers those who read.
    pub cases: CaseReader,
}

type Polled = (RawBatch, Vec<(usize, i64)>);

impl Session {
    /// Runs until a stop is asked for, which is no fault, or until the first fault.
    pub fn run(self) -> Result<(), SessionFault> {
        let (stop, outgrown) = (self.stop.clone(), self.outgrown.clone());
        self.work()?;
        if outgrown.is_set() && !stop.is_set() { Err(SessionFault::Outgrown) } else { Ok(()) }
    }

    fn work(self) -> Result<(), SessionFault> {
        // Set by the first thread that ends with a fault, so that the others end as well.
        let broken = Stop::default();
        let pending = Pending::default();
        let rows = RowReader::new(Arc::clone(&self.store), pending.clone());
        let (polled_in, polled) = bounded::<Polled>(STAGED_MAX);
        let (spare_in, spare) = bounded::<RawBatch>(SPARE_MAX);
        let (decoded_in, decoded) = bounded::<Decoded>(STAGED_MAX);
        let (decided_in, decided) = bounded::<Arc<Batch>>(STAGED_MAX);
        let (committed_in, committed) = bounded::<Committed>(COMMITTED_MAX);
        let Self { reader, decode, composer, committer, store, inputs, lease, term, idle, reporter, .. } = self;
        let poll = Poll {
            reader,
            records_max: (self.batch_records_max / POLLS_PER_BATCH).max(1),
            wait: self.batch_wait.min(POLL_WAIT_MAX),
            ask: inputs.first().cloned(),
            health: Arc::clone(reporter.health()),
            away: None,
            outgrown: self.outgrown,
        };
        let under_way = Arc::new(AtomicUsize::new(0));
        let decide = Decide {
            composer,
            idle,
            inputs,
            rows,
            pending: pending.clone(),
            records_max: self.batch_records_max,
            held: None,
            under_way: Arc::clone(&under_way),
            lists: self.lists,
            stop: self.stop.clone(),
        };
        let standing = self.standing.as_ref();
        let cases = &self.cases;
        let commit = Commit { committer, lease, term, reporter: &reporter, standing, under_way, cases };
        let first = Arc::new(self.first);
        let stop = &self.stop;
        let (broken, pending) = (&broken, &pending);
        let (store, metrics) = (store.as_ref(), reporter.metrics());
        // Each thread owns its ends of the channels: when one returns, those behind it finish what is under way.
        std::thread::scope(|scope| {
            let threads = [
                guarded(scope, "poll", broken, move || poll.run(&polled_in, &spare, stop, broken)),
                guarded(scope, "decode", broken, move || decode_all(decode, &polled, &spare_in, &decoded_in)),
                guarded(scope, "engine", broken, move || decide.run(&decoded, &decided_in, first)),
                guarded(scope, "commit", broken, move || commit.run(&decided, &committed_in)),
                guarded(scope, "store", broken, move || {
                    keep(&committed, store, pending, cases, metrics, standing).map_err(SessionFault::from)
                }),
            ];
            let ends = threads.map(|thread| thread.join().unwrap_or(Err(SessionFault::Panicked)));
            ends.into_iter().collect()
        })
    }
}

/// Runs `body` on a named thread; a fault or panic in it breaks the session.
fn guarded<'scope, 'env>(
    scope: &'scope std::thread::Scope<'scope, 'env>,
    name: &'static str,
    broken: &Stop,
    body: impl FnOnce() -> Result<(), SessionFault> + Send + 'scope,
) -> std::thread::ScopedJoinHandle<'scope, Result<(), SessionFault>> {
    let broken = broken.clone();
    let run = move || {
        // A thread that unwinds has not reached the line below, and must break the session all the same.
        let watch = BreakOnPanic(broken.clone());
        let end = body();
        drop(watch);
        if end.is_err() {
            broken.set();
        }
        end
    };
    std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run).expect("the process may start a thread")
}

struct BreakOnPanic(Stop);

impl Drop for BreakOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set();
        }
    }
}

struct Poll {
    reader: InputReader,
    records_max: usize,
    wait: Duration,
    /// Any partition will do to ask whether the brokers are back.
    ask: Option<super::inputs::Input>,
    health: Arc<Health>,
    /// When the brokers were last found away.
    away: Option<Instant>,
    outgrown: Stop,
}

impl Poll {
    /// Owns its end of the channel: when this returns, the stages behind it finish what is under way and end in turn.
    fn run(
        mut self,
        out: &Sender<Polled>,
        spare: &Receiver<RawBatch>,
        stop: &Stop,
        broken: &Stop,
    ) -> Result<(), SessionFault> {
        while !stop.is_set() && !broken.is_set() && !self.outgrown.is_set() {
            let mut batch = spare.try_recv().unwrap_or_default();
            batch.clear();
            match self.reader.poll(&mut batch, self.records_max, self.wait) {
                // The position is kept; librdkafka goes on when the brokers are back.
                Err(ReadFault::Transient(detail)) => self.gone(&detail),
                polled => polled?,
            }
            self.look_for_brokers();
            if batch.records.is_empty() && batch.at_end.is_empty() {
                continue;
            }
            let reached = self.reader.positions()?;
            if out.send((batch, reached)).is_err() {
                break;
            }
        }
        Ok(())
    }
}

impl Poll {
    fn gone(&mut self, detail: &str) {
        debug!(detail, "reading the inputs: waiting for the brokers");
        self.health.set(Check::Kafka, CheckState::Waiting, "waiting for the brokers; positions are kept");
        self.away = Some(Instant::now());
    }

    /// Quiet inputs say nothing when the brokers are back, so they are asked, one at a time and not too often.
    fn look_for_brokers(&mut self) {
        let (Some(away), Some(ask)) = (self.away, &self.ask) else { return };
        if away.elapsed() < ASK_EVERY {
            return;
        }
        self.away = match self.reader.low_high(ask.topic.as_str(), ask.partition) {
            Ok(_) => {
                self.health.set(Check::Kafka, CheckState::Ok, "the brokers are back");
                None
            }
            Err(_) => Some(Instant::now()),
        };
    }
}

/// A batch that was decoded goes back to be filled again: its memory is as large as it will ever be.
fn decode_all(
    mut stage: DecodeStage,
    polled: &Receiver<Polled>,
    spare: &Sender<RawBatch>,
    out: &Sender<Decoded>,
) -> Result<(), SessionFault> {
    while let Ok((raw, reached)) = polled.recv() {
        let decoded = stage.decode(&raw, &reached);
        // Where nobody waits for it there are enough. One that was large once is not kept so for ever.
        if raw.capacity() <= SPARE_BYTES_MAX {
            let _ = spare.try_send(raw);
        }
        if out.send(decoded).is_err() {
            break;
        }
    }
    Ok(())
}

struct Decide {
    composer: Composer,
    idle: IdleClock,
    inputs: Inputs,
    rows: RowReader,
    pending: Pending,
    records_max: usize,
    /// What came while a batch was open and did not fit into it: begins the next one.
    held: Option<Decoded>,
    /// Batches that were handed to the commit and are not committed yet.
    under_way: Arc<AtomicUsize>,
    lists: WantedLists,
    stop: Stop,
}

impl Decide {
    fn run(
        mut self,
        decoded: &Receiver<Decoded>,
        out: &Sender<Arc<Batch>>,
        first: Arc<Batch>,
    ) -> Result<(), SessionFault> {
        self.pending.push(Arc::clone(&first));
        if !self.hand_over(out, first) {
            return Ok(());
        }
        loop {
            let (arrived, last) = match self.held.take() {
                Some(held) => (Some(held), false),
                None => match decoded.recv_timeout(TICK) {
                    Ok(arrived) => (Some(arrived), false),
                    Err(RecvTimeoutError::Timeout) => (None, false),
                    // Only a stop that was asked for ends with everything told; a fault just ends.
                    Err(RecvTimeoutError::Disconnected) => (None, true),
                },
            };
            let mut draft = self.composer.begin();
            self.composer.renew_lists(&mut draft, &self.lists.get(), &self.rows)?;
            if let Some(arrived) = arrived {
                self.take(&mut draft, arrived)?;
                self.gather(&mut draft, decoded)?;
            }
            if let Some(batch) = self.close(draft, last && self.stop.is_set())?
                && !self.hand_over(out, batch)
            {
                return Ok(());
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Answers whether anybody takes batches still.
    fn hand_over(&self, out: &Sender<Arc<Batch>>, batch: Arc<Batch>) -> bool {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        out.send(batch).is_ok()
    }

    /// While a transaction is at the brokers a small batch would only stand in line, and where the inputs have more it
    /// would only be one of too many: it takes in what there is. So an alert waits for the transaction under way and for
    /// its own, and a full batch waits closed and encoded.
    fn gather(&mut self, draft: &mut Draft, decoded: &Receiver<Decoded>) -> Result<(), SessionFault> {
        while draft.records() < self.records_max {
            let free = self.under_way.load(Ordering::Relaxed) == 0;
            let began = Instant::now();
            let arrived = decoded.recv_timeout(if free { Duration::ZERO } else { GATHER_LOOK });
            draft.waited(began.elapsed());
            match arrived {
                Ok(arrived) if !draft.has_room_for(&arrived, self.records_max) => {
                    self.held = Some(arrived);
                    break;
                }
                Ok(arrived) => self.take(draft, arrived)?,
                Err(RecvTimeoutError::Timeout) if free => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(())
    }

    fn take(&mut self, draft: &mut Draft, mut arrived: Decoded) -> Result<(), SessionFault> {
        let now = Instant::now();
        arrived.spoke.iter().for_each(|&input| self.idle.records_from(input));
        arrived.at_end.iter().for_each(|&input| self.idle.at_end(input, now));
        self.composer.account(draft, &mut arrived);
        for element in arrived.elements {
            self.composer.element(draft, element, &self.rows, &mut Unwatched)?;
        }
        Ok(())
    }

    fn close(&mut self, mut draft: Draft, last: bool) -> Result<Option<Arc<Batch>>, SessionFault> {
        let now = Instant::now();
        for tick in self.idle.tick(now, self.composer.engine().stats().watermark) {
            let input = self.input_of(tick);
            self.composer.input(&mut draft, input, &self.rows, &mut Unwatched)?;
        }
        let view_due = self.composer.next_view_due().is_some_and(|due| due <= now);
        if draft.is_empty() && !view_due && !last {
            return Ok(None);
        }
        let batch = Arc::new(self.composer.finish(draft, &self.rows, last, wall_now())?);
        if batch.is_empty() && batch.rows.len() <= 1 {
            return Ok(None);
        }
        self.pending.push(Arc::clone(&batch));
        Ok(Some(batch))
    }

    fn input_of(&self, tick: Tick) -> Input {
        match tick {
            Tick::Advance(watermark) => Input::Advance { watermark },
            Tick::Idle(index) => {
                let input = &self.inputs[index];
                let offset = self.composer.manifest().next_offset(&input.topic, input.partition);
                let (topic, partition) = (input.topic.clone(), input.partition);
                Input::Idle { origin: Origin { topic, partition, offset, index: 0 } }
            }
        }
    }
}

struct Commit<'a> {
    committer: Committer,
    lease: LeaseWatch,
    term: u64,
    reporter: &'a Reporter,
    under_way: Arc<AtomicUsize>,
    standing: &'a Standing,
    cases: &'a CaseReader,
}

impl Commit<'_> {
    fn run(self, decided: &Receiver<Arc<Batch>>, out: &Sender<Committed>) -> Result<(), SessionFault> {
        while let Ok(batch) = decided.recv() {
            if !self.lease.holds(self.term) {
                return Err(SessionFault::LeaseLost);
            }
            let (position, spent) = match self.committer.commit(&batch, || self.lease.member(self.term)) {
                Ok(done) => done,
                Err(fault) => {
                    self.reporter.failed(&fault);
                    self.committer.give_up();
                    return Err(fault.into());
                }
            };
            self.under_way.fetch_sub(1, Ordering::Relaxed);
            self.standing.committed(&batch.manifest, position);
            self.reporter.committed(&batch, spent);
            self.cases.committed(&batch);
            if out.send(Committed { batch, position }).is_err() {
                break;
            }
        }
        Ok(())
    }
}

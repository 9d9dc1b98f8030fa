//! Where each input stands, told without touching anything, and moved: the only way in which a position ever goes
//! anywhere but forwards. A move takes the daemon's own path (the lease, `init_transactions`, recovery) and ends after
//! the first batch, a claim whose manifest has the new positions; so it can neither run beside the daemon nor be torn.

use std::fmt;
use std::time::Duration;

use tracing::info;

use super::commit::Committer;
use super::inputs::{self, Footing, PlanError, Planner};
use super::lease::LeaseWatch;
use super::recover::RecoverError;
use super::session::SessionFault;
use super::shard::{Shard, SpellFault};
use super::stop::Stop;
use super::tail;
use crate::config::Config;
use crate::kafka::{Admin, Client, CommittedOffset, KafkaFault, TxnFault};
use crate::model::{Shard as ShardId, Timestamp, TopicName};
use crate::store::{InputPosition, Manifest};
use crate::wire;

/// A hanging transaction holds this answer up; then the table goes without it.
const COMMITTED_WITHIN: Duration = Duration::from_secs(5);

/// Where to, in the words of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveTo {
    Earliest,
    Latest,
    Offset(i64),
    /// The first record at or after this time.
    Time(Timestamp),
}

/// Which partitions of which input go where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    pub topic: TopicName,
    /// None: all of them.
    pub partition: Option<i32>,
    pub to: MoveTo,
}

/// One partition that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub topic: TopicName,
    pub partition: i32,
    /// None if it had no position yet.
    pub from: Option<i64>,
    pub to: i64,
}

/// What a move did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveReport {
    pub moved: Vec<Moved>,
    /// The batch whose manifest has them.
    pub batch: u64,
    /// Partitions that still wait for an operator.
    pub halted: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error(
        "an instance holds the lease of this shard (a member of group {group}): stop every instance of the daemon, then \
         try again; one that was killed gives the lease up after `pipeline.lease_timeout`"
    )]
    Held { group: String },
    #[error(
        "no [[source]] reads topic {}, and it is not the command topic: `casewright positions show` lists the inputs",
        .0.as_str()
    )]
    NoInput(TopicName),
    #[error("topic {} has partitions 0 to {}, not {partition}", .topic.as_str(), .partitions - 1)]
    NoPartition { topic: TopicName, partition: i32, partitions: i32 },
    #[error("{}:{partition} has the offsets {low} to {high} (its end), not {wanted}", .topic.as_str())]
    OutOfLog { topic: TopicName, partition: i32, low: i64, high: i64, wanted: i64 },
    #[error("asking the brokers failed")]
    Kafka(#[from] KafkaFault),
    #[error("the transaction failed")]
    Commit(#[from] TxnFault),
    #[error(transparent)]
    Recover(#[from] RecoverError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Session(#[from] SessionFault),
}

impl From<SpellFault> for MoveError {
    fn from(fault: SpellFault) -> Self {
        match fault {
            SpellFault::Recover(error) => Self::Recover(error),
            SpellFault::Plan(error) => Self::Plan(error),
            SpellFault::Session(error) => Self::Session(error),
        }
    }
}

impl Shard {
    /// Moves input positions. Waits at most `wait` for the lease.
    pub fn move_positions(&self, wish: &Move, wait: Duration) -> Result<MoveReport, MoveError> {
        let topic = &self.config.topics.lease;
        if self.client.admin()?.partitions(topic)?.is_none() {
            return Err(PlanError::NoTopic(topic.clone()).into());
        }
        let lease = self.client.lease(topic, self.config.pipeline.lease_timeout)?;
        let watch = LeaseWatch::new(lease);
        let polling = Stop::default();
        std::thread::scope(|scope| {
            scope.spawn(|| watch.poll_until(&polling));
            let held = watch.wait_held(wait);
            let end = match held {
                Some(term) => self.move_under_lease(&watch, term, wish),
                None => Err(MoveError::Held { group: self.config.kafka.group.clone() }),
            };
            polling.set();
            end
        })
    }

    fn move_under_lease(&self, watch: &LeaseWatch, term: u64, wish: &Move) -> Result<MoveReport, MoveError> {
        let producer = self.fencing_producer()?;
        let mut recovered = self.recover(false)?;
        let admin = self.client.admin()?;
        let moved = place(&self.config, &self.client, &admin, &recovered.manifest, wish)?;
        for each in &moved {
            set(&mut recovered.manifest.positions, each);
        }
        let mut plan = inputs::plan(&self.config, &self.client, &admin, &recovered.manifest, None)?;
        plan.moved.clone_from(&moved);
        let audit = &self.config.topics.audit;
        if admin.partitions(audit)?.is_none() {
            return Err(PlanError::NoTopic(audit.clone()).into());
        }
        let store = std::sync::Arc::clone(&recovered.store);
        let (_, first) = self.compose(recovered, &plan)?;
        let committer = Committer::new(producer, self.config.topics.clone(), self.id, plan.inputs.len());
        let (position, _) = match committer.commit(&first, || watch.member(term)) {
            Ok(done) => done,
            Err(fault) => {
                committer.give_up();
                return Err(fault.into());
            }
        };
        store.apply(&first.rows.iter().collect::<Vec<_>>(), position).map_err(SessionFault::from)?;
        store.flush().map_err(SessionFault::from)?;
        info!(batch = first.manifest.batch, partitions = moved.len(), "positions moved");
        Ok(MoveReport { moved, batch: first.manifest.batch, halted: plan.halted })
    }
}

/// Turns the wish into offsets that the logs have.
fn place(
    config: &Config,
    client: &Client,
    admin: &Admin,
    manifest: &Manifest,
    wish: &Move,
) -> Result<Vec<Moved>, MoveError> {
    let topic = &wish.topic;
    if !is_input(config, topic.as_str()) {
        return Err(MoveError::NoInput(topic.clone()));
    }
    let partitions = admin.partitions(topic.as_str())?.ok_or_else(|| PlanError::NoTopic(topic.as_str().to_owned()))?;
    let chosen = match wish.partition {
        None => 0..partitions,
        Some(partition) if (0..partitions).contains(&partition) => partition..partition + 1,
        Some(partition) => return Err(MoveError::NoPartition { topic: topic.clone(), partition, partitions }),
    };
    let reader = client.reader()?;
    chosen
        .map(|partition| {
            let (low, high) = reader.low_high(topic.as_str(), partition)?;
            let to = match wish.to {
                MoveTo::Earliest => low,
                MoveTo::Latest => high,
                MoveTo::Time(at) => reader.offset_at_time(topic.as_str(), partition, at.millis())?,
                MoveTo::Offset(wanted) if (low..=high).contains(&wanted) => wanted,
                MoveTo::Offset(wanted) => {
                    return Err(MoveError::OutOfLog { topic: topic.clone(), partition, low, high, wanted });
                }
            };
            let from = find(&manifest.positions, topic, partition).map(|position| position.next_offset);
            Ok(Moved { topic: topic.clone(), partition, from, to })
        })
        .collect()
}

fn is_input(config: &Config, topic: &str) -> bool {
    topic == config.topics.commands || config.sources.iter().any(|source| wire::topic_matches(&source.topic, topic))
}

fn find<'a>(positions: &'a [InputPosition], topic: &TopicName, partition: i32) -> Option<&'a InputPosition> {
    positions.iter().find(|position| position.partition == partition && position.topic == *topic)
}

/// What was read before says nothing about the place moved to, so there is no fingerprint until a record is read there.
fn set(positions: &mut Vec<InputPosition>, moved: &Moved) {
    let delivered = find(positions, &moved.topic, moved.partition).map_or(0, |position| position.delivered);
    positions.retain(|position| position.partition != moved.partition || position.topic != moved.topic);
    positions.push(InputPosition {
        topic: moved.topic.clone(),
        partition: moved.partition,
        next_offset: moved.to,
        last_offset: None,
        fingerprint: 0,
        delivered,
    });
}

/// Where all inputs stand, as of the last committed batch.
#[derive(Debug)]
pub struct Standings {
    /// None before the first start.
    pub manifest: Option<Manifest>,
    pub inputs: Vec<InputStanding>,
    /// Why the committed offsets are not told, if they are not.
    pub committed_unknown: Option<KafkaFault>,
}

#[derive(Debug)]
pub struct InputStanding {
    pub topic: TopicName,
    pub partition: i32,
    pub position: Option<InputPosition>,
    /// Start and end of the log; none if the partition is gone.
    pub log: Option<(i64, i64)>,
    pub committed: Option<i64>,
    pub state: InputState,
}

/// What will become of an input at the next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputState {
    /// It goes on, and the record before the position is the one that was read.
    Sound,
    /// It goes on; there is no record before the position to compare.
    Unproven,
    /// No position yet.
    New,
    /// Records were deleted before they were read.
    Gap,
    /// The position is past the log's end: the topic was made anew.
    PastEnd,
    /// Another record is where the last one read was: the topic was made anew.
    Replaced,
    /// Topic or partition are not there.
    Gone,
    /// No source names it now.
    Unnamed,
}

impl InputState {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Unproven => "unproven",
            Self::New => "new",
            Self::Gap => "gap",
            Self::PastEnd => "past_end",
            Self::Replaced => "replaced",
            Self::Gone => "gone",
            Self::Unnamed => "unnamed",
        }
    }

    /// Whether the daemon stops this partition and waits for `positions set`.
    #[must_use]
    pub const fn is_halted(self) -> bool {
        match self {
            Self::PastEnd | Self::Replaced => true,
            Self::Sound | Self::Unproven | Self::New | Self::Gap | Self::Gone | Self::Unnamed => false,
        }
    }
}

impl fmt::Display for InputState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl InputStanding {
    /// Records, control records among them, up to the log's end.
    #[must_use]
    pub fn lag(&self) -> Option<i64> {
        Some((self.log?.1 - self.position.as_ref()?.next_offset).max(0))
    }
}

/// Reads and compares, while a daemon runs or not.
pub fn standings(config: &Config, client: &Client) -> Result<Standings, PlanError> {
    let mut changelog = client.changelog(&config.topics.state, ShardId::SINGLE.partition())?;
    let ends = changelog.ends()?;
    let manifest = tail::last_manifest(&mut changelog, ends)?;
    let admin = client.admin()?;
    let topics = admin.list_topics()?;
    let mut named: Vec<(TopicName, i32)> = Vec::new();
    for (topic, partitions) in topics.iter().filter(|(topic, _)| is_input(config, topic)) {
        named.extend((0..*partitions).map(|partition| (TopicName::new(topic), partition)));
    }
    let stored = manifest.as_ref().map(|manifest| manifest.positions.as_slice()).unwrap_or_default();
    let unnamed = stored.iter().map(|position| (position.topic.clone(), position.partition));
    let unnamed: Vec<_> = unnamed.filter(|place| !named.contains(place)).collect();
    let all: Vec<(TopicName, i32)> = named.into_iter().chain(unnamed).collect();
    let there: Vec<(String, i32)> = all
        .iter()
        .filter(|(topic, partition)| topics.get(topic.as_str()).is_some_and(|count| partition < count))
        .map(|(topic, partition)| (topic.as_str().to_owned(), *partition))
        .collect();
    let (committed, committed_unknown) = match client.committed(&there, COMMITTED_WITHIN) {
        Ok(committed) => (committed, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    let empty = Manifest::first(crate::store::ChangelogId([0; 16]));
    let planner = Planner::new(client, manifest.as_ref().unwrap_or(&empty))?;
    let inputs = all
        .into_iter()
        .map(|(topic, partition)| standing(config, &planner, &there, &committed, topic, partition))
        .collect::<Result<_, _>>()?;
    Ok(Standings { manifest, inputs, committed_unknown })
}

fn standing(
    config: &Config,
    planner: &Planner<'_>,
    there: &[(String, i32)],
    committed: &[CommittedOffset],
    topic: TopicName,
    partition: i32,
) -> Result<InputStanding, PlanError> {
    let position = find(planner.positions(), &topic, partition).cloned();
    let committed = committed.iter().find(|it| it.partition == partition && it.topic == topic.as_str());
    let committed = committed.map(|committed| committed.next_offset);
    if !there.iter().any(|(name, number)| *number == partition && name == topic.as_str()) {
        return Ok(InputStanding { topic, partition, position, log: None, committed, state: InputState::Gone });
    }
    let log = planner.log(&topic, partition)?;
    let state = match &position {
        _ if !is_input(config, topic.as_str()) => InputState::Unnamed,
        None => InputState::New,
        Some(position) => match planner.footing(position, log)? {
            Footing::Sound => InputState::Sound,
            Footing::Unproven => InputState::Unproven,
            Footing::Gap => InputState::Gap,
            Footing::PastEnd => InputState::PastEnd,
            Footing::Replaced { .. } => InputState::Replaced,
        },
    };
    Ok(InputStanding { topic, partition, position, log: Some(log), committed, state })
}

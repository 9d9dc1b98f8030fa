//! The second witness: what the consumer group has committed, compared with what the manifest says. Both are written in
//! one transaction, so they agree unless somebody moved the group's offsets with other tools, the group forgot them, or
//! the changelog lost what the group still remembers. The manifest wins every time; this file only finds and tells.

use std::fmt;
use std::time::Duration;

use tracing::{info, warn};

use super::inputs::Plan;
use crate::kafka::{Client, CommittedOffset};
use crate::store::{InputPosition, Manifest};
use crate::telemetry::{Metrics, OffsetDispute};

/// Asked after `init_transactions`, so that no transaction of ours can hold the answer up.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// So many are told one by one; the metric counts all of them.
const TOLD_MAX: usize = 32;

/// One partition on which the two disagree.
#[derive(Debug, PartialEq, Eq)]
struct Dispute<'a> {
    position: &'a InputPosition,
    committed: Option<&'a CommittedOffset>,
    kind: OffsetDispute,
}

/// What the metadata of our own commits says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark<'a> {
    changelog: &'a str,
    batch: u64,
    hash: &'a str,
}

impl<'a> Mark<'a> {
    /// Reads what `Manifest::offset_metadata` wrote; none for anything else.
    fn read(metadata: &'a str) -> Option<Self> {
        let mut words = metadata.strip_prefix("casewright ")?.split(' ');
        let mut word = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=');
        let (changelog, batch, hash) = (word("changelog")?, word("batch")?, word("hash")?);
        Some(Self { changelog, batch: batch.parse().ok()?, hash })
    }
}

/// Compares and tells, for the partitions that the plan reads and that had a position before it was made.
pub fn hear(client: &Client, manifest: &Manifest, plan: &Plan, metrics: &Metrics) {
    let known: Vec<&InputPosition> = manifest.positions.iter().filter(|position| plan.reads(position)).collect();
    if known.is_empty() {
        return;
    }
    let asked: Vec<(String, i32)> =
        known.iter().map(|position| (position.topic.as_str().to_owned(), position.partition)).collect();
    let committed = match client.committed(&asked, ANSWER_WITHIN) {
        Ok(committed) => committed,
        Err(fault) => {
            warn!(%fault, "the group's committed offsets could not be compared with the manifest; going on with the manifest");
            return;
        }
    };
    let disputes = compare(manifest, &known, &committed);
    if disputes.is_empty() {
        info!(partitions = known.len(), "the group's committed offsets agree with the manifest");
    }
    for dispute in &disputes {
        metrics.offsets_disputed(dispute.kind);
    }
    for dispute in disputes.iter().take(TOLD_MAX) {
        dispute.tell();
    }
    if disputes.len() > TOLD_MAX {
        warn!(more = disputes.len() - TOLD_MAX, "committed offsets of more partitions disagree with the manifest");
    }
}

fn compare<'a>(manifest: &Manifest, known: &[&'a InputPosition], committed: &'a [CommittedOffset]) -> Vec<Dispute<'a>> {
    let of = |position: &InputPosition| {
        committed.iter().find(|it| it.partition == position.partition && it.topic == position.topic.as_str())
    };
    let judged = known.iter().map(|position| (*position, of(position)));
    judged
        .filter_map(|(position, committed)| {
            judge(manifest, position, committed).map(|kind| Dispute { position, committed, kind })
        })
        .collect()
}

fn judge(manifest: &Manifest, position: &InputPosition, committed: Option<&CommittedOffset>) -> Option<OffsetDispute> {
    let Some(committed) = committed else { return Some(OffsetDispute::Missing) };
    let changelog = manifest.changelog.to_string();
    let ours = Mark::read(&committed.metadata).filter(|mark| mark.changelog == changelog);
    let now = manifest.offset_metadata();
    match ours {
        None if committed.next_offset == position.next_offset => Some(OffsetDispute::Foreign),
        None => Some(OffsetDispute::Moved),
        // The group remembers a batch that the changelog does not have.
        Some(mark) if mark.batch > manifest.batch => Some(OffsetDispute::Ahead),
        Some(mark) if mark.batch == manifest.batch && committed.metadata != now => Some(OffsetDispute::Ahead),
        // Of an earlier batch: the partition was not read lately, and has not moved since.
        Some(_) if committed.next_offset == position.next_offset => None,
        Some(_) => Some(OffsetDispute::Moved),
    }
}

impl Dispute<'_> {
    fn tell(&self) {
        let topic = self.position.topic.as_str();
        let (partition, manifest) = (self.position.partition, self.position.next_offset);
        let committed = Said(self.committed.map(|committed| committed.next_offset));
        // Whoever may write to the group may write anything here, so of foreign words only the length is told.
        let mark = self.committed.and_then(|committed| Mark::read(&committed.metadata));
        let batch = Said(mark.map(|mark| i64::try_from(mark.batch).unwrap_or(i64::MAX)));
        warn!(
            topic, partition, manifest, %committed, committed_by_batch = %batch, dispute = self.kind.label(),
            "the group's committed offset disagrees with the manifest, and the manifest wins: {}; group tools move \
             nothing here, `casewright positions set {topic}:{partition} OFFSET` does, with the daemon stopped",
            explain(self.kind)
        );
    }
}

fn explain(kind: OffsetDispute) -> &'static str {
    match kind {
        OffsetDispute::Moved => "somebody moved the group's offset",
        OffsetDispute::Missing => "the group has none, it was deleted or has expired",
        OffsetDispute::Foreign => "the offset is the same, but not Casewright, or another changelog, committed it",
        OffsetDispute::Ahead => {
            "the group remembers a batch that the changelog does not have: the changelog lost records"
        }
    }
}

/// A number, or that there is none.
struct Said(Option<i64>);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => number.fmt(f),
            None => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TopicName;
    use crate::store::ChangelogId;

    const POSITION: i64 = 50;

    fn manifest(batch: u64) -> Manifest {
        let topic = TopicName::new("alerts");
        let position = InputPosition {
            topic,
            partition: 0,
            next_offset: POSITION,
            last_offset: None,
            fingerprint: 0,
            delivered: 0,
        };
        Manifest { batch, positions: vec![position], ..Manifest::first(ChangelogId([7; 16])) }
    }

    fn verdict(committed: Option<(i64, String)>) -> Option<OffsetDispute> {
        let manifest = manifest(9);
        let committed: Vec<CommittedOffset> = committed
            .map(|(next_offset, metadata)| CommittedOffset {
                topic: "alerts".to_owned(),
                partition: 0,
                next_offset,
                metadata,
            })
            .into_iter()
            .collect();
        let known: Vec<&InputPosition> = manifest.positions.iter().collect();
        compare(&manifest, &known, &committed).first().map(|dispute| dispute.kind)
    }

    #[test]
    fn the_table_of_disputes() {
        let mark = |batch| manifest(batch).offset_metadata();
        let other = Manifest { batch: 9, ..Manifest::first(ChangelogId([8; 16])) }.offset_metadata();
        let mut another_history = manifest(9);
        another_history.extend_running_hash(&[1; 32]);
        for (committed, expected) in [
            (Some((POSITION, mark(9))), None),
            (Some((POSITION, mark(4))), None),
            (Some((POSITION - 1, mark(9))), Some(OffsetDispute::Moved)),
            (Some((POSITION + 9, String::new())), Some(OffsetDispute::Moved)),
            (Some((POSITION, String::new())), Some(OffsetDispute::Foreign)),
            (Some((POSITION, "casewright changelog=".to_owned())), Some(OffsetDispute::Foreign)),
            (Some((POSITION, other)), Some(OffsetDispute::Foreign)),
            (Some((POSITION, mark(10))), Some(OffsetDispute::Ahead)),
            (Some((POSITION, another_history.offset_metadata())), Some(OffsetDispute::Ahead)),
            (None, Some(OffsetDispute::Missing)),
        ] {
            assert_eq!(verdict(committed.clone()), expected, "{committed:?}");
        }
    }

    #[test]
    fn our_own_mark_reads_back() {
        let manifest = manifest(9);
        let metadata = manifest.offset_metadata();
        let mark = Mark::read(&metadata).unwrap();
        assert_eq!((mark.changelog, mark.batch), (manifest.changelog.to_string().as_str(), 9));
        assert_eq!(mark.hash.len(), 16);
    }
}

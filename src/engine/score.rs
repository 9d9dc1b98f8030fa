//! How strongly an alert belongs to each case that its keys reach. Only answers; nothing is changed here.
//!
//! Keys of one *piece* (a machine's name and its address, say) are one piece of evidence: the strongest speaks, the
//! others are listed. What the pieces say is combined by a noisy-or in whole permille.

use std::cmp::Reverse;
use std::sync::Arc;

use smallvec::SmallVec;

use super::case::Case;
use super::index::Sighting;
use super::part::Part;
use super::slab::Slot;
use super::{Engine, EvidenceKey, EvidenceSet, PartKey, hub};
use crate::model::{Alert, Evidence, Key, KeyHash, KeyKind, Link, Millis, PartId, RejectedRival, Role, Timestamp};

/// At or below this a key is weak: never enough alone, and not asked in a case past its soft cap.
const WEAK_PERMILLE_MAX: u16 = 300;
const RIVALS_MAX: usize = 4;
const CERTAIN: u16 = 1_000;

/// One key that the alert shares with one part.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    pub case: Slot<Case>,
    pub part: Slot<Part>,
    pub part_id: PartId,
    /// Its place among the alert's keys.
    pub key: usize,
    pub permille: u16,
    number: u64,
    specificity: u16,
    age: Millis,
    piece: Piece,
    counted: bool,
}

/// A case that the alert could join.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub case: Slot<Case>,
    pub number: u64,
    pub strength: u16,
    pub open: bool,
    hits: (usize, usize),
}

/// What an alert's keys reach: candidates strongest first, the older case first among equals.
#[derive(Default)]
pub struct Reach {
    hits: Vec<Hit>,
    pub candidates: Vec<Candidate>,
}

/// What is one piece of evidence, however many keys tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Asset,
    Destination,
    Network,
    User,
    Process,
    File,
    Mail,
    Sender,
}

const fn piece_of(kind: KeyKind, role: Role) -> Piece {
    match kind {
        KeyKind::Host | KeyKind::PrivateIp | KeyKind::PublicIp | KeyKind::Container => match role {
            Role::Asset => Piece::Asset,
            Role::Destination => Piece::Destination,
            Role::Actor | Role::Source | Role::Target | Role::Peer | Role::Context => Piece::Network,
        },
        KeyKind::Domain | KeyKind::Url | KeyKind::Certificate | KeyKind::Fingerprint => Piece::Network,
        KeyKind::User
        | KeyKind::Sid
        | KeyKind::Logon
        | KeyKind::CloudResource
        | KeyKind::CloudSession
        | KeyKind::Mailbox => Piece::User,
        KeyKind::Process => Piece::Process,
        KeyKind::Hash | KeyKind::FilePath => Piece::File,
        KeyKind::Email | KeyKind::MessageId => Piece::Mail,
        KeyKind::Group => Piece::Sender,
    }
}

/// The chance, in permille, that at least one of the pieces is right. Strongest first, because rounding depends on
/// the order.
pub fn noisy_or(pieces: &mut [u16]) -> u16 {
    pieces.sort_unstable_by_key(|permille| Reverse(*permille));
    let miss = pieces.iter().fold(u32::from(CERTAIN), |miss, permille| miss * u32::from(CERTAIN - permille) / 1_000);
    CERTAIN - u16::try_from(miss).unwrap_or(CERTAIN)
}

impl Reach {
    pub fn clear(&mut self) {
        self.hits.clear();
        self.candidates.clear();
    }

    /// The hits of one case, the strongest of each piece first.
    pub fn hits(&self, candidate: &Candidate) -> &[Hit] {
        &self.hits[candidate.hits.0..candidate.hits.1]
    }

    /// The hit that says most, the older part's among equals.
    pub fn strongest(&self, candidate: &Candidate) -> Hit {
        let hits = self.hits(candidate).iter();
        *hits.min_by_key(|hit| (Reverse(hit.permille), hit.part_id)).expect("a candidate has a hit")
    }

    fn weigh(&mut self) {
        let order = |hit: &Hit| (hit.number, hit.piece, Reverse(hit.permille), hit.part_id, hit.key);
        self.hits.sort_unstable_by_key(order);
        let mut start = 0;
        while start < self.hits.len() {
            let number = self.hits[start].number;
            let end = start + self.hits[start..].iter().take_while(|hit| hit.number == number).count();
            self.weigh_case(start, end);
            start = end;
        }
        self.candidates.sort_unstable_by_key(|candidate| (Reverse(candidate.strength), candidate.number));
    }

    fn weigh_case(&mut self, start: usize, end: usize) {
        let mut pieces: SmallVec<[u16; 8]> = SmallVec::new();
        let mut last = None;
        for hit in &mut self.hits[start..end] {
            hit.counted = last != Some(hit.piece) && hit.permille > 0;
            last = Some(hit.piece);
            if hit.counted {
                pieces.push(hit.permille);
            }
        }
        let strength = noisy_or(&mut pieces);
        if strength > 0 {
            let Hit { case, number, .. } = self.hits[start];
            self.candidates.push(Candidate { case, number, strength, open: true, hits: (start, end) });
        }
    }
}

impl Engine {
    /// Fills `reach` with all that the keys meet on.
    pub(super) fn reach(&self, keys: &[Key], at: Timestamp, reach: &mut Reach) {
        reach.clear();
        // All looks into the index first: each is far away in memory, and the processor overlaps them.
        let met: SmallVec<[_; 8]> = keys.iter().map(|key| self.keys.met(key.hash)).collect();
        for (place, (key, (sightings, counted))) in keys.iter().zip(met).enumerate() {
            if !sightings.is_empty() {
                let hub = counted && self.has_become_hub(key.hash, at);
                reach.hits.extend(sightings.iter().filter_map(|sighting| self.hit(place, key, *sighting, hub, at)));
            }
        }
        reach.weigh();
        for candidate in &mut reach.candidates {
            candidate.open = self.cases[candidate.case].is_open();
        }
    }

    pub(super) fn is_hub(&self, key: KeyHash, at: Timestamp) -> bool {
        self.keys.counted(key) != Some(false) && self.has_become_hub(key, at)
    }

    fn has_become_hub(&self, key: KeyHash, at: Timestamp) -> bool {
        let stat = self.learned.stat(key, self.clock.state.watermark, &self.policy);
        stat.is_some_and(|stat| hub::is_hub(stat, at, &self.policy))
    }

    fn hit(&self, place: usize, key: &Key, sighting: Sighting, hub: bool, at: Timestamp) -> Option<Hit> {
        let part = &self.parts[sighting.part];
        let seen = &part.state.keys[sighting.place as usize];
        let case = &self.cases[part.case];
        let kind = self.policy.kind(key.kind);
        let age = age(seen, at);
        if age > kind.window || !self.is_live(seen) || !self.is_within_reach(case) {
            return None;
        }
        let specificity = if hub { 0 } else { self.specificity(key, seen, case) };
        let permille = scale(kind.weight_permille, specificity);
        let (number, piece) = (case.number(), piece_of(key.kind, key.role));
        let (part_id, case, part) = (part.state.id, part.case, sighting.part);
        Some(Hit { case, part, part_id, key: place, permille, number, specificity, age, piece, counted: false })
    }

    /// Past this a key counts as gone, whether or not a sweep has freed it. It outlives its window, in which alone it
    /// links, by what it takes to see how many cases it touches.
    pub(super) fn is_live(&self, key: &PartKey) -> bool {
        let span = self.policy.kind(key.kind).window.max(self.policy.hub_window);
        key.last_at.plus(span) >= self.clock.state.watermark
    }

    /// Open, or closed within the re-open window.
    fn is_within_reach(&self, case: &Case) -> bool {
        let closed = case.state.closed_watermark;
        case.is_open()
            || closed.is_some_and(|closed| self.clock.state.watermark < closed.plus(self.policy.reopen_window))
    }

    /// What is left of a key's weight between this alert and this part, in permille.
    fn specificity(&self, key: &Key, seen: &PartKey, case: &Case) -> u16 {
        let weak = self.policy.kind(key.kind).weight_permille <= WEAK_PERMILLE_MAX;
        if weak {
            // Past the soft cap a case has enough; what is weak would only glue the rest of the day to it.
            return if case.alerts >= u64::from(self.policy.soft_cap) { 0 } else { CERTAIN };
        }
        // The target of one alert may be the machine of the next: that is how an attacker moves.
        let mention = !key.role.is_self() && key.role != Role::Target && !seen.own;
        if mention { self.policy.mention_permille } else { CERTAIN }
    }

    /// Why the alert is linked to `candidate`; `chosen` are the cases that become one with it.
    pub(super) fn link(&self, keys: &[Key], reach: &Reach, candidate: &Candidate, chosen: &[Slot<Case>]) -> Arc<Link> {
        let rival = |other: &&Candidate| other.case != candidate.case && !chosen.contains(&other.case);
        let rivals = reach.candidates.iter().filter(rival).take(RIVALS_MAX);
        Arc::new(Link {
            strength_permille: candidate.strength,
            evidence: self.evidence(keys, reach.hits(candidate)),
            rivals: rivals.map(|other| self.rival(other)).collect(),
        })
    }

    fn rival(&self, other: &Candidate) -> RejectedRival {
        RejectedRival { case: self.cases[other.case].state.id.clone(), strength_permille: other.strength }
    }

    /// Each key once, where it is strongest.
    fn evidence(&self, keys: &[Key], hits: &[Hit]) -> Vec<Evidence> {
        let mut told = 0_u32;
        let mut evidence = Vec::with_capacity(hits.len().min(keys.len()));
        for hit in hits {
            let bit = 1 << hit.key;
            if told & bit == 0 {
                told |= bit;
                evidence.push(self.piece_of_evidence(&keys[hit.key], hit));
            }
        }
        evidence
    }

    fn piece_of_evidence(&self, key: &Key, hit: &Hit) -> Evidence {
        let policy = self.policy.kind(key.kind);
        Evidence {
            kind: key.kind,
            value: key.value.clone(),
            role: key.role,
            part: hit.part_id,
            weight_permille: policy.weight_permille,
            specificity_permille: hit.specificity,
            age: hit.age,
            window: policy.window,
            counted: hit.counted,
        }
    }
}

/// What an edge keeps of the alert that drew it.
pub fn evidence_set(alert: &Alert, keys: &[Key], hits: &[Hit], strength_permille: u16) -> EvidenceSet {
    let of_hit = |hit: &Hit| {
        let key = &keys[hit.key];
        EvidenceKey { hash: key.hash, kind: key.kind, value: key.value.clone(), permille: hit.permille }
    };
    let keys = hits.iter().filter(|hit| hit.counted).map(of_hit).collect();
    EvidenceSet { alert: alert.id, at: alert.event_time.at, strength_permille, keys }
}

/// The distance in event time to the nearest sighting.
fn age(seen: &PartKey, at: Timestamp) -> Millis {
    Millis(at.since(seen.last_at).0.max(seen.first_at.since(at).0).max(0))
}

fn scale(weight: u16, specificity: u16) -> u16 {
    u16::try_from(u32::from(weight) * u32::from(specificity) / 1_000).unwrap_or(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_weak_key_is_not_enough_and_two_are() {
        assert_eq!(noisy_or(&mut [300]), 300);
        assert_eq!(noisy_or(&mut [300, 300]), 510);
        assert_eq!(noisy_or(&mut [300, 900]), noisy_or(&mut [900, 300]));
        assert_eq!(noisy_or(&mut []), 0);
        assert_eq!(noisy_or(&mut [1_000, 1_000]), 1_000);
    }
}

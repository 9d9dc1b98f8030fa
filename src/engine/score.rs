//! How strongly an alert belongs to each part that its keys reach. Only answers; nothing is changed here.
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
/// How many parts an alert is weighed against on one key: the latest ones.
const PARTS_WEIGHED: usize = 4;
const RIVALS_MAX: usize = 4;
pub const CERTAIN: u16 = 1_000;

/// One key that the alert shares with one part.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    pub part: Slot<Part>,
    pub part_id: PartId,
    /// Its place among the alert's keys.
    pub key: usize,
    pub permille: u16,
    specificity: u16,
    age: Millis,
    piece: Piece,
    pub counted: bool,
}

/// A part that the alert could belong with.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub part: Slot<Part>,
    pub part_id: PartId,
    pub case: Slot<Case>,
    pub strength: u16,
    /// The strength without what only says that it happened on the same machine.
    pub beyond_machine: u16,
    pub open: bool,
    hits: (usize, usize),
}

/// What an alert's keys reach: candidates strongest first, the older part first among equals.
#[derive(Default)]
pub struct Reach {
    hits: Vec<Hit>,
    pub candidates: Vec<Candidate>,
}

/// How an alert is to be weighed.
#[derive(Clone, Copy)]
pub struct Scale {
    pub at: Timestamp,
    /// What is left of what only says that it happened on the same machine, in permille.
    pub power: u16,
}

/// What is one piece of evidence, however many keys tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Asset,
    Destination,
    Spread,
    Network,
    User,
    Process,
    File,
    Mail,
    Sender,
}

impl Piece {
    /// Whether it says no more than where an alert happened: what a rule that fires all day has in common with
    /// everything else there.
    fn is_of_machine(self) -> bool {
        self <= Self::Spread
    }
}

const fn piece_of(kind: KeyKind, role: Role) -> Piece {
    match kind {
        KeyKind::Host | KeyKind::PrivateIp | KeyKind::PublicIp | KeyKind::Container => match role {
            Role::Asset => Piece::Asset,
            Role::Destination => Piece::Destination,
            Role::Actor | Role::Source | Role::Target | Role::Peer | Role::Context => Piece::Network,
        },
        KeyKind::Realm | KeyKind::Spread => Piece::Spread,
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

    /// The hits of one part, the strongest of each piece first.
    pub fn hits(&self, candidate: &Candidate) -> &[Hit] {
        &self.hits[candidate.hits.0..candidate.hits.1]
    }

    /// The candidates at or above `strength`.
    pub fn strong(&self, strength: u16) -> impl Iterator<Item = &Candidate> + Clone {
        self.candidates.iter().take_while(move |candidate| candidate.strength >= strength)
    }

    /// The case is open again.
    pub fn reopened(&mut self, case: Slot<Case>) {
        self.candidates.iter_mut().filter(|candidate| candidate.case == case).for_each(|one| one.open = true);
    }

    fn weigh(&mut self, case_of: impl Fn(Slot<Part>) -> (Slot<Case>, bool)) {
        let order = |hit: &Hit| (hit.part_id, hit.piece, Reverse(hit.permille), hit.key);
        self.hits.sort_unstable_by_key(order);
        let mut start = 0;
        while start < self.hits.len() {
            let part = self.hits[start].part_id;
            let end = start + self.hits[start..].iter().take_while(|hit| hit.part_id == part).count();
            self.weigh_part(start, end, &case_of);
            start = end;
        }
        self.candidates.sort_unstable_by_key(|candidate| (Reverse(candidate.strength), candidate.part_id));
    }

    fn weigh_part(&mut self, start: usize, end: usize, case_of: impl Fn(Slot<Part>) -> (Slot<Case>, bool)) {
        let (mut pieces, mut beyond): (SmallVec<[u16; 8]>, SmallVec<[u16; 8]>) = (SmallVec::new(), SmallVec::new());
        let mut last = None;
        for hit in &mut self.hits[start..end] {
            hit.counted = last != Some(hit.piece) && hit.permille > 0;
            last = Some(hit.piece);
            if hit.counted {
                pieces.push(hit.permille);
                beyond.extend((!hit.piece.is_of_machine()).then_some(hit.permille));
            }
        }
        let (strength, beyond_machine) = (noisy_or(&mut pieces), noisy_or(&mut beyond));
        if strength > 0 {
            let Hit { part, part_id, .. } = self.hits[start];
            let (case, open) = case_of(part);
            let hits = (start, end);
            self.candidates.push(Candidate { part, part_id, case, strength, beyond_machine, open, hits });
        }
    }
}

impl Engine {
    /// Fills `reach` with all that the keys meet on.
    pub(super) fn reach(&self, keys: &[Key], scale: Scale, reach: &mut Reach) {
        reach.clear();
        // All looks into the index first: each is far away in memory, and the processor overlaps them.
        let met: SmallVec<[_; 8]> = keys.iter().map(|key| self.keys.met(key.hash)).collect();
        let wide = keys.iter().any(|key| key.kind == KeyKind::Realm && self.is_hub(key.hash, scale.at));
        for (place, (key, (sightings, counted))) in keys.iter().zip(met).enumerate() {
            if !sightings.is_empty() {
                let power = match (counted && self.has_become_hub(key.hash, scale.at), key.kind) {
                    (true, _) => 0,
                    // In a large domain the same rule fires somewhere every minute.
                    (false, KeyKind::Spread) if wide => self.policy.spread_wide_permille,
                    (false, _) => CERTAIN,
                };
                self.meet(place, key, sightings, Scale { power, ..scale }, scale.power, &mut reach.hits);
            }
        }
        reach.weigh(|part| {
            let case = self.parts[part].case;
            (case, self.cases[case].is_open())
        });
    }

    fn meet(
        &self,
        place: usize,
        key: &Key,
        sightings: &[Sighting],
        scale: Scale,
        machine_power: u16,
        hits: &mut Vec<Hit>,
    ) {
        let begin = hits.len();
        hits.extend(sightings.iter().filter_map(|sighting| self.hit(place, key, *sighting, scale, machine_power)));
        if hits.len() - begin > PARTS_WEIGHED {
            // The latest ones, so that the work of one alert is bounded; the newer part's among equals.
            hits[begin..].sort_unstable_by_key(|hit| (hit.age, Reverse(hit.part_id)));
            hits.truncate(begin + PARTS_WEIGHED);
        }
    }

    pub(super) fn is_hub(&self, key: KeyHash, at: Timestamp) -> bool {
        self.keys.counted(key) != Some(false) && self.has_become_hub(key, at)
    }

    fn has_become_hub(&self, key: KeyHash, at: Timestamp) -> bool {
        let stat = self.learned.stat(key, self.clock.state.watermark, &self.policy);
        stat.is_some_and(|stat| hub::is_hub(stat, at, &self.policy))
    }

    fn hit(&self, place: usize, key: &Key, sighting: Sighting, scale: Scale, machine_power: u16) -> Option<Hit> {
        let part = &self.parts[sighting.part];
        let seen = &part.state.keys[sighting.place as usize];
        let case = &self.cases[part.case];
        let kind = self.policy.kind(key.kind);
        let age = age(seen, scale.at);
        if kind.weight_permille == 0 || age > kind.window || !self.is_live(seen) || !self.is_within_reach(case) {
            return None;
        }
        let piece = piece_of(key.kind, key.role);
        let mut specificity = self.specificity(key, seen, case, scale);
        if piece.is_of_machine() {
            specificity = permille(specificity, machine_power);
        }
        let (permille, part_id) = (permille(kind.weight_permille, specificity), part.state.id);
        let part = sighting.part;
        Some(Hit { part, part_id, key: place, permille, specificity, age, piece, counted: false })
    }

    /// Whether the key alone holds an alert to the part, and says more than where it happened.
    pub(super) fn is_held_beyond_machine(&self, key: &Key, part: Slot<Part>, at: Timestamp) -> bool {
        let kind = self.policy.kind(key.kind);
        if piece_of(key.kind, key.role).is_of_machine() || kind.weight_permille < self.policy.attach_permille {
            return false;
        }
        let held = self.keys.sightings(key.hash).iter().find(|sighting| sighting.part == part);
        let scale = Scale { at, power: CERTAIN };
        let hit = held.filter(|_| !self.is_hub(key.hash, at)).and_then(|held| self.hit(0, key, *held, scale, CERTAIN));
        hit.is_some_and(|hit| hit.permille >= self.policy.attach_permille)
    }

    /// Past this a key counts as gone, whether or not a sweep has freed it.
    pub(super) fn is_live(&self, key: &PartKey) -> bool {
        key.last_at.plus(self.policy.kind(key.kind).window) >= self.clock.state.watermark
    }

    /// Open, or closed within the re-open window.
    fn is_within_reach(&self, case: &Case) -> bool {
        let closed = case.state.closed_watermark;
        case.is_open()
            || closed.is_some_and(|closed| self.clock.state.watermark < closed.plus(self.policy.reopen_window))
    }

    /// What is left of a key's weight between this alert and this part, in permille.
    fn specificity(&self, key: &Key, seen: &PartKey, case: &Case, scale: Scale) -> u16 {
        let kind = self.policy.kind(key.kind);
        if kind.weight_permille <= WEAK_PERMILLE_MAX {
            // Past the soft cap a case has enough; what is weak would only glue the rest of the day to it.
            return if case.alerts >= u64::from(self.policy.soft_cap) { 0 } else { scale.power };
        }
        // The target of one alert may be the machine of the next: that is how an attacker moves.
        let own = seen.own_at.is_some_and(|own_at| scale.at.since(own_at) <= kind.window);
        let mention = !key.role.is_self() && key.role != Role::Target && !own;
        if mention { permille(scale.power, self.policy.mention_permille) } else { scale.power }
    }

    /// Why the alert is where it is: `with` are the candidates of the case it is in, `chosen` the cases that become one
    /// with it.
    pub(super) fn link(
        &self,
        keys: &[Key],
        reach: &Reach,
        with: &[Candidate],
        continues: Option<PartId>,
        chosen: &[Slot<Case>],
    ) -> Arc<Link> {
        let strength = with.iter().map(|candidate| candidate.strength).max();
        Arc::new(Link {
            strength_permille: strength.unwrap_or(if continues.is_some() { CERTAIN } else { 0 }),
            continues,
            evidence: self.evidence(keys, reach, with),
            rivals: self.rivals(reach, chosen),
        })
    }

    /// The other cases, each by its strongest part.
    fn rivals(&self, reach: &Reach, chosen: &[Slot<Case>]) -> Vec<RejectedRival> {
        let mut told: SmallVec<[Slot<Case>; 8]> = SmallVec::from_slice(chosen);
        let mut rivals = Vec::new();
        for other in &reach.candidates {
            if rivals.len() == RIVALS_MAX {
                break;
            }
            if !told.contains(&other.case) {
                told.push(other.case);
                let case = self.cases[other.case].state.id.clone();
                rivals.push(RejectedRival { case, strength_permille: other.strength });
            }
        }
        rivals
    }

    /// Each key once, where it is strongest.
    fn evidence(&self, keys: &[Key], reach: &Reach, with: &[Candidate]) -> Vec<Evidence> {
        let mut told = 0_u64;
        let mut evidence = Vec::new();
        for hit in with.iter().flat_map(|candidate| reach.hits(candidate)) {
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

pub fn permille(weight: u16, of: u16) -> u16 {
    u16::try_from(u32::from(weight) * u32::from(of) / 1_000).unwrap_or(weight)
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

//! How strongly an alert belongs to the cases it meets, and why. Only answers; `join` acts.

use smallvec::SmallVec;

use super::Engine;
use super::part::{Case, Part};
use super::slab::Slot;
use crate::model::{Alert, CaseStatus, Evidence, Key, KeyHash, KeyKind, Millis, Role};

/// At or below this a key is weak: alone it never joins, and past the soft cap it does not count.
const WEAK_PERMILLE: u16 = 300;

/// What the alert shares with one case.
pub struct Candidate {
    pub case: Slot<Case>,
    pub strength: u16,
    pub met: SmallVec<[Met; 6]>,
}

/// One key of the alert, met on one part.
#[derive(Clone, Copy)]
pub struct Met {
    pub part: Slot<Part>,
    /// The index of the key in the alert's list.
    pub key: usize,
    pub specificity: u16,
    pub permille: u16,
    pub age: Millis,
    /// False where a stronger key of its group spoke.
    pub counted: bool,
}

/// Keys that say the same thing: only the strongest of a group counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Machine,
    Destination,
    Network,
    Account,
    Process,
    File,
    Said,
}

fn group(key: &Key) -> Group {
    match key.kind {
        KeyKind::Host | KeyKind::PrivateIp | KeyKind::PublicIp => match key.role {
            Role::Asset => Group::Machine,
            Role::Destination => Group::Destination,
            Role::Actor | Role::Source | Role::Target | Role::Peer | Role::Context => Group::Network,
        },
        KeyKind::Container => Group::Machine,
        KeyKind::Domain
        | KeyKind::Url
        | KeyKind::Email
        | KeyKind::Mailbox
        | KeyKind::Certificate
        | KeyKind::Fingerprint
        | KeyKind::MessageId => Group::Network,
        KeyKind::User | KeyKind::Sid | KeyKind::Logon | KeyKind::CloudResource | KeyKind::CloudSession => Group::Account,
        KeyKind::Process => Group::Process,
        KeyKind::Hash | KeyKind::FilePath => Group::File,
        KeyKind::Group => Group::Said,
    }
}

/// 1000 minus the product of what is left, in whole permille: independent pieces add up and never pass certainty.
fn noisy_or(strength: u16, permille: u16) -> u16 {
    let left = (1_000 - u32::from(strength)) * (1_000 - u32::from(permille.min(1_000))) / 1_000;
    u16::try_from(1_000 - left).unwrap_or(1_000)
}

impl Engine {
    /// The cases that the alert meets, strongest first; of equals the older one.
    pub(super) fn candidates(&self, alert: &Alert, keys: &[Key]) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            if self.is_stopped(key) {
                continue;
            }
            let hub = self.learned.is_hub(key.hash, self.clock.state.watermark, &self.policy);
            for sighting in self.keys.sightings(key.hash) {
                let Some(met) = self.meet(alert, key, index, sighting.part, sighting.place, hub) else { continue };
                let case = self.parts[met.part].case;
                match candidates.iter_mut().find(|candidate| candidate.case == case) {
                    Some(candidate) => candidate.met.push(met),
                    None => candidates.push(Candidate { case, strength: 0, met: SmallVec::from_slice(&[met]) }),
                }
            }
        }
        for candidate in &mut candidates {
            self.weigh(candidate, keys);
        }
        candidates.sort_by(|a, b| {
            let number = |candidate: &Candidate| self.cases[candidate.case].state.id.number;
            b.strength.cmp(&a.strength).then_with(|| number(a).cmp(&number(b)))
        });
        candidates
    }

    fn is_stopped(&self, key: &Key) -> bool {
        self.policy.stop_list.iter().any(|(kind, value)| *kind == key.kind && **value == *key.value)
    }

    fn meet(&self, alert: &Alert, key: &Key, index: usize, part: Slot<Part>, place: u32, hub: bool) -> Option<Met> {
        let policy = self.policy.kind(key.kind);
        let met = self.parts[part].key(place);
        let watermark = self.clock.state.watermark;
        // What no alert on time could reach any more is gone, whether or not it was swept yet.
        if met.last_at.plus(policy.window).plus(self.policy.lateness) < watermark {
            return None;
        }
        let at = alert.event_time.at;
        let age = Millis(met.first_at.since(at).0.max(at.since(met.last_at).0).max(0));
        if age > policy.window || !self.may_join(self.parts[part].case) {
            return None;
        }
        let mentioned = !met.own && !key.role.is_self() && key.role != Role::Target;
        let specificity = match (hub, mentioned) {
            (true, _) => 0,
            (false, true) => self.policy.mention_permille,
            (false, false) => 1_000,
        };
        let permille = u32::from(policy.weight_permille) * u32::from(specificity) / 1_000;
        let permille = u16::try_from(permille).unwrap_or(1_000);
        Some(Met { part, key: index, specificity, permille, age, counted: false })
    }

    /// Open, or closed so lately that its keys may still re-open it.
    fn may_join(&self, case: Slot<Case>) -> bool {
        let state = &self.cases[case].state;
        match state.status {
            CaseStatus::Closed => state
                .closed_watermark
                .is_some_and(|closed| self.clock.state.watermark <= closed.plus(self.policy.reopen_window)),
            CaseStatus::Merged => false,
            CaseStatus::New
            | CaseStatus::Triage
            | CaseStatus::Investigating
            | CaseStatus::Containing
            | CaseStatus::Recovering => true,
        }
    }

    fn weigh(&self, candidate: &mut Candidate, keys: &[Key]) {
        let full = self.cases[candidate.case].alerts >= u64::from(self.policy.soft_cap);
        let mut order: SmallVec<[usize; 8]> = (0..candidate.met.len()).collect();
        order.sort_by_key(|&index| (u16::MAX - candidate.met[index].permille, candidate.met[index].key));
        let mut spoke: SmallVec<[Group; 8]> = SmallVec::new();
        for index in order {
            let met = &mut candidate.met[index];
            let key = &keys[met.key];
            let weak = self.policy.kind(key.kind).weight_permille <= WEAK_PERMILLE;
            let group = group(key);
            if met.permille == 0 || (full && weak) || spoke.contains(&group) {
                continue;
            }
            spoke.push(group);
            met.counted = true;
            candidate.strength = noisy_or(candidate.strength, met.permille);
        }
    }

    pub(super) fn evidence(&self, candidate: &Candidate, keys: &[Key]) -> Vec<Evidence> {
        let each = |met: &Met| {
            let key = &keys[met.key];
            let policy = self.policy.kind(key.kind);
            Evidence {
                kind: key.kind,
                value: std::sync::Arc::clone(&key.value),
                role: key.role,
                part: self.parts[met.part].state.id,
                weight_permille: policy.weight_permille,
                specificity_permille: met.specificity,
                age: met.age,
                window: policy.window,
                counted: met.counted,
            }
        };
        candidate.met.iter().map(each).collect()
    }
}

impl Candidate {
    /// The part that the strongest key leads to; of equals the older one.
    pub fn strongest_part(&self, engine: &Engine) -> Slot<Part> {
        let rank = |met: &&Met| (met.counted, met.permille, std::cmp::Reverse(engine.parts[met.part].state.id));
        let met = self.met.iter().max_by_key(rank);
        met.map_or(self.met[0].part, |met| met.part)
    }

    /// The strongest of the linked parts that gather for `identity`.
    pub fn part_of(&self, engine: &Engine, identity: KeyHash) -> Option<Slot<Part>> {
        let same = self.met.iter().filter(|met| engine.parts[met.part].state.identity == Some(identity));
        same.max_by_key(|met| (met.permille, std::cmp::Reverse(engine.parts[met.part].state.id))).map(|met| met.part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_weak_keys_of_different_kinds_are_enough_and_one_is_not() {
        assert_eq!(noisy_or(0, 300), 300);
        assert_eq!(noisy_or(300, 300), 510);
        assert_eq!(noisy_or(700, 900), 970);
        assert_eq!(noisy_or(1_000, 5), 1_000);
    }
}

//! How specific a key is: whether it touched so many machines lately, or so many strangers, that sharing it says nothing (a
//! NAT address, a domain controller, a scanner). Counted in two halves of the hub window, so nothing is forgotten at once.

use super::{KeyStat, Policy};
use crate::model::{KeyHash, KeyKind, Millis, Timestamp};

/// Whether what makes the key a hub is that strangers meet at it, which `stranger` judges. Of other kinds of key the
/// machines are counted: one file on many of them says less and less.
#[must_use]
pub const fn is_bridge(kind: KeyKind) -> bool {
    matches!(
        kind,
        KeyKind::Host
            | KeyKind::User
            | KeyKind::Sid
            | KeyKind::PrivateIp
            | KeyKind::PublicIp
            | KeyKind::CloudResource
            | KeyKind::Mailbox
    )
}

/// Whether the key links nothing at `at`.
pub fn is_hub(stat: &KeyStat, at: Timestamp, policy: &Policy) -> bool {
    if stat.hub_until.is_some_and(|until| at <= until) {
        return true;
    }
    let limit = usize::from(policy.kind(stat.kind).hub_machines);
    let machines = match halves_since(stat, at, half(policy)) {
        0 => distinct(&stat.current, &stat.previous),
        1 => stat.current.len(),
        _ => 0,
    };
    // Hysteresis: it gets its power back only well below the limit, or it would flicker around it.
    machines > limit || (stat.hub && machines > limit / 2)
}

/// What touching a key brought about.
pub struct Touched {
    pub changed: bool,
    pub became_hub: bool,
}

/// The key was seen on `machine`.
pub fn touch(stat: &mut KeyStat, machine: u64, at: Timestamp, policy: &Policy) -> Touched {
    let turned = turn(stat, at, half(policy));
    // One past the limit of each half proves all there is to prove.
    let room = stat.current.len() <= usize::from(policy.kind(stat.kind).hub_machines);
    let new = room && !stat.current.contains(&machine);
    if new {
        stat.current.push(machine);
    }
    let was = stat.hub;
    stat.hub = is_hub(stat, at, policy);
    Touched { changed: turned || new || was != stat.hub, became_hub: stat.hub && !was }
}

pub fn first_seen(hash: KeyHash, kind: KeyKind, machines: [u64; 2], at: Timestamp, policy: &Policy) -> KeyStat {
    let mut current = machines.to_vec();
    current.dedup();
    let half_began = half_of(at, half(policy));
    let mut stat = KeyStat { hash, kind, half_began, current, previous: Vec::new(), hub: false, hub_until: None };
    stat.hub = is_hub(&stat, at, policy);
    stat
}

/// Strangers met at the key: it links nothing for as long as the policy says.
pub fn proven(hash: KeyHash, kind: KeyKind, at: Timestamp, policy: &Policy) -> KeyStat {
    let half_began = half_of(at, half(policy));
    let hub_until = Some(at.plus(policy.hub_kept));
    KeyStat { hash, kind, half_began, current: Vec::new(), previous: Vec::new(), hub: true, hub_until }
}

/// Both halves are behind the watermark: the record says nothing any more.
pub fn is_live(stat: &KeyStat, watermark: Timestamp, policy: &Policy) -> bool {
    stat.half_began.plus(policy.hub_window) > watermark || stat.hub_until.is_some_and(|until| until >= watermark)
}

fn half(policy: &Policy) -> Millis {
    Millis((policy.hub_window.0 / 2).max(1))
}

fn half_of(at: Timestamp, half: Millis) -> Timestamp {
    Timestamp::from_millis(at.millis().div_euclid(half.0).saturating_mul(half.0))
}

fn halves_since(stat: &KeyStat, at: Timestamp, half: Millis) -> i64 {
    half_of(at, half).since(stat.half_began).0.max(0) / half.0
}

fn turn(stat: &mut KeyStat, at: Timestamp, half: Millis) -> bool {
    match halves_since(stat, at, half) {
        0 => return false,
        1 => stat.previous = std::mem::take(&mut stat.current),
        _ => {
            stat.previous.clear();
            stat.current.clear();
        }
    }
    stat.half_began = half_of(at, half);
    true
}

fn distinct(current: &[u64], previous: &[u64]) -> usize {
    current.len() + previous.iter().filter(|machine| !current.contains(machine)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * HOUR)
    }

    fn touched(machines: std::ops::Range<u64>, hours: i64) -> KeyStat {
        let policy = Policy::default();
        let two = [machines.start, machines.start + 1];
        let mut stat = first_seen(KeyHash(1), KeyKind::CloudSession, two, at(hours), &policy);
        for machine in machines {
            touch(&mut stat, machine, at(hours), &policy);
        }
        stat
    }

    #[test]
    fn past_its_limit_of_machines_a_key_is_a_hub() {
        let policy = Policy::default();
        assert!(!is_hub(&touched(0..8, 0), at(0), &policy));
        assert!(is_hub(&touched(0..9, 0), at(0), &policy));
    }

    #[test]
    fn a_hub_clears_when_a_day_has_passed_and_not_before_it_is_at_half() {
        let policy = Policy::default();
        let mut stat = touched(0..9, 0);
        assert!(is_hub(&stat, at(13), &policy), "still in the older half");
        for machine in 0..5 {
            touch(&mut stat, machine, at(13), &policy);
        }
        assert!(is_hub(&stat, at(25), &policy), "five of eight is above half");
        assert!(!is_hub(&stat, at(37), &policy));
    }

    #[test]
    fn where_strangers_met_is_a_hub_for_half_a_day() {
        let policy = Policy::default();
        let stat = proven(KeyHash(1), KeyKind::Host, at(3), &policy);
        assert!(is_hub(&stat, at(15), &policy));
        assert!(!is_hub(&stat, at(16), &policy));
        assert!(!is_live(&stat, at(28), &policy));
    }
}

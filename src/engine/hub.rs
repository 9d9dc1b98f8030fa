//! How specific a key is: whether it touched so many cases lately that sharing it says nothing (a NAT address, a domain
//! controller, a scanner). Counted in two halves of the hub window, so nothing is forgotten at once.

use super::{KeyStat, Policy};
use crate::model::{KeyHash, KeyKind, Millis, Timestamp};

/// Whether the key links nothing at `at`.
pub fn is_hub(stat: &KeyStat, at: Timestamp, policy: &Policy) -> bool {
    let limit = usize::from(policy.kind(stat.kind).hub_cases);
    let cases = match halves_since(stat, at, half(policy)) {
        0 => distinct(&stat.current, &stat.previous),
        1 => stat.current.len(),
        _ => 0,
    };
    // Hysteresis: it gets its power back only well below the limit, or it would flicker around it.
    cases > limit || (stat.hub && cases > limit / 2)
}

/// The key was placed into `case`. Answers whether the record changed.
pub fn touch(stat: &mut KeyStat, case: u64, at: Timestamp, policy: &Policy) -> bool {
    let turned = turn(stat, at, half(policy));
    // One past the limit of each half proves all there is to prove.
    let room = stat.current.len() <= usize::from(policy.kind(stat.kind).hub_cases);
    let new = room && !stat.current.contains(&case);
    if new {
        stat.current.push(case);
    }
    let was = stat.hub;
    stat.hub = is_hub(stat, at, policy);
    turned || new || was != stat.hub
}

pub fn first_seen(hash: KeyHash, kind: KeyKind, cases: [u64; 2], at: Timestamp, policy: &Policy) -> KeyStat {
    let half_began = half_of(at, half(policy));
    let mut stat = KeyStat { hash, kind, half_began, current: cases.to_vec(), previous: Vec::new(), hub: false };
    stat.hub = is_hub(&stat, at, policy);
    stat
}

/// Both halves are behind the watermark: the record says nothing any more.
pub fn is_live(stat: &KeyStat, watermark: Timestamp, policy: &Policy) -> bool {
    stat.half_began.plus(policy.hub_window) > watermark
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
    current.len() + previous.iter().filter(|case| !current.contains(case)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * HOUR)
    }

    fn touched(cases: std::ops::Range<u64>, hours: i64) -> KeyStat {
        let policy = Policy::default();
        let mut stat = first_seen(KeyHash(1), KeyKind::User, [cases.start, cases.start + 1], at(hours), &policy);
        for case in cases {
            touch(&mut stat, case, at(hours), &policy);
        }
        stat
    }

    #[test]
    fn past_its_limit_of_cases_a_key_is_a_hub() {
        let policy = Policy::default();
        assert!(!is_hub(&touched(0..8, 0), at(0), &policy));
        assert!(is_hub(&touched(0..9, 0), at(0), &policy));
    }

    #[test]
    fn a_hub_clears_when_a_day_has_passed_and_not_before_it_is_at_half() {
        let policy = Policy::default();
        let mut stat = touched(0..9, 0);
        assert!(is_hub(&stat, at(13), &policy), "still in the older half");
        for case in 0..5 {
            touch(&mut stat, case, at(13), &policy);
        }
        assert!(is_hub(&stat, at(25), &policy), "five of eight is above half");
        assert!(!is_hub(&stat, at(37), &policy));
    }
}

//! The published formula of a case's priority (`docs/priority.md`): whole points over what its parts gathered, nothing
//! else, so that the number can be checked by hand and comes back when a merge is undone. Every factor is a maximum or a
//! count of distinct things over the parts, so none falls when more is found.

use std::sync::Arc;

use smallvec::SmallVec;

use super::case::Case;
use super::slab::Slot;
use super::{Engine, PartState, Turn};
use crate::model::{Attack, Band, EventKind, IntelMatch, Priority, PriorityFactor, Severity};

const POINTS_MAX: u8 = 100;
/// Distinct sources and tactics at which those factors have all their points.
const FULL: usize = 4;

const SEVERITY_MAX: u8 = 50;
const RISK_MAX: u8 = 30;
const TACTICS_MAX: u8 = 12;
const SOURCES_MAX: u8 = 6;
const ASSET_MAX: u8 = 10;
const INTEL_MAX: u8 = 12;
const CONFIDENCE_MAX: u8 = 6;
const REPEATS_MAX: u8 = 4;

const REPEATS: &str = "repeats";

/// 1 / i^1.5 in permille: what is left of the risk of the i-th worst rule. After Elastic's entity risk scoring.
const WEIGHTS: [u32; 16] = [1_000, 354, 192, 125, 89, 68, 54, 44, 37, 32, 27, 24, 21, 19, 17, 16];
/// Weighed risk, in permille, that makes a point.
const RISK_PER_POINT: u32 = 7_000;

/// Severity and priority of the case that `parts` make up, in any order.
#[must_use]
pub fn priority_of<'a>(parts: impl Iterator<Item = &'a PartState> + Clone) -> (Severity, Priority) {
    let severity = parts.clone().map(|part| part.top.0).max().unwrap_or_default();
    let sources = distinct(parts.clone().map(|part| part.sources.iter().map(|source| &source.0)));
    let tactics = distinct(parts.clone().map(|part| part.attacks.iter().filter_map(|(attack, _)| tactic(attack))));
    let criticality = parts.clone().map(|part| part.risk.criticality).max().unwrap_or_default();
    let confidence = parts.clone().map(|part| part.risk.confidence).max().unwrap_or_default();
    let factors = vec![
        factor("severity", severity_points(severity), SEVERITY_MAX),
        factor("risk", weighed(&worst(parts.clone())) / RISK_PER_POINT, RISK_MAX),
        factor("tactics", tactics.saturating_sub(1) * 4, TACTICS_MAX),
        factor("sources", sources.saturating_sub(1) * 3, SOURCES_MAX),
        factor("asset", asset_points(criticality), ASSET_MAX),
        factor("intel", intel_points(parts.clone()), INTEL_MAX),
        factor("confidence", u32::from(confidence) * u32::from(CONFIDENCE_MAX) / 100, CONFIDENCE_MAX),
        factor(REPEATS, repeats_points(parts), REPEATS_MAX),
    ];
    (severity, weigh(factors))
}

fn weigh(factors: Vec<PriorityFactor>) -> Priority {
    let sum: u32 = factors.iter().map(|factor| u32::from(factor.points)).sum();
    let score = u8::try_from(sum).unwrap_or(POINTS_MAX).min(POINTS_MAX);
    Priority { score, band: band(score), factors }
}

const fn severity_points(severity: Severity) -> u32 {
    match severity {
        Severity::Unknown => 0,
        Severity::Informational => 4,
        Severity::Low => 11,
        Severity::Medium => 21,
        Severity::High => 34,
        Severity::Critical => 46,
        Severity::Fatal => 50,
    }
}

const fn asset_points(criticality: u8) -> u32 {
    match criticality {
        0 => 0,
        1 => 2,
        2 => 4,
        3 => 7,
        4.. => 10,
    }
}

const fn band(score: u8) -> Band {
    match score {
        80.. => Band::P1,
        60..80 => Band::P2,
        40..60 => Band::P3,
        15..40 => Band::P4,
        0..15 => Band::Informational,
    }
}

fn factor(name: &'static str, points: u32, most: u8) -> PriorityFactor {
    PriorityFactor { name, points: u8::try_from(points).unwrap_or(most).min(most) }
}

fn tactic(attack: &Attack) -> Option<&Arc<str>> {
    attack.tactic.as_ref()
}

/// The risks of the case's worst rules, the worst first. A rule counts once, with the highest risk that any part saw:
/// one that fires on a hundred machines is one piece of evidence.
fn worst<'a>(parts: impl Iterator<Item = &'a PartState>) -> SmallVec<[(&'a Arc<str>, u8); WEIGHTS.len()]> {
    let mut worst: SmallVec<[(&Arc<str>, u8); WEIGHTS.len()]> = SmallVec::new();
    for (rule, risk) in parts.flat_map(PartState::rule_risks) {
        match worst.iter().position(|(known, _)| *known == rule) {
            Some(place) if worst[place].1 >= risk => continue,
            Some(place) => drop(worst.remove(place)),
            None if worst.len() < WEIGHTS.len() => {}
            // What is dropped here is no worse than so many others, whose risks only rise.
            None if worst.last().is_some_and(|(_, least)| *least >= risk) => continue,
            None => drop(worst.pop()),
        }
        let place = worst.partition_point(|(_, known)| *known >= risk);
        worst.insert(place, (rule, risk));
    }
    worst
}

fn weighed(worst: &[(&Arc<str>, u8)]) -> u32 {
    worst.iter().zip(WEIGHTS).map(|((_, risk), weight)| u32::from(*risk) * weight).sum()
}

/// The surest indicator, and one point for each other.
fn intel_points<'a>(parts: impl Iterator<Item = &'a PartState>) -> u32 {
    let mut met: SmallVec<[&IntelMatch; INTEL_MAX as usize]> = SmallVec::new();
    let mut surest = 0;
    for found in parts.flat_map(|part| &part.risk.intel).map(|seen| &seen.found) {
        surest = surest.max(u32::from(found.confidence));
        if met.len() < usize::from(INTEL_MAX) && met.iter().all(|known| !known.is_same(found)) {
            met.push(found);
        }
    }
    match met.len() {
        0 => 0,
        count => 6 + surest * 4 / 100 + count as u32 - 1,
    }
}

/// Half the binary logarithm of how many alerts there were, repeats and roll-ups among them.
fn repeats_points<'a>(parts: impl Iterator<Item = &'a PartState>) -> u32 {
    let told = parts.map(PartState::told).fold(0, u64::saturating_add);
    told.checked_ilog2().unwrap_or(0) / 2
}

/// Counts no further than `FULL`: past it no factor grows, and a busy case would be looked through over and over.
fn distinct<'a>(parts: impl Iterator<Item = impl Iterator<Item = &'a Arc<str>>>) -> u32 {
    let mut known: SmallVec<[&Arc<str>; FULL]> = SmallVec::new();
    for value in parts.flatten() {
        if known.len() == FULL {
            break;
        }
        if !known.contains(&value) {
            known.push(value);
        }
    }
    known.len() as u32
}

impl Engine {
    /// Severity and priority follow the parts. What was counted and met is told first, because it counts.
    pub(super) fn reassess(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>) {
        self.tell_case(turn, slot);
        self.tell_intel(turn, slot);
        let (severity, priority) = priority_of(self.states_of(slot));
        let state = &mut self.cases[slot].state;
        let from = std::mem::replace(&mut state.severity, severity);
        let changed = state.priority != priority;
        if changed {
            state.priority.clone_from(&priority);
        }
        if from != severity {
            self.emit(turn, slot, EventKind::SeverityChanged { from, to: severity });
        }
        if changed {
            self.emit(turn, slot, EventKind::PriorityChanged { priority });
        }
    }

    /// One alert more, or counts that were told: looks whether the number comes to another point. A loud case has all of
    /// them already, and is not looked through for each of its alerts.
    pub(super) fn weigh_told(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>) {
        let known = self.cases[slot].state.priority.factors.iter().find(|factor| factor.name == REPEATS);
        let Some(known) = known.filter(|known| known.points < REPEATS_MAX) else { return };
        if repeats_points(self.states_of(slot)) > u32::from(known.points) {
            self.reassess(turn, slot);
        }
    }
}

//! The published formula of a case's priority: whole points over what its parts gathered, nothing else, so that the
//! number can be checked by hand and comes back when a merge is undone.

use std::sync::Arc;

use super::PartState;
use crate::model::{Attack, Band, Priority, PriorityFactor, Severity};

const POINTS_MAX: u8 = 100;
/// Distinct values at which every factor has all its points.
const FULL: usize = 8;

/// Severity and priority of the case that `parts` make up.
pub fn of<'a>(parts: impl Iterator<Item = &'a PartState> + Clone) -> (Severity, Priority) {
    let severity = parts.clone().map(|part| part.top.0).max().unwrap_or_default();
    let rules = distinct(parts.clone().map(|part| part.rules.iter().map(|rule| &rule.0)));
    let sources = distinct(parts.clone().map(|part| part.sources.iter().map(|source| &source.0)));
    let tactics = distinct(parts.clone().map(|part| part.attacks.iter().filter_map(|(attack, _)| tactic(attack))));
    let alerts: u64 = parts.map(|part| part.alerts).sum();
    let factors = vec![
        factor("severity", usize::from(severity_points(severity)), 90),
        factor("rules", rules.saturating_sub(1) * 4, 20),
        factor("sources", sources.saturating_sub(1) * 5, 15),
        factor("tactics", tactics.saturating_sub(1) * 5, 20),
        factor("volume", alerts.checked_ilog2().unwrap_or(0) as usize, 10),
    ];
    (severity, weigh(factors))
}

fn weigh(factors: Vec<PriorityFactor>) -> Priority {
    let sum: u32 = factors.iter().map(|factor| u32::from(factor.points)).sum();
    let score = u8::try_from(sum).unwrap_or(POINTS_MAX).min(POINTS_MAX);
    Priority { score, band: band(score), factors }
}

const fn severity_points(severity: Severity) -> u8 {
    match severity {
        Severity::Unknown => 0,
        Severity::Informational => 5,
        Severity::Low => 15,
        Severity::Medium => 35,
        Severity::High => 60,
        Severity::Critical => 80,
        Severity::Fatal => 90,
    }
}

const fn band(score: u8) -> Band {
    match score {
        80.. => Band::P1,
        60..80 => Band::P2,
        40..60 => Band::P3,
        20..40 => Band::P4,
        0..20 => Band::Informational,
    }
}

fn factor(name: &'static str, points: usize, most: u8) -> PriorityFactor {
    PriorityFactor { name, points: u8::try_from(points).unwrap_or(most).min(most) }
}

fn tactic(attack: &Attack) -> Option<&Arc<str>> {
    attack.tactic.as_ref()
}

/// Counts no further than `FULL`: past it no factor grows, and a busy case would be sorted over and over.
fn distinct<'a>(parts: impl Iterator<Item = impl Iterator<Item = &'a Arc<str>>>) -> usize {
    let mut known: smallvec::SmallVec<[&Arc<str>; FULL]> = smallvec::SmallVec::new();
    for value in parts.flatten() {
        if known.len() == FULL {
            break;
        }
        if !known.contains(&value) {
            known.push(value);
        }
    }
    known.len()
}

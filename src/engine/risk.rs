//! What a part keeps for its case's priority, beside what its lists say already: how bad each of its rules is, how sure
//! its alerts were, how much its machine or account matters, and which known-bad indicators it met. All of it only ever
//! rises, so no further alert can lower what it comes to.

use std::sync::Arc;

use super::PartState;
use crate::model::{Alert, AlertId, IntelMatch, Severity};

/// What an alert's confidence counts as where it says none.
pub const NEUTRAL_CONFIDENCE: u8 = 50;
/// Distinct indicators that a part keeps; later ones change nothing.
pub const INTEL_MAX: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// The highest risk seen of each rule (0 to 100), by its place in the part's list of rules. Empty in a part that an
    /// earlier version wrote, until its next alert: then the rules' severities speak for them.
    pub rules: Vec<u8>,
    /// The highest confidence seen.
    pub confidence: u8,
    /// The highest criticality seen, 0 to 4.
    pub criticality: u8,
    pub intel: Vec<IntelSeen>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntelSeen {
    pub found: IntelMatch,
    /// The first alert of the part that named it.
    pub alert: AlertId,
    /// There is an event of it. A case tells each indicator once, so a part may have met one that another part told.
    pub told: bool,
}

impl Risk {
    /// Of a part before its first alert.
    pub const fn newborn() -> Self {
        Self { rules: Vec::new(), confidence: 0, criticality: 0, intel: Vec::new() }
    }

    /// Of a part that an earlier version wrote, whose alerts are counted as neutral.
    #[must_use]
    pub const fn unknown() -> Self {
        Self { rules: Vec::new(), confidence: NEUTRAL_CONFIDENCE, criticality: 0, intel: Vec::new() }
    }

    /// Nothing was recorded yet that an earlier version would not have.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.rules.is_empty()
    }

    /// Takes what an alert says by itself; `place` is that of its rule, where the part has room for it. Answers whether
    /// anything rose.
    pub(super) fn take(&mut self, alert: &Alert, place: Option<usize>) -> bool {
        let risk = of_alert(alert);
        let rule = match place.map(|place| (place, self.rules.get(place))) {
            None => false,
            Some((_, None)) => {
                self.rules.push(risk);
                true
            }
            Some((place, Some(known))) if *known < risk => {
                self.rules[place] = risk;
                true
            }
            Some((_, Some(_))) => false,
        };
        rule | raise(&mut self.confidence, alert.confidence.unwrap_or(NEUTRAL_CONFIDENCE).min(100))
    }

    /// The asset matters at least so much.
    pub(super) fn matter(&mut self, criticality: u8) -> bool {
        raise(&mut self.criticality, criticality)
    }

    /// Takes an indicator in, unless it is known or there is no room.
    pub(super) fn meet(&mut self, found: IntelMatch, alert: AlertId) -> bool {
        let new = self.intel.len() < INTEL_MAX && self.intel.iter().all(|seen| !seen.found.is_same(&found));
        if new {
            self.intel.push(IntelSeen { found, alert, told: false });
        }
        new
    }

    /// There is an event of it now. It goes behind the others, so that those that are told stand as they were told.
    pub(super) fn tell(&mut self, found: &IntelMatch) {
        if let Some(place) = self.intel.iter().position(|seen| seen.found.is_same(found)) {
            let seen = self.intel.remove(place);
            self.intel.push(IntelSeen { told: true, ..seen });
        }
    }
}

impl PartState {
    /// Fills in what an earlier version did not record of the rules.
    pub(super) fn know_risks(&mut self) {
        let known = self.risk.rules.len();
        self.risk.rules.extend(self.rules.iter().skip(known).map(|rule| of_severity(rule.2)));
    }

    /// Each rule's uid and risk.
    pub(super) fn rule_risks(&self) -> impl Iterator<Item = (&Arc<str>, u8)> {
        let risk =
            |place: usize, severity| self.risk.rules.get(place).copied().unwrap_or_else(|| of_severity(severity));
        self.rules.iter().enumerate().map(move |(place, rule)| (&rule.0, risk(place, rule.2)))
    }

    /// Alerts, repeats and what was rolled up, as far as they are told.
    pub(super) fn told(&self) -> u64 {
        self.alerts.saturating_add(self.duplicates_told()).saturating_add(self.rolled_up_told())
    }
}

/// The source's own number, else Elastic's for the severity.
pub fn of_alert(alert: &Alert) -> u8 {
    alert.risk_score.map_or_else(|| of_severity(alert.severity), |score| score.min(100))
}

pub const fn of_severity(severity: Severity) -> u8 {
    match severity {
        Severity::Unknown | Severity::Informational => 10,
        Severity::Low => 21,
        Severity::Medium => 47,
        Severity::High => 73,
        Severity::Critical | Severity::Fatal => 99,
    }
}

fn raise(known: &mut u8, seen: u8) -> bool {
    let rose = seen > *known;
    *known = seen.max(*known);
    rose
}

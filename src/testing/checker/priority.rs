//! As much of a case's priority as its events give away, after `docs/priority.md`: not the risk, the asset and the
//! confidence, since events do not tell an alert's own numbers.

use std::collections::BTreeSet;

use serde_json::Value;

/// What the events of a case come to.
pub(super) struct Known {
    /// Severity id.
    pub severity: u64,
    /// Products.
    pub sources: u64,
    /// Tactics, where no event was cut.
    pub tactics: Option<u64>,
    /// Of each indicator its confidence.
    pub intel: Vec<u64>,
    /// Alerts, repeats and what was rolled up.
    pub told: u64,
}

const SEVERITIES: [u64; 7] = [0, 4, 11, 21, 34, 46, 50];

impl Known {
    fn points(&self, factor: &str) -> Option<u64> {
        match factor {
            "severity" => SEVERITIES.get(usize::try_from(self.severity).ok()?).copied(),
            "sources" => Some((self.sources.saturating_sub(1) * 3).min(6)),
            "tactics" => Some((self.tactics?.saturating_sub(1) * 4).min(12)),
            "repeats" => Some(u64::from(self.told.checked_ilog2().unwrap_or(0) / 2).min(4)),
            _ => None,
        }
    }

    /// No less than this: the part that told an indicator first may have met a surer one on later lists.
    fn intel(&self) -> u64 {
        let surest = self.intel.iter().max();
        surest.map_or(0, |surest| (6 + surest * 4 / 100 + self.intel.len() as u64 - 1).min(12))
    }

    /// What is wrong with the priority: what it should say, and what it says.
    pub(super) fn compare(&self, priority: &Value) -> Result<(), (String, String)> {
        let factors: Vec<(&str, u64)> = priority["factors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|factor| Some((factor["name"].as_str()?, factor["points"].as_u64()?)))
            .collect();
        // A case that was weighed before there was a formula.
        if factors.is_empty() {
            return Ok(());
        }
        let wrong = |expected: String| Err((expected, priority.to_string()));
        for (name, points) in &factors {
            if let Some(expected) = self.points(name).filter(|expected| expected != points) {
                return wrong(format!("{expected} points for {name}"));
            }
            if *name == "intel" && *points < self.intel() {
                return wrong(format!("{} points for intel, at least", self.intel()));
            }
        }
        let score = factors.iter().map(|(_, points)| points).sum::<u64>().min(100);
        let band = match score {
            80.. => "P1",
            60.. => "P2",
            40.. => "P3",
            15.. => "P4",
            0.. => "informational",
        };
        if priority["score"] != score || priority["band"] != band {
            return wrong(format!("{score}, {band}"));
        }
        Ok(())
    }
}

/// How many values of this member there are.
pub(super) fn distinct(items: &[Value], member: &str) -> u64 {
    items.iter().filter_map(|item| item[member].as_str()).collect::<BTreeSet<_>>().len() as u64
}

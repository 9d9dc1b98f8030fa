//! Enums as the byte that is stored: their place in `ALL`. Reordering a model enum would change what old rows say, so
//! the places are pinned below, and only ever grow at the end.

use std::sync::{Mutex, PoisonError};

use crate::model::{
    Activity, Band, CaseStatus, EntityKind, KeyKind, ObservableKind, Outcome, Role, Severity, TimeFrom, Verdict,
};
use crate::store::RowError;

/// Names of priority factors that this process has met in rows. The engine's own are a handful.
static FACTORS: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
const FACTORS_MAX: usize = 64;

const BANDS: [Band; 5] = [Band::P1, Band::P2, Band::P3, Band::P4, Band::Informational];
const ACTIVITIES: [Activity; 3] = [Activity::Create, Activity::Update, Activity::Close];
const TIMES_FROM: [TimeFrom; 2] = [TimeFrom::Field, TimeFrom::Record];

fn pick<T: Copy>(all: &[T], code: u8, what: &'static str) -> Result<T, RowError> {
    all.get(usize::from(code)).copied().ok_or(RowError::Range(what))
}

pub fn key_kind(code: u8) -> Result<KeyKind, RowError> {
    pick(&KeyKind::ALL, code, "key kind")
}

pub fn observable_kind(code: u8) -> Result<ObservableKind, RowError> {
    pick(&ObservableKind::ALL, code, "observable kind")
}

pub fn entity_kind(code: u8) -> Result<EntityKind, RowError> {
    pick(&EntityKind::ALL, code, "entity kind")
}

pub fn role(code: u8) -> Result<Role, RowError> {
    pick(&Role::ALL, code, "role")
}

pub fn severity(code: u8) -> Result<Severity, RowError> {
    pick(&Severity::ALL, code, "severity")
}

pub fn status(code: u8) -> Result<CaseStatus, RowError> {
    pick(&CaseStatus::ALL, code, "case status")
}

pub fn verdict(code: u8) -> Result<Verdict, RowError> {
    pick(&Verdict::ALL, code, "verdict")
}

pub fn outcome(code: u8) -> Result<Outcome, RowError> {
    pick(&Outcome::ALL, code, "outcome")
}

pub fn band(code: u8) -> Result<Band, RowError> {
    pick(&BANDS, code, "priority band")
}

pub fn activity(code: u8) -> Result<Activity, RowError> {
    pick(&ACTIVITIES, code, "activity")
}

pub fn time_from(code: u8) -> Result<TimeFrom, RowError> {
    pick(&TIMES_FROM, code, "time source")
}

/// A factor's name as the model holds it, for the life of the process. Rows are our own, and still the number of names
/// is bounded.
pub fn factor(name: &str) -> Result<&'static str, RowError> {
    let mut known = FACTORS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.iter().find(|found| **found == name) {
        return Ok(found);
    }
    if known.len() >= FACTORS_MAX {
        return Err(RowError::Range("priority factor"));
    }
    let kept: &'static str = Box::leak(name.into());
    known.push(kept);
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names in stored order, and that each member's byte is its place.
    fn check<T: Copy>(all: &[T], code: impl Fn(T) -> u8, label: impl Fn(T) -> &'static str, pinned: &str) {
        let labels: Vec<_> = all.iter().map(|&member| label(member)).collect();
        assert_eq!(labels.join(" "), pinned);
        for (place, &member) in all.iter().enumerate() {
            assert_eq!(usize::from(code(member)), place, "{}", label(member));
        }
    }

    #[test]
    fn stored_codes_never_change_their_meaning() {
        check(
            &KeyKind::ALL,
            |kind| kind as u8,
            KeyKind::label,
            "host user sid logon process private_ip public_ip cloud_resource cloud_session container mailbox hash \
             file_path domain url email certificate fingerprint message_id group realm spread",
        );
        check(
            &ObservableKind::ALL,
            |kind| kind as u8,
            ObservableKind::label,
            "ip cidr domain url email hash file_path file_name mac certificate ja3 ja4 user_agent registry_key cve \
             message_id command_line access_key other",
        );
        check(
            &EntityKind::ALL,
            |kind| kind as u8,
            EntityKind::label,
            "host user sid process logon cloud_resource cloud_session container mailbox service other",
        );
        check(&Role::ALL, |r| r as u8, Role::label, "asset actor source destination target peer context");
        let severities = "unknown informational low medium high critical fatal";
        check(&Severity::ALL, |s| s as u8, Severity::label, severities);
        let statuses = "new triage investigating containing recovering closed merged";
        check(&CaseStatus::ALL, |s| s as u8, CaseStatus::label, statuses);
        let verdicts = "true_positive benign_positive false_positive undetermined";
        check(&Verdict::ALL, |v| v as u8, Verdict::label, verdicts);
        check(
            &Outcome::ALL,
            |outcome| outcome as u8,
            Outcome::label,
            "opened attached updated duplicate rolled_up suppressed command_applied command_refused rejected",
        );
        check(&BANDS, |band| band as u8, Band::label, "P1 P2 P3 P4 informational");
        check(&ACTIVITIES, |activity| activity as u8, Activity::label, "create update close");
        check(&TIMES_FROM, |from| from as u8, TimeFrom::label, "field record");
    }
}

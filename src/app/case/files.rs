//! Cases from the views that a replay wrote, one a line.

use std::cmp::Reverse;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::Filter;
use super::told::{Listed, Page};
use crate::app::AppError;
use crate::model::{CaseId, CaseStatus};

pub fn list(file: &Path, filter: &Filter) -> Result<Vec<u8>, AppError> {
    let mut cases: Vec<Listed> = Vec::new();
    each_line(file, &mut |line| {
        let case: Listed = parse(file, line)?;
        if matches(filter, &case) {
            cases.push(case);
        }
        Ok(true)
    })?;
    let by_priority = filter.order == "priority";
    cases.sort_by_cached_key(|case| {
        let score = if by_priority { case.priority.score } else { 0 };
        (Reverse(score), Reverse(case.last_event_at.clone()), CaseId::parse(&case.case_id))
    });
    let cases_total = cases.len() as u64;
    cases.truncate(filter.limit.into());
    let page = Page { cases, cases_total, next_cursor: None };
    serde_json::to_vec(&page).map_err(|error| AppError::Failed(format!("writing the list: {error}")))
}

pub fn show(file: &Path, case: &CaseId) -> Result<Vec<u8>, AppError> {
    let mut wanted = case.to_string();
    // A survivor has the lower number and may stand before the case that redirects to it, so the file is read again.
    loop {
        let mut found: Option<(Vec<u8>, Option<String>)> = None;
        each_line(file, &mut |line| {
            let listed: Listed = parse(file, line)?;
            if listed.case_id == wanted {
                found = Some((line.to_vec(), listed.merged_into));
            }
            Ok(found.is_none())
        })?;
        match found {
            None => return Err(AppError::Failed(format!("there is no case {wanted}"))),
            Some((line, None)) => return Ok(line),
            // Survivors are older, so this ends.
            Some((_, Some(into))) if is_older(&into, &wanted) => wanted = into,
            Some((_, Some(_))) => return Err(AppError::Failed(format!("case {wanted} redirects nowhere"))),
        }
    }
}

fn is_older(one: &str, other: &str) -> bool {
    matches!((CaseId::parse(one), CaseId::parse(other)), (Some(one), Some(other)) if one.number < other.number)
}

fn matches(filter: &Filter, case: &Listed) -> bool {
    let Filter { tenant, status, band, roll_up, owner, order: _, limit: _ } = filter;
    let open = CaseStatus::from_label(&case.status).is_some_and(CaseStatus::is_open);
    let by_status = match status.as_slice() {
        [] => case.status != CaseStatus::Merged.label(),
        statuses => statuses.iter().any(|status| *status == case.status || (open && status == "open")),
    };
    by_status
        && tenant.as_ref().is_none_or(|tenant| tenant.as_str() == case.tenant_id)
        && band.as_ref().is_none_or(|band| *band == case.priority.band)
        && roll_up.is_none_or(|roll_up| roll_up == case.roll_up)
        && owner.as_deref().is_none_or(|owner| owner == case.owner.as_deref().unwrap_or_default())
}

/// Calls `each` with every line until it answers false.
pub fn each_line(file: &Path, each: &mut dyn FnMut(&[u8]) -> Result<bool, AppError>) -> Result<(), AppError> {
    let io = |source| AppError::Io { doing: format!("reading {}", file.display()), source };
    let mut reader = BufReader::new(File::open(file).map_err(io)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(io)? == 0 {
            return Ok(());
        }
        let text = line.trim_ascii();
        if !text.is_empty() && !each(text)? {
            return Ok(());
        }
    }
}

pub fn parse<'de, T: serde::Deserialize<'de>>(file: &Path, line: &'de [u8]) -> Result<T, AppError> {
    let parsed = serde_json::from_slice(line);
    parsed.map_err(|error| AppError::Failed(format!("{}: not what a replay wrote: {error}", file.display())))
}

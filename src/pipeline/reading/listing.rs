//! Which cases there are, newest activity or highest priority first: those that are open, and the latest ones that are
//! not. A page ends in a cursor that names its last case by what it is ordered by, so paging goes on rightly while cases
//! come and go, and costs the same on every page.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::engine::CaseSummary;
use crate::model::{CaseId, CaseStatus, Tenant, Timestamp};

/// Closed and merged cases that are listed, those that were active last. All others are reached by their ids.
const ENDED_MAX: usize = 10_000;

#[derive(Default)]
pub struct Listing(RwLock<Listed>);

#[derive(Default)]
struct Listed {
    cases: BTreeMap<CaseId, Arc<CaseSummary>>,
    ended: BTreeSet<(Timestamp, CaseId)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Activity,
    Priority,
}

/// What is asked for. Empty filters let everything through but merged cases, which are asked for by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    pub tenant: Option<Tenant>,
    pub statuses: Vec<CaseStatus>,
    pub band: Option<String>,
    pub roll_up: Option<bool>,
    /// Empty asks for cases that nobody owns.
    pub owner: Option<String>,
    pub order: Order,
    pub limit: usize,
    pub after: Option<Cursor>,
}

/// The place of a case in an order; what comes behind it is larger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The score where cases are ordered by priority.
    score: Option<Reverse<u8>>,
    last_event_at: Reverse<Timestamp>,
    case: CaseId,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is none that a page of this order ended in")]
pub struct BadCursor;

pub struct Page {
    pub cases: Vec<Arc<CaseSummary>>,
    pub total: u64,
    pub next: Option<Cursor>,
}

impl Listing {
    pub fn reset(&self, cases: Vec<CaseSummary>) {
        let mut listed = self.write();
        *listed = Listed::default();
        cases.into_iter().for_each(|case| listed.put(case));
    }

    pub fn publish(&self, summaries: &[(CaseId, CaseSummary)]) {
        if !summaries.is_empty() {
            let mut listed = self.write();
            summaries.iter().for_each(|(_, case)| listed.put(case.clone()));
        }
    }

    /// Looks at every listed case once; of those that match only one page is put in order.
    pub fn page(&self, query: &ListQuery) -> Page {
        let matching: Vec<Arc<CaseSummary>> =
            self.read().cases.values().filter(|case| query.matches(case)).map(Arc::clone).collect();
        let total = matching.len() as u64;
        let placed = matching.into_iter().map(|case| (Cursor::of(&case, query.order), case));
        let mut behind: Vec<(Cursor, Arc<CaseSummary>)> =
            placed.filter(|(cursor, _)| query.after.as_ref().is_none_or(|after| cursor > after)).collect();
        let more = behind.len() > query.limit;
        if more {
            behind.select_nth_unstable_by(query.limit, |one, two| one.0.cmp(&two.0));
            behind.truncate(query.limit);
        }
        behind.sort_unstable_by(|one, two| one.0.cmp(&two.0));
        let next = behind.last().filter(|_| more).map(|(cursor, _)| cursor.clone());
        Page { cases: behind.into_iter().map(|(_, case)| case).collect(), total, next }
    }

    // Whoever panicked with it locked left a list behind that lacks a case at worst.
    fn read(&self) -> RwLockReadGuard<'_, Listed> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Listed> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    fn put(&mut self, case: CaseSummary) {
        let (id, at, ends) = (case.id.clone(), case.last_event_at, !case.status.is_open());
        if let Some(before) = self.cases.insert(id.clone(), Arc::new(case)) {
            self.ended.remove(&(before.last_event_at, id.clone()));
        }
        if ends {
            self.ended.insert((at, id));
        }
        if self.ended.len() > ENDED_MAX
            && let Some((_, oldest)) = self.ended.pop_first()
        {
            self.cases.remove(&oldest);
        }
    }
}

impl ListQuery {
    fn matches(&self, case: &CaseSummary) -> bool {
        let status = match self.statuses.as_slice() {
            [] => case.status != CaseStatus::Merged,
            statuses => statuses.contains(&case.status),
        };
        status
            && self.tenant.as_ref().is_none_or(|tenant| case.id.tenant == *tenant)
            && self.band.as_deref().is_none_or(|band| case.priority.band.label() == band)
            && self.roll_up.is_none_or(|roll_up| case.roll_up == roll_up)
            && self.owner.as_deref().is_none_or(|owner| case.owner.as_deref().unwrap_or_default() == owner)
    }
}

impl Cursor {
    fn of(case: &CaseSummary, order: Order) -> Self {
        let score = match order {
            Order::Activity => None,
            Order::Priority => Some(Reverse(case.priority.score)),
        };
        Self { score, last_event_at: Reverse(case.last_event_at), case: case.id.clone() }
    }

    /// Reads what `Display` writes.
    pub fn parse(raw: &str, order: Order) -> Result<Self, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(raw).map_err(|_| BadCursor)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| BadCursor)?;
        let mut fields = text.splitn(3, ' ');
        let mut next = || fields.next().ok_or(BadCursor);
        let (score, at, case) = (next()?, next()?, next()?);
        let score = match order {
            Order::Activity if score == "-" => None,
            Order::Activity => return Err(BadCursor),
            Order::Priority => Some(Reverse(score.parse().map_err(|_| BadCursor)?)),
        };
        let at = Timestamp::from_millis(at.parse().map_err(|_| BadCursor)?);
        Ok(Self { score, last_event_at: Reverse(at), case: CaseId::parse(case).ok_or(BadCursor)? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let score = self.score.map_or_else(|| "-".to_owned(), |score| score.0.to_string());
        let text = format!("{score} {} {}", self.last_event_at.0.millis(), self.case);
        f.write_str(&URL_SAFE_NO_PAD.encode(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Band, Priority, Severity};

    fn case(number: u64, score: u8, at: i64, status: CaseStatus) -> CaseSummary {
        let at = Timestamp::from_millis(at);
        CaseSummary {
            id: CaseId { tenant: Tenant::parse("t-1").unwrap(), number },
            seq: 1,
            title: "".into(),
            status,
            roll_up: number.is_multiple_of(2),
            severity: Severity::Low,
            priority: Priority { score, band: Band::P4, factors: Vec::new() },
            owner: number.is_multiple_of(3).then(|| "kim".into()),
            opened_at: at,
            closed_at: None,
            first_event_at: at,
            last_event_at: at,
            alert_count: 1,
            duplicate_count: 0,
            rolled_up_count: 0,
            products: 1,
            merged_into: None,
        }
    }

    fn numbers(page: &Page) -> Vec<u64> {
        page.cases.iter().map(|case| case.id.number).collect()
    }

    #[test]
    fn pages_hold_every_case_once_in_either_order() {
        let listing = Listing::default();
        listing.reset((1..=97).map(|n| case(n, (n % 5) as u8, (n % 7) as i64, CaseStatus::New)).collect());
        for order in [Order::Activity, Order::Priority] {
            let whole = numbers(&listing.page(&ListQuery { order, limit: 500, ..ListQuery::default() }));
            assert_eq!(whole.len(), 97);
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let page = listing.page(&ListQuery { order, limit: 10, after, ..ListQuery::default() });
                assert_eq!(page.total, 97);
                paged.extend(numbers(&page));
                let Some(next) = page.next else { break };
                after = Some(Cursor::parse(&next.to_string(), order).unwrap());
                assert_eq!(after.as_ref(), Some(&next));
            }
            assert_eq!(paged, whole);
        }
    }

    #[test]
    fn filters_meet_and_merged_cases_are_asked_for_by_name() {
        let listing = Listing::default();
        let status = |n: u64| if n > 20 { CaseStatus::Merged } else { CaseStatus::New };
        listing.reset((1..=24).map(|n| case(n, 1, n as i64, status(n))).collect());
        let all = ListQuery { limit: 500, ..ListQuery::default() };
        assert_eq!(listing.page(&all).total, 20);
        let query = ListQuery { roll_up: Some(true), owner: Some("kim".to_owned()), ..all.clone() };
        assert_eq!(numbers(&listing.page(&query)), [18, 12, 6]);
        assert_eq!(listing.page(&ListQuery { owner: Some(String::new()), ..all.clone() }).total, 14);
        assert_eq!(listing.page(&ListQuery { statuses: vec![CaseStatus::Merged], ..all.clone() }).total, 4);
        assert_eq!(listing.page(&ListQuery { tenant: Some(Tenant::parse("u").unwrap()), ..all.clone() }).total, 0);
        assert_eq!(listing.page(&ListQuery { band: Some("P1".to_owned()), ..all }).total, 0);
    }

    #[test]
    fn only_the_latest_ended_cases_stay() {
        let listing = Listing::default();
        let count = ENDED_MAX as u64 + 50;
        listing.reset((1..=count).map(|n| case(n, 1, n as i64, CaseStatus::Closed)).collect());
        let page = listing.page(&ListQuery { limit: 1, ..ListQuery::default() });
        assert_eq!((page.total, numbers(&page)), (ENDED_MAX as u64, vec![count]));
        // One that is opened again is not counted with them.
        listing.publish(&[(case(count, 1, 0, CaseStatus::New).id, case(count, 1, 0, CaseStatus::New))]);
        assert_eq!(listing.page(&ListQuery { limit: 1, ..ListQuery::default() }).total, ENDED_MAX as u64);
    }

    #[test]
    fn a_cursor_of_the_other_order_or_of_nothing_is_refused() {
        let cursor = Cursor::of(&case(7, 9, 5, CaseStatus::New), Order::Priority).to_string();
        assert!(Cursor::parse(&cursor, Order::Priority).is_ok());
        for raw in [cursor.as_str(), "", "AAAA", "%%%"] {
            assert_eq!(Cursor::parse(raw, Order::Activity), Err(BadCursor), "{raw}");
        }
    }
}

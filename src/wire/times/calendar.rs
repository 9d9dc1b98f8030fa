//! Dates and times of day as numbers, and what instant they are in a zone. What text they come from is left to others.

use super::zone::Place;
use super::{Frame, in_range};
use crate::model::Timestamp;

/// Years that an alert can come from; anything else is a broken clock or a unit misread.
pub const YEARS: std::ops::RangeInclusive<i64> = 1970..=2200;
pub const MILLIS_END: i64 = days_from_civil(2201, 1, 1) * DAY_MS;
const DAY_MS: i64 = 86_400_000;

/// A moment as a clock on the wall shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub millis_of_day: i64,
}

impl Civil {
    pub fn is_date(&self) -> bool {
        YEARS.contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in(self.year, self.month)).contains(&self.day)
    }

    /// Milliseconds since 1970 if the clock shows UTC.
    pub fn millis(&self) -> i64 {
        days_from_civil(self.year, self.month, self.day) * DAY_MS + self.millis_of_day
    }

    pub fn instant(&self, place: &Place<'_>, frame: &Frame) -> Option<Timestamp> {
        if !self.is_date() {
            return None;
        }
        place.instant(self, &frame.zone).filter(|at| in_range(*at))
    }

    /// The instant in the year that brings it closest to `near`. 29 February looks further, for a year that has one.
    pub fn nearest(&self, place: &Place<'_>, frame: &Frame) -> Option<Timestamp> {
        const REACH: i64 = 8;
        let near = frame.near.filter(|near| in_range(*near))?;
        let (year, ..) = civil_from_days(near.millis().div_euclid(DAY_MS));
        let reach = if (self.month, self.day) == (2, 29) { REACH } else { 1 };
        let candidates = (year - reach..=year + reach).filter_map(|year| Self { year, ..*self }.instant(place, frame));
        candidates.min_by_key(|at| (at.millis() - near.millis()).abs())
    }
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant's `days_from_civil`).
pub const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

pub const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days - era * 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

//! Foreign times to milliseconds. Which format a field has is said by its profile; this module never guesses a format,
//! only the unit of an epoch number where the profile says it is one.

use crate::model::Timestamp;

/// Years that an alert can come from; anything else is a broken clock or a unit misread.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=2200;
const MILLIS_END: i64 = days_from_civil(2201, 1, 1) * 86_400_000;

/// How a field writes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// RFC 3339 and its relatives: a space for `T`, `+0000` for `+00:00`. The offset is required.
    Rfc3339,
    /// The same, where a missing offset means UTC.
    Iso,
    /// A number since 1970, its unit told by its magnitude.
    Epoch,
    EpochMillis,
}

impl TimeFormat {
    pub const ALL: [Self; 4] = [Self::Rfc3339, Self::Iso, Self::Epoch, Self::EpochMillis];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::Iso => "iso",
            Self::Epoch => "epoch",
            Self::EpochMillis => "epoch_ms",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.label() == label)
    }

    #[must_use]
    pub fn read(self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Rfc3339 => rfc3339(text),
            Self::Iso => iso(text),
            Self::Epoch => text.trim().parse().ok().and_then(epoch),
            Self::EpochMillis => text.trim().parse().ok().and_then(epoch_millis),
        }
    }
}

#[must_use]
pub fn rfc3339(text: &str) -> Option<Timestamp> {
    calendar(text, None)
}

#[must_use]
pub fn iso(text: &str) -> Option<Timestamp> {
    calendar(text, Some(0))
}

/// Seconds up to 1e11 (the year 5138), then milliseconds, microseconds, nanoseconds.
#[must_use]
pub fn epoch(number: f64) -> Option<Timestamp> {
    let millis = match number.abs() {
        n if n < 1e11 => number * 1e3,
        n if n < 1e14 => number,
        n if n < 1e17 => number / 1e3,
        _ => number / 1e6,
    };
    epoch_millis(millis.floor())
}

#[must_use]
pub fn epoch_millis(number: f64) -> Option<Timestamp> {
    let inside = number >= 0.0 && number < MILLIS_END as f64;
    inside.then(|| Timestamp::from_millis(number as i64))
}

#[must_use]
pub fn in_range(at: Timestamp) -> bool {
    (0..MILLIS_END).contains(&at.millis())
}

/// `2026-08-01T12:00:00.000Z`.
#[must_use]
pub fn text(at: Timestamp) -> String {
    let (days, of_day) = (at.millis().div_euclid(86_400_000), at.millis().rem_euclid(86_400_000));
    let (year, month, day) = civil_from_days(days);
    let (hours, minutes) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (seconds, millis) = (of_day / 1_000 % 60, of_day % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z")
}

fn calendar(text: &str, offset_default: Option<i64>) -> Option<Timestamp> {
    let mut cursor = Cursor(text.trim().as_bytes());
    let (year, month, day) = date(&mut cursor)?;
    cursor.one_of(b"Tt ")?;
    let millis_of_day = time_of_day(&mut cursor)?;
    let offset_minutes = offset(&mut cursor, offset_default)?;
    let millis = days_from_civil(year, month, day) * 86_400_000 + millis_of_day - offset_minutes * 60_000;
    Some(Timestamp::from_millis(millis)).filter(|at| cursor.0.is_empty() && in_range(*at))
}

fn date(cursor: &mut Cursor<'_>) -> Option<(i64, i64, i64)> {
    let year = cursor.digits(4).filter(|year| YEARS.contains(year))?;
    cursor.one_of(b"-/")?;
    let month = cursor.digits(2).filter(|month| (1..=12).contains(month))?;
    cursor.one_of(b"-/")?;
    let day = cursor.digits(2).filter(|day| (1..=days_in(year, month)).contains(day))?;
    Some((year, month, day))
}

fn time_of_day(cursor: &mut Cursor<'_>) -> Option<i64> {
    let hours = cursor.digits(2).filter(|hours| *hours <= 23)?;
    cursor.one_of(b":")?;
    let minutes = cursor.digits(2).filter(|minutes| *minutes <= 59)?;
    cursor.one_of(b":")?;
    // A leap second is the first instant of the next minute: clocks that know it are rare, and none may fail on it.
    let seconds = cursor.digits(2).filter(|seconds| *seconds <= 60)?;
    let millis = if cursor.one_of(b".,").is_some() { cursor.fraction()? } else { 0 };
    Some(hours * 3_600_000 + minutes * 60_000 + seconds * 1_000 + millis)
}

/// Minutes east of UTC.
fn offset(cursor: &mut Cursor<'_>, default: Option<i64>) -> Option<i64> {
    let _ = cursor.one_of(b" ");
    if cursor.0.is_empty() {
        return default;
    }
    let sign = match cursor.one_of(b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return Some(0),
    };
    let hours = cursor.digits(2).filter(|hours| *hours <= 23)?;
    let colon = cursor.one_of(b":").is_some();
    let minutes = if colon || !cursor.0.is_empty() { cursor.digits(2).filter(|minutes| *minutes <= 59)? } else { 0 };
    Some(sign * (hours * 60 + minutes))
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (&byte, rest) = self.0.split_first().filter(|(byte, _)| allowed.contains(byte))?;
        self.0 = rest;
        Some(byte)
    }

    fn digit(&mut self) -> Option<i64> {
        self.one_of(b"0123456789").map(|byte| i64::from(byte - b'0'))
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        (0..count).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// Milliseconds of a fraction of any length, cut and not rounded: rounding could move an alert into another window.
    fn fraction(&mut self) -> Option<i64> {
        let mut millis = self.digit()? * 100;
        for scale in [10, 1] {
            millis += self.digit().unwrap_or(0) * scale;
        }
        while self.digit().is_some() {}
        Some(millis)
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
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const fn civil_from_days(days: i64) -> (i64, i64, i64) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_as_products_write_them() {
        let same = Timestamp::from_millis(1_785_585_600_123);
        for raw in [
            "2026-08-01T12:00:00.123Z",
            "2026-08-01t12:00:00.123z",
            "2026-08-01 12:00:00.123 +00:00",
            "2026-08-01T12:00:00.1239999+0000",
            "2026-08-01T14:00:00,123+02",
            "2026-08-01T06:30:00.123-05:30",
            "2026/08/01 12:00:00.123Z",
        ] {
            assert_eq!(rfc3339(raw), Some(same), "{raw}");
        }
        assert_eq!(rfc3339("2026-08-01T12:00:00.123"), None);
        assert_eq!(iso("2026-08-01T12:00:00.123"), Some(same));
        for number in [1_785_585_600.123, 1_785_585_600_123.0, 1_785_585_600_123_000.0, 1_785_585_600_123_000_000.0] {
            assert!((epoch(number).unwrap().since(same).0).abs() <= 1, "{number}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for raw in [
            "",
            "now",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "2201-01-01T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00Zjunk",
            "2026-01-01T00:00:00+9",
        ] {
            assert_eq!(iso(raw), None, "{raw}");
        }
        for number in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(epoch(number), None, "{number}");
            assert_eq!(epoch_millis(number), None, "{number}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in 0..MILLIS_END) {
            let at = Timestamp::from_millis(millis);
            prop_assert_eq!(rfc3339(&text(at)), Some(at));
        }

        #[test]
        fn no_text_panics(raw in ".{0,40}") {
            let _ = (rfc3339(&raw), iso(&raw), TimeFormat::Epoch.read(&raw));
        }
    }
}

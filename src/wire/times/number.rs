//! Times that are a count of units: since 1970, or since 1601 as Windows counts. Whole numbers are read exactly; a count
//! with a fraction or an exponent is cut to milliseconds, never rounded.

use super::calendar::{MILLIS_END, days_from_civil};
use super::in_range;
use crate::model::Timestamp;

/// Between 1601-01-01 and 1970-01-01.
const FILE_TIME_LEAD_MS: i64 = 11_644_473_600_000;

/// A count in thousandths of its unit; the bound keeps every step after it inside `i128`.
#[derive(Clone, Copy)]
struct Count(i128);

impl Count {
    const DIGITS_MAX: usize = 30;

    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > Self::DIGITS_MAX || !plain(whole) || !plain(fraction) {
            return Self::of_float(text);
        }
        let mut digits = fraction.bytes().map(|byte| i128::from(byte - b'0'));
        let thousandths = [100, 10, 1].map(|scale| digits.next().unwrap_or(0) * scale).iter().sum::<i128>();
        Some(Self(whole.parse::<i128>().ok()? * 1_000 + thousandths))
    }

    /// `1.6e9`, as JSON writers may put it.
    fn of_float(text: &str) -> Option<Self> {
        let exponent = text.bytes().any(|byte| matches!(byte, b'e' | b'E'));
        let number: f64 = text.parse().ok().filter(|_| exponent)?;
        (0.0..1e27).contains(&number).then_some(Self((number * 1e3) as i128))
    }

    /// The instant `per_second` of these units make.
    fn of(self, per_second: i128) -> Option<Timestamp> {
        let millis = i64::try_from(self.0 / per_second).ok()?;
        Some(Timestamp::from_millis(millis)).filter(|at| in_range(*at))
    }

    fn by_magnitude(self) -> Option<Timestamp> {
        self.of(match self.0 / 1_000 {
            units if units < 100_000_000_000 => SECONDS,
            units if units < 100_000_000_000_000 => MILLIS,
            units if units < 100_000_000_000_000_000 => MICROS,
            _ => NANOS,
        })
    }

    fn file_time(self) -> Option<Timestamp> {
        let millis = i64::try_from(self.0 / 10_000_000).ok()?.checked_sub(FILE_TIME_LEAD_MS)?;
        Some(Timestamp::from_millis(millis)).filter(|at| in_range(*at))
    }
}

const SECONDS: i128 = 1;
const MILLIS: i128 = 1_000;
const MICROS: i128 = 1_000_000;
const NANOS: i128 = 1_000_000_000;

/// Seconds up to 1e11 (the year 5138), then milliseconds, microseconds, nanoseconds.
pub fn by_magnitude(text: &str) -> Option<Timestamp> {
    Count::parse(text)?.by_magnitude()
}

pub fn seconds(text: &str) -> Option<Timestamp> {
    Count::parse(text)?.of(SECONDS)
}

pub fn millis(text: &str) -> Option<Timestamp> {
    Count::parse(text)?.of(MILLIS)
}

pub fn micros(text: &str) -> Option<Timestamp> {
    Count::parse(text)?.of(MICROS)
}

pub fn nanos(text: &str) -> Option<Timestamp> {
    Count::parse(text)?.of(NANOS)
}

pub fn file_time(text: &str) -> Option<Timestamp> {
    Count::parse(text)?.file_time()
}

/// An epoch of any unit, or a file time, of the years in which there are alerts; what these years exclude is some other
/// number, or a date without separators.
pub fn of_any_unit(text: &str) -> Option<Timestamp> {
    const MODERN: i64 = days_from_civil(2000, 1, 1) * 86_400_000;
    let modern = |at: &Timestamp| at.millis() >= MODERN;
    let count = Count::parse(text)?;
    count.by_magnitude().filter(modern).or_else(|| count.file_time().filter(modern))
}

/// [`by_magnitude`] of a number.
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

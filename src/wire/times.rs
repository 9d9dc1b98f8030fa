//! Times as products write them, to milliseconds since the epoch.

use std::str::FromStr;

use crate::model::Timestamp;

/// Years outside of this are a field that is no time, or a clock that is no clock.
const FIRST: i64 = 0; // 1970-01-01
const LAST: i64 = 7_258_118_400_000; // 2200-01-01

/// RFC 3339 and its relatives: `T` or a space between date and time, offsets `Z`, `+00:00`, `+0000`, any precision.
/// A time without an offset is taken as UTC.
#[must_use]
pub fn text(raw: &str) -> Option<Timestamp> {
    let raw = raw.trim();
    // `2024-03-04 08:00:50.772 +00:00` is how Hayabusa writes by default; jiff wants no space before the offset.
    let spaced = raw.rfind(' ').filter(|at| *at > 10);
    let joined = spaced.map(|at| format!("{}{}", &raw[..at], &raw[at + 1..]));
    let raw = joined.as_deref().unwrap_or(raw);
    let zoned = jiff::Timestamp::from_str(raw).ok().map(|time| time.as_millisecond());
    let millis = zoned.or_else(|| {
        let civil = jiff::civil::DateTime::from_str(raw).ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
    })?;
    bounded(millis)
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by its size: seconds reach
/// the year 2200 below 10^10, and each finer unit is a thousand times that.
#[must_use]
pub fn epoch(raw: f64) -> Option<Timestamp> {
    if !raw.is_finite() || raw < 0.0 {
        return None;
    }
    let millis = match raw {
        seconds if seconds < 1e10 => seconds * 1e3,
        millis if millis < 1e13 => millis,
        micros if micros < 1e16 => micros / 1e3,
        nanos => nanos / 1e6,
    };
    // Rounded down, within 2^53 for every time that is let through.
    #[allow(clippy::cast_possible_truncation)]
    bounded(millis as i64)
}

/// Epoch milliseconds, as the native shape has them.
#[must_use]
pub fn epoch_millis(raw: i64) -> Option<Timestamp> {
    bounded(raw)
}

fn bounded(millis: i64) -> Option<Timestamp> {
    (FIRST..LAST).contains(&millis).then(|| Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_instant_however_it_is_written() {
        let at = Some(Timestamp::from_millis(1_709_539_250_772));
        for raw in [
            "2024-03-04T08:00:50.772Z",
            "2024-03-04T08:00:50.772+00:00",
            "2024-03-04T08:00:50.772000+0000",
            "2024-03-04 08:00:50.772 +00:00",
            "2024-03-04 08:00:50.772",
            "2024-03-04T09:00:50.772+0100",
        ] {
            assert_eq!(text(raw), at, "{raw}");
        }
        assert_eq!(epoch(1_709_539_250.772), at);
        assert_eq!(epoch(1_709_539_250_772.0), at);
        assert_eq!(epoch(1_709_539_250_772_000.0), at);
        assert_eq!(epoch(1_709_539_250_772_000_000.0), at);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for raw in ["", "-", "yesterday", "2024-13-01T00:00:00Z", "1601-01-01T00:00:00Z", "9999-01-01T00:00:00Z"] {
            assert_eq!(text(raw), None, "{raw}");
        }
        for raw in [-1.0, f64::NAN, f64::INFINITY, 1e30] {
            assert_eq!(epoch(raw), None);
        }
    }
}

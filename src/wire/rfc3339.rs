//! Times as text: RFC 3339 in UTC with milliseconds, 24 bytes. It is written several times for every alert, so it does
//! its own calendar arithmetic; the test holds it against jiff.

use crate::model::Timestamp;

/// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what four digits of year can say.
const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_300_799_999;

const DAY_MS: i64 = 86_400_000;
/// Days of 400 years, after which the Gregorian calendar repeats.
const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// Appends `at`; a time outside of the years 0 to 9999 is written as the nearest one inside.
pub fn write(at: Timestamp, out: &mut Vec<u8>) {
    let millis = at.millis().clamp(FIRST, LAST);
    let (year, month, day) = civil(millis.div_euclid(DAY_MS));
    let rest = millis.rem_euclid(DAY_MS).unsigned_abs();
    let mut text = *b"0000-00-00T00:00:00.000Z";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], rest / 3_600_000);
    digits(&mut text[14..16], rest / 60_000 % 60);
    digits(&mut text[17..19], rest / 1_000 % 60);
    digits(&mut text[20..23], rest % 1_000);
    out.extend_from_slice(&text);
}

/// Year, month and day of a day counted from 1970-01-01, by counting years from March, so that leap days come last.
fn civil(days: i64) -> (u64, u64, u64) {
    // January and February of year 0 lie before day 0, so one era is added here and taken off at the end.
    let shifted = (days + EPOCH_DAYS + ERA_DAYS).unsigned_abs();
    let (era, of_era) = (shifted / ERA_DAYS.unsigned_abs(), shifted % ERA_DAYS.unsigned_abs());
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year - 400, month, day)
}

fn digits(place: &mut [u8], mut value: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(millis: i64) -> String {
        let mut out = Vec::new();
        write(Timestamp::from_millis(millis), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn by_jiff(millis: i64) -> String {
        let at = jiff::Timestamp::from_millisecond(millis).unwrap();
        jiff::tz::Offset::UTC.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    #[test]
    fn the_corners_of_the_calendar() {
        for millis in [0, -1, 951_782_399_999, 951_782_400_000, 1_709_164_800_000, 4_107_542_400_000, FIRST] {
            assert_eq!(text(millis), by_jiff(millis));
        }
        // jiff ends a day and some hours before the last instant of year 9999.
        assert_eq!(text(LAST), "9999-12-31T23:59:59.999Z");
        assert_eq!(text(i64::MAX), text(LAST));
        assert_eq!(text(i64::MIN), "0000-01-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn every_time_reads_as_jiff_reads_it(millis in FIRST..253_402_207_200_000) {
            prop_assert_eq!(text(millis), by_jiff(millis));
        }
    }
}

//! Durations and sizes as people write them: `90s`, `4h`, `256KiB`. Whole numbers only, so that what is written is
//! exactly what is meant, and every value has one shortest way of being written back.

use crate::model::Millis;

/// Longest first: the first that divides a span writes it.
const SPANS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Milliseconds, or nothing where this is no duration.
#[must_use]
pub fn parse_millis(text: &str) -> Option<u64> {
    parse(text, &SPANS)
}

/// Bytes, or nothing where this is no size.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    parse(text, &SIZES)
}

#[must_use]
pub fn show_millis(millis: u64) -> String {
    show(millis, &SPANS, "s")
}

#[must_use]
pub fn show_bytes(bytes: u64) -> String {
    show(bytes, &SIZES, "B")
}

/// A span of the model, which a checked configuration never holds negative.
#[must_use]
pub fn show_span(span: Millis) -> String {
    show_millis(u64::try_from(span.0).unwrap_or(0))
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn show(value: u64, units: &[(&str, u64)], zero: &str) -> String {
    let unit = units.iter().find(|(_, factor)| value != 0 && value.is_multiple_of(*factor));
    unit.map_or_else(|| format!("0{zero}"), |(name, factor)| format!("{}{name}", value / factor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_write_a_number_and_a_unit() {
        assert_eq!(parse_millis("250ms"), Some(250));
        assert_eq!(parse_millis("90s"), Some(90_000));
        assert_eq!(parse_millis("7d"), Some(604_800_000));
        assert_eq!(parse_bytes("256KiB"), Some(262_144));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "s", "90", "90 s", "-1s", "1.5h", "1H", "1w", "99999999999999999999s", "18446744073709551615d"]
        {
            assert_eq!(parse_millis(text), None, "{text}");
        }
        for text in ["256", "256KB", "256kib", "-1B", "1 MiB"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(value in any::<u64>()) {
            prop_assert_eq!(parse_millis(&show_millis(value)), Some(value));
            prop_assert_eq!(parse_bytes(&show_bytes(value)), Some(value));
        }
    }
}

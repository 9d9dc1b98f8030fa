//! That what is written reads back, in every format and zone, and that no text panics.

use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;

use crate::wire::times::calendar::MILLIS_END;
use crate::wire::times::*;

/// Before the last year that is read, since a missing year may be looked for in the next.
const FULL_YEARS_END: i64 = MILLIS_END - 366 * 86_400_000;

/// How a format writes a time, for jiff; and what is left of a millisecond by it.
const WRITERS: [(TimeFormat, &str, i64); 16] = [
    (TimeFormat::Iso, "%Y-%m-%d %H:%M:%S.%3f", 1),
    (TimeFormat::Iso, "%Y%m%dT%H%M%S", 1_000),
    (TimeFormat::Iso, "%Y-%m-%dT%H:%M", 60_000),
    (TimeFormat::Syslog, "%b %e %H:%M:%S", 1_000),
    (TimeFormat::Syslog, "*%b %e %H:%M:%S.%3f", 1),
    (TimeFormat::Cef, "%b %d %Y %H:%M:%S.%3f", 1),
    (TimeFormat::Cef, "%b %d %H:%M:%S", 1_000),
    (TimeFormat::Us, "%m/%d/%Y %I:%M:%S %p", 1_000),
    (TimeFormat::Us, "%m/%d/%Y %H:%M", 60_000),
    (TimeFormat::Eu, "%d.%m.%Y %H:%M:%S.%3f", 1),
    (TimeFormat::Eu, "%d/%m/%Y %H:%M:%S", 1_000),
    (TimeFormat::Asctime, "%a %b %e %H:%M:%S %Y", 1_000),
    (TimeFormat::Dmy, "%d %b %Y %H:%M:%S", 1_000),
    (TimeFormat::Dmy, "%d%b%Y %H:%M:%S", 1_000),
    (TimeFormat::Rfc2822, "%a, %d %b %Y %H:%M:%S", 1_000),
    (TimeFormat::Clf, "%d/%b/%Y:%H:%M:%S", 1_000),
];

fn zoned(millis: i64, zone: TimeZone) -> jiff::Zoned {
    jiff::Timestamp::from_millisecond(millis).expect("in range").to_zoned(zone)
}

proptest! {
    #[test]
    fn what_is_written_reads_back(millis in 0..MILLIS_END) {
        let at = Timestamp::from_millis(millis);
        prop_assert_eq!(rfc3339(&text(at)), Some(at));
        let frame = Frame::default();
        for (format, written) in [
            (TimeFormat::Any, text(at)),
            (TimeFormat::EpochSecs, format!("{}.{:03}", millis / 1_000, millis % 1_000)),
            (TimeFormat::EpochMillis, millis.to_string()),
            (TimeFormat::EpochMicros, format!("{millis}999")),
            (TimeFormat::EpochNanos, format!("{millis}999999")),
            (TimeFormat::FileTime, ((millis + 11_644_473_600_000) * 10_000).to_string()),
            (TimeFormat::Iso, format!("/Date({millis})/")),
        ] {
            prop_assert_eq!(format.read(&written, &frame), Some(at), "{} {}", format.label(), written);
        }
    }

    #[test]
    fn every_writer_s_time_reads_back(millis in 86_400_000..FULL_YEARS_END, offset in -14 * 60..14 * 60_i32, late in 0..150 * 86_400_000_i64) {
        let near = Timestamp::from_millis(millis + late);
        let fixed = TimeZone::fixed(Offset::from_seconds(offset * 60).expect("in range"));
        let sign = if offset < 0 { '-' } else { '+' };
        let name = format!("{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60);
        let (utc, there) = (Frame { near: Some(near), ..Frame::default() }, Frame { zone: Zone::parse(&name).expect("in range"), near: Some(near) });
        for (format, pattern, grain) in WRITERS {
            let local = zoned(millis, fixed.clone()).strftime(pattern).to_string();
            let wanted = Some(Timestamp::from_millis(millis / grain * grain)).filter(|at| in_range(*at));
            prop_assert_eq!(format.read(&local, &there), wanted, "{} {}", format.label(), &local);
            let carried = if format == TimeFormat::Asctime { zoned(millis, fixed.clone()).strftime("%a %b %e %H:%M:%S %z %Y").to_string() } else { format!("{local} {name}") };
            prop_assert_eq!(format.read(&carried, &utc), wanted, "{} {}", format.label(), carried);
        }
    }

    #[test]
    fn a_named_zone_agrees_with_the_offset_it_has(millis in 86_400_000..FULL_YEARS_END, name in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"])) {
        let zone = TimeZone::get(name).expect("in range");
        let there = zoned(millis / 1_000 * 1_000, zone.clone());
        let frame = Frame { zone: Zone::parse(name).expect("in range"), near: None };
        let read = TimeFormat::Iso.read(&there.strftime("%Y-%m-%d %H:%M:%S").to_string(), &frame).expect("in range");
        // The hour that comes twice is read as the first of the two.
        let wanted = zone.to_ambiguous_timestamp(there.datetime()).compatible().expect("in range").as_millisecond();
        prop_assert_eq!(read.millis(), wanted);
        let carried = there.strftime("%Y-%m-%d %H:%M:%S %:Q").to_string();
        prop_assert_eq!(TimeFormat::Iso.read(&carried, &Frame::default()), Some(read));
    }

    #[test]
    fn no_text_panics(raw in times_or_noise(), near in proptest::option::of(proptest::num::i64::ANY)) {
        for zone in ["UTC", "Europe/Berlin", "-23:59"] {
            let frame = Frame { zone: Zone::parse(zone).expect("in range"), near: near.map(Timestamp::from_millis) };
            for format in TimeFormat::ALL {
                if let Some(at) = format.read(&raw, &frame) {
                    prop_assert!(in_range(at), "{} {}", format.label(), raw);
                }
            }
        }
        let _ = Zone::parse(&raw);
    }
}

/// Text in which most formats find at least their beginning.
fn times_or_noise() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        "[0-9]{1,31}(\\.[0-9]{0,12})?([eE][0-9]{1,3})?",
        "[0-9]{4}[-/]?[0-9]{1,2}[-/]?[0-9]{1,2}[T ]?[0-9]{1,2}:?[0-9]{2}(:?[0-9]{2})?([.,][0-9]{1,10})?( ?[-+A-Za-z0-9:/\\[\\]()]{0,12})",
        "((Thu|Mon),? )?[*.]?(Jan|Feb|Mar|Dec) {1,2}[0-9]{1,2} ([0-9]{4} )?[0-9]{1,2}:[0-9]{2}:[0-9]{2} ?([A-Z]{0,4} ?[0-9]{0,4})",
        "[0-9]{1,2}[-/. ]?(Jan|Feb|[0-9]{2})[-/. ]?[0-9]{2,4}[: ][0-9]{1,2}:[0-9]{2} ?(AM|PM|am)? ?[A-Z+0-9]{0,5}",
    ]
}

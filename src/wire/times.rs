//! Foreign times to milliseconds. Which format a field has is said by its profile; what the text leaves out (its zone, its
//! year) is said by the [`Frame`] it is read in. Nothing here guesses, but [`TimeFormat::Any`], which is for those who ask.
//!
//! `iso` reads dates that begin with the year and is the hot path, `number` counts of units, `pattern` everything else.
//! What a missing or unreadable time means for an alert is left to the callers.

mod calendar;
mod cursor;
mod iso;
mod number;
mod pattern;
mod zone;

use calendar::{MILLIS_END, civil_from_days};

pub use number::{epoch, epoch_millis};
pub use zone::Zone;

use crate::model::Timestamp;

/// How a field writes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// RFC 3339 and its relatives: a space for `T`, `+0000` for `+00:00`. The offset is required.
    Rfc3339,
    /// Everything that begins with the year, down to the minute; a missing offset means the frame's zone.
    Iso,
    /// A number since 1970, its unit told by its magnitude.
    Epoch,
    EpochSecs,
    EpochMillis,
    EpochMicros,
    EpochNanos,
    /// 100 ns since 1601, as Windows counts.
    FileTime,
    /// `Mar  1 12:00:00`; the year is the one nearest to the frame.
    Syslog,
    /// The three date forms of the CEF specification.
    Cef,
    /// `10/Oct/2000:13:55:36 -0700`, the common log format of web servers.
    Clf,
    /// `Thu, 20 Nov 2025 14:14:00 +0000`, as mail and HTTP headers.
    Rfc2822,
    /// Month, day, year: `11/20/2025 2:14:05 PM`.
    Us,
    /// Day, month, year: `20.11.2025 14:14:05`.
    Eu,
    /// `Thu Nov 20 14:14:00 2025`, as C prints it.
    Asctime,
    /// Day, month's name, year: `20Nov2025 14:14:00`.
    Dmy,
    /// Whichever of these it is, where the text alone can tell.
    Any,
}

/// What a text without a zone or a year is read in.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Of times that carry no offset.
    pub zone: Zone,
    /// When the record came: a missing year is the one that brings the time closest to it. Without it a time without a
    /// year is none.
    pub near: Option<Timestamp>,
}

impl TimeFormat {
    pub const ALL: [Self; 17] = [
        Self::Rfc3339,
        Self::Iso,
        Self::Epoch,
        Self::EpochSecs,
        Self::EpochMillis,
        Self::EpochMicros,
        Self::EpochNanos,
        Self::FileTime,
        Self::Syslog,
        Self::Cef,
        Self::Clf,
        Self::Rfc2822,
        Self::Us,
        Self::Eu,
        Self::Asctime,
        Self::Dmy,
        Self::Any,
    ];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::Iso => "iso",
            Self::Epoch => "epoch",
            Self::EpochSecs => "epoch_s",
            Self::EpochMillis => "epoch_ms",
            Self::EpochMicros => "epoch_us",
            Self::EpochNanos => "epoch_ns",
            Self::FileTime => "filetime",
            Self::Syslog => "syslog",
            Self::Cef => "cef",
            Self::Clf => "clf",
            Self::Rfc2822 => "rfc2822",
            Self::Us => "us",
            Self::Eu => "eu",
            Self::Asctime => "asctime",
            Self::Dmy => "dmy",
            Self::Any => "any",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.label() == label)
    }

    #[must_use]
    pub fn read(self, text: &str, frame: &Frame) -> Option<Timestamp> {
        let text = text.trim();
        match self {
            Self::Rfc3339 => iso::rfc3339(text),
            Self::Iso => iso::iso(text, frame),
            Self::Epoch => number::by_magnitude(text),
            Self::EpochSecs => number::seconds(text),
            Self::EpochMillis => number::millis(text),
            Self::EpochMicros => number::micros(text),
            Self::EpochNanos => number::nanos(text),
            Self::FileTime => number::file_time(text),
            Self::Cef => pattern::first_of(pattern::CEF, text, frame).or_else(|| number::millis(text)),
            Self::Syslog => pattern::first_of(pattern::SYSLOG, text, frame),
            Self::Clf => pattern::first_of(pattern::CLF, text, frame),
            Self::Rfc2822 => pattern::first_of(pattern::RFC2822, text, frame),
            Self::Us => pattern::first_of(pattern::US, text, frame),
            Self::Eu => pattern::first_of(pattern::EU, text, frame),
            Self::Asctime => pattern::first_of(pattern::ASCTIME, text, frame),
            Self::Dmy => pattern::first_of(pattern::DMY, text, frame),
            Self::Any => any(text, frame),
        }
    }
}

/// Of `3/4/2025` the month comes first; `13/4/2025` leaves only the other reading.
fn any(text: &str, frame: &Frame) -> Option<Timestamp> {
    const NAMED: [&[&str]; 5] = [pattern::CEF, pattern::RFC2822, pattern::DMY, pattern::ASCTIME, pattern::CLF];
    let named = || NAMED.iter().find_map(|patterns| pattern::first_of(patterns, text, frame));
    iso::rfc3339(text)
        .or_else(|| number::of_any_unit(text))
        .or_else(|| iso::iso(text, frame))
        .or_else(named)
        .or_else(|| pattern::first_of(pattern::US, text, frame))
        .or_else(|| pattern::first_of(pattern::EU, text, frame))
}

/// RFC 3339, leniently, with an offset.
#[must_use]
pub fn rfc3339(text: &str) -> Option<Timestamp> {
    iso::rfc3339(text.trim())
}

/// The same, where a missing offset means UTC.
#[must_use]
pub fn iso(text: &str) -> Option<Timestamp> {
    TimeFormat::Iso.read(text, &Frame::default())
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

#[cfg(test)]
mod tests;

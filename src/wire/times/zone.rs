//! Zones: what a time without an offset is in, and the offsets and zone words that times carry. Words that mean several
//! zones (`IST`) are none, unless the frame's own zone uses them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::calendar::{Civil, civil_from_days};
use super::cursor::Cursor;
use crate::model::Timestamp;

/// Where a clock stands. An IANA name brings that zone's summer times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Minutes east of UTC.
    Fixed(i64),
    Named(TimeZone),
}

impl From<TimeZone> for Zone {
    fn from(zone: TimeZone) -> Self {
        Self(Kind::Named(zone))
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl Zone {
    pub const UTC: Self = Self(Kind::Fixed(0));

    /// `Europe/Berlin`, `+02:00`, `UTC`, or one of the unambiguous zone words.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut cursor = Cursor(text.as_bytes());
        if let Some(minutes) = offset(&mut cursor).filter(|_| cursor.is_done()) {
            return Some(Self(Kind::Fixed(minutes)));
        }
        // As a zone of its own, `CET` is a place with summer times; in a text it is the winter hour.
        match (word_offset(text.as_bytes()), named(text).filter(|zone| !zone.is_unknown())) {
            (Some(0), _) => Some(Self::UTC),
            (_, Some(zone)) => Some(Self(Kind::Named(zone))),
            (minutes, None) => minutes.map(|minutes| Self(Kind::Fixed(minutes))),
        }
    }

    /// The instant at which a clock here shows `civil`: the first of two when it is set back, and as if it had not been
    /// set forward where it skips.
    fn instant(&self, civil: &Civil) -> Option<Timestamp> {
        match &self.0 {
            Kind::Fixed(minutes) => Some(Timestamp::from_millis(civil.millis() - minutes * 60_000)),
            Kind::Named(zone) => {
                let at = zone.to_ambiguous_timestamp(date_time(civil.millis())?).compatible().ok()?;
                Some(Timestamp::from_millis(at.as_millisecond()))
            }
        }
    }

    /// Whether the clocks here go by that word at that instant.
    fn goes_by(&self, word: &[u8], at: Timestamp) -> bool {
        let Kind::Named(zone) = &self.0 else { return false };
        let Ok(at) = jiff::Timestamp::from_millisecond(at.millis()) else { return false };
        zone.to_offset_info(at).abbreviation().as_bytes().eq_ignore_ascii_case(word)
    }
}

/// What a time says about where it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Nothing.
    Local,
    /// Minutes east of UTC.
    Offset(i64),
    /// A word that only the frame, or the list of all zones, can explain.
    Word(&'a [u8]),
}

impl<'a> Place<'a> {
    /// Reads what stands behind a time, to the end of the text or to the next space.
    pub fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        // ` (GMT+5:00)`
        let bracketed = cursor.one_of(b"(").is_some();
        let place = if matches!(cursor.0.first(), Some(b'+' | b'-')) {
            Self::Offset(offset(cursor)?)
        } else {
            Self::named(cursor)?
        };
        if bracketed {
            cursor.one_of(b")")?;
        } else {
            remark(cursor)?;
        }
        Some(place)
    }

    /// A zone's name, or `GMT+02:00`.
    fn named(cursor: &mut Cursor<'a>) -> Option<Self> {
        let mut ahead = *cursor;
        let word = ahead.letters();
        let known = word_offset(word);
        match ahead.0.first() {
            Some(b'+' | b'-') if known == Some(0) => {
                let mut short = ahead;
                *cursor = ahead;
                let minutes = offset(cursor).or_else(|| {
                    let minutes = short_offset(&mut short)?;
                    *cursor = short;
                    Some(minutes)
                })?;
                Some(Self::Offset(minutes))
            }
            Some(b'/' | b'_') => {
                Some(Self::Word(cursor.run(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte))))
            }
            _ => {
                *cursor = ahead;
                known.map(Self::Offset).or_else(|| (word.len() >= 2).then_some(Self::Word(word)))
            }
        }
    }

    pub fn instant(&self, civil: &Civil, frame: &Zone) -> Option<Timestamp> {
        match *self {
            Self::Local => frame.instant(civil),
            Self::Offset(minutes) => Some(Timestamp::from_millis(civil.millis() - minutes * 60_000)),
            Self::Word(word) if word.contains(&b'/') => {
                Zone(Kind::Named(named(std::str::from_utf8(word).ok()?)?)).instant(civil)
            }
            Self::Word(word) => frame.instant(civil).filter(|at| frame.goes_by(word, *at)),
        }
    }
}

/// By its IANA name; what is longer or stranger than any of them is not looked up.
fn named(text: &str) -> Option<TimeZone> {
    const NAME_BYTES_MAX: usize = 40;
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
    if !plain || text.len() > NAME_BYTES_MAX { None } else { TimeZone::get(text).ok() }
}

/// `+hh`, `+hhmm`, `+hh:mm`, in minutes; seconds of an offset are those of clocks before 1970.
pub fn offset(cursor: &mut Cursor<'_>) -> Option<i64> {
    let sign = if cursor.one_of(b"+-")? == b'+' { 1 } else { -1 };
    let hours = cursor.digits(2).filter(|hours| *hours <= 23)?;
    let colon = cursor.one_of(b":").is_some();
    let more = colon || cursor.0.first().is_some_and(u8::is_ascii_digit);
    let minutes = if more { cursor.digits(2).filter(|minutes| *minutes <= 59)? } else { 0 };
    Some(sign * (hours * 60 + minutes))
}

/// `+h`, `+h:mm`, as it stands behind `GMT`.
fn short_offset(cursor: &mut Cursor<'_>) -> Option<i64> {
    let sign = if cursor.one_of(b"+-")? == b'+' { 1 } else { -1 };
    let hours = cursor.digits(1)?;
    let minutes = if cursor.one_of(b":").is_some() { cursor.digits(2).filter(|minutes| *minutes <= 59)? } else { 0 };
    Some(sign * (hours * 60 + minutes))
}

/// The zone's name once more, as mail headers and Java write it: `(CET)`, `[Europe/Berlin]`.
fn remark(cursor: &mut Cursor<'_>) -> Option<()> {
    let mut ahead = *cursor;
    ahead.spaces();
    let close = match ahead.one_of(b"([") {
        Some(b'(') => b')',
        Some(_) => b']',
        None => return Some(()),
    };
    ahead.run(|byte| byte != close);
    ahead.one_of(&[close])?;
    *cursor = ahead;
    Some(())
}

fn date_time(millis: i64) -> Option<DateTime> {
    let (year, month, day) = civil_from_days(millis.div_euclid(86_400_000));
    let of_day = millis.rem_euclid(86_400_000);
    let (hours, minutes) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (seconds, nanos) = (of_day / 1_000 % 60, of_day % 1_000 * 1_000_000);
    let [month, day, hours, minutes, seconds] =
        [month, day, hours, minutes, seconds].map(|part| i8::try_from(part).ok());
    let (year, nanos) = (i16::try_from(year).ok()?, i32::try_from(nanos).ok()?);
    DateTime::new(year, month?, day?, hours?, minutes?, seconds?, nanos).ok()
}

/// Minutes east of UTC of the words that mean one zone, by RFC 2822 or by the habit of the products that write them.
fn word_offset(word: &[u8]) -> Option<i64> {
    let known = WORDS.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(word));
    known.map(|(_, minutes)| *minutes)
}

const WORDS: [(&str, i64); 36] = [
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("UT", 0),
    ("EST", -5 * 60),
    ("EDT", -4 * 60),
    ("CST", -6 * 60),
    ("CDT", -5 * 60),
    ("MST", -7 * 60),
    ("MDT", -6 * 60),
    ("PST", -8 * 60),
    ("PDT", -7 * 60),
    ("AKST", -9 * 60),
    ("AKDT", -8 * 60),
    ("HST", -10 * 60),
    ("WEST", 60),
    ("CET", 60),
    ("CEST", 2 * 60),
    ("MEZ", 60),
    ("MESZ", 2 * 60),
    ("BST", 60),
    ("EET", 2 * 60),
    ("EEST", 3 * 60),
    ("MSK", 3 * 60),
    ("SAST", 2 * 60),
    ("HKT", 8 * 60),
    ("SGT", 8 * 60),
    ("JST", 9 * 60),
    ("KST", 9 * 60),
    ("AWST", 8 * 60),
    ("ACST", 9 * 60 + 30),
    ("ACDT", 10 * 60 + 30),
    ("AEST", 10 * 60),
    ("AEDT", 11 * 60),
    ("NZST", 12 * 60),
    ("NZDT", 13 * 60),
];

//! Times that begin with the year: RFC 3339, ISO 8601 in its extended and basic forms, and .NET's `/Date(…)/`. A time
//! with an offset in the usual form is read in one pass; the other spellings are tried only where that fails.

use super::Frame;
use super::calendar::Civil;
use super::cursor::Cursor;
use super::zone::{Place, offset};
use super::{in_range, number};
use crate::model::Timestamp;

/// The offset is required. The hot path: all of it is arithmetic on the bytes.
pub fn rfc3339(text: &str) -> Option<Timestamp> {
    let mut cursor = Cursor(text.as_bytes());
    let (year, month, day) = date(&mut cursor, |cursor| cursor.digits(2))?;
    cursor.one_of(b"Tt ")?;
    let millis_of_day = cursor.clock()?;
    let _ = cursor.one_of(b" ");
    let minutes = if cursor.one_of(b"Zz").is_some() { 0 } else { offset(&mut cursor)? };
    let civil = Civil { year, month, day, millis_of_day };
    if !cursor.is_done() || !civil.is_date() {
        return None;
    }
    Some(Timestamp::from_millis(civil.millis() - minutes * 60_000)).filter(|at| in_range(*at))
}

pub fn iso(text: &str, frame: &Frame) -> Option<Timestamp> {
    rfc3339(text)
        .or_else(|| extended(text, frame))
        .or_else(|| basic(text, frame))
        .or_else(|| dot_net(text))
        .or_else(|| rfc3339(without_word(text)?))
}

fn extended(text: &str, frame: &Frame) -> Option<Timestamp> {
    let mut cursor = Cursor(text.as_bytes());
    let (year, month, day) = date(&mut cursor, |cursor| cursor.digits_up_to(2))?;
    let _ = cursor.one_of(b",");
    // `2026:08:01-12:00:00` is Sophos's, `2026/08/01-12:00:00` Brocade's.
    if cursor.one_of(b"Tt-").is_none() && cursor.spaces() == 0 {
        return None;
    }
    let millis_of_day = cursor.loose_clock()?;
    finish(Civil { year, month, day, millis_of_day }, cursor, frame)
}

/// Go writes the zone's word behind its offset: `2026-08-01 12:00:00.5 +0200 CEST`.
fn without_word(text: &str) -> Option<&str> {
    let (time, word) = text.rsplit_once(' ')?;
    let word = word.trim_start_matches('(').trim_end_matches(')');
    ((1..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(time)
}

/// `20260801T120000Z`, with or without colons; without a `T` it is the generalized time of directories.
fn basic(text: &str, frame: &Frame) -> Option<Timestamp> {
    let mut cursor = Cursor(text.as_bytes());
    let [year, month, day] = [cursor.digits(4)?, cursor.digits(2)?, cursor.digits(2)?];
    let _ = cursor.one_of(b"Tt ");
    let bytes = cursor.0;
    let millis_of_day = cursor.basic_clock().or_else(|| {
        cursor.0 = bytes;
        cursor.clock()
    })?;
    finish(Civil { year, month, day, millis_of_day }, cursor, frame)
}

/// `/Date(1600000000000)/`: always UTC, an offset in it is only how .NET would have shown it.
fn dot_net(text: &str) -> Option<Timestamp> {
    let inside = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let (digits, shown) =
        inside.split_at(inside.bytes().position(|byte| matches!(byte, b'+' | b'-')).unwrap_or(inside.len()));
    let mut cursor = Cursor(shown.as_bytes());
    let sound = shown.is_empty() || (offset(&mut cursor).is_some() && cursor.is_done());
    if sound { number::millis(digits) } else { None }
}

fn date<'a>(cursor: &mut Cursor<'a>, part: impl Fn(&mut Cursor<'a>) -> Option<i64>) -> Option<(i64, i64, i64)> {
    let year = cursor.digits(4)?;
    cursor.one_of(b"-/:.")?;
    let month = part(cursor)?;
    cursor.one_of(b"-/:.")?;
    Some((year, month, part(cursor)?))
}

fn finish(civil: Civil, mut cursor: Cursor<'_>, frame: &Frame) -> Option<Timestamp> {
    cursor.spaces();
    let place = if cursor.is_done() { Place::Local } else { Place::read(&mut cursor)? };
    if cursor.is_done() { civil.instant(&place, frame) } else { None }
}

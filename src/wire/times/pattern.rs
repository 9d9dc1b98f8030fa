//! Times that are written as people read them, each format as a list of patterns that are tried in turn. A pattern is
//! read letter by letter:
//!
//! | | |
//! |---|---|
//! | `w` | a weekday's name and what sets it off; it may be missing, and is not held against the date |
//! | `M` `m` | the month's name; its number |
//! | `d` | the day, of one or two digits |
//! | `Y` `y` | the year of four digits; of four or two |
//! | `t` | the time of day, with or without seconds, fraction and `AM` |
//! | `z` `Z` | a zone; a zone and the space before it, either of which may be missing |
//! | space | one or more spaces, with or without a comma before them |
//!
//! Any other character stands for itself.

use super::Frame;
use super::calendar::Civil;
use super::cursor::Cursor;
use super::zone::Place;
use crate::model::Timestamp;

pub const SYSLOG: &[&str] = &["M d tZ", "*M d tZ", ".M d tZ", "M d Y tZ", "*M d Y tZ", ".M d Y tZ", "Y M d tZ"];
pub const CEF: &[&str] = &["M d Y tZ", "M d tZ", "Y M d tZ"];
pub const CLF: &[&str] = &["d/M/Y:tZ", "[d/M/Y:tZ]"];
pub const RFC2822: &[&str] = &["wd M y tZ", "wd-M-y tZ"];
pub const US: &[&str] = &["m/d/y tZ", "m-d-y tZ", "m/d/Y:tZ", "m/d/y-tZ", "m/d-tZ"];
pub const EU: &[&str] = &["d.m.y tZ", "d/m/y tZ", "d-m-y tZ", "d/m/Y:tZ", "d/m/y-tZ"];
pub const ASCTIME: &[&str] = &["wM d t Y", "wM d t z Y", "wM d Y tZ"];
pub const DMY: &[&str] = &["d M y tZ", "dMY tZ", "d-M-y tZ", "d/M/y tZ"];

pub fn first_of(patterns: &[&str], text: &str, frame: &Frame) -> Option<Timestamp> {
    patterns.iter().find_map(|pattern| read(pattern, text, frame))
}

fn read(pattern: &str, text: &str, frame: &Frame) -> Option<Timestamp> {
    let mut cursor = Cursor(text.as_bytes());
    let mut parts = Parts { year: None, month: 0, day: 0, millis_of_day: 0, place: Place::Local };
    for letter in pattern.bytes() {
        parts.step(letter, &mut cursor)?;
    }
    if cursor.is_done() { parts.instant(frame) } else { None }
}

struct Parts<'a> {
    year: Option<i64>,
    month: i64,
    day: i64,
    millis_of_day: i64,
    place: Place<'a>,
}

impl<'a> Parts<'a> {
    fn step(&mut self, letter: u8, cursor: &mut Cursor<'a>) -> Option<()> {
        match letter {
            b'w' => weekday(cursor)?,
            b'M' => self.month = named(&MONTHS, cursor.letters())?,
            b'm' => self.month = cursor.digits_up_to(2)?,
            b'd' => self.day = cursor.digits_up_to(2)?,
            b'Y' => self.year = Some(cursor.digits(4)?),
            b'y' => self.year = Some(year(cursor)?),
            b't' => self.millis_of_day = cursor.loose_clock()?,
            b'z' => self.place = Place::read(cursor)?,
            b'Z' => self.place = place(cursor)?,
            b' ' => space(cursor)?,
            literal => drop(cursor.one_of(&[literal])?),
        }
        Some(())
    }

    fn instant(&self, frame: &Frame) -> Option<Timestamp> {
        let Self { year, month, day, millis_of_day, place } = *self;
        let civil = |year| Civil { year, month, day, millis_of_day };
        match year {
            Some(year) => civil(year).instant(&place, frame),
            None => civil(0).nearest(&place, frame),
        }
    }
}

fn weekday(cursor: &mut Cursor<'_>) -> Option<()> {
    const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let mut ahead = *cursor;
    // In `wM` a missing weekday leaves a month, and in `wd` a digit.
    if named(&DAYS, ahead.letters()).is_some() {
        space(&mut ahead)?;
        *cursor = ahead;
    }
    Some(())
}

fn space(cursor: &mut Cursor<'_>) -> Option<()> {
    let _ = cursor.one_of(b",");
    (cursor.spaces() > 0).then_some(())
}

/// Two digits mean 1970 to 2069, as POSIX has it.
fn year(cursor: &mut Cursor<'_>) -> Option<i64> {
    let mut short = *cursor;
    if let Some(year) = cursor.digits(4) {
        return Some(year);
    }
    let year = short.digits(2)?;
    *cursor = short;
    Some(if year >= 70 { 1900 + year } else { 2000 + year })
}

fn place<'a>(cursor: &mut Cursor<'a>) -> Option<Place<'a>> {
    let mut ahead = *cursor;
    ahead.spaces();
    match ahead.0.first() {
        None => *cursor = ahead,
        Some(byte) if byte.is_ascii_alphabetic() || matches!(byte, b'+' | b'-' | b'(') => {
            let place = Place::read(&mut ahead)?;
            *cursor = ahead;
            return Some(place);
        }
        Some(_) => {}
    }
    Some(Place::Local)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The number, from 1, of a name that is written in full, by its first three letters, or as `Sept`.
fn named(names: &[&str], word: &[u8]) -> Option<i64> {
    let short =
        |name: &str| (3..=name.len()).contains(&word.len()) && name.as_bytes()[..word.len()].eq_ignore_ascii_case(word);
    let whole = |name: &str| matches!(word.len(), 3 | 4) || word.len() == name.len();
    let at = names.iter().position(|name| short(name) && whole(name))?;
    i64::try_from(at + 1).ok()
}

//! How far a written time reaches at the start of a text. What time it is is left to the profiles.

/// A time at the start of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub bytes: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `2024-06-15T10:11:12.345Z`
    Iso,
    /// `2024-06-15 10:11:12`, `2024/06/15 10:11:12`
    Spaced,
    /// `Jun 15 10:11:12`, with or without a year
    Syslog,
    /// `Sat Jun 15 10:11:12 2024`, `15-Jun-2024 10:11:12`: seldom a header's
    Other,
}

const MONTHS: [&[u8]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
const WEEKDAYS: [&[u8]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
/// Names of zones as devices write them. A closed list: after the time of a header stands the host, and `ASA` is one.
const ZONES: [&str; 36] = [
    "UTC", "GMT", "Z", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "CET", "CEST", "EET", "EEST", "WET",
    "WEST", "BST", "IST", "MSK", "JST", "KST", "HKT", "SGT", "AST", "ADT", "AEST", "AEDT", "ACST", "ACDT", "AWST",
    "NZST", "NZDT", "GST", "PKT", "BRT",
];
/// No time is longer.
const STAMP_BYTES_MAX: usize = 48;
const EPOCH_DIGITS: std::ops::RangeInclusive<usize> = 10..=13;

/// The time at the start of `text`, if a blank, a colon or the end follows it.
pub(super) fn at_start(text: &str) -> Option<Stamp> {
    let digit = text.starts_with(|c: char| c.is_ascii_digit());
    let forms: &[Form] = if digit { &[iso, syslog, day_first, slashed] } else { &[syslog] };
    first_of(forms, text)
}

fn first_of(forms: &[Form], text: &str) -> Option<Stamp> {
    forms.iter().find_map(|form| {
        let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
        let kind = form(&mut cursor)?;
        cursor.ends().then_some(Stamp { bytes: cursor.at, kind })
    })
}

/// The time that a line begins with where no header follows it, as logs have it: `[Sat Jun 15 10:11:12 2024] `,
/// `15-Jun-2024 10:11:12.123 `, `2024-06-15T10:11:12Z,`.
pub(super) fn before_message(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[').unwrap_or(text);
    let window = &inner[..inner.floor_char_boundary(STAMP_BYTES_MAX)];
    let window = window.split([']', ',', '|', ';']).next().unwrap_or(window);
    // A comma may stand before the milliseconds.
    let whole = inner.get(..window.len() + 4).filter(|text| text.as_bytes()[window.len()] == b',');
    if let Some(bytes) = epoch_at_start(text).filter(|bytes| text[..*bytes].contains('.')) {
        return Some(&text[..bytes]);
    }
    [whole, Some(window)].into_iter().flatten().find_map(|text| {
        let stamp = at_start(text).or_else(|| first_of(&[dash_joined], text))?;
        Some(&text[..stamp.bytes])
    })
}

type Form = fn(&mut Cursor<'_>) -> Option<Kind>;

/// Seconds or milliseconds since 1970, as a header with a version may have them.
pub(super) fn epoch_at_start(text: &str) -> Option<usize> {
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
    cursor.digits(*EPOCH_DIGITS.start(), *EPOCH_DIGITS.end())?;
    if cursor.one_of(b".").is_some() {
        cursor.digits(1, 9)?;
    }
    (cursor.peek() == Some(b' ')).then_some(cursor.at)
}

fn iso(c: &mut Cursor<'_>) -> Option<Kind> {
    c.digits(4, 4)?;
    let dash = c.one_of(b"-/:")?;
    c.digits(2, 2)?;
    c.one_of(&[dash])?;
    c.digits(2, 2)?;
    // Sophos writes `2024:06:15-10:11:12`.
    let between = c.one_of(if dash == b':' { b"-" } else { b"Tt " })?;
    c.clock()?;
    c.zone();
    Some(if between == b' ' { Kind::Spaced } else { Kind::Iso })
}

fn syslog(c: &mut Cursor<'_>) -> Option<Kind> {
    // Cisco marks an unset or unsynchronised clock.
    c.one_of(b"*.");
    let weekday = c.word_of(&WEEKDAYS).is_some();
    if weekday {
        c.one_of(b",");
        c.blanks()?;
    }
    if c.digits(4, 4).is_some() {
        c.blanks()?;
    }
    c.word_of(&MONTHS)?;
    c.blanks()?;
    c.digits(1, 2)?;
    c.one_of(b",");
    c.blanks()?;
    c.optionally(|c| c.digits(4, 4).and_then(|()| c.blanks()));
    c.clock()?;
    c.optionally(|c| c.blanks().and_then(|()| c.digits(4, 4)).and_then(|()| c.ends().then_some(())));
    c.zone();
    c.optionally(|c| c.blanks().and_then(|()| c.digits(4, 4)).and_then(|()| c.ends().then_some(())));
    Some(if weekday { Kind::Other } else { Kind::Syslog })
}

fn day_first(c: &mut Cursor<'_>) -> Option<Kind> {
    c.digits(1, 2)?;
    let dash = c.one_of(b" -/")?;
    c.word_of(&MONTHS)?;
    c.one_of(&[dash])?;
    c.digits(4, 4)?;
    c.one_of(b" :")?;
    c.clock()?;
    c.zone();
    Some(Kind::Other)
}

fn slashed(c: &mut Cursor<'_>) -> Option<Kind> {
    c.digits(1, 2)?;
    c.one_of(b"/")?;
    c.digits(1, 2)?;
    c.one_of(b"/")?;
    c.digits(4, 4)?;
    // NetScaler puts a colon between the two.
    c.one_of(b" :")?;
    c.clock()?;
    c.optionally(|c| c.blanks().and_then(|()| c.word_of(&[b"am", b"pm"])));
    c.zone();
    Some(Kind::Other)
}

/// `06/15-10:11:12.123456`, `06/15/2024-10:11:12`, `2024/06/15-10:11:12`: of Snort and Suricata, and of Brocade.
fn dash_joined(c: &mut Cursor<'_>) -> Option<Kind> {
    let year_first = c.optionally(|c| c.digits(4, 4).and_then(|()| c.one_of(b"/")).map(|_| ()));
    c.digits(1, 2)?;
    c.one_of(b"/")?;
    c.digits(1, 2)?;
    let _ = !year_first && c.optionally(|c| c.one_of(b"/").and_then(|_| c.digits(4, 4)));
    c.one_of(b"-")?;
    c.clock()?;
    c.zone();
    Some(Kind::Other)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn ends(&self) -> bool {
        self.peek().is_none_or(|byte| byte.is_ascii_whitespace() || byte == b':')
    }

    fn one_of(&mut self, set: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| set.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    fn blanks(&mut self) -> Option<()> {
        self.one_of(b" ")?;
        while self.one_of(b" ").is_some() {}
        Some(())
    }

    /// Takes between `min` and `max` digits that no further digit follows.
    fn digits(&mut self, min: usize, max: usize) -> Option<()> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.iter().take(max + 1).take_while(|byte| byte.is_ascii_digit()).count();
        if !(min..=max).contains(&count) {
            return None;
        }
        self.at += count;
        Some(())
    }

    fn word_of(&mut self, words: &[&[u8]]) -> Option<()> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let found =
            words.iter().find(|word| rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)))?;
        if rest.get(found.len()).is_some_and(u8::is_ascii_alphabetic) {
            return None;
        }
        self.at += found.len();
        Some(())
    }

    fn clock(&mut self) -> Option<()> {
        self.digits(1, 2)?;
        self.one_of(b":")?;
        self.digits(2, 2)?;
        self.optionally(|c| c.one_of(b":").and_then(|_| c.digits(2, 2)));
        // H3C puts a colon before its milliseconds.
        let _ = self.optionally(|c| c.one_of(b".,").and_then(|_| c.digits(1, 9)))
            || self.optionally(|c| c.one_of(b":").and_then(|_| c.digits(3, 3)).filter(|()| c.peek() == Some(b' ')));
        Some(())
    }

    /// `Z`, `+02:00`, ` +0200` or ` CEST`, where there is one.
    fn zone(&mut self) {
        let plain = self.optionally(|c| c.one_of(b"Zz").filter(|_| c.ends()).map(|_| ()));
        let _ = plain || self.optionally(Self::offset) || self.optionally(Self::named_zone);
    }

    fn offset(&mut self) -> Option<()> {
        self.one_of(b" ");
        self.one_of(b"+-")?;
        if self.digits(4, 4).is_none() {
            self.digits(2, 2)?;
            self.optionally(|c| c.one_of(b":").and_then(|_| c.digits(2, 2)));
        }
        self.ends().then_some(())
    }

    fn named_zone(&mut self) -> Option<()> {
        self.blanks()?;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
        let word = &rest[..length];
        // Before `: %` there is no host but the zone of a Cisco device, whatever its operator called it.
        let before_mnemonic = (3..=5).contains(&length) && rest[length..].starts_with(b": %");
        if !before_mnemonic && !ZONES.iter().any(|zone| zone.as_bytes() == word) {
            return None;
        }
        self.at += length;
        self.ends().then_some(())
    }

    /// Runs `part`; where it does not fit, nothing has been taken.
    fn optionally(&mut self, part: impl FnOnce(&mut Self) -> Option<()>) -> bool {
        let from = self.at;
        let fits = part(self).is_some();
        if !fits {
            self.at = from;
        }
        fits
    }
}

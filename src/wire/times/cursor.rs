//! A place in a text that is read from the left. What the parts mean together is left to the formats.

#[derive(Clone, Copy)]
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    pub fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    pub fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (&byte, rest) = self.0.split_first().filter(|(byte, _)| allowed.contains(byte))?;
        self.0 = rest;
        Some(byte)
    }

    /// The longest run of bytes that `keep` takes; may be empty.
    pub fn run(&mut self, keep: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|&byte| !keep(byte)).unwrap_or(self.0.len());
        let (run, rest) = self.0.split_at(end);
        self.0 = rest;
        run
    }

    pub fn spaces(&mut self) -> usize {
        self.run(|byte| byte == b' ').len()
    }

    pub fn letters(&mut self) -> &'a [u8] {
        self.run(|byte| byte.is_ascii_alphabetic())
    }

    fn digit(&mut self) -> Option<i64> {
        let (&byte, rest) = self.0.split_first().filter(|(byte, _)| byte.is_ascii_digit())?;
        self.0 = rest;
        Some(i64::from(byte - b'0'))
    }

    pub fn digits(&mut self, count: usize) -> Option<i64> {
        (0..count).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// At least one digit, at most `max`.
    pub fn digits_up_to(&mut self, max: usize) -> Option<i64> {
        let first = self.digit()?;
        Some((1..max).map_while(|_| self.digit()).fold(first, |number, digit| number * 10 + digit))
    }

    /// Milliseconds of a fraction of any length, cut and not rounded: rounding could move an alert into another window.
    pub fn fraction(&mut self) -> Option<i64> {
        let mut millis = self.digit()? * 100;
        for scale in [10, 1] {
            millis += self.digit().unwrap_or(0) * scale;
        }
        while self.digit().is_some() {}
        Some(millis)
    }

    /// Milliseconds of `:SS` and a fraction, or nothing of either.
    fn seconds(&mut self) -> Option<i64> {
        // A leap second is the first instant of the next minute: clocks that know it are rare, and none may fail on it.
        let seconds = self.digits(2).filter(|seconds| *seconds <= 60)?;
        let millis = if self.one_of(b".,").is_some() || self.colon_before_millis() { self.fraction()? } else { 0 };
        Some(seconds * 1_000 + millis)
    }

    /// Takes the colon that H3C puts there.
    fn colon_before_millis(&mut self) -> bool {
        let millis = self.0.first() == Some(&b':')
            && self.0.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count() == 3;
        millis && self.one_of(b":").is_some()
    }

    /// `HH:MM:SS` and a fraction, all of it.
    pub fn clock(&mut self) -> Option<i64> {
        let hours = self.digits(2).filter(|hours| *hours <= 23)?;
        self.one_of(b":")?;
        let minutes = self.digits(2).filter(|minutes| *minutes <= 59)?;
        self.one_of(b":")?;
        Some(hours * 3_600_000 + minutes * 60_000 + self.seconds()?)
    }

    /// The same as people write it: one digit of hour, no seconds, `AM` and `PM`.
    pub fn loose_clock(&mut self) -> Option<i64> {
        let hours = self.digits_up_to(2)?;
        self.one_of(b":")?;
        let minutes = self.digits(2).filter(|minutes| *minutes <= 59)?;
        let seconds = if self.one_of(b":").is_some() { self.seconds()? } else { 0 };
        let hours = self.half_day(hours)?;
        Some(hours * 3_600_000 + minutes * 60_000 + seconds)
    }

    /// `HHMM[SS]` and a fraction.
    pub fn basic_clock(&mut self) -> Option<i64> {
        let hours = self.digits(2).filter(|hours| *hours <= 23)?;
        let minutes = self.digits(2).filter(|minutes| *minutes <= 59)?;
        let seconds = if self.0.first().is_some_and(u8::is_ascii_digit) { self.seconds()? } else { 0 };
        Some(hours * 3_600_000 + minutes * 60_000 + seconds)
    }

    fn half_day(&mut self, hours: i64) -> Option<i64> {
        let mut ahead = *self;
        ahead.spaces();
        let later = match ahead.letters() {
            word if word.eq_ignore_ascii_case(b"am") => 0,
            word if word.eq_ignore_ascii_case(b"pm") => 12,
            _ => return (hours <= 23).then_some(hours),
        };
        *self = ahead;
        (1..=12).contains(&hours).then(|| hours % 12 + later)
    }
}

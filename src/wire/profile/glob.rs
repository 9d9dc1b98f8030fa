//! Words that a profile compares values with: whole, in any case, `*` at either end for "anything".

use crate::wire::canonical::text::trimmed;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    /// In lower case.
    word: Box<str>,
    open_start: bool,
    open_end: bool,
}

impl Glob {
    pub fn new(raw: &str) -> Self {
        let (open_start, rest) = raw.strip_prefix('*').map_or((false, raw), |rest| (true, rest));
        let (open_end, rest) = rest.strip_suffix('*').map_or((false, rest), |rest| (true, rest));
        // A lone `*` has one end only, and takes anything.
        Self { word: rest.to_lowercase().into(), open_start, open_end: open_end || (open_start && rest.is_empty()) }
    }

    pub fn fits(&self, value: &str) -> bool {
        let (word, value) = (self.word.as_bytes(), trimmed(value).as_bytes());
        if value.len() < word.len() {
            return false;
        }
        match (self.open_start, self.open_end) {
            (false, false) => value.eq_ignore_ascii_case(word),
            (false, true) => value[..word.len()].eq_ignore_ascii_case(word),
            (true, false) => value[value.len() - word.len()..].eq_ignore_ascii_case(word),
            (true, true) => {
                word.is_empty() || value.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn words_are_open_where_they_say_so() {
        for (word, value, fits) in [
            ("alert", "Alert ", true),
            ("alert", "alerts", false),
            ("alert*", "Alerts", true),
            ("*alert", "an ALERT", true),
            ("*alert", "alerts", false),
            ("*lert*", "alerts", true),
            ("*", "", true),
            ("*", "x", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Glob::new(word).fits(value), fits, "{word} {value}");
        }
    }
}

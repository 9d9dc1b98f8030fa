//! Which alerts a noise rule speaks of: a conjunction of terms, each a field, an operator and values. Parsed once; the
//! text that `Display` writes is canonical and reads back as the same matcher. The grammar is in docs/noise.md.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::{KeyKind, Severity};

/// Terms of one matcher.
pub const TERMS_MAX: usize = 16;
/// Values over all its terms.
pub const VALUES_MAX: usize = 64;
pub const TEXT_BYTES_MAX: usize = 4_096;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub field: Field,
    pub op: Op,
    /// At least one; exactly one unless `op` is `Is`.
    pub values: Vec<Pattern>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The rule's uid or name.
    Rule,
    Product,
    Title,
    Severity,
    /// Addresses of any kind.
    Ip,
    Key(KeyKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Any of the alert's values of the field is any of these.
    Is,
    /// None of them is; so it is true of an alert without the field.
    IsNot,
    /// Of severity alone.
    AtLeast,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Letter case does not count, here and in a prefix.
    Text(Arc<str>),
    Prefix(Arc<str>),
    Net(Net),
    Severity(Severity),
}

/// A network: its first address, and how many bits are its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    address: IpAddr,
    bits: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    #[error("at most {TEXT_BYTES_MAX} bytes, {TERMS_MAX} terms and {VALUES_MAX} values")]
    TooLarge,
    #[error("{0} is expected at byte {1}")]
    Expected(&'static str, usize),
    #[error("there is no field `{0}`")]
    NoSuchField(String),
    #[error("`{0}` is not a severity")]
    NoSuchSeverity(String),
    #[error("`{0}` is not a network")]
    NotANetwork(String),
    #[error("`>=` compares severities alone")]
    NotComparable,
    #[error("a prefix needs at least one letter before its `*`")]
    EmptyPrefix,
}

impl Matcher {
    pub fn parse(text: &str) -> Result<Self, MatcherError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(MatcherError::TooLarge);
        }
        let mut reader = Reader { text, at: 0 };
        let mut terms = vec![reader.term()?];
        while !reader.is_done() {
            if !reader.word().eq_ignore_ascii_case("and") {
                return Err(reader.expected("`and`"));
            }
            terms.push(reader.term()?);
        }
        let values: usize = terms.iter().map(|term| term.values.len()).sum();
        if terms.len() > TERMS_MAX || values > VALUES_MAX {
            return Err(MatcherError::TooLarge);
        }
        let matcher = Self { terms };
        // The canonical text, which rows hold, has to be one that can be read: quotes and backslashes make it longer.
        if matcher.to_string().len() > TEXT_BYTES_MAX { Err(MatcherError::TooLarge) } else { Ok(matcher) }
    }

    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    #[must_use]
    pub fn speaks_of_severity(&self) -> bool {
        self.terms.iter().any(|term| term.field == Field::Severity)
    }

    /// Whether it says what the alert is, and not only what it is not or how severe.
    #[must_use]
    pub fn names_something(&self) -> bool {
        self.terms.iter().any(|term| term.op == Op::Is && term.field != Field::Severity)
    }

    /// Whether it names values that alerts could be correlated by.
    #[must_use]
    pub fn names_keys(&self) -> bool {
        self.terms.iter().any(|term| term.op == Op::Is && matches!(term.field, Field::Key(_) | Field::Ip))
    }
}

impl Field {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Product => "product",
            Self::Title => "title",
            Self::Severity => "severity",
            Self::Ip => "ip",
            Self::Key(kind) => kind.label(),
        }
    }

    fn from_label(label: &str) -> Option<Self> {
        let own = [Self::Rule, Self::Product, Self::Title, Self::Severity, Self::Ip];
        own.into_iter().find(|field| field.label() == label).or_else(|| match KeyKind::from_label(label)? {
            // What the engine makes up for itself is nothing that a person sees.
            KeyKind::Realm | KeyKind::Spread => None,
            kind => Some(Self::Key(kind)),
        })
    }

    const fn is_address(self) -> bool {
        matches!(self, Self::Ip | Self::Key(KeyKind::PrivateIp | KeyKind::PublicIp))
    }
}

impl Pattern {
    /// Whether a value of the alert is one of those meant.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        match self {
            Self::Text(text) => text.eq_ignore_ascii_case(value),
            Self::Prefix(prefix) => {
                value.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
            }
            Self::Net(net) => value.parse().is_ok_and(|address| net.has(address)),
            Self::Severity(severity) => severity.label() == value,
        }
    }
}

impl Net {
    /// Whatever its text says behind the network's name is cleared.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (address, bits) = (address.parse().ok()?, bits.parse().ok()?);
        let address = masked(address, bits)?;
        Some(Self { address, bits })
    }

    fn has(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.bits) == Some(self.address)
    }
}

fn masked(address: IpAddr, bits: u8) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => {
            let rest = 32_u32.checked_sub(bits.into())?;
            Some(IpAddr::V4((address.to_bits() & u32::MAX.checked_shl(rest).unwrap_or(0)).into()))
        }
        IpAddr::V6(address) => {
            let rest = 128_u32.checked_sub(bits.into())?;
            Some(IpAddr::V6((address.to_bits() & u128::MAX.checked_shl(rest).unwrap_or(0)).into()))
        }
    }
}

/// One pass over the text.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn term(&mut self) -> Result<Term, MatcherError> {
        let name = self.word();
        if name.is_empty() {
            return Err(self.expected("a field"));
        }
        let lower = name.to_ascii_lowercase();
        let field = Field::from_label(&lower).ok_or_else(|| MatcherError::NoSuchField(shortened(name)))?;
        let (op, several) = self.op()?;
        if op == Op::AtLeast && field != Field::Severity {
            return Err(MatcherError::NotComparable);
        }
        let values = if several { self.values(field)? } else { vec![self.value(field)?] };
        Ok(Term { field, op, values })
    }

    fn op(&mut self) -> Result<(Op, bool), MatcherError> {
        for (sign, op) in [("=", Op::Is), ("!=", Op::IsNot), (">=", Op::AtLeast)] {
            if self.take(sign) {
                return Ok((op, false));
            }
        }
        if self.word().eq_ignore_ascii_case("in") {
            Ok((Op::Is, true))
        } else {
            Err(self.expected("`=`, `!=`, `in` or `>=`"))
        }
    }

    fn values(&mut self, field: Field) -> Result<Vec<Pattern>, MatcherError> {
        if !self.take("(") {
            return Err(self.expected("`(`"));
        }
        let mut values = vec![self.value(field)?];
        while self.take(",") {
            values.push(self.value(field)?);
        }
        if self.take(")") { Ok(values) } else { Err(self.expected("`,` or `)`")) }
    }

    fn value(&mut self, field: Field) -> Result<Pattern, MatcherError> {
        let (text, prefix) = if self.take("\"") {
            self.quoted()?
        } else {
            let word = self.word();
            word.strip_suffix('*').map_or_else(|| (word.to_owned(), false), |start| (start.to_owned(), true))
        };
        if text.is_empty() {
            return Err(if prefix { MatcherError::EmptyPrefix } else { self.expected("a value") });
        }
        pattern(field, text, prefix)
    }

    /// Up to the closing quote; a star before it that no backslash precedes makes it a prefix.
    fn quoted(&mut self) -> Result<(String, bool), MatcherError> {
        let (mut text, mut star) = (String::new(), false);
        let mut letters = self.text[self.at..].char_indices();
        while let Some((at, letter)) = letters.next() {
            if letter == '"' {
                self.at += at + 1;
                return Ok((text, star));
            }
            if std::mem::take(&mut star) {
                text.push('*');
            }
            match letter {
                '*' => star = true,
                '\\' => match letters.next() {
                    Some((_, escaped @ ('"' | '\\' | '*'))) => text.push(escaped),
                    Some(_) | None => {
                        self.at += at;
                        return Err(self.expected("`\\\\`, `\\\"` or `\\*`"));
                    }
                },
                letter => text.push(letter),
            }
        }
        self.at = self.text.len();
        Err(self.expected("`\"`"))
    }

    /// Up to a blank or a sign; empty where one stands.
    fn word(&mut self) -> &'t str {
        self.skip_blanks();
        let rest = &self.text[self.at..];
        let ends = |letter: char| letter.is_whitespace() || matches!(letter, '(' | ')' | ',' | '"' | '=' | '!' | '>');
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn take(&mut self, sign: &str) -> bool {
        self.skip_blanks();
        let there = self.text[self.at..].starts_with(sign);
        if there {
            self.at += sign.len();
        }
        there
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn is_done(&mut self) -> bool {
        self.skip_blanks();
        self.at == self.text.len()
    }

    const fn expected(&self, what: &'static str) -> MatcherError {
        MatcherError::Expected(what, self.at)
    }
}

fn pattern(field: Field, text: String, prefix: bool) -> Result<Pattern, MatcherError> {
    if field == Field::Severity {
        let known = Severity::from_label(&text.to_ascii_lowercase()).filter(|_| !prefix);
        return known.map(Pattern::Severity).ok_or_else(|| MatcherError::NoSuchSeverity(shortened(&text)));
    }
    if prefix {
        return Ok(Pattern::Prefix(text.into()));
    }
    if !field.is_address() {
        return Ok(Pattern::Text(text.into()));
    }
    if text.contains('/') {
        return Net::parse(&text).map(Pattern::Net).ok_or_else(|| MatcherError::NotANetwork(shortened(&text)));
    }
    // However it is written, an address is one text.
    let address = text.parse().map(|address: IpAddr| address.to_string());
    Ok(Pattern::Text(address.unwrap_or(text).into()))
}

/// A foreign word for an error's text.
fn shortened(word: &str) -> String {
    word.chars().take(40).filter(|letter| !letter.is_control()).collect()
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, term) in self.terms.iter().enumerate() {
            let before = if place == 0 { "" } else { " and " };
            write!(f, "{before}{term}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.field.label();
        match (self.op, &self.values[..]) {
            (Op::Is, [value]) => write!(f, "{name} = {value}"),
            (Op::IsNot, [value, ..]) => write!(f, "{name} != {value}"),
            (Op::AtLeast, [value, ..]) => write!(f, "{name} >= {value}"),
            (Op::Is | Op::IsNot | Op::AtLeast, values) => {
                write!(f, "{name} in (")?;
                for (place, value) in values.iter().enumerate() {
                    let before = if place == 0 { "" } else { ", " };
                    write!(f, "{before}{value}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, end) = match self {
            Self::Text(text) => (text, "\""),
            Self::Prefix(text) => (text, "*\""),
            Self::Net(net) => return write!(f, "{}/{}", net.address, net.bits),
            Self::Severity(severity) => return f.write_str(severity.label()),
        };
        f.write_str("\"")?;
        for letter in text.chars() {
            if matches!(letter, '"' | '\\' | '*') {
                f.write_str("\\")?;
            }
            write!(f, "{letter}")?;
        }
        f.write_str(end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_matcher_reads_as_it_is_written() {
        let table = [
            ("rule=psexec", r#"rule = "psexec""#),
            ("Rule = PsExec AND host in (web-1,web-2)", r#"rule = "PsExec" and host in ("web-1", "web-2")"#),
            ("title = \"Scan *\" and severity >= High", r#"title = "Scan *" and severity >= high"#),
            (r#"title = "Scan \*""#, r#"title = "Scan \*""#),
            (r"file_path = C:\Windows\* and user != svc", r#"file_path = "C:\\Windows\\*" and user != "svc""#),
            ("ip in (10.1.2.3/8, 2001:DB8::/32, 8.8.8.8)", r#"ip in (10.0.0.0/8, 2001:db8::/32, "8.8.8.8")"#),
            ("severity in (low, medium)", "severity in (low, medium)"),
        ];
        for (text, canonical) in table {
            let matcher = Matcher::parse(text).expect(text);
            assert_eq!(matcher.to_string(), canonical);
            assert_eq!(Matcher::parse(canonical), Ok(matcher), "{canonical}");
        }
    }

    #[test]
    fn what_is_no_matcher_says_where() {
        let table = [
            ("", "a field is expected at byte 0"),
            ("rule", "`=`, `!=`, `in` or `>=` is expected"),
            ("rule =", "a value is expected"),
            ("rule = a or host = b", "`and` is expected"),
            ("rule = a and", "a field is expected"),
            ("colour = red", "there is no field `colour`"),
            ("spread = x", "there is no field `spread`"),
            ("host >= a", "`>=` compares severities alone"),
            ("severity = bad", "`bad` is not a severity"),
            ("ip = 10.0.0.0/33", "`10.0.0.0/33` is not a network"),
            ("host = *", "a prefix needs at least one letter"),
            ("host in (a", "`,` or `)` is expected"),
            ("title = \"a", "`\"` is expected"),
            ("title = \"a\\n\"", "`\\\\`, `\\\"` or `\\*` is expected"),
        ];
        for (text, expected) in table {
            let error = Matcher::parse(text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        assert_eq!(Matcher::parse(&vec!["rule = a"; 17].join(" and ")), Err(MatcherError::TooLarge));
        assert_eq!(Matcher::parse(&format!("host in ({})", vec!["a"; 65].join(","))), Err(MatcherError::TooLarge));
        assert_eq!(Matcher::parse(&"x".repeat(5_000)), Err(MatcherError::TooLarge));
        let longer_when_quoted = format!("file_path = {}", "\\".repeat(4_000));
        assert_eq!(Matcher::parse(&longer_when_quoted), Err(MatcherError::TooLarge));
    }

    #[test]
    fn values_fit_by_text_prefix_and_network() {
        let fits = |text: &str, value: &str| {
            Matcher::parse(text).unwrap().terms()[0].values.iter().any(|pattern| pattern.fits(value))
        };
        assert!(fits("host = WEB-1", "web-1"));
        assert!(fits("host = web-*", "Web-17"));
        assert!(!fits("host = web-*", "web"));
        assert!(fits("ip = 10.0.0.0/8", "10.200.1.2"));
        assert!(!fits("ip = 10.0.0.0/8", "11.0.0.1"));
        assert!(!fits("ip = 0.0.0.0/0", "::1"));
        assert!(fits("ip = ::/0", "2001:db8::1"));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_comes_back(text in "(rule|host|ip|title|severity|and|in|=|!=|>=|\\(|\\)|,|\"|\\*|\\\\|a|é| ){0,24}") {
            if let Ok(matcher) = Matcher::parse(&text) {
                prop_assert_eq!(Matcher::parse(&matcher.to_string()), Ok(matcher));
            }
        }
    }
}

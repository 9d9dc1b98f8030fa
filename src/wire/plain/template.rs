//! Templates for free text, such as `Deny {proto} src {zone}:{src_ip}/{src_port} dst {*}:{dst_ip}`: literals with holes
//! between them. What the captures mean is left to whoever wrote the template.
//!
//! Each literal is taken where it first fits. That leaves the most text to those behind it, so nothing is ever tried
//! again, and a match takes one pass.

use memchr::memmem::Finder;
use smallvec::SmallVec;

const SKIP: &str = "*";

/// A text with holes, checked.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Box<[Part]>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TemplateError {
    #[error("the template is empty")]
    Empty,
    #[error("the hole opened at byte {at} is not closed")]
    Unclosed { at: usize },
    #[error("the hole at byte {at} has no name")]
    Unnamed { at: usize },
    #[error("nothing separates the hole at byte {at} from the one before it")]
    Adjacent { at: usize },
    #[error("two holes are named {0}")]
    Repeated(String),
}

/// Name and value of each hole, in the order of the template.
pub type Captures<'t> = SmallVec<[(&'t str, &'t str); 8]>;

#[derive(Clone, Debug)]
enum Part {
    Literal(Literal),
    Capture(Box<str>),
    Skip,
}

/// Words with blanks between them; a run of blanks stands for one or more.
#[derive(Clone, Debug)]
struct Literal {
    blank_before: bool,
    /// Of the first word: a profile has many templates, and most of them search a text in vain.
    finder: Option<Box<Finder<'static>>>,
    words: Box<[Box<str>]>,
    blank_after: bool,
}

impl Template {
    /// Reads a template: `{name}` captures, `{*}` skips, `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// If there is nothing in it, a hole is no good, or two holes touch, so that nothing says where one ends.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts: Vec<Part> = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let doubled = text[at + c.len_utf8()..].starts_with(c);
            match c {
                '{' | '}' if doubled => {
                    literal.push(c);
                    at += 2;
                }
                '{' => {
                    let length = text[at..].find('}').ok_or(TemplateError::Unclosed { at })?;
                    take_literal(&mut literal, &mut parts);
                    parts.push(hole(&text[at + 1..at + length], at, &parts)?);
                    at += length + 1;
                }
                c => {
                    literal.push(c);
                    at += c.len_utf8();
                }
            }
        }
        take_literal(&mut literal, &mut parts);
        if parts.is_empty() { Err(TemplateError::Empty) } else { Ok(Self { parts: parts.into() }) }
    }

    /// The names of the holes, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Capture(name) => Some(&**name),
            Part::Literal(_) | Part::Skip => None,
        })
    }

    /// What the holes hold if the text matches, from its start on. A capture reaches to where the next literal first
    /// stands and over no line end; the last one takes the rest of its line. Text behind a last literal is not looked at.
    #[must_use]
    pub fn captures<'t>(&'t self, text: &'t str) -> Option<Captures<'t>> {
        let mut state = State { captures: Captures::new(), part: 0, at: 0 };
        // The last skip passed, and what was known there.
        let mut skip: Option<(usize, usize)> = None;
        while let Some(part) = self.parts.get(state.part) {
            if matches!(part, Part::Skip) {
                skip = Some((state.part, state.captures.len()));
            }
            match self.step(text, &mut state) {
                Step::Taken => {}
                Step::Failed => return None,
                // What is skipped may reach over lines, so the next line may hold what this one did not. A later start
                // on the same line would not find it either.
                Step::LineEnded(end) => {
                    let (part, captures) = skip?;
                    state.captures.truncate(captures);
                    (state.part, state.at) = (part, end + 1);
                }
            }
        }
        Some(state.captures)
    }

    /// Takes a literal, or a hole with the literal behind it.
    fn step<'t>(&'t self, text: &'t str, state: &mut State<'t>) -> Step {
        let at = state.at;
        let next = self.parts.get(state.part + 1);
        let (taken, name) = match (self.parts.get(state.part), next) {
            // Behind a hole it is taken with the hole; so this is the first part.
            (Some(Part::Literal(literal)), _) => {
                let Some(end) = literal.fits(text, at) else { return Step::Failed };
                (state.part, state.at) = (state.part + 1, end);
                return Step::Taken;
            }
            (Some(Part::Skip), Some(Part::Literal(literal))) => (literal.find(text, at), None),
            (Some(Part::Capture(name)), Some(Part::Literal(literal))) => {
                let line_end = text[at..].find('\n').map(|length| at + length);
                let searched = literal.searched(text, line_end);
                let on_line = |(start, _): &(usize, usize)| line_end.is_none_or(|end| *start <= end);
                match (literal.find(searched, at).filter(on_line), line_end) {
                    (None, Some(end)) => return Step::LineEnded(end),
                    (found, _) => (found, Some(name)),
                }
            }
            (Some(Part::Capture(name)), _) => {
                let rest = text[at..].split('\n').next().unwrap_or_default();
                state.captures.push((name, rest.trim_end_matches('\r')));
                state.part += 1;
                return Step::Taken;
            }
            (Some(Part::Skip) | None, _) => {
                state.part += 1;
                return Step::Taken;
            }
        };
        let Some((start, end)) = taken else { return Step::Failed };
        if let Some(name) = name {
            state.captures.push((name, &text[at..start]));
        }
        state.part += 2;
        state.at = end;
        Step::Taken
    }
}

struct State<'t> {
    captures: Captures<'t>,
    part: usize,
    at: usize,
}

enum Step {
    Taken,
    /// The literal is nowhere in the rest of the text, so it will not be from a later start either.
    Failed,
    /// The line ended there before the literal came.
    LineEnded(usize),
}

fn hole(name: &str, at: usize, before: &[Part]) -> Result<Part, TemplateError> {
    if name.trim().is_empty() {
        return Err(TemplateError::Unnamed { at });
    }
    if matches!(before.last(), Some(Part::Capture(_) | Part::Skip)) {
        return Err(TemplateError::Adjacent { at });
    }
    if name == SKIP {
        return Ok(Part::Skip);
    }
    let repeated = before.iter().any(|part| matches!(part, Part::Capture(known) if **known == *name));
    if repeated { Err(TemplateError::Repeated(name.to_owned())) } else { Ok(Part::Capture(name.into())) }
}

fn take_literal(text: &mut String, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Literal(Literal::new(text)));
        text.clear();
    }
}

impl Literal {
    fn new(text: &str) -> Self {
        let words: Box<[Box<str>]> = text.split(' ').filter(|word| !word.is_empty()).map(Into::into).collect();
        let blank_after = text.ends_with(' ') && !words.is_empty();
        let finder = words.first().map(|word| Box::new(Finder::new(word.as_bytes()).into_owned()));
        Self { blank_before: text.starts_with(' '), finder, words, blank_after }
    }

    /// The text in which a literal behind a capture may stand: to the end of the line, and over it only if the literal
    /// itself goes on there.
    fn searched<'t>(&self, text: &'t str, line_end: Option<usize>) -> &'t str {
        let Some(end) = line_end else { return text };
        let own = self.words.iter().map(|word| word.len() + 1).sum::<usize>();
        let over = self.words.iter().any(|word| word.contains('\n'));
        &text[..if over { text.floor_char_boundary(end + own) } else { end }]
    }

    /// Where the literal ends if it stands at `at`.
    fn fits(&self, text: &str, at: usize) -> Option<usize> {
        let at = if self.blank_before { blanks(text, at)? } else { at };
        self.words_fit(text, at)
    }

    fn words_fit(&self, text: &str, mut at: usize) -> Option<usize> {
        for (index, word) in self.words.iter().enumerate() {
            if index > 0 {
                at = blanks(text, at)?;
            }
            at = text.get(at..)?.starts_with(&**word).then_some(at + word.len())?;
        }
        if self.blank_after { blanks(text, at) } else { Some(at) }
    }

    /// The first place at or behind `from` where the literal stands: its start and its end.
    fn find(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        let Some(finder) = &self.finder else {
            let start = from + text[from..].find(' ')?;
            return Some((start, blanks(text, start)?));
        };
        finder.find_iter(&text.as_bytes()[from..]).find_map(|offset| {
            let word_at = from + offset;
            let before = &text[from..word_at];
            let start = if self.blank_before { before.trim_end_matches(' ').len() } else { before.len() };
            let apart = !self.blank_before || start < before.len();
            let end = if apart { self.words_fit(text, word_at) } else { None };
            end.map(|end| (from + start, end))
        })
    }
}

/// Behind the blanks at `at`, if there are any.
fn blanks(text: &str, at: usize) -> Option<usize> {
    let count = text.as_bytes().get(at..)?.iter().take_while(|byte| **byte == b' ').count();
    (count > 0).then_some(at + count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The captures of `text` as `name=value`, or nothing where it does not match.
    fn captures(template: &str, text: &str) -> Option<Vec<String>> {
        let template = Template::parse(template).unwrap();
        let captures = template.captures(text)?;
        Some(captures.iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[test]
    fn holes_take_what_is_between_the_literals() {
        let deny = "Deny {proto} src {zone}:{ip}/{port} dst {*}:{to}/{to_port} by access-group {acl}";
        let text = "Deny tcp src  out:10.0.0.1/4432 dst in:10.0.0.2/22   by access-group \"out_in\" [0x1]";
        let expected =
            ["proto=tcp", "zone=out", "ip=10.0.0.1", "port=4432", "to=10.0.0.2", "to_port=22", "acl=\"out_in\" [0x1]"];
        assert_eq!(captures(deny, text).unwrap(), expected);
        assert_eq!(captures(deny, "Deny tcp src out:10.0.0.1 dst in"), None);
        assert_eq!(captures(deny, "He said: Deny tcp"), None);
    }

    #[test]
    fn ends_and_starts_are_as_the_template_says() {
        assert_eq!(captures("{*}from {ip} port {port} ", "x from 1.1.1.1 port 5 y").unwrap(), ["ip=1.1.1.1", "port=5"]);
        assert_eq!(captures("user {name}.", "user ann. And more").unwrap(), ["name=ann"]);
        assert_eq!(captures("user {name}", "user ann b\r\nnext").unwrap(), ["name=ann b"]);
        assert_eq!(captures("{first} {*}", "a b c").unwrap(), ["first=a"]);
        assert_eq!(captures("'{a}'", "''").unwrap(), ["a="]);
        assert_eq!(captures("{{{a}}} x", "{1} x").unwrap(), ["a=1"]);
        assert_eq!(captures("a  b", "a b").unwrap(), [""; 0]);
        assert_eq!(captures("a b", "ab"), None);
    }

    #[test]
    fn a_capture_ends_with_its_line_and_a_skip_does_not() {
        assert_eq!(captures("a {x} b", "a 1\n2 b"), None);
        assert_eq!(captures("a {*} b {x}", "a 1\n2 b 3").unwrap(), ["x=3"]);
        assert_eq!(captures("{*}user {x} at {y}", "user one\nuser two at home").unwrap(), ["x=two", "y=home"]);
        assert_eq!(captures("a {z} {*}u {x} at {y}", "a 0 \nu 1\nu 2 at 3").unwrap(), ["z=0", "x=2", "y=3"]);
        assert_eq!(captures("a {x}\nb {y}", "a 1\nb 2").unwrap(), ["x=1", "y=2"]);
    }

    #[test]
    fn a_bad_template_is_named() {
        for (text, error) in [
            ("", TemplateError::Empty),
            ("a {b", TemplateError::Unclosed { at: 2 }),
            ("a {}", TemplateError::Unnamed { at: 2 }),
            ("{a}{b}", TemplateError::Adjacent { at: 3 }),
            ("{*}{b}", TemplateError::Adjacent { at: 3 }),
            ("{a} {a}", TemplateError::Repeated("a".into())),
        ] {
            assert_eq!(Template::parse(text).unwrap_err(), error, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_template_meets_any_text(template in "[ab {}*\n]{0,24}", text in "[ab \né]{0,48}") {
            if let Ok(template) = Template::parse(&template) {
                let captures = template.captures(&text).unwrap_or_default();
                prop_assert!(captures.iter().all(|(_, value)| !value.contains('\n') && text.contains(value)));
            }
        }
    }
}

//! Bodies that are lists of pairs: first in which style the whole is written, then the pairs of that style.
//!
//! The style is put to the vote: each place where a pair can begin counts for the separator before it and the sign behind
//! its name. A text with too few of them, or with too many other words, is no list.

use super::escape;
use super::sink::Sink;
use super::walk::{Assign, Head, Stop, Walk, head};

const SEPARATORS: [u8; 8] = *b" ,;|^~\t\n";
const SIGNS: [Assign; 3] = [Assign::Equals, Assign::Colon, Assign::TightColon];
/// A list that does not begin with a pair has at most this many words, or pieces, to a pair.
const WORDS_PER_PAIR_MAX: usize = 8;
const PIECES_PER_PAIR_MAX: usize = 3;
/// A value of several words is believed up to the next name only among this many.
const WORDS_PER_PAIR_EXTENDED_MAX: usize = 4;
const UNITS: [&str; 10] = ["B", "KB", "MB", "GB", "TB", "bytes", "ms", "s", "sec", "seconds"];
/// More words before the first `=` are not all its name.
const WORDS_BEFORE_MAX: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    separator: u8,
    assign: Assign,
    /// Whether a bare value goes on over blanks until the next name.
    extends: bool,
    /// Whether the text begins with one.
    pub begins: bool,
    /// How many there are.
    pub pairs: usize,
}

/// How a list of one is read.
const SINGLE: Style = Style { separator: b';', assign: Assign::Equals, extends: true, begins: true, pairs: 1 };

#[derive(Default)]
struct Votes {
    counts: [[usize; SIGNS.len()]; SEPARATORS.len()],
    stops: [usize; SEPARATORS.len()],
    quoted: usize,
    begins: Option<Assign>,
}

pub(super) fn style(text: &str) -> Option<Style> {
    let votes = survey(text);
    let equals = votes.best(&[Assign::Equals]);
    let colon = votes.best(&[Assign::Colon, Assign::TightColon]);
    if colon.pairs > equals.pairs { votes.accept(colon) } else { votes.accept(equals) }
}

fn survey(text: &str) -> Votes {
    let mut votes = Votes::default();
    let mut walk = Walk::new(text);
    while let Some(stop) = walk.next() {
        let at = stop.run.end;
        votes.see(&stop);
        match head(text, at, stop.separator != Some(b' ')) {
            Some(head) => {
                votes.count(&head, &stop, head.quoted_value(text));
                // The last words of a long name may be a name of another style.
                if head.strict {
                    walk.pass(head.value_at);
                }
            }
            None => walk.pass_word(),
        }
    }
    votes
}

fn index<T: PartialEq>(set: &[T], item: &T) -> usize {
    set.iter().position(|known| known == item).unwrap_or(0)
}

impl Votes {
    fn see(&mut self, stop: &Stop) {
        if let Some(separator) = stop.separator {
            self.stops[index(&SEPARATORS, &separator)] += 1;
        }
    }

    fn count(&mut self, head: &Head<'_>, stop: &Stop, quoted: bool) {
        match stop.separator {
            None => self.begins = Some(head.assign),
            // A colon between words is punctuation.
            Some(b' ') if head.assign == Assign::Colon && !quoted => return,
            Some(separator) => {
                // Several blanks part names of many words; between strict pairs they are but careless.
                let careless = head.assign == Assign::Equals && head.strict && stop.wide;
                let separator = if careless { b' ' } else { separator };
                self.counts[index(&SEPARATORS, &separator)][index(&SIGNS, &head.assign)] += 1;
            }
        }
        self.quoted += usize::from(quoted);
    }

    /// The separator and sign with the most pairs; of equals the one that is no blank.
    fn best(&self, signs: &[Assign]) -> Style {
        let all = SEPARATORS.iter().flat_map(|separator| signs.iter().map(move |assign| (*separator, *assign)));
        let styles = all.map(|(separator, assign)| {
            let pairs = self.counts[index(&SEPARATORS, &separator)][index(&SIGNS, &assign)];
            let pairs = pairs + usize::from(self.begins == Some(assign));
            Style { separator, assign, extends: separator != b' ', begins: self.begins == Some(assign), pairs }
        });
        let none = Style { separator: b' ', assign: Assign::Equals, extends: false, begins: false, pairs: 0 };
        styles.fold(none, |best, style| {
            let wins = style.pairs > best.pairs || style.pairs == best.pairs && best.separator == b' ';
            if wins { style } else { best }
        })
    }

    fn accept(&self, style: Style) -> Option<Style> {
        let begins = style.begins;
        let words = self.stops[index(&SEPARATORS, &b' ')];
        let pieces = self.stops[index(&SEPARATORS, &style.separator)];
        let (pairs, dense) = match style.separator {
            b' ' => (style.pairs, words <= WORDS_PER_PAIR_MAX * style.pairs),
            _ => (style.pairs, pieces <= PIECES_PER_PAIR_MAX * style.pairs),
        };
        let enough = match (style.assign, style.separator) {
            (Assign::Equals, b' ') => pairs >= 4 || pairs >= 2 && self.quoted >= 2,
            // The first one often stands behind a sentence and is not among those counted.
            (Assign::Equals, _) => pairs >= 2,
            (Assign::Colon, _) => pairs >= 3,
            (Assign::TightColon, _) => pairs >= 3 && begins && style.separator != b' ',
        };
        // Two are a list where the text begins with one; but a colon behind its first word may be punctuation.
        let short = match style.assign {
            Assign::Equals => true,
            Assign::Colon => style.separator != b' ',
            Assign::TightColon => false,
        };
        let accepted = enough && (dense || begins) || begins && pairs >= 2 && short;
        let extends = style.extends || begins || words <= WORDS_PER_PAIR_EXTENDED_MAX * pairs;
        accepted.then_some(Style { extends, ..style })
    }
}

impl Style {
    /// Whether a pair of this style can begin behind that run.
    fn begins_behind(&self, stop: &Stop, text: &str) -> bool {
        let run = &text.as_bytes()[stop.run.clone()];
        // In a list of words, `a,b=c` and `a;b=c` are parts of one.
        let fits = |byte: &u8| match self.separator {
            b' ' => byte.is_ascii_whitespace(),
            separator => [separator, b'\n'].contains(byte),
        };
        stop.separator.is_none() || run.iter().any(fits) || self.separator == b'\t' && stop.wide
    }

    fn takes(&self, head: &Head<'_>, text: &str) -> bool {
        match self.assign {
            Assign::Equals => head.assign == Assign::Equals,
            Assign::Colon if self.separator == b' ' => head.assign == Assign::Colon && head.quoted_value(text),
            Assign::Colon => head.assign != Assign::TightColon || head.quoted_value(text),
            Assign::TightColon => true,
        }
    }
}

/// A pair whose value has begun.
struct Open<'a> {
    name: &'a str,
    from: usize,
    /// Where its quotes close, if it has any.
    quoted: Option<usize>,
}

pub(super) fn read<'a>(text: &'a str, style: &Style, sink: &mut Sink<'a>) {
    read_level(text, style, true, sink);
}

fn read_level<'a>(text: &'a str, style: &Style, outermost: bool, sink: &mut Sink<'a>) {
    let mut walk = Walk::new(text);
    let mut open: Option<Open<'a>> = None;
    while let Some(stop) = walk.next() {
        let wordy = style.separator != b' ';
        let found = style.begins_behind(&stop, text).then(|| head(text, stop.run.end, wordy)).flatten();
        let Some(head) = found.filter(|head| style.takes(head, text)) else {
            walk.pass_word();
            continue;
        };
        if sink.is_full() {
            return;
        }
        if open.is_none() {
            before_first(&text[..stop.run.start], style, sink);
        }
        close(open.take(), text, stop.run.start, style, outermost, sink);
        let quoted = walk.pass(head.value_at);
        open = Some(Open { name: head.name, from: head.value_at, quoted });
    }
    close(open, text, text.len(), style, outermost, sink);
}

fn close<'a>(open: Option<Open<'a>>, text: &'a str, end: usize, style: &Style, outermost: bool, sink: &mut Sink<'a>) {
    let Some(open) = open else { return };
    if let Some(quote) = open.quoted {
        sink.push(open.name, escape::quoted(&text[open.from + 1..quote]));
        let left = text.get(quote + 1..end).unwrap_or_default();
        return last_words(left, style, sink);
    }
    // An empty value may begin behind where the next name's separators do.
    let bare = text.get(open.from..end).unwrap_or_default().trim();
    let bare = if end == text.len() { without_closers(bare) } else { bare };
    let (value, left) = if style.separator == b' ' { split_bare(bare, style.extends) } else { (bare, "") };
    let value = value.trim_end_matches([',', ';', '|', ' ']);
    let (name, value) = first_within(value, style).unwrap_or((open.name, value));
    sink.push(name, escape::bare(unquoted(value)));
    nested(value, outermost, sink);
    last_words(left, style, sink);
}

/// `dst=10.0.0.1 message: what happened`: the last one of a list often changes its sign.
fn last_words<'a>(left: &'a str, style: &Style, sink: &mut Sink<'a>) {
    let pair = left.trim_start().split_once(": ").filter(|_| style.separator == b' ');
    if let Some((name, rest)) = pair.filter(|(name, _)| !name.is_empty() && !name.contains(' ')) {
        sink.push(name, rest.trim());
    }
}

/// A first pair that other text leads up to, as in `a sentence: name=value, name=value`.
fn before_first<'a>(text: &'a str, style: &Style, sink: &mut Sink<'a>) {
    if style.assign != Assign::Equals || style.separator == b' ' {
        return;
    }
    let Some((before, value)) = text.split_once('=') else { return };
    let before = before.trim_end();
    let start = ["  ", ": ", ". ", "- ", ":"].into_iter().filter_map(|end| Some(before.rfind(end)? + end.len())).max();
    let name = before[start.unwrap_or(0)..].trim();
    let name = if name.split(' ').count() > WORDS_BEFORE_MAX { name.rsplit(' ').next().unwrap_or(name) } else { name };
    match first_within(value, style) {
        Some((name, value)) => sink.push(name, escape::bare(value)),
        None => sink.push(name, escape::bare(unquoted(value.trim()))),
    }
}

/// `{UserName=ann` of `Response={UserName=ann; Class=x; }`: the first pair of a list whose separators the text has too.
fn first_within<'a>(value: &'a str, style: &Style) -> Option<(&'a str, &'a str)> {
    let inner = value.strip_prefix('{').filter(|inner| !inner.contains('}'))?;
    let head = head(inner, 0, false).filter(|head| style.takes(head, inner))?;
    Some((head.name, inner[head.value_at..].trim()))
}

/// Without the quotes around it, or the one that never closes.
fn unquoted(value: &str) -> &str {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return value };
    let inner = &value[1..];
    inner.strip_suffix(quote).unwrap_or(if inner.contains(quote) { value } else { inner })
}

/// Without the separators that end a list, and the bracket that closes one.
fn without_closers(value: &str) -> &str {
    let value = value.trim_end_matches([',', ';', '|', ' ']);
    match value.strip_suffix([']', '}', ')']) {
        Some(inner) if !value.contains(['[', '{', '(']) => inner.trim_end_matches([',', ';', ' ']),
        _ => value,
    }
}

/// The value of several words, or its first word and what is left: a number or an address is whole by itself, unless
/// the next word is of the same value, as a clock behind a date or a unit.
fn split_bare(bare: &str, extends: bool) -> (&str, &str) {
    let Some((first, rest)) = bare.split_once(char::is_whitespace) else { return (bare, "") };
    let rest = rest.trim_start();
    let atomic = first.bytes().any(|byte| byte.is_ascii_digit())
        && first.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:/-".contains(&byte));
    let next = rest.split(char::is_whitespace).next().unwrap_or_default();
    let continues = next.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) || is_unit(first, next);
    if !extends || atomic && !continues { (first, rest) } else { (bare, "") }
}

/// Whether the word behind a number belongs to it: the half of the day or zone of a time, the unit of an amount.
fn is_unit(number: &str, word: &str) -> bool {
    let time = number.contains([':', '-', '/']);
    let short = word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    time && short || UNITS.contains(&word)
}

/// `Response={User=ann; Class=x; }`: a list in a value, one level deep.
fn nested<'a>(value: &'a str, outermost: bool, sink: &mut Sink<'a>) {
    let inner = value.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).filter(|_| outermost);
    let Some(inner) = inner else { return };
    let single = || head(inner, 0, false).filter(|head| head.assign == Assign::Equals).map(|_| SINGLE);
    if let Some(style) = style(inner).or_else(single) {
        read_level(inner, &style, false, sink);
    }
}

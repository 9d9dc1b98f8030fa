//! XML in a body: the names of tags and attributes with their values, flattened. It is scanned for what it holds and not
//! held to its grammar, for relays cut it short.

use std::borrow::Cow;

use super::sink::Sink;

/// Where the first tag has to be; behind a longer text it is a quotation.
const PREFIX_BYTES_MAX: usize = 128;
const TAG_NAME_BYTES_MAX: usize = 128;
/// A word in angle brackets is not markup yet.
const FIELDS_MIN: usize = 2;
const ENTITIES: [(&str, char); 5] = [("lt;", '<'), ("gt;", '>'), ("amp;", '&'), ("quot;", '"'), ("apos;", '\'')];
const ENTITY_BYTES_MAX: usize = 10;

/// Whether the body is markup, which it is if it begins with a tag that is closed somewhere.
pub(super) fn read<'a>(body: &'a str, sink: &mut Sink<'a>) -> bool {
    let Some(start) = body.bytes().take(PREFIX_BYTES_MAX).position(|byte| byte == b'<') else { return false };
    let closes = body.contains("</") || body.contains("/>") || body.contains("?>");
    if !closes || body[..start].contains('=') {
        return false;
    }
    let before = sink.fields.len();
    let mut reader = Reader { rest: &body[start..], open: None, label: None };
    while !sink.is_full() && reader.step(sink) {}
    let found = sink.fields.len() - before;
    if found < FIELDS_MIN {
        sink.fields.truncate(before);
    }
    found >= FIELDS_MIN
}

struct Reader<'a> {
    /// From a `<` on.
    rest: &'a str,
    /// The tag whose text may follow.
    open: Option<&'a str>,
    /// What the only attribute of the open tag calls it: `<Data Name="SubjectUserName">`.
    label: Option<&'a str>,
}

impl<'a> Reader<'a> {
    /// Reads one tag and the text behind it. False at the end.
    fn step(&mut self, sink: &mut Sink<'a>) -> bool {
        let Some(inner) = self.rest.strip_prefix('<') else { return false };
        if let Some(text) = inner.strip_prefix("![CDATA[") {
            let (data, rest) = text.split_once("]]>").unwrap_or((text, ""));
            self.text(data, sink);
            return self.skip_to_tag(rest);
        }
        if let Some(comment) = inner.strip_prefix("!--") {
            return self.skip_to_tag(comment.split_once("-->").map_or("", |(_, rest)| rest));
        }
        if inner.starts_with(['/', '!', '?']) {
            self.open = None;
            return self.skip_to_tag(inner);
        }
        let length = inner.bytes().take(TAG_NAME_BYTES_MAX).take_while(|byte| is_name(*byte)).count();
        if length == 0 {
            return self.skip_to_tag(inner);
        }
        let (name, rest) = inner.split_at(length);
        self.tag(name, rest, sink)
    }

    /// Takes the attributes of a tag and the text behind it.
    fn tag(&mut self, name: &'a str, mut rest: &'a str, sink: &mut Sink<'a>) -> bool {
        let from = sink.fields.len();
        let mut attributes = 0;
        self.label = None;
        while let Some((key, value, after)) = attribute(rest) {
            attributes += 1;
            self.label = (attributes == 1 && key.eq_ignore_ascii_case("name")).then_some(value);
            sink.push(key, unescape(value));
            rest = after;
        }
        let rest = rest.trim_start();
        self.open = rest.starts_with('>').then_some(name);
        if self.label.is_some() && self.open.is_some() {
            self.named(rest, from, sink);
        }
        self.after_tag(rest, sink)
    }

    /// An element that its attribute names: the attribute is the name then, and no field of its own.
    fn named(&mut self, rest: &'a str, from: usize, sink: &mut Sink<'a>) {
        let text = rest.get(1..).unwrap_or_default();
        if !text.trim_start().starts_with('<') {
            sink.fields.truncate(from);
            self.open = self.label;
        }
    }

    /// Takes the text between this tag and the next.
    fn after_tag(&mut self, rest: &'a str, sink: &mut Sink<'a>) -> bool {
        let Some(text) = rest.strip_prefix('>') else { return self.skip_to_tag(rest) };
        let end = text.find('<').unwrap_or(text.len());
        self.text(&text[..end], sink);
        self.rest = &text[end..];
        !self.rest.is_empty()
    }

    fn text(&mut self, text: &'a str, sink: &mut Sink<'a>) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if let Some(name) = self.open.take() {
            sink.push(name, unescape(text));
        }
    }

    fn skip_to_tag(&mut self, rest: &'a str) -> bool {
        self.rest = rest.find('<').map_or("", |at| &rest[at..]);
        !self.rest.is_empty()
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_:.-".contains(&byte)
}

/// The next `name="value"` of a tag: name, value, rest.
fn attribute(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start();
    let length = text.bytes().take(TAG_NAME_BYTES_MAX).take_while(|byte| is_name(*byte)).count();
    let (name, rest) = text.split_at(length);
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, rest) = rest[1..].split_once(quote).unwrap_or((&rest[1..], ""));
    (length > 0).then_some((name, value, rest))
}

fn unescape(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        match entity(after) {
            Some((c, length)) => {
                out.push(c);
                rest = &after[length..];
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character an entity stands for, and how long it is without the `&`.
fn entity(text: &str) -> Option<(char, usize)> {
    if let Some((name, c)) = ENTITIES.iter().find(|(name, _)| text.starts_with(name)) {
        return Some((*c, name.len()));
    }
    let end = text.bytes().take(ENTITY_BYTES_MAX).position(|byte| byte == b';')?;
    let number = text[..end].strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    Some((char::from_u32(code)?, end + 1))
}

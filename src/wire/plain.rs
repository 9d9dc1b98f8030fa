//! A text record to flat fields: which of the known shapes it has (CEF, LEEF, JSON, pairs, CSV, free text), with or without
//! a syslog header in front, and what its names and values are.
//!
//! Nothing is refused here. A record that fits no shape is a message, and a message may still carry pairs. What a field
//! means, which of two equal names counts and whether a number is a number is left to the profiles; the JSON of a record
//! is only found, not read. Each pass is linear in the text and everything collected is bounded, whoever sent it.

mod access;
mod bars;
mod brackets;
mod cef;
mod cisco;
mod csv;
mod escape;
mod header;
mod json;
mod leef;
mod loose;
mod markup;
mod pairs;
mod prose;
mod quote;
mod sink;
mod stamp;
mod structured;
mod syslog;
pub mod template;
#[cfg(test)]
mod tests;
mod walk;

use std::borrow::Cow;

use sink::Sink;

/// Name and value in the order of the record. Borrowed wherever possible.
pub type Fields<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// What the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Cef,
    Leef,
    Json,
    Pairs,
    Csv,
    Message,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain<'a> {
    pub form: Form,
    pub fields: Fields<'a>,
    /// The body after the syslog header; of JSON its whole text, from `{` or `[` on.
    pub body: &'a str,
    /// Whether a syslog header stood before it.
    pub syslog: bool,
}

/// Names and values beyond these are left out; the body still holds them.
pub const FIELDS_MAX: usize = 512;
pub const NAME_BYTES_MAX: usize = 128;

#[must_use]
pub fn read(text: &str) -> Plain<'_> {
    let header = syslog::split(text);
    let mut sink = Sink::default();
    let body = header.body.trim_matches(is_padding);
    if let Some(found) = json::find(body) {
        header.describe(&mut sink);
        json::describe_prefix(found.prefix, &header, &mut sink);
        return Plain { form: Form::Json, fields: sink.fields, body: found.text, syslog: header.found };
    }
    header.describe(&mut sink);
    if header.time.is_none() {
        sink.push_some("syslog.time", stamp::before_message(body));
    }
    sink.push("syslog.message", body);
    let form = read_body(body, header.structured.is_some(), &mut sink);
    Plain { form, fields: sink.fields, body, syslog: header.found }
}

/// What a sentence says of whom and from where, as a message's own would be read.
#[must_use]
pub fn sentence(text: &str) -> Fields<'_> {
    let mut sink = Sink::default();
    prose::read(text, &mut sink);
    sink.fields
}

/// What senders put around a message: blanks, line ends, the NUL of a C string, a byte order mark.
fn is_padding(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\0' | '\u{feff}')
}

fn read_body<'a>(body: &'a str, structured: bool, sink: &mut Sink<'a>) -> Form {
    if cef::read(body, sink) {
        return Form::Cef;
    }
    if leef::read(body, sink) {
        return Form::Leef;
    }
    let rest = cisco::read(body, sink);
    if rest.is_empty() && structured {
        return Form::Pairs;
    }
    if markup::read(rest, sink) {
        return Form::Pairs;
    }
    if bars::read(rest, sink) {
        return Form::Pairs;
    }
    if access::read(rest, sink) {
        return Form::Message;
    }
    let style = pairs::style(rest);
    if csv::read(rest, style.as_ref().map_or(0, |style| style.pairs), sink) {
        return Form::Csv;
    }
    if style.as_ref().is_none_or(|style| !style.begins) && brackets::read(rest, sink) {
        return Form::Pairs;
    }
    match style {
        Some(style) => {
            pairs::read(rest, &style, sink);
            if !style.begins {
                prose::read(rest, sink);
            }
            Form::Pairs
        }
        None => {
            loose::read(rest, sink);
            brackets::read_quoted(rest, sink);
            prose::read(rest, sink);
            Form::Message
        }
    }
}

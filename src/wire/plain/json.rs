//! The JSON of a record: a body that is one, or ends in one behind a word or two. It is only found here, not read.

use serde::de::IgnoredAny;

use super::header::Header;
use super::sink::Sink;

/// Words before the JSON; what is longer is a message that quotes some.
const PREFIX_BYTES_MAX: usize = 128;

pub(super) struct Found<'a> {
    pub prefix: &'a str,
    pub text: &'a str,
}

/// The JSON object or array that `body` ends in. One that breaks off is a message: no parser would take it.
pub(super) fn find(body: &str) -> Option<Found<'_>> {
    let at = body.bytes().take(PREFIX_BYTES_MAX).position(|byte| matches!(byte, b'{' | b'['))?;
    let begins = |at: usize| whole(body.get(at..)?).map(|text| Found { prefix: body[..at].trim_end(), text });
    begins(at).or_else(|| {
        // `app[42] {...}`: the bracket was not the JSON's.
        let brace = body.bytes().take(PREFIX_BYTES_MAX).position(|byte| byte == b'{').filter(|brace| *brace > at)?;
        begins(brace)
    })
}

fn whole(text: &str) -> Option<&str> {
    let second = text.bytes().skip(1).find(|byte| !byte.is_ascii_whitespace())?;
    let plausible = match text.as_bytes().first()? {
        b'{' => matches!(second, b'"' | b'}'),
        _ => second == b'{',
    };
    (plausible && serde_json::from_str::<IgnoredAny>(text).is_ok()).then_some(text)
}

/// A single word before the JSON is the program's name; more is kept as the message.
pub(super) fn describe_prefix<'a>(prefix: &'a str, header: &Header<'a>, sink: &mut Sink<'a>) {
    if prefix.is_empty() {
        return;
    }
    if header.app.is_none() && !prefix.contains(char::is_whitespace) {
        sink.push("syslog.app", prefix.trim_end_matches(':'));
    } else {
        sink.push("syslog.message", prefix);
    }
}

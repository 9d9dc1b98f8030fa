//! Where the syslog header of a record ends and what it says: RFC 5424, RFC 3164 and what devices make of them, and a
//! relay's header in front of the sender's own.
//!
//! A header is believed only as far as it can be told from a message; what is in doubt stays in the body, where a profile
//! still finds it.

use std::net::IpAddr;

use super::header::Header;
use super::stamp::{self, Kind, Stamp};
use super::structured;

/// A relay in front of a relay in front of a device; more is not a header but an attempt.
const LAYERS_MAX: usize = 4;
const HOST_BYTES_MAX: usize = 255;
const APP_BYTES_MAX: usize = 64;
const TOKENS_5424: usize = 4;

/// First words of messages that say how bad it is, not who sends it.
const LEVELS: [&str; 22] = [
    "emerg",
    "emergency",
    "alert",
    "crit",
    "critical",
    "err",
    "error",
    "warn",
    "warning",
    "notice",
    "info",
    "information",
    "informational",
    "debug",
    "trace",
    "fatal",
    "severe",
    "cef",
    "leef",
    "http",
    "https",
    "message",
];

pub(super) fn split(text: &str) -> Header<'_> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\0'));
    let mut header = Header { body: without_octet_count(text), ..Header::default() };
    let mut read_5424 = false;
    for depth in 0..LAYERS_MAX {
        // Behind a full header only another full one begins anew.
        if read_5424 && priority(header.body).is_none() {
            break;
        }
        match layer(&mut header, depth) {
            Layer::None => break,
            Layer::Rfc5424 => read_5424 = true,
            Layer::Rfc3164 => read_5424 = false,
        }
    }
    if header.found && !read_5424 {
        tag(&mut header);
    }
    if !header.found {
        header.body = text;
    }
    header
}

enum Layer {
    None,
    Rfc3164,
    Rfc5424,
}

/// `123 <34>1 ...`: the count is the transport's.
fn without_octet_count(text: &str) -> &str {
    let digits = leading_digits(text, 7);
    match text.get(digits..).and_then(|rest| rest.strip_prefix(' ')) {
        Some(rest) if digits > 0 && priority(rest).is_some() => rest,
        _ => text,
    }
}

/// Takes one header off the body, if there is one.
fn layer<'a>(header: &mut Header<'a>, depth: usize) -> Layer {
    let with_priority = priority(header.body);
    let rest = match with_priority {
        Some((number, rest)) => {
            header.found = true;
            header.priority = Some(number);
            header.body = rest.trim_start();
            header.body
        }
        None => header.body,
    };
    let trusted = with_priority.is_some();
    if let Some(layer) = versioned(header, rest, trusted) {
        return layer;
    }
    let (sequence_host, timed) = after_sequence(rest);
    // A name and a colon before the time are a host only if a colon follows the time too; else they are a program.
    let fits = |stamp: &Stamp| sequence_host.is_none() || timed[stamp.bytes..].starts_with(':');
    if let Some(stamp) = stamp::at_start(timed).filter(fits) {
        return dated(header, timed, stamp, sequence_host, trusted, depth);
    }
    if !trusted {
        return Layer::None;
    }
    // A number is a sequence number only where Cisco's mark follows.
    header.body = if timed.starts_with('%') { timed } else { rest };
    // Without a time, what a colon follows is a program.
    let named = |(host, body): &(&str, &str)| is_marker(body) && !header.body[host.len()..].starts_with(':');
    if let Some((host, body)) = host(header.body).filter(named) {
        header.set_host(host);
        header.body = body;
    }
    Layer::Rfc3164
}

fn priority(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let digits = leading_digits(inner, 3);
    let rest = inner.get(digits..)?.strip_prefix('>')?;
    (digits > 0).then(|| (&inner[..digits], rest))
}

fn leading_digits(text: &str, max: usize) -> usize {
    text.bytes().take(max).take_while(u8::is_ascii_digit).count()
}

/// `1 2024-06-15T10:11:12Z host app procid msgid [sd] message`, with what is missing from it at the end.
fn versioned<'a>(header: &mut Header<'a>, rest: &'a str, trusted: bool) -> Option<Layer> {
    let digits = leading_digits(rest, 2);
    let dated = rest.get(digits..)?.strip_prefix(' ')?.trim_start();
    if digits == 0 {
        return None;
    }
    let bytes = match stamp::at_start(dated) {
        Some(stamp) if trusted || stamp.kind == Kind::Iso => stamp.bytes,
        _ if !trusted => return None,
        _ if dated.starts_with("- ") => 1,
        _ => stamp::epoch_at_start(dated)?,
    };
    header.found = true;
    header.time = known(&dated[..bytes]).or(header.time);
    let rest = dated[bytes..].trim_start();
    Some(match tail_5424(header, rest, true) {
        Some(()) => Layer::Rfc5424,
        None => host_and_rest(header, rest),
    })
}

/// A header whose time is at the start of `text`.
fn dated<'a>(
    header: &mut Header<'a>,
    text: &'a str,
    stamp: Stamp,
    sequence_host: Option<&'a str>,
    trusted: bool,
    depth: usize,
) -> Layer {
    let (time, rest) = text.split_at(stamp.bytes);
    let time = time.trim_start_matches(['*', '.']);
    if let Some(rest) = rest.strip_prefix(':') {
        // `Jun 15 10:11:12 UTC: %ASA-...`: such devices name no host, or named it before the time.
        let rest = rest.trim_start();
        if !trusted && sequence_host.is_none() && !rest.starts_with('%') {
            return Layer::None;
        }
        if let Some(host) = sequence_host {
            header.set_host(host);
        }
        return found(header, time, rest);
    }
    let rest = rest.trim_start();
    if let Some(layer) = container(header, time, rest) {
        return layer;
    }
    let before = *header;
    if stamp.kind == Kind::Iso && tail_5424(header, rest, false).is_some() {
        header.found = true;
        header.time = Some(time);
        return Layer::Rfc5424;
    }
    *header = before;
    if !trusted && !is_header(stamp.kind, rest, depth) {
        return Layer::None;
    }
    found(header, time, rest);
    host_and_rest(header, rest)
}

fn found<'a>(header: &mut Header<'a>, time: &'a str, body: &'a str) -> Layer {
    header.found = true;
    header.time = Some(time);
    header.body = body;
    Layer::Rfc3164
}

/// Whether a time that no priority introduces begins a header rather than a line of some log.
fn is_header(kind: Kind, rest: &str, depth: usize) -> bool {
    if is_marker(rest) {
        return true;
    }
    // `module [pid]: ` is a program's, without a host before it.
    let module = |rest: &str| rest.strip_prefix('[').is_some_and(|inner| leading_digits(inner, 12) > 0);
    let named = host(rest).filter(|(host, rest)| !is_level(host) && (kind != Kind::Spaced || !module(rest)));
    let tagged = |text: &str| is_marker(text) || tag_of(text).is_some();
    // A word behind a time may begin a sentence; a name with a digit in it, or a tag or a pair behind it, does not.
    let likely = |(host, rest): (&str, &str)| {
        host.contains(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'))
            || tagged(rest)
            || rest.split(' ').next().is_some_and(|word| word.contains('='))
    };
    match (kind, depth) {
        (Kind::Syslog, 0) => named.is_some() || tag_of(rest).is_some(),
        (Kind::Iso | Kind::Syslog, _) => named.is_some_and(likely),
        (Kind::Spaced, 0) => named.is_some_and(|(_, rest)| tagged(rest)),
        (Kind::Spaced | Kind::Other, _) => false,
    }
}

/// `2024-06-15T10:11:12Z stdout F message`, as container runtimes write it.
fn container<'a>(header: &mut Header<'a>, time: &'a str, rest: &'a str) -> Option<Layer> {
    let stream = ["stdout", "stderr"].into_iter().find(|stream| rest.starts_with(stream))?;
    let rest = &rest[stream.len()..];
    let body = [" F ", " P "].into_iter().find_map(|flag| rest.strip_prefix(flag))?;
    header.app = Some(stream);
    Some(found(header, time, body))
}

fn host_and_rest<'a>(header: &mut Header<'a>, rest: &'a str) -> Layer {
    header.body = rest;
    if let Some((host, rest)) = host(rest) {
        header.set_host(host);
        header.body = rest;
    }
    Layer::Rfc3164
}

/// The host at the start of `text` and what follows it.
fn host(text: &str) -> Option<(&str, &str)> {
    if is_marker(text) || stamp::at_start(text).is_some() {
        return None;
    }
    let end = text.bytes().take(HOST_BYTES_MAX + 1).position(|byte| byte.is_ascii_whitespace());
    let (token, rest) = match end {
        Some(end) => text.split_at(end),
        None => (text, ""),
    };
    let rest = rest.trim_start();
    // Cisco puts a colon between the two, with or without a blank.
    let after_colon = rest.strip_prefix(": ").map(str::trim_start).filter(|rest| rest.starts_with('%'));
    let marked = ["%", "CEF:", "LEEF:"].into_iter().any(|marker| rest.starts_with(marker));
    let bare = token.strip_suffix(':').filter(|bare| marked || bare.parse::<IpAddr>().is_ok());
    let token = bare.unwrap_or(token);
    is_host(token).then(|| (token, after_colon.unwrap_or(rest)))
}

fn is_host(token: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:@/%".contains(&byte);
    let lettered = |token: &str| token.bytes().any(|byte| byte.is_ascii_alphabetic());
    (1..=HOST_BYTES_MAX).contains(&token.len())
        && !token.ends_with(':')
        && token.bytes().all(allowed)
        && (lettered(token) || token.parse::<IpAddr>().is_ok())
}

/// What no header goes on with: the message itself.
fn is_marker(text: &str) -> bool {
    ["CEF:", "LEEF:", "%", "{", "<", "[", "\""].into_iter().any(|marker| text.starts_with(marker))
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
}

/// `: `, a sequence number and a host before the time of a Cisco device: `000123: switch-1: *Jun 15 ...`.
fn after_sequence(text: &str) -> (Option<&str>, &str) {
    let mut rest = text.strip_prefix(':').unwrap_or(text).trim_start();
    let digits = leading_digits(rest, 12);
    if let Some(after) = rest.get(digits..).and_then(|after| after.strip_prefix(": ")).filter(|_| digits > 0) {
        rest = after.trim_start();
    }
    let dated = |text: &str| stamp::at_start(text.trim_start_matches(':').trim_start()).is_some();
    // A host has no blank in it, so its colon is the one before the first.
    let Some((Some(name), after)) = rest.split_once(' ').map(|(word, after)| (word.strip_suffix(':'), after)) else {
        return (None, rest);
    };
    let host = is_host(name) && stamp::at_start(rest).is_none() && dated(after);
    if host { (Some(name), after.trim_start()) } else { (None, rest) }
}

/// Host, app, procid, msgid and structured data. Without a version in front they must look like it.
fn tail_5424<'a>(header: &mut Header<'a>, text: &'a str, versioned: bool) -> Option<()> {
    let mut tokens = [""; TOKENS_5424];
    let mut rest = text;
    for token in &mut tokens {
        let end = rest.bytes().take(HOST_BYTES_MAX).position(|byte| byte == b' ')?;
        *token = &rest[..end];
        rest = rest[end..].trim_start_matches(' ');
    }
    let [host, app, procid, msgid] = tokens;
    let nil_or_number = |token: &str| token == "-" || token.parse::<u32>().is_ok();
    let plausible = nil_or_number(procid) || msgid == "-";
    let foreign = tokens.iter().any(|token| token.contains(['=', '"', '{']) || is_marker(token));
    if foreign || !versioned && !plausible {
        return None;
    }
    let (elements, body) = if let Some(end) = structured::end(rest) {
        (Some(&rest[..end]), &rest[end..])
    } else if rest == "-" || rest.starts_with("- ") {
        (None, &rest[1..])
    } else if nil_or_number(procid) && msgid == "-" && versioned {
        (None, rest)
    } else {
        return None;
    };
    if let Some(host) = known(host) {
        header.set_host(host);
    }
    header.app = known(app).or(header.app);
    header.procid = known(procid);
    header.msgid = known(msgid);
    header.structured = elements.or(header.structured);
    header.body = body.trim_start_matches([' ', '\u{feff}']);
    Some(())
}

fn known(token: &str) -> Option<&str> {
    (token != "-").then_some(token)
}

/// Takes `app[pid]: ` off the body.
fn tag(header: &mut Header<'_>) {
    header.body = header.body.strip_prefix(": ").unwrap_or(header.body);
    if let Some((host, rest)) = sender(header) {
        header.set_host(host);
        header.body = rest;
    }
    if let Some(rest) = behind_level(header.body) {
        header.body = rest;
    }
    if let Some((app, pid, rest)) = tag_of(header.body) {
        header.app = Some(app);
        header.procid = pid.and_then(known);
        header.body = rest;
    }
}

/// The sender's name that a relay's address stands before: `10.0.0.9 app-2 auth[374]: `.
fn sender<'a>(header: &Header<'a>) -> Option<(&'a str, &'a str)> {
    header.host.filter(|host| host.parse::<IpAddr>().is_ok())?;
    let (name, rest) = host(header.body)?;
    let tagged = tag_of(rest).is_some_and(|(_, pid, _)| pid.is_some());
    (tagged && !is_level(name) && tag_of(header.body).is_none()).then_some((name, rest))
}

/// F5 puts the level before the program: `notice tmm[111]: `.
fn behind_level(text: &str) -> Option<&str> {
    let (level, rest) = text.split_once(' ')?;
    let tagged = tag_of(rest).is_some_and(|(_, pid, _)| pid.is_some());
    (is_level(level) && tagged).then_some(rest)
}

fn tag_of(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/@()+#".contains(&byte);
    let length = text.bytes().take(APP_BYTES_MAX + 1).take_while(|byte| allowed(*byte)).count();
    let (name, rest) = text.split_at(length);
    if length == 0 || length > APP_BYTES_MAX || is_level(name) || stamp::at_start(text).is_some() {
        return None;
    }
    let inner = rest.strip_prefix('[').and_then(|inner| {
        let end = inner.bytes().take(APP_BYTES_MAX).position(|byte| byte == b']')?;
        let (pid, rest) = inner.split_at(end);
        (!pid.contains(['=', ' ', '"'])).then(|| (pid, &rest[1..]))
    });
    if let Some((pid, rest)) = inner {
        let rest = rest.strip_prefix(':').or_else(|| rest.starts_with(' ').then_some(rest))?;
        return Some((name, Some(pid), rest.trim_start()));
    }
    let rest = rest.strip_prefix(':')?;
    let apart = rest.is_empty() || rest.starts_with([' ', '\t', '{', '<']);
    (apart && !begins_pairs(rest)).then(|| (name, None, rest.trim_start()))
}

/// Whether `Protocol: TCP, Port: 80` is a list of pairs from its first colon on, and `Protocol` no program. What a
/// program says begins with a sentence, or names its first pair itself.
fn begins_pairs(after_colon: &str) -> bool {
    let window = prefix(after_colon, 2 * APP_BYTES_MAX);
    let Some((value, next)) = window.split_once(", ") else { return false };
    let key = next.split_once(": ").map(|(key, _)| key);
    let wordy = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    !value.trim().contains([':', '=', ' ']) && key.is_some_and(wordy)
}

/// At most the first `bytes` bytes, cut between characters.
fn prefix(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

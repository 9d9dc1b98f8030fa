//! The access lines of web servers and proxies: the common and combined log formats and what is built on them, HAProxy's,
//! Squid's own and the default columns of IIS. Their columns have no names in the line; here they get some.

use std::net::IpAddr;

use super::sink::Sink;

/// Before the time stand the client, two names and perhaps the site.
const BEFORE_TIME_BYTES_MAX: usize = 512;
const COLUMNS_MAX: usize = 24;
const METHOD_BYTES: std::ops::RangeInclusive<usize> = 3..=16;

/// Whether the body is such a line.
pub(super) fn read<'a>(body: &'a str, sink: &mut Sink<'a>) -> bool {
    common(body, sink) || columns(body, sink)
}

/// `[site] client ident user [time] "request" status bytes "referrer" "agent"`, `client [time] ... "request"`.
fn common<'a>(body: &'a str, sink: &mut Sink<'a>) -> bool {
    let window = &body[..body.floor_char_boundary(BEFORE_TIME_BYTES_MAX)];
    let Some(open) = window.match_indices('[').map(|(at, _)| at).find(|at| is_time(&body[at + 1..])) else {
        return false;
    };
    let Some(close) = body[open..].find(']').map(|length| open + length) else { return false };
    let before: Vec<&str> = body[..open].split_ascii_whitespace().take(5).collect();
    let client_at = before.iter().position(|word| address(word).is_some());
    let (Some(client_at @ 0..=1), rest) = (client_at, body[close + 1..].trim_start()) else { return false };
    let Some(client) = address(before[client_at]) else { return false };
    let quoted: Vec<&str> = rest.split('"').skip(1).step_by(2).take(4).collect();
    let Some(request) = quoted.first() else { return false };
    sink.push("client_ip", client);
    if client_at == 1 {
        sink.push("vhost", before[0].split_once(':').map_or(before[0], |(site, _)| site));
    }
    if let Some(user) = before.get(client_at + 2) {
        sink.push("remote_user", *user);
    }
    sink.push("request_time", &body[open + 1..close]);
    let asked = requested(request, sink);
    let told = if rest.starts_with('"') { rest.split('"').nth(2) } else { None };
    let mut told = told.unwrap_or_default().split_ascii_whitespace();
    if let Some(status) = told.next() {
        sink.push("http_status", status);
        sink.push("bytes", told.next().unwrap_or_default());
        for (name, value) in ["http_referrer", "user_agent"].into_iter().zip(quoted.iter().skip(1)) {
            sink.push(name, *value);
        }
    }
    if asked {
        sink.push("message", *request);
    }
    true
}

/// `10/Oct/2000:13:55:36`
fn is_time(text: &str) -> bool {
    let shape = b"00/aaa/0000:00:00:00";
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        literal => byte == literal,
    };
    text.len() > shape.len() && text.as_bytes().iter().zip(shape).all(fits)
}

/// `GET /path HTTP/1.1`
fn requested<'a>(request: &'a str, sink: &mut Sink<'a>) -> bool {
    let mut words = request.split_ascii_whitespace();
    let (Some(method), Some(target)) = (words.next().filter(|word| is_method(word)), words.next()) else {
        return false;
    };
    asked(method, target, sink);
    true
}

fn asked<'a>(method: &'a str, target: &'a str, sink: &mut Sink<'a>) {
    sink.push("http_method", method);
    // What is asked of a proxy for a tunnel is a host and a port.
    match target.rsplit_once(':') {
        Some((host, _)) if method == "CONNECT" => sink.push("request_host", host),
        _ => sink.push("request_url", target),
    }
}

fn is_method(word: &str) -> bool {
    METHOD_BYTES.contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase() || b"_-".contains(&byte))
}

/// The lines that begin with their time and have no brackets.
fn columns<'a>(body: &'a str, sink: &mut Sink<'a>) -> bool {
    if !body.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let words: Vec<&str> = body.split_ascii_whitespace().take(COLUMNS_MAX).collect();
    squid(&words, sink) || iis(body, &words, sink)
}

/// `time elapsed client result/status bytes method url user hierarchy/server type`
fn squid<'a>(words: &[&'a str], sink: &mut Sink<'a>) -> bool {
    let [time, _, client, result, bytes, method, url, user, server, ..] = words else { return false };
    let epoch = time.split_once('.').is_some_and(|(seconds, _)| seconds.len() == 10);
    let (Some(client), Some((_, status)), true) = (address(client), result.split_once('/'), is_method(method)) else {
        return false;
    };
    if !epoch || status.len() != 3 {
        return false;
    }
    sink.push("request_time", *time);
    sink.push("message", format!("{result} {method} {url}"));
    sink.push("client_ip", client);
    sink.push("action", *result);
    sink.push("http_status", status);
    sink.push("bytes", *bytes);
    asked(method, url, sink);
    sink.push("remote_user", *user);
    if let Some(server) = server.split_once('/').and_then(|(_, server)| address(server)) {
        sink.push("server_ip", server);
    }
    true
}

/// `date time [site] [server] server-ip method path query port user client-ip agent ... status`
fn iis<'a>(body: &'a str, words: &[&'a str], sink: &mut Sink<'a>) -> bool {
    let [date, clock, ..] = words else { return false };
    if date.len() != 10 || clock.len() != 8 {
        return false;
    }
    let found = words.windows(7).skip(2).take(3).find_map(|row| {
        let [server, method, path, _, port, user, client] = row else { return None };
        let fits = is_method(method) && path.starts_with('/') && port.parse::<u16>().is_ok();
        fits.then_some((address(server)?, *method, *path, *user, address(client)?))
    });
    let Some((server, method, path, user, client)) = found else { return false };
    sink.push("request_time", &body[..date.len() + 1 + clock.len()]);
    sink.push("message", format!("{method} {path}"));
    sink.push("server_ip", server);
    sink.push("client_ip", client);
    sink.push("remote_user", user);
    asked(method, path, sink);
    let behind = words.iter().skip_while(|word| **word != client).nth(1);
    if let Some(agent) = behind.filter(|agent| agent.contains('/')) {
        sink.push("user_agent", agent.replace('+', " "));
    }
    true
}

/// An address, with or without a port.
fn address(word: &str) -> Option<&str> {
    let parsed = |text: &str| text.parse::<IpAddr>().is_ok();
    if parsed(word) {
        return Some(word);
    }
    word.rsplit_once(':').map(|(address, _)| address).filter(|address| parsed(address))
}

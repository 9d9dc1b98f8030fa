//! Canonical forms of names on a network: domains, URLs, mail addresses. Addresses are `address`'s, machines `name`'s.

use std::borrow::Cow;

pub use super::address::ip;

use super::address::is_port;
use super::text::{neutral, refanged, without_prefix};

/// A domain name of at least two labels in ASCII lower case without its trailing dot. Reverse pointers are addresses in
/// disguise and are no domain; neither is anything whose last label is a number, nor a public suffix (`co.uk`), below
/// which names begin.
#[must_use]
pub fn domain(raw: &str) -> Option<Cow<'_, str>> {
    let name = if is_ascii_name(raw) { below_root(Cow::Borrowed(raw)) } else { within(refanged(raw.trim()), dns_name) };
    name.filter(|name| suffix_kind(name) != Some(psl::Type::Icann))
}

/// Whether unrelated people have names directly below this one: `github.io`.
#[must_use]
pub fn is_shared_domain(name: &str) -> bool {
    name == "localhost.localdomain" || suffix_kind(name) == Some(psl::Type::Private)
}

/// What sort of public suffix a name is as a whole, if it is one.
fn suffix_kind(name: &str) -> Option<psl::Type> {
    let suffix = psl::suffix(name.as_bytes())?;
    if suffix.as_bytes().len() == name.len() { suffix.typ() } else { None }
}

/// A domain as a mail address may have it: `gov.uk` is one.
fn dns_name(raw: &str) -> Option<Cow<'_, str>> {
    let bare = raw.strip_prefix('*').unwrap_or(raw);
    let bare = bare.strip_prefix('.').unwrap_or(bare);
    let bare = bare.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(bare, |(host, _)| host);
    below_root(ascii_name(bare.strip_suffix('.').unwrap_or(bare))?)
}

/// The name, if it has a second label and is no address in disguise.
fn below_root(name: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let (_, last) = name.rsplit_once('.')?;
    let reverse = name.ends_with(".in-addr.arpa") || name.ends_with(".ip6.arpa");
    (!reverse && !last.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

/// What `form` makes of a text that may live only here.
fn within<'a>(raw: Cow<'a, str>, form: impl Fn(&str) -> Option<Cow<'_, str>>) -> Option<Cow<'a, str>> {
    match raw {
        Cow::Owned(text) => form(&text).map(|value| Cow::Owned(value.into_owned())),
        Cow::Borrowed(text) => form(text),
    }
}

/// A name of one or more labels, as DNS and NetBIOS in practice write them (`_` included), in lower-case ASCII.
pub(super) fn ascii_name(raw: &str) -> Option<Cow<'_, str>> {
    if is_ascii_name(raw) {
        return Some(Cow::Borrowed(raw));
    }
    let name = if raw.is_ascii() { raw.to_ascii_lowercase() } else { punycode(raw)? };
    is_ascii_name(&name).then_some(Cow::Owned(name))
}

/// Whether [`ascii_name`] would change nothing.
pub(super) fn is_ascii_name(name: &str) -> bool {
    let mut label = 0;
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => label += 1,
            b'.' if label > 0 => label = 0,
            _ => return false,
        }
        if label > 63 {
            return false;
        }
    }
    label > 0 && name.len() <= 253
}

fn punycode(raw: &str) -> Option<String> {
    match url::Host::parse(raw).ok()? {
        url::Host::Domain(name) => Some(name.trim_end_matches('.').to_owned()),
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => None,
    }
}

/// As the WHATWG URL standard writes it. A URL without a scheme or a host names nothing that two products would share.
#[must_use]
pub fn url(raw: &str) -> Option<String> {
    let url = url::Url::parse(refanged(raw.trim()).as_ref()).ok()?;
    let host = url.host_str().is_some_and(|host| !host.is_empty());
    // Userinfo may hold bytes the parser keeps; what is left of controls after it is neutralised like any other text.
    host.then(|| neutral(url.as_str()).into_owned())
}

/// [`url()`], without parsing what is plainly in its form.
pub(super) fn canonical_url(raw: &str) -> Option<Cow<'_, str>> {
    if is_plain_url(raw) { Some(Cow::Borrowed(raw)) } else { url(raw).map(Cow::Owned) }
}

/// Whether a URL has only parts that no parser would touch: a lower-case name for a host, no port, a path without dots
/// at the start of a segment or anything escaped, a query of the usual signs.
pub(super) fn is_plain_url(raw: &str) -> bool {
    let Some(rest) = raw.strip_prefix("https://").or_else(|| raw.strip_prefix("http://")) else { return false };
    let Some((host, rest)) = rest.split_once('/') else { return false };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A host whose last label may be a number is read as an address; one with `xn--` is checked.
    let named =
        host.rsplit('.').next().and_then(|last| last.bytes().next()).is_some_and(|first| first.is_ascii_lowercase());
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
    let name = is_ascii_name(host) && named && !host.contains("xn--");
    let segments =
        path.bytes().all(|byte| sign(byte) || byte == b'/') && !path.starts_with('.') && !path.contains("/.");
    name && segments && query.bytes().all(|byte| sign(byte) || matches!(byte, b'=' | b'&' | b'%' | b'/' | b'+' | b','))
}

/// The host of a canonical URL.
#[must_use]
pub fn url_host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(if host.starts_with('[') { host } else { host.split(':').next()? })
}

/// `local@domain` in lower case. Tags (`bob+news`) are kept: whether they are the same mailbox is its server's business.
#[must_use]
pub fn email(raw: &str) -> Option<Cow<'_, str>> {
    if is_plain_email(raw) {
        return Some(Cow::Borrowed(raw));
    }
    parsed_email(raw).map(Cow::Owned)
}

pub(super) fn parsed_email(raw: &str) -> Option<String> {
    let raw = refanged(raw.trim());
    let inner = raw.rsplit_once('<').map_or(raw.as_ref(), |(_, rest)| rest).trim_end_matches('>').trim();
    let bare = ["mailto:", "smtp:"].iter().find_map(|scheme| without_prefix(inner, scheme)).unwrap_or(inner);
    let (local, at) = bare.rsplit_once('@')?;
    let local = local.strip_prefix('"').and_then(|local| local.strip_suffix('"')).unwrap_or(local);
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\\,;:\"@".contains(c);
    if local.is_empty() || local.contains(odd) || neutral(local) != local {
        return None;
    }
    Some(format!("{}@{}", local.to_lowercase(), dns_name(at)?))
}

pub(super) fn is_plain_email(raw: &str) -> bool {
    let sign = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'+');
    let Some((local, domain)) = raw.split_once('@') else { return false };
    let plain = !local.is_empty() && local.bytes().all(sign) && is_ascii_name(domain);
    plain && dns_name(domain).is_some_and(|name| name == domain)
}

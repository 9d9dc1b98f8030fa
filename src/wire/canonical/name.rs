//! Canonical identities of machines, accounts and sessions.
//!
//! A machine is known by its first label, an account by the first label of its domain and its name: the same machine is
//! `WEB-1` to one product and `web-1.corp.example` to the next, and the same domain `CORP` or `corp.example`. What the
//! identity leaves out is kept beside it, for the reader.

use std::net::IpAddr;

use super::net::{ascii_name, ip};
use super::text::{folded, is_placeholder, refanged};

/// What a host field turned out to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Named { id: String, domain: Option<String> },
    Address(IpAddr),
}

/// What a user field turned out to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    Account {
        id: String,
        domain: Option<String>,
    },
    Sid(String),
    /// `NAME$`: the account of a machine is the machine.
    Machine {
        id: String,
        domain: Option<String>,
    },
}

/// Authorities that are the same on every Windows machine: `NT AUTHORITY\SYSTEM` is `system` everywhere.
const EVERYWHERE: [&str; 9] = [
    "nt authority",
    "nt-autorität",
    "autorite nt",
    "builtin",
    "window manager",
    "font driver host",
    "nt service",
    "iis apppool",
    "workgroup",
];

#[must_use]
pub fn host(raw: &str) -> Option<Host> {
    let raw = refanged(raw.trim());
    let raw = raw.trim_matches('\\').trim_end_matches('.');
    if is_placeholder(raw) {
        return None;
    }
    if let Some(address) = ip(raw) {
        return Some(Host::Address(address));
    }
    let (scope, name) = raw.rsplit_once('\\').map_or((None, raw), |(scope, name)| (Some(scope), name));
    let name = ascii_name(name.strip_suffix('$').unwrap_or(name))?;
    // All digits and dots is a version or a broken address.
    let version = name.contains('.') && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if name.ends_with(".in-addr.arpa") || version {
        return None;
    }
    let (id, rest) = name.split_once('.').map_or((name.as_str(), None), |(id, rest)| (id, Some(rest)));
    let domain = rest.map(str::to_owned).or_else(|| scope.and_then(ascii_name));
    // `unknown.corp.example` is a placeholder with a suffix that some resolver added.
    let says_nothing = is_placeholder(id) || id.bytes().all(|byte| byte == b'0');
    (!says_nothing).then(|| Host::Named { id: id.to_owned(), domain })
}

/// `scope` is the domain a record keeps in a field of its own; one inside `raw` is nearer and wins.
#[must_use]
pub fn user(raw: &str, scope: Option<&str>) -> Option<User> {
    let raw = unquoted(raw);
    if let Some(sid) = sid(raw) {
        return Some(User::Sid(sid));
    }
    let (inner, name) = split_account(raw);
    let name = folded(unquoted(name));
    if is_placeholder(&name) || name.contains(['\\', '@']) || sid(&name).is_some() {
        return None;
    }
    let domain = inner.or(scope).and_then(account_domain);
    if let Some(Host::Named { id, domain: own }) = name.strip_suffix('$').and_then(host) {
        return Some(User::Machine { id, domain: own.or_else(|| domain.as_deref().and_then(ascii_name)) });
    }
    // A record may keep the full domain beside an identity that holds its first label.
    let domain = match (domain, scope.and_then(account_domain)) {
        (Some(inner), Some(scope)) if first_label(&scope) == inner => Some(scope),
        (inner, _) => inner,
    };
    let id = domain.as_deref().map_or_else(|| name.clone(), |domain| format!("{}\\{name}", first_label(domain)));
    Some(User::Account { id, domain })
}

/// `DOMAIN\name` or `name@domain`.
fn split_account(raw: &str) -> (Option<&str>, &str) {
    if let Some((domain, name)) = raw.rsplit_once('\\') {
        return (Some(domain), name);
    }
    raw.rsplit_once('@').map_or((None, raw), |(name, domain)| (Some(domain), name))
}

fn account_domain(raw: &str) -> Option<String> {
    let domain = folded(raw.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\\' | '.')));
    let label = first_label(&domain);
    let says_nothing = |word: &str| is_placeholder(word) || EVERYWHERE.contains(&word);
    let odd = domain.contains(['\\', '@', '"', '\'', '<', '>', '$']) || label.trim() != label;
    (!odd && !says_nothing(&domain) && !says_nothing(label)).then_some(domain)
}

fn unquoted(raw: &str) -> &str {
    raw.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\''))
}

fn first_label(domain: &str) -> &str {
    domain.split_once('.').map_or(domain, |(label, _)| label)
}

/// A Windows security identifier in lower case; the nil SID names nobody.
#[must_use]
pub fn sid(raw: &str) -> Option<String> {
    let raw = raw.trim().trim_matches(['{', '}', '%']);
    let rest = raw.get(..4).filter(|start| start.eq_ignore_ascii_case("s-1-")).map(|_| &raw[4..])?;
    let numbers = rest.split('-').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let lower = raw.to_ascii_lowercase();
    (numbers && raw.len() <= 184 && lower != "s-1-0-0").then_some(lower)
}

/// A logon session's number as `0x…`; zero is no session.
#[must_use]
pub fn logon(raw: &str) -> Option<String> {
    let raw = raw.trim();
    let hex = raw.strip_prefix("0x").or_else(|| raw.strip_prefix("0X"));
    let number = hex.map_or_else(|| raw.parse().ok(), |digits| u64::from_str_radix(digits, 16).ok())?;
    (number != 0 && !raw.starts_with('+')).then(|| format!("{number:#x}"))
}

/// A GUID in lower case without braces; nil names nothing.
#[must_use]
pub fn guid(raw: &str) -> Option<String> {
    let raw = raw.trim().trim_matches(['{', '}']);
    let dashes = [8, 13, 18, 23];
    let shaped = raw.len() == 36
        && raw
            .bytes()
            .enumerate()
            .all(|(i, byte)| if dashes.contains(&i) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    let nil = raw.bytes().all(|byte| matches!(byte, b'0' | b'-'));
    (shaped && !nil).then(|| raw.to_ascii_lowercase())
}

//! Canonical identities of machines and accounts.
//!
//! A machine is known by its first label, an account by the first label of its domain and its name: the same machine is
//! `WEB-1` to one product and `web-1.corp.example` to the next, and the same domain `CORP` or `corp.example`. What the
//! identity leaves out is kept beside it, for the reader. Whether a name is one that every machine has is `shared`'s to
//! say.

use std::borrow::Cow;
use std::net::IpAddr;

use super::address::{ip, is_port};
use super::net::ascii_name;
use super::text::{folded, is_placeholder, refanged, without_prefix};
use super::windows::{guid, is_guid, is_nil_sid, sid};

/// What a host field turned out to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    Named { id: Cow<'a, str>, domain: Option<Cow<'a, str>> },
    Address(IpAddr),
}

/// What a user field turned out to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User<'a> {
    Account {
        id: Cow<'a, str>,
        domain: Option<Cow<'a, str>>,
    },
    Sid(Cow<'a, str>),
    /// An ARN: what acts there may be no person.
    Resource(&'a str),
    /// `NAME$`: the account of a machine is the machine.
    Machine {
        id: String,
        domain: Option<String>,
    },
}

/// Authorities that are the same on every Windows machine: `NT AUTHORITY\SYSTEM` is `system` everywhere.
const EVERYWHERE: [&str; 12] = [
    "nt authority",
    "nt-autorität",
    "autorite nt",
    "autorité nt",
    "builtin",
    "vordefiniert",
    "window manager",
    "font driver host",
    "nt service",
    "nt virtual machine",
    "iis apppool",
    "workgroup",
];

/// Accounts of Windows itself under their other names. The translated ones only below an authority from above: `sistema`
/// may be somebody's.
const SPELLINGS: [(&str, &str); 3] =
    [("localsystem", "system"), ("localservice", "local service"), ("networkservice", "network service")];
const TRANSLATIONS: [(&str, &str); 8] = [
    ("lokaler dienst", "local service"),
    ("netzwerkdienst", "network service"),
    ("anonymous-anmeldung", "anonymous logon"),
    ("système", "system"),
    ("service local", "local service"),
    ("service réseau", "network service"),
    ("sistema", "system"),
    ("servicio local", "local service"),
];

#[must_use]
pub fn host(raw: &str) -> Option<Host<'_>> {
    let raw = raw.trim();
    if is_simple(raw) && raw.bytes().any(|byte| !byte.is_ascii_digit() && byte != b'.') {
        return named_host(raw, None);
    }
    match refanged(raw) {
        Cow::Borrowed(raw) => bare_host(raw),
        Cow::Owned(text) => bare_host(&text).map(|host| match host {
            Host::Named { id, domain } => Host::Named {
                id: Cow::Owned(id.into_owned()),
                domain: domain.map(|domain| Cow::Owned(domain.into_owned())),
            },
            Host::Address(address) => Host::Address(address),
        }),
    }
}

fn bare_host(raw: &str) -> Option<Host<'_>> {
    if let Some(address) = ip(raw.trim_matches('\\').trim_end_matches('.')) {
        return Some(Host::Address(address));
    }
    let (scope, name) = machine(raw);
    if is_placeholder(name) {
        return None;
    }
    let name = name.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(name, |(name, _)| name);
    named_host(name, scope)
}

fn named_host<'a>(name: &'a str, scope: Option<&'a str>) -> Option<Host<'a>> {
    let name = name.trim_end_matches('.');
    let name = ascii_name(name.strip_suffix('$').unwrap_or(name))?;
    // All digits and dots is a version or a broken address.
    let version = name.contains('.') && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if name.ends_with(".in-addr.arpa") || name.ends_with(".ip6.arpa") || version {
        return None;
    }
    let (id, rest) = split_name(name);
    let domain = rest.or_else(|| scope.and_then(ascii_name)).filter(|domain| !is_placeholder(domain));
    // `unknown.corp.example` is a placeholder with a suffix that some resolver added.
    let says_nothing = is_placeholder(&id) || id.bytes().all(|byte| byte == b'0');
    (!says_nothing).then_some(Host::Named { id, domain })
}

/// Whether a name has only the letters of most names, so that none of the rarer spellings can be in it.
fn is_simple(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// [`is_simple`], for an account and the domain beside it.
pub(super) fn is_simple_account(id: &str, domain: Option<&str>) -> bool {
    id.split('\\').all(is_simple) && domain.is_none_or(is_simple)
}

/// The domain and the machine of `\\machine\share`, `DOMAIN\machine` or a name alone.
fn machine(raw: &str) -> (Option<&str>, &str) {
    if let Some(unc) = raw.strip_prefix(r"\\") {
        return (None, unc.trim_start_matches('\\').split('\\').next().unwrap_or_default());
    }
    raw.trim_matches('\\').rsplit_once('\\').map_or((None, raw.trim_matches('\\')), |(scope, name)| (Some(scope), name))
}

/// The first label and the rest.
fn split_name(name: Cow<'_, str>) -> (Cow<'_, str>, Option<Cow<'_, str>>) {
    match name {
        Cow::Borrowed(name) => match name.split_once('.') {
            Some((id, rest)) => (Cow::Borrowed(id), Some(Cow::Borrowed(rest))),
            None => (Cow::Borrowed(name), None),
        },
        Cow::Owned(mut name) => {
            let rest = name.find('.').map(|dot| {
                let rest = name[dot + 1..].to_owned();
                name.truncate(dot);
                Cow::Owned(rest)
            });
            (Cow::Owned(name), rest)
        }
    }
}

/// `scope` is the domain a record keeps in a field of its own; one inside `raw` is nearer and wins.
#[must_use]
pub fn user<'a>(raw: &'a str, scope: Option<&'a str>) -> Option<User<'a>> {
    const SHORT: usize = 16;
    let (inner, name) = split_account(raw);
    let simple =
        is_simple(name) && inner.is_none_or(is_simple) && name.len() < SHORT && without_prefix(name, "s-1-").is_none();
    if simple { account(raw, inner, name, scope) } else { rarely_spelled(raw, scope) }
}

fn rarely_spelled<'a>(raw: &'a str, scope: Option<&'a str>) -> Option<User<'a>> {
    let raw = mailed(unquoted(raw));
    let raw = of_one_realm(login_behind(raw).unwrap_or(raw));
    if without_prefix(raw, "arn:").is_some() {
        return Some(User::Resource(raw));
    }
    if let Some(sid) = sid(raw) {
        return Some(User::Sid(sid));
    }
    if is_guid(raw) {
        // An object id is unique without its directory's name.
        return guid(raw).map(|id| User::Account { id, domain: None });
    }
    if is_principal_id(raw) || is_nil_sid(raw) {
        return None;
    }
    if let Some((name, home)) = guest(raw) {
        return account(raw, Some(home), name, scope);
    }
    let (inner, name) = split_account(raw);
    account(raw, inner, name, scope)
}

/// `CORP\ann@AD`: Cisco's proxies name the realm behind the account; `AzureAD\ann@corp.example` has the whole account
/// there.
fn of_one_realm(raw: &str) -> &str {
    let Some((domain, name)) = raw.split_once('\\').filter(|(_, name)| !name.contains('\\')) else { return raw };
    match name.rsplit_once('@') {
        Some((_, home)) if home.contains('.') && home.contains(|c: char| c.is_ascii_alphabetic()) => name,
        Some((account, _)) => &raw[..domain.len() + 1 + account.len()],
        None => raw,
    }
}

/// `Ann Lee (ann.lee)`, as Check Point and CyberArk write a person and the account. A word that is neither spelled like an
/// account nor like the person, as in `(Contractor)`, is a remark.
fn login_behind(raw: &str) -> Option<&str> {
    let (person, login) = raw.strip_suffix(')')?.rsplit_once(" (")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@\\".contains(&byte);
    let lettered = login.bytes().all(plain) && login.contains(|c: char| c.is_ascii_alphabetic());
    let spelled = login.contains(|c: char| !c.is_ascii_alphabetic());
    let (login_folded, person_folded) = (login.to_ascii_lowercase(), person.to_ascii_lowercase());
    let theirs = |word: &str| word.len() > 2 && (login_folded.contains(word) || word.contains(&*login_folded));
    (lettered && (spelled || person_folded.split(' ').any(theirs))).then_some(login)
}

/// `whole` is where the parts come from.
fn account<'a>(whole: &'a str, inner: Option<&'a str>, name: &'a str, scope: Option<&'a str>) -> Option<User<'a>> {
    let name = folded(unquoted(name));
    if is_placeholder(&name) || name.contains(['\\', '@']) || sid(&name).is_some() || is_nil_sid(&name) {
        return None;
    }
    let scope = scope.and_then(account_domain);
    let own = inner.and_then(account_domain);
    let name = well_known(&name, inner).map_or(name, Cow::Borrowed);
    let domain = if inner.is_some() { own } else { scope.clone() };
    if let Some(Host::Named { id, domain: own }) = name.strip_suffix('$').and_then(host) {
        let domain = own.or_else(|| domain.as_deref().and_then(ascii_name)).map(Cow::into_owned);
        return Some(User::Machine { id: id.into_owned(), domain });
    }
    // A record may keep the full domain beside an identity that holds its first label.
    let domain = match (domain, scope) {
        (Some(inner), Some(scope)) if first_label(&scope) == inner => Some(scope),
        (inner, _) => inner,
    };
    let id = match domain.as_deref() {
        Some(domain) => joined(whole, first_label(domain), &name),
        None => name,
    };
    Some(User::Account { id, domain })
}

/// `label\name`, borrowed where that is how it was written.
fn joined<'a>(whole: &'a str, label: &str, name: &str) -> Cow<'a, str> {
    let rest = whole.strip_prefix(label).and_then(|rest| rest.strip_prefix('\\'));
    if rest == Some(name) {
        return Cow::Borrowed(whole);
    }
    let mut id = String::with_capacity(label.len() + 1 + name.len());
    id.push_str(label);
    id.push('\\');
    id.push_str(name);
    Cow::Owned(id)
}

/// The one name of an account that every Windows machine has.
fn well_known(name: &str, authority: Option<&str>) -> Option<&'static str> {
    let of = |table: &[(&str, &'static str)]| table.iter().find(|(known, _)| *known == name).map(|(_, plain)| *plain);
    let everywhere = || authority.is_some_and(|authority| EVERYWHERE.contains(&folded(authority).as_ref()));
    of(&SPELLINGS).or_else(|| of(&TRANSLATIONS).filter(|_| everywhere()))
}

/// `DOMAIN\name` or `name@domain`.
fn split_account(raw: &str) -> (Option<&str>, &str) {
    if let Some((domain, name)) = raw.rsplit_once('\\') {
        return (Some(domain), name);
    }
    raw.rsplit_once('@').map_or((None, raw), |(name, domain)| (Some(domain), name))
}

fn account_domain(raw: &str) -> Option<Cow<'_, str>> {
    let domain = folded(raw.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\\' | '.')));
    let label = first_label(&domain);
    let says_nothing = |word: &str| is_placeholder(word) || EVERYWHERE.contains(&word);
    let odd = domain.contains(['\\', '@', '"', '\'', '<', '>', '$']) || label.trim() != label;
    (!odd && !says_nothing(&domain) && !says_nothing(label)).then_some(domain)
}

fn unquoted(raw: &str) -> &str {
    raw.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\''))
}

/// What is an account in `Bob B. <bob@corp.example>`, `smtp:bob@corp.example`, `live.com#bob@corp.example`, and
/// `root(uid=0)`.
fn mailed(raw: &str) -> &str {
    let raw = match raw.rsplit_once('<') {
        Some((_, address)) if address.contains('@') => unquoted(address),
        Some(_) | None => raw,
    };
    const PREFIXES: [&str; 5] = ["live.com#", "mail#", "google.com#", "mailto:", "smtp:"];
    let raw = PREFIXES.iter().find_map(|prefix| without_prefix(raw, prefix)).unwrap_or(raw);
    raw.split_once("(uid=").filter(|(_, rest)| rest.ends_with(')')).map_or(raw, |(name, _)| unquoted(name))
}

/// A guest of an Entra tenant carries the address of its home: `bob_home.example#EXT#@tenant.onmicrosoft.com`.
fn guest(raw: &str) -> Option<(&str, &str)> {
    const MARK: &str = "#ext#";
    let at = raw.as_bytes().windows(MARK.len()).position(|part| part.eq_ignore_ascii_case(MARK.as_bytes()))?;
    raw[..at].rsplit_once('_').filter(|(name, home)| !name.is_empty() && home.contains('.'))
}

/// The ids that AWS gives to principals (`AIDA…`, `AROA…:session`): keys of its own tables, which name no person.
fn is_principal_id(raw: &str) -> bool {
    const KINDS: [&str; 12] =
        ["AIDA", "AROA", "AGPA", "AIPA", "ANPA", "ANVA", "ASCA", "APKA", "ABIA", "ACCA", "AKIA", "ASIA"];
    const BYTES_MIN: usize = 16;
    let id = raw.split_once(':').map_or(raw, |(id, _)| id);
    let shaped = id.len() >= BYTES_MIN && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    shaped && KINDS.iter().any(|kind| id.starts_with(kind))
}

fn first_label(domain: &str) -> &str {
    domain.split_once('.').map_or(domain, |(label, _)| label)
}

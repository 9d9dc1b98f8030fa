//! The one way into a value that can be compared: how each kind of observable and entity is written so that equal things
//! read alike. Every function answers `None` for what is no value at all (a placeholder, or not of the kind).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

/// What products write for "nothing". Compared in lower case, trimmed.
const PLACEHOLDERS: [&str; 14] =
    ["", "-", "--", "n/a", "na", "null", "none", "nil", "(null)", "unknown", "undefined", "*", "?", "not available"];

#[must_use]
pub fn is_placeholder(raw: &str) -> bool {
    let raw = raw.trim();
    raw.len() <= 16 && PLACEHOLDERS.iter().any(|word| raw.eq_ignore_ascii_case(word))
}

/// Trimmed, with controls and the marks that turn text around replaced: none of them reaches a terminal, a log or a page.
#[must_use]
pub fn text(raw: &str) -> String {
    raw.trim().chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect()
}

/// C0 and C1 controls but for tab and line ends, and the bidirectional controls of Unicode TR 9.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    control || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `hxxp`, `[.]`, `(dot)` and the like, as analysts write what must not be clicked.
#[must_use]
pub fn refang(raw: &str) -> String {
    let mut out = raw.trim().to_owned();
    for (from, to) in
        [("[.]", "."), ("(.)", "."), ("[dot]", "."), ("(dot)", "."), ("[:]", ":"), ("[@]", "@"), ("[at]", "@")]
    {
        if out.contains(from) {
            out = out.replace(from, to);
        }
    }
    let scheme = out.get(..4).filter(|head| head.eq_ignore_ascii_case("hxxp") || head.eq_ignore_ascii_case("htxp"));
    if scheme.is_some() { format!("http{}", &out[4..]) } else { out }
}

/// IPv4, IPv6 or IPv4 mapped into IPv6; ports, brackets, zone ids and leading zeros are stripped. RFC 5952 for IPv6.
#[must_use]
pub fn ip(raw: &str) -> Option<String> {
    let raw = refang(raw);
    let address = ip_address(raw.trim_matches('"'))?;
    (!address.is_unspecified()).then(|| address.to_string())
}

fn ip_address(raw: &str) -> Option<IpAddr> {
    if let Some(inner) = raw.strip_prefix('[') {
        let (inner, _port) = inner.split_once(']')?;
        return ip_address(inner);
    }
    let raw = raw.split_once('%').map_or(raw, |(address, _zone)| address);
    if let Ok(v6) = raw.parse::<Ipv6Addr>() {
        return Some(v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4));
    }
    // One colon is a port: more are an IPv6 address, and that was tried.
    let host = match raw.split_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        Some(_) => return None,
        None => raw,
    };
    v4(host).map(IpAddr::V4)
}

/// Octets with leading zeros are read as decimal: some products pad them, none means octal.
fn v4(raw: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = raw.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        let fits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        *octet = if fits { part.parse().ok()? } else { return None };
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

#[must_use]
pub fn cidr(raw: &str) -> Option<String> {
    let (address, bits) = raw.trim().split_once('/')?;
    let address = ip_address(address)?;
    let bits: u8 = bits.parse().ok()?;
    match address {
        IpAddr::V4(v4) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            Some(format!("{}/{bits}", Ipv4Addr::from(u32::from(v4) & mask)))
        }
        IpAddr::V6(v6) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            Some(format!("{}/{bits}", Ipv6Addr::from(u128::from(v6) & mask)))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// Lower case, IDN in ASCII (UTS 46 as WHATWG has it), without the trailing dot, with at least one dot.
#[must_use]
pub fn domain(raw: &str) -> Option<String> {
    let raw = refang(raw);
    let raw = raw.trim_end_matches('.');
    if is_placeholder(raw) || ip_address(raw).is_some() || raw.len() > 253 {
        return None;
    }
    match url::Host::parse(raw).ok()? {
        url::Host::Domain(domain) if domain.contains('.') && is_name(&domain) => Some(domain),
        url::Host::Domain(_) | url::Host::Ipv4(_) | url::Host::Ipv6(_) => None,
    }
}

fn is_name(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    domain.split('.').all(label)
}

/// A host by the name that short and fully qualified spellings share: the first label in lower case; an address stays an
/// address. The second part is the domain, where the spelling has one.
#[must_use]
pub fn host(raw: &str) -> Option<(String, Option<String>)> {
    let raw = refang(raw);
    if is_placeholder(&raw) || raw.chars().any(is_unsafe) {
        return None;
    }
    if let Some(address) = ip_address(&raw) {
        return (!address.is_unspecified()).then(|| (address.to_string(), None));
    }
    let (netbios, name) = match raw.rsplit_once('\\') {
        Some((domain, name)) => (Some(domain.trim_start_matches('\\')), name),
        None => (None, raw.as_str()),
    };
    let name = name.trim_end_matches('.').trim_end_matches('$').to_lowercase();
    let (short, domain) = match name.split_once('.') {
        Some((short, domain)) => (short, Some(domain.to_owned())),
        None => (name.as_str(), None),
    };
    let domain = domain.or_else(|| netbios.filter(|domain| !domain.is_empty()).map(str::to_lowercase));
    let named = short.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let valid = !is_placeholder(short) && short.len() <= 255 && named;
    valid.then(|| (short.to_owned(), domain))
}

/// A user by the name that `DOMAIN\\name`, `name@domain.example` and `name` share, in lower case; the second part is the
/// domain, where the spelling has one. A machine account keeps its `$`. A SID is no user name.
#[must_use]
pub fn user(raw: &str) -> Option<(String, Option<String>)> {
    let raw = text(raw).to_lowercase();
    let raw = raw.trim_matches(['<', '>', '"']);
    if is_placeholder(raw) || sid(raw).is_some() || raw.len() > 256 {
        return None;
    }
    let (domain, name) = match raw.rsplit_once('\\') {
        Some((domain, name)) => (Some(domain), name),
        None => match raw.rsplit_once('@') {
            Some((name, domain)) => (Some(domain), name),
            None => (None, raw),
        },
    };
    if is_placeholder(name) || name.contains(['\\', '@', '<', '>', '"']) || name.trim() != name {
        return None;
    }
    let domain = domain.filter(|domain| !is_placeholder(domain) && *domain != ".");
    Some((name.to_owned(), domain.map(str::to_owned)))
}

/// A Windows security identifier, in lower case.
#[must_use]
pub fn sid(raw: &str) -> Option<String> {
    let raw = raw.trim().to_ascii_lowercase();
    let rest = raw.strip_prefix("s-1-")?;
    let numbers = rest.split('-').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    (numbers && raw != "s-1-0-0").then_some(raw)
}

/// MD5, SHA-1, SHA-256 or SHA-512 (and imphash, which looks like MD5), by length, in lower case; `SHA256=…` and
/// `sha256:…` are understood. All zeros is no hash.
#[must_use]
pub fn hash(raw: &str) -> Option<String> {
    let raw = raw.trim();
    let digits = raw.rsplit_once(['=', ':']).map_or(raw, |(_, digits)| digits);
    let known = matches!(digits.len(), 32 | 40 | 64 | 96 | 128) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    (known && digits.bytes().any(|b| b != b'0')).then(|| digits.to_ascii_lowercase())
}

/// As WHATWG parses it, without the fragment.
#[must_use]
pub fn url(raw: &str) -> Option<String> {
    let mut url = Url::parse(&refang(raw)).ok()?;
    if !matches!(url.scheme(), "http" | "https" | "ftp" | "ftps" | "ws" | "wss") || url.host_str().is_none() {
        return None;
    }
    url.set_fragment(None);
    Some(url.into())
}

#[must_use]
pub fn email(raw: &str) -> Option<String> {
    let raw = refang(raw);
    // `J. Doe <j.doe@example.com>`
    let address = raw.rsplit_once('<').map_or(raw.as_str(), |(_, rest)| rest.trim_end_matches('>'));
    let (local, host) = address.trim().rsplit_once('@')?;
    let host = domain(host)?;
    let valid = !local.is_empty() && local.len() <= 64 && !local.contains(|c: char| c.is_whitespace() || is_unsafe(c));
    valid.then(|| format!("{}@{host}", local.to_lowercase()))
}

/// Twelve hexadecimal digits with any of the usual separators; broadcast and zero are no one's address.
#[must_use]
pub fn mac(raw: &str) -> Option<String> {
    let digits: String = raw.trim().chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    let valid = digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let digits = digits.to_ascii_lowercase();
    if !valid || digits == "ffffffffffff" || digits == "000000000000" {
        return None;
    }
    let pairs: Vec<&str> = (0..6).filter_map(|at| digits.get(at * 2..at * 2 + 2)).collect();
    Some(pairs.join(":"))
}

/// Lower case, since Windows does not tell cases apart; separators are kept, since they tell the systems apart.
#[must_use]
pub fn path(raw: &str) -> Option<String> {
    let raw = text(raw);
    let raw = raw.trim_matches('"').to_lowercase();
    (!is_placeholder(&raw) && raw.len() <= 4_096).then_some(raw)
}

/// A GUID or number of a process, a logon or a session: lower case, without braces; zeros are none.
#[must_use]
pub fn id(raw: &str) -> Option<String> {
    let raw = text(raw).to_lowercase();
    let raw = raw.trim_matches(['{', '}']);
    let empty = raw.bytes().all(|b| matches!(b, b'0' | b'-' | b'x'));
    (!is_placeholder(raw) && !empty && raw.len() <= 512).then(|| raw.to_owned())
}

#[must_use]
pub fn cve(raw: &str) -> Option<String> {
    let raw = raw.trim().to_ascii_uppercase();
    let (year, number) = raw.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |part: &str, least: usize| part.len() >= least && part.bytes().all(|b| b.is_ascii_digit());
    (year.len() == 4 && digits(year, 4) && digits(number, 4)).then(|| raw.clone())
}

/// `T1003` or `T1003.001`.
#[must_use]
pub fn technique(raw: &str) -> Option<String> {
    let raw = raw.trim().trim_start_matches("attack.").to_ascii_uppercase();
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    let rest = raw.strip_prefix('T')?;
    let valid = match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    };
    valid.then(|| raw.clone())
}

/// The Enterprise tactics of ATT&CK: id, name, and the abbreviation that Hayabusa prints.
const TACTICS: [(&str, &str, &str); 14] = [
    ("TA0043", "reconnaissance", "recon"),
    ("TA0042", "resource-development", "resdev"),
    ("TA0001", "initial-access", "initaccess"),
    ("TA0002", "execution", "exec"),
    ("TA0003", "persistence", "persis"),
    ("TA0004", "privilege-escalation", "privesc"),
    ("TA0005", "defense-evasion", "evas"),
    ("TA0006", "credential-access", "credaccess"),
    ("TA0007", "discovery", "disc"),
    ("TA0008", "lateral-movement", "latmov"),
    ("TA0009", "collection", "collect"),
    ("TA0011", "command-and-control", "c2"),
    ("TA0010", "exfiltration", "exfil"),
    ("TA0040", "impact", "impact"),
];

/// A tactic by its id, its name (`Lateral Movement`, `lateral_movement`) or Hayabusa's abbreviation.
#[must_use]
pub fn tactic(raw: &str) -> Option<&'static str> {
    let raw = raw.trim().trim_start_matches("attack.").to_ascii_lowercase().replace([' ', '_'], "-");
    let same = |(id, name, short): &&(&str, &str, &str)| raw.eq_ignore_ascii_case(id) || raw == *name || raw == *short;
    TACTICS.iter().find(same).map(|(id, _, _)| *id)
}

/// Everything else: neutralised text, no placeholder.
#[must_use]
pub fn plain(raw: &str) -> Option<String> {
    let raw = text(raw);
    (!is_placeholder(&raw)).then_some(raw)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Form = fn(&str) -> Option<String>;

    fn table(form: Form, rows: &[(&str, Option<&str>)]) {
        for (raw, wanted) in rows {
            assert_eq!(form(raw).as_deref(), *wanted, "{raw:?}");
        }
    }

    #[test]
    fn addresses() {
        table(
            ip,
            &[
                ("10.0.0.1", Some("10.0.0.1")),
                (" 10.0.0.1 ", Some("10.0.0.1")),
                ("010.000.000.001", Some("10.0.0.1")),
                ("192.0.2.1:443", Some("192.0.2.1")),
                ("[2001:DB8::1]:443", Some("2001:db8::1")),
                ("2001:0db8:0:0:0:0:0:1", Some("2001:db8::1")),
                ("fe80::1%eth0", Some("fe80::1")),
                ("::ffff:192.0.2.1", Some("192.0.2.1")),
                ("192[.]0[.]2[.]1", Some("192.0.2.1")),
                ("0.0.0.0", None),
                ("::", None),
                ("-", None),
                ("10.0.0", None),
                ("10.0.0.256", None),
                ("10.0.0.1.2", None),
                ("10.0.18362.449", None),
                ("1.2.3.4:port", None),
                ("example.com", None),
            ],
        );
        table(
            cidr,
            &[
                ("10.1.2.3/8", Some("10.0.0.0/8")),
                ("10.1.2.3/0", Some("0.0.0.0/0")),
                ("2001:db8::1/32", Some("2001:db8::/32")),
                ("10.0.0.0/33", None),
                ("10.0.0.0", None),
            ],
        );
        table(
            mac,
            &[
                ("00-1A-2B-3C-4D-5E", Some("00:1a:2b:3c:4d:5e")),
                ("001a.2b3c.4d5e", Some("00:1a:2b:3c:4d:5e")),
                ("FF:FF:FF:FF:FF:FF", None),
                ("00:1a:2b", None),
            ],
        );
    }

    #[test]
    fn names() {
        table(
            domain,
            &[
                ("Example.COM.", Some("example.com")),
                ("evil[.]example[.]com", Some("evil.example.com")),
                ("bücher.example", Some("xn--bcher-kva.example")),
                ("_ldap._tcp.example.com", Some("_ldap._tcp.example.com")),
                ("localhost", None),
                ("10.0.0.1", None),
                ("a..b", None),
                ("-", None),
                ("not a domain.com", None),
            ],
        );
        let short: Form = |raw| host(raw).map(|(name, _)| name);
        table(
            short,
            &[
                ("WEB-1", Some("web-1")),
                ("web-1.corp.example", Some("web-1")),
                ("CORP\\WEB-1$", Some("web-1")),
                ("\\\\WEB-1", Some("web-1")),
                ("10.0.0.7", Some("10.0.0.7")),
                ("n/a", None),
                ("", None),
                ("two words", None),
            ],
        );
        let name: Form = |raw| user(raw).map(|(name, _)| name);
        table(
            name,
            &[
                ("CORP\\J.Doe", Some("j.doe")),
                ("corp.example\\j.doe", Some("j.doe")),
                ("CORP\\WEB-1$", Some("web-1$")),
                ("NT AUTHORITY\\SYSTEM", Some("system")),
                ("j.doe@corp.example", Some("j.doe")),
                ("J.Doe", Some("j.doe")),
                ("CORP\\-", None),
                ("-", None),
                ("S-1-5-18", None),
            ],
        );
        table(
            email,
            &[
                ("J. Doe <J.Doe@Example.com>", Some("j.doe@example.com")),
                ("j.doe[@]example[.]com", Some("j.doe@example.com")),
                ("j.doe", None),
                ("@example.com", None),
            ],
        );
    }

    #[test]
    fn artefacts() {
        table(
            hash,
            &[
                ("MD5=D7AB69FAD18D4A643D84A271DFC0DBDF", Some("d7ab69fad18d4a643d84a271dfc0dbdf")),
                ("sha1:8dca9749cd48d286950e7a9fa1088c937cbccad4", Some("8dca9749cd48d286950e7a9fa1088c937cbccad4")),
                ("00000000000000000000000000000000", None),
                ("d7ab", None),
                ("zzab69fad18d4a643d84a271dfc0dbdf", None),
            ],
        );
        table(
            url,
            &[
                ("hxxp://Evil[.]example/a b#top", Some("http://evil.example/a%20b")),
                ("HTTPS://EXAMPLE.com:443/x", Some("https://example.com/x")),
                ("/index.html", None),
                ("mailto:a@example.com", None),
            ],
        );
        table(
            sid,
            &[("S-1-5-21-1-2-3-500", Some("s-1-5-21-1-2-3-500")), ("S-1-0-0", None), ("S-1-", None), ("S-2-5", None)],
        );
        table(
            id,
            &[
                ("{F0D8D782-DA94-5F62-EC04-000000000400}", Some("f0d8d782-da94-5f62-ec04-000000000400")),
                ("0x29D9BA", Some("0x29d9ba")),
                ("{00000000-0000-0000-0000-000000000000}", None),
                ("0x0", None),
                ("-", None),
            ],
        );
        table(cve, &[("cve-2021-44228", Some("CVE-2021-44228")), ("CVE-21-1", None)]);
        table(
            technique,
            &[("t1003.001", Some("T1003.001")), ("attack.t1059", Some("T1059")), ("T10", None), ("TA0001", None)],
        );
        let tactics: Form = |raw| tactic(raw).map(str::to_owned);
        table(
            tactics,
            &[
                ("Exec", Some("TA0002")),
                ("Lateral Movement", Some("TA0008")),
                ("attack.command_and_control", Some("TA0011")),
                ("ta0006", Some("TA0006")),
                ("something", None),
            ],
        );
    }

    #[test]
    fn nothing_that_turns_text_around_survives() {
        assert_eq!(text("a\u{202e}b\u{0007}c\u{0085}d\te"), "a\u{fffd}b\u{fffd}c\u{fffd}d\te");
    }

    proptest! {
        #[test]
        fn canonical_forms_are_their_own_canonical_form(raw in "\\PC{0,40}|[a-zA-Z0-9.:/@\\\\_-]{1,40}|[0-9a-fA-F]{32}") {
            let forms: [Form; 11] = [ip, cidr, domain, hash, url, email, mac, path, id, cve, sid];
            for form in forms {
                if let Some(once) = form(&raw) {
                    prop_assert_eq!(form(&once), Some(once.clone()));
                }
            }
            if let Some((once, _)) = host(&raw) {
                prop_assert_eq!(host(&once).map(|(name, _)| name), Some(once.clone()));
            }
            if let Some((once, _)) = user(&raw) {
                prop_assert_eq!(user(&once).map(|(name, _)| name), Some(once.clone()));
            }
        }
    }
}

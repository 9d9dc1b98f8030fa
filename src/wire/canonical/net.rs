//! Canonical forms of what travels on a network: addresses, names, URLs, mail.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::text::{neutral, refanged};

/// One form for an address, whatever brackets, port, zone, IPv4 mapping or leading zeros it came with. Unspecified
/// addresses (`0.0.0.0`, `::`) are placeholders, not values.
#[must_use]
pub fn ip(raw: &str) -> Option<IpAddr> {
    let raw = raw.trim();
    let address = bare_ip(raw).or_else(|| bare_ip(&refanged(raw)))?;
    (!address.is_unspecified()).then_some(address)
}

fn bare_ip(raw: &str) -> Option<IpAddr> {
    if let Some(inside) = raw.strip_prefix('[') {
        let (address, rest) = inside.split_once(']')?;
        let port_or_nothing = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        return ipv6(address).filter(|_| port_or_nothing);
    }
    match raw.bytes().filter(|&byte| byte == b':').count() {
        0 => ipv4(raw).map(IpAddr::V4),
        1 => raw.split_once(':').filter(|(_, port)| is_port(port)).and_then(|(host, _)| ipv4(host)).map(IpAddr::V4),
        _ => ipv6(raw),
    }
}

fn is_port(raw: &str) -> bool {
    raw.len() <= 5 && raw.parse::<u16>().is_ok()
}

/// Leading zeros are decimal: loggers pad, and reading them as octal would name another machine.
fn ipv4(raw: &str) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut parts = raw.split('.');
    for octet in &mut octets {
        let part = parts.next().filter(|part| (1..=3).contains(&part.len()))?;
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        *octet = part.parse::<u16>().ok().filter(|_| digits).and_then(|value| u8::try_from(value).ok())?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

fn ipv6(raw: &str) -> Option<IpAddr> {
    let without_zone = raw.split_once('%').map_or(raw, |(address, _)| address);
    let address: Ipv6Addr = without_zone.parse().ok()?;
    Some(address.to_canonical())
}

/// Whether an address names a place that every machine shares (loopback, link-local, multicast, broadcast): shown, but
/// it says nothing about two alerts belonging together.
#[must_use]
pub fn is_shared(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.octets()[3] == 255,
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_multicast(),
    }
}

/// `address/length` with the host bits cleared.
#[must_use]
pub fn cidr(raw: &str) -> Option<String> {
    let raw = refanged(raw.trim());
    let (address, length) = raw.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    let network = match bare_ip(address)? {
        IpAddr::V4(v4) if length <= 32 => {
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & u32::MAX.checked_shl(32 - length).unwrap_or(0)))
        }
        IpAddr::V6(v6) if length <= 128 => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(128 - length).unwrap_or(0)))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => return None,
    };
    Some(format!("{network}/{length}"))
}

/// A domain name of at least two labels in ASCII lower case without its trailing dot. Reverse pointers are addresses in
/// disguise and are no domain; neither is anything whose last label is a number.
#[must_use]
pub fn domain(raw: &str) -> Option<String> {
    let raw = refanged(raw.trim());
    let bare = raw.strip_prefix("*.").unwrap_or(&raw);
    let bare = bare.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(bare, |(host, _)| host);
    let ascii = ascii_name(bare.strip_suffix('.').unwrap_or(bare))?;
    let last = ascii.rsplit_once('.')?.1;
    let reverse = ascii.ends_with(".in-addr.arpa") || ascii.ends_with(".ip6.arpa");
    (!reverse && !last.bytes().all(|byte| byte.is_ascii_digit())).then_some(ascii)
}

/// A name of one or more labels, as DNS and NetBIOS in practice write them (`_` included), in lower-case ASCII.
pub(super) fn ascii_name(raw: &str) -> Option<String> {
    let name = if raw.is_ascii() { raw.to_ascii_lowercase() } else { punycode(raw)? };
    let fits = |label: &str| (1..=63).contains(&label.len());
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (name.len() <= 253 && name.bytes().all(letter) && name.split('.').all(fits)).then_some(name)
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

#[must_use]
pub fn email(raw: &str) -> Option<String> {
    let raw = refanged(raw.trim());
    let inner = raw.rsplit_once('<').map_or(raw.as_ref(), |(_, rest)| rest).trim_end_matches('>').trim();
    let bare = inner.strip_prefix("mailto:").unwrap_or(inner);
    let (local, at) = bare.rsplit_once('@')?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"' | '@' | ':');
    if local.is_empty() || local.contains(odd) || neutral(local) != local {
        return None;
    }
    Some(format!("{}@{}", local.to_lowercase(), domain(at)?))
}

/// Six octets in lower-case hexadecimal with colons; all zeros and broadcast name no device.
#[must_use]
pub fn mac(raw: &str) -> Option<String> {
    let raw = raw.trim();
    let separator = |byte: u8| matches!(byte, b':' | b'-' | b'.');
    if !raw.bytes().all(|byte| byte.is_ascii_hexdigit() || separator(byte)) {
        return None;
    }
    let digits = raw.replace([':', '-', '.'], "").to_ascii_lowercase();
    let nobody = digits.bytes().all(|byte| byte == b'0') || digits.bytes().all(|byte| byte == b'f');
    if digits.len() != 12 || nobody {
        return None;
    }
    let octets: Vec<&str> = (0..6).map(|i| &digits[i * 2..i * 2 + 2]).collect();
    Some(octets.join(":"))
}

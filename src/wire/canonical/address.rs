//! Canonical forms of addresses: IP, network, MAC. Names on the network are `net`'s.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::text::refanged;

/// One form for an address, whatever brackets, port, zone, IPv4 embedding, single-host mask or leading zeros it came
/// with. Unspecified addresses (`0.0.0.0`, `::`) are placeholders, not values.
#[must_use]
pub fn ip(raw: &str) -> Option<IpAddr> {
    let raw = raw.trim();
    if !raw.bytes().next().is_some_and(|first| first.is_ascii_hexdigit() || matches!(first, b':' | b'[')) {
        return None;
    }
    // Names of machines begin with such a letter, too; but no address is without one of these signs.
    if !raw.bytes().any(|byte| matches!(byte, b'.' | b':' | b'[' | b'(' | b'{')) {
        return None;
    }
    let address = bare_ip(raw).or_else(|| single_host(raw)).or_else(|| bare_ip(&refanged(raw)))?;
    (!address.is_unspecified()).then_some(address)
}

/// Whether a text is an IPv4 address in the one form that it has.
#[must_use]
pub fn is_dotted_quad(raw: &str) -> bool {
    let octet = |group: &[u8]| match group {
        [a] => a.is_ascii_digit(),
        [b'1'..=b'9', b] => b.is_ascii_digit(),
        [b'1', b, c] | [b'2', b @ b'0'..=b'4', c] => b.is_ascii_digit() && c.is_ascii_digit(),
        [b'2', b'5', c] => matches!(c, b'0'..=b'5'),
        _ => false,
    };
    let mut groups = 0;
    let mut each = raw.as_bytes().split(|&byte| byte == b'.').inspect(|_| groups += 1);
    each.all(octet) && groups == 4 && raw != "0.0.0.0"
}

fn bare_ip(raw: &str) -> Option<IpAddr> {
    if let Some(inside) = raw.strip_prefix('[') {
        let (address, rest) = inside.split_once(']')?;
        let port_or_nothing = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        return ipv6(address).filter(|_| port_or_nothing).map(embedded);
    }
    match raw.bytes().filter(|&byte| byte == b':').count() {
        0 => ipv4(raw).map(IpAddr::V4),
        1 => raw.split_once(':').filter(|(_, port)| is_port(port)).and_then(|(host, _)| ipv4(host)).map(IpAddr::V4),
        _ => ipv6(raw).map(embedded),
    }
}

/// `10.1.2.3/32`, as databases print an address.
fn single_host(raw: &str) -> Option<IpAddr> {
    let (address, length) = raw.split_once('/')?;
    match length {
        "32" => ipv4(address).map(IpAddr::V4),
        "128" => ipv6(address).map(embedded),
        _ => None,
    }
}

pub(super) fn is_port(raw: &str) -> bool {
    (1..=5).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_digit()) && raw.parse::<u16>().is_ok()
}

/// Leading zeros are decimal: loggers pad, and reading them as octal would name another machine.
fn ipv4(raw: &str) -> Option<Ipv4Addr> {
    if raw.len() > 15 {
        return None;
    }
    let mut octets = [0_u8; 4];
    let mut parts = raw.split('.');
    for octet in &mut octets {
        let part = parts.next().filter(|part| (1..=3).contains(&part.len()))?;
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        *octet = if digits { part.parse().ok()? } else { return None };
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

fn ipv6(raw: &str) -> Option<Ipv6Addr> {
    raw.split_once('%').map_or(raw, |(address, _)| address).parse().ok()
}

/// An IPv4 address that is only carried in IPv6 is that address: mapped (RFC 4291), or by NAT64 (RFC 6052). 6to4 and
/// Teredo carry the address of a gateway, which is another machine.
fn embedded(address: Ipv6Addr) -> IpAddr {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => address.to_canonical(),
    }
}

/// Whether an address names a place that every machine shares (this network, loopback, link-local, multicast, reserved,
/// broadcast; RFC 6890): shown, but it says nothing about two alerts belonging together.
#[must_use]
pub fn is_shared(address: IpAddr) -> bool {
    /// Azure's platform, as every machine there sees it.
    const AZURE_PLATFORM: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    match address {
        IpAddr::V4(v4) => {
            let [first, .., last] = v4.octets();
            v4.is_loopback() || v4.is_link_local() || first == 0 || first >= 224 || last == 255 || v4 == AZURE_PLATFORM
        }
        IpAddr::V6(v6) => {
            let site_local = v6.segments()[0] & 0xffc0 == 0xfec0;
            v6.is_loopback() || v6.is_unicast_link_local() || v6.is_multicast() || site_local
        }
    }
}

/// `address/length` with the host bits cleared; the length may be a mask. A network of all addresses says nothing.
#[must_use]
pub fn cidr(raw: &str) -> Option<String> {
    let raw = refanged(raw.trim());
    let (address, length) = raw.split_once('/')?;
    let address = bare_ip(address)?;
    let mapped = length.parse().ok().filter(|_| raw.contains(':'));
    let length = match (address, mapped) {
        // Written in IPv6, a carried network is 96 bits longer.
        (IpAddr::V4(_), Some(length)) => u32::checked_sub(length, 96)?,
        _ => mask_length(length)?,
    };
    let network = match address {
        IpAddr::V4(v4) if (1..=32).contains(&length) => {
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & u32::MAX.checked_shl(32 - length)?))
        }
        IpAddr::V6(v6) if (1..=128).contains(&length) => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(128 - length)?))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => return None,
    };
    (!network.is_unspecified()).then(|| format!("{network}/{length}"))
}

/// `24` or `255.255.255.0`.
fn mask_length(raw: &str) -> Option<u32> {
    if raw.len() <= 3 && raw.bytes().all(|byte| byte.is_ascii_digit()) {
        return raw.parse().ok();
    }
    let mask = ipv4(raw)?.to_bits();
    (mask.leading_ones() + mask.trailing_zeros() == 32).then(|| mask.leading_ones())
}

/// Six octets in lower-case hexadecimal with colons; all zeros and broadcast name no device.
#[must_use]
pub fn mac(raw: &str) -> Option<Cow<'_, str>> {
    let octets = octets(raw.trim())?;
    if octets == [0; 6] || octets == [0xff; 6] {
        return None;
    }
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let mut text = String::with_capacity(17);
    for octet in octets {
        if !text.is_empty() {
            text.push(':');
        }
        text.push(digit(octet >> 4));
        text.push(digit(octet & 15));
    }
    Some(if text == raw { Cow::Borrowed(raw) } else { Cow::Owned(text) })
}

/// Six groups of one or two digits, or twelve digits in one, two or three groups.
fn octets(raw: &str) -> Option<[u8; 6]> {
    const BYTES_MAX: usize = 17;
    let hex = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-' | b'.' | b' ');
    if raw.len() > BYTES_MAX || !raw.bytes().all(hex) {
        return None;
    }
    let groups = || raw.split([':', '-', '.', ' ']);
    let count = groups().count();
    let mut octets = [0; 6];
    if count == 6 {
        for (octet, group) in octets.iter_mut().zip(groups()) {
            *octet = u8::from_str_radix(group, 16).ok().filter(|_| group.len() <= 2)?;
        }
        return Some(octets);
    }
    let even = matches!(count, 1..=3) && groups().all(|group| group.len() * count == 12);
    let mut digits =
        raw.bytes().filter(|byte| even && byte.is_ascii_hexdigit()).map(|byte| char::from(byte).to_digit(16));
    for octet in &mut octets {
        *octet = u8::try_from(digits.next()?? * 16 + digits.next()??).ok()?;
    }
    Some(octets)
}

/// Whether a canonical MAC address is that of a group of devices.
#[must_use]
pub fn is_group(mac: &str) -> bool {
    mac.get(..2).and_then(|octet| u8::from_str_radix(octet, 16).ok()).is_some_and(|octet| octet & 1 == 1)
}

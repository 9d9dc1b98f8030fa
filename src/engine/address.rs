//! Which addresses can be correlation keys, and in what address space. Everything else about an address (its canonical
//! form) was decided by `wire`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address means one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Everywhere.
    Public,
    /// Inside one site of one tenant.
    Private,
}

/// None for an address that never tells one machine from another: loopback, link-local, multicast, broadcast …
#[must_use]
pub fn space_of(address: IpAddr) -> Option<Space> {
    match address.to_canonical() {
        IpAddr::V4(v4) => space_of_v4(v4),
        IpAddr::V6(v6) => space_of_v6(v6),
    }
}

fn space_of_v4(address: Ipv4Addr) -> Option<Space> {
    let [first, second, _, last] = address.octets();
    let carrier_nat = first == 100 && (64..128).contains(&second);
    let private = address.is_private() || carrier_nat;
    let reserved = first == 0 || first >= 224;
    if reserved || address.is_loopback() || address.is_link_local() || (private && last == 255) {
        return None;
    }
    Some(if private { Space::Private } else { Space::Public })
}

fn space_of_v6(address: Ipv6Addr) -> Option<Space> {
    let silent = address.is_unspecified() || address.is_loopback() || address.is_multicast();
    if silent || address.is_unicast_link_local() {
        return None;
    }
    Some(if address.is_unique_local() { Space::Private } else { Space::Public })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(raw: &str) -> Option<Space> {
        space_of(raw.parse().unwrap())
    }

    #[test]
    fn private_ranges_are_scoped_and_public_ones_are_not() {
        for raw in ["10.1.2.3", "172.31.0.1", "192.168.1.20", "100.64.0.9", "fd00::1"] {
            assert_eq!(space(raw), Some(Space::Private), "{raw}");
        }
        for raw in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "203.0.113.7", "2001:db8::1", "::ffff:8.8.8.8"] {
            assert_eq!(space(raw), Some(Space::Public), "{raw}");
        }
    }

    #[test]
    fn an_address_of_nobody_or_everybody_is_no_key() {
        let none =
            ["127.0.0.1", "169.254.1.1", "224.0.0.251", "255.255.255.255", "0.0.0.0", "192.168.1.255", "240.0.0.1"];
        for raw in none.into_iter().chain(["::", "::1", "fe80::1", "ff02::fb", "::ffff:127.0.0.1"]) {
            assert_eq!(space(raw), None, "{raw}");
        }
    }
}

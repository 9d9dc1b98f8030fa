//! Which canonical values unrelated alerts have in common by nature: what every machine, network or installation has.
//! They are shown, and link nothing. What is merely frequent somewhere is the engine's to find out.

use super::address;
use super::net::{is_shared_domain, url_host};
use crate::model::{EntityKind, ObservableKind};

/// Whether a canonical value is one that unrelated alerts share by nature. It is shown, and links nothing.
#[must_use]
pub fn is_shared(kind: ObservableKind, value: &str) -> bool {
    match kind {
        ObservableKind::Ip => value.parse().is_ok_and(address::is_shared),
        ObservableKind::Domain => is_shared_domain(value),
        ObservableKind::Url => url_host(value).is_some_and(is_shared_host),
        ObservableKind::Hash => is_empty_file(value),
        ObservableKind::FilePath => is_system_path(value),
        ObservableKind::Mac => address::is_group(value),
        ObservableKind::Cidr
        | ObservableKind::Email
        | ObservableKind::FileName
        | ObservableKind::Certificate
        | ObservableKind::Ja3
        | ObservableKind::Ja4
        | ObservableKind::UserAgent
        | ObservableKind::RegistryKey
        | ObservableKind::Cve
        | ObservableKind::MessageId
        | ObservableKind::CommandLine
        | ObservableKind::AccessKey
        | ObservableKind::Other => false,
    }
}

/// Whether a canonical identity is one that every machine has. `root` and `administrator` are not among them: each is an
/// account of its machine, and a case may well be about that one.
#[must_use]
pub fn is_shared_identity(kind: EntityKind, id: &str) -> bool {
    match kind {
        EntityKind::Host => is_shared_host(id),
        EntityKind::User => is_system_account(id.rsplit_once('\\').map_or(id, |(_, name)| name)),
        EntityKind::Sid => is_well_known_sid(id),
        // SYSTEM, ANONYMOUS LOGON, LOCAL SERVICE and NETWORK SERVICE.
        EntityKind::Logon => matches!(id, "0x3e7" | "0x3e6" | "0x3e5" | "0x3e4"),
        EntityKind::Process
        | EntityKind::CloudResource
        | EntityKind::CloudSession
        | EntityKind::Container
        | EntityKind::Mailbox
        | EntityKind::Service
        | EntityKind::Other => false,
    }
}

fn is_shared_host(host: &str) -> bool {
    const LOCAL: [&str; 7] = [
        "localhost",
        "localhost4",
        "localhost6",
        "localhost.localdomain",
        "ip6-localhost",
        "ip6-loopback",
        "broadcasthost",
    ];
    LOCAL.contains(&host) || address::ip(host).is_some_and(address::is_shared)
}

fn is_system_account(name: &str) -> bool {
    const ACCOUNTS: [&str; 8] = [
        "system",
        "local service",
        "network service",
        "anonymous logon",
        "trustedinstaller",
        "everyone",
        "authenticated users",
        "defaultapppool",
    ];
    let numbered = |prefix: &str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    ACCOUNTS.contains(&name) || numbered("dwm-") || numbered("umfd-")
}

/// Everyone, the services and groups that are built in, service and virtual accounts, integrity levels, capabilities.
/// What remains are accounts of a domain, of a machine or of Entra, and logon sessions.
fn is_well_known_sid(sid: &str) -> bool {
    const FAMILIES: [&str; 14] = [
        "s-1-1-",
        "s-1-2-",
        "s-1-3-",
        "s-1-5-32-",
        "s-1-5-64-",
        "s-1-5-65-",
        "s-1-5-80-",
        "s-1-5-82-",
        "s-1-5-83-",
        "s-1-5-90-",
        "s-1-5-96-",
        "s-1-15-",
        "s-1-16-",
        "s-1-18-",
    ];
    let alone = |number: &str| !number.contains('-');
    sid.strip_prefix("s-1-5-").is_some_and(alone) || FAMILIES.iter().any(|family| sid.starts_with(family))
}

/// The digests of nothing: every product reports them, about every empty file.
fn is_empty_file(hash: &str) -> bool {
    const EMPTY: [&str; 6] = [
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
        concat!(
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce",
            "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
        ),
    ];
    EMPTY.contains(&hash)
}

/// Files that every machine of a platform has; two alerts that both name one of them have nothing in common.
fn is_system_path(path: &str) -> bool {
    const SYSTEM: [&str; 11] = [
        r"c:\windows",
        r"c:\program files",
        r"c:\program files (x86)",
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib64",
        "/proc",
        "/dev/null",
        "/System",
    ];
    let below = |rest: &str| rest.is_empty() || rest.starts_with(['/', '\\']);
    SYSTEM.iter().any(|place| path.strip_prefix(place).is_some_and(below))
}

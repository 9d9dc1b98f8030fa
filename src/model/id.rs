//! Names of things. Ids come from inputs, never from a dice roll: a replay of the same records gives the same ids.

use std::fmt;
use std::sync::Arc;

const TENANT_BYTES_MAX: usize = 64;

/// The isolation boundary: nothing is ever correlated across tenants. `[A-Za-z0-9_.-]{1,64}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(Arc<str>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tenant names are 1 to {TENANT_BYTES_MAX} of A-Z a-z 0-9 _ . -")]
pub struct TenantError;

impl Tenant {
    pub fn parse(raw: &str) -> Result<Self, TenantError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let fits = (1..=TENANT_BYTES_MAX).contains(&raw.len());
        if fits && raw.bytes().all(allowed) { Ok(Self(raw.into())) } else { Err(TenantError) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `TENANT-N`; a case id splits at its last `-`, because tenant names may hold one themselves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseId {
    pub tenant: Tenant,
    pub number: u64,
}

impl CaseId {
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let (tenant, number) = raw.rsplit_once('-')?;
        let canonical = !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| canonical)?;
        Some(Self { tenant: Tenant::parse(tenant).ok()?, number })
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.tenant, self.number)
    }
}

/// The unit of order, state, fencing and recovery: one engine, one store directory, one changelog partition, one
/// transactional id, one owner at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(pub u32);

impl Shard {
    /// `single` mode runs one shard, which reads every input partition.
    pub const SINGLE: Self = Self(0);

    /// Its partition of the changelog.
    #[must_use]
    pub const fn partition(self) -> i32 {
        self.0.cast_signed()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A part of a case: what one machine and identity gathered. Parts never move between edges; cases are sets of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(pub u64);

/// An edge between two parts. Numbered per tenant, like parts, in the order they were drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeId(pub u64);

/// The first 128 bits of a BLAKE3 hash over what makes an alert the same alert (see `wire::identity`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(pub u128);

impl AlertId {
    /// Reads the 32 hexadecimal digits that `Display` writes.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let digits = raw.len() == 32 && raw.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        u128::from_str_radix(raw, 16).ok().filter(|_| digits).map(Self)
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a Kafka topic, or of a file in a replay. Shared, because every record of a batch carries it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

impl TopicName {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where an input came from: a record's position, and the index of the element where one record carries many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    pub topic: TopicName,
    pub partition: i32,
    pub offset: i64,
    pub index: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_id_splits_at_its_last_dash() {
        let id = CaseId::parse("acme-east-17").unwrap();
        assert_eq!((id.tenant.as_str(), id.number), ("acme-east", 17));
        assert_eq!(id.to_string(), "acme-east-17");
    }

    #[test]
    fn what_is_not_canonical_is_no_case_id() {
        for raw in ["", "acme", "acme-", "-1", "acme-01", "acme-+1", "acme-1x", "ac me-1", "acme-0"] {
            assert_eq!(CaseId::parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn tenant_names_are_bounded_ascii() {
        assert!(Tenant::parse("A.b_c-9").is_ok());
        assert!(Tenant::parse(&"x".repeat(64)).is_ok());
        for raw in ["", "a b", "a/b", "ü", &"x".repeat(65)] {
            assert_eq!(Tenant::parse(raw), Err(TenantError), "{raw}");
        }
    }
}

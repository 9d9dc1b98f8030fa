//! What makes an alert the same alert: its source's own id, or failing that, everything that tells it from another.
//! How it travelled (topic, offset, envelope) is no part of it.

use smallvec::SmallVec;

use crate::model::{Alert, AlertId};

/// What the hash is over, so that ids of one kind can never equal those of another.
const BY_UID: &[u8] = b"casewright alert by uid v1";
const BY_REFERENCE: &[u8] = b"casewright alert by source reference v1";
const BY_CONTENT: &[u8] = b"casewright alert by content v1";

#[must_use]
pub fn alert_id(alert: &Alert) -> AlertId {
    let mut digest = Digest::default();
    match (&alert.alert_uid, &alert.source_ref) {
        (Some(uid), _) => named(&mut digest, BY_UID, alert, uid),
        (None, Some(reference)) => named(&mut digest, BY_REFERENCE, alert, reference),
        (None, None) => by_content(&mut digest, alert),
    }
    digest.finish()
}

fn named(digest: &mut Digest, domain: &[u8], alert: &Alert, name: &str) {
    digest.part(domain);
    digest.part(alert.tenant.as_str().as_bytes());
    digest.part(alert.source.product.as_bytes());
    digest.part(name.as_bytes());
}

fn by_content(digest: &mut Digest, alert: &Alert) {
    named(digest, BY_CONTENT, alert, &alert.rule.uid);
    digest.part(&alert.event_time.at.millis().to_be_bytes());
    digest.part(alert.title.as_bytes());
    let observables = alert.observables.iter().map(|o| (o.kind.label(), o.value.as_ref()));
    let entities = alert.entities.iter().map(|e| (e.kind.label(), e.id.as_ref()));
    // Sorted apart, because a kind of one may share its name with a kind of the other.
    digest.pairs(observables.collect());
    digest.pairs(entities.collect());
}

/// BLAKE3 over parts, each behind its length, so that no two sequences of parts read alike. They are gathered first: the
/// hash of one short piece costs a fraction of what many updates do.
#[derive(Default)]
struct Digest(SmallVec<[u8; GATHERED_INLINE]>);

const GATHERED_INLINE: usize = 512;

impl Digest {
    fn part(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_be_bytes());
    }

    fn pairs(&mut self, mut pairs: Vec<(&str, &str)>) {
        pairs.sort_unstable();
        pairs.dedup();
        self.count(pairs.len());
        for (kind, value) in pairs {
            self.part(kind.as_bytes());
            self.part(value.as_bytes());
        }
    }

    fn finish(&self) -> AlertId {
        let hash = blake3::hash(&self.0);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        AlertId(u128::from_be_bytes(bytes))
    }
}

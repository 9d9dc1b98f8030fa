//! Which alert this is: the same one through another envelope has the same id.

use crate::model::{Alert, AlertId};

/// BLAKE3 over tenant, product and the product's own id of the alert; without one, over rule, event time and the
/// canonical observables and entities. Every field is preceded by its length, so that no two lists of fields read alike.
#[must_use]
pub fn alert_id(alert: &Alert) -> AlertId {
    let mut hash = Hash(blake3::Hasher::new_derive_key("casewright alert id v1"));
    hash.field(alert.tenant.as_str());
    hash.field(&alert.source.product);
    match alert.alert_uid.as_deref().or(alert.source_ref.as_deref()) {
        Some(own) => {
            hash.field("own");
            hash.field(own);
        }
        None => hash.content(alert),
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hash.0.finalize().as_bytes()[..16]);
    AlertId(u128::from_be_bytes(first))
}

struct Hash(blake3::Hasher);

impl Hash {
    fn field(&mut self, value: &str) {
        self.0.update(&(value.len() as u64).to_be_bytes());
        self.0.update(value.as_bytes());
    }

    fn content(&mut self, alert: &Alert) {
        self.field("content");
        self.field(&alert.rule.uid);
        self.field(&alert.title);
        self.0.update(&alert.event_time.at.millis().to_be_bytes());
        let mut values: Vec<(&str, &str)> = alert
            .observables
            .iter()
            .map(|observable| (observable.kind.label(), &*observable.value))
            .chain(alert.entities.iter().map(|entity| (entity.kind.label(), &*entity.id)))
            .collect();
        values.sort_unstable();
        values.dedup();
        for (kind, value) in values {
            self.field(kind);
            self.field(value);
        }
    }
}

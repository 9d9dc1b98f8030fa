//! The checksum of the live rows, kept up to date without reading them all: the XOR of every row's own keyed checksum.
//!
//! Replacing a row needs the checksum it had. Rows that are written again and again are remembered here, those of cold
//! cases only once they have been read; the memory is bounded, and past the bound the store and the rows still on their
//! way to it answer.

use hashbrown::HashMap;

use crate::store::Row;

/// About 100 bytes each.
const REMEMBERED_MAX: usize = 2_000_000;

#[derive(Debug, Default)]
pub struct Ledger {
    sum: u128,
    remembered: HashMap<Box<[u8]>, u128, foldhash::fast::RandomState>,
    /// Some live row may not be remembered.
    partial: bool,
}

impl Ledger {
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Takes a row that is live already, while the store is read at start.
    pub fn load(&mut self, key: &[u8], checksum: u128) {
        self.sum ^= checksum;
        self.remember(key, checksum);
    }

    /// Takes a live row of a cold case at start: it is not replaced before it was read.
    pub fn load_cold(&mut self, checksum: u128) {
        self.sum ^= checksum;
    }

    /// A row of a cold case was read, and may be replaced from here on.
    pub fn warm(&mut self, key: &[u8], checksum: u128) {
        self.remember(key, checksum);
    }

    /// Takes a changed row. `earlier` answers for keys that are not remembered.
    pub fn change(&mut self, row: &Row, checksum: Option<u128>, earlier: impl FnOnce() -> Option<u128>) {
        let before = match self.remembered.remove(&row.key) {
            Some(known) => Some(known),
            None if self.partial => earlier(),
            None => None,
        };
        self.sum ^= before.unwrap_or(0) ^ checksum.unwrap_or(0);
        if let Some(checksum) = checksum {
            self.remember(&row.key, checksum);
        }
    }

    /// Takes rows whose checksums somebody else keeps: the XOR of those that came and of those that went.
    pub fn shift(&mut self, checksum: u128) {
        self.sum ^= checksum;
    }

    fn remember(&mut self, key: &[u8], checksum: u128) {
        if self.remembered.len() >= REMEMBERED_MAX {
            self.remembered.clear();
            self.partial = true;
        }
        self.remembered.insert(key.into(), checksum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &[u8], live: bool) -> Row {
        Row { key: key.into(), value: live.then(|| Box::from(*b"v")) }
    }

    #[test]
    fn replacing_and_removing_a_row_leaves_no_trace_of_it() {
        let mut ledger = Ledger::default();
        ledger.load(b"a", 1);
        ledger.change(&row(b"b", true), Some(2), || None);
        ledger.change(&row(b"b", true), Some(4), || None);
        assert_eq!(ledger.sum(), 1 ^ 4);
        ledger.change(&row(b"b", false), None, || None);
        assert_eq!(ledger.sum(), 1);
    }

    #[test]
    fn past_its_bound_the_ledger_asks_for_what_it_forgot() {
        let mut ledger = Ledger::default();
        ledger.load(b"a", 1);
        ledger.remembered.clear();
        ledger.partial = true;
        ledger.change(&row(b"a", true), Some(8), || Some(1));
        assert_eq!(ledger.sum(), 8);
    }
}

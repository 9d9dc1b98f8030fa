//! The demo's story: six hours in a small company, about four hundred alerts of four products in their own formats. One
//! attack runs through them (a phishing mail, a macro, a beacon, a credential dump, a file server, an upload), inside
//! the noise of an everyday working day.
//!
//! Everybody and everything in it is invented: documentation addresses, `.example` domains, neutral accounts. `cast`
//! says who there is, `products` how each product writes, `attack` and `noise` what happens. The alerts of the attack
//! meet on strong identities (machine, account, internal address), the noise never touches those.

mod attack;
mod cast;
mod noise;
mod products;

use super::rng::Rng;
use crate::model::{Millis, Timestamp};

/// One alert as it would lie in Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryRecord {
    pub topic: &'static str,
    /// The profile that reads it.
    pub profile: &'static str,
    pub at: Timestamp,
    pub json: String,
    pub part_of_attack: bool,
}

/// The story from `start` on, sorted by time. The seed moves the noise about; the attack is always the same.
#[must_use]
pub fn story(start: Timestamp, seed: u64) -> Vec<StoryRecord> {
    let mut scene = Scene { start, rng: Rng::new(seed), records: Vec::new(), part_of_attack: true };
    attack::play(&mut scene);
    scene.part_of_attack = false;
    noise::play(&mut scene);
    // Stable, so that alerts of the same millisecond keep the order in which they were told.
    scene.records.sort_by_key(|record| record.at);
    scene.records
}

struct Scene {
    start: Timestamp,
    rng: Rng,
    records: Vec<StoryRecord>,
    part_of_attack: bool,
}

#[derive(Clone, Copy)]
enum Product {
    Hayabusa,
    Suricata,
    Wazuh,
    Mail,
    Endpoint,
}

impl Scene {
    /// `second` after the start, and what makes this record different from every other one.
    fn moment(&self, second: u32) -> (Timestamp, u64) {
        let number = self.records.len() as u64;
        let millis = i64::from(second) * 1_000 + i64::try_from(number * 37 % 1_000).unwrap_or(0);
        (self.start.plus(Millis(millis)), number)
    }

    fn add(&mut self, product: Product, at: Timestamp, alert: &serde_json::Value) {
        let (topic, profile) = match product {
            Product::Hayabusa => ("alerts.windows", "hayabusa"),
            Product::Suricata => ("alerts.network", "suricata"),
            Product::Wazuh => ("alerts.hosts", "wazuh"),
            Product::Endpoint => ("alerts.hosts", "native"),
            Product::Mail => ("alerts.mail", "native"),
        };
        let part_of_attack = self.part_of_attack;
        self.records.push(StoryRecord { topic, profile, at, json: alert.to_string(), part_of_attack });
    }
}

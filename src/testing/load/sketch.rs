//! What one alert of the load says, before anyone writes it down. Everything follows from the incident's id and the
//! alert's number in it, so that a repetition can be written again without having been kept.

use super::super::rng::{Rng, mix};
use super::super::zipf;
use super::Shape;
use crate::model::Timestamp;

pub(super) struct Sketch {
    pub seed: u64,
    /// Counts every alert of the load: what makes a repetition another alert.
    pub serial: u64,
    pub tenant: u32,
    pub incident: u64,
    pub alert: u32,
    pub shape: Shape,
    pub at: Timestamp,
    /// A second incident, whose user the alert names too.
    pub bridge: Option<u64>,
}

/// The fifth key, beside host, user, address and process.
pub(super) enum Fifth {
    /// Popular: met in many incidents.
    Domain(String),
    /// Popular: met in many incidents.
    Hash(String),
    /// The incident's own server.
    Server,
}

const POPULAR: usize = 2_000;

/// The same for each repetition of an alert, since two products never write the same alert.
pub(super) fn shape(incident: u64, alert: u32, shapes: &[Shape]) -> Shape {
    let lot = Rng::new(mix(incident) ^ u64::from(alert)).index(shapes.len().max(1));
    shapes.get(lot).copied().unwrap_or(Shape::Native)
}

impl Sketch {
    pub(super) fn uid(&self) -> String {
        format!("{:08x}-{:012}", mix(self.seed) >> 32, self.serial)
    }

    pub(super) fn host(&self) -> String {
        let site = ["ber", "ham", "muc", "par", "osl", "rom", "vie", "zrh"][self.octet(0, 8)];
        format!("{site}-ws-{:08x}", self.incident)
    }

    pub(super) fn user(&self) -> String {
        user_of(self.incident)
    }

    /// 10/8 without the ends of any /24: the address of the incident's host.
    pub(super) fn address(&self) -> String {
        format!("10.{}.{}.{}", 1 + self.octet(2, 250), 1 + self.octet(1, 250), 1 + self.octet(0, 250))
    }

    /// 172.16/12: the address of the server that the incident turns to.
    pub(super) fn server(&self) -> String {
        format!("172.{}.{}.{}", 16 + self.octet(2, 16), 1 + self.octet(1, 250), 1 + self.octet(0, 250))
    }

    pub(super) fn process(&self) -> String {
        let spread = mix(self.incident);
        let (front, back) = (spread >> 32, spread & 0xffff_ffff_ffff);
        format!("{{{front:08x}-{:04x}-5f62-{:04x}-{back:012x}}}", self.alert, self.incident & 0xffff)
    }

    pub(super) fn pid(&self) -> u64 {
        1_000 + 4 * self.lot().below(12_000)
    }

    pub(super) fn port(&self) -> u64 {
        49_152 + self.lot().below(16_000)
    }

    pub(super) fn fifth(&self) -> Fifth {
        let mut lot = self.lot();
        let popular = zipf::rank(&mut lot, POPULAR) as u64;
        match lot.below(3) {
            0 => Fifth::Domain(domain(popular)),
            1 => Fifth::Hash(hash(popular)),
            _ => Fifth::Server,
        }
    }

    /// The same draws for each repetition of this alert.
    fn lot(&self) -> Rng {
        Rng::new(mix(self.incident.rotate_left(32) ^ u64::from(self.alert)))
    }

    /// A digit of the incident's id in base 250, cut to `base`.
    fn octet(&self, place: u32, base: u64) -> usize {
        usize::try_from(self.incident / 250_u64.pow(place) % 250 % base).unwrap_or(0)
    }
}

pub(super) fn user_of(incident: u64) -> String {
    let letter = char::from(b'a' + u8::try_from(incident % 26).unwrap_or(0));
    let surname = ["doe", "roe", "poe", "field", "brook", "stone", "wood", "hill"][usize::from(letter as u8 % 8)];
    format!("{letter}.{surname}{:x}", incident)
}

pub(super) fn domain(popular: u64) -> String {
    format!("cdn{popular}.static.example")
}

pub(super) fn hash(popular: u64) -> String {
    let [a, b, c, d] = [1, 2, 3, 4].map(|word: u64| mix(popular.wrapping_mul(5) ^ (word << 56)));
    format!("{a:016x}{b:016x}{c:016x}{d:016x}")
}

/// RFC 3339 in UTC with milliseconds.
pub(in crate::testing) fn rfc3339(at: Timestamp) -> String {
    let stamp = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{stamp:.3}")
}

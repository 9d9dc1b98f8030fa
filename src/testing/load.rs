//! A load of realistic alerts from a seed: which alert comes next, about which incident, and how it should end.
//!
//! The generator draws the outcome first and makes the alert for it. Incidents share nothing strong: each has a host,
//! a user and addresses of its own, so that no two cases merge unless `bridge_permille` asks for it. What they do share
//! are popular domains and file hashes, drawn by Zipf: weak keys, which must not join anything by themselves.
//! [`sketch`](self) says what an alert holds, `shapes` how a product would write it, `decoded` what the decoder would
//! make of the native shape, `poison` what nobody can read.

use std::sync::Arc;

use super::rng::{Rng, mix};
use super::zipf;
use crate::model::{Alert, Millis, Timestamp};

mod catalog;
mod decoded;
mod poison;
mod shapes;
mod sketch;

use catalog::Catalog;
use sketch::Sketch;
pub(super) use sketch::rfc3339;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadConfig {
    pub seed: u64,
    pub mix: Mix,
    /// Event time of the first alert.
    pub start: Timestamp,
    /// Alerts in a second of event time.
    pub rate_per_s: u32,
    /// Incidents that may still get alerts; a new one past that ends another.
    pub incidents_max: usize,
    /// The first so many alerts all open an incident, so that a measurement can begin with that many open cases.
    pub preload: u64,
    /// 1 gives `default`, more give `tenant-1`, `tenant-2` …
    pub tenants: u32,
    /// How many of a thousand attaching native alerts also name the user of another incident, and so merge the two.
    pub bridge_permille: u16,
    /// The formats that the load is written in; every incident shows up in all of them.
    pub shapes: Vec<Shape>,
}

impl Default for LoadConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            mix: Mix::Default,
            start: Timestamp::from_millis(1_767_225_600_000),
            rate_per_s: 1_000,
            incidents_max: 10_000,
            preload: 0,
            tenants: 1,
            bridge_permille: 0,
            shapes: vec![Shape::Native],
        }
    }
}

/// How the alerts of a load end, in permille.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// 680 attach, 300 repeat, 20 open.
    Default,
    /// 600 attach, 200 repeat, 200 open.
    Hard,
}

impl Mix {
    fn draw(self, rng: &mut Rng) -> Ending {
        let (attached, duplicate) = match self {
            Self::Default => (680, 300),
            Self::Hard => (600, 200),
        };
        match rng.below(1_000) {
            drawn if drawn < attached => Ending::Attached,
            drawn if drawn < attached + duplicate => Ending::Duplicate,
            _ => Ending::Opened,
        }
    }
}

/// Whose format a line is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    Native,
    Hayabusa,
    Suricata,
    Wazuh,
}

impl Shape {
    pub const ALL: [Self; 4] = [Self::Native, Self::Hayabusa, Self::Suricata, Self::Wazuh];

    /// The name of the profile that reads it.
    #[must_use]
    pub const fn profile(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Hayabusa => "hayabusa",
            Self::Suricata => "suricata",
            Self::Wazuh => "wazuh",
        }
    }
}

/// How an alert should end under the default policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Opened,
    Attached,
    Duplicate,
}

/// What is known about an alert besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    pub shape: Shape,
    /// For the record header `tenant`.
    pub tenant: Arc<str>,
    pub at: Timestamp,
    pub ending: Ending,
    /// The incident that the alert is about: its case, once the correlation has done its work.
    pub incident: u64,
}

/// The generator. Its memory is 40 bytes per living incident; everything else about an incident follows from its id.
pub struct Load {
    config: LoadConfig,
    tenants: Vec<Arc<str>>,
    catalog: Catalog,
    rng: Rng,
    drawn: u64,
    next_incident: u64,
    living: Vec<Incident>,
    poisons: u64,
}

#[derive(Clone, Copy, Debug)]
struct Incident {
    id: u64,
    tenant: u32,
    /// Distinct alerts so far.
    alerts: u32,
    born_at: Timestamp,
    seen_at: Timestamp,
}

/// Under the default soft cap, and under the number of rules: no incident meets the same rule twice.
const ALERTS_PER_INCIDENT_MAX: u32 = 480;
/// Under the windows of host, user and dedup.
const QUIET_MAX: Millis = Millis::from_mins(50);
/// Under the longest life of a dedup entry.
const AGE_MAX: Millis = Millis::from_hours(20);

impl Incident {
    fn is_living(&self, at: Timestamp) -> bool {
        self.alerts < ALERTS_PER_INCIDENT_MAX
            && at.since(self.seen_at) <= QUIET_MAX
            && at.since(self.born_at) <= AGE_MAX
    }
}

impl Load {
    #[must_use]
    pub fn new(config: LoadConfig) -> Self {
        let tenants = match config.tenants {
            0 | 1 => vec!["default".into()],
            many => (1..=many).map(|number| format!("tenant-{number}").into()).collect(),
        };
        Self {
            tenants,
            catalog: Catalog::new(),
            rng: Rng::new(config.seed),
            drawn: 0,
            // Another seed should mean other hosts, or two loads into one topic would meet.
            next_incident: mix(config.seed) >> 24,
            living: Vec::new(),
            poisons: 0,
            config,
        }
    }

    /// Appends one alert as one JSON object without a line end.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Drawn {
        let (sketch, ending) = self.draw();
        shapes::write(&sketch, &self.catalog, out);
        Drawn {
            shape: sketch.shape,
            tenant: Arc::clone(&self.tenants[sketch.tenant as usize]),
            at: sketch.at,
            ending,
            incident: sketch.incident,
        }
    }

    /// The next alert as the decoder would hand over its native shape, whatever `shapes` says.
    pub fn next_alert(&mut self) -> Arc<Alert> {
        let (sketch, _) = self.draw();
        Arc::new(decoded::alert(&sketch, &self.catalog, &self.tenants[sketch.tenant as usize]))
    }

    /// One record that nobody can read, of the next kind in turn. A non-empty JSON array is an envelope: each of its
    /// elements is a dead letter of its own.
    pub fn poison(&mut self) -> Vec<u8> {
        self.poisons += 1;
        poison::record(self.poisons)
    }

    fn draw(&mut self) -> (Sketch, Ending) {
        let at = self.clock();
        let preloading = self.drawn < self.config.preload;
        let wish = if preloading { Ending::Opened } else { self.config.mix.draw(&mut self.rng) };
        let place = if wish == Ending::Opened { None } else { self.pick(at) };
        let (place, ending) = place.map_or_else(|| (self.open(at), Ending::Opened), |place| (place, wish));
        let sketch = self.tell(place, ending, at);
        self.drawn += 1;
        (sketch, ending)
    }

    fn clock(&self) -> Timestamp {
        let millis = self.drawn.saturating_mul(1_000) / u64::from(self.config.rate_per_s.max(1));
        self.config.start.plus(Millis(i64::try_from(millis).unwrap_or(i64::MAX)))
    }

    /// A living incident, the first places most often; incidents past their time are forgotten on the way.
    fn pick(&mut self, at: Timestamp) -> Option<usize> {
        while !self.living.is_empty() {
            let place = zipf::rank(&mut self.rng, self.living.len());
            if self.living[place].is_living(at) {
                return Some(place);
            }
            self.living.swap_remove(place);
        }
        None
    }

    fn open(&mut self, at: Timestamp) -> usize {
        let tenant = u32::try_from(self.rng.index(self.tenants.len())).unwrap_or(0);
        let incident = Incident { id: self.next_incident, tenant, alerts: 0, born_at: at, seen_at: at };
        self.next_incident += 1;
        if self.living.len() < self.config.incidents_max.max(1) {
            self.living.push(incident);
            return self.living.len() - 1;
        }
        let place = self.rng.index(self.living.len());
        self.living[place] = incident;
        place
    }

    fn tell(&mut self, place: usize, ending: Ending, at: Timestamp) -> Sketch {
        let bridge = if ending == Ending::Attached { self.bridge(place) } else { None };
        let incident = &mut self.living[place];
        incident.seen_at = at;
        if ending != Ending::Duplicate {
            incident.alerts += 1;
        }
        let alert = incident.alerts - 1;
        Sketch {
            seed: self.config.seed,
            serial: self.drawn,
            tenant: incident.tenant,
            incident: incident.id,
            alert,
            shape: sketch::shape(incident.id, alert, &self.config.shapes),
            at,
            bridge,
        }
    }

    /// Another incident of the same tenant, if the lot says that the next alert bridges.
    fn bridge(&mut self, place: usize) -> Option<u64> {
        if !self.rng.chance(self.config.bridge_permille) {
            return None;
        }
        let other = self.living[self.rng.index(self.living.len())];
        let own = self.living[place];
        (other.tenant == own.tenant && other.id != own.id).then_some(other.id)
    }
}

//! Recorded alerts under stress: what the recorded sets do not show by themselves. Shared infrastructure (a domain
//! controller, a proxy, a service account) named in a share of the alerts, which must not glue incidents together; genuinely
//! wide incidents, which must hold together all the same; benign accounts with severe rules of their own; one large noisy
//! domain; an attack slower than any background. Alerts and their true labels in, alerts and labels out: what comes of them
//! is for others to measure. A seed gives the same alerts on every machine.

mod catalogue;
mod everyday;
mod naming;
mod scene;
mod shared;
mod wide;

use std::sync::Arc;

use scene::Scene;

use crate::model::Alert;

/// An alert and the incident it belongs to, `-` for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    pub alert: Arc<Alert>,
    pub label: Arc<str>,
}

/// What a stress asks of the cases, and so which figures and targets it is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// No stress at all: what the others are compared with.
    Plain,
    /// What everybody shares must not make one case of everybody.
    SharedInfrastructure,
    /// The same with so few incidents that counting cannot tell.
    FewShareOne,
    /// Every domain controller of every incident has one name.
    Renamed,
    /// A benign account or scanner with severe rules of its own, on every machine.
    Benign,
    /// One incident on many machines.
    Wide,
    /// Everyday noise of one large domain, in which the incidents play.
    BigDomain,
    /// A few alerts an hour for hours, about one machine.
    Slow,
}

impl Group {
    pub const ALL: [Self; 8] = [
        Self::Plain,
        Self::SharedInfrastructure,
        Self::FewShareOne,
        Self::Renamed,
        Self::Benign,
        Self::Wide,
        Self::BigDomain,
        Self::Slow,
    ];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Plain => "no stress",
            Self::SharedInfrastructure => "shared infrastructure",
            Self::FewShareOne => "few incidents that share one domain controller",
            Self::Renamed => "all domain controllers renamed to one",
            Self::Benign => "benign, with severe rules of its own",
            Self::Wide => "wide incidents",
            Self::BigDomain => "one domain of 200 noisy machines",
            Self::Slow => "brute force slower than the background learns",
        }
    }
}

/// One way of making it harder.
#[derive(Clone, Copy, Debug)]
pub struct Stress {
    pub name: &'static str,
    pub group: Group,
    /// The labels of the incidents that it adds and that are looked at by themselves.
    pub incidents: &'static [&'static str],
    /// Whether the seed changes anything.
    pub seeded: bool,
    make: fn(&mut Scene),
}

impl Stress {
    /// Every stress, in the order in which they are told.
    #[must_use]
    pub fn all() -> Vec<Self> {
        catalogue::all()
    }

    /// In the order of event time.
    #[must_use]
    pub fn apply(&self, alerts: &[Labelled], seed: u64) -> Vec<Labelled> {
        let mut scene = Scene::new(alerts, seed);
        (self.make)(&mut scene);
        scene.finish()
    }
}

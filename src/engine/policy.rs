//! The numbers that verdicts hang on. Checked by `config`; the defaults are DESIGN's table and the measured policy.

use crate::model::{KeyKind, Millis};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// SHA-256 of the canonical text; carried by every event.
    pub digest: [u8; 32],
    /// Indexed by `KeyKind::index`.
    pub kinds: [KindPolicy; KeyKind::ALL.len()],
    /// An alert joins the strongest case at or above this (permille).
    pub attach_permille: u16,
    /// Two cases merge at or above this (permille), under the guards.
    pub merge_permille: u16,
    /// What is left of a key's weight where neither alert is about it (permille).
    pub mention_permille: u16,
    /// Sliding on event time.
    pub dedup_window: Millis,
    /// Counted from the first sighting.
    pub dedup_window_max: Millis,
    /// How long an alert id is remembered, in event time.
    pub alert_id_window: Millis,
    /// The span over which a key's distinct machines are counted, in two halves.
    pub hub_window: Millis,
    /// At so many groups that have others in them and began elsewhere, what they share is a hub.
    pub hub_strangers: u16,
    /// How long a hub stays one after the last proof.
    pub hub_kept: Millis,
    /// A part takes its machine's and identity's next alert within this.
    pub part_idle: Millis,
    /// The same where nobody acted.
    pub part_idle_anonymous: Millis,
    /// A rule that fires in so many hours of a day on one machine is background there.
    pub background_hours: u8,
    /// The same for a rule that begins when its tenant has been heard of for longer than that.
    pub background_hours_late: u8,
    /// What is left of what only says that it is the same machine, for background (permille).
    pub background_permille: u16,
    /// So many in an hour, and so many times its mean, is a burst: no background.
    pub burst_count: u32,
    pub burst_factor: u32,
    /// A roll-up takes its rule's alerts until it was quiet for so long.
    pub roll_up_quiet: Millis,
    /// What one rule on a second machine says in a domain with many machines (permille).
    pub spread_wide_permille: u16,
    pub soft_cap: u32,
    pub hard_cap: u32,
    pub parts_per_case_max: u32,
    /// A case without a new alert for this long expires, unless its severity is high or above.
    pub quiet: Millis,
    pub reopen: Reopen,
    /// How long after closing its keys may still re-open it.
    pub reopen_window: Millis,
    pub lateness: Millis,
    /// An event time further past its record's timestamp than this is pulled back to it.
    pub future_skew: Millis,
    /// Counted repeats are told at the latest when the watermark has moved this far.
    pub repeat_told_after: Millis,
    /// Values that say nothing, exactly as their canonical form reads: `system`, `s-1-5-18` …
    pub stop_list: Vec<(KeyKind, Box<str>)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindPolicy {
    /// 0 to 1000.
    pub weight_permille: u16,
    pub window: Millis,
    /// A key that touched more distinct machines than this within the hub window links nothing until it is at half.
    /// Of hosts, users, addresses and resources strangers are looked for instead (`hub_strangers`).
    pub hub_machines: u16,
}

/// What happens when an alert's keys reach a case that was closed within the re-open window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopen {
    Never,
    SameCase,
    NewCaseFollows,
}

impl Policy {
    #[must_use]
    pub fn kind(&self, kind: KeyKind) -> KindPolicy {
        self.kinds[kind.index()]
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            digest: [0; 32],
            kinds: KeyKind::ALL.map(default_kind),
            attach_permille: 500,
            merge_permille: 500,
            mention_permille: 450,
            dedup_window: Millis::from_hours(1),
            dedup_window_max: Millis::from_hours(24),
            alert_id_window: Millis::from_hours(24),
            hub_window: Millis::from_hours(24),
            hub_strangers: 2,
            hub_kept: Millis::from_hours(12),
            part_idle: Millis::from_hours(2),
            part_idle_anonymous: Millis::from_mins(5),
            background_hours: 4,
            background_hours_late: 12,
            background_permille: 250,
            burst_count: 20,
            burst_factor: 8,
            roll_up_quiet: Millis::from_hours(24),
            spread_wide_permille: 400,
            soft_cap: 1_000,
            hard_cap: 10_000,
            parts_per_case_max: 1_024,
            quiet: Millis::from_hours(24),
            reopen: Reopen::SameCase,
            reopen_window: Millis::from_hours(72),
            lateness: Millis::from_mins(10),
            future_skew: Millis::from_mins(5),
            repeat_told_after: Millis::from_mins(1),
            stop_list: default_stop_list(),
        }
    }
}

const UNIQUE: u16 = 900;
const STRONG: u16 = 700;
const WEAK: u16 = 300;

fn default_kind(kind: KeyKind) -> KindPolicy {
    let (weight_permille, mins, hub_machines) = match kind {
        KeyKind::Host | KeyKind::PrivateIp => (STRONG, HOUR, 16),
        KeyKind::User | KeyKind::Sid => (STRONG, HOUR, 8),
        KeyKind::Logon | KeyKind::Process => (UNIQUE, 2 * HOUR, 8),
        KeyKind::PublicIp => (STRONG, 2 * HOUR, 16),
        KeyKind::CloudResource | KeyKind::Container => (STRONG, 4 * HOUR, 8),
        KeyKind::Mailbox => (STRONG, 4 * HOUR, 8),
        KeyKind::CloudSession => (UNIQUE, 24 * HOUR, 8),
        KeyKind::Hash => (WEAK, 7 * 24 * HOUR, 3),
        KeyKind::FilePath | KeyKind::Domain | KeyKind::Url | KeyKind::Email => (WEAK, 24 * HOUR, 3),
        KeyKind::Certificate | KeyKind::Fingerprint => (WEAK, 24 * HOUR, 3),
        KeyKind::MessageId => (STRONG, 24 * HOUR, 8),
        KeyKind::Group => (UNIQUE, 24 * HOUR, 1_024),
        KeyKind::Realm => (0, HOUR, 8),
        KeyKind::Spread => (STRONG, 2, 3),
    };
    KindPolicy { weight_permille, window: Millis::from_mins(mins), hub_machines }
}

const HOUR: i64 = 60;

/// Seeds only: gluing happens at the second sighting, before anything can be learned.
fn default_stop_list() -> Vec<(KeyKind, Box<str>)> {
    let users = ["system", "local service", "network service", "anonymous logon", "window manager", "root", "nobody"];
    let sids = ["s-1-0-0", "s-1-5-7", "s-1-5-18", "s-1-5-19", "s-1-5-20"];
    let logons = ["0x0", "0x3e7", "0x3e4", "0x3e5"];
    let hosts = ["localhost", "localhost.localdomain"];
    let list = |kind: KeyKind, values: &[&str]| values.iter().map(|&value| (kind, value.into())).collect::<Vec<_>>();
    [list(KeyKind::User, &users), list(KeyKind::Sid, &sids), list(KeyKind::Logon, &logons), list(KeyKind::Host, &hosts)]
        .concat()
}

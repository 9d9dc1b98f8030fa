//! Rows of every kind out of a seed: lists of any length, options set or not, numbers small and extreme.

use std::sync::Arc;

use casewright::engine::{
    AlertRef, Asset, CaseState, ClockState, DedupEntry, EdgeKind, EdgeStands, EdgeState, EvidenceKey, EvidenceSet,
    Flood, Habit, HeldHour, IdEntry, Indicator, IntelSeen, KeyStat, LearnedChunk, ListChunk, ListsState, MergeRecord,
    NoiseState, PartKey, PartKind, PartState, PartitionClock, Pending, PolicyState, RelatedState, Risk, RolledUp,
    Settled, SourceState, SourcesState, StateRow, TenantState, TrackedEntity, TrackedObservable,
};
use casewright::model::{
    Actor, AlertId, Attack, Band, CaseId, CaseStatus, EdgeId, EntityKind, InhibitOn, Inhibition, IntelMatch, KeyHash,
    KeyKind, Link, Matcher, Millis, NoiseId, NoiseKind, NoiseRule, ObservableKind, Origin, Outcome, PartId, Priority,
    PriorityFactor, RejectedRival, Role, Severity, SuppressedBy, Tenant, Timestamp, TopicName, Verdict,
};
use casewright::store::{CaseSegments, ChangelogId, Claim, InputPosition, Manifest};

use crate::outputs::samples;

/// SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound as u64) as usize
    }

    pub fn flag(&mut self) -> bool {
        self.roll() & 1 == 1
    }

    /// Often small, sometimes the largest.
    pub fn number(&mut self) -> u64 {
        match self.below(4) {
            0 => self.below(3) as u64,
            1 => u64::MAX - self.below(2) as u64,
            _ => self.roll() >> self.below(64),
        }
    }

    fn number_i64(&mut self) -> i64 {
        self.number().cast_signed()
    }

    fn u128(&mut self) -> u128 {
        u128::from(self.roll()) << 64 | u128::from(self.roll())
    }

    pub fn text(&mut self) -> Arc<str> {
        const TEXTS: [&str; 6] = ["", "web-1", "corp\\maria", "Kraków \u{1f600}", "a\0b", "203.0.113.9"];
        let text = TEXTS[self.below(TEXTS.len())];
        format!("{text}{}", self.below(10)).into()
    }

    pub fn at(&mut self) -> Timestamp {
        Timestamp::from_millis(self.number_i64())
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flag() { Some(make(self)) } else { None }
    }

    fn list<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| make(self)).collect()
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    pub fn tenant(&mut self) -> Tenant {
        Tenant::parse(self.pick(&["acme", "acme-east", "a", "Z_9.x", "acme.eu"])).unwrap()
    }

    pub fn case(&mut self) -> CaseId {
        CaseId { tenant: self.tenant(), number: self.number() }
    }

    fn alert_id(&mut self) -> AlertId {
        AlertId(self.u128())
    }

    pub fn origin(&mut self) -> Origin {
        let topic = TopicName::new(self.pick(&["edr.alerts", "ids"]));
        Origin { topic, partition: self.below(4) as i32, offset: self.number_i64(), index: self.below(3) as u32 }
    }

    fn severity(&mut self) -> Severity {
        self.pick(&Severity::ALL)
    }

    fn key(&mut self) -> (KeyKind, Arc<str>) {
        (self.pick(&KeyKind::ALL), self.text())
    }

    fn priority(&mut self) -> Priority {
        let names = ["severity", "risk", "sources", "tactics", "volume"];
        let factor = |dice: &mut Self| PriorityFactor { name: dice.pick(&names), points: dice.below(101) as u8 };
        Priority {
            score: self.below(101) as u8,
            band: self.pick(&[Band::P1, Band::P2, Band::P3, Band::P4, Band::Informational]),
            factors: self.list(factor),
        }
    }

    pub fn state_row(&mut self) -> StateRow {
        match self.below(11) {
            8 => StateRow::Lists(ListsState {
                digest: [self.roll() as u8; 32],
                names: self.list(Self::text),
                chunks: self.below(9) as u32,
            }),
            9 => StateRow::ListChunk { chunk: self.below(9) as u32, entries: self.list_chunk() },
            0 => StateRow::Clock(self.clock()),
            1 => StateRow::Policy(PolicyState { digest: [self.roll() as u8; 32], text: self.text() }),
            2 => {
                let (batch, chunk) = (self.number(), self.below(3) as u16);
                StateRow::LearnedDelta { batch, chunk, entries: self.learned() }
            }
            3 => StateRow::LearnedBucket {
                bucket: self.below(1_024) as u16,
                chunk: self.below(9) as u16,
                as_of_batch: self.number(),
                entries: self.learned(),
            },
            4 => StateRow::Tenant(TenantState {
                tenant: self.tenant(),
                next_case: self.number(),
                next_part: self.number(),
                next_edge: self.number(),
                next_rule: self.number(),
                began_at: self.maybe(Self::at),
            }),
            5 => StateRow::Case(self.case_state()),
            6 => StateRow::Noise(self.noise_state()),
            7 => StateRow::Sources(self.sources_state()),
            _ => StateRow::Part(self.part_state()),
        }
    }

    fn noise_state(&mut self) -> NoiseState {
        let matcher = |dice: &mut Self| {
            let texts =
                ["rule = a", "host in (a, \"b\\\\*\") and severity >= high", "ip = 10.0.0.0/8 and title != \"x*\""];
            Matcher::parse(dice.pick(&texts)).unwrap()
        };
        let kind = match self.below(4) {
            0 => NoiseKind::Silence,
            1 => NoiseKind::Allow,
            2 => NoiseKind::Exclude,
            _ => {
                let on = self.pick(&InhibitOn::ALL);
                NoiseKind::Inhibit(Box::new(Inhibition {
                    target: matcher(self),
                    on,
                    within: Millis(self.number_i64()),
                }))
            }
        };
        let lasts = self.maybe(|dice| Millis(dice.number_i64()));
        let rule = NoiseRule { kind, matcher: matcher(self), owner: self.text(), reason: self.text(), lasts };
        NoiseState {
            tenant: self.tenant(),
            id: NoiseId(self.number()),
            rule,
            by: if self.flag() { Actor::Engine } else { Actor::Person { name: self.text(), verified: self.flag() } },
            created_at: self.at(),
            expires_at: self.maybe(Self::at),
            ended_at: self.maybe(Self::at),
            hits: self.number(),
            last_hit_at: self.maybe(Self::at),
        }
    }

    fn sources_state(&mut self) -> SourcesState {
        let source = |dice: &mut Self| SourceState {
            rule: NoiseId(dice.number()),
            entity: KeyHash(dice.u128()),
            alert: dice.alert_id(),
            severity: dice.severity(),
            at: dice.at(),
            until: dice.at(),
        };
        SourcesState { tenant: self.tenant(), bucket: self.below(64) as u8, sources: self.list(source) }
    }

    fn clock(&mut self) -> ClockState {
        let partition = |dice: &mut Self| PartitionClock {
            topic: dice.origin().topic,
            partition: dice.below(9) as i32,
            high: dice.at(),
            idle: dice.flag(),
        };
        ClockState { now: self.at(), watermark: self.at(), partitions: self.list(partition) }
    }

    fn learned(&mut self) -> LearnedChunk {
        let dedup = |dice: &mut Self| DedupEntry {
            hash: dice.u128(),
            alert: dice.alert_id(),
            part: PartId(dice.number()),
            first_at: dice.at(),
            last_at: dice.at(),
            count: dice.number(),
        };
        let id = |dice: &mut Self| IdEntry {
            hash: dice.u128(),
            part: dice.maybe(|dice| PartId(dice.number())),
            at: dice.at(),
            revision: dice.number_i64(),
            closed: dice.flag(),
        };
        let stat = |dice: &mut Self| KeyStat {
            hash: KeyHash(dice.u128()),
            kind: dice.pick(&KeyKind::ALL),
            half_began: dice.at(),
            current: dice.list(Self::number),
            previous: dice.list(Self::number),
            hub: dice.flag(),
            hub_until: dice.maybe(Self::at),
        };
        let held = |dice: &mut Self| HeldHour {
            part: PartId(dice.number()),
            by: PartId(dice.number()),
            hour: dice.number_i64(),
            count: dice.below(1_000) as u32,
        };
        let habit = |dice: &mut Self| Habit {
            hash: dice.u128(),
            hour: dice.number_i64(),
            hours: dice.below(1 << 24) as u32,
            count: dice.below(1_000) as u32,
            mean_milli: dice.number(),
            hours_needed: dice.below(24) as u8,
            roll_up: dice.maybe(|dice| RolledUp { part: PartId(dice.number()), last_at: dice.at() }),
            held: dice.list(held),
            flood: Flood { began: dice.at(), count: dice.roll() as u32, before: dice.roll() as u32 },
        };
        LearnedChunk { dedups: self.list(dedup), ids: self.list(id), stats: self.list(stat), habits: self.list(habit) }
    }

    fn case_state(&mut self) -> CaseState {
        let merge = |dice: &mut Self| MergeRecord { case: dice.case(), edge: EdgeId(dice.number()), at: dice.at() };
        let related = |dice: &mut Self| RelatedState {
            case: dice.case(),
            strength_permille: dice.below(1_001) as u16,
            keys: dice.list(Self::key),
        };
        CaseState {
            id: self.case(),
            seq: self.number(),
            audit_head: [self.roll() as u8; 32],
            view_seq: self.number(),
            status: self.pick(&CaseStatus::ALL),
            status_before_merge: self.maybe(|dice| dice.pick(&CaseStatus::ALL)),
            verdict: self.maybe(|dice| dice.pick(&Verdict::ALL)),
            owner: self.maybe(Self::text),
            team: self.maybe(Self::text),
            severity: self.severity(),
            priority: self.priority(),
            opened_at: self.at(),
            acknowledged_at: self.maybe(Self::at),
            contained_at: self.maybe(Self::at),
            resolved_at: self.maybe(Self::at),
            closed_at: self.maybe(Self::at),
            closed_watermark: self.maybe(Self::at),
            follows: self.maybe(Self::case),
            merged_into: self.maybe(|dice| (dice.case(), EdgeId(dice.number()))),
            merged_from: self.list(merge),
            kept_apart: self.list(Self::case),
            related: self.list(related),
            overflowed: self.flag(),
            parts: self.list(|dice| PartId(dice.number())),
        }
    }

    fn part_state(&mut self) -> PartState {
        PartState {
            tenant: self.tenant(),
            id: PartId(self.number()),
            home: self.case(),
            kind: self.pick(&PartKind::ALL),
            machine: self.maybe(|dice| KeyHash(dice.u128())),
            identity: self.maybe(|dice| KeyHash(dice.u128())),
            began_at: self.maybe(Self::at),
            gathered_at: self.at(),
            actors: self.list(|dice| KeyHash(dice.u128())),
            alerts: self.number(),
            duplicates: self.number(),
            rolled_up: self.number(),
            late: self.number(),
            first_at: self.at(),
            last_at: self.at(),
            top: (self.severity(), self.text()),
            observables: self.list(|dice| (dice.observable(), dice.number())),
            entities: self.list(|dice| (dice.entity(), dice.number())),
            rules: self.list(|dice| (dice.text(), dice.text(), dice.severity(), dice.number())),
            sources: self.list(|dice| (dice.text(), dice.number())),
            attacks: self.list(|dice| (dice.attack(), dice.number())),
            exemplars: self.list(Self::alert_ref),
            keys: self.list(Self::part_key),
            pending: self.maybe(Self::pending),
            edges: self.list(Self::edge),
            risk: self.risk(),
        }
    }

    /// Known, or as an earlier version left it.
    fn risk(&mut self) -> Risk {
        if self.flag() {
            return Risk::unknown();
        }
        Risk {
            rules: vec![self.below(101) as u8; 1 + self.below(3)],
            confidence: self.below(101) as u8,
            criticality: self.below(5) as u8,
            intel: self.list(Self::intel),
        }
    }

    fn intel(&mut self) -> IntelSeen {
        let found = IntelMatch {
            kind: self.pick(&ObservableKind::ALL),
            value: self.text(),
            list: self.text(),
            confidence: self.below(101) as u8,
            valid_until: self.maybe(Self::at),
        };
        IntelSeen { found, alert: self.alert_id(), told: self.flag() }
    }

    fn list_chunk(&mut self) -> ListChunk {
        let indicator = |dice: &mut Self| Indicator {
            kind: dice.pick(&ObservableKind::ALL),
            value: dice.text().to_string().into(),
            list: dice.below(300) as u16,
            confidence: dice.below(101) as u8,
            valid_until: dice.maybe(Self::at),
        };
        let asset = |dice: &mut Self| Asset {
            kind: dice.pick(&EntityKind::ALL),
            id: dice.text().to_string().into(),
            criticality: dice.below(5) as u8,
        };
        ListChunk { indicators: self.list(indicator), assets: self.list(asset) }
    }

    fn observable(&mut self) -> TrackedObservable {
        TrackedObservable { kind: self.pick(&ObservableKind::ALL), value: self.text(), role: self.pick(&Role::ALL) }
    }

    fn entity(&mut self) -> TrackedEntity {
        TrackedEntity { kind: self.pick(&EntityKind::ALL), value: self.text(), role: self.pick(&Role::ALL) }
    }

    fn attack(&mut self) -> Attack {
        Attack { tactic: self.maybe(Self::text), technique: self.maybe(Self::text) }
    }

    fn alert_ref(&mut self) -> AlertRef {
        AlertRef { id: self.alert_id(), at: self.at(), severity: self.severity(), origin: self.origin() }
    }

    fn part_key(&mut self) -> PartKey {
        PartKey {
            hash: KeyHash(self.u128()),
            kind: self.pick(&KeyKind::ALL),
            first_at: self.at(),
            last_at: self.at(),
            own_at: self.maybe(Self::at),
            began_at: self.maybe(Self::at),
        }
    }

    fn pending(&mut self) -> Pending {
        Pending {
            due: self.at(),
            repeats: self.list(|dice| (dice.alert_id(), dice.number(), dice.at(), dice.at())),
            rolled_up: self.number(),
            rolled_first_at: self.at(),
            rolled_last_at: self.at(),
        }
    }

    fn edge(&mut self) -> EdgeState {
        EdgeState {
            id: EdgeId(self.number()),
            to: PartId(self.number()),
            kind: self.pick(&EdgeKind::ALL),
            stands: self.pick(&EdgeStands::ALL),
            strength_permille: self.below(1_001) as u16,
            evidence: self.list(Self::evidence),
        }
    }

    fn evidence(&mut self) -> EvidenceSet {
        let key = |dice: &mut Self| EvidenceKey {
            hash: KeyHash(dice.u128()),
            kind: dice.pick(&KeyKind::ALL),
            value: dice.text(),
            permille: dice.below(1_001) as u16,
        };
        EvidenceSet {
            alert: self.alert_id(),
            at: self.at(),
            strength_permille: self.below(1_001) as u16,
            keys: self.list(key),
        }
    }

    pub fn manifest(&mut self, changelog: ChangelogId) -> Manifest {
        let position = |dice: &mut Self| InputPosition {
            topic: dice.origin().topic,
            partition: dice.below(9) as i32,
            next_offset: dice.number_i64(),
            last_offset: dice.maybe(Self::number_i64),
            fingerprint: dice.number(),
            delivered: dice.number(),
        };
        Manifest {
            changelog,
            batch: self.number(),
            positions: self.list(position),
            outcomes: std::array::from_fn(|_| self.roll() >> 32),
            elements: self.number(),
            records: self.number(),
            checksum: self.u128(),
            running_hash: [self.roll() as u8; 32],
            at: self.at(),
        }
    }

    pub fn claim(&mut self, changelog: ChangelogId) -> Claim {
        Claim { instance: self.text().to_string(), changelog, at: self.at() }
    }

    pub fn case_segments(&mut self) -> CaseSegments {
        let mut batches = self.list(Self::number);
        batches.sort_unstable();
        CaseSegments { case: self.case(), chunk: self.below(3) as u32, batches }
    }

    /// A settled alert, duplicate or command.
    pub fn settled(&mut self, offset: i64) -> Settled {
        let mut alert = samples::alert(offset);
        alert.title = self.text();
        alert.observables.truncate(self.below(2));
        alert.description = self.maybe(|dice| dice.text().to_string().into());
        let outcome = self.pick(&Outcome::ALL);
        let is_command = matches!(outcome, Outcome::CommandApplied | Outcome::CommandRefused | Outcome::Rejected);
        // What is in no case is linked to none.
        let suppressed_by = self.suppressed_by(outcome);
        let link = self.maybe(|dice| Arc::new(dice.link())).filter(|_| suppressed_by.is_none());
        Settled {
            origin: alert.origin.clone(),
            outcome,
            late: self.flag(),
            alert: (!is_command).then(|| Arc::new(alert)),
            case: self.maybe(Self::case),
            part: self.maybe(|dice| PartId(dice.number())),
            link,
            suppressed_by,
        }
    }

    fn suppressed_by(&mut self, outcome: Outcome) -> Option<SuppressedBy> {
        let by = |dice: &mut Self| SuppressedBy { rule: NoiseId(dice.number()), source: dice.maybe(Self::alert_id) };
        if outcome == Outcome::Suppressed { self.maybe(by) } else { None }
    }

    fn link(&mut self) -> Link {
        let rival = |dice: &mut Self| RejectedRival { case: dice.case(), strength_permille: dice.below(1_001) as u16 };
        Link { rivals: self.list(rival), ..samples::link() }
    }
}

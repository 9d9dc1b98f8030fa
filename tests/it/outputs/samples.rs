//! One believable value of everything that is written out, shared by the tests of the outputs, of the store, and by the
//! store's bench.

use std::sync::Arc;

use casewright::model::{
    Activity, Actor, Alert, AlertId, AlertLink, Attack, Band, Begun, CaseEvent, CaseId, CaseStatus, CaseView, Cause,
    Correlation, Counted, EdgeId, EdgeView, Entity, EntityKind, EventKind, EventTime, Evidence, IntelMatch, KeyKind,
    Label, Link, ListView, Marks, MergeSide, MergedFrom, Millis, MoveSide, Observable, ObservableKind, Origin, PartId,
    PartedBy, Priority, PriorityFactor, RefusedMerge, RejectedRival, RelatedCase, Role, Rule, Severity, Source,
    SplitSide, Tally, Tenant, TimeFrom, Timestamp, TopicName, Verdict,
};

pub const T0: Timestamp = Timestamp::from_millis(1_785_585_600_123);

pub fn tenant() -> Tenant {
    Tenant::parse("acme").unwrap()
}

pub fn case(number: u64) -> CaseId {
    CaseId { tenant: tenant(), number }
}

pub fn origin(offset: i64) -> Origin {
    Origin { topic: TopicName::new("edr.alerts"), partition: 3, offset, index: 0 }
}

pub fn alert(offset: i64) -> Alert {
    Alert {
        id: AlertId(0x0123_4567_89ab_cdef_0011_2233_4455_6677 + offset as u128),
        tenant: tenant(),
        origin: Origin { index: 2, ..origin(offset) },
        event_time: EventTime { at: T0.minus(Millis(1_500)), from: TimeFrom::Field },
        recorded_at: Some(T0),
        title: "Credential dumping from LSASS \"rundll32\"".into(),
        description: Some("Memory of lsass.exe was read\nby C:\\Windows\\System32\\rundll32.exe".into()),
        severity: Severity::High,
        confidence: Some(80),
        risk_score: Some(73),
        source: Source {
            vendor: Some("Example".into()),
            product: "Endpoint Watch".into(),
            category: Some("edr".into()),
            instance: Some("eu-1".into()),
        },
        alert_uid: Some(format!("ew-{offset}").into()),
        source_ref: Some("https://edr.example/alerts/4711".into()),
        rule: Rule { uid: "EW-1003".into(), name: "LSASS access".into(), version: Some("7".into()) },
        attacks: vec![attack()],
        activity: Activity::Create,
        revision: 4,
        observables: vec![observable()],
        entities: vec![entity()],
        dedup_key: Some("lsass:web-1".into()),
        labels: vec![Label { name: "site".into(), value: "Kraków".into() }],
        tags: vec!["lsass".into(), "dump".into()],
        tlp: Some("amber".into()),
        pap: Some("green".into()),
        correlation: Correlation { group_key: Some("op-9".into()), exclude: false, no_merge: true },
        links: vec![AlertLink { title: Some("Console".into()), url: "https://edr.example/a/1".into() }],
        evidences: vec![r#"{"process":{"pid":4711}}"#.into()],
        unmapped: Some(r#"{"extra":[1,2]}"#.into()),
        marks: Marks { clamped: false, cut: true },
        profile: "native".into(),
    }
}

fn attack() -> Attack {
    Attack { tactic: Some("TA0006".into()), technique: Some("T1003.001".into()) }
}

fn observable() -> Observable {
    Observable {
        kind: ObservableKind::Hash,
        value: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        role: Role::Peer,
        ioc: true,
        ignore_correlation: true,
        tags: vec!["sha256".into()],
    }
}

fn entity() -> Entity {
    Entity {
        kind: EntityKind::Host,
        id: "web-1".into(),
        name: Some("WEB-1".into()),
        domain: Some("corp.example".into()),
        site: Some("krk".into()),
        role: Role::Asset,
        criticality: 3,
    }
}

pub fn link() -> Link {
    Link {
        strength_permille: 910,
        continues: Some(PartId(5)),
        evidence: vec![Evidence {
            kind: KeyKind::Host,
            value: "web-1".into(),
            role: Role::Asset,
            part: PartId(5),
            weight_permille: 700,
            specificity_permille: 1_000,
            age: Millis(42_000),
            window: Millis::from_hours(1),
            counted: true,
        }],
        rivals: vec![RejectedRival { case: case(3), strength_permille: 520 }],
    }
}

pub fn priority() -> Priority {
    Priority {
        score: 64,
        band: Band::P2,
        factors: vec![PriorityFactor { name: "severity", points: 60 }, PriorityFactor { name: "risk", points: 4 }],
    }
}

/// One event kind of each, in the order of the model.
pub fn event_kinds() -> Vec<EventKind> {
    let (alert, link) = (Arc::new(alert(90_210)), Arc::new(link()));
    [placed(&alert, &link), counted(&alert), worked(&link), merged(&link)].concat()
}

fn placed(alert: &Arc<Alert>, link: &Arc<Link>) -> Vec<EventKind> {
    let (part, alert, link) = (PartId(5), Arc::clone(alert), Arc::clone(link));
    vec![
        EventKind::Opened {
            part,
            alert: Arc::clone(&alert),
            late: false,
            priority: priority(),
            follows: Some(case(2)),
            roll_up: false,
        },
        EventKind::AlertAttached {
            part: PartId(6),
            begins: vec![PartId(6)],
            edge: Some(EdgeId(1)),
            edges: vec![edge_view()],
            alert,
            late: true,
            link,
        },
    ]
}

fn counted(alert: &Arc<Alert>) -> Vec<EventKind> {
    let (part, first_at, last_at) = (PartId(5), T0, T0.plus(Millis(60_000)));
    vec![
        EventKind::AlertUpdated { part, alert: Arc::clone(alert) },
        EventKind::AlertRepeated {
            part,
            begins: Some(Box::new(Begun { edge: edge_view(), severity: Severity::Low, title: "Logon failed".into() })),
            repeats: vec![Tally { alert: alert.id, count: 12, first_at, last_at }],
        },
        EventKind::AlertsRolledUp { part, count: 4_000, first_at, last_at },
        EventKind::SeverityChanged { from: Severity::Medium, to: Severity::High },
        EventKind::PriorityChanged { priority: priority() },
        EventKind::OverflowStarted { alerts: 10_000 },
        EventKind::OverflowEnded { alerts: 9_000 },
    ]
}

fn worked(link: &Arc<Link>) -> Vec<EventKind> {
    let comment: Option<Arc<str>> = Some("isolated the host\nand reset the password".into());
    vec![
        EventKind::StatusChanged { from: CaseStatus::New, to: CaseStatus::Triage },
        EventKind::VerdictSet { verdict: Verdict::TruePositive },
        EventKind::Assigned { owner: Some("maria".into()), team: None },
        EventKind::Acknowledged,
        EventKind::CommentAdded { text: "looks like the \"red team\"".into() },
        EventKind::Closed { verdict: Some(Verdict::BenignPositive), comment: comment.clone() },
        EventKind::Reopened { comment, link: Some(Arc::clone(link)) },
        EventKind::Expired { quiet: Millis::from_hours(24) },
    ]
}

fn merged(link: &Arc<Link>) -> Vec<EventKind> {
    let (edge, parts, link) = (EdgeId(7), vec![PartId(8), PartId(9)], Arc::clone(link));
    let hub = PartedBy::Hub { kind: KeyKind::PrivateIp, value: "10.0.0.53".into() };
    let background = PartedBy::Background { rule: "Logon failed".into() };
    let undone = |side| EventKind::MergeUndone {
        other: case(2),
        side,
        edge,
        parts: vec![PartId(8)],
        by: PartedBy::Person,
        comment: None,
    };
    let split = |side| EventKind::Split {
        other: case(2),
        side,
        parts: vec![PartId(8)],
        severity: Severity::High,
        priority: priority(),
        roll_up: true,
        by: background.clone(),
        comment: None,
    };
    let moved = |side| EventKind::AlertsMoved {
        other: case(2),
        side,
        parts: vec![PartId(8)],
        by: PartedBy::Person,
        comment: Some("another incident".into()),
    };
    vec![
        EventKind::Merged {
            from: case(2),
            edge,
            parts,
            between: (PartId(8), PartId(5)),
            link: Some(Arc::clone(&link)),
        },
        EventKind::MergedInto { into: case(1), edge },
        EventKind::MergeRefused { other: case(2), reason: RefusedMerge::OwnersDiffer, link: Arc::clone(&link) },
        undone(MergeSide::Survivor),
        undone(MergeSide::Restored),
        EventKind::Linked { other: case(2), link: Arc::clone(&link) },
        EventKind::IntelMatched { part: PartId(5), alert: AlertId(7), found: intel_match() },
        EventKind::MergeProposed { other: case(2), reason: RefusedMerge::OverSoftCap, link },
        EventKind::Unlinked { edges: vec![EdgeId(1), EdgeId(4)], drawn: vec![edge_view()], by: hub },
        split(SplitSide::From),
        split(SplitSide::New),
        moved(MoveSide::From),
        moved(MoveSide::To),
    ]
}

fn intel_match() -> IntelMatch {
    IntelMatch {
        kind: ObservableKind::Ip,
        value: "203.0.113.9".into(),
        list: "sharing-group".into(),
        confidence: 80,
        valid_until: Some(T0),
    }
}

pub fn event(seq: u64, kind: EventKind) -> CaseEvent {
    let by_person = seq.is_multiple_of(2);
    let actor = if by_person { Actor::Person { name: "maria".into(), verified: false } } else { Actor::Engine };
    let cause = if seq.is_multiple_of(3) { Cause::Clock } else { Cause::Record(origin(90_210)) };
    CaseEvent { case: case(1042), seq, time: T0, actor, cause, policy: [0xa5; 32], kind }
}

pub fn view() -> CaseView {
    CaseView {
        id: case(1042),
        seq: 7,
        title: "Credential dumping".into(),
        status: CaseStatus::Triage,
        roll_up: false,
        verdict: Some(Verdict::TruePositive),
        severity: Severity::High,
        priority: priority(),
        opened_at: T0,
        acknowledged_at: Some(T0),
        contained_at: None,
        resolved_at: None,
        closed_at: None,
        first_event_at: T0,
        last_event_at: T0,
        owner: Some("maria".into()),
        team: None,
        alert_count: 3,
        duplicate_count: 2,
        rolled_up_count: 1,
        sources: one("Endpoint Watch".into()),
        rules: one(("EW-1003".into(), "LSASS access".into())),
        observables: one((ObservableKind::Ip, "203.0.113.9".into(), Role::Destination)),
        entities: one((EntityKind::Host, "web-1".into(), Role::Asset)),
        attacks: one(attack()),
        intel_matches: ListView { items: vec![intel_match()], total: 1 },
        parts: ListView { items: vec![PartId(5), PartId(6)], total: 2 },
        edges: ListView { items: vec![edge_view()], total: 1 },
        follows: None,
        merged_into: None,
        merged_from: vec![MergedFrom { case: case(2), edge: EdgeId(7), at: T0 }],
        related: ListView {
            items: vec![RelatedCase {
                case: case(9),
                strength_permille: 400,
                keys: vec![(KeyKind::Domain, "evil.example".into())],
            }],
            total: 1,
        },
        audit_head: [0x5a; 32],
    }
}

fn one<T>(value: T) -> ListView<Counted<T>> {
    ListView { items: vec![Counted { value, count: 3 }], total: 1 }
}

pub fn edge_view() -> EdgeView {
    EdgeView {
        id: EdgeId(1),
        from: PartId(6),
        to: PartId(5),
        strength_permille: 910,
        keys: vec![(KeyKind::Host, "web-1".into())],
    }
}

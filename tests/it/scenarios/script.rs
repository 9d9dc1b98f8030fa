//! The words of a scenario: one input a line, as an analyst would tell it.
//!
//! ```text
//! 30s  alert a2 host=web-1 user=bob rule=r2 sev=high
//! 1h   close case-1 verdict=true_positive
//! 2h   advance
//! ```
//! The time is the record's; `at=` gives an alert another event time, `file` takes the record time away.

use std::collections::BTreeMap;
use std::sync::Arc;

use casewright::engine::{Asset, Indicator, Input, Lists, Policy, Reopen, subject_of};
use casewright::model::{
    Activity, Actor, Alert, AlertId, Attack, CaseId, CaseStatus, Command, CommandKind, Correlation, Entity, EntityKind,
    EventTime, InhibitOn, Inhibition, Marks, Matcher, Millis, NoiseId, NoiseKind, NoiseRule, Observable,
    ObservableKind, Origin, PartId, Role, Rule, Severity, Source, Tenant, TimeFrom, Timestamp, TopicName, Verdict,
    criticality_from_label,
};

/// A Thursday, so that nothing starts at zero.
pub const START: i64 = 1_767_225_600_000;
const TENANT: &str = "t";

/// Where lines become inputs; counts offsets, and knows alerts by their names.
#[derive(Default)]
pub struct Script {
    offset: i64,
    names: BTreeMap<AlertId, String>,
}

/// The words of one line: `key=value` and bare ones.
struct Words<'a> {
    pairs: BTreeMap<&'a str, &'a str>,
    bare: Vec<&'a str>,
}

impl Script {
    pub fn read(&mut self, line: &str) -> Input {
        if let Some((head, matcher)) = line.split_once(" : ") {
            let words = Words::new(head);
            let mut command = self.command(time(words.bare[0]), &words);
            command.kind = noise(&words, matcher);
            return Input::Command(command);
        }
        let words = Words::new(line);
        let at = time(words.bare[0]);
        match words.bare[1] {
            "alert" => self.alert(at, &words),
            "advance" => Input::Advance { watermark: at },
            "idle" => Input::Idle { origin: self.origin(&words) },
            "lists" => Input::Lists(Arc::new(words.lists())),
            "policy" => {
                let policy = policy(Policy { digest: [7; 32], ..Policy::default() }, line);
                Input::Policy { policy: Box::new(policy), text: "later".into() }
            }
            _ => Input::Command(self.command(at, &words)),
        }
    }

    pub fn name(&self, alert: AlertId) -> &str {
        &self.names[&alert]
    }

    fn alert(&mut self, at: Timestamp, words: &Words<'_>) -> Input {
        let alert = words.alert(at, self.origin(words));
        self.names.insert(alert.id, words.bare[2].to_owned());
        let subject = subject_of(&alert);
        Input::Alert { alert: Arc::new(alert), subject }
    }

    fn command(&mut self, at: Timestamp, words: &Words<'_>) -> Command {
        Command {
            origin: Origin { topic: TopicName::new("commands"), ..self.origin(words) },
            recorded_at: Some(at),
            actor: Actor::Person { name: "ann".into(), verified: false },
            case: words.subject(),
            expected_seq: words.get("expect").map(|seq| seq.parse().unwrap()),
            idempotency: words.get("key").map(|key| key.parse().unwrap()),
            kind: words.command(),
        }
    }

    fn origin(&mut self, words: &Words<'_>) -> Origin {
        self.offset += 1;
        let partition = words.get("partition").map_or(0, |partition| partition.parse().unwrap());
        Origin { topic: TopicName::new("alerts"), partition, offset: self.offset, index: 0 }
    }
}

impl<'a> Words<'a> {
    fn new(line: &'a str) -> Self {
        let (pairs, bare): (Vec<&str>, Vec<&str>) = line.split_whitespace().partition(|word| word.contains('='));
        Self { pairs: pairs.into_iter().map(|pair| pair.split_once('=').unwrap()).collect(), bare }
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.pairs.get(key).copied()
    }

    fn has(&self, word: &str) -> bool {
        self.bare.contains(&word)
    }

    fn alert(&self, recorded_at: Timestamp, origin: Origin) -> Alert {
        let name = self.bare[2];
        let tenant = self.get("tenant").unwrap_or(TENANT);
        let rule: Arc<str> = self.get("rule").unwrap_or(name).into();
        Alert {
            id: alert_id(tenant, self.get("id").unwrap_or(name)),
            tenant: Tenant::parse(tenant).unwrap(),
            origin,
            event_time: EventTime { at: self.get("at").map_or(recorded_at, time), from: TimeFrom::Field },
            recorded_at: (!self.has("file")).then_some(recorded_at),
            title: format!("title of {name}").into(),
            description: None,
            severity: self.get("sev").map_or(Severity::Medium, |sev| Severity::from_label(sev).unwrap()),
            confidence: self.get("conf").map(|number| number.parse().unwrap()),
            risk_score: self.get("risk").map(|number| number.parse().unwrap()),
            source: Source { product: self.get("product").unwrap_or("edr").into(), ..Source::default() },
            alert_uid: None,
            source_ref: None,
            rule: Rule { uid: rule.clone(), name: rule, version: None },
            attacks: self.get("tactic").map(attack).into_iter().collect(),
            activity: self.get("activity").map_or(Activity::Create, |word| Activity::from_label(word).unwrap()),
            revision: self.get("rev").map_or(0, |revision| revision.parse().unwrap()),
            observables: self.observables(),
            entities: self.entities(),
            dedup_key: self.get("dedup").map(Into::into),
            labels: Vec::new(),
            tags: Vec::new(),
            tlp: None,
            pap: None,
            correlation: self.correlation(),
            links: Vec::new(),
            evidences: Vec::new(),
            unmapped: None,
            marks: Marks::default(),
            profile: "native".into(),
        }
    }

    /// `host:web-1=extreme` and `ip:8.8.8.8=90`, or `=90@2h` where it is valid no longer.
    fn lists(&self) -> Lists {
        let (mut indicators, mut assets) = (Vec::new(), Vec::new());
        for (named, said) in &self.pairs {
            let (kind, value) = named.split_once(':').unwrap();
            if let Some(criticality) = criticality_from_label(said) {
                assets.push(Asset { kind: EntityKind::from_label(kind).unwrap(), id: value.into(), criticality });
                continue;
            }
            let kind = ObservableKind::ALL.into_iter().find(|known| known.label() == kind).unwrap();
            let (confidence, until) = said.split_once('@').map_or((*said, None), |(sure, until)| (sure, Some(until)));
            let (confidence, valid_until) = (confidence.parse().unwrap(), until.map(time));
            indicators.push(Indicator { kind, value: value.into(), list: 0, confidence, valid_until });
        }
        Lists::new(vec!["feed".into()], indicators, assets)
    }

    fn subject(&self) -> CaseId {
        match self.bare[1] {
            "silence" | "allow" | "exclude" | "inhibit" | "unsilence" => {
                let tenant = Tenant::parse(self.get("tenant").unwrap_or(TENANT)).unwrap();
                CaseId { tenant, number: 0 }
            }
            _ => case(self.bare[2]),
        }
    }

    /// `parts=2,5`
    fn parts(&self) -> Vec<PartId> {
        let parts = self.get("parts").unwrap_or_default().split(',').filter(|part| !part.is_empty());
        parts.map(|part| PartId(part.parse().unwrap())).collect()
    }

    fn correlation(&self) -> Correlation {
        Correlation {
            group_key: self.get("group").map(Into::into),
            exclude: self.has("exclude"),
            no_merge: self.has("no_merge"),
        }
    }

    fn entities(&self) -> Vec<Entity> {
        let kinds = [
            ("host", EntityKind::Host, Role::Asset),
            ("user", EntityKind::User, Role::Actor),
            ("target", EntityKind::Host, Role::Target),
            ("mention", EntityKind::Host, Role::Peer),
            ("context", EntityKind::Host, Role::Context),
            ("logon", EntityKind::Logon, Role::Actor),
            ("process", EntityKind::Process, Role::Actor),
        ];
        let entity = |(word, kind, role): (&str, EntityKind, Role)| {
            let (id, site) = (self.get(word)?.into(), self.get("site").map(Into::into));
            let criticality = self.get("crit").map_or(0, |word| criticality_from_label(word).unwrap());
            Some(Entity { kind, id, name: None, domain: None, site, role, criticality })
        };
        kinds.into_iter().filter_map(entity).collect()
    }

    fn observables(&self) -> Vec<Observable> {
        let kinds = [
            ("ip", ObservableKind::Ip, Role::Asset),
            ("src", ObservableKind::Ip, Role::Source),
            ("dst", ObservableKind::Ip, Role::Destination),
            ("hash", ObservableKind::Hash, Role::Target),
            ("path", ObservableKind::FilePath, Role::Target),
            ("domain", ObservableKind::Domain, Role::Peer),
        ];
        let ignore_correlation = self.has("ignored");
        let observable = |(word, kind, role): (&str, ObservableKind, Role)| {
            let value = self.get(word)?.into();
            Some(Observable { kind, value, role, ioc: false, ignore_correlation, tags: Vec::new() })
        };
        kinds.into_iter().filter_map(observable).collect()
    }

    fn command(&self) -> CommandKind {
        let verdict = self.get("verdict").map(verdict);
        match self.bare[1] {
            "close" => CommandKind::Close { verdict, comment: None },
            "reopen" => CommandKind::Reopen { comment: None },
            "merge" => CommandKind::Merge { others: self.bare[3..].iter().map(|other| case(other)).collect() },
            "split" => CommandKind::Split { parts: self.parts(), comment: None },
            "move" => CommandKind::Move { parts: self.parts(), to: case(self.bare[3]), comment: None },
            "detach" => CommandKind::Detach { alert: alert_id(TENANT, self.bare[3]), comment: None },
            "undo" => CommandKind::UndoMerge { other: case(self.bare[3]), comment: None },
            "status" => CommandKind::SetStatus { status: CaseStatus::from_label(self.bare[3]).unwrap() },
            "verdict" => CommandKind::SetVerdict { verdict: verdict_of(self.bare[3]) },
            "assign" => CommandKind::Assign { owner: self.get("owner").map(Into::into), team: None },
            "ack" => CommandKind::Acknowledge,
            "comment" => CommandKind::Comment { text: "hm".into() },
            "unsilence" => CommandKind::EndNoise { id: NoiseId(self.bare[2].parse().unwrap()) },
            // With a matcher behind a colon, which says the rest.
            "silence" | "allow" | "exclude" | "inhibit" => CommandKind::Acknowledge,
            other => panic!("no such word: {other}"),
        }
    }
}

/// `silence 1h : host = web-1` and the like; `inhibit host 30m : SOURCE => TARGET`.
fn noise(words: &Words<'_>, matcher: &str) -> CommandKind {
    let parse = |text: &str| Matcher::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let (source, target) = matcher.split_once("=>").unwrap_or((matcher, ""));
    let (kind, lasts) = match words.bare[1] {
        "silence" => (NoiseKind::Silence, words.bare.get(2)),
        "allow" => (NoiseKind::Allow, words.bare.get(2)),
        "exclude" => (NoiseKind::Exclude, words.bare.get(2)),
        _ => {
            let (on, within) = (InhibitOn::from_label(words.bare[2]).unwrap(), span(words.bare[3]));
            (NoiseKind::Inhibit(Box::new(Inhibition { target: parse(target), on, within })), None)
        }
    };
    let (owner, reason) = ("ann".into(), "as told".into());
    let rule = NoiseRule { kind, matcher: parse(source), owner, reason, lasts: lasts.map(|lasts| span(lasts)) };
    CommandKind::AddNoise { rule: Box::new(rule) }
}

/// Reads `policy soft_cap=3 reopen=never …` over `base`.
pub fn policy(mut base: Policy, line: &str) -> Policy {
    for (key, value) in Words::new(line).pairs {
        let number = || value.parse().unwrap();
        match key {
            "merge" => base.merge_permille = value.parse().unwrap(),
            "soft_cap" => base.soft_cap = number(),
            "hard_cap" => base.hard_cap = number(),
            "parts" => base.parts_per_case_max = number(),
            "hub_users" => base.kinds[casewright::model::KeyKind::User.index()].hub_machines = value.parse().unwrap(),
            "flood" => base.flood_count = number(),
            "quiet" => base.quiet = span(value),
            "reopen_window" => base.reopen_window = span(value),
            "id_window" => base.alert_id_window = span(value),
            "dedup_max" => base.dedup_window_max = span(value),
            "reopen" => base.reopen = reopen(value),
            other => panic!("no such policy: {other}"),
        }
    }
    base
}

fn reopen(word: &str) -> Reopen {
    match word {
        "never" => Reopen::Never,
        "same" => Reopen::SameCase,
        "follows" => Reopen::NewCaseFollows,
        other => panic!("no such reopening: {other}"),
    }
}

fn attack(tactic: &str) -> Attack {
    Attack { tactic: Some(tactic.into()), technique: None }
}

fn verdict(word: &str) -> Verdict {
    verdict_of(word)
}

fn verdict_of(word: &str) -> Verdict {
    Verdict::from_label(word).unwrap()
}

/// `case-3` is of the tenant that scenarios are about; others are named in full.
pub fn case(word: &str) -> CaseId {
    let word = word.strip_prefix("case-").map_or_else(|| word.to_owned(), |number| format!("{TENANT}-{number}"));
    CaseId::parse(&word).unwrap()
}

pub fn case_name(case: &CaseId) -> String {
    if case.tenant.as_str() == TENANT { format!("case-{}", case.number) } else { case.to_string() }
}

fn alert_id(tenant: &str, name: &str) -> AlertId {
    let hash = blake3::hash(format!("{tenant}/{name}").as_bytes());
    AlertId(u128::from_be_bytes(hash.as_bytes()[..16].try_into().unwrap()))
}

fn time(word: &str) -> Timestamp {
    Timestamp::from_millis(START).plus(span(word))
}

/// `1d2h30m5s`.
fn span(word: &str) -> Millis {
    let mut millis = 0;
    let mut number = 0;
    for letter in word.chars() {
        match letter {
            '0'..='9' => number = number * 10 + i64::from(letter.to_digit(10).unwrap()),
            unit => {
                millis += number * unit_millis(unit);
                number = 0;
            }
        }
    }
    Millis(millis)
}

fn unit_millis(unit: char) -> i64 {
    match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        other => panic!("no such unit: {other}"),
    }
}

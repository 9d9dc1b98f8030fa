//! An engine with a shell around it that is as simple as can be: rows in a map, batches of any size, cold rows on
//! request. It tells what happened in the scenarios' words.

use std::collections::BTreeMap;

use casewright::engine::{Change, Effects, Engine, Input, Policy, RowKey, Settled, StateRow};
use casewright::model::{
    CaseEvent, CaseId, EventKind, Link, MergeSide, MoveSide, Outcome, PartId, PartedBy, SplitSide,
};

use super::script::{START, Script, case_name};

pub struct World {
    pub engine: Engine,
    pub script: Script,
    pub effects: Effects,
    pub rows: BTreeMap<RowKey, StateRow>,
    /// Cases whose views are held back.
    pub owes_view: fn(&CaseId) -> bool,
    batch: u64,
    policy: Policy,
}

impl World {
    pub fn new(policy: Policy) -> Self {
        let engine = Engine::new(1, policy.clone(), "".into());
        let (script, effects) = (Script::default(), Effects::default());
        Self { engine, script, effects, rows: BTreeMap::new(), owes_view: |_| false, batch: 0, policy }
    }

    /// Applies one line; whatever it did is appended to `effects`.
    pub fn line(&mut self, line: &str) {
        let input = self.script.read(line);
        self.apply(input);
    }

    pub fn apply(&mut self, input: Input) {
        loop {
            let needs = self.engine.needs(&input);
            if needs.is_empty() {
                break;
            }
            let rows = needs.iter().map(|key| self.rows[key].clone()).collect();
            self.engine.apply(Input::Cold(rows), &mut self.effects);
        }
        if let Input::Policy { policy, .. } = &input {
            self.policy = (**policy).clone();
        }
        self.engine.apply(input, &mut self.effects);
    }

    /// The engine's clock, as a scenario writes it.
    pub fn now(&self) -> String {
        format!("{}s", (self.engine.stats().now.millis() - START).max(0) / 1_000)
    }

    /// Ends a batch as the shell does: heads, views, rows.
    pub fn seal(&mut self) {
        self.batch += 1;
        for case in self.engine.touched() {
            self.engine.chained(&case, [1; 32]);
            if !(self.owes_view)(&case) {
                self.engine.viewed(&case);
            }
        }
        let rows = &mut self.rows;
        let mut seen = std::collections::BTreeSet::new();
        self.engine.seal(self.batch, &mut |change| {
            let key = match &change {
                Change::Save(row) => row.key(),
                Change::Remove(key) => key.clone(),
            };
            assert!(seen.insert(key.clone()), "{key:?} twice in a batch");
            match change {
                Change::Save(row) => drop(rows.insert(key, row.to_row())),
                Change::Remove(key) => assert!(rows.remove(&key).is_some(), "{key:?} was there"),
            }
        });
    }

    /// Forgets the engine and takes another one back from the rows.
    pub fn restart(&mut self, seed: u64) {
        self.seal();
        self.reopen(seed);
    }

    /// Takes the engine back from the rows as they are.
    pub fn reopen(&mut self, seed: u64) {
        let rows = self.rows.values().cloned();
        self.engine = Engine::restore(seed, self.policy.clone(), "".into(), rows).unwrap();
    }

    /// What happened since the last call, a line each.
    pub fn told(&mut self) -> Vec<String> {
        let effects = std::mem::take(&mut self.effects);
        let mut told: Vec<String> = effects.emit.iter().map(|event| self.tell(event)).collect();
        let evented = |settled: &&Settled| match settled.outcome {
            Outcome::Duplicate | Outcome::RolledUp => true,
            Outcome::Updated => effects.emit.is_empty(),
            _ => false,
        };
        told.extend(effects.settled.iter().filter(evented).map(|settled| self.tell_settled(settled)));
        told.extend(effects.refuse.iter().map(|refused| format!("refused: {}", refused.refusal.label())));
        told
    }

    /// A part for what a rule does on a machine is no new part to an analyst.
    fn began(&self, begins: &[PartId], part: PartId, link: &Link) -> &'static str {
        let new = begins.iter().filter(|begun| **begun != part || link.continues.is_none()).count();
        if new > 0 && link.continues.is_none() { " in a new part" } else { "" }
    }

    fn tell_settled(&self, settled: &Settled) -> String {
        let alert = self.script.name(settled.alert.as_ref().unwrap().id);
        let outcome = settled.outcome.label().replace('_', " ");
        format!("{alert} {outcome} in {}", case_name(settled.case.as_ref().unwrap()))
    }

    fn tell(&self, event: &CaseEvent) -> String {
        let what = match &event.kind {
            EventKind::Opened { alert, late, follows, roll_up, .. } => {
                let follows = follows.as_ref().map_or(String::new(), |case| format!(" following {}", case_name(case)));
                let what = if *roll_up { "rolls up" } else { "opened by" };
                format!("{what} {}{follows}{}", self.script.name(alert.id), late_mark(*late))
            }
            EventKind::AlertAttached { alert, begins, part, link, late, .. } => {
                let part = self.began(begins, *part, link);
                format!("joined by {}{part}{}", self.script.name(alert.id), late_mark(*late))
            }
            EventKind::AlertUpdated { alert, .. } => format!("updated by {}", self.script.name(alert.id)),
            EventKind::AlertRepeated { repeats, begins, .. } => {
                let begins = if begins.is_some() { " beside" } else { "" };
                let tally =
                    |tally: &casewright::model::Tally| format!(" {} x{}", self.script.name(tally.alert), tally.count);
                format!("repeated{begins}{}", repeats.iter().map(tally).collect::<String>())
            }
            EventKind::AlertsRolledUp { count, .. } => format!("rolled up x{count}"),
            EventKind::SeverityChanged { to, .. } => format!("severity {}", to.label()),
            EventKind::PriorityChanged { priority } => format!("priority {}", priority.score),
            EventKind::StatusChanged { to, .. } => format!("status {}", to.label()),
            EventKind::VerdictSet { verdict } => format!("verdict {}", verdict.label()),
            EventKind::Assigned { owner, .. } => format!("assigned {}", owner.as_deref().unwrap_or("nobody")),
            EventKind::Acknowledged => "acknowledged".to_owned(),
            EventKind::CommentAdded { .. } => "commented".to_owned(),
            EventKind::Closed { .. } => "closed".to_owned(),
            EventKind::Reopened { .. } => "reopened".to_owned(),
            EventKind::Expired { .. } => "expired".to_owned(),
            EventKind::Merged { from, .. } => format!("took {}", case_name(from)),
            EventKind::MergedInto { into, .. } => format!("merged into {}", case_name(into)),
            EventKind::MergeRefused { other, reason, .. } => {
                format!("refused {}: {}", case_name(other), reason.label())
            }
            EventKind::MergeProposed { other, reason, .. } => {
                format!("proposes {}: {}", case_name(other), reason.label())
            }
            EventKind::Unlinked { edges, by, .. } => format!("loses {} edges: {}", edges.len(), because(by)),
            EventKind::Split { other, side: SplitSide::From, .. } => format!("split off {}", case_name(other)),
            EventKind::Split { other, side: SplitSide::New, by, .. } => {
                format!("is split from {}: {}", case_name(other), because(by))
            }
            EventKind::AlertsMoved { other, side: MoveSide::From, by, .. } => {
                format!("moved parts to {}: {}", case_name(other), because(by))
            }
            EventKind::AlertsMoved { other, side: MoveSide::To, .. } => {
                format!("took parts of {}", case_name(other))
            }
            EventKind::MergeUndone { other, side: MergeSide::Survivor, .. } => {
                format!("gave back {}", case_name(other))
            }
            EventKind::MergeUndone { other, side: MergeSide::Restored, .. } => {
                format!("parted from {}", case_name(other))
            }
            EventKind::Linked { other, .. } => format!("linked {}", case_name(other)),
            EventKind::IntelMatched { found, .. } => format!("met {} of {}", found.value, found.list),
            EventKind::OverflowStarted { .. } => "overflow started".to_owned(),
            EventKind::OverflowEnded { .. } => "overflow ended".to_owned(),
        };
        format!("{} {what}", case_name(&event.case))
    }
}

fn because(by: &PartedBy) -> String {
    match by {
        PartedBy::Person => "person".to_owned(),
        PartedBy::Hub { value, .. } => format!("{value} is a hub"),
        PartedBy::Background { rule } => format!("{rule} is background"),
    }
}

const fn late_mark(late: bool) -> &'static str {
    if late { " late" } else { "" }
}

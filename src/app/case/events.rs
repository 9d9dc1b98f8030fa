//! Why a case is one, from the events of a replay alone: parts, edges and merges are all told in them. What an edge rests
//! on is told with the alert that drew it; where the weight of a key was not told, the keys share the edge's strength
//! evenly. What only the daemon's rows have (kinds of parts, later evidence, weak edges) is left out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::files::{each_line, parse};
use crate::app::AppError;
use crate::engine::{
    About, EdgeKind, EdgeStands, EdgeState, EvidenceKey, EvidenceSet, Explanation, MergeRecord, Named, PartKind,
    PartTold, RelatedState,
};
use crate::model::{AlertId, CaseId, EdgeId, KeyHash, KeyKind, Outcome, PartId, Tenant, Timestamp};
use crate::wire;

/// A word needs no evidence.
const CERTAIN: u16 = 1_000;

/// One tenant's events, folded.
#[derive(Default)]
pub struct Events {
    /// The case each part counts in now.
    homes: BTreeMap<PartId, CaseId>,
    parts: BTreeMap<PartId, PartTold>,
    edges: BTreeMap<EdgeId, (PartId, EdgeState)>,
    keys: BTreeMap<(KeyKind, Arc<str>), KeyHash>,
    cases: BTreeMap<CaseId, Told>,
    /// The JSON of the alerts that were asked for, and their parts.
    alerts: BTreeMap<AlertId, (PartId, Vec<u8>)>,
}

#[derive(Default)]
struct Told {
    seq: u64,
    merged_into: Option<CaseId>,
    merged_from: Vec<MergeRecord>,
    related: Vec<RelatedState>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    actor: Actor<'a>,
    #[serde(borrow)]
    case_id: Cow<'a, str>,
    #[serde(borrow)]
    policy: Option<Cow<'a, str>>,
    seq: Option<u64>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Actor<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

/// The members of all payloads that say anything of the graph.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    alert: Option<&'a RawValue>,
    #[serde(borrow)]
    link: Option<&'a RawValue>,
    part: Option<u64>,
    #[serde(borrow)]
    begins: Option<&'a RawValue>,
    #[serde(default)]
    edges: Option<&'a RawValue>,
    #[serde(default)]
    drawn: Vec<EdgeTold>,
    edge: Option<u64>,
    between: Option<[u64; 2]>,
    #[serde(default)]
    parts: Vec<u64>,
    count: Option<u64>,
    side: Option<String>,
    other: Option<String>,
    from: Option<String>,
    into: Option<String>,
    by: Option<PartedBy>,
    #[serde(default)]
    roll_up: bool,
    first_at: Option<String>,
    last_at: Option<String>,
    #[serde(default)]
    repeats: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    first_at: String,
    last_at: String,
}

#[derive(Deserialize)]
struct PartedBy {
    kind: String,
    key: Option<KeyTold>,
}

#[derive(Clone, Deserialize)]
struct KeyTold {
    kind: String,
    value: String,
}

#[derive(Deserialize)]
struct EdgeTold {
    id: u64,
    from: u64,
    to: u64,
    strength: u16,
    keys: Vec<KeyTold>,
}

#[derive(Deserialize)]
struct Begun {
    edge: EdgeTold,
    title: String,
}

#[derive(Deserialize)]
struct AlertTold {
    id: String,
    event_time: String,
    title: String,
    severity_id: u8,
    #[serde(default)]
    entities: Vec<EntityTold>,
}

#[derive(Deserialize)]
struct EntityTold {
    id: String,
    kind: String,
    role: String,
}

#[derive(Default, Deserialize)]
struct LinkTold {
    #[serde(default)]
    evidence: Vec<EvidenceTold>,
    #[serde(default)]
    strength: u16,
}

#[derive(Deserialize)]
struct EvidenceTold {
    kind: String,
    value: String,
    part: u64,
    weight: u32,
    specificity: u32,
    counted: bool,
}

/// The alert that an event is about, for the evidence of the edges that it drew.
struct Drawing {
    alert: AlertId,
    at: Timestamp,
    link: LinkTold,
}

impl Events {
    /// Folds the events of one tenant; keeps the JSON of these alerts.
    pub fn read(file: &Path, tenant: &Tenant, wanted: &[AlertId]) -> Result<Self, AppError> {
        let mut events = Self::default();
        each_line(file, &mut |line| {
            let event: Event<'_> = parse(file, line)?;
            let case = CaseId::parse(&event.data.case_id).filter(|case| case.tenant == *tenant);
            if let (Some(case), Some(seq), Some(payload)) = (case, event.data.seq, event.data.payload) {
                let payload: Payload<'_> = parse(file, payload.get().as_bytes())?;
                events.cases.entry(case.clone()).or_default().seq = seq;
                events.take(file, &case, &event, payload, wanted)?;
            }
            Ok(true)
        })?;
        Ok(events)
    }

    pub fn explain(self, case: &CaseId, alerts: &[AlertId], holds_permille: u16) -> Result<Vec<u8>, AppError> {
        let mut id = case;
        // Redirects lead to older cases, so this ends.
        while let Some(into) = self.cases.get(id).and_then(|told| told.merged_into.as_ref()).filter(|into| *into < id) {
            id = into;
        }
        let told = self.cases.get(id).ok_or_else(|| AppError::Failed(format!("there is no case {id}")))?;
        if id != case {
            eprintln!("{case} was merged into {id}");
        }
        let (merged_from, related) = (told.merged_from.clone(), told.related.clone());
        let about = About { case: id.clone(), seq: told.seq, related, kept_apart: Vec::new(), merged_from };
        let here = |part: &PartId| self.homes.get(part) == Some(id);
        let parts = self.parts.values().filter(|part| here(&part.id)).cloned().collect();
        let edges = self.edges.values().filter(|(from, _)| here(from)).cloned().collect();
        let explanation = Explanation::new(about, parts, edges, holds_permille);
        let mut asked = wire::explain::Asked::default();
        let mut ends = Vec::new();
        for alert in alerts {
            let known = self.alerts.get(alert).filter(|(part, _)| here(part));
            let (part, json) = known.ok_or_else(|| AppError::Failed(format!("case {id} has no alert {alert}")))?;
            asked.alerts.push(json.clone());
            ends.push(*part);
        }
        if let [one, two] = ends.as_slice() {
            asked.path = Some((*one, *two));
        }
        let mut json = Vec::new();
        wire::explain::encode(&explanation, &asked, &mut json);
        Ok(json)
    }

    fn take(
        &mut self,
        file: &Path,
        case: &CaseId,
        event: &Event<'_>,
        payload: Payload<'_>,
        wanted: &[AlertId],
    ) -> Result<(), AppError> {
        let kind = event.r#type.strip_prefix("casewright.case.").and_then(|kind| kind.strip_suffix(".v1"));
        match kind.unwrap_or_default() {
            "opened" => self.placed(file, case, event, &payload, Outcome::Opened, wanted),
            "alert_attached" => self.placed(file, case, event, &payload, Outcome::Attached, wanted),
            "alert_repeated" => self.repeated(file, case, &payload),
            "alerts_rolled_up" => {
                if let Some(part) = self.known(&payload) {
                    part.rolled_up += payload.count.unwrap_or(0);
                    span(part, payload.first_at.as_deref(), payload.last_at.as_deref());
                }
                Ok(())
            }
            "merged" => self.merged(file, case, event, &payload),
            "merged_into" => {
                let into = payload.into.as_deref().and_then(CaseId::parse);
                self.cases.entry(case.clone()).or_default().merged_into = into;
                Ok(())
            }
            "merge_undone" => self.undone(case, &payload),
            "split" if payload.side.as_deref() == Some("new") => self.count(case, &payload.parts),
            "alerts_moved" if payload.side.as_deref() == Some("to") => self.count(case, &payload.parts),
            "unlinked" => self.unlinked(file, &payload),
            "linked" => self.linked(file, case, &payload),
            // The rest says nothing of what holds a case together.
            _ => Ok(()),
        }
    }

    fn placed(
        &mut self,
        file: &Path,
        case: &CaseId,
        event: &Event<'_>,
        payload: &Payload<'_>,
        outcome: Outcome,
        wanted: &[AlertId],
    ) -> Result<(), AppError> {
        let (Some(raw), Some(part)) = (payload.alert, payload.part) else { return Ok(()) };
        let alert: AlertTold = parse(file, raw.get().as_bytes())?;
        let at = time(&alert.event_time);
        let begins: Vec<u64> = match payload.begins {
            Some(begins) => parse(file, begins.get().as_bytes())?,
            None => Vec::new(),
        };
        for begun in begins.iter().copied().chain([part]) {
            self.begin(PartId(begun), case, at);
        }
        self.record(PartId(part), &alert, at, payload.roll_up);
        let drawing = self.drawing(file, &alert, at, payload.link)?;
        if let Some(edges) = payload.edges {
            for edge in parse::<Vec<EdgeTold>>(file, edges.get().as_bytes())? {
                self.draw(&edge, Some(&drawing));
            }
        }
        if wanted.contains(&drawing.alert) {
            let policy = event.data.policy.as_deref().unwrap_or_default();
            let link = payload.link.map(RawValue::get);
            let told = wire::explain::AlertEvent { outcome, part: PartId(part), link, policy };
            let mut json = Vec::new();
            wire::explain::alert_told(&alert.id, raw.get(), told, &mut json);
            self.alerts.entry(drawing.alert).or_insert((PartId(part), json));
        }
        Ok(())
    }

    fn drawing(
        &self,
        file: &Path,
        alert: &AlertTold,
        at: Timestamp,
        link: Option<&RawValue>,
    ) -> Result<Drawing, AppError> {
        let link = link.map(|link| parse(file, link.get().as_bytes())).transpose()?.unwrap_or_default();
        Ok(Drawing { alert: AlertId::parse(&alert.id).unwrap_or(AlertId(0)), at, link })
    }

    fn begin(&mut self, id: PartId, case: &CaseId, at: Timestamp) {
        self.homes.insert(id, case.clone());
        self.parts.entry(id).or_insert_with(|| PartTold {
            id,
            home: case.clone(),
            kind: None,
            machine: None,
            identity: None,
            title: "".into(),
            alerts: 0,
            duplicates: 0,
            rolled_up: 0,
            first_at: at,
            last_at: at,
        });
    }

    fn record(&mut self, id: PartId, alert: &AlertTold, at: Timestamp, roll_up: bool) {
        let Some(part) = self.parts.get_mut(&id) else { return };
        part.alerts += 1;
        part.first_at = part.first_at.min(at);
        part.last_at = part.last_at.max(at);
        if roll_up && part.alerts == 1 {
            part.kind = Some(PartKind::RollUp);
        }
        // The first one names it here; which was the gravest so far is for the view to tell.
        if part.title.is_empty() || alert.severity_id >= 5 && part.alerts == 1 {
            part.title = alert.title.as_str().into();
        }
        let named = |entity: &EntityTold| Named {
            kind: KeyKind::from_label(&entity.kind),
            value: Some(entity.id.as_str().into()),
        };
        let find = |role: &str, kinds: &[&str]| {
            alert.entities.iter().find(|entity| entity.role == role && kinds.contains(&&*entity.kind)).map(named)
        };
        if part.machine.is_none() {
            part.machine = find("asset", &["host", "container", "cloud_resource"]);
        }
        if part.identity.is_none() {
            part.identity = find("actor", &["user", "mailbox", "cloud_resource", "cloud_session"]);
        }
    }

    fn repeated(&mut self, file: &Path, case: &CaseId, payload: &Payload<'_>) -> Result<(), AppError> {
        if let (Some(begins), Some(part)) = (payload.begins, payload.part) {
            let begun: Begun = parse(file, begins.get().as_bytes())?;
            let at = payload.repeats.first().map_or_else(Timestamp::default, |repeat| time(&repeat.first_at));
            self.begin(PartId(part), case, at);
            self.draw(&begun.edge, None);
            if let Some(part) = self.parts.get_mut(&PartId(part)) {
                part.title = begun.title.into();
            }
        }
        if let Some(part) = self.known(payload) {
            part.duplicates += payload.count.unwrap_or(0);
            for repeat in &payload.repeats {
                span(part, Some(&repeat.first_at), Some(&repeat.last_at));
            }
        }
        Ok(())
    }

    fn known(&mut self, payload: &Payload<'_>) -> Option<&mut PartTold> {
        self.parts.get_mut(&PartId(payload.part?))
    }

    fn merged(&mut self, file: &Path, case: &CaseId, event: &Event<'_>, payload: &Payload<'_>) -> Result<(), AppError> {
        self.count(case, &payload.parts)?;
        let (Some(edge), Some([from, to])) = (payload.edge, payload.between) else { return Ok(()) };
        if let Some(from) = payload.from.as_deref().and_then(CaseId::parse) {
            let record = MergeRecord { case: from, edge: EdgeId(edge), at: time(&event.time) };
            self.cases.entry(case.clone()).or_default().merged_from.push(record);
        }
        let link: LinkTold = match payload.link {
            Some(link) => parse(file, link.get().as_bytes())?,
            None => LinkTold::default(),
        };
        if event.data.actor.kind == "person" {
            let keys = Vec::new();
            self.draw(&EdgeTold { id: edge, from, to, strength: CERTAIN, keys }, None);
            if let Some((_, state)) = self.edges.get_mut(&EdgeId(edge)) {
                (state.kind, state.stands) = (EdgeKind::Person, EdgeStands::Holds);
            }
        } else if !self.edges.contains_key(&EdgeId(edge)) {
            let counted = link.evidence.iter().filter(|told| told.counted && [from, to].contains(&told.part));
            let keys = counted.map(|told| KeyTold { kind: told.kind.clone(), value: told.value.clone() }).collect();
            let strength = link.strength;
            let drawing = Drawing { alert: AlertId(0), at: time(&event.time), link };
            self.draw(&EdgeTold { id: edge, from, to, strength, keys }, Some(&drawing));
        }
        Ok(())
    }

    fn undone(&mut self, case: &CaseId, payload: &Payload<'_>) -> Result<(), AppError> {
        let other = payload.other.as_deref().and_then(CaseId::parse);
        if payload.side.as_deref() == Some("restored") {
            self.cases.entry(case.clone()).or_default().merged_into = None;
            self.count(case, &payload.parts)?;
        } else {
            let told = self.cases.entry(case.clone()).or_default();
            told.merged_from.retain(|record| Some(&record.case) != other.as_ref());
        }
        let edges: Vec<u64> = payload.edge.into_iter().collect();
        self.fell(&edges, payload.by.as_ref());
        Ok(())
    }

    fn unlinked(&mut self, file: &Path, payload: &Payload<'_>) -> Result<(), AppError> {
        if let Some(edges) = payload.edges {
            let edges: Vec<u64> = parse(file, edges.get().as_bytes())?;
            self.fell(&edges, payload.by.as_ref());
        }
        payload.drawn.iter().for_each(|edge| self.draw(edge, None));
        Ok(())
    }

    /// A hub takes the word of its key away; a person, or a rule that fires all day, the edge itself.
    fn fell(&mut self, edges: &[u64], by: Option<&PartedBy>) {
        let hub = by.filter(|by| by.kind == "hub").and_then(|by| by.key.as_ref());
        let hub = hub.and_then(|key| self.keys.get(&(KeyKind::from_label(&key.kind)?, key.value.as_str().into())));
        for edge in edges {
            let Some((_, state)) = self.edges.get_mut(&EdgeId(*edge)) else { continue };
            let discredited = hub.is_some_and(|hub| state.discredit(*hub));
            if !discredited {
                state.stands = EdgeStands::Undone;
            }
        }
    }

    fn linked(&mut self, file: &Path, case: &CaseId, payload: &Payload<'_>) -> Result<(), AppError> {
        let (Some(other), Some(link)) = (payload.other.as_deref().and_then(CaseId::parse), payload.link) else {
            return Ok(());
        };
        let link: LinkTold = parse(file, link.get().as_bytes())?;
        let counted = link.evidence.iter().filter(|told| told.counted);
        let keys = counted.filter_map(|told| Some((KeyKind::from_label(&told.kind)?, told.value.as_str().into())));
        let told = RelatedState { case: other, strength_permille: link.strength, keys: keys.collect() };
        self.cases.entry(case.clone()).or_default().related.push(told);
        Ok(())
    }

    fn count(&mut self, case: &CaseId, parts: &[u64]) -> Result<(), AppError> {
        parts.iter().for_each(|part| drop(self.homes.insert(PartId(*part), case.clone())));
        Ok(())
    }

    fn draw(&mut self, edge: &EdgeTold, drawing: Option<&Drawing>) {
        let mut keys = Vec::new();
        for key in &edge.keys {
            let Some(kind) = KeyKind::from_label(&key.kind) else { continue };
            let permille = drawing.and_then(|drawing| drawing.weight(edge, key));
            let permille = permille.unwrap_or_else(|| even_share(edge.strength, edge.keys.len()));
            let value: Arc<str> = key.value.as_str().into();
            let next = KeyHash(self.keys.len() as u128);
            let hash = *self.keys.entry((kind, value.clone())).or_insert(next);
            keys.push(EvidenceKey { hash, kind, value, permille });
        }
        let kind = if keys.is_empty() { EdgeKind::Machine } else { EdgeKind::Evidence };
        let evidence = EvidenceSet {
            alert: drawing.map_or(AlertId(0), |drawing| drawing.alert),
            at: drawing.map_or_else(Timestamp::default, |drawing| drawing.at),
            strength_permille: edge.strength,
            keys,
        };
        let state = EdgeState {
            id: EdgeId(edge.id),
            to: PartId(edge.to),
            kind,
            stands: EdgeStands::Holds,
            strength_permille: edge.strength,
            evidence: if kind == EdgeKind::Evidence { vec![evidence] } else { Vec::new() },
        };
        match self.edges.get_mut(&EdgeId(edge.id)) {
            Some((_, known)) => known.stands = EdgeStands::Holds,
            None => drop(self.edges.insert(EdgeId(edge.id), (PartId(edge.from), state))),
        }
    }
}

impl Drawing {
    /// What the key counted for towards a part at either end of the edge.
    fn weight(&self, edge: &EdgeTold, key: &KeyTold) -> Option<u16> {
        let told = self.link.evidence.iter().find(|told| {
            let there = [edge.from, edge.to].contains(&told.part);
            there && told.counted && told.kind == key.kind && told.value == key.value
        })?;
        u16::try_from(told.weight * told.specificity / 1_000).ok()
    }
}

/// The strength that each of so many keys has where all of them together have this one.
fn even_share(strength: u16, keys: usize) -> u16 {
    let rest = 1.0 - f64::from(strength) / 1_000.0;
    let each = 1.0 - rest.max(0.0).powf(1.0 / keys.max(1) as f64);
    (each * 1_000.0).ceil() as u16
}

fn span(part: &mut PartTold, first: Option<&str>, last: Option<&str>) {
    part.first_at = first.map_or(part.first_at, |first| part.first_at.min(time(first)));
    part.last_at = last.map_or(part.last_at, |last| part.last_at.max(time(last)));
}

/// Every time of ours is RFC 3339.
fn time(raw: &str) -> Timestamp {
    let parsed = raw.parse::<jiff::Timestamp>();
    parsed.map_or_else(|_| Timestamp::default(), |at| Timestamp::from_millis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_shares_make_the_strength_up() {
        for strength in [0, 300, 500, 875, 1_000] {
            for keys in 1..6 {
                let share = f64::from(even_share(strength, keys)) / 1_000.0;
                let all = 1.0 - (1.0 - share).powi(keys as i32);
                assert!(all * 1_000.0 >= f64::from(strength) - 0.001, "{strength} {keys}");
            }
        }
    }
}

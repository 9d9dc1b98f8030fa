//! The API's JSON, as far as the terminal shows it.

use serde::{Deserialize, Serialize};

use crate::app::AppError;

pub fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, AppError> {
    serde_json::from_slice(json).map_err(|error| AppError::Failed(format!("the answer cannot be read: {error}")))
}

#[derive(Serialize, Deserialize)]
pub struct Page {
    pub cases: Vec<Listed>,
    pub cases_total: u64,
    pub next_cursor: Option<String>,
}

/// A case as lists show it, in the order of the API's members.
#[derive(Serialize, Deserialize)]
pub struct Listed {
    pub alert_count: u64,
    pub case_id: String,
    pub closed_at: Option<String>,
    pub duplicate_count: u64,
    pub first_event_at: String,
    pub last_event_at: String,
    pub merged_into: Option<String>,
    pub opened_at: String,
    pub owner: Option<String>,
    pub priority: Priority,
    pub roll_up: bool,
    pub rolled_up_count: u64,
    pub seq: u64,
    pub severity: String,
    pub severity_id: u64,
    pub sources_total: u64,
    pub status: String,
    pub tenant_id: String,
    pub title: String,
}

#[derive(Serialize, Deserialize)]
pub struct Priority {
    pub band: String,
    pub factors: Vec<Factor>,
    pub score: u64,
}

#[derive(Serialize, Deserialize)]
pub struct Factor {
    pub name: String,
    pub points: u64,
}

#[derive(Deserialize)]
pub struct View {
    #[serde(flatten)]
    pub listed: Listed,
    pub team: Option<String>,
    pub verdict: Option<String>,
    pub follows: Option<String>,
    pub sources: Vec<Source>,
    pub rules: Vec<Rule>,
    pub rules_total: u64,
    pub entities: Vec<Entity>,
    pub entities_total: u64,
    pub observables: Vec<Observable>,
    pub observables_total: u64,
    pub attacks: Vec<Attack>,
    pub attacks_total: u64,
    pub parts_total: u64,
    pub edges_total: u64,
    pub merged_from: Vec<Merged>,
    pub related: Vec<Related>,
    pub related_total: u64,
}

#[derive(Deserialize)]
pub struct Source {
    pub count: u64,
    pub product: String,
}

#[derive(Deserialize)]
pub struct Rule {
    pub count: u64,
    pub name: String,
    pub uid: String,
}

#[derive(Deserialize)]
pub struct Entity {
    pub count: u64,
    pub id: String,
    pub kind: String,
    pub role: String,
}

#[derive(Deserialize)]
pub struct Observable {
    pub count: u64,
    pub role: String,
    pub r#type: String,
    pub value: String,
}

#[derive(Deserialize)]
pub struct Attack {
    pub count: u64,
    pub tactic_uid: Option<String>,
    pub technique_uid: Option<String>,
}

#[derive(Deserialize)]
pub struct Merged {
    pub at: String,
    pub case_id: String,
    pub edge: u64,
}

#[derive(Deserialize)]
pub struct Related {
    pub case_id: String,
    pub keys: Vec<Key>,
    pub strength: u64,
}

#[derive(Deserialize)]
pub struct Key {
    pub kind: String,
    pub value: String,
}

#[derive(Deserialize)]
pub struct Explained {
    #[serde(default)]
    pub alerts: Vec<Alert>,
    pub case_id: String,
    pub edges: Vec<Edge>,
    pub edges_total: u64,
    pub fallen: Vec<Edge>,
    pub fallen_total: u64,
    pub holds_permille: u64,
    pub parts: Vec<Part>,
    pub parts_total: u64,
    pub path: Option<Path>,
    pub related: Vec<Related>,
    pub related_total: u64,
    pub seq: u64,
    pub without: Without,
}

#[derive(Deserialize)]
pub struct Part {
    pub alerts: u64,
    pub duplicates: u64,
    pub first_at: String,
    pub id: u64,
    pub identity: Option<Named>,
    pub kind: Option<String>,
    pub last_at: String,
    pub machine: Option<Named>,
    pub rolled_up: u64,
    pub title: String,
}

#[derive(Deserialize)]
pub struct Named {
    pub kind: Option<String>,
    pub value: Option<String>,
}

#[derive(Deserialize)]
pub struct Edge {
    pub evidence: Vec<Evidence>,
    pub from: u64,
    pub id: u64,
    pub kind: String,
    pub standing: String,
    pub strength: u64,
    pub to: u64,
}

#[derive(Deserialize)]
pub struct Evidence {
    pub alert_id: String,
    pub at: String,
    pub keys: Vec<EvidenceKey>,
    pub strength: u64,
}

#[derive(Deserialize)]
pub struct EvidenceKey {
    pub hub: bool,
    pub kind: String,
    pub value: String,
    pub weight: u64,
}

#[derive(Deserialize)]
pub struct Path {
    pub edges: Vec<Edge>,
    pub found: bool,
    pub from: u64,
    pub to: u64,
}

#[derive(Deserialize)]
pub struct Without {
    pub edges: Vec<EdgeCut>,
    pub edges_total: u64,
    pub keys: Vec<KeyCut>,
    pub keys_total: u64,
    pub parts: Vec<PartCut>,
    pub parts_total: u64,
}

#[derive(Deserialize)]
pub struct EdgeCut {
    pub edge: u64,
    pub from: u64,
    pub pieces: Vec<Piece>,
    pub pieces_total: u64,
    pub to: u64,
}

#[derive(Deserialize)]
pub struct KeyCut {
    pub edges_total: u64,
    pub kind: String,
    pub pieces: Vec<Piece>,
    pub pieces_total: u64,
    pub value: String,
}

#[derive(Deserialize)]
pub struct PartCut {
    pub part: u64,
    pub pieces: Vec<Piece>,
    pub pieces_total: u64,
}

#[derive(Deserialize)]
pub struct Piece {
    pub alerts: u64,
    pub parts_total: u64,
}

#[derive(Deserialize)]
pub struct Alert {
    pub alert: Option<AlertBody>,
    pub alert_id: String,
    pub link: Option<Link>,
    pub outcome: Option<String>,
    pub part: Option<u64>,
    pub policy: Option<String>,
}

#[derive(Deserialize)]
pub struct AlertBody {
    pub event_time: String,
    pub title: String,
}

#[derive(Deserialize)]
pub struct Link {
    pub continues: Option<u64>,
    pub evidence: Vec<LinkEvidence>,
    pub rivals: Vec<Rival>,
    pub strength: u64,
}

#[derive(Deserialize)]
pub struct LinkEvidence {
    pub age_ms: i64,
    pub counted: bool,
    pub kind: String,
    pub part: u64,
    pub role: String,
    pub specificity: u64,
    pub value: String,
    pub weight: u64,
    pub window_ms: i64,
}

#[derive(Deserialize)]
pub struct Rival {
    pub case_id: String,
    pub strength: u64,
}

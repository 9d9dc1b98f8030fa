//! What readers see of a load of alerts: the views that were published, from rows that are stored, on their way, or both.

use std::collections::BTreeMap;

use super::super::compose::{Composer, Decided, Watcher};
use super::super::ledger::Ledger;
use super::super::pending::{Pending, RowReader};
use super::super::schedule::ViewSchedule;
use super::super::segments::Segments;
use super::*;
use crate::engine::{Engine, Policy, Settled, subject_of};
use crate::model::{Alert, CaseEvent, Entity, EntityKind, Outcome, PartId, Role, Tenant, Timestamp};
use crate::store::{ChangelogId, Manifest, MemoryStore, Position, Row};
use crate::testing::load::{Load, LoadConfig, Mix};

const CHANGELOG: ChangelogId = ChangelogId([6; 16]);

/// The live pipeline without Kafka: a batch is committed by being told to the reader, and stored some batches later.
struct World {
    composer: Composer,
    store: Arc<MemoryStore>,
    pending: Pending,
    rows: RowReader,
    reader: CaseReader,
    unstored: Vec<Arc<Batch>>,
    /// The last view of each case.
    views: BTreeMap<CaseId, Vec<u8>>,
    placed: BTreeMap<(Tenant, PartId), AlertId>,
}

/// Remembers one alert of each part.
struct Placed<'a>(&'a mut BTreeMap<(Tenant, PartId), AlertId>);

impl Watcher for Placed<'_> {
    fn event(&mut self, _: &CaseEvent) {}
    fn settled(&mut self, settled: &Settled) {
        let took = matches!(settled.outcome, Outcome::Opened | Outcome::Attached);
        if let (Some(alert), Some(part), true) = (&settled.alert, settled.part, took) {
            self.0.insert((alert.tenant.clone(), part), alert.id);
        }
    }
}

impl World {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        store.set_changelog(CHANGELOG).unwrap();
        let engine = Engine::new(1, Policy::default(), "".into());
        let codec = Codec::new(CHANGELOG);
        let views = ViewSchedule::new(Duration::ZERO);
        let (ledger, manifest) = (Ledger::default(), Manifest::first(CHANGELOG));
        let composer = Composer::new(engine, codec.clone(), ledger, manifest, views, "0".to_owned(), 1_000)
            .with_segments(Segments::default());
        let pending = Pending::default();
        let rows = RowReader::new(Arc::clone(&store) as Arc<dyn Store>, pending.clone());
        let reader = CaseReader::default();
        let holds_permille = Policy::default().attach_permille;
        reader.begin(Arc::clone(&store) as Arc<dyn Store>, codec, holds_permille, Vec::new());
        Self {
            composer,
            store,
            pending,
            rows,
            reader,
            unstored: Vec::new(),
            views: BTreeMap::new(),
            placed: BTreeMap::new(),
        }
    }

    fn commit(&mut self, alerts: &[Arc<Alert>]) {
        let mut draft = self.composer.begin();
        for alert in alerts {
            let (alert, subject) = (Arc::clone(alert), subject_of(alert));
            let (element, mut watcher) = (Decided::Alert { alert, subject }, Placed(&mut self.placed));
            self.composer.element(&mut draft, element, &self.rows, &mut watcher).unwrap();
        }
        let batch = Arc::new(self.composer.finish(draft, &self.rows, false, Timestamp::from_millis(7)).unwrap());
        for ((_, view), (case, _)) in batch.views.iter().zip(&batch.summaries) {
            self.views.insert(case.clone(), view.unwrap().to_vec());
        }
        self.pending.push(Arc::clone(&batch));
        self.reader.committed(&batch);
        self.unstored.push(batch);
    }

    fn store(&mut self) {
        let Some(last) = self.unstored.last().map(|batch| batch.manifest.batch) else { return };
        self.reader.storing(last);
        let rows: Vec<&Row> = self.unstored.iter().flat_map(|batch| &batch.rows).collect();
        self.store.apply(&rows, Position(1)).unwrap();
        self.reader.stored(last);
        self.pending.stored(last);
        self.unstored.clear();
    }

    /// Every case as it was published last. Answers how many redirect.
    fn look(&self) -> usize {
        let mut merged = 0;
        for (case, view) in &self.views {
            match self.reader.show(case).unwrap() {
                Found::Case { json, .. } => {
                    assert_eq!(String::from_utf8_lossy(&json), String::from_utf8_lossy(view));
                }
                Found::Merged(into) => {
                    merged += 1;
                    assert!(matches!(self.reader.show(&into).unwrap(), Found::Case { .. }), "{case} to {into}");
                    assert_eq!(self.reader.explain(case, &[]).unwrap(), Found::Merged(into));
                }
            }
        }
        merged
    }
}

fn alerts(count: usize, seed: u64) -> Vec<Arc<Alert>> {
    let mut load = Load::new(LoadConfig { seed, mix: Mix::Hard, ..LoadConfig::default() });
    (0..count).map(|_| load.next_alert()).collect()
}

/// Two alerts each about one user on two machines.
fn pairs(count: usize) -> Vec<Arc<Alert>> {
    let template = Alert::clone(&alerts(1, 7)[0]);
    let entity = |kind, id: String, role| Entity {
        kind,
        id: id.into(),
        name: None,
        domain: None,
        site: None,
        role,
        criticality: 0,
    };
    let alert = |number: usize| {
        let host = entity(EntityKind::Host, format!("machine-{number}"), Role::Asset);
        let user = entity(EntityKind::User, format!("person-{}", number / 2), Role::Actor);
        let (id, dedup_key) = (AlertId(number as u128 + 1), Some(number.to_string().into()));
        let (entities, observables) = (vec![host, user], Vec::new());
        Arc::new(Alert { id, dedup_key, entities, observables, ..template.clone() })
    };
    (0..count * 2).map(alert).collect()
}

fn told(found: Found) -> serde_json::Value {
    match found {
        Found::Case { json, .. } => serde_json::from_slice(&json).unwrap(),
        Found::Merged(into) => panic!("merged into {into}"),
    }
}

#[test]
fn a_case_reads_as_it_was_published_wherever_its_rows_are() {
    let mut world = World::new();
    for (number, batch) in alerts(3_000, 3).chunks(150).enumerate() {
        world.commit(batch);
        if number % 3 == 2 {
            world.store();
        }
        if number % 4 == 3 {
            world.look();
        }
    }
    world.look();
    world.store();
    world.look();
    assert!(world.views.len() > 100, "{}", world.views.len());
}

#[test]
fn an_explanation_agrees_with_the_view_and_knows_every_alert() {
    let mut world = World::new();
    let alerts = alerts(1_500, 4);
    for batch in alerts.chunks(200) {
        world.commit(batch);
    }
    world.commit(&pairs(6));
    let mut looked = 0;
    for (case, view) in &world.views {
        let view: serde_json::Value = serde_json::from_slice(view).unwrap();
        let Found::Case { .. } = world.reader.explain(case, &[]).unwrap() else { continue };
        let explained = told(world.reader.explain(case, &[]).unwrap());
        for same in ["case_id", "seq", "parts_total", "edges_total", "related_total", "tenant_id"] {
            assert_eq!(explained[same], view[same], "{same} of {case}");
        }
        // The pieces of every cut hold all parts but the one that is taken away.
        for (cuts, gone) in [("edges", 0), ("keys", 0), ("parts", 1)] {
            for cut in explained["without"][cuts].as_array().unwrap() {
                let parts =
                    cut["pieces"].as_array().unwrap().iter().map(|piece| piece["parts_total"].as_u64().unwrap());
                assert_eq!(parts.sum::<u64>() + gone, view["parts_total"].as_u64().unwrap(), "{cut}");
            }
        }
        let ours = explained["parts"].as_array().unwrap().iter().map(|part| part["id"].as_u64().unwrap());
        let known: Vec<(u64, AlertId)> =
            ours.filter_map(|part| Some((part, *world.placed.get(&(case.tenant.clone(), PartId(part)))?))).collect();
        if let [(first, one), (second, two), ..] = known.as_slice()
            && looked < 5
        {
            looked += 1;
            let found = told(world.reader.explain(case, &[*one, *two]).unwrap());
            for (told, (part, alert)) in found["alerts"].as_array().unwrap().iter().zip([(first, one), (second, two)]) {
                assert_eq!((&told["alert_id"], &told["part"]), (&alert.to_string().into(), &(*part).into()));
                assert!(told["outcome"] == "opened" || told["outcome"] == "attached", "{told}");
            }
            let path = &found["path"];
            assert_eq!(path["found"], true);
            assert!(path["edges_total"].as_u64().unwrap() >= 1, "{path}");
        }
    }
    assert_eq!(looked, 5);
}

#[test]
fn nothing_is_shown_before_the_first_commit_or_after_the_end() {
    let mut world = World::new();
    let case = CaseId::parse("default-1").unwrap();
    assert!(matches!(world.reader.show(&case), Err(ReadError::NotServing)));
    assert!(matches!(CaseReader::default().list(&ListQuery::default()), Err(ReadError::NotServing)));
    world.commit(&alerts(50, 5));
    let first = world.views.keys().next().unwrap().clone();
    let unknown = CaseId { number: 1_000_000, ..first.clone() };
    assert!(matches!(world.reader.show(&unknown), Err(ReadError::NoSuchCase(id)) if id == unknown));
    assert!(matches!(world.reader.explain(&first, &[AlertId(1)]), Err(ReadError::NoSuchAlert { .. })));
    let list = world.reader.list(&ListQuery { limit: 500, ..ListQuery::default() }).unwrap();
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
    assert_eq!(list["cases_total"].as_u64().unwrap() as usize, list["cases"].as_array().unwrap().len());
    for listed in list["cases"].as_array().unwrap() {
        let view: serde_json::Value =
            serde_json::from_slice(&world.views[&CaseId::parse(listed["case_id"].as_str().unwrap()).unwrap()]).unwrap();
        for (name, value) in listed.as_object().unwrap() {
            assert_eq!(view[name], *value, "{name}");
        }
    }
    world.reader.end();
    assert!(matches!(world.reader.show(&first), Err(ReadError::NotServing)));
}

#[test]
fn a_read_that_the_store_overtakes_is_tried_again() {
    let mut world = World::new();
    world.commit(&alerts(50, 6));
    let first = world.views.keys().next().unwrap().clone();
    // As if a batch went into the store that was committed after the read began.
    world.reader.storing(99);
    assert!(matches!(world.reader.show(&first), Err(ReadError::Busy)));
}

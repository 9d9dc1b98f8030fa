//! The seeded load is what it says it is: the same bytes for the same seed, the mix that was asked for, and incidents
//! that share nothing strong. Judged from the JSON alone, by rules of its own.

use std::collections::{BTreeMap, BTreeSet};

use casewright::model::{EntityKind, ObservableKind, Role, Timestamp};
use casewright::testing::load::{Drawn, Ending, Load, LoadConfig, Mix, Shape};
use serde_json::Value;

fn lines(config: LoadConfig, count: usize) -> Vec<(Drawn, String)> {
    let mut load = Load::new(config);
    let one = |_| {
        let mut line = Vec::new();
        let drawn = load.next(&mut line);
        (drawn, String::from_utf8(line).unwrap())
    };
    (0..count).map(one).collect()
}

fn parsed(lines: &[(Drawn, String)]) -> Vec<(&Drawn, Value)> {
    lines.iter().map(|(drawn, line)| (drawn, serde_json::from_str(line).unwrap())).collect()
}

fn share(lines: &[(Drawn, String)], ending: Ending) -> usize {
    lines.iter().filter(|(drawn, _)| drawn.ending == ending).count() * 1_000 / lines.len()
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    let of = |seed| lines(LoadConfig { seed, shapes: Shape::ALL.to_vec(), ..LoadConfig::default() }, 500);
    assert_eq!(of(7), of(7));
    let hosts = |seed| of(seed).into_iter().map(|(drawn, _)| drawn.incident).collect::<BTreeSet<_>>();
    assert!(hosts(7).is_disjoint(&hosts(8)), "two loads in one topic must not meet");
}

#[test]
fn the_mix_is_the_one_that_was_asked_for() {
    for (mix, attached, duplicate) in [(Mix::Default, 680, 300), (Mix::Hard, 600, 200)] {
        let lines = lines(LoadConfig { mix, ..LoadConfig::default() }, 50_000);
        assert!(share(&lines, Ending::Attached).abs_diff(attached) <= 10, "{mix:?}");
        assert!(share(&lines, Ending::Duplicate).abs_diff(duplicate) <= 10, "{mix:?}");
    }
}

#[test]
fn a_preload_opens_incidents_only() {
    let lines = lines(LoadConfig { preload: 300, ..LoadConfig::default() }, 1_300);
    assert!(lines[..300].iter().all(|(drawn, _)| drawn.ending == Ending::Opened));
    assert!(share(&lines[300..], Ending::Opened) < 60);
}

#[test]
fn a_native_alert_is_about_as_long_as_real_ones() {
    let lines = lines(LoadConfig::default(), 2_000);
    let mean = lines.iter().map(|(_, line)| line.len()).sum::<usize>() / lines.len();
    assert!((1_050..1_400).contains(&mean), "{mean} bytes");
}

/// Host, user and addresses of an alert in any shape: what may join cases by itself.
fn strong(shape: Shape, alert: &Value) -> Vec<String> {
    let text = |path: &str| alert.pointer(path).and_then(Value::as_str).unwrap().to_lowercase();
    let paths: &[&str] = match shape {
        Shape::Native => &["/entities/0/id", "/entities/1/id", "/entities/2/id", "/observables/0/value"],
        Shape::Hayabusa => &["/Computer", "/Details/User", "/Details/SrcIP", "/Details/TgtIP", "/Details/PGUID"],
        Shape::Suricata => &["/src_ip", "/dest_ip"],
        Shape::Wazuh => &["/agent/name", "/agent/ip", "/data/dstip", "/data/dstuser"],
    };
    paths.iter().map(|path| text(path)).collect()
}

#[test]
fn incidents_share_nothing_strong_and_hold_together_in_every_shape() {
    let config = LoadConfig { shapes: Shape::ALL.to_vec(), tenants: 3, ..LoadConfig::default() };
    let lines = lines(config, 30_000);
    let mut owners = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for (drawn, alert) in parsed(&lines) {
        let strong = strong(drawn.shape, &alert);
        for value in &strong {
            let owner = *owners.entry(value.clone()).or_insert(drawn.incident);
            assert_eq!(owner, drawn.incident, "{value} is in two incidents");
        }
        let address = strong.into_iter().find(|value| value.starts_with("10.")).expect("every shape has the address");
        assert_eq!(addresses.entry(drawn.incident).or_insert_with(|| address.clone()), &address);
    }
    let shapes: BTreeSet<Shape> = lines.iter().map(|(drawn, _)| drawn.shape).collect();
    assert_eq!(shapes.len(), 4);
}

/// An alert without what tells a repetition from its original.
fn without_uid_and_time(shape: Shape, mut alert: Value) -> String {
    let fields: &[&str] = match shape {
        Shape::Native => &["alert_uid", "event_time"],
        Shape::Hayabusa => &["Timestamp", "RecordID"],
        Shape::Suricata => &["timestamp", "flow_id", "flow"],
        Shape::Wazuh => &["timestamp", "id"],
    };
    for field in fields {
        assert!(alert.as_object_mut().unwrap().remove(*field).is_some(), "{shape:?} without {field}");
    }
    alert.to_string()
}

/// At one alert a second and few incidents, the windows are what decides.
#[test]
fn every_ending_holds_within_the_windows() {
    const HOUR: i64 = 3_600_000;
    let config = LoadConfig { rate_per_s: 1, incidents_max: 300, shapes: Shape::ALL.to_vec(), ..LoadConfig::default() };
    let lines = lines(config, 40_000);
    let mut told: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut seen: BTreeMap<u64, Timestamp> = BTreeMap::new();
    for (drawn, alert) in parsed(&lines) {
        let words = without_uid_and_time(drawn.shape, alert);
        let repeated = told.insert(words, drawn.at).filter(|before| drawn.at.since(*before).0 <= HOUR).is_some();
        let known = seen.insert(drawn.incident, drawn.at).filter(|before| drawn.at.since(*before).0 <= HOUR).is_some();
        let ending = match (repeated, known) {
            (true, _) => Ending::Duplicate,
            (false, true) => Ending::Attached,
            (false, false) => Ending::Opened,
        };
        assert_eq!(ending, drawn.ending, "{drawn:?}");
    }
}

#[test]
fn a_bridge_names_the_users_of_two_incidents() {
    let config = LoadConfig { bridge_permille: 50, ..LoadConfig::default() };
    let lines = lines(config, 5_000);
    let users = |alert: &Value| {
        let entities = alert["entities"].as_array().unwrap();
        entities.iter().filter(|entity| entity["kind"] == "user").count()
    };
    let bridges = parsed(&lines).iter().filter(|(_, alert)| users(alert) == 2).count();
    assert!((100..250).contains(&bridges), "{bridges}");
}

#[test]
fn the_decoded_alert_says_what_the_json_says() {
    let config = LoadConfig { bridge_permille: 20, ..LoadConfig::default() };
    let lines = lines(config.clone(), 3_000);
    let mut load = Load::new(config);
    for (drawn, json) in parsed(&lines) {
        let alert = load.next_alert();
        assert_eq!((alert.event_time.at, alert.tenant.as_str()), (drawn.at, &*drawn.tenant));
        assert_eq!(alert.alert_uid.as_deref(), json["alert_uid"].as_str());
        assert_eq!(Some(&*alert.rule.uid), json["rule"]["uid"].as_str());
        assert_eq!(u64::from(alert.severity.id()), json["severity_id"]);
        let entities = alert.entities.iter().map(|entity| (entity.kind.label(), &*entity.id, entity.role.label()));
        assert!(entities.eq(triples(&json["entities"], ["kind", "id", "role"])));
        let observables = alert.observables.iter().map(|one| (one.kind.label(), &*one.value, one.role.label()));
        assert!(observables.eq(triples(&json["observables"], ["type", "value", "role"])));
    }
}

fn triples<'a>(list: &'a Value, names: [&'a str; 3]) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    let text = |item: &'a Value, name: &str| item[name].as_str().unwrap();
    list.as_array().unwrap().iter().map(move |item| (text(item, names[0]), text(item, names[1]), text(item, names[2])))
}

#[test]
fn a_decoded_alert_has_five_keys() {
    let alert = Load::new(LoadConfig::default()).next_alert();
    let kinds: Vec<EntityKind> = alert.entities.iter().map(|entity| entity.kind).collect();
    assert_eq!(kinds, [EntityKind::Host, EntityKind::User, EntityKind::Process]);
    assert_eq!((alert.observables[0].kind, alert.observables[0].role), (ObservableKind::Ip, Role::Source));
    assert_eq!(alert.observables.len(), 2);
}

#[test]
fn poison_comes_in_many_kinds_and_is_no_alert() {
    let mut load = Load::new(LoadConfig::default());
    let poison: Vec<Vec<u8>> = (0..42).map(|_| load.poison()).collect();
    let distinct: BTreeSet<&Vec<u8>> = poison.iter().collect();
    assert_eq!(distinct.len(), 42 - 2, "all but the empty ones can be told apart");
    let is_alert = |bytes: &[u8]| {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let complete = value["title"].is_string() && value["source"]["product"].is_string();
        complete.then(|| value["event_time"].as_str().map(str::to_owned))?.filter(|time| time.starts_with("20"))
    };
    assert!(poison.iter().all(|bytes| is_alert(bytes).is_none()));
    assert!(poison.iter().any(|bytes| bytes.len() > 256 * 1024));
}

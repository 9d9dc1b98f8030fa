//! The demo's story holds what it promises: an attack that hangs together, noise that leaves it alone, formats with
//! the members of their products, and nobody's real name or address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use casewright::model::Timestamp;
use casewright::testing::story::{StoryRecord, story};
use serde_json::Value;

const START: Timestamp = Timestamp::from_millis(1_768_208_400_000);
const HOUR: i64 = 3_600_000;

fn parsed() -> Vec<(StoryRecord, Value)> {
    let with_value = |record: StoryRecord| {
        let value = serde_json::from_str(&record.json).unwrap();
        (record, value)
    };
    story(START, 1).into_iter().map(with_value).collect()
}

/// Every text in a document, with the name of the member that holds it.
fn texts<'a>(name: &'a str, value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::String(text) => found.push((name, text)),
        Value::Array(items) => items.iter().for_each(|item| texts(name, item, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| texts(name, value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Machines by their first label, accounts without their domain, addresses, mailboxes.
fn identities(value: &Value) -> BTreeSet<String> {
    let mut found = Vec::new();
    texts("", value, &mut found);
    let machine = |text: &str| text.split('.').next().unwrap().to_lowercase();
    let account = |text: &str| text.rsplit('\\').next().unwrap().to_lowercase();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (member, text) in found {
        match member {
            "Computer" | "SrcComp" | "SrcHost" | "TgtSvr" | "computer" => names.insert(machine(text)),
            "User" | "SrcUser" | "TgtUser" | "user" | "sourceUser" | "dstuser" | "srcuser" => {
                names.insert(account(text))
            }
            _ if text.parse::<IpAddr>().is_ok() => names.insert(text.to_owned()),
            _ => false,
        };
    }
    names.extend(value.pointer("/agent/name").and_then(Value::as_str).map(machine));
    for entity in value["entities"].as_array().into_iter().flatten() {
        let name = entity["name"].as_str().or(entity["id"].as_str()).unwrap();
        names.insert(name.to_lowercase());
    }
    let nothing = ["-", "n/a", "root", "system", "admin", "localsystem"];
    names.retain(|name| !nothing.contains(&name.as_str()));
    names
}

#[test]
fn it_is_about_four_hundred_alerts_over_six_hours() {
    let records = story(START, 1);
    assert!((380..=460).contains(&records.len()), "{}", records.len());
    assert!(records.is_sorted_by_key(|record| record.at));
    assert!(records.iter().all(|record| (0..=6 * HOUR + 120_000).contains(&record.at.since(START).0)));
    let topics: BTreeSet<_> = records.iter().map(|record| (record.topic, record.profile)).collect();
    let expected = [
        ("alerts.hosts", "native"),
        ("alerts.hosts", "wazuh"),
        ("alerts.mail", "native"),
        ("alerts.network", "suricata"),
        ("alerts.windows", "hayabusa"),
    ];
    assert_eq!(topics, BTreeSet::from(expected));
}

#[test]
fn the_attack_is_the_same_for_every_seed_and_start() {
    let attack = |start, seed| {
        let records = story(start, seed).into_iter().filter(|record| record.part_of_attack);
        records.map(|record| (record.at.since(start), record.profile)).collect::<Vec<_>>()
    };
    assert_eq!(attack(START, 1), attack(Timestamp::from_millis(0), 2));
    assert_ne!(story(START, 1), story(START, 2));
    assert_eq!(story(START, 1), story(START, 1));
}

#[test]
fn the_attack_hangs_together_within_the_windows() {
    let mut seen: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut products = BTreeSet::new();
    for (record, value) in parsed().iter().filter(|(record, _)| record.part_of_attack) {
        let names = identities(value);
        let meets = |name: &String| seen.get(name).is_some_and(|at| record.at.since(*at).0 <= HOUR);
        assert!(seen.is_empty() || names.iter().any(meets), "nothing ties {} to what was before", record.json);
        seen.extend(names.into_iter().map(|name| (name, record.at)));
        products.insert((record.topic, record.profile));
    }
    assert_eq!(products.len(), 5, "mail gateway, Windows logs, network sensor, host agent and endpoint sensor");
}

#[test]
fn the_noise_leaves_the_attack_alone() {
    let all = parsed();
    let of = |attack| all.iter().filter(move |(record, _)| record.part_of_attack == attack);
    let attack: BTreeSet<String> = of(true).flat_map(|(_, value)| identities(value)).collect();
    let noise: BTreeSet<String> = of(false).flat_map(|(_, value)| identities(value)).collect();
    let shared: Vec<_> = attack.intersection(&noise).collect();
    assert!(shared.is_empty(), "{shared:?}");
    assert!(of(false).count() > 6 * of(true).count());
}

#[test]
fn every_product_writes_its_own_members() {
    for (record, value) in parsed() {
        let paths: &[&str] = match record.profile {
            "hayabusa" => &["/Timestamp", "/RuleTitle", "/Level", "/Computer", "/Channel", "/RuleFile", "/RuleID"],
            "suricata" => &["/timestamp", "/event_type", "/src_ip", "/dest_ip", "/proto", "/alert/signature"],
            "wazuh" => {
                &["/timestamp", "/rule/id", "/rule/description", "/agent/name", "/manager/name", "/id", "/location"]
            }
            _ => &["/schema_version", "/alert_uid", "/title", "/event_time", "/source/product", "/rule/uid"],
        };
        for path in paths {
            assert!(value.pointer(path).is_some_and(Value::is_string), "{path} in {}", record.json);
        }
    }
}

#[test]
fn nobody_real_is_in_it() {
    let documentation = ["192.0.2.", "198.51.100.", "203.0.113.", "10.20."];
    for (record, value) in parsed() {
        let mut found = Vec::new();
        texts("", &value, &mut found);
        for (member, text) in found {
            if text.parse::<IpAddr>().is_ok() {
                assert!(documentation.iter().any(|net| text.starts_with(net)), "{text} in {}", record.json);
            }
            if ["sni", "Computer", "SrcHost", "computer"].contains(&member) || text.contains('@') {
                assert!(text.trim_end_matches('>').ends_with(".example"), "{member} {text}");
            }
        }
    }
}

#[test]
fn alert_uids_are_unique() {
    let uids: Vec<String> =
        parsed().iter().filter_map(|(_, value)| value["alert_uid"].as_str().map(str::to_owned)).collect();
    assert_eq!(uids.iter().collect::<BTreeSet<_>>().len(), uids.len());
}

//! Lists of assets and indicators around a running daemon: read at the start, read again when they change, kept where
//! they can no longer be read, and still in force after a crash and on an empty store.

use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use casewright::testing::checker::{Allowed, Seen};
use serde_json::{Value, json};

use crate::broker::Broker;
use crate::daemon::{Daemon, Sender, judge, seen};

const IN_FORCE: &str = "casewright_list_entries{list=\"indicators\"}";
const WITHIN: Duration = Duration::from_secs(60);

fn alert(number: u32, host: &str, domain: &str) -> (Vec<u8>, bool) {
    let alert = json!({
        "schema_version": "1.0", "title": format!("alert {number}"), "alert_uid": format!("a{number}"),
        "event_time": format!("2026-08-01T12:00:{number:02}Z"), "source": { "product": "edr" }, "severity_id": 4,
        "rule": { "uid": format!("r{number}") }, "entities": [{ "kind": "host", "id": host, "role": "asset" }],
        "observables": [{ "type": "domain", "value": domain, "role": "peer" }],
    });
    (alert.to_string().into_bytes(), true)
}

/// As whoever keeps a list should write it: never half a file under its name.
fn replace(daemon: &Daemon, name: &str, text: &str) {
    let new = daemon.dir.join("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, daemon.dir.join(name)).unwrap();
}

fn await_metric(daemon: &Daemon, begin: &str, wanted: u64) {
    let until = Instant::now() + WITHIN;
    while daemon.metric(begin) != wanted {
        assert!(Instant::now() < until, "{begin}: {} of {wanted}\n{}", daemon.metric(begin), daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn matched(seen: &Seen) -> Vec<(String, String)> {
    let events = seen.events.iter().map(|(case, bytes)| (case, serde_json::from_slice::<Value>(bytes).unwrap()));
    let matched = events.filter(|(_, event)| event["type"] == "casewright.case.intel_matched.v1");
    let value = |event: &Value| event["data"]["payload"]["match"]["value"].as_str().unwrap().to_owned();
    matched.map(|(case, event)| (case.clone(), value(&event))).collect()
}

fn factor(seen: &Seen, case: &str, name: &str) -> u64 {
    let last = seen.views.iter().rfind(|(key, _)| key == case).and_then(|(_, view)| view.clone()).unwrap();
    let view: Value = serde_json::from_slice(&last).unwrap();
    let factors = view["priority"]["factors"].as_array().unwrap();
    factors.iter().find(|factor| factor["name"] == name).unwrap()["points"].as_u64().unwrap()
}

#[test]
fn lists_are_read_again_and_outlive_a_crash_and_a_lost_store() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let mut config = fs::OpenOptions::new().append(true).open(daemon.config()).unwrap();
    config.write_all(b"[assets]\nfiles = [\"cmdb.csv\"]\n[intel]\nfiles = [\"feed.csv\"]\n").unwrap();
    replace(&daemon, "cmdb.csv", "kind,id,criticality\nhost,web-1,extreme\n");
    replace(&daemon, "feed.csv", "type,value\ndomain,one[.]example\n");
    daemon.start_ready();
    await_metric(&daemon, IN_FORCE, 1);
    let mut sender = Sender::new(broker, &daemon, 1);
    sender.send(&[alert(1, "web-1", "one.example"), alert(2, "web-2", "two.example")]);
    daemon.await_outcomes(2);

    replace(&daemon, "feed.csv", "type,value\ndomain,two.example\ndomain,three.example\n");
    await_metric(&daemon, IN_FORCE, 2);
    sender.send(&[alert(3, "web-1", "two.example"), alert(4, "web-3", "one.example")]);
    daemon.await_outcomes(4);

    replace(&daemon, "feed.csv", "type,value\nip,nowhere\n");
    await_metric(&daemon, "casewright_list_loads_total{result=\"refused\"}", 1);
    sender.send(&[alert(5, "web-2", "three.example")]);
    daemon.await_outcomes(5);

    // At the start it ends with 64, and says where.
    daemon.kill9();
    daemon.start();
    assert_eq!(daemon.await_end(), Some(64));
    assert!(daemon.log().contains("feed.csv:2: `nowhere` is no ip"), "{}", daemon.log());

    // The files say other things than the state, whose lists were in force until here.
    replace(&daemon, "feed.csv", "type,value\ndomain,four.example\n");
    fs::remove_dir_all(daemon.store()).unwrap();
    daemon.start_ready();
    await_metric(&daemon, IN_FORCE, 1);
    sender.send(&[alert(6, "web-2", "four.example"), alert(7, "web-2", "two.example")]);
    daemon.await_outcomes(2);
    daemon.stop();

    let seen = seen(broker, &daemon.name);
    let expected = [
        ("default-1", "one.example"),
        ("default-1", "two.example"),
        ("default-2", "three.example"),
        ("default-2", "four.example"),
    ];
    let mut found = matched(&seen);
    found.sort_by_key(|(case, _)| case.clone());
    assert_eq!(found, expected.map(|(case, value)| (case.to_owned(), value.to_owned())));
    assert_eq!((factor(&seen, "default-1", "asset"), factor(&seen, "default-2", "asset")), (10, 0));
    assert_eq!((factor(&seen, "default-1", "intel"), factor(&seen, "default-3", "intel")), (9, 0));
    judge(broker, &daemon.name, &sender.sent, Allowed::default());
}

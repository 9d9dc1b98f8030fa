//! kill -9 while alerts flow, and what a replay of the same records says: that what was live, whatever happened on the
//! way and however the records fell into batches, is what the records say and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use casewright::testing::rng::Rng;
use serde_json::json;

use super::{UNTOLD, endless, records};
use crate::broker::Broker;
use crate::daemon::{Daemon, Sender, judge, seen};

const KILLS: u64 = 16;
/// Of these at least so many must hit a process that was at work, not one that was still starting.
const AT_WORK_MIN: usize = 10;

/// Kills the daemon again and again while alerts flow, then lets it finish.
fn killed_again_and_again(broker: &Broker, partitions: i32, seed: u64) -> (Daemon, Sender<'_>) {
    let mut daemon = Daemon::deploy(broker, partitions);
    // The next process waits for the lease of the dead one.
    daemon.set("PIPELINE__LEASE_TIMEOUT", "1s");
    let mut sender = Sender::new(broker, &daemon, usize::try_from(partitions).unwrap());
    let mut moments = Rng::new(seed);
    sender.while_flowing(endless(seed), |_| {
        for kill in 0..KILLS {
            daemon.start();
            // Three of four in the midst of work, often of a commit; one while it waits or recovers.
            if kill % 4 < 3 {
                daemon.await_ready();
                std::thread::sleep(Duration::from_millis(moments.below(400)));
            } else {
                std::thread::sleep(Duration::from_millis(moments.below(2_000)));
            }
            daemon.kill9();
        }
    });
    daemon.start_ready();
    daemon.await_settled(broker);
    daemon.stop();
    assert!(daemon.said("\"serving\"") > AT_WORK_MIN, "{}", daemon.log());
    (daemon, sender)
}

#[test]
fn killed_at_sixteen_moments_while_alerts_flow() {
    let broker = Broker::shared();
    let (daemon, sender) = killed_again_and_again(broker, 4, 3);
    let report = judge(broker, &daemon.name, &sender.sent, UNTOLD);
    assert!(report.told_alone > 2_000, "{report:?}");
}

#[test]
fn killed_at_sixteen_moments_the_cases_are_those_of_a_replay() {
    let broker = Broker::shared();
    let (daemon, sender) = killed_again_and_again(broker, 1, 71);
    let report = judge(broker, &daemon.name, &sender.sent, UNTOLD);
    assert!(report.told_alone > 2_000, "{report:?}");
    let live = told(broker, &daemon);
    assert!(live.views.len() > 20, "{} cases", live.views.len());
    same(&live, &replayed(broker, &daemon));
}

#[test]
fn batches_of_1_of_7_and_of_5000_give_the_same_events() {
    let broker = Broker::shared();
    let mut first = Daemon::deploy(broker, 1);
    let mut others = [Daemon::reading(broker, &first.alerts), Daemon::reading(broker, &first.alerts)];
    let mut sender = Sender::new(broker, &first, 1);
    sender.send(&records(1_500, 72));
    let [second, third] = &mut others;
    for (daemon, batch) in [(&mut first, "1"), (&mut *second, "7"), (&mut *third, "5000")] {
        daemon.set("PIPELINE__BATCH_RECORDS_MAX", batch);
        daemon.start();
    }
    let mut batches = Vec::new();
    for daemon in [&mut first, second, third] {
        daemon.await_settled(broker);
        batches.push(daemon.metric("casewright_batch_records_count"));
        daemon.stop();
        judge(broker, &daemon.name, &sender.sent, UNTOLD);
    }
    // The setting did what it says: with batches all alike the rest would prove nothing.
    assert!(batches[0] >= 1_500 && (215..1_500).contains(&batches[1]) && batches[2] < 215, "{batches:?}");
    let live = told(broker, &first);
    assert!(live.events.values().map(Vec::len).sum::<usize>() > 500);
    for daemon in &others {
        same(&live, &told(broker, daemon));
    }
    same(&live, &replayed(broker, &first));
}

/// Events of each case in their order, and the last view of each.
#[derive(Default)]
struct Told {
    events: BTreeMap<String, Vec<Vec<u8>>>,
    views: BTreeMap<String, Vec<u8>>,
}

fn told(broker: &Broker, daemon: &Daemon) -> Told {
    let mut told = Told::default();
    let seen = seen(broker, &daemon.name);
    for (case, event) in seen.events {
        told.events.entry(case).or_default().push(event);
    }
    told.views.extend(seen.views.into_iter().map(|(case, view)| (case, view.expect("no case is gone"))));
    told
}

#[track_caller]
fn same(one: &Told, other: &Told) {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(one.events.keys().collect::<Vec<_>>(), other.events.keys().collect::<Vec<_>>());
    for (case, events) in &one.events {
        let others = &other.events[case];
        for (event, other) in events.iter().zip(others) {
            assert_eq!(text(event), text(other));
        }
        assert_eq!(events.len(), others.len(), "events of {case}");
    }
    assert_eq!(one.views.keys().collect::<Vec<_>>(), other.views.keys().collect::<Vec<_>>());
    for (case, view) in &one.views {
        assert_eq!(text(view), text(&other.views[case]));
    }
}

/// `casewright replay --kcat` over the input topic, dumped as `kcat -J` prints it.
fn replayed(broker: &Broker, daemon: &Daemon) -> Told {
    let mut dump = String::new();
    for record in broker.read_committed_all(&daemon.alerts) {
        // kcat prints what is not UTF-8 as it comes; poison changes no case, whatever it reads as.
        let payload = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
        let (partition, offset, ts) = (record.partition, record.offset, record.timestamp);
        let line =
            json!({ "topic": daemon.alerts, "partition": partition, "offset": offset, "ts": ts, "payload": payload });
        dump.push_str(&format!("{line}\n"));
    }
    let [file, events, cases] = ["dump.jsonl", "events.jsonl", "cases.jsonl"].map(|name| daemon.dir.join(name));
    fs::write(&file, dump).unwrap();
    let mut replay = daemon.command("replay");
    replay.arg("--kcat").arg("--events").arg(&events).arg("--cases").arg(&cases).arg(&file);
    let end = replay.output().unwrap();
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    let mut told = Told::default();
    for event in lines(&events) {
        told.events.entry(member(&event, "partitionkey")).or_default().push(event);
    }
    told.views = lines(&cases).into_iter().map(|view| (member(&view, "case_id"), view)).collect();
    told
}

fn lines(file: &std::path::Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(file).unwrap();
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

fn member(json: &[u8], name: &str) -> String {
    let value: serde_json::Value = serde_json::from_slice(json).unwrap();
    value[name].as_str().expect(name).to_owned()
}

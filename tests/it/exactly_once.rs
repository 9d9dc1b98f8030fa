//! Alerts in, cases out, through a real broker: nothing lost, nothing twice, whatever happens in between.

use std::fs;
use std::time::Duration;

use casewright::testing::checker::Allowed;
use casewright::testing::load::{Load, LoadConfig, Shape};

use crate::broker::{Broker, Outgoing};
use crate::daemon::{Daemon, Sender, judge};

/// A mix of four formats, one record of a hundred poison.
fn records(count: usize, seed: u64) -> Vec<(Vec<u8>, bool)> {
    let config = LoadConfig { seed, shapes: Shape::ALL.to_vec(), incidents_max: 200, ..LoadConfig::default() };
    let mut load = Load::new(config);
    (0..count)
        .map(|number| {
            if number % 100 == 99 {
                return (load.poison(), false);
            }
            let mut bytes = Vec::new();
            load.next(&mut bytes);
            (bytes, true)
        })
        .collect()
}

/// Elements that the records end in: an envelope of junk has several.
fn elements(sender: &Sender<'_>) -> u64 {
    sender.sent.iter().map(|sent| (sent.alerts.len() + sent.dead.len()) as u64).sum()
}

/// Repeats are told from time to time, so the last ones may be untold when the load ends.
const UNTOLD: Allowed = Allowed { views_may_lag: false, untold_max: 20_000 };

#[test]
fn twenty_thousand_alerts_in_four_formats_with_poison_among_them() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 4);
    let mut sender = Sender::new(broker, &daemon, 4);
    sender.send(&records(20_000, 7));
    daemon.start_ready();
    daemon.await_outcomes(elements(&sender));
    daemon.stop();
    let report = judge(broker, &daemon.name, &sender.sent, UNTOLD);
    assert!(report.cases > 50 && report.told_alone > 5_000, "{report:?}");
    assert!(report.dead_letters >= 200, "{report:?}");
}

#[test]
fn killed_at_fifteen_moments_while_alerts_flow() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 4);
    let mut sender = Sender::new(broker, &daemon, 4);
    let all = records(16_000, 11);
    let mut moments = casewright::testing::rng::Rng::new(3);
    daemon.start_ready();
    for chunk in all.chunks(1_000) {
        sender.send(chunk);
        // Sometimes in the middle of a commit, sometimes while recovering, sometimes after all is done.
        std::thread::sleep(Duration::from_millis(moments.below(400)));
        daemon.kill9();
        daemon.start();
    }
    daemon.await_ready();
    daemon.stop();
    // What the last process did not settle by its stop, the next one does.
    daemon.start_ready();
    daemon.await_quiet();
    daemon.stop();
    let report = judge(broker, &daemon.name, &sender.sent, UNTOLD);
    assert!(report.told_alone > 4_000, "{report:?}");
}

#[test]
fn a_store_that_is_lost_damaged_or_old_comes_back_from_the_changelog_alone() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 2);
    let mut sender = Sender::new(broker, &daemon, 2);
    sender.send(&records(2_000, 5));
    daemon.start_ready();
    daemon.await_outcomes(elements(&sender));
    daemon.stop();
    let old = daemon.dir.join("old");
    copy(&daemon.store(), &old);

    let settled = elements(&sender);
    sender.send(&records(2_000, 6));
    daemon.start_ready();
    daemon.await_outcomes(elements(&sender) - settled);
    daemon.stop();
    daemon.start_ready();
    let hash = daemon.recovered_hash().expect("a recovery");
    daemon.stop();

    fs::remove_dir_all(daemon.store()).unwrap();
    daemon.start_ready();
    let rebuilt = daemon.recovered_hash().expect("a recovery");
    daemon.stop();
    // Each start adds its own claim, which the state hash leaves out.
    assert_eq!(rebuilt, hash, "{}", daemon.log());

    fs::remove_dir_all(daemon.store()).unwrap();
    copy(&old, &daemon.store());
    daemon.start_ready();
    assert_eq!(daemon.recovered_hash(), Some(hash.clone()), "{}", daemon.log());
    daemon.stop();

    damage(&daemon.store());
    daemon.start_ready();
    assert_eq!(daemon.recovered_hash(), Some(hash), "{}", daemon.log());
    daemon.stop();
    judge(broker, &daemon.name, &sender.sent, UNTOLD);
}

#[test]
fn a_store_of_another_cluster_is_refused_with_the_two_ways_out() {
    let broker = Broker::shared();
    let mut one = Daemon::deploy(broker, 1);
    let mut other = Daemon::deploy(broker, 1);
    for daemon in [&mut one, &mut other] {
        daemon.start_ready();
        daemon.stop();
    }
    fs::remove_dir_all(other.store()).unwrap();
    copy(&one.store(), &other.store());
    other.start();
    assert_eq!(other.await_end(), Some(1));
    let log = other.log();
    assert!(log.contains("--rebuild-store") && log.contains("store export"), "{log}");
}

#[test]
fn the_second_instance_waits_and_takes_over() {
    let broker = Broker::shared();
    let mut first = Daemon::deploy(broker, 2);
    let mut second = Daemon::beside(broker, &first.name);
    let mut sender = Sender::new(broker, &first, 2);
    sender.send(&records(2_000, 21));
    first.start_ready();
    first.await_outcomes(elements(&sender));
    second.start();
    first.kill9();
    sender.send(&records(1_000, 22));
    // Ready only when it holds the lease and has recovered.
    second.await_ready();
    second.await_quiet();
    second.stop();
    judge(broker, &first.name, &sender.sent, UNTOLD);
}

#[test]
fn a_broker_that_is_killed_or_stands_still_under_load_costs_nothing_and_no_restart() {
    let mut broker = Broker::own();
    let mut daemon = Daemon::deploy(&broker, 2);
    let batches: Vec<_> = (31..34).map(|seed| records(2_000, seed)).collect();
    daemon.start_ready();
    let (mut next, mut turn, mut sent) = (vec![0; 2], 0, Vec::new());
    for (round, batch) in batches.iter().enumerate() {
        let mut sender = Sender::going_on(&broker, &daemon, next, turn);
        sender.send(batch);
        (next, turn) = sender.place();
        sent.append(&mut sender.sent);
        match round {
            0 => {
                broker.kill9();
                broker.restart();
            }
            1 => {
                broker.stop_signal();
                std::thread::sleep(Duration::from_secs(15));
                broker.cont_signal();
            }
            _ => {}
        }
    }
    let wanted: u64 = sent.iter().map(|sent| (sent.alerts.len() + sent.dead.len()) as u64).sum();
    // Only what was committed is counted, so a batch that was aborted and done again counts once.
    daemon.await_outcomes(wanted);
    daemon.stop();
    judge(&broker, &daemon.name, &sent, UNTOLD);
    assert_eq!(daemon.log().matches("\"starting\"").count(), 1, "{}", daemon.log());
}

#[test]
fn an_owner_that_stands_still_past_its_session_doubles_nothing_when_it_wakes() {
    let broker = Broker::shared();
    let mut first = Daemon::deploy(broker, 2);
    let mut second = Daemon::beside(broker, &first.name);
    let mut sender = Sender::new(broker, &first, 2);
    sender.send(&records(2_000, 41));
    first.start_ready();
    second.start();
    first.signal("-STOP");
    sender.send(&records(2_000, 42));
    second.await_ready();
    first.signal("-CONT");
    sender.send(&records(1_000, 43));
    second.await_quiet();
    second.stop();
    first.kill9();
    judge(broker, &first.name, &sender.sent, UNTOLD);
}

#[test]
fn a_poison_record_of_900_kilobytes_is_a_dead_letter_and_wedges_nothing() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let mut sender = Sender::new(broker, &daemon, 1);
    let mut all = records(50, 51);
    all.insert(25, (vec![b'x'; 900_000], false));
    sender.send(&all);
    daemon.start_ready();
    daemon.await_outcomes(elements(&sender));
    daemon.stop();
    let report = judge(broker, &daemon.name, &sender.sent, UNTOLD);
    assert_eq!(report.dead_letters, 1);
}

#[test]
fn a_topic_made_anew_and_grown_past_the_position_is_noticed() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let alerts = crate::daemon::topic(&daemon.name, "alerts");
    let mut sender = Sender::new(broker, &daemon, 1);
    sender.send(&records(100, 61));
    daemon.start_ready();
    daemon.await_outcomes(100);
    daemon.stop();
    let admin = broker.client("anyone").admin().unwrap();
    admin.delete_topic(&alerts).unwrap();
    let gone = std::time::Instant::now();
    while admin.list_topics().unwrap().contains_key(&alerts) {
        assert!(gone.elapsed() < Duration::from_secs(30), "the topic does not go");
        std::thread::sleep(Duration::from_millis(100));
    }
    broker.create_topics(&[(&alerts, 1)], &[]);
    Sender::new(broker, &daemon, 1).send(&records(300, 62));
    daemon.start();
    daemon.await_answer("the topic was made anew");
    daemon.stop();
}

#[test]
fn a_replay_of_the_dumped_topic_gives_the_cases_that_were_live() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let alerts = crate::daemon::topic(&daemon.name, "alerts");
    let mut load = Load::new(LoadConfig { seed: 71, bridge_permille: 30, ..LoadConfig::default() });
    let mut dump = String::new();
    let mut values = Vec::new();
    for offset in 0..3_000_i64 {
        let mut bytes = Vec::new();
        load.next(&mut bytes);
        let ts = 1_785_000_000_000 + offset * 7;
        let payload = std::str::from_utf8(&bytes).unwrap();
        // What `kcat -J` prints.
        let line = serde_json::json!({"topic": alerts, "partition": 0, "offset": offset, "ts": ts, "payload": payload});
        dump.push_str(&format!("{line}\n"));
        values.push((bytes, ts));
    }
    let outgoing: Vec<Outgoing<'_>> = values
        .iter()
        .map(|(value, ts)| Outgoing { partition: Some(0), value, timestamp: Some(*ts), ..Outgoing::default() })
        .collect();
    broker.produce(&alerts, &outgoing);
    daemon.start_ready();
    // Killed in between: what is live then is what a crash left and recovery went on with.
    std::thread::sleep(Duration::from_millis(150));
    daemon.kill9();
    daemon.start_ready();
    daemon.await_quiet();
    daemon.stop();
    let mut live: Vec<Vec<u8>> = last_views(&crate::daemon::seen(broker, &daemon.name));

    let (file, out) = (daemon.dir.join("dump.jsonl"), daemon.dir.join("cases.jsonl"));
    fs::write(&file, dump).unwrap();
    let end = daemon.command("replay").arg("--kcat").arg("--cases").arg(&out).arg(&file).output().unwrap();
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    let mut replayed: Vec<Vec<u8>> = fs::read(&out).unwrap().split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    replayed.retain(|line| !line.is_empty());
    live.sort();
    replayed.sort();
    assert!(live.len() > 20, "{} cases", live.len());
    assert_eq!(live.len(), replayed.len());
    for (live, replayed) in live.iter().zip(&replayed) {
        assert_eq!(String::from_utf8_lossy(live), String::from_utf8_lossy(replayed));
    }
}

fn last_views(seen: &casewright::testing::checker::Seen) -> Vec<Vec<u8>> {
    let mut last = std::collections::BTreeMap::new();
    for (case, view) in &seen.views {
        last.insert(case, view.clone().expect("no case is gone"));
    }
    last.into_values().collect()
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            fs::copy(entry.path(), target).map(drop).unwrap()
        }
    }
}

/// Flips a byte in the middle of the largest file: where the rows are.
fn damage(store: &std::path::Path) {
    let (_, file) = files(store).into_iter().max().expect("a store has files");
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.len() / 3;
    bytes[at] ^= 0x55;
    fs::write(file, bytes).unwrap();
}

fn files(dir: &std::path::Path) -> Vec<(u64, std::path::PathBuf)> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .flat_map(|entry| match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path()),
            false => vec![(entry.metadata().unwrap().len(), entry.path())],
        })
        .collect()
}

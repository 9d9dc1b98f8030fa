//! Alerts in, cases out, through a real broker: nothing lost, nothing twice, whatever happens in between. Here: the load
//! itself, poison, and topics that are not what they were. The modules take one thing each that can happen to a daemon.

mod brokers;
mod instances;
mod kills;
mod stores;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use casewright::model::Timestamp;
use casewright::testing::checker::{Allowed, Report};
use casewright::testing::load::{Load, LoadConfig, Shape};

use crate::broker::Broker;
use crate::daemon::{Daemon, Sender, judge};
use crate::data::real_alerts;

/// Bytes, and whether they hold an alert.
type Record = (Vec<u8>, bool);

/// A mix of four formats, one record of a hundred poison, without end.
fn endless(seed: u64) -> impl Iterator<Item = Record> + Send {
    let shapes = Shape::ALL.to_vec();
    let mut load =
        Load::new(LoadConfig { seed, shapes, bridge_permille: 20, incidents_max: 200, ..LoadConfig::default() });
    (0..).map(move |number| {
        if number % 100 == 99 {
            return (load.poison(), false);
        }
        let mut bytes = Vec::new();
        load.next(&mut bytes);
        (bytes, true)
    })
}

fn records(count: usize, seed: u64) -> Vec<Record> {
    endless(seed).take(count).collect()
}

/// Repeats are told from time to time, so the last ones may be untold when the load ends.
const UNTOLD: Allowed = Allowed { views_may_lag: false, untold_max: 20_000 };

const LOAD: usize = 20_000;
/// At most so many alerts of one data set, so that every format has its share.
const OF_ONE_SET: usize = 6_500;
/// Hayabusa, Suricata, Wazuh.
const DATA_SETS: [&str; 3] = ["windows-sigma-concurrent", "cptc-2017", "wazuh-ait"];

/// Real alerts among native ones of the generator, in the order of their times; all of the generator where they are not
/// at hand. One record of a hundred is poison.
fn twenty_thousand() -> Vec<Record> {
    let sets: Option<Vec<Vec<String>>> = DATA_SETS.into_iter().map(real_alerts).collect();
    let Some(sets) = sets else {
        eprintln!("{LOAD} alerts of the generator: no real ones beside this checkout");
        return records(LOAD, 7);
    };
    let mut real: Vec<String> = sets.into_iter().flat_map(|set| set.into_iter().take(OF_ONE_SET)).collect();
    let count = real.len();
    let (poisons, wanted) = (LOAD / 100, LOAD - LOAD / 100 - count);
    real.extend(native_in_the_time_of(&real, wanted));
    real.sort_by_cached_key(|alert| time_of(alert));
    eprintln!("{count} real alerts of {DATA_SETS:?}, {wanted} native ones and {poisons} poisons of the generator");
    let mut poison = Load::new(LoadConfig::default());
    let with_poison = real.chunks(99).flat_map(|alerts| {
        let alerts = alerts.iter().map(|alert| (alert.clone().into_bytes(), true));
        alerts.chain([(poison.poison(), false)]).collect::<Vec<_>>()
    });
    with_poison.collect()
}

/// Loads that begin with the first alert of each year in `real`.
fn native_in_the_time_of(real: &[String], wanted: usize) -> Vec<String> {
    let mut firsts: BTreeMap<String, String> = BTreeMap::new();
    for time in real.iter().map(|alert| time_of(alert)) {
        let first = firsts.entry(time[..4].to_owned()).or_insert_with(|| time.clone());
        *first = time.min(first.clone());
    }
    let starts: Vec<Timestamp> = firsts.values().map(|first| timestamp(first)).collect();
    let mut loads: Vec<Load> = (1..)
        .zip(starts)
        .map(|(seed, start)| {
            Load::new(LoadConfig { seed, start, rate_per_s: 1, incidents_max: 100, ..LoadConfig::default() })
        })
        .collect();
    let count = loads.len();
    (0..wanted)
        .map(|number| {
            let mut bytes = Vec::new();
            loads[number % count].next(&mut bytes);
            String::from_utf8(bytes).expect("JSON is UTF-8")
        })
        .collect()
}

/// `2017-11-04T12:48:35`: every format here writes UTC in this order.
fn time_of(alert: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(alert).expect("an alert is JSON");
    let time = ["Timestamp", "timestamp", "event_time"].iter().find_map(|name| value[*name].as_str());
    time.expect("an alert has a time")[..19].to_owned()
}

fn timestamp(time: &str) -> Timestamp {
    let parsed: jiff::Timestamp = format!("{time}Z").parse().expect("RFC 3339");
    Timestamp::from_millis(parsed.as_millisecond())
}

#[test]
fn twenty_thousand_alerts_in_four_formats_with_poison_among_them() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 4);
    let mut sender = Sender::new(broker, &daemon, 4);
    sender.send(&twenty_thousand());
    daemon.start_ready();
    daemon.await_settled(broker);
    daemon.await_outcomes(sender.elements());
    let outcomes = |names: &[&str]| -> u64 {
        names.iter().map(|name| daemon.metric(&format!("casewright_outcomes_total{{outcome=\"{name}\"}}"))).sum()
    };
    let (alone, counted) = (outcomes(&["opened", "attached", "updated"]), outcomes(&["duplicate", "rolled_up"]));
    let (rejected, all) = (outcomes(&["rejected"]), daemon.outcomes());
    assert_eq!(daemon.metric("casewright_records_total{"), sender.sent.len() as u64);
    assert_eq!(daemon.metric("casewright_conservation_mismatches_total"), 0);
    daemon.stop();
    let report = judge(broker, &daemon.name, &sender.sent, UNTOLD);
    assert!(report.cases > 50 && report.told_alone > 5_000, "{report:?}");
    assert_eq!((report.dead_letters, report.told_alone), (rejected, alone));
    assert_eq!((alone + counted + rejected, all), (sender.elements(), sender.elements()), "each has one outcome");
    assert!(rejected >= 200 && report.told_in_counts <= counted, "{report:?}");
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
    daemon.await_settled(broker);
    daemon.stop();
    let report: Report = judge(broker, &daemon.name, &sender.sent, UNTOLD);
    assert_eq!(report.dead_letters, 1);
}

/// Deletes a topic and waits until it is gone.
fn delete(broker: &Broker, topic: &str) {
    let admin = broker.client("anyone").admin().unwrap();
    admin.delete_topic(topic).unwrap();
    let asked = Instant::now();
    while admin.list_topics().unwrap().contains_key(topic) {
        assert!(asked.elapsed() < Duration::from_secs(30), "the topic does not go");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_topic_made_anew_and_grown_past_the_position_is_noticed() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let mut sender = Sender::new(broker, &daemon, 1);
    sender.send(&records(100, 61));
    daemon.start_ready();
    daemon.await_settled(broker);
    daemon.stop();
    delete(broker, &daemon.alerts);
    broker.create_topics(&[(&daemon.alerts, 1)], &[]);
    Sender::new(broker, &daemon, 1).send(&records(300, 62));
    daemon.start();
    daemon.await_answer("the topic was made anew");
    daemon.stop();
    judge(broker, &daemon.name, &sender.sent, UNTOLD);
}

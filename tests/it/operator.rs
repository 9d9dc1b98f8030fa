//! What an operator does and looks at, against a real broker: metrics, the second witness, positions, dead letters.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use casewright::telemetry::Metrics;
use casewright::testing::checker::{Allowed, Sent};
use casewright::testing::load::{Load, LoadConfig, Shape};
use serde_json::Value;

use crate::broker::{Broker, Outgoing, unique_name};
use crate::daemon::{Daemon, Sender, judge, topic};

const SEEN_WITHIN: Duration = Duration::from_secs(30);
const UNTOLD: Allowed = Allowed { views_may_lag: false, untold_max: 1_000 };

fn records(count: usize, seed: u64) -> Vec<(Vec<u8>, bool)> {
    let mut load = Load::new(LoadConfig { seed, shapes: Shape::ALL.to_vec(), ..LoadConfig::default() });
    let mut next = |_| {
        let mut bytes = Vec::new();
        load.next(&mut bytes);
        (bytes, true)
    };
    (0..count).map(&mut next).collect()
}

/// A command of the binary with this deployment's configuration.
fn casewright(daemon: &Daemon, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casewright"));
    command.current_dir(&daemon.dir).args(args).arg("--config").arg(daemon.config());
    command.output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// It ended well; what it wrote to stdout.
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{:?}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Every series of `/metrics` with its value.
fn series(daemon: &Daemon) -> BTreeMap<String, f64> {
    let answer = daemon.get("/metrics").unwrap_or_default();
    let lines = answer.lines().filter(|line| line.starts_with("casewright_"));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, n)| Some((name.to_owned(), n.parse().ok()?)))
        .collect()
}

/// Waits until the metrics are as wanted.
fn await_series(daemon: &Daemon, wanted: impl Fn(&BTreeMap<String, f64>) -> bool) -> BTreeMap<String, f64> {
    let until = Instant::now() + SEEN_WITHIN;
    loop {
        let found = series(daemon);
        if wanted(&found) {
            return found;
        }
        assert!(Instant::now() < until, "{found:#?}\n{}", daemon.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn every_metric_is_set_and_a_standby_tells_only_its_own() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 2);
    let mut standby = Daemon::beside(broker, &daemon.name);
    let alerts = topic(&daemon.name, "alerts");
    let mut sender = Sender::new(broker, &daemon, 2);
    sender.send(&records(600, 81));
    sender.send(&[(b"not json".to_vec(), false)]);
    let began = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    daemon.start_ready();
    daemon.await_outcomes(601);
    let lag = |partition: i32| format!("casewright_input_lag{{partition=\"{partition}\",topic=\"{alerts}\"}}");
    let settled = |found: &BTreeMap<String, f64>| {
        let none = |name: &str| found.get(name) == Some(&0.0);
        none(&lag(0)) && none(&lag(1)) && none("casewright_changelog_lag") && found["casewright_store_bytes"] > 0.0
    };
    let found = await_series(&daemon, settled);

    // Nothing was deleted unread, so of all names only this one has no series.
    let without = ["casewright_input_gap_records_total"];
    for name in Metrics::names().iter().filter(|name| !without.contains(&name.as_str())) {
        assert!(found.keys().any(|series| series.starts_with(name)), "{name} is not set: {found:#?}");
    }
    let source = format!("{{source=\"{alerts}\"}}");
    let sum = |name: &str| found.iter().filter(|(series, _)| series.starts_with(name)).map(|(_, n)| n).sum::<f64>();
    assert_eq!(found[&format!("casewright_records_total{source}")], 601.0);
    assert!(found[&format!("casewright_source_last_record_timestamp_seconds{source}")] > began - 3_600.0);
    assert_eq!(sum("casewright_outcomes_total"), 601.0);
    assert_eq!(sum("casewright_dead_letters_total"), 1.0);
    assert_eq!(found["casewright_alert_latency_seconds_count"], 601.0);
    assert_eq!(found["casewright_recoveries_total{cause=\"start\"}"], 1.0);
    assert_eq!(found["casewright_conservation_mismatches_total"], 0.0);
    assert_eq!(sum("casewright_committed_offset_disputes_total"), 0.0);
    assert!(sum("casewright_cases{") > 0.0 && sum("casewright_case_events_total") > 0.0, "{found:#?}");
    assert!(found["casewright_commits_total{result=\"ok\"}"] >= 1.0 && sum("casewright_links_total") > 0.0);
    assert!(sum("casewright_http_request_seconds_count") > 0.0);
    assert!(found["casewright_watermark_timestamp_seconds"] > 0.0);

    // An instance that waits says how far its empty store is behind, and leaves the inputs to the owner.
    standby.start();
    let waiting = await_series(&standby, |found| found.get("casewright_changelog_lag").is_some_and(|lag| *lag > 1.0));
    assert!(!waiting.keys().any(|series| series.starts_with("casewright_input_lag")), "{waiting:#?}");
    standby.stop();
    daemon.stop();
}

/// One more source, whose tenant is in its topic's name.
fn also_read(daemon: &Daemon, pattern: &str, start_at: &str) {
    let configured = fs::read_to_string(daemon.config()).unwrap();
    let source =
        format!("[[source]]\ntopic = {pattern:?}\nprofile = \"auto\"\ntenant = [\"topic\"]\nstart_at = {start_at:?}\n");
    fs::write(daemon.config(), format!("{configured}{source}")).unwrap();
}

fn send_to(broker: &Broker, topic: &str, records: &[(Vec<u8>, bool)], partition: i32) -> Vec<Sent> {
    let outgoing = |value| Outgoing { partition: Some(partition), value, ..Outgoing::default() };
    let records: Vec<_> = records.iter().map(|(bytes, _)| outgoing(bytes.as_slice())).collect();
    let offsets = broker.produce(topic, &records);
    offsets.into_iter().map(|(partition, offset)| Sent::alert(topic, partition, offset)).collect()
}

#[test]
fn partitions_and_topics_that_come_later_are_read_from_their_beginning() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let named = |tenant: &str| topic(&daemon.name, &format!("of-{tenant}"));
    let (first, second) = (named("first"), named("second"));
    broker.create_topics(&[(&first, 1)], &[]);
    also_read(&daemon, &named("{tenant}"), "latest");
    let send = |topic: &str, records: &[(Vec<u8>, bool)], partition| send_to(broker, topic, records, partition);
    // What was there before a source that begins at the latest record is not for it.
    send(&first, &records(50, 82), 0);
    let mut sent = send(&daemon.alerts, &records(200, 83), 0);
    daemon.start_ready();
    daemon.await_outcomes(200);

    broker.grow_topic(&daemon.alerts, 2);
    broker.create_topics(&[(&second, 1)], &[]);
    sent.extend(send(&daemon.alerts, &records(100, 84), 1));
    sent.extend(send(&second, &records(100, 85), 0));
    sent.extend(send(&first, &records(100, 86), 0));
    daemon.await_log("inputs have grown");
    daemon.await_outcomes(500);
    judge(broker, &daemon.name, &sent, UNTOLD);
    let found = series(&daemon);
    assert!(found["casewright_recoveries_total{cause=\"inputs\"}"] >= 1.0, "{}", daemon.log());
    assert!(daemon.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")));
    daemon.stop();
}

#[test]
fn a_topic_that_vanishes_stops_its_own_source_and_no_other() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let gone = topic(&daemon.name, "of-acme");
    broker.create_topics(&[(&gone, 1)], &[]);
    also_read(&daemon, &topic(&daemon.name, "of-{tenant}"), "earliest");
    send_to(broker, &gone, &records(100, 87), 0);
    send_to(broker, &daemon.alerts, &records(100, 88), 0);
    daemon.start_ready();
    daemon.await_outcomes(200);

    broker.client("vanishing").admin().unwrap().delete_topic(&gone).unwrap();
    send_to(broker, &daemon.alerts, &records(100, 89), 0);
    daemon.await_outcomes(300);
    daemon.await_answer("does not exist any more");
    send_to(broker, &daemon.alerts, &records(100, 90), 0);
    daemon.await_outcomes(400);
    assert!(daemon.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 503")));
    daemon.stop();
    // Over a restart the position of what is gone stays, and the others go on from theirs.
    daemon.start();
    daemon.await_answer("does not exist any more");
    send_to(broker, &daemon.alerts, &records(50, 91), 0);
    daemon.await_outcomes(50);
    daemon.stop();
}

/// Commits a position for the group as any tool may, with any bytes as metadata: OffsetCommit, version 2.
fn commit_as_a_tool_would(broker: &Broker, group: &str, topic: &str, partition: i32, offset: i64, metadata: &[u8]) {
    let string = |out: &mut Vec<u8>, bytes: &[u8]| {
        out.extend_from_slice(&i16::try_from(bytes.len()).unwrap().to_be_bytes());
        out.extend_from_slice(bytes);
    };
    let mut body = [&8_i16.to_be_bytes()[..], &2_i16.to_be_bytes(), &7_i32.to_be_bytes()].concat();
    string(&mut body, b"a-tool");
    string(&mut body, group.as_bytes());
    body.extend_from_slice(&(-1_i32).to_be_bytes());
    string(&mut body, b"");
    body.extend_from_slice(&(-1_i64).to_be_bytes());
    body.extend_from_slice(&1_i32.to_be_bytes());
    string(&mut body, topic.as_bytes());
    body.extend_from_slice(&1_i32.to_be_bytes());
    body.extend_from_slice(&partition.to_be_bytes());
    body.extend_from_slice(&offset.to_be_bytes());
    string(&mut body, metadata);
    let mut stream = TcpStream::connect(&broker.brokers).unwrap();
    stream.write_all(&i32::try_from(body.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer.last_chunk::<2>(), Some(&[0, 0]), "an error code: {answer:?}");
}

#[test]
fn offsets_moved_by_group_tools_move_nothing_and_are_counted() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 3);
    let alerts = topic(&daemon.name, "alerts");
    let mut sender = Sender::new(broker, &daemon, 3);
    sender.send(&records(300, 82));
    daemon.start_ready();
    daemon.await_outcomes(300);
    daemon.stop();
    // A start between two batches of ours finds nothing to complain of.
    daemon.start_ready();
    daemon.stop();
    assert!(!daemon.log().contains("disagrees with the manifest"), "{}", daemon.log());

    commit_as_a_tool_would(broker, &daemon.name, &alerts, 0, 5, b"");
    // Bytes that are not UTF-8 must not end anything.
    commit_as_a_tool_would(broker, &daemon.name, &alerts, 1, 99, b"\xff\xfe\x00binary");
    commit_as_a_tool_would(broker, &daemon.name, &alerts, 2, 100, b"\xc3\x28");
    daemon.start_ready();
    let count = |found: &BTreeMap<String, f64>, dispute: &str| {
        found[&format!("casewright_committed_offset_disputes_total{{dispute=\"{dispute}\"}}")]
    };
    let found = series(&daemon);
    assert_eq!((count(&found, "moved"), count(&found, "foreign"), count(&found, "ahead")), (2.0, 1.0, 0.0));
    let log = daemon.log();
    assert!(
        log.contains("positions set") && log.contains("\"manifest\":100") && log.contains("\"committed\":\"5\""),
        "{log}"
    );
    sender.send(&records(60, 83));
    daemon.await_outcomes(60);
    daemon.stop();
    judge(broker, &daemon.name, &sender.sent, UNTOLD);

    // The next commit has set the group right again.
    daemon.start_ready();
    assert_eq!(count(&series(&daemon), "moved"), 0.0);
    daemon.stop();
}

fn make_anew(broker: &Broker, name: &str) {
    let admin = broker.client("anyone").admin().unwrap();
    admin.delete_topic(name).unwrap();
    let until = Instant::now() + SEEN_WITHIN;
    while admin.list_topics().unwrap().contains_key(name) {
        assert!(Instant::now() < until, "the topic does not go");
        std::thread::sleep(Duration::from_millis(100));
    }
    broker.create_topics(&[(name, 1)], &[]);
}

/// The row of `positions show --json` for a topic's partition 0.
fn shown(daemon: &Daemon, topic: &str) -> Value {
    let all: Value = serde_json::from_str(&done(&casewright(daemon, &["positions", "show", "--json"]))).unwrap();
    let inputs = all["inputs"].as_array().unwrap();
    inputs.iter().find(|input| input["topic"] == topic && input["partition"] == 0).expect("the input").clone()
}

#[test]
fn a_topic_made_anew_waits_for_positions_set_and_then_goes_on() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let alerts = topic(&daemon.name, "alerts");
    let mut first = Sender::new(broker, &daemon, 1);
    first.send(&records(100, 84));
    daemon.start_ready();
    daemon.await_outcomes(100);
    let refused = casewright(&daemon, &["positions", "set", &format!("{alerts}:0"), "earliest"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("holds the lease"), "{}", text(&refused.stderr));
    let standing = shown(&daemon, &alerts);
    assert_eq!(
        (&standing["state"], &standing["lag"], &standing["position"]),
        (&"sound".into(), &0.into(), &100.into())
    );
    assert_eq!((&standing["committed"], &standing["halted"]), (&100.into(), &false.into()));
    daemon.stop();

    make_anew(broker, &alerts);
    let mut second = Sender::new(broker, &daemon, 1);
    second.send(&records(250, 85));
    daemon.start();
    daemon.await_answer("the topic was made anew");
    daemon.stop();
    // A halt outlives restarts: the position is not forgotten, which would read the topic from its start.
    daemon.start();
    daemon.await_answer("the topic was made anew");
    daemon.stop();
    assert!(daemon.log().contains(&format!("casewright positions set {alerts}:0")), "{}", daemon.log());
    let standing = shown(&daemon, &alerts);
    assert_eq!((&standing["state"], &standing["halted"]), (&"replaced".into(), &true.into()));
    assert!(done(&casewright(&daemon, &["positions", "show"])).contains("STOPPED"));

    let out = casewright(&daemon, &["positions", "set", &format!("{alerts}:0"), "9999"]);
    assert_eq!(out.status.code(), Some(64));
    assert!(text(&out.stderr).contains("0 to 250"), "{}", text(&out.stderr));
    let out = casewright(&daemon, &["positions", "set", "elsewhere", "earliest"]);
    assert_eq!(out.status.code(), Some(64), "{}", text(&out.stderr));
    let out = done(&casewright(&daemon, &["positions", "set", &format!("{alerts}:0"), "120"]));
    assert!(out.contains("moved from 100 to 120: skips 20 offsets"), "{out}");
    let standing = shown(&daemon, &alerts);
    assert_eq!(
        (&standing["state"], &standing["lag"], &standing["committed"]),
        (&"unproven".into(), &130.into(), &120.into())
    );

    daemon.start_ready();
    daemon.await_outcomes(130);
    daemon.stop();
    assert_eq!(shown(&daemon, &alerts)["state"], "sound");
    let told = audit(broker, &daemon);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["type"], "casewright.shard.position_moved.v1");
    assert_eq!((&told[0]["data"]["from"], &told[0]["data"]["to"]), (&100.into(), &120.into()));
    let sent: Vec<Sent> = first.sent.iter().chain(&second.sent[120..]).cloned().collect();
    let report = judge(broker, &daemon.name, &sent, UNTOLD);
    assert!(report.told_alone > 0, "{report:?}");
}

#[test]
fn a_source_that_is_taken_out_and_put_back_goes_on_where_it_was() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let alerts = topic(&daemon.name, "alerts");
    let other = unique_name("other");
    broker.create_topics(&[(&other, 1)], &[]);
    let mut sender = Sender::new(broker, &daemon, 1);
    sender.send(&records(100, 86));
    daemon.start_ready();
    daemon.await_outcomes(100);
    daemon.stop();
    let with = fs::read_to_string(daemon.config()).unwrap();
    fs::write(daemon.config(), with.replace(&format!("topic = \"{alerts}\""), &format!("topic = \"{other}\"")))
        .unwrap();
    assert_eq!(shown(&daemon, &other)["state"], "new");
    daemon.start_ready();
    daemon.stop();
    let standing = shown(&daemon, &alerts);
    assert_eq!((&standing["state"], &standing["position"]), (&"unnamed".into(), &100.into()));
    fs::write(daemon.config(), with).unwrap();
    sender.send(&records(50, 87));
    daemon.start_ready();
    daemon.await_outcomes(50);
    daemon.stop();
    judge(broker, &daemon.name, &sender.sent, UNTOLD);
}

#[test]
fn dead_letters_are_listed_safely_and_sent_again_after_a_repair() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 2);
    let alerts = topic(&daemon.name, "alerts");
    // Wrong at first: every record is read as Suricata's, and has to say its tenant.
    let right = fs::read_to_string(daemon.config()).unwrap();
    let wrong = right
        .replace("profile = \"auto\"", "profile = \"suricata\"")
        .replace("\"header:tenant\", \"constant:default\"", "\"header:tenant\"");
    fs::write(daemon.config(), wrong).unwrap();
    let mut load = Load::new(LoadConfig { seed: 88, shapes: vec![Shape::Native], ..LoadConfig::default() });
    let mut values: Vec<Vec<u8>> = (0..40)
        .map(|_| {
            let mut bytes = Vec::new();
            load.next(&mut bytes);
            bytes
        })
        .collect();
    let hostile = b"\x1b]0;owned\x07\xe2\x80\xaenot json\xff\x9b".to_vec();
    values.push(hostile.clone());
    let headers: [(&str, &[u8]); 2] = [("tenant", b"acme"), ("traceparent", b"00-aa-bb-01")];
    let outgoing: Vec<Outgoing<'_>> = values
        .iter()
        .map(|value| Outgoing { partition: Some(1), value, headers: &headers, ..Outgoing::default() })
        .collect();
    broker.produce(&alerts, &outgoing);
    daemon.start_ready();
    daemon.await_outcomes(41);

    let out = casewright(&daemon, &["dead-letters", "list"]);
    let listed = done(&out);
    assert_eq!(listed.lines().count(), 41, "{listed}");
    let tame = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}');
    assert!(tame(&listed) && listed.contains(&format!("{alerts}:1:40")), "{listed}");
    let lines = done(&casewright(&daemon, &["dead-letters", "list", "--json", "--topic", &alerts, "--limit", "1"]));
    let last: Value = serde_json::from_str(&lines).expect("one line");
    assert!(tame(&lines));
    assert_eq!(
        (&last["source_offset"], &last["exact"], &last["bytes"]),
        (&40.into(), &false.into(), &hostile.len().into())
    );
    assert_eq!((&last["headers"]["tenant"], &last["headers"]["traceparent"]), (&"acme".into(), &"00-aa-bb-01".into()));
    let hostile_reason = last["reason"].as_str().unwrap().to_owned();
    let first = done(&casewright(&daemon, &["dead-letters", "list", "--json", "--offsets", "0"]));
    let reason = serde_json::from_str::<Value>(&first).unwrap()["reason"].as_str().unwrap().to_owned();
    assert_ne!(reason, hostile_reason);
    let none = done(&casewright(&daemon, &["dead-letters", "list", "--since", "2100-01-01T00:00:00Z"]));
    assert_eq!(none, "");
    assert_eq!(casewright(&daemon, &["dead-letters", "resubmit"]).status.code(), Some(64));
    assert_eq!(casewright(&daemon, &["dead-letters", "list", "--reason", "nonsense"]).status.code(), Some(64));

    // Repaired: the same letters, the daemon running.
    daemon.stop();
    fs::write(daemon.config(), right.replace("\"header:tenant\", \"constant:default\"", "\"header:tenant\"")).unwrap();
    daemon.start_ready();
    let dry = done(&casewright(&daemon, &["dead-letters", "resubmit", "--reason", &reason, "--dry-run"]));
    assert!(dry.contains(&format!("would send 40 letters to {alerts}")), "{dry}");
    let sent = done(&casewright(&daemon, &["dead-letters", "resubmit", "--reason", &reason]));
    assert_eq!(sent, format!("sent 40 letters to {alerts}\n"));
    daemon.await_outcomes(40);
    daemon.stop();

    let all = broker.read_committed_all(&alerts);
    assert_eq!(all.len(), 81, "a dry run sends nothing");
    let dead = topic(&daemon.name, "dead");
    let mut accounts: Vec<Sent> = (0..).zip(&values).map(|(at, value)| Sent::poison(&alerts, 1, at, value)).collect();
    for (number, again) in all[41..].iter().enumerate() {
        assert_eq!((again.partition, again.value.as_ref()), (1, Some(&values[number])), "order and bytes are kept");
        let header = |name: &str| again.headers.iter().find(|(known, _)| known == name).map(|(_, value)| text(value));
        assert_eq!(header("tenant").as_deref(), Some("acme"));
        assert_eq!(header("traceparent").as_deref(), Some("00-aa-bb-01"));
        assert_eq!(header("resubmitted_from"), Some(format!("{dead}:0:{number}")));
        accounts.push(Sent::alert(&alerts, 1, again.offset));
    }
    judge(broker, &daemon.name, &accounts, UNTOLD);
    let events = broker.read_committed_all(&topic(&daemon.name, "events"));
    assert!(!events.is_empty() && events.iter().all(|event| event.key.as_deref().unwrap().starts_with(b"acme-")));
}

#[test]
fn one_element_of_a_string_is_sent_again_without_its_neighbours() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 2);
    let alerts = topic(&daemon.name, "alerts");
    let event = |kind: &str, flow: u32| {
        format!(
            r#"{{"timestamp":"2026-08-01T09:00:00Z","event_type":"{kind}","flow_id":{flow},"src_ip":"10.0.0.{flow}","dest_ip":"203.0.113.77","alert":{{"signature":"S{flow}","signature_id":{flow}}}}}"#
        )
    };
    let odd = event("anomaly", 2);
    let list = format!("[{},{odd},{}]", event("alert", 1), event("alert", 3));
    let record = serde_json::json!({ "message": list }).to_string();
    broker.produce(
        &alerts,
        &[Outgoing { partition: Some(0), value: record.as_bytes(), headers: &[], ..Outgoing::default() }],
    );
    daemon.start_ready();
    daemon.await_outcomes(3);
    daemon.stop();

    // Repaired: the profile takes them for alerts, too.
    let profiles = daemon.dir.join("profiles");
    fs::create_dir(&profiles).unwrap();
    let shipped = casewright(&daemon, &["profiles", "show", "suricata"]);
    let repaired = done(&shipped).replace("\"alert\", \"stamus\"", "\"alert\", \"stamus\", \"anomaly\"");
    fs::write(profiles.join("suricata.toml"), repaired).unwrap();
    let config = fs::read_to_string(daemon.config()).unwrap();
    fs::write(daemon.config(), format!("{config}\n[profiles]\ndir = \"profiles\"\n")).unwrap();
    daemon.start_ready();
    let sent = done(&casewright(&daemon, &["dead-letters", "resubmit", "--reason", "not_an_alert"]));
    assert_eq!(sent, format!("sent 1 letters to {alerts}\n"));
    daemon.await_outcomes(1);
    daemon.stop();

    let all = broker.read_committed_all(&alerts);
    assert_eq!((all.len(), all[1].value.as_deref()), (2, Some(odd.as_bytes())));
    let dead = broker.read_committed_all(&topic(&daemon.name, "dead"));
    let index = dead[0].headers.iter().find(|(name, _)| name == "index").map(|(_, value)| text(value));
    assert_eq!((dead.len(), index.as_deref()), (1, Some("1")), "nothing of it is a letter again");
    let events = broker.read_committed_all(&topic(&daemon.name, "events"));
    let told: Vec<String> = events.iter().filter_map(|event| event.value.as_deref()).map(text).collect();
    let named = |title: &str| told.iter().filter(|event| event.contains(&format!("\"{title}\""))).count();
    assert!(["S1", "S2", "S3"].into_iter().all(|title| named(title) > 0), "{told:?}");
    assert!(!told.iter().any(|event| event.contains("alert_repeated")), "{told:?}");
}

/// Everything on the audit topic.
fn audit(broker: &Broker, daemon: &Daemon) -> Vec<Value> {
    let all = broker.read_committed_all(&topic(&daemon.name, "audit"));
    all.into_iter().map(|record| serde_json::from_slice(&record.value.expect("a value")).expect("JSON")).collect()
}

#[test]
fn records_deleted_before_they_were_read_are_told_once_and_the_rest_is_read() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let alerts = topic(&daemon.name, "alerts");
    let mut sender = Sender::new(broker, &daemon, 1);
    sender.send(&records(100, 89));
    daemon.start_ready();
    daemon.await_outcomes(100);
    daemon.stop();
    sender.send(&records(80, 90));
    broker.delete_records_before(&alerts, 0, 130);
    assert_eq!(shown(&daemon, &alerts)["state"], "gap");
    daemon.start_ready();
    daemon.await_outcomes(50);
    let gap = format!("casewright_input_gap_records_total{{partition=\"0\",topic=\"{alerts}\"}}");
    assert_eq!(series(&daemon).get(&gap), Some(&30.0));
    daemon.stop();
    daemon.start_ready();
    assert_eq!(series(&daemon).get(&gap), None, "told by the start that met it");
    daemon.stop();

    let told = audit(broker, &daemon);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["type"], &told[0]["subject"]),
        (&"casewright.shard.input_gap.v1".into(), &format!("{alerts}/0").into())
    );
    assert_eq!((&told[0]["data"]["from"], &told[0]["data"]["to"]), (&100.into(), &130.into()));
    let read: Vec<Sent> = sender.sent[..100].iter().chain(&sender.sent[130..]).cloned().collect();
    judge(broker, &daemon.name, &read, UNTOLD);
}

#[test]
fn without_its_topics_the_daemon_says_how_to_make_them() {
    let broker = Broker::shared();
    let mut daemon = Daemon::beside(broker, &unique_name("cw"));
    let refused = casewright(&daemon, &["positions", "set", &topic(&daemon.name, "alerts"), "earliest"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("casewright topics create"), "{}", text(&refused.stderr));
    daemon.start();
    assert_eq!(daemon.await_end(), Some(1));
    let said = format!("topic {} does not exist; `casewright topics create`", topic(&daemon.name, "lease"));
    assert!(daemon.log().contains(&said), "{}", daemon.log());
}

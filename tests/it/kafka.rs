//! The Kafka edge against a real broker: what a transaction promises, what ends one, who holds the lease, and what a
//! reader is told when its position is gone.

use std::io::{BufRead as _, BufReader};
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use casewright::config::TopicsConfig;
use casewright::kafka::topics::{self, TopicState};
use casewright::kafka::{
    Assigned, ChangelogReader, Client, CommittedOffset, GroupMetadata, InputReader, KafkaFault, Lease, LeaseState,
    RawBatch, ReadFault, TxnFault, TxnProducer,
};

use crate::broker::{Broker, Outgoing, SCRAM_PASSWORD, unique_name};

const WITHIN: Duration = Duration::from_secs(30);
const SESSION: Duration = Duration::from_secs(2);

fn producer(client: &Client, id: &str) -> TxnProducer {
    let producer = client.producer(id).unwrap();
    producer.init(WITHIN).unwrap();
    producer
}

fn send(producer: &TxnProducer, topic: &str, values: &[&str]) {
    for value in values {
        producer.send(topic, Some(0), Some(b"key"), Some(value.as_bytes()), &[]).unwrap();
    }
    producer.drain(WITHIN).unwrap();
}

fn commit(producer: &TxnProducer, topic: &str, values: &[&str]) {
    producer.begin().unwrap();
    send(producer, topic, values);
    producer.commit().unwrap();
}

fn values(broker: &Broker, topic: &str) -> Vec<String> {
    let seen = broker.read_committed_all(topic).into_iter();
    seen.map(|record| String::from_utf8(record.value.unwrap()).unwrap()).collect()
}

fn await_state(lease: &mut Lease, wanted: LeaseState) {
    let deadline = Instant::now() + WITHIN;
    while lease.poll(Duration::from_millis(100)).unwrap() != wanted {
        assert!(Instant::now() < deadline, "never {wanted:?}");
    }
}

fn held(client: &Client, topic: &str) -> (Lease, GroupMetadata) {
    let mut lease = client.lease(topic, SESSION).unwrap();
    await_state(&mut lease, LeaseState::Held);
    let metadata = lease.metadata().unwrap();
    (lease, metadata)
}

/// Polls until so many records came, or the first fault.
fn read(reader: &mut InputReader, count: usize) -> Result<RawBatch, ReadFault> {
    let mut batch = RawBatch::default();
    let deadline = Instant::now() + WITHIN;
    while batch.records.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} records came", batch.records.len());
        match reader.poll(&mut batch, count, Duration::from_millis(200)) {
            Err(ReadFault::Transient(_)) | Ok(()) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(batch)
}

#[test]
fn records_and_offsets_of_a_transaction_appear_together() {
    let broker = Broker::shared();
    let (input, output, lease_topic) = (unique_name("in"), unique_name("out"), unique_name("lease"));
    broker.create_topics(&[(&input, 2), (&output, 1), (&lease_topic, 1)], &[]);
    let client = broker.client(&unique_name("group"));
    let (_lease, generation) = held(&client, &lease_topic);
    let producer = producer(&client, &unique_name("txn"));
    let offset = CommittedOffset { topic: input.clone(), partition: 1, next_offset: 7, metadata: "batch 3".into() };
    let positions = [(input.clone(), 0), (input.clone(), 1)];

    producer.begin().unwrap();
    send(&producer, &output, &["a", "b"]);
    producer.send_offsets(std::slice::from_ref(&offset), &generation).unwrap();
    assert_eq!(values(broker, &output), [""; 0], "nothing shows before the commit");
    producer.commit().unwrap();

    assert_eq!(values(broker, &output), ["a", "b"]);
    assert_eq!(client.committed(&positions, WITHIN).unwrap(), [offset]);
}

#[test]
fn an_aborted_transaction_leaves_nothing() {
    let broker = Broker::shared();
    let topic = unique_name("out");
    broker.create_topics(&[(&topic, 1)], &[]);
    let client = broker.client(&unique_name("group"));
    let id = unique_name("txn");
    let first = producer(&client, &id);
    first.begin().unwrap();
    send(&first, &topic, &["a"]);
    first.send(&topic, Some(0), Some(b"key"), Some(b"never acknowledged"), &[]).unwrap();
    first.abort().unwrap();

    commit(&producer(&client, &id), &topic, &["b"]);
    assert_eq!(values(broker, &topic), ["b"]);
}

#[test]
fn a_second_producer_fences_the_first() {
    let broker = Broker::shared();
    let topic = unique_name("out");
    broker.create_topics(&[(&topic, 1)], &[]);
    let client = broker.client(&unique_name("group"));
    let id = unique_name("txn");
    let zombie = producer(&client, &id);
    zombie.begin().unwrap();
    send(&zombie, &topic, &["zombie"]);

    let successor = producer(&client, &id);
    assert_eq!(zombie.commit(), Err(TxnFault::Fenced));
    assert_eq!(zombie.begin(), Err(TxnFault::Fenced));
    commit(&successor, &topic, &["successor"]);
    assert_eq!(values(broker, &topic), ["successor"]);
}

#[test]
fn offsets_of_a_member_that_the_group_no_longer_knows_abort() {
    let broker = Broker::shared();
    let (input, lease_topic) = (unique_name("in"), unique_name("lease"));
    broker.create_topics(&[(&input, 1), (&lease_topic, 1)], &[]);
    let client = broker.client(&unique_name("group"));
    let (lease, generation) = held(&client, &lease_topic);
    lease.leave();
    let (_other, _) = held(&client, &lease_topic);

    let producer = producer(&client, &unique_name("txn"));
    producer.begin().unwrap();
    send(&producer, &input, &["a"]);
    let offset = CommittedOffset { topic: input.clone(), partition: 0, next_offset: 1, metadata: String::new() };
    let fault = producer.send_offsets(&[offset], &generation).unwrap_err();
    assert!(matches!(fault, TxnFault::Abortable(_)), "{fault:?}");
    producer.abort().unwrap();
}

fn rows(reader: &mut ChangelogReader, from: i64, to: i64) -> (Vec<String>, i64) {
    let mut found = Vec::new();
    let mut each = |record: casewright::kafka::ChangelogRecord<'_>| {
        assert!(record.timestamp.is_some() && record.key == b"key");
        found.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
        ControlFlow::Continue(())
    };
    let reached = reader.read(from, to, &mut each).unwrap();
    (found, reached)
}

/// The coordinator answers a commit or an abort before its marker is in every log; this waits for that.
fn settled_ends(reader: &ChangelogReader) -> casewright::kafka::Ends {
    let deadline = Instant::now() + WITHIN;
    loop {
        let ends = reader.ends().unwrap();
        if ends.committed_end == ends.uncommitted_end {
            return ends;
        }
        assert!(Instant::now() < deadline, "a transaction stays open: {ends:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_changelog_is_read_to_its_end_past_control_records() {
    let broker = Broker::shared();
    let topic = unique_name("state");
    broker.create_topics(&[(&topic, 1)], &[]);
    let client = broker.client(&unique_name("group"));
    let mut reader = client.changelog(&topic, 0).unwrap();
    assert_eq!(reader.ends().unwrap().committed_end, 0);
    assert_eq!(rows(&mut reader, 0, 0), (vec![], 0));

    let id = unique_name("txn");
    let first = producer(&client, &id);
    commit(&first, &topic, &["a", "b"]); // offsets 0, 1 and a marker at 2
    first.begin().unwrap();
    send(&first, &topic, &["never"]);
    first.abort().unwrap();
    commit(&producer(&client, &id), &topic, &["c"]);

    let ends = settled_ends(&reader);
    let (found, reached) = rows(&mut reader, 0, ends.committed_end);
    assert_eq!((found, reached), (vec!["a".into(), "b".into(), "c".into()], ends.committed_end));
    assert_eq!(rows(&mut reader, 3, ends.committed_end).0, ["c"]);
    assert_eq!(rows(&mut reader, ends.committed_end - 1, ends.committed_end), (vec![], ends.committed_end));
    assert_eq!(rows(&mut reader, 0, 1), (vec!["a".into()], 1));
    assert_eq!(reader.read(0, ends.committed_end, &mut |_| ControlFlow::Break(())).unwrap(), 1);
}

#[test]
fn a_changelog_position_that_is_gone_is_said_to_be() {
    let broker = Broker::shared();
    let topic = unique_name("state");
    broker.create_topics(&[(&topic, 1)], &[]);
    let mut reader = broker.client(&unique_name("group")).changelog(&topic, 0).unwrap();
    let fault = reader.read(50, 60, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert_eq!(fault, KafkaFault::OffsetOutOfRange { topic, partition: 0, offset: 50 });
}

#[test]
fn a_foreign_open_transaction_holds_the_committed_end_back() {
    let broker = Broker::shared();
    let topic = unique_name("state");
    broker.create_topics(&[(&topic, 1)], &[]);
    let client = broker.client(&unique_name("group"));
    let foreign = producer(&client, &unique_name("foreign"));
    foreign.begin().unwrap();
    send(&foreign, &topic, &["foreign"]);
    commit(&producer(&client, &unique_name("ours")), &topic, &["ours"]);

    let mut reader = client.changelog(&topic, 0).unwrap();
    let ends = reader.ends().unwrap();
    assert!(ends.committed_end < ends.uncommitted_end, "{ends:?}");
    assert_eq!(rows(&mut reader, 0, ends.committed_end).0, [""; 0]);

    foreign.abort().unwrap();
    let ends = settled_ends(&reader);
    assert_eq!(rows(&mut reader, 0, ends.committed_end).0, ["ours"]);
}

#[test]
fn one_member_holds_the_lease_and_a_newcomer_does_not_take_it() {
    let broker = Broker::shared();
    let topic = unique_name("lease");
    broker.create_topics(&[(&topic, 1)], &[]);
    let client = broker.client(&unique_name("group"));
    let (first, _) = held(&client, &topic);
    let mut second = client.lease(&topic, SESSION).unwrap();
    let until = Instant::now() + SESSION * 3;
    while Instant::now() < until {
        assert_eq!(first.poll(Duration::from_millis(50)).unwrap(), LeaseState::Held);
        assert_eq!(second.poll(Duration::from_millis(50)).unwrap(), LeaseState::Waiting);
    }
    first.leave();
    await_state(&mut second, LeaseState::Held);
}

const HOLDER: &str = "CASEWRIGHT_TEST_LEASE";

/// Run by the test below in a process of its own, which can be killed; by itself it has nothing to do.
#[test]
fn hold_the_lease_for_another_test() {
    let Ok(told) = std::env::var(HOLDER) else {
        return;
    };
    let [brokers, group, topic] = told.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{HOLDER}: {told}");
    };
    let config = casewright::config::KafkaConfig { brokers: brokers.into(), ..Broker::shared().config(group) };
    let (lease, _) = held(&Client::new(&config).unwrap(), topic);
    println!("\nheld");
    let until = Instant::now() + WITHIN * 2;
    while Instant::now() < until {
        lease.poll(Duration::from_millis(100)).unwrap();
    }
}

#[test]
fn the_lease_of_a_killed_holder_passes_on() {
    let broker = Broker::shared();
    let (topic, group) = (unique_name("lease"), unique_name("group"));
    broker.create_topics(&[(&topic, 1)], &[]);
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kafka::hold_the_lease_for_another_test", "--nocapture"])
        .env(HOLDER, format!("{} {group} {topic}", broker.brokers))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "held"), "the holder ended early");

    let mut heir = broker.client(&group).lease(&topic, SESSION).unwrap();
    assert_eq!(heir.poll(SESSION).unwrap(), LeaseState::Waiting);
    holder.kill().unwrap();
    holder.wait().unwrap();
    await_state(&mut heir, LeaseState::Held);
}

#[test]
fn a_position_past_the_end_is_out_of_range_and_names_its_partition() {
    let broker = Broker::shared();
    let (whole, short) = (unique_name("whole"), unique_name("short"));
    broker.create_topics(&[(&whole, 1), (&short, 1)], &[]);
    broker.produce(&short, &[Outgoing { value: b"one", ..Outgoing::default() }]);
    let mut reader = broker.client(&unique_name("group")).reader().unwrap();
    assert_eq!(reader.low_high(&short, 0).unwrap(), (0, 1));
    reader.assign(&[at(&whole, 0), at(&short, 90)]).unwrap();
    let fault = read(&mut reader, 1).unwrap_err();
    assert_eq!(fault, ReadFault::OffsetOutOfRange { source_index: 1, topic: short, partition: 0 });
}

fn at(topic: &str, next_offset: i64) -> Assigned {
    Assigned { topic: topic.to_owned(), partition: 0, next_offset }
}

#[test]
fn inputs_come_with_their_headers_and_say_where_they_end() {
    let broker = Broker::shared();
    let (busy, empty) = (unique_name("busy"), unique_name("empty"));
    broker.create_topics(&[(&busy, 1), (&empty, 1)], &[]);
    let headers: &[(&str, &[u8])] = &[("tenant", b"acme"), ("content-type", b"application/json")];
    let record = Outgoing { value: b"alert", timestamp: Some(1_700_000_000_000), headers, ..Outgoing::default() };
    broker.produce(&busy, &[record; 3]);
    let client = broker.client(&unique_name("group"));
    commit(&producer(&client, &unique_name("txn")), &busy, &["last"]);

    let mut reader = client.reader().unwrap();
    reader.assign(&[at(&empty, 0), at(&busy, 1)]).unwrap();
    let mut batch = read(&mut reader, 3).unwrap();
    let first = batch.records[0];
    assert_eq!((first.source, first.offset, first.timestamp), (1, 1, Some(1_700_000_000_000)));
    assert_eq!(batch.payload(&first), Some(&b"alert"[..]));
    assert_eq!(batch.headers(&first).collect::<Vec<_>>(), headers);
    let deadline = Instant::now() + WITHIN;
    while batch.at_end != [0, 1] {
        assert!(Instant::now() < deadline, "ends: {:?}", batch.at_end);
        reader.poll(&mut batch, 10, Duration::from_millis(50)).unwrap();
    }
    assert_eq!(batch.records.len(), 3);
    assert_eq!(reader.positions().unwrap(), [(1, 5)], "past the commit marker at 4");
    assert_eq!(reader.offset_at_time(&busy, 0, 1_700_000_000_001).unwrap(), 3);

    broker.produce(&empty, &[record]);
    batch.clear();
    while batch.records.is_empty() {
        reader.poll(&mut batch, 10, Duration::from_millis(200)).unwrap();
    }
    assert_eq!((batch.records.len(), batch.records[0].source), (1, 0));
}

#[test]
fn a_record_of_900_kb_passes_in_and_out_and_a_larger_one_is_rejected_by_name() {
    let broker = Broker::shared();
    let (input, output) = (unique_name("in"), unique_name("out"));
    broker.create_topics(&[(&input, 1), (&output, 1)], &[]);
    let large: Vec<u8> = (0..900_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    broker.produce(&input, &[Outgoing { value: &large, ..Outgoing::default() }]);
    let client = broker.client(&unique_name("group"));
    let mut reader = client.reader().unwrap();
    reader.assign(&[at(&input, 0)]).unwrap();
    let batch = read(&mut reader, 1).unwrap();

    let producer = producer(&client, &unique_name("txn"));
    producer.begin().unwrap();
    let value = batch.payload(&batch.records[0]);
    producer.send(&output, None, Some(b"key"), value, &[("reason", b"too_large")]).unwrap();
    producer.drain(WITHIN).unwrap();
    producer.commit().unwrap();
    let seen = broker.read_committed_all(&output);
    assert_eq!(seen[0].value.as_deref(), Some(&large[..]));
    assert_eq!(seen[0].headers, [("reason".to_owned(), b"too_large".to_vec())]);

    producer.begin().unwrap();
    let mut noise = 1u64;
    let too_large: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 56) as u8
    })
    .take(2_000_000)
    .collect();
    producer.send(&output, None, Some(b"key"), Some(&too_large), &[]).unwrap();
    let fault = producer.drain(WITHIN).unwrap_err();
    assert!(matches!(&fault, TxnFault::Rejected { topic, bytes: 2_000_000, .. } if *topic == output), "{fault:?}");
    producer.abort().unwrap();
}

#[test]
fn scram_over_tls_works_and_a_wrong_password_is_told() {
    let broker = Broker::own_with_scram();
    let topic = unique_name("out");
    broker.create_topics(&[(&topic, 1)], &[]);
    let client = Client::new(&broker.scram_config("group", SCRAM_PASSWORD)).unwrap();
    assert_eq!(client.admin().unwrap().partitions(&topic).unwrap(), Some(1));
    commit(&producer(&client, "txn"), &topic, &["a"]);
    assert_eq!(values(&broker, &topic), ["a"]);

    let stranger = Client::new(&broker.scram_config("group", "wrong")).unwrap();
    assert!(stranger.producer("txn").unwrap().init(Duration::from_secs(5)).is_err());
}

#[test]
fn a_commit_outlives_the_broker_it_was_sent_to() {
    let broker = Broker::own();
    let topic = unique_name("out");
    broker.create_topics(&[(&topic, 1)], &[]);
    let client = broker.client("group");
    let producer = producer(&client, "txn");
    commit(&producer, &topic, &["before"]);
    producer.begin().unwrap();
    send(&producer, &topic, &["during"]);
    broker.stop_signal();
    broker.cont_signal();
    broker.kill9();
    let committing = thread::spawn(move || producer.commit().map(|()| producer));
    broker.restart();
    let producer = committing.join().unwrap().unwrap();
    commit(&producer, &topic, &["after"]);
    assert_eq!(values(&broker, &topic), ["before", "during", "after"]);
}

#[test]
fn topics_are_made_once_and_what_differs_is_explained() {
    let broker = Broker::shared();
    let names = TopicsConfig {
        commands: unique_name("commands"),
        case_events: unique_name("events"),
        cases: unique_name("cases"),
        dead_letters: unique_name("dead"),
        state: unique_name("state"),
        lease: unique_name("lease"),
        audit: unique_name("audit"),
    };
    let client = broker.client(&unique_name("group"));
    let admin = client.admin().unwrap();
    let mut specs = topics::specs(&names, admin.brokers().unwrap());
    let all = |reports: Vec<topics::TopicReport>, state: TopicState| {
        assert!(reports.iter().all(|report| report.state == state), "{reports:#?}");
    };
    all(topics::check(&admin, &specs), TopicState::Missing);
    all(topics::create(&admin, &specs), TopicState::Created);
    all(topics::create(&admin, &specs), TopicState::Right);
    all(topics::check(&admin, &specs), TopicState::Right);

    let state = specs.iter_mut().find(|spec| spec.name == names.state).unwrap();
    state.settings[0].value = "delete".into();
    let reports = topics::check(&admin, std::slice::from_ref(state));
    let TopicState::Differs(differences) = &reports[0].state else {
        panic!("{reports:?}");
    };
    assert_eq!((differences[0].setting.as_str(), differences[0].found.as_str()), ("cleanup.policy", "compact"));

    // The broker answers a deletion before every part of it has heard.
    admin.delete_topic(&names.lease).unwrap();
    let deadline = Instant::now() + WITHIN;
    while admin.partitions(&names.lease).unwrap().is_some() {
        assert!(Instant::now() < deadline, "the topic does not go");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(admin.describe(&names.lease), Err(KafkaFault::NoSuchTopic { topic: names.lease.clone() }));
}

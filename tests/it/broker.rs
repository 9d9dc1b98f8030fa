//! Real Apache Kafka brokers for the tests: fetched, formatted, started on free loopback ports and stopped by process
//! id. What is missing (Maven, Java, a jar) fails the test that asks, with the reason; nothing is ever skipped.
//!
//! [`Broker::shared`] is one broker for the whole run, across test processes: each holds a shared file lock for as
//! long as it lives, and the broker's own script ends it some seconds after the last lock is gone. [`Broker::own`] is
//! for tests that stop, kill and restart theirs: it ends when its guard's standard input closes, so it cannot outlive
//! the test, however that ends. tests/kafka/broker.sh does the rest.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use casewright::config::KafkaConfig;
use casewright::kafka::Client;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{DeliveryResult, Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, ClientContext};

const READY_WITHIN: Duration = Duration::from_secs(90);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A broker may be killed and started again, and stand still for 15 s, while records are under way.
const DELIVERED_WITHIN: Duration = Duration::from_secs(120);
pub const SCRAM_USER: &str = "casewright";
pub const SCRAM_PASSWORD: &str = "casewright-secret";

pub struct Broker {
    /// For `bootstrap.servers`.
    pub brokers: String,
    dir: PathBuf,
    ports: Ports,
    /// Of an own broker only. Dropping its standard input ends the broker.
    guard: Mutex<Option<Child>>,
}

#[derive(Clone, Copy)]
struct Ports {
    plain: u16,
    controller: u16,
    scram: Option<u16>,
}

/// A record as a read_committed reader saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Broker {
    /// The broker of this test run. Use topics of [`unique_name`]s: others are on it too.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(|| {
            let root = kafka_dir();
            fetch(&root);
            // Held until this process ends; taken before looking, so that a broker seen is not about to end.
            let users = open(&root.join("users.lock"));
            users.lock_shared().expect("lock users.lock");
            std::mem::forget(users);
            let start = open(&root.join("start.lock"));
            start.lock().expect("lock start.lock");
            running_in(&root.join("shared")).unwrap_or_else(|| start_shared(&root))
        })
    }

    /// A broker of one's own, on ports that stay the same over [`Broker::restart`].
    pub fn own() -> Self {
        Self::start_own(None)
    }

    /// Also has a listener that speaks SASL_SSL with SCRAM-SHA-512.
    pub fn own_with_scram() -> Self {
        Self::start_own(Some(free_port()))
    }

    fn start_own(scram: Option<u16>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let root = kafka_dir();
        fetch(&root);
        forget_the_dead(&root);
        let name = format!("own-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let ports = Ports { plain: free_port(), controller: free_port(), scram };
        let broker = Self::at(root.join(name), ports);
        broker.restart();
        broker
    }

    fn at(dir: PathBuf, ports: Ports) -> Self {
        Self { brokers: format!("127.0.0.1:{}", ports.plain), dir, ports, guard: Mutex::new(None) }
    }

    /// Starts it again where it was, killing it first if it runs.
    pub fn restart(&self) {
        self.end();
        let log = self.dir.with_extension("log");
        let mut guard = script("guarded", &self.dir, self.ports, &log).stdin(Stdio::piped()).spawn().expect("run sh");
        await_ready(&self.brokers, &log, &mut guard);
        *self.guard.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
    }

    /// As a power cut would.
    pub fn kill9(&self) {
        self.signal("KILL");
        let deadline = Instant::now() + ANSWER_WITHIN;
        while TcpStream::connect(&self.brokers).is_ok() {
            assert!(Instant::now() < deadline, "the killed broker still listens");
            sleep(Duration::from_millis(10));
        }
    }

    /// The broker is there and answers nothing.
    pub fn stop_signal(&self) {
        self.signal("STOP");
    }

    pub fn cont_signal(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").arg(format!("-{name}")).arg(&pid).status().expect("run kill");
        assert!(sent.success(), "kill -{name} {pid}");
    }

    pub fn pid(&self) -> u32 {
        let pid = fs::read_to_string(self.dir.join("pid")).expect("the broker has a pid file");
        pid.trim().parse().expect("the pid file holds a number")
    }

    /// Ends an own broker, and says whether there was one.
    fn end(&self) -> bool {
        let guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner).take();
        guard.is_some_and(|mut guard| {
            drop(guard.stdin.take());
            let _ = guard.wait();
            true
        })
    }

    /// A configuration with this broker and a group.
    pub fn config(&self, group: &str) -> KafkaConfig {
        let brokers = self.brokers.clone();
        KafkaConfig { brokers, group: group.to_owned(), app: "casewright".into(), properties: [].into() }
    }

    pub fn client(&self, group: &str) -> Client {
        Client::new(&self.config(group)).expect("a client")
    }

    /// The same through the SCRAM listener.
    pub fn scram_config(&self, group: &str, password: &str) -> KafkaConfig {
        let port = self.ports.scram.expect("own_with_scram");
        let ca = self.dir.join("ca.pem").display().to_string();
        let properties = [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", SCRAM_USER),
            ("sasl.password", password),
            ("ssl.ca.location", &ca),
        ];
        let properties = properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        KafkaConfig { brokers: format!("127.0.0.1:{port}"), properties, ..self.config(group) }
    }

    /// Creates topics with so many partitions and these settings, and waits until the broker serves them.
    pub fn create_topics(&self, topics: &[(&str, i32)], settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> = self.plain_client().create().expect("an admin client");
        let made: Vec<_> = topics
            .iter()
            .map(|(name, partitions)| {
                let topic = NewTopic::new(name, *partitions, TopicReplication::Fixed(1));
                settings.iter().fold(topic, |topic, (key, value)| topic.set(key, value))
            })
            .collect();
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_WITHIN));
        let results = block_on(admin.create_topics(&made, &options)).expect("create topics");
        for result in results {
            result.expect("create a topic");
        }
        // The controller answers first; the broker serves what it has heard of.
        let serves = |name: &str, partitions: i32| {
            let metadata = admin.inner().fetch_metadata(Some(name), ANSWER_WITHIN).expect("metadata");
            metadata
                .topics()
                .iter()
                .all(|topic| topic.error().is_none() && topic.partitions().len() as i32 == partitions)
        };
        let deadline = Instant::now() + ANSWER_WITHIN;
        while !topics.iter().all(|(name, partitions)| serves(name, *partitions)) {
            assert!(Instant::now() < deadline, "the broker does not serve {topics:?}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Adds partitions until there are so many.
    pub fn grow_topic(&self, topic: &str, partitions: usize) {
        let admin: AdminClient<DefaultClientContext> = self.plain_client().create().expect("an admin client");
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_WITHIN));
        let grown = block_on(admin.create_partitions(&[NewPartitions::new(topic, partitions)], &options));
        grown.expect("create partitions").into_iter().for_each(|result| drop(result.expect("grow a topic")));
    }

    /// As retention would, at once.
    pub fn delete_records_before(&self, topic: &str, partition: i32, offset: i64) {
        let admin: AdminClient<DefaultClientContext> = self.plain_client().create().expect("an admin client");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("an offset");
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_WITHIN));
        let deleted = block_on(admin.delete_records(&list, &options)).expect("delete records");
        deleted.elements().iter().for_each(|element| element.error().expect("delete the records of a partition"));
    }

    /// Sends records outside any transaction, waits until the broker has them, and answers where each one is: partition
    /// and offset.
    pub fn produce(&self, topic: &str, records: &[Outgoing<'_>]) -> Vec<(i32, i64)> {
        let mut delivery = self.delivery(topic);
        records.iter().for_each(|record| delivery.send(record));
        delivery.finish()
    }

    /// Records to be sent one by one. No partition: by key. Idempotent, so that a broker which dies or stands still
    /// meanwhile gets each record once, in order.
    pub fn delivery(&self, topic: &str) -> Delivery {
        let producer = self
            .plain_client()
            .set("linger.ms", "5")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .create_with_context(Reports::default())
            .expect("a producer");
        Delivery { producer, topic: topic.to_owned(), sent: 0 }
    }

    /// The offset after the last record of each partition.
    pub fn ends(&self, topic: &str) -> Vec<i64> {
        let consumer: BaseConsumer = self.plain_client().create().expect("a client");
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER_WITHIN).expect("metadata");
        let end = |partition| consumer.fetch_watermarks(topic, partition, ANSWER_WITHIN).expect("watermarks").1;
        (0..metadata.topics()[0].partitions().len() as i32).map(end).collect()
    }

    /// Every committed record of a topic, by partition and offset. Reads up to what is stable now, not beyond.
    pub fn read_committed_all(&self, topic: &str) -> Vec<Seen> {
        let consumer: BaseConsumer = self
            .plain_client()
            .set("group.id", unique_name("reader"))
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "10")
            .create()
            .expect("a consumer");
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER_WITHIN).expect("metadata");
        let partitions = metadata.topics()[0].partitions().len();
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions as i32 {
            list.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset");
        }
        consumer.assign(&list).expect("assign");
        let mut seen = gather(&consumer, partitions);
        seen.sort_by_key(|record| (record.partition, record.offset));
        seen
    }

    fn plain_client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }
}

/// One record to send.
#[derive(Clone, Copy, Default)]
pub struct Outgoing<'a> {
    pub partition: Option<i32>,
    pub key: Option<&'a [u8]>,
    pub value: &'a [u8],
    pub timestamp: Option<i64>,
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// Records on their way to one topic.
pub struct Delivery {
    producer: BaseProducer<Reports>,
    topic: String,
    sent: usize,
}

impl Delivery {
    pub fn send(&mut self, outgoing: &Outgoing<'_>) {
        let mut record =
            BaseRecord::<[u8], [u8], usize>::with_opaque_to(&self.topic, self.sent).payload(outgoing.value);
        (record.partition, record.key, record.timestamp) = (outgoing.partition, outgoing.key, outgoing.timestamp);
        record.headers = (!outgoing.headers.is_empty()).then(|| {
            outgoing
                .headers
                .iter()
                .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(*value) }))
        });
        while let Err((error, again)) = self.producer.send(record) {
            assert!(error.rdkafka_error_code() == Some(rdkafka::types::RDKafkaErrorCode::QueueFull), "{error}");
            self.producer.poll(Duration::from_millis(10));
            record = again;
        }
        self.producer.poll(Duration::ZERO);
        self.sent += 1;
    }

    /// Waits for the broker, and answers where each record is, in the order of sending. That is the broker's own word:
    /// after a retry, counting would be a guess.
    pub fn finish(self) -> Vec<(i32, i64)> {
        self.producer.flush(DELIVERED_WITHIN).expect("flush");
        let mut reports = std::mem::take(&mut *self.producer.context().0.lock().expect("no report panics"));
        reports.sort_unstable_by_key(|report| report.0);
        assert!(reports.iter().map(|report| report.0).eq(0..self.sent), "one report for each record");
        reports.into_iter().map(|(number, at)| at.unwrap_or_else(|error| panic!("record {number}: {error}"))).collect()
    }
}

/// What the broker said of each record, by its number.
#[derive(Default)]
struct Reports(Mutex<Vec<(usize, Delivered)>>);

/// Partition and offset, or why not.
type Delivered = Result<(i32, i64), String>;

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let at = match result {
            Ok(message) if message.offset() >= 0 => Ok((message.partition(), message.offset())),
            Ok(message) => Err(format!("delivered at offset {}", message.offset())),
            Err((error, _)) => Err(error.to_string()),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((number, at));
    }
}

fn gather(consumer: &BaseConsumer, partitions: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut ended = std::collections::BTreeSet::new();
    let mut moved_at = Instant::now();
    while ended.len() < partitions {
        assert!(moved_at.elapsed() < ANSWER_WITHIN, "the broker sends no more records");
        match consumer.poll(Duration::from_millis(100)) {
            None => continue,
            Some(Ok(message)) => seen.push(Seen {
                partition: message.partition(),
                offset: message.offset(),
                timestamp: message.timestamp().to_millis(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers: message.headers().map_or_else(Vec::new, |headers| {
                    headers.iter().map(|it| (it.key.to_owned(), it.value.unwrap_or_default().to_vec())).collect()
                }),
            }),
            Some(Err(rdkafka::error::KafkaError::PartitionEOF(partition))) => drop(ended.insert(partition)),
            Some(Err(_)) => continue, // it reconnects; the bound above watches
        }
        moved_at = Instant::now();
    }
    seen
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.end() {
            let _ = fs::remove_dir_all(&self.dir);
            let _ = fs::remove_file(self.dir.with_extension("log"));
        }
    }
}

/// A name nobody else uses on this broker.
pub fn unique_name(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    format!("{prefix}-{}-{nanos:x}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn kafka_dir() -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/kafka");
    fs::create_dir_all(&dir).expect("create target/kafka");
    dir
}

/// `make kafka-jars`, once, whoever comes first.
fn fetch(root: &Path) {
    let lock = open(&root.join("fetch.lock"));
    lock.lock().expect("lock fetch.lock");
    let made = Command::new("make")
        .args(["--silent", "--file", "tests/kafka/kafka.mk", "kafka-jars"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("run make (Debian: apt-get install make)");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(
        made.status.success(),
        "Apache Kafka could not be fetched: {said}{}",
        String::from_utf8_lossy(&made.stdout)
    );
}

/// A test that was killed could not clear up; its broker is gone, what it wrote is not.
fn forget_the_dead(root: &Path) {
    let entries = fs::read_dir(root).expect("list target/kafka").filter_map(Result::ok);
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix("own-").and_then(|rest| rest.split('-').next()) else {
            continue;
        };
        if !Path::new("/proc").join(pid).exists() {
            let _ = fs::remove_dir_all(&path);
            let _ = fs::remove_file(&path);
        }
    }
}

fn running_in(dir: &Path) -> Option<Broker> {
    let ports = fs::read_to_string(dir.join("../shared.ports")).ok()?;
    let mut ports = ports.split_whitespace().map(|port| port.parse().ok());
    let ports = Ports { plain: ports.next()??, controller: ports.next()??, scram: None };
    let pid = fs::read_to_string(dir.join("pid")).ok()?;
    let alive = Path::new("/proc").join(pid.trim()).exists();
    let broker = Broker::at(dir.to_owned(), ports);
    (alive && TcpStream::connect(&broker.brokers).is_ok()).then_some(broker)
}

fn start_shared(root: &Path) -> Broker {
    let dir = root.join("shared");
    let _ = fs::remove_dir_all(&dir);
    let ports = Ports { plain: free_port(), controller: free_port(), scram: None };
    let log = root.join("shared.log");
    // A group of its own: what ends the test's group must not end the broker under the other tests.
    let mut keeper = script("shared", &dir, ports, &log).stdin(Stdio::null()).process_group(0).spawn().expect("run sh");
    let broker = Broker::at(dir, ports);
    await_ready(&broker.brokers, &log, &mut keeper);
    let mut state = File::create(root.join("shared.ports")).expect("write shared.ports");
    write!(state, "{} {}", ports.plain, ports.controller).expect("write shared.ports");
    broker
}

fn script(mode: &str, dir: &Path, ports: Ports, log: &Path) -> Command {
    let log = OpenOptions::new().create(true).append(true).open(log).expect("open the broker's log");
    let mut command = Command::new("sh");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/broker.sh"));
    command.arg(mode).arg(dir).arg(ports.plain.to_string()).arg(ports.controller.to_string());
    command.args(ports.scram.map(|port| port.to_string()));
    command.stdout(log.try_clone().expect("share the log")).stderr(log);
    command
}

fn await_ready(brokers: &str, log: &Path, process: &mut Child) {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", brokers).set("log_level", "0").create().expect("a client");
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if consumer.fetch_metadata(None, Duration::from_millis(500)).is_ok_and(|all| !all.brokers().is_empty()) {
            return;
        }
        let said = || fs::read_to_string(log).unwrap_or_default();
        let gone = process.try_wait().expect("look at the broker's script");
        assert!(gone.is_none(), "Apache Kafka did not start:\n{}", said());
        assert!(Instant::now() < deadline, "Apache Kafka is not ready after {READY_WITHIN:?}:\n{}", said());
    }
}

fn open(path: &Path) -> File {
    OpenOptions::new().create(true).truncate(false).write(true).open(path).expect("open a lock file")
}

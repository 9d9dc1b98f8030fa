//! The daemon as a process of its own, against a real broker: started, asked, killed, started again.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use casewright::config::KafkaConfig;
use casewright::testing::checker::{Allowed, Report, Seen, Sent, check};

use crate::broker::{Broker, Outgoing, free_port, unique_name};

const READY_WITHIN: Duration = Duration::from_secs(60);
const SETTLED_WITHIN: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);
/// Between two records of a load that flows: some hundred a second, so that it lasts through what happens meanwhile.
const PACE: Duration = Duration::from_millis(3);

/// One deployment: its topics, its configuration, its store directory; and the daemon, while it runs.
pub struct Daemon {
    pub name: String,
    pub dir: PathBuf,
    /// The input topic.
    pub alerts: String,
    port: u16,
    /// Laid over the configuration file.
    env: Vec<(String, String)>,
    child: Option<Child>,
}

pub fn topic(name: &str, which: &str) -> String {
    format!("{name}.{which}")
}

impl Daemon {
    /// Makes the topics, with so many input partitions, and writes the configuration; starts nothing.
    pub fn deploy(broker: &Broker, partitions: i32) -> Self {
        let name = unique_name("cw");
        let alerts = topic(&name, "alerts");
        broker.create_topics(&[(&alerts, partitions)], &[("max.message.bytes", "2000000")]);
        create_own_topics(broker, &name);
        Self::configured(&broker.config(&name), &alerts)
    }

    /// A deployment with outputs of its own that reads the alerts of another.
    pub fn reading(broker: &Broker, alerts: &str) -> Self {
        let name = unique_name("cw");
        create_own_topics(broker, &name);
        Self::configured(&broker.config(&name), alerts)
    }

    /// Another instance of the same deployment, with a store of its own.
    pub fn beside(broker: &Broker, name: &str) -> Self {
        Self::configured(&broker.config(name), &topic(name, "alerts"))
    }

    /// Speaks SCRAM over TLS, with the password in a file. Makes no topics.
    pub fn secured(broker: &Broker, password: &str) -> Self {
        let name = unique_name("cw");
        Self::configured(&broker.scram_config(&name, password), &topic(&name, "alerts"))
    }

    fn configured(kafka: &KafkaConfig, alerts: &str) -> Self {
        let name = kafka.group.clone();
        let dir = std::env::temp_dir().join(unique_name(&name));
        fs::create_dir_all(&dir).expect("a directory");
        let port = free_port();
        let mut properties = kafka.properties.clone();
        let password = properties.remove("sasl.password");
        fs::write(dir.join("password"), password.as_deref().unwrap_or_default()).expect("a password file");
        let password_file = if password.is_some() { "password" } else { "" };
        let brokers = &kafka.brokers;
        let properties: String = properties.iter().map(|(key, value)| format!("{key:?} = {value:?}\n")).collect();
        let text = format!(
            r#"
[kafka]
brokers = "{brokers}"
group = "{name}"
app = "{name}"
password_file = "{password_file}"
[kafka.properties]
{properties}
[topics]
commands = "{name}.commands"
case_events = "{name}.events"
cases = "{name}.views"
dead_letters = "{name}.dead"
state = "{name}.state"
lease = "{name}.lease"
audit = "{name}.audit"
[store]
path = "store"
[http]
bind = "127.0.0.1:{port}"
[pipeline]
idle_advance = false
view_interval = "200ms"
[[source]]
topic = "{alerts}"
profile = "auto"
tenant = ["header:tenant", "constant:default"]
start_at = "earliest"
"#
        );
        fs::write(dir.join("casewright.toml"), text).expect("a configuration");
        Self { name, dir, alerts: alerts.to_owned(), port, env: Vec::new(), child: None }
    }

    /// Sets one scalar of the configuration, such as `PIPELINE__LEASE_TIMEOUT`.
    pub fn set(&mut self, key: &str, value: &str) {
        self.env.push((format!("CASEWRIGHT__{key}"), value.to_owned()));
    }

    pub fn store(&self) -> PathBuf {
        self.dir.join("store")
    }

    pub fn config(&self) -> PathBuf {
        self.dir.join("casewright.toml")
    }

    /// Starts the daemon and goes on at once.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    pub fn start_with(&mut self, args: &[&str]) {
        assert!(self.child.is_none(), "it runs already");
        let log = fs::OpenOptions::new().create(true).append(true).open(self.dir.join("log")).expect("a log");
        let mut command = self.command("run");
        let child = command.args(args).stdout(Stdio::null()).stderr(log).spawn().expect("the binary starts");
        self.child = Some(child);
    }

    /// A command of the binary in this deployment.
    pub fn command(&self, command: &str) -> Command {
        let mut built = Command::new(env!("CARGO_BIN_EXE_casewright"));
        built.current_dir(&self.dir).args(["--log", "info"]).args(command.split(' ')).arg("--config");
        built.arg(self.config()).envs(self.env.iter().cloned());
        built
    }

    pub fn start_ready(&mut self) {
        self.start();
        self.await_ready();
    }

    pub fn await_ready(&mut self) {
        let until = Instant::now() + READY_WITHIN;
        while !self.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("the child"));
            assert!(ended.is_none(), "the daemon ended: {ended:?}\n{}", self.log());
            assert!(Instant::now() < until, "not ready: {:?}\n{}", self.get("/readyz"), self.log());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until `/readyz` says `what`.
    pub fn await_answer(&self, what: &str) {
        let until = Instant::now() + READY_WITHIN;
        while !self.get("/readyz").is_some_and(|answer| answer.contains(what)) {
            assert!(Instant::now() < until, "{:?}\n{}", self.get("/readyz"), self.log());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until the log says `what`.
    pub fn await_log(&self, what: &str) {
        let until = Instant::now() + READY_WITHIN;
        while self.said(what) == 0 {
            assert!(Instant::now() < until, "not a word of {what}\n{}", self.log());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until the daemon ends by itself and answers its exit code.
    pub fn await_end(&mut self) -> Option<i32> {
        let until = Instant::now() + READY_WITHIN;
        let mut child = self.child.take().expect("it runs");
        loop {
            if let Some(status) = child.try_wait().expect("the child") {
                return status.code();
            }
            assert!(Instant::now() < until, "it goes on\n{}", self.log());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until this process has brought so many elements to their outcome.
    pub fn await_outcomes(&self, wanted: u64) {
        let until = Instant::now() + SETTLED_WITHIN;
        while self.outcomes() < wanted {
            assert!(Instant::now() < until, "{} of {wanted} settled\n{}", self.outcomes(), self.log());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until all that is on the input topic now is committed, by whichever process. What the group has committed
    /// says so: it is in the same transactions as the outputs.
    pub fn await_settled(&self, broker: &Broker) {
        let ends = broker.ends(&self.alerts);
        let partitions: Vec<(String, i32)> =
            (0..).zip(&ends).map(|(number, _)| (self.alerts.clone(), number)).collect();
        let client = broker.client(&self.name);
        let until = Instant::now() + SETTLED_WITHIN;
        loop {
            // An error is a transaction in doubt, or a broker that is away.
            let committed = client.committed(&partitions, READY_WITHIN).unwrap_or_default();
            let reached = |partition: i32| {
                let found = committed.iter().find(|offset| offset.partition == partition);
                found.map_or(0, |offset| offset.next_offset)
            };
            if (0..).zip(&ends).all(|(partition, end)| reached(partition) >= *end) {
                return;
            }
            assert!(Instant::now() < until, "committed {committed:?} of {ends:?}\n{}", self.log());
            std::thread::sleep(LOOK);
        }
    }

    pub fn outcomes(&self) -> u64 {
        self.metric("casewright_outcomes_total{")
    }

    /// The sum of the samples that begin like this.
    pub fn metric(&self, begin: &str) -> u64 {
        let metrics = self.get("/metrics").unwrap_or_default();
        let lines = metrics.lines().filter(|line| line.starts_with(begin));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).map(|count| count as u64).sum()
    }

    pub fn kill9(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill");
        assert!(sent.success());
    }

    /// SIGTERM, and a good end.
    pub fn stop(&mut self) {
        self.signal("-TERM");
        assert_eq!(self.await_end(), Some(0), "{}", self.log());
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// The state hash of the last recovery in the log.
    pub fn recovered_hash(&self) -> Option<String> {
        let log = self.log();
        let line = log.lines().rfind(|line| line.contains("state recovered"))?;
        let (_, rest) = line.split_once("\"state_hash\":\"")?;
        Some(rest.split('"').next()?.to_owned())
    }

    /// How often a line with `what` is in the log.
    pub fn said(&self, what: &str) -> usize {
        self.log().lines().filter(|line| line.contains(what)).count()
    }

    pub fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// What the daemon needs beside its input: as `casewright topics create` makes it, with fewer partitions.
fn create_own_topics(broker: &Broker, name: &str) {
    let t = |which| topic(name, which);
    broker.create_topics(&[(&t("commands"), 1), (&t("lease"), 1), (&t("audit"), 1)], &[]);
    broker.create_topics(&[(&t("events"), 3), (&t("views"), 3), (&t("dead"), 1)], &[LARGE]);
    create_state_topic(broker, name);
}

const LARGE: (&str, &str) = ("max.message.bytes", "16777216");

pub fn create_state_topic(broker: &Broker, name: &str) {
    let settings = [("cleanup.policy", "compact"), ("message.timestamp.type", "LogAppendTime"), LARGE];
    broker.create_topics(&[(&topic(name, "state"), 1)], &settings);
}

/// Sends records round robin and says where each went.
pub struct Sender<'a> {
    broker: &'a Broker,
    topic: String,
    partitions: usize,
    turn: usize,
    pub sent: Vec<Sent>,
}

impl<'a> Sender<'a> {
    pub fn new(broker: &'a Broker, daemon: &Daemon, partitions: usize) -> Self {
        Self { broker, topic: daemon.alerts.clone(), partitions, turn: 0, sent: Vec::new() }
    }

    /// `records` are bytes, and whether they hold an alert. The broker has them when this returns.
    pub fn send(&mut self, records: &[(Vec<u8>, bool)]) {
        let (end, handed) = (AtomicBool::new(false), AtomicUsize::new(0));
        self.flow(records.iter().cloned(), Duration::ZERO, &end, &handed);
    }

    /// Sends one record after the other for as long as `during` runs, whatever becomes of daemon and broker meanwhile.
    /// `during` can see how many were handed over. When this returns the broker has them all.
    pub fn while_flowing(
        &mut self,
        records: impl Iterator<Item = (Vec<u8>, bool)> + Send,
        during: impl FnOnce(&AtomicUsize),
    ) {
        let (end, handed) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let ending = EndOnDrop(&end);
            scope.spawn(|| self.flow(records, PACE, &end, &handed));
            during(&handed);
            drop(ending);
        });
    }

    fn flow(
        &mut self,
        records: impl Iterator<Item = (Vec<u8>, bool)>,
        pace: Duration,
        end: &AtomicBool,
        handed: &AtomicUsize,
    ) {
        let mut delivery = self.broker.delivery(&self.topic);
        // Bytes are kept of what must come back as it was.
        let mut kept = Vec::new();
        for (bytes, good) in records {
            let partition = i32::try_from(self.turn % self.partitions).expect("few partitions");
            self.turn += 1;
            delivery.send(&Outgoing { partition: Some(partition), value: &bytes, ..Outgoing::default() });
            kept.push((!good).then_some(bytes));
            handed.fetch_add(1, Ordering::Relaxed);
            if end.load(Ordering::Relaxed) {
                break;
            }
            std::thread::sleep(pace);
        }
        let sent = kept.into_iter().zip(delivery.finish()).map(|(poison, (partition, offset))| match poison {
            None => Sent::alert(&self.topic, partition, offset),
            Some(bytes) => Sent::poison(&self.topic, partition, offset, &bytes),
        });
        self.sent.extend(sent);
    }

    /// Elements that the records end in: an envelope of junk has several.
    pub fn elements(&self) -> u64 {
        self.sent.iter().map(|sent| (sent.alerts.len() + sent.dead.len()) as u64).sum()
    }
}

/// Also when a test fails: a load that nobody ends would hold it up for ever.
struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Everything that a read_committed reader finds on the output topics.
pub fn seen(broker: &Broker, name: &str) -> Seen {
    let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.expect("a key")).expect("UTF-8");
    let all = |which| broker.read_committed_all(&topic(name, which));
    Seen {
        events: all("events").into_iter().map(|r| (text(r.key), r.value.expect("a value"))).collect(),
        views: all("views").into_iter().map(|r| (text(r.key), r.value)).collect(),
        dead_letters: all("dead")
            .into_iter()
            .map(|r| {
                let header = |(name, value): (String, Vec<u8>)| (name, String::from_utf8_lossy(&value).into_owned());
                (r.headers.into_iter().map(header).collect(), r.value.expect("a value"))
            })
            .collect(),
    }
}

/// The checker's word on what was sent and what can be read now.
pub fn judge(broker: &Broker, name: &str, sent: &[Sent], allowed: Allowed) -> Report {
    match check(sent, &seen(broker, name), allowed) {
        Ok(report) => report,
        Err(violations) => {
            let all: Vec<String> = violations.iter().take(10).map(ToString::to_string).collect();
            panic!("{} violations, the first: {}", violations.len(), all.join("\n"))
        }
    }
}

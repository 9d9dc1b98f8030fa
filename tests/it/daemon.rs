//! The daemon as a process of its own, against a real broker: started, asked, killed, started again.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use casewright::testing::checker::{Allowed, Report, Seen, Sent, check};

use crate::broker::{Broker, Outgoing, free_port, unique_name};

const READY_WITHIN: Duration = Duration::from_secs(60);
/// Longer than any pause of a loaded machine in the middle of its work.
const QUIET: Duration = Duration::from_secs(6);
const LOOK: Duration = Duration::from_millis(50);

/// One deployment: its topics, its configuration, its store directory; and the daemon, while it runs.
pub struct Daemon {
    pub name: String,
    pub dir: PathBuf,
    port: u16,
    child: Option<Child>,
}

pub fn topic(name: &str, which: &str) -> String {
    format!("{name}.{which}")
}

impl Daemon {
    /// Makes the topics, with so many input partitions, and writes the configuration; starts nothing.
    pub fn deploy(broker: &Broker, partitions: i32) -> Self {
        let name = unique_name("cw");
        let daemon = Self::beside(broker, &name);
        let own = ["commands", "lease", "audit"].map(|which| topic(&name, which));
        let outputs = ["events", "views", "dead"].map(|which| topic(&name, which));
        let alerts = topic(&name, "alerts");
        broker.create_topics(
            &[(&alerts, partitions), (&own[0], 1), (&own[1], 1), (&own[2], 1)],
            &[("max.message.bytes", "2000000")],
        );
        broker.create_topics(
            &[(&outputs[0], 3), (&outputs[1], 3), (&outputs[2], 1)],
            &[("max.message.bytes", "16777216")],
        );
        broker.create_topics(
            &[(&topic(&name, "state"), 1)],
            &[
                ("cleanup.policy", "compact"),
                ("message.timestamp.type", "LogAppendTime"),
                ("max.message.bytes", "16777216"),
            ],
        );
        daemon
    }

    /// Another instance of the same deployment, with a store of its own.
    pub fn beside(broker: &Broker, name: &str) -> Self {
        let dir = std::env::temp_dir().join(unique_name(name));
        fs::create_dir_all(&dir).expect("a directory");
        let port = free_port();
        let t = |which| topic(name, which);
        let text = format!(
            r#"
[kafka]
brokers = "{}"
group = "{name}"
app = "{name}"
[topics]
commands = "{}"
case_events = "{}"
cases = "{}"
dead_letters = "{}"
state = "{}"
lease = "{}"
audit = "{}"
[store]
path = "store"
[http]
bind = "127.0.0.1:{port}"
[pipeline]
idle_advance = false
view_interval = "200ms"
[[source]]
topic = "{}"
profile = "auto"
tenant = ["header:tenant", "constant:default"]
start_at = "earliest"
"#,
            broker.brokers,
            t("commands"),
            t("events"),
            t("views"),
            t("dead"),
            t("state"),
            t("lease"),
            t("audit"),
            t("alerts"),
        );
        fs::write(dir.join("casewright.toml"), text).expect("a configuration");
        Self { name: name.to_owned(), dir, port, child: None }
    }

    pub fn store(&self) -> PathBuf {
        self.dir.join("store")
    }

    pub fn config(&self) -> PathBuf {
        self.dir.join("casewright.toml")
    }

    /// Starts the daemon and goes on at once.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = fs::OpenOptions::new().create(true).append(true).open(self.dir.join("log")).expect("a log");
        let child = self.command("run").stdout(Stdio::null()).stderr(log).spawn().expect("the binary starts");
        self.child = Some(child);
    }

    /// A command of the binary in this deployment.
    pub fn command(&self, command: &str) -> Command {
        let mut built = Command::new(env!("CARGO_BIN_EXE_casewright"));
        built.current_dir(&self.dir).args(["--log", "info", command, "--config"]).arg(self.config());
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

    /// Waits until so many elements of this process's life have their outcome.
    pub fn await_outcomes(&mut self, wanted: u64) {
        let until = Instant::now() + READY_WITHIN;
        while self.outcomes() < wanted {
            assert!(Instant::now() < until, "{} of {wanted} settled\n{}", self.outcomes(), self.log());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until nothing has been settled for a while: the inputs are read to their ends.
    pub fn await_quiet(&self) {
        let until = Instant::now() + READY_WITHIN;
        let (mut settled, mut since) = (self.outcomes(), Instant::now());
        while since.elapsed() < QUIET && Instant::now() < until {
            std::thread::sleep(LOOK);
            let now = self.outcomes();
            if now != settled {
                (settled, since) = (now, Instant::now());
            }
        }
    }

    pub fn outcomes(&self) -> u64 {
        let metrics = self.get("/metrics").unwrap_or_default();
        let lines = metrics.lines().filter(|line| line.starts_with("casewright_outcomes_total{"));
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

/// Sends records round robin and says where each went.
pub struct Sender<'a> {
    broker: &'a Broker,
    topic: String,
    next: Vec<i64>,
    turn: usize,
    pub sent: Vec<Sent>,
}

impl<'a> Sender<'a> {
    pub fn new(broker: &'a Broker, daemon: &Daemon, partitions: usize) -> Self {
        Self::going_on(broker, daemon, vec![0; partitions], 0)
    }

    /// Goes on where another sender of the same deployment was.
    pub fn going_on(broker: &'a Broker, daemon: &Daemon, next: Vec<i64>, turn: usize) -> Self {
        Self { broker, topic: topic(&daemon.name, "alerts"), next, turn, sent: Vec::new() }
    }

    pub fn place(&self) -> (Vec<i64>, usize) {
        (self.next.clone(), self.turn)
    }

    /// `records` are bytes, and whether they hold an alert.
    pub fn send(&mut self, records: &[(Vec<u8>, bool)]) {
        let mut outgoing = Vec::with_capacity(records.len());
        for (bytes, good) in records {
            let partition = self.turn % self.next.len();
            self.turn += 1;
            let offset = self.next[partition];
            self.next[partition] += 1;
            let number = i32::try_from(partition).expect("few partitions");
            self.sent.push(match good {
                true => Sent::alert(&self.topic, number, offset),
                false => Sent::poison(&self.topic, number, offset, bytes),
            });
            outgoing.push(Outgoing { partition: Some(number), value: bytes, ..Outgoing::default() });
        }
        self.broker.produce(&self.topic, &outgoing);
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

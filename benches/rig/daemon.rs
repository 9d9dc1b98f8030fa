//! The release binary as a user runs it: a configuration file, its topics made by `topics create`, a process of its own
//! that cannot outlive this one.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::broker::{Broker, free_port, unique_name};
use super::metrics::Metrics;
use super::process;

const READY_WITHIN: Duration = Duration::from_secs(300);
const END_WITHIN: Duration = Duration::from_secs(60);
/// Fine enough for a start that takes a second, and no load.
const LOOK: Duration = Duration::from_millis(10);
/// Ends the daemon when its standard input closes, and that closes whatever ends the bench. The first line it says is
/// the daemon's process id.
const GUARD: &str =
    r#"trap : INT TERM HUP; "$@" >/dev/null & echo $!; cat >/dev/null; kill -KILL $! 2>/dev/null; wait $!"#;

/// Topics, configuration and store directory of one daemon.
pub struct Deployment {
    pub name: String,
    pub dir: PathBuf,
    brokers: String,
    port: u16,
}

impl Deployment {
    /// Its own topics under a name of their own, reading `input`. Everything that is not a name, a place or the source is
    /// left at its default.
    pub fn new(broker: &Broker, input: &str) -> Self {
        let name = unique_name("bench");
        let dir = scratch().join(&name);
        fs::create_dir_all(&dir).expect("a directory");
        let (brokers, port) = (broker.brokers.clone(), free_port());
        let topics: String = TOPICS.iter().map(|(key, topic)| format!("{key} = \"{name}.{topic}\"\n")).collect();
        let text = format!(
            "[kafka]\nbrokers = \"{brokers}\"\ngroup = \"{name}\"\napp = \"{name}\"\n[topics]\n{topics}\
             [store]\npath = \"store\"\n[http]\nbind = \"127.0.0.1:{port}\"\n\
             [[source]]\ntopic = \"{input}\"\nprofile = \"native\"\n\
             tenant = [\"header:tenant\", \"constant:default\"]\nstart_at = \"earliest\"\n"
        );
        fs::write(dir.join("casewright.toml"), text).expect("a configuration");
        let deployment = Self { name, dir, brokers, port };
        let made = deployment.command(&["topics", "create"]).output().expect("the binary starts");
        assert!(made.status.success(), "topics create: {}", String::from_utf8_lossy(&made.stdout));
        deployment
    }

    pub fn topic(&self, which: &str) -> String {
        format!("{}.{which}", self.name)
    }

    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// A fresh start for what comes next on the same broker: what this one wrote is not kept.
    pub fn remove(self, broker: &Broker) {
        let admin = broker.client(&self.name).admin().expect("an admin client");
        for (_, topic) in TOPICS {
            admin.delete_topic(&self.topic(topic)).expect("the topic goes");
        }
        let _ = fs::remove_dir_all(&self.dir);
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut built = Command::new(env!("CARGO_BIN_EXE_casewright"));
        built.current_dir(&self.dir).args(words).args(["--config", "casewright.toml"]);
        built
    }

    /// Starts the daemon and waits until it says that it is ready.
    pub fn start(&self) -> Daemon {
        let began = Instant::now();
        let log = fs::OpenOptions::new().create(true).append(true).open(self.dir.join("log")).expect("a log");
        let mut guard = Command::new("sh")
            .current_dir(&self.dir)
            .args(["-c", GUARD, "guard", env!("CARGO_BIN_EXE_casewright")])
            .args(["run", "--config", "casewright.toml"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("run sh");
        let mut line = String::new();
        let out = guard.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("the guard speaks");
        let pid = line.trim().parse().expect("a process id");
        let mut daemon = Daemon { guard, pid, port: self.port, log: self.dir.join("log"), ready_after: Duration::ZERO };
        daemon.await_ready(began);
        daemon
    }
}

/// The keys of `[topics]` and what each topic is called here.
const TOPICS: [(&str, &str); 6] = [
    ("commands", "commands"),
    ("case_events", "events"),
    ("cases", "views"),
    ("dead_letters", "dead"),
    ("state", "state"),
    ("lease", "lease"),
];

pub struct Daemon {
    guard: Child,
    pub pid: u32,
    port: u16,
    log: PathBuf,
    /// From the start of the process to the first good answer of `/readyz`.
    pub ready_after: Duration,
}

impl Daemon {
    fn await_ready(&mut self, began: Instant) {
        while !self.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            self.is_well();
            assert!(began.elapsed() < READY_WITHIN, "not ready: {:?}\n{}", self.get("/readyz"), self.said());
            sleep(LOOK);
        }
        self.ready_after = began.elapsed();
    }

    fn is_well(&self) {
        assert!(process::is_running(self.pid), "the daemon ended\n{}", self.said());
    }

    pub fn metrics(&self) -> Metrics {
        self.is_well();
        Metrics::new(self.get("/metrics").unwrap_or_default())
    }

    /// Waits until a gauge stands above 0: some are told with the first batch only.
    pub fn await_metric(&self, series: &str) -> Metrics {
        let until = Instant::now() + END_WITHIN;
        loop {
            let metrics = self.metrics();
            if metrics.value(series) > 0.0 {
                return metrics;
            }
            assert!(Instant::now() < until, "{series} stays 0\n{}", self.said());
            sleep(LOOK);
        }
    }

    /// Waits until so many elements have their outcome; looks seldom, not to be a load itself.
    pub fn await_outcomes(&self, wanted: u64, within: Duration) -> Metrics {
        let until = Instant::now() + within;
        loop {
            let metrics = self.metrics();
            let settled = metrics.sum("casewright_outcomes_total");
            if settled >= wanted as f64 {
                return metrics;
            }
            assert!(Instant::now() < until, "{settled} of {wanted} settled after {within:?}\n{}", self.said());
            sleep(Duration::from_millis(200));
        }
    }

    /// SIGTERM, and how long it took to end well.
    pub fn stop(mut self) -> Duration {
        let began = Instant::now();
        let sent = Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().expect("run kill");
        assert!(sent.success(), "the daemon is not there\n{}", self.said());
        while process::is_running(self.pid) {
            assert!(began.elapsed() < END_WITHIN, "it does not stop\n{}", self.said());
            sleep(LOOK);
        }
        let took = began.elapsed();
        drop(self.guard.stdin.take());
        let status = self.guard.wait().expect("the guard ends");
        assert!(status.success(), "the daemon ended with {status}\n{}", self.said());
        took
    }

    /// SIGKILL, as a crash.
    pub fn kill(mut self) {
        drop(self.guard.stdin.take());
        let _status = self.guard.wait().expect("the guard ends");
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn get(&self, path: &str) -> Option<String> {
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
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Where this process keeps what it writes, beside the build. What benches left that were killed is cleared away first.
fn scratch() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(root).expect("a directory");
    for entry in fs::read_dir(root).expect("list the directory").filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix("bench-").and_then(|pid| pid.parse().ok());
        if owner.is_some_and(|pid: u32| !process::is_running(pid)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    root.join(format!("bench-{}", std::process::id()))
}

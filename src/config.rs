//! Configuration in two steps: `raw` says what the file says, this module holds what is true. A `Config` has only
//! checked values; nothing else in the crate reads a file, the environment or a flag for its settings.

mod build;
mod duration;
mod error;
mod policy;
mod raw;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::engine::Policy;
use crate::model::{Tenant, Timestamp};

pub use error::{ConfigError, Place, Problem};
pub use policy::{parse_policy, policy_text};

/// A configuration file is written by hand; what is larger is something else.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The file, if there is one, with the environment's `CASEWRIGHT__SECTION__KEY` laid over it.
pub fn load(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let text = path.map_or_else(|| Ok(String::new()), read_file)?;
    let base = path.and_then(Path::parent).unwrap_or(Path::new(""));
    let config = raw::RawConfig::parse(&text).and_then(|mut raw| {
        raw.overlay(env)?;
        build::build(&raw, base)
    });
    config.map_err(|error| error.in_file(path))
}

/// A text without a file or an environment; relative paths start where the process does.
pub fn parse(text: &str) -> Result<Config, ConfigError> {
    build::build(&raw::RawConfig::parse(text)?, Path::new(""))
}

fn read_file(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |why: String| ConfigError::new(Place::Nowhere, "", Problem::Unreadable(why)).in_file(Some(path));
    let length = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > FILE_BYTES_MAX {
        return Err(unreadable(format!("{length} bytes are no configuration, {FILE_BYTES_MAX} at most")));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub kafka: KafkaConfig,
    /// Required by `run` only.
    pub sources: Vec<SourceConfig>,
    pub topics: TopicsConfig,
    pub store: StoreConfig,
    pub http: HttpConfig,
    pub policy: Policy,
    /// The canonical text of `policy`, whose SHA-256 is `policy.digest`: a row of the changelog.
    pub policy_text: Arc<str>,
    pub limits: Limits,
    pub pipeline: PipelineConfig,
    pub lists: ListsConfig,
    /// Where one's own profiles are, beside the embedded ones.
    pub profiles_dir: Option<PathBuf>,
}

/// Files of what is known beforehand; `wire::lists` reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListsConfig {
    /// How much assets matter.
    pub assets: Vec<PathBuf>,
    /// Known-bad indicators.
    pub intel: Vec<PathBuf>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    pub brokers: String,
    /// Consumer group of the lease and of the committed offsets.
    pub group: String,
    /// Transactional ids are `<app>-<shard>`.
    pub app: String,
    /// Straight to librdkafka, for TLS, SCRAM and tuning; what would break a guarantee is refused at start.
    pub properties: BTreeMap<String, String>,
}

/// What a property's name holds where its value is nobody's business.
const SECRET_MARKS: [&str; 5] = ["password", "secret", "key.pem", "token", "oauthbearer.config"];

impl KafkaConfig {
    /// The properties as they may be shown: in logs, in errors, by `check-config`.
    pub fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        let secret = |key: &str| SECRET_MARKS.iter().any(|mark| key.contains(mark));
        self.properties.iter().map(move |(key, value)| (key.as_str(), if secret(key) { "[redacted]" } else { value }))
    }
}

impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConfig")
            .field("brokers", &self.brokers)
            .field("group", &self.group)
            .field("app", &self.app)
            .field("properties", &self.shown().collect::<BTreeMap<_, _>>())
            .finish()
    }
}

/// One input: a topic, how its records are read and whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceConfig {
    /// A topic name; `{tenant}` in it stands for one tenant's name and captures it.
    pub topic: String,
    /// A profile's name, or `auto`.
    pub profile: Arc<str>,
    /// Of times without an offset; `None` leaves it to the profile.
    pub timezone: Option<TimeZone>,
    /// Tried in this order; a record for which none answers is rejected `bad_tenant`.
    pub tenant: Vec<TenantRule>,
    /// Where to begin on a partition that has no position yet. There is no default: losing or repeating history is
    /// the operator's choice.
    pub start_at: Option<StartAt>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantRule {
    /// The value of a record header.
    Header(String),
    /// The tenant field of the profile.
    Field,
    /// `{tenant}` in the topic name.
    Topic,
    Constant(Tenant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    Earliest,
    Latest,
    Time(Timestamp),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicsConfig {
    pub commands: String,
    pub case_events: String,
    pub cases: String,
    pub dead_letters: String,
    pub state: String,
    pub lease: String,
    pub audit: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    pub path: PathBuf,
    pub cache_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    pub bind: SocketAddr,
    /// Another address than loopback needs this until TLS and authentication are there.
    pub insecure: bool,
}

/// Bounds on one foreign record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub record_bytes_max: usize,
    pub depth_max: usize,
    pub observables_max: usize,
    pub entities_max: usize,
    pub string_bytes_max: usize,
    /// Alerts in one record (an array, an envelope).
    pub elements_max: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineConfig {
    /// A batch closes at this many records …
    pub batch_records_max: usize,
    /// … or after this long, whichever is first.
    pub batch_wait: Duration,
    /// Threads that decode; 0 takes half of the cores.
    pub decode_threads: usize,
    /// A partition at its end for this long no longer holds the watermark back.
    pub partition_idle_after: Duration,
    /// Whether the watermark rises with the wall clock while every partition is idle.
    pub idle_advance: bool,
    /// At most one view of a case in this time.
    pub view_interval: Duration,
    /// A dead letter's value is cut, marked and hashed past this; the dead-letter topic takes a little more.
    pub dead_letter_bytes_max: usize,
    /// After a stop signal, how long the last batch may take before the process ends anyway.
    pub shutdown_deadline: Duration,
    /// Session timeout of the lease: how long a dead owner holds its shard.
    pub lease_timeout: Duration,
}

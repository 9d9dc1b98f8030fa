//! What can be wrong with a configuration: where, which key, what it is and what would be right. One table of messages,
//! so that every one of them can be read side by side and tested.

use std::fmt;
use std::path::{Path, PathBuf};

/// One problem; the first one found ends the reading.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    file: Option<PathBuf>,
    pub place: Place,
    /// The dotted path of the key; empty where the whole text is meant.
    pub key: String,
    pub problem: Box<Problem>,
}

/// Where a value was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Line(usize),
    Environment(String),
    /// Nobody said it: the default, or a key that is missing.
    Nowhere,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("is not TOML: {0}")]
    Syntax(String),
    #[error("unknown key, did you mean `{0}`?")]
    Misspelt(String),
    #[error("unknown key, known here: {0}")]
    Unknown(String),
    #[error("is {found}, write {wanted}")]
    Type { found: &'static str, wanted: &'static str },
    #[error("a list cannot be set from the environment, write it in the file")]
    ListFromEnvironment,
    #[error("`{0}` is not a duration, write a whole number and a unit: 250ms, 90s, 15m, 4h or 7d")]
    Duration(String),
    #[error("`{0}` is not a size, write a whole number and a unit: 512B, 256KiB, 8MiB or 1GiB")]
    Size(String),
    #[error("`{value}` is out of range, write {from} to {to}")]
    Range { value: String, from: String, to: String },
    #[error("`{value}` is less than `{other}`, which is {least}; write at least that")]
    Below { value: String, other: &'static str, least: String },
    #[error("`{0}` is none of the choices, write {1}")]
    Choice(String, &'static str),
    #[error("is empty, write {0}")]
    Empty(&'static str),
    #[error("`{0}` is not a list of brokers, write host:port, more of them with commas between")]
    Brokers(String),
    #[error("`{0}` is not a name for Kafka, write 1 to 200 of A-Z a-z 0-9 _ . -")]
    Name(String),
    #[error("`{0}` is not an address, write IP:PORT such as 127.0.0.1:8480")]
    Address(String),
    #[error(
        "{0} is not a loopback address, write 127.0.0.1 or [::1], or `insecure = true` to serve everyone without TLS"
    )]
    OffLoopback(std::net::SocketAddr),
    #[error("`{0}` is not a topic name, write 1 to 249 of A-Z a-z 0-9 _ . - (and neither `.` nor `..`)")]
    Topic(String),
    #[error("`{0}` holds {{tenant}} more than once, write it once or not at all")]
    TenantTwice(String),
    #[error("`{topic}` can name the same topic as `{other}` ({key}), write topics that cannot overlap")]
    Overlap { topic: String, other: String, key: String },
    #[error("`{0}` is not a tenant rule, write `constant:{0}`, `header:NAME`, `field` or `topic`")]
    TenantRule(String),
    #[error("`{0}` is not a tenant's name, write 1 to 64 of A-Z a-z 0-9 _ . -")]
    Tenant(String),
    #[error("rule `topic` has nothing to read, write {{tenant}} where the tenant's name is in `topic`")]
    NothingToCapture,
    #[error("`{0}` comes after a constant and can never apply, write the constant last")]
    Unreachable(String),
    #[error("`{0}` is not a profile's name, write `auto` or 1 to 64 of a-z 0-9 _ -")]
    Profile(String),
    #[error("`{0}` is not a start, write earliest, latest or a time such as 2026-08-01T00:00:00Z")]
    StartAt(String),
    #[error("`{0}` is no time zone, write an IANA name such as Europe/Berlin or UTC")]
    TimeZone(String),
    #[error("the same property comes from `{0}`, write it in one place")]
    SaidTwice(String),
    #[error("is missing, write {0}")]
    Missing(&'static str),
}

impl ConfigError {
    #[must_use]
    pub fn new(place: Place, key: impl Into<String>, problem: Problem) -> Self {
        Self { file: None, place, key: key.into(), problem: Box::new(problem) }
    }

    #[must_use]
    pub(super) fn in_file(self, file: Option<&Path>) -> Self {
        Self { file: file.map(Path::to_owned), ..self }
    }
}

/// `config.toml:12: kafka.broker: unknown key …`, so that editors and terminals can jump there.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, &self.file) {
            (Place::Line(line), Some(file)) => write!(f, "{}:{line}: ", file.display())?,
            (Place::Line(line), None) => write!(f, "line {line}: ")?,
            (Place::Environment(name), _) => write!(f, "environment variable {name}: ")?,
            (Place::Nowhere, Some(file)) => write!(f, "{}: ", file.display())?,
            (Place::Nowhere, None) => {}
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        self.problem.fmt(f)
    }
}

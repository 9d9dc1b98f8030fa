//! From what was said to what is true: one function per table, each key with its default and its bounds beside it.
//! The defaults stand here and nowhere else; `config/casewright.toml` is tested to spell out the same.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{ConfigError, Problem};
use super::raw::{Item, RawConfig, Section, Value};
use super::{Config, HttpConfig, KafkaConfig, Limits, ListsConfig, PipelineConfig, StoreConfig, policy, source};

const SEC: u64 = 1_000;
const MIN: u64 = 60 * SEC;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// `base` is the directory that the relative paths of profiles and secrets start from: where the file is.
pub fn build(raw: &RawConfig, base: &Path) -> Result<Config, ConfigError> {
    raw.read(|root| {
        let topics = root.table("topics", source::read_topics)?;
        let sources = source::read_sources(root, &topics)?;
        let (policy, policy_text) = policy::sealed(root.table("policy", policy::read)?);
        Ok(Config {
            kafka: root.table("kafka", |section| kafka(section, base))?,
            sources,
            topics,
            store: root.table("store", store)?,
            http: root.table("http", http)?,
            policy,
            policy_text: policy_text.into(),
            limits: root.table("limits", limits)?,
            pipeline: root.table("pipeline", pipeline)?,
            lists: ListsConfig {
                assets: root.table("assets", |section| list_files(section, base))?,
                intel: root.table("intel", |section| list_files(section, base))?,
            },
            profiles_dir: root.table("profiles", |section| profiles(section, base))?,
        })
    })
}

fn kafka(section: &Section<'_>, base: &Path) -> Result<KafkaConfig, ConfigError> {
    let mut properties = section.table("properties", properties)?;
    for (key, property) in [("password_file", "sasl.password"), ("key_password_file", "ssl.key.password")] {
        let Some(secret) = secret(section, key, base)? else { continue };
        if properties.insert(property.to_owned(), secret).is_some() {
            return Err(section.wrong(key, Problem::SaidTwice(format!("kafka.properties.\"{property}\""))));
        }
    }
    Ok(KafkaConfig {
        brokers: brokers(section)?,
        group: kafka_name(section, "group")?,
        app: kafka_name(section, "app")?,
        properties,
    })
}

fn brokers(section: &Section<'_>) -> Result<String, ConfigError> {
    let text = section.text("brokers")?.unwrap_or("127.0.0.1:9092");
    let broker = |one: &str| {
        let parts = one.trim().rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
        matches!(parts, Some((host, Ok(port))) if port > 0 && !host.is_empty() && !host.contains(char::is_whitespace))
    };
    let fits = text.split(',').all(broker);
    if fits { Ok(text.to_owned()) } else { Err(section.wrong("brokers", Problem::Brokers(text.to_owned()))) }
}

fn kafka_name(section: &Section<'_>, key: &str) -> Result<String, ConfigError> {
    let name = section.text(key)?.unwrap_or("casewright");
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let fits = (1..=200).contains(&name.len()) && name.bytes().all(legal);
    if fits { Ok(name.to_owned()) } else { Err(section.wrong(key, Problem::Name(name.to_owned()))) }
}

/// librdkafka's own keys. Their dots may be written bare, which TOML reads as tables, or as `_` in the environment:
/// no property that librdkafka knows has an underscore in it.
fn properties(section: &Section<'_>) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut properties = BTreeMap::new();
    for (key, item) in section.entries() {
        section.know(key);
        flatten(section, &key.replace('_', "."), item, &mut properties)?;
    }
    Ok(properties)
}

fn flatten(
    section: &Section<'_>,
    key: &str,
    item: &Item,
    out: &mut BTreeMap<String, String>,
) -> Result<(), ConfigError> {
    let text = match &item.value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Table(table) => {
            return table.iter().try_for_each(|(last, item)| flatten(section, &format!("{key}.{last}"), item, out));
        }
        Value::List(_) | Value::Other(_) => {
            return Err(section.mistyped(key, item, "a string, a whole number, true or false"));
        }
    };
    out.insert(key.to_owned(), text);
    Ok(())
}

/// What a secret's file holds, without the line end that editors add.
fn secret(section: &Section<'_>, key: &str, base: &Path) -> Result<Option<String>, ConfigError> {
    let Some(path) = section.text(key)? else { return Ok(None) };
    if path.is_empty() {
        return Ok(None);
    }
    let path = base.join(path);
    let unreadable = |error| section.wrong(key, Problem::Unreadable(format!("{}: {error}", path.display())));
    let text = std::fs::read_to_string(&path).map_err(unreadable)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(section.wrong(key, Problem::Empty("the secret into the file that this names")));
    }
    Ok(Some(secret.to_owned()))
}

fn store(section: &Section<'_>) -> Result<StoreConfig, ConfigError> {
    Ok(StoreConfig {
        path: path(section, "path", "casewright-data")?,
        cache_bytes: section.size("cache_bytes", 128 * MIB, 8 * MIB..=64 * GIB)?,
    })
}

fn path(section: &Section<'_>, key: &str, default: &str) -> Result<PathBuf, ConfigError> {
    match section.text(key)?.unwrap_or(default) {
        "" => Err(section.wrong(key, Problem::Empty("a path"))),
        path => Ok(path.into()),
    }
}

fn http(section: &Section<'_>) -> Result<HttpConfig, ConfigError> {
    let text = section.text("bind")?.unwrap_or("127.0.0.1:8480");
    let bind: SocketAddr = text.parse().map_err(|_| section.wrong("bind", Problem::Address(text.to_owned())))?;
    let insecure = section.flag("insecure", false)?;
    if !insecure && !bind.ip().is_loopback() {
        return Err(section.wrong("bind", Problem::OffLoopback(bind)));
    }
    Ok(HttpConfig { bind, insecure })
}

fn limits(section: &Section<'_>) -> Result<Limits, ConfigError> {
    Ok(Limits {
        record_bytes_max: bytes(section, "record_bytes_max", 256 * KIB, KIB..=8 * MIB)?,
        depth_max: section.number("depth_max", 32, 4..=128)?,
        observables_max: section.number("observables_max", 64, 1..=1_024)?,
        entities_max: section.number("entities_max", 32, 1..=1_024)?,
        string_bytes_max: bytes(section, "string_bytes_max", 8 * KIB, 64..=MIB)?,
        elements_max: section.number("elements_max", 1_000, 1..=10_000)?,
    })
}

fn bytes(
    section: &Section<'_>,
    key: &str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<usize, ConfigError> {
    let bytes = section.size(key, default, range)?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

fn pipeline(section: &Section<'_>) -> Result<PipelineConfig, ConfigError> {
    let time = |key, default, range| section.duration(key, default, range).map(Duration::from_millis);
    Ok(PipelineConfig {
        batch_records_max: section.number("batch_records_max", 5_000, 1..=20_000)?,
        batch_wait: time("batch_wait", 5, 1..=10 * SEC)?,
        decode_threads: section.number("decode_threads", 0, 0..=64)?,
        partition_idle_after: time("partition_idle_after", 10 * SEC, 100..=60 * MIN)?,
        idle_advance: section.flag("idle_advance", true)?,
        view_interval: time("view_interval", SEC, 0..=MIN)?,
        dead_letter_bytes_max: bytes(section, "dead_letter_bytes_max", 8 * MIB, 64 * KIB..=15 * MIB)?,
        shutdown_deadline: time("shutdown_deadline", 20 * SEC, SEC..=5 * MIN)?,
        lease_timeout: time("lease_timeout", 6 * SEC, SEC..=5 * MIN)?,
    })
}

/// More than these are no longer files that somebody keeps.
const LIST_FILES_MAX: usize = 256;

fn list_files(section: &Section<'_>, base: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let files = section.texts("files")?.unwrap_or_default();
    if files.len() > LIST_FILES_MAX {
        let (value, to) = (format!("{} files", files.len()), LIST_FILES_MAX.to_string());
        return Err(section.wrong("files", Problem::Range { value, from: "0".to_owned(), to }));
    }
    if files.iter().any(|file| file.is_empty()) {
        return Err(section.wrong("files", Problem::Empty("a path")));
    }
    Ok(files.into_iter().map(|file| base.join(file)).collect())
}

/// An empty name is no directory, so that the example file can say so.
fn profiles(section: &Section<'_>, base: &Path) -> Result<Option<PathBuf>, ConfigError> {
    let dir = section.text("dir")?.filter(|dir| !dir.is_empty());
    Ok(dir.map(|dir| base.join(dir)))
}

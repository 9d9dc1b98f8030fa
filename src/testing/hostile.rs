//! What has to hold of any bytes at all: the fuzz targets call these, and the tests with the corpus and its mutations.

use std::path::Path;
use std::sync::Arc;

use crate::config::{Limits, SourceConfig, TenantRule};
use crate::model::{Tenant, Timestamp, TopicName};
use crate::wire::lists::{self, ListKind};
use crate::wire::plain::{FIELDS_MAX, NAME_BYTES_MAX, read};
use crate::wire::{AUTO, Decoder, Element, ProfileError, Profiles, Record};

/// Reads records as the daemon does, with small bounds.
#[derive(Debug)]
pub struct Reader {
    decoder: Decoder,
    source: SourceConfig,
    topic: TopicName,
}

impl Default for Reader {
    fn default() -> Self {
        let limits = Limits {
            record_bytes_max: 64 * 1024,
            depth_max: 32,
            observables_max: 64,
            entities_max: 32,
            string_bytes_max: 2 * 1024,
            elements_max: 100,
        };
        let tenant = Tenant::parse("default").map(TenantRule::Constant).into_iter().collect();
        let topic = "fuzz".to_owned();
        let source = SourceConfig { topic, profile: AUTO.into(), timezone: None, tenant, start_at: None };
        let decoder = Decoder::new(Arc::new(Profiles::embedded()), limits);
        Self { decoder, source, topic: TopicName::new("fuzz") }
    }
}

impl Reader {
    /// A letter is a record like any other.
    fn read_again(&self, letter: &[u8]) {
        let record = Record {
            topic: &self.topic,
            partition: 0,
            offset: 0,
            timestamp: None,
            payload: Some(letter),
            headers: &[],
        };
        assert!(!self.decoder.decode(&record, &self.source).is_empty(), "a letter ends in something");
    }

    /// # Panics
    /// If something comes of the record that must not.
    pub fn check(&self, bytes: &[u8]) {
        let record = Record {
            topic: &self.topic,
            partition: 0,
            offset: 0,
            timestamp: Some(Timestamp::from_millis(1_785_585_600_000)),
            payload: Some(bytes),
            headers: &[],
        };
        let elements = self.decoder.decode(&record, &self.source);
        assert!(!elements.is_empty(), "a record ends in something");
        assert!(elements.len() <= 101, "{} elements", elements.len());
        let again = self.decoder.decode(&record, &self.source);
        assert_eq!(elements, again, "the same record is read alike");
        for element in &elements {
            match element {
                Element::Alert(alert) => {
                    assert!(!alert.title.is_empty() && !alert.rule.uid.is_empty(), "{alert:?}");
                    assert!(alert.observables.len() <= 64 && alert.entities.len() <= 32, "{alert:?}");
                    assert!(!alert.title.chars().any(char::is_control), "{alert:?}");
                }
                Element::Rejected(rejection) => {
                    assert!(bytes.get(rejection.bytes.clone()).is_some(), "{rejection:?}");
                    let letter = rejection.letter(bytes);
                    assert!(letter.len() <= 2 * bytes.len(), "{rejection:?}");
                    assert!(rejection.composed.is_none() || std::str::from_utf8(letter).is_ok(), "{rejection:?}");
                    self.read_again(letter);
                    assert!(rejection.detail.len() <= 1_024, "{rejection:?}");
                }
            }
        }
    }
}

/// # Panics
/// If the fields are out of bounds.
pub fn check_text(text: &str) {
    let plain = read(text);
    assert!(plain.fields.len() <= FIELDS_MAX);
    assert!(plain.fields.iter().all(|(name, _)| name.len() <= NAME_BYTES_MAX));
    assert!(plain.body.len() <= text.len());
}

/// # Panics
/// If a refused file is refused without its name.
pub fn check_profile(text: &str) {
    if let Err(error) = Profiles::check_file("fuzz.toml", text) {
        assert!(matches!(error, ProfileError::Invalid { ref file, line, .. } if file == "fuzz.toml" && line > 0));
    }
}

/// # Panics
/// If something comes of the list that must not.
pub fn check_list(text: &str) {
    for (kind, name) in [
        (ListKind::Assets, "fuzz.csv"),
        (ListKind::Indicators, "fuzz.csv"),
        (ListKind::Indicators, "fuzz.json"),
        (ListKind::Indicators, "fuzz.jsonl"),
    ] {
        match lists::read(kind, Path::new(name), text) {
            Ok(loaded) => {
                let held = (loaded.lists.indicators() + loaded.lists.assets()) as u64;
                assert!(held <= loaded.files[0].entries, "each value once");
                let again = lists::read(kind, Path::new(name), text).map(|again| again.lists.digest());
                assert_eq!(again, Ok(loaded.lists.digest()), "the same list is read alike");
            }
            Err(error) => {
                assert!(error.problem.len() <= 1_024 && !error.problem.chars().any(char::is_control), "{error:?}");
            }
        }
    }
}

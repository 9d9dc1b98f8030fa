//! Profiles: what a vendor's record looks like, as data. A profile says how to recognise the format, where each field
//! sits, how severities read, and which values are which observable or entity in which role.
//!
//! This file turns TOML into checked, compiled profiles; `walk` pulls the values out of a record, `build` makes an alert
//! of them.

mod raw;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::walk::{Slot, Trie};
use crate::model::{EntityKind, ObservableKind, Role, Severity};

/// The name of the native format, which is read by its own reader.
pub const NATIVE: &str = "native";
/// Not a profile: the best one is chosen per record.
pub const AUTO: &str = "auto";

const EMBEDDED: [(&str, &str); 3] = [
    ("hayabusa.toml", include_str!("../../config/profiles/hayabusa.toml")),
    ("suricata.toml", include_str!("../../config/profiles/suricata.toml")),
    ("wazuh.toml", include_str!("../../config/profiles/wazuh.toml")),
];

#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("{file}: {source}")]
    Toml { file: String, source: Box<toml::de::Error> },
    #[error("{file}: {key}: {problem}")]
    Key { file: String, key: String, problem: String },
    #[error("profile directory {path} cannot be read")]
    Directory { path: PathBuf, source: std::io::Error },
}

/// All profiles there are, by name.
#[derive(Debug)]
pub struct Profiles {
    profiles: Vec<Arc<Profile>>,
}

impl Profiles {
    /// The profiles that are part of the program.
    #[must_use]
    pub fn embedded() -> Self {
        Self::load(None).expect("a test reads every embedded profile")
    }

    /// The embedded profiles, and those of `dir`, which replace an embedded one of the same name.
    pub fn load(dir: Option<&Path>) -> Result<Self, ProfileError> {
        let mut by_name = BTreeMap::new();
        for (file, text) in EMBEDDED {
            let profile = raw::parse(file, text)?;
            by_name.insert(Arc::clone(&profile.name), Arc::new(profile));
        }
        for path in dir.map_or_else(|| Ok(Vec::new()), files)? {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| ProfileError::Directory { path: path.clone(), source })?;
            let profile = raw::parse(&path.display().to_string(), &text)?;
            by_name.insert(Arc::clone(&profile.name), Arc::new(profile));
        }
        let mut profiles: Vec<Arc<Profile>> = by_name.into_values().collect();
        // The one that asks for most speaks first.
        profiles.sort_by(|a, b| b.required().cmp(&a.required()).then_with(|| a.name.cmp(&b.name)));
        Ok(Self { profiles })
    }

    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.profiles.iter().map(|profile| &*profile.name).chain([NATIVE]).collect();
        names.sort_unstable();
        names
    }

    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        name == NATIVE || name == AUTO || self.get(name).is_some()
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Profile>> {
        self.profiles.iter().find(|profile| &*profile.name == name)
    }

    /// The profile that recognises a record by its top-level keys.
    #[must_use]
    pub fn recognise(&self, top_keys: &[u64]) -> Option<&Arc<Profile>> {
        self.profiles.iter().find(|profile| profile.recognises(top_keys))
    }
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, ProfileError> {
    let fault = |source| ProfileError::Directory { path: dir.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// One format, compiled.
#[derive(Debug)]
pub struct Profile {
    pub name: Arc<str>,
    /// Hashes of the top-level keys that must all be there (see `scan::key_hash`).
    pub require: Vec<u64>,
    /// Values that tell an alert from the format's other records; a record that differs is no alert.
    pub only: Vec<(Slot, String)>,
    pub trie: Trie,
    pub vendor: Option<Arc<str>>,
    pub product: Arc<str>,
    pub category: Option<Arc<str>>,
    pub fields: Fields,
    pub severities: Vec<(String, Severity)>,
    pub severity_default: Severity,
    pub entities: Vec<EntityMap>,
    pub observables: Vec<ObservableMap>,
}

/// Alternatives for each field, the first one that has a value speaks.
#[derive(Debug, Default)]
pub struct Fields {
    pub title: Vec<Slot>,
    pub description: Vec<Slot>,
    pub time: Vec<Slot>,
    pub severity: Vec<Slot>,
    pub alert_uid: Vec<Slot>,
    pub source_ref: Vec<Slot>,
    pub rule_uid: Vec<Slot>,
    pub rule_name: Vec<Slot>,
    pub rule_version: Vec<Slot>,
    pub instance: Vec<Slot>,
    pub tactics: Vec<Slot>,
    pub techniques: Vec<Slot>,
    pub tags: Vec<Slot>,
    pub tenant: Vec<Slot>,
}

#[derive(Debug)]
pub struct EntityMap {
    pub slot: Slot,
    pub kind: EntityKind,
    pub role: Role,
}

#[derive(Debug)]
pub struct ObservableMap {
    pub slot: Slot,
    pub kind: ObservableKind,
    pub role: Role,
    /// The text is a list with this between its values.
    pub split: Option<char>,
    /// Values that begin like this are something else.
    pub skip_prefix: Vec<String>,
}

impl Profile {
    fn required(&self) -> usize {
        self.require.len()
    }

    fn recognises(&self, top_keys: &[u64]) -> bool {
        self.require.iter().all(|key| top_keys.contains(key))
    }

    /// The severity that the format's own word or number means.
    #[must_use]
    pub fn severity(&self, raw: &str) -> Severity {
        let same = self.severities.iter().find(|(word, _)| word.eq_ignore_ascii_case(raw.trim()));
        same.map_or(self.severity_default, |(_, severity)| *severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_profile_is_read() {
        let names = Profiles::embedded().names().join(" ");
        assert_eq!(names, "hayabusa native suricata wazuh");
    }

    #[test]
    fn a_bad_profile_says_where() {
        let text = "name = \"x\"\n[match]\nrequire = [\"a\"]\n[source]\nproduct = \"X\"\n[fields]\ntitle = [\"a\"]\n\
                    [[entity]]\npath = \"h\"\nkind = \"hosst\"\nrole = \"asset\"\n";
        let error = raw::parse("x.toml", text).unwrap_err().to_string();
        assert!(error.contains("x.toml") && error.contains("hosst"), "{error}");
    }
}

//! What a profile file says, and how it becomes a `Profile`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{EntityMap, Fields, ObservableMap, Profile, ProfileError};
use crate::model::{EntityKind, ObservableKind, Role, Severity};
use crate::wire::scan::key_hash;
use crate::wire::walk::{Slot, TrieBuilder};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProfile {
    name: String,
    #[serde(rename = "match")]
    matches: RawMatch,
    source: RawSource,
    fields: RawFields,
    #[serde(default)]
    severity: BTreeMap<String, String>,
    severity_default: Option<String>,
    #[serde(default)]
    entity: Vec<RawEntity>,
    #[serde(default)]
    observable: Vec<RawObservable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMatch {
    /// Top-level keys that every record of the format has.
    require: Vec<String>,
    /// Path and value that only the alerts among them have.
    #[serde(default)]
    only: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    vendor: Option<String>,
    product: String,
    #[serde(rename = "type")]
    category: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct RawFields {
    title: Vec<String>,
    description: Vec<String>,
    time: Vec<String>,
    severity: Vec<String>,
    alert_uid: Vec<String>,
    source_ref: Vec<String>,
    rule_uid: Vec<String>,
    rule_name: Vec<String>,
    rule_version: Vec<String>,
    instance: Vec<String>,
    tactics: Vec<String>,
    techniques: Vec<String>,
    tags: Vec<String>,
    tenant: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntity {
    path: OneOrMany,
    kind: String,
    role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawObservable {
    path: OneOrMany,
    kind: String,
    role: String,
    split: Option<char>,
    #[serde(default)]
    skip_prefix: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn paths(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Many(paths) => paths,
        }
    }
}

pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let raw: RawProfile = toml::from_str(text)
        .map_err(|source| ProfileError::Toml { file: file.to_owned(), source: Box::new(source) })?;
    Compile { file, trie: TrieBuilder::default() }.profile(&raw)
}

struct Compile<'a> {
    file: &'a str,
    trie: TrieBuilder,
}

impl Compile<'_> {
    fn profile(mut self, raw: &RawProfile) -> Result<Profile, ProfileError> {
        if raw.fields.title.is_empty() {
            return Err(self.error("fields.title", "a profile says where the title is"));
        }
        if raw.matches.require.is_empty() {
            return Err(self.error("match.require", "a profile names the keys it is recognised by"));
        }
        let fields = self.fields(&raw.fields);
        let only = raw.matches.only.iter().map(|(path, value)| (self.trie.slot(path), value.clone())).collect();
        let mut entities = Vec::new();
        for each in &raw.entity {
            let kind = self.known("entity.kind", &each.kind, EntityKind::from_label(&each.kind))?;
            let role = self.known("entity.role", &each.role, Role::from_label(&each.role))?;
            entities.extend(each.path.paths().iter().map(|path| EntityMap { slot: self.trie.slot(path), kind, role }));
        }
        let mut observables = Vec::new();
        for each in &raw.observable {
            let kind = self.known("observable.kind", &each.kind, ObservableKind::from_label(&each.kind))?;
            let role = self.known("observable.role", &each.role, Role::from_label(&each.role))?;
            let map =
                |slot| ObservableMap { slot, kind, role, split: each.split, skip_prefix: each.skip_prefix.clone() };
            observables.extend(each.path.paths().iter().map(|path| map(self.trie.slot(path))));
        }
        let (severities, severity_default) = self.severities(raw)?;
        Ok(Profile {
            name: raw.name.as_str().into(),
            require: raw.matches.require.iter().map(|key| key_hash(key.as_bytes())).collect(),
            only,
            vendor: raw.source.vendor.as_deref().map(Into::into),
            product: raw.source.product.as_str().into(),
            category: raw.source.category.as_deref().map(Into::into),
            fields,
            severities,
            severity_default,
            entities,
            observables,
            trie: self.trie.build(),
        })
    }

    fn fields(&mut self, raw: &RawFields) -> Fields {
        let mut slots = |paths: &[String]| -> Vec<Slot> { paths.iter().map(|path| self.trie.slot(path)).collect() };
        Fields {
            title: slots(&raw.title),
            description: slots(&raw.description),
            time: slots(&raw.time),
            severity: slots(&raw.severity),
            alert_uid: slots(&raw.alert_uid),
            source_ref: slots(&raw.source_ref),
            rule_uid: slots(&raw.rule_uid),
            rule_name: slots(&raw.rule_name),
            rule_version: slots(&raw.rule_version),
            instance: slots(&raw.instance),
            tactics: slots(&raw.tactics),
            techniques: slots(&raw.techniques),
            tags: slots(&raw.tags),
            tenant: slots(&raw.tenant),
        }
    }

    fn severities(&self, raw: &RawProfile) -> Result<(Vec<(String, Severity)>, Severity), ProfileError> {
        let mut severities = Vec::new();
        for (word, label) in &raw.severity {
            let severity = self.known("severity", label, Severity::from_label(label))?;
            severities.push((word.clone(), severity));
        }
        let default = match &raw.severity_default {
            Some(label) => self.known("severity_default", label, Severity::from_label(label))?,
            None => Severity::Unknown,
        };
        Ok((severities, default))
    }

    fn known<T>(&self, key: &str, word: &str, value: Option<T>) -> Result<T, ProfileError> {
        value.ok_or_else(|| self.error(key, &format!("`{word}` is not known")))
    }

    fn error(&self, key: &str, problem: &str) -> ProfileError {
        ProfileError::Key { file: self.file.to_owned(), key: key.to_owned(), problem: problem.to_owned() }
    }
}

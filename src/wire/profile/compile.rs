//! A profile file to a profile that cannot be wrong: every path becomes a slot of one tree, every word a value of the
//! model. A fault names file, line and what is wrong.

use std::sync::Arc;

use toml::Spanned;

use super::raw::{Paths, RawAttack, RawCondition, RawEntity, RawFields, RawObservable, RawProfile, RawSeverity, Text};
use super::trie::{Slot, Trie};
use super::{NATIVE, ProfileError, path};
use crate::model::{EntityKind, ObservableKind, Role, Severity, Source};
use crate::wire::canonical::code;
use crate::wire::decode::AUTO;
use crate::wire::times::TimeFormat;

/// The slots of alternative paths, the preferred one first.
pub(super) type Field = Vec<Slot>;

#[derive(Debug)]
pub(in crate::wire) struct Profile {
    pub name: Arc<str>,
    pub file: String,
    pub source: Source,
    pub signatures: Vec<Vec<String>>,
    pub(super) trie: Trie,
    pub(super) accept: Option<Condition>,
    pub(super) time: Field,
    pub(super) time_formats: Vec<TimeFormat>,
    pub(super) fields: Fields,
    pub(super) severity: SeverityMap,
    pub(super) attack: AttackMap,
    pub(super) observables: Vec<ObservableRule>,
    pub(super) entities: Vec<EntityRule>,
}

#[derive(Debug)]
pub(super) struct Condition {
    pub slot: Slot,
    pub path: String,
    pub equals: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Fields {
    pub title: Field,
    pub description: Field,
    pub alert_uid: Field,
    pub reference: Field,
    pub rule_uid: Field,
    pub rule_name: Field,
    pub rule_version: Field,
    pub tenant: Field,
    pub instance: Field,
    pub confidence: Field,
    pub risk_score: Field,
    pub tags: Field,
}

#[derive(Debug, Default)]
pub(super) struct SeverityMap {
    pub field: Field,
    pub words: Vec<(String, Severity)>,
    pub steps: Vec<(i64, Severity)>,
}

#[derive(Debug, Default)]
pub(super) struct AttackMap {
    pub tactics: Field,
    pub techniques: Field,
    pub words: Vec<(String, &'static str)>,
}

#[derive(Debug)]
pub(super) struct ObservableRule {
    pub kinds: Vec<ObservableKind>,
    pub role: Role,
    pub field: Field,
    pub when: Option<Condition>,
    pub split: Option<String>,
    pub pairs: Vec<String>,
    pub base: Field,
}

#[derive(Debug)]
pub(super) struct EntityRule {
    pub kind: EntityKind,
    pub role: Role,
    pub field: Field,
    pub when: Option<Condition>,
    pub domain: Field,
}

pub(super) fn profile(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let compiler = Compiler { file, text, trie: Trie::default() };
    let raw: RawProfile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        compiler.invalid(at, error.message())
    })?;
    compiler.profile(raw)
}

struct Compiler<'a> {
    file: &'a str,
    text: &'a str,
    trie: Trie,
}

impl Compiler<'_> {
    fn profile(mut self, raw: RawProfile) -> Result<Profile, ProfileError> {
        let name = self.profile_name(&raw.name)?;
        let signatures = self.signatures(raw.r#match.keys)?;
        let source = Source {
            vendor: raw.source.vendor.map(Arc::from),
            product: self.checked(&raw.source.product, "a product", |text| (!text.is_empty()).then(|| text.into()))?,
            category: raw.source.r#type.map(Arc::from),
            instance: None,
        };
        let accept = raw.accept.map(|condition| self.condition(condition)).transpose()?;
        let time = self.field(&raw.time.paths)?;
        let format = |text: &Text| self.checked(text, "a time format", TimeFormat::from_label);
        let time_formats = raw.time.formats.iter().map(format).collect::<Result<_, _>>()?;
        let fields = self.fields(&raw.fields)?;
        let severity = raw.severity.map(|raw| self.severity(raw)).transpose()?.unwrap_or_default();
        let attack = self.attack(raw.attack.unwrap_or_default())?;
        let observables = raw.observable.into_iter().map(|raw| self.observable(raw)).collect::<Result<_, _>>()?;
        let entities = raw.entity.into_iter().map(|raw| self.entity(raw)).collect::<Result<_, _>>()?;
        let (file, trie) = (self.file.to_owned(), self.trie);
        Ok(Profile {
            name,
            file,
            source,
            signatures,
            trie,
            accept,
            time,
            time_formats,
            fields,
            severity,
            attack,
            observables,
            entities,
        })
    }

    fn profile_name(&self, name: &Text) -> Result<Arc<str>, ProfileError> {
        let letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
        let reserved = |text: &str| matches!(text, NATIVE | AUTO);
        let plain = |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(letter) && !reserved(text);
        self.checked(name, "a profile's name (lower-case letters, digits, - _ . and neither native nor auto)", |text| {
            plain(text).then(|| text.into())
        })
    }

    fn signatures(&self, keys: Spanned<Vec<Vec<String>>>) -> Result<Vec<Vec<String>>, ProfileError> {
        let at = keys.span().start;
        let keys = keys.into_inner();
        if keys.is_empty() || keys.iter().any(Vec::is_empty) {
            return Err(self.invalid(at, "match.keys needs at least one set of keys, and no empty one"));
        }
        Ok(keys)
    }

    fn fields(&mut self, raw: &RawFields) -> Result<Fields, ProfileError> {
        Ok(Fields {
            title: self.field(&raw.title)?,
            description: self.field(&raw.description)?,
            alert_uid: self.field(&raw.alert_uid)?,
            reference: self.field(&raw.reference)?,
            rule_uid: self.field(&raw.rule_uid)?,
            rule_name: self.field(&raw.rule_name)?,
            rule_version: self.field(&raw.rule_version)?,
            tenant: self.field(&raw.tenant)?,
            instance: self.field(&raw.instance)?,
            confidence: self.field(&raw.confidence)?,
            risk_score: self.field(&raw.risk_score)?,
            tags: self.field(&raw.tags)?,
        })
    }

    fn severity(&mut self, raw: RawSeverity) -> Result<SeverityMap, ProfileError> {
        let field = self.field(&raw.paths)?;
        let mut words = Vec::new();
        for (word, id) in raw.words {
            words.push((word, self.severity_id(id.span().start, *id.get_ref())?));
        }
        let mut steps: Vec<(i64, Severity)> = Vec::new();
        for step in raw.steps {
            let (at, (from, id)) = (step.span().start, step.into_inner());
            if steps.last().is_some_and(|(before, _)| *before >= from) {
                return Err(self.invalid(at, "severity.steps ascend"));
            }
            steps.push((from, self.severity_id(at, id)?));
        }
        Ok(SeverityMap { field, words, steps })
    }

    fn severity_id(&self, at: usize, id: u8) -> Result<Severity, ProfileError> {
        Severity::from_id(id).ok_or_else(|| self.invalid(at, "a severity_id is 0 to 6"))
    }

    fn attack(&mut self, raw: RawAttack) -> Result<AttackMap, ProfileError> {
        let tactics = self.field(&raw.tactics)?;
        let techniques = self.field(&raw.techniques)?;
        let word =
            |(word, tactic): (String, Text)| Ok((word, self.checked(&tactic, "an ATT&CK tactic", code::tactic)?));
        let words = raw.words.into_iter().map(word).collect::<Result<_, ProfileError>>()?;
        Ok(AttackMap { tactics, techniques, words })
    }

    fn observable(&mut self, raw: RawObservable) -> Result<ObservableRule, ProfileError> {
        let kind = |text: &Text| self.checked(text, "a kind of observable", ObservableKind::from_label);
        Ok(ObservableRule {
            kinds: raw.kinds.iter().map(kind).collect::<Result<_, _>>()?,
            role: self.role(&raw.role)?,
            field: self.field(&raw.paths)?,
            when: raw.when.map(|condition| self.condition(condition)).transpose()?,
            split: raw.split.filter(|separator| !separator.is_empty()),
            pairs: raw.pairs,
            base: self.field(&raw.base)?,
        })
    }

    fn entity(&mut self, raw: RawEntity) -> Result<EntityRule, ProfileError> {
        Ok(EntityRule {
            kind: self.checked(&raw.kind, "a kind of entity", EntityKind::from_label)?,
            role: self.role(&raw.role)?,
            field: self.field(&raw.paths)?,
            when: raw.when.map(|condition| self.condition(condition)).transpose()?,
            domain: self.field(&raw.domain)?,
        })
    }

    fn role(&self, role: &Text) -> Result<Role, ProfileError> {
        self.checked(role, "a role", Role::from_label)
    }

    fn condition(&mut self, raw: RawCondition) -> Result<Condition, ProfileError> {
        let slot = self.slot(&raw.path)?;
        Ok(Condition { slot, path: raw.path.into_inner(), equals: raw.equals })
    }

    fn field(&mut self, paths: &Paths) -> Result<Field, ProfileError> {
        paths.iter().map(|path| self.slot(path)).collect()
    }

    fn slot(&mut self, path: &Text) -> Result<Slot, ProfileError> {
        let keys = path::parse(path.get_ref()).map_err(|why| {
            let message = format!("{:?} is no path: {why}", path.get_ref());
            self.invalid(path.span().start, message)
        })?;
        Ok(self.trie.insert(&keys))
    }

    fn checked<T>(&self, text: &Text, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, ProfileError> {
        let wrong = || self.invalid(text.span().start, format!("{:?} is not {what}", text.get_ref()));
        read(text.get_ref()).ok_or_else(wrong)
    }

    fn invalid(&self, at: usize, message: impl Into<String>) -> ProfileError {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        ProfileError::Invalid { file: self.file.to_owned(), line, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"name = "x"
source = { product = "x" }
match = { keys = [["a"]] }
time = { paths = ["t"], formats = ["iso"] }
fields = { title = ["a"] }
severity = { paths = ["s"], steps = [[0, 1], [5, 4]] }
observable = [{ kinds = ["ip"], role = "source", paths = ["a.b[]"] }]
entity = [{ kind = "host", role = "asset", paths = ["h"] }]
"#;

    #[test]
    fn a_sound_file_compiles() {
        profile("x.toml", SOUND).unwrap();
    }

    #[test]
    fn a_wrong_file_names_its_line() {
        let table = [
            ("\"x\"\nsource", "\"Native\"\nsource", 1, "profile's name"),
            ("[[\"a\"]]", "[[]]", 3, "match.keys"),
            ("\"iso\"", "\"sundial\"", 4, "time format"),
            ("title", "titel", 5, "titel"),
            ("[\"a\"] }\nsev", "[\"a..b\"] }\nsev", 5, "no path"),
            ("[0, 1], [5, 4]", "[5, 1], [0, 4]", 6, "ascend"),
            ("[5, 4]", "[5, 9]", 6, "severity_id"),
            ("\"ip\"", "\"ipp\"", 7, "kind of observable"),
            ("\"source\"", "\"sauce\"", 7, "a role"),
            ("\"host\"", "\"toast\"", 8, "kind of entity"),
        ];
        for (from, to, line, words) in table {
            let message = profile("x.toml", &SOUND.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.starts_with(&format!("x.toml:{line}:")) && message.contains(words), "{message}");
        }
    }
}

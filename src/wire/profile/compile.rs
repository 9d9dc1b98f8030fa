//! A profile file to a profile that cannot be wrong: every path becomes a slot of one tree, every word a value of the
//! model. A fault names file, line and what is wrong.

use std::sync::Arc;

use toml::Spanned;

use super::found::Slot;
use super::glob::Glob;
use super::path::{self, Step};
use super::raw::{
    Paths, RawActivity, RawAttack, RawCondition, RawCsv, RawEntity, RawFields, RawMatch, RawObservable, RawPart,
    RawProfile, RawRow, RawSample, RawSeverity, Text,
};
use super::recognise::{Asked, Signatures};
use super::rules::{
    ActivityMap, AttackMap, Condition, CsvRule, EntityRule, Field, Fields, ObservableRule, Part, Place, Profile,
    RowRule, Said, Sample, SeverityMap,
};
use super::split::AlertList;
use super::trie::{Probe, Trie};
use super::{GENERIC, NATIVE, ProfileError};
use crate::model::{EntityKind, ObservableKind, Role, Severity, Source};
use crate::wire::canonical::code;
use crate::wire::decode::{AUTO, RejectReason};
use crate::wire::plain::template::Template;
use crate::wire::times::{TimeFormat, Zone};

pub(super) fn profile(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let compiler = Compiler { file, text, trie: Trie::default(), asks_frame: false };
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
    asks_frame: bool,
}

impl Compiler<'_> {
    fn profile(mut self, raw: RawProfile) -> Result<Profile, ProfileError> {
        let name = self.profile_name(&raw.name)?;
        let signatures = self.signatures(raw.r#match, !raw.csv.is_empty())?;
        let source = Source {
            vendor: raw.source.vendor.map(Arc::from),
            product: self.checked(&raw.source.product, "a product", |text| (!text.is_empty()).then(|| text.into()))?,
            category: raw.source.r#type.map(Arc::from),
            instance: None,
        };
        let alerts = raw.alerts.map(|list| self.steps(&list, list.get_ref())).transpose()?;
        if let Some(steps) = &alerts {
            self.trie.split_at(steps);
        }
        let accept = raw.accept.map(|condition| self.condition(condition)).transpose()?;
        let time = self.field(&raw.time.paths)?;
        let format = |text: &Text| self.checked(text, "a time format", TimeFormat::from_label);
        let time_formats = raw.time.formats.iter().map(format).collect::<Result<_, _>>()?;
        let zone = |text: &Text| self.checked(text, "a time zone", Zone::parse);
        let zone = raw.time.zone.as_ref().map(zone).transpose()?;
        let fields = self.fields(&raw.fields)?;
        let severity = raw.severity.map(|raw| self.severity(raw)).transpose()?.unwrap_or_default();
        let attack = self.attack(raw.attack.unwrap_or_default())?;
        let activity = raw.activity.map(|raw| self.activity(&raw)).transpose()?.unwrap_or_default();
        let csv = raw.csv.into_iter().map(csv_rule).collect();
        let rows = raw.row.into_iter().map(|raw| self.row(raw)).collect::<Result<_, _>>()?;
        let templates = raw.template.iter().map(|text| self.template(text)).collect::<Result<_, _>>()?;
        let observables = raw.observable.into_iter().map(|raw| self.observable(raw)).collect::<Result<_, _>>()?;
        let entities = raw.entity.into_iter().map(|raw| self.entity(raw)).collect::<Result<_, _>>()?;
        let samples = raw.sample.into_iter().map(|raw| self.sample(raw)).collect::<Result<_, _>>()?;
        self.trie.flatten();
        let (file, text, trie) = (self.file.to_owned(), self.text.into(), self.trie);
        Ok(Profile {
            name,
            file,
            text,
            source,
            signatures,
            trie,
            alerts: alerts.map(AlertList::new),
            accept,
            time,
            time_formats,
            zone,
            fields,
            severity,
            attack,
            activity,
            csv,
            rows,
            asks_frame: self.asks_frame,
            templates,
            observables,
            entities,
            samples,
        })
    }

    fn profile_name(&self, name: &Text) -> Result<Arc<str>, ProfileError> {
        let letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
        let reserved = |text: &str| matches!(text, NATIVE | GENERIC | AUTO);
        let plain = |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(letter) && !reserved(text);
        self.checked(
            name,
            "a profile's name (lower-case letters, digits, - _ . and not native, generic or auto)",
            |text| plain(text).then(|| text.into()),
        )
    }

    fn signatures(&self, raw: Spanned<RawMatch>, tells_by_column: bool) -> Result<Signatures, ProfileError> {
        let table = raw.span().start;
        let raw = raw.into_inner();
        let at = raw.keys.as_ref().map_or(table, |keys| keys.span().start);
        let keys = raw.keys.map(Spanned::into_inner).unwrap_or_default();
        if keys.iter().chain(&raw.fields).any(Vec::is_empty) {
            return Err(self.invalid(at, "match.keys and match.fields hold sets of names, and no empty one"));
        }
        if raw.contains.iter().chain(&raw.app).any(String::is_empty) {
            return Err(self.invalid(at, "match.contains and match.app hold no empty word"));
        }
        let silent = keys.is_empty() && raw.cef.is_empty() && raw.leef.is_empty() && raw.fields.is_empty();
        if silent && raw.contains.is_empty() && raw.app.is_empty() && !tells_by_column {
            return Err(self.invalid(at, "match needs something that tells the format: keys, cef, leef, fields ..."));
        }
        let condition = |raw: RawCondition| {
            let probe = |path: &Text| Ok(Probe::new(&self.steps(path, path.get_ref())?));
            let probes: Vec<Probe> =
                raw.path.iter().chain(&raw.paths).map(probe).collect::<Result<_, ProfileError>>()?;
            if probes.is_empty() {
                return Err(self.invalid(at, "a condition needs a path"));
            }
            Ok(Asked { probes, words: globs(&raw.equals), not: globs(&raw.not) })
        };
        let header = |words: &Vec<String>| match words.as_slice() {
            [vendor] => Ok([Glob::new(vendor), Glob::new("*")]),
            [vendor, product] => Ok([Glob::new(vendor), Glob::new(product)]),
            _ => Err(self.invalid(at, "match.cef and match.leef hold [vendor] or [vendor, product]")),
        };
        Ok(Signatures {
            keys,
            conditions: raw.r#where.into_iter().map(condition).collect::<Result<_, ProfileError>>()?,
            cef: raw.cef.iter().map(header).collect::<Result<_, _>>()?,
            leef: raw.leef.iter().map(header).collect::<Result<_, _>>()?,
            fields: raw.fields,
            contains: raw.contains,
            app: globs(&raw.app),
            gives_way: raw.gives_way,
        })
    }

    fn fields(&mut self, raw: &RawFields) -> Result<Fields, ProfileError> {
        Ok(Fields {
            title: self.field(&raw.title)?,
            description: self.field(&raw.description)?,
            alert_uid: self.field(&raw.alert_uid)?,
            reference: self.field(&raw.reference)?,
            updated: self.field(&raw.updated)?,
            dedup_key: self.field(&raw.dedup_key)?,
            links: self.field(&raw.links)?,
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
        let default = |id: Spanned<u8>| self.severity_id(id.span().start, *id.get_ref());
        let default = raw.default.map(default).transpose()?.unwrap_or_default();
        Ok(SeverityMap { field, default, words, steps })
    }

    fn severity_id(&self, at: usize, id: u8) -> Result<Severity, ProfileError> {
        Severity::from_id(id).ok_or_else(|| self.invalid(at, "severity: a severity_id is 0 to 6"))
    }

    fn attack(&mut self, raw: RawAttack) -> Result<AttackMap, ProfileError> {
        let tactics = self.field(&raw.tactics)?;
        let techniques = self.field(&raw.techniques)?;
        let word =
            |(word, tactic): (String, Text)| Ok((word, self.checked(&tactic, "an ATT&CK tactic", code::tactic)?));
        let words = raw.words.into_iter().map(word).collect::<Result<_, ProfileError>>()?;
        let split = raw.split.filter(|separator| !separator.is_empty());
        Ok(AttackMap { tactics, techniques, split, words })
    }

    fn activity(&mut self, raw: &RawActivity) -> Result<ActivityMap, ProfileError> {
        Ok(ActivityMap { field: self.field(&raw.paths)?, update: globs(&raw.update), close: globs(&raw.close) })
    }

    fn row(&mut self, raw: RawRow) -> Result<RowRule, ProfileError> {
        let slot = self.slot(&raw.path, raw.path.get_ref())?;
        let when = raw.when.into_iter().map(|condition| self.condition(condition)).collect::<Result<_, _>>()?;
        Ok(RowRule { slot, when, names: raw.names })
    }

    fn template(&self, text: &Text) -> Result<Template, ProfileError> {
        Template::parse(text.get_ref()).map_err(|error| self.invalid(text.span().start, error.to_string()))
    }

    fn sample(&self, raw: RawSample) -> Result<Sample, ProfileError> {
        let line = self.line_of(raw.record.span().start);
        let expect = if raw.expect_each.is_empty() { vec![raw.expect] } else { raw.expect_each };
        for reason in expect.iter().filter_map(|expect| expect.rejected.as_ref()) {
            let at = reason.span().start;
            if RejectReason::from_label(reason.get_ref()).is_none() {
                let known: Vec<&str> = RejectReason::ALL.into_iter().map(RejectReason::label).collect();
                let (reason, known) = (reason.get_ref(), known.join(", "));
                let message = format!("expect.rejected: {reason:?} is no reason; there are {known}");
                return Err(self.invalid(at, message));
            }
        }
        Ok(Sample { line, record: raw.record.into_inner(), expect })
    }

    /// A rule that looks nowhere finds nothing.
    fn looks(&self, key: &str, role: &Text, paths: &Paths) -> Result<(), ProfileError> {
        if paths.is_empty() { Err(self.invalid(role.span().start, format!("{key} has no path"))) } else { Ok(()) }
    }

    fn observable(&mut self, raw: RawObservable) -> Result<ObservableRule, ProfileError> {
        self.looks("observable.paths", &raw.role, &raw.paths)?;
        let kind = |text: &Text| self.checked(text, "a kind of observable", ObservableKind::from_label);
        Ok(ObservableRule {
            kinds: raw.kinds.iter().map(kind).collect::<Result<_, _>>()?,
            role: self.role(&raw.role)?,
            field: self.field(&raw.paths)?,
            when: raw.when.map(|condition| self.condition(condition)).transpose()?,
            first: raw.first,
            part: part(raw.part),
            ioc: raw.ioc,
            split: raw.split.filter(|separator| !separator.is_empty()),
            pairs: raw.pairs,
            base: self.field(&raw.base)?,
        })
    }

    fn entity(&mut self, raw: RawEntity) -> Result<EntityRule, ProfileError> {
        self.looks("entity.paths", &raw.role, &raw.paths)?;
        Ok(EntityRule {
            kind: self.checked(&raw.kind, "a kind of entity", EntityKind::from_label)?,
            role: self.role(&raw.role)?,
            field: self.field(&raw.paths)?,
            when: raw.when.map(|condition| self.condition(condition)).transpose()?,
            first: raw.first,
            part: part(raw.part),
            domain: self.field(&raw.domain)?,
            name: self.field(&raw.name)?,
            split: raw.split.filter(|separator| !separator.is_empty()),
        })
    }

    fn role(&self, role: &Text) -> Result<Role, ProfileError> {
        self.checked(role, "a role", Role::from_label)
    }

    fn condition(&mut self, raw: RawCondition) -> Result<Condition, ProfileError> {
        let paths: Vec<Text> = raw.path.into_iter().chain(raw.paths).collect();
        let slots: Vec<Slot> =
            paths.iter().map(|path| self.slot(path, path.get_ref())).collect::<Result<_, ProfileError>>()?;
        if slots.is_empty() || (raw.equals.is_empty() && raw.not.is_empty()) {
            let at = paths.first().map_or(0, |path| path.span().start);
            return Err(self.invalid(at, "a condition needs a path, and words in equals or not"));
        }
        let names: Vec<&str> = paths.iter().map(|path| path.get_ref().as_str()).collect();
        let said = match raw.equals.as_slice() {
            [] => format!("{} is {}", names.join(" or "), raw.not.join(" or ")),
            words => format!("{} is not {}", names.join(" or "), words.join(" or ")),
        };
        Ok(Condition { slots, words: globs(&raw.equals), not: globs(&raw.not), said })
    }

    fn field(&mut self, paths: &Paths) -> Result<Field, ProfileError> {
        paths.iter().map(|path| self.place(path)).collect::<Result<_, _>>().map(Field::new)
    }

    fn place(&mut self, path: &Text) -> Result<Place, ProfileError> {
        let parts: Vec<Said> =
            path.get_ref().split(" + ").map(|part| self.said(path, part.trim())).collect::<Result<_, _>>()?;
        match parts.as_slice() {
            [Said::Value(slot)] => Ok(Place::At(*slot)),
            parts if parts.iter().all(|part| matches!(part, Said::Words(_))) => {
                Err(self.invalid(path.span().start, format!("{:?} has no path", path.get_ref())))
            }
            _ => Ok(Place::Joined(parts)),
        }
    }

    /// `=words`, `?path`, `?path=word|word` or a path.
    fn said(&mut self, path: &Text, part: &str) -> Result<Said, ProfileError> {
        if let Some(words) = part.strip_prefix('=') {
            return Ok(Said::Words(words.to_owned()));
        }
        let Some(asked) = part.strip_prefix('?') else { return self.slot(path, part).map(Said::Value) };
        let behind = asked.rfind(']').map_or(0, |end| end + 1);
        let (at, words) = match asked[behind..].find('=') {
            Some(sign) => (&asked[..behind + sign], &asked[behind + sign + 1..]),
            None => (asked, "*"),
        };
        let words = words.split('|').map(Glob::new).collect();
        Ok(Said::If(Condition { slots: vec![self.slot(path, at)?], words, not: Vec::new(), said: part.to_owned() }))
    }

    fn slot(&mut self, path: &Text, part: &str) -> Result<Slot, ProfileError> {
        let steps = self.steps(path, part)?;
        self.asks_frame |= steps.first().and_then(Step::key) == Some("syslog");
        Ok(self.trie.insert(&steps))
    }

    fn steps(&self, path: &Text, part: &str) -> Result<Vec<Step>, ProfileError> {
        path::parse(part).map_err(|why| self.invalid(path.span().start, format!("{part:?} is no path: {why}")))
    }

    fn checked<T>(&self, text: &Text, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, ProfileError> {
        let wrong = || self.invalid(text.span().start, format!("{:?} is not {what}", text.get_ref()));
        read(text.get_ref()).ok_or_else(wrong)
    }

    fn invalid(&self, at: usize, message: impl Into<String>) -> ProfileError {
        ProfileError::Invalid { file: self.file.to_owned(), line: self.line_of(at), message: message.into() }
    }

    fn line_of(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(self.text);
        before.bytes().filter(|&byte| byte == b'\n').count() + 1
    }
}

fn globs(words: &[String]) -> Vec<Glob> {
    words.iter().map(|word| Glob::new(word)).collect()
}

fn csv_rule(raw: RawCsv) -> CsvRule {
    let others = raw.and.into_iter().map(|(column, words)| (column, globs(&words)));
    let wanted = std::iter::once((raw.column, globs(&raw.equals))).chain(others).collect();
    CsvRule { wanted, columns: raw.columns }
}

fn part(raw: RawPart) -> Part {
    let mark = |mark: Option<String>| mark.filter(|mark| !mark.is_empty());
    Part { after: mark(raw.after), after_last: mark(raw.after_last), before: mark(raw.before) }
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
sample = [{ record = "{}", expect = { rejected = "empty" } }]
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
            ("keys = [[\"a\"]]", "cef = [[\"a\", \"b\", \"c\"]]", 3, "match.cef"),
            ("\"iso\"", "\"sundial\"", 4, "time format"),
            ("title", "titel", 5, "titel"),
            ("[\"a\"] }\nsev", "[\"a..b\"] }\nsev", 5, "no path"),
            ("[0, 1], [5, 4]", "[5, 1], [0, 4]", 6, "ascend"),
            ("[5, 4]", "[5, 9]", 6, "severity_id"),
            ("\"ip\"", "\"ipp\"", 7, "kind of observable"),
            ("\"source\"", "\"sauce\"", 7, "a role"),
            ("\"host\"", "\"toast\"", 8, "kind of entity"),
            ("[\"a.b[]\"]", "[]", 7, "observable.paths"),
            ("[\"h\"]", "[]", 8, "entity.paths"),
            ("rejected = \"empty\"", "rejected = \"emtpy\"", 9, "expect.rejected"),
        ];
        for (from, to, line, words) in table {
            let message = profile("x.toml", &SOUND.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.starts_with(&format!("x.toml:{line}:")) && message.contains(words), "{message}");
        }
    }
}

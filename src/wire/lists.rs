//! Lists of assets and of known-bad indicators, from files: CSV and JSON lines, which somebody here writes and whose bad
//! lines are refused, and the exports of others (STIX 2.1 bundles, MISP events), of which what cannot be used is counted
//! and told. Values take the one form that alerts' take, or they would never meet.

mod columns;
mod misp;
mod stix;
mod tally;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

pub use tally::{Skip, Skipped};

use super::canonical;
use super::canonical::text;
use super::times;
use crate::engine::{ASSETS_MAX, Asset, INDICATORS_MAX, Indicator, LIST_NAME_BYTES_MAX, LIST_NAMES_MAX, Lists};
use crate::model::{EntityKind, ObservableKind, Timestamp, criticality_from_label};

/// A file that is larger is no list of so many entries.
const FILE_BYTES_MAX: u64 = 512 << 20;
/// Longer values are in no alert.
const VALUE_BYTES_MAX: usize = 4 * 1024;
/// What an indicator's confidence is where its list gives none.
const CONFIDENCE: u8 = 50;

/// Why a file is no list.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {problem}", file.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct ListError {
    pub file: PathBuf,
    pub line: Option<u64>,
    pub problem: String,
}

/// The lists, and what was read of each file.
#[derive(Debug)]
pub struct Loaded {
    pub lists: Arc<Lists>,
    pub files: Vec<FileReport>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    pub file: PathBuf,
    /// Entries that were taken, those that other files have too among them.
    pub entries: u64,
    pub skipped: Skipped,
}

impl Loaded {
    /// Entries that could not be used, over all files.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.files.iter().map(|report| report.skipped.total()).sum()
    }
}

/// What a file is a list of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    Assets,
    Indicators,
}

/// Reads all files; the first that is none ends it.
pub fn load(assets: &[PathBuf], intel: &[PathBuf]) -> Result<Loaded, ListError> {
    let mut gathered = Gathered::default();
    let assets = assets.iter().map(|file| (ListKind::Assets, file));
    let all = assets.chain(intel.iter().map(|file| (ListKind::Indicators, file)));
    let files = all.map(|(kind, file)| gathered.file(kind, file, contents(file))).collect::<Result<_, _>>()?;
    Ok(Loaded { lists: Arc::new(gathered.finish()), files })
}

/// Reads one text as the file of that name.
pub fn read(kind: ListKind, file: &Path, text: &str) -> Result<Loaded, ListError> {
    let mut gathered = Gathered::default();
    let report = gathered.file(kind, file, Ok(text.to_owned()))?;
    Ok(Loaded { lists: Arc::new(gathered.finish()), files: vec![report] })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Columns,
    JsonLines,
    Stix,
    Misp,
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// By what the file holds; its name only says whether JSON comes in lines.
fn format_of(file: &Path, text: &str) -> Format {
    #[derive(Deserialize)]
    struct Probe {
        #[serde(rename = "type")]
        kind: Option<String>,
        #[serde(rename = "Event")]
        event: Option<IgnoredAny>,
        response: Option<IgnoredAny>,
    }
    let in_lines = file.extension().is_some_and(|extension| extension == "jsonl" || extension == "ndjson");
    if !is_json(text) {
        return Format::Columns;
    }
    if text.trim_start().starts_with('[') {
        return Format::Misp;
    }
    match serde_json::from_str::<Probe>(text) {
        Ok(probe) if !in_lines && (probe.event.is_some() || probe.response.is_some()) => Format::Misp,
        Ok(probe) if !in_lines && probe.kind.as_deref() == Some("bundle") => Format::Stix,
        Ok(_) => Format::JsonLines,
        // More than one object, or one that is cut: a bundle is told by its beginning, so that the error is about it.
        Err(error) if error.is_syntax() => Format::JsonLines,
        Err(_) => Format::Stix,
    }
}

/// Where a file went wrong.
struct Wrong {
    line: Option<u64>,
    problem: String,
}

impl Wrong {
    fn at(line: u64, problem: impl Into<String>) -> Self {
        Self { line: Some(line), problem: problem.into() }
    }

    /// The whole file.
    fn all(problem: impl Into<String>) -> Self {
        Self { line: None, problem: problem.into() }
    }

    fn json(error: &serde_json::Error) -> Self {
        Self::at(error.line() as u64, text::excerpt(&error.to_string()))
    }
}

/// One indicator as a file says it.
struct Said<'a> {
    kind: ObservableKind,
    value: &'a str,
    confidence: u8,
    valid_until: Option<Timestamp>,
}

/// What all files give together.
#[derive(Default)]
struct Gathered {
    names: BTreeMap<Arc<str>, u16>,
    indicators: Vec<Indicator>,
    assets: Vec<Asset>,
    /// Of the file that is being read: its name, and what was skipped.
    name: String,
    skipped: Skipped,
}

impl Gathered {
    fn file(&mut self, kind: ListKind, file: &Path, text: Result<String, Wrong>) -> Result<FileReport, ListError> {
        let before = self.indicators.len() + self.assets.len();
        self.name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let read = text.and_then(|text| self.read(kind, file, text.trim_start_matches('\u{feff}')));
        read.map_err(|Wrong { line, problem }| ListError { file: file.to_owned(), line, problem })?;
        let entries = (self.indicators.len() + self.assets.len() - before) as u64;
        Ok(FileReport { file: file.to_owned(), entries, skipped: std::mem::take(&mut self.skipped) })
    }

    fn read(&mut self, kind: ListKind, file: &Path, text: &str) -> Result<(), Wrong> {
        match (kind, format_of(file, text)) {
            // An export of indicators is no list of assets: its lines are refused.
            (ListKind::Assets, _) => columns::assets(text, is_json(text), self),
            (ListKind::Indicators, Format::Columns) => columns::indicators(text, false, self),
            (ListKind::Indicators, Format::JsonLines) => columns::indicators(text, true, self),
            (ListKind::Indicators, Format::Stix) => stix::read(text, self),
            (ListKind::Indicators, Format::Misp) => misp::read(text, self),
        }
    }

    fn skip(&mut self, why: Skip) {
        self.skipped.count(why);
    }

    fn asset(&mut self, kind: &str, id: &str, criticality: &str) -> Result<(), String> {
        let of = match kind {
            "ip" => EntityKind::Host,
            kind => EntityKind::from_label(kind)
                .ok_or_else(|| format!("`{}` is no kind of asset, write {}, or ip", text::excerpt(kind), kinds()))?,
        };
        let criticality = criticality_from_label(criticality).ok_or_else(|| {
            format!("`{}` is no criticality, write low, medium, high or extreme", text::excerpt(criticality))
        })?;
        let identity = canonical::entity(of, id, None)
            .filter(|identity| identity.id.len() <= VALUE_BYTES_MAX)
            .ok_or_else(|| format!("`{}` is no {}", text::excerpt(id), text::excerpt(kind)))?;
        if canonical::is_shared_identity(identity.kind, &identity.id) {
            self.skip(Skip::Shared);
            return Ok(());
        }
        if self.assets.len() >= ASSETS_MAX {
            return Err(format!("more than {ASSETS_MAX} assets"));
        }
        self.assets.push(Asset { kind: identity.kind, id: identity.id.as_ref().into(), criticality });
        Ok(())
    }

    /// `source` names the list where the file does so itself.
    fn indicator(&mut self, said: &Said<'_>, source: Option<&str>) -> Result<(), String> {
        if said.kind == ObservableKind::Cidr {
            self.skip(Skip::Range);
            return Ok(());
        }
        let value = canonical::observable(said.kind, said.value)
            .filter(|value| value.len() <= VALUE_BYTES_MAX)
            .ok_or_else(|| format!("`{}` is no {}", text::excerpt(said.value), said.kind.label()))?;
        if canonical::is_shared(said.kind, &value) {
            self.skip(Skip::Shared);
            return Ok(());
        }
        if self.indicators.len() >= INDICATORS_MAX {
            return Err(format!("more than {INDICATORS_MAX} indicators"));
        }
        let list = self.list(source)?;
        self.indicators.push(Indicator {
            kind: said.kind,
            value: value.as_ref().into(),
            list,
            confidence: said.confidence.min(100),
            valid_until: said.valid_until,
        });
        Ok(())
    }

    /// The same of what others wrote: a value that cannot be read is skipped and counted.
    fn foreign(&mut self, said: &Said<'_>) -> Result<(), Wrong> {
        if said.kind == ObservableKind::Ip && said.value.contains('/') {
            self.skip(Skip::Range);
        } else if canonical::observable(said.kind, said.value).is_none_or(|value| value.len() > VALUE_BYTES_MAX) {
            self.skip(Skip::Value);
        } else {
            return self.indicator(said, None).map_err(Wrong::all);
        }
        Ok(())
    }

    fn list(&mut self, source: Option<&str>) -> Result<u16, String> {
        let name = source.map(str::trim).filter(|source| !source.is_empty()).unwrap_or(&self.name);
        let name = text::neutral(text::prefix(name, LIST_NAME_BYTES_MAX));
        if let Some(known) = self.names.get(&*name) {
            return Ok(*known);
        }
        let next = self.names.len();
        if next >= LIST_NAMES_MAX {
            return Err(format!("more than {LIST_NAMES_MAX} sources"));
        }
        let next = u16::try_from(next).unwrap_or(u16::MAX);
        self.names.insert(name.as_ref().into(), next);
        Ok(next)
    }

    fn finish(self) -> Lists {
        // In the order of the names, so that the order of files and lines says nothing.
        let mut places = vec![0; self.names.len()];
        for ((_, was), place) in self.names.iter().zip(0_u16..) {
            places[usize::from(*was)] = place;
        }
        let mut indicators = self.indicators;
        indicators.iter_mut().for_each(|indicator| indicator.list = places[usize::from(indicator.list)]);
        Lists::new(self.names.into_keys().collect(), indicators, self.assets)
    }
}

fn contents(file: &Path) -> Result<String, Wrong> {
    let unreadable = |error: std::io::Error| Wrong::all(format!("cannot be read: {error}"));
    let length = std::fs::metadata(file).map_err(unreadable)?.len();
    if length > FILE_BYTES_MAX {
        return Err(Wrong::all(format!("has {length} bytes, {FILE_BYTES_MAX} at most")));
    }
    let bytes = std::fs::read(file).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count() as u64;
        Wrong::at(line, "is not UTF-8")
    })
}

fn kinds() -> String {
    EntityKind::ALL.map(EntityKind::label).join(", ")
}

/// RFC 3339, or a day, whose last millisecond counts.
fn valid_until(raw: &str) -> Result<Option<Timestamp>, String> {
    let raw = raw.trim();
    if raw.is_empty() {
        return Ok(None);
    }
    let day = || raw.parse::<jiff::civil::Date>().ok()?.at(23, 59, 59, 999_000_000).in_tz("UTC").ok();
    let end = || day().map(|end| Timestamp::from_millis(end.timestamp().as_millisecond()));
    let at = times::rfc3339(raw).or_else(end);
    at.map(Some).ok_or_else(|| format!("valid_until: `{}` is neither RFC 3339 nor a day", text::excerpt(raw)))
}

#[cfg(test)]
mod tests;

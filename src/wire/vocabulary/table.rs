//! The table of names, read once from `fields.tsv`. It decides what a name means when nothing else is known; which value
//! may bear the name is left to `fit`, and what surrounds it to `side`.

use std::sync::LazyLock;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::Meaning;
use crate::model::{EntityKind, ObservableKind, Role};

/// What a line of the table says its names are. Some are settled only by the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Known, and no meaning of ours: it must not be mistaken for what it looks like.
    Nothing,
    /// About the record itself.
    About(Meaning),
    /// A small number names the rule (Windows), anything else the event.
    EventId,
    /// Of a mail, or of the record.
    MessageOrAlertId,
    Observable(ObservableKind),
    Entity(EntityKind),
    Endpoint,
    /// The domain of an account.
    AccountDomain,
    /// A DNS name, or the domain of an account.
    DomainOrAccount,
    /// An account, by its address and nothing else.
    EmailUser,
    /// A path or a bare name.
    File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Fixed(Role),
    /// As the words around say; this one where they say nothing.
    Around(Role),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub sort: Sort,
    pub given: Given,
    pub confidence: u8,
}

pub(super) struct Table {
    entries: HashMap<Box<[u8]>, Entry, FixedState>,
    /// Names that mean something only when they stand alone.
    alone: HashMap<Box<[u8]>, Entry, FixedState>,
    letters_max: usize,
}

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));

pub(super) const TEXT: &str = include_str!("fields.tsv");

impl Table {
    fn read(text: &str) -> Self {
        let mut table = Self {
            entries: HashMap::with_hasher(FixedState::default()),
            alone: HashMap::with_hasher(FixedState::default()),
            letters_max: 0,
        };
        for (name, entry) in lines(text).filter_map(Result::ok).flat_map(names) {
            let key = letters(name);
            table.letters_max = table.letters_max.max(key.len());
            let into = if name.starts_with('^') { &mut table.alone } else { &mut table.entries };
            into.insert(key, entry);
        }
        table
    }

    pub fn entry(&self, letters: &[u8]) -> Option<Entry> {
        if letters.len() > self.letters_max { None } else { self.either(&self.entries, letters) }
    }

    pub fn alone(&self, letters: &[u8]) -> Option<Entry> {
        self.alone.get(letters).copied()
    }

    /// A list is named after what it lists.
    fn either(&self, entries: &HashMap<Box<[u8]>, Entry, FixedState>, letters: &[u8]) -> Option<Entry> {
        if let Some(entry) = entries.get(letters) {
            return Some(*entry);
        }
        let one = letters.strip_suffix(b"s").filter(|one| one.len() >= 3)?;
        let one = one.strip_suffix(b"sse").map_or(one, |_| &one[..one.len() - 1]);
        entries.get(one).copied()
    }
}

/// A name without what separates its words.
pub(super) fn letters(name: &str) -> Box<[u8]> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect()
}

/// Each line of the table, or the line itself where it cannot be read.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Result<(Entry, &str), &str>> {
    let told = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    told.map(|line| line_of(line).ok_or(line))
}

pub(super) fn names((entry, names): (Entry, &str)) -> impl Iterator<Item = (&str, Entry)> {
    names.split(", ").map(move |name| (name, entry))
}

fn line_of(line: &str) -> Option<(Entry, &str)> {
    let mut columns = line.split('\t');
    let (sort, given) = (sort(columns.next()?)?, given(columns.next()?)?);
    let confidence = columns.next()?.parse().ok().filter(|confidence| *confidence <= 100)?;
    let names = columns.next().filter(|names| !names.is_empty())?;
    columns.next().is_none().then_some((Entry { sort, given, confidence }, names))
}

fn given(text: &str) -> Option<Given> {
    if text == "-" {
        return Some(Given::Fixed(Role::Context));
    }
    match text.strip_prefix('~') {
        Some(otherwise) => Role::from_label(otherwise).map(Given::Around),
        None => Role::from_label(text).map(Given::Fixed),
    }
}

fn sort(text: &str) -> Option<Sort> {
    let sort = match text {
        "nothing" => Sort::Nothing,
        "event_id" => Sort::EventId,
        "message_or_alert_id" => Sort::MessageOrAlertId,
        "endpoint" => Sort::Endpoint,
        "account_domain" => Sort::AccountDomain,
        "domain_or_account" => Sort::DomainOrAccount,
        "email_user" => Sort::EmailUser,
        "file" => Sort::File,
        _ => return about(text).map(Sort::About).or_else(|| thing(text)),
    };
    Some(sort)
}

fn thing(text: &str) -> Option<Sort> {
    let observable = ObservableKind::from_label(text).map(Sort::Observable);
    observable.or_else(|| EntityKind::from_label(text).map(Sort::Entity))
}

fn about(text: &str) -> Option<Meaning> {
    ABOUT.iter().find(|(label, _)| *label == text).map(|(_, meaning)| *meaning)
}

pub(super) const ABOUT: [(&str, Meaning); 25] = [
    ("time", Meaning::Time),
    ("end_time", Meaning::EndTime),
    ("ingest_time", Meaning::IngestTime),
    ("updated", Meaning::UpdatedTime),
    ("title", Meaning::Title),
    ("message", Meaning::Message),
    ("description", Meaning::Description),
    ("severity", Meaning::Severity),
    ("risk_score", Meaning::RiskScore),
    ("confidence", Meaning::Confidence),
    ("rule_id", Meaning::RuleId),
    ("rule_name", Meaning::RuleName),
    ("rule_version", Meaning::RuleVersion),
    ("alert_id", Meaning::AlertId),
    ("status", Meaning::Status),
    ("vendor", Meaning::Vendor),
    ("product", Meaning::Product),
    ("category", Meaning::Category),
    ("instance", Meaning::Instance),
    ("tenant", Meaning::Tenant),
    ("tactic", Meaning::Tactic),
    ("technique", Meaning::Technique),
    ("tag", Meaning::Tag),
    ("action", Meaning::Action),
    ("link", Meaning::Link),
];

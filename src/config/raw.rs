//! What was said: the file's tables with the line of every key, and the environment laid over them. Nothing here knows
//! a default or what a key means, except that a `Section` learns the known keys by being asked for them: there is no
//! second list of names to keep in step, which is why this is a small reader of its own and not serde's.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

use toml::de::{DeTable, DeValue};

use super::duration::{parse_bytes, parse_millis, show_bytes, show_millis};
use super::error::{ConfigError, Place, Problem};

pub const ENV_PREFIX: &str = "CASEWRIGHT__";
/// A name further away than this (Jaro-Winkler, of 1) is no misspelling.
const NEAR_MIN: f64 = 0.8;

pub type RawTable = BTreeMap<String, Item>;

#[derive(Clone, Debug)]
pub struct Item {
    pub place: Place,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    Text(String),
    Integer(i64),
    Bool(bool),
    List(Vec<Item>),
    Table(RawTable),
    /// A kind of value that no key takes, by its name.
    Other(&'static str),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// Everything that was said, by anyone.
#[derive(Debug, Default)]
pub struct RawConfig {
    table: RawTable,
}

impl RawConfig {
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let document = DeTable::parse(text).map_err(|error| syntax(text, &error))?;
        Ok(Self { table: table(text, document.get_ref()) })
    }

    /// `CASEWRIGHT__KAFKA__BROKERS` says `kafka.brokers`, whatever the file says.
    pub fn overlay(&mut self, env: impl Iterator<Item = (String, String)>) -> Result<(), ConfigError> {
        for (name, text) in env {
            if let Some(path) = name.strip_prefix(ENV_PREFIX) {
                let path: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
                let item = Item { place: Place::Environment(name.clone()), value: Value::Text(text) };
                put(&mut self.table, &path, item)?;
            }
        }
        Ok(())
    }

    /// Reads everything below the root and then looks for keys that nobody asked for.
    pub fn read<T>(&self, read: impl FnOnce(&Section<'_>) -> Result<T, ConfigError>) -> Result<T, ConfigError> {
        let root = Section::new(String::new(), Place::Nowhere, Some(&self.table));
        let value = read(&root)?;
        root.refuse_unknown()?;
        Ok(value)
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> ConfigError {
    let place = error.span().map_or(Place::Nowhere, |span| line(text, span.start));
    ConfigError::new(place, "", Problem::Syntax(error.message().to_owned()))
}

fn line(text: &str, offset: usize) -> Place {
    Place::Line(1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count())
}

fn table(text: &str, table: &DeTable<'_>) -> RawTable {
    let item = |place: usize, value| Item { place: line(text, place), value: self::value(text, value) };
    table.iter().map(|(key, value)| (key.get_ref().to_string(), item(key.span().start, value.get_ref()))).collect()
}

fn value(text: &str, value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(string) => Value::Text(string.to_string()),
        DeValue::Integer(number) => integer(number.as_str(), number.radix()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Array(list) => Value::List(
            list.iter()
                .map(|entry| Item { place: line(text, entry.span().start), value: self::value(text, entry.get_ref()) })
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(table(text, inner)),
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Datetime(_) => Value::Other("a bare time"),
    }
}

fn integer(digits: &str, radix: u32) -> Value {
    i64::from_str_radix(digits, radix).map_or(Value::Other("a number beyond 64 bits"), Value::Integer)
}

/// A path through something that is no table is left for the reader to refuse, by putting it in its place.
fn put(table: &mut RawTable, path: &[String], item: Item) -> Result<(), ConfigError> {
    let [first, rest @ ..] = path else { return Ok(()) };
    if rest.is_empty() {
        table.insert(first.clone(), item);
        return Ok(());
    }
    let place = item.place.clone();
    let empty = || Item { place: place.clone(), value: Value::Table(RawTable::new()) };
    match &mut table.entry(first.clone()).or_insert_with(empty).value {
        Value::Table(inner) => put(inner, rest, item),
        Value::List(_) => Err(ConfigError::new(item.place, first.clone(), Problem::ListFromEnvironment)),
        Value::Text(_) | Value::Integer(_) | Value::Bool(_) | Value::Other(_) => {
            Err(ConfigError::new(item.place, path.join("."), Problem::Unknown(first.clone())))
        }
    }
}

/// One table on its way to being checked.
pub struct Section<'a> {
    path: String,
    place: Place,
    table: Option<&'a RawTable>,
    asked: RefCell<Vec<String>>,
}

impl<'a> Section<'a> {
    fn new(path: String, place: Place, table: Option<&'a RawTable>) -> Self {
        Self { path, place, table, asked: RefCell::default() }
    }

    /// Reads the table `key`, which may be missing, and refuses what nobody asked for in it.
    pub fn table<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Section<'_>) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let (place, table) = match self.item(key) {
            None => (self.place.clone(), None),
            Some(Item { place, value: Value::Table(table) }) => (place.clone(), Some(table)),
            Some(item) => return Err(self.mistyped(key, item, "a table")),
        };
        let section = Section::new(self.path_of(key), place, table);
        let value = read(&section)?;
        section.refuse_unknown()?;
        Ok(value)
    }

    /// Reads each table of the list of tables `key`.
    pub fn tables<T>(
        &self,
        key: &str,
        read: impl Fn(&Section<'_>) -> Result<T, ConfigError>,
    ) -> Result<Vec<T>, ConfigError> {
        let items = self.list(key, "a list of tables, [[…]]")?.unwrap_or_default();
        let each = |(index, item): (usize, &Item)| match &item.value {
            Value::Table(table) => {
                let section = Section::new(format!("{}[{index}]", self.path_of(key)), item.place.clone(), Some(table));
                let value = read(&section)?;
                section.refuse_unknown()?;
                Ok(value)
            }
            _ => Err(self.mistyped(key, item, "a list of tables, [[…]]")),
        };
        items.iter().enumerate().map(each).collect()
    }

    pub fn text(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        match self.item(key) {
            None => Ok(None),
            Some(Item { value: Value::Text(text), .. }) => Ok(Some(text)),
            Some(item) => Err(self.mistyped(key, item, "a string")),
        }
    }

    pub fn flag(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        match self.item(key) {
            None => Ok(default),
            Some(Item { value: Value::Bool(flag), .. }) => Ok(*flag),
            Some(item) => said_outside(item)
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| self.mistyped(key, item, "true or false")),
        }
    }

    pub fn number<T>(&self, key: &str, default: T, range: RangeInclusive<T>) -> Result<T, ConfigError>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let Some(item) = self.item(key) else { return Ok(default) };
        let number = match &item.value {
            Value::Integer(number) => Some(*number),
            _ => said_outside(item).and_then(|text| text.parse().ok()),
        };
        let number = number.ok_or_else(|| self.mistyped(key, item, "a whole number"))?;
        let fits = T::try_from(number).ok().filter(|value| range.contains(value));
        fits.ok_or_else(|| self.out_of_range(key, number, range.start(), range.end()))
    }

    /// In milliseconds, like its bounds.
    pub fn duration(&self, key: &str, default: u64, range: RangeInclusive<u64>) -> Result<u64, ConfigError> {
        let wanted = "a duration in quotes, such as \"90s\"";
        self.measure(key, default, range, wanted, parse_millis, show_millis, Problem::Duration)
    }

    /// In bytes, like its bounds.
    pub fn size(&self, key: &str, default: u64, range: RangeInclusive<u64>) -> Result<u64, ConfigError> {
        let wanted = "a size in quotes, such as \"256KiB\"";
        self.measure(key, default, range, wanted, parse_bytes, show_bytes, Problem::Size)
    }

    /// A string, or a list of them; what is said outside the file is always one string.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>, ConfigError> {
        let wanted = "a list of strings";
        if let Some(Item { value: Value::Text(text), .. }) = self.item(key) {
            return Ok(Some(vec![text]));
        }
        let text = |item: &'a Item| match &item.value {
            Value::Text(text) => Ok(text.as_str()),
            _ => Err(self.mistyped(key, item, wanted)),
        };
        self.list(key, wanted)?.map(|items| items.iter().map(text).collect()).transpose()
    }

    /// Everything in this table, for one whose keys are not ours to know.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Item)> + use<'a> {
        self.table.into_iter().flatten().map(|(key, item)| (key.as_str(), item))
    }

    /// Makes `key` known, for a table that was read through [`Self::entries`].
    pub fn know(&self, key: &str) {
        self.asked.borrow_mut().push(key.to_owned());
    }

    /// A problem of this section's `key`, with where it was said.
    pub fn wrong(&self, key: &str, problem: Problem) -> ConfigError {
        let said = self.table.and_then(|table| table.get(key));
        let place = said.map_or_else(|| self.place.clone(), |item| item.place.clone());
        ConfigError::new(place, self.path_of(key), problem)
    }

    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    #[expect(clippy::too_many_arguments, reason = "one private leaf for durations and sizes, called twice")]
    fn measure(
        &self,
        key: &str,
        default: u64,
        range: RangeInclusive<u64>,
        wanted: &'static str,
        parse: fn(&str) -> Option<u64>,
        show: fn(u64) -> String,
        unreadable: fn(String) -> Problem,
    ) -> Result<u64, ConfigError> {
        let Some(item) = self.item(key) else { return Ok(default) };
        let Value::Text(text) = &item.value else { return Err(self.mistyped(key, item, wanted)) };
        let value = parse(text).ok_or_else(|| self.wrong(key, unreadable(text.clone())))?;
        let fits = range.contains(&value);
        if fits { Ok(value) } else { Err(self.out_of_range(key, text, show(*range.start()), show(*range.end()))) }
    }

    fn list(&self, key: &str, wanted: &'static str) -> Result<Option<&'a [Item]>, ConfigError> {
        match self.item(key) {
            None => Ok(None),
            Some(Item { value: Value::List(items), .. }) => Ok(Some(items)),
            Some(item) if said_outside(item).is_some() => Err(self.wrong(key, Problem::ListFromEnvironment)),
            Some(item) => Err(self.mistyped(key, item, wanted)),
        }
    }

    fn item(&self, key: &str) -> Option<&'a Item> {
        self.know(key);
        self.table.and_then(|table| table.get(key))
    }

    pub fn mistyped(&self, key: &str, item: &Item, wanted: &'static str) -> ConfigError {
        let problem = Problem::Type { found: item.value.kind(), wanted };
        ConfigError::new(item.place.clone(), self.path_of(key), problem)
    }

    fn out_of_range(&self, key: &str, value: impl Display, from: impl Display, to: impl Display) -> ConfigError {
        let [value, from, to] = [value.to_string(), from.to_string(), to.to_string()];
        self.wrong(key, Problem::Range { value, from, to })
    }

    fn refuse_unknown(&self) -> Result<(), ConfigError> {
        let asked = self.asked.borrow();
        match self.entries().find(|(key, _)| !asked.iter().any(|known| known == key)) {
            None => Ok(()),
            Some((key, _)) => Err(self.wrong(key, unknown(key, &asked))),
        }
    }
}

/// The text of an item that came from outside the file, where everything is text.
fn said_outside(item: &Item) -> Option<&str> {
    match (&item.place, &item.value) {
        (Place::Environment(_), Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn unknown(key: &str, known: &[String]) -> Problem {
    let near = |name: &&String| strsim::jaro_winkler(key, name);
    match known.iter().max_by(|a, b| near(a).total_cmp(&near(b))) {
        Some(nearest) if near(&nearest) >= NEAR_MIN => Problem::Misspelt(nearest.clone()),
        _ => Problem::Unknown(known.join(", ")),
    }
}

//! Lists that somebody here writes: CSV with a header, or JSON lines with the same names. What is wrong in them is
//! refused with its line, an unknown name too, since a misspelt one would be left out in silence.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord, Trim};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{CONFIDENCE, Gathered, Said, Wrong, text, valid_until};
use crate::model::ObservableKind;

const ASSETS: Columns = Columns { required: &["kind", "id", "criticality"], optional: &["owner", "tags"] };
const INDICATORS: Columns =
    Columns { required: &["type", "value"], optional: &["source", "confidence", "valid_until", "description"] };

pub fn assets(text: &str, json: bool, out: &mut Gathered) -> Result<(), Wrong> {
    if json {
        return each_line(text, |line: AssetLine<'_>| out.asset(&line.kind, &line.id, &line.criticality));
    }
    ASSETS.each_row(text, |row| out.asset(row.get("kind"), row.get("id"), row.get("criticality")))
}

pub fn indicators(text: &str, json: bool, out: &mut Gathered) -> Result<(), Wrong> {
    if json {
        return each_line(text, |line: IndicatorLine<'_>| {
            let valid_until = line.valid_until.as_deref().map_or(Ok(None), valid_until)?;
            let confidence = within(line.confidence.unwrap_or(CONFIDENCE.into()))?;
            indicator(&line.kind, &line.value, confidence, valid_until, line.source.as_deref(), out)
        });
    }
    INDICATORS.each_row(text, |row| {
        let said = row.get("confidence");
        let number = if said.is_empty() { Some(CONFIDENCE.into()) } else { said.parse().ok() };
        let number = number.ok_or_else(|| format!("confidence: `{}` is no whole number", text::excerpt(said)))?;
        let (confidence, valid_until) = (within(number)?, valid_until(row.get("valid_until"))?);
        indicator(row.get("type"), row.get("value"), confidence, valid_until, Some(row.get("source")), out)
    })
}

fn within(confidence: i64) -> Result<u8, String> {
    let fits = u8::try_from(confidence).ok().filter(|confidence| *confidence <= 100);
    fits.ok_or_else(|| format!("confidence: `{confidence}` is out of range, write 0 to 100"))
}

fn indicator(
    kind: &str,
    value: &str,
    confidence: u8,
    valid_until: Option<crate::model::Timestamp>,
    source: Option<&str>,
    out: &mut Gathered,
) -> Result<(), String> {
    let known = || ObservableKind::ALL.map(ObservableKind::label).join(", ");
    let of = kind_of(kind).ok_or_else(|| format!("`{}` is no type, write {}", text::excerpt(kind), known()))?;
    out.indicator(&Said { kind: of, value, confidence, valid_until }, source)
}

fn kind_of(label: &str) -> Option<ObservableKind> {
    let plain = label.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    ObservableKind::from_label(&plain).or(match plain.as_str() {
        "ipv4" | "ipv6" | "ip_src" | "ip_dst" => Some(ObservableKind::Ip),
        "hostname" | "fqdn" => Some(ObservableKind::Domain),
        "uri" => Some(ObservableKind::Url),
        "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" => Some(ObservableKind::Hash),
        "filename" => Some(ObservableKind::FileName),
        _ => None,
    })
}

/// What a list's columns are called.
struct Columns {
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

/// One row, by the names of its columns.
struct Row<'a> {
    header: &'a StringRecord,
    fields: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// Empty where there is no such column.
    fn get(&self, name: &str) -> &'a str {
        let place = self.header.iter().position(|known| known == name);
        place.and_then(|place| self.fields.get(place)).unwrap_or_default()
    }
}

impl Columns {
    fn each_row(&self, text: &str, mut take: impl FnMut(&Row<'_>) -> Result<(), String>) -> Result<(), Wrong> {
        let mut reader = ReaderBuilder::new().trim(Trim::All).comment(Some(b'#')).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| wrong(&error))?.clone();
        self.check(&header)?;
        let mut fields = StringRecord::new();
        while reader.read_record(&mut fields).map_err(|error| wrong(&error))? {
            let line = fields.position().map_or(0, csv::Position::line);
            for name in self.required {
                let row = Row { header: &header, fields: &fields };
                if row.get(name).is_empty() {
                    return Err(Wrong::at(line, format!("{name} is empty")));
                }
            }
            take(&Row { header: &header, fields: &fields }).map_err(|problem| Wrong::at(line, problem))?;
        }
        Ok(())
    }

    fn check(&self, header: &StringRecord) -> Result<(), Wrong> {
        let known = [self.required, self.optional].concat();
        let line = header.position().map_or(1, csv::Position::line);
        for (place, name) in header.iter().enumerate() {
            if !known.contains(&name) {
                let problem = format!("unknown column `{}`, known here: {}", text::excerpt(name), known.join(", "));
                return Err(Wrong::at(line, problem));
            }
            if header.iter().take(place).any(|before| before == name) {
                return Err(Wrong::at(line, format!("column `{name}` is there twice")));
            }
        }
        let absent = self.required.iter().find(|name| !header.iter().any(|column| column == **name));
        let missing = |name: &&str| Wrong::at(line, format!("no column `{name}`; the first line names the columns"));
        absent.map_or(Ok(()), |name| Err(missing(name)))
    }
}

fn wrong(error: &csv::Error) -> Wrong {
    let line = error.position().map(csv::Position::line);
    Wrong { line, problem: text::excerpt(&error.to_string()) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssetLine<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    criticality: Cow<'a, str>,
    #[serde(rename = "owner")]
    _owner: Option<IgnoredAny>,
    #[serde(rename = "tags")]
    _tags: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IndicatorLine<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    confidence: Option<i64>,
    #[serde(borrow)]
    valid_until: Option<Cow<'a, str>>,
    #[serde(rename = "description")]
    _description: Option<IgnoredAny>,
}

fn each_line<'a, T: Deserialize<'a>>(
    text: &'a str,
    mut take: impl FnMut(T) -> Result<(), String>,
) -> Result<(), Wrong> {
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        // An array would be taken for a line by the order of its elements.
        if !line.trim_start().starts_with('{') {
            return Err(Wrong::at(number, "is no JSON object"));
        }
        let entry = serde_json::from_str(line);
        let entry = entry.map_err(|error| Wrong::at(number, self::text::excerpt(&error.to_string())))?;
        take(entry).map_err(|problem| Wrong::at(number, problem))?;
    }
    Ok(())
}

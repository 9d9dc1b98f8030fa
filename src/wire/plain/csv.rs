//! A body that is one row of values between commas, quoted as in RFC 4180, or between tabs or bars. The columns have no
//! names but their numbers.

use std::borrow::Cow;

use super::FIELDS_MAX;
use super::prose;
use super::sink::Sink;

const COLUMNS_MIN: usize = 6;
/// Of two that are there equally often the last one wins.
const SEPARATORS: [char; 3] = ['|', '\t', ','];

/// Whether the body is such a row and not better read as the pairs that were found in it.
pub(super) fn read<'a>(body: &'a str, pairs: usize, sink: &mut Sink<'a>) -> bool {
    let count = |separator: char| body.matches(separator).count();
    let separator = SEPARATORS.into_iter().max_by_key(|separator| count(*separator)).unwrap_or(',');
    if count(separator) + 1 < COLUMNS_MIN {
        return false;
    }
    let columns = columns(body, separator);
    if columns.len() < COLUMNS_MIN || 4 * pairs >= columns.len() || !is_row(&columns) {
        return false;
    }
    sink.push("csv.count", columns.len().to_string());
    if let [day, clock, ..] = columns[..]
        && let Some(time) = prose::day_and_clock(day.text, clock.text)
    {
        sink.push("message.time", time);
    }
    for (index, column) in columns.into_iter().enumerate() {
        sink.push(format!("csv.{index}"), column.value());
        if let Some(name) = prose::column(column.text) {
            sink.push(name, column.text);
        }
    }
    true
}

#[derive(Clone, Copy)]
struct Column<'a> {
    text: &'a str,
    quoted: bool,
}

impl<'a> Column<'a> {
    fn value(self) -> Cow<'a, str> {
        if self.quoted && self.text.contains("\"\"") {
            Cow::Owned(self.text.replace("\"\"", "\""))
        } else {
            Cow::Borrowed(self.text)
        }
    }
}

/// Prose has commas too: of a row most columns are single words, and the first is one.
fn is_row(columns: &[Column<'_>]) -> bool {
    let single = |column: &&Column<'_>| {
        // A date and time is one value.
        let dated = column.text.len() <= 30 && column.text.starts_with(|c: char| c.is_ascii_digit());
        column.quoted || dated || !column.text.trim_end().contains(' ')
    };
    let one_line = columns.iter().all(|column| column.quoted || !column.text.contains('\n'));
    let words = columns.iter().filter(single).count();
    one_line && columns.first().is_some_and(|first| single(&first)) && 2 * words >= columns.len()
}

fn columns(body: &str, separator: char) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    let mut rest = body;
    while columns.len() < FIELDS_MAX {
        let quoted = quoted(rest, separator);
        let (text, after) = quoted.unwrap_or_else(|| {
            let end = rest.find(separator).unwrap_or(rest.len());
            rest.split_at(end)
        });
        columns.push(Column { text: text.trim_end_matches(['\r', '\n']), quoted: quoted.is_some() });
        match after.strip_prefix(separator) {
            Some(after) => rest = after,
            None => break,
        }
    }
    columns
}

/// What is between the quotes at the start of `text`, and what follows them. Quotes that close nowhere, or before
/// something else than a separator, are no quotes.
fn quoted(text: &str, separator: char) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut at = 0;
    loop {
        at += inner.get(at..)?.find('"')?;
        let after = &inner[at + 1..];
        if after.starts_with('"') {
            at += 2;
        } else if after.is_empty() || after.starts_with([separator, '\r', '\n']) {
            return Some((&inner[..at], after));
        } else {
            return None;
        }
    }
}

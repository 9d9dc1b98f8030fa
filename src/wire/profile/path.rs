//! Paths into a record: `a.b`, `a[].b` (the brackets remind the reader of an array; arrays are always entered), quotes
//! around a key that has odd characters (`a."b.c"`), `*` for any key, `a[?kind=host|server].name` for those elements
//! alone whose `kind` is one of the words, and `a.@json.b`, `a.@text.b` into JSON, or text with fields, inside a string.

use super::glob::Glob;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    AnyKey,
    /// The object at this place, if what lies under these keys is one of the words.
    Where(Vec<String>, Vec<Glob>),
    Inside(Inside),
}

impl Step {
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::AnyKey | Self::Where(..) | Self::Inside(_) => None,
        }
    }
}

/// What a string holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    Json,
    Text,
}

/// The steps from the root down to the value.
pub(super) fn parse(raw: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = raw;
    loop {
        let (step, tail) = step(rest)?;
        steps.push(step);
        let mut tail = tail.strip_prefix("[]").unwrap_or(tail);
        while let Some(filter) = tail.strip_prefix("[?") {
            let (filter, after) = filter.split_once(']').ok_or("a `[?` needs its `]`")?;
            steps.push(condition(filter)?);
            tail = after;
        }
        match tail.strip_prefix('.') {
            Some(next) => rest = next,
            None if tail.is_empty() => return Ok(steps),
            None => return Err("after a key comes `.`, `[]`, `[?` or the end"),
        }
    }
}

fn step(raw: &str) -> Result<(Step, &str), &'static str> {
    if let Some(quoted) = raw.strip_prefix('"') {
        let (key, tail) = quoted.split_once('"').ok_or("a quoted key does not end")?;
        return Ok((Step::Key(key.to_owned()), tail));
    }
    let (key, tail) = raw.split_at(raw.find(['.', '[', '"']).unwrap_or(raw.len()));
    let step = match key {
        "" => return Err("a path needs a key between its dots"),
        "*" => Step::AnyKey,
        "@json" => Step::Inside(Inside::Json),
        "@text" => Step::Inside(Inside::Text),
        key => Step::Key(key.to_owned()),
    };
    Ok((step, tail))
}

fn condition(raw: &str) -> Result<Step, &'static str> {
    let (keys, words) = raw.split_once('=').ok_or("a `[?` needs `key=word`")?;
    let keys: Vec<String> = keys.split('.').map(|key| key.trim().to_owned()).collect();
    if keys.iter().any(String::is_empty) {
        return Err("a `[?` needs a key before its `=`");
    }
    Ok(Step::Where(keys, words.split('|').map(Glob::new).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<Step> {
        keys.iter().map(|key| Step::Key((*key).to_owned())).collect()
    }

    #[test]
    fn paths_are_steps() {
        assert_eq!(parse("a").unwrap(), keys(&["a"]));
        assert_eq!(parse("a[].b.c[]").unwrap(), keys(&["a", "b", "c"]));
        assert_eq!(parse(r#"a."b.c[]"."""#).unwrap(), keys(&["a", "b.c[]", ""]));
        let [a, b] = ["a", "b"].map(|key| Step::Key(key.to_owned()));
        let filter = Step::Where(vec!["x".into(), "y".into()], vec![Glob::new("1"), Glob::new("t*")]);
        assert_eq!(parse("a[?x.y=1|t*].b").unwrap(), [a.clone(), filter.clone(), b.clone()]);
        assert_eq!(parse("a[][?x.y=1|t*].b").unwrap(), [a.clone(), filter, b.clone()]);
        assert_eq!(parse("a.@json.*.b").unwrap(), [a.clone(), Step::Inside(Inside::Json), Step::AnyKey, b]);
        assert_eq!(parse(r#"a."@text""#).unwrap(), [a, Step::Key("@text".to_owned())]);
        for raw in ["", ".", "a.", ".a", "a..b", "a[", "a[0]", "a[]b", "\"a", "a\"b\"", "a[?b]", "a[?=b]", "a[?b=c"] {
            assert!(parse(raw).is_err(), "{raw}");
        }
    }
}

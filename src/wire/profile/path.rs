//! Paths into a JSON record: `a.b`, `a[].b` (the brackets remind the reader of an array; arrays are always entered),
//! and quotes around a key that has odd characters: `a."b.c"`.

/// The keys from the root down to the value.
pub(super) fn parse(raw: &str) -> Result<Vec<String>, &'static str> {
    let mut keys = Vec::new();
    let mut rest = raw;
    loop {
        let (key, tail) = key(rest)?;
        if key.is_empty() && !rest.starts_with('"') {
            return Err("a path needs a key between its dots");
        }
        keys.push(key.to_owned());
        let tail = tail.strip_prefix("[]").unwrap_or(tail);
        match tail.strip_prefix('.') {
            Some(next) => rest = next,
            None if tail.is_empty() => return Ok(keys),
            None => return Err("after a key comes `.`, `[]` or the end"),
        }
    }
}

fn key(raw: &str) -> Result<(&str, &str), &'static str> {
    match raw.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or("a quoted key does not end"),
        None => Ok(raw.split_at(raw.find(['.', '[', '"']).unwrap_or(raw.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn paths_are_keys() {
        assert_eq!(parse("a").unwrap(), ["a"]);
        assert_eq!(parse("a[].b.c[]").unwrap(), ["a", "b", "c"]);
        assert_eq!(parse(r#"a."b.c[]"."""#).unwrap(), ["a", "b.c[]", ""]);
        for raw in ["", ".", "a.", ".a", "a..b", "a[", "a[0]", "a[]b", "\"a", "a\"b\""] {
            assert!(parse(raw).is_err(), "{raw}");
        }
    }
}

//! RFC 8785 for documents whose numbers are integers, which is all that the outputs contain.

use serde_json::Value;

/// The canonical bytes of `value`: members sorted by their UTF-16 units, no white space, shortest escapes. A number
/// that is not an integer has no bytes here.
#[must_use]
pub fn canonical(value: &Value) -> Option<String> {
    let mut out = String::new();
    write(value, &mut out)?;
    Some(out)
}

fn write(value: &Value, out: &mut String) -> Option<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) if number.is_f64() => return None,
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => write_list(items, out)?,
        Value::Object(members) => write_object(members, out)?,
    }
    Some(())
}

fn write_list(items: &[Value], out: &mut String) -> Option<()> {
    out.push('[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write(item, out)?;
    }
    out.push(']');
    Some(())
}

fn write_object(members: &serde_json::Map<String, Value>, out: &mut String) -> Option<()> {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_by(|one, two| one.0.encode_utf16().cmp(two.0.encode_utf16()));
    out.push('{');
    for (place, (name, value)) in sorted.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write(value, out)?;
    }
    out.push('}');
    Some(())
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_by_utf16_and_escapes_are_short() {
        // U+FB33 sorts behind U+1F600 in UTF-16, and before it in UTF-8.
        let value = json!({ "\u{fb33}": 1, "\u{1f600}": 2, "b": [true, null], "a": "\u{f}\n\"\\é" });
        let expected = "{\"a\":\"\\u000f\\n\\\"\\\\é\",\"b\":[true,null],\"\u{1f600}\":2,\"\u{fb33}\":1}";
        assert_eq!(canonical(&value).as_deref(), Some(expected));
    }

    #[test]
    fn a_fraction_has_no_canonical_form_here() {
        assert_eq!(canonical(&json!({ "a": 1.5 })), None);
    }
}

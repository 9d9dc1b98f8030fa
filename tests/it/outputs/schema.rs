//! A JSON Schema validator for exactly the keywords that the schemas use. An unknown keyword is an error, so that no
//! schema says something which is not checked.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub struct Schema {
    root: Value,
}

impl Schema {
    pub fn load(name: &str) -> Self {
        let path = format!("{}/schemas/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { root: serde_json::from_str(&text).unwrap() }
    }

    /// Every place where `value` is not as the schema says.
    pub fn problems(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.check(&self.root, value, "", &mut found);
        found
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let Value::Object(schema) = schema else { panic!("{at}: a schema is an object") };
        for (keyword, rule) in schema {
            match keyword.as_str() {
                "$schema" | "$id" | "$defs" | "title" | "description" => {}
                "$ref" => self.check(self.resolve(rule.as_str().unwrap()), value, at, found),
                "oneOf" => self.one_of(rule.as_array().unwrap(), value, at, found),
                "properties" => self.properties(rule.as_object().unwrap(), value, at, found),
                "patternProperties" => self.pattern_properties(rule.as_object().unwrap(), value, at, found),
                "items" => self.items(rule, value, at, found),
                "additionalProperties" => closed(schema, rule, value, at, found),
                _ => simple(keyword, rule, value, at, found),
            }
        }
    }

    fn resolve(&self, reference: &str) -> &Value {
        let pointer = reference.strip_prefix('#').expect("references stay in the file");
        self.root.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    fn one_of(&self, choices: &[Value], value: &Value, at: &str, found: &mut Vec<String>) {
        let problems: Vec<Vec<String>> = choices
            .iter()
            .map(|choice| {
                let mut problems = Vec::new();
                self.check(choice, value, at, &mut problems);
                problems
            })
            .collect();
        let fitting = problems.iter().filter(|problems| problems.is_empty()).count();
        if fitting != 1 {
            found.push(format!("{at}: fits {fitting} of the choices: {problems:?}"));
        }
    }

    fn properties(&self, rules: &Map<String, Value>, value: &Value, at: &str, found: &mut Vec<String>) {
        for (name, rule) in rules {
            if let Some(member) = value.get(name) {
                self.check(rule, member, &format!("{at}/{name}"), found);
            }
        }
    }

    fn pattern_properties(&self, rules: &Map<String, Value>, value: &Value, at: &str, found: &mut Vec<String>) {
        for (name, member) in value.as_object().into_iter().flatten() {
            for (_, rule) in rules.iter().filter(|(pattern, _)| matches(pattern, name)) {
                self.check(rule, member, &format!("{at}/{name}"), found);
            }
        }
    }

    fn items(&self, rule: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        for (place, item) in value.as_array().into_iter().flatten().enumerate() {
            self.check(rule, item, &format!("{at}/{place}"), found);
        }
    }
}

fn closed(schema: &Map<String, Value>, rule: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    assert_eq!(rule, &Value::Bool(false), "{at}: only closed objects are supported");
    let known: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let fits = |name: &String| patterns.into_iter().flatten().any(|(pattern, _)| matches(pattern, name));
    let unknown = |name: &&String| !known.contains(name) && !fits(name);
    for name in value.as_object().into_iter().flat_map(Map::keys).filter(unknown) {
        found.push(format!("{at}: unknown member {name}"));
    }
}

fn simple(keyword: &str, rule: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let holds = match keyword {
        "type" => match rule {
            Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind.as_str().unwrap(), value)),
            kind => is_of(kind.as_str().unwrap(), value),
        },
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "required" => required(rule.as_array().unwrap(), value),
        "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|number| number <= rule.as_i64().unwrap()),
        "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap()),
        "minLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 >= rule.as_u64().unwrap()),
        "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
        unknown => panic!("{at}: the validator does not know `{unknown}`"),
    };
    if !holds {
        found.push(format!("{at}: {value} against {keyword} {rule}"));
    }
}

fn required(names: &[Value], value: &Value) -> bool {
    value.as_object().is_none_or(|members| names.iter().all(|name| members.contains_key(name.as_str().unwrap())))
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        unknown => panic!("the validator does not know the type `{unknown}`"),
    }
}

/// Patterns are `^`, then items, then `$`; an item is a literal or a class in brackets, with `{n}`, `{n,m}`, `+` or `?`.
/// Repetition is greedy without going back, which the schemas' patterns never need.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pattern = pattern.strip_prefix('^').and_then(|p| p.strip_suffix('$')).expect("anchored");
    let mut text = text.chars().peekable();
    while !pattern.is_empty() {
        let (class, after) = item(pattern);
        let (min, max, after) = repetition(after);
        let mut count = 0;
        while count < max && text.next_if(|&c| class.contains(&c)).is_some() {
            count += 1;
        }
        if count < min {
            return false;
        }
        pattern = after;
    }
    text.next().is_none()
}

fn item(pattern: &str) -> (Vec<char>, &str) {
    if let Some(rest) = pattern.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').expect("a class ends");
        return (class(inside), after);
    }
    let rest = pattern.strip_prefix('\\').unwrap_or(pattern);
    let literal = rest.chars().next().expect("an item");
    (vec![literal], &rest[literal.len_utf8()..])
}

fn class(inside: &str) -> Vec<char> {
    let chars: Vec<char> = inside.chars().collect();
    let mut members = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if chars.get(at + 1) == Some(&'-') && at + 2 < chars.len() {
            members.extend(chars[at]..=chars[at + 2]);
            at += 3;
        } else {
            members.push(chars[at]);
            at += 1;
        }
    }
    members
}

fn repetition(pattern: &str) -> (usize, usize, &str) {
    if let Some(after) = pattern.strip_prefix('+') {
        return (1, usize::MAX, after);
    }
    if let Some(after) = pattern.strip_prefix('?') {
        return (0, 1, after);
    }
    let Some(rest) = pattern.strip_prefix('{') else { return (1, 1, pattern) };
    let (counts, after) = rest.split_once('}').expect("a repetition ends");
    let (min, max) = counts.split_once(',').unwrap_or((counts, counts));
    (min.parse().unwrap(), max.parse().unwrap(), after)
}

#[test]
fn the_validator_finds_what_does_not_fit() {
    let root = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": { "a": { "type": "string", "pattern": "^[a-z0-9-]{2,4}x?\\.$" }, "b": { "oneOf": [
            { "type": "integer", "maximum": 9 }, { "const": "many" }
        ] } }
    });
    let schema = Schema { root };
    let problems = |value: Value| schema.problems(&value).len();
    assert_eq!(problems(serde_json::json!({ "a": "a-9.", "b": 9 })), 0);
    assert_eq!(problems(serde_json::json!({ "a": "ab.", "b": "many" })), 0);
    assert_eq!(problems(serde_json::json!({ "a": "A.", "b": 10, "c": 1 })), 3);
    assert_eq!(problems(serde_json::json!([])), 1);
    assert_eq!(problems(serde_json::json!({})), 1);
}

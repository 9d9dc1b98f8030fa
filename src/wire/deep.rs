//! Lists of records that lie deeper than under a key of the root: OpenTelemetry's log records, and what GraphQL answers
//! with. Only where they lie and what they say is told here; reading them is the decoder's.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Value as Json};

use super::scan::{Kind, Value};

/// Objects between `data` and a list of nodes.
const STEPS_MAX: usize = 4;
/// An object of more keys, or of such a key, is an answer itself, and its lists are its own.
const KEYS_MAX: usize = 6;
const OWN: [&str; 6] = ["title", "name", "severity", "rule", "alert", "description"];

/// Where the nodes of a GraphQL answer lie: `data.X.nodes[]`, `data.X.edges[].node`. None of anything else.
pub(super) fn nodes(record: Value<'_, '_>) -> Vec<Range<usize>> {
    const ANSWER: [&str; 3] = ["data", "errors", "extensions"];
    let mut found = Vec::new();
    if record.members().all(|(key, _)| ANSWER.iter().any(|known| key.is(known)))
        && let Some(data) = member(record, "data")
    {
        connections(data, STEPS_MAX, &mut found);
    }
    found
}

fn connections(object: Value<'_, '_>, steps: usize, found: &mut Vec<Range<usize>>) {
    let own = |(key, _): (super::scan::Key<'_>, Value<'_, '_>)| OWN.iter().any(|own| key.is(own));
    if steps == 0 || object.members().nth(KEYS_MAX).is_some() || object.members().any(own) {
        return;
    }
    for (key, value) in object.members() {
        if key.is("nodes") {
            found.extend(value.elements().filter(is_object).map(|node| node.range()));
        } else if key.is("edges") {
            let nodes = value.elements().filter_map(|edge| member(edge, "node"));
            found.extend(nodes.filter(is_object).map(|node| node.range()));
        } else {
            connections(value, steps - 1, found);
        }
    }
}

fn is_object(value: &Value<'_, '_>) -> bool {
    value.kind() == Kind::Object
}

fn member<'s, 'a>(object: Value<'s, 'a>, name: &str) -> Option<Value<'s, 'a>> {
    object.members().find(|(key, _)| key.is(name)).map(|(_, value)| value)
}

/// One log record of OpenTelemetry's JSON, and the resource that wrote it
/// (<https://opentelemetry.io/docs/specs/otel/logs/data-model/>).
pub(super) struct Log<'s, 'a> {
    record: Value<'s, 'a>,
    resource: Option<Value<'s, 'a>>,
}

/// `resourceLogs[].scopeLogs[].logRecords[]`; the name that scopes had before is known, too.
pub(super) fn logs<'s, 'a>(root: Value<'s, 'a>) -> Vec<Log<'s, 'a>> {
    let mut found = Vec::new();
    for group in member(root, "resourceLogs").into_iter().flat_map(Value::elements) {
        let resource = member(group, "resource").and_then(|resource| member(resource, "attributes"));
        let scopes = ["scopeLogs", "instrumentationLibraryLogs"].into_iter().filter_map(|name| member(group, name));
        let records = scopes.flat_map(Value::elements).filter_map(|scope| member(scope, "logRecords"));
        found.extend(records.flat_map(Value::elements).map(|record| Log { record, resource }));
    }
    found
}

impl<'a> Log<'_, 'a> {
    pub fn range(&self) -> Range<usize> {
        self.record.range()
    }

    /// What was logged, where that is a text, and where it stands.
    pub fn text(&self) -> Option<(Cow<'a, str>, Range<usize>)> {
        let text = member(member(self.record, "body")?, "stringValue").filter(|text| text.kind() == Kind::Text)?;
        Some((text.spelled(), text.range()))
    }

    /// When it was, in nanoseconds since 1970.
    pub fn time(&self) -> Option<&'a str> {
        let time = |name: &str| member(self.record, name).map(|time| time.raw()).filter(|raw| *raw != "0");
        time("timeUnixNano").or_else(|| time("observedTimeUnixNano"))
    }

    /// Of the resource, as a syslog header would say it.
    pub fn around(&self) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        let told = |(attribute, field): (&str, &'static str)| {
            let pair = self.resource?.elements().find(|pair| name_of(*pair).as_deref() == Some(attribute))?;
            let value = member(member(pair, "value")?, "stringValue")?;
            Some((Cow::Borrowed(field), value.spelled()))
        };
        [("host.name", "syslog.host"), ("service.name", "syslog.app")].into_iter().filter_map(told).collect()
    }

    /// All of it as one flat object: what the record says before what its resource does.
    pub fn document(&self) -> String {
        let mut fields = Map::new();
        if let Some(body) = member(self.record, "body") {
            match any(body) {
                Json::Object(body) => fields.extend(body),
                Json::Null => {}
                body => _ = fields.insert("message".to_owned(), body),
            }
        }
        add(&mut fields, member(self.record, "attributes"));
        let mut offer = |name: &str, value: Option<Json>| {
            if let Some(value) = value {
                fields.entry(name).or_insert(value);
            }
        };
        offer("time", self.time().map(Json::from));
        offer("severity", self.severity().map(Json::from));
        offer("event_name", member(self.record, "eventName").map(plain));
        add(&mut fields, self.resource);
        Json::Object(fields).to_string()
    }

    fn severity(&self) -> Option<Cow<'a, str>> {
        const WORDS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];
        let text = member(self.record, "severityText").map(|text| text.spelled()).filter(|text| !text.is_empty());
        text.or_else(|| {
            let number: usize = member(self.record, "severityNumber")?.raw().parse().ok()?;
            WORDS.get(number.checked_sub(1)? / 4).map(|word| Cow::Borrowed(*word))
        })
    }
}

fn name_of<'a>(pair: Value<'_, 'a>) -> Option<Cow<'a, str>> {
    member(pair, "key").filter(|key| key.kind() == Kind::Text).map(|key| key.spelled())
}

/// A list of keys and values. What is there already stays.
fn add(fields: &mut Map<String, Json>, pairs: Option<Value<'_, '_>>) {
    for pair in pairs.into_iter().flat_map(Value::elements) {
        if let (Some(name), Some(value)) = (name_of(pair), member(pair, "value")) {
            fields.entry(name).or_insert_with(|| any(value));
        }
    }
}

/// A value that says its type: `{"stringValue":"x"}`.
fn any(value: Value<'_, '_>) -> Json {
    let Some((kind, inner)) = value.members().next() else { return Json::Null };
    let values = || member(inner, "values");
    if kind.is("kvlistValue") {
        let mut fields = Map::new();
        add(&mut fields, values());
        Json::Object(fields)
    } else if kind.is("arrayValue") {
        Json::Array(values().into_iter().flat_map(Value::elements).map(any).collect())
    } else {
        plain(inner)
    }
}

/// As it is: numbers are exact as what they are written as.
fn plain(value: Value<'_, '_>) -> Json {
    match value.kind() {
        Kind::Number => Json::from(value.raw()),
        _ => serde_json::from_str(value.written()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::scan::document;

    #[test]
    fn nodes_are_found_where_an_answer_has_them_and_nowhere_else() {
        let found = |text: &str| -> Vec<String> {
            nodes(document(text).unwrap().root()).into_iter().map(|at| text[at].to_owned()).collect()
        };
        assert_eq!(found(r#"{"data":{"x":{"nodes":[{"a":1},null,{"a":2}],"n":2}}}"#), [r#"{"a":1}"#, r#"{"a":2}"#]);
        assert_eq!(found(r#"{"data":{"org":{"log":{"edges":[{"node":{"a":1}},{"cursor":"x"}]}}}}"#), [r#"{"a":1}"#]);
        for other in [
            r#"{"data":{"nodes":1}}"#,
            r#"{"data":[{"nodes":[{"a":1}]}]}"#,
            r#"{"data":{"issue":{"title":"x","events":{"nodes":[{"a":1}]}}}}"#,
            r#"{"other":1,"data":{"x":{"nodes":[{"a":1}]}}}"#,
            r#"{"data":{"a":{"b":{"c":{"d":{"nodes":[{"a":1}]}}}}}}"#,
        ] {
            assert_eq!(found(other), [""; 0], "{other}");
        }
    }

    #[test]
    fn a_log_record_is_one_object() {
        let text = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"web-1"}},
            {"key":"user","value":{"stringValue":"nobody"}}]},"scopeLogs":[{"logRecords":[
            {"timeUnixNano":"1785574800123456789","severityNumber":17,"body":{"stringValue":"it \"failed\""},
             "attributes":[{"key":"user","value":{"stringValue":"ann"}},{"key":"n","value":{"intValue":"7"}},
             {"key":"l","value":{"arrayValue":{"values":[{"boolValue":true},{"doubleValue":1.5}]}}}]},
            {"observedTimeUnixNano":"5","timeUnixNano":"0","body":{"kvlistValue":{"values":[
             {"key":"a","value":{"kvlistValue":{"values":[{"key":"b","value":{"intValue":1}}]}}}]}}}, {}, 7]}]}]}"#;
        let scan = document(text).unwrap();
        let documents: Vec<String> = logs(scan.root()).iter().map(Log::document).collect();
        let wanted = [
            r#"{"host.name":"web-1","l":[true,"1.5"],"message":"it \"failed\"","n":"7","severity":"error","time":"1785574800123456789","user":"ann"}"#,
            r#"{"a":{"b":"1"},"host.name":"web-1","time":"5","user":"nobody"}"#,
            r#"{"host.name":"web-1","user":"nobody"}"#,
            r#"{"host.name":"web-1","user":"nobody"}"#,
        ];
        assert_eq!(documents, wanted);
        let logs = logs(scan.root());
        let (said, at) = logs[0].text().unwrap();
        assert_eq!((&*said, &text[at]), ("it \"failed\"", r#""it \"failed\"""#));
        assert_eq!(logs[0].around(), [("syslog.host".into(), "web-1".into())]);
    }
}

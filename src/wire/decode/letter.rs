//! What a dead letter of one element carries where the element has no bytes of its own in the record, or needs what lies
//! around it: the record put together again with that element alone. It reads as the element did, and brings nobody else
//! back.

use std::ops::Range;

use crate::wire::json;

/// A text, and the place in it that a document has, as its letter is put together from the inside out.
pub(super) struct Outer<'p> {
    pub text: &'p str,
    pub hole: Hole<'p>,
    pub outer: Option<&'p Outer<'p>>,
}

pub(super) enum Hole<'p> {
    /// The document stands there as it is.
    Plain(Range<usize>),
    /// It is a JSON string there.
    Quoted(Range<usize>),
    /// It is a JSON string of base64 there.
    Encoded(Range<usize>),
    /// It was written anew from all of that text.
    Whole,
    /// It is one of these; the others are left out.
    OneOf(&'p [Range<usize>], usize),
}

/// `text` within all that lies around it. Hardly longer than the record was: what is written anew is written the shortest
/// way. None where elements lie in one another, so that one cannot be taken without the others.
pub(super) fn composed(text: &str, outer: Option<&Outer<'_>>) -> Option<String> {
    let mut letter = text.to_owned();
    let mut around = outer;
    while let Some(Outer { text, hole, outer }) = around {
        letter = match hole {
            Hole::Plain(at) => filled(text, at, &letter)?,
            Hole::Quoted(at) => filled(text, at, &quoted(&letter))?,
            Hole::Encoded(at) => filled(text, at, &quoted(&encoded(&letter)))?,
            Hole::Whole => (*text).to_owned(),
            Hole::OneOf(elements, n) => with_one(text, elements, *n, &letter)?,
        };
        around = *outer;
    }
    Some(letter)
}

fn filled(text: &str, at: &Range<usize>, inner: &str) -> Option<String> {
    Some([text.get(..at.start)?, inner, text.get(at.end..)?].concat())
}

fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    json::string(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// `text` with `inner` for the `n`th of `elements`, and without the others. They may be of several lists.
fn with_one(text: &str, elements: &[Range<usize>], n: usize, inner: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (i, element) in elements.iter().enumerate() {
        let between = text.get(at..element.start)?;
        if i == 0 || between.trim() != "," {
            out.push_str(between);
        }
        if i == n {
            out.push_str(inner);
        } else if out.trim_end().ends_with(':') {
            // It is no list's item but some object's member.
            out.push_str("null");
        }
        at = element.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// `text` with `null` for those of `elements` that `bad` names.
pub(super) fn without(text: &str, elements: &[Range<usize>], bad: impl Fn(usize) -> bool) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (_, element) in elements.iter().enumerate().filter(|(i, _)| bad(*i)) {
        out.push_str(text.get(at..element.start)?);
        out.push_str("null");
        at = element.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where each of `words` stands.
    fn places(text: &str, words: &[&str]) -> Vec<Range<usize>> {
        let place = |word: &&str| text.find(*word).map(|at| at..at + word.len()).unwrap();
        words.iter().map(place).collect()
    }

    #[test]
    fn one_element_is_left_of_all_lists() {
        let text = r#"{"a":[ 1 , 2,3 ],"b":[4],"c":0}"#;
        let elements = places(text, &["1", "2", "3", "4"]);
        assert_eq!(with_one(text, &elements, 1, "2").unwrap(), r#"{"a":[ 2 ],"b":[],"c":0}"#);
        assert_eq!(with_one(text, &elements, 3, "x").unwrap(), r#"{"a":[  ],"b":[x],"c":0}"#);
        assert_eq!(without(text, &elements, |i| i != 1).unwrap(), r#"{"a":[ null , 2,null ],"b":[null],"c":0}"#);
        let edges = r#"{"e":[{"node":{"a":1}},{"node":{"a":2}}]}"#;
        let nodes = places(edges, &[r#"{"a":1}"#, r#"{"a":2}"#]);
        assert_eq!(with_one(edges, &nodes, 1, "x").unwrap(), r#"{"e":[{"node":null},{"node":x}]}"#);
        assert_eq!(with_one(text, &[0..9, 3..5], 0, "x"), None, "one lies in the other");
    }

    #[test]
    fn a_letter_is_wrapped_as_its_element_was() {
        let line = "<13>1 host {\"m\":\"…\"} .";
        let (json, string) = (places(line, &["{\"m\":\"…\"}"]).remove(0), 5..10);
        let outer = Outer { text: line, hole: Hole::Plain(json.clone()), outer: None };
        let member = Outer { text: &line[json], hole: Hole::Quoted(string), outer: Some(&outer) };
        assert_eq!(composed("[\"\u{1}é\"]", Some(&member)).unwrap(), "<13>1 host {\"m\":\"[\\\"\\u0001é\\\"]\"} .");
        let member = Outer { text: "{\"d\":\"\"}", hole: Hole::Encoded(5..7), outer: None };
        assert_eq!(composed("hi", Some(&member)).unwrap(), "{\"d\":\"aGk=\"}");
        assert_eq!(composed("hi", None).unwrap(), "hi");
    }
}

//! What one pass accepts, refuses and notes.

use super::*;

fn limits() -> Limits {
    Limits {
        record_bytes_max: 1 << 18,
        depth_max: 32,
        observables_max: 64,
        entities_max: 32,
        string_bytes_max: 8192,
        elements_max: 100,
    }
}

fn fault(raw: &[u8]) -> Option<RejectReason> {
    match scan(raw, &limits()) {
        Ok(scan) => scan.fault.map(|fault| fault.reason),
        Err(fault) => Some(fault.reason),
    }
}

#[test]
fn sound_json_passes() {
    for raw in [
        "{}",
        "[]",
        " [ ] ",
        "0",
        "-0.5e+3",
        "\"a\"",
        "true",
        "null",
        r#"{"a":[1,{"b":null}],"c":"\u00e9\n"}"#,
        r#"{"a":{"a":1},"b":{"a":1}}"#,
        r#"[{"a":1},{"a":1}]"#,
        r#"{"x":"\ud83d\ude00"}"#,
        "{\"a\" : 1 , \"b\" : 2}",
    ] {
        assert_eq!(fault(raw.as_bytes()), None, "{raw}");
    }
}

#[test]
fn what_is_not_json_is_named_with_its_place() {
    for raw in [
        "{",
        "}",
        "[",
        "[1,]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "01",
        "1.",
        "-",
        "1e",
        "tru",
        "nul",
        "[1 2]",
        "{} {}",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\u{1}\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "NaN",
        "[1}",
        "{\"a\":1]",
        "+1",
        ".5",
        "\"\\",
    ] {
        assert_eq!(fault(raw.as_bytes()), Some(RejectReason::NotJson), "{raw}");
    }
    let cut = scan(br#"{"a":1,"b":"#, &limits()).unwrap_err();
    assert_eq!(cut.at, 11);
}

#[test]
fn duplicates_are_found_however_they_are_written() {
    for raw in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"{"x":[{"b":{"k":1,"k":1}}]}"#, r#"{"":1,"":2}"#] {
        assert_eq!(fault(raw.as_bytes()), Some(RejectReason::DuplicateKey), "{raw}");
    }
    let many: Vec<String> = (0..1_000).map(|i| format!("\"k{i}\":{i}")).collect();
    assert_eq!(fault(format!("{{{}}}", many.join(",")).as_bytes()), None);
    assert_eq!(fault(format!("{{{},\"k7\":0}}", many.join(",")).as_bytes()), Some(RejectReason::DuplicateKey));
}

#[test]
fn depth_counts_everywhere() {
    let nested = |depth: usize| format!("{}0{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(fault(nested(32).as_bytes()), None);
    assert_eq!(fault(nested(33).as_bytes()), Some(RejectReason::TooDeep));
    assert_eq!(fault(format!("{{\"a\":{}}}", nested(40_000)).as_bytes()), Some(RejectReason::TooDeep));
    assert_eq!(fault("[".repeat(200_000).as_bytes()), Some(RejectReason::NotJson));
}

#[test]
fn an_elements_fault_is_its_own() {
    let raw = br#"{"time":"now","records":[{"a":1},{"a":1,"a":2}, 3 ],"x":[4]}"#;
    let scan = scan(raw, &limits()).unwrap();
    let elements: Vec<&str> = scan.elements.unwrap().into_iter().map(|range| &scan.text[range]).collect();
    assert_eq!(elements, [r#"{"a":1}"#, r#"{"a":1,"a":2}"#, "3"]);
    assert!(scan.fault.is_some() && scan.envelope_fault.is_none());
}

#[test]
fn an_envelope_with_two_lists_is_refused() {
    let scan = scan(br#"{"records":[1],"records":[2]}"#, &limits()).unwrap();
    assert_eq!(scan.envelope_fault.map(|fault| fault.reason), Some(RejectReason::DuplicateKey));
}

#[test]
fn sizes_and_counts_are_bounded() {
    assert_eq!(fault(b""), Some(RejectReason::Empty));
    assert_eq!(fault(b" \n"), Some(RejectReason::Empty));
    assert_eq!(fault(&[b' '; (1 << 18) + 1]), Some(RejectReason::TooLarge));
    assert_eq!(fault(format!("[{}1]", "1,".repeat(100)).as_bytes()), Some(RejectReason::TooManyElements));
    assert_eq!(fault(b"{\"a\":\"\xff\"}"), Some(RejectReason::NotUtf8));
}

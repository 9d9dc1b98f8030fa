//! Records that nobody can read, a dozen kinds in turn. Numbered where the kind allows it, so that a test can tell
//! one from another.

pub(super) const KINDS: u64 = 14;

pub(super) fn record(number: u64) -> Vec<u8> {
    match number % KINDS {
        0 => format!(r#"{{"schema_version":"1.0","title":"cut off {number}","event_time":"2026-"#).into_bytes(),
        1 => bad_utf8(number),
        2 => deep(number),
        3 => {
            format!(r#"{{"title":"twice","number":{number},"title":"again","source":{{"product":"x"}}}}"#).into_bytes()
        }
        4 => {
            format!(r#"{{"schema_version":"1.0","title":"no time {number}","source":{{"product":"x"}}}}"#).into_bytes()
        }
        5 => Vec::new(),
        6 => huge(number),
        7 => format!(r#"[{number},"junk",null]"#).into_bytes(),
        8 => wrong_types(number),
        9 => format!("number {number} is a line of words, and no product's").into_bytes(),
        10 => format!(r#"{{"schema_version":"9.0","number":{number}}}"#).into_bytes(),
        11 => format!(r#""just a string {number}""#).into_bytes(),
        12 => format!(r#"{{"number":{number},}}"#).into_bytes(),
        _ => bad_time(number),
    }
}

fn bad_utf8(number: u64) -> Vec<u8> {
    let mut bytes = format!(r#"{{"schema_version":"1.0","number":{number},"ignored":""#).into_bytes();
    bytes.extend_from_slice(b"\xff\xc0\xaf\"}");
    bytes
}

fn deep(number: u64) -> Vec<u8> {
    let depth = 2_000;
    format!(r#"{{"number":{number},"ignored":{}{}}}"#, "[".repeat(depth), "]".repeat(depth)).into_bytes()
}

fn huge(number: u64) -> Vec<u8> {
    format!(r#"{{"schema_version":"1.0","number":{number},"title":"{}"}}"#, "A".repeat(300 * 1024)).into_bytes()
}

fn wrong_types(number: u64) -> Vec<u8> {
    format!(
        r#"{{"schema_version":"1.0","title":{number},"event_time":"2026-01-01T00:00:00Z","source":"none","entities":7}}"#
    )
    .into_bytes()
}

fn bad_time(number: u64) -> Vec<u8> {
    format!(
        r#"{{"schema_version":"1.0","title":"bad time {number}","event_time":"yesterday","source":{{"product":"x"}}}}"#
    )
    .into_bytes()
}

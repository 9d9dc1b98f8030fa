//! What goes beside the untouched bytes of a dead letter: why it is there, where it came from, and those headers of the
//! record that decide how it is read, so that it can be sent again as it was.

use super::canonical::text::neutral;
use crate::config::TenantRule;
use crate::model::Origin;

/// What fits into the detail; the bytes themselves are the record's value.
const DETAIL_BYTES_MAX: usize = 1_024;

/// The headers of one dead letter, in a fixed order. `reason` is of the closed set of whoever rejected it.
#[must_use]
pub fn headers(
    reason: &str,
    detail: &str,
    topic: &str,
    partition: i32,
    offset: i64,
    profile: Option<&str>,
    index: Option<u32>,
) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("reason", reason.to_owned()),
        ("detail", printable(detail)),
        ("topic", topic.to_owned()),
        ("partition", partition.to_string()),
        ("offset", offset.to_string()),
    ];
    headers.extend(profile.map(|profile| ("profile", profile.to_owned())));
    headers.extend(index.map(|index| ("index", index.to_string())));
    headers
}

/// Headers of the rejected record that say how to read it, under this prefix.
pub const KEPT: &str = "header.";
/// On a record that was sent again: the dead letter it was, `topic:partition:offset`.
pub const RESUBMITTED_FROM: &str = "resubmitted_from";
const KEPT_NAMES: [&str; 4] = ["tenant", "content-type", "traceparent", RESUBMITTED_FROM];
const KEPT_BYTES_MAX: usize = 1_024;

/// Names and values of what is kept of a record's headers: what we read, and what the source's tenant rules read. Values
/// that no honest sender would send are left out.
#[must_use]
pub fn kept(headers: &[(&str, &[u8])], rules: &[TenantRule]) -> Vec<(String, Vec<u8>)> {
    let ruled = |name: &str| rules.iter().any(|rule| matches!(rule, TenantRule::Header(header) if header == name));
    let mut kept: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in headers {
        let wanted = (KEPT_NAMES.contains(name) || ruled(name)) && value.len() <= KEPT_BYTES_MAX;
        // Of a name that comes twice the first counts, as it does for the tenant.
        if wanted && !kept.iter().any(|(known, _)| known.strip_prefix(KEPT) == Some(name)) {
            kept.push((format!("{KEPT}{name}"), value.to_vec()));
        }
    }
    kept
}

/// A dead letter's headers, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter<'a> {
    pub reason: &'a str,
    pub detail: &'a str,
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    pub profile: Option<&'a str>,
    /// Which element of the record it was.
    pub index: Option<u32>,
    /// The length of the whole, where the value was cut.
    pub cut_from_bytes: Option<u64>,
    /// The record's own headers, by their own names.
    pub kept: Vec<(&'a str, &'a [u8])>,
}

/// None if these are not the headers of a dead letter of ours: anybody may write to the topic.
#[must_use]
pub fn read<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Option<Letter<'a>> {
    let headers: Vec<(&str, &[u8])> = headers.collect();
    let text = |name: &str| {
        let (_, value) = headers.iter().find(|(known, _)| *known == name)?;
        std::str::from_utf8(value).ok()
    };
    Some(Letter {
        reason: text("reason")?,
        detail: text("detail").unwrap_or_default(),
        topic: text("topic")?,
        partition: text("partition")?.parse().ok()?,
        offset: text("offset")?.parse().ok()?,
        profile: text("profile"),
        index: text("index").and_then(|index| index.parse().ok()),
        cut_from_bytes: text("cut_from_bytes").and_then(|bytes| bytes.parse().ok()),
        kept: headers.iter().filter_map(|(name, value)| Some((name.strip_prefix(KEPT)?, *value))).collect(),
    })
}

/// Foreign bytes as a line of text that a terminal obeys in nothing, at most `bytes_max` of them.
#[must_use]
pub fn shown(bytes: &[u8], bytes_max: usize) -> String {
    let cut = &bytes[..bytes.len().min(bytes_max)];
    neutral(&String::from_utf8_lossy(cut)).into_owned()
}

/// The key of one dead letter: the source position of the record, the same for all elements of it.
#[must_use]
pub fn key(origin: &Origin) -> String {
    format!("{}/{}/{}", origin.topic.as_str(), origin.partition, origin.offset)
}

/// Bounded, and without controls that a terminal would obey: the detail may quote the sender.
fn printable(detail: &str) -> String {
    neutral(&detail[..detail.floor_char_boundary(DETAIL_BYTES_MAX)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TopicName;

    #[test]
    fn a_dead_letter_says_why_and_from_where() {
        let headers = headers("not_json", "at byte 3: \u{1b}[31m", "edr.alerts", 2, 77, Some("native"), Some(4));
        let named: Vec<_> = headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = "reason=not_json detail=at byte 3: \u{fffd}[31m topic=edr.alerts partition=2 offset=77 \
                        profile=native index=4";
        assert_eq!(named.join(" "), expected);
        let origin = Origin { topic: TopicName::new("edr.alerts"), partition: 2, offset: 77, index: 4 };
        assert_eq!(key(&origin), "edr.alerts/2/77");
    }

    #[test]
    fn the_detail_is_bounded() {
        let headers = headers("bad_value", &"é".repeat(9_000), "t", 0, 0, None, None);
        assert!(headers[1].1.len() <= DETAIL_BYTES_MAX && headers.len() == 5);
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut written: Vec<(String, Vec<u8>)> =
            headers("bad_tenant", "no", "edr.alerts", 2, 77, Some("native"), None)
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into_bytes()))
                .collect();
        let sent: [(&str, &[u8]); 5] = [
            ("tenant", b"acme"),
            ("x-org", b"\xff"),
            ("reason", b"a header of the sender's"),
            ("tenant", b"second"),
            ("traceparent", &[b'0'; 5_000]),
        ];
        written.extend(kept(&sent, &[TenantRule::Header("x-org".to_owned())]));
        let letter = read(written.iter().map(|(name, value)| (name.as_str(), value.as_slice()))).unwrap();
        assert_eq!((letter.reason, letter.topic, letter.partition, letter.offset), ("bad_tenant", "edr.alerts", 2, 77));
        assert_eq!(letter.kept, [("tenant", &b"acme"[..]), ("x-org", &b"\xff"[..])]);
        assert_eq!((letter.profile, letter.index, letter.cut_from_bytes), (Some("native"), None, None));
    }

    #[test]
    fn what_others_write_to_the_topic_is_no_letter() {
        for headers in [
            vec![],
            vec![("reason", &b"not_json"[..]), ("topic", b"t"), ("partition", b"0")],
            vec![("reason", &b"\xff"[..]), ("topic", b"t"), ("partition", b"0"), ("offset", b"1")],
            vec![("reason", &b"not_json"[..]), ("topic", b"t"), ("partition", b"none"), ("offset", b"1")],
        ] {
            assert_eq!(read(headers.into_iter()), None);
        }
    }

    #[test]
    fn bytes_are_shown_without_what_a_terminal_obeys() {
        assert_eq!(shown(b"a\x1b[31m\n\xffb\xe2\x80\xaec", 100), "a\u{fffd}[31m\u{fffd}\u{fffd}b\u{fffd}c");
        assert_eq!(shown(b"abcdef", 3), "abc");
    }
}

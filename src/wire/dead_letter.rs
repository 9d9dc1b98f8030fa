//! What goes beside the untouched bytes of a dead letter: why it is there and where it came from.

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

/// The key of one dead letter: the source position of the record, the same for all elements of it.
#[must_use]
pub fn key(origin: &Origin) -> String {
    format!("{}/{}/{}", origin.topic.as_str(), origin.partition, origin.offset)
}

/// Bounded, and without controls that a terminal would obey: the detail may quote the sender.
fn printable(detail: &str) -> String {
    let cut = &detail[..detail.floor_char_boundary(DETAIL_BYTES_MAX)];
    cut.chars().map(|c| if super::command::is_hostile(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
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
}

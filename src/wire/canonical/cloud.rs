//! Canonical forms of what clouds and clusters name: resources and containers. Who acts in a cloud is `name`'s.

use std::borrow::Cow;

use super::code::is_hex;
use super::text::{folded_value, kept_value, without_prefix};
use super::windows::number;

/// ARNs and Google names as they are, since case counts there; Azure ids in lower case, since there it does not.
#[must_use]
pub fn resource(raw: &str) -> Option<Cow<'_, str>> {
    let raw = raw.trim();
    if raw.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("arn:")) {
        return arn(raw);
    }
    if let Some(id) = azure(raw) {
        return Some(id);
    }
    match google(raw) {
        Some(name) => Some(Cow::Owned(name)),
        None => kept_value(raw),
    }
}

/// `arn:partition:service:region:account:resource`; any but the resource may be empty in some service.
fn arn(raw: &str) -> Option<Cow<'_, str>> {
    let raw = raw.trim_end_matches(':');
    let names_something = raw.splitn(6, ':').count() == 6;
    if !names_something {
        return None;
    }
    let value = kept_value(raw)?;
    Some(if value.starts_with("arn:") { value } else { Cow::Owned(format!("arn:{}", &value[4..])) })
}

/// `/subscriptions/…`, also without its slash or below the address of the resource manager.
fn azure(raw: &str) -> Option<Cow<'_, str>> {
    let bare = without_prefix(raw, "https://management.azure.com").unwrap_or(raw);
    let rooted = ["/subscriptions/", "/providers/", "/tenants/"];
    let is = |prefix: &str| without_prefix(bare, prefix).is_some_and(|rest| !rest.is_empty());
    if rooted.into_iter().any(is) {
        return folded_value(bare.trim_end_matches('/'));
    }
    // Only with its slash is a word such as `providers` sure to begin an id.
    let id =
        without_prefix(bare, "subscriptions/").filter(|rest| super::windows::is_guid(rest.get(..36).unwrap_or("")))?;
    let id = folded_value(id.trim_end_matches('/'))?;
    Some(Cow::Owned(format!("/subscriptions/{id}")))
}

/// `//compute.googleapis.com/projects/…` from a link to the same (`https://www.googleapis.com/compute/v1/projects/…`).
fn google(raw: &str) -> Option<String> {
    let (host, path) = without_prefix(raw, "https://")?.split_once('/')?;
    let service = match without_prefix(host, "www.googleapis.com") {
        Some("") => path.split_once('/')?.0,
        _ => host.strip_suffix(".googleapis.com")?,
    };
    let at = ["projects/", "organizations/", "folders/"].iter().filter_map(|root| root_of(path, root)).min()?;
    let plain = service.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let name = kept_value(path[at..].trim_end_matches('/'))?;
    (plain && !service.is_empty()).then(|| format!("//{}.googleapis.com/{name}", service.to_ascii_lowercase()))
}

/// Where `root` begins a segment of a path, behind the service and its version at most.
fn root_of(path: &str, root: &str) -> Option<usize> {
    let at = path.find(root)?;
    let before = path[..at].matches('/').count();
    (before <= 2 && (at == 0 || path.as_bytes()[at - 1] == b'/')).then_some(at)
}

/// The first twelve digits of an id, as Docker prints it, whatever runtime, scope or length it came with. A name (an
/// image, a pod with its namespace) in lower case.
#[must_use]
pub fn container(raw: &str) -> Option<Cow<'_, str>> {
    const SHORT: usize = 12;
    let raw = raw.trim();
    let bare = raw.split_once("://").map_or(raw, |(_, id)| id);
    let bare = bare.strip_suffix(".scope").map_or(bare, |unit| unit.rsplit_once('-').map_or(unit, |(_, id)| id));
    let bare = without_prefix(bare, "sha256:").filter(|digits| digits.len() == 64).unwrap_or(bare);
    if matches!(bare.len(), SHORT | 64) && is_hex(bare) {
        let nil = bare.bytes().all(|byte| byte == b'0');
        return (!nil).then(|| super::text::lower(&bare[..SHORT]));
    }
    // Falco's word for "in none".
    folded_value(bare).filter(|name| name != "host")
}

/// A process id in decimal: one log writes `0x1f4`, the next 500. The idle process, 0, does nothing.
#[must_use]
pub fn process_id(raw: &str) -> Option<Cow<'_, str>> {
    let raw = raw.trim();
    let id = number(raw).filter(|id| *id != 0)?;
    let same = raw.bytes().all(|byte| byte.is_ascii_digit()) && !raw.starts_with('0');
    Some(if same { Cow::Borrowed(raw) } else { Cow::Owned(id.to_string()) })
}

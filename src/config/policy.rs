//! The `[policy]` table: from what was said to `engine::Policy`, and back to one canonical text. The text is what is
//! stored and hashed, so it names every key in a fixed order, and reading it gives the same policy on any version that
//! knows those keys, whatever its own defaults have become.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use sha2::{Digest, Sha256};

use super::duration::show_span;
use super::error::{ConfigError, Problem};
use super::raw::{RawConfig, Section};
use crate::engine::{KindPolicy, Policy, Reopen};
use crate::model::{KeyKind, Millis};

const DAY: u64 = 86_400_000;
const SPAN_MAX: u64 = 366 * DAY;
const LATENESS_MAX: u64 = 7 * DAY;
const PERMILLE_MAX: u16 = 1_000;
const CAP_MAX: u32 = 1_000_000;
const PARTS_MAX: u32 = 4_096;
const STOP_VALUES_MAX: usize = 1_000;
const STRANGERS_MAX: u16 = 100;
const HOURS_MAX: u8 = 24;

/// What `policy_text` wrote. The digest is that of `text` as it stands, so that it still names what old events carry.
pub fn parse_policy(text: &str) -> Result<Policy, ConfigError> {
    let policy = RawConfig::parse(text)?.read(|root| root.table("policy", read))?;
    Ok(Policy { digest: digest(text), ..policy })
}

/// The whole policy as a `[policy]` table: every key, sorted where order says nothing.
#[must_use]
pub fn policy_text(policy: &Policy) -> String {
    let mut text = String::from("[policy]\n");
    scalars(policy, &mut text);
    text.push_str("\n[policy.stop_list]\n");
    for kind in KeyKind::ALL {
        line(&mut text, kind.label(), &list(policy, kind));
    }
    for kind in KeyKind::ALL {
        let _ = writeln!(text, "\n[policy.kind.{}]", kind.label());
        let KindPolicy { weight_permille, window, hub_machines } = policy.kind(kind);
        line(&mut text, "weight", &weight_permille.to_string());
        line(&mut text, "window", &quoted(&show_span(window)));
        line(&mut text, "hub_machines", &hub_machines.to_string());
    }
    text
}

/// A policy with the digest of its canonical text, and that text.
pub(super) fn sealed(policy: Policy) -> (Policy, String) {
    let text = policy_text(&policy);
    (Policy { digest: digest(&text), ..policy }, text)
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn scalars(policy: &Policy, text: &mut String) {
    let span = |value: Millis| quoted(&show_span(value));
    for (key, value) in [
        ("attach_permille", policy.attach_permille.to_string()),
        ("merge_permille", policy.merge_permille.to_string()),
        ("mention_permille", policy.mention_permille.to_string()),
        ("dedup_window", span(policy.dedup_window)),
        ("dedup_window_max", span(policy.dedup_window_max)),
        ("alert_id_window", span(policy.alert_id_window)),
        ("hub_window", span(policy.hub_window)),
        ("hub_strangers", policy.hub_strangers.to_string()),
        ("hub_kept", span(policy.hub_kept)),
        ("part_idle", span(policy.part_idle)),
        ("part_idle_anonymous", span(policy.part_idle_anonymous)),
        ("background_hours", policy.background_hours.to_string()),
        ("background_hours_late", policy.background_hours_late.to_string()),
        ("background_permille", policy.background_permille.to_string()),
        ("burst_count", policy.burst_count.to_string()),
        ("burst_factor", policy.burst_factor.to_string()),
        ("roll_up_quiet", span(policy.roll_up_quiet)),
        ("spread_wide_permille", policy.spread_wide_permille.to_string()),
        ("soft_cap", policy.soft_cap.to_string()),
        ("hard_cap", policy.hard_cap.to_string()),
        ("parts_per_case_max", policy.parts_per_case_max.to_string()),
        ("flood_count", policy.flood_count.to_string()),
        ("flood_window", span(policy.flood_window)),
        ("quiet", span(policy.quiet)),
        ("reopen", quoted(reopen_label(policy.reopen))),
        ("reopen_window", span(policy.reopen_window)),
        ("lateness", span(policy.lateness)),
        ("future_skew", span(policy.future_skew)),
        ("repeat_told_after", span(policy.repeat_told_after)),
    ] {
        line(text, key, &value);
    }
}

fn line(text: &mut String, key: &str, value: &str) {
    let _ = writeln!(text, "{key} = {value}");
}

fn list(policy: &Policy, kind: KeyKind) -> String {
    let mut values: Vec<&str> = policy.stop_list.iter().filter(|(of, _)| *of == kind).map(|(_, v)| &**v).collect();
    values.sort_unstable();
    values.dedup();
    format!("[{}]", values.into_iter().map(quoted).collect::<Vec<_>>().join(", "))
}

/// A TOML basic string.
fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => drop(write!(out, "\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

const REOPEN_CHOICES: &str = "never, same_case or new_case_follows";

fn reopen_label(reopen: Reopen) -> &'static str {
    match reopen {
        Reopen::Never => "never",
        Reopen::SameCase => "same_case",
        Reopen::NewCaseFollows => "new_case_follows",
    }
}

/// Checks every key on its own and then those that must agree.
pub(super) fn read(section: &Section<'_>) -> Result<Policy, ConfigError> {
    let default = Policy::default();
    let permille = |key, default| section.number(key, default, 1..=PERMILLE_MAX);
    let policy = Policy {
        digest: default.digest,
        kinds: section.table("kind", |kinds| read_kinds(kinds, default.kinds))?,
        attach_permille: permille("attach_permille", default.attach_permille)?,
        merge_permille: permille("merge_permille", default.merge_permille)?,
        mention_permille: section.number("mention_permille", default.mention_permille, 0..=PERMILLE_MAX)?,
        dedup_window: span(section, "dedup_window", default.dedup_window, 0..=SPAN_MAX)?,
        dedup_window_max: span(section, "dedup_window_max", default.dedup_window_max, 0..=SPAN_MAX)?,
        alert_id_window: span(section, "alert_id_window", default.alert_id_window, 0..=SPAN_MAX)?,
        hub_window: span(section, "hub_window", default.hub_window, 2..=SPAN_MAX)?,
        hub_strangers: section.number("hub_strangers", default.hub_strangers, 2..=STRANGERS_MAX)?,
        hub_kept: span(section, "hub_kept", default.hub_kept, 0..=SPAN_MAX)?,
        part_idle: span(section, "part_idle", default.part_idle, 0..=SPAN_MAX)?,
        part_idle_anonymous: span(section, "part_idle_anonymous", default.part_idle_anonymous, 0..=SPAN_MAX)?,
        background_hours: section.number("background_hours", default.background_hours, 2..=HOURS_MAX)?,
        background_hours_late: section.number("background_hours_late", default.background_hours_late, 2..=HOURS_MAX)?,
        background_permille: section.number("background_permille", default.background_permille, 0..=PERMILLE_MAX)?,
        burst_count: section.number("burst_count", default.burst_count, 1..=CAP_MAX)?,
        burst_factor: section.number("burst_factor", default.burst_factor, 1..=CAP_MAX)?,
        roll_up_quiet: span(section, "roll_up_quiet", default.roll_up_quiet, 0..=DAY)?,
        spread_wide_permille: section.number("spread_wide_permille", default.spread_wide_permille, 0..=PERMILLE_MAX)?,
        soft_cap: section.number("soft_cap", default.soft_cap, 1..=CAP_MAX)?,
        hard_cap: section.number("hard_cap", default.hard_cap, 1..=CAP_MAX)?,
        parts_per_case_max: section.number("parts_per_case_max", default.parts_per_case_max, 1..=PARTS_MAX)?,
        flood_count: section.number("flood_count", default.flood_count, 1..=CAP_MAX)?,
        flood_window: span(section, "flood_window", default.flood_window, 1_000..=DAY)?,
        quiet: span(section, "quiet", default.quiet, 1_000..=SPAN_MAX)?,
        reopen: read_reopen(section, default.reopen)?,
        reopen_window: span(section, "reopen_window", default.reopen_window, 0..=SPAN_MAX)?,
        lateness: span(section, "lateness", default.lateness, 0..=LATENESS_MAX)?,
        future_skew: span(section, "future_skew", default.future_skew, 0..=DAY)?,
        repeat_told_after: span(section, "repeat_told_after", default.repeat_told_after, 0..=DAY)?,
        stop_list: section.table("stop_list", |lists| read_stop_list(lists, &default.stop_list))?,
    };
    agree(section, &policy)?;
    Ok(policy)
}

fn agree(section: &Section<'_>, policy: &Policy) -> Result<(), ConfigError> {
    let at_least = |key, value: i64, other, least: i64, show: fn(i64) -> String| {
        let below = || Problem::Below { value: show(value), other, least: show(least) };
        if value < least { Err(section.wrong(key, below())) } else { Ok(()) }
    };
    let number = |value: i64| value.to_string();
    let time = |value: i64| show_span(Millis(value));
    let (attach, merge) = (policy.attach_permille.into(), policy.merge_permille.into());
    at_least("merge_permille", merge, "attach_permille", attach, number)?;
    at_least("hard_cap", policy.hard_cap.into(), "soft_cap", policy.soft_cap.into(), number)?;
    at_least("dedup_window_max", policy.dedup_window_max.0, "dedup_window", policy.dedup_window.0, time)
}

fn span(section: &Section<'_>, key: &str, default: Millis, range: RangeInclusive<u64>) -> Result<Millis, ConfigError> {
    let default = u64::try_from(default.0).unwrap_or(0);
    let millis = section.duration(key, default, range)?;
    Ok(Millis(i64::try_from(millis).unwrap_or(i64::MAX)))
}

fn read_reopen(section: &Section<'_>, default: Reopen) -> Result<Reopen, ConfigError> {
    match section.text("reopen")? {
        None => Ok(default),
        Some("never") => Ok(Reopen::Never),
        Some("same_case") => Ok(Reopen::SameCase),
        Some("new_case_follows") => Ok(Reopen::NewCaseFollows),
        Some(other) => Err(section.wrong("reopen", Problem::Choice(other.to_owned(), REOPEN_CHOICES))),
    }
}

type Kinds = [KindPolicy; KeyKind::ALL.len()];

fn read_kinds(section: &Section<'_>, mut kinds: Kinds) -> Result<Kinds, ConfigError> {
    for kind in KeyKind::ALL {
        let default = kinds[kind.index()];
        kinds[kind.index()] = section.table(kind.label(), |one| {
            Ok(KindPolicy {
                weight_permille: one.number("weight", default.weight_permille, 0..=PERMILLE_MAX)?,
                window: span(one, "window", default.window, 0..=SPAN_MAX)?,
                hub_machines: {
                    // Its name until machines were counted instead of cases; old policies in stores still say so.
                    let before = one.number("hub_cases", default.hub_machines, 1..=u16::MAX)?;
                    one.number("hub_machines", before, 1..=u16::MAX)?
                },
            })
        })?;
    }
    Ok(kinds)
}

type StopList = Vec<(KeyKind, Box<str>)>;

/// A kind's list replaces that kind's default list; the others keep theirs. Sorted, so that equal lists are equal.
fn read_stop_list(section: &Section<'_>, default: &[(KeyKind, Box<str>)]) -> Result<StopList, ConfigError> {
    let mut list = StopList::new();
    for kind in KeyKind::ALL {
        match section.texts(kind.label())? {
            None => list.extend(default.iter().filter(|(of, _)| *of == kind).cloned()),
            Some(values) if values.len() > STOP_VALUES_MAX => return Err(too_many(section, kind, values.len())),
            Some(values) => list.extend(values.into_iter().map(|value| (kind, value.into()))),
        }
    }
    list.sort();
    list.dedup();
    Ok(list)
}

fn too_many(section: &Section<'_>, kind: KeyKind, count: usize) -> ConfigError {
    let value = format!("{count} values");
    section.wrong(kind.label(), Problem::Range { value, from: "0".to_owned(), to: STOP_VALUES_MAX.to_string() })
}

//! Severities as vendors write them. A word is plain; a number needs its scale, which the name of its field betrays more
//! often than not.

use super::words::Words;
use crate::model::Severity;

/// The word or code of any vendor, in any case. A bare number is `None`: its scale is unknown.
#[must_use]
pub fn severity(text: &str) -> Option<Severity> {
    let text = text.trim();
    if text.is_empty() || text.len() > 40 || text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    named(text).or_else(|| decorated(text).and_then(named))
}

/// `4 - High`, `High (8)`, `SEVERITY_HIGH`, `Severity: high`, `high risk`.
fn decorated(text: &str) -> Option<&str> {
    let digit_or_mark = |c: char| !c.is_alphabetic();
    let bare = text.trim_matches(digit_or_mark);
    let separators = |c: char| matches!(c, '_' | ':' | ' ' | '-' | '.' | '/' | '(');
    const FRAMES: [&str; 9] = ["severity", "sev", "level", "risk", "priority", "prio", "threat", "alert", "impact"];
    let is_frame = |word: &str| FRAMES.iter().any(|frame| frame.eq_ignore_ascii_case(word));
    let mut words = bare.split(separators).filter(|word| !word.is_empty() && !is_frame(word));
    let first = words.next()?;
    words.next().is_none().then_some(first).filter(|word| word.len() < text.len())
}

fn named(word: &str) -> Option<Severity> {
    WORDS.iter().find(|(_, known)| known.iter().any(|known| known.eq_ignore_ascii_case(word))).map(|(level, _)| *level)
}

const WORDS: [(Severity, &[&str]); 6] = [
    (Severity::Fatal, &["fatal", "emergency", "emerg", "panic", "disaster", "catastrophic"]),
    (
        Severity::Critical,
        &[
            "critical",
            "crit",
            "very high",
            "very-high",
            "veryhigh",
            "very_high",
            "severe",
            "urgent",
            "sev0",
            "sev-0",
            "sev1",
            "sev-1",
            "p0",
            "p1",
            "s1",
            "blocker",
            "highest",
            "extreme",
            "red",
            "alert",
            "c",
        ],
    ),
    (
        Severity::High,
        &[
            "high",
            "hi",
            "major",
            "sev2",
            "sev-2",
            "p2",
            "s2",
            "error",
            "err",
            "important",
            "orange",
            "elevated",
            "h",
            "failure",
        ],
    ),
    (
        Severity::Medium,
        &[
            "medium",
            "med",
            "moderate",
            "mid",
            "warning",
            "warn",
            "sev3",
            "sev-3",
            "p3",
            "s3",
            "average",
            "yellow",
            "suspicious",
            "guarded",
            "m",
        ],
    ),
    (
        Severity::Low,
        &[
            "low", "minor", "sev4", "sev-4", "p4", "s4", "notice", "minimal", "very low", "verylow", "very-low",
            "very_low", "lowest", "green", "l", "weak",
        ],
    ),
    (
        Severity::Informational,
        &[
            "informational",
            "information",
            "info",
            "inform",
            "debug",
            "trace",
            "verbose",
            "sev5",
            "sev-5",
            "p5",
            "s5",
            "none",
            "audit",
            "log",
            "clean",
            "ok",
            "normal",
            "blue",
            "negligible",
            "i",
            "default",
            "benign",
            "success",
            "trivial",
            "fyi",
            "safe",
        ],
    ),
];

/// How a field counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// OCSF `severity_id`.
    Ocsf,
    /// Syslog: 0 is an emergency, 7 is debugging.
    Syslog,
    /// `<PRI>`: facility times eight and the severity.
    SyslogPriority,
    /// 1 is the worst: `priority`, `urgency`.
    Rank,
    /// Wazuh and OSSEC: 0 to 15.
    RuleLevel,
    /// A bare `level`: Windows and Azure count down from 1, loggers up in tens.
    Level,
    /// 0 to 1, 0 to 10 or 0 to 100, told apart by the number.
    Open,
    /// 0 to 100, however small the number.
    Percent,
}

/// A number of the field at `path`, on the scale that the field's name suggests: the common ones count up to 10 or to
/// 100, syslog's and a `priority` count down.
#[must_use]
pub fn severity_number(path: &str, number: f64) -> Option<Severity> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    match scale(&Words::of(path)) {
        Scale::Ocsf => whole(number).and_then(Severity::from_id),
        Scale::Syslog => whole(number).and_then(syslog),
        Scale::SyslogPriority => {
            whole(number).filter(|priority| *priority <= 191).and_then(|priority| syslog(priority % 8))
        }
        Scale::Rank => rank(number),
        Scale::RuleLevel => (number <= 16.0).then(|| rule_level(number)),
        Scale::Level => level(number),
        Scale::Percent => (number <= 100.0).then(|| percent(number)),
        Scale::Open => open(number),
    }
}

fn scale(words: &Words) -> Scale {
    let count = words.len();
    let ends = |name: &str| (0..count).any(|from| words.tail(from) == name.as_bytes());
    let has = |word: &str| (0..count).any(|at| words.word(at) == word.as_bytes());
    if ends("severityid") {
        return Scale::Ocsf;
    }
    if has("syslog") || ends("severitycode") {
        let priority = ends("priority") || ends("pri");
        return if priority { Scale::SyslogPriority } else { Scale::Syslog };
    }
    if ends("pri") {
        return Scale::SyslogPriority;
    }
    if ["priority", "urgency", "prio", "prioritylevel", "priorityid"].into_iter().any(ends) {
        return Scale::Rank;
    }
    if ends("rulelevel") || ends("alertlevel") {
        return Scale::RuleLevel;
    }
    if ends("level") && !["severity", "risk", "threat"].into_iter().any(has) {
        return Scale::Level;
    }
    let percent = ["normalized", "score", "percent", "riskscore"].into_iter().any(ends) && !has("cvss") && !has("base");
    if percent { Scale::Percent } else { Scale::Open }
}

fn whole(number: f64) -> Option<u8> {
    (number.fract() == 0.0 && number <= 255.0).then_some(number as u8)
}

fn syslog(code: u8) -> Option<Severity> {
    match code {
        0 => Some(Severity::Fatal),
        1 | 2 => Some(Severity::Critical),
        3 => Some(Severity::High),
        4 => Some(Severity::Medium),
        5 => Some(Severity::Low),
        6 | 7 => Some(Severity::Informational),
        8.. => None,
    }
}

/// Few products rank beyond five; those that do count upwards.
fn rank(number: f64) -> Option<Severity> {
    match whole(number) {
        Some(0) => Some(Severity::Critical),
        Some(1) => Some(Severity::High),
        Some(2) => Some(Severity::Medium),
        Some(3) => Some(Severity::Low),
        Some(4 | 5) => Some(Severity::Informational),
        Some(6..) | None => open(number),
    }
}

fn level(number: f64) -> Option<Severity> {
    match whole(number)? {
        1 | 60 => Some(Severity::Critical),
        2 | 50 => Some(Severity::High),
        3 | 40 => Some(Severity::Medium),
        0 | 4 | 5 | 10 | 20 | 30 => Some(Severity::Informational),
        6..=16 => Some(rule_level(number)),
        17.. => open(number),
    }
}

fn rule_level(number: f64) -> Severity {
    stepped(number, [4.0, 7.0, 10.0, 13.0])
}

fn open(number: f64) -> Option<Severity> {
    if number > 100.0 {
        return None;
    }
    Some(if (1.0..=10.0).contains(&number) { ten(number) } else { percent(number) })
}

/// CEF, GuardDuty and CVSS agree on these within a step.
fn ten(number: f64) -> Severity {
    stepped(number, [1.0, 4.0, 7.0, 9.0])
}

fn percent(number: f64) -> Severity {
    let number = if number > 0.0 && number < 1.0 { number * 100.0 } else { number };
    stepped(number, [1.0, 40.0, 70.0, 90.0])
}

/// The steps at which low, medium, high and critical begin; what lies below them is information.
fn stepped(number: f64, [low, medium, high, critical]: [f64; 4]) -> Severity {
    match number {
        n if n >= critical => Severity::Critical,
        n if n >= high => Severity::High,
        n if n >= medium => Severity::Medium,
        n if n >= low => Severity::Low,
        _ => Severity::Informational,
    }
}

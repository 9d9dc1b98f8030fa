//! Whether a value can be what the name of its field promises, and which of several things it then is. A field that holds
//! something else is not believed.

use super::shape::{self, Clock};
use super::table::Sort;
use super::{Meaning, side::Part};
use crate::model::{EntityKind, ObservableKind, Role};
use crate::wire::canonical::text;

/// What a value came out as, and what its oddities take off the confidence in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    pub sort: Outcome,
    pub doubt: u8,
}

/// A meaning that still lacks its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    About(Meaning),
    Observable(ObservableKind),
    Endpoint,
    Entity(EntityKind),
    Domain,
}

impl Outcome {
    pub const fn with(self, role: Role) -> Meaning {
        match self {
            Self::About(meaning) => meaning,
            Self::Observable(kind) => Meaning::Observable(kind, role),
            Self::Endpoint => Meaning::Endpoint(role),
            Self::Entity(kind) => Meaning::Entity(kind, role),
            Self::Domain => Meaning::Domain(role),
        }
    }
}

/// How far sides decide the role of what a value came out as.
pub(super) const fn part(outcome: Outcome) -> Part {
    match outcome {
        Outcome::Domain
        | Outcome::Entity(EntityKind::User | EntityKind::Sid | EntityKind::Logon | EntityKind::Mailbox) => {
            Part::Account
        }
        Outcome::Endpoint
        | Outcome::Entity(EntityKind::Host)
        | Outcome::Observable(
            ObservableKind::Ip
            | ObservableKind::Cidr
            | ObservableKind::Mac
            | ObservableKind::Email
            | ObservableKind::Domain,
        ) => Part::Machine,
        Outcome::About(_) | Outcome::Observable(_) | Outcome::Entity(_) => Part::Thing,
    }
}

/// Whether a value says anything at all.
pub(super) fn says_something(value: &str) -> bool {
    const EMPTY: [&str; 8] = ["true", "false", "{}", "[]", "undefined", "not available", "not applicable", "(empty)"];
    !text::is_placeholder(value) && !EMPTY.iter().any(|empty| empty.eq_ignore_ascii_case(value))
}

const fn sure(sort: Outcome) -> Option<Fit> {
    Some(Fit { sort, doubt: 0 })
}

const fn doubtful(sort: Outcome, doubt: u8) -> Option<Fit> {
    Some(Fit { sort, doubt })
}

/// `value` is trimmed and says something.
pub(super) fn fit(sort: Sort, value: &str) -> Option<Fit> {
    match sort {
        Sort::Nothing => None,
        Sort::About(meaning) => about(meaning, value),
        Sort::EventId => event_id(value),
        Sort::MessageOrAlertId if value.contains('@') => sure(Outcome::Observable(ObservableKind::MessageId)),
        Sort::MessageOrAlertId => about(Meaning::AlertId, value),
        Sort::Observable(kind) => observable(kind, value),
        Sort::Entity(kind) => entity(kind, value),
        Sort::Endpoint => endpoint(value),
        Sort::AccountDomain => is_domain_of_account(value).then_some(Fit { sort: Outcome::Domain, doubt: 0 }),
        Sort::DomainOrAccount if shape::is_domain(value) => sure(Outcome::Observable(ObservableKind::Domain)),
        Sort::DomainOrAccount => is_domain_of_account(value).then_some(Fit { sort: Outcome::Domain, doubt: 0 }),
        Sort::EmailUser if shape::is_email(value) => sure(Outcome::Entity(EntityKind::User)),
        Sort::EmailUser => None,
        Sort::File => file(value),
    }
}

/// Windows numbers its events by kind; everybody else numbers them one by one.
fn event_id(value: &str) -> Option<Fit> {
    let kind = value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit());
    if kind { sure(Outcome::About(Meaning::RuleId)) } else { about(Meaning::AlertId, value) }
}

fn about(meaning: Meaning, value: &str) -> Option<Fit> {
    let outcome = Outcome::About(meaning);
    let held = match meaning {
        Meaning::Time | Meaning::EndTime | Meaning::IngestTime | Meaning::UpdatedTime => return time(outcome, value),
        Meaning::Confidence | Meaning::RiskScore | Meaning::Severity => return graded(meaning, value),
        Meaning::RuleName => return rule_name(value),
        Meaning::Title | Meaning::Message | Meaning::Description => is_prose(value),
        Meaning::Link => shape::is_url(value),
        Meaning::Vendor | Meaning::Product | Meaning::Category => is_name(value) && !shape::is_number(value),
        Meaning::Action => is_name(value) && !shape::is_number(value),
        Meaning::Status => is_name(value),
        Meaning::RuleId | Meaning::AlertId | Meaning::RuleVersion | Meaning::Instance | Meaning::Tenant => {
            value.len() <= 512 && !value.contains(['\n', '{'])
        }
        Meaning::Tactic | Meaning::Technique | Meaning::Tag => value.len() <= 256 && !value.contains('\n'),
        Meaning::Observable(..) | Meaning::Endpoint(_) | Meaning::Entity(..) | Meaning::Domain(_) => false,
    };
    held.then_some(Fit { sort: outcome, doubt: 0 })
}

/// Numbers, times and ids title nothing.
fn is_prose(value: &str) -> bool {
    value.chars().any(char::is_alphabetic) && !shape::is_guid(value) && !shape::is_digest(value) && !shape::is_ip(value)
}

/// A short text that is neither an address nor a structure.
fn is_name(value: &str) -> bool {
    let named = value.len() <= 256 && !value.contains(['\n', '{']);
    named && !shape::is_ip(value) && !shape::is_url(value) && !shape::is_guid(value) && !shape::is_digest(value)
}

fn time(outcome: Outcome, value: &str) -> Option<Fit> {
    match shape::clock(value)? {
        Clock::Whole => sure(outcome),
        // Fields of the plainest names for it hold one.
        Clock::Day => doubtful(outcome, 26),
        Clock::Hour => doubtful(outcome, 45),
    }
}

/// A grade in numbers or in words; a risk in words is a severity.
fn graded(meaning: Meaning, value: &str) -> Option<Fit> {
    // What counts beyond this counts something else.
    const NUMBER_MAX: f64 = 1_000.0;
    let number = value.trim_end_matches('%').trim().parse::<f64>();
    if number.is_ok_and(|number| (0.0..=NUMBER_MAX).contains(&number)) {
        return sure(Outcome::About(meaning));
    }
    let severity = Outcome::About(Meaning::Severity);
    let told = super::severity(value).is_some();
    if meaning == Meaning::RiskScore && told {
        return doubtful(severity, 10);
    }
    if meaning != Meaning::Severity {
        return None;
    }
    // Perhaps a word of a scale that nobody told us.
    let word = value.len() <= 32 && is_name(value);
    if told { sure(severity) } else { word.then_some(Fit { sort: severity, doubt: 25 }) }
}

/// A rule that is only a number or an id is known by it.
fn rule_name(value: &str) -> Option<Fit> {
    if shape::is_number(value) || shape::is_guid(value) {
        return doubtful(Outcome::About(Meaning::RuleId), 10);
    }
    (value.len() <= 512 && !value.contains(['\n', '{']))
        .then_some(Fit { sort: Outcome::About(Meaning::RuleName), doubt: 0 })
}

fn observable(kind: ObservableKind, value: &str) -> Option<Fit> {
    let held = match kind {
        ObservableKind::Ip if shape::is_cidr(value) => return sure(Outcome::Observable(ObservableKind::Cidr)),
        ObservableKind::Url if shape::is_domain(value) => return sure(Outcome::Observable(ObservableKind::Domain)),
        ObservableKind::Domain if shape::is_ip(value) => return sure(Outcome::Observable(ObservableKind::Ip)),
        ObservableKind::Ip => shape::is_ip(value),
        ObservableKind::Cidr => shape::is_cidr(value),
        ObservableKind::Domain => shape::is_domain(value),
        ObservableKind::Url => shape::is_url(value),
        ObservableKind::Email => shape::is_email(value),
        ObservableKind::Hash => shape::is_hash(value),
        ObservableKind::Mac => shape::is_mac(value) || is_bare_mac(value),
        ObservableKind::Certificate => shape::is_fingerprint(value),
        ObservableKind::Ja3 => value.len() == 32 && shape::is_digest(value),
        ObservableKind::Ja4 => value.len() == 36 && value.contains('_'),
        ObservableKind::Cve => shape::is_cve(value),
        ObservableKind::FilePath => value.contains(['/', '\\']) && !shape::is_url(value),
        ObservableKind::FileName => value.len() <= 512,
        ObservableKind::RegistryKey => value.contains('\\'),
        ObservableKind::MessageId => value.len() <= 512,
        ObservableKind::AccessKey => {
            value.len() <= 128 && !value.contains(char::is_whitespace) && !shape::is_url(value)
        }
        ObservableKind::UserAgent => value.len() >= 3 && !value.starts_with('{') && !shape::is_number(value),
        ObservableKind::CommandLine => value.len() >= 2 && !shape::is_number(value),
        ObservableKind::Other => true,
    };
    held.then_some(Fit { sort: Outcome::Observable(kind), doubt: 0 })
}

fn is_bare_mac(value: &str) -> bool {
    value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn entity(kind: EntityKind, value: &str) -> Option<Fit> {
    let held = match kind {
        EntityKind::Host => return host(value),
        EntityKind::User => return user(value),
        EntityKind::Mailbox => return mailbox(value),
        EntityKind::Sid => shape::is_sid(value),
        EntityKind::Logon => is_logon(value),
        EntityKind::Process => shape::is_guid(value) || value.len() >= 8 && !shape::is_number(value),
        // A counter is no session that two products would share.
        EntityKind::CloudSession => value.len() >= 16 && !value.contains(char::is_whitespace) && !shape::is_url(value),
        EntityKind::CloudResource if shape::is_url(value) => return sure(Outcome::Observable(ObservableKind::Url)),
        EntityKind::CloudResource => is_resource(value),
        EntityKind::Container | EntityKind::Service => is_name(value) && !shape::is_number(value),
        EntityKind::Other => true,
    };
    held.then_some(Fit { sort: Outcome::Entity(kind), doubt: 0 })
}

fn is_logon(value: &str) -> bool {
    let hexadecimal = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X"));
    let digits = hexadecimal.unwrap_or(value);
    !digits.is_empty() && digits.len() <= 20 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_resource(value: &str) -> bool {
    let plain = (2..=1_024).contains(&value.len()) && !value.contains(['\n', '{', '"']);
    plain && !shape::is_number(value) && !shape::is_ip(value) && value.split(' ').count() <= 3
}

fn host(value: &str) -> Option<Fit> {
    let host = Outcome::Entity(EntityKind::Host);
    if shape::is_ip(value) {
        return sure(host);
    }
    let plain = value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_uppercase());
    // A word without a digit, a dot or a hyphen is a machine only if its field says so well.
    if shape::is_host_name(value) && !is_state(value) { doubtful(host, if plain { 8 } else { 0 }) } else { None }
}

fn endpoint(value: &str) -> Option<Fit> {
    if shape::is_ip(value) || shape::is_domain(value) || shape::is_mac(value) {
        return sure(Outcome::Endpoint);
    }
    if shape::is_cidr(value) {
        return sure(Outcome::Observable(ObservableKind::Cidr));
    }
    if shape::is_email(value) {
        return sure(Outcome::Entity(EntityKind::User));
    }
    // One word may be a machine, or the name of anything.
    if shape::is_host_name(value) && !is_state(value) { doubtful(Outcome::Endpoint, 18) } else { None }
}

/// Words that fields of machines and of accounts hold in place of one.
fn is_state(value: &str) -> bool {
    const STATES: [&str; 44] = [
        "allow",
        "allowed",
        "android",
        "blocked",
        "browser",
        "chrome",
        "cloud",
        "computer",
        "denied",
        "desktop",
        "disabled",
        "enabled",
        "external",
        "fail",
        "failed",
        "failure",
        "firewall",
        "high",
        "inbound",
        "internal",
        "ios",
        "ipad",
        "iphone",
        "laptop",
        "linux",
        "low",
        "mac",
        "macos",
        "medium",
        "mobile",
        "negative",
        "network",
        "no",
        "none",
        "outbound",
        "phone",
        "positive",
        "server",
        "success",
        "tablet",
        "web",
        "windows",
        "workstation",
        "yes",
    ];
    value.len() <= 12 && STATES.iter().any(|state| state.eq_ignore_ascii_case(value))
}

fn user(value: &str) -> Option<Fit> {
    let user = Outcome::Entity(EntityKind::User);
    if shape::is_email(value) {
        return sure(user);
    }
    if shape::is_sid(value) {
        return sure(Outcome::Entity(EntityKind::Sid));
    }
    if shape::is_arn(value) {
        return sure(Outcome::Entity(EntityKind::CloudResource));
    }
    // `auth.go:77` is where a program says it.
    let place = value.rsplit_once(':').is_some_and(|(file, line)| file.contains('.') && shape::is_number(line));
    let foreign =
        place || shape::is_ip(value) || shape::is_url(value) || shape::is_guid(value) || shape::is_digest(value);
    let structured = value.len() > 256 || value.contains(['\n', '{', '[', ';', '=']) || value.starts_with('/');
    if foreign || structured || is_state(value) || shape::is_mac(value) {
        return None;
    }
    match value.split(' ').count() {
        1 if shape::is_number(value) => doubtful(user, 30),
        1 if is_opaque(value) => doubtful(user, 14),
        1 => sure(user),
        2..=4 if value.contains('\\') => sure(user),
        2..=4 => doubtful(user, 12),
        _ => None,
    }
}

/// Long and full of digits: an id that no other product knows.
fn is_opaque(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    value.len() >= 16 && digits * 4 >= value.len() && !value.contains(['\\', '@', '.'])
}

fn mailbox(value: &str) -> Option<Fit> {
    let mailbox = Outcome::Entity(EntityKind::Mailbox);
    if shape::is_email(value) {
        return sure(mailbox);
    }
    (shape::is_host_name(value) && !value.contains('.')).then_some(Fit { sort: mailbox, doubt: 30 })
}

fn is_domain_of_account(value: &str) -> bool {
    let bare = value.len() <= 253 && !value.contains(['/', '@', ':', '{', '\n']);
    bare && !shape::is_ip(value) && !shape::is_number(value) && !shape::is_guid(value) && !shape::is_sid(value)
}

/// Which of the two a file's field holds, its value says.
fn file(value: &str) -> Option<Fit> {
    if shape::is_url(value) {
        return sure(Outcome::Observable(ObservableKind::Url));
    }
    if value.len() > 1_024 || shape::is_number(value) || value.contains(['\n', '{']) || shape::is_ip(value) {
        return None;
    }
    let placed = value.contains(['/', '\\']);
    let kind = if placed { ObservableKind::FilePath } else { ObservableKind::FileName };
    let named = placed || value.contains('.') || !value.contains(' ');
    doubtful(Outcome::Observable(kind), if named { 0 } else { 30 })
}

//! A record that no profile knows: what its fields mean is guessed from their names and values by `vocabulary`. Every
//! guess is told with the alert, as a label with its confidence; what is less than likely is shown and links nothing.

mod flatten;

use std::borrow::Cow;
use std::sync::Arc;

use flatten::{Field, flatten};

use super::canonical::{code, text};
use super::decode::{Beside, Body, Context, Draft, Refused, RejectReason};
use super::identity::alert_id;
use super::plain::{self, Form, Plain};
use super::times::{Frame, TimeFormat};
use super::vocabulary::{self, Meaning};
use crate::model::{
    Activity, Alert, AlertId, Attack, Correlation, EntityKind, EventTime, Label, ObservableKind, Role, Rule, Severity,
    Source, TimeFrom, Timestamp,
};

/// From here on a guess may link alerts.
const LIKELY: u8 = 50;
/// Field names that are surely a rule's name, and those that are surely a message.
const RULE_NAMED: u8 = 90;
const TOLD: u8 = 60;
const SENTENCES_MAX: usize = 4;
const TITLE_BYTES_MAX: usize = 160;
const LABELS_MAX: usize = 48;
const LIST_MAX: usize = 16;

/// A field and what it is taken for.
#[derive(Clone, Copy)]
struct Guessed<'f, 'a> {
    field: &'f Field<'a>,
    meaning: Meaning,
    confidence: u8,
}

pub(super) fn read(body: &Body<'_>, profile: &Arc<str>, context: &Context<'_>) -> Result<Arc<Alert>, Refused> {
    let (fields, plain) = match body {
        Body::Json(record) => (flatten(*record), None),
        Body::Plain(plain) => (fields_of(plain), Some(*plain)),
    };
    let around: Vec<Field<'_>> = context.around.iter().map(field_of).collect();
    let outward = fields.iter().any(says_outward);
    let guess = |field| guess(field).map(|guess| if outward { turned_outward(guess) } else { guess });
    let mut all: Vec<Guessed<'_, '_>> = Vec::with_capacity(fields.len() + around.len());
    all.extend(fields.iter().filter_map(guess));
    let own = all.len();
    all.extend(around.iter().filter_map(guess));
    let mut alert = alert_of(&all, plain, profile, context)?;
    if let Some(is_of_the_frame) = frame(body, context) {
        let own = all[..own].iter().copied();
        let own: Vec<Guessed<'_, '_>> = own.filter(|guess| !is_of_the_frame(&guess.field.path)).collect();
        let bare = alert_of(&own, plain, profile, &context.bare());
        // One that does not say when it was is told from others by what brought it.
        if let Some(bare) = bare.ok().filter(|bare| bare.event_time.from == TimeFrom::Field) {
            Arc::make_mut(&mut alert).id = alert_id(&bare);
        }
    }
    Ok(alert)
}

fn alert_of(
    guessed: &[Guessed<'_, '_>],
    plain: Option<&Plain<'_>>,
    profile: &Arc<str>,
    context: &Context<'_>,
) -> Result<Arc<Alert>, Refused> {
    let said = said(guessed);
    let guessed = guessed.iter().copied().chain(said.iter().filter_map(guess)).collect();
    Reading { guessed, plain, context }.alert(profile)
}

/// Which fields are of what only brought the record: without them it is the same one. A record of its own may come in a
/// syslog line; another text is one with its line, and a relay may have put its own line before.
fn frame(body: &Body<'_>, context: &Context<'_>) -> Option<fn(&str) -> bool> {
    const RELAY: &str = "relay.host";
    let line = |path: &str| path == RELAY || path != "syslog.message" && path.starts_with("syslog.");
    match body {
        Body::Json(_) => (!context.around.is_empty()).then_some(line),
        Body::Plain(plain) if plain.syslog && matches!(plain.form, Form::Cef | Form::Leef) => Some(line),
        Body::Plain(plain) => {
            let relayed = plain.fields.iter().any(|(name, _)| name == RELAY);
            relayed.then_some(|path| path == RELAY)
        }
    }
}

/// The machine that reports it made the connection.
fn says_outward(field: &Field<'_>) -> bool {
    const DIRECTIONS: [&str; 6] = ["outbound", "outgoing", "egress", "out", "outward", "outbound connection"];
    let is = |words: &[&str], value: &str| words.iter().any(|word| word.eq_ignore_ascii_case(value.trim()));
    let name = field.path.rsplit('.').next().unwrap_or_default();
    let name = name.get(name.len().saturating_sub("direction".len())..).unwrap_or_default();
    name.eq_ignore_ascii_case("direction") && is(&DIRECTIONS, &field.value)
        || is(
            &["initiated", "isoutbound", "is_outbound", "outbound"],
            field.path.rsplit('.').next().unwrap_or_default(),
        ) && is(&["true", "1", "yes"], &field.value)
}

/// The remote side is where it came from, unless the connection went there.
fn turned_outward<'f, 'a>(guess: Guessed<'f, 'a>) -> Guessed<'f, 'a> {
    let is_remote = |part: &str| part.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("remote"));
    // Of a message it is told by the word before it.
    let remote = !guess.field.path.starts_with("message.") && guess.field.path.split('.').any(is_remote);
    let meaning = match guess.meaning {
        Meaning::Observable(kind, Role::Source) if remote => Meaning::Observable(kind, Role::Destination),
        Meaning::Endpoint(Role::Source) if remote => Meaning::Endpoint(Role::Destination),
        Meaning::Entity(EntityKind::Host, Role::Source | Role::Peer) if remote => {
            Meaning::Entity(EntityKind::Host, Role::Destination)
        }
        meaning => meaning,
    };
    Guessed { meaning, ..guess }
}

/// What the record's message says of whom and from where, if no field does.
fn said<'a>(guessed: &[Guessed<'_, 'a>]) -> Vec<Field<'a>> {
    let about = |guess: &Guessed<'_, '_>| match guess.meaning {
        Meaning::Entity(kind, _) => kind == EntityKind::User,
        Meaning::Observable(kind, _) => kind == ObservableKind::Ip,
        Meaning::Endpoint(_) => true,
        _ => false,
    };
    if guessed.iter().any(|guess| guess.confidence >= LIKELY && about(guess)) {
        return Vec::new();
    }
    let told = guessed.iter().filter(|guess| matches!(guess.meaning, Meaning::Message | Meaning::Description));
    let owned = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| Field {
        path: Cow::Owned(name.to_string()),
        value: Cow::Owned(value.to_string()),
        object: 0,
    };
    told.take(SENTENCES_MAX)
        .flat_map(|guess| plain::sentence(&guess.field.value).iter().map(owned).collect::<Vec<_>>())
        .collect()
}

fn fields_of<'a>(plain: &Plain<'a>) -> Vec<Field<'a>> {
    plain.fields.iter().map(field_of).collect()
}

fn field_of<'a>((name, value): &(Cow<'a, str>, Cow<'a, str>)) -> Field<'a> {
    Field { path: name.clone(), value: value.clone(), object: 0 }
}

fn guess<'f, 'a>(field: &'f Field<'a>) -> Option<Guessed<'f, 'a>> {
    if text::is_placeholder(&field.value) {
        return None;
    }
    let guess = match &*field.path {
        // The frame of a text is no product's word.
        "syslog.host" => Some((Meaning::Entity(EntityKind::Host, Role::Asset), 60)),
        "syslog.time" => Some((Meaning::IngestTime, 60)),
        "syslog.app" => Some((Meaning::Product, 50)),
        "syslog.message" => Some((Meaning::Message, 50)),
        "syslog.severity" => Some((Meaning::Severity, 40)),
        "cef.name" => Some((Meaning::Title, 95)),
        "cef.signature_id" | "leef.event_id" | "cisco.mnemonic" => Some((Meaning::RuleId, 90)),
        "cef.vendor" | "leef.vendor" => Some((Meaning::Vendor, 95)),
        "cef.product" | "leef.product" => Some((Meaning::Product, 95)),
        "cef.severity" => Some((Meaning::Severity, 90)),
        path if is_frame(path) => None,
        path => {
            let first = || field.value.split_once(',').and_then(|(first, _)| vocabulary::guess(path, first));
            let guess = vocabulary::guess(path, &field.value).or_else(first);
            guess.map(|guess| (guess.meaning, guess.confidence))
        }
    };
    guess.map(|(meaning, confidence)| Guessed { field, meaning, confidence })
}

fn is_frame(path: &str) -> bool {
    ["syslog.", "cef.", "leef.", "csv.", "cisco."].iter().any(|prefix| path.starts_with(prefix))
}

struct Reading<'f, 'a> {
    guessed: Vec<Guessed<'f, 'a>>,
    plain: Option<&'f Plain<'f>>,
    context: &'f Context<'f>,
}

impl Reading<'_, '_> {
    fn alert(&self, profile: &Arc<str>) -> Result<Arc<Alert>, Refused> {
        let context = self.context;
        // A guess must not file an alert under a tenant.
        let tenant = context.tenant(None)?;
        let mut draft = Draft::new(context.limits);
        self.gather(&mut draft);
        let day = || if context.outer_time.is_none() { self.day() } else { None };
        let time = self.time().or_else(day);
        self.require_sense(&draft, time)?;
        let event_time = match time {
            Some(at) => EventTime { at, from: TimeFrom::Field },
            None => context.other_time()?,
        };
        let rule_name = self.best(|meaning| meaning == Meaning::RuleName);
        let source = self.source(&mut draft);
        let title: Arc<str> = draft.line(&self.title(&source.product));
        let rule_name: Arc<str> = rule_name.map_or_else(|| Arc::clone(&title), |name| draft.line(name));
        let rule_uid = self.best(|meaning| meaning == Meaning::RuleId);
        let rule_uid = rule_uid.map_or_else(|| Arc::clone(&rule_name), |uid| draft.line(uid));
        let version = self.best(|meaning| meaning == Meaning::RuleVersion).map(|raw| draft.line(raw));
        let line =
            |meaning: Meaning, draft: &mut Draft<'_>| self.best(|other| other == meaning).map(|raw| draft.line(raw));
        let description = self.best(|meaning| matches!(meaning, Meaning::Description | Meaning::Message));
        Ok(Arc::new(Alert {
            id: AlertId(0),
            tenant,
            origin: context.origin.clone(),
            event_time,
            recorded_at: context.record.timestamp,
            description: description.map(|raw| draft.prose(raw)),
            severity: self.severity(),
            confidence: self.score(Meaning::Confidence),
            risk_score: self.score(Meaning::RiskScore),
            source,
            alert_uid: line(Meaning::AlertId, &mut draft),
            source_ref: None,
            rule: Rule { uid: rule_uid, name: rule_name, version },
            attacks: self.attacks(),
            activity: Activity::Create,
            revision: 0,
            dedup_key: None,
            labels: self.labels(&mut draft),
            tags: Vec::new(),
            tlp: None,
            pap: None,
            correlation: Correlation::default(),
            links: Vec::new(),
            evidences: Vec::new(),
            unmapped: None,
            profile: Arc::clone(profile),
            title,
            observables: draft.observables,
            entities: draft.entities,
            marks: draft.marks,
        }))
    }

    /// The likeliest value of a meaning; of equals the first.
    fn best(&self, wanted: impl Fn(Meaning) -> bool) -> Option<&str> {
        self.likeliest(wanted).map(|guess| &*guess.field.value)
    }

    fn likeliest(&self, wanted: impl Fn(Meaning) -> bool) -> Option<&Guessed<'_, '_>> {
        let all = self.guessed.iter().filter(|guess| wanted(guess.meaning));
        all.reduce(|best, guess| if guess.confidence > best.confidence { guess } else { best })
    }

    fn ranked(&self, wanted: impl Fn(Meaning) -> bool) -> Vec<&Guessed<'_, '_>> {
        let mut all: Vec<&Guessed<'_, '_>> = self.guessed.iter().filter(|guess| wanted(guess.meaning)).collect();
        all.sort_by_key(|guess| std::cmp::Reverse(guess.confidence));
        all
    }

    /// Something has to be known about it: what it concerns, or at least that it is a log line and when that was.
    fn require_sense(&self, draft: &Draft<'_>, time: Option<Timestamp>) -> Result<(), Refused> {
        let concerns = !draft.entities.is_empty() || draft.observables.iter().any(|seen| seen.role != Role::Context);
        let told = |name: &str| self.guessed.iter().any(|guess| guess.field.path == name);
        let logged = || told("syslog.host") || told("syslog.time");
        let framed = self.plain.is_some_and(|plain| matches!(plain.form, Form::Cef | Form::Leef) || logged());
        let titled = self.best(|meaning| matches!(meaning, Meaning::Title | Meaning::RuleName)).is_some();
        if concerns || framed || (time.is_some() && (titled || !draft.observables.is_empty())) {
            return Ok(());
        }
        let detail = "no profile recognises it, and no field of it says when it was or what it is about";
        Err(Refused::new(RejectReason::UnknownFormat, detail))
    }

    fn time(&self) -> Option<Timestamp> {
        let frame = self.context.frame(None);
        let of = |meaning: Meaning| {
            let guesses = self.ranked(|other| other == meaning);
            guesses.iter().find_map(|guess| TimeFormat::Any.read(&guess.field.value, &frame))
        };
        let joined = || self.date_and_time(&frame);
        of(Meaning::Time).or_else(joined).or_else(|| of(Meaning::EndTime)).or_else(|| of(Meaning::IngestTime))
    }

    /// A day in one field and an hour in another of the same object.
    fn date_and_time(&self, frame: &Frame) -> Option<Timestamp> {
        let last = |guess: &Guessed<'_, '_>| {
            let name = guess.field.path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
            (name.ends_with("date"), name.ends_with("time"))
        };
        let dates = self.guessed.iter().filter(|guess| last(guess).0);
        let mut pairs = dates.flat_map(|date| {
            let times = self.guessed.iter().filter(move |time| time.field.object == date.field.object);
            times.filter(|time| last(time).1).map(move |time| (date, time))
        });
        pairs.find_map(|(date, time)| {
            TimeFormat::Any.read(&format!("{} {}", date.field.value.trim(), time.field.value.trim()), frame)
        })
    }

    /// The beginning of a day, where a field that is called a date holds nothing else: better than when the record came.
    fn day(&self) -> Option<Timestamp> {
        let frame = self.context.frame(None);
        let dated = |guess: &&&Guessed<'_, '_>| {
            let name = guess.field.path.to_ascii_lowercase();
            name.ends_with("date") && !name.ends_with("update")
        };
        [Meaning::Time, Meaning::EndTime, Meaning::IngestTime].into_iter().find_map(|meaning| {
            let guesses = self.ranked(|other| other == meaning);
            let midnight = |guess: &&Guessed<'_, '_>| format!("{} 00:00:00", guess.field.value.trim());
            guesses.iter().filter(dated).find_map(|guess| TimeFormat::Any.read(&midnight(guess), &frame))
        })
    }

    fn title(&self, product: &str) -> Cow<'_, str> {
        let event = || match self.plain {
            Some(plain) if plain.form == Form::Leef => self.best(|other| other == Meaning::RuleId),
            _ => None,
        };
        // A rule's name tells what happened, a policy's only what applies; the whole line tells too much.
        let sure = |meaning: Meaning, least: u8| {
            let guess = self.likeliest(|other| other == meaning);
            guess.filter(|guess| guess.confidence >= least).map(|guess| &*guess.field.value)
        };
        let named = [
            (Meaning::Title, 0),
            (Meaning::RuleName, RULE_NAMED),
            (Meaning::Message, TOLD),
            (Meaning::RuleName, 0),
            (Meaning::Action, 0),
            (Meaning::Message, 0),
            (Meaning::Category, 0),
        ];
        let found = event().or_else(|| named.iter().find_map(|(meaning, least)| sure(*meaning, *least)));
        match found {
            Some(raw) => Cow::Borrowed(text::prefix(raw.lines().next().unwrap_or(raw), TITLE_BYTES_MAX)),
            None => Cow::Owned(format!("{product} event")),
        }
    }

    fn source(&self, draft: &mut Draft<'_>) -> Source {
        let mut line = |meaning: Meaning| self.best(|other| other == meaning).map(|raw| draft.line::<Arc<str>>(raw));
        let (vendor, product) = (line(Meaning::Vendor), line(Meaning::Product));
        let (category, instance) = (line(Meaning::Category), line(Meaning::Instance));
        let product = product.or_else(|| vendor.clone()).unwrap_or_else(|| "unknown".into());
        Source { vendor, product, category, instance }
    }

    fn severity(&self) -> Severity {
        let read = |guess: &&Guessed<'_, '_>| {
            let raw = guess.field.value.trim();
            let number = || raw.parse().ok().and_then(|number| vocabulary::severity_number(&guess.field.path, number));
            vocabulary::severity(raw).or_else(number)
        };
        self.ranked(|meaning| meaning == Meaning::Severity).iter().find_map(read).unwrap_or_default()
    }

    fn score(&self, meaning: Meaning) -> Option<u8> {
        let number: f64 = self.best(|other| other == meaning)?.trim().parse().ok()?;
        (0.0..=100.0).contains(&number).then(|| number.round() as u8)
    }

    fn attacks(&self) -> Vec<Attack> {
        let read = |guess: &Guessed<'_, '_>| match guess.meaning {
            Meaning::Tactic => {
                let tactic = code::tactic(&guess.field.value)?.into();
                Some(Attack { tactic: Some(tactic), technique: None })
            }
            Meaning::Technique => {
                let technique = code::technique(&guess.field.value)?.into();
                Some(Attack { tactic: None, technique: Some(technique) })
            }
            _ => None,
        };
        let mut attacks: Vec<Attack> = self.guessed.iter().filter_map(read).collect();
        attacks.sort();
        attacks.dedup();
        attacks
    }

    /// The likeliest first: the first to name a value says its role.
    fn gather(&self, draft: &mut Draft<'_>) {
        let things =
            |meaning: Meaning| matches!(meaning, Meaning::Observable(..) | Meaning::Endpoint(_) | Meaning::Entity(..));
        for guess in self.ranked(things) {
            let role = |role: Role| if guess.confidence < LIKELY { Role::Context } else { role };
            let value = &*guess.field.value;
            match guess.meaning {
                Meaning::Observable(kind, whose) => observe(kind, value, role(whose), draft),
                Meaning::Entity(kind, whose) => {
                    let domain = self.domain_beside(guess.field);
                    draft.name(kind, value, role(whose), &Beside { domain, ..Beside::default() });
                }
                Meaning::Endpoint(whose) => {
                    value.split(',').take(LIST_MAX).for_each(|item| endpoint(item, role(whose), draft));
                }
                _ => {}
            }
        }
    }

    fn domain_beside(&self, field: &Field<'_>) -> Option<&str> {
        let domains = self.guessed.iter().filter(|guess| matches!(guess.meaning, Meaning::Domain(_)));
        let mut beside = domains.filter(|guess| guess.field.object == field.object);
        // Two accounts in one object have two domains, and names alone do not say whose is whose.
        let only = beside.next().filter(|_| beside.next().is_none());
        only.map(|guess| &*guess.field.value)
    }

    /// What was taken for what, and how surely.
    fn labels(&self, draft: &mut Draft<'_>) -> Vec<Label> {
        let shown = self.guessed.iter().filter(|guess| !guess.field.path.starts_with("syslog.")).take(LABELS_MAX);
        let label = |guess: &Guessed<'_, '_>| Label {
            name: draft.own_line(Cow::Owned(["guess.", &guess.field.path].concat())),
            value: told(guess).into(),
        };
        let mut labels: Vec<Label> = shown.map(label).collect();
        labels.sort_by(|a, b| a.name.cmp(&b.name));
        labels.dedup_by(|a, b| a.name == b.name);
        labels
    }
}

/// A value, or a list of them in one string: addresses that a request came through, one file's digests.
fn observe(kind: ObservableKind, value: &str, role: Role, draft: &mut Draft<'_>) {
    let list = kind == ObservableKind::Hash && value.contains([',', ';']);
    if !list && draft.observe(kind, value, role, false) {
        return;
    }
    for item in value.split([',', ';', ' ']).filter(|item| !item.is_empty()).take(LIST_MAX) {
        // The digest of a file's imports is that of many files.
        let imports = item.get(..8).is_some_and(|name| name.eq_ignore_ascii_case("imphash="));
        if !imports {
            draft.observe(kind, item, role, false);
        }
    }
}

/// An address, else a machine's name.
fn endpoint(value: &str, role: Role, draft: &mut Draft<'_>) {
    if !draft.observe(ObservableKind::Ip, value, role, false) && !draft.observe(ObservableKind::Mac, value, role, false)
    {
        draft.name(EntityKind::Host, value, role, &Beside::default());
    }
}

/// The meaning, in which role if it has one, and how surely.
fn told(guess: &Guessed<'_, '_>) -> String {
    let (name, role) = named(guess.meaning);
    let confidence = guess.confidence;
    match role {
        Some(role) => format!("{name} {} {confidence}", role.label()),
        None => format!("{name} {confidence}"),
    }
}

const fn named(meaning: Meaning) -> (&'static str, Option<Role>) {
    let name = match meaning {
        Meaning::Observable(kind, role) => return (kind.label(), Some(role)),
        Meaning::Entity(kind, role) => return (kind.label(), Some(role)),
        Meaning::Endpoint(role) => return ("endpoint", Some(role)),
        Meaning::Domain(role) => return ("domain of", Some(role)),
        Meaning::Time => "time",
        Meaning::EndTime => "end time",
        Meaning::IngestTime => "ingest time",
        Meaning::UpdatedTime => "updated time",
        Meaning::Title => "title",
        Meaning::Message => "message",
        Meaning::Description => "description",
        Meaning::Severity => "severity",
        Meaning::RuleId => "rule id",
        Meaning::RuleName => "rule name",
        Meaning::RuleVersion => "rule version",
        Meaning::AlertId => "alert id",
        Meaning::Status => "status",
        Meaning::Vendor => "vendor",
        Meaning::Product => "product",
        Meaning::Category => "category",
        Meaning::Instance => "instance",
        Meaning::Tenant => "tenant",
        Meaning::Confidence => "confidence",
        Meaning::RiskScore => "risk score",
        Meaning::Tactic => "tactic",
        Meaning::Technique => "technique",
        Meaning::Tag => "tag",
        Meaning::Action => "action",
        Meaning::Link => "link",
    };
    (name, None)
}

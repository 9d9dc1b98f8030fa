//! A record to alerts, by a profile: one walk, then each field from where the profile says it lies.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::found::{Found, Scalar, View};
use super::rules::{
    ActivityMap, AttackMap, EntityRule, Field, ObservableRule, Piece, Place, Profile, SeverityMap, is_filled, pieces,
    placed_pieces,
};
use super::walk::OutOfRange;
use crate::model::{
    Activity, Alert, AlertId, AlertLink, Attack, Correlation, EventTime, ObservableKind, Rule, Severity, Source,
    TimeFrom, Timestamp,
};
use crate::wire::canonical::{code, text};
use crate::wire::decode::{Beside, Body, Context, Draft, Refused, RejectReason};
use crate::wire::identity::alert_id;
use crate::wire::plain::Fields as TextFields;
use crate::wire::plain::Plain;
use crate::wire::times;

/// Tags and links of one alert that are kept.
const TAGS_MAX: usize = 64;
const ATTACKS_MAX: usize = 32;

/// An alert, or why it is none, for each that the record carries.
/// An alert is large, and is moved to where it stays before anything is passed on.
pub(in crate::wire) type Readings = SmallVec<[Result<Arc<Alert>, Refused>; 1]>;

pub(super) fn read(profile: &Profile, body: &Body<'_>, context: &Context<'_>) -> Readings {
    let mut readings = read_in(profile, body, context);
    // A JSON record in a syslog line is the one that it is without, if it says itself when it was.
    if profile.asks_frame && !context.around.is_empty() && matches!(body, Body::Json(_)) {
        let alone = read_in(profile, body, &context.bare());
        for (reading, alone) in readings.iter_mut().zip(alone) {
            if let (Ok(alert), Ok(alone)) = (reading, alone)
                && alone.event_time.from == TimeFrom::Field
            {
                Arc::make_mut(alert).id = alert_id(&alone);
            }
        }
    }
    readings
}

fn read_in(profile: &Profile, body: &Body<'_>, context: &Context<'_>) -> Readings {
    let mut found = Found::default();
    let named;
    let walked = match body {
        Body::Json(record) => profile.trie.walk(*record, &mut found),
        Body::Plain(plain) => {
            named = more_fields(profile, plain);
            profile.trie.pick(&plain.fields, &mut found);
            profile.trie.pick(&named, &mut found);
            Ok(())
        }
    };
    if let Err(error) = walked {
        return smallvec![Err(Refused::new(RejectReason::BadValue, error.to_string()))];
    }
    profile.trie.pick(context.around, &mut found);
    found.sort();
    if !profile.rows.is_empty() && found.alerts() == 0 {
        let items = items_by_name(profile, &found);
        profile.trie.pick(&items, &mut found);
        found.sort();
    }
    if usize::from(found.alerts()) > context.limits.elements_max {
        let detail = format!("more than {} alerts in one record", context.limits.elements_max);
        return smallvec![Err(Refused::new(RejectReason::TooManyElements, detail))];
    }
    match found.alerts() {
        0 if found.is_empty_list() => smallvec![Err(Refused::new(RejectReason::Empty, "the list holds no alert"))],
        0 => smallvec![one(profile, found.view(0), context)],
        count => (1..=count).map(|alert| one_of_many(profile, &found, alert, context)).collect(),
    }
}

fn one_of_many(profile: &Profile, found: &Found<'_>, alert: u16, context: &Context<'_>) -> Result<Arc<Alert>, Refused> {
    if let Some(number) = found.spoilt(alert) {
        Err(Refused::new(RejectReason::BadValue, OutOfRange(number.to_owned()).to_string()))
    } else if found.has_own(alert) {
        one(profile, found.view(alert), context)
    } else {
        Err(Refused::new(RejectReason::NotAnObject, "the element holds nothing that an alert is made of"))
    }
}

/// The items of a list that the profile has names for.
fn items_by_name<'a>(profile: &Profile, found: &Found<'a>) -> TextFields<'a> {
    let view = found.view(0);
    let Some(row) = profile.rows.iter().find(|row| row.takes(view)) else { return TextFields::new() };
    let text = |item: &Scalar<'a>| match item {
        Scalar::Text(text) => text.clone(),
        Scalar::Float(_) | Scalar::Bool(_) => Cow::Owned(item.text().into_owned()),
    };
    let named = row.names.iter().zip(view.all(row.slot)).filter(|(name, _)| !name.is_empty());
    named.map(|(name, item)| (Cow::Owned(name.clone()), text(item))).collect()
}

/// What the profile alone can tell of a text: its columns by name, the parts of its message.
fn more_fields<'a>(profile: &'a Profile, plain: &'a Plain<'a>) -> TextFields<'a> {
    let columns = profile.csv.iter().find(|rule| rule.takes(&plain.fields));
    let mut fields = columns.map(|rule| rule.named(&plain.fields)).unwrap_or_default();
    let captured = profile.templates.iter().find_map(|template| template.captures(plain.body));
    for (name, value) in captured.into_iter().flatten() {
        fields.push((Cow::Borrowed(name), Cow::Borrowed(value)));
    }
    fields
}

fn one(profile: &Profile, view: View<'_, '_>, context: &Context<'_>) -> Result<Arc<Alert>, Refused> {
    if let Some(condition) = profile.accept.as_ref().filter(|condition| !condition.holds(view)) {
        return Err(Refused::new(RejectReason::NotAnAlert, &condition.said));
    }
    let fields = &profile.fields;
    let tenant = context.tenant(first(view, &fields.tenant).as_deref())?;
    let mut draft = Draft::new(context.limits);
    draft.marks.cut = view.cut();
    let rule_name = first(view, &fields.rule_name);
    let title = first(view, &fields.title).or_else(|| rule_name.clone());
    gather(profile, view, &mut draft);
    // A record of a known product is worth an alert even where its own words for it are missing, if it has others.
    let mute = title.is_none() && draft.entities.is_empty() && draft.observables.is_empty();
    if mute && time(profile, &profile.time, view, context).is_none() {
        return Err(Refused::missing("title"));
    }
    let title = title.unwrap_or_else(|| Cow::Owned(format!("{} alert", profile.source.product)));
    let title: Arc<str> = draft.line(&title);
    Ok(Arc::new(Alert {
        id: AlertId(0),
        tenant,
        origin: context.origin.clone(),
        event_time: event_time(profile, view, context)?,
        recorded_at: context.record.timestamp,
        description: first(view, &fields.description).map(|raw| draft.prose(&raw)),
        severity: severity(&profile.severity, view),
        confidence: score(view, &fields.confidence),
        risk_score: score(view, &fields.risk_score),
        source: source(profile, view, &mut draft),
        alert_uid: first(view, &fields.alert_uid).map(|raw| draft.line(&raw)),
        source_ref: reference(view, &fields.reference).map(|raw| draft.line(&raw)),
        rule: rule(profile, view, &mut draft, rule_name.as_deref(), &title),
        attacks: attacks(&profile.attack, view, &mut draft),
        activity: activity(&profile.activity, view),
        revision: revision(profile, view, context),
        dedup_key: first(view, &fields.dedup_key).map(|raw| draft.line(&raw)),
        labels: Vec::new(),
        tags: tags(view, &fields.tags, &mut draft),
        tlp: None,
        pap: None,
        correlation: Correlation::default(),
        links: links(view, &fields.links, &mut draft),
        evidences: Vec::new(),
        unmapped: None,
        profile: Arc::clone(&profile.name),
        title,
        observables: draft.observables,
        entities: draft.entities,
        marks: draft.marks,
    }))
}

/// The first value of a field's alternatives that is one.
fn first<'f>(view: View<'f, '_>, field: &'f Field) -> Option<Cow<'f, str>> {
    pieces(view, field).map(Piece::into_text).find(|value| !text::is_placeholder(value))
}

/// The same, of those that lie in one element of a list with another value, or in none.
fn first_beside<'f>(view: View<'f, '_>, field: &'f Field, group: u16) -> Option<Cow<'f, str>> {
    let of = |group: u16| {
        let there = pieces(view, field).filter(move |piece| piece.group() == group);
        there.map(Piece::into_text).find(|value| !text::is_placeholder(value))
    };
    of(group).or_else(|| if group == 0 { None } else { of(0) })
}

fn event_time(profile: &Profile, view: View<'_, '_>, context: &Context<'_>) -> Result<EventTime, Refused> {
    if let Some(at) = time(profile, &profile.time, view, context) {
        return Ok(EventTime { at, from: TimeFrom::Field });
    }
    context.other_time()
}

fn time(profile: &Profile, field: &Field, view: View<'_, '_>, context: &Context<'_>) -> Option<Timestamp> {
    let frame = context.frame(profile.zone.as_ref());
    let read = |piece: Piece<'_, '_>| {
        let text = piece.text();
        profile.time_formats.iter().find_map(|format| format.read(&text, &frame))
    };
    pieces(view, field).find_map(read)
}

/// An updated time, or a counter.
fn revision(profile: &Profile, view: View<'_, '_>, context: &Context<'_>) -> i64 {
    let updated = &profile.fields.updated;
    if updated.is_empty() {
        return 0;
    }
    let at = time(profile, updated, view, context).filter(|at| times::in_range(*at));
    let counter = || pieces(view, updated).find_map(|piece| piece.number()).map(|number| number as i64);
    at.map(Timestamp::millis).or_else(counter).unwrap_or(0)
}

fn activity(map: &ActivityMap, view: View<'_, '_>) -> Activity {
    for piece in pieces(view, &map.field) {
        let word = piece.text();
        if map.close.iter().any(|close| close.fits(&word)) {
            return Activity::Close;
        }
        if map.update.iter().any(|update| update.fits(&word)) {
            return Activity::Update;
        }
    }
    Activity::Create
}

fn severity(map: &SeverityMap, view: View<'_, '_>) -> Severity {
    pieces(view, &map.field).find_map(|piece| known_severity(map, &piece)).unwrap_or(map.default)
}

fn known_severity(map: &SeverityMap, piece: &Piece<'_, '_>) -> Option<Severity> {
    let word = piece.text();
    let word = text::trimmed(&word);
    if let Some((_, severity)) = map.words.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) {
        return Some(*severity);
    }
    let number = piece.number()?;
    map.steps.iter().rev().find(|(from, _)| *from as f64 <= number).map(|(_, severity)| *severity)
}

/// 0 to 100; what lies outside says nothing we could show.
fn score(view: View<'_, '_>, field: &Field) -> Option<u8> {
    let number = pieces(view, field).find_map(|piece| piece.number())?;
    (0.0..=100.0).contains(&number).then(|| number.round() as u8)
}

fn source(profile: &Profile, view: View<'_, '_>, draft: &mut Draft<'_>) -> Source {
    let instance = first(view, &profile.fields.instance).map(|raw| draft.line(&raw));
    Source { instance, ..profile.source.clone() }
}

/// The parts joined; without the first of them the others do not name one alert. A part that is not there leaves its place
/// empty, one that is there and empty is a quote.
fn reference<'f>(view: View<'f, '_>, field: &'f Field) -> Option<String> {
    let part = |place: &'f Place| place.pieces(view).next().map(Piece::into_text);
    let written = |part: &str, text: &mut String| {
        // So that no part is written as another is.
        if part.trim().is_empty() || part.starts_with('"') {
            text.push('"');
        }
        text.push_str(part);
    };
    let (name, others) = field.places().split_first()?;
    const USUAL: usize = 96;
    let first = part(name).filter(|first| !text::is_placeholder(first))?;
    let mut reference = String::with_capacity(USUAL);
    written(&first, &mut reference);
    for place in others {
        reference.push('/');
        if let Some(part) = part(place) {
            written(&part, &mut reference);
        }
    }
    Some(reference)
}

fn rule(profile: &Profile, view: View<'_, '_>, draft: &mut Draft<'_>, name: Option<&str>, title: &Arc<str>) -> Rule {
    let name: Arc<str> = name.map_or_else(|| Arc::clone(title), |name| draft.line(name));
    let uid = first(view, &profile.fields.rule_uid).map_or_else(|| Arc::clone(&name), |uid| draft.line(&uid));
    let version = first(view, &profile.fields.rule_version).map(|raw| draft.line(&raw));
    Rule { uid, name, version }
}

fn attacks(map: &AttackMap, view: View<'_, '_>, draft: &mut Draft<'_>) -> Vec<Attack> {
    let word = |raw: &str| map.words.iter().find(|(word, _)| word.eq_ignore_ascii_case(raw)).map(|(_, tactic)| *tactic);
    let tactic = |raw: &str| word(raw.trim()).or_else(|| code::tactic(raw)).map(Arc::from);
    let tactics = ids(view, &map.tactics, map.split.as_deref(), tactic);
    let techniques = ids(view, &map.techniques, map.split.as_deref(), |raw| code::technique(raw).map(Arc::from));
    draft.marks.cut |= tactics.len() + techniques.len() > ATTACKS_MAX;
    // Lists of several do not say which belongs to which; one of each does.
    if let ([tactic], [technique]) = (tactics.as_slice(), techniques.as_slice()) {
        return vec![Attack { tactic: Some(Arc::clone(tactic)), technique: Some(Arc::clone(technique)) }];
    }
    let tactics = tactics.into_iter().map(|tactic| Attack { tactic: Some(tactic), technique: None });
    let techniques = techniques.into_iter().map(|technique| Attack { tactic: None, technique: Some(technique) });
    let mut attacks: Vec<Attack> = tactics.chain(techniques).take(ATTACKS_MAX).collect();
    attacks.sort();
    attacks.dedup();
    attacks
}

/// Each once. An id may stand among words: `PowerShell (T1059.001)`, `TA0040-Impact`.
fn ids(
    view: View<'_, '_>,
    field: &Field,
    split: Option<&str>,
    read: impl Fn(&str) -> Option<Arc<str>>,
) -> Vec<Arc<str>> {
    let mut ids: Vec<Arc<str>> = Vec::new();
    for piece in pieces(view, field) {
        let raw = piece.text();
        for item in items(&raw, split) {
            let odd = |c: char| !c.is_ascii_alphanumeric() && c != '.';
            let id = read(item).or_else(|| item.split(odd).find_map(|word| read(word.trim_end_matches('.'))));
            ids.extend(id.filter(|id| !ids.contains(id)));
        }
    }
    ids
}

fn tags(view: View<'_, '_>, field: &Field, draft: &mut Draft<'_>) -> Vec<Box<str>> {
    draft.marks.cut |= pieces(view, field).count() > TAGS_MAX;
    let tags = pieces(view, field).map(Piece::into_text).filter(|tag| !text::is_placeholder(tag));
    tags.take(TAGS_MAX).map(|tag| draft.line(&tag)).collect()
}

fn links(view: View<'_, '_>, field: &Field, draft: &mut Draft<'_>) -> Vec<AlertLink> {
    let urls = pieces(view, field).map(Piece::into_text).filter(|url| !text::is_placeholder(url));
    urls.take(TAGS_MAX).map(|url| AlertLink { title: None, url: draft.line(&url) }).collect()
}

fn gather(profile: &Profile, view: View<'_, '_>, draft: &mut Draft<'_>) {
    for rule in &profile.entities {
        if is_filled(view, &rule.field) && rule.when.as_ref().is_none_or(|condition| condition.holds(view)) {
            name_entities(rule, view, draft);
        }
    }
    for rule in &profile.observables {
        if is_filled(view, &rule.field) && rule.when.as_ref().is_none_or(|condition| condition.holds(view)) {
            observe(rule, view, draft);
        }
    }
}

fn name_entities(rule: &EntityRule, view: View<'_, '_>, draft: &mut Draft<'_>) {
    let mut given = Given::new(rule.first);
    for (place, piece) in placed_pieces(view, &rule.field) {
        if given.before(place, piece.group()) {
            continue;
        }
        let domain = first_beside(view, &rule.domain, piece.group());
        let name = first_beside(view, &rule.name, piece.group());
        let beside = Beside { domain: domain.as_deref(), name: name.as_deref(), ..Beside::default() };
        let raw = piece.text();
        for item in items(&raw, rule.split.as_deref()) {
            if draft.name(rule.kind, rule.part.of(item), rule.role, &beside) {
                given.from(place, piece.group());
            }
        }
    }
}

fn observe(rule: &ObservableRule, view: View<'_, '_>, draft: &mut Draft<'_>) {
    let mut given = Given::new(rule.first);
    for (place, piece) in placed_pieces(view, &rule.field) {
        if given.before(place, piece.group()) {
            continue;
        }
        let raw = piece.text();
        for item in items(&raw, rule.split.as_deref()) {
            if observe_item(rule, item, view, draft) {
                given.from(place, piece.group());
            }
        }
    }
}

/// What earlier places gave, where later ones stand in for them only.
struct Given {
    first: bool,
    /// Place and list element.
    gave: SmallVec<[(usize, u16); 4]>,
}

impl Given {
    fn new(first: bool) -> Self {
        Self { first, gave: SmallVec::new() }
    }

    fn before(&self, place: usize, group: u16) -> bool {
        self.first && self.gave.iter().any(|(earlier, same)| *earlier < place && *same == group)
    }

    fn from(&mut self, place: usize, group: u16) {
        if self.first {
            self.gave.push((place, group));
        }
    }
}

fn items<'r>(raw: &'r str, separator: Option<&'r str>) -> impl Iterator<Item = &'r str> {
    // A text without its separator is its own one item.
    let whole = separator.is_none().then_some(raw);
    let parts = separator.map(|separator| raw.split(separator));
    whole.into_iter().chain(parts.into_iter().flatten())
}

fn observe_item(rule: &ObservableRule, item: &str, view: View<'_, '_>, draft: &mut Draft<'_>) -> bool {
    let Some(value) = item_value(rule, item).map(|value| rule.part.of(value)) else { return false };
    for kind in &rule.kinds {
        let raw = if *kind == ObservableKind::Url { whole_url(rule, value, view) } else { Cow::Borrowed(value) };
        if draft.observe(*kind, &raw, rule.role, rule.ioc) {
            return true;
        }
    }
    false
}

/// The value of `name=value` if the rule takes that name; any item where it names none.
fn item_value<'i>(rule: &ObservableRule, item: &'i str) -> Option<&'i str> {
    if rule.pairs.is_empty() {
        return Some(item);
    }
    let (name, value) = item.split_once('=')?;
    rule.pairs.iter().any(|wanted| wanted.eq_ignore_ascii_case(name.trim())).then_some(value)
}

/// Sensors report the path of a request apart from its host.
fn whole_url<'i>(rule: &ObservableRule, value: &'i str, view: View<'_, '_>) -> Cow<'i, str> {
    match first(view, &rule.base) {
        Some(host) if value.starts_with('/') => Cow::Owned(format!("http://{host}{value}")),
        Some(_) | None => Cow::Borrowed(value),
    }
}

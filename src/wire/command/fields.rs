//! The fields of a command's JSON, taken one by one: what is left over at the end did not belong to it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};

use super::{CommandError, IDEMPOTENCY_KEY_BYTES_MAX, NAME_BYTES_MAX, is_hostile};
use crate::model::{
    Actor, AlertId, CaseId, CaseStatus, Command, CommandKind, InhibitOn, Inhibition, Matcher, Millis, NoiseId,
    NoiseKind, NoiseRule, PartId, Tenant, Verdict,
};
use crate::wire::json::{self, Object, object};

/// Cases that one merge takes in.
const OTHERS_MAX: usize = 16;
const PARTS_MAX: usize = 1_024;
/// What a rule may last.
const SPAN_MAX: Millis = Millis::from_hours(10 * 366 * 24);

/// Every field of every command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<'a> {
    #[serde(borrow)]
    command: Cow<'a, str>,
    #[serde(borrow)]
    case_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tenant_id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "of_object")]
    actor: RawActor<'a>,
    expected_seq: Option<u64>,
    #[serde(borrow)]
    idempotency_key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    verdict: Option<Cow<'a, str>>,
    #[serde(borrow)]
    comment: Option<Cow<'a, str>>,
    #[serde(borrow)]
    other: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    owner: Option<Cow<'a, str>>,
    #[serde(borrow)]
    team: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    to: Option<Cow<'a, str>>,
    #[serde(borrow)]
    alert: Option<Cow<'a, str>>,
    #[serde(borrow)]
    others: Option<Vec<Cow<'a, str>>>,
    parts: Option<Vec<u64>>,
    #[serde(borrow)]
    matcher: Option<Cow<'a, str>>,
    #[serde(borrow)]
    target: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    on: Option<Cow<'a, str>>,
    rule: Option<u64>,
    for_ms: Option<u64>,
    within_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawActor<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// Not from a list, which serde would take as well.
fn of_object<'a, D: serde::Deserializer<'a>>(deserializer: D) -> Result<RawActor<'a>, D::Error> {
    struct OfObject;

    impl<'a> Visitor<'a> for OfObject {
        type Value = RawActor<'a>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<RawActor<'a>, A::Error> {
            RawActor::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(OfObject)
}

pub struct Fields<'a> {
    raw: Raw<'a>,
    prose_bytes_max: usize,
    pub expected_seq: Option<u64>,
}

impl<'a> Fields<'a> {
    pub fn parse(text: &'a str, string_bytes_max: usize) -> Result<Self, CommandError> {
        let raw: Raw<'a> = serde_json::from_str(text).map_err(|error| CommandError::Json(error.to_string()))?;
        let expected_seq = raw.expected_seq;
        Ok(Self { raw, prose_bytes_max: string_bytes_max.min(json::PROSE_BYTES_MAX / 6), expected_seq })
    }

    /// The case that the command is about, or the tenant: a case of number 0.
    pub fn subject(&mut self) -> Result<CaseId, CommandError> {
        if !matches!(&*self.raw.command, "silence" | "allow" | "exclude" | "inhibit" | "unsilence") {
            return case("case_id", &required("case_id", self.raw.case_id.take())?);
        }
        let tenant = required("tenant_id", self.raw.tenant_id.take())?;
        let tenant = Tenant::parse(&tenant).map_err(|_| problem("tenant_id", "is no tenant's name"))?;
        match self.raw.expected_seq {
            Some(_) => Err(problem("expected_seq", "is a case's")),
            None => Ok(CaseId { tenant, number: 0 }),
        }
    }

    /// A name that the sender claims: nothing verifies it until commands are signed.
    pub fn actor(&self) -> Result<Actor, CommandError> {
        Ok(Actor::Person { name: name("actor.name", &self.raw.actor.name)?, verified: false })
    }

    pub fn idempotency_key(&mut self) -> Result<Option<Cow<'a, str>>, CommandError> {
        let key = self.raw.idempotency_key.take();
        match &key {
            Some(key) if key.is_empty() => Err(problem("idempotency_key", "is empty")),
            Some(key) if key.len() > IDEMPOTENCY_KEY_BYTES_MAX => Err(problem("idempotency_key", "is too long")),
            Some(_) | None => Ok(key),
        }
    }

    pub fn kind(&mut self) -> Result<CommandKind, CommandError> {
        let kind = match &*self.raw.command {
            "close" => CommandKind::Close { verdict: self.verdict()?, comment: self.comment()? },
            "reopen" => CommandKind::Reopen { comment: self.comment()? },
            "merge" => CommandKind::Merge { others: self.others()? },
            "undo_merge" => CommandKind::UndoMerge { other: self.other()?, comment: self.comment()? },
            "split" => CommandKind::Split { parts: self.parts()?, comment: self.comment()? },
            "move" => CommandKind::Move { parts: self.parts()?, to: self.to()?, comment: self.comment()? },
            "detach" => CommandKind::Detach { alert: self.alert()?, comment: self.comment()? },
            "set_status" => CommandKind::SetStatus { status: self.status()? },
            "set_verdict" => CommandKind::SetVerdict { verdict: required("verdict", self.verdict()?)? },
            "assign" => CommandKind::Assign { owner: self.owner()?, team: self.team()? },
            "acknowledge" => CommandKind::Acknowledge,
            "silence" => self.noise(NoiseKind::Silence)?,
            "allow" => self.noise(NoiseKind::Allow)?,
            "exclude" => self.noise(NoiseKind::Exclude)?,
            "inhibit" => {
                let target = self.matcher("target", |raw| raw.target.take())?;
                let on = required("on", self.raw.on.take())?;
                let on = InhibitOn::from_label(&on).ok_or_else(|| problem("on", "is none of host, user, any"))?;
                let within = span("within_ms", required("within_ms", self.raw.within_ms.take())?)?;
                self.noise(NoiseKind::Inhibit(Box::new(Inhibition { target, on, within })))?
            }
            "unsilence" => CommandKind::EndNoise { id: NoiseId(required("rule", self.raw.rule.take())?) },
            "comment" => CommandKind::Comment { text: self.text()? },
            unknown => return Err(CommandError::UnknownCommand(quoted(unknown))),
        };
        match self.left_over() {
            Some(field) => Err(CommandError::NotItsField { field, command: kind.label() }),
            None => Ok(kind),
        }
    }

    fn verdict(&mut self) -> Result<Option<Verdict>, CommandError> {
        let Some(raw) = self.raw.verdict.take() else { return Ok(None) };
        Verdict::from_label(&raw).map(Some).ok_or_else(|| problem("verdict", "is none of the verdicts"))
    }

    fn status(&mut self) -> Result<CaseStatus, CommandError> {
        let raw = required("status", self.raw.status.take())?;
        CaseStatus::from_label(&raw).ok_or_else(|| problem("status", "is none of the statuses"))
    }

    fn other(&mut self) -> Result<CaseId, CommandError> {
        case("other", &required("other", self.raw.other.take())?)
    }

    fn noise(&mut self, kind: NoiseKind) -> Result<CommandKind, CommandError> {
        let matcher = self.matcher("matcher", |raw| raw.matcher.take())?;
        let reason = name("reason", &required("reason", self.raw.reason.take())?)?;
        let owner = match self.owner()? {
            Some(owner) => owner,
            None => name("actor.name", &self.raw.actor.name)?,
        };
        let lasts = self.raw.for_ms.take().map(|millis| span("for_ms", millis)).transpose()?;
        Ok(CommandKind::AddNoise { rule: Box::new(NoiseRule { kind, matcher, owner, reason, lasts }) })
    }

    fn matcher(
        &mut self,
        field: &'static str,
        take: impl FnOnce(&mut Raw<'a>) -> Option<Cow<'a, str>>,
    ) -> Result<Matcher, CommandError> {
        let text = required(field, take(&mut self.raw))?;
        if text.chars().any(is_hostile) {
            return Err(problem(field, "holds control characters"));
        }
        Matcher::parse(&text).map_err(|error| CommandError::Matcher { field, error })
    }

    /// One in `other`, or several in `others`.
    fn others(&mut self) -> Result<Vec<CaseId>, CommandError> {
        let Some(raw) = self.raw.others.take() else { return Ok(vec![self.other()?]) };
        if raw.is_empty() || raw.len() > OTHERS_MAX {
            return Err(problem("others", "names none, or more than 16"));
        }
        raw.iter().map(|raw| case("others", raw)).collect()
    }

    fn to(&mut self) -> Result<CaseId, CommandError> {
        case("to", &required("to", self.raw.to.take())?)
    }

    fn alert(&mut self) -> Result<AlertId, CommandError> {
        let raw = required("alert", self.raw.alert.take())?;
        AlertId::parse(&raw).ok_or_else(|| problem("alert", "is no alert id (32 hexadecimal digits)"))
    }

    fn parts(&mut self) -> Result<Vec<PartId>, CommandError> {
        let mut parts = required("parts", self.raw.parts.take())?;
        parts.sort_unstable();
        parts.dedup();
        if parts.is_empty() || parts.len() > PARTS_MAX {
            return Err(problem("parts", "names none, or more than 1,024"));
        }
        Ok(parts.into_iter().map(PartId).collect())
    }

    fn owner(&mut self) -> Result<Option<Arc<str>>, CommandError> {
        self.raw.owner.take().map(|raw| name("owner", &raw)).transpose()
    }

    fn team(&mut self) -> Result<Option<Arc<str>>, CommandError> {
        self.raw.team.take().map(|raw| name("team", &raw)).transpose()
    }

    fn comment(&mut self) -> Result<Option<Arc<str>>, CommandError> {
        let max = self.prose_bytes_max;
        self.raw.comment.take().map(|raw| prose("comment", &raw, max)).transpose()
    }

    fn text(&mut self) -> Result<Arc<str>, CommandError> {
        prose("text", &required("text", self.raw.text.take())?, self.prose_bytes_max)
    }

    fn left_over(&self) -> Option<&'static str> {
        let Raw { verdict, comment, other, status, owner, team, text, to, alert, others, parts, .. } = &self.raw;
        let Raw { case_id, tenant_id, matcher, target, reason, on, rule, for_ms, within_ms, .. } = &self.raw;
        let others = [
            ("others", others.is_some()),
            ("parts", parts.is_some()),
            ("rule", rule.is_some()),
            ("for_ms", for_ms.is_some()),
            ("within_ms", within_ms.is_some()),
        ];
        if let Some((name, _)) = others.into_iter().find(|(_, there)| *there) {
            return Some(name);
        }
        [
            ("case_id", case_id),
            ("tenant_id", tenant_id),
            ("matcher", matcher),
            ("target", target),
            ("reason", reason),
            ("on", on),
            ("to", to),
            ("alert", alert),
            ("verdict", verdict),
            ("comment", comment),
            ("other", other),
            ("status", status),
            ("owner", owner),
            ("team", team),
            ("text", text),
        ]
        .into_iter()
        .find_map(|(name, field)| field.as_ref().map(|_| name))
    }
}

fn span(field: &'static str, millis: u64) -> Result<Millis, CommandError> {
    let millis = i64::try_from(millis).ok().filter(|millis| (1..=SPAN_MAX.0).contains(millis));
    millis.map(Millis).ok_or_else(|| problem(field, "is nothing, or more than ten years"))
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, CommandError> {
    value.ok_or(CommandError::Missing { field })
}

fn problem(field: &'static str, problem: &'static str) -> CommandError {
    CommandError::Field { field, problem }
}

fn case(field: &'static str, raw: &str) -> Result<CaseId, CommandError> {
    CaseId::parse(raw).ok_or_else(|| problem(field, "is no case id (TENANT-N)"))
}

/// One line that may appear anywhere.
fn name(field: &'static str, raw: &str) -> Result<Arc<str>, CommandError> {
    match raw.trim() {
        "" => Err(problem(field, "is empty")),
        name if name.len() > NAME_BYTES_MAX => Err(problem(field, "is too long")),
        name if name.chars().any(is_hostile) => Err(problem(field, "holds control characters")),
        name => Ok(name.into()),
    }
}

/// Text of several lines.
fn prose(field: &'static str, raw: &str, bytes_max: usize) -> Result<Arc<str>, CommandError> {
    let hostile = |c: char| is_hostile(c) && !matches!(c, '\n' | '\t' | '\r');
    match raw.trim() {
        "" => Err(problem(field, "is empty")),
        text if text.len() > bytes_max => Err(problem(field, "is too long")),
        text if text.chars().any(hostile) => Err(problem(field, "holds control characters")),
        text => Ok(text.into()),
    }
}

/// A foreign word for an error's text.
fn quoted(raw: &str) -> String {
    raw.chars().take(40).map(|c| if is_hostile(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

pub fn encode(command: &Command, idempotency_key: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    object(&mut out, |o| {
        if let Actor::Person { name, verified: _ } = &command.actor {
            o.object("actor", |o| o.text("name", name));
        }
        if !command.is_tenant_wide() {
            o.id("case_id", &command.case);
        }
        o.text("command", command.kind.label());
    });
    // The fields of the kind sort before and after the common ones; order matters to nobody here, so they follow.
    out.pop();
    if let Some(expected) = command.expected_seq {
        member(&mut out, |o| o.uint("expected_seq", expected));
    }
    member(&mut out, |o| o.maybe_text("idempotency_key", idempotency_key));
    if command.is_tenant_wide() {
        member(&mut out, |o| o.text("tenant_id", command.case.tenant.as_str()));
    }
    member(&mut out, |o| kind(o, &command.kind));
    out.push(b'}');
    out
}

/// Appends the members that `fill` writes to an object that is still open.
fn member(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
    let start = out.len();
    object(out, fill);
    out.pop();
    if out.len() == start + 1 {
        out.truncate(start);
    } else {
        out[start] = b',';
    }
}

/// The members of a noise rule, as its command has them.
pub fn noise_rule(o: &mut Object<'_>, rule: &NoiseRule) {
    if let Some(lasts) = rule.lasts {
        o.int("for_ms", lasts.0);
    }
    o.prose("matcher", &rule.matcher.to_string());
    let inhibition = match &rule.kind {
        NoiseKind::Inhibit(inhibition) => Some(inhibition),
        NoiseKind::Silence | NoiseKind::Allow | NoiseKind::Exclude => None,
    };
    if let Some(inhibition) = inhibition {
        o.text("on", inhibition.on.label());
    }
    o.text("owner", &rule.owner);
    o.text("reason", &rule.reason);
    if let Some(inhibition) = inhibition {
        o.prose("target", &inhibition.target.to_string());
        o.int("within_ms", inhibition.within.0);
    }
}

fn part_list(o: &mut Object<'_>, parts: &[PartId]) {
    o.list("parts", parts, |part, out| json::uint(part.0, out));
}

fn kind(o: &mut Object<'_>, kind: &CommandKind) {
    match kind {
        CommandKind::Close { verdict, comment } => {
            o.maybe_prose("comment", comment.as_deref());
            o.maybe_text("verdict", verdict.map(Verdict::label));
        }
        CommandKind::Reopen { comment } => o.maybe_prose("comment", comment.as_deref()),
        CommandKind::Merge { others } => match &others[..] {
            [other] => o.id("other", other),
            others => o.list("others", others, |other, out| json::string(&other.to_string(), out)),
        },
        CommandKind::Split { parts, comment } => {
            o.maybe_prose("comment", comment.as_deref());
            part_list(o, parts);
        }
        CommandKind::Move { parts, to, comment } => {
            o.maybe_prose("comment", comment.as_deref());
            part_list(o, parts);
            o.id("to", to);
        }
        CommandKind::Detach { alert, comment } => {
            o.id("alert", alert);
            o.maybe_prose("comment", comment.as_deref());
        }
        CommandKind::UndoMerge { other, comment } => {
            o.maybe_prose("comment", comment.as_deref());
            o.id("other", other);
        }
        CommandKind::SetStatus { status } => o.text("status", status.label()),
        CommandKind::SetVerdict { verdict } => o.text("verdict", verdict.label()),
        CommandKind::Assign { owner, team } => {
            o.maybe_text("owner", owner.as_deref());
            o.maybe_text("team", team.as_deref());
        }
        CommandKind::Acknowledge => {}
        CommandKind::Comment { text } => o.prose("text", text),
        CommandKind::AddNoise { rule } => noise_rule(o, rule),
        CommandKind::EndNoise { id } => o.uint("rule", id.0),
    }
}

//! The fields of a command's JSON, taken one by one: what is left over at the end did not belong to it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::{CommandError, IDEMPOTENCY_KEY_BYTES_MAX, NAME_BYTES_MAX, is_hostile};
use crate::model::{Actor, CaseId, CaseStatus, Command, CommandKind, Verdict};
use crate::wire::json::{self, Object, object};

/// Every field of every command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<'a> {
    #[serde(borrow)]
    command: Cow<'a, str>,
    #[serde(borrow)]
    case_id: Cow<'a, str>,
    #[serde(borrow)]
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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawActor<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
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

    pub fn case_id(&self) -> Result<CaseId, CommandError> {
        case("case_id", &self.raw.case_id)
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
            "merge" => CommandKind::Merge { other: self.other()? },
            "undo_merge" => CommandKind::UndoMerge { other: self.other()?, comment: self.comment()? },
            "set_status" => CommandKind::SetStatus { status: self.status()? },
            "set_verdict" => CommandKind::SetVerdict { verdict: required("verdict", self.verdict()?)? },
            "assign" => CommandKind::Assign { owner: self.owner()?, team: self.team()? },
            "acknowledge" => CommandKind::Acknowledge,
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
        let Raw { verdict, comment, other, status, owner, team, text, .. } = &self.raw;
        [
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
        o.id("case_id", &command.case);
        o.text("command", command.kind.label());
    });
    // The fields of the kind sort before and after the common ones; order matters to nobody here, so they follow.
    out.pop();
    if let Some(expected) = command.expected_seq {
        member(&mut out, |o| o.uint("expected_seq", expected));
    }
    member(&mut out, |o| o.maybe_text("idempotency_key", idempotency_key));
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

fn kind(o: &mut Object<'_>, kind: &CommandKind) {
    match kind {
        CommandKind::Close { verdict, comment } => {
            o.maybe_prose("comment", comment.as_deref());
            o.maybe_text("verdict", verdict.map(Verdict::label));
        }
        CommandKind::Reopen { comment } => o.maybe_prose("comment", comment.as_deref()),
        CommandKind::Merge { other } => o.id("other", other),
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
    }
}

//! Commands in: one JSON object of the command topic becomes a [`Command`], or a reason why it cannot. Strict, because a
//! command changes a case: unknown fields, fields of another command, arrays and text with control characters are all
//! refused. Whether the command may be carried out is the engine's to say.

mod fields;

use crate::config::Limits;
use crate::model::{Command, MatcherError, Origin, Tenant, Timestamp};

pub(super) use fields::noise_rule;

use fields::Fields;

/// The dead letter's reason for every [`CommandError`]; its text is the detail.
pub const REASON: &str = "bad_command";

/// A command is an object with one object inside it, its actor.
const DEPTH_MAX: usize = 2;
const NAME_BYTES_MAX: usize = 256;
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("a command has at most {max} bytes, this one has {bytes}")]
    TooLarge { bytes: usize, max: usize },
    #[error("a command is UTF-8")]
    NotUtf8,
    #[error("a command is one JSON object, nested at most {DEPTH_MAX} deep, with lists for members alone")]
    Shape,
    #[error("{0}")]
    Json(String),
    #[error("there is no command `{0}`")]
    UnknownCommand(String),
    #[error("`{field}` is required")]
    Missing { field: &'static str },
    #[error("`{field}` is not a field of `{command}`")]
    NotItsField { field: &'static str, command: &'static str },
    #[error("`{field}`: {error}")]
    Matcher { field: &'static str, error: MatcherError },
    #[error("`{field}`: {problem}")]
    Field { field: &'static str, problem: &'static str },
}

/// Reads one record of the command topic.
pub fn decode(
    origin: Origin,
    recorded_at: Option<Timestamp>,
    payload: &[u8],
    limits: &Limits,
) -> Result<Command, CommandError> {
    let bytes = payload.len();
    if bytes > limits.record_bytes_max {
        return Err(CommandError::TooLarge { bytes, max: limits.record_bytes_max });
    }
    let text = std::str::from_utf8(payload).map_err(|_| CommandError::NotUtf8)?;
    if !is_flat(text) {
        return Err(CommandError::Shape);
    }
    let mut fields = Fields::parse(text, limits.string_bytes_max)?;
    let case = fields.subject()?;
    let actor = fields.actor()?;
    let idempotency = fields.idempotency_key()?.map(|key| idempotency(&case.tenant, &key));
    let kind = fields.kind()?;
    Ok(Command { origin, recorded_at, actor, case, expected_seq: fields.expected_seq, idempotency, kind })
}

/// The command as `decode` reads it. The idempotency key is known to a [`Command`] by its hash alone, so it is left
/// out; see [`encode_with_key`].
#[must_use]
pub fn encode(command: &Command) -> Vec<u8> {
    fields::encode(command, None)
}

#[must_use]
pub fn encode_with_key(command: &Command, idempotency_key: &str) -> Vec<u8> {
    fields::encode(command, Some(idempotency_key))
}

/// The tenant is inside the hash: one tenant's keys never meet another's, nor an alert's id.
#[must_use]
pub fn idempotency(tenant: &Tenant, key: &str) -> u128 {
    let mut hasher = blake3::Hasher::new_derive_key("casewright command idempotency key v1");
    hasher.update(&(tenant.as_str().len() as u64).to_be_bytes());
    hasher.update(tenant.as_str().as_bytes());
    hasher.update(key.as_bytes());
    let mut first = [0; 16];
    hasher.finalize_xof().fill(&mut first);
    u128::from_be_bytes(first)
}

/// Characters that a terminal, a log line or a page might obey: C0, C1 and bidirectional controls.
#[must_use]
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One linear scan before any parse: an object no deeper than a command is. A list is a member's value and holds no
/// further one, and the actor is none: serde would take a list for a struct by position.
fn is_flat(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped, mut in_list) = (0_usize, false, false, false);
    for byte in text.trim_start_matches([' ', '\t', '\n', '\r']).bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' if depth > 0 => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' if in_list => return false,
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'[' if depth == 1 => in_list = true,
            b'[' => return false,
            b']' => in_list = false,
            _ if depth == 0 && !byte.is_ascii_whitespace() => return false,
            _ => {}
        }
        if depth > DEPTH_MAX {
            return false;
        }
    }
    depth == 0 && !text.is_empty()
}

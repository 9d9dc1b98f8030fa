//! The words of a sentence, and those among them that tell what the next one is.

/// A word without the marks around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub text: &'a str,
    /// In quotes.
    pub quoted: bool,
    /// In brackets, or behind a sign.
    pub marked: bool,
    /// Before a sign: the name of what follows.
    pub names: bool,
    /// Whether a mark parts it from the word before.
    pub closed: bool,
    /// In parentheses of its own.
    pub aside: bool,
    /// Behind `->`.
    pub arrow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    From,
    To,
    User,
    For,
    Version,
}

pub(super) fn of(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut at = 0;
    let mut dashed = false;
    let mut parted = false;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let gap = rest.find(|c: char| !is_mark(c)).unwrap_or(rest.len());
            let marks = &rest[..gap];
            let rest = &rest[gap..];
            if rest.is_empty() {
                return None;
            }
            let plain = rest.find(is_mark).unwrap_or(rest.len());
            // A URL has marks of its own.
            let url = rest[..plain].contains("://");
            let length = if url { rest.find(ends_url).unwrap_or(rest.len()) } else { plain };
            at += gap + length;
            let whole = &rest[..length];
            let arrow = dashed && marks.starts_with('>') || marks.contains("=>");
            dashed = whole.ends_with('-');
            let word =
                whole.trim_end_matches(['.', ':', '-', '!', '?', ',', ')']).trim_start_matches(['*', ':', '-', '@']);
            if word.is_empty() {
                // A dash between blanks parts words as a comma does.
                parted = true;
                continue;
            }
            let closed = std::mem::take(&mut parted) || marks.contains(|c: char| !c.is_whitespace());
            let quoted = marks.ends_with(['\'', '"', '`']);
            let marked = marks.ends_with(['<', '[']) || marks.trim_end().ends_with('=');
            let names = rest[length..].starts_with('=') && !rest[length..].starts_with("=>");
            let aside = marks.ends_with('(');
            return Some(Word { text: word, quoted, marked, names, closed, aside, arrow });
        }
    })
}

fn is_mark(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, ',' | ';' | '=' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '|' | '"' | '\'' | '`')
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '|')
}

fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(word))
}

pub(super) fn cue(word: &str) -> Option<Cue> {
    const FROM: &[&str] =
        &["from", "src", "source", "client", "rhost", "peer", "remote", "attacker", "srcip", "src_ip", "rip", "host"];
    const TO: &[&str] = &["to", "dst", "dest", "destination", "server", "towards", "toward", "dstip", "vip", "lip"];
    const USER: &[&str] = &[
        "user",
        "username",
        "uname",
        "account",
        "userid",
        "acct",
        "usr",
        "login",
        "logname",
        "admin",
        "administrator",
        "principal",
        "ruser",
    ];
    const VERSION: &[&str] = &["version", "v", "ver", "release", "build", "firmware", "oid"];
    let tables = [(FROM, Cue::From), (TO, Cue::To), (USER, Cue::User), (&["for"], Cue::For), (VERSION, Cue::Version)];
    tables.into_iter().find(|(list, _)| is_one_of(word, list)).map(|(_, cue)| cue)
}

/// Words for a machine, before its name.
pub(super) fn is_machine(word: &str) -> bool {
    is_one_of(word, &["host", "hostname", "computer", "machine", "workstation", "server"])
}

/// Words behind which a name is asked for.
pub(super) fn asks(word: &str) -> bool {
    is_one_of(word, &["query", "queried", "lookup", "resolve"])
}

/// Between `user` and its name.
pub(super) fn leads_on(word: &str) -> bool {
    is_one_of(word, &["name", "is", "id", "named", "account", "user", "invalid", "username"])
}

/// What goes on behind a name.
pub(super) fn follows(word: &str) -> bool {
    const FOLLOW: &[&str] = &[
        "from",
        "failed",
        "fail",
        "fails",
        "logged",
        "has",
        "had",
        "was",
        "is",
        "on",
        "at",
        "via",
        "to",
        "by",
        "with",
        "executed",
        "in",
        "successfully",
        "succeeded",
        "login",
        "logout",
        "attempted",
        "tried",
        "denied",
        "and",
        "using",
        "through",
        "authenticated",
        "authentication",
        "ip",
        "address",
        "connected",
        "disconnected",
        "not",
        "running",
        "as",
        "locked",
        "changed",
        "created",
        "deleted",
        "added",
        "removed",
        "modified",
        "started",
        "for",
        "of",
        "because",
        "logon",
        "client",
        "session",
        "requested",
    ];
    is_one_of(word, FOLLOW)
}

/// Words of sentences that are nobody's name.
pub(super) fn is_common(word: &str) -> bool {
    const COMMON: &[&str] = &[
        "user",
        "users",
        "username",
        "authentication",
        "authenticated",
        "authorization",
        "session",
        "sessions",
        "login",
        "logout",
        "logon",
        "logged",
        "account",
        "accounts",
        "failed",
        "failure",
        "success",
        "successful",
        "successfully",
        "password",
        "access",
        "group",
        "groups",
        "role",
        "agent",
        "agents",
        "name",
        "id",
        "data",
        "database",
        "has",
        "was",
        "is",
        "are",
        "been",
        "had",
        "have",
        "not",
        "no",
        "the",
        "a",
        "an",
        "this",
        "that",
        "all",
        "any",
        "each",
        "every",
        "from",
        "to",
        "at",
        "by",
        "for",
        "in",
        "on",
        "of",
        "or",
        "and",
        "with",
        "within",
        "already",
        "currently",
        "interface",
        "error",
        "denied",
        "allowed",
        "blocked",
        "locked",
        "unlocked",
        "disabled",
        "enabled",
        "created",
        "deleted",
        "added",
        "removed",
        "changed",
        "modified",
        "command",
        "connection",
        "connected",
        "disconnected",
        "activity",
        "action",
        "policy",
        "profile",
        "privilege",
        "privileges",
        "rights",
        "permissions",
        "initiated",
        "configuration",
        "info",
        "information",
        "request",
        "requests",
        "timeout",
        "timed",
        "expired",
        "message",
        "process",
        "service",
        "services",
        "system",
        "device",
        "host",
        "server",
        "client",
        "port",
        "protocol",
        "attempt",
        "attempts",
        "attempted",
        "traffic",
        "audit",
        "event",
        "events",
        "does",
        "doesn't",
        "can",
        "cannot",
        "could",
        "will",
        "would",
        "should",
        "may",
        "must",
        "list",
        "mode",
        "type",
        "space",
        "input",
        "details",
        "report",
        "local",
        "remote",
        "domain",
        "administrative",
        "management",
        "who",
        "which",
        "when",
        "where",
        "there",
        "it",
        "its",
        "their",
        "his",
        "her",
        "your",
        "our",
        "after",
        "before",
        "during",
        "more",
        "less",
        "than",
        "new",
        "old",
        "also",
        "being",
        "be",
        "did",
        "do",
        "done",
        "set",
        "get",
        "got",
        "via",
        "using",
        "used",
        "attributes",
        "lockout",
        "credentials",
        "identity",
        "successfull",
        "authenticator",
        "incorrect",
        "wrong",
        "invalid",
        "method",
        "successes",
        "failures",
        "attempting",
        "uid",
        "sid",
        "tty",
        "over",
        "out",
        "up",
        "down",
        "into",
        "only",
        "up",
        "reason",
        "status",
        "status:",
        "state",
        "security",
        "verification",
        "registration",
        "quota",
        "entry",
        "table",
        "home",
        "directory",
        "logs",
        "log",
        "mail",
        "email",
        "address",
        "machine",
        "computer",
        "certificate",
        "token",
        "ticket",
        "api",
        "ip",
        "station",
    ];
    is_one_of(word, COMMON) || is_nobody(word)
}

/// How senders say that there is none.
pub(super) fn is_nobody(word: &str) -> bool {
    is_one_of(
        word,
        &["unknown", "null", "none", "n", "na", "n/a", "nil", "-", "undef", "undefined", "empty", "true", "false"],
    )
}

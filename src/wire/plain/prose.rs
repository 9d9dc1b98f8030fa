//! What a sentence says of whom and from where: addresses, accounts, mailboxes and names that were asked for, each by the
//! word before it. Its fields begin with `message.`, so that no list of pairs is mistaken for them.
//!
//! A word is believed only where the sentence can be told from any other that has it: `for ann from` names a user, `for
//! this` does not. What stands under no word is an address all the same, but nobody's in particular.

mod shape;
mod words;

use super::sink::Sink;
use super::stamp;
use shape::{address, is_domain, is_domain_account, is_machine_name, is_name, is_no_letter, is_time};
use words::{Cue, Word};

const FOUND_MAX: usize = 16;
/// How many words may stand between a cue and what it is about.
const REACH: usize = 3;
/// A sentence is not longer; what is, is data.
const BYTES_MAX: usize = 4096;

pub(super) fn read<'a>(body: &'a str, sink: &mut Sink<'a>) {
    let text = &body[..body.floor_char_boundary(BYTES_MAX)];
    let mut reader = Reader { sink, found: 0, from: 0, cue: None, asked: 0, before: None };
    reader.from = reader.sink.fields.len();
    let mut words = words::of(text).peekable();
    while let Some(word) = words.next() {
        reader.see(word, words.peek());
        if reader.found >= FOUND_MAX {
            break;
        }
    }
}

/// What a value alone is: of a column, the name that it would have in a sentence.
pub(super) fn column(value: &str) -> Option<&'static str> {
    if address(value).is_some() {
        Some("message.ip")
    } else if is_domain_account(value) {
        Some("message.user_name")
    } else if value.split_once('@').is_some_and(|(name, at)| is_name(name) && is_domain(at)) {
        Some("message.email")
    } else if stamp::at_start(value).is_some_and(|stamp| stamp.bytes == value.len()) {
        Some("message.time")
    } else {
        None
    }
}

/// The time in two columns, as the logs of web servers have it.
pub(super) fn day_and_clock(day: &str, clock: &str) -> Option<String> {
    let both = (day.len() == 10 && clock.len() >= 8).then(|| format!("{day} {clock}"))?;
    stamp::at_start(&both).is_some_and(|stamp| stamp.bytes == both.len()).then_some(both)
}

struct Reader<'s, 'a> {
    sink: &'s mut Sink<'a>,
    found: usize,
    /// Where this reader's own fields begin.
    from: usize,
    /// What the last cue was, and how many words ago.
    cue: Option<(Cue, usize)>,
    asked: usize,
    /// The word before, if it may have been a name.
    before: Option<Word<'a>>,
}

impl<'a> Reader<'_, 'a> {
    fn see(&mut self, word: Word<'a>, next: Option<&Word<'a>>) {
        // `outside:192.0.2.7/80`, `Remote:192.0.2.7`
        let word = match word.text.split_once([':', '/']) {
            Some((side, at)) if side.len() > 1 && !side.contains(is_no_letter) && address(at).is_some() => {
                self.cue = words::cue(side).map(|cue| (cue, 0)).or(self.cue);
                Word { text: at, ..word }
            }
            _ => word,
        };
        if word.arrow {
            self.turn();
        }
        self.asked = self.asked.saturating_sub(1);
        let before = self.before.replace(word);
        if self.thing(word, before) {
            // A list of addresses is all of one side; a user is one.
            self.cue = self.cue.filter(|(cue, _)| *cue != Cue::User);
            return;
        }
        if word.text == "->" {
            self.turn();
            return;
        }
        if before.is_some_and(|before| words::is_machine(before.text)) && is_machine_name(word.text) && !word.names {
            self.push("message.host_name", word.text);
        }
        if word.text.eq_ignore_ascii_case("logged")
            && let Some(name) = before.filter(|before| is_name(before.text) && !words::is_common(before.text))
        {
            self.push("message.user_name", name.text);
        }
        if words::asks(word.text) {
            self.asked = REACH;
        } else if self.asked > 0 && is_domain(word.text) {
            self.push("message.query_name", word.text);
            self.asked = 0;
        }
        if matches!(self.cue, Some((Cue::User | Cue::For, _))) && self.account(word, next) {
            return;
        }
        match words::cue(word.text) {
            Some(cue) => self.cue = Some((cue, 0)),
            None => self.cue = self.cue.map(|(cue, age)| (cue, age + 1)).filter(|(_, age)| *age < REACH),
        }
    }

    /// What was said to be somewhere is where it comes from, and what follows is where it goes.
    fn turn(&mut self) {
        let fields = self.sink.fields.get_mut(self.from..).unwrap_or_default();
        if let Some((name, _)) = fields.iter_mut().rev().find(|(name, _)| name == "message.ip") {
            *name = "message.remote_ip".into();
        }
        self.cue = Some((Cue::To, 0));
    }

    /// What its shape alone tells: an address, a URL, a mailbox, an account of a domain.
    fn thing(&mut self, word: Word<'a>, before: Option<Word<'a>>) -> bool {
        let side = self.cue.map(|(cue, _)| cue);
        let text = word.text;
        if let Some(ip) = address(text) {
            // What an address is translated to has no side.
            if word.aside && before.is_some_and(|before| address(before.text).is_some()) {
                self.push("message.nat_ip", ip);
                return true;
            }
            self.push(
                match side {
                    Some(Cue::From) => "message.remote_ip",
                    Some(Cue::To) => "message.destination_ip",
                    Some(Cue::Version) => return true,
                    _ => "message.ip",
                },
                ip,
            );
            return true;
        }
        if is_time(text) {
            self.push("message.time", text);
            return true;
        }
        if text.contains("://") {
            self.push("message.url", text);
            return true;
        }
        if shape::is_mac(text) {
            self.push("message.mac_address", text);
            return true;
        }
        if let Some(ip) = text.split_once("?@").and_then(|(_, at)| address(at)) {
            self.push("message.remote_ip", ip);
            return true;
        }
        if let Some((name, at)) = text.split_once('@').filter(|(name, at)| is_name(name) && !at.contains('@')) {
            if let Some(ip) = address(at) {
                self.push("message.user_name", name);
                self.push("message.remote_ip", ip);
            } else if shape::is_mac(at) {
                self.push("message.user_name", name);
                self.push("message.mac_address", at);
            } else if is_domain(at) {
                self.push(
                    match side {
                        Some(Cue::From) => "message.sender",
                        Some(Cue::To) => "message.recipient",
                        Some(Cue::User) => "message.user_name",
                        _ => "message.email",
                    },
                    text,
                );
            } else {
                return false;
            }
            return true;
        }
        if is_domain_account(text) {
            self.push("message.user_name", text);
            return true;
        }
        false
    }

    /// The account behind `user` or `for`.
    fn account(&mut self, word: Word<'a>, next: Option<&Word<'a>>) -> bool {
        let Some((cue, age)) = self.cue else { return false };
        if words::leads_on(word.text) {
            return cue == Cue::User;
        }
        let common = words::is_common(word.text);
        let apart = next.is_none_or(|next| next.closed || words::follows(next.text));
        let number = word.text.bytes().all(|byte| byte.is_ascii_digit());
        let strange = word.text.contains(|c: char| c.is_ascii_digit() || "._-\\$".contains(c));
        let told = match cue {
            Cue::User if word.quoted => true,
            Cue::User => !common && !number && (word.marked || !word.closed && (apart || strange)),
            _ => (word.quoted || !common) && next.is_some_and(|next| matches!(next.text, "from" | "by" | "against")),
        };
        if age == 0 && told && !word.names && is_name(word.text) && !words::is_nobody(word.text) {
            self.push("message.user_name", word.text);
            self.cue = None;
            return true;
        }
        if age == 0 && cue == Cue::User && words::cue(word.text).is_none() {
            self.cue = None;
        }
        false
    }

    fn push(&mut self, name: &'static str, value: &'a str) {
        let own = self.sink.fields.get(self.from..).unwrap_or_default();
        if !own.iter().any(|(known, told)| known == name && told == value) {
            self.sink.push(name, value);
            self.found += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn told(text: &str, expected: &[&str]) {
        let mut sink = Sink::default();
        read(text, &mut sink);
        let found: Vec<String> = sink.fields.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let expected: Vec<String> = expected.iter().map(|field| format!("message.{field}")).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn accounts_stand_behind_their_word() {
        told("login failure for user admin from 192.0.2.7 via ssh", &["user_name admin", "remote_ip 192.0.2.7"]);
        told("failed login for root from 192.0.2.7", &["user_name root", "remote_ip 192.0.2.7"]);
        told("authentication error for user 'ann.b' from: 192.0.2.7", &["user_name ann.b", "remote_ip 192.0.2.7"]);
        told("admin logged in from 192.0.2.7.", &["user_name admin", "remote_ip 192.0.2.7"]);
        told(
            "auth failure; logname= uid=0 ruser= rhost=192.0.2.7  user=ann",
            &["remote_ip 192.0.2.7", "user_name ann"],
        );
        told("user=<a@b.example>, method=PLAIN, rip=192.0.2.7", &["user_name a@b.example", "remote_ip 192.0.2.7"]);
        told("session opened for user root(uid=0) by ann(uid=7)", &["user_name root"]);
        told("session was opened for 'root@192.0.2.9'", &["user_name root", "remote_ip 192.0.2.9"]);
        told("Bad password attempt for 'ann' from 192.0.2.7:5", &["user_name ann", "remote_ip 192.0.2.7"]);
        told("(?@192.0.2.7) failed for user [ann]", &["remote_ip 192.0.2.7", "user_name ann"]);
        told("User[ann@00:11:22:33:44:55] fails", &["user_name ann", "mac_address 00:11:22:33:44:55"]);
        told("AUDIT - user ann - RAW: restart", &["user_name ann"]);
        told("Rejected : user = ann : reason = x", &["user_name ann"]);
        told("Username: ann, blocked", &["user_name ann"]);
        told("started by CORP\\ann in C:\\Temp\\a", &["user_name CORP\\ann"]);
    }

    #[test]
    fn common_words_are_no_accounts() {
        for text in [
            "user authentication failed",
            "the user session timed out",
            "Failed for this from there",
            "user logged out",
            "waiting for data from disk",
            "user unknown",
            "Login incorrect: 535",
            "login [from: there]",
            "ann's login, class x, mask 255.255.255.0",
            "HKLM\\Software",
        ] {
            told(text, &[]);
        }
    }

    #[test]
    fn addresses_have_the_side_that_is_said() {
        told("drop 192.0.2.7:4000->10.0.0.5:23, len 44", &["remote_ip 192.0.2.7", "destination_ip 10.0.0.5"]);
        told("denied tcp 192.0.2.7(40) -> 10.0.0.5(22)", &["remote_ip 192.0.2.7", "destination_ip 10.0.0.5"]);
        told("Built for out:192.0.2.7/53 (192.0.2.8/53)", &["ip 192.0.2.7", "nat_ip 192.0.2.8"]);
        told("Local:192.0.2.1:500 Remote:192.0.2.7:500", &["ip 192.0.2.1", "remote_ip 192.0.2.7"]);
        told("https 2024-06-15T10:11:12.5Z app", &["time 2024-06-15T10:11:12.5Z"]);
        told("from a.example[192.0.2.7]: 554", &["remote_ip 192.0.2.7"]);
        told("From 192.0.2.7:1234(out) to 10.0.0.5:80(in), x", &["remote_ip 192.0.2.7", "destination_ip 10.0.0.5"]);
        told("caused by MAC address 0011.2233.4455.", &["mac_address 0011.2233.4455"]);
        told("High CPU on host db-3 severity High", &["host_name db-3"]);
        told("Ban 2001:db8::7", &["ip 2001:db8::7"]);
        told("version 1.2.3.4 at 10:20:30, :: and 0.0.0.0", &[]);
        told("client @0x7f 192.0.2.7#4000 (a.example): denied", &["remote_ip 192.0.2.7"]);
        told("query[A] evil.example from 192.0.2.7", &["query_name evil.example", "remote_ip 192.0.2.7"]);
        told("RECV from <a@b.example> to <c@d.example>", &["sender a@b.example", "recipient c@d.example"]);
        told("see https://a.example/b?c=d, please", &["url https://a.example/b?c=d"]);
    }
}

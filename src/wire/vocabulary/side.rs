//! Which side of the story the words around a name put it on, and what that makes of a machine or of an account. The
//! name itself is left to `table`.

use crate::model::Role;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Where it came from: `src`, `client`, `attacker`.
    Source,
    Destination,
    /// Who did it: `actor`, `subject`, `initiatedBy`.
    Actor,
    Target,
    /// Whom it befell: the alert is about this machine, and its account was acted upon.
    Victim,
    /// A machine the alert is about: `device`, `endpoint`.
    Machine,
    Account,
    Peer,
    /// What saw it or passed it on: `observer`, `sensor`, `nat`.
    Reporter,
    /// What is told beside it: `parent`, `previous`, `enrichment`.
    Aside,
}

/// What kind of thing a name names, as far as sides go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Machine,
    Account,
    Thing,
}

impl Side {
    pub fn of(word: &[u8]) -> Option<Self> {
        let word = std::str::from_utf8(word).ok()?;
        SIDES.binary_search_by(|(known, _)| (*known).cmp(word)).ok().map(|at| SIDES[at].1)
    }

    /// The word that opens `run` when its author wrote two words as one (`attackerip`), and what follows it.
    pub fn split(run: &[u8]) -> impl Iterator<Item = (Self, &[u8])> {
        let longer = |word: &str| word.len() >= 3;
        SIDES.iter().filter(move |(word, side)| longer(word) && side.is_written_together()).filter_map(
            move |(word, side)| Some((*side, run.strip_prefix(word.as_bytes()).filter(|rest| rest.len() >= 2)?)),
        )
    }

    fn is_written_together(self) -> bool {
        !matches!(self, Self::Aside | Self::Account)
    }

    /// `None`: this side says nothing about such a part.
    pub const fn role(self, part: Part) -> Option<Role> {
        match (self, part) {
            (Self::Source, Part::Account) | (Self::Actor, Part::Account | Part::Thing) => Some(Role::Actor),
            (Self::Source, Part::Machine | Part::Thing) | (Self::Actor, Part::Machine) => Some(Role::Source),
            (Self::Destination, Part::Machine) | (Self::Target, Part::Machine) => Some(Role::Destination),
            (Self::Destination | Self::Target | Self::Victim, Part::Account | Part::Thing) => Some(Role::Target),
            (Self::Victim | Self::Machine, Part::Machine) => Some(Role::Asset),
            (Self::Account, Part::Machine) => Some(Role::Source),
            (Self::Peer, _) => Some(Role::Peer),
            (Self::Reporter | Self::Aside, _) => Some(Role::Context),
            (Self::Machine | Self::Account, Part::Account | Part::Thing) => None,
        }
    }
}

/// Sorted by word; a test holds it so.
pub(super) const SIDES: &[(&str, Side)] = &[
    ("accessed", Side::Target),
    ("account", Side::Account),
    ("acting", Side::Actor),
    ("actor", Side::Actor),
    ("added", Side::Target),
    ("admin", Side::Actor),
    ("administrator", Side::Actor),
    ("affected", Side::Victim),
    ("agent", Side::Machine),
    ("any", Side::Aside),
    ("appliance", Side::Reporter),
    ("asset", Side::Machine),
    ("assets", Side::Machine),
    ("assignee", Side::Aside),
    ("attacker", Side::Source),
    ("author", Side::Aside),
    ("blacklist", Side::Aside),
    ("c2", Side::Destination),
    ("callback", Side::Destination),
    ("caller", Side::Actor),
    ("client", Side::Source),
    ("cnc", Side::Destination),
    ("collector", Side::Reporter),
    ("compromised", Side::Victim),
    ("computer", Side::Machine),
    ("connector", Side::Reporter),
    ("creator", Side::Aside),
    ("deleted", Side::Target),
    ("dest", Side::Destination),
    ("destination", Side::Destination),
    ("device", Side::Machine),
    ("devices", Side::Machine),
    ("disabled", Side::Target),
    ("dns", Side::Aside),
    ("dst", Side::Destination),
    ("dvc", Side::Reporter),
    ("effective", Side::Actor),
    ("employee", Side::Account),
    ("endpoint", Side::Machine),
    ("enrichment", Side::Aside),
    ("enrichments", Side::Aside),
    ("firewall", Side::Reporter),
    ("forwarder", Side::Reporter),
    ("from", Side::Source),
    ("gateway", Side::Reporter),
    ("grantee", Side::Target),
    ("grantor", Side::Actor),
    ("historical", Side::Aside),
    ("host", Side::Machine),
    ("hosts", Side::Machine),
    ("impacted", Side::Victim),
    ("impersonated", Side::Target),
    ("infected", Side::Victim),
    ("initiated", Side::Actor),
    ("initiating", Side::Actor),
    ("initiator", Side::Actor),
    ("intel", Side::Aside),
    ("intermediary", Side::Reporter),
    ("intruder", Side::Source),
    ("invited", Side::Target),
    ("invitee", Side::Target),
    ("inviter", Side::Actor),
    ("last", Side::Aside),
    ("local", Side::Machine),
    ("locked", Side::Target),
    ("logger", Side::Reporter),
    ("machine", Side::Machine),
    ("malicious", Side::Source),
    ("manager", Side::Reporter),
    ("member", Side::Target),
    ("modified", Side::Target),
    ("nat", Side::Reporter),
    ("node", Side::Machine),
    ("object", Side::Target),
    ("objref", Side::Target),
    ("observer", Side::Reporter),
    ("offender", Side::Source),
    ("old", Side::Aside),
    ("operator", Side::Actor),
    ("orig", Side::Source),
    ("origin", Side::Source),
    ("original", Side::Aside),
    ("originating", Side::Source),
    ("originator", Side::Source),
    ("owner", Side::Aside),
    ("parent", Side::Aside),
    ("peer", Side::Peer),
    ("performed", Side::Actor),
    ("performer", Side::Actor),
    ("performing", Side::Actor),
    ("perpetrator", Side::Source),
    ("person", Side::Account),
    ("policy", Side::Aside),
    ("prev", Side::Aside),
    ("previous", Side::Aside),
    ("principal", Side::Actor),
    ("proxy", Side::Reporter),
    ("recipient", Side::Target),
    ("related", Side::Aside),
    ("relay", Side::Reporter),
    ("remote", Side::Source),
    ("removed", Side::Target),
    ("reporter", Side::Reporter),
    ("reporting", Side::Reporter),
    ("requester", Side::Actor),
    ("requestor", Side::Actor),
    ("resource", Side::Target),
    ("resources", Side::Target),
    ("resp", Side::Destination),
    ("responder", Side::Destination),
    ("rule", Side::Aside),
    ("sender", Side::Source),
    ("sensor", Side::Reporter),
    ("server", Side::Destination),
    ("source", Side::Source),
    ("src", Side::Source),
    ("subject", Side::Actor),
    ("suspicious", Side::Source),
    ("target", Side::Target),
    ("targets", Side::Target),
    ("to", Side::Destination),
    ("translated", Side::Reporter),
    ("user", Side::Account),
    ("users", Side::Account),
    ("victim", Side::Victim),
    ("victims", Side::Victim),
    ("whitelist", Side::Aside),
    ("workstation", Side::Machine),
    ("xlate", Side::Reporter),
];

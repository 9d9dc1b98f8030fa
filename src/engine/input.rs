//! What goes into the engine and what comes out.

use std::sync::Arc;

use super::{Lists, Policy, StateRow, Subject};
use crate::model::{
    Actor, Alert, CaseEvent, CaseId, Command, Link, Origin, Outcome, PartId, Refusal, Tenant, Timestamp,
};

/// Everything that can change the engine. Alerts, commands, time and configuration are all inputs, so a replay sees
/// them all.
#[derive(Clone, Debug)]
pub enum Input {
    /// A decoded alert with what `engine::subject_of` made of it on the decoding threads.
    Alert {
        alert: Arc<Alert>,
        subject: Subject,
    },
    Command(Command),
    /// Wall time passed while every partition was idle: the watermark may rise to this.
    Advance {
        watermark: Timestamp,
    },
    /// This partition has been at its end for a while: the watermark no longer waits for it.
    Idle {
        origin: Origin,
    },
    /// This partition is read from here on: until it speaks or is idle, it holds the watermark back, or the first
    /// partition to be read would leave the alerts of the others behind.
    Expect {
        origin: Origin,
    },
    /// A new policy takes effect here. `text` is its canonical form, kept as a row.
    Policy {
        policy: Box<Policy>,
        text: Arc<str>,
    },
    /// Other lists of assets and indicators take effect here. They are kept as rows.
    Lists(Arc<Lists>),
    /// Rows that `needs` asked for; what is resident never changes effects.
    Cold(Vec<StateRow>),
}

/// What one `apply` asks of the shell. Rows are gathered until `seal`, because a batch saves each of them once.
#[derive(Debug, Default)]
pub struct Effects {
    pub emit: Vec<CaseEvent>,
    pub refuse: Vec<Refused>,
    pub settled: Vec<Settled>,
    /// Parts whose case turned cold, so that nothing needs their alerts any more, or came back from there. What is true
    /// of them at the end of a batch `Engine::is_warm` says.
    pub turned: Vec<(Tenant, PartId)>,
}

/// The one outcome of one alert or command.
#[derive(Clone, Debug)]
pub struct Settled {
    pub origin: Origin,
    pub outcome: Outcome,
    /// The event time lay behind the watermark.
    pub late: bool,
    /// The alert that the outcome speaks of; none for a command.
    pub alert: Option<Arc<Alert>>,
    pub case: Option<CaseId>,
    pub part: Option<PartId>,
    pub link: Option<Arc<Link>>,
}

/// A command that was not carried out.
#[derive(Clone, Debug)]
pub struct Refused {
    pub command: Command,
    pub actor: Actor,
    pub time: Timestamp,
    pub refusal: Refusal,
}

impl Effects {
    pub fn clear(&mut self) {
        self.emit.clear();
        self.refuse.clear();
        self.settled.clear();
        self.turned.clear();
    }

    /// How many inputs ended in `outcome`.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.settled.iter().filter(|settled| settled.outcome == outcome).count()
    }
}

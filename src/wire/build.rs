//! From loose values to an alert: every value goes through its canonical form, lists are bounded, and what an alert must
//! have is filled in or the alert refused.

use std::borrow::Cow;
use std::sync::Arc;

use super::reject::RejectReason;
use super::{canonical, identity};
use crate::config::Limits;
use crate::model::{
    Activity, Alert, AlertId, AlertLink, Attack, Correlation, Entity, EntityKind, EventTime, Label, Marks, Observable,
    ObservableKind, Origin, Role, Rule, Severity, Source, Tenant, TimeFrom, Timestamp,
};

/// Why one element makes no alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: RejectReason,
    pub detail: String,
}

impl Refused {
    #[must_use]
    pub fn new(reason: RejectReason, detail: String) -> Self {
        Self { reason, detail }
    }

    /// A value that is none of those that its field takes.
    #[must_use]
    pub fn value(field: &str, value: &str, wanted: &str) -> Self {
        let value: String = value.chars().take(64).collect();
        Self::new(RejectReason::BadValue, format!("`{field}` is `{value}`, it takes {wanted}"))
    }
}

/// An alert in the making.
#[derive(Debug)]
pub struct Draft {
    limits: Limits,
    pub title: String,
    pub description: Option<Box<str>>,
    pub time: Option<EventTime>,
    pub severity: Severity,
    pub confidence: Option<u8>,
    pub risk_score: Option<u8>,
    pub source: Source,
    pub tenant: Option<String>,
    pub alert_uid: Option<Box<str>>,
    pub source_ref: Option<Box<str>>,
    pub rule_uid: Option<Box<str>>,
    pub rule_name: Option<Box<str>>,
    pub rule_version: Option<Box<str>>,
    pub attacks: Vec<Attack>,
    pub activity: Activity,
    pub revision: i64,
    pub observables: Vec<Observable>,
    pub entities: Vec<Entity>,
    pub dedup_key: Option<Box<str>>,
    pub labels: Vec<Label>,
    pub tags: Vec<Box<str>>,
    pub tlp: Option<Box<str>>,
    pub pap: Option<Box<str>>,
    pub correlation: Correlation,
    pub links: Vec<AlertLink>,
    pub evidences: Vec<Box<str>>,
    pub unmapped: Option<Box<str>>,
    pub cut: bool,
}

impl Draft {
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            title: String::new(),
            description: None,
            time: None,
            severity: Severity::Unknown,
            confidence: None,
            risk_score: None,
            source: Source::default(),
            tenant: None,
            alert_uid: None,
            source_ref: None,
            rule_uid: None,
            rule_name: None,
            rule_version: None,
            attacks: Vec::new(),
            activity: Activity::Create,
            revision: 0,
            observables: Vec::new(),
            entities: Vec::new(),
            dedup_key: None,
            labels: Vec::new(),
            tags: Vec::new(),
            tlp: None,
            pap: None,
            correlation: Correlation::default(),
            links: Vec::new(),
            evidences: Vec::new(),
            unmapped: None,
            cut: false,
        }
    }

    #[must_use]
    pub fn string_bytes_max(&self) -> usize {
        self.limits.string_bytes_max
    }

    /// Neutralised text, cut with a mark where it is too long.
    pub fn bounded(&mut self, raw: &str) -> Box<str> {
        let text = canonical::text(raw);
        let max = self.limits.string_bytes_max;
        if text.len() <= max {
            return text.into();
        }
        self.cut = true;
        text[..text.floor_char_boundary(max)].into()
    }

    /// Text that says something; a placeholder says nothing.
    pub fn maybe_text(&mut self, raw: Option<&str>) -> Option<Box<str>> {
        raw.filter(|raw| !canonical::is_placeholder(raw)).map(|raw| self.bounded(raw))
    }

    /// Adds an ATT&CK reference; what is neither tactic nor technique is passed over.
    pub fn attack(&mut self, tactic: Option<&str>, technique: Option<&str>) {
        let tactic = tactic.and_then(canonical::tactic).map(Arc::from);
        let technique = technique.and_then(canonical::technique).map(Arc::from);
        let attack = Attack { tactic, technique };
        if attack != Attack::default() && !self.attacks.contains(&attack) {
            self.attacks.push(attack);
        }
    }

    /// Adds an observable in its canonical form; the same value again keeps the first role. None where the value is no
    /// value of its kind.
    pub fn observable(&mut self, kind: ObservableKind, role: Role, raw: &str) -> Option<&mut Observable> {
        if raw.len() > self.limits.string_bytes_max {
            self.cut = true;
            return None;
        }
        let value = observable_value(kind, raw)?;
        let known = self.observables.iter().position(|known| known.kind == kind && *known.value == *value);
        let at = match known {
            Some(at) => at,
            None if self.observables.len() >= self.limits.observables_max => {
                self.cut = true;
                return None;
            }
            None => {
                let value = value.into();
                let (ioc, ignore_correlation, tags) = (false, false, Vec::new());
                self.observables.push(Observable { kind, value, role, ioc, ignore_correlation, tags });
                self.observables.len() - 1
            }
        };
        self.observables.get_mut(at)
    }

    pub fn entity(&mut self, kind: EntityKind, role: Role, raw: &str) -> Option<&mut Entity> {
        if raw.len() > self.limits.string_bytes_max {
            self.cut = true;
            return None;
        }
        // Some products write the SID where the name should be.
        let kind = if kind == EntityKind::User && canonical::sid(raw).is_some() { EntityKind::Sid } else { kind };
        let (id, domain) = entity_id(kind, raw)?;
        let known = self.entities.iter().position(|known| known.kind == kind && *known.id == *id);
        let at = match known {
            Some(at) => at,
            None if self.entities.len() >= self.limits.entities_max => {
                self.cut = true;
                return None;
            }
            None => {
                let name = Some(canonical::text(raw)).filter(|name| *name != id).map(Into::into);
                let domain = domain.map(Into::into);
                self.entities.push(Entity { kind, id: id.into(), name, domain, site: None, role, criticality: 0 });
                self.entities.len() - 1
            }
        };
        self.entities.get_mut(at)
    }

    /// The alert, once its tenant is known. Without a time of its own it has the record's.
    pub fn finish(
        mut self,
        tenant: Tenant,
        origin: Origin,
        recorded_at: Option<Timestamp>,
        profile: Arc<str>,
    ) -> Result<Alert, Refused> {
        let record = recorded_at.map(|at| EventTime { at, from: TimeFrom::Record });
        let event_time = self.time.or(record).ok_or_else(|| {
            Refused::new(RejectReason::BadTime, "no readable time in the alert, and the record has none".to_owned())
        })?;
        let title: Arc<str> = Arc::from(self.bounded(&self.title.clone()));
        let name: Arc<str> = self.rule_name.take().map_or_else(|| Arc::clone(&title), Arc::from);
        let uid: Arc<str> = self.rule_uid.take().map_or_else(|| Arc::clone(&name), Arc::from);
        let mut alert = Alert {
            id: AlertId(0),
            tenant,
            origin,
            event_time,
            recorded_at,
            title,
            description: self.description,
            severity: self.severity,
            confidence: self.confidence,
            risk_score: self.risk_score,
            source: self.source,
            alert_uid: self.alert_uid,
            source_ref: self.source_ref,
            rule: Rule { uid, name, version: self.rule_version },
            attacks: self.attacks,
            activity: self.activity,
            revision: self.revision,
            observables: self.observables,
            entities: self.entities,
            dedup_key: self.dedup_key,
            labels: self.labels,
            tags: self.tags,
            tlp: self.tlp,
            pap: self.pap,
            correlation: self.correlation,
            links: self.links,
            evidences: self.evidences,
            unmapped: self.unmapped,
            marks: Marks { clamped: false, cut: self.cut },
            profile,
        };
        alert.id = identity::alert_id(&alert);
        Ok(alert)
    }
}

#[must_use]
pub fn number_to_percent(number: u64) -> u8 {
    u8::try_from(number.min(100)).unwrap_or(100)
}

fn observable_value(kind: ObservableKind, raw: &str) -> Option<String> {
    match kind {
        ObservableKind::Ip => canonical::ip(raw),
        ObservableKind::Cidr => canonical::cidr(raw),
        ObservableKind::Domain => canonical::domain(raw),
        ObservableKind::Url => canonical::url(raw),
        ObservableKind::Email => canonical::email(raw),
        ObservableKind::Hash => canonical::hash(raw),
        ObservableKind::FilePath | ObservableKind::FileName | ObservableKind::RegistryKey => canonical::path(raw),
        ObservableKind::Mac => canonical::mac(raw),
        ObservableKind::Cve => canonical::cve(raw),
        ObservableKind::Certificate
        | ObservableKind::Ja3
        | ObservableKind::Ja4
        | ObservableKind::MessageId
        | ObservableKind::AccessKey => canonical::id(raw),
        ObservableKind::UserAgent | ObservableKind::CommandLine | ObservableKind::Other => canonical::plain(raw),
    }
}

fn entity_id(kind: EntityKind, raw: &str) -> Option<(String, Option<String>)> {
    let plain = |value: Option<String>| value.map(|value| (value, None));
    match kind {
        EntityKind::Host => canonical::host(raw),
        EntityKind::User => canonical::user(raw),
        EntityKind::Sid => plain(canonical::sid(raw)),
        EntityKind::Process | EntityKind::Logon | EntityKind::CloudSession | EntityKind::Container => {
            plain(canonical::id(raw))
        }
        EntityKind::Mailbox => plain(canonical::email(raw)),
        EntityKind::CloudResource | EntityKind::Service | EntityKind::Other => plain(canonical::plain(raw)),
    }
}

/// The values of a list in one string.
pub fn split<'a>(raw: &'a Cow<'_, str>, separator: Option<char>) -> impl Iterator<Item = &'a str> {
    let whole = separator.is_none().then_some(&**raw);
    let parts = separator.map(|separator| raw.split(separator));
    whole.into_iter().chain(parts.into_iter().flatten()).map(str::trim)
}

//! The lists and texts of an alert while it is read: bounded, canonical, each value once.

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::Limits;
use crate::model::{Entity, EntityKind, Marks, Observable, ObservableKind, Role};
use crate::wire::canonical::{self, Identity, text};

pub(in crate::wire) struct Draft<'l> {
    limits: &'l Limits,
    pub marks: Marks,
    pub observables: Vec<Observable>,
    pub entities: Vec<Entity>,
}

/// What a sender may say about an entity beside its identity.
#[derive(Default)]
pub(in crate::wire) struct Beside<'a> {
    pub name: Option<&'a str>,
    pub domain: Option<&'a str>,
    pub site: Option<&'a str>,
    pub criticality: u8,
}

impl<'l> Draft<'l> {
    pub fn new(limits: &'l Limits) -> Self {
        // Most alerts have so many or fewer, and then neither list grows.
        const USUAL: usize = 6;
        let (observables, entities) = (Vec::with_capacity(USUAL), Vec::with_capacity(USUAL));
        Self { limits, marks: Marks::default(), observables, entities }
    }

    /// A name or code: one line, bounded.
    pub fn line<T: for<'t> From<&'t str>>(&mut self, raw: &str) -> T {
        let raw = self.bounded(raw);
        T::from(text::neutral(raw).as_ref())
    }

    /// [`Draft::line`] of what perhaps nobody else needs: what is a line already is kept where it lies.
    pub fn own_line(&mut self, raw: Cow<'_, str>) -> Box<str> {
        match raw {
            Cow::Owned(raw) if raw.len() <= self.limits.string_bytes_max && text::is_line(&raw) => raw.into(),
            raw => self.line(&raw),
        }
    }

    /// Prose: line ends stay.
    pub fn prose(&mut self, raw: &str) -> Box<str> {
        let raw = self.bounded(raw);
        text::neutral_lines(raw).into()
    }

    fn bounded<'t>(&mut self, raw: &'t str) -> &'t str {
        let raw = text::trimmed(raw);
        let kept = text::prefix(raw, self.limits.string_bytes_max);
        self.marks.cut |= kept.len() < raw.len();
        kept
    }

    /// Adds what `raw` is as an observable of `kind`, known bad if `ioc`; false if it is none.
    pub fn observe(&mut self, kind: ObservableKind, raw: &str, role: Role, ioc: bool) -> bool {
        let Some(value) = canonical::observable(kind, raw) else { return false };
        let ignore_correlation = canonical::is_shared(kind, &value);
        let tags = Vec::new();
        self.push_observable(Observable { kind, value: value.into(), role, ioc, ignore_correlation, tags });
        true
    }

    /// The first to name a value says its role: profiles list the surer fields first.
    pub fn push_observable(&mut self, mut observable: Observable) {
        // A shortened value is another value; it may be shown but must not link.
        if observable.value.len() > self.limits.string_bytes_max {
            observable.value = self.line(&observable.value);
            observable.ignore_correlation = true;
        }
        if self.observables.iter().any(|known| known.kind == observable.kind && known.value == observable.value) {
            return;
        }
        if self.observables.len() == self.limits.observables_max {
            self.marks.cut = true;
            return;
        }
        self.observables.push(observable);
    }

    /// Adds what `raw` is as an entity of `kind`, or of the kind that it turns out to be; false if it is none.
    pub fn name(&mut self, kind: EntityKind, raw: &str, role: Role, beside: &Beside<'_>) -> bool {
        let Some(identity) = canonical::entity(kind, raw, beside.domain) else { return false };
        if identity.kind == EntityKind::Host {
            // A machine known by its address alone meets the flows of that address, too.
            self.observe(ObservableKind::Ip, &identity.id, role, false);
        }
        self.push_entity(identity, raw, role, beside);
        true
    }

    fn push_entity(&mut self, identity: Identity<'_>, raw: &str, role: Role, beside: &Beside<'_>) {
        // What every machine has (SYSTEM, localhost) says nothing about two alerts belonging together.
        let shared = canonical::is_shared_identity(identity.kind, &identity.id);
        let role = if shared { Role::Context } else { role };
        let id = text::prefix(&identity.id, self.limits.string_bytes_max);
        self.marks.cut |= id.len() < identity.id.len();
        if self.entities.iter().any(|known| known.kind == identity.kind && known.id.as_ref() == id) {
            return;
        }
        if self.entities.len() == self.limits.entities_max {
            self.marks.cut = true;
            return;
        }
        let id: Arc<str> = id.into();
        let name = text::trimmed(beside.name.unwrap_or(raw));
        let name = (name != id.as_ref()).then(|| self.line(name));
        let domain = identity.domain.map(|domain| self.own_line(domain));
        let site = beside.site.filter(|site| !text::is_placeholder(site)).map(|site| self.line(site));
        self.entities.push(Entity {
            kind: identity.kind,
            id,
            name,
            domain,
            site,
            role,
            criticality: beside.criticality,
        });
    }
}

//! What a reader needs to know beside the element in front of it: the record, its source, and what was wrapped around.

use std::borrow::Cow;

use super::{Record, Refused, RejectReason, captured};
use crate::config::{Limits, SourceConfig, TenantRule};
use crate::model::{EventTime, Origin, Tenant, TimeFrom, Timestamp};
use crate::wire::plain::Plain;
use crate::wire::scan::Value;
use crate::wire::times::{self, Frame, Zone};

/// One element, as far as everything around it is taken off.
pub(in crate::wire) enum Body<'a> {
    /// An object, which `scan` has accepted.
    Json(Value<'a, 'a>),
    Plain(&'a Plain<'a>),
}

pub(in crate::wire) struct Context<'a> {
    pub record: &'a Record<'a>,
    pub source: &'a SourceConfig,
    pub limits: &'a Limits,
    /// When it came, as far as anyone knows.
    pub near: Option<Timestamp>,
    pub origin: Origin,
    /// What was read of the syslog line around a JSON object.
    pub around: &'a [(Cow<'a, str>, Cow<'a, str>)],
    /// The time of the innermost envelope that has one.
    pub outer_time: Option<Timestamp>,
}

impl Context<'_> {
    /// As if nothing had been wrapped around the element.
    pub fn bare(&self) -> Context<'_> {
        let Self { record, source, limits, near, ref origin, .. } = *self;
        Context { record, source, limits, near, origin: origin.clone(), around: &[], outer_time: None }
    }

    /// The tenant by the source's rules, in their order; `field` is what the alert itself says. A rule that finds a name
    /// decides, even if the name is no good: going on to the next one would file the alert under another tenant.
    pub fn tenant(&self, field: Option<&str>) -> Result<Tenant, Refused> {
        for rule in &self.source.tenant {
            let found = match rule {
                TenantRule::Constant(tenant) => return Ok(tenant.clone()),
                TenantRule::Header(name) => self.header(name)?,
                TenantRule::Field => field,
                TenantRule::Topic => captured(&self.source.topic, self.record.topic.as_str()),
            };
            if let Some(name) = found {
                return Tenant::parse(name).map_err(|error| Refused::new(RejectReason::BadTenant, error.to_string()));
            }
        }
        Err(Refused::new(RejectReason::BadTenant, "no rule of the source names a tenant"))
    }

    fn header(&self, name: &str) -> Result<Option<&str>, Refused> {
        let Some((_, value)) = self.record.headers.iter().find(|(key, _)| *key == name) else { return Ok(None) };
        let not_text = |_| Refused::new(RejectReason::BadTenant, format!("header {name} is not UTF-8"));
        std::str::from_utf8(value).map(Some).map_err(not_text)
    }

    /// How a time without an offset or a year is to be read: by the source's configuration before the profile.
    pub fn frame(&self, profile: Option<&Zone>) -> Frame {
        let configured = self.source.timezone.clone().map(Zone::from);
        let zone = configured.or_else(|| profile.cloned()).unwrap_or_default();
        Frame { zone, near: self.outer_time.or(self.near) }
    }

    /// When it happened, where the element itself does not say.
    pub fn other_time(&self) -> Result<EventTime, Refused> {
        let in_range = |at: &Timestamp| times::in_range(*at);
        if let Some(at) = self.outer_time.filter(in_range) {
            return Ok(EventTime { at, from: TimeFrom::Field });
        }
        let recorded = self.record.timestamp.filter(in_range);
        let untimed = || Refused::new(RejectReason::BadTime, "neither the alert nor its record has a time");
        Ok(EventTime { at: recorded.ok_or_else(untimed)?, from: TimeFrom::Record })
    }
}

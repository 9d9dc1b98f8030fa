//! A page of cases as JSON: of each the members that its view has under the same names, and where the next page begins.

use super::event::priority;
use super::json::{self, Object, object};
use crate::engine::CaseSummary;

/// Appends `{"cases":[…],"cases_total":N,"next_cursor":…}`. `total` counts all that the filters let through.
pub fn encode<'a>(
    cases: impl Iterator<Item = &'a CaseSummary>,
    total: u64,
    next_cursor: Option<&str>,
    out: &mut Vec<u8>,
) {
    object(out, |o| {
        let list = o.key("cases");
        list.push(b'[');
        for (place, case) in cases.enumerate() {
            if place > 0 {
                list.push(b',');
            }
            object(list, |o| summary(o, case));
        }
        list.push(b']');
        o.uint("cases_total", total);
        o.text_or_null("next_cursor", next_cursor);
    });
}

fn summary(o: &mut Object<'_>, case: &CaseSummary) {
    o.uint("alert_count", case.alert_count);
    o.id("case_id", &case.id);
    o.time_or_null("closed_at", case.closed_at);
    o.uint("duplicate_count", case.duplicate_count);
    o.time("first_event_at", case.first_event_at);
    o.time("last_event_at", case.last_event_at);
    match &case.merged_into {
        Some(into) => o.id("merged_into", into),
        None => o.null("merged_into"),
    }
    o.time("opened_at", case.opened_at);
    o.text_or_null("owner", case.owner.as_deref());
    o.object("priority", |o| priority(o, &case.priority));
    o.flag("roll_up", case.roll_up);
    o.uint("rolled_up_count", case.rolled_up_count);
    o.uint("seq", case.seq);
    o.text("severity", case.severity.label());
    o.uint("severity_id", case.severity.id().into());
    json::uint(case.products as u64, o.key("sources_total"));
    o.text("status", case.status.label());
    o.text("tenant_id", case.id.tenant.as_str());
    o.text("title", &case.title);
}

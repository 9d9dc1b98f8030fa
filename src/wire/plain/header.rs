//! What a syslog header has said, and the names it goes by among the fields.

use super::sink::Sink;
use super::structured;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Header<'a> {
    /// Whether there was one: a priority, or a time with what belongs to it.
    pub found: bool,
    pub priority: Option<&'a str>,
    pub time: Option<&'a str>,
    pub host: Option<&'a str>,
    /// The host of a header in front of this one.
    pub relay: Option<&'a str>,
    pub app: Option<&'a str>,
    pub procid: Option<&'a str>,
    pub msgid: Option<&'a str>,
    /// From the first `[` to the last `]`.
    pub structured: Option<&'a str>,
    pub body: &'a str,
}

/// Facilities are told from severities by this; the highest facility there is gives the highest priority.
const SEVERITIES: u16 = 8;
const PRIORITY_MAX: u16 = 191;

impl<'a> Header<'a> {
    /// Names the host; one that is known already was a relay's.
    pub fn set_host(&mut self, host: &'a str) {
        if let Some(outer) = self.host.replace(host) {
            self.relay.get_or_insert(outer);
        }
    }

    pub fn describe(&self, sink: &mut Sink<'a>) {
        if let Some(priority) = self.priority {
            sink.push("syslog.priority", priority);
            if let Some(number) = priority.parse::<u16>().ok().filter(|number| *number <= PRIORITY_MAX) {
                sink.push("syslog.facility", (number / SEVERITIES).to_string());
                sink.push("syslog.severity", (number % SEVERITIES).to_string());
            }
        }
        sink.push_some("syslog.time", self.time);
        sink.push_some("relay.host", self.relay);
        sink.push_some("syslog.host", self.host);
        sink.push_some("syslog.app", self.app);
        sink.push_some("syslog.procid", self.procid);
        sink.push_some("syslog.msgid", self.msgid);
        if let Some(elements) = self.structured {
            structured::read(elements, sink);
        }
    }
}

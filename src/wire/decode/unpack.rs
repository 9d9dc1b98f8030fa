//! What is wrapped around alerts: arrays, lists under a key, CloudEvents, shippers that put a whole record into a string,
//! syslog lines around JSON. What a profile recognises is read as it is; only what none does is looked into.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::letter::{self, Hole, Outer};
use super::{AUTO, Body, Context, Decoder, Element, Elements, Record, Refused, RejectReason, Rejection};
use crate::config::{Limits, SourceConfig};
use crate::model::{Alert, AlertId, Origin, Timestamp};
use crate::wire::deep::{self, Log};
use crate::wire::identity::alert_id;
use crate::wire::members::{self, Member, Members};
use crate::wire::plain::{self, Fields, Form, Plain};
use crate::wire::profile::{Profiles, Reader, Readings};
use crate::wire::scan::{Fault, Kind, Scan, Shape, key_hash, scan};
use crate::wire::times::{Frame, TimeFormat, Zone};

/// Envelopes in envelopes that are opened.
const WRAPPED_MAX: u8 = 4;
/// Keys of an object that only carries: a list, and where it came from.
const THIN_KEYS_MAX: usize = 6;
/// An object of fewer is a detail of what carries it.
const KEYS_TELLING: usize = 3;
/// Objects that a record with flat keys may have had.
const FIRSTS_MAX: usize = 64;
/// Of the letters of one record together: one that needs what lies around its element takes that with it.
const REFUSED_BYTES_MAX: usize = 2 << 20;
/// What may be written anew to read one record.
const WRITTEN_BYTES_MAX: usize = 16 << 20;

/// One record being taken apart.
pub(super) struct Unpacking<'d> {
    profiles: &'d Profiles,
    limits: &'d Limits,
    near: Option<Timestamp>,
    record: &'d Record<'d>,
    source: &'d SourceConfig,
    out: Elements,
    /// What the refused elements weigh together.
    refused_bytes: usize,
    /// More came of it than one record may hold.
    overflow: bool,
}

/// A document somewhere in the record.
#[derive(Clone)]
struct Place<'p> {
    text: &'p str,
    /// The bytes of the payload that it is, or that it lies in.
    bytes: Range<usize>,
    /// The text starts with the first of those bytes, so that what lies in it has bytes of its own.
    verbatim: bool,
    /// It is one of many, and is told by its number.
    numbered: bool,
    /// Those bytes are its neighbours' as well, or not all that it takes to read it as it is read here: a letter of it alone
    /// has to be put together.
    split: bool,
    /// What it is put together of.
    outer: Option<&'p Outer<'p>>,
    depth: u8,
    around: &'p [(Cow<'p, str>, Cow<'p, str>)],
    time: Option<Timestamp>,
}

impl<'p> Place<'p> {
    fn inside(&self, at: &Range<usize>) -> Range<usize> {
        if self.verbatim { self.bytes.start + at.start..self.bytes.start + at.end } else { self.bytes.clone() }
    }

    /// One of the documents that this one holds, there in its text.
    fn one_of_many(&self, at: &Range<usize>) -> Self {
        let text = self.text.get(at.clone()).unwrap_or_default();
        let split = self.split || !self.verbatim || self.has_context();
        Self { text, bytes: self.inside(at), numbered: true, split, depth: self.depth + 1, ..self.clone() }
    }

    /// Whether what is read here is read with what was found around it.
    fn has_context(&self) -> bool {
        self.time.is_some() || !self.around.is_empty()
    }

    /// What lies around one of the documents here. Without context each reads alone as it does here.
    fn outer(&'p self, hole: Hole<'p>) -> Option<Outer<'p>> {
        self.has_context().then_some(Outer { text: self.text, hole, outer: self.outer })
    }

    /// What a letter of this document alone carries, where the bytes are not that.
    fn letter(&self) -> Option<Arc<str>> {
        if self.split { letter::composed(self.text, self.outer).map(Arc::from) } else { None }
    }
}

/// Where a part of `text` stands in it.
fn range_in(text: &str, part: &str) -> Range<usize> {
    let from = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    from..from + part.len()
}

impl<'d> Unpacking<'d> {
    pub fn new(decoder: &'d Decoder, record: &'d Record<'d>, source: &'d SourceConfig) -> Self {
        let near = record.timestamp.or(decoder.near);
        Self {
            profiles: &decoder.profiles,
            limits: &decoder.limits,
            near,
            record,
            source,
            out: Elements::new(),
            refused_bytes: 0,
            overflow: false,
        }
    }

    pub fn run(mut self) -> Elements {
        let payload = self.record.payload.unwrap_or_default();
        let place = Place {
            text: std::str::from_utf8(payload).unwrap_or_default(),
            bytes: 0..payload.len(),
            verbatim: true,
            numbered: false,
            split: false,
            outer: None,
            depth: 0,
            around: &[],
            time: None,
        };
        match scan(payload, self.limits) {
            Ok(scan) => self.json(&scan, &place),
            Err(fault) if fault.reason == RejectReason::NotJson => self.perhaps_text(fault, &place),
            Err(fault) => self.refuse(refused_by(fault), None, &place),
        }
        if self.overflow {
            // Nothing of it is lost in one letter, and a thousand would be as many copies of the record.
            let detail = format!("more than {} alerts in one record", self.limits.elements_max);
            (self.out, self.refused_bytes, self.overflow) = (Elements::new(), 0, false);
            self.refuse(Refused::new(RejectReason::TooManyElements, detail), None, &place);
        }
        self.out
    }

    /// Whether there is room for one more, of so many bytes if it is refused.
    fn has_room(&mut self, bytes: usize) -> bool {
        let heavy = self.refused_bytes + bytes > REFUSED_BYTES_MAX && !self.out.is_empty();
        self.overflow |= heavy || self.out.len() >= self.limits.elements_max;
        !self.overflow
    }

    /// What begins like JSON and is none was JSON once, and cut.
    fn perhaps_text(&mut self, fault: Fault, place: &Place<'_>) {
        let text = place.text;
        // Some logs begin their lines with a bracket, but none with a bracket and a brace.
        let list = |rest: &str| rest.trim_start().starts_with(['{', '[', '"']);
        let start = text.trim_start();
        if start.starts_with('{') && self.lines(place) {
            return;
        }
        if start.starts_with('{') || start.strip_prefix('[').is_some_and(list) {
            return self.refuse(refused_by(fault), None, place);
        }
        self.plain(&plain::read(text), place);
    }

    /// JSON lines, which some buffers flush as one record. Answers whether it was that.
    fn lines(&mut self, place: &Place<'_>) -> bool {
        let text = place.text;
        let sound = |line: &str| scan(line.as_bytes(), self.limits).is_ok_and(|scan| scan.shape == Shape::Object);
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        if !lines.next().is_some_and(sound) || lines.clone().count() == 0 {
            return false;
        }
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let outer = place.outer.filter(|_| place.has_context());
            let place = Place { outer, ..place.one_of_many(&range_in(text, line)) };
            if self.overflow {
                break;
            }
            self.document(&place);
        }
        true
    }

    fn json(&mut self, scan: &Scan<'_>, place: &Place<'_>) {
        if scan.shape == Shape::Array {
            return self.list(scan, place);
        }
        if scan.shape == Shape::Scalar {
            return self.scalar(scan, place);
        }
        // What may be of any depth is not looked into: of such a record the keys at its top are all that counts.
        if let Some(fault) = scan.fault {
            if self.all_but_spoilt(scan, place) || self.spoilt_inside(scan, place) {
                return;
            }
            let whole = !is_envelope(scan) || self.profiles.knows(&scan.keys);
            return if whole { self.refuse(refused_by(fault), None, place) } else { self.list(scan, place) };
        }
        let reader = self.recognise(scan);
        if let Some(reader) = reader.filter(|reader| !reader.gives_way()) {
            return self.read(reader, &Body::Json(scan.root()), place);
        }
        // A product's own alert may have a list called `records`; then it is one alert, and was recognised.
        if reader.is_none() && is_envelope(scan) {
            return self.envelope(scan, place, |this| this.list(scan, place));
        }
        if reader.is_none() && self.deeper(scan, place) {
            return;
        }
        if self.unwrapped(scan, place) {
            return;
        }
        match reader.or_else(|| self.named()) {
            Some(reader) => self.read(reader, &Body::Json(scan.root()), place),
            None if &*self.source.profile == AUTO => {
                self.read(self.profiles.generic(), &Body::Json(scan.root()), place)
            }
            None => self.refuse(self.no_such_profile(), None, place),
        }
    }

    /// A list, unless nothing in it makes sense and what is around it does.
    fn envelope(&mut self, scan: &Scan<'_>, place: &Place<'_>, open: impl FnOnce(&mut Self)) {
        let before = self.out.len();
        open(self);
        let senseless = |element: &Element| match element {
            Element::Alert(_) => false,
            Element::Rejected(Rejection { reason, .. }) => {
                matches!(reason, RejectReason::UnknownFormat | RejectReason::NotAnObject | RejectReason::Empty)
            }
        };
        if &*self.source.profile == AUTO && !self.overflow && self.out[before..].iter().all(senseless) {
            let letters: Elements = self.out.drain(before..).collect();
            self.read(self.profiles.generic(), &Body::Json(scan.root()), place);
            if self.out[before..].iter().all(senseless) {
                self.out.truncate(before);
                self.out.extend(letters);
            }
        }
    }

    fn list(&mut self, outer: &Scan<'_>, place: &Place<'_>) {
        if let Some(fault) = outer.envelope_fault {
            return self.refuse(refused_by(fault), None, place);
        }
        let elements = outer.elements.as_deref().unwrap_or_default();
        if elements.is_empty() {
            return self.refuse(Refused::new(RejectReason::Empty, "the envelope holds no alert"), None, place);
        }
        self.each(elements, place);
    }

    fn each(&mut self, elements: &[Range<usize>], place: &Place<'_>) {
        for (n, range) in elements.iter().enumerate() {
            let around = place.outer(Hole::OneOf(elements, n));
            let place = Place { outer: around.as_ref(), ..place.one_of_many(range) };
            match scan(place.text.as_bytes(), self.limits) {
                Ok(_) if place.depth > WRAPPED_MAX => {
                    let detail = format!("envelopes are opened {WRAPPED_MAX} deep in one record");
                    self.refuse(Refused::new(RejectReason::TooDeep, detail), None, &place);
                }
                Ok(scan) if scan.shape == Shape::Array => {
                    self.refuse(Refused::new(RejectReason::NotAnObject, "an alert is a JSON object"), None, &place);
                }
                Ok(scan) => self.json(&scan, &place),
                Err(fault) => self.refuse(refused_by(fault), None, &place),
            }
        }
    }

    /// Lists that lie deeper than under a key of the root. Answers whether there were some.
    fn deeper(&mut self, scan: &Scan<'_>, place: &Place<'_>) -> bool {
        if place.depth >= WRAPPED_MAX {
            return false;
        }
        let has = |name: &str| scan.keys.contains(&key_hash(name.as_bytes()));
        if has("data") {
            let nodes = deep::nodes(scan.root());
            if !nodes.is_empty() {
                self.envelope(scan, place, |this| this.each(&nodes, place));
                return true;
            }
        }
        let logs = if has("resourceLogs") { deep::logs(scan.root()) } else { Vec::new() };
        if logs.len() > self.limits.elements_max {
            self.overflow = true;
        } else {
            self.logs(&logs, place);
        }
        !logs.is_empty()
    }

    /// OpenTelemetry's log records: what is logged in them is the record where it is one, else all that they say is.
    fn logs(&mut self, logs: &[Log<'_, '_>], place: &Place<'_>) {
        let elements: Vec<Range<usize>> = logs.iter().map(Log::range).collect();
        let mut written = 0;
        for (n, log) in logs.iter().enumerate() {
            let whole = Outer { text: place.text, hole: Hole::OneOf(&elements, n), outer: place.outer };
            let record = Place { split: true, outer: Some(&whole), ..place.one_of_many(&elements[n]) };
            let before = self.out.len();
            if let Some((text, at)) = log.text() {
                let at = at.start - elements[n].start..at.end - elements[n].start;
                let around = [place.around, &log.around()].concat();
                let time = log.time().and_then(|raw| TimeFormat::EpochNanos.read(raw, &Frame::default()));
                let outer = Outer { text: record.text, hole: Hole::Quoted(at), outer: record.outer };
                let time = time.or(place.time);
                let body = Place {
                    text: &text,
                    verbatim: false,
                    outer: Some(&outer),
                    around: &around,
                    time,
                    ..record.clone()
                };
                self.carried(&body);
            }
            if self.out.len() == before {
                let document = log.document();
                // What the resource says is written for each record of it.
                written += document.len();
                self.overflow |= written > WRITTEN_BYTES_MAX;
                let outer = Outer { text: record.text, hole: Hole::Whole, outer: record.outer };
                self.document(&Place { text: &document, verbatim: false, outer: Some(&outer), ..record.clone() });
            }
            if self.overflow {
                return;
            }
        }
    }

    fn document(&mut self, place: &Place<'_>) {
        match scan(place.text.as_bytes(), self.limits) {
            Ok(scan) => self.json(&scan, place),
            Err(fault) => self.refuse(refused_by(fault), None, place),
        }
    }

    /// A string may hold a whole record: some shippers quote what they carry.
    fn scalar(&mut self, scan: &Scan<'_>, place: &Place<'_>) {
        let before = self.out.len();
        if let Ok(text) = serde_json::from_str::<String>(scan.text)
            && place.depth < WRAPPED_MAX
        {
            let around = Outer { text: place.text, hole: Hole::Quoted(0..place.text.len()), outer: place.outer };
            let (verbatim, depth) = (false, place.depth + 1);
            self.carried(&Place { text: &text, verbatim, outer: Some(&around), depth, ..place.clone() });
        }
        if self.out.len() == before {
            self.refuse(Refused::new(RejectReason::NotAnObject, "an alert is a JSON object"), None, place);
        }
    }

    /// Looks for a record inside this one. Answers whether there was one, and says all that came of it.
    fn unwrapped(&mut self, scan: &Scan<'_>, place: &Place<'_>) -> bool {
        if place.depth >= WRAPPED_MAX {
            return false;
        }
        let members = Members::of(scan.text);
        let time = members.time().and_then(|raw| TimeFormat::Any.read(raw, &Frame::default())).or(place.time);
        for member in members.carried() {
            let before = self.out.len();
            match member {
                Member::Object(text) => {
                    let at = range_in(scan.text, text);
                    let (bytes, depth) = (place.inside(&at), place.depth + 1);
                    let around = Outer { text: place.text, hole: Hole::Plain(at), outer: place.outer };
                    let inner = Place { text, bytes, outer: Some(&around), depth, time, ..place.clone() };
                    let before = self.out.len();
                    self.carried_object(&inner);
                    if self.out.len() == before && members.is_of_a_bus() {
                        let host = members.host().map(|host| ("syslog.host".into(), host.into()));
                        let around = host.as_ref().map_or(inner.around, std::slice::from_ref);
                        self.carried_alone(&Place { around, ..inner });
                    }
                }
                Member::Text { text, raw, encoded } => {
                    let at = range_in(scan.text, raw);
                    let hole = if encoded { Hole::Encoded(at) } else { Hole::Quoted(at) };
                    let around = Outer { text: place.text, hole, outer: place.outer };
                    let (verbatim, depth) = (false, place.depth + 1);
                    self.carried(&Place { text: &text, verbatim, outer: Some(&around), depth, time, ..place.clone() });
                }
            }
            let refused = |element: &Element| matches!(element, Element::Rejected(_));
            // Evidence of an alert, and no record that somebody carries.
            if is_titled(scan) && self.out[before..].iter().all(refused) {
                self.out.truncate(before);
            }
            if self.out.len() > before {
                return true;
            }
        }
        false
    }

    /// An object that somebody carries is a record only if a profile says so, or holds one in turn.
    fn carried_object(&mut self, place: &Place<'_>) {
        let Ok(scan) = scan(place.text.as_bytes(), self.limits) else { return };
        if scan.fault.is_some() {
            return;
        }
        if self.recognise(&scan).is_some() {
            self.json(&scan, place);
        } else if scan.shape == Shape::Object && is_envelope(&scan) {
            self.list(&scan, place);
        } else if scan.shape == Shape::Object && !self.deeper(&scan, place) {
            self.unwrapped(&scan, place);
        }
    }

    /// So is a text, or if its form says that it is more than a sentence.
    fn carried(&mut self, place: &Place<'_>) {
        let text = place.text;
        if text.trim_start().starts_with(['{', '[']) {
            match scan(text.as_bytes(), self.limits) {
                Ok(scan) => self.carried_json(&scan, place),
                Err(fault) if fault.reason == RejectReason::NotJson => _ = self.lines(place),
                Err(_) => {}
            }
            return;
        }
        if text.len() > self.limits.record_bytes_max {
            return;
        }
        let plain = plain::read(text);
        let formed = matches!(plain.form, Form::Cef | Form::Leef | Form::Json);
        if formed || self.profiles.recognise_plain(&plain).is_some() {
            self.plain(&plain, place);
        }
    }

    fn carried_json(&mut self, scan: &Scan<'_>, place: &Place<'_>) {
        let before = self.out.len();
        if scan.shape == Shape::Array {
            self.list(scan, place);
        } else if let Some(fault) = scan.fault.filter(|_| !is_envelope(scan)) {
            // What is refused as a record is not let in because it comes in a string.
            if !self.all_but_spoilt(scan, place) {
                self.refuse(refused_by(fault), None, place);
            }
        } else {
            self.carried_object(place);
        }
        if self.out.len() == before && scan.shape == Shape::Object && scan.fault.is_none() {
            self.perhaps_generic(scan, place);
        }
    }

    fn plain(&mut self, plain: &Plain<'_>, place: &Place<'_>) {
        if plain.form == Form::Json
            && let Ok(scan) = scan(plain.body.as_bytes(), self.limits)
            && place.depth < WRAPPED_MAX
        {
            let around: Fields<'_> = plain.fields.clone();
            let time = header_time(plain, &self.frame(place)).or(place.time);
            let hole = Hole::Plain(range_in(place.text, plain.body));
            let line = Outer { text: place.text, hole, outer: place.outer };
            let (text, outer, verbatim, depth) = (plain.body, Some(&line), false, place.depth + 1);
            let inner = Place { text, outer, verbatim, depth, around: &around, time, ..place.clone() };
            return self.json(&scan, &inner);
        }
        let reader = match self.named() {
            Some(reader) if reader.reads_text() => reader,
            Some(reader) => {
                let detail = format!("the record is no JSON, and profile {} reads nothing else", reader.name());
                return self.refuse(Refused::new(RejectReason::NotJson, detail), Some(reader), place);
            }
            None if &*self.source.profile == AUTO => {
                self.profiles.recognise_plain(plain).unwrap_or_else(|| self.profiles.generic())
            }
            None => return self.refuse(self.no_such_profile(), None, place),
        };
        let time = header_time(plain, &self.frame(place)).or(place.time);
        self.read(reader, &Body::Plain(plain), &Place { time, ..place.clone() });
    }

    /// What a bus carries is a record, whoever wrote it.
    fn carried_alone(&mut self, place: &Place<'_>) {
        if let Ok(scan) = scan(place.text.as_bytes(), self.limits)
            && scan.shape == Shape::Object
            && scan.fault.is_none()
        {
            self.perhaps_generic(&scan, place);
        }
    }

    /// An object in a string is there for its own sake; but where it says nothing, what carries it may.
    fn perhaps_generic(&mut self, scan: &Scan<'_>, place: &Place<'_>) {
        if &*self.source.profile == AUTO && scan.keys.len() >= KEYS_TELLING {
            self.read(self.profiles.generic(), &Body::Json(scan.root()), place);
            let silent = |rejection: &Rejection| rejection.reason == RejectReason::UnknownFormat;
            if matches!(self.out.last(), Some(Element::Rejected(rejection)) if silent(rejection)) {
                self.out.pop();
            }
        }
    }

    fn frame(&self, place: &Place<'_>) -> Frame {
        let zone = self.source.timezone.clone().map(Zone::from).unwrap_or_default();
        Frame { zone, near: place.time.or(self.near) }
    }

    /// The reader that the configuration names; none under `auto`.
    fn named(&self) -> Option<Reader<'d>> {
        if &*self.source.profile == AUTO { None } else { self.profiles.reader(&self.source.profile) }
    }

    fn no_such_profile(&self) -> Refused {
        Refused::new(RejectReason::UnknownFormat, format!("no profile {}", self.source.profile))
    }

    /// The reader for the object, if it looks like an alert of a profile, and of the named one where one is named.
    fn recognise(&self, scan: &Scan<'_>) -> Option<Reader<'d>> {
        let named = &*self.source.profile != AUTO;
        let known = self.profiles.recognise(&scan.keys, scan.root()).or_else(|| self.recognise_flat(scan))?;
        (!named || **known.name() == *self.source.profile).then_some(known)
    }

    /// Tables and some shippers write `{"a":{"b":1}}` as `{"a.b":1}`.
    fn recognise_flat(&self, scan: &Scan<'_>) -> Option<Reader<'d>> {
        let mut keys = scan.keys.clone();
        for (key, _) in scan.root().members() {
            if let Some((first, _)) = key.text().split_once('.') {
                let hash = key_hash(first.as_bytes());
                if !keys[scan.keys.len()..].contains(&hash) {
                    keys.push(hash);
                }
            }
            if keys.len() > scan.keys.len() + FIRSTS_MAX {
                return None;
            }
        }
        if keys.len() == scan.keys.len() { None } else { self.profiles.recognise(&keys, scan.root()) }
    }

    fn read(&mut self, reader: Reader<'_>, body: &Body<'_>, place: &Place<'_>) {
        let readings = self.readings(reader, body, place);
        let many = readings.len() > 1;
        let refused = many && readings.iter().any(Result::is_err);
        let elements = if refused { reader.elements(body) } else { Vec::new() };
        let told = elements.len() == readings.len();
        for (n, reading) in readings.into_iter().enumerate() {
            match reading {
                Ok(alert) => self.accept(alert),
                Err(refused) if told => self.refuse_element(refused, reader, place, &elements, n),
                Err(refused) => {
                    let place = Place { numbered: place.numbered || many, ..place.clone() };
                    self.refuse(refused, Some(reader), &place);
                }
            }
        }
    }

    /// An element of a list that a profile splits needs what lies beside that list.
    fn refuse_element(
        &mut self,
        refused: Refused,
        reader: Reader<'_>,
        place: &Place<'_>,
        elements: &[Range<usize>],
        n: usize,
    ) {
        let around = Outer { text: place.text, hole: Hole::OneOf(elements, n), outer: place.outer };
        let place = Place { outer: Some(&around), split: true, ..place.one_of_many(&elements[n]) };
        self.refuse(refused, Some(reader), &place);
    }

    /// A record that a profile splits, with some elements that no parser may see: these are refused, and the others read.
    /// Answers whether it was that.
    fn all_but_spoilt(&mut self, outer: &Scan<'_>, place: &Place<'_>) -> bool {
        let named = self.named();
        let known = named.is_none().then(|| self.profiles.splitting(&outer.keys)).into_iter().flatten();
        named.into_iter().chain(known).any(|reader| {
            let elements = reader.elements(&Body::Json(outer.root()));
            let fault = |at: &Range<usize>| match scan(outer.text[at.clone()].as_bytes(), self.limits) {
                Ok(scan) => scan.fault,
                Err(fault) => Some(fault),
            };
            let faults: Vec<Option<Fault>> = elements.iter().map(fault).collect();
            if faults.len() < 2 || faults.iter().all(Option::is_none) {
                return false;
            }
            let rest = letter::without(outer.text, &elements, |n| faults[n].is_some()).unwrap_or_default();
            let Ok(rest) = scan(rest.as_bytes(), self.limits) else { return false };
            let known = rest.fault.is_none()
                && self.recognise(&rest).or(named).is_some_and(|other| other.name() == reader.name());
            known && self.read_but(&faults, reader, &rest, &elements, place)
        })
    }

    /// The same of an object that a sound one carries. Answers whether there was one.
    fn spoilt_inside(&mut self, outer: &Scan<'_>, place: &Place<'_>) -> bool {
        if place.depth >= WRAPPED_MAX || self.profiles.knows(&outer.keys) {
            return false;
        }
        let carried = outer.root().members().filter(|(key, _)| members::is_carrier(&key.text()));
        let objects: Vec<Range<usize>> =
            carried.filter(|(_, value)| value.kind() == Kind::Object).map(|(_, value)| value.range()).collect();
        objects.into_iter().any(|at| {
            let frame = letter::without(outer.text, std::slice::from_ref(&at), |_| true).unwrap_or_default();
            let sound = scan(frame.as_bytes(), self.limits).is_ok_and(|frame| frame.fault.is_none());
            let Ok(inner) = scan(outer.text[at.clone()].as_bytes(), self.limits) else { return false };
            if !sound || inner.fault.is_none() {
                return false;
            }
            let time = Members::of(&frame).time().and_then(|raw| TimeFormat::Any.read(raw, &Frame::default()));
            let (text, bytes, time) = (inner.text, place.inside(&at), time.or(place.time));
            let around = Outer { text: place.text, hole: Hole::Plain(at), outer: place.outer };
            let depth = place.depth + 1;
            self.all_but_spoilt(&inner, &Place { text, bytes, outer: Some(&around), depth, time, ..place.clone() })
        })
    }

    /// Reads what is left without the elements that have a fault; nothing at all if they are not those of the profile.
    fn read_but(
        &mut self,
        faults: &[Option<Fault>],
        reader: Reader<'_>,
        rest: &Scan<'_>,
        elements: &[Range<usize>],
        place: &Place<'_>,
    ) -> bool {
        let readings = self.readings(reader, &Body::Json(rest.root()), place);
        if readings.len() != elements.len() {
            return false;
        }
        for (n, reading) in readings.into_iter().enumerate() {
            match (faults[n], reading) {
                (Some(fault), _) => self.refuse_element(refused_by(fault), reader, place, elements, n),
                (None, Err(refused)) => self.refuse_element(refused, reader, place, elements, n),
                (None, Ok(alert)) => self.accept(alert),
            }
        }
        true
    }

    fn readings(&self, reader: Reader<'_>, body: &Body<'_>, place: &Place<'_>) -> Readings {
        let (topic, partition, offset) = (self.record.topic.clone(), self.record.partition, self.record.offset);
        let index = u32::try_from(self.out.len()).unwrap_or(u32::MAX);
        let context = Context {
            record: self.record,
            source: self.source,
            limits: self.limits,
            near: self.near,
            origin: Origin { topic, partition, offset, index },
            around: place.around,
            outer_time: place.time,
        };
        reader.read(body, &context)
    }

    fn accept(&mut self, mut alert: Arc<Alert>) {
        if !self.has_room(0) {
            return;
        }
        // Nobody else has it yet, so nothing is copied.
        let own = Arc::make_mut(&mut alert);
        own.origin.index = u32::try_from(self.out.len()).unwrap_or(u32::MAX);
        if own.id == AlertId(0) {
            own.id = alert_id(own);
        }
        self.out.push(Element::Alert(alert));
    }

    fn refuse(&mut self, refused: Refused, reader: Option<Reader<'_>>, place: &Place<'_>) {
        if self.overflow {
            return;
        }
        let composed = place.letter();
        let bytes = composed.as_ref().map_or(place.bytes.len(), |letter| letter.len());
        if !self.has_room(bytes) {
            return;
        }
        self.refused_bytes += bytes;
        let profile = reader.map(|reader| Arc::clone(reader.name()));
        let index = place.numbered.then(|| u32::try_from(self.out.len()).unwrap_or(u32::MAX));
        let bytes = place.bytes.clone();
        let rejection = Rejection { reason: refused.reason, detail: refused.detail, profile, index, bytes, composed };
        self.out.push(Element::Rejected(rejection));
    }
}

/// A thin object around a list carries it; a thick one has it.
fn is_envelope(scan: &Scan<'_>) -> bool {
    scan.elements.is_some() && (!scan.perhaps_own || (scan.keys.len() <= THIN_KEYS_MAX && !is_titled(scan)))
}

/// Whether it says what only an alert says of itself.
fn is_titled(scan: &Scan<'_>) -> bool {
    const TITLES: [&str; 6] = ["title", "name", "severity", "rule", "alert", "description"];
    scan.keys.iter().any(|key| TITLES.iter().any(|title| *key == key_hash(title.as_bytes())))
}

fn header_time(plain: &Plain<'_>, frame: &Frame) -> Option<Timestamp> {
    let (_, raw) = plain.fields.iter().find(|(name, _)| name == "syslog.time")?;
    TimeFormat::Any.read(raw, frame)
}

fn refused_by(fault: Fault) -> Refused {
    let detail = match fault.reason {
        RejectReason::Empty => "the record is empty".to_owned(),
        RejectReason::TooLarge => format!("the record is longer than {} bytes", fault.at),
        reason => format!("{} at byte {}", reason.label(), fault.at),
    };
    Refused::new(fault.reason, detail)
}

//! The mapped values of one record: what lies at which slot, which of them lie together in one element of a list, and
//! which belong to one alert alone, where the record carries many.

use std::borrow::Cow;

use smallvec::SmallVec;

/// Where a walk puts the values of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(pub(super) u16);

/// A mapped value, borrowed from the record where it has no escapes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    /// Also a whole number, in its digits.
    Text(Cow<'a, str>),
    Float(f64),
    Bool(bool),
}

impl Scalar<'_> {
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Float(number) => Cow::Owned(number.to_string()),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Self::Float(number) => Some(*number),
            Self::Bool(_) => None,
        }
    }

    pub fn into_owned(self) -> Scalar<'static> {
        match self {
            Self::Text(text) => Scalar::Text(Cow::Owned(text.into_owned())),
            Self::Float(number) => Scalar::Float(number),
            Self::Bool(truth) => Scalar::Bool(truth),
        }
    }
}

/// How many values of one alert a walk keeps, and of all alerts of one record: arrays inside arrays could give as many as
/// the record has bytes.
pub(super) const VALUES_MAX: usize = 512;
const VALUES_OF_ALL_MAX: usize = 1 << 15;

/// The element of a list that a value lies in; 0 is none.
pub(super) type Group = u16;

#[derive(Clone, Debug)]
pub(super) struct Value<'a> {
    pub slot: Slot,
    pub group: Group,
    /// The alert it belongs to, from 1; 0 is all of them.
    pub alert: u16,
    pub scalar: Scalar<'a>,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    values: SmallVec<[Value<'a>; 40]>,
    /// Which slots have a value: most of a profile's have none, and that is to be known at once.
    filled: Slots<RECORD_WORDS>,
    /// Where the values of each filled slot begin once they are sorted, and behind them the end: conditions ask for the
    /// same few again and again.
    starts: SmallVec<[u16; 48]>,
    /// How many filled slots lie before each word of the set.
    before: SmallVec<[u16; RECORD_WORDS]>,
    groups: Group,
    group: Group,
    alert: u16,
    alerts: u16,
    /// Of the alert that the walk is in, or of none.
    kept: usize,
    /// There was a list of alerts, if an empty one.
    listed: bool,
    pub cut: bool,
    /// Alerts of a list that hold a number out of range, and that number.
    spoilt: Vec<(u16, String)>,
}

impl<'a> Found<'a> {
    pub fn push(&mut self, slot: Slot, scalar: Scalar<'a>) {
        if self.kept < VALUES_MAX && self.values.len() < VALUES_OF_ALL_MAX {
            self.kept += 1;
            self.filled.insert(slot);
            self.values.push(Value { slot, group: self.group, alert: self.alert, scalar });
        } else {
            self.cut = true;
        }
    }

    /// Enters one element of a list; answers what `leave` wants back.
    pub fn enter(&mut self) -> Group {
        self.groups = self.groups.saturating_add(1);
        std::mem::replace(&mut self.group, self.groups)
    }

    pub fn leave(&mut self, outer: Group) {
        self.group = outer;
    }

    pub fn begin_alert(&mut self) {
        self.alerts = self.alerts.saturating_add(1);
        (self.alert, self.kept) = (self.alerts, 0);
    }

    pub fn end_alert(&mut self) {
        (self.alert, self.kept) = (0, 0);
    }

    /// The alert that the walk is in cannot be read on.
    pub fn spoil(&mut self, number: String) {
        self.spoilt.push((self.alert, number));
    }

    pub fn spoilt(&self, alert: u16) -> Option<&str> {
        self.spoilt.iter().find(|(spoilt, _)| *spoilt == alert).map(|(_, number)| &**number)
    }

    pub fn begin_list(&mut self) {
        self.listed = true;
    }

    /// Whether the list that was to hold alerts holds none.
    pub fn is_empty_list(&self) -> bool {
        self.listed && self.alerts == 0
    }

    /// Whether the alert has a value of its own.
    pub fn has_own(&self, alert: u16) -> bool {
        self.values.iter().any(|value| value.alert == alert)
    }

    /// How many alerts the record carries in a list of its own; 0 where it is one itself.
    pub fn alerts(&self) -> u16 {
        self.alerts
    }

    /// What was found in a string that had to be unescaped first.
    pub fn take_in(&mut self, other: Found<'_>) {
        self.cut |= other.cut;
        for value in other.values {
            let outer = self.group;
            // Its groups go on from ours; what is in none of its own lies where the string lay.
            self.group = if value.group == 0 { outer } else { self.groups.saturating_add(value.group) };
            self.push(value.slot, value.scalar.into_owned());
            self.group = outer;
        }
        self.groups = self.groups.saturating_add(other.groups);
    }

    /// To be called when all is found: by slot, and within one in the order of the record.
    pub fn sort(&mut self) {
        self.values.sort_by_key(|value| value.slot);
        self.starts.clear();
        let mut last = None;
        for (at, value) in (0..).zip(&self.values) {
            if last != Some(value.slot) {
                self.starts.push(at);
                last = Some(value.slot);
            }
        }
        self.starts.push(self.values.len() as u16);
        self.before.clear();
        let mut sum = 0;
        for bits in &self.filled.0 {
            self.before.push(sum);
            sum += bits.count_ones() as u16;
        }
    }

    /// What one of the alerts sees: its own values and those of all. `alert` from 1; 0 sees all.
    pub fn view(&self, alert: u16) -> View<'_, 'a> {
        View { found: self, alert }
    }
}

/// A set of slots, in words of 64. A field's own mostly lie in the first few; a record's may lie in all of a profile's.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots<const WORDS: usize = 4>(SmallVec<[u64; WORDS]>);

/// The largest profile has some 700 slots.
const RECORD_WORDS: usize = 12;

impl<const WORDS: usize> Slots<WORDS> {
    pub fn insert(&mut self, slot: Slot) {
        let (word, bit) = Self::place(slot);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    fn contains(&self, slot: Slot) -> bool {
        let (word, bit) = Self::place(slot);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    fn meets<const OTHERS: usize>(&self, other: &Slots<OTHERS>) -> bool {
        self.0.iter().zip(&other.0).any(|(mine, theirs)| mine & theirs != 0)
    }

    const fn place(slot: Slot) -> (usize, u64) {
        (slot.0 as usize / 64, 1 << (slot.0 % 64))
    }
}

#[derive(Clone, Copy)]
pub(super) struct View<'f, 'a> {
    found: &'f Found<'a>,
    alert: u16,
}

impl<'f, 'a> View<'f, 'a> {
    pub fn cut(&self) -> bool {
        self.found.cut
    }

    /// Whether any of `slots` may have a value here.
    pub fn has_any(self, slots: &Slots) -> bool {
        self.found.filled.meets(slots)
    }

    #[inline]
    pub fn has(self, slot: Slot) -> bool {
        self.found.filled.contains(slot)
    }

    /// The values at a slot, those of other alerts among them.
    pub fn run(self, slot: Slot) -> &'f [Value<'a>] {
        let Found { values, filled, starts, before, .. } = self.found;
        let (word, bit) = Slots::<RECORD_WORDS>::place(slot);
        let bits = filled.0.get(word).copied().unwrap_or_default();
        if bits & bit == 0 {
            return &[];
        }
        let rank = usize::from(before[word]) + (bits & (bit - 1)).count_ones() as usize;
        &values[usize::from(starts[rank])..usize::from(starts[rank + 1])]
    }

    /// Whether a value is this alert's own or that of all.
    pub fn sees(self, value: &Value<'_>) -> bool {
        self.alert == 0 || value.alert == 0 || value.alert == self.alert
    }

    pub fn values(self, slot: Slot) -> impl Iterator<Item = &'f Value<'a>> {
        self.run(slot).iter().filter(move |value| self.sees(value))
    }

    pub fn all(self, slot: Slot) -> impl Iterator<Item = &'f Scalar<'a>> {
        self.values(slot).map(|value| &value.scalar)
    }
}

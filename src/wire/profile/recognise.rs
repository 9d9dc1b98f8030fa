//! Which profile a record is of: by the keys of a JSON record, by the marks of a text. It hangs on the record alone, never
//! on what came before it: a few look-ups cost so little that nothing is remembered.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::glob::Glob;
use super::rules::Profile;
use super::trie::Probe;
use crate::wire::native;
use crate::wire::plain::{Fields, Form, Plain};
use crate::wire::scan::{Value, key_hash};

/// What tells a format; any one of these.
#[derive(Debug, Default)]
pub(super) struct Signatures {
    /// Sets of top-level keys.
    pub keys: Vec<Vec<String>>,
    /// Whether the profile's own conditions have to hold as well.
    pub conditions: Vec<Asked>,
    /// Vendor and product.
    pub cef: Vec<[Glob; 2]>,
    pub leef: Vec<[Glob; 2]>,
    pub fields: Vec<Vec<String>>,
    pub contains: Vec<String>,
    pub app: Vec<Glob>,
    pub gives_way: bool,
}

/// What has to hold of a record beside its keys.
#[derive(Debug)]
pub(super) struct Asked {
    pub probes: Vec<Probe>,
    pub words: Vec<Glob>,
    pub not: Vec<Glob>,
}

impl Asked {
    fn holds(&self, record: Value<'_, '_>) -> bool {
        let any = |words: &[Glob]| {
            self.probes.iter().any(|probe| probe.any(record, |value| words.iter().any(|word| word.fits(value))))
        };
        (self.words.is_empty() || any(&self.words)) && (self.not.is_empty() || !any(&self.not))
    }
}

/// Top-level keys that together tell a format.
#[derive(Debug)]
struct KeySet {
    keys: Vec<u64>,
    /// `None` is native.
    profile: Option<usize>,
    conditional: bool,
}

/// The signatures of all profiles.
#[derive(Debug)]
pub(super) struct Recogniser {
    /// Most telling first, so that the first that fits is the one.
    sets: Vec<KeySet>,
    /// The sets that a key is the rarest of.
    by_key: HashMap<u64, Vec<usize>, foldhash::fast::FixedState>,
    /// In the order of the profiles: what one text is held against lies together.
    cef: Vec<Marked>,
    leef: Vec<Marked>,
}

/// Vendor and product by which a profile knows its texts.
#[derive(Debug)]
struct Marked {
    words: [Glob; 2],
    profile: usize,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Native,
    Profile(usize),
}

impl Recogniser {
    pub fn new(profiles: &[Profile]) -> Self {
        let native = native::SIGNATURES.iter().map(|keys| KeySet::new(keys, None, false));
        let vendor = profiles.iter().enumerate().flat_map(|(i, profile)| {
            let conditional = !profile.signatures.conditions.is_empty();
            profile.signatures.keys.iter().map(move |keys| KeySet::new(keys, Some(i), conditional))
        });
        let mut sets: Vec<KeySet> = native.chain(vendor).collect();
        // Conditions tell more than keys alone; what was sorted by name before stays so.
        sets.sort_by_key(|set| std::cmp::Reverse((set.keys.len(), set.conditional)));
        let mut uses: HashMap<u64, usize, foldhash::fast::FixedState> = HashMap::default();
        sets.iter().flat_map(|set| &set.keys).for_each(|key| *uses.entry(*key).or_default() += 1);
        let mut by_key: HashMap<u64, Vec<usize>, foldhash::fast::FixedState> = HashMap::default();
        for (i, set) in sets.iter().enumerate() {
            if let Some(rarest) = set.keys.iter().min_by_key(|key| (uses[*key], **key)) {
                by_key.entry(*rarest).or_default().push(i);
            }
        }
        let marked = |marks: fn(&Signatures) -> &Vec<[Glob; 2]>| {
            let of = |(profile, words): (usize, &[Glob; 2])| Marked { words: words.clone(), profile };
            let all = profiles.iter().enumerate();
            all.flat_map(|(i, profile)| marks(&profile.signatures).iter().map(move |words| (i, words)))
                .map(of)
                .collect()
        };
        Self { sets, by_key, cef: marked(|marks| &marks.cef), leef: marked(|marks| &marks.leef) }
    }

    /// The profile whose marks a text bears; headers tell more than names of fields, these more than a word.
    pub fn plain(&self, profiles: &[Profile], plain: &Plain<'_>) -> Option<usize> {
        let first = |fits: &dyn Fn(&Profile) -> bool| profiles.iter().position(fits);
        match plain.form {
            Form::Cef => Header::of(&plain.fields, "cef.vendor", "cef.product").known_to(&self.cef),
            Form::Leef => Header::of(&plain.fields, "leef.vendor", "leef.product").known_to(&self.leef),
            Form::Json => None,
            Form::Csv => first(&|profile| profile.csv.iter().any(|rule| rule.takes(&plain.fields))),
            Form::Pairs | Form::Message => None,
        }
        .or_else(|| by_fields(profiles, &plain.fields))
        .or_else(|| first(&|profile| profile.signatures.contains.iter().any(|word| plain.body.contains(word.as_str()))))
        .or_else(|| first(&|profile| has(&plain.fields, "syslog.app", &profile.signatures.app)))
    }

    /// The profile of a record with these top-level keys; what they hold is asked for where keys alone do not tell.
    pub fn json(&self, keys: &[u64], record: Value<'_, '_>, profiles: &[Profile]) -> Option<Known> {
        let near = keys.iter().filter_map(|key| self.by_key.get(key)).flatten().copied();
        let mut fitting: SmallVec<[usize; 8]> =
            near.filter(|i| self.sets[*i].keys.iter().all(|key| keys.contains(key))).collect();
        fitting.sort_unstable();
        fitting.dedup();
        let set = fitting.into_iter().find(|i| self.holds(*i, record, profiles))?;
        Some(self.sets[set].profile.map_or(Known::Native, Known::Profile))
    }

    /// Whether some profile knows a record with these top-level keys, whatever it holds.
    pub fn knows(&self, keys: &[u64]) -> bool {
        let near = keys.iter().filter_map(|key| self.by_key.get(key)).flatten();
        near.into_iter().any(|i| !self.sets[*i].conditional && self.sets[*i].keys.iter().all(|key| keys.contains(key)))
    }

    fn holds(&self, set: usize, record: Value<'_, '_>, profiles: &[Profile]) -> bool {
        let Some(profile) = self.sets[set].profile.filter(|_| self.sets[set].conditional) else { return true };
        let conditions = &profiles[profile].signatures.conditions;
        conditions.iter().all(|asked| asked.holds(record))
    }
}

/// The largest set of names that are all there.
fn by_fields(profiles: &[Profile], fields: &Fields<'_>) -> Option<usize> {
    let there = |name: &String| fields.iter().any(|(known, _)| known == name);
    let size = |profile: &Profile| {
        let sets = profile.signatures.fields.iter();
        sets.filter(|names| names.iter().all(there)).map(Vec::len).max()
    };
    let sized = profiles.iter().enumerate().filter_map(|(i, profile)| Some((size(profile)?, i)));
    sized.max_by_key(|(size, i)| (*size, std::cmp::Reverse(*i))).map(|(_, i)| i)
}

/// What stands in the fields that name vendor and product: looked up once, and held against all profiles.
struct Header<'f>([SmallVec<[&'f str; 1]>; 2]);

impl<'f> Header<'f> {
    fn of(fields: &'f Fields<'_>, vendor: &str, product: &str) -> Self {
        let values = |name: &str| fields.iter().filter(|(known, _)| known == name).map(|(_, value)| &**value).collect();
        Self([values(vendor), values(product)])
    }

    /// The first profile that knows them.
    fn known_to(&self, marked: &[Marked]) -> Option<usize> {
        let fits = |(word, values): (&Glob, &SmallVec<[&str; 1]>)| values.iter().any(|value| word.fits(value));
        marked.iter().find(|marked| marked.words.iter().zip(&self.0).all(fits)).map(|marked| marked.profile)
    }
}

fn has(fields: &Fields<'_>, name: &str, words: &[Glob]) -> bool {
    fields.iter().any(|(known, value)| known == name && words.iter().any(|word| word.fits(value)))
}

impl KeySet {
    fn new(keys: &[impl AsRef<str>], profile: Option<usize>, conditional: bool) -> Self {
        Self { keys: keys.iter().map(|key| key_hash(key.as_ref().as_bytes())).collect(), profile, conditional }
    }
}

impl super::rules::CsvRule {
    pub fn takes(&self, fields: &Fields<'_>) -> bool {
        self.wanted.iter().all(|(column, words)| {
            self.value(fields, *column).is_some_and(|value| words.iter().any(|word| word.fits(value)))
        })
    }

    /// The named columns that are there.
    pub fn named<'a>(&self, fields: &Fields<'a>) -> Fields<'a> {
        let columns = fields.iter().filter(|(name, _)| is_column(name));
        let named = columns.zip(&self.columns).filter(|(_, name)| !name.is_empty());
        named.map(|((_, value), name)| (name.clone().into(), value.clone())).collect()
    }

    fn value<'f>(&self, fields: &'f Fields<'_>, column: usize) -> Option<&'f str> {
        let (_, value) = fields.iter().filter(|(name, _)| is_column(name)).nth(column)?;
        Some(value)
    }
}

fn is_column(name: &str) -> bool {
    name.strip_prefix("csv.").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

//! The vendor formats: one TOML file each, compiled once into a tree of paths and the meaning of what lies there. This
//! file holds the set and picks from it; `raw` says what a file may say, `compile` checks it, `read` makes alerts.

mod compile;
mod embedded;
mod found;
mod glob;
mod path;
mod raw;
mod read;
mod recognise;
mod rules;
mod samples;
mod split;
mod trie;
mod walk;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use smallvec::smallvec;

use super::decode::{Body, Context, Refused, RejectReason};
use super::plain::Plain;
use super::scan::{Value, key_hash};
use super::{generic, native};
use embedded::EMBEDDED;
pub(super) use read::Readings;
use recognise::{Known, Recogniser};
use rules::Profile;
pub use samples::{SampleFault, SampleReport, check as check_samples};

/// The format of our own, which is code and no file.
pub const NATIVE: &str = "native";
/// The reader for what no profile knows; `auto` alone uses it.
pub const GENERIC: &str = "generic";

/// A profile that cannot be used. It names the file, and where it can the line and the key.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("profiles in {path} cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{file}:{line}: {message}")]
    Invalid { file: String, line: usize, message: String },
    #[error("{file}: a profile named {name} is there already, in {other}")]
    Twice { file: String, name: String, other: String },
}

/// All profiles, compiled.
#[derive(Debug)]
pub struct Profiles {
    native: Arc<str>,
    generic: Arc<str>,
    profiles: Vec<Profile>,
    recogniser: Recogniser,
}

/// A profile for those who choose one.
#[derive(Clone, Debug)]
pub struct ProfileInfo<'a> {
    pub name: &'a str,
    /// Vendor and product.
    pub product: String,
    pub file: &'a str,
}

impl<'a> ProfileInfo<'a> {
    fn of(profile: &'a Profile) -> Self {
        let Profile { name, file, source, .. } = profile;
        let vendor = source.vendor.as_deref().map(|vendor| format!("{vendor} ")).unwrap_or_default();
        Self { name, file, product: format!("{vendor}{}", source.product) }
    }
}

/// How to read one record.
#[derive(Clone, Copy)]
pub(super) enum Reader<'a> {
    Native(&'a Arc<str>),
    Profile(&'a Profile),
    Generic(&'a Arc<str>),
}

impl<'a> Reader<'a> {
    pub fn name(&self) -> &'a Arc<str> {
        match self {
            Self::Native(name) | Self::Generic(name) => name,
            Self::Profile(profile) => &profile.name,
        }
    }

    /// Whether what the record carries in its message is the better alert.
    pub fn gives_way(&self) -> bool {
        matches!(self, Self::Profile(profile) if profile.signatures.gives_way)
    }

    /// Whether it may read a text whose marks it does not know.
    pub fn reads_text(&self) -> bool {
        match self {
            Self::Native(_) => false,
            Self::Generic(_) => true,
            Self::Profile(profile) => profile.reads_text(),
        }
    }

    pub fn read(&self, body: &Body<'_>, context: &Context<'_>) -> Readings {
        match (self, body) {
            (Self::Native(name), Body::Json(record)) => smallvec![native::read(*record, name, context)],
            (Self::Native(_), Body::Plain(_)) => {
                smallvec![Err(Refused::new(RejectReason::NotJson, "a native alert is JSON"))]
            }
            (Self::Profile(profile), _) => read::read(profile, body, context),
            (Self::Generic(name), _) => smallvec![generic::read(body, name, context)],
        }
    }

    /// Where the elements lie that each have a reading of their own; none where that cannot be told.
    pub fn elements(&self, body: &Body<'_>) -> Vec<Range<usize>> {
        match (self, body) {
            (Self::Profile(Profile { alerts: Some(list), .. }), Body::Json(record)) => list.elements(*record),
            (Self::Native(_) | Self::Profile(_) | Self::Generic(_), _) => Vec::new(),
        }
    }
}

impl Profiles {
    /// The profiles in the binary.
    ///
    /// # Panics
    /// If an embedded profile is wrong, which a test rules out.
    #[must_use]
    pub fn embedded() -> Self {
        Self::load(None).expect("the embedded profiles are tested")
    }

    /// The embedded profiles and those of `dir`; one of the same name there takes the embedded one's place.
    pub fn load(dir: Option<&Path>) -> Result<Self, ProfileError> {
        let own = dir.map(files_of).transpose()?.unwrap_or_default();
        let own: Vec<Profile> =
            own.iter().map(|(file, text)| compile::profile(file, text)).collect::<Result<_, _>>()?;
        refuse_twins(&own)?;
        let mut profiles = Vec::new();
        for (file, text) in EMBEDDED.iter().copied() {
            let profile = compile::profile(file, text)?;
            if own.iter().all(|other| other.name != profile.name) {
                profiles.push(profile);
            }
        }
        profiles.extend(own);
        profiles.sort_by(|a, b| a.name.cmp(&b.name));
        let recogniser = Recogniser::new(&profiles);
        Ok(Self { native: NATIVE.into(), generic: GENERIC.into(), recogniser, profiles })
    }

    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.profiles.iter().map(|profile| &*profile.name).collect();
        names.push(&self.native);
        names.sort_unstable();
        names
    }

    #[must_use]
    pub fn list(&self) -> Vec<ProfileInfo<'_>> {
        self.profiles.iter().map(ProfileInfo::of).collect()
    }

    /// The records of all profiles' samples.
    pub fn samples(&self) -> impl Iterator<Item = &str> {
        self.profiles.iter().flat_map(|profile| &profile.samples).map(|sample| sample.record.trim())
    }

    /// Whether `text` is a profile.
    pub fn check_file(file: &str, text: &str) -> Result<(), ProfileError> {
        compile::profile(file, text).map(drop)
    }

    /// The file of a profile, as it was written.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.profiles.iter().find(|profile| &*profile.name == name).map(|profile| &*profile.text)
    }

    /// Whether a source may name this profile; `auto` is no profile.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.reader(name).is_some()
    }

    pub(super) fn reader(&self, name: &str) -> Option<Reader<'_>> {
        if name == NATIVE {
            return Some(Reader::Native(&self.native));
        }
        if name == GENERIC {
            return Some(self.generic());
        }
        self.profiles.iter().find(|profile| &*profile.name == name).map(Reader::Profile)
    }

    /// The profile that knows the object by its top-level keys, given as hashes.
    pub(super) fn recognise(&self, keys: &[u64], record: Value<'_, '_>) -> Option<Reader<'_>> {
        Some(match self.recogniser.json(keys, record, &self.profiles)? {
            Known::Native => Reader::Native(&self.native),
            Known::Profile(i) => Reader::Profile(&self.profiles[i]),
        })
    }

    /// Whether some profile knows an object with these top-level keys, whatever it holds.
    pub(super) fn knows(&self, keys: &[u64]) -> bool {
        self.recogniser.knows(keys)
    }

    /// The profiles that may know an object with these top-level keys, and split it.
    pub(super) fn splitting(&self, keys: &[u64]) -> impl Iterator<Item = Reader<'_>> {
        let fits = |set: &Vec<String>| set.iter().all(|key| keys.contains(&key_hash(key.as_bytes())));
        let splitting = self.profiles.iter().filter(|profile| profile.alerts.is_some());
        splitting.filter(move |profile| profile.signatures.keys.iter().any(fits)).map(Reader::Profile)
    }

    /// The profile that knows the text by its marks.
    pub(super) fn recognise_plain(&self, plain: &Plain<'_>) -> Option<Reader<'_>> {
        self.recogniser.plain(&self.profiles, plain).map(|i| Reader::Profile(&self.profiles[i]))
    }

    pub(super) fn generic(&self) -> Reader<'_> {
        Reader::Generic(&self.generic)
    }
}

fn refuse_twins(own: &[Profile]) -> Result<(), ProfileError> {
    for (i, profile) in own.iter().enumerate() {
        if let Some(other) = own[..i].iter().find(|other| other.name == profile.name) {
            let (file, name, other) = (profile.file.clone(), profile.name.to_string(), other.file.clone());
            return Err(ProfileError::Twice { file, name, other });
        }
    }
    Ok(())
}

/// The `.toml` files of a directory by name, in an order that does not hang on the file system.
fn files_of(dir: &Path) -> Result<Vec<(String, String)>, ProfileError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ProfileError::Read { path, source }
    };
    let entries = std::fs::read_dir(dir).map_err(failed(dir))?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(failed(dir))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
        Ok((path.display().to_string(), text))
    };
    paths.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(name: &str) -> String {
        Profiles::embedded().text(name).expect("a shipped profile").to_owned()
    }

    #[test]
    fn the_embedded_profiles_compile() {
        let profiles = Profiles::embedded();
        assert_eq!(profiles.names().len(), EMBEDDED.len() + 1);
        assert!(profiles.contains("native") && profiles.contains("generic"));
        assert!(!profiles.contains("auto") && !profiles.contains("x"));
    }

    #[test]
    fn one_s_own_profile_takes_the_embedded_one_s_place() {
        let dir = tempfile::tempdir().unwrap();
        let text = shipped("suricata").replace("product = \"suricata\"", "product = \"our-sensor\"");
        std::fs::write(dir.path().join("ours.toml"), text).unwrap();
        let profiles = Profiles::load(Some(dir.path())).unwrap();
        assert_eq!(profiles.names().len(), EMBEDDED.len() + 1);
        let Some(Reader::Profile(profile)) = profiles.reader("suricata") else { panic!("suricata is a profile") };
        assert_eq!(&*profile.source.product, "our-sensor");
    }

    #[test]
    fn two_files_of_one_name_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.toml"), shipped("suricata")).unwrap();
        std::fs::write(dir.path().join("b.toml"), shipped("suricata")).unwrap();
        let error = Profiles::load(Some(dir.path())).unwrap_err();
        assert!(matches!(error, ProfileError::Twice { .. }), "{error}");
    }
}

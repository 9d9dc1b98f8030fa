//! The vendor formats: one TOML file each, compiled once into a tree of paths and the meaning of what lies there. This
//! file holds the set and picks from it; `raw` says what a file may say, `compile` checks it, `read` makes alerts.

mod compile;
mod path;
mod raw;
mod read;
mod trie;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decode::{Context, Refused};
use super::native;
use super::scan::key_hash;
use crate::model::Alert;
use compile::Profile;

/// The format of our own, which is code and no file.
pub const NATIVE: &str = "native";

const EMBEDDED: [(&str, &str); 3] = [
    ("hayabusa.toml", include_str!("../../config/profiles/hayabusa.toml")),
    ("suricata.toml", include_str!("../../config/profiles/suricata.toml")),
    ("wazuh.toml", include_str!("../../config/profiles/wazuh.toml")),
];

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
    profiles: Vec<Profile>,
    /// Most telling first, so that the first that fits is the one.
    signatures: Vec<Signature>,
}

/// Top-level keys that together tell a format.
#[derive(Debug)]
struct Signature {
    keys: Vec<u64>,
    /// `None` is native.
    profile: Option<usize>,
}

/// How to read one record.
#[derive(Clone, Copy)]
pub(super) enum Reader<'a> {
    Native(&'a Arc<str>),
    Profile(&'a Profile),
}

impl<'a> Reader<'a> {
    pub fn name(&self) -> &'a Arc<str> {
        match self {
            Self::Native(name) => name,
            Self::Profile(profile) => &profile.name,
        }
    }

    pub fn read(&self, text: &str, context: &Context<'_>) -> Result<Alert, Refused> {
        match self {
            Self::Native(name) => native::read(text, name, context),
            Self::Profile(profile) => read::read(profile, text, context),
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
        for (file, text) in EMBEDDED {
            let profile = compile::profile(file, text)?;
            if own.iter().all(|other| other.name != profile.name) {
                profiles.push(profile);
            }
        }
        profiles.extend(own);
        profiles.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { native: NATIVE.into(), signatures: signatures(&profiles), profiles })
    }

    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.profiles.iter().map(|profile| &*profile.name).collect();
        names.push(&self.native);
        names.sort_unstable();
        names
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
        self.profiles.iter().find(|profile| &*profile.name == name).map(Reader::Profile)
    }

    /// The profile whose signature is among `keys`, the hashes of a record's top-level keys. It hangs on the record
    /// alone, never on what came before it.
    pub(super) fn recognise(&self, keys: &[u64]) -> Option<Reader<'_>> {
        let fits = |signature: &&Signature| signature.keys.iter().all(|key| keys.contains(key));
        let signature = self.signatures.iter().find(fits)?;
        Some(signature.profile.map_or(Reader::Native(&self.native), |i| Reader::Profile(&self.profiles[i])))
    }
}

fn signatures(profiles: &[Profile]) -> Vec<Signature> {
    let native = native::SIGNATURES.iter().map(|keys| Signature { keys: hashes(keys), profile: None });
    let vendor = profiles.iter().enumerate().flat_map(|(i, profile)| {
        profile.signatures.iter().map(move |keys| Signature { keys: hashes(keys), profile: Some(i) })
    });
    let mut all: Vec<Signature> = native.chain(vendor).collect();
    all.sort_by_key(|signature| std::cmp::Reverse(signature.keys.len()));
    all
}

fn hashes(keys: &[impl AsRef<str>]) -> Vec<u64> {
    keys.iter().map(|key| key_hash(key.as_ref().as_bytes())).collect()
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

    #[test]
    fn the_embedded_profiles_compile() {
        let profiles = Profiles::embedded();
        assert_eq!(profiles.names(), ["hayabusa", "native", "suricata", "wazuh"]);
        assert!(profiles.contains("native") && !profiles.contains("auto") && !profiles.contains("x"));
    }

    #[test]
    fn one_s_own_profile_takes_the_embedded_one_s_place() {
        let dir = tempfile::tempdir().unwrap();
        let text = EMBEDDED[1].1.replace("product = \"suricata\"", "product = \"our-sensor\"");
        std::fs::write(dir.path().join("ours.toml"), text).unwrap();
        let profiles = Profiles::load(Some(dir.path())).unwrap();
        assert_eq!(profiles.names().len(), 4);
        let Some(Reader::Profile(profile)) = profiles.reader("suricata") else { panic!("suricata is a profile") };
        assert_eq!(&*profile.source.product, "our-sensor");
    }

    #[test]
    fn two_files_of_one_name_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.toml"), EMBEDDED[1].1).unwrap();
        std::fs::write(dir.path().join("b.toml"), EMBEDDED[1].1).unwrap();
        let error = Profiles::load(Some(dir.path())).unwrap_err();
        assert!(matches!(error, ProfileError::Twice { .. }), "{error}");
    }
}

//! The files of assets and indicators: read at the start, looked at every few seconds on a thread of their own, and read
//! again when one of them has changed. The engine is given what they say as an input, at one point of the order. Where
//! they can no longer be read the lists stay as they were: half a list would be worse than yesterday's.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tracing::{info, warn};

use super::stop::Stop;
use crate::config::Config;
use crate::engine::Lists;
use crate::telemetry::{ListLoad, Metrics};
use crate::wire::lists::{self, ListError, Loaded};

const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The lists that are to be in force.
#[derive(Clone, Debug, Default)]
pub struct WantedLists(Arc<Mutex<Arc<Lists>>>);

impl WantedLists {
    #[must_use]
    pub fn get(&self) -> Arc<Lists> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, lists: Arc<Lists>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = lists;
    }
}

/// What a file looks like from outside: another size, time or file is a change. None where there is no file.
type Stamps = Vec<Option<(u64, Option<SystemTime>, u64)>>;

/// The files that the configuration names. None at all are empty lists.
#[derive(Debug, Default)]
pub struct ListFiles {
    assets: Vec<PathBuf>,
    intel: Vec<PathBuf>,
    wanted: WantedLists,
    /// As they were when they were first read.
    first: Stamps,
}

impl ListFiles {
    /// Reads them for the first time.
    pub fn read(config: &Config, metrics: &Metrics) -> Result<Self, ListError> {
        let (assets, intel) = (config.lists.assets.clone(), config.lists.intel.clone());
        let files = Self { first: stamps(assets.iter().chain(&intel)), assets, intel, wanted: WantedLists::default() };
        let loaded = files.load()?;
        tell(&loaded, metrics);
        files.wanted.set(loaded.lists);
        Ok(files)
    }

    #[must_use]
    pub fn wanted(&self) -> WantedLists {
        self.wanted.clone()
    }

    fn load(&self) -> Result<Loaded, ListError> {
        lists::load(&self.assets, &self.intel)
    }

    pub fn run_until(&self, stop: &Stop, metrics: &Metrics) {
        if self.first.is_empty() {
            return;
        }
        let (mut read, mut before) = (self.first.clone(), self.first.clone());
        while !stop.wait(LOOK_EVERY) {
            let now = stamps(self.assets.iter().chain(&self.intel));
            // Two looks alike, or it is still being written.
            if now != read && now == before {
                self.reload(metrics);
                read.clone_from(&now);
            }
            before = now;
        }
    }

    fn reload(&self, metrics: &Metrics) {
        match self.load() {
            Ok(loaded) => {
                tell(&loaded, metrics);
                self.wanted.set(loaded.lists);
            }
            Err(error) => {
                warn!(%error, "a list cannot be read: all lists stay as they were");
                metrics.list_load(ListLoad::Refused);
            }
        }
    }
}

fn stamps<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Stamps {
    let stamp = |file: &PathBuf| {
        let found = std::fs::metadata(file).ok()?;
        Some((found.len(), found.modified().ok(), found.ino()))
    };
    files.map(stamp).collect()
}

fn tell(loaded: &Loaded, metrics: &Metrics) {
    for report in &loaded.files {
        let (file, skipped) = (report.file.display(), &report.skipped);
        if skipped.total() == 0 {
            info!(%file, entries = report.entries, "list read");
        } else {
            warn!(%file, entries = report.entries, %skipped, "list read, but for entries that cannot be used");
        }
    }
    metrics.list_load(ListLoad::Ok);
    metrics.list_skipped(loaded.skipped());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObservableKind;

    #[test]
    fn a_changed_file_is_read_again_and_a_bad_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("feed.csv");
        let write = |value: &str| std::fs::write(&file, format!("type,value\ndomain,{value}\nip,127.0.0.1\n")).unwrap();
        write("a.example");
        let mut config = crate::config::parse("").unwrap();
        config.lists.intel = vec![file.clone()];
        let metrics = Metrics::new();
        let files = ListFiles::read(&config, &metrics).unwrap();
        let has = |value: &str| {
            let lists = files.wanted().get();
            lists.indicator(ObservableKind::Domain, &value.into(), crate::model::Timestamp::default()).is_some()
        };
        assert!(has("a.example"));
        let before = stamps(files.intel.iter());
        write("longer.example");
        assert_ne!(stamps(files.intel.iter()), before);
        files.reload(&metrics);
        assert!(has("longer.example") && !has("a.example"));
        std::fs::write(&file, "type,value\nip,nowhere\n").unwrap();
        files.reload(&metrics);
        assert!(has("longer.example"));
        std::fs::remove_file(&file).unwrap();
        files.reload(&metrics);
        assert!(has("longer.example"));
        let text = metrics.render().unwrap();
        for line in [
            "casewright_list_loads_total{result=\"ok\"} 2",
            "casewright_list_loads_total{result=\"refused\"} 2",
            "casewright_list_skipped_entries 1",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
        }
        assert!(ListFiles::read(&config, &metrics).is_err(), "at the start it is refused");
    }
}

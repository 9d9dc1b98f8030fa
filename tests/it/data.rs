//! Where real alerts lie, if they are here at all: `../shared/data` beside a checkout, or wherever CASEWRIGHT_DATA says.
//! They are not part of the repository.

use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A file or directory among them; none where it is not here.
pub fn real_data(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = ["../shared/data", "../../shared/data"].map(|data| root.join(data));
    let told = std::env::var_os("CASEWRIGHT_DATA").map(PathBuf::from);
    told.into_iter().chain(beside).map(|data| data.join(name)).find(|path| path.exists())
}

/// The alerts of one data set, a line each; none where the data set is not here.
pub fn real_alerts(name: &str) -> Option<Vec<String>> {
    let file = real_data(name)?.join("alerts.jsonl.zst");
    let file = std::fs::File::open(file).expect("the file can be read");
    let mut text = String::new();
    zstd::Decoder::new(file).and_then(|mut decoder| decoder.read_to_string(&mut text)).expect("zstd of UTF-8");
    Some(text.lines().map(str::to_owned).collect())
}

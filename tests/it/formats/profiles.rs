//! The shipped profiles: every file is in the binary, and every file's samples come out as it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use casewright::wire::{Profiles, check_samples};

use super::limits;

#[test]
fn every_profile_file_is_in_the_binary() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/profiles");
    let files: BTreeSet<String> = fs::read_dir(dir)
        .expect("the profiles")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let profiles = Profiles::embedded();
    let embedded: BTreeSet<String> = profiles.list().iter().map(|profile| profile.file.to_owned()).collect();
    assert_eq!(files, embedded);
}

#[test]
fn every_sample_comes_out_as_its_profile_says() {
    let report = check_samples(&Arc::new(Profiles::embedded()), &limits());
    let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(report.samples >= report.profiles && report.profiles > 2, "{report:?}");
}

//! Any text as a profile file: compiled, or refused with file and line.
#![no_main]

use casewright::testing::hostile::check_profile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| check_profile(text));

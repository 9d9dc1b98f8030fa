//! Any text as a list of assets or indicators: read, or refused with the reason.
#![no_main]

use casewright::testing::hostile::check_list;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| check_list(text));

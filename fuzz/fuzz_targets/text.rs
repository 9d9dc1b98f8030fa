//! Any text as CEF, LEEF, key=value, CSV, syslog: bounded fields, nothing else.
#![no_main]

use casewright::testing::hostile::check_text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| check_text(text));

//! Any bytes as a record: every element is an alert or a rejection whose bytes lie in the record.
#![no_main]

use std::sync::LazyLock;

use casewright::testing::hostile::Reader;
use libfuzzer_sys::fuzz_target;

static READER: LazyLock<Reader> = LazyLock::new(Reader::default);

fuzz_target!(|bytes: &[u8]| READER.check(bytes));

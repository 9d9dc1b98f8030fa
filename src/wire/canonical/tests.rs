//! The table of canonical forms, by the specification or the products that the spellings come from; and, in
//! `properties`, that every form is its own and that equal things meet.

mod accounts;
mod clouds;
mod codes;
mod document;
mod network;
mod places;
mod properties;
mod words;

use super::*;

const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const SHA1: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
const MD5: &str = "098f6bcd4621d373cade4e832627b4f6";

/// `""` stands for "no value of this kind".
fn check(kind: ObservableKind, table: &[(&str, &str)]) {
    for (raw, wanted) in table {
        let got = observable(kind, raw);
        assert_eq!(got.as_deref(), Some(*wanted).filter(|w| !w.is_empty()), "{} {raw:?}", kind.label());
    }
}

fn refuse(kind: ObservableKind, raws: &[&str]) {
    for raw in raws {
        assert_eq!(observable(kind, raw), None, "{} {raw:?}", kind.label());
    }
}

/// Wanted: `kind id` or `kind id domain`.
fn check_entity(kind: EntityKind, table: &[(&str, &str)]) {
    for (raw, wanted) in table {
        let got = entity(kind, raw, None).map(|identity| {
            let domain = identity.domain.map(|domain| format!(" {domain}")).unwrap_or_default();
            format!("{} {}{domain}", identity.kind.label(), identity.id)
        });
        assert_eq!(got.as_deref(), Some(*wanted).filter(|w| !w.is_empty()), "{} {raw:?}", kind.label());
    }
}

fn refuse_entity(kind: EntityKind, raws: &[&str]) {
    for raw in raws {
        assert_eq!(entity(kind, raw, None), None, "{} {raw:?}", kind.label());
    }
}

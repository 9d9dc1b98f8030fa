//! `docs/canonical.md` says what the code does.

use super::*;

const DOCUMENT: &str = include_str!("../../../../docs/canonical.md");

fn section(title: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n## {title}\n")).expect("the document has the section");
    rest.split("\n## ").next().unwrap_or_default()
}

#[test]
fn the_document_lists_the_placeholders() {
    let listed: Vec<&str> = section("Placeholders")
        .lines()
        .filter(|line| line.starts_with('`'))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect();
    assert_eq!(listed, text::PLACEHOLDERS);
}

#[test]
fn the_document_has_every_kind() {
    let named = |label: &str| DOCUMENT.contains(&format!("(`{label}`)"));
    for label in ObservableKind::ALL.map(ObservableKind::label) {
        assert!(named(label), "{label}");
    }
    for label in EntityKind::ALL.map(EntityKind::label) {
        assert!(named(label), "{label}");
    }
}

/// The examples of the tables: `| spelling | form |` below the name of a kind.
#[test]
fn the_examples_are_true() {
    let mut checked = 0;
    let mut label = "";
    for line in DOCUMENT.lines() {
        if let Some((_, rest)) = line.strip_prefix("### ").and_then(|title| title.split_once("(`")) {
            label = rest.split('`').next().unwrap_or_default();
        }
        let cells: Vec<&str> = line.split('`').collect();
        if let ["| ", raw, " | ", form, " |"] = cells.as_slice() {
            assert_eq!(form_of(label, raw).as_deref(), Some(*form), "{label} {raw}");
            checked += 1;
        }
        if let ["| ", raw, " | – |"] = cells.as_slice() {
            assert_eq!(form_of(label, raw), None, "{label} {raw}");
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
}

fn form_of(label: &str, raw: &str) -> Option<String> {
    if let Some(kind) = EntityKind::from_label(label).filter(|_| label != "other") {
        let identity = entity(kind, raw, None)?;
        let other = if identity.kind == kind { String::new() } else { format!("{} ", identity.kind.label()) };
        return Some(format!("{other}{}", identity.id));
    }
    observable(ObservableKind::from_label(label)?, raw).map(|value| value.into_owned())
}

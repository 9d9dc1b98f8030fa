//! The house rules that a test can keep: which module may use which, what source must not hold, and that documents name
//! what the code has. Each exception is a line of a table here, with its reason, so that it shows in review.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and which of ours it may use. A new arrow is a design decision.
const USES: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("engine", &["model"]),
    ("config", &["model", "engine"]),
    ("telemetry", &["model"]),
    // The engine's data types only: verdicts are reached in `pipeline`.
    ("wire", &["model", "engine", "config", "telemetry"]),
    ("store", &["model", "engine", "config", "telemetry"]),
    ("kafka", &["config", "telemetry"]),
    ("pipeline", &["model", "engine", "wire", "store", "kafka", "config", "telemetry"]),
    ("http", &["model", "wire", "store", "pipeline", "config", "telemetry"]),
    ("testing", &["model", "engine", "wire", "store", "kafka", "config"]),
    ("app", &["model", "engine", "config", "telemetry", "wire", "store", "kafka", "pipeline", "http", "testing"]),
];

/// Where shipped code may `unwrap`: file, how often, why. Nowhere so far: what cannot fail says so by `expect`.
const UNWRAPS: [(&str, usize, &str); 0] = [];

const LINES_MAX: usize = 1_200;

struct Source {
    /// From the root, such as `src/engine/state.rs`.
    path: String,
    text: String,
    /// Without comments, and without unit tests: those at the end, and whole files named `tests.rs`.
    code: String,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("source is UTF-8");
        let shipped = if path.ends_with("tests.rs") { None } else { text.split("#[cfg(test)]").next() };
        let code = shipped.unwrap_or_default().lines().map(without_comment).collect::<Vec<_>>().join("\n");
        let path = path.strip_prefix(root).expect("below the root").display().to_string();
        Self { path, text, code }
    }

    fn module(&self) -> &str {
        let inner = self.path.trim_start_matches("src/");
        inner.split(['/', '.']).next().unwrap_or_default()
    }
}

/// Cuts at `//` unless it is inside a string, which is enough for code that rustfmt has seen.
fn without_comment(line: &str) -> &str {
    let comment = line.match_indices("//").find(|(at, _)| line[..*at].matches('"').count().is_multiple_of(2));
    comment.map_or(line, |(at, _)| &line[..at])
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources(dir: &str) -> Vec<Source> {
    let mut files = Vec::new();
    rust_files(&root().join(dir), &mut files);
    files.sort();
    files.iter().map(|path| Source::read(root(), path)).collect()
}

/// The modules named in `crate::x` and in `use crate::{x::…, y}`.
fn used(code: &str) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => modules.extend(first_level(group)),
            None => modules.extend(word(rest)),
        }
    }
    modules
}

fn first_level(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut modules) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                modules.extend(word(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    modules
}

fn word(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for source in sources("src") {
        let Some((module, allowed)) = USES.iter().find(|(module, _)| *module == source.module()) else {
            assert!(["lib", "main"].contains(&source.module()), "{} is in no line of the table", source.path);
            continue;
        };
        let ours = |name: &String| USES.iter().any(|(module, _)| module == name);
        for other in used(&source.code).into_iter().filter(ours) {
            if other != *module && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{} uses {other}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn main_uses_app_and_config_alone() {
    let main = fs::read_to_string(root().join("src/main.rs")).unwrap().replace("casewright::", "crate::");
    assert!(used(&main).iter().all(|module| ["app", "config"].contains(&module.as_str())));
}

#[test]
fn the_reader_of_paths_sees_groups_and_single_paths() {
    let code =
        "use crate::engine::{Policy, state::X};\nuse crate::{model::{A, B}, wire, config::C};\nlet x = crate::http::Y;";
    let expected = ["config", "engine", "http", "model", "wire"].map(str::to_owned);
    assert_eq!(used(code), BTreeSet::from(expected));
}

#[test]
fn shipped_code_unwraps_nothing_and_is_finished() {
    let mut wrong = Vec::new();
    for source in sources("src") {
        for text in [".unwrap()", "todo!", "unimplemented!", "dbg!(", ".expect(\"\")"] {
            let found = source.code.matches(text).count();
            let excused = UNWRAPS.iter().filter(|(path, ..)| text == ".unwrap()" && *path == source.path);
            if found != excused.map(|(_, count, _)| count).sum::<usize>() {
                wrong.push(format!("{}: {found} x {text}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_test_is_ignored_and_no_file_is_too_long() {
    // In two pieces, or this file would find itself.
    let ignored = concat!("#[", "ignore");
    for source in ["src", "tests", "benches"].into_iter().flat_map(sources) {
        assert!(!source.text.contains(ignored), "{} has an ignored test", source.path);
        let lines = source.text.lines().count();
        assert!(lines < LINES_MAX, "{} has {lines} lines", source.path);
    }
}

#[test]
fn every_file_says_what_it_decides() {
    for source in ["src", "tests"].into_iter().flat_map(sources) {
        assert!(source.text.starts_with("//! "), "{} has no header", source.path);
    }
}

#[test]
fn pure_modules_deny_clocks_and_files() {
    for module in ["src/model.rs", "src/engine.rs"] {
        let text = fs::read_to_string(root().join(module)).unwrap();
        assert!(text.contains("#![deny(clippy::disallowed_methods, clippy::disallowed_types)]"), "{module}");
    }
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    assert!(lib.contains("#![forbid(unsafe_code)]"));
}

#[test]
fn every_metric_is_in_the_documents() {
    let text = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let missing: Vec<String> = casewright::telemetry::Metrics::names()
        .into_iter()
        .filter(|name| !text.contains(&format!("`{name}")))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_key_of_the_configuration_is_in_the_documents() {
    let reference = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let example = fs::read_to_string(root().join("config/casewright.toml")).unwrap();
    let keys = example.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    for (key, _) in keys {
        assert!(reference.contains(&format!("`{key}`")), "{key} is not in docs/configuration.md");
    }
}

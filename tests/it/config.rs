//! The configuration: the example file is the defaults, every bad file gets its exact message, the environment wins over
//! the file, and the policy survives its canonical text.

use std::fs;
use std::path::{Path, PathBuf};

use casewright::config::{self, Config, StartAt, TenantRule, parse_policy, policy_text};
use casewright::engine::{KindPolicy, Policy, Reopen};
use casewright::model::{KeyKind, Millis, Tenant, Timestamp};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../config/casewright.toml");

pub fn bad_files() -> Vec<(PathBuf, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config");
    let entries = fs::read_dir(&dir).expect("tests/data/config").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    let message = |path: &Path| fs::read_to_string(path.with_extension("message")).expect("a message beside each file");
    files.into_iter().map(|path| (path.clone(), message(&path).trim_end().to_owned())).collect()
}

fn load(path: Option<&Path>, env: &[(&str, &str)]) -> Result<Config, String> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    config::load(path, env).map_err(|error| error.to_string())
}

fn problem(text: &str) -> String {
    config::parse(text).expect_err(text).to_string()
}

#[test]
fn the_example_file_spells_out_the_defaults() {
    assert_eq!(config::parse(EXAMPLE).unwrap(), config::parse("").unwrap());
}

#[test]
fn the_example_file_names_every_key_of_the_policy() {
    for line in config::parse("").unwrap().policy_text.lines().filter(|line| !line.is_empty()) {
        let key = line.split(" = ").next().unwrap();
        assert!(EXAMPLE.lines().any(|l| l == line || l.starts_with(&format!("{key} = "))), "{line}");
    }
}

#[test]
fn every_bad_file_gets_its_message() {
    let files = bad_files();
    assert!(files.len() >= 30, "only {} bad files", files.len());
    for (path, expected) in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let error = load(Some(&path), &[]).expect_err(&name);
        assert_eq!(error.replace(&format!("{}/", path.parent().unwrap().display()), ""), expected, "{name}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = load(Some(Path::new("/no/such/casewright.toml")), &[]).unwrap_err();
    assert!(error.starts_with("/no/such/casewright.toml: cannot be read: "), "{error}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    fs::write(&file, "[pipeline]\nbatch_records_max = 7\n[kafka]\nbrokers = \"a:1\"\n").unwrap();
    let env = [
        ("CASEWRIGHT__KAFKA__BROKERS", "b:2"),
        ("CASEWRIGHT__PIPELINE__DECODE_THREADS", "3"),
        ("CASEWRIGHT__PIPELINE__IDLE_ADVANCE", "false"),
        ("CASEWRIGHT__POLICY__KIND__HOST__WEIGHT", "650"),
        ("CASEWRIGHT__KAFKA__PROPERTIES__SECURITY_PROTOCOL", "SSL"),
        ("CASEWRIGHT_LOG", "not ours"),
        ("HOME", "/root"),
    ];
    let config = load(Some(&file), &env).unwrap();
    assert_eq!(config.kafka.brokers, "b:2");
    assert_eq!((config.pipeline.batch_records_max, config.pipeline.decode_threads), (7, 3));
    assert!(!config.pipeline.idle_advance);
    assert_eq!(config.policy.kind(KeyKind::Host).weight_permille, 650);
    assert_eq!(config.kafka.properties["security.protocol"], "SSL");
}

#[test]
fn problems_of_the_environment_name_the_variable() {
    for (name, value, expected) in [
        ("CASEWRIGHT__KAFKA__BROKER", "b:2", "kafka.broker: unknown key, did you mean `brokers`?"),
        ("CASEWRIGHT__HTTP__BIND", "8480", "http.bind: `8480` is not an address, write IP:PORT such as 127.0.0.1:8480"),
        ("CASEWRIGHT__HTTP__INSECURE", "yes", "http.insecure: is a string, write true or false"),
        ("CASEWRIGHT__SOURCE", "a", "source: a list cannot be set from the environment, write it in the file"),
        (
            "CASEWRIGHT__PIPELINE__BATCH_RECORDS_MAX",
            "0",
            "pipeline.batch_records_max: `0` is out of range, write 1 to 20000",
        ),
    ] {
        let error = load(None, &[(name, value)]).unwrap_err();
        assert_eq!(error, format!("environment variable {name}: {expected}"));
    }
}

#[test]
fn a_source_says_how_it_is_read_and_whose_it_is() {
    let text = r#"
        [[source]]
        topic = "alerts.{tenant}.windows"
        profile = "hayabusa"
        tenant = ["header:tenant", "field", "topic", "constant:acme"]
        start_at = "2026-08-01T00:00:00Z"
        [[source]]
        topic = "alerts.network"
    "#;
    let sources = config::parse(text).unwrap().sources;
    let acme = Tenant::parse("acme").unwrap();
    let rules = [TenantRule::Header("tenant".into()), TenantRule::Field, TenantRule::Topic, TenantRule::Constant(acme)];
    assert_eq!(sources[0].tenant, rules);
    assert_eq!(sources[0].start_at, Some(StartAt::Time(Timestamp::from_millis(1_785_542_400_000))));
    assert_eq!((&*sources[1].profile, sources[1].start_at), ("auto", None));
    assert_eq!(sources[1].tenant, [TenantRule::Constant(Tenant::parse("default").unwrap())]);
}

#[test]
fn librdkafkas_keys_may_be_quoted_or_bare() {
    let quoted = "[kafka.properties]\n\"sasl.mechanism\" = \"SCRAM-SHA-512\"\n\"socket.timeout.ms\" = 10000\n";
    let bare = "[kafka.properties]\nsasl.mechanism = \"SCRAM-SHA-512\"\nsocket.timeout.ms = 10000\n";
    assert_eq!(config::parse(quoted).unwrap(), config::parse(bare).unwrap());
}

#[test]
fn a_secret_comes_from_its_file_and_is_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("password"), "correct horse\n").unwrap();
    fs::write(dir.path().join("c.toml"), "[kafka]\npassword_file = \"password\"\n").unwrap();
    let config = load(Some(&dir.path().join("c.toml")), &[]).unwrap();
    assert_eq!(config.kafka.properties["sasl.password"], "correct horse");
    assert!(!format!("{config:?}").contains("horse"));
    assert!(format!("{config:?}").contains("[redacted]"));
}

#[test]
fn own_profiles_lie_beside_the_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.toml"), "[profiles]\ndir = \"mine\"\n").unwrap();
    let config = load(Some(&dir.path().join("c.toml")), &[]).unwrap();
    assert_eq!(config.profiles_dir, Some(dir.path().join("mine")));
}

#[test]
fn the_nearest_key_is_offered_at_every_level() {
    assert_eq!(problem("[kafak]\n"), "line 1: kafak: unknown key, did you mean `kafka`?");
    assert_eq!(problem("[policy.kind.hosst]\n"), "line 1: policy.kind.hosst: unknown key, did you mean `host`?");
    assert!(problem("[http]\nzzz = 1\n").contains("known here: bind, insecure"));
}

#[test]
fn the_digest_is_that_of_the_canonical_text() {
    let config = config::parse("").unwrap();
    assert_eq!(&*config.policy_text, policy_text(&config.policy));
    assert_eq!(parse_policy(&config.policy_text).unwrap(), config.policy);
    assert_ne!(config.policy.digest, [0; 32]);
}

#[test]
fn a_list_of_stop_values_replaces_its_kind_alone() {
    let policy = config::parse("[policy.stop_list]\nuser = [\"backup\"]\n").unwrap().policy;
    let of = |kind| policy.stop_list.iter().filter(|(k, _)| *k == kind).count();
    assert_eq!((of(KeyKind::User), of(KeyKind::Sid)), (1, 5));
}

fn millis(range: std::ops::RangeInclusive<i64>) -> impl Strategy<Value = Millis> {
    range.prop_map(Millis)
}

fn kinds() -> impl Strategy<Value = [KindPolicy; KeyKind::ALL.len()]> {
    let kind = (0..=1_000u16, millis(0..=31_622_400_000), 1..=u16::MAX)
        .prop_map(|(weight_permille, window, hub_machines)| KindPolicy { weight_permille, window, hub_machines });
    proptest::collection::vec(kind, KeyKind::ALL.len()).prop_map(|kinds| kinds.try_into().expect("one for each kind"))
}

fn stop_list() -> impl Strategy<Value = Vec<(KeyKind, Box<str>)>> {
    let entry = (proptest::sample::select(&KeyKind::ALL[..]), any::<String>().prop_map(String::into_boxed_str));
    proptest::collection::btree_set(entry, 0..20).prop_map(|set| set.into_iter().collect())
}

prop_compose! {
    /// The numbers that what is learned hangs on.
    fn learned()(
        (hub_strangers, hours, hours_late) in (2..=100_u16, 2..=24_u8, 2..=24_u8),
        (background_permille, spread_wide_permille) in (0..=1_000_u16, 0..=1_000_u16),
        (burst_count, burst_factor) in (1..=1_000_000_u32, 1..=1_000_000_u32),
        spans in proptest::array::uniform4(millis(0..=86_400_000)),
    ) -> Policy {
        let [hub_kept, part_idle, part_idle_anonymous, roll_up_quiet] = spans;
        Policy {
            hub_strangers, hub_kept, part_idle, part_idle_anonymous, background_hours: hours,
            background_hours_late: hours_late, background_permille, burst_count, burst_factor, roll_up_quiet,
            spread_wide_permille, ..Policy::default()
        }
    }
}

prop_compose! {
    fn policies()(
        kinds in kinds(),
        stop_list in stop_list(),
        (attach, over, mention) in (1..=1_000u16, 0..=1_000u16, 0..=1_000u16),
        (window, window_over) in (0..=1_000_000_000i64, 0..=1_000_000_000i64),
        (soft, hard_over, parts) in (1..=500_000u32, 0..=500_000u32, 1..=4_096u32),
        reopen in proptest::sample::select(&[Reopen::Never, Reopen::SameCase, Reopen::NewCaseFollows][..]),
        spans in proptest::array::uniform7(millis(1_000..=86_400_000)),
        learned in learned(),
    ) -> Policy {
        let [alert_id_window, hub_window, quiet, reopen_window, lateness, future_skew, repeat_told_after] = spans;
        Policy {
            digest: [0; 32], kinds, attach_permille: attach, merge_permille: (attach + over).min(1_000),
            mention_permille: mention, dedup_window: Millis(window), dedup_window_max: Millis(window + window_over),
            alert_id_window, hub_window, soft_cap: soft, hard_cap: soft + hard_over, parts_per_case_max: parts, quiet,
            reopen, reopen_window, lateness, future_skew, repeat_told_after, stop_list, ..learned
        }
    }
}

proptest! {
    #[test]
    fn a_policy_survives_its_canonical_text(policy in policies()) {
        let text = policy_text(&policy);
        let read = parse_policy(&text).unwrap();
        prop_assert_eq!(policy_text(&read), text);
        prop_assert_eq!(Policy { digest: policy.digest, ..read }, policy);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\[\\]a-z\\.=\"\\n0-9 {}]{0,200}") {
        let _ = config::parse(&text);
    }
}

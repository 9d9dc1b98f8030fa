//! The binary from outside: exit codes, what goes to stdout and what to stderr.

use std::process::{Command, Output};

use crate::config::bad_files;

/// The binary with nothing of the surrounding environment that it would read.
fn casewright(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casewright"));
    let ours = |name: &str| name.starts_with("CASEWRIGHT_") && !name.contains("CARGO");
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name) || name == "RUST_LOG") {
        command.env_remove(name);
    }
    command.args(args);
    command
}

fn end(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    (status.code().expect("no signal"), text(stdout), text(stderr))
}

#[test]
fn every_bad_file_ends_with_64_and_its_message() {
    for (path, expected) in bad_files() {
        let file = path.display().to_string();
        let (code, out, err) =
            end(casewright(&["check-config", "--config", &file]).current_dir(path.parent().unwrap()));
        assert_eq!((code, out.as_str()), (64, ""), "{file}: {err}");
        let dir = format!("{}/", path.parent().unwrap().display());
        assert_eq!(err.replace(&dir, ""), format!("casewright: {expected}\n"));
    }
}

#[test]
fn the_example_file_is_good_and_explained() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config/casewright.toml");
    let (code, out, err) = end(&mut casewright(&["check-config", "--config", example]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("brokers   127.0.0.1:9092") && out.contains("`run` needs at least one [[source]]"), "{out}");
    assert!(out.ends_with("the configuration is good\n"), "{out}");
}

#[test]
fn lists_are_explained_and_a_bad_line_of_one_ends_with_64() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("c.toml", "[assets]\nfiles = [\"cmdb.csv\"]\n[intel]\nfiles = [\"feed.csv\"]\n");
    write("cmdb.csv", "kind,id,criticality\nhost,web-1,extreme\n");
    write("feed.csv", "type,value\nip,203.0.113.9\nip,127.0.0.1\n");
    let file = dir.path().join("c.toml").display().to_string();
    let (code, out, err) = end(&mut casewright(&["check-config", "--config", &file]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("cmdb.csv (1 entries)\n"), "{out}");
    assert!(out.contains("feed.csv (1 entries, skipped: 1 shared by nature)\n"), "{out}");

    write(
        "alerts.jsonl",
        "{\"title\":\"x\",\"event_time\":\"2026-08-01T12:00:00Z\",\"source\":{\"product\":\"edr\"},\"entities\":[{\"kind\":\
         \"host\",\"id\":\"web-1\"}],\"observables\":[{\"type\":\"ip\",\"value\":\"203.0.113.9\"}]}\n",
    );
    let alerts = dir.path().join("alerts.jsonl").display().to_string();
    let mut replay = casewright(&["replay", "--config", &file, "--cases", "/dev/stdout", &alerts]);
    let (code, out, err) = end(&mut replay);
    assert_eq!(code, 0, "{err}");
    let view: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(view["intel_matches"][0]["list"], "feed");
    assert_eq!(view["priority"]["factors"][4], serde_json::json!({ "name": "asset", "points": 10 }));

    write("feed.csv", "type,value\nip,nowhere\n");
    for args in [&["check-config", "--config", &file][..], &["replay", "--config", &file, &alerts]] {
        let (code, out, err) = end(&mut casewright(args));
        assert_eq!((code, out.as_str()), (64, ""));
        assert!(err.ends_with("/feed.csv:2: `nowhere` is no ip\n"), "{err}");
    }
}

#[test]
fn the_environment_is_laid_over_and_secrets_are_not_shown() {
    let mut command = casewright(&["check-config"]);
    command.env("CASEWRIGHT__KAFKA__BROKERS", "kafka-1:9093");
    command.env("CASEWRIGHT__KAFKA__PROPERTIES__SASL_PASSWORD", "correct horse");
    let (code, out, _) = end(&mut command);
    assert_eq!(code, 0);
    assert!(out.contains("kafka-1:9093") && out.contains("sasl.password = [redacted]"), "{out}");
    assert!(!out.contains("horse"));
}

#[test]
fn the_policy_is_written_as_it_is_hashed() {
    let (code, out, _) = end(&mut casewright(&["check-config", "--policy"]));
    assert_eq!(code, 0);
    assert_eq!(out, &*casewright::config::parse("").unwrap().policy_text);
}

#[test]
fn wrong_usage_ends_with_64_and_help_with_0() {
    for args in [&["no-such-command"][..], &["check-config", "--no-such-flag"], &[], &["completions", "cobol"]] {
        let (code, out, err) = end(&mut casewright(args));
        assert_eq!((code, out.as_str()), (64, ""), "{args:?}");
        assert!(err.contains("Usage: casewright") || err.contains("--help"), "{args:?}: {err}");
    }
    for args in [&["--help"][..], &["--version"], &["check-config", "--help"]] {
        let (code, out, err) = end(&mut casewright(args));
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
        assert!(!out.is_empty());
    }
}

#[test]
fn every_command_has_help_with_a_first_line() {
    let (_, help, _) = end(&mut casewright(&["--help"]));
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"check-config"), "{help}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let (code, out, _) = end(&mut casewright(&[name, "--help"]));
        assert!(code == 0 && out.contains("Usage: "), "{name}");
    }
}

#[test]
fn a_log_filter_that_cannot_be_read_is_bad_usage() {
    let (code, _, err) = end(&mut casewright(&["--log", "casewright=loud", "check-config"]));
    assert_eq!(code, 64);
    assert!(err.starts_with("casewright: `casewright=loud` is not a log filter"), "{err}");
}

#[test]
fn completions_and_the_manual_page_are_written() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = end(&mut casewright(&["completions", shell]));
        assert!(code == 0 && out.contains("check-config"), "{shell}");
    }
    let (code, out, _) = end(&mut casewright(&["man"]));
    assert!(code == 0 && out.contains(".TH casewright 1"), "{out}");
    let dir = tempfile::tempdir().unwrap();
    let (code, _, _) = end(&mut casewright(&["man", "--dir", &dir.path().display().to_string()]));
    assert!(code == 0 && dir.path().join("casewright-check-config.1").exists());
}

#[test]
fn health_fails_where_nobody_listens_and_passes_where_the_daemon_answers() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = std::thread::spawn(move || {
        for answer in ["200 OK", "500 Internal Server Error"] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /livez HTTP/1.1\r\n"));
            write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    assert_eq!(end(&mut casewright(&["health", "--http", &address])).0, 0);
    let (code, _, err) = end(&mut casewright(&["health", "--http", &address]));
    assert!(code == 1 && err.contains("is not live: HTTP/1.1 500"), "{err}");
    served.join().unwrap();
    let (code, _, err) = end(&mut casewright(&["health", "--http", &address]));
    assert!(code == 1 && err.contains("does not answer"), "{err}");
}

#[test]
fn the_demo_once_prints_a_summary_with_a_case_of_three_products_and_ends_with_0() {
    let (code, out, err) = end(&mut casewright(&["demo", "--once"]));
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("for trying things only, it proves no guarantee"), "{err}");
    let summary = out.lines().last().expect("a summary");
    let [alerts, cases] = ["alerts=", " cases="].map(|name| number_after(summary, name).expect(summary));
    assert!(alerts >= 380 && cases > 10, "{summary}");
    // `demo-10  priority 100  high  31 alerts  22 repeats 4 products  TITLE`
    let products =
        |line: &str| line.split_once(" products").and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok());
    let broadest: u64 = out.lines().filter_map(products).max().expect("lines of cases");
    assert!(broadest >= 3, "{out}");
    assert_eq!(number_after(summary, " max_products="), Some(broadest));
    assert!(out.starts_with("demo-") && out.lines().count() > 5, "{out}");
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let (_, rest) = text.split_once(name)?;
    rest.split(' ').next()?.parse().ok()
}

//! Cases as an analyst reads them: in the terminal from a replay's files, and over HTTP from a daemon on a real broker.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::broker::Broker;
use crate::daemon::{Daemon, Sender};

const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// Three alerts about alice on two machines, two about bob on a third, and one that nothing is like. What the first one is
/// called would take a terminal over.
fn alerts() -> Vec<String> {
    let alert = |number: u32, host: &str, user: &str, title: &str| {
        let entities =
            json!([{"kind": "host", "id": host, "role": "asset"}, {"kind": "user", "id": user, "role": "actor"}]);
        let alert = json!({
            "schema_version": "1.0", "title": title, "event_time": format!("2026-03-01T10:{number:02}:00Z"),
            "source": {"product": "edr"}, "alert_uid": format!("u{number}"), "severity_id": 3,
            "rule": {"uid": format!("r{number}"), "name": format!("r{number}")}, "entities": entities,
        });
        alert.to_string()
    };
    vec![
        alert(1, "web-1", "alice", "a dropper \u{1b}[2J\u{202e}"),
        alert(2, "web-1", "alice", "a second thing"),
        alert(3, "db-1", "alice", "a third thing"),
        alert(4, "app-1", "bob", "elsewhere"),
        alert(5, "app-1", "bob", "elsewhere again"),
        alert(6, "lonely", "zoe", "alone"),
    ]
}

fn casewright(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casewright"));
    command.current_dir(dir).env_remove("CASEWRIGHT_CONFIG").args(args).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// It ended well; what it wrote to stdout, with nothing in it that a terminal would obey.
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{:?}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr));
    let out = text(&output.stdout);
    assert!(!out.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{out:?}");
    out
}

fn failed(output: &Output, code: i32, says: &str) {
    let err = text(&output.stderr);
    assert!(output.status.code() == Some(code) && err.contains(says), "{:?} {err}", output.status);
}

#[test]
fn a_replays_files_are_read_without_a_daemon() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("alerts.jsonl"), alerts().join("\n")).unwrap();
    let run = |args: &[&str]| casewright(dir.path(), args);
    done(&run(&["replay", "--cases", "cases", "--events", "events", "--assignments", "places", "alerts.jsonl"]));
    let places = fs::read_to_string(dir.path().join("places")).unwrap();
    let places: Vec<Value> = places.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let alert = |line: usize| places[line - 1]["alert_id"].as_str().unwrap().to_owned();

    let list = done(&run(&["case", "list", "--cases", "cases"]));
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].starts_with("CASE ") && lines[1].starts_with("default-3 ") && lines.len() == 4, "{list}");
    let list = done(&run(&["case", "list", "--cases", "cases", "--order", "priority", "--limit", "1", "--json"]));
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((&list["cases_total"], &list["cases"][0]["case_id"]), (&json!(3), &json!("default-1")));
    assert_eq!(done(&run(&["case", "list", "--cases", "cases", "--status", "closed"])).lines().count(), 1);
    assert_eq!(done(&run(&["case", "list", "--cases", "cases", "--status", "open,closed"])).lines().count(), 4);

    let shown = done(&run(&["case", "show", "default-1", "--cases", "cases"]));
    assert!(shown.contains("a dropper \u{fffd}[2J\u{fffd}") && shown.contains("2 parts over 1 edges"), "{shown}");
    let views = fs::read_to_string(dir.path().join("cases")).unwrap();
    let output = run(&["case", "show", "default-2", "--cases", "cases", "--json"]);
    assert!(views.lines().any(|view| view == text(&output.stdout).trim_end()), "the view as it was written");

    let explained = done(&run(&["case", "explain", "default-1", "--events", "events"]));
    for wanted in ["host web-1 and user alice", "user alice (0.", "apart without the key (1)"] {
        assert!(explained.contains(wanted), "{wanted}: {explained}");
    }
    let pair = ["case", "explain", "default-1", "--events", "events", "--json"];
    let (first, third) = (alert(1), alert(3));
    let output = run(&[&pair[..], &["--alert", &first, "--alert", &third]].concat());
    let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
    let view: Value = serde_json::from_str(views.lines().next().unwrap()).unwrap();
    for same in ["case_id", "seq", "parts_total", "edges_total"] {
        assert_eq!(explained[same], view[same], "{same}");
    }
    assert_eq!(explained["alerts"][0]["outcome"], "opened");
    assert_eq!(explained["alerts"][1]["outcome"], "attached");
    assert!(explained["alerts"][1]["policy"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(explained["path"]["edges"][0]["evidence"][0]["keys"][0]["value"], "alice");
    assert_eq!(explained["without"]["keys"][0]["pieces_total"], 2);

    failed(&run(&["case", "show", "default-9", "--cases", "cases"]), 1, "there is no case default-9");
    failed(&run(&["case", "explain", "default-1", "--events", "events", "--alert", &alert(6)]), 1, "has no alert");
    failed(&run(&["case", "show", "default", "--cases", "cases"]), 64, "TENANT-N");
    failed(&run(&["case", "list", "--events", "events"]), 64, "--cases");
    failed(&run(&["case", "list", "--cases", "alerts.jsonl"]), 1, "not what a replay wrote");
    failed(&run(&["case", "list", "--url", "ftp://127.0.0.1"]), 64, "--url");
    failed(&run(&["case", "list", "--url", "http://127.0.0.1:1"]), 1, "cannot connect");
    failed(&run(&["case", "comment", "default-1", "\u{1b}[2J", "--actor", "kim"]), 64, "control characters");
}

/// Status, headers and JSON of one GET.
fn ask(daemon: &Daemon, path: &str) -> (u16, String, Value) {
    let answer = daemon.get(path).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Asks until the answer is as wanted.
fn await_answer(daemon: &Daemon, path: &str, wanted: impl Fn(u16, &Value) -> bool) -> (String, Value) {
    let until = Instant::now() + SEEN_WITHIN;
    loop {
        let (status, head, body) = ask(daemon, path);
        if wanted(status, &body) {
            return (head, body);
        }
        assert!(Instant::now() < until, "{path}: {status} {body}\n{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_daemon_lists_shows_and_explains_its_cases_and_takes_commands_from_the_terminal() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let mut sender = Sender::new(broker, &daemon, 1);
    let records: Vec<(Vec<u8>, bool)> = alerts().into_iter().map(|alert| (alert.into_bytes(), true)).collect();
    sender.send(&records);
    daemon.start_ready();
    daemon.await_outcomes(6);
    let cases = "/api/v1/cases";
    await_answer(&daemon, cases, |status, list| status == 200 && list["cases_total"] == 3);

    // Every case once over pages of one, in the order of the list.
    let whole = ask(&daemon, cases).2;
    let id = |case: &Value| case["case_id"].as_str().unwrap().to_owned();
    let (mut paged, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let page = ask(&daemon, &format!("{cases}{query}")).2;
        paged.extend(page["cases"].as_array().unwrap().iter().map(id));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=1&cursor={cursor}");
    }
    assert_eq!(paged, whole["cases"].as_array().unwrap().iter().map(id).collect::<Vec<_>>());
    assert_eq!(paged, ["default-3", "default-2", "default-1"]);
    assert_eq!(ask(&daemon, &format!("{cases}?tenant=other")).2["cases_total"], 0);

    // The view as it is on the topic, under its seq.
    let (head, view) = await_answer(&daemon, &format!("{cases}/default-1"), |_, view| view["alert_count"] == 3);
    assert!(head.contains(&format!("etag: \"{}\"", view["seq"])), "{head}");
    let seen = crate::daemon::seen(broker, &daemon.name);
    let published = seen.views.iter().rev().find(|(case, _)| case == "default-1").unwrap();
    assert_eq!(view, serde_json::from_slice::<Value>(published.1.as_ref().unwrap()).unwrap());

    let explained = ask(&daemon, &format!("{cases}/default-1/explain")).2;
    assert_eq!((&explained["seq"], &explained["parts_total"]), (&view["seq"], &json!(2)));
    assert_eq!(explained["parts"][0]["machine"], json!({"kind": "host", "value": "web-1"}));
    assert_eq!(explained["without"]["keys"][0]["value"], "alice");
    let alert = explained["edges"][0]["evidence"][0]["alert_id"].as_str().unwrap();
    let told = ask(&daemon, &format!("{cases}/default-1/explain?alert={alert}")).2;
    assert_eq!((&told["alerts"][0]["outcome"], &told["alerts"][0]["part"]), (&json!("attached"), &json!(2)));
    assert_eq!(told["alerts"][0]["link"]["evidence"][0]["counted"], true);

    for (path, status, name) in [
        ("/default-9", 404, "no-such-case"),
        ("/default", 404, "no-such-case"),
        ("/default-1/explain?alert=00000000000000000000000000000000", 404, "no-such-alert"),
        ("?limit=501", 400, "bad-request"),
        ("?cursor=nonsense", 400, "bad-request"),
    ] {
        let (found, head, problem) = ask(&daemon, &format!("{cases}{path}"));
        assert_eq!((found, &problem["type"]), (status, &json!(format!("urn:casewright:problem:{name}"))), "{path}");
        assert!(head.contains("content-type: application/problem+json") && problem["status"] == status, "{head}");
    }

    // The terminal merges two cases; then the younger id leads to the older one.
    let config = daemon.config().display().to_string();
    let run = |args: &[&str]| casewright(&daemon.dir, &[&["case"], args, &["--config", &config]].concat());
    assert!(done(&run(&["list"])).contains("default-2"));
    let sent = done(&run(&["merge", "default-1", "default-2", "--actor", "kim"]));
    assert!(sent.starts_with("merge of default-1 is on its way"), "{sent}");
    let (head, _) = await_answer(&daemon, &format!("{cases}/default-2"), |status, _| status == 308);
    assert!(head.contains("location: /api/v1/cases/default-1\r\n") || head.ends_with("/default-1"), "{head}");
    let (status, head, _) = ask(&daemon, &format!("{cases}/default-2/explain?alert={alert}"));
    assert!(status == 308 && head.contains(&format!("/default-1/explain?alert={alert}")), "{head}");
    let shown = done(&run(&["show", "default-2"]));
    assert!(shown.starts_with("default-1 ") && shown.contains("merged from (1)"), "{shown}");
    assert!(done(&run(&["explain", "default-2"])).contains("by person"));
    await_answer(&daemon, &format!("{cases}?status=merged"), |_, list| list["cases_total"] == 1);
    failed(&run(&["show", "default-9"]), 1, "there is no case default-9");

    done(&run(&["close", "default-1", "--actor", "kim", "--verdict", "true_positive", "--comment", "done"]));
    await_answer(&daemon, &format!("{cases}?status=closed"), |_, list| list["cases_total"] == 1);
    let labels = "casewright_http_request_seconds_count{route=\"/api/v1/cases/{id}\",status=\"308\"}";
    assert!(daemon.metric(labels) >= 1);

    // Another start reads the same from its store, and lists what a restart keeps.
    let before = ask(&daemon, &format!("{cases}/default-1")).2;
    daemon.stop();
    daemon.start_ready();
    let (_, list) = await_answer(&daemon, &format!("{cases}?status=open,closed"), |status, _| status == 200);
    assert_eq!(list["cases_total"], 2);
    assert_eq!(ask(&daemon, &format!("{cases}/default-1")).2, before);
    daemon.stop();
}

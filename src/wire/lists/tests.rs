//! What is read out of each format, what is refused with its line, and what is skipped and told.

use super::*;
use proptest::prelude::*;

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn intel(name: &str, text: &str) -> Result<Loaded, String> {
    let dir = Dir::new();
    load(&[], &[dir.file(name, text)]).map_err(|error| told(&dir, &error))
}

fn assets(name: &str, text: &str) -> Result<Loaded, String> {
    let dir = Dir::new();
    load(&[dir.file(name, text)], &[]).map_err(|error| told(&dir, &error))
}

fn told(dir: &Dir, error: &ListError) -> String {
    error.to_string().replace(&format!("{}/", dir.0.path().display()), "")
}

/// List, confidence and end of validity of what a value matches.
fn found(loaded: &Loaded, kind: ObservableKind, value: &str) -> Option<(String, u8, Option<i64>)> {
    let found = loaded.lists.indicator(kind, &value.into(), Timestamp::default())?;
    Some((found.list.to_string(), found.confidence, found.valid_until.map(Timestamp::millis)))
}

#[test]
fn columns_come_in_any_order_and_values_in_their_one_form() {
    let loaded = intel(
        "feed.csv",
        "\u{feff}value,type,confidence,source,valid_until,description\n\
         # a comment\n\
         hxxps://C2[.]Example[.]com/Gate,url,90,partner,2026-08-01,\"one, two\"\n\
         203.0.113[.]9,ip,,,2026-08-01T12:00:00Z,\n\
         E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B856,sha256,100,,,\n\
         127.0.0.1,ip,,,,everywhere\n\
         10.0.0.0/8,cidr,,,,\n",
    )
    .unwrap();
    let url = found(&loaded, ObservableKind::Url, "https://c2.example.com/Gate");
    assert_eq!(url, Some(("partner".into(), 90, Some(1_785_628_799_999))));
    let ip = found(&loaded, ObservableKind::Ip, "203.0.113.9");
    assert_eq!(ip, Some(("feed".into(), 50, Some(1_785_585_600_000))));
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b856";
    assert_eq!(found(&loaded, ObservableKind::Hash, hash), Some(("feed".into(), 100, None)));
    let report = &loaded.files[0];
    assert_eq!((report.entries, report.skipped.to_string().as_str()), (3, "1 ranges, 1 shared by nature"));
    let late = Timestamp::from_millis(1_785_628_800_000);
    assert_eq!(loaded.lists.indicator(ObservableKind::Url, &"https://c2.example.com/Gate".into(), late), None);
}

#[test]
fn json_lines_have_the_same_names() {
    let lines = "{\"type\":\"domain\",\"value\":\"C2.example\",\"confidence\":70,\"description\":\"x\"}\n\n\
                 {\"type\":\"ip\",\"value\":\"203.0.113.9\",\"source\":\"a\\u0062c\"}\n";
    for name in ["feed.jsonl", "feed.json", "feed"] {
        let loaded = intel(name, lines).unwrap();
        assert_eq!(found(&loaded, ObservableKind::Domain, "c2.example"), Some(("feed".into(), 70, None)));
        assert_eq!(found(&loaded, ObservableKind::Ip, "203.0.113.9"), Some(("abc".into(), 50, None)));
    }
    let one = "{\"type\":\"domain\",\"value\":\"c2.example\"}";
    assert_eq!(intel("one.json", one).unwrap().lists.indicators(), 1);
    let asset = "{\"kind\":\"host\",\"id\":\"DC-1.corp.example\",\"criticality\":\"extreme\",\"tags\":[\"dc\"]}";
    let loaded = assets("cmdb.json", asset).unwrap();
    assert_eq!(loaded.lists.criticality(EntityKind::Host, "dc-1"), Some(4));
}

#[test]
fn assets_are_known_as_alerts_name_them() {
    let loaded = assets(
        "cmdb.csv",
        "kind,id,criticality,owner,tags\nhost,DB-1.corp.example,high,ann,\"a;b\"\nuser,CORP\\Maria,Critical,,\n\
         ip,10.0.0.5,medium,,\nmailbox,CEO@Example.com,low,,\nuser,SYSTEM,extreme,,\nhost,db-1,low,,\n",
    )
    .unwrap();
    let of = |kind, id: &str| loaded.lists.criticality(kind, id);
    assert_eq!((of(EntityKind::Host, "db-1"), of(EntityKind::User, r"corp\maria")), (Some(3), Some(4)));
    assert_eq!((of(EntityKind::Host, "10.0.0.5"), of(EntityKind::Mailbox, "ceo@example.com")), (Some(2), Some(1)));
    assert_eq!((of(EntityKind::User, "system"), loaded.skipped(), loaded.lists.assets()), (None, 1, 4));
}

#[test]
fn bad_lines_are_refused_with_file_line_and_reason() {
    let head = "type,value,confidence,valid_until\n";
    for (text, expected) in [
        (format!("{head}ip,203.0.113.9,,\nip,nowhere,,\n"), "feed.csv:3: `nowhere` is no ip"),
        (format!("{head}ip,203.0.113.0/24,,\n"), "feed.csv:2: `203.0.113.0/24` is no ip"),
        (format!("{head}ip,203.0.113.9,101,\n"), "feed.csv:2: confidence: `101` is out of range, write 0 to 100"),
        (format!("{head}ip,203.0.113.9,high,\n"), "feed.csv:2: confidence: `high` is no whole number"),
        (format!("{head}ip,203.0.113.9,,soon\n"), "feed.csv:2: valid_until: `soon` is neither RFC 3339 nor a day"),
        (format!("{head}ip,,,\n"), "feed.csv:2: value is empty"),
        (
            "type,value,valid_untill\n".to_owned(),
            "feed.csv:1: unknown column `valid_untill`, known here: type, value, source, confidence, valid_until, \
             description",
        ),
        ("type,value,type\n".to_owned(), "feed.csv:1: column `type` is there twice"),
        ("type\n".to_owned(), "feed.csv:1: no column `value`; the first line names the columns"),
        (String::new(), "feed.csv:1: no column `type`; the first line names the columns"),
        ("{\"type\":\"ip\",\"value\":1}\n".to_owned(), "feed.csv:1: invalid type: integer `1`"),
        ("{\"type\":\"ip\",\"value\":\"x\"}\n[]\n".to_owned(), "feed.csv:1: `x` is no ip"),
        ("{\"type\":\"ip\",\"value\":\"203.0.113.9\"}\n[]\n".to_owned(), "feed.csv:2: is no JSON object"),
        ("{\"type\":\"bundle\",\"objects\":[{\"type\":7}]}".to_owned(), "feed.csv:1: invalid type: integer `7`"),
        ("[{\"Event\":{\"Attribute\":[{}]}}]".to_owned(), "feed.csv:1: missing field `type`"),
    ] {
        let error = intel("feed.csv", &text).unwrap_err();
        assert!(error.starts_with(expected), "{error}\n{expected}");
    }
    let error = intel("feed.csv", &format!("{head}thing,x,,\n")).unwrap_err();
    assert!(error.starts_with("feed.csv:2: `thing` is no type, write ip, cidr, domain"), "{error}");
    let error = intel("feed.csv", &format!("{head}ip,203.0.113.9\n")).unwrap_err();
    assert!(error.starts_with("feed.csv:2: CSV error"), "{error}");
    let error = assets("cmdb.csv", "kind,id,criticality\nhost,web-1,vital\n").unwrap_err();
    assert_eq!(error, "cmdb.csv:2: `vital` is no criticality, write low, medium, high or extreme");
    let error = assets("cmdb.csv", "kind,id,criticality\nfridge,web-1,low\n").unwrap_err();
    assert!(error.starts_with("cmdb.csv:2: `fridge` is no kind of asset, write host, user"), "{error}");
    let error = load(&[PathBuf::from("/no/such/list.csv")], &[]).unwrap_err().to_string();
    assert!(error.starts_with("/no/such/list.csv: cannot be read: "), "{error}");
    let dir = Dir::new();
    std::fs::write(dir.0.path().join("b.csv"), b"type,value\nip,\xff\n").unwrap();
    let error = load(&[], &[dir.0.path().join("b.csv")]).unwrap_err();
    assert_eq!(told(&dir, &error), "b.csv:2: is not UTF-8");
}

#[test]
fn a_stix_bundle_gives_its_simple_patterns_and_counts_the_others() {
    let object = |rest: &str| format!("{{\"type\":\"indicator\",\"id\":\"indicator--1\",{rest}}}");
    let objects = [
        object(r#""pattern":"[ipv4-addr:value = '203.0.113.9']","pattern_type":"stix","confidence":85"#),
        object(
            r#""pattern":"[domain-name:value='c2.example' OR url:value = 'http://c2.example/a?b=\\'c\\'']","valid_until":"2026-08-01T12:00:00Z""#,
        ),
        object(
            r#""pattern":"[file:hashes.'SHA-256' = 'aa00000000000000000000000000000000000000000000000000000000000000'] OR [file:hashes.MD5 = 'bb000000000000000000000000000000']""#,
        ),
        object(r#""pattern":"[ipv4-addr:value = '203.0.113.1' AND domain-name:value = 'x.example']""#),
        object(r#""pattern":"[ipv4-addr:value != '203.0.113.2']""#),
        object(r#""pattern":"[file:name = 'a' ] FOLLOWEDBY [file:name = 'b']""#),
        object(r#""pattern":"alert tcp any","pattern_type":"snort""#),
        object(r#""pattern":"[domain-name:value = 'gone.example']","revoked":true"#),
        object(r#""pattern":"[process:pid = '4']""#),
        object(r#""pattern":"[ipv4-addr:value = '203.0.113.0/24']""#),
        object(r#""pattern":"[ipv4-addr:value = 'nowhere']""#),
        "{\"type\":\"malware\",\"name\":\"x\"}".to_owned(),
    ];
    let bundle = format!("{{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{}]}}", objects.join(","));
    let loaded = intel("sharing.json", &bundle).unwrap();
    let list = || "sharing".to_owned();
    assert_eq!(found(&loaded, ObservableKind::Ip, "203.0.113.9"), Some((list(), 85, None)));
    assert_eq!(found(&loaded, ObservableKind::Domain, "c2.example"), Some((list(), 50, Some(1_785_585_600_000))));
    assert_eq!(loaded.lists.indicators(), 5);
    let skipped = &loaded.files[0].skipped;
    assert_eq!(skipped.to_string(), "4 complex patterns, 1 revoked, 1 other kinds, 1 unreadable values, 1 ranges");
}

#[test]
fn misp_events_give_what_is_meant_for_detection() {
    let attributes = r#"[
        {"type":"ip-dst|port","value":"203.0.113.9|443","to_ids":true},
        {"type":"filename|md5","value":"a.exe|bb000000000000000000000000000000","to_ids":"1"},
        {"type":"domain","value":"not.example","to_ids":false},
        {"type":"domain","value":"gone.example","to_ids":true,"deleted":true},
        {"type":"yara","value":"rule x {}","to_ids":true},
        {"type":"md5","value":"short","to_ids":1}]"#;
    let event = format!(
        "{{\"Event\":{{\"info\":\"x\",\"Attribute\":{attributes},\"Object\":[{{\"name\":\"file\",\"Attribute\":\
         [{{\"type\":\"url\",\"value\":\"http://c2.example/x\",\"to_ids\":true}}]}}]}}}}"
    );
    for text in [event.clone(), format!("[{event}]"), format!("{{\"response\":[{event}]}}")] {
        let loaded = intel("misp.json", &text).unwrap();
        assert_eq!(loaded.lists.indicators(), 4);
        assert_eq!(found(&loaded, ObservableKind::Ip, "203.0.113.9"), Some(("misp".into(), 50, None)));
        assert_eq!(loaded.files[0].skipped.to_string(), "2 not for detection, 1 other kinds, 1 unreadable values");
    }
}

#[test]
fn the_order_of_files_says_nothing() {
    let dir = Dir::new();
    let one = dir.file("one.csv", "type,value,confidence\ndomain,a.example,10\ndomain,b.example,20\n");
    let two = dir.file("two.csv", "type,value,confidence\ndomain,a.example,90\n");
    let digest = |files: &[PathBuf]| load(&[], files).unwrap().lists.digest();
    assert_eq!(digest(&[one.clone(), two.clone()]), digest(&[two, one]));
}

#[test]
fn too_many_sources_are_refused() {
    let rows: String = (0..300).map(|n| format!("domain,d{n}.example,source-{n}\n")).collect();
    let error = intel("feed.csv", &format!("type,value,source\n{rows}")).unwrap_err();
    assert_eq!(error, "feed.csv:258: more than 256 sources");
}

proptest! {
    #[test]
    fn no_pattern_makes_the_reader_panic(pattern in "[\\[\\]a-z:='\\\\ OR]{0,60}|\\PC{0,40}") {
        let _ = stix::simple(&pattern);
    }

    #[test]
    fn no_file_makes_a_reader_panic(text in "[\\[\\]{}\",:a-z0-9\\n. ]{0,200}") {
        let _ = (intel("x.csv", &text), intel("x.json", &text), assets("x.jsonl", &text));
    }
}

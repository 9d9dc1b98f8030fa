//! Samples in the shapes that vendors publish, one table for each format, and what must hold of any text.

use proptest::prelude::*;

use super::*;

mod lines;

/// Reads the text and checks its form, its syslog header and the fields given, each by its first value.
#[track_caller]
fn check(text: &str, form: Form, fields: &[(&str, &str)]) {
    let plain = read(text);
    assert_eq!(plain.form, form, "{text}\n{:#?}", plain.fields);
    for (name, value) in fields {
        let found = plain.fields.iter().find(|(known, _)| known == name).map(|(_, value)| &**value);
        assert_eq!(found, Some(*value), "{name} of {text}\n{:#?}", plain.fields);
    }
}

#[track_caller]
fn lacks(text: &str, names: &[&str]) {
    let plain = read(text);
    for name in names {
        assert!(plain.fields.iter().all(|(known, _)| known != name), "{name} of {text}\n{:#?}", plain.fields);
    }
}

fn values<'p>(plain: &'p Plain<'_>, name: &str) -> Vec<&'p str> {
    plain.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| &**value).collect()
}

/// A header, and the fields by which it is known: time, host, app, procid, message. A dash stands for none.
const HEADERS: &[(&str, [&str; 5])] = &[
    (
        "<34>1 2024-06-15T10:11:12.003Z web-1.example.com su 77 ID47 - 'su root' failed",
        ["2024-06-15T10:11:12.003Z", "web-1.example.com", "su", "77", "'su root' failed"],
    ),
    ("<34>1 2024-06-15T10:11:12+02:00 web-1 - - - -", ["2024-06-15T10:11:12+02:00", "web-1", "-", "-", ""]),
    ("<34>1 - web-1 app - - - hello", ["-", "web-1", "app", "-", "hello"]),
    (
        "96 <34>1 2024-06-15T10:11:12Z web-1 su - - - \u{feff}hello",
        ["2024-06-15T10:11:12Z", "web-1", "su", "-", "hello"],
    ),
    (
        "<13>2024-06-15T10:11:12.5 web-1 Agent 42 - - started",
        ["2024-06-15T10:11:12.5", "web-1", "Agent", "42", "started"],
    ),
    ("<13>1 1718446272.250 ap-3 flows deny all", ["1718446272.250", "ap-3", "-", "-", "flows deny all"]),
    ("<86>Jun 15 10:11:12 web-1 sshd[4411]: Accepted", ["Jun 15 10:11:12", "web-1", "sshd", "4411", "Accepted"]),
    ("<86> Jun  5 10:11:12 web-1 sshd: Accepted", ["Jun  5 10:11:12", "web-1", "sshd", "-", "Accepted"]),
    ("Jun 15 10:11:12 web-1 CRON[7]: done", ["Jun 15 10:11:12", "web-1", "CRON", "7", "done"]),
    ("<86>Jun 15 2024 10:11:12 web-1 cron: done", ["Jun 15 2024 10:11:12", "web-1", "cron", "-", "done"]),
    ("<86>Jun 15 10:11:12.123 CEST web-1 cron: done", ["Jun 15 10:11:12.123 CEST", "web-1", "cron", "-", "done"]),
    ("2024-06-15T10:11:12+00:00 web-1 cron: done", ["2024-06-15T10:11:12+00:00", "web-1", "cron", "-", "done"]),
    ("<30>2024:06:15-10:11:12 utm-1 ulogd[9]: up", ["2024:06:15-10:11:12", "utm-1", "ulogd", "9", "up"]),
    ("<86>Jun 15 10:11:12 filterd: passed", ["Jun 15 10:11:12", "-", "filterd", "-", "passed"]),
    ("<86>kernel: out of memory", ["-", "-", "kernel", "-", "out of memory"]),
    ("<86>404: not found", ["-", "-", "404", "-", "not found"]),
    ("<86>nobody knows", ["-", "-", "-", "-", "nobody knows"]),
    ("<86>Jun 15 10:11:12 web-1 Info: started", ["Jun 15 10:11:12", "web-1", "-", "-", "Info: started"]),
    (
        "<86>Jun 15 10:11:12 web-1 app: Mon Jun 15 10:11:10 2024 Info: up",
        ["Jun 15 10:11:12", "web-1", "app", "-", "Mon Jun 15 10:11:10 2024 Info: up"],
    ),
    ("<86>Jun 15 10:11:12 10.0.0.7: up", ["Jun 15 10:11:12", "10.0.0.7", "-", "-", "up"]),
    ("2024-06-15T10:11:12.123456789Z stdout F up", ["2024-06-15T10:11:12.123456789Z", "-", "stdout", "-", "up"]),
];

#[test]
fn headers_are_told_from_messages() {
    for (text, expected) in HEADERS {
        let plain = read(text);
        assert!(plain.syslog, "{text}");
        let names = ["syslog.time", "syslog.host", "syslog.app", "syslog.procid", "syslog.message"];
        for (name, value) in names.into_iter().zip(expected) {
            assert_eq!(values(&plain, name).first().unwrap_or(&"-"), value, "{name} of {text}\n{:#?}", plain.fields);
        }
        assert_eq!(plain.body, expected[4], "{text}");
    }
}

#[test]
fn what_is_no_header_stays_in_the_message() {
    for text in [
        "hello world",
        "2024-06-15 10:11:12,123 INFO com.example.Main - started",
        "5 - five",
        "Jun is a month",
        "<999x>hello",
        "10:11:12 up",
        "2024-06-15T10:11:12Z Something happened",
    ] {
        let plain = read(text);
        assert!(!plain.syslog, "{text}");
        assert_eq!((plain.form, plain.body), (Form::Message, text));
        assert_eq!(values(&plain, "syslog.message"), [text]);
    }
}

#[test]
fn the_priority_gives_facility_and_severity() {
    let fields = [("syslog.priority", "165"), ("syslog.facility", "20"), ("syslog.severity", "5")];
    check("<165>1 2024-06-15T10:11:12Z web-1 a 1 b - c", Form::Message, &fields);
    check("<999>odd", Form::Message, &[("syslog.priority", "999")]);
    lacks("<999>odd", &["syslog.facility", "syslog.severity"]);
}

#[test]
fn a_relays_header_gives_way_to_the_senders() {
    for text in [
        "<13>Jun 15 10:11:12 relay-1 Jun 15 09:00:00 web-1 sshd[7]: Accepted",
        "<13>Jun 15 10:11:12 relay-1 <86>Jun 15 09:00:00 web-1 sshd[7]: Accepted",
        "<13>1 2024-06-15T10:11:12Z relay-1 - - - - <86>Jun 15 09:00:00 web-1 sshd[7]: Accepted",
    ] {
        let fields = [("relay.host", "relay-1"), ("syslog.host", "web-1"), ("syslog.time", "Jun 15 09:00:00")];
        check(text, Form::Message, &fields);
        check(text, Form::Message, &[("syslog.app", "sshd"), ("syslog.procid", "7"), ("syslog.message", "Accepted")]);
    }
    let log = "<13>Jun 15 10:11:12 web-1 2024-06-15T10:11:10Z 382 10.0.0.13 TCP_MISS/200 GET";
    check(log, Form::Message, &[("syslog.host", "web-1"), ("syslog.time", "Jun 15 10:11:12")]);
    lacks(log, &["relay.host"]);
    lacks("<13>Jun 15 10:11:12 web-1 Jun 15 10:11:12 Login failed", &["relay.host"]);
}

#[test]
fn structured_data_is_given_under_both_names() {
    let text = r#"<14>1 2024-06-15T10:11:12Z fw-1 RT - ID [a@1 user="ann" path="C:\\x\]" user="bob"][b@2 user="eve"]"#;
    let fields = [("sd.a@1.user", "ann"), ("user", "ann"), ("sd.b@2.user", "eve"), ("path", r"C:\x]")];
    check(text, Form::Pairs, &fields);
    let plain = read(text);
    assert_eq!((values(&plain, "sd.a@1.user"), values(&plain, "user")), (vec!["ann", "bob"], vec!["ann"]));
    check(
        r#"<14>1 2024-06-15T10:11:12Z h a - - [x@1 k="v"] done"#,
        Form::Message,
        &[("syslog.message", "done"), ("k", "v")],
    );
    check(r#"<14>1 2024-06-15T10:11:12Z h a - - [x@1 k="v" cut="of"#, Form::Pairs, &[("k", "v"), ("cut", "of")]);
    let checkpoint =
        r#"<134>1 2024-06-15T10:11:12Z gw-1 CheckPoint 512 - [action:"Drop"; src:"10.0.0.1"; info:"a \"b\" c"; ]"#;
    check(checkpoint, Form::Pairs, &[("syslog.procid", "512"), ("action", "Drop"), ("info", "a \"b\" c")]);
}

#[test]
fn ciscos_mark_is_read_wherever_its_headers_leave_it() {
    for text in [
        "<189>45: sw-1: *Jun 15 10:11:12.123: %SYS-5-CONFIG_I: Configured from console",
        "<189>Jun 15 10:11:12 sw-1 45: Jun 15 10:11:12.123: %SYS-5-CONFIG_I: Configured from console",
        "<189>Jun 15 10:11:12 sw-1: %SYS-5-CONFIG_I: Configured from console",
        "<189>Jun 15 10:11:12 sw-1 : %SYS-5-CONFIG_I: Configured from console",
        "2024-06-15T10:11:12Z sw-1 %SYS-5-CONFIG_I: Configured from console",
    ] {
        check(text, Form::Message, &[("cisco.facility", "SYS"), ("cisco.severity", "5"), ("syslog.host", "sw-1")]);
        check(text, Form::Message, &[("cisco.mnemonic", "CONFIG_I"), ("cisco.message", "Configured from console")]);
    }
    check(
        "<189>:Jun 15 10:11:12 UTC: %ASA-session-6-302013: Built",
        Form::Message,
        &[("cisco.facility", "ASA-session")],
    );
    check(
        "<189>: 2024 Jun 15 10:11:12.5 ABC: %ETH-3-X: y",
        Form::Message,
        &[("syslog.time", "2024 Jun 15 10:11:12.5 ABC")],
    );
    let ftd = "<113>Jun 15 10:11:12 fw-1 %FTD-1-430002: SrcIP: 10.0.0.1, DstIP: 192.0.2.1, ACPolicy: a b";
    check(ftd, Form::Pairs, &[("SrcIP", "10.0.0.1"), ("ACPolicy", "a b"), ("cisco.mnemonic", "430002")]);
    check("<189>Jun 15 10:11:12 sw-1 %A-4-B: no [user: ann x] [Source: 10.0.0.1]", Form::Message, &[("user", "ann x")]);
    lacks("100%-5-foo: x", &["cisco.facility"]);
}

#[test]
fn cef_is_read_with_its_escapes_and_labels() {
    let text = concat!(
        r"<13>Jun 15 10:11:12 h x CEF:0|Ven\|dor|Prod|1.0|100|a \\ b|7|src=10.0.0.1 msg=one two=2 a\=b\nc request=",
        r"http://e.com/?a=1&b=2 suser=CORP\nina filePath=C:\temp\new.txt act= cs1Label=Policy cs1=Deny all cn9Label=X",
    );
    let header = [("cef.version", "0"), ("cef.vendor", "Ven|dor"), ("cef.signature_id", "100"), ("cef.name", r"a \ b")];
    check(text, Form::Cef, &header);
    let fields =
        [("src", "10.0.0.1"), ("two", "2 a=b\nc"), ("request", "http://e.com/?a=1&b=2"), ("Policy", "Deny all")];
    check(text, Form::Cef, &fields);
    check(
        text,
        Form::Cef,
        &[("suser", r"CORP\nina"), ("filePath", r"C:\temp\new.txt"), ("act", ""), ("cs1", "Deny all")],
    );
    lacks(text, &["X"]);
    check("CEF:0|V|P|1|9|n|3", Form::Cef, &[("cef.severity", "3")]);
    check("CEF:0|V|P|1|9|n|3 src=1.1.1.1", Form::Cef, &[("cef.severity", "3"), ("src", "1.1.1.1")]);
    check("<1>x.warning: CEF:1|V|P|1|9|n|3|act=\"a b\"", Form::Cef, &[("act", "a b"), ("syslog.app", "x.warning")]);
    check("Jun 15 10:11:12 h: CEF:0|V|P|1|9|n|3|a=b", Form::Cef, &[("syslog.host", "h")]);
    check("my CEF: none", Form::Message, &[("syslog.message", "my CEF: none")]);
}

#[test]
fn leef_is_read_with_every_delimiter() {
    for attributes in ["1.0|V|P|2|E|", "2.0|V|P|2|E|", "2.0|V|P|2|E|x09|", "2.0|V|P|2|E||", "2.0|V|P|2|E|\\t|"] {
        let text = format!("<13>Jun 15 10:11:12 h LEEF:{attributes}src=10.0.0.1\tusrName=joe black\turl=a?b=c");
        check(&text, Form::Leef, &[("leef.vendor", "V"), ("leef.product_version", "2"), ("leef.event_id", "E")]);
        check(&text, Form::Leef, &[("src", "10.0.0.1"), ("usrName", "joe black"), ("url", "a?b=c")]);
    }
    for (delimiter, between) in
        [("^|", "^"), ("0x5E|", "^"), ("x5e|", "^"), ("#|", "#"), ("|", "|"), ("", "\\t"), ("", "  ")]
    {
        let text = format!("LEEF:2.0|V|P|2|E|{delimiter}src=10.0.0.1{between}usrName=joe black{between}sev=5");
        check(&text, Form::Leef, &[("src", "10.0.0.1"), ("usrName", "joe black"), ("sev", "5")]);
    }
    check(
        "LEEF:1.0|V|P|2|E|src=10.0.0.1 usrName=joe black sev=5",
        Form::Leef,
        &[("usrName", "joe black"), ("sev", "5")],
    );
    check("LEEF:1.0|V|P|2|E|a=1|b=x|y|c=3", Form::Leef, &[("a", "1"), ("b", "x|y"), ("c", "3")]);
}

#[test]
fn json_is_found_behind_a_header_or_a_word() {
    for text in [r#"{"a":[1]}"#, r#"[{"a":1}]"#, r#"<13>{"a":1}"#, r#"<13>Jun 15 10:11:12 h app[7]: {"a":1}"#] {
        let plain = read(text);
        assert_eq!(
            (plain.form, plain.body),
            (Form::Json, &text[text.find(['{']).unwrap() - usize::from(text.starts_with('['))..])
        );
        lacks(text, &["syslog.message"]);
    }
    check(r#"<13>Jun 15 10:11:12 h audit {"a":"x=1"}"#, Form::Json, &[("syslog.host", "h"), ("syslog.app", "audit")]);
    check(r#"<13>1 2024-06-15T10:11:12Z h a - - - {"a":1}"#, Form::Json, &[("syslog.app", "a")]);
    check(r#"{"user":"ann","ip":"10.0.0.1","cut":"o"#, Form::Pairs, &[("user", "ann"), ("ip", "10.0.0.1")]);
    check("{not json}", Form::Message, &[("syslog.message", "{not json}")]);
}

/// Lists of pairs, and some of what is in them.
const PAIRS: &[(&str, &[(&str, &str)])] = &[
    (
        "<189>date=2024-06-15 time=10:11:12 devname=\"fw 1\" msg=\"a: b, c=d\"",
        &[("devname", "fw 1"), ("msg", "a: b, c=d")],
    ),
    (
        r#"id=fw path="C:\dir\" user="nina" note="a \"b\" c""#,
        &[("path", r"C:\dir\"), ("user", "nina"), ("note", "a \"b\" c")],
    ),
    (r#"a="he said "no" twice" b="CORP\nina""#, &[("a", "he said \"no"), ("b", r"CORP\nina")]),
    (
        "vendor=Acme Corp src=10.0.0.1 ua=X/5.0 (a; b, c) dn=CN=x,OU=y",
        &[("vendor", "Acme Corp"), ("ua", "X/5.0 (a; b, c)"), ("dn", "CN=x,OU=y")],
    ),
    (
        "src=10.0.0.1:80 dst=10.0.0.2:99 message: what went wrong",
        &[("dst", "10.0.0.2:99"), ("message", "what went wrong")],
    ),
    (
        "at=2024-06-15 10:11:12 UTC size=15 KB n=5 DF m=1",
        &[("at", "2024-06-15 10:11:12 UTC"), ("size", "15 KB"), ("n", "5")],
    ),
    (
        "4 0 NOTICE Auth: ok, User Name=ann, NAS IP Address=10.0.0.1, Step=1, Step=2,",
        &[("User Name", "ann"), ("NAS IP Address", "10.0.0.1")],
    ),
    (
        "0 1 Response={User=ann; Class=x:y; Idle=4; Timeout=3; },",
        &[("User", "ann"), ("Class", "x:y"), ("Timeout", "3")],
    ),
    (
        "Q1: to=<a@e.com>, delay=00:00:01, stat=Sent (ok: 1)",
        &[("to", "<a@e.com>"), ("delay", "00:00:01"), ("stat", "Sent (ok: 1)")],
    ),
    (
        "VERSION:v1:when='2024-06-15 10:11:12',ip='10.0.0.1',q='',agent='x y'",
        &[("when", "2024-06-15 10:11:12"), ("q", ""), ("agent", "x y")],
    ),
    (
        "time=1|host=gw-1|rule=a=b|origin=1.1.1.1|2.2.2.2|dn=cn\\=x|",
        &[("rule", "a=b"), ("origin", "1.1.1.1|2.2.2.2"), ("dn", "cn=x")],
    ),
    ("action=block^^src=10.0.0.1^^user=ann b", &[("action", "block"), ("user", "ann b")]),
    ("reason=Allowed\tuser=a b\turl=e.com/?a=b", &[("user", "a b"), ("url", "e.com/?a=b")]),
    (r#"time:"1"; action:"Accept"; dn:"cn=a;b"; "#, &[("action", "Accept"), ("dn", "cn=a;b")]),
    (
        "Event Type: Threat, Device Name: PC-3, IP: (10.0.0.3), Path: C:\\x\\",
        &[("Event Type", "Threat"), ("IP", "(10.0.0.3)")],
    ),
    ("Level: 3; Rule: 55 - a, b.; Place: (w) 10.0.0.1->x; user: ann;", &[("Rule", "55 - a, b."), ("user", "ann")]),
    (r#""0" "x=1,y=2,z=3" "Name"="a b" "Kind"="user""#, &[("Name", "a b"), ("Kind", "user")]),
    (
        "X [Id@1] [Class] user [Name] CN=a,DC=b [Kind] Modify [To] ",
        &[("Class", "user"), ("Name", "CN=a,DC=b"), ("To", "")],
    ),
    ("User: ann\nHost: web-1\nSource IP: 10.0.0.1", &[("User", "ann"), ("Source IP", "10.0.0.1")]),
    (
        "A logon failed.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-0-0\r\n\tAccount Name:\t\tann b\r\n\tProcess ID:\t0x1",
        &[("Security ID", "S-1-0-0"), ("Account Name", "ann b"), ("Process ID", "0x1")],
    ),
    (
        "A logon failed.   Subject:   Security ID:  S-1-0-0   Account Name:  ann b   Logon Type:  3",
        &[("Security ID", "S-1-0-0"), ("Account Name", "ann b"), ("Logon Type", "3")],
    ),
    ("h=1  u=ann c=2 agent='X (a; b)' request: GET http://e.com/", &[("u", "ann"), ("request", "GET http://e.com/")]),
    ("0 ok, A=1, B=2, Response={Kind=Reject; },", &[("B", "2"), ("Kind", "Reject")]),
];

#[test]
fn pairs_are_read_in_every_style() {
    for (text, fields) in PAIRS {
        check(text, Form::Pairs, fields);
    }
    let steps = read("a: b, Step=1, Step=2, Step=3");
    assert_eq!(values(&steps, "Step"), ["1", "2", "3"]);
}

#[test]
fn a_message_gives_the_pairs_that_lie_in_it() {
    let text =
        "Received an ESP packet (SPI= 0xC1, n=0x5) from host-1 (user= ann) that failed, see url=http://e.com/a?b=c.";
    check(text, Form::Message, &[("SPI", "0xC1"), ("n", "0x5"), ("user", "ann"), ("url", "http://e.com/a?b=c")]);
    check("Info: req:10.0.0.1 user:ann id:X9 200 GET /x", Form::Message, &[("req", "10.0.0.1"), ("user", "ann")]);
    check(r#"app {"a":1,"b":"c"} and more"#, Form::Message, &[("a", "1"), ("b", "c")]);
    lacks("see https://e.com at 10:11:12 on fe80::1", &["https", "10", "fe80", "on"]);
    lacks("if a == b then [admin]: Logout", &["a", "admin]"]);
}

#[test]
fn csv_is_a_row_of_many_columns() {
    let text = "<14>Jun 15 10:11:12 fw-1 1,2024/06/15 10:11:12,007,THREAT,url,,10.0.0.1,\"a, \"\"b\"\"\",deny";
    let fields = [("csv.count", "9"), ("csv.1", "2024/06/15 10:11:12"), ("csv.5", ""), ("csv.7", "a, \"b\"")];
    check(text, Form::Csv, &fields);
    check(
        "<14>Jun 15 10:11:12 filterlog: 5,,,1,em0,match,block,in,4",
        Form::Csv,
        &[("csv.6", "block"), ("syslog.app", "filterlog")],
    );
    check("Log\t1\tSecurity\t4625\tSat Jun 15 10:11:12 2024\tN/A\tAn account failed", Form::Csv, &[("csv.3", "4625")]);
    for prose in [
        "one, two, and three, which, as we know, is more, or less",
        "a,b,c,d,e",
        "we saw a,b,c of d e,f g h,i j k,l m n,o p",
    ] {
        check(prose, Form::Message, &[("syslog.message", prose)]);
    }
}

#[test]
fn markup_is_flattened() {
    let text = concat!(
        "<29>1 2024-06-15T10:11:12Z epo EPOEvents - EventFwd [agentInfo@3401 tenantId=\"1\"] \u{feff}<?xml version=\"1.0\"?>",
        "<Event><Host name='pc-1' os=\"W &amp; X\"><IP>10.0.0.1</IP></Host><Data Name=\"User\">CORP\\nina</Data>",
        "<Note><![CDATA[a < b]]></Note><Empty/></Event>",
    );
    let fields = [("IP", "10.0.0.1"), ("os", "W & X"), ("User", "CORP\\nina"), ("Note", "a < b"), ("tenantId", "1")];
    check(text, Form::Pairs, &fields);
    check("<A><B>1</B><C>2</C><D>cut of", Form::Pairs, &[("B", "1"), ("C", "2"), ("D", "cut of")]);
    check("an <odd> word </odd>", Form::Message, &[]);
}

#[test]
fn fields_are_bounded() {
    let many: String = (0..2_000).map(|i| format!("key{i}=value{i} ")).collect();
    assert_eq!(read(&many).fields.len(), FIELDS_MAX);
    let long = format!("{}=1 b=2 c=3", "a".repeat(NAME_BYTES_MAX + 1));
    assert!(read(&long).fields.iter().all(|(name, _)| name.len() <= NAME_BYTES_MAX));
}

/// Pieces from which a hostile sender would build a record that takes long.
const PIECES: &[&str] = &[
    "=",
    "|",
    "\"",
    "<",
    " ",
    "a=",
    "a=\"",
    "a: b, ",
    "a:\"b\";",
    "<a b=\"",
    "[",
    "[a ",
    "{\"a\":",
    "%A-1-B",
    "CEF:0|",
    "LEEF:1.0|",
    "\\",
    "a\\\" b=\"",
    "\",\"",
    "a a ",
    "Jun 15 10:11:12 ",
    "<1>1 - - - - - ",
    "&amp;",
    "<![CDATA[",
    "==",
];

#[test]
fn no_repetition_takes_long() {
    for piece in PIECES {
        let bytes = if piece.len() == 1 { 256 << 10 } else { 64 << 10 };
        let text = piece.repeat(bytes / piece.len());
        assert!(read(&text).fields.len() <= FIELDS_MAX);
    }
}

fn samples() -> impl Iterator<Item = &'static str> {
    HEADERS.iter().map(|(text, _)| *text).chain(PAIRS.iter().map(|(text, _)| *text)).chain([
        "<13>Jun 15 10:11:12 h CEF:0|V|P|1|9|n|3|src=10.0.0.1 cs1Label=a cs1=b\\=c request=http://e.com/?a=1",
        "LEEF:2.0|V|P|2|E|x09|src=10.0.0.1\tusrName=joe",
        "<14>1 2024-06-15T10:11:12Z h a - - [x@1 k=\"v\\]\" l=\"\"] <A b='c'><D>&#65;</D></A>",
        "<189>45: sw-1: *Jun 15 10:11:12.123: %SYS-5-CONFIG_I: [user: ann] {\"a\":1}",
        "1,2024/06/15 10:11:12,007,THREAT,url,,10.0.0.1,\"a, \"\"b\"\"\",deny",
    ])
}

/// What must hold of every text: nothing invented, nothing lost, nothing without bound.
fn sound(text: &str) {
    let plain = read(text);
    assert!(text.contains(plain.body) && plain.fields.len() <= FIELDS_MAX);
    assert!(plain.fields.iter().all(|(name, _)| !name.is_empty() && name.len() <= NAME_BYTES_MAX));
    let bytes: usize = plain.fields.iter().map(|(_, value)| value.len()).sum();
    assert!(bytes <= 8 * text.len() + 64, "{bytes} bytes of values from {}", text.len());
    let messages = values(&plain, "syslog.message");
    assert!(plain.form == Form::Json || messages.first() == Some(&plain.body));
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        sound(&text);
    }

    #[test]
    fn any_pieces_are_read(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        sound(&pieces.concat());
    }

    #[test]
    fn a_mutated_sample_is_read(
        sample in prop::sample::select(samples().collect::<Vec<_>>()),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..6,
        piece in prop_oneof![any::<String>(), prop::sample::select(PIECES).prop_map(str::to_owned)],
    ) {
        let chars: Vec<char> = sample.chars().collect();
        let at = at.index(chars.len());
        let head: String = chars[..at].iter().collect();
        let tail: String = chars[(at + cut).min(chars.len())..].iter().collect();
        sound(&format!("{head}{piece}{tail}"));
        sound(&head);
        sound(&tail);
    }
}

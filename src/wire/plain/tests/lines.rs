//! Lines of servers and devices that follow no format of alerts.

use super::*;

#[test]
fn access_lines_have_named_columns() {
    for (text, fields) in [
        (
            "203.0.113.7 - ann [15/Jun/2024:10:11:12 +0200] \"GET /a?b=c HTTP/1.1\" 404 153 \"-\" \"curl/8.0 (x; y)\"",
            &[
                ("client_ip", "203.0.113.7"),
                ("remote_user", "ann"),
                ("request_time", "15/Jun/2024:10:11:12 +0200"),
                ("http_method", "GET"),
                ("request_url", "/a?b=c"),
                ("http_status", "404"),
                ("bytes", "153"),
                ("http_referrer", "-"),
                ("user_agent", "curl/8.0 (x; y)"),
                ("message", "GET /a?b=c HTTP/1.1"),
            ][..],
        ),
        (
            "<190>Jun 15 10:11:12 web-1 nginx: a.example:443 203.0.113.7 - - [15/Jun/2024:10:11:12 +0000] \"-\" 400 0",
            &[("vhost", "a.example"), ("client_ip", "203.0.113.7"), ("http_status", "400")],
        ),
        (
            "203.0.113.7:4000 [15/Jun/2024:10:11:12.123] in~ web/web-1 1/0/3/6/10 200 27 - - ---- 1/1 0/0 \"GET / HTTP/1.1\"",
            &[("client_ip", "203.0.113.7"), ("request_time", "15/Jun/2024:10:11:12.123"), ("request_url", "/")],
        ),
        (
            "1718446272.123    120 10.0.0.5 TCP_TUNNEL/200 39 CONNECT a.example:443 ann HIER_DIRECT/203.0.113.7 -",
            &[
                ("request_time", "1718446272.123"),
                ("client_ip", "10.0.0.5"),
                ("request_host", "a.example"),
                ("remote_user", "ann"),
                ("server_ip", "203.0.113.7"),
            ],
        ),
        (
            "2024-06-15 10:11:12 10.0.0.1 POST /a b=c 443 ann 203.0.113.7 Mozilla/5.0+(x) - 302 0 0 46",
            &[
                ("request_time", "2024-06-15 10:11:12"),
                ("server_ip", "10.0.0.1"),
                ("client_ip", "203.0.113.7"),
                ("remote_user", "ann"),
                ("user_agent", "Mozilla/5.0 (x)"),
            ],
        ),
    ] {
        check(text, Form::Message, fields);
    }
    for text in ["[15/Jun/2024:10:11:12] up", "ann [15/Jun/2024:10:11:12] \"a\"", "a b c d e [1]", "1 2 3", ""] {
        lacks(text, &["client_ip"]);
    }
}

#[test]
fn a_line_s_own_time_is_the_frame_s() {
    for (text, time) in [
        ("[Sat Jun 15 10:11:12.123456 2024] [core:error] [pid 7] failed", "Sat Jun 15 10:11:12.123456 2024"),
        ("15-Jun-2024 10:11:12.123 queries: info: done", "15-Jun-2024 10:11:12.123"),
        ("2024-06-15 10:11:12,123 app.actions        [77]: NOTICE done", "2024-06-15 10:11:12,123"),
        ("06/15-10:11:12.123456  [**] [1:2:3] x [**]", "06/15-10:11:12.123456"),
        ("06/15/2024-10:11:12.123456  [**] [1:2:3] x [**]", "06/15/2024-10:11:12.123456"),
        ("1718446272.123 ap-1 events type=up", "1718446272.123"),
        ("2024-06-15T10:11:12Z,a,b,c,d,e", "2024-06-15T10:11:12Z"),
    ] {
        let plain = read(text);
        assert_eq!(values(&plain, "syslog.time"), [time], "{text}");
        assert!(values(&plain, "syslog.host").is_empty() && !plain.syslog, "{text}");
        assert_eq!(plain.body, text);
    }
    lacks("<134>hello", &["syslog.time"]);
}

#[test]
fn marks_and_headers_as_devices_bend_them() {
    for (text, fields) in [
        (
            "<189>Jun 15 10:11:12 2024 sw-1 %%10SHELL/5/SHELL_LOGIN: -DevIP=10.0.0.2; ann logged in from 10.0.0.7.",
            &[("syslog.host", "sw-1"), ("cisco.facility", "SHELL"), ("cisco.mnemonic", "SHELL_LOGIN")][..],
        ),
        (
            "<188>Jun 15 2024 10:11:12 fw-1 %%01POLICY/4/DENY(l)[12]:vsys=public, source-ip=203.0.113.7, protocol=6",
            &[("cisco.mnemonic", "DENY"), ("cisco.severity", "4"), ("source-ip", "203.0.113.7")],
        ),
        (
            "<190>Jun 15 10:11:12:123 2024 fw-1 %%10FILTER/6/EXEC: -Context=1; Type(1067)=ACL;SrcIPAddr(1003)=203.0.113.7;",
            &[("syslog.time", "Jun 15 10:11:12:123 2024"), ("syslog.host", "fw-1"), ("SrcIPAddr", "203.0.113.7")],
        ),
        (
            "<85>Jun 15 10:11:12 10.0.0.9 app-2 auth[374]: failed",
            &[("syslog.host", "app-2"), ("relay.host", "10.0.0.9"), ("syslog.app", "auth"), ("syslog.procid", "374")],
        ),
        (
            "<141>Jun 15 10:11:12 lb-1 notice tmm[11]: 01490500:5: up",
            &[("syslog.host", "lb-1"), ("syslog.app", "tmm"), ("syslog.message", "01490500:5: up")],
        ),
        (
            "<133> 06/15/2024:10:11:12 GMT ns-1 0-PPE-0 : default SSLVPN LOGIN 1 0 : User ann - x",
            &[("syslog.time", "06/15/2024:10:11:12 GMT"), ("syslog.host", "ns-1"), ("message.user_name", "ann")],
        ),
        (
            "Type: 3 - NETWORK ¦ TgtUser: ann ¦ SrcIP: 10.0.0.7",
            &[("Type", "3 - NETWORK"), ("TgtUser", "ann"), ("SrcIP", "10.0.0.7")],
        ),
        (
            "[client 203.0.113.7:4] ModSecurity: no [id \"942100\"] [msg \"SQL Injection\"] [hostname \"a.example\"]",
            &[("message.remote_ip", "203.0.113.7"), ("hostname", "a.example"), ("msg", "SQL Injection")],
        ),
    ] {
        let plain = read(text);
        for (name, value) in fields {
            assert_eq!(values(&plain, name).first(), Some(value), "{name} of {text}\n{:#?}", plain.fields);
        }
    }
    lacks("<134>374.156 up", &["syslog.host"]);
}

#[test]
fn columns_are_known_by_their_shape() {
    let text = "2024-06-15T10:11:12Z,D-77,high,WS-9,CORP\\ann,blocked,10.0.0.7";
    check(
        text,
        Form::Csv,
        &[("message.time", "2024-06-15T10:11:12Z"), ("message.user_name", "CORP\\ann"), ("message.ip", "10.0.0.7")],
    );
}

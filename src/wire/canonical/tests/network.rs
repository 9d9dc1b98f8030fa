//! Addresses, names, URLs and mail addresses.

use super::*;

/// RFC 5952 section 4: the one text of an IPv6 address; RFC 4291 section 2.2: the texts that mean it.
#[test]
fn rfc_5952_and_4291() {
    check(
        ObservableKind::Ip,
        &[
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:0:1::1", "2001:db8::1:0:0:1"),
            ("2001:db8:0000:0:1::1", "2001:db8::1:0:0:1"),
            ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:AAAA:bbbb:CCCC:dddd:EEEE:ffff", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"),
            ("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("2001:db8::0001", "2001:db8::1"),
            ("FF01:0:0:0:0:0:0:101", "ff01::101"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("0:0:0:0:0:FFFF:129.144.52.38", "129.144.52.38"),
            ("::FFFF:129.144.52.38", "129.144.52.38"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("::FFFF:0a01:0203", "10.1.2.3"),
            ("[::ffff:10.1.2.3]:443", "10.1.2.3"),
            ("fd12:3456:789a:1::1", "fd12:3456:789a:1::1"),
            ("2002:c000:0204::1", "2002:c000:204::1"),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
            ("64:ff9b::192.0.2.33", "192.0.2.33"),
            ("64:ff9b::c000:221", "192.0.2.33"),
            ("64:ff9b:1::c000:221", "64:ff9b:1::c000:221"),
        ],
    );
    refuse(
        ObservableKind::Ip,
        &[
            "::",
            "0:0:0:0:0:0:0:0",
            "::ffff:0.0.0.0",
            "64:ff9b::",
            "2001:db8",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "2001:db8::1::1",
            "2001:db8::12345",
            "2001:db8::g",
            ":::",
        ],
    );
}

/// RFC 3986 section 3.2.2, RFC 4007 and RFC 6874: brackets, ports, zones; and the habits of loggers.
#[test]
fn addresses_with_what_stands_around_them() {
    check(
        ObservableKind::Ip,
        &[
            ("10.1.2.3", "10.1.2.3"),
            (" 10.1.2.3 ", "10.1.2.3"),
            ("010.001.002.003", "10.1.2.3"),
            ("10.1.2.08", "10.1.2.8"),
            ("10.1.2.3:8080", "10.1.2.3"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("2001:db8::1/128", "2001:db8::1"),
            ("10[.]1[.]2[.]3", "10.1.2.3"),
            ("10.1.2[.]3:53", "10.1.2.3"),
            ("10(.)1(.)2(.)3", "10.1.2.3"),
            ("10[dot]1[DOT]2{dot}3", "10.1.2.3"),
            ("2001[:]db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("fe80::1%25eth0", "fe80::1"),
            ("[fe80::1%12]:80", "fe80::1"),
            ("127.0.0.1", "127.0.0.1"),
            ("255.255.255.255", "255.255.255.255"),
        ],
    );
    refuse(
        ObservableKind::Ip,
        &[
            "0.0.0.0",
            "000.000.000.000",
            "0.0.0.0:0",
            "-",
            "n/a",
            "LOCAL",
            "localhost",
            "256.1.1.1",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.4:70000",
            "1.2.3.4:",
            "1.2.3.4:+80",
            "1.2.3.4/24",
            "0x7f.0.0.1",
            "0x7f000001",
            "2130706433",
            "1.2.3.+4",
            "0001.2.3.4",
            "1..2.3",
            "[10.1.2.3",
            "[2001:db8::1]x",
        ],
    );
}

/// RFC 6890: what every network has, and what only looks like it.
#[test]
fn rfc_6890() {
    let shared = [
        "0.1.2.3",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.1.1",
        "169.254.169.254",
        "168.63.129.16",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "10.0.0.255",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    for ip in shared {
        assert!(is_shared(ObservableKind::Ip, ip), "{ip}");
        assert!(is_shared_identity(EntityKind::Host, ip), "{ip}");
    }
    let own = ["10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "192.0.2.1", "8.8.8.8", "fd00::1", "2001:db8::1"];
    for ip in own {
        assert!(!is_shared(ObservableKind::Ip, ip), "{ip}");
        assert!(!is_shared_identity(EntityKind::Host, ip), "{ip}");
    }
}

/// RFC 4632 and RFC 4291 section 2.3.
#[test]
fn networks() {
    check(
        ObservableKind::Cidr,
        &[
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3/32", "10.1.2.3/32"),
            ("192.168.1.77/25", "192.168.1.0/25"),
            ("192.168.1.0/255.255.255.0", "192.168.1.0/24"),
            ("010.000.000.000/08", "10.0.0.0/8"),
            ("10[.]0[.]0[.]0/8", "10.0.0.0/8"),
            ("2001:db8:ffff::/32", "2001:db8::/32"),
            ("2001:DB8::1/128", "2001:db8::1/128"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
        ],
    );
    refuse(
        ObservableKind::Cidr,
        &[
            "10.1.2.3/33",
            "10.1.2.3",
            "10.0.0.0/x",
            "10.0.0.0/",
            "10.0.0.0/-8",
            "10.0.0.0/+8",
            "10.0.0.0/255.0.255.0",
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/0",
            "2001:db8::/129",
            "::ffff:10.1.2.3/24",
        ],
    );
}

/// IEEE 802: six octets; as Linux, Windows, Cisco, HP and Solaris write them.
#[test]
fn ieee_802() {
    check(
        ObservableKind::Mac,
        &[
            ("00:1a:2b:3c:4d:5e", "00:1a:2b:3c:4d:5e"),
            ("00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e"),
            ("001a.2b3c.4d5e", "00:1a:2b:3c:4d:5e"),
            ("001A2B-3C4D5E", "00:1a:2b:3c:4d:5e"),
            ("001A2B3C4D5E", "00:1a:2b:3c:4d:5e"),
            ("0:1a:2b:3c:4d:5e", "00:1a:2b:3c:4d:5e"),
            ("00 1a 2b 3c 4d 5e", "00:1a:2b:3c:4d:5e"),
        ],
    );
    refuse(
        ObservableKind::Mac,
        &[
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "FFFF.FFFF.FFFF",
            "00:1a:2b",
            "00:1a:2b:3c:4d:5e:6f",
            "00:1a:2b:3c:4d:5e:6f:70",
            "00:1a:2b:3c:4d:+5",
            "001:a2b:3c:4d:5e:0",
            "é0:1a:2b:3c:4d:5e",
            "",
        ],
    );
    assert!(is_shared(ObservableKind::Mac, "01:00:5e:00:00:fb"));
    assert!(!is_shared(ObservableKind::Mac, "00:1a:2b:3c:4d:5e"));
}

/// RFC 1123 section 2.1, RFC 2181 section 11.
#[test]
fn rfc_1123() {
    let label = "a".repeat(63);
    let (long, longer) = (format!("{label}.com"), format!("a{label}.com"));
    let longest = [label.as_str(); 4].join(".");
    check(
        ObservableKind::Domain,
        &[
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("3com.com", "3com.com"),
            ("1.example.com", "1.example.com"),
            ("_dmarc.example.com", "_dmarc.example.com"),
            ("_ldap._tcp.dc._msdcs.corp.example", "_ldap._tcp.dc._msdcs.corp.example"),
            ("a-b.example", "a-b.example"),
            ("*.example.com", "example.com"),
            (".example.com", "example.com"),
            ("example.com:443", "example.com"),
            ("dc01.corp.local", "dc01.corp.local"),
            ("evil[.]example[.]com", "evil.example.com"),
            ("evil(dot)example.com", "evil.example.com"),
            ("evil[ . ]example.com", "evil.example.com"),
            ("hxxpress.example", "hxxpress.example"),
            (&long, &long),
        ],
    );
    refuse(
        ObservableKind::Domain,
        &[
            "example",
            "localhost",
            "1.2.3.4",
            "10.0.19041.1",
            "example.123",
            "a..b",
            "..",
            "exa mple.com",
            "exam!ple.com",
            "-",
            "unknown",
            "example.com/path",
            "http://example.com",
            "bob@example.com",
            "5.2.1.10.in-addr.arpa",
            "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
            &longer,
            &longest,
        ],
    );
}

/// RFC 5891 by way of UTS 46, as browsers do it.
#[test]
fn rfc_5891() {
    check(
        ObservableKind::Domain,
        &[
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("faß.example", "xn--fa-hia.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("ｅｘａｍｐｌｅ.com", "example.com"),
            ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ],
    );
}

/// publicsuffix.org: names begin below a suffix.
#[test]
fn public_suffixes() {
    refuse(ObservableKind::Domain, &["com", "co.uk", "CO.UK.", "*.co.uk", "com.au", "gov.uk", "k12.ca.us", "xn--p1ai"]);
    check(
        ObservableKind::Domain,
        &[
            ("example.co.uk", "example.co.uk"),
            ("a.b.example.com.au", "a.b.example.com.au"),
            ("github.io", "github.io"),
            ("evil.github.io", "evil.github.io"),
            ("corp.internal", "corp.internal"),
        ],
    );
    for shared in ["github.io", "blogspot.com", "duckdns.org", "s3.amazonaws.com", "localhost.localdomain"] {
        assert!(is_shared(ObservableKind::Domain, shared), "{shared}");
    }
    for own in ["evil.github.io", "example.com", "example.co.uk", "corp.internal"] {
        assert!(!is_shared(ObservableKind::Domain, own), "{own}");
    }
}

/// The WHATWG URL standard, and RFC 3986 section 6.2 where it agrees.
#[test]
fn whatwg_urls() {
    check(
        ObservableKind::Url,
        &[
            ("HTTP://Example.com", "http://example.com/"),
            ("https://example.com:443/", "https://example.com/"),
            ("http://example.com:80/", "http://example.com/"),
            ("http://example.com:8080/", "http://example.com:8080/"),
            ("ftp://example.com:21/x", "ftp://example.com/x"),
            ("http://example.com/a/../b", "http://example.com/b"),
            ("http://example.com/a/./b", "http://example.com/a/b"),
            ("http://example.com/%2e%2e/b", "http://example.com/b"),
            ("http:\\\\example.com\\a", "http://example.com/a"),
            ("http://example.com/a b", "http://example.com/a%20b"),
            ("http://example.com/ä", "http://example.com/%C3%A4"),
            ("http://example.com/A?B=C#D", "http://example.com/A?B=C#D"),
            ("http://example.com?x", "http://example.com/?x"),
            ("http://bücher.example/", "http://xn--bcher-kva.example/"),
            ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://user@example.com/", "http://user@example.com/"),
            ("\thttp://exa\nmple.com/", "http://example.com/"),
            ("hxxps://evil[.]example/a?b=c", "https://evil.example/a?b=c"),
            ("hXXp://evil[.]example/", "http://evil.example/"),
            ("h**p://evil.example/", "http://evil.example/"),
            ("hxxp[://]evil.example/", "http://evil.example/"),
            ("hxxps[:]//evil[dot]example/x", "https://evil.example/x"),
            ("https://evil[.]example[/]x", "https://evil.example/x"),
            ("fxp://evil.example/", "ftp://evil.example/"),
        ],
    );
    refuse(
        ObservableKind::Url,
        &[
            "/index.html",
            "example.com/a",
            "//example.com/a",
            "javascript:alert(1)",
            "mailto:bob@example.com",
            "data:text/plain,x",
            "http://",
            "https:///",
            "http://exa mple.com/",
            "http://example.com:99999/",
            "-",
            "N/A",
        ],
    );
    for shared in
        ["http://localhost/x", "http://127.0.0.1:8080/", "https://u@[::1]:1/", "http://169.254.169.254/latest/"]
    {
        let url = observable(ObservableKind::Url, shared).expect("a value");
        assert!(is_shared(ObservableKind::Url, &url), "{shared}");
    }
    assert!(!is_shared(ObservableKind::Url, "http://localhost.example/"));
}

/// RFC 5321 and 5322.
#[test]
fn mail_addresses() {
    check(
        ObservableKind::Email,
        &[
            ("bob@example.com", "bob@example.com"),
            ("Bob@Example.COM", "bob@example.com"),
            ("bob.smith+news@example.com", "bob.smith+news@example.com"),
            ("\"Bob B.\" <bob@example.com>", "bob@example.com"),
            ("Bob B. <bob@example.com>", "bob@example.com"),
            ("<bob@example.com>", "bob@example.com"),
            ("\"bob\"@example.com", "bob@example.com"),
            ("mailto:bob@example.com", "bob@example.com"),
            ("MAILTO:bob@example.com", "bob@example.com"),
            ("SMTP:Bob@example.com", "bob@example.com"),
            ("bob[@]example[.]com", "bob@example.com"),
            ("bob[at]example[dot]com", "bob@example.com"),
            ("bob@bücher.example", "bob@xn--bcher-kva.example"),
            ("bob@example.com.", "bob@example.com"),
            ("o'brien@example.com", "o'brien@example.com"),
            ("jörg@example.com", "jörg@example.com"),
            ("desk@gov.uk", "desk@gov.uk"),
        ],
    );
    refuse(
        ObservableKind::Email,
        &[
            "bob",
            "@example.com",
            "bob@",
            "bob@localhost",
            "bob@[10.1.2.3]",
            "bob@10.1.2.3",
            "b ob@example.com",
            "\"b ob\"@example.com",
            "bob(comment)@example.com",
            "a@example.com; b@example.com",
            "a@example.com, b@example.com",
            "a@b@example.com",
            "/o=ExchangeLabs/cn=bob",
            "-",
        ],
    );
    check(
        ObservableKind::MessageId,
        &[("<a1@mx.example>", "a1@mx.example"), ("a1@mx.example", "a1@mx.example"), ("<>", ""), ("<unknown>", "")],
    );
}

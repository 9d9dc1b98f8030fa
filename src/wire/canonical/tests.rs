//! The table of canonical forms, and that every form is its own.

use proptest::prelude::*;

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

#[test]
fn addresses() {
    check(
        ObservableKind::Ip,
        &[
            ("10.1.2.3", "10.1.2.3"),
            (" 10.1.2.3 ", "10.1.2.3"),
            ("010.001.002.003", "10.1.2.3"),
            ("10.1.2.3:8080", "10.1.2.3"),
            ("10[.]1[.]2[.]3", "10.1.2.3"),
            ("10.1.2[.]3:53", "10.1.2.3"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("::FFFF:0a01:0203", "10.1.2.3"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("2001:db8::0001", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("127.0.0.1", "127.0.0.1"),
            ("0.0.0.0", ""),
            ("::", ""),
            ("-", ""),
            ("n/a", ""),
            ("LOCAL", ""),
            ("localhost", ""),
            ("256.1.1.1", ""),
            ("1.2.3", ""),
            ("1.2.3.4.5", ""),
            ("1.2.3.4:70000", ""),
            ("0x7f.0.0.1", ""),
            ("1.2.3.+4", ""),
            ("0001.2.3.4", ""),
        ],
    );
    check(
        ObservableKind::Cidr,
        &[
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3/32", "10.1.2.3/32"),
            ("2001:db8:ffff::/32", "2001:db8::/32"),
            ("10.1.2.3/33", ""),
            ("10.1.2.3", ""),
            ("10.0.0.0/x", ""),
        ],
    );
    check(
        ObservableKind::Mac,
        &[
            ("00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e"),
            ("001a.2b3c.4d5e", "00:1a:2b:3c:4d:5e"),
            ("001A2B3C4D5E", "00:1a:2b:3c:4d:5e"),
            ("00:00:00:00:00:00", ""),
            ("ff:ff:ff:ff:ff:ff", ""),
            ("00:1a:2b", ""),
            ("é0:1a:2b:3c:4d:5e", ""),
        ],
    );
}

#[test]
fn names_on_the_network() {
    check(
        ObservableKind::Domain,
        &[
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("evil[.]example[.]com", "evil.example.com"),
            ("evil(dot)example.com", "evil.example.com"),
            ("*.example.com", "example.com"),
            ("example.com:443", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("_dmarc.example.com", "_dmarc.example.com"),
            ("5.2.1.10.in-addr.arpa", ""),
            ("example", ""),
            ("1.2.3.4", ""),
            ("10.0.19041.1", ""),
            ("a..b", ""),
            ("exa mple.com", ""),
            ("-", ""),
            ("example.com/path", ""),
        ],
    );
    check(
        ObservableKind::Url,
        &[
            ("HTTP://Example.com", "http://example.com/"),
            ("hxxps://evil[.]example/a?b=c", "https://evil.example/a?b=c"),
            ("https://example.com:443/", "https://example.com/"),
            ("http://example.com/a/../b", "http://example.com/b"),
            ("http://bücher.example/", "http://xn--bcher-kva.example/"),
            ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"),
            ("/index.html", ""),
            ("example.com/a", ""),
            ("javascript:alert(1)", ""),
            ("http://", ""),
        ],
    );
    check(
        ObservableKind::Email,
        &[
            ("Bob@Example.COM", "bob@example.com"),
            ("\"Bob B.\" <bob@example.com>", "bob@example.com"),
            ("mailto:bob@example.com", "bob@example.com"),
            ("bob[@]example[.]com", "bob@example.com"),
            ("<bob@example.com>", "bob@example.com"),
            ("bob", ""),
            ("@example.com", ""),
            ("bob@localhost", ""),
            ("b ob@example.com", ""),
        ],
    );
    check(ObservableKind::MessageId, &[("<a1@mx.example>", "a1@mx.example"), ("<>", "")]);
}

#[test]
fn files_and_codes() {
    let upper = SHA256.to_uppercase();
    let prefixed = format!("sha256:{SHA256}");
    check(
        ObservableKind::Hash,
        &[
            (&upper, SHA256),
            (&prefixed, SHA256),
            (&format!("SHA1={SHA1}"), SHA1),
            (MD5, MD5),
            ("00000000000000000000000000000000", ""),
            ("098f6bcd4621d373cade4e832627b4f", ""),
            ("098f6bcd4621d373cade4e832627b4fg", ""),
            ("n/a", ""),
        ],
    );
    check(
        ObservableKind::FilePath,
        &[
            (r"C:\Users\Bob\A.EXE", r"c:\users\bob\a.exe"),
            (r#""C:\Users\Bob\A.EXE""#, r"c:\users\bob\a.exe"),
            (r"\\?\C:\Temp\x", r"c:\temp\x"),
            (r"\??\C:\Temp\x", r"c:\temp\x"),
            (r"\Device\HarddiskVolume3\Temp\x", r"c:\temp\x"),
            (r"\Device\HarddiskVolume", r"\device\harddiskvolume"),
            ("C:/Temp/x", r"c:\temp\x"),
            ("System", ""),
            ("a.exe", ""),
            ("/opt/App/Run", "/opt/App/Run"),
            (r"\\srv\share\x", r"\\srv\share\x"),
            ("-", ""),
            ("  ", ""),
        ],
    );
    check(
        ObservableKind::FileName,
        &[(r"C:\T\Mal.EXE", "mal.exe"), ("/tmp/x.SH", "x.sh"), ("a.doc", "a.doc"), ("/", "")],
    );
    check(
        ObservableKind::RegistryKey,
        &[
            (r"HKEY_LOCAL_MACHINE\Software\Run", r"hklm\software\run"),
            (r"\REGISTRY\MACHINE\SOFTWARE\Run", r"hklm\software\run"),
            (r"HKLM\Software\Run\", r"hklm\software\run"),
            (r"\REGISTRY\USER\S-1-5-18", r"hku\s-1-5-18"),
            (r"HKEY_LOCAL_MACHINES\x", r"hkey_local_machines\x"),
            ("-", ""),
        ],
    );
    check(
        ObservableKind::Cve,
        &[
            ("cve-2026-12345", "CVE-2026-12345"),
            ("CVE_2014_6271", "CVE-2014-6271"),
            ("CVE-26-1", ""),
            ("2026-12345", ""),
        ],
    );
    check(
        ObservableKind::Certificate,
        &[("A9:4A:8F:E5:CC:B1:9B:A6:1C:4C:08:73:D3:91:E9:87:98:2F:BB:D3", SHA1), ("x", "")],
    );
    check(ObservableKind::Ja3, &[(MD5, MD5), (SHA1, "")]);
    check(
        ObservableKind::Ja4,
        &[("T13D1516H2_8DAAF6152771_B186095E22B6", "t13d1516h2_8daaf6152771_b186095e22b6"), ("t13d_1_2", "")],
    );
    check(ObservableKind::UserAgent, &[(" curl/8 ", "curl/8"), ("a\u{1b}[31m", "a\u{FFFD}[31m"), ("null", "")]);
    check(ObservableKind::CommandLine, &[("cmd /c \u{202e}exe", "cmd /c \u{FFFD}exe")]);
    check(ObservableKind::AccessKey, &[("AKIAEXAMPLE", "AKIAEXAMPLE")]);
}

#[test]
fn machines() {
    check_entity(
        EntityKind::Host,
        &[
            ("WEB-1", "host web-1"),
            ("Web-1.Corp.Example", "host web-1 corp.example"),
            ("web-1.corp.example.", "host web-1 corp.example"),
            (r"CORP\WEB-1", "host web-1 corp"),
            (r"\\WEB-1", "host web-1"),
            ("WEB-1$", "host web-1"),
            ("10.1.2.3", "host 10.1.2.3"),
            ("[2001:DB8::1]", "host 2001:db8::1"),
            ("db_server", "host db_server"),
            ("0.0.0.0", ""),
            ("-", ""),
            ("n/a", ""),
            ("a b", ""),
            ("4.3.2.1.in-addr.arpa", ""),
            ("1.2.3", ""),
            ("..", ""),
        ],
    );
}

#[test]
fn accounts() {
    check_entity(
        EntityKind::User,
        &[
            ("Bob", "user bob"),
            (r"CORP\Bob", r"user corp\bob corp"),
            ("bob@corp.example", r"user corp\bob corp.example"),
            (r"corp.example\Bob", r"user corp\bob corp.example"),
            ("<bob>", "user bob"),
            (r"NT AUTHORITY\SYSTEM", "user system"),
            ("SYSTEM", "user system"),
            (r"Font Driver Host\UMFD-0", "user umfd-0"),
            (r".\admin", "user admin"),
            ("WEB-1$", "host web-1"),
            (r"CORP\WEB-1$", "host web-1 corp"),
            ("S-1-5-21-1-2-3-500", "sid s-1-5-21-1-2-3-500"),
            ("O'Brien", "user o'brien"),
            ("ÄNNE", "user änne"),
            ("-", ""),
            (r"CORP\-", ""),
            ("N/A", ""),
            ("", ""),
        ],
    );
    check_entity(
        EntityKind::Sid,
        &[("S-1-5-18", "sid s-1-5-18"), ("S-1-0-0", ""), ("S-1-", ""), ("S-1-5-x", ""), ("bob", "")],
    );
    check_entity(
        EntityKind::Logon,
        &[
            ("0x3E7", "logon 0x3e7"),
            ("999", "logon 0x3e7"),
            ("0x0003e7", "logon 0x3e7"),
            ("0x0", ""),
            ("zz", ""),
            ("-", ""),
        ],
    );
    check_entity(
        EntityKind::Process,
        &[
            ("{A158F72C-4A93-5DE8-0000-0010C9860000}", "process a158f72c-4a93-5de8-0000-0010c9860000"),
            ("a158f72c-4a93-5de8-0000-0010c9860000", "process a158f72c-4a93-5de8-0000-0010c9860000"),
            ("-", ""),
        ],
    );
    check_entity(
        EntityKind::Mailbox,
        &[("Bob@Example.com", "mailbox bob@example.com"), ("Team Box", "mailbox team box")],
    );
    check_entity(
        EntityKind::CloudResource,
        &[
            ("arn:aws:s3:::Bucket", "cloud_resource arn:aws:s3:::Bucket"),
            ("/Subscriptions/AB/x", "cloud_resource /subscriptions/ab/x"),
        ],
    );
}

#[test]
fn the_domain_beside_an_account_completes_it() {
    let full = entity(EntityKind::User, "bob", Some("CORP.Example")).unwrap();
    assert_eq!((full.id.as_str(), full.domain.as_deref()), (r"corp\bob", Some("corp.example")));
    let again = entity(EntityKind::User, &full.id, full.domain.as_deref()).unwrap();
    assert_eq!(again, full);
    let other = entity(EntityKind::User, r"LAB\bob", Some("corp")).unwrap();
    assert_eq!(other.id, r"lab\bob");
    assert_eq!(entity(EntityKind::User, "system", Some("NT AUTHORITY")).unwrap().id, "system");
}

#[test]
fn att_and_ck() {
    for (raw, wanted) in [("t1003", "T1003"), ("T1003.001", "T1003.001"), ("attack.t1059", "T1059")] {
        assert_eq!(code::technique(raw).as_deref(), Some(wanted));
    }
    for raw in ["T100", "T1003.1", "1003", "TA0001"] {
        assert_eq!(code::technique(raw), None, "{raw}");
    }
    for raw in ["TA0006", "ta0006", "Credential Access", "credential-access", "attack.credential_access"] {
        assert_eq!(code::tactic(raw), Some("TA0006"), "{raw}");
    }
    assert_eq!(code::tactic("mischief"), None);
}

#[test]
fn shared_values_are_known() {
    for ip in ["127.0.0.1", "169.254.1.1", "224.0.0.1", "10.0.0.255", "255.255.255.255", "::1", "fe80::1", "ff02::1"] {
        assert!(is_shared(ObservableKind::Ip, ip), "{ip}");
    }
    assert!(!is_shared(ObservableKind::Ip, "10.0.0.1"));
    assert!(is_shared(ObservableKind::Hash, "d41d8cd98f00b204e9800998ecf8427e"));
    assert!(is_shared(ObservableKind::FilePath, r"c:\windows\system32\cmd.exe"));
    assert!(!is_shared(ObservableKind::FilePath, r"c:\windows.old\x"));
}

#[test]
fn text_is_cut_between_characters() {
    assert_eq!(text::prefix("äöü", 3), "ä");
    assert_eq!(text::neutral("a\u{9b}b\u{0}\u{2066}"), "a\u{FFFD}b\u{FFFD}\u{FFFD}");
    assert_eq!(text::neutral_lines("a\r\nb\tc\u{7}"), "a\nb\tc\u{FFFD}");
}

/// Text that looks like values, which plain noise rarely does.
fn foreign() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        ".{0,20}",
        "[a-zA-Z0-9.:\\[\\]/%@_$<>{}\"\\\\ -]{0,40}",
        "[0-9a-f.:]{1,24}(%eth0|/[0-9]{1,3}|:[0-9]{1,5})?",
        "(hxxps?|https?|ftp)(://|\\[:\\]//)[a-zA-Zäß0-9.\\[\\]@:-]{1,24}(/[ -~]{0,12})?",
        "[\\\\?.\"]{0,5}[cC]:[\\\\/][ -~]{0,20}",
        "(\\\\Device\\\\HarddiskVolume[0-9]?)?\\\\[ -~]{0,12}",
        "(CORP|corp\\.example|NT AUTHORITY|\\.)?[\\\\@]?[a-zA-Z$.]{0,10}(@corp\\.example)?",
        "[0-9A-Fa-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_observable_s_form_is_its_own(raw in foreign()) {
        for kind in ObservableKind::ALL {
            if let Some(once) = observable(kind, &raw) {
                prop_assert!(!once.is_empty());
                prop_assert_eq!(text::neutral(&once), once.as_str());
                prop_assert_eq!(observable(kind, &once), Some(once.clone()), "{} {:?}", kind.label(), raw);
            }
        }
    }

    #[test]
    fn every_entity_s_form_is_its_own(raw in foreign(), scope in proptest::option::of(foreign())) {
        for kind in EntityKind::ALL {
            if let Some(once) = entity(kind, &raw, scope.as_deref()) {
                prop_assert!(!once.id.is_empty());
                prop_assert_eq!(text::neutral(&once.id), once.id.as_str());
                let twice = entity(once.kind, &once.id, once.domain.as_deref());
                prop_assert_eq!(twice, Some(once.clone()), "{} {:?} {:?}", kind.label(), raw, scope);
            }
        }
    }
}

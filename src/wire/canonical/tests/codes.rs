//! Hashes, certificates, fingerprints, and the ids of weaknesses and techniques.

use super::*;

const SHA224: &str = "90a3ed9e32b2aaf4c61c410eb925426119e1a9dc53d4286ade99a809";
const SHA384: &str = "768412320f7b0aa5812fce428dc4706b3cae50e02a64caa16a782249bfe8efc4b7ef1ccb126255d196047dfedf17a0a9";
const SHA512: &str = concat!(
    "ee26b0dd4af7e749aa1a8ee3c10ae9923f618980772e473f8819a5d4940e0db2",
    "7ac185f8a0e1d5f84f88bc887fd67b143732c304cc5fa9ad8e6f57f50028a8ff"
);

/// FIPS 180-4: the lengths; RFC 1321: MD5.
#[test]
fn fips_180_4() {
    let kind = ObservableKind::Hash;
    for digest in [MD5, SHA1, SHA224, SHA256, SHA384, SHA512] {
        check(kind, &[(digest, digest), (&digest.to_uppercase(), digest), (&format!(" 0x{digest} "), digest)]);
    }
    for (prefix, digest) in [
        ("MD5=", MD5),
        ("md5:", MD5),
        ("IMPHASH=", MD5),
        ("SHA1=", SHA1),
        ("sha-1:", SHA1),
        ("sha256:", SHA256),
        ("SHA256=", SHA256),
        ("SHA-256: ", SHA256),
        ("hash:", SHA256),
        ("sha384:", SHA384),
        ("sha512:", SHA512),
    ] {
        check(kind, &[(&format!("{prefix}{digest}"), digest)]);
    }
    for (prefix, digest) in [("md5:", SHA256), ("sha256:", MD5), ("SHA1=", SHA256), ("c:\\x:", MD5), ("ssdeep:", MD5)] {
        refuse(kind, &[&format!("{prefix}{digest}")]);
    }
    refuse(
        kind,
        &[
            "00000000000000000000000000000000",
            "098f6bcd4621d373cade4e832627b4f",
            "098f6bcd4621d373cade4e832627b4fg",
            "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C",
            "T1A0B1C2D3E4F5061728394A5B6C7D8E9FA0B1C2D3E4F5061728394A5B6C7D8E9FA0B1C2",
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "t13d1516h2_8daaf6152771_b186095e22b6",
            "sha256:",
            "n/a",
            "",
        ],
    );
    for empty in [
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ] {
        assert!(is_shared(kind, empty), "{empty}");
    }
    assert!(!is_shared(kind, MD5));
}

#[test]
fn certificates() {
    let colons = |digest: &str| {
        let pairs: Vec<&str> = (0..digest.len()).step_by(2).map(|at| &digest[at..at + 2]).collect();
        pairs.join(":").to_uppercase()
    };
    check(
        ObservableKind::Certificate,
        &[
            (SHA1, SHA1),
            (&SHA1.to_uppercase(), SHA1),
            (&colons(SHA1), SHA1),
            (&colons(SHA256), SHA256),
            (&colons(SHA1).replace(':', " "), SHA1),
            (&colons(SHA1).replace(':', "-"), SHA1),
            (&format!("SHA1 Fingerprint={}", colons(SHA1)), SHA1),
            (&format!("sha256 Fingerprint={}", colons(SHA256)), SHA256),
            (&format!("SHA256:{SHA256}"), SHA256),
        ],
    );
    refuse(ObservableKind::Certificate, &["x", MD5, SHA224, SHA512, "-", "0000000000000000000000000000000000000000"]);
}

/// The JA3 and JA4+ descriptions of their authors.
#[test]
fn fingerprints_of_handshakes() {
    check(ObservableKind::Ja3, &[(MD5, MD5), (&MD5.to_uppercase(), MD5)]);
    refuse(ObservableKind::Ja3, &[SHA1, "771,4865-4866,0-23,29-23,0", "-"]);
    check(
        ObservableKind::Ja4,
        &[
            ("T13D1516H2_8DAAF6152771_B186095E22B6", "t13d1516h2_8daaf6152771_b186095e22b6"),
            ("q13d0312h3_55b375c5d22e_06cda9e17597", "q13d0312h3_55b375c5d22e_06cda9e17597"),
            ("t120400_c030_4e8089608790", "t120400_c030_4e8089608790"),
            (
                "ge11cn20enus_60ca1bd65281_ac95b44401d9_8df6a44f726c",
                "ge11cn20enus_60ca1bd65281_ac95b44401d9_8df6a44f726c",
            ),
            ("a373a9f83c6b_2bab15409345_7bf9a7bf7029", "a373a9f83c6b_2bab15409345_7bf9a7bf7029"),
        ],
    );
    refuse(
        ObservableKind::Ja4,
        &[
            "t13d_1_2",
            "t13d1516h2_8daaf6152771",
            "t13d1516h2_8daaf615277g_b186095e22b6",
            "64240_2-1-3-1-1-4_1460_8",
            MD5,
        ],
    );
}

/// The CVE id syntax since 2014: four digits or more, padded to four.
#[test]
fn cve_ids() {
    check(
        ObservableKind::Cve,
        &[
            ("CVE-2021-44228", "CVE-2021-44228"),
            ("cve-2026-12345", "CVE-2026-12345"),
            ("CVE_2014_6271", "CVE-2014-6271"),
            ("CVE 2014 6271", "CVE-2014-6271"),
            ("CVE\u{2013}2021\u{2013}44228", "CVE-2021-44228"),
            ("CVE-1999-0067", "CVE-1999-0067"),
            ("CVE-2014-1234567", "CVE-2014-1234567"),
        ],
    );
    refuse(
        ObservableKind::Cve,
        &[
            "CVE-26-1",
            "CVE-2014-001",
            "CVE-2014-00123",
            "CVE-1998-0001",
            "CVE-20145-0001",
            "2026-12345",
            "CVE-2014-12a4",
            "GHSA-1",
        ],
    );
}

#[test]
fn att_and_ck() {
    for (raw, wanted) in [
        ("T1003", "T1003"),
        ("t1003", "T1003"),
        ("T1003.001", "T1003.001"),
        ("T1003/001", "T1003.001"),
        ("attack.t1059", "T1059"),
        ("attack.t1059.001", "T1059.001"),
        ("https://attack.mitre.org/techniques/T1059/001/", "T1059.001"),
        ("https://attack.mitre.org/techniques/T1059", "T1059"),
    ] {
        assert_eq!(code::technique(raw).as_deref(), Some(wanted));
    }
    for raw in ["T100", "T10033", "T1003.1", "T1003.0011", "1003", "TA0001", "", "T١٢٣٤"] {
        assert_eq!(code::technique(raw), None, "{raw}");
    }
    for raw in
        ["TA0006", "ta0006", "Credential Access", "credential-access", "CredentialAccess", "attack.credential_access"]
    {
        assert_eq!(code::tactic(raw), Some("TA0006"), "{raw}");
    }
    for raw in ["mischief", "", "TA9999", "T1003"] {
        assert_eq!(code::tactic(raw), None, "{raw}");
    }
}

#[test]
fn kept_as_they_are() {
    check(ObservableKind::UserAgent, &[(" curl/8 ", "curl/8"), ("a\u{1b}[31m", "a\u{FFFD}[31m"), ("null", "")]);
    check(
        ObservableKind::CommandLine,
        &[("cmd /c \u{202e}exe", "cmd /c \u{FFFD}exe"), ("Cmd.exe /C x", "Cmd.exe /C x")],
    );
    check(ObservableKind::AccessKey, &[("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"), ("-", "")]);
    check(ObservableKind::Other, &[("Anything", "Anything"), ("", "")]);
}

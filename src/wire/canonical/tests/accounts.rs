//! Machines, accounts, and what Windows numbers.

use super::*;

#[test]
fn machines() {
    check_entity(
        EntityKind::Host,
        &[
            ("WEB-1", "host web-1"),
            ("web-1", "host web-1"),
            ("Web-1.Corp.Example", "host web-1 corp.example"),
            ("web-1.corp.example.", "host web-1 corp.example"),
            ("web-1.corp.example:8443", "host web-1 corp.example"),
            (r"CORP\WEB-1", "host web-1 corp"),
            (r"CORP\WEB-1$", "host web-1 corp"),
            (r"\\WEB-1", "host web-1"),
            (r"\\WEB-1\C$\Temp", "host web-1"),
            (r"\\web-1.corp.example\share", "host web-1 corp.example"),
            ("WEB-1$", "host web-1"),
            ("db_server", "host db_server"),
            ("web-1[.]corp[.]example", "host web-1 corp.example"),
            ("bücher.example", "host xn--bcher-kva example"),
            ("10.1.2.3", "host 10.1.2.3"),
            ("010.1.2.3", "host 10.1.2.3"),
            ("10.1.2.3:5985", "host 10.1.2.3"),
            (r"\\10.1.2.3", "host 10.1.2.3"),
            ("[2001:DB8::1]", "host 2001:db8::1"),
            ("ip-10-0-0-1.ec2.internal", "host ip-10-0-0-1 ec2.internal"),
            ("12345", "host 12345"),
            ("localhost", "host localhost"),
            ("LOCALHOST.localdomain", "host localhost localdomain"),
        ],
    );
    refuse_entity(
        EntityKind::Host,
        &[
            "0.0.0.0",
            "-",
            "n/a",
            "a b",
            "Bob's MacBook",
            "4.3.2.1.in-addr.arpa",
            "1.2.3",
            "..",
            r"\\",
            r"\\?\C:\x",
            "unknown",
            "unknown.corp.example",
            "000000",
            "http://web-1/",
        ],
    );
    let host = entity(EntityKind::Host, "WEB-1", Some("Corp.Example")).expect("a value");
    assert_eq!((&*host.id, host.domain.as_deref()), ("web-1", Some("corp.example")));
    assert_eq!(entity(EntityKind::Host, "web-1", Some("-")).expect("a value").domain, None);
    assert_eq!(
        entity(EntityKind::Host, "web-1.lab.example", Some("corp")).expect("a value").domain.as_deref(),
        Some("lab.example")
    );
}

#[test]
fn accounts() {
    check_entity(
        EntityKind::User,
        &[
            ("bob", "user bob"),
            ("Bob", "user bob"),
            ("bob.smith", "user bob.smith"),
            (r"CORP\Bob", r"user corp\bob corp"),
            (r"corp.example\Bob", r"user corp\bob corp.example"),
            ("bob@corp.example", r"user corp\bob corp.example"),
            ("BOB@CORP.EXAMPLE", r"user corp\bob corp.example"),
            ("bob@CORP", r"user corp\bob corp"),
            ("Bob B. <bob@corp.example>", r"user corp\bob corp.example"),
            ("smtp:bob@corp.example", r"user corp\bob corp.example"),
            ("<bob>", "user bob"),
            ("'bob'", "user bob"),
            (r".\admin", "user admin"),
            (r"WORKGROUP\bob", "user bob"),
            (r"CORP\Bob@realm", r"user corp\bob corp"),
            (r"CORP\Bob@192.0.2.7", r"user corp\bob corp"),
            (r"AzureAD\bob@corp.example", r"user corp\bob corp.example"),
            ("Bob Smith (bob.smith)", "user bob.smith"),
            ("Bob Smith (BSmith)", "user bsmith"),
            ("bob@corp.example (bob@corp.example)", r"user corp\bob corp.example"),
            ("Bob Smith (Contractor)", "user bob smith (contractor)"),
            ("O'Brien", "user o'brien"),
            ("ÄNNE", "user änne"),
            ("Bob Smith", "user bob smith"),
            ("root(uid=0)", "user root"),
            ("bob-ext", "user bob-ext"),
            ("EXT_bob", "user ext_bob"),
            ("bob_home.example#EXT#@tenant.onmicrosoft.com", r"user home\bob home.example"),
            ("BOB_SMITH_home.example#ext#@tenant.onmicrosoft.com", r"user home\bob_smith home.example"),
            ("live.com#bob@home.example", r"user home\bob home.example"),
            ("a158f72c-4a93-5de8-0000-0010c9860000", "user a158f72c-4a93-5de8-0000-0010c9860000"),
            ("{A158F72C-4A93-5DE8-0000-0010C9860000}", "user a158f72c-4a93-5de8-0000-0010c9860000"),
            ("WEB-1$", "host web-1"),
            (r"CORP\WEB-1$", "host web-1 corp"),
            ("web-1$@corp.example", "host web-1 corp.example"),
            ("S-1-5-21-1-2-3-500", "sid s-1-5-21-1-2-3-500"),
            (r"CORP\-", ""),
            ("arn:aws:iam::123456789012:user/Bob", "cloud_resource arn:aws:iam::123456789012:user/Bob"),
            (" \"ARN:aws:iam::123456789012:user/Bob\"", "cloud_resource arn:aws:iam::123456789012:user/Bob"),
        ],
    );
    refuse_entity(
        EntityKind::User,
        &[
            "-",
            "N/A",
            "",
            "(null)",
            "<unknown>",
            "S-1-0-0",
            r"CORP\N/A",
            "00000000-0000-0000-0000-000000000000",
            "AIDACKCEVSQ6C2EXAMPLE",
            "AROADBQP57FF2AEXAMPLE:session",
            "AKIAIOSFODNN7EXAMPLE",
            "arn:aws",
        ],
    );
}

#[test]
fn the_accounts_of_windows_itself() {
    check_entity(
        EntityKind::User,
        &[
            ("SYSTEM", "user system"),
            (r"NT AUTHORITY\SYSTEM", "user system"),
            (r"NT-AUTORITÄT\SYSTEM", "user system"),
            (r"AUTORITE NT\Système", "user system"),
            ("LocalSystem", "user system"),
            (r"NT AUTHORITY\LOCAL SERVICE", "user local service"),
            (r"NT AUTHORITY\LocalService", "user local service"),
            (r"NT-AUTORITÄT\Lokaler Dienst", "user local service"),
            (r"NT AUTHORITY\NetworkService", "user network service"),
            (r"NT-AUTORITÄT\Netzwerkdienst", "user network service"),
            (r"NT AUTHORITY\ANONYMOUS LOGON", "user anonymous logon"),
            (r"Font Driver Host\UMFD-0", "user umfd-0"),
            (r"Window Manager\DWM-1", "user dwm-1"),
            (r"IIS APPPOOL\DefaultAppPool", "user defaultapppool"),
            (r"BUILTIN\Administrators", "user administrators"),
            ("sistema", "user sistema"),
        ],
    );
    for shared in [
        "system",
        r"web-1\system",
        "local service",
        "network service",
        "anonymous logon",
        "dwm-1",
        "umfd-0",
        "everyone",
    ] {
        assert!(is_shared_identity(EntityKind::User, shared), "{shared}");
    }
    for own in ["root", "administrator", r"corp\bob", "dwm-x", "dwm-", "systemd", "service"] {
        assert!(!is_shared_identity(EntityKind::User, own), "{own}");
    }
}

#[test]
fn the_domain_beside_an_account_completes_it() {
    let full = entity(EntityKind::User, "bob", Some("CORP.Example")).expect("a value");
    assert_eq!((full.id.as_ref(), full.domain.as_deref()), (r"corp\bob", Some("corp.example")));
    let again = entity(EntityKind::User, &full.id, full.domain.as_deref()).expect("a value");
    assert_eq!(again, full);
    let other = entity(EntityKind::User, r"LAB\bob", Some("corp")).expect("a value");
    assert_eq!(other.id, r"lab\bob");
    assert_eq!(entity(EntityKind::User, "system", Some("NT AUTHORITY")).expect("a value").id, "system");
    let guid = "a158f72c-4a93-5de8-0000-0010c9860000";
    assert_eq!(entity(EntityKind::User, guid, Some("corp")).expect("a value").id, guid);
}

/// MS-DTYP 2.4.2.1 and 2.4.2.4.
#[test]
fn ms_dtyp_sids() {
    check_entity(
        EntityKind::Sid,
        &[
            ("S-1-5-18", "sid s-1-5-18"),
            ("s-1-5-18", "sid s-1-5-18"),
            ("S-1-1-0", "sid s-1-1-0"),
            ("*S-1-5-18", "sid s-1-5-18"),
            ("%{S-1-5-18}", "sid s-1-5-18"),
            ("S-1-5-21-3623811015-3361044348-30300820-1013", "sid s-1-5-21-3623811015-3361044348-30300820-1013"),
            ("S-1-12-1-1234567890-1-2-3", "sid s-1-12-1-1234567890-1-2-3"),
            ("S-1-0x0123456789AB-1", "sid s-1-0x0123456789ab-1"),
        ],
    );
    refuse_entity(
        EntityKind::Sid,
        &[
            "S-1-0-0",
            "S-1-",
            "S-1-5",
            "S-1-5-",
            "S-1-5-x",
            "S-2-5-18",
            "S-1-5-12345678901",
            "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
            "bob",
            "-",
        ],
    );
    let shared = [
        "s-1-1-0",
        "s-1-5-7",
        "s-1-5-11",
        "s-1-5-18",
        "s-1-5-19",
        "s-1-5-20",
        "s-1-5-32-544",
        "s-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
        "s-1-5-83-0",
        "s-1-5-90-0-1",
        "s-1-5-96-0-1",
        "s-1-15-2-1",
        "s-1-16-12288",
    ];
    for sid in shared {
        assert!(is_shared_identity(EntityKind::Sid, sid), "{sid}");
    }
    for sid in ["s-1-5-21-1-2-3-500", "s-1-12-1-1-2-3-4", "s-1-5-5-0-123456"] {
        assert!(!is_shared_identity(EntityKind::Sid, sid), "{sid}");
    }
}

/// MS-DTYP 2.3.4 (GUID) and LUIDs as the security log writes them.
#[test]
fn sessions_and_processes() {
    check_entity(
        EntityKind::Logon,
        &[
            ("0x3E7", "logon 0x3e7"),
            ("0X3e7", "logon 0x3e7"),
            ("999", "logon 0x3e7"),
            ("0x0003e7", "logon 0x3e7"),
            ("0x0-0x3e7", "logon 0x3e7"),
            ("(0x0,0x3E7)", "logon 0x3e7"),
            ("(0x0, 0x3E7)", "logon 0x3e7"),
            ("0x1-0x2", "logon 0x100000002"),
            ("{A158F72C-4A93-5DE8-0000-0010C9860000}", "logon a158f72c-4a93-5de8-0000-0010c9860000"),
        ],
    );
    refuse_entity(
        EntityKind::Logon,
        &["0x0", "0", "0x0-0x0", "+5", "-5", "0x+5", "zz", "-", "0x", "99999999999999999999"],
    );
    for shared in ["0x3e7", "0x3e6", "0x3e5", "0x3e4"] {
        assert!(is_shared_identity(EntityKind::Logon, shared), "{shared}");
    }
    assert!(!is_shared_identity(EntityKind::Logon, "0x3e8"));
    check_entity(
        EntityKind::Process,
        &[
            ("{A158F72C-4A93-5DE8-0000-0010C9860000}", "process a158f72c-4a93-5de8-0000-0010c9860000"),
            ("a158f72c-4a93-5de8-0000-0010c9860000", "process a158f72c-4a93-5de8-0000-0010c9860000"),
            ("500", "process 500"),
            ("0x1F4", "process 500"),
            ("0500", "process 500"),
            ("Explorer.EXE", "process explorer.exe"),
        ],
    );
    refuse_entity(EntityKind::Process, &["-", "0", "0x0", "00000000-0000-0000-0000-000000000000"]);
    check_entity(
        EntityKind::Mailbox,
        &[
            ("Bob@Example.com", "mailbox bob@example.com"),
            ("Bob <bob@example.com>", "mailbox bob@example.com"),
            ("Team Box", "mailbox team box"),
            ("N/A", ""),
        ],
    );
    check_entity(EntityKind::Service, &[("MSSQLSERVER", "service mssqlserver"), ("-", "")]);
    check_entity(EntityKind::Other, &[(" Door 7 ", "other Door 7"), ("none", "")]);
    check_entity(EntityKind::CloudSession, &[("ASIAEXAMPLE", "cloud_session ASIAEXAMPLE")]);
}

#[test]
fn local_names_are_shared() {
    for host in ["localhost", "localhost6", "ip6-localhost", "127.0.0.1", "::1"] {
        assert!(is_shared_identity(EntityKind::Host, host), "{host}");
    }
    for host in ["web-1", "localhost-7", "10.1.2.3"] {
        assert!(!is_shared_identity(EntityKind::Host, host), "{host}");
    }
}

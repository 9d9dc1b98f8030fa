//! That every form is its own, that different spellings of one thing meet, that what skips the work would come out of it
//! unchanged, and that no bytes panic.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

/// Text that looks like values, which plain noise rarely does.
fn foreign() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        ".{0,20}",
        "[a-zA-Z0-9.:\\[\\]/%@_$<>{}\"\\\\ -]{0,40}",
        "[0-9a-f.:]{1,24}(%eth0|/[0-9]{1,3}|:[0-9]{1,5})?",
        "(::ffff:|64:ff9b::)?[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}(/[0-9.]{1,15})?",
        "(hxxps?|https?|h\\*\\*p|ftp|fxp)(://|\\[:\\]//|\\[://\\])[a-zA-Zäß0-9.\\[\\]@:-]{1,24}(/[ -~]{0,12})?",
        "https?://[a-z0-9.-]{1,12}/[a-zA-Z0-9./%_~-]{0,12}(\\?[a-z=&%/+,.]{0,8})?",
        names_and_places(),
        codes(),
    ]
}

fn names_and_places() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\\\?.\"]{0,5}[cC]:[\\\\/][ -~]{0,20}",
        "(file://|//)?/?[a-zA-Z:./\\\\ ]{0,16}( \\(deleted\\)){0,2}",
        "(\\\\Device\\\\(HarddiskVolume[0-9]?|Mup)|%SystemRoot%|\\\\\\\\\\?\\\\UNC|\\\\\\?\\?)?\\\\[ -~]{0,12}",
        "hk(lm|cu|u)\\\\[a-z \\\\]{0,10}",
        "(Computer\\\\|Registry::|\\\\)?(HKEY_LOCAL_MACHINE|HKLM:?|REGISTRY\\\\MACHINE)\\\\[a-zA-Z\\\\ ]{0,8}(ControlSet00[0-9])?",
        "(CORP|corp\\.example|NT AUTHORITY|\\.|-)?[\\\\@]?[a-zA-Z$.]{0,10}(@corp\\.example)?",
        "[a-z\"' ]{0,4}<?[a-z.+_#]{1,8}(#EXT#)?@[a-z.]{1,12}>?",
        "\\\\{0,3}[a-zA-Z0-9.-]{0,12}(\\$|:[0-9]{1,5})?(\\\\share)?",
        "(live\\.com#|smtp:|arn:aws:|root\\(uid=)[a-z0-9@.:)]{0,16}",
        "(docker://|containerd://|docker-)?[0-9a-f]{11,13}(\\.scope)?",
        "(https://)?(www|compute)\\.googleapis\\.com/(compute/)?(v1/)?projects/[a-zA-Z/]{0,10}",
        "(https://management.azure.com)?/?(subscriptions|SUBSCRIPTIONS)/[a-zA-Z0-9/]{0,10}",
    ]
}

fn codes() -> impl Strategy<Value = String> {
    prop_oneof![
        "(MD5=|sha256:|0x)?([0-9A-Fa-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})",
        "([0-9A-F]{2}[:.-]){5}[0-9A-F]{2}|[0-9a-f]{4}\\.[0-9a-f]{4}\\.[0-9a-f]{4}",
        "[Cc][Vv][Ee][-_ ](19|20)[0-9]{2}[-_ ][0-9]{3,8}",
        "[*%{]{0,2}[Ss]-1-[0-9]{1,2}(-[0-9]{1,11}){0,3}[}]?",
        "\\(?0?[xX]?[0-9a-fA-F]{1,8}([,-] ?0x[0-9a-f]{1,8})?\\)?",
        "\\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\\}?",
        "[tq]13[di][0-9]{4}h2_[0-9a-fA-F]{12}_[0-9a-f]{12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn every_observable_s_form_is_its_own(raw in foreign()) {
        for kind in ObservableKind::ALL {
            if let Some(once) = observable(kind, &raw) {
                prop_assert!(!once.is_empty());
                prop_assert_eq!(text::neutral(&once), once.as_ref());
                let twice = observable(kind, &once);
                prop_assert_eq!(twice.as_deref(), Some(once.as_ref()), "{} {:?}", kind.label(), raw);
                let _ = is_shared(kind, &once);
            }
        }
    }

    #[test]
    fn every_entity_s_form_is_its_own(raw in foreign(), scope in proptest::option::of(foreign())) {
        for kind in EntityKind::ALL {
            if let Some(once) = entity(kind, &raw, scope.as_deref()) {
                prop_assert!(!once.id.is_empty());
                prop_assert_eq!(text::neutral(&once.id), once.id.as_ref());
                let twice = entity(once.kind, &once.id, once.domain.as_deref());
                prop_assert_eq!(twice.as_ref(), Some(&once), "{} {:?} {:?}", kind.label(), raw, scope);
                let _ = is_shared_identity(once.kind, &once.id);
            }
        }
    }

    #[test]
    fn what_skips_the_work_would_come_out_of_it_unchanged(raw in foreign()) {
        if address::is_dotted_quad(&raw) {
            prop_assert_eq!(address::ip(&raw).map(|ip| ip.to_string()), Some(raw.clone()));
        }
        if net::is_plain_url(&raw) {
            prop_assert_eq!(net::url(&raw), Some(raw.clone()));
        }
        if net::is_plain_email(&raw) {
            prop_assert_eq!(net::parsed_email(&raw), Some(raw.clone()));
        }
        if file::is_settled_key(&raw) {
            prop_assert_eq!(file::resolved_key(&raw), Some(raw.clone()));
        }
        if file::is_settled(&raw) {
            prop_assert_eq!(file::resolved_path(&raw), Some(raw.clone()));
        }
    }

    #[test]
    fn no_text_makes_a_code_panic(raw in foreign()) {
        let _ = (code::technique(&raw), code::tactic(&raw), text::refanged(&raw), net::url_host(&raw));
    }
}

/// All of one kind, all the same value.
fn meet(kind: ObservableKind, wanted: &str, spellings: &[String]) -> Result<(), TestCaseError> {
    for raw in spellings {
        let value = observable(kind, raw);
        prop_assert_eq!(value.as_deref(), Some(wanted), "{} {:?}", kind.label(), raw);
    }
    Ok(())
}

fn meet_as(kind: EntityKind, wanted: &str, spellings: &[String]) -> Result<(), TestCaseError> {
    for raw in spellings {
        let id = entity(kind, raw, None).map(|identity| identity.id.into_owned());
        prop_assert_eq!(id.as_deref(), Some(wanted), "{} {:?}", kind.label(), raw);
    }
    Ok(())
}

fn pairs(digits: &str, separator: &str) -> String {
    let pairs: Vec<&str> = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]).collect();
    pairs.join(separator)
}

proptest! {
    #[test]
    fn addresses_meet(bits in 1..u32::MAX, port in 1..u16::MAX, wide in 1_u128 << 120..) {
        let v4 = Ipv4Addr::from_bits(bits);
        let [a, b, c, d] = v4.octets();
        let plain = v4.to_string();
        meet(ObservableKind::Ip, &plain, &[
            plain.clone(),
            format!(" {a:03}.{b:03}.{c:03}.{d:03}"),
            format!("{v4}:{port}"),
            format!("{v4}/32"),
            plain.replace('.', "[.]"),
            format!("::ffff:{v4}"),
            format!("::FFFF:{:X}:{:X}", bits >> 16, bits & 0xffff),
            format!("[::ffff:{v4}]:{port}"),
            format!("64:ff9b::{v4}"),
        ])?;
        let v6 = Ipv6Addr::from_bits(wide);
        let groups: Vec<String> = v6.segments().iter().map(|group| format!("{group:04X}")).collect();
        meet(ObservableKind::Ip, &v6.to_string(), &[
            groups.join(":"),
            format!("[{v6}]"),
            format!("[{v6}]:{port}"),
            format!("{v6}%eth0"),
            format!("{v6}/128"),
        ])?;
        meet_as(EntityKind::Host, &plain, &[plain.clone(), format!("{v4}:{port}"), format!("\\\\{v4}"), format!("::ffff:{v4}")])?;
    }

    #[test]
    fn names_meet(host in "[a-z][a-z0-9-]{0,8}[a-z]", name in "[a-z][a-z0-9]{1,8}", accent in "[a-z]{1,4}ü[a-z]{1,4}") {
        let domain = format!("{name}.example.com");
        let fqdn = format!("{host}.{domain}");
        meet(ObservableKind::Domain, &fqdn, &[
            fqdn.to_uppercase(),
            format!("{fqdn}."),
            format!("*.{fqdn}"),
            format!("{fqdn}:8443"),
            fqdn.replace('.', "[.]"),
            fqdn.replace('.', "(dot)"),
        ])?;
        let ascii = observable(ObservableKind::Domain, &format!("{accent}.example")).expect("a value").into_owned();
        meet(ObservableKind::Domain, &ascii, &[
            format!("{}.EXAMPLE", accent.to_uppercase()),
            format!("{}.example", accent.replace('ü', "u\u{308}")),
            ascii.to_uppercase(),
        ])?;
        meet_as(EntityKind::Host, &host, &[
            host.to_uppercase(),
            fqdn.to_uppercase(),
            format!("{fqdn}."),
            format!("{host}$"),
            format!("CORP\\{host}$"),
            format!("\\\\{host}\\c$"),
            format!("{fqdn}:443"),
        ])?;
        meet(ObservableKind::Url, &format!("http://{fqdn}/"), &[
            format!("HTTP://{}", fqdn.to_uppercase()),
            format!("http://{fqdn}:80/"),
            format!("hxxp[:]//{}/", fqdn.replace('.', "[.]")),
        ])?;
        meet(ObservableKind::Email, &format!("{name}@{domain}"), &[
            format!("{}@{}", name.to_uppercase(), domain.to_uppercase()),
            format!("\"{name}, {host}\" <{name}@{domain}>"),
            format!("mailto:{name}@{domain}"),
            format!("{name}[@]{}", domain.replace('.', "[.]")),
        ])?;
    }

    #[test]
    fn accounts_meet(name in "[a-z][a-z0-9.]{0,8}[a-z]", label in "[b-m][a-z]{2,8}", sub in 1..u32::MAX) {
        prop_assume!(!["builtin", "nil", "localsystem", "localservice"].contains(&label.as_str()));
        let id = format!("{label}\\{name}");
        let domain = format!("{label}.example.com");
        meet_as(EntityKind::User, &id, &[
            id.to_uppercase(),
            format!("{domain}\\{name}"),
            format!("{name}@{domain}"),
            format!("{}@{}", name.to_uppercase(), label.to_uppercase()),
            format!("Some One <{name}@{domain}>"),
            format!("{name}_{domain}#EXT#@tenant.onmicrosoft.com"),
        ])?;
        let beside = entity(EntityKind::User, &name, Some(&domain)).map(|identity| identity.id.into_owned());
        prop_assert_eq!(beside, Some(id));
        let sid = format!("s-1-5-21-1-2-{sub}");
        meet_as(EntityKind::Sid, &sid, &[sid.to_uppercase(), format!("%{{{sid}}}"), format!("*{sid}")])?;
        meet_as(EntityKind::User, &sid, &[sid.to_uppercase()])?;
        meet_as(EntityKind::Logon, &format!("{sub:#x}"), &[sub.to_string(), format!("0x{sub:08X}"), format!("0x0-{sub:#x}")])?;
        meet_as(EntityKind::Process, &sub.to_string(), &[format!("{sub:#x}"), format!("0x{sub:08X}"), format!("0{sub}")])?;
    }

    #[test]
    fn codes_meet(bytes in proptest::array::uniform32(1..255_u8), year in 1999..2100, number in 10_000..u32::MAX) {
        let digest: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for (name, length) in [("md5", 32), ("SHA1", 40), ("sha256", 64)] {
            let digest = &digest[..length];
            meet(ObservableKind::Hash, digest, &[
                digest.to_uppercase(), format!("{name}:{digest}"), format!("{name}={}", digest.to_uppercase()), format!("0x{digest}"),
            ])?;
        }
        meet(ObservableKind::Certificate, &digest[..40], &[
            pairs(&digest[..40], ":"), pairs(&digest[..40], " ").to_uppercase(), format!("SHA1 Fingerprint={}", pairs(&digest[..40], ":")),
        ])?;
        let mac = pairs(&digest[..12], ":");
        meet(ObservableKind::Mac, &mac, &[
            mac.to_uppercase(), mac.replace(':', "-"), digest[..12].to_owned(),
            format!("{}.{}.{}", &digest[..4], &digest[4..8], &digest[8..12]),
        ])?;
        meet(ObservableKind::Cve, &format!("CVE-{year}-{number}"), &[format!("cve-{year}-{number}"), format!("CVE_{year}_{number}")])?;
        meet_as(EntityKind::Container, &digest[..12], &[
            digest.clone(), digest[..12].to_uppercase(), format!("containerd://{digest}"), format!("docker-{digest}.scope"),
        ])?;
        let guid = format!("{}-{}-{}-{}-{}", &digest[..8], &digest[8..12], &digest[12..16], &digest[16..20], &digest[20..32]);
        meet_as(EntityKind::Process, &guid, &[guid.to_uppercase(), format!("{{{guid}}}")])?;
        meet_as(EntityKind::User, &guid, &[guid.to_uppercase(), format!("{{{guid}}}")])?;
    }

    #[test]
    fn places_meet(first in "[a-z]{1,8}", second in "[a-z]{1,8}\\.[a-z]{3}") {
        let path = format!(r"c:\{first}\{second}");
        meet(ObservableKind::FilePath, &path, &[
            path.to_uppercase(),
            path.replace('\\', "/"),
            path.replace('\\', r"\\"),
            format!("\"{path}\""),
            format!(r"\\?\{path}"),
            format!(r"\??\{path}"),
            format!(r"\Device\HarddiskVolume2\{first}\{second}"),
            format!(r"%SystemDrive%\{first}\{second}"),
            format!("file:///{}", path.replace('\\', "/")),
        ])?;
        meet(ObservableKind::FileName, &second, &[path.clone(), format!("/tmp/{second}"), second.to_uppercase()])?;
        meet(ObservableKind::RegistryKey, &format!(r"hklm\{first}\{second}"), &[
            format!(r"HKEY_LOCAL_MACHINE\{first}\{second}"),
            format!(r"HKLM:\{first}\{second}\"),
            format!(r"\REGISTRY\MACHINE\{first}\{second}"),
            format!(r"HKLM\\{first}\\{second}"),
            format!(r"Computer\HKEY_LOCAL_MACHINE\{first}\{second}"),
        ])?;
        meet_as(EntityKind::CloudResource, &format!("//compute.googleapis.com/projects/{first}/zones/z/instances/I"), &[
            format!("https://www.googleapis.com/compute/v1/projects/{first}/zones/z/instances/I"),
            format!("https://compute.googleapis.com/compute/beta/projects/{first}/zones/z/instances/I"),
        ])?;
        meet_as(EntityKind::CloudResource, &format!("/subscriptions/{first}/resourcegroups/x"), &[
            format!("/Subscriptions/{first}/resourceGroups/X/"),
            format!("https://management.azure.com/subscriptions/{first}/resourceGroups/X"),
        ])?;
    }
}

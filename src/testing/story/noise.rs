//! An ordinary working day: what a SOC sees all the time and rarely cares about. It never names a machine, an account
//! or an address of the attack.

mod rules;

use serde_json::{Value, json};

use super::Scene;
use super::cast::{BACKUP, BUILD, Host, MONITOR, OFFICE, PRINT, PUBLIC_ADDRESS, SCANNED, SCANNER_ADDRESS, WEB};
use super::products::{Flow, Native, WazuhRule, process};
use rules::{
    FILE_CHANGED, LOGON_FAILURE, OFFICE_POLICIES, PRIVILEGED_SERVICE, SCANS, SERVICE_RESTARTED, SHADOW_COPY,
    SSH_FAILURE, SSH_FAILURES, SUDO, VULNERABILITY_CHECKS,
};

const HOUR: u32 = 3_600;
const DAY: u32 = 6 * HOUR;

pub(super) fn play(scene: &mut Scene) {
    scans_from_outside(scene);
    own_scanner(scene);
    failed_logins(scene);
    forgotten_passwords(scene);
    office_traffic(scene);
    backup_jobs(scene);
    linux_servers(scene);
    unwanted_mail(scene);
    unwanted_software(scene);
}

/// Strangers of the Internet: a new address every few minutes, each with a few tries.
fn scans_from_outside(scene: &mut Scene) {
    for _ in 0..20 {
        let source = format!("198.51.100.{}", 100 + scene.rng.below(150));
        let (signature, port) = *scene.rng.pick(&SCANS);
        let first = any_time(scene);
        for probe in 0..=u32::try_from(scene.rng.below(3)).unwrap_or(0) {
            let from = 40_000 + u16::try_from(scene.rng.below(20_000)).unwrap_or(0);
            let flow =
                Flow { source: (&source, from), destination: (PUBLIC_ADDRESS, port), protocol: "TCP", up_bytes: 66 };
            scene.suricata(first + probe * 7, &flow, &signature, &json!({}));
        }
    }
}

/// The company's own weekly scan of its application servers, in one go.
fn own_scanner(scene: &mut Scene) {
    for (server, address) in (0_u32..).zip(SCANNED) {
        for (check, signature) in (0_u32..).zip(&VULNERABILITY_CHECKS) {
            let flow =
                Flow { source: (SCANNER_ADDRESS, 51_000), destination: (address, 80), protocol: "TCP", up_bytes: 412 };
            let http = json!({ "http": { "hostname": address, "url": "/", "http_user_agent": "Example Scanner/8.2",
                "http_method": "GET", "protocol": "HTTP/1.1", "status": 404, "length": 153 } });
            scene.suricata(2 * HOUR + server * 240 + check * 11, &flow, signature, &http);
        }
    }
}

/// Password guessing against the web server's SSH, from three addresses in waves.
fn failed_logins(scene: &mut Scene) {
    for (wave, source) in (0_u32..).zip(["203.0.113.21", "203.0.113.34", "203.0.113.150"]) {
        let first = 1_900 + wave * 5_600;
        for (attempt, user) in (0_u32..).zip(["admin", "test", "oracle", "ubuntu", "git", "deploy", "ftp", "pi"]) {
            ssh(scene, first + attempt * 6, &SSH_FAILURE, source, user);
        }
        ssh(scene, first + 50, &SSH_FAILURES, source, "admin");
    }
}

fn ssh(scene: &mut Scene, second: u32, rule: &WazuhRule, source: &str, user: &str) {
    let port = 30_000 + scene.rng.below(30_000);
    let log = format!("sshd[2214]: Failed password for invalid user {user} from {source} port {port} ssh2");
    scene.wazuh(
        second,
        &WEB,
        rule,
        &json!({ "decoder": { "parent": "sshd", "name": "sshd" },
        "predecoder": { "program_name": "sshd", "hostname": WEB.name },
        "data": { "srcip": source, "srcport": port.to_string(), "srcuser": user },
        "location": "/var/log/auth.log", "full_log": log }),
    );
}

/// People who come back from lunch.
fn forgotten_passwords(scene: &mut Scene) {
    for _ in 0..18 {
        let (host, user) = scene.rng.pick(&OFFICE);
        let first = any_time(scene);
        for attempt in 0..=u32::try_from(scene.rng.below(2)).unwrap_or(0) {
            scene.hayabusa(
                first + attempt * 15,
                host,
                &LOGON_FAILURE,
                &json!({ "Type": "2 - INTERACTIVE",
                "TgtUser": user, "SrcComp": host.name, "SrcIP": "-", "AuthPkg": "Negotiate", "Proc":
                "C:\\Windows\\System32\\svchost.exe", "SubStatus": "0xc000006a" }),
            );
        }
    }
}

/// What the network sensor has to say about desks: updaters, chat, odd user agents.
fn office_traffic(scene: &mut Scene) {
    for _ in 0..70 {
        let desk = scene.rng.index(OFFICE.len());
        let policy = scene.rng.index(OFFICE_POLICIES.len());
        let ((host, _), (signature, domain)) = (&OFFICE[desk], OFFICE_POLICIES[policy]);
        // A delivery network: every desk is sent to another address of it.
        let destination = format!("198.51.100.{}", 10 + desk * OFFICE_POLICIES.len() + policy);
        let port = 49_500 + u16::try_from(scene.rng.below(15_000)).unwrap_or(0);
        let flow =
            Flow { source: (host.address, port), destination: (&destination, 443), protocol: "TCP", up_bytes: 1_900 };
        let tls = json!({ "tls": { "sni": domain, "version": "TLS 1.3" } });
        let second = any_time(scene);
        scene.suricata(second, &flow, &signature, &tls);
    }
}

/// The backup server takes its hourly copies with a privileged account.
fn backup_jobs(scene: &mut Scene) {
    for hour in 0..6 {
        let start = hour * HOUR + 300;
        for step in 0..6 {
            scene.hayabusa(
                start + step * 90,
                &BACKUP,
                &PRIVILEGED_SERVICE,
                &json!({ "Proc":
                "C:\\Program Files\\Example Backup\\agent.exe", "User": "svc-backup", "LID": "0x51a20" }),
            );
        }
        let command = "vssadmin.exe create shadow /for=D:";
        let image = r"C:\Windows\System32\vssadmin.exe";
        let guid = format!("{{5d0a88e1-{hour:04x}-6926-1100-000000002200}}");
        let job = process("svc-backup", image, command, "agent.exe --hourly", "0x51a20", &guid);
        scene.hayabusa(start + 20, &BACKUP, &SHADOW_COPY, &job);
    }
}

/// Deployments, administrators at work, a print service that restarts.
fn linux_servers(scene: &mut Scene) {
    for deployment in 0..8 {
        for file in 0..4 {
            let path = format!("/srv/app/release/module-{file}.so");
            changed_file(scene, deployment * 2_600 + 900 + file * 2, &BUILD, &path);
        }
    }
    for _ in 0..24 {
        let (host, user) = *scene.rng.pick(&[(&MONITOR, "c.ford"), (&BUILD, "v.glen")]);
        let second = any_time(scene);
        let log =
            format!("sudo: {user} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND=/usr/bin/systemctl status");
        scene.wazuh(
            second,
            host,
            &SUDO,
            &json!({ "decoder": { "parent": "sudo", "name": "sudo" },
            "data": { "srcuser": user, "dstuser": "root", "tty": "pts/0", "command": "/usr/bin/systemctl status" },
            "location": "/var/log/auth.log", "full_log": log }),
        );
    }
    for restart in 0..6 {
        scene.wazuh_windows(
            restart * 3_500 + 400,
            &PRINT,
            &SERVICE_RESTARTED,
            &json!({ "providerName":
            "Service Control Manager", "eventID": "7036", "channel": "System" }),
            &json!({ "param1": "Print Spooler" }),
        );
    }
}

fn changed_file(scene: &mut Scene, second: u32, host: &Host, path: &str) {
    let digest = format!("{:016x}", scene.rng.next_u64()).repeat(4);
    scene.wazuh(
        second,
        host,
        &FILE_CHANGED,
        &json!({ "decoder": { "name": "syscheck_integrity_changed" },
        "location": "syscheck", "full_log": format!("File '{path}' modified\nMode: scheduled\n"),
        "syscheck": { "path": path, "mode": "scheduled", "event": "modified", "changed_attributes": ["sha256"],
            "sha256_after": digest } }),
    );
}

/// Spam and newsletters that the gateway has an opinion about.
fn unwanted_mail(scene: &mut Scene) {
    let rules = [
        ("Message quarantined as spam", 1, "MG-1001"),
        ("Link rewritten in a newsletter", 1, "MG-1204"),
        ("Sender fails DMARC", 2, "MG-1310"),
    ];
    for number in 0..40 {
        let (_, user) = scene.rng.pick(&OFFICE);
        let (title, severity_id, rule) = *scene.rng.pick(&rules);
        let second = any_time(scene);
        scene.mail(
            second,
            Native {
                title,
                severity_id,
                rule,
                attack: ("TA0001", "T1566.002"),
                entities: json!([{ "kind": "mailbox", "id": format!("{user}@corp.example"), "role": "asset" }]),
                observables: json!([{ "type": "email", "value": format!("news-{number}@bulk-{}.example", number % 17),
                "role": "source" }]),
            },
        );
    }
}

/// Tools that people bring along.
fn unwanted_software(scene: &mut Scene) {
    for number in 0..14 {
        let (host, user) = scene.rng.pick(&OFFICE);
        let second = any_time(scene);
        scene.endpoint(
            second,
            Native {
                title: "Unwanted software removed",
                severity_id: 2,
                rule: "ES-0032",
                attack: ("TA0002", "T1204.002"),
                entities: desk(host, user),
                observables: json!([{ "type": "file_name", "value": format!("toolbar-{number}.exe"), "role": "peer" }]),
            },
        );
    }
}

fn desk(host: &Host, user: &str) -> Value {
    json!([{ "kind": "host", "id": host.name, "role": "asset" },
        { "kind": "user", "name": user, "domain": "CORP", "role": "actor" }])
}

fn any_time(scene: &mut Scene) -> u32 {
    u32::try_from(scene.rng.below(DAY.into())).unwrap_or(0)
}

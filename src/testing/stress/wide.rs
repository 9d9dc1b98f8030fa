//! Genuine incidents on many machines, each linked by one thing alone.

use super::naming::{Named, address_of, hash, host, ip, logon, path, user};
use super::scene::{MINUTE, SECOND, Says, Scene, about};
use super::shared::{CONTROLLER, CONTROLLER_ADDRESS};
use crate::model::{Role, Severity};
use crate::testing::score::NOISE;

pub const ACCOUNT: &str = "wide-account";
pub const WORM: &str = "wide-worm";
pub const C2: &str = "wide-c2";
pub const SPRAY: &str = "wide-spray";
pub const CHAIN: &str = "wide-chain";

/// Whom an alert of a stolen account names beside the machine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// The account as target, and the logon.
    Logon,
    /// The account as actor.
    Account,
    /// Nobody: the system did it.
    System,
}

const PLAY: [(Says, Seen); 7] = [
    (("Logon (Network) Interesting", Severity::Informational), Seen::Logon),
    (("PSExec Service Installed", Severity::High), Seen::System),
    (("Suspicious Service Path", Severity::High), Seen::System),
    (("Whoami Recon", Severity::Medium), Seen::Account),
    (("LSASS Memory Access", Severity::High), Seen::Account),
    (("Archive Of Shares", Severity::Medium), Seen::Account),
    (("Cleared Event Log", Severity::High), Seen::Account),
];

const LOCAL_RULES: [&str; 3] = ["Proc Exec Unusual", "Browser Extension Installed", "Office Macro Ran"];

/// One account that goes from machine to machine.
pub struct Stolen {
    pub hosts: usize,
    pub minutes: i64,
    /// Where it comes from, if that is told.
    pub source: Option<&'static str>,
    /// Alerts of each machine's own user shortly before, which are noise.
    pub locals: usize,
    pub locals_severity: Severity,
    /// No alert of the incident is worse.
    pub severity_max: Severity,
    /// On machines that recorded incidents are on, rather than on machines of its own.
    pub in_incidents: bool,
    /// Rules of the account's beside the usual ones.
    pub more_rules: usize,
}

impl Default for Stolen {
    fn default() -> Self {
        Self {
            hosts: 15,
            minutes: 45,
            source: None,
            locals: 0,
            locals_severity: Severity::Low,
            severity_max: Severity::Critical,
            in_incidents: false,
            more_rules: 0,
        }
    }
}

pub fn stolen(scene: &mut Scene, stolen: &Stolen) {
    let begin = scene.moment(300);
    let mut pool = scene.machines();
    for number in 0..stolen.hosts {
        let machine = if stolen.in_incidents && !pool.is_empty() {
            let place = scene.rng.index(pool.len());
            pool.swap_remove(place).to_string()
        } else {
            format!("app{number:02}")
        };
        let at = begin + step(number, stolen.minutes, stolen.hosts) + scene.draw(MINUTE);
        locals(scene, stolen, number, &machine, at);
        let session = (1 << 20) + scene.rng.below((1 << 24) - (1 << 20));
        let at = play(scene, stolen, &machine, session, at);
        more(scene, stolen, &machine, session, at);
    }
}

const fn step(number: usize, minutes: i64, of: usize) -> i64 {
    number as i64 * minutes * MINUTE / of as i64
}

fn locals(scene: &mut Scene, stolen: &Stolen, number: usize, machine: &str, at: i64) {
    for _ in 0..stolen.locals {
        let title = *scene.rng.pick(&LOCAL_RULES);
        let at = at - scene.draw(20 * MINUTE);
        let named = [about(machine), user(&format!("local{number:02}"), Role::Actor)];
        scene.add(at, (title, stolen.locals_severity), &named, NOISE);
    }
}

/// The logon always shows, and seven in ten of what follows.
fn play(scene: &mut Scene, stolen: &Stolen, machine: &str, session: u64, mut at: i64) -> i64 {
    for ((title, severity), seen) in PLAY {
        if seen != Seen::Logon && scene.rng.chance(300) {
            continue;
        }
        at += 5 * SECOND + scene.draw(35 * SECOND);
        let mut named = vec![about(machine)];
        match seen {
            Seen::Logon => {
                named.extend([user("jdoe-adm", Role::Target), logon(session)]);
                named.extend(stolen.source.map(|source| ip(source, Role::Peer)));
            }
            Seen::Account => named.extend(as_account(scene, session)),
            Seen::System => {}
        }
        scene.add(at, (title, severity.min(stolen.severity_max)), &named, ACCOUNT);
    }
    at
}

/// One in four of them on each machine.
fn more(scene: &mut Scene, stolen: &Stolen, machine: &str, session: u64, mut at: i64) {
    const SEVERITIES: [Severity; 3] = [Severity::Low, Severity::Medium, Severity::High];
    for number in 0..stolen.more_rules {
        if scene.rng.chance(250) {
            at += 5 * SECOND + scene.draw(35 * SECOND);
            let mut named = vec![about(machine)];
            named.extend(as_account(scene, session));
            let severity = SEVERITIES[number % 3].min(stolen.severity_max);
            scene.add_said(at, &format!("Post exploitation {number}"), severity, &named, ACCOUNT);
        }
    }
}

fn as_account(scene: &mut Scene, session: u64) -> Vec<Named> {
    let mut named = vec![user("jdoe-adm", Role::Actor)];
    named.extend(scene.rng.chance(600).then(|| logon(session)));
    named
}

/// One file on many machines, run by their own users.
pub fn worm(scene: &mut Scene, peers: bool, severity: Severity) {
    const HOSTS: usize = 40;
    let (begin, digest) = (scene.moment(200), "ab".repeat(32));
    for number in 0..HOSTS {
        let (machine, account) = (format!("ws{number:03}"), format!("emp{number:03}"));
        let at = begin + step(number, 30, HOSTS) + scene.draw(MINUTE);
        let mut named = vec![about(&machine), hash(&digest), path(&format!(r"c:\users\{account}\a.exe"))];
        named.extend(scene.rng.chance(700).then(|| user(&account, Role::Actor)));
        scene.add(at, ("Malware Detected By Antivirus", severity), &named, WORM);
        let mut named = vec![about(&machine), user(&account, Role::Actor)];
        named.extend(scene.rng.chance(500).then(|| hash(&digest)));
        let after = scene.draw(30 * SECOND);
        scene.add(at + after, ("Executable In Startup Folder", Severity::Medium), &named, WORM);
        if scene.rng.chance(500) {
            let mut named = vec![about(&machine)];
            let other = scene.rng.index(HOSTS);
            named.extend(peers.then(|| host(&format!("ws{other:03}"), Role::Peer)));
            let after = scene.draw(MINUTE);
            scene.add(at + after, ("SMB Scan By Workstation", Severity::Medium), &named, WORM);
        }
    }
}

/// One outside address and many machines, as their own sensors see it or as the network's does.
pub fn c2(scene: &mut Scene, by_network: bool, severity: Severity) {
    const HOSTS: usize = 30;
    const OUTSIDE: &str = "198.51.100.77";
    let begin = scene.moment(100);
    for number in 0..HOSTS {
        let (machine, account) = (format!("pc{number:03}"), format!("clerk{number:03}"));
        let address = address_of(&machine);
        let mut at = begin + step(number, 25, HOSTS) + scene.draw(MINUTE);
        for _ in 0..1 + scene.draw(4) {
            at += 10 * SECOND + scene.draw(80 * SECOND);
            if by_network {
                let title = *scene.rng.pick(&["ET MALWARE Beacon", "ET MALWARE Checkin"]);
                scene.add(at, (title, severity), &[ip(&address, Role::Source), ip(OUTSIDE, Role::Destination)], C2);
            } else {
                let title = *scene.rng.pick(&["Beacon To Known C2", "Rundll32 Outbound Connection"]);
                let named =
                    [about(&machine), ip(&address, Role::Asset), ip(OUTSIDE, Role::Peer), user(&account, Role::Actor)];
                scene.add(at, (title, severity), &named, C2);
            }
        }
        if scene.rng.chance(500) {
            let at = at + scene.draw(MINUTE);
            let named = [about(&machine), ip(&address, Role::Asset), user(&account, Role::Actor)];
            scene.add(at, ("Suspicious Rundll32", Severity::Medium), &named, C2);
        }
    }
}

/// One password tried on many accounts of one machine.
pub fn spray(scene: &mut Scene, machine: &str, address: &str) {
    const USERS: usize = 60;
    let begin = scene.moment(300);
    for number in 0..USERS * 3 {
        let severity = *scene.rng.pick(&[Severity::Informational, Severity::Low, Severity::Medium]);
        let at = begin + scene.draw(10 * MINUTE);
        let named = [
            about(machine),
            ip(address, Role::Asset),
            user(&format!("victim{:02}", number % USERS), Role::Target),
            ip("10.66.6.6", Role::Peer),
        ];
        scene.add(at, ("Failed Logon", severity), &named, SPRAY);
    }
}

pub fn spray_controller(scene: &mut Scene) {
    spray(scene, CONTROLLER, CONTROLLER_ADDRESS);
}

const CHAIN_RULES: [Says; 5] = [
    ("Credential Dump", Severity::High),
    ("Suspicious PowerShell X", Severity::Medium),
    ("Remote Service", Severity::High),
    ("Discovery Burst", Severity::Medium),
    ("Scheduled Task X", Severity::Medium),
];

/// Credentials stolen on each machine serve for the next, so that only a machine links two accounts; or all of them are
/// stolen on one machine.
pub fn chain(scene: &mut Scene, star: bool) {
    let begin = scene.moment(300);
    for number in 0..6_usize {
        let at = begin + step(number, 24, 6);
        let from = format!("ch{:02}", if star { 0 } else { number });
        let (to, account) = (format!("ch{:02}", number + 1), format!("chu{number:02}"));
        for count in 0..3 {
            let (says, apart) = (*scene.rng.pick(&CHAIN_RULES), scene.draw(5 * SECOND));
            scene.add(at + count * 9 * SECOND + apart, says, &[about(&from), user(&account, Role::Actor)], CHAIN);
        }
        for count in 0..4 {
            let (says, apart) = (*scene.rng.pick(&CHAIN_RULES), scene.draw(5 * SECOND));
            let mut named = vec![about(&to), user(&account, Role::Actor)];
            named.extend(scene.rng.chance(300).then(|| host(&from, Role::Peer)));
            scene.add(at + 40 * SECOND + count * 9 * SECOND + apart, says, &named, CHAIN);
        }
    }
}

//! Every stress by name: which group reads it, and what it is made of.

use super::everyday::{DOMAIN, SLOW, big_domain, brute};
use super::naming::{Named, host, ip, sid, user};
use super::scene::Scene;
use super::shared::{
    CONTROLLER, CONTROLLER_ADDRESS, Logons, agent, controller, few, logons, one_domain, rename_controllers, scanner,
    warm,
};
use super::wide::{ACCOUNT, C2, CHAIN, SPRAY, Stolen, WORM, c2, chain, spray, spray_controller, stolen, worm};
use super::{Group, Stress};
use crate::model::{Role, Severity};

/// What is named in a third of the alerts, unless the name says otherwise.
const THIRD: u16 = 333;
const SERVICE: &str = "svc_backup";

pub fn all() -> Vec<Stress> {
    let mut all = vec![Stress { seeded: false, ..stress(Group::Plain, "none", |_| {}) }];
    all.extend(domain_controllers());
    all.extend(addresses_and_accounts());
    all.extend(few_share_one());
    all.push(Stress { seeded: false, ..stress(Group::Renamed, "one dc", rename_controllers) });
    all.extend(benign());
    all.extend(wide());
    all.extend(wide_amid_noise());
    all.push(stress(Group::BigDomain, "200 machines", |s| {
        one_domain(s, DOMAIN);
        big_domain(s);
    }));
    all.extend(slow());
    all
}

const fn stress(group: Group, name: &'static str, make: fn(&mut Scene)) -> Stress {
    Stress { name, group, incidents: &[], seeded: true, make }
}

const fn of(incidents: &'static [&'static str], name: &'static str, make: fn(&mut Scene)) -> Stress {
    Stress { incidents, ..stress(Group::Wide, name, make) }
}

/// Where there is nothing to draw.
const fn certain(name: &'static str, make: fn(&mut Scene)) -> Stress {
    Stress { seeded: false, ..stress(Group::SharedInfrastructure, name, make) }
}

fn everywhere(scene: &mut Scene, permille: u16, named: &[Named]) {
    scene.mark(permille, i64::MIN, named);
}

fn late(scene: &mut Scene, named: &[Named]) {
    scene.mark(THIRD, scene.moment(500), named);
}

fn controller_as_peer(scene: &mut Scene) {
    everywhere(scene, THIRD, &controller(Role::Peer));
}

/// Its own logons, and its name in other machines' alerts.
fn controller_everywhere(scene: &mut Scene) {
    logons(scene, &Logons::default());
    controller_as_peer(scene);
}

fn one_of_three(scene: &mut Scene, host: &'static str, address: &'static str) {
    logons(scene, &Logons { host, address, permille: 111, ..Logons::default() });
}

fn domain_controllers() -> Vec<Stress> {
    let stress = |name, make| stress(Group::SharedInfrastructure, name, make);
    vec![
        stress("dc peer", controller_as_peer),
        stress("dc peer late", |s| late(s, &controller(Role::Peer))),
        stress("dc target", |s| everywhere(s, THIRD, &[host(CONTROLLER, Role::Target)])),
        stress("dc logons", |s| logons(s, &Logons::default())),
        stress("dc logons, peer", controller_everywhere),
        stress("dc logons, peer late", |s| {
            logons(s, &Logons { start_permille: 500, ..Logons::default() });
            late(s, &controller(Role::Peer));
        }),
        stress("dc logons, peer warm", |s| {
            warm(s, 6, 40);
            controller_everywhere(s);
        }),
        stress("dc logons without peer", |s| {
            logons(s, &Logons { peer: false, ..Logons::default() });
            controller_as_peer(s);
        }),
        stress("dc logons first", |s| {
            logons(s, &Logons { before: true, ..Logons::default() });
            controller_as_peer(s);
        }),
        stress("3 dcs", |s| {
            one_of_three(s, CONTROLLER, CONTROLLER_ADDRESS);
            one_of_three(s, "dc02", "10.77.0.11");
            one_of_three(s, "dc03", "10.77.0.12");
            everywhere(s, 111, &controller(Role::Peer));
            everywhere(s, 111, &[host("dc02", Role::Peer)]);
            everywhere(s, 111, &[host("dc03", Role::Peer)]);
        }),
        stress("dc sparse 3%", |s| {
            logons(s, &Logons { permille: 30, ..Logons::default() });
            everywhere(s, 30, &controller(Role::Peer));
        }),
        certain("one domain", |s| one_domain(s, DOMAIN)),
    ]
}

fn nat(role: Role) -> [Named; 1] {
    [ip("203.0.113.9", role)]
}

fn proxy() -> [Named; 1] {
    [ip("10.77.0.53", Role::Source)]
}

fn service() -> [Named; 1] {
    [user(SERVICE, Role::Actor)]
}

fn addresses_and_accounts() -> Vec<Stress> {
    let stress = |name, make| stress(Group::SharedInfrastructure, name, make);
    vec![
        stress("jump", |s| {
            logons(s, &Logons { host: "jump1", address: "10.77.0.20", role: Role::Actor, ..Logons::default() });
            everywhere(s, THIRD, &[host("jump1", Role::Peer), ip("10.77.0.20", Role::Peer)]);
        }),
        stress("nat source", |s| everywhere(s, THIRD, &nat(Role::Source))),
        stress("nat source 60%", |s| everywhere(s, 600, &nat(Role::Source))),
        certain("nat source 100%", |s| everywhere(s, 1_000, &nat(Role::Source))),
        stress("nat peer", |s| everywhere(s, THIRD, &nat(Role::Peer))),
        certain("nat peer 100%", |s| everywhere(s, 1_000, &nat(Role::Peer))),
        stress("proxy source", |s| everywhere(s, THIRD, &proxy())),
        stress("proxy source late", |s| late(s, &proxy())),
        stress("service actor", |s| {
            everywhere(s, THIRD, &[user(SERVICE, Role::Actor), sid("s-1-5-21-9-9-9-1199", Role::Actor)]);
        }),
        stress("service actor late", |s| late(s, &service())),
        stress("service actor 60%", |s| everywhere(s, 600, &service())),
        certain("service actor 100%", |s| everywhere(s, 1_000, &service())),
        stress("service target", |s| everywhere(s, THIRD, &[user(SERVICE, Role::Target)])),
        stress("all at once", |s| {
            controller_everywhere(s);
            everywhere(s, 200, &proxy());
            everywhere(s, 200, &service());
        }),
    ]
}

fn few_share_one() -> Vec<Stress> {
    fn share(scene: &mut Scene, count: usize) {
        few(scene, count);
        controller_everywhere(scene);
    }
    let stress = |name, make| stress(Group::FewShareOne, name, make);
    vec![
        stress("few 2", |s| share(s, 2)),
        stress("few 3", |s| share(s, 3)),
        stress("few 5", |s| share(s, 5)),
        stress("few 5, nat, service", |s| {
            share(s, 5);
            let [nat] = nat(Role::Source);
            let [service] = service();
            everywhere(s, THIRD, &[nat, service]);
        }),
    ]
}

fn benign() -> Vec<Stress> {
    let stress = |name, make| stress(Group::Benign, name, make);
    vec![
        stress("service own high", |s| agent(s, SERVICE, &[("Shadow Copy By Backup".to_owned(), Severity::High)])),
        stress("service own medium", |s| {
            let rules = ["Shadow Copy By Backup", "Service Installed"];
            agent(s, SERVICE, &rules.map(|rule| (rule.to_owned(), Severity::Medium)));
        }),
        stress("service own mix", |s| {
            let severities = [Severity::Low, Severity::Medium, Severity::High];
            let rules: Vec<_> = (0..12).map(|n| (format!("Agent rule {n}"), severities[n % 3])).collect();
            agent(s, SERVICE, &rules);
        }),
        stress("scanner high", scanner),
    ]
}

fn wide() -> Vec<Stress> {
    vec![
        of(&[ACCOUNT], "account 15", |s| stolen(s, &Stolen::default())),
        of(&[ACCOUNT], "account 15, source", |s| stolen(s, &Stolen { source: Some("10.66.6.6"), ..Stolen::default() })),
        of(&[ACCOUNT], "account 15, slow", |s| stolen(s, &Stolen { minutes: 150, ..Stolen::default() })),
        of(&[ACCOUNT], "account 15, 20 rules", |s| stolen(s, &Stolen { more_rules: 20, ..Stolen::default() })),
        of(&[ACCOUNT], "account in incidents", |s| stolen(s, &Stolen { in_incidents: true, ..Stolen::default() })),
        of(&[WORM], "worm 40", |s| worm(s, false, Severity::High)),
        of(&[WORM], "worm 40, peers", |s| worm(s, true, Severity::High)),
        of(&[WORM], "worm 40, medium", |s| worm(s, false, Severity::Medium)),
        of(&[C2], "c2 30, endpoint", |s| c2(s, false, Severity::High)),
        of(&[C2], "c2 30, network", |s| c2(s, true, Severity::High)),
        of(&[C2], "c2 30, medium", |s| c2(s, false, Severity::Medium)),
        of(&[CHAIN], "chain 6", |s| chain(s, false)),
        of(&[CHAIN], "star 6", |s| chain(s, true)),
        of(&[SPRAY], "spray server", |s| spray(s, "srv1", "10.77.0.77")),
    ]
}

fn wide_amid_noise() -> Vec<Stress> {
    fn amid(scene: &mut Scene, locals_severity: Severity, severity_max: Severity, more_rules: usize) {
        stolen(scene, &Stolen { locals: 3, locals_severity, severity_max, more_rules, ..Stolen::default() });
    }
    vec![
        of(&[ACCOUNT], "account, locals low", |s| amid(s, Severity::Low, Severity::Critical, 0)),
        of(&[ACCOUNT], "account, locals medium", |s| amid(s, Severity::Medium, Severity::Critical, 0)),
        of(&[ACCOUNT], "account, locals high", |s| amid(s, Severity::High, Severity::Critical, 0)),
        of(&[ACCOUNT], "account medium, locals medium", |s| amid(s, Severity::Medium, Severity::Medium, 0)),
        of(&[ACCOUNT], "account 20 rules, locals medium", |s| amid(s, Severity::Medium, Severity::Critical, 20)),
        of(&[CHAIN], "chain, dc", |s| {
            chain(s, false);
            controller_everywhere(s);
        }),
        of(&[SPRAY], "spray dc", |s| {
            spray_controller(s);
            controller_everywhere(s);
        }),
        of(&[ACCOUNT], "account, dc", |s| {
            stolen(s, &Stolen::default());
            controller_everywhere(s);
        }),
        of(&[ACCOUNT, WORM, C2], "account, worm, c2, dc", |s| {
            stolen(s, &Stolen::default());
            worm(s, false, Severity::High);
            c2(s, false, Severity::High);
            controller_everywhere(s);
        }),
    ]
}

/// Where the recorded alerts are of one hour, everyday logons go before them: nothing is known of a tenant in its first.
fn slow() -> Vec<Stress> {
    let of = |name, make| Stress { group: Group::Slow, ..of(&[SLOW], name, make) };
    vec![
        of("slow brute", |s| {
            warm(s, 12, 40);
            brute(s, None);
        }),
        of("slow brute, source", |s| {
            warm(s, 12, 40);
            brute(s, Some("203.0.113.66"));
        }),
    ]
}

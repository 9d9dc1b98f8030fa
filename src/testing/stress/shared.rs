//! Infrastructure that incidents share without having to do with each other, and what is benign on every machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Labelled;
use super::naming::{self, Named, address_of, host, ip, user};
use super::scene::{HOUR, SECOND, Says, Scene, about};
use crate::model::{EntityKind, Role, Severity, Timestamp};
use crate::testing::score::NOISE;

pub const CONTROLLER: &str = "dc01";
pub const CONTROLLER_ADDRESS: &str = "10.77.0.10";

/// What a machine that logs everyone on tells, and how often.
const LOGON_RULES: [(Says, u64); 5] = [
    (("Logon (Network)", Severity::Informational), 40),
    (("Kerberos Ticket Granted", Severity::Informational), 30),
    (("Explicit Logon", Severity::Low), 15),
    (("Possible RC4 Kerberos Ticket", Severity::Medium), 10),
    (("Suspicious Logon To Domain Controller", Severity::High), 5),
];

/// Machines beside those of the recorded alerts on which an everyday agent works.
const PLAIN_MACHINES: usize = 30;

/// A machine that logs everyone on.
pub struct Logons {
    pub host: &'static str,
    pub address: &'static str,
    /// Of the recorded alerts of incidents, how many have a logon beside them.
    pub permille: u16,
    /// From this share of the recorded time on.
    pub start_permille: i64,
    /// What the account is in the logon.
    pub role: Role,
    /// Whether the machine that it came from is named.
    pub peer: bool,
    /// The logon comes before the alert rather than after it.
    pub before: bool,
}

impl Default for Logons {
    fn default() -> Self {
        let (host, address) = (CONTROLLER, CONTROLLER_ADDRESS);
        Self { host, address, permille: 333, start_permille: 0, role: Role::Target, peer: true, before: false }
    }
}

/// The domain controller as other machines' alerts name it.
pub fn controller(role: Role) -> [Named; 2] {
    [host(CONTROLLER, role), ip(CONTROLLER_ADDRESS, role)]
}

pub fn logons(scene: &mut Scene, logons: &Logons) {
    let (start, accounts) = (scene.moment(logons.start_permille), scene.accounts());
    for Labelled { alert, label } in scene.recorded().to_vec() {
        let at = alert.event_time.at.millis();
        let (Some(machine), Some(main)) = (naming::machine(&alert), accounts.get(&label)) else { continue };
        if at < start || !scene.rng.chance(logons.permille) {
            continue;
        }
        let says = LOGON_RULES[scene.weighted(&LOGON_RULES.map(|(_, weight)| weight))].0;
        let account = naming::actor(&alert).unwrap_or(main);
        let mut named = vec![about(logons.host), ip(logons.address, Role::Asset), user(account, logons.role)];
        if logons.peer {
            named.push(ip(&address_of(machine), Role::Peer));
            if scene.rng.chance(500) {
                named.push(host(machine, Role::Peer));
            }
        }
        let apart = scene.draw(3 * SECOND);
        scene.add(if logons.before { at - apart } else { at + apart }, says, &named, &label);
    }
}

/// Everyday logons on the same machine before the incidents, noise all of them.
pub fn warm(scene: &mut Scene, hours: i64, users: i64) {
    for _ in 0..hours * users {
        let (user_number, desk_number) = (scene.draw(users), scene.draw(users));
        let (account, desk) = (format!("staff{user_number:02}"), format!("desk{desk_number:02}"));
        let says = LOGON_RULES[scene.weighted(&LOGON_RULES.map(|(_, weight)| weight)[..4])].0;
        let at = scene.first_at() - scene.draw(hours * HOUR);
        let named = [
            about(CONTROLLER),
            ip(CONTROLLER_ADDRESS, Role::Asset),
            user(&account, Role::Target),
            host(&desk, Role::Peer),
            ip(&address_of(&desk), Role::Peer),
        ];
        scene.add(at, says, &named, NOISE);
    }
}

/// A benign account that works on nearly every machine of the incidents and on others.
pub fn agent(scene: &mut Scene, account: &str, rules: &[(String, Severity)]) {
    each_machine(scene, |scene, machine, at| {
        let times = if scene.rng.chance(900) { 1 + scene.draw(3) } else { 0 };
        for _ in 0..times {
            let (title, severity) = scene.rng.pick(rules).clone();
            let at = at + scene.draw(20 * SECOND);
            scene.add_said(at, &title, severity, &[about(machine), user(account, Role::Actor)], NOISE);
        }
    });
}

/// A scanner of one's own, from one address, with severe rules.
pub fn scanner(scene: &mut Scene) {
    each_machine(scene, |scene, machine, at| {
        for _ in 0..8 {
            let title = format!("Scan exploit attempt {}", scene.draw(25));
            let severity = *scene.rng.pick(&[Severity::Medium, Severity::High]);
            let at = at + scene.draw(20 * SECOND);
            scene.add_said(at, &title, severity, &[about(machine), ip("10.9.9.9", Role::Source)], NOISE);
        }
    });
}

/// Each machine of the recorded alerts at a time of one of its alerts, and plain machines at any time.
fn each_machine(scene: &mut Scene, mut visit: impl FnMut(&mut Scene, &str, i64)) {
    for (machine, times) in scene.times_of_machines() {
        let at = *scene.rng.pick(&times);
        visit(scene, &machine, at);
    }
    for number in 0..PLAIN_MACHINES {
        let at = scene.first_at() + scene.draw((scene.last_at() - scene.first_at()).max(1));
        visit(scene, &format!("plain{number:02}"), at);
    }
}

/// Leaves `count` incidents, moved to begin together, and nothing else.
pub fn few(scene: &mut Scene, count: usize) {
    let mut begins: BTreeMap<Arc<str>, i64> = BTreeMap::new();
    for Labelled { alert, label } in scene.recorded().iter().filter(|labelled| &*labelled.label != NOISE) {
        let at = alert.event_time.at.millis();
        begins.entry(Arc::clone(label)).and_modify(|begin| *begin = at.min(*begin)).or_insert(at);
    }
    while begins.len() > count {
        let place = scene.rng.index(begins.len());
        let label = begins.keys().nth(place).cloned();
        label.and_then(|label| begins.remove(&label));
    }
    let together = begins.values().copied().min().unwrap_or(0);
    scene.change(|_, mut labelled| {
        let begin = begins.get(&labelled.label)?;
        let alert = Arc::make_mut(&mut labelled.alert);
        alert.event_time.at = Timestamp::from_millis(alert.event_time.at.millis() - begin + together);
        Some(labelled)
    });
}

/// The domain controllers of the recorded incidents, each with a number of its own behind the name.
const CONTROLLERS: [&str; 2] = ["mordordc", "hfdc01"];

/// All domain controllers become one: as machines, and as the accounts of machines.
pub fn rename_controllers(scene: &mut Scene) {
    scene.change(|_, mut labelled| {
        let found = labelled.alert.entities.iter().any(|entity| is_controller(entity.kind, &entity.id));
        if found {
            for entity in &mut Arc::make_mut(&mut labelled.alert).entities {
                if is_controller(entity.kind, &entity.id) {
                    let account = if entity.kind == EntityKind::User { "$" } else { "" };
                    (entity.id, entity.name) = (format!("{CONTROLLER}{account}").into(), None);
                }
            }
        }
        Some(labelled)
    });
}

fn is_controller(kind: EntityKind, id: &str) -> bool {
    let name = match kind {
        EntityKind::Host => Some(id),
        EntityKind::User => id.rsplit('\\').next().and_then(|name| name.strip_suffix('$')),
        EntityKind::Sid
        | EntityKind::Process
        | EntityKind::Logon
        | EntityKind::CloudResource
        | EntityKind::CloudSession
        | EntityKind::Container
        | EntityKind::Mailbox
        | EntityKind::Service
        | EntityKind::Other => None,
    };
    let numbered = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    name.is_some_and(|name| CONTROLLERS.iter().any(|prefix| name.strip_prefix(prefix).is_some_and(numbered)))
}

/// All machines that are in a directory domain are in the same one.
pub fn one_domain(scene: &mut Scene, domain: &str) {
    scene.change(|_, mut labelled| {
        for entity in &mut Arc::make_mut(&mut labelled.alert).entities {
            if entity.kind == EntityKind::Host && entity.domain.is_some() {
                (entity.domain, entity.name) = (Some(domain.into()), None);
            }
        }
        Some(labelled)
    });
}

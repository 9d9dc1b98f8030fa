//! Noise of a large domain, and an attack that is as quiet as noise.

use super::naming::{ip, member, user};
use super::scene::{HOUR, MINUTE, Scene, about};
use crate::model::{Role, Severity};
use crate::testing::score::NOISE;

pub const DOMAIN: &str = "corp.local";
pub const SLOW: &str = "slow-brute";

/// Rules of everyday noise: the n-th fires a n-th as often as the first.
const RULES: u64 = 60;
const LEVELS: [Severity; 7] = [
    Severity::Informational,
    Severity::Low,
    Severity::Low,
    Severity::Low,
    Severity::Medium,
    Severity::Medium,
    Severity::High,
];

/// 200 machines with their users, eight hours, 120 alerts an hour, ending with the recorded alerts.
pub fn big_domain(scene: &mut Scene) {
    const HOURS: i64 = 8;
    let weights: Vec<u64> = (1..=RULES).map(|rank| 1_000_000 / rank).collect();
    for _ in 0..HOURS * 120 {
        let rule = scene.weighted(&weights);
        let number = scene.draw(200);
        let mut named = vec![member(&format!("m{number:03}"), DOMAIN)];
        if scene.rng.chance(600) {
            named.push(user(&format!("u{number:03}"), Role::Actor));
        }
        let at = scene.last_at() - scene.draw(HOURS * HOUR);
        let (title, severity) = (format!("Everyday rule {rule:02}"), LEVELS[rule % LEVELS.len()]);
        scene.add_said(at, &title, severity, &named, NOISE);
    }
}

/// A failed logon every five minutes for six hours on one machine, and in the end one that is none. `source`, if the
/// detector tells where they come from.
pub fn brute(scene: &mut Scene, source: Option<&str>) {
    const HOURS: i64 = 6;
    const MACHINE: &str = "edge-7";
    const ACCOUNT: &str = "backup2";
    let room = scene.last_at() - scene.first_at() - HOURS * HOUR;
    let begin = scene.first_at() + room * 4 / 5;
    let mut at = begin;
    while at < begin + HOURS * HOUR {
        let mut named = vec![about(MACHINE)];
        named.extend(source.map(|source| ip(source, Role::Source)));
        scene.add(at, ("sshd: authentication failed.", Severity::Low), &named, SLOW);
        at += 5 * MINUTE * (300 + scene.draw(1_400)) / 1_000;
    }
    let in_at_last = [about(MACHINE), user(ACCOUNT, Role::Target)];
    scene.add(at, ("sshd: authentication success after failures", Severity::Medium), &in_at_last, SLOW);
    scene.add(at + MINUTE, ("New sudo user", Severity::High), &[about(MACHINE), user(ACCOUNT, Role::Actor)], SLOW);
}

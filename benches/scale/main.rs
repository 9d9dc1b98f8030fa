//! What size costs, against a real broker: memory with many open cases and live keys, a restart with them, and a store
//! built anew from the changelog.
//!
//! `make bench-scale`. docs/benchmarks.md says what the figures show. The last line is
//! `rss_mib=M restart_s=R rebuild_s=B`.

#[allow(dead_code, reason = "each bench uses its part of it")]
#[path = "../rig/mod.rs"]
mod rig;

use std::fs;
use std::time::Duration;

use casewright::testing::load::LoadConfig;

use rig::broker::{Broker, unique_name};
use rig::daemon::{Daemon, Deployment};
use rig::load::Drawn;
use rig::{grouped, median, option, process};

const WITHIN: Duration = Duration::from_secs(1_800);

fn main() {
    let (cases, alerts, runs) = (option("--cases", 100_000), option("--alerts", 1_000_000), option("--runs", 3));
    let broker = Broker::own();
    let input = unique_name("alerts");
    let incidents_max = usize::try_from(cases).expect("it fits");
    let config = LoadConfig { preload: cases, incidents_max, ..LoadConfig::default() };
    Drawn::new(config, alerts).fill(&broker, &input);
    println!("{} alerts, the first {} of which open a case each", grouped(alerts as f64), grouped(cases as f64));
    let deployment = Deployment::new(&broker, &input);
    let mut daemon = deployment.start();
    daemon.await_outcomes(alerts, WITHIN);
    let mut resident = vec![tell("after the load", &daemon)];
    let mut restarts = Vec::new();
    for _ in 0..runs {
        let stopped = daemon.stop();
        daemon = deployment.start();
        resident.push(tell("restarted", &daemon));
        println!("  stopped within {stopped:.2?}, ready after {:.2?}", daemon.ready_after);
        restarts.push(daemon.ready_after.as_secs_f64());
    }
    daemon.kill();
    daemon = deployment.start();
    println!("after kill -9: ready after {:.2?}, the lease's time-out included", daemon.ready_after);
    let mut rebuilds = Vec::new();
    for _ in 0..runs {
        daemon.stop();
        fs::remove_dir_all(deployment.dir.join("store")).expect("the store directory goes");
        daemon = deployment.start();
        resident.push(tell("rebuilt", &daemon));
        println!("  ready after {:.2?}", daemon.ready_after);
        rebuilds.push(daemon.ready_after.as_secs_f64());
    }
    daemon.stop();
    deployment.remove(&broker);
    let resident = resident.into_iter().fold(0.0, f64::max);
    println!("rss_mib={resident:.0} restart_s={:.1} rebuild_s={:.1}", median(&restarts), median(&rebuilds));
}

/// Prints what the daemon holds, and answers its resident memory in MiB.
fn tell(when: &str, daemon: &Daemon) -> f64 {
    let metrics = daemon.await_metric("casewright_live_keys");
    let open = metrics.value("casewright_cases{status=\"new\"}");
    let keys = metrics.value("casewright_live_keys");
    let (now, peak) = (process::memory_mib(daemon.pid, "VmRSS"), process::memory_mib(daemon.pid, "VmHWM"));
    println!(
        "{when}: {} open cases, {} live keys, {now:.0} MiB resident, {peak:.0} MiB at most",
        grouped(open),
        grouped(keys)
    );
    now
}

//! How long an alert takes from its record's timestamp to the commit of its batch, while alerts come at an even rate.

use casewright::testing::load::LoadConfig;

use crate::RUN_WITHIN;
use crate::rig::broker::{Broker, unique_name};
use crate::rig::daemon::Deployment;
use crate::rig::load::{Drawn, PARTITIONS, pacer};
use crate::rig::metrics::{Histogram, Metrics};
use crate::rig::{grouped, process};

const LATENCY: &str = "casewright_alert_latency_seconds";
/// Sent before the measuring begins: caches fill, the broker opens its files.
const WARM_UP_SECONDS: u64 = 5;

/// The 99th percentile in seconds, over so many seconds at `rate` alerts a second.
pub fn measure(broker: &Broker, rate: f64, seconds: u64) -> f64 {
    let input = unique_name("paced");
    broker.create_topics(&[(&input, PARTITIONS)], &[]);
    let deployment = Deployment::new(broker, &input);
    let daemon = deployment.start();
    let count = |seconds: u64| (rate * seconds as f64) as u64;
    let warm = Drawn::new(LoadConfig::default(), count(WARM_UP_SECONDS));
    let alerts = Drawn::new(LoadConfig { seed: 2, ..LoadConfig::default() }, count(seconds));
    let producer = pacer(broker);
    warm.pace(&producer, &input, rate);
    let before = daemon.await_outcomes(warm.len() as u64, RUN_WITHIN);
    let cpu = (process::own_cpu_seconds(), process::cpu_seconds(daemon.pid), process::cpu_seconds(broker.pid()));
    let took = alerts.pace(&producer, &input, rate);
    let after = daemon.await_outcomes((warm.len() + alerts.len()) as u64, RUN_WITHIN);
    let cpu = [
        process::own_cpu_seconds() - cpu.0,
        process::cpu_seconds(daemon.pid) - cpu.1,
        process::cpu_seconds(broker.pid()) - cpu.2,
    ]
    .map(|spent| spent / took.as_secs_f64());
    daemon.stop();
    deployment.remove(broker);
    let latency = since(&after, &before, LATENCY);
    assert!(latency.count as usize == alerts.len(), "{} latencies of {} alerts", latency.count, alerts.len());
    let sizes = since(&after, &before, "casewright_batch_records");
    let achieved = alerts.len() as f64 / took.as_secs_f64();
    println!("\nlatency at {} alerts/s ({} asked for), {seconds} s", grouped(achieved), grouped(rate));
    println!(
        "  mean batch {:.0} records; cores in use: load {:.2}, daemon {:.2}, broker {:.2}",
        sizes.mean(),
        cpu[0],
        cpu[1],
        cpu[2]
    );
    for stage in ["decode", "engine", "produce", "commit"] {
        let labels = format!("stage=\"{stage}\"");
        let name = "casewright_batch_stage_seconds";
        let of = after.histogram(name, &labels).since(&before.histogram(name, &labels));
        println!(
            "  {stage:<8} {:>6.1} ms a batch, {:>4.0} % of the time",
            of.mean() * 1_000.0,
            of.sum / took.as_secs_f64() * 100.0
        );
    }
    let shares = latency.buckets.iter().map(|(bound, below)| (bound, below / latency.count));
    for (bound, share) in shares.filter(|(bound, share)| bound.is_finite() && *share < 1.0) {
        println!("  within {:>6.0} ms {:>7.2} %", bound * 1_000.0, share * 100.0);
    }
    println!("  p50 {:.0} ms, p99 {:.0} ms", latency.quantile(0.5) * 1_000.0, latency.quantile(0.99) * 1_000.0);
    latency.quantile(0.99)
}

fn since(after: &Metrics, before: &Metrics, name: &str) -> Histogram {
    after.histogram(name, "").since(&before.histogram(name, ""))
}

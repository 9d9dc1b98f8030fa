//! End to end against a real broker: the daemon as its users run it, beside the bare loop that does no more than Kafka
//! demands, on the same input and in the same run; then how long an alert takes at half of the daemon's peak.
//!
//! `make bench-e2e`. docs/benchmarks.md says what the figures show and what not. The last line is
//! `end_to_end_ratio=R p99_ms=P`.

#[allow(dead_code, reason = "each bench uses its part of it")]
#[path = "../rig/mod.rs"]
mod rig;

mod bare;
mod latency;
mod outputs;
mod parse;

use std::time::Duration;

use casewright::testing::load::{LoadConfig, Mix, Shape};

use bare::Bare;
use outputs::{Records, WRITTEN};
use rig::broker::Broker;
use rig::daemon::Deployment;
use rig::load::Drawn;
use rig::metrics::Metrics;
use rig::{grouped, median, option, process};

const RUN_WITHIN: Duration = Duration::from_secs(600);

/// What either loop did in one run.
struct Run {
    /// Alerts a second.
    rate: f64,
    /// CPU time of the loop's own process, and of the broker meanwhile, in microseconds an alert.
    own_us: f64,
    broker_us: f64,
}

/// One mix of the load on its topic, and what the daemon makes of it.
struct Field<'a> {
    broker: &'a Broker,
    input: String,
    alerts: u64,
    outputs: [Records; 3],
}

/// The medians of a mix.
struct Figures {
    ratio: f64,
    peak: f64,
}

fn main() {
    let (alerts, runs) = (option("--alerts", 300_000), option("--runs", 5).max(1));
    let hard_runs = option("--hard-runs", runs);
    let broker = Broker::own();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("Apache Kafka at {}, {cores} cores for it, the loops and their load; {runs} runs a side", broker.brokers);
    let default = LoadConfig::default();
    let figures = compare(&broker, &default, "default (68 % attach, 30 % duplicate, 2 % open)", alerts, runs);
    if hard_runs > 0 {
        let hard = LoadConfig { mix: Mix::Hard, ..LoadConfig::default() };
        compare(&broker, &hard, "hard (60 % attach, 20 % duplicate, 20 % open)", alerts, hard_runs);
    }
    let vendor_runs = option("--vendor-runs", hard_runs);
    if vendor_runs > 0 {
        let shapes = vec![Shape::Native, Shape::Hayabusa, Shape::Suricata];
        let vendors = LoadConfig { shapes, ..LoadConfig::default() };
        compare(&broker, &vendors, "default, in native, Hayabusa and Suricata shape by turns", alerts, vendor_runs);
    }
    let rate = match option("--rate", 0) {
        0 => figures.peak / 2.0,
        set => set as f64,
    };
    let p99 = latency::measure(&broker, rate, option("--seconds", 20));
    println!("end_to_end_ratio={:.2} p99_ms={:.0}", figures.ratio, p99 * 1_000.0);
}

/// Both loops in turn over the same topic, so that what else the machine does meets both.
fn compare(broker: &Broker, config: &LoadConfig, named: &str, alerts: u64, runs: u64) -> Figures {
    let drawn = Drawn::new(config.clone(), alerts);
    println!("\n{} alerts, mix {named}, {:.0} bytes each", grouped(alerts as f64), drawn.bytes_per_alert());
    let input = rig::broker::unique_name("alerts");
    drawn.fill(broker, &input);
    drop(drawn);
    let field = Field::survey(broker, input, alerts);
    let (mut bares, mut daemons, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    println!("          alerts/s                 CPU us an alert: own / broker's");
    println!("  run     bare    daemon  ratio    bare          daemon");
    for number in 1..=runs {
        let (bare, daemon) = (field.bare(), field.daemon(false).0);
        ratios.push(daemon.rate / bare.rate);
        println!(
            "  {number:<3} {:>8} {:>9}  {:>5.2}    {:>5.1} / {:<5.1} {:>5.1} / {:<5.1}",
            grouped(bare.rate),
            grouped(daemon.rate),
            daemon.rate / bare.rate,
            bare.own_us,
            bare.broker_us,
            daemon.own_us,
            daemon.broker_us
        );
        bares.push(bare.rate);
        daemons.push(daemon.rate);
    }
    let figures = Figures { ratio: median(&ratios), peak: median(&daemons) };
    println!("  median {:>6} {:>9}  {:>5.2}", grouped(median(&bares)), grouped(figures.peak), figures.ratio);
    figures
}

impl<'a> Field<'a> {
    /// Lets the daemon run once: this warms everything up, and what it wrote is what the bare loop shall write.
    fn survey(broker: &'a Broker, input: String, alerts: u64) -> Self {
        let mut field = Self { broker, input, alerts, outputs: Default::default() };
        let (_, outputs) = field.daemon(true);
        field.outputs = outputs.expect("it was asked for");
        let mut line = String::from("  written per alert:");
        for (which, records) in WRITTEN.iter().zip(&field.outputs) {
            let (count, bytes) = (records.len() as f64 / alerts as f64, records.bytes() as f64 / alerts as f64);
            line.push_str(&format!(" {which} {count:.3} records {bytes:.0} bytes;"));
        }
        println!("{}", line.trim_end_matches(';'));
        field
    }

    fn bare(&self) -> Run {
        let deployment = Deployment::new(self.broker, &self.input);
        let alerts = usize::try_from(self.alerts).expect("it fits");
        let (own, broker) = (process::own_cpu_seconds(), process::cpu_seconds(self.broker.pid()));
        let done = Bare::new(&deployment, &self.input, alerts, &self.outputs).run();
        let (own, broker) = (process::own_cpu_seconds() - own, process::cpu_seconds(self.broker.pid()) - broker);
        let written: (usize, usize) =
            self.outputs.iter().fold((0, 0), |(count, bytes), each| (count + each.len(), bytes + each.bytes()));
        assert_eq!((done.records_out, done.bytes_out), written, "the bare loop must write what the daemon writes");
        deployment.remove(self.broker);
        let (batches, bytes) = (done.batches.len() as f64, done.bytes_out as f64 / self.alerts as f64);
        println!("  bare: {batches} batches, {:.0} bytes written per alert", bytes);
        Run { rate: outputs::rate(&done.batches), own_us: self.per_alert(own), broker_us: self.per_alert(broker) }
    }

    /// The daemon over the whole topic; what it wrote too, if that is asked for.
    fn daemon(&self, with_outputs: bool) -> (Run, Option<[Records; 3]>) {
        let deployment = Deployment::new(self.broker, &self.input);
        let broker_before = process::cpu_seconds(self.broker.pid());
        let daemon = deployment.start();
        let metrics = daemon.await_outcomes(self.alerts, RUN_WITHIN);
        let (own, broker) = (process::cpu_seconds(daemon.pid), process::cpu_seconds(self.broker.pid()) - broker_before);
        let threads = process::thread_seconds(daemon.pid);
        let ready_after = daemon.ready_after;
        let stopped_after = daemon.stop();
        let rate = outputs::rate(&outputs::batches(&deployment));
        let run = Run { rate, own_us: self.per_alert(own), broker_us: self.per_alert(broker) };
        let outputs = with_outputs.then(|| {
            self.tell_stages(&metrics, &threads);
            println!("  ready after {ready_after:.2?}, stopped {stopped_after:.2?} after the last commit was seen");
            WRITTEN.map(|which| Records::read(&deployment, which))
        });
        deployment.remove(self.broker);
        (run, outputs)
    }

    fn per_alert(&self, seconds: f64) -> f64 {
        seconds * 1e6 / self.alerts as f64
    }

    /// Where the daemon's time goes: by stage as it tells it, by thread as the kernel does.
    fn tell_stages(&self, metrics: &Metrics, threads: &[(String, f64)]) {
        let sizes = metrics.histogram("casewright_batch_records", "");
        println!("  batches: {:.0}, mean {:.0} records", sizes.count, sizes.mean());
        println!("  stage      seconds  us/alert  ms/batch");
        for stage in ["decode", "engine", "produce", "commit", "store"] {
            let of = metrics.histogram("casewright_batch_stage_seconds", &format!("stage=\"{stage}\""));
            let mean = of.mean() * 1_000.0;
            println!("  {stage:<9} {:>8.2} {:>9.2} {mean:>9.1}", of.sum, self.per_alert(of.sum));
        }
        println!("  thread           CPU s  us/alert");
        for (name, seconds) in threads.iter().filter(|(_, seconds)| *seconds >= 0.05) {
            println!("  {name:<15} {seconds:>6.2} {:>9.2}", self.per_alert(*seconds));
        }
    }
}

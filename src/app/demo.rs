//! `demo`: everything in one process, with no Kafka and no configuration.

use std::net::SocketAddr;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  casewright demo             feed the bundled alerts and keep serving until Ctrl-C
  casewright demo --once      feed them all, print the summary, end";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// Where health and metrics are served
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8480")]
    pub http: SocketAddr,
    /// Alerts a second
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,
    /// Feed all, print the summary and end
    #[arg(long)]
    pub once: bool,
}

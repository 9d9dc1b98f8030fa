//! `casewright check-config`.

use super::{AppError, ConfigArgs};
use crate::kafka::Client;
use crate::wire::Profiles;

/// Checks everything that `run` would check before it talks to anyone, and says what it comes to.
pub fn run(args: &ConfigArgs) -> Result<(), AppError> {
    let config = args.load()?;
    let profiles = Profiles::load(config.profiles_dir.as_deref())?;
    Client::new(&config.kafka)?;
    super::run::check_profiles(&config, &profiles)?;
    println!("brokers {} as group {}", config.kafka.brokers, config.kafka.group);
    for (key, value) in config.kafka.shown() {
        println!("  {key} = {value}");
    }
    for source in &config.sources {
        println!("source {} read as {}", source.topic, source.profile);
    }
    if config.sources.is_empty() {
        println!("no [[source]]: `casewright run` needs at least one");
    }
    println!("store {}, http {}", config.store.path.display(), config.http.bind);
    println!("policy sha256:{}", hex(&config.policy.digest));
    println!("ok");
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

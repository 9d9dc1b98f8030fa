//! `casewright normalize`.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use super::lines::{each_line, written_at};
use super::{AppError, ConfigArgs};
use crate::config::{SourceConfig, TenantRule};
use crate::model::Tenant;
use crate::wire::{AUTO, Decoder, Profiles, normalize};

#[derive(Debug, clap::Args)]
pub struct NormalizeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How the lines are read: a profile's name, or auto.
    #[arg(long, default_value = AUTO, value_name = "NAME")]
    profile: String,
    /// Files of one record a line; `-` is stdin, `.gz` and `.zst` are read as they are.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

pub fn run(args: &NormalizeArgs) -> Result<(), AppError> {
    let config = args.config.load()?;
    let profiles = Profiles::load(config.profiles_dir.as_deref())?;
    let source = source(&profiles, &args.profile, "default")?;
    let decoder = Decoder::new(Arc::new(profiles), config.limits);
    // A record that has no time of its own gets Kafka's; here that is when the file was written.
    let came_at = written_at(&args.files);
    let mut out = BufWriter::new(std::io::stdout().lock());
    each_line(&args.files, &mut |_, number, bytes| {
        let line = normalize::line(&decoder, &source, number, bytes, Some(came_at));
        writeln!(out, "{line}").map_err(writing)
    })?;
    out.flush().map_err(writing)
}

fn writing(source: std::io::Error) -> AppError {
    AppError::Io { doing: "writing".to_owned(), source }
}

/// A source for lines that come from no topic.
pub fn source(profiles: &Profiles, profile: &str, tenant: &str) -> Result<SourceConfig, AppError> {
    if profile != AUTO && !profiles.contains(profile) {
        let known = profiles.names().join(", ");
        return Err(AppError::Usage(format!("--profile {profile}: known are auto, {known}")));
    }
    let tenant = Tenant::parse(tenant).map_err(|error| AppError::Usage(format!("--tenant {tenant}: {error}")))?;
    let tenant = vec![TenantRule::Header("tenant".to_owned()), TenantRule::Field, TenantRule::Constant(tenant)];
    Ok(SourceConfig { topic: String::new(), profile: profile.into(), tenant, timezone: None, start_at: None })
}

//! Where logs go and how they look: to stderr, as text on a terminal and as JSON otherwise, so that a collector never has
//! to guess.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Quiet libraries: their news is for those who ask.
const DEFAULT_FILTER: &str = "info,rdkafka=warn,sled=warn,librdkafka=warn";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// In the syntax of RUST_LOG: `info`, `casewright=debug,warn`.
    pub filter: Option<String>,
    pub color: Color,
    /// The value of NO_COLOR, if there is one; an empty one counts as none (no-color.org).
    pub no_color: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("`{filter}` is not a log filter, write a level or target=level with commas between")]
    Filter {
        filter: String,
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    #[error("logging is set up already")]
    Twice,
}

/// Once per process.
pub fn set_up(options: &LogOptions) -> Result<(), LogError> {
    let filter = options.filter.as_deref().unwrap_or(DEFAULT_FILTER);
    let env_filter =
        EnvFilter::try_new(filter).map_err(|source| LogError::Filter { filter: filter.to_owned(), source })?;
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(env_filter).with_writer(std::io::stderr);
    let outcome = if terminal {
        builder.with_ansi(colored(options, terminal)).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    };
    outcome.map_err(|_| LogError::Twice)
}

fn colored(options: &LogOptions, terminal: bool) -> bool {
    match options.color {
        Color::Auto => terminal && !options.no_color,
        Color::Always => true,
        Color::Never => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_follows_the_flag_then_the_environment_then_the_terminal() {
        let options = |color, no_color| LogOptions { filter: None, color, no_color };
        assert!(colored(&options(Color::Auto, false), true));
        assert!(!colored(&options(Color::Auto, true), true));
        assert!(!colored(&options(Color::Auto, false), false));
        assert!(colored(&options(Color::Always, true), false));
        assert!(!colored(&options(Color::Never, false), true));
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let options = LogOptions { filter: Some("casewright=loud".into()), ..LogOptions::default() };
        let error = set_up(&options).unwrap_err().to_string();
        assert!(error.starts_with("`casewright=loud` is not a log filter"), "{error}");
    }
}

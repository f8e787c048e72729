//! What the server logs: to standard error, for people or for programs.

use crate::config::{LogConfig, LogFormat};
use tracing_subscriber::EnvFilter;

/// The variable that stands over the configuration.
pub const VARIABLE: &str = "MUSTER_LOG";

/// The filter cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the log filter {filter:?} (MUSTER_LOG, or log.filter) cannot be read; write such as info,muster_app=debug"
)]
pub struct LogError {
    filter: String,
    #[source]
    cause: tracing_subscriber::filter::ParseError,
}

/// Begins to log. Once for each process.
pub fn start(config: &LogConfig) -> Result<(), LogError> {
    let filter = std::env::var(VARIABLE).unwrap_or_else(|_| config.filter.clone());
    let parsed = EnvFilter::try_new(&filter).map_err(|cause| LogError { filter, cause })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(parsed)
        .with_writer(std::io::stderr);
    // Whoever logs already, such as a test, goes on with that.
    let _ = match config.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}

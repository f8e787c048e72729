//! How a command can end other than well, and with which exit status.

use crate::client::ClientError;
use crate::credentials::CredentialsError;
use crate::input::InputError;
use crate::set::SetError;
use muster_api::problem::{FindingView, ProblemDocument};
use muster_domain::chain;
use muster_domain::text::escaped;
use muster_release::bundle::BundleError;
use muster_release::registry::RegistryError;
use muster_release::signature::sign::SignError;
use muster_release::statement::StatementError;
use serde_json::{Value, json};
use std::io;
use std::process::ExitCode;

/// Told in `muster --help`.
pub(crate) const EXIT_STATUSES: &str = "\
Exit status:
  0  it was done
  1  it was refused, and why is said
  2  wrong usage: arguments, or a file that cannot be read, written or understood
  3  what was named does not exist
  4  the server or the registry cannot be reached, is not the one that was meant, or refuses who
     asks
  5  a watched run ended, and on some device it was not done: failed, timed-out, cancelled,
     not-supported or missed
  6  `muster apply --plan` found something that it would change

With `--output json`, standard error holds one JSON object for an error: the server's problem
document (RFC 9457), or an object with `detail` for what went wrong on this side.

Environment:
  MUSTER_SERVER      https://host:port, in place of the one that was logged in to
  MUSTER_TOKEN       the administrator's token
  MUSTER_CA_FILE     PEM file of the server's CA certificate
  MUSTER_CONFIG_DIR  folder of credentials.toml; ~/.config/muster if not set
  MUSTER_REGISTRY_CREDENTIALS, MUSTER_REGISTRY_CA
                     in place of --credentials and --registry-ca
  NO_COLOR           no colours, if set and not empty";

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Set(#[from] SetError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Arguments that do not fit together or to what is there.
    #[error("{0}")]
    Usage(String),
    /// Something was named that is not there.
    #[error("{0}")]
    NotFound(String),
    /// The server looked at something and would not do it. All was said already.
    #[error("{0}")]
    Refused(String),
    /// A plug-in under test gave no answer. It takes several lines to say why.
    #[cfg(feature = "author")]
    #[error("{0}")]
    Fault(String),
    /// A plan that was only looked at would change something. All was said already.
    #[error("the server is not as the files say")]
    WouldChange,
    /// The person said no.
    #[error("nothing was done")]
    Declined,
    /// A watched run ended, and not well everywhere.
    #[error("run {run} ended, and on {devices} of {total} devices it was not done")]
    NotDone { run: i64, devices: u64, total: u64 },
    #[error("cannot write the answer")]
    Output(#[source] io::Error),
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Self::Output(cause)
    }
}

impl Failure {
    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Client(error) => error.status(),
            Self::Registry(error) => registry_status(error),
            Self::Credentials(_) => 4,
            Self::NotFound(_) => 3,
            Self::Refused(_) | Self::Declined => 1,
            #[cfg(feature = "author")]
            Self::Fault(_) => 1,
            Self::NotDone { .. } => 5,
            Self::WouldChange => 6,
            Self::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Input(_)
            | Self::Set(_)
            | Self::Bundle(_)
            | Self::Statement(_)
            | Self::Sign(_)
            | Self::Usage(_)
            | Self::Output(_) => 2,
        }
    }

    fn problem(&self) -> Option<(&ProblemDocument, &Value)> {
        match self {
            Self::Client(ClientError::Problem { document, raw, .. }) => Some((document, raw)),
            _ => None,
        }
    }

    /// Tells it on standard error and gives the exit status.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        use std::io::Write as _;
        let status = self.status();
        if status != 0 {
            let text = if json { self.as_json() } else { self.as_text() };
            // Nobody can be told when standard error is closed.
            let _ = writeln!(io::stderr(), "{text}");
        }
        ExitCode::from(status)
    }

    fn as_json(&self) -> String {
        match self.problem() {
            Some((_, raw)) => escaped(&raw.to_string()).into_owned(),
            None => escaped(&json!({ "detail": chain(self) }).to_string()).into_owned(),
        }
    }

    fn as_text(&self) -> String {
        let text = format!("error: {}", chain(self));
        let mut text = match self {
            #[cfg(feature = "author")]
            Self::Fault(_) => crate::output::clean_lines(&text),
            _ => crate::output::clean(&text),
        };
        if let Some((problem, _)) = self.problem() {
            for finding in &problem.findings {
                text.push_str("\n  ");
                text.push_str(&finding_line(finding));
            }
            if problem.status >= 500
                && let Some(request) = &problem.request
            {
                text.push_str("\n  ");
                text.push_str(&crate::output::clean(&format!(
                    "the server's log says more about request {request}"
                )));
            }
        }
        text
    }
}

fn registry_status(error: &RegistryError) -> u8 {
    match error {
        RegistryError::NotFound { .. } => 3,
        RegistryError::Unreachable { .. }
        | RegistryError::Late { .. }
        | RegistryError::Credentials { .. } => 4,
        RegistryError::Reference(_) | RegistryError::Certificates => 2,
        _ => 1,
    }
}

/// A finding on one line: its place, its level unless it is an error, its text.
pub(crate) fn finding_line(finding: &FindingView) -> String {
    use muster_domain::finding::Level;
    let place = if finding.pointer.is_empty() {
        "(settings)"
    } else {
        &finding.pointer
    };
    let level = match finding.level {
        Level::Error => "",
        Level::Warning => "warning: ",
        Level::Notice => "notice: ",
    };
    crate::output::clean(&format!(
        "{place}: {level}{} [{}]",
        finding.text, finding.code
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pipe_is_no_error() {
        let status = |kind| Failure::from(io::Error::from(kind)).status();
        assert_eq!(status(io::ErrorKind::BrokenPipe), 0);
        assert_eq!(status(io::ErrorKind::StorageFull), 2);
    }
}

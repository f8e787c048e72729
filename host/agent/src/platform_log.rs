//! The platform's own log: journald or syslog on Linux. The Windows event log is to follow as one
//! more variant.

use crate::config::PlatformLogChoice;
use crate::store::log::Entry;
use muster_domain::event::Severity;
use std::path::Path;

const JOURNALD: &str = libsystemd::logging::SD_JOURNAL_SOCK_PATH;
const SYSLOG: &str = "/dev/log";
const NAME: &str = "muster-agent";

/// Which log of the platform is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformLog {
    /// systemd's journal, with a field for each part of an entry.
    Journald,
    /// The socket of syslog, with the parts in the text.
    Syslog,
    /// None.
    None,
}

/// An entry did not get into the platform's log.
#[derive(Debug, thiserror::Error)]
pub enum PlatformLogError {
    /// journald did not take it.
    #[error("journald did not take the entry")]
    Journald(#[source] libsystemd::errors::SdError),
    /// syslog did not take it.
    #[error("syslog did not take the entry")]
    Syslog(#[source] syslog::Error),
}

impl PlatformLog {
    /// The log that is there, of those that the choice leaves.
    pub fn choose(choice: PlatformLogChoice) -> Self {
        match choice {
            PlatformLogChoice::Journald => Self::Journald,
            PlatformLogChoice::Syslog => Self::Syslog,
            PlatformLogChoice::Auto if Path::new(JOURNALD).exists() => Self::Journald,
            PlatformLogChoice::Auto if Path::new(SYSLOG).exists() => Self::Syslog,
            PlatformLogChoice::Auto | PlatformLogChoice::None => Self::None,
        }
    }

    /// Writes one entry of the local log.
    pub fn write(self, entry: &Entry) -> Result<(), PlatformLogError> {
        match self {
            Self::Journald => libsystemd::logging::journal_send(
                priority(entry.severity),
                &entry.text,
                fields(entry).into_iter(),
            )
            .map_err(PlatformLogError::Journald),
            Self::Syslog => write_syslog(entry).map_err(PlatformLogError::Syslog),
            Self::None => Ok(()),
        }
    }
}

/// The parts of an entry by names that journald takes: `MUSTER_RUN`, `MUSTER_STATE`.
fn fields(entry: &Entry) -> Vec<(String, String)> {
    let mut fields = vec![
        ("SYSLOG_IDENTIFIER".to_owned(), NAME.to_owned()),
        ("MUSTER_EVENT".to_owned(), entry.kind.clone()),
        ("MUSTER_ENTRY".to_owned(), entry.id.to_string()),
    ];
    if let Some(run) = entry.run {
        fields.push(("MUSTER_RUN".to_owned(), run.to_string()));
    }
    for (name, value) in &entry.fields {
        fields.push((
            format!("MUSTER_{}", name.to_uppercase().replace(['-', '.'], "_")),
            value.clone(),
        ));
    }
    fields
}

fn priority(severity: Severity) -> libsystemd::logging::Priority {
    match severity {
        Severity::Info => libsystemd::logging::Priority::Info,
        Severity::Warning => libsystemd::logging::Priority::Warning,
        Severity::Critical => libsystemd::logging::Priority::Critical,
    }
}

fn write_syslog(entry: &Entry) -> Result<(), syslog::Error> {
    let formatter = syslog::Formatter3164 {
        facility: syslog::Facility::LOG_DAEMON,
        hostname: None,
        process: NAME.to_owned(),
        pid: std::process::id(),
    };
    // A connection for each entry: entries are rare, and syslog may have been restarted meanwhile.
    let mut logger = syslog::unix(formatter)?;
    let text = syslog_text(entry);
    match entry.severity {
        Severity::Info => logger.info(text),
        Severity::Warning => logger.warning(text),
        Severity::Critical => logger.crit(text),
    }
}

fn syslog_text(entry: &Entry) -> String {
    let parts: Vec<String> = fields(entry)
        .into_iter()
        .skip(1)
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!(
        "{} [{}]",
        entry.text.replace(['\n', '\r'], " "),
        parts.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_domain::RunId;

    #[test]
    fn an_entry_has_its_parts_by_name() {
        let entry = Entry {
            id: 4,
            at: jiff::Timestamp::UNIX_EPOCH,
            kind: "task.ended".into(),
            severity: Severity::Info,
            text: "Task \"nightly\" is over.\nx".into(),
            run: Some(RunId(3)),
            fields: vec![
                ("state".into(), "completed".into()),
                ("task-name".into(), "nightly".into()),
            ],
        };
        assert!(fields(&entry).contains(&("MUSTER_TASK_NAME".into(), "nightly".into())));
        assert_eq!(
            syslog_text(&entry),
            r#"Task "nightly" is over. x [MUSTER_EVENT="task.ended" MUSTER_ENTRY="4" MUSTER_RUN="3" MUSTER_STATE="completed" MUSTER_TASK_NAME="nightly"]"#
        );
    }
}

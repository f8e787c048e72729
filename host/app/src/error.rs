//! Why something was not done, and whose fault it was.

use crate::application::Absence;
use crate::trust::TrustUnreadable;
use crate::vault::VaultError;
use muster_domain::finding::Finding;
use muster_domain::{ApplicationId, TaskTypeId};
use muster_plugin_host::{CallError, Fault, LoadError};
use muster_release::bundle::BundleError;
use muster_release::registry::RegistryError;
use muster_release::trust::TrustRefusal;
use muster_storage::StorageError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is no such thing.
    #[error("there is no {what} {name:?}")]
    NotFound {
        /// `device`, `task`, …
        what: &'static str,
        /// How it was named.
        name: String,
    },
    /// The application has no loaded plug-in, so that nobody can say what its tasks mean.
    #[error("application {application} has no loaded management plug-in: {reason}")]
    ApplicationWithoutPlugin {
        /// The application.
        application: ApplicationId,
        /// Whether and how there was one before.
        reason: Absence,
    },
    /// The application's plug-in knows no such task type.
    #[error("application {application} has no task type {task_type}; it has {}", known.join(", "))]
    UnknownTaskType {
        /// The application.
        application: ApplicationId,
        /// The type that was asked for.
        task_type: TaskTypeId,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The settings cannot be used.
    #[error("the settings cannot be used: {}", summary(findings))]
    SettingsInvalid {
        /// Everything that is wrong, and what else there is to say.
        findings: Vec<Finding>,
    },
    /// A schedule, a window or a selection cannot be used.
    #[error("the {what} cannot be used: {}", summary(findings))]
    FormInvalid {
        /// `schedule`, `window`, `selection`.
        what: &'static str,
        /// Everything that is wrong.
        findings: Vec<Finding>,
    },
    /// The request itself cannot be used.
    #[error("{text}")]
    Invalid {
        /// Stable.
        code: &'static str,
        /// What is wrong and what would be right.
        text: String,
    },
    /// It does not go with how things stand.
    #[error("{text}")]
    Conflict {
        /// Stable.
        code: &'static str,
        /// How things stand and what would help.
        text: String,
    },
    /// The caller is not who may do this.
    #[error("{text}")]
    Denied {
        /// Stable.
        code: &'static str,
        /// Why, and what would help.
        text: String,
    },
    /// A plug-in was asked and gave no answer.
    #[error(transparent)]
    Plugin(#[from] CallError),
    /// A component is no plug-in.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A file or an upload is no release.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A release could not be had from a registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The trust store refuses it.
    #[error(transparent)]
    Trust(#[from] TrustRefusal),
    /// The trust store cannot be read, so nothing is trusted.
    #[error(
        "the trust store cannot be read, so nothing is admitted; remove the row that is named with \
         `muster trust key remove NUMBER`, or restore the database"
    )]
    TrustUnreadable(#[source] TrustUnreadable),
    /// The database failed.
    #[error(transparent)]
    Storage(StorageError),
    /// A secret cannot be sealed or opened.
    #[error("the vault cannot be used")]
    Vault(#[source] VaultError),
    /// A file of the server's own could not be read or written.
    #[error("cannot {doing} {file}")]
    File {
        /// `read`, `write`, …
        doing: &'static str,
        /// The file.
        file: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

impl From<StorageError> for AppError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Constraint("group_name_taken") => Self::Conflict {
                code: "group-name-taken",
                text: "there is a group of this name beside it already; choose another name".into(),
            },
            StorageError::Constraint("device_name_taken") => Self::Conflict {
                code: "device-name-taken",
                text: "another device has this name already; choose another, or remove that device"
                    .into(),
            },
            StorageError::Constraint("administrator_name_taken") => Self::Conflict {
                code: "administrator-name-taken",
                text: "there is an administrator of this name already; choose another name".into(),
            },
            StorageError::Constraint("window_name_taken") => Self::Conflict {
                code: "window-name-taken",
                text: "there is a window of this name already; choose another name".into(),
            },
            StorageError::Constraint("selection_name_taken") => Self::Conflict {
                code: "selection-name-taken",
                text: "there is a selection of this name already; choose another name".into(),
            },
            StorageError::Constraint("trust_credential_known") => Self::Conflict {
                code: "credential-known",
                text:
                    "this key or identity is in the trust store already; `muster trust key list` \
                       and `muster trust identity list` show it"
                        .into(),
            },
            StorageError::Constraint("plugin_current") => Self::Conflict {
                code: "plugin-installed-meanwhile",
                text:
                    "somebody else installed a plug-in for this application meanwhile; look, and \
                       try again"
                        .into(),
            },
            other => Self::Storage(other),
        }
    }
}

impl AppError {
    /// Stable, lower-case with hyphens: the kind of error, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not-found",
            Self::ApplicationWithoutPlugin { .. } => "application-without-plugin",
            Self::UnknownTaskType { .. } => "unknown-task-type",
            Self::SettingsInvalid { .. } => "settings-invalid",
            Self::FormInvalid { what: "window", .. } => "window-invalid",
            Self::FormInvalid {
                what: "selection", ..
            } => "selection-invalid",
            Self::FormInvalid {
                what: "rollout", ..
            } => "rollout-invalid",
            Self::FormInvalid { .. } => "schedule-invalid",
            Self::Invalid { code, .. }
            | Self::Conflict { code, .. }
            | Self::Denied { code, .. } => code,
            Self::Plugin(error) => match &error.failure {
                failure if failure.is_busy() => "busy",
                muster_plugin_host::CallFailure::Compiling => "plugin-compiling",
                _ => "plugin-fault",
            },
            Self::Load(error) if error.fault() == Fault::Us => "server-fault",
            Self::Load(error) if error.fault() == Fault::Caller => "busy",
            Self::Load(_) => "plugin-invalid",
            Self::Bundle(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::Trust(refusal) => refusal.code(),
            Self::TrustUnreadable(_) => "trust-store-unreadable",
            Self::Storage(StorageError::Full) => "disk-full",
            Self::File { cause, .. } if cause.kind() == std::io::ErrorKind::StorageFull => {
                "disk-full"
            }
            Self::Storage(_) | Self::File { .. } | Self::Vault(_) => "server-fault",
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotFound { .. }
            | Self::ApplicationWithoutPlugin { .. }
            | Self::UnknownTaskType { .. }
            | Self::SettingsInvalid { .. }
            | Self::FormInvalid { .. }
            | Self::Invalid { .. }
            | Self::Conflict { .. }
            | Self::Denied { .. }
            | Self::Bundle(_)
            | Self::Registry(_)
            | Self::Trust(_) => Fault::Caller,
            Self::Plugin(error) => error.fault(),
            Self::Load(error) => error.fault(),
            Self::TrustUnreadable(_) | Self::Storage(_) | Self::File { .. } | Self::Vault(_) => {
                Fault::Us
            }
        }
    }

    /// Whether a plug-in could not be asked, or loaded, at this moment: nothing is to be concluded
    /// of it from that.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Plugin(error) => error.failure.is_passing(),
            Self::Load(error) => error.is_passing(),
            _ => false,
        }
    }

    pub(crate) fn not_found(what: &'static str, name: &(impl ToString + ?Sized)) -> Self {
        Self::NotFound {
            what,
            name: name.to_string(),
        }
    }
}

fn summary(findings: &[Finding]) -> String {
    let texts: Vec<String> = findings
        .iter()
        .map(|finding| match finding.pointer.as_str() {
            "" => finding.text.clone(),
            pointer => format!("{pointer}: {}", finding.text),
        })
        .collect();
    texts.join(" ")
}

/// A text with a full stop at its end, and only one.
pub(crate) fn sentence(text: String) -> String {
    if text.ends_with('.') {
        return text;
    }
    text + "."
}

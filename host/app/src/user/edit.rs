//! What every kind of edit needs: who asks, what the user may do, and how the end of it is written down.

use super::Policies;
use crate::error::sentence;
use crate::{App, AppError};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::finding::Finding;
use muster_domain::merge::FieldChange;
use muster_domain::user::{Edit, EditOutcome, EditedTask, Rights};
use muster_domain::{ApplicationId, TaskId};
use muster_storage::Connection;
use muster_storage::device::device_get;
use muster_storage::event::event_insert;
use muster_storage::user::{
    UserEditRow, user_edit_answer, user_edit_get, user_edit_scrub, user_edit_task_set,
};
use serde_json::{Value, json};

/// Whether an edit is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Took {
    Settled,
    Waits {
        /// It is worth while to look again in a moment.
        passing: bool,
    },
}

/// An edit that is looked at.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) row: UserEditRow,
    /// What the device's user may do now. Nothing on a device that is gone.
    pub(super) rights: Rights,
    device_name: String,
}

/// Which task an edit is about.
pub(super) enum Found {
    Task(TaskId),
    /// The edit that was to create it was refused.
    NeverCreated,
    /// The edit that is to create it waits.
    NotYet,
}

impl Asked {
    pub(super) async fn new(app: &App, row: UserEditRow) -> Result<Self, AppError> {
        let mut connection = app.0.storage.read().await?;
        let device = device_get(&mut connection, row.device).await?;
        let policies = Policies::read(&mut connection).await?;
        let rights = device.as_ref().map(|device| policies.rights(device.group));
        Ok(Self {
            device_name: device.map_or_else(|| row.device.to_string(), |device| device.name),
            rights: rights.unwrap_or_default(),
            row,
        })
    }

    pub(super) fn actor(&self) -> Actor {
        Actor::DeviceUser(self.row.device, self.row.user.clone())
    }

    /// As sentences name the user.
    pub(super) fn who(&self) -> String {
        format!("user {} of {}", self.row.user, self.device_name)
    }

    pub(super) async fn found(&self, app: &App, task: &EditedTask) -> Result<Found, AppError> {
        let by = match task {
            EditedTask::Known(task) => return Ok(Found::Task(*task)),
            EditedTask::Created(by) => by,
        };
        let mut connection = app.0.storage.read().await?;
        let made = user_edit_get(&mut connection, self.row.device, by).await?;
        Ok(match made {
            Some(UserEditRow {
                task: Some(task),
                edit: Some(Edit::Create(_)),
                ..
            }) => Found::Task(task),
            Some(made) if made.outcome.is_none() => Found::NotYet,
            _ => Found::NeverCreated,
        })
    }

    /// Writes the end of the edit and its events. False if somebody else did, so that nothing of it is to
    /// be kept.
    pub(super) async fn settle(
        &self,
        connection: &mut Connection,
        (task, application): (Option<TaskId>, Option<ApplicationId>),
        outcome: &EditOutcome,
        what: (&str, String),
    ) -> Result<(), AppError> {
        let now = muster_clock::now();
        if let Some(task) = task {
            user_edit_task_set(connection, self.row.place, task).await?;
        }
        if !user_edit_answer(connection, self.row.place, outcome, now).await? {
            return Err(AppError::Conflict {
                code: "edit-settled-meanwhile",
                text: format!("edit {} is over already", self.row.id),
            });
        }
        let subject = Subject {
            application,
            task,
            device: Some(self.row.device),
            ..Subject::default()
        };
        let fields = json!({
            "edit": self.row.id.as_str(),
            "user": self.row.user,
            "outcome": outcome.word(),
        });
        let (kind, text) = what;
        let severity = match outcome {
            EditOutcome::Taken { .. } => Severity::Info,
            _ => Severity::Warning,
        };
        let mut events = vec![
            NewEvent::new(kind, severity, self.actor(), text)
                .about(subject.clone())
                .with(fields),
        ];
        // What is lost of an edit that is taken has a word of its own. Values stand in the record alone.
        let lost: Vec<&str> = outcome
            .lost()
            .iter()
            .map(|lost| lost.pointer.as_str())
            .collect();
        if !lost.is_empty() && matches!(outcome, EditOutcome::Taken { .. }) {
            let text = format!(
                "An administrator had changed the same as {}: {} stayed as it was.",
                self.who(),
                lost.join(", ")
            );
            let fields =
                json!({ "edit": self.row.id.as_str(), "user": self.row.user, "lost": lost });
            events.push(
                NewEvent::new(
                    "task.user-change-lost",
                    Severity::Warning,
                    self.actor(),
                    text,
                )
                .about(subject)
                .with(fields),
            );
        }
        Ok(event_insert(connection, now, &events).await?)
    }

    /// The end of an edit of which nothing holds.
    pub(super) async fn end(
        &self,
        app: &App,
        about: (Option<TaskId>, Option<ApplicationId>),
        outcome: EditOutcome,
    ) -> Result<Took, AppError> {
        let asked = self.clone();
        let (kind, why) = match &outcome {
            EditOutcome::Refused { reason, .. } => ("task.user-change-refused", reason.clone()),
            EditOutcome::Lost { reason, .. } => ("task.user-change-lost", reason.clone()),
            EditOutcome::Taken { .. } => {
                ("task.changed-on-device", "nothing was left to do".into())
            }
        };
        let word = asked.row.edit.as_ref().map_or("change", Edit::word);
        let text = sentence(format!(
            "The wish of {} to {word} a task: {why}",
            self.who()
        ));
        app.logged(move |connection| {
            Box::pin(async move {
                if let EditOutcome::Refused { .. } = &outcome {
                    // What nobody agreed to may hold anything, secrets too.
                    let bare = asked.row.edit.clone().map(bare);
                    user_edit_scrub(connection, asked.row.place, bare.as_ref()).await?;
                }
                asked
                    .settle(connection, about, &outcome, (kind, text))
                    .await
            })
        })
        .await?;
        muster_crash_point::reach("user.committed");
        Ok(Took::Settled)
    }

    pub(super) async fn not_allowed(&self, app: &App) -> Result<Took, AppError> {
        let reason = "the policy of the device's group allows no local tasks of its user";
        self.end(
            app,
            (None, None),
            refused("not-allowed", reason, Vec::new()),
        )
        .await
    }

    pub(super) async fn refuse(&self, app: &App, error: &AppError) -> Result<Took, AppError> {
        if error.code() == "edit-settled-meanwhile" {
            return Ok(Took::Settled);
        }
        let findings = match error {
            AppError::SettingsInvalid { findings } | AppError::FormInvalid { findings, .. } => {
                findings.clone()
            }
            _ => Vec::new(),
        };
        let reason = muster_domain::chain(error);
        self.end(app, (None, None), refused(error.code(), &reason, findings))
            .await
    }
}

pub(super) fn refused(code: &str, reason: &str, findings: Vec<Finding>) -> EditOutcome {
    EditOutcome::Refused {
        code: code.into(),
        reason: reason.into(),
        findings,
    }
}

/// An edit without what stands in its settings.
fn bare(edit: Edit) -> Edit {
    match edit {
        Edit::Create(mut new) => {
            new.settings = muster_domain::settings::Settings::empty();
            Edit::Create(new)
        }
        Edit::Change {
            task,
            base,
            changes,
        } => {
            let hide = |change: FieldChange| FieldChange {
                to: change
                    .to
                    .filter(|_| !change.pointer.starts_with("/settings"))
                    .or(Some(Value::Null)),
                pointer: change.pointer,
            };
            let changes = changes.into_iter().map(hide).collect();
            Edit::Change {
                task,
                base,
                changes,
            }
        }
        other @ Edit::Delete { .. } => other,
    }
}

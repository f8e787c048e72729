//! Uploads: how far a component got in the gate, and why it was refused.

use super::revision_event;
use crate::error::sentence;
use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::chain;
use muster_domain::event::{Actor, Severity};
use muster_domain::revision::RevisionState;
use muster_storage::event::event_insert;
use muster_storage::plugin::upload::{UploadRow, upload_delete, upload_list, upload_put};

impl App {
    /// Writes down a step of the gate, with its event.
    pub(super) async fn upload_step(
        &self,
        upload: &mut UploadRow,
        state: RevisionState,
    ) -> Result<(), AppError> {
        upload.state = state;
        let event = revision_event(
            &format!("plugin.{state}"),
            Severity::Info,
            upload.uploaded_by.clone(),
            upload.application.as_ref(),
            format!("Component {} was {state}.", upload.digest.short()),
            serde_json::json!({ "digest": upload.digest, "state": state }),
        );
        let upload = upload.clone();
        self.logged(move |connection| {
            Box::pin(async move {
                upload_put(connection, &upload).await?;
                Ok(event_insert(connection, Timestamp::now(), &[event]).await?)
            })
        })
        .await
    }

    /// Keeps the reason for which the gate refused a component.
    pub(super) async fn upload_refused(
        &self,
        upload: &UploadRow,
        error: &AppError,
    ) -> Result<(), AppError> {
        let why = chain(error);
        tracing::warn!(digest = %upload.digest, %why, "a plug-in was refused");
        let upload = UploadRow {
            state: RevisionState::Refused,
            code: Some(error.code().to_owned()),
            reason: Some(why.clone()),
            ..upload.clone()
        };
        let event = revision_event(
            "plugin.refused",
            Severity::Warning,
            upload.uploaded_by.clone(),
            upload.application.as_ref(),
            sentence(format!(
                "Plug-in {} was refused: {why}",
                upload.digest.short()
            )),
            serde_json::json!({ "digest": upload.digest, "code": error.code(), "reason": why }),
        );
        self.logged(move |connection| {
            Box::pin(async move {
                upload_put(connection, &upload).await?;
                Ok(event_insert(connection, Timestamp::now(), &[event]).await?)
            })
        })
        .await
    }

    /// What was in the gate when the server ended is given up: nobody waits for it any more.
    pub(super) async fn uploads_give_up(&self) -> Result<(), AppError> {
        self.logged(|connection| {
            Box::pin(async move {
                for upload in upload_list(connection).await? {
                    if upload.state == RevisionState::Refused {
                        continue;
                    }
                    upload_delete(connection, upload.digest).await?;
                    let event = revision_event(
                        "plugin.given-up",
                        Severity::Warning,
                        Actor::Server,
                        upload.application.as_ref(),
                        format!(
                            "The install of component {} was given up, as the server ended.",
                            upload.digest.short()
                        ),
                        serde_json::json!({ "digest": upload.digest, "state": upload.state }),
                    );
                    event_insert(connection, Timestamp::now(), &[event]).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

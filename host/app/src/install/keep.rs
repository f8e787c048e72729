//! Keep: the last revisions that were at work stay for a roll-back. Older ones go, unless a delivery
//! under way was translated by them, and so do files that belong to nothing.

use super::revision_event;
use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::chain;
use muster_domain::event::{Actor, Severity};
use muster_domain::revision::RevisionState;
use muster_domain::{ApplicationId, Digest};
use muster_storage::delivery::delivery_plugins;
use muster_storage::event::event_insert;
use muster_storage::plugin::upload::upload_list;
use muster_storage::plugin::{plugin_digests_kept, plugin_revisions, plugin_state_set};
use std::collections::BTreeSet;

impl App {
    /// Marks the revisions as removed that are beyond those to be kept.
    pub(super) async fn revisions_trim(&self, application: &ApplicationId) -> Result<(), AppError> {
        let (keep, application) = (self.0.keep_revisions, application.clone());
        self.logged(move |connection| {
            Box::pin(async move {
                let now = Timestamp::now();
                let used = delivery_plugins(connection).await?;
                let rows = plugin_revisions(connection, &application).await?;
                let older = rows
                    .into_iter()
                    .filter(|row| row.state == RevisionState::Superseded)
                    .skip(keep)
                    .filter(|row| !used.contains(&row.digest));
                for row in older {
                    let state = RevisionState::Removed;
                    plugin_state_set(connection, &application, row.digest, state, None, now)
                        .await?;
                    let text = format!(
                        "Version {} of the plug-in of {} is no longer kept: {keep} others are.",
                        row.description.version, row.description.name
                    );
                    let fields = serde_json::json!({ "digest": row.digest, "state": state });
                    let severity = Severity::Info;
                    let event = revision_event(
                        "plugin.forgotten",
                        severity,
                        Actor::Server,
                        Some(&application),
                        text,
                        fields,
                    );
                    event_insert(connection, now, &[event]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Removes the files that belong to no revision that is kept.
    pub(crate) async fn components_clean(&self) -> Result<(), AppError> {
        // Whoever installs has written its file before its row.
        let _alone = self.0.component_use.write().await;
        // Before the rows: what a component on its way has compiled by now, has its row by now.
        let there = self.0.plugin_host.compiled_there();
        let mut connection = self.0.storage.read().await?;
        // In this order: what leaves the gate meanwhile is a revision by then.
        let in_gate = upload_list(&mut connection).await?.into_iter();
        let in_gate = in_gate.filter(|upload| upload.state != RevisionState::Refused);
        let mut compiled: BTreeSet<Digest> = in_gate.map(|upload| upload.digest).collect();
        let kept = plugin_digests_kept(&mut connection).await?;
        drop(connection);
        compiled.extend(&kept);
        muster_crash_point::reach("keep.before-delete");
        self.0.applications.spare_retain(&kept);
        let app = self.clone();
        tokio::task::spawn_blocking(move || {
            app.0.components.retain(&kept)?;
            app.0.plugin_host.compiled_retain(there, &compiled);
            Ok(())
        })
        .await
        .map_err(|cause| AppError::File {
            doing: "clean",
            file: "the folder of components".to_owned(),
            cause: cause.into(),
        })?
    }

    /// The same, when there is time for it.
    pub(super) fn clean_later(&self) {
        let app = self.clone();
        self.0.workers.spawn(async move {
            if let Err(error) = app.components_clean().await {
                tracing::error!(error = %chain(&error), "files of older plug-ins were not removed");
            }
        });
    }
}

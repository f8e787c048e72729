//! Management plug-ins. The components themselves are files, by digest; here is what is known of them.

use crate::codec::{Columns, to_json, to_millis, to_word};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::application::Description;
use muster_domain::event::Actor;
use muster_domain::{ApplicationId, Digest};
use serde::{Deserialize, Serialize};

/// A plug-in, as it was installed.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginRow {
    /// What it said of itself. Kept when it is removed, so that its tasks stay readable.
    pub description: Description,
    /// Digest of the component.
    pub digest: Digest,
    /// Where it stands.
    pub state: PluginState,
    /// For `failed`: why it could not be loaded.
    pub reason: Option<String>,
    /// Bytes of the component.
    pub size: u64,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// Who installed it.
    pub installed_by: Actor,
}

/// Where a plug-in stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// It speaks for its application.
    Active,
    /// It would, but could not be loaded when the server started.
    Failed,
    /// Another one has taken its place.
    Superseded,
    /// An administrator removed it.
    Removed,
}

/// Adds a plug-in, or brings one back that was there before. `plugin_current` if another one is
/// active or failed for its application.
pub async fn plugin_insert(
    connection: &mut Connection,
    plugin: &PluginRow,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO plugins (application, digest, state, reason, description, size, installed_at, \
         installed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (application, digest) DO UPDATE SET state = excluded.state, \
         reason = excluded.reason, description = excluded.description, \
         installed_at = excluded.installed_at, installed_by = excluded.installed_by",
    )
    .bind(plugin.description.application.as_str())
    .bind(plugin.digest.to_string())
    .bind(to_word(&plugin.state))
    .bind(&plugin.reason)
    .bind(to_json(&plugin.description))
    .bind(plugin.size.cast_signed())
    .bind(to_millis(plugin.installed_at))
    .bind(plugin.installed_by.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts a plug-in into another state.
pub async fn plugin_state_set(
    connection: &mut Connection,
    application: &ApplicationId,
    digest: Digest,
    state: PluginState,
    reason: Option<&str>,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE plugins SET state = $3, reason = $4 WHERE application = $1 AND digest = $2",
    )
    .bind(application.as_str())
    .bind(digest.to_string())
    .bind(to_word(&state))
    .bind(reason)
    .execute(connection)
    .await?;
    Ok(())
}

/// The latest plug-in of each application, whatever its state.
pub async fn plugin_list(connection: &mut Connection) -> Result<Vec<PluginRow>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM plugins WHERE state <> 'superseded' \
         ORDER BY application, CASE state WHEN 'removed' THEN 1 ELSE 0 END, installed_at DESC",
    )
    .fetch_all(connection)
    .await?;
    let mut plugins: Vec<PluginRow> = Vec::new();
    for row in &rows {
        let plugin = from_row(&Columns {
            table: "plugins",
            row,
        })?;
        let application = &plugin.description.application;
        if plugins
            .last()
            .is_none_or(|last| last.description.application != *application)
        {
            plugins.push(plugin);
        }
    }
    Ok(plugins)
}

/// The latest plug-in of one application, whatever its state.
pub async fn plugin_latest(
    connection: &mut Connection,
    application: &ApplicationId,
) -> Result<Option<PluginRow>, StorageError> {
    let row = sqlx::query(
        "SELECT * FROM plugins WHERE application = $1 AND state <> 'superseded' \
         ORDER BY CASE state WHEN 'removed' THEN 1 ELSE 0 END, installed_at DESC LIMIT 1",
    )
    .bind(application.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        from_row(&Columns {
            table: "plugins",
            row: &row,
        })
    })
    .transpose()
}

fn from_row(columns: &Columns<'_>) -> Result<PluginRow, StorageError> {
    Ok(PluginRow {
        description: columns.json("description")?,
        digest: columns.text("digest")?,
        state: columns.word("state")?,
        reason: columns.get("reason")?,
        size: columns.number("size")?,
        installed_at: columns.time("installed_at")?,
        installed_by: columns.word("installed_by")?,
    })
}

//! Revisions of management plug-ins. The components themselves are files, by digest; here is what
//! is known of them. What has not passed the gate is in [`upload`].

pub mod upload;

use crate::codec::{Columns, to_json, to_millis, to_word};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::application::Description;
use muster_domain::event::Actor;
use muster_domain::revision::RevisionState;
use muster_domain::{ApplicationId, Digest};
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeSet;

/// A revision of a plug-in: what passed the gate.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginRow {
    /// What it said of itself. Kept when it is removed, so that its tasks stay readable.
    pub description: Description,
    /// Digest of the component.
    pub digest: Digest,
    /// Where it stands.
    pub state: RevisionState,
    /// For `failed` and `quarantined`: the kind of reason, for programs.
    pub code: Option<String>,
    /// For `failed` and `quarantined`: why.
    pub reason: Option<String>,
    /// Bytes of the component.
    pub size: u64,
    /// What the gate found beside the description, as the plug-in host words it.
    pub pass: Option<String>,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// Who installed it.
    pub installed_by: Actor,
    /// When it came into its state.
    pub changed_at: Timestamp,
}

/// Adds a revision, or brings one back that was there before. `plugin_current` if it is to have its
/// application's place and another one has it.
pub async fn plugin_insert(
    connection: &mut Connection,
    plugin: &PluginRow,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO plugins (application, digest, state, code, reason, description, size, \
         installed_at, installed_by, changed_at, pass, worked_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
         CASE $3 WHEN 'active' THEN $10 END) \
         ON CONFLICT (application, digest) DO UPDATE SET state = excluded.state, \
         code = excluded.code, reason = excluded.reason, description = excluded.description, \
         installed_at = excluded.installed_at, installed_by = excluded.installed_by, \
         changed_at = excluded.changed_at, pass = excluded.pass, \
         worked_at = COALESCE(excluded.worked_at, plugins.worked_at)",
    )
    .bind(plugin.description.application.as_str())
    .bind(plugin.digest.to_string())
    .bind(to_word(&plugin.state))
    .bind(&plugin.code)
    .bind(&plugin.reason)
    .bind(to_json(&plugin.description))
    .bind(plugin.size.cast_signed())
    .bind(to_millis(plugin.installed_at))
    .bind(plugin.installed_by.to_string())
    .bind(to_millis(plugin.changed_at))
    .bind(&plugin.pass)
    .execute(connection)
    .await?;
    Ok(())
}

/// Why a revision is in its state: a code for programs and a text for people.
pub type Why<'w> = Option<(&'w str, &'w str)>;

/// Puts a revision into another state.
pub async fn plugin_state_set(
    connection: &mut Connection,
    application: &ApplicationId,
    digest: Digest,
    state: RevisionState,
    why: Why<'_>,
    now: Timestamp,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE plugins SET state = $3, code = $4, reason = $5, changed_at = $6, \
         worked_at = CASE $3 WHEN 'active' THEN $6 ELSE worked_at END \
         WHERE application = $1 AND digest = $2",
    )
    .bind(application.as_str())
    .bind(digest.to_string())
    .bind(to_word(&state))
    .bind(why.map(|(code, _)| code))
    .bind(why.map(|(_, reason)| reason))
    .bind(to_millis(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down what the gate of another build found of a revision.
pub async fn plugin_pass_set(
    connection: &mut Connection,
    application: &ApplicationId,
    digest: Digest,
    pass: &str,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE plugins SET pass = $3 WHERE application = $1 AND digest = $2")
        .bind(application.as_str())
        .bind(digest.to_string())
        .bind(pass)
        .execute(connection)
        .await?;
    Ok(())
}

/// The plug-in that each application has, or the one that was at work last.
pub async fn plugin_list(connection: &mut Connection) -> Result<Vec<PluginRow>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM plugins WHERE state IN ('active', 'failed', 'quarantined', 'removed') \
         ORDER BY application, CASE state WHEN 'removed' THEN 1 ELSE 0 END, \
         COALESCE(worked_at, 0) DESC, changed_at DESC, installed_at DESC",
    )
    .fetch_all(connection)
    .await?;
    let mut plugins: Vec<PluginRow> = Vec::new();
    for plugin in from_rows(&rows)? {
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

/// The plug-in that an application has, or the one that was at work last.
pub async fn plugin_latest(
    connection: &mut Connection,
    application: &ApplicationId,
) -> Result<Option<PluginRow>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM plugins WHERE application = $1 \
         AND state IN ('active', 'failed', 'quarantined', 'removed') \
         ORDER BY CASE state WHEN 'removed' THEN 1 ELSE 0 END, COALESCE(worked_at, 0) DESC, \
         changed_at DESC, installed_at DESC LIMIT 1",
    )
    .bind(application.as_str())
    .fetch_all(connection)
    .await?;
    Ok(from_rows(&rows)?.pop())
}

/// One revision.
pub async fn plugin_revision(
    connection: &mut Connection,
    application: &ApplicationId,
    digest: Digest,
) -> Result<Option<PluginRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM plugins WHERE application = $1 AND digest = $2")
        .bind(application.as_str())
        .bind(digest.to_string())
        .fetch_all(connection)
        .await?;
    Ok(from_rows(&rows)?.pop())
}

/// Every revision that an application has or had: the one at work first, then those that changed
/// last.
pub async fn plugin_revisions(
    connection: &mut Connection,
    application: &ApplicationId,
) -> Result<Vec<PluginRow>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM plugins WHERE application = $1 \
         ORDER BY CASE WHEN state IN ('active', 'failed', 'quarantined') THEN 0 \
         WHEN state = 'removed' THEN 2 ELSE 1 END, changed_at DESC, COALESCE(worked_at, 0) DESC, \
         installed_at DESC, digest",
    )
    .bind(application.as_str())
    .fetch_all(connection)
    .await?;
    from_rows(&rows)
}

/// Every revision that is in one of these states.
pub async fn plugin_in(
    connection: &mut Connection,
    states: &[RevisionState],
) -> Result<Vec<PluginRow>, StorageError> {
    let mut query = sqlx::QueryBuilder::new("SELECT * FROM plugins WHERE state IN (");
    let mut words = query.separated(", ");
    for state in states {
        words.push_bind(to_word(state));
    }
    query.push(") ORDER BY application");
    from_rows(&query.build().fetch_all(connection).await?)
}

/// The digests of all revisions whose components are to be kept.
pub async fn plugin_digests_kept(
    connection: &mut Connection,
) -> Result<BTreeSet<Digest>, StorageError> {
    let rows = sqlx::query("SELECT digest FROM plugins WHERE state <> 'removed'")
        .fetch_all(connection)
        .await?;
    let digest = |row| columns(row).text("digest");
    rows.iter().map(digest).collect()
}

/// The applications whose plug-ins were removed, and that have none now.
pub async fn plugin_gone(connection: &mut Connection) -> Result<Vec<ApplicationId>, StorageError> {
    let rows = sqlx::query(
        "SELECT DISTINCT application FROM plugins WHERE state = 'removed' AND application NOT IN \
         (SELECT application FROM plugins WHERE state IN ('active', 'failed', 'quarantined'))",
    )
    .fetch_all(connection)
    .await?;
    let application = |row| columns(row).text("application");
    rows.iter().map(application).collect()
}

fn from_rows(rows: &[SqliteRow]) -> Result<Vec<PluginRow>, StorageError> {
    rows.iter().map(|row| from_row(&columns(row))).collect()
}

fn columns(row: &SqliteRow) -> Columns<'_> {
    Columns {
        table: "plugins",
        row,
    }
}

fn from_row(columns: &Columns<'_>) -> Result<PluginRow, StorageError> {
    Ok(PluginRow {
        description: columns.json("description")?,
        digest: columns.text("digest")?,
        state: columns.word("state")?,
        code: columns.get("code")?,
        reason: columns.get("reason")?,
        size: columns.number("size")?,
        pass: columns.get("pass")?,
        installed_at: columns.time("installed_at")?,
        installed_by: columns.word("installed_by")?,
        changed_at: columns.time("changed_at")?,
    })
}

//! Components on their way through the gate, and those that it refused. What passes becomes a
//! revision and leaves this table.

use crate::codec::{Columns, to_millis, to_word};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::event::Actor;
use muster_domain::revision::RevisionState;
use muster_domain::{ApplicationId, Digest};

/// A component that has not passed the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRow {
    /// Its digest.
    pub digest: Digest,
    /// `uploaded`, `verified`, `compiled` or `refused`.
    pub state: RevisionState,
    /// The application that it says it is for, as far as it got to say so.
    pub application: Option<ApplicationId>,
    /// For `refused`: the kind of reason, for programs.
    pub code: Option<String>,
    /// For `refused`: why.
    pub reason: Option<String>,
    /// Bytes.
    pub size: u64,
    /// When it came in.
    pub uploaded_at: Timestamp,
    /// Who brought it.
    pub uploaded_by: Actor,
}

/// Refused components that are kept in mind; those that came first are forgotten first.
const MOST_UPLOADS: u32 = 100;

/// Writes down how far a component got.
pub async fn upload_put(
    connection: &mut Connection,
    upload: &UploadRow,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO plugin_uploads (digest, state, application, code, reason, size, uploaded_at, \
         uploaded_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (digest) DO UPDATE SET state = excluded.state, \
         application = excluded.application, code = excluded.code, reason = excluded.reason, \
         uploaded_at = excluded.uploaded_at, uploaded_by = excluded.uploaded_by",
    )
    .bind(upload.digest.to_string())
    .bind(to_word(&upload.state))
    .bind(upload.application.as_ref().map(ApplicationId::as_str))
    .bind(&upload.code)
    .bind(&upload.reason)
    .bind(upload.size.cast_signed())
    .bind(to_millis(upload.uploaded_at))
    .bind(upload.uploaded_by.to_string())
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM plugin_uploads WHERE state = 'refused' AND digest NOT IN \
         (SELECT digest FROM plugin_uploads ORDER BY uploaded_at DESC, digest LIMIT $1)",
    )
    .bind(i64::from(MOST_UPLOADS))
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets an upload: it passed the gate, or was given up.
pub async fn upload_delete(
    connection: &mut Connection,
    digest: Digest,
) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM plugin_uploads WHERE digest = $1")
        .bind(digest.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// All of them, the newest first.
pub async fn upload_list(connection: &mut Connection) -> Result<Vec<UploadRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM plugin_uploads ORDER BY uploaded_at DESC, digest")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let columns = Columns {
                table: "plugin_uploads",
                row,
            };
            Ok(UploadRow {
                digest: columns.text("digest")?,
                state: columns.word("state")?,
                application: columns.optional_text("application")?,
                code: columns.get("code")?,
                reason: columns.get("reason")?,
                size: columns.number("size")?,
                uploaded_at: columns.time("uploaded_at")?,
                uploaded_by: columns.word("uploaded_by")?,
            })
        })
        .collect()
}

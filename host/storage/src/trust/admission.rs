//! On what ground each component was admitted.

use super::columns;
use crate::codec::to_millis;
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::{ApplicationId, Digest};
use sqlx::sqlite::SqliteRow;

/// One component's admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionRow {
    /// The application.
    pub application: ApplicationId,
    /// The component.
    pub digest: Digest,
    /// The plug-in's version.
    pub version: semver::Version,
    /// On what ground.
    pub ground: String,
    /// Who signed, as JSON.
    pub signers: String,
    /// What they signed, as it came.
    pub statement: Option<String>,
    /// When that was created.
    pub stated_at: Option<Timestamp>,
    /// When the component was admitted.
    pub admitted_at: Timestamp,
}

/// Keeps on what ground a component was admitted. A later ground takes the place of an earlier one.
pub async fn admission_put(
    connection: &mut Connection,
    admission: &AdmissionRow,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO trust_admissions (application, digest, version, ground, signers, statement, \
         stated_at, admitted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (application, digest) DO UPDATE SET ground = excluded.ground, \
         signers = excluded.signers, statement = excluded.statement, \
         stated_at = excluded.stated_at, admitted_at = excluded.admitted_at",
    )
    .bind(admission.application.as_str())
    .bind(admission.digest.to_string())
    .bind(admission.version.to_string())
    .bind(&admission.ground)
    .bind(&admission.signers)
    .bind(&admission.statement)
    .bind(admission.stated_at.map(to_millis))
    .bind(to_millis(admission.admitted_at))
    .execute(connection)
    .await?;
    Ok(())
}

/// Every admission of an application's components, the oldest first.
pub async fn admission_list(
    connection: &mut Connection,
    application: &ApplicationId,
) -> Result<Vec<AdmissionRow>, StorageError> {
    let rows = sqlx::query(
        "SELECT * FROM trust_admissions WHERE application = $1 ORDER BY admitted_at, digest",
    )
    .bind(application.as_str())
    .fetch_all(connection)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Every admission.
pub async fn admission_all(connection: &mut Connection) -> Result<Vec<AdmissionRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM trust_admissions")
        .fetch_all(connection)
        .await?;
    rows.iter().map(from_row).collect()
}

/// On what ground a component was admitted, if it was.
pub async fn admission_get(
    connection: &mut Connection,
    application: &ApplicationId,
    digest: Digest,
) -> Result<Option<AdmissionRow>, StorageError> {
    let row = sqlx::query("SELECT * FROM trust_admissions WHERE application = $1 AND digest = $2")
        .bind(application.as_str())
        .bind(digest.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// How many plug-ins are at work that nobody signed.
pub async fn admission_unsigned(connection: &mut Connection) -> Result<usize, StorageError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM plugins LEFT JOIN trust_admissions \
         ON trust_admissions.application = plugins.application \
         AND trust_admissions.digest = plugins.digest \
         WHERE plugins.state = 'active' AND coalesce(trust_admissions.ground, '') <> 'signed'",
    )
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn from_row(row: &SqliteRow) -> Result<AdmissionRow, StorageError> {
    let columns = columns("trust_admissions", row);
    Ok(AdmissionRow {
        application: columns.text("application")?,
        digest: columns.text("digest")?,
        version: columns.text("version")?,
        ground: columns.get("ground")?,
        signers: columns.get("signers")?,
        statement: columns.get("statement")?,
        stated_at: columns.optional_time("stated_at")?,
        admitted_at: columns.time("admitted_at")?,
    })
}

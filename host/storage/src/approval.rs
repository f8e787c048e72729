//! Approvals of destructive tasks.

use crate::codec::{Columns, to_millis};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::TaskId;

/// Who approved a revision of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// When.
    pub at: Timestamp,
    /// The administrator's name.
    pub by: String,
}

/// Notes that a revision was approved.
pub async fn approval_insert(
    connection: &mut Connection,
    task: TaskId,
    revision: u32,
    approval: &Approval,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO task_approvals (task, revision, approved_at, approved_by) \
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(task.0)
    .bind(i64::from(revision))
    .bind(to_millis(approval.at))
    .bind(&approval.by)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what was approved of a task.
pub async fn approval_forget(
    connection: &mut Connection,
    task: TaskId,
) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM task_approvals WHERE task = $1")
        .bind(task.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Who approved a revision, if anybody did.
pub async fn approval_get(
    connection: &mut Connection,
    task: TaskId,
    revision: u32,
) -> Result<Option<Approval>, StorageError> {
    let row = sqlx::query("SELECT * FROM task_approvals WHERE task = $1 AND revision = $2")
        .bind(task.0)
        .bind(i64::from(revision))
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let columns = Columns {
            table: "task_approvals",
            row: &row,
        };
        Ok(Approval {
            at: columns.time("approved_at")?,
            by: columns.get("approved_by")?,
        })
    })
    .transpose()
}

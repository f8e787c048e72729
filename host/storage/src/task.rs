//! Tasks and their revisions.

mod scope;

use crate::codec::{Columns, to_json, to_millis, to_word};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::event::Actor;
use muster_domain::scope::Scope;
use muster_domain::settings::Settings;
use muster_domain::task::{NewTask, Task, TaskRevision};
use muster_domain::{ApplicationId, GroupId, TaskId, TaskTypeId};
use scope::{ScopeColumns, scope_from_row};
use sqlx::{QueryBuilder, Sqlite};

const SELECT: &str = "SELECT tasks.*, revisions.number, revisions.settings, revisions.schedule, \
    revisions.schema_version, revisions.plugin, revisions.needs, revisions.exclusive, \
    revisions.findings, revisions.migrated_from, revisions.rollout, revisions.origin, \
    revisions.created_at AS revised_at, revisions.created_by AS revised_by \
    FROM tasks JOIN task_revisions AS revisions \
    ON revisions.task = tasks.id AND revisions.number = tasks.revision \
    WHERE tasks.deleted_at IS NULL";

/// Adds a task with its first revision.
pub async fn task_insert(
    connection: &mut Connection,
    task: &NewTask,
    time_limit: u32,
    first: &TaskRevision,
) -> Result<TaskId, StorageError> {
    let id = task_head_insert(connection, task, time_limit, first).await?;
    task_revision_insert(connection, id, first).await?;
    Ok(id)
}

/// Adds a task and gives it its number. Its first revision is added by the caller, in the same
/// transaction: the schedule of one task may name another that is added with it.
pub async fn task_head_insert(
    connection: &mut Connection,
    task: &NewTask,
    time_limit: u32,
    first: &TaskRevision,
) -> Result<TaskId, StorageError> {
    let scope = ScopeColumns::from(&task.scope);
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO tasks (name, application, task_type, kind, device, group_id, subgroups, \
         excluded, devices, time_limit, revision, created_at, created_by, schedule_revision, \
         schedule_since, schedule_done, only_kind, selection, following) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, $17, \
         $18) RETURNING id",
    )
    .bind(&task.name)
    .bind(task.application.as_str())
    .bind(task.task_type.as_str())
    .bind(to_word(&task.scope.kind()))
    .bind(scope.device)
    .bind(scope.group)
    .bind(scope.subgroups)
    .bind(scope.excluded)
    .bind(scope.devices)
    .bind(i64::from(time_limit))
    .bind(i64::from(first.number))
    .bind(to_millis(first.created_at))
    .bind(first.created_by.to_string())
    .bind(first.schedule.as_ref().map(|_| i64::from(first.number)))
    .bind(first.schedule.as_ref().map(|_| to_millis(first.created_at)))
    .bind(scope.only)
    .bind(scope.selection)
    .bind(task.scope.is_following())
    .fetch_one(&mut *connection)
    .await?;
    task_version_insert(connection, TaskId(id)).await?;
    Ok(TaskId(id))
}

/// Notes the state that a task is in now.
async fn task_version_insert(connection: &mut Connection, id: TaskId) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO task_versions (task, version, name, time_limit, revision) \
         SELECT id, (SELECT coalesce(max(version), 0) + 1 FROM task_versions WHERE task = $1), \
         name, time_limit, revision FROM tasks WHERE id = $1",
    )
    .bind(id.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a task another scope. Runs under way keep theirs.
pub async fn task_scope_set(
    connection: &mut Connection,
    id: TaskId,
    scope: &Scope,
) -> Result<(), StorageError> {
    let columns = ScopeColumns::from(scope);
    sqlx::query(
        "UPDATE tasks SET kind = $2, device = $3, group_id = $4, subgroups = $5, excluded = $6, \
         devices = $7, only_kind = $8, selection = $9, following = $10 WHERE id = $1",
    )
    .bind(id.0)
    .bind(to_word(&scope.kind()))
    .bind(columns.device)
    .bind(columns.group)
    .bind(columns.subgroups)
    .bind(columns.excluded)
    .bind(columns.devices)
    .bind(columns.only)
    .bind(columns.selection)
    .bind(scope.is_following())
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds a revision. It becomes the task's newest one with [`task_update`].
pub async fn task_revision_insert(
    connection: &mut Connection,
    task: TaskId,
    revision: &TaskRevision,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO task_revisions (task, number, settings, schema_version, plugin, needs, \
         exclusive, findings, created_at, created_by, migrated_from, schedule, rollout, origin) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(task.0)
    .bind(i64::from(revision.number))
    .bind(revision.settings.as_str())
    .bind(i64::from(revision.schema_version))
    .bind(revision.plugin.to_string())
    .bind(to_word(&revision.needs))
    .bind(revision.exclusive)
    .bind(to_json(&revision.findings))
    .bind(to_millis(revision.created_at))
    .bind(revision.created_by.to_string())
    .bind(revision.migrated_from.map(i64::from))
    .bind(revision.schedule.as_ref().map(to_json))
    .bind(revision.rollout.as_ref().map(to_json))
    .bind(to_json(&revision.origin))
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a task another name, time limit and newest revision.
pub async fn task_update(
    connection: &mut Connection,
    id: TaskId,
    name: &str,
    time_limit: u32,
    revision: u32,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE tasks SET name = $2, time_limit = $3, revision = $4 WHERE id = $1")
        .bind(id.0)
        .bind(name)
        .bind(i64::from(time_limit))
        .bind(i64::from(revision))
        .execute(&mut *connection)
        .await?;
    task_version_insert(connection, id).await
}

/// Notes that a revision brought a task another schedule, or took it away.
pub async fn task_schedule_begin(
    connection: &mut Connection,
    id: TaskId,
    revision: &TaskRevision,
) -> Result<(), StorageError> {
    let has = revision.schedule.is_some();
    sqlx::query(
        "UPDATE tasks SET schedule_revision = $2, schedule_since = $3, schedule_done = $3 \
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(has.then_some(i64::from(revision.number)))
    .bind(has.then_some(to_millis(revision.created_at)))
    .execute(connection)
    .await?;
    Ok(())
}

/// Where a task's schedule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleStanding {
    /// The revision of the task that brought the schedule.
    pub revision: u32,
    /// When it did.
    pub since: Timestamp,
    /// Up to when the server has made runs of what came due.
    pub done: Timestamp,
}

/// Where a task's schedule stands. None if it has none, or was deleted.
pub async fn task_schedule_standing(
    connection: &mut Connection,
    id: TaskId,
) -> Result<Option<ScheduleStanding>, StorageError> {
    let row = sqlx::query(
        "SELECT schedule_revision, schedule_since, schedule_done FROM tasks \
         WHERE id = $1 AND schedule_since IS NOT NULL AND deleted_at IS NULL",
    )
    .bind(id.0)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let columns = Columns {
            table: "tasks",
            row: &row,
        };
        Ok(ScheduleStanding {
            revision: columns.number("schedule_revision")?,
            since: columns.time("schedule_since")?,
            done: columns.time("schedule_done")?,
        })
    })
    .transpose()
}

/// Notes up to when the server has made runs of what came due.
pub async fn task_schedule_done(
    connection: &mut Connection,
    id: TaskId,
    done: Timestamp,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE tasks SET schedule_done = $2 WHERE id = $1 AND schedule_done < $2")
        .bind(id.0)
        .bind(to_millis(done))
        .execute(connection)
        .await?;
    Ok(())
}

/// The tasks that have a schedule, or all of them, and those that some device still has though they have
/// none any more or were deleted. Each with its application.
pub async fn task_list_scheduled(
    connection: &mut Connection,
    all: bool,
) -> Result<Vec<(TaskId, ApplicationId)>, StorageError> {
    let rows = sqlx::query(
        "SELECT id, application FROM tasks \
         WHERE (schedule_since IS NOT NULL OR $1) AND deleted_at IS NULL UNION SELECT tasks.id, tasks.application FROM tasks WHERE tasks.id IN \
         (SELECT task FROM assignments WHERE NOT withdrawn) ORDER BY 1",
    )
    .bind(all)
    .fetch_all(connection)
    .await?;
    let pair = |row| {
        let columns = Columns {
            table: "tasks",
            row,
        };
        Ok((TaskId(columns.get("id")?), columns.text("application")?))
    };
    rows.iter().map(pair).collect()
}

/// Tasks whose schedule has devices woken before they start.
pub async fn task_list_waking(connection: &mut Connection) -> Result<Vec<TaskId>, StorageError> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT tasks.id FROM tasks JOIN task_revisions ON task_revisions.task = tasks.id \
         AND task_revisions.number = tasks.revision \
         WHERE tasks.schedule_since IS NOT NULL AND tasks.deleted_at IS NULL \
         AND json_extract(task_revisions.schedule, '$.\"wake-minutes-before\"') IS NOT NULL",
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(TaskId).collect())
}

/// Deletes a task. Its revisions and runs stay for the history.
pub async fn task_delete(
    connection: &mut Connection,
    id: TaskId,
    now: Timestamp,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE tasks SET deleted_at = $2 WHERE id = $1")
        .bind(id.0)
        .bind(to_millis(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// A task that was not deleted.
pub async fn task_get(
    connection: &mut Connection,
    id: TaskId,
) -> Result<Option<Task>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push(" AND tasks.id = ").push_bind(id.0);
    let row = query.build().fetch_optional(connection).await?;
    row.map(|row| {
        from_row(&Columns {
            table: "tasks",
            row: &row,
        })
    })
    .transpose()
}

/// Tasks with a number beyond `after`, at most `limit`, of one application and type or of all.
pub async fn task_list(
    connection: &mut Connection,
    application: Option<&ApplicationId>,
    task_type: Option<&TaskTypeId>,
    after: TaskId,
    limit: u32,
) -> Result<Vec<Task>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push(" AND tasks.id > ").push_bind(after.0);
    if let Some(application) = application {
        query
            .push(" AND tasks.application = ")
            .push_bind(application.to_string());
    }
    if let Some(task_type) = task_type {
        query
            .push(" AND tasks.task_type = ")
            .push_bind(task_type.to_string());
    }
    query
        .push(" ORDER BY tasks.id LIMIT ")
        .push_bind(i64::from(limit));
    let rows = query.build().fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            from_row(&Columns {
                table: "tasks",
                row,
            })
        })
        .collect()
}

/// The numbers of an application's tasks, each with that of its newest revision.
pub async fn task_numbers(
    connection: &mut Connection,
    application: &ApplicationId,
) -> Result<Vec<(TaskId, u32)>, StorageError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT id, revision FROM tasks WHERE application = $1 AND deleted_at IS NULL ORDER BY id",
    )
    .bind(application.as_str())
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(id, revision)| (TaskId(id), u32::try_from(revision).unwrap_or(u32::MAX)))
        .collect())
}

/// How many tasks an application has.
pub async fn task_count(
    connection: &mut Connection,
    application: &ApplicationId,
) -> Result<u64, StorageError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM tasks WHERE application = $1 AND deleted_at IS NULL",
    )
    .bind(application.as_str())
    .fetch_one(connection)
    .await?;
    Ok(count.unsigned_abs())
}

/// A task that has a group or one of the devices in its scope, if there is any.
pub async fn task_of_group(
    connection: &mut Connection,
    group: GroupId,
) -> Result<Option<TaskId>, StorageError> {
    let id: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM tasks WHERE group_id = $1 AND deleted_at IS NULL LIMIT 1",
    )
    .bind(group.0)
    .fetch_optional(connection)
    .await?;
    Ok(id.map(TaskId))
}

/// The revisions of a task, newest first.
pub async fn task_revision_list(
    connection: &mut Connection,
    task: TaskId,
) -> Result<Vec<TaskRevision>, StorageError> {
    let rows = sqlx::query(
        "SELECT *, created_at AS revised_at, created_by AS revised_by \
         FROM task_revisions WHERE task = $1 ORDER BY number DESC",
    )
    .bind(task.0)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            revision_from_row(&Columns {
                table: "task_revisions",
                row,
            })
        })
        .collect()
}

/// One revision of a task, deleted or not.
pub async fn task_revision_get(
    connection: &mut Connection,
    task: TaskId,
    number: u32,
) -> Result<Option<TaskRevision>, StorageError> {
    let row = sqlx::query(
        "SELECT *, created_at AS revised_at, created_by AS revised_by \
         FROM task_revisions WHERE task = $1 AND number = $2",
    )
    .bind(task.0)
    .bind(i64::from(number))
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        revision_from_row(&Columns {
            table: "task_revisions",
            row: &row,
        })
    })
    .transpose()
}

/// What a task's deliveries need to know of it, deleted or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskHead {
    /// Its name.
    pub name: String,
    /// The application.
    pub application: ApplicationId,
    /// The task type.
    pub task_type: TaskTypeId,
    /// Seconds.
    pub time_limit: u32,
}

/// What a task's deliveries need to know of it, deleted or not.
pub async fn task_head(
    connection: &mut Connection,
    id: TaskId,
) -> Result<Option<TaskHead>, StorageError> {
    let row =
        sqlx::query("SELECT name, application, task_type, time_limit FROM tasks WHERE id = $1")
            .bind(id.0)
            .fetch_optional(connection)
            .await?;
    row.map(|row| {
        let columns = Columns {
            table: "tasks",
            row: &row,
        };
        Ok(TaskHead {
            name: columns.get("name")?,
            application: columns.text("application")?,
            task_type: columns.text("task_type")?,
            time_limit: columns.number("time_limit")?,
        })
    })
    .transpose()
}

fn from_row(columns: &Columns<'_>) -> Result<Task, StorageError> {
    Ok(Task {
        id: TaskId(columns.get("id")?),
        name: columns.get("name")?,
        application: columns.text("application")?,
        task_type: columns.text("task_type")?,
        scope: scope_from_row(columns)?,
        time_limit: columns.number("time_limit")?,
        created_at: columns.time("created_at")?,
        created_by: columns.word::<Actor>("created_by")?,
        revision: revision_from_row(columns)?,
    })
}

fn revision_from_row(columns: &Columns<'_>) -> Result<TaskRevision, StorageError> {
    let settings =
        Settings::parse(columns.get("settings")?).map_err(|finding| StorageError::Row {
            table: "task_revisions",
            what: format!("settings: {}", finding.text),
        })?;
    Ok(TaskRevision {
        number: columns.number("number")?,
        settings,
        schedule: columns.optional_json("schedule")?,
        rollout: columns.optional_json("rollout")?,
        schema_version: columns.number("schema_version")?,
        plugin: columns.text("plugin")?,
        needs: columns.word("needs")?,
        exclusive: columns.get("exclusive")?,
        findings: columns.json("findings")?,
        migrated_from: columns.optional_number("migrated_from")?,
        created_at: columns.time("revised_at")?,
        created_by: columns.word("revised_by")?,
        origin: columns.optional_json("origin")?.unwrap_or_default(),
    })
}

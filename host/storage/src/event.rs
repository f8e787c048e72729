//! The event log.

use crate::codec::{Columns, to_json, to_millis};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::event::{Event, NewEvent, Severity, Subject};
use muster_domain::{ApplicationId, DeviceId, EventId, GroupId, RunId, TaskId};
use sqlx::{QueryBuilder, Sqlite};

/// Appends events, in their order.
pub async fn event_insert(
    connection: &mut Connection,
    at: Timestamp,
    events: &[NewEvent],
) -> Result<(), StorageError> {
    for event in events {
        let subject = &event.subject;
        sqlx::query(
            "INSERT INTO events (at, kind, severity, actor, text, application, device, group_id, \
             task, run, happened_at, fields) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(to_millis(at))
        .bind(&event.kind)
        .bind(event.severity.as_str())
        .bind(event.actor.to_string())
        .bind(&event.text)
        .bind(subject.application.as_ref().map(ApplicationId::as_str))
        .bind(subject.device.map(|device| i64::from(device.0)))
        .bind(subject.group.map(|group| group.0))
        .bind(subject.task.map(|task| task.0))
        .bind(subject.run.map(|run| run.0))
        .bind(event.happened_at.map(to_millis))
        .bind(to_json(&event.fields))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Which events are wanted. What is none does not narrow.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only later ones, oldest first.
    pub after: Option<EventId>,
    /// Only earlier ones; without `after`, newest first.
    pub before: Option<EventId>,
    /// Of this kind; with a `*` at its end, of all kinds that begin so.
    pub kind: Option<String>,
    /// At least so severe.
    pub severity: Option<Severity>,
    /// About this application.
    pub application: Option<ApplicationId>,
    /// About this device.
    pub device: Option<DeviceId>,
    /// About this task.
    pub task: Option<TaskId>,
    /// About this run.
    pub run: Option<RunId>,
}

/// At most `limit` events: oldest first when the filter says `after`, newest first otherwise.
pub async fn event_list(
    connection: &mut Connection,
    filter: &EventFilter,
    limit: u32,
) -> Result<Vec<Event>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM events WHERE 1 = 1");
    if let Some(after) = filter.after {
        query.push(" AND id > ").push_bind(after.0);
    }
    if let Some(before) = filter.before {
        query.push(" AND id < ").push_bind(before.0);
    }
    match filter
        .kind
        .as_deref()
        .map(|kind| (kind, kind.strip_suffix('*')))
    {
        Some((_, Some(start))) => {
            let start = start.to_owned();
            query
                .push(" AND substr(kind, 1, length(")
                .push_bind(start.clone());
            query.push(")) = ").push_bind(start);
        }
        Some((kind, None)) => {
            query.push(" AND kind = ").push_bind(kind.to_owned());
        }
        None => {}
    }
    match filter.severity {
        Some(Severity::Critical) => {
            query.push(" AND severity = 'critical'");
        }
        Some(Severity::Warning) => {
            query.push(" AND severity IN ('warning', 'critical')");
        }
        Some(Severity::Info) | None => {}
    }
    if let Some(application) = &filter.application {
        query
            .push(" AND application = ")
            .push_bind(application.to_string());
    }
    if let Some(device) = filter.device {
        query.push(" AND device = ").push_bind(i64::from(device.0));
    }
    if let Some(task) = filter.task {
        query.push(" AND task = ").push_bind(task.0);
    }
    if let Some(run) = filter.run {
        query.push(" AND run = ").push_bind(run.0);
    }
    query.push(if filter.after.is_some() {
        " ORDER BY id ASC"
    } else {
        " ORDER BY id DESC"
    });
    query.push(" LIMIT ").push_bind(i64::from(limit));
    let rows = query.build().fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            from_row(&Columns {
                table: "events",
                row,
            })
        })
        .collect()
}

/// When events of a kind came after a moment, and on which devices; at most the latest 100,000.
pub async fn event_detections(
    connection: &mut Connection,
    kind: &str,
    after: Timestamp,
) -> Result<Vec<(Timestamp, Option<DeviceId>)>, StorageError> {
    let rows: Vec<(i64, Option<i64>)> = sqlx::query_as(
        "SELECT at, device FROM events WHERE kind = $1 AND at > $2 ORDER BY id DESC LIMIT 100000",
    )
    .bind(kind)
    .bind(to_millis(after))
    .fetch_all(connection)
    .await?;
    let detection = |(at, device): (i64, Option<i64>)| {
        let at = Timestamp::from_millisecond(at).unwrap_or_default();
        let device = device.and_then(|device| u32::try_from(device).ok());
        (at, device.map(DeviceId))
    };
    Ok(rows.into_iter().map(detection).collect())
}

/// Up to which event schedules that answer to events were asked.
pub async fn event_followed(connection: &mut Connection) -> Result<EventId, StorageError> {
    let event: i64 = sqlx::query_scalar("SELECT event FROM events_followed")
        .fetch_one(connection)
        .await?;
    Ok(EventId(event))
}

/// Notes up to which event schedules that answer to events were asked.
pub async fn event_followed_set(
    connection: &mut Connection,
    event: EventId,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE events_followed SET event = $1 WHERE event < $1")
        .bind(event.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// The newest event's place in the log; 0 for an empty log.
pub async fn event_latest(connection: &mut Connection) -> Result<EventId, StorageError> {
    let latest: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM events")
        .fetch_one(connection)
        .await?;
    Ok(EventId(latest.unwrap_or(0)))
}

fn from_row(columns: &Columns<'_>) -> Result<Event, StorageError> {
    Ok(Event {
        id: EventId(columns.get("id")?),
        at: columns.time("at")?,
        event: NewEvent {
            kind: columns.get("kind")?,
            severity: columns.word("severity")?,
            actor: columns.word("actor")?,
            text: columns.get("text")?,
            subject: Subject {
                application: columns.optional_text("application")?,
                device: columns.optional_number("device")?.map(DeviceId),
                group: columns.optional_number("group_id")?.map(GroupId),
                task: columns.optional_number("task")?.map(TaskId),
                run: columns.optional_number("run")?.map(RunId),
            },
            happened_at: columns.optional_time("happened_at")?,
            fields: columns.json("fields")?,
        },
    })
}

//! What the device's user is shown of what was asked of the server.

use super::show::{Output, printable};
use super::show_task::Desk;
use anyhow::Result;
use muster_agent::schedule::zone::DeviceZone;
use muster_agent::store::edit::{self, Asked};
use muster_agent::user::target;
use muster_domain::TaskId;
use muster_domain::user::{Edit, EditOutcome};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

/// The tasks that the user made and the server has not assigned, as rows of the list.
pub(crate) async fn new_tasks(at: &mut SqliteConnection) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    for new in target::list_new(at).await? {
        let state = match &new.refused {
            Some(_) => "refused",
            None => "waiting-for-server",
        };
        rows.push(json!({
            "task": new.task,
            "name": new.name(),
            "type": new.task_type,
            "application": new.application,
            "state": state,
            "next": null,
            "last": null,
            "edit": new.id.as_str(),
            "why": new.refused,
        }));
    }
    Ok(rows)
}

/// What was asked of a task.
pub(crate) async fn of_task(at: &mut SqliteConnection, task: TaskId) -> Result<Vec<Value>> {
    Ok(edit::of_task(at, task).await?.iter().map(row).collect())
}

/// What of a task waits for the server.
pub(crate) async fn waiting(at: &mut SqliteConnection, task: TaskId) -> Result<Vec<String>> {
    let edits = edit::of_task(at, task).await?;
    let open = edits.iter().filter(|edit| edit.outcome.is_none());
    Ok(open
        .map(|edit| {
            format!(
                "A change of {} waits for the server ({}).",
                fields(&edit.asked.edit),
                edit.asked.id.short()
            )
        })
        .collect())
}

fn fields(edit: &Edit) -> String {
    match edit {
        Edit::Create(_) => "the whole task".into(),
        Edit::Delete { .. } => "whether it is there".into(),
        Edit::Change { changes, .. } => {
            let all: Vec<&str> = changes.iter().map(|one| one.pointer.as_str()).collect();
            all.join(", ")
        }
    }
}

fn row(edit: &Asked) -> Value {
    let outcome = edit.outcome.as_ref();
    let why = match outcome {
        Some(EditOutcome::Lost { reason, .. } | EditOutcome::Refused { reason, .. }) => {
            Some(reason.as_str())
        }
        _ => None,
    };
    let findings = match outcome {
        Some(EditOutcome::Refused { findings, .. }) => findings.as_slice(),
        _ => &[],
    };
    json!({
        "change": edit.asked.id.as_str(),
        "task": edit.task,
        "what": edit.asked.edit.word(),
        "fields": fields(&edit.asked.edit),
        "by": edit.asked.user,
        "at": edit.made_at,
        "state": outcome.map_or("waiting-for-server", EditOutcome::word),
        "why": why,
        "lost": outcome.map_or(&[][..], EditOutcome::lost),
        "findings": findings,
    })
}

/// One of them on a line.
pub(crate) fn line(value: &Value) -> String {
    let text = |key: &str| {
        let text = value.get(key).and_then(Value::as_str);
        printable(text.unwrap_or_default())
    };
    let lost: Vec<String> = value
        .get("lost")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|lost| {
            let place = lost.get("pointer").and_then(Value::as_str);
            let user = lost.get("user").map(ToString::to_string);
            format!(
                "{} (you: {})",
                printable(place.unwrap_or_default()),
                printable(&user.unwrap_or_default())
            )
        })
        .collect();
    let lost = match lost.as_slice() {
        [] => String::new(),
        lost => format!("; lost to an administrator: {}", lost.join(", ")),
    };
    let why = match text("why") {
        why if why.is_empty() => String::new(),
        why => format!(": {why}"),
    };
    format!(
        "{} {} of {} by {}: {}{why}{lost}",
        text("at"),
        text("what"),
        text("fields"),
        text("by"),
        text("state")
    )
}

impl Desk {
    /// What was asked, of one task or of all.
    pub(crate) async fn changes(&self, task: Option<&str>, most: u32) -> Result<()> {
        let mut rows: Vec<Value> = match task {
            None => {
                let mut connection = self.store.acquire().await?;
                let all = edit::list(&mut connection, most).await?;
                all.iter().map(row).collect()
            }
            Some(task) => {
                let id = match task.parse() {
                    Ok(id) => id,
                    Err(_) => self.task(task).await?.task,
                };
                let mut connection = self.store.acquire().await?;
                let mut rows = of_task(&mut connection, id).await?;
                rows.reverse();
                rows.truncate(usize::try_from(most).unwrap_or(usize::MAX));
                rows
            }
        };
        if self.output == Output::Table {
            for row in &mut rows {
                self.local(row);
            }
        }
        let keys = ["at", "task", "what", "fields", "by", "state", "lost", "why"];
        self.output.rows(&keys, &rows);
        Ok(())
    }

    /// What was asked of a task, below its history.
    pub(crate) async fn changes_of(&self, at: &mut SqliteConnection, task: TaskId) -> Result<()> {
        let rows = of_task(at, task).await?;
        if !rows.is_empty() {
            println!("Changes on this device:");
        }
        for mut row in rows.into_iter().rev() {
            self.local(&mut row);
            println!("  {}", line(&row));
        }
        Ok(())
    }

    /// For people: moments by the clock on the wall, and of what was lost the places.
    fn local(&self, row: &mut Value) {
        let at = row.get("at").and_then(Value::as_str);
        let at = at.and_then(|at| at.parse().ok());
        let shown = at.map(|at| self.time(at, &DeviceZone::find()));
        if let (Some(shown), Some(object)) = (shown, row.as_object_mut()) {
            object.insert("at".into(), Value::from(shown));
        }
    }
}

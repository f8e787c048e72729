//! Maintenance windows and blackouts, as administrators make them.

use crate::place::{SetNames, SetReference, set_find};
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::finding::Finding;
use muster_domain::schedule::window::Window;
use muster_domain::schedule::{Schedule, Timetable};
use muster_domain::{DeviceSet, WindowId};
use muster_storage::Connection;
use muster_storage::event::event_insert;
use muster_storage::window::{WindowRow, window_delete, window_insert, window_list, window_update};

/// A window, with what stands elsewhere about it.
#[derive(Debug, Clone)]
pub struct WindowDetail {
    /// The window, and whose it is.
    pub row: WindowRow,
    /// The path of the group, or the name of the selection.
    pub name: String,
}

impl WindowDetail {
    /// When it opens from a moment on, at most five times.
    pub fn next(&self, from: Timestamp) -> Vec<Timestamp> {
        let schedule = Schedule {
            zone: self.row.window.zone.clone(),
            ..Schedule::new(self.row.window.opens.clone())
        };
        let Ok(table) = Timetable::new(&schedule, &TimeZone::UTC) else {
            return Vec::new();
        };
        table.after(from).take(5).map(|next| next.at).collect()
    }
}

/// A window to be.
#[derive(Debug, Clone)]
pub struct WindowRequest {
    /// Whom it is for.
    pub of: SetReference,
    /// The window; JSON.
    pub window: serde_json::Value,
}

impl App {
    /// Every window, by name.
    pub async fn window_list(&self, _who: &Administrator) -> Result<Vec<WindowDetail>, AppError> {
        let mut connection = self.0.storage.read().await?;
        let names = SetNames::read(&mut connection).await?;
        let rows = window_list(&mut connection).await?;
        Ok(rows
            .into_iter()
            .map(|row| WindowDetail {
                name: names.of(row.of),
                row,
            })
            .collect())
    }

    /// A window by its number.
    pub async fn window_get(
        &self,
        who: &Administrator,
        id: WindowId,
    ) -> Result<WindowDetail, AppError> {
        let all = self.window_list(who).await?;
        let found = all.into_iter().find(|window| window.row.id == id);
        found.ok_or_else(|| AppError::not_found("window", &id))
    }

    /// Makes a window for the devices of a group and of the groups below it, or of a selection.
    pub async fn window_create(
        &self,
        who: &Administrator,
        request: WindowRequest,
    ) -> Result<(WindowId, Vec<Finding>), AppError> {
        let (window, findings) = read(&request.window)?;
        let actor = who.actor();
        let seen = self.members_of_reference(Some(&request.of)).await?;
        let id = self
            .logged(move |connection| {
                Box::pin(async move {
                    let of = set_find(connection, &request.of).await?;
                    let name = SetNames::read(connection).await?.of(of);
                    let now = muster_clock::now();
                    seen.keep(connection).await?;
                    let id = window_insert(connection, of, &window, now, &actor).await?;
                    let text = format!("Window {} was created for {name}.", window.name);
                    tell(connection, "window.created", of, actor, text).await?;
                    Ok(id)
                })
            })
            .await?;
        self.0.hints.everything();
        Ok((id, findings))
    }

    /// Changes a window: what it is, or whom it is for. What is none stays.
    pub async fn window_change(
        &self,
        who: &Administrator,
        id: WindowId,
        window: Option<serde_json::Value>,
        to: Option<SetReference>,
    ) -> Result<Vec<Finding>, AppError> {
        let now = self.window_get(who, id).await?.row;
        let (window, findings) = match &window {
            Some(window) => read(window)?,
            None => (now.window, Vec::new()),
        };
        let actor = who.actor();
        let seen = self.members_of_reference(to.as_ref()).await?;
        self.logged(move |connection| {
            Box::pin(async move {
                seen.keep(connection).await?;
                let known = window_list(connection).await?;
                let known = known.into_iter().find(|row| row.id == id);
                let known = known.ok_or_else(|| AppError::not_found("window", &id))?;
                let of = match &to {
                    Some(to) => set_find(connection, to).await?,
                    None => known.of,
                };
                let row = WindowRow {
                    id,
                    of,
                    window,
                    changed_at: muster_clock::now(),
                    changed_by: actor.clone(),
                };
                window_update(connection, &row).await?;
                let text = format!("Window {} was changed.", row.window.name);
                tell(connection, "window.changed", of, actor, text).await
            })
        })
        .await?;
        self.0.hints.everything();
        Ok(findings)
    }

    /// Removes a window.
    pub async fn window_remove(&self, who: &Administrator, id: WindowId) -> Result<(), AppError> {
        let row = self.window_get(who, id).await?.row;
        let actor = who.actor();
        self.logged(move |connection| {
            Box::pin(async move {
                window_delete(connection, id).await?;
                let text = format!("Window {} was removed.", row.window.name);
                tell(connection, "window.removed", row.of, actor, text).await
            })
        })
        .await?;
        self.0.hints.everything();
        Ok(())
    }
}

fn read(json: &serde_json::Value) -> Result<(Window, Vec<Finding>), AppError> {
    Window::parse(json).map_err(|findings| AppError::FormInvalid {
        what: "window",
        findings,
    })
}

async fn tell(
    connection: &mut Connection,
    kind: &str,
    of: DeviceSet,
    actor: Actor,
    text: String,
) -> Result<(), AppError> {
    let event = NewEvent::new(kind, Severity::Info, actor, text).about(Subject {
        group: match of {
            DeviceSet::Group(group) => Some(group),
            DeviceSet::Selection(_) => None,
        },
        ..Subject::default()
    });
    Ok(event_insert(connection, muster_clock::now(), &[event]).await?)
}

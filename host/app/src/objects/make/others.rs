//! Groups, selections and windows, made, changed and removed.

use super::Making;
use crate::AppError;
use crate::objects::look::query_now;
use crate::objects::plan::Kind;
use crate::objects::reference::Target;
use crate::place::{SetNames, SetReference, Tree, set_find};
use muster_domain::event::{NewEvent, Severity, Subject};
use muster_domain::schedule::window::Window;
use muster_domain::selection::{Query, Selection};
use muster_domain::{DeviceSet, GroupId, SelectionId, TaskId, WindowId};
use muster_storage::Connection;
use muster_storage::applied::applied_delete;
use muster_storage::event::event_insert;
use muster_storage::member::selection_user;
use muster_storage::selection::{
    SelectionRow, selection_delete, selection_insert, selection_list, selection_update,
};
use muster_storage::window::{WindowRow, window_delete, window_insert, window_list, window_update};
use std::collections::BTreeMap;

impl Making<'_> {
    async fn tell(
        &self,
        connection: &mut Connection,
        kind: &str,
        group: Option<GroupId>,
        text: String,
    ) -> Result<(), AppError> {
        let event = NewEvent::new(kind, Severity::Info, self.who.actor(), text).about(Subject {
            group,
            ..Subject::default()
        });
        Ok(event_insert(connection, muster_clock::now(), &[event]).await?)
    }

    pub(super) async fn group(
        &self,
        connection: &mut Connection,
        path: &str,
    ) -> Result<(), AppError> {
        let tree = Tree::read(connection).await?;
        let (above, name) = path.rsplit_once('/').unwrap_or_default();
        let above = tree
            .find(above)
            .ok_or_else(|| AppError::not_found("group", above))?;
        let id = muster_storage::group::group_insert(connection, above, name).await?;
        let text = format!("Group {path} was created.");
        self.tell(connection, "group.created", Some(id), text)
            .await?;
        self.applied(connection, Kind::Group, id.0, true).await
    }

    pub(super) async fn selection(
        &self,
        connection: &mut Connection,
        here: Option<SelectionId>,
        selection: Selection,
    ) -> Result<SelectionId, AppError> {
        let now = muster_clock::now();
        let name = selection.name.clone();
        let Some(id) = here else {
            let by = self.who.actor();
            let id = selection_insert(connection, &selection, now, &by).await?;
            let text = format!("Selection {name} was created.");
            self.tell(connection, "selection.created", None, text)
                .await?;
            return Ok(id);
        };
        let text = format!("Selection {name} was changed.");
        self.tell(connection, "selection.changed", None, text)
            .await?;
        Ok(id)
    }

    /// Writes a selection's query, now that its tasks have their numbers.
    pub(super) async fn query(
        &self,
        connection: &mut Connection,
        id: SelectionId,
        made: bool,
        (query, mut selection): (&Query, Selection),
        tasks: &BTreeMap<TaskId, Target>,
    ) -> Result<(), AppError> {
        let mut numbers = BTreeMap::new();
        for (number, target) in tasks {
            numbers.insert(*number, self.number(*target)?);
        }
        selection.query = query_now(query, &selection, &numbers);
        let row = SelectionRow {
            id,
            selection,
            changed_at: muster_clock::now(),
            changed_by: self.who.actor(),
        };
        selection_update(connection, &row).await?;
        self.applied(connection, Kind::Selection, id.0, made).await
    }

    pub(super) async fn window(
        &self,
        connection: &mut Connection,
        here: Option<WindowId>,
        of: &SetReference,
        window: Window,
    ) -> Result<(), AppError> {
        let of = set_find(connection, of).await?;
        let whose = SetNames::read(connection).await?.of(of);
        let now = muster_clock::now();
        let by = self.who.actor();
        let name = window.name.clone();
        let (id, kind, text) = match here {
            None => {
                let id = window_insert(connection, of, &window, now, &by).await?;
                let text = format!("Window {name} was created for {whose}.");
                (id, "window.created", text)
            }
            Some(id) => {
                let row = WindowRow {
                    id,
                    of,
                    window,
                    changed_at: now,
                    changed_by: by,
                };
                window_update(connection, &row).await?;
                (id, "window.changed", format!("Window {name} was changed."))
            }
        };
        self.tell(connection, kind, group_of(of), text).await?;
        self.applied(connection, Kind::Window, id.0, here.is_none())
            .await
    }

    /// Removes what this set of files made, by the rules that hold for whoever removes it.
    pub(super) async fn remove(
        &self,
        connection: &mut Connection,
        kind: Kind,
        id: i64,
    ) -> Result<(), AppError> {
        let actor = self.who.actor();
        match kind {
            Kind::Task => crate::task::remove(connection, TaskId(id), actor).await?,
            Kind::Group => crate::group::remove(connection, GroupId(id), actor).await?,
            Kind::Window => {
                let rows = window_list(connection).await?;
                let row = rows.into_iter().find(|row| row.id.0 == id);
                let row = row.ok_or_else(|| AppError::not_found("window", &id))?;
                window_delete(connection, WindowId(id)).await?;
                let text = format!("Window {} was removed.", row.window.name);
                self.tell(connection, "window.removed", group_of(row.of), text)
                    .await?;
            }
            Kind::Selection => {
                let rows = selection_list(connection).await?;
                let row = rows.into_iter().find(|row| row.id.0 == id);
                let row = row.ok_or_else(|| AppError::not_found("selection", &id))?;
                if let Some(user) = selection_user(connection, SelectionId(id)).await? {
                    return Err(crate::selection::in_use(&row.selection.name, &user));
                }
                selection_delete(connection, SelectionId(id)).await?;
                let text = format!("Selection {} was removed.", row.selection.name);
                self.tell(connection, "selection.removed", None, text)
                    .await?;
            }
        }
        Ok(applied_delete(connection, kind, id).await?)
    }
}

fn group_of(set: DeviceSet) -> Option<GroupId> {
    match set {
        DeviceSet::Group(group) => Some(group),
        DeviceSet::Selection(_) => None,
    }
}

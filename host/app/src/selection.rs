//! Selections, as administrators make them, and the devices that they mean.

mod look;

pub(crate) use look::{Look, Pages};

use crate::device::DeviceDetail;
use crate::{Administrator, App, AppError};
use muster_domain::SelectionId;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::finding::Finding;
use muster_domain::selection::{Query, Selection};
use muster_storage::Connection;
use muster_storage::event::event_insert;
use muster_storage::member::selection_user;
use muster_storage::selection::{
    SelectionRow, selection_delete, selection_get, selection_insert, selection_list,
    selection_update,
};

/// The devices that a query means.
#[derive(Debug, Clone)]
pub struct Meant {
    /// How many there are.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The first of them, by number.
    pub devices: Vec<DeviceDetail>,
}

impl App {
    /// Every selection, by name.
    pub async fn selection_list(
        &self,
        _who: &Administrator,
    ) -> Result<Vec<SelectionRow>, AppError> {
        Ok(selection_list(&mut *self.0.storage.read().await?).await?)
    }

    /// A selection by its number.
    pub async fn selection_get(
        &self,
        _who: &Administrator,
        id: SelectionId,
    ) -> Result<SelectionRow, AppError> {
        let found = selection_get(&mut *self.0.storage.read().await?, id).await?;
        found.ok_or_else(|| AppError::not_found("selection", &id))
    }

    /// Saves a selection; JSON.
    pub async fn selection_create(
        &self,
        who: &Administrator,
        selection: &serde_json::Value,
    ) -> Result<(SelectionId, Vec<Finding>), AppError> {
        let (selection, _, findings) = read(selection)?;
        let actor = who.actor();
        let id = self
            .logged(move |connection| {
                Box::pin(async move {
                    let now = muster_clock::now();
                    let id = selection_insert(connection, &selection, now, &actor).await?;
                    let text = format!("Selection {} was created.", selection.name);
                    tell(connection, "selection.created", actor, text).await?;
                    Ok(id)
                })
            })
            .await?;
        Ok((id, findings))
    }

    /// Writes a selection anew; JSON.
    pub async fn selection_change(
        &self,
        who: &Administrator,
        id: SelectionId,
        selection: &serde_json::Value,
    ) -> Result<Vec<Finding>, AppError> {
        let (selection, _, findings) = read(selection)?;
        let row = SelectionRow {
            id,
            selection,
            changed_at: muster_clock::now(),
            changed_by: who.actor(),
        };
        let actor = who.actor();
        self.logged(move |connection| {
            Box::pin(async move {
                if !selection_update(connection, &row).await? {
                    return Err(AppError::not_found("selection", &id));
                }
                let text = format!("Selection {} was changed.", row.selection.name);
                tell(connection, "selection.changed", actor, text).await
            })
        })
        .await?;
        self.0.hints.selections_changed();
        Ok(findings)
    }

    /// Removes a selection that nothing is for.
    pub async fn selection_remove(
        &self,
        who: &Administrator,
        id: SelectionId,
    ) -> Result<(), AppError> {
        let name = self.selection_get(who, id).await?.selection.name;
        let actor = who.actor();
        self.logged(move |connection| {
            Box::pin(async move {
                if let Some(user) = selection_user(connection, id).await? {
                    return Err(in_use(&name, &user));
                }
                if !selection_delete(connection, id).await? {
                    return Err(AppError::not_found("selection", &id));
                }
                let text = format!("Selection {name} was removed.");
                tell(connection, "selection.removed", actor, text).await
            })
        })
        .await
    }

    /// The devices that a selection means now: all are counted, and the first `limit` of them given.
    pub async fn selection_devices(
        &self,
        who: &Administrator,
        id: SelectionId,
        limit: usize,
    ) -> Result<Meant, AppError> {
        let row = self.selection_get(who, id).await?;
        let text = serde_json::json!(row.selection);
        let (_, query, _) = read(&text)?;
        self.meant(&query, limit).await
    }

    /// The devices that a query means now, saved or not.
    pub async fn selection_try(
        &self,
        _who: &Administrator,
        query: &str,
        limit: usize,
    ) -> Result<(Meant, Vec<Finding>), AppError> {
        let selection = serde_json::json!({"name": "tried", "query": query});
        let (_, query, findings) = read(&selection)?;
        Ok((self.meant(&query, limit).await?, findings))
    }

    async fn meant(&self, query: &Query, limit: usize) -> Result<Meant, AppError> {
        let mut connection = self.0.storage.read().await?;
        let online = self.0.links.devices();
        let look = Look::begin(&mut connection, online, std::iter::once(query)).await?;
        let mut meant = Meant {
            count: 0,
            of: 0,
            devices: Vec::new(),
        };
        let mut pages = Pages::of(None);
        while let Some(page) = pages.next(&mut connection).await? {
            for device in page {
                meant.of += 1;
                if !look.means(query, &device) {
                    continue;
                }
                meant.count += 1;
                if meant.devices.len() < limit {
                    meant.devices.push(DeviceDetail {
                        path: look.tree.path(device.group),
                        online: look.online.contains(device.id.0),
                        device,
                    });
                }
            }
        }
        Ok(meant)
    }
}

pub(crate) fn in_use(name: &str, user: &str) -> AppError {
    AppError::Conflict {
        code: "selection-in-use",
        text: format!(
            "selection {name} cannot be removed: {user} is for it; change or delete that first"
        ),
    }
}

pub(crate) fn read(json: &serde_json::Value) -> Result<(Selection, Query, Vec<Finding>), AppError> {
    Selection::parse(json).map_err(|findings| AppError::FormInvalid {
        what: "selection",
        findings,
    })
}

async fn tell(
    connection: &mut Connection,
    kind: &str,
    actor: Actor,
    text: String,
) -> Result<(), AppError> {
    let event = NewEvent::new(kind, Severity::Info, actor, text).about(Subject::default());
    Ok(event_insert(connection, muster_clock::now(), &[event]).await?)
}

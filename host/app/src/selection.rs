//! Selections, as administrators make them, and the devices that they mean.

use crate::device::DeviceDetail;
use crate::place::Tree;
use crate::{Administrator, App, AppError};
use muster_domain::delivery::DeliveryState;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::finding::Finding;
use muster_domain::selection::{DeviceView, Query, Selection};
use muster_domain::{DeviceId, SelectionId, TaskId};
use muster_storage::Connection;
use muster_storage::delivery::delivery_latest_of_task;
use muster_storage::device::device_list;
use muster_storage::event::event_insert;
use muster_storage::selection::{
    SelectionRow, selection_delete, selection_insert, selection_list, selection_update,
};
use muster_storage::tag::tag_list_all;
use std::collections::{BTreeMap, BTreeSet};

/// Devices are looked at so many at a time.
const PAGE: u32 = 1000;

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
        who: &Administrator,
        id: SelectionId,
    ) -> Result<SelectionRow, AppError> {
        let all = self.selection_list(who).await?;
        let found = all.into_iter().find(|row| row.id == id);
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
        Ok(findings)
    }

    /// Removes a selection.
    pub async fn selection_remove(
        &self,
        who: &Administrator,
        id: SelectionId,
    ) -> Result<(), AppError> {
        let name = self.selection_get(who, id).await?.selection.name;
        let actor = who.actor();
        self.logged(move |connection| {
            Box::pin(async move {
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
        let tree = Tree::read(&mut connection).await?;
        let mut outcomes: BTreeMap<DeviceId, BTreeMap<TaskId, DeliveryState>> = BTreeMap::new();
        for task in query.tasks() {
            for (device, state) in delivery_latest_of_task(&mut connection, task).await? {
                outcomes.entry(device).or_default().insert(task, state);
            }
        }
        let now = muster_clock::now();
        let tags = tag_list_all(&mut connection).await?;
        let (no_tags, no_outcomes) = (BTreeSet::new(), BTreeMap::new());
        let mut meant = Meant {
            count: 0,
            of: 0,
            devices: Vec::new(),
        };
        let mut after = DeviceId(0);
        loop {
            let page = device_list(&mut connection, None, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(meant);
            };
            after = last.id;
            for device in page {
                let path = tree.path(device.group);
                let online = self.0.links.is_open(device.id);
                let view = DeviceView {
                    group_path: &path,
                    online,
                    tags: tags.get(&device.id).unwrap_or(&no_tags),
                    outcomes: outcomes.get(&device.id).unwrap_or(&no_outcomes),
                };
                meant.of += 1;
                if query.matches(&device, &view, now) {
                    meant.count += 1;
                    if meant.devices.len() < limit {
                        meant.devices.push(DeviceDetail {
                            device,
                            path,
                            online,
                        });
                    }
                }
            }
        }
    }
}

fn read(json: &serde_json::Value) -> Result<(Selection, Query, Vec<Finding>), AppError> {
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

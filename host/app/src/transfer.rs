//! Scopes in names, which mean the same on every server.

use crate::AppError;
use crate::place::{ScopeReference, Tree};
use muster_domain::DeviceId;
use muster_domain::scope::Scope;
use muster_storage::Connection;
use muster_storage::device::device_names;
use muster_storage::selection::selection_get;
use std::collections::HashMap;

/// A scope, with everything that it names in names.
pub(crate) async fn by_name(
    connection: &mut Connection,
    scope: &Scope,
) -> Result<ScopeReference, AppError> {
    match scope {
        Scope::Local { device } => {
            let names = names(connection, &[*device]).await?;
            Ok(ScopeReference::Local(name_of(&names, *device)))
        }
        Scope::Group {
            group,
            subgroups,
            excluded,
            only,
            membership,
        } => {
            let tree = Tree::read(connection).await?;
            Ok(ScopeReference::Group {
                group: tree.path(*group),
                subgroups: *subgroups,
                // One that was removed has no path.
                excluded: excluded
                    .iter()
                    .filter(|group| tree.get(**group).is_some())
                    .map(|group| tree.path(*group))
                    .collect(),
                only: *only,
                membership: *membership,
            })
        }
        Scope::Selection {
            selection,
            membership,
        } => {
            let row = selection_get(connection, *selection).await?;
            let name = row.map_or_else(|| selection.to_string(), |row| row.selection.name);
            Ok(ScopeReference::Selection {
                selection: name,
                membership: *membership,
            })
        }
        Scope::Global { devices } => {
            let devices: Vec<DeviceId> = devices.iter().map(DeviceId).collect();
            let names = names(connection, &devices).await?;
            Ok(ScopeReference::Global(
                devices
                    .into_iter()
                    .map(|device| name_of(&names, device))
                    .collect(),
            ))
        }
    }
}

async fn names(
    connection: &mut Connection,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, String>, AppError> {
    Ok(device_names(connection, devices)
        .await?
        .into_iter()
        .collect())
}

fn name_of(names: &HashMap<DeviceId, String>, device: DeviceId) -> String {
    names
        .get(&device)
        .cloned()
        .unwrap_or_else(|| device.to_string())
}

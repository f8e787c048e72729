//! Tasks as files: exported from one server, imported into another in two steps.
//!
//! The file's form is the edge's affair; here are the task's parts in names that mean the same on
//! every server.

use crate::place::{ScopeReference, Tree, scope_find};
use crate::submit::TaskRequest;
use crate::{Administrator, App, AppError};
use muster_domain::finding::Finding;
use muster_domain::plan::{Change, changes};
use muster_domain::scope::Scope;
use muster_domain::task::Task;
use muster_domain::{DeviceId, TaskId};
use muster_storage::Connection;
use muster_storage::device::device_names;
use muster_storage::selection::selection_get;
use std::collections::HashMap;

/// What an import would do.
#[derive(Debug, Clone)]
pub struct ImportPreview {
    /// What changes in the settings, as they follow an older version of the schema.
    pub changes: Vec<Change>,
    /// What the plug-in finds in the settings.
    pub findings: Vec<Finding>,
    /// What the file names and this server does not have.
    pub missing: Vec<String>,
    /// Whether it can be done.
    pub importable: bool,
}

impl App {
    /// A task with its scope in names.
    pub async fn task_export(
        &self,
        who: &Administrator,
        id: TaskId,
    ) -> Result<(Task, ScopeReference), AppError> {
        let task = self.task_get(who, id).await?.task;
        let scope = by_name(&mut *self.0.storage.read().await?, &task.scope).await?;
        Ok((task, scope))
    }

    /// Looks at what an import would do, without doing it.
    pub async fn task_import_preview(
        &self,
        _who: &Administrator,
        request: &TaskRequest,
    ) -> Result<ImportPreview, AppError> {
        crate::submit::check_name(&request.name)?;
        let found = scope_find(&mut *self.0.storage.read().await?, &request.scope).await?;
        let missing = found.err().unwrap_or_default();
        let agreed = match &request.settings {
            Ok(settings) => {
                self.agree_up(
                    &request.application,
                    &request.task_type,
                    request.schema_version,
                    settings,
                )
                .await
            }
            Err(finding) => Err(AppError::SettingsInvalid {
                findings: vec![finding.clone()],
            }),
        };
        let (findings, agreed) = match agreed {
            Ok(agreed) => (agreed.findings, Some(agreed.settings)),
            Err(AppError::SettingsInvalid { findings }) => (findings, None),
            Err(other) => return Err(other),
        };
        Ok(ImportPreview {
            importable: agreed.is_some() && missing.is_empty(),
            changes: match (&request.settings, agreed) {
                (Ok(before), Some(after)) => changes(&before.to_value(), &after.to_value()),
                _ => Vec::new(),
            },
            findings,
            missing,
        })
    }
}

async fn by_name(connection: &mut Connection, scope: &Scope) -> Result<ScopeReference, AppError> {
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
                excluded: excluded.iter().map(|group| tree.path(*group)).collect(),
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

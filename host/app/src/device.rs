//! Devices, as administrators see and place them.

use crate::place::{Tree, device_find};
use crate::{Administrator, App, AppError};
use muster_domain::device::Device;
use muster_domain::event::{NewEvent, Severity, Subject};
use muster_domain::group::is_name;
use muster_domain::{DeviceId, GroupId};
use muster_storage::device::{
    device_by_name, device_list, device_place, device_remove, device_set,
};
use muster_storage::event::event_insert;

/// A device, with what only the running server knows of it.
#[derive(Debug, Clone)]
pub struct DeviceDetail {
    /// The device.
    pub device: Device,
    /// Its group's path.
    pub path: String,
    /// Whether its link is open.
    pub online: bool,
}

/// Which devices are wanted. What is none does not narrow.
#[derive(Debug, Clone, Default)]
pub struct DeviceFilter {
    /// In this group, by number or path, without the groups below.
    pub group: Option<String>,
    /// Of this name.
    pub name: Option<String>,
    /// With a greater number.
    pub after: Option<DeviceId>,
}

impl App {
    /// Devices by number, at most `limit`.
    pub async fn device_list(
        &self,
        _who: &Administrator,
        filter: &DeviceFilter,
        limit: u32,
    ) -> Result<Vec<DeviceDetail>, AppError> {
        let mut connection = self.0.storage.read().await?;
        let tree = Tree::read(&mut connection).await?;
        if let Some(name) = &filter.name {
            let device = device_by_name(&mut connection, name).await?;
            return Ok(device
                .into_iter()
                .map(|device| self.detail(device, &tree))
                .collect());
        }
        let group = match &filter.group {
            Some(path) => Some(
                tree.find(path)
                    .ok_or_else(|| AppError::not_found("group", &path))?,
            ),
            None => None,
        };
        let after = filter.after.unwrap_or(DeviceId(0));
        let devices = device_list(&mut connection, group, after, limit).await?;
        Ok(devices
            .into_iter()
            .map(|device| self.detail(device, &tree))
            .collect())
    }

    /// A device by number or name.
    pub async fn device_get(
        &self,
        _who: &Administrator,
        reference: &str,
    ) -> Result<DeviceDetail, AppError> {
        let mut connection = self.0.storage.read().await?;
        let device = device_find(&mut connection, reference).await?;
        let tree = Tree::read(&mut connection).await?;
        Ok(self.detail(device, &tree))
    }

    fn detail(&self, device: Device, tree: &Tree) -> DeviceDetail {
        DeviceDetail {
            path: tree.path(device.group),
            online: self.0.links.is_open(device.id),
            device,
        }
    }

    /// How many devices are enrolled, and how many of them have an open link.
    pub async fn device_counts(&self, _who: &Administrator) -> Result<(u64, u64), AppError> {
        let all = device_set(&mut *self.0.storage.read().await?).await?;
        Ok((all.len(), self.devices_online()))
    }

    /// How many devices have an open link.
    pub fn devices_online(&self) -> u64 {
        self.0.links.count()
    }

    /// Gives a device another name or another group.
    pub async fn device_change(
        &self,
        who: &Administrator,
        reference: String,
        name: Option<String>,
        group: Option<String>,
    ) -> Result<DeviceDetail, AppError> {
        if let Some(name) = &name {
            check_name(name)?;
        }
        let actor = who.actor();
        let id = self
            .logged(move |connection| {
                Box::pin(async move {
                    let device = device_find(connection, &reference).await?;
                    let tree = Tree::read(connection).await?;
                    let group = match &group {
                        Some(path) => tree
                            .find(path)
                            .ok_or_else(|| AppError::not_found("group", &path))?,
                        None => device.group,
                    };
                    let name = name.unwrap_or_else(|| device.name.clone());
                    device_place(connection, device.id, &name, group, muster_clock::now()).await?;
                    let text = format!(
                        "Device {} in {} is now {name} in {}.",
                        device.name,
                        tree.path(device.group),
                        tree.path(group)
                    );
                    let event = NewEvent::new("device.changed", Severity::Info, actor, text)
                        .about(about(device.id, Some(group)))
                        .with(serde_json::json!({ "from": device.group, "to": group }));
                    event_insert(connection, muster_clock::now(), &[event]).await?;
                    Ok(device.id)
                })
            })
            .await?;
        self.0.hints.device_changed(id);
        self.device_get(who, &id.to_string()).await
    }

    /// Removes a device: its certificate is no longer good, its link is closed, its history stays.
    pub async fn device_remove(
        &self,
        who: &Administrator,
        reference: String,
    ) -> Result<(), AppError> {
        let actor = who.actor();
        let id = self
            .logged(move |connection| {
                Box::pin(async move {
                    let device = device_find(connection, &reference).await?;
                    let now = muster_clock::now();
                    crate::dispatch::device_leave(connection, device.id, now).await?;
                    device_remove(connection, device.id, now).await?;
                    let text = format!("Device {} was removed.", device.name);
                    let event = NewEvent::new("device.removed", Severity::Info, actor, text)
                        .about(about(device.id, None));
                    event_insert(connection, now, &[event]).await?;
                    Ok(device.id)
                })
            })
            .await?;
        self.0
            .links
            .refuse(id, "device-removed", "an administrator removed this device");
        self.0.hints.everything();
        Ok(())
    }
}

fn about(device: DeviceId, group: Option<GroupId>) -> Subject {
    Subject {
        device: Some(device),
        group,
        ..Subject::default()
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), AppError> {
    // A name of digits alone would be taken for a number.
    if is_name(name) && !name.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(AppError::Invalid {
        code: "name-invalid",
        text: format!(
            "{name:?} cannot name a device: 1 to 100 characters, no control characters, no white \
             space at the ends, not digits alone"
        ),
    })
}

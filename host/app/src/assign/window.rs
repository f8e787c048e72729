//! The windows of each device: those of its group, of the groups above it and of the selections it is in.

use super::parts;
use crate::hint::Due;
use crate::place::Tree;
use crate::{App, AppError};
use muster_agent_protocol::assignment::DeviceWindows;
use muster_agent_protocol::message::FromServer;
use muster_domain::device::Device;
use muster_domain::schedule::window::Window;
use muster_domain::{DeviceId, DeviceSet, Digest, GroupId, SelectionId};
use muster_storage::Connection;
use muster_storage::assignment::{AssignmentRow, WINDOWS, assignment_list, assignment_put};
use muster_storage::device::{device_list_of, device_order_next};
use muster_storage::member::member_set;
use muster_storage::window::{WindowRow, window_list};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// Tells connected devices of their windows, as far as they do not know them as they are now.
pub(super) async fn assign(app: &App, due: &Due) -> Result<(), AppError> {
    let connected = app.0.links.devices();
    let devices = if due.all {
        connected
    } else {
        connected & &due.devices
    };
    for devices in parts(&devices) {
        let wanted = wanted(app, &devices).await?;
        if wanted.is_empty() {
            continue;
        }
        let turn = app.0.order_turn.lock().await;
        let told = app
            .logged(move |connection| Box::pin(keep(connection, wanted)))
            .await?;
        for windows in told {
            let envelope = app.0.order_key.seal(&windows);
            app.0
                .links
                .send(windows.device, FromServer::Windows(envelope));
        }
        drop(turn);
    }
    Ok(())
}

/// The devices that have to hear of their windows, with these.
async fn wanted(app: &App, devices: &[DeviceId]) -> Result<Vec<(DeviceId, Vec<Window>)>, AppError> {
    let mut connection = app.0.storage.read().await?;
    let windows = WindowsOfSets::read(&mut connection).await?;
    let told = assignment_list(&mut connection, WINDOWS, devices).await?;
    let told: BTreeMap<DeviceId, String> = told
        .into_iter()
        .map(|row| (row.device, row.digest))
        .collect();
    let devices = device_list_of(&mut connection, devices).await?;
    let mut wanted = Vec::new();
    for device in devices {
        let own = windows.of(&device);
        let known = match told.get(&device.id) {
            Some(digest) => *digest == digest_of(&own),
            // Who was never told of any knows that there are none.
            None => own.is_empty(),
        };
        if !known {
            wanted.push((device.id, own));
        }
    }
    Ok(wanted)
}

/// All windows, with what it takes to say whose they are.
pub(crate) struct WindowsOfSets {
    rows: Vec<WindowRow>,
    tree: Tree,
    members: BTreeMap<SelectionId, RoaringBitmap>,
}

impl WindowsOfSets {
    pub(crate) async fn read(connection: &mut Connection) -> Result<Self, AppError> {
        let rows = window_list(connection).await?;
        let mut members = BTreeMap::new();
        for row in &rows {
            if let DeviceSet::Selection(id) = row.of
                && !members.contains_key(&id)
            {
                members.insert(id, member_set(connection, id, None).await?);
            }
        }
        Ok(Self {
            rows,
            tree: Tree::read(connection).await?,
            members,
        })
    }

    /// The windows that every device has.
    pub(crate) fn of_all(&self) -> Vec<Window> {
        let of_root = |row: &&WindowRow| row.of == DeviceSet::Group(GroupId::ROOT);
        let there = self.rows.iter().filter(of_root);
        there.map(|row| row.window.clone()).collect()
    }

    /// The windows of a device.
    pub(crate) fn of(&self, device: &Device) -> Vec<Window> {
        let above = self.tree.with_above(device.group);
        let is_for = |row: &&WindowRow| match &row.of {
            DeviceSet::Group(group) => above.contains(group),
            DeviceSet::Selection(id) => {
                let members = self.members.get(id);
                members.is_some_and(|members| members.contains(device.id.0))
            }
        };
        let there = self.rows.iter().filter(is_for);
        there.map(|row| row.window.clone()).collect()
    }
}

fn digest_of(windows: &[Window]) -> String {
    Digest::of(serde_json::json!(windows).to_string()).to_string()
}

async fn keep(
    connection: &mut Connection,
    wanted: Vec<(DeviceId, Vec<Window>)>,
) -> Result<Vec<DeviceWindows>, AppError> {
    let mut told = Vec::with_capacity(wanted.len());
    for (device, windows) in wanted {
        let sequence = device_order_next(connection, device).await?;
        let row = AssignmentRow {
            device,
            task: WINDOWS,
            digest: digest_of(&windows),
            sequence,
            since: None,
            withdrawn: false,
        };
        assignment_put(connection, &row).await?;
        told.push(DeviceWindows {
            device,
            sequence,
            windows,
        });
    }
    Ok(told)
}

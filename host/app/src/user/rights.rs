//! Tells each device what its user may do.

use super::Policies;
use crate::assign::parts;
use crate::hint::Due;
use crate::{App, AppError};
use muster_agent_protocol::message::FromServer;
use muster_agent_protocol::user::UserRights;
use muster_domain::user::Rights;
use muster_domain::{DeviceId, Digest};
use muster_storage::Connection;
use muster_storage::assignment::{AssignmentRow, RIGHTS, assignment_list, assignment_put};
use muster_storage::device::{device_list_of, device_order_next};
use std::collections::BTreeMap;

/// Tells connected devices what their users may do, as far as they do not know it as it is now.
pub(crate) async fn assign(app: &App, due: &Due) -> Result<(), AppError> {
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
        for rights in told {
            let envelope = app.0.order_key.seal(&rights);
            app.0
                .links
                .send(rights.device, FromServer::Rights(envelope));
        }
        drop(turn);
    }
    Ok(())
}

type Wanted = (DeviceId, Rights, String);

/// The devices that have to hear of their users' rights, with these.
async fn wanted(app: &App, devices: &[DeviceId]) -> Result<Vec<Wanted>, AppError> {
    let mut connection = app.0.storage.read().await?;
    let policies = Policies::read(&mut connection).await?;
    let told = assignment_list(&mut connection, RIGHTS, devices).await?;
    let told: BTreeMap<DeviceId, String> = told
        .into_iter()
        .map(|row| (row.device, row.digest))
        .collect();
    let mut wanted = Vec::new();
    for device in device_list_of(&mut connection, devices).await? {
        let rights = policies.rights(device.group);
        let group = policies.tree.path(device.group);
        let known = match told.get(&device.id) {
            Some(digest) => *digest == digest_of(rights, &group),
            // Who was never told anything allows nothing.
            None => !rights.any(),
        };
        if !known {
            wanted.push((device.id, rights, group));
        }
    }
    Ok(wanted)
}

fn digest_of(rights: Rights, group: &str) -> String {
    Digest::of(serde_json::json!([rights, group]).to_string()).to_string()
}

async fn keep(
    connection: &mut Connection,
    wanted: Vec<Wanted>,
) -> Result<Vec<UserRights>, AppError> {
    let mut told = Vec::with_capacity(wanted.len());
    for (device, rights, group) in wanted {
        let sequence = device_order_next(connection, device).await?;
        let row = AssignmentRow {
            device,
            task: RIGHTS,
            digest: digest_of(rights, &group),
            sequence,
            since: None,
            withdrawn: false,
        };
        assignment_put(connection, &row).await?;
        told.push(UserRights {
            device,
            sequence,
            rights,
            group,
        });
    }
    Ok(told)
}

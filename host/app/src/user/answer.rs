//! Answer: a device is told what became of what its user asked for, until it has heard.

use crate::{App, AppError};
use muster_agent_protocol::message::FromServer;
use muster_agent_protocol::user::Edited;
use muster_domain::DeviceId;
use muster_storage::device::device_order_next;
use muster_storage::user::{user_edit_devices_untold, user_edit_list_untold, user_edit_told};

/// Tells every connected device what it has still to hear.
pub(super) async fn tell(app: &App) -> Result<(), AppError> {
    let untold = user_edit_devices_untold(&mut *app.0.storage.read().await?).await?;
    for device in untold & app.0.links.devices() {
        one(app, DeviceId(device)).await?;
    }
    Ok(())
}

async fn one(app: &App, device: DeviceId) -> Result<(), AppError> {
    let turn = app.0.order_turn.lock().await;
    let told = app
        .logged(move |connection| {
            Box::pin(async move {
                let mut told = Vec::new();
                for row in user_edit_list_untold(connection, device).await? {
                    let Some(outcome) = row.outcome else { continue };
                    let sequence = device_order_next(connection, device).await?;
                    user_edit_told(connection, row.place, sequence).await?;
                    told.push(Edited {
                        device,
                        sequence,
                        edit: row.id,
                        outcome,
                    });
                }
                Ok::<_, AppError>(told)
            })
        })
        .await?;
    muster_crash_point::reach("user.told");
    for edited in told {
        let envelope = app.0.order_key.seal(&edited);
        app.0.links.send(device, FromServer::Edited(envelope));
    }
    drop(turn);
    Ok(())
}

//! Keep: what a device's user asks for becomes a row, with the news that brought it. Nothing is believed
//! here but that the device said it.

use crate::AppError;
use jiff::Timestamp;
use muster_domain::DeviceId;
use muster_domain::text::plain;
use muster_domain::user::{EditOutcome, UserEdit};
use muster_storage::Connection;
use muster_storage::user::{UserEditRow, user_edit_count_open, user_edit_insert};

/// Edits of one device that may wait.
const MOST_OPEN: u64 = 200;
/// Bytes of one edit: settings at their longest, a schedule and a name.
const MOST_BYTES: usize = 320 * 1024;
/// Characters of a user's name.
const MOST_NAME: usize = 64;

/// Keeps what a device's user asks for. What comes twice is known by its name.
pub(crate) async fn keep(
    connection: &mut Connection,
    device: DeviceId,
    made_at: Timestamp,
    asked: &UserEdit,
) -> Result<(), AppError> {
    let refused = |code: &str, reason: String| EditOutcome::Refused {
        code: code.into(),
        reason,
        findings: Vec::new(),
    };
    let bytes = serde_json::json!(asked.edit).to_string().len();
    let outcome = if bytes > MOST_BYTES {
        let reason = format!("It has {bytes} bytes; at most {MOST_BYTES} are taken.");
        Some(refused("too-large", reason))
    } else if user_edit_count_open(connection, device).await? >= MOST_OPEN {
        let reason = format!("{MOST_OPEN} others of this device wait already.");
        Some(refused("too-many", reason))
    } else {
        None
    };
    let name: String = plain(&asked.user).chars().take(MOST_NAME).collect();
    let row = UserEditRow {
        place: 0,
        id: asked.id.clone(),
        device,
        task: None,
        user: if name.is_empty() {
            "unknown".into()
        } else {
            name
        },
        edit: outcome.is_none().then(|| asked.edit.clone()),
        made_at,
        came_at: muster_clock::now(),
        outcome,
    };
    user_edit_insert(connection, &row).await?;
    Ok(())
}

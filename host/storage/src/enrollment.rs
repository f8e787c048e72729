//! Enrollment tokens: what is kept of them is a digest.

use crate::codec::{Columns, to_millis};
use crate::{Connection, StorageError};
use jiff::Timestamp;
use muster_domain::event::Actor;
use muster_domain::{DeviceId, Digest, GroupId};

/// A token as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentTokenRow {
    /// The group that its device comes into.
    pub group: GroupId,
    /// The device that it enrolls again, rather than a new one.
    pub for_device: Option<DeviceId>,
    /// When it ends.
    pub valid_until: Timestamp,
    /// The device that it enrolled, and the digest of that device's public key.
    pub used: Option<(DeviceId, Digest)>,
}

/// Adds a token for a new device, or for one that is there.
pub async fn enrollment_token_insert(
    connection: &mut Connection,
    digest: Digest,
    (group, for_device): (GroupId, Option<DeviceId>),
    valid_until: Timestamp,
    now: Timestamp,
    by: &Actor,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO enrollment_tokens (digest, group_id, valid_until, created_at, created_by, for_device) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(digest.to_string())
    .bind(group.0)
    .bind(to_millis(valid_until))
    .bind(to_millis(now))
    .bind(by.to_string())
    .bind(for_device.map(|device| i64::from(device.0)))
    .execute(connection)
    .await?;
    Ok(())
}

/// A token by its secret's digest.
pub async fn enrollment_token_get(
    connection: &mut Connection,
    digest: Digest,
) -> Result<Option<EnrollmentTokenRow>, StorageError> {
    let row = sqlx::query("SELECT * FROM enrollment_tokens WHERE digest = $1")
        .bind(digest.to_string())
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let columns = Columns {
            table: "enrollment_tokens",
            row: &row,
        };
        let device = columns.optional_number("used_by")?.map(DeviceId);
        Ok(EnrollmentTokenRow {
            group: GroupId(columns.get("group_id")?),
            for_device: columns.optional_number("for_device")?.map(DeviceId),
            valid_until: columns.time("valid_until")?,
            used: device.zip(columns.optional_text("used_key")?),
        })
    })
    .transpose()
}

/// Notes that a token was used.
pub async fn enrollment_token_use(
    connection: &mut Connection,
    digest: Digest,
    device: DeviceId,
    key: Digest,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE enrollment_tokens SET used_by = $2, used_key = $3 WHERE digest = $1")
        .bind(digest.to_string())
        .bind(i64::from(device.0))
        .bind(key.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

//! Administration groups.

use crate::codec::Columns;
use crate::{Connection, StorageError};
use muster_domain::GroupId;
use muster_domain::group::Group;

/// Every group. The tree is small: it is read whole, and paths are made by the caller.
pub async fn group_list(connection: &mut Connection) -> Result<Vec<Group>, StorageError> {
    let rows = sqlx::query("SELECT id, parent, name FROM groups ORDER BY id")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let columns = Columns {
                table: "groups",
                row,
            };
            Ok(Group {
                id: GroupId(columns.get("id")?),
                parent: columns.optional_number("parent")?.map(GroupId),
                name: columns.get("name")?,
            })
        })
        .collect()
}

/// How many devices each group holds itself. Groups without any are left out.
pub async fn group_device_counts(
    connection: &mut Connection,
) -> Result<Vec<(GroupId, u64)>, StorageError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT group_id, count(*) FROM devices WHERE removed_at IS NULL GROUP BY group_id",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(group, count)| (GroupId(group), count.unsigned_abs()))
        .collect())
}

/// Adds a group. `group_name_taken` if there is one of the name beside it.
pub async fn group_insert(
    connection: &mut Connection,
    parent: GroupId,
    name: &str,
) -> Result<GroupId, StorageError> {
    let id = sqlx::query_scalar("INSERT INTO groups (parent, name) VALUES ($1, $2) RETURNING id")
        .bind(parent.0)
        .bind(name)
        .fetch_one(connection)
        .await?;
    Ok(GroupId(id))
}

/// Gives a group another name or place. `group_name_taken` as above.
pub async fn group_update(connection: &mut Connection, group: &Group) -> Result<(), StorageError> {
    sqlx::query("UPDATE groups SET parent = $2, name = $3 WHERE id = $1")
        .bind(group.id.0)
        .bind(group.parent.map(|parent| parent.0))
        .bind(&group.name)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a group. The caller has seen that nothing is in it.
pub async fn group_delete(connection: &mut Connection, id: GroupId) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM groups WHERE id = $1")
        .bind(id.0)
        .execute(connection)
        .await?;
    Ok(())
}

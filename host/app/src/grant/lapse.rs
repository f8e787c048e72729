//! Lapse: what was granted to a revision that is not at work, and holds no longer.
//!
//! Otherwise a roll-back would bring back what an administrator took away.

use super::{ASKS, waiting_for};
use crate::AppError;
use jiff::Timestamp;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::grant::{Right, Words};
use muster_domain::revision::RevisionState;
use muster_domain::{ApplicationId, Digest};
use muster_storage::Connection;
use muster_storage::event::event_insert;
use muster_storage::grant::{grant_list, grant_remove, words};
use muster_storage::plugin::{PluginRow, plugin_revisions, plugin_state_set};

/// What is taken from the revision in place by what was said now, no other one has any longer.
pub(super) async fn lapse(
    connection: &mut Connection,
    current: &PluginRow,
    said: &Words,
    actor: &Actor,
) -> Result<(), AppError> {
    let application = &current.description.application;
    let lapses = |row: &PluginRow, right| row.state.is_kept() && said.0.contains_key(&right);
    take(connection, application, current.digest, lapses, actor).await
}

/// Revisions that were at work keep of their grants what the one that is at work now has as well.
pub(crate) async fn lapse_superseded(
    connection: &mut Connection,
    application: &ApplicationId,
    current: Digest,
    actor: &Actor,
) -> Result<(), AppError> {
    let lapses = |row: &PluginRow, _| row.state == RevisionState::Superseded;
    take(connection, application, current, lapses, actor).await
}

async fn take(
    connection: &mut Connection,
    application: &ApplicationId,
    current: Digest,
    lapses: impl Fn(&PluginRow, Right) -> bool,
    actor: &Actor,
) -> Result<(), AppError> {
    let holds = words(&grant_list(connection, application, current).await?);
    for row in plugin_revisions(connection, application).await? {
        if row.digest == current {
            continue;
        }
        let has = words(&grant_list(connection, application, row.digest).await?);
        let beyond = has.beyond(&holds).into_iter();
        let beyond: Vec<Right> = beyond.filter(|right| lapses(&row, *right)).collect();
        if beyond.is_empty() {
            continue;
        }
        for right in &beyond {
            grant_remove(connection, application, row.digest, *right).await?;
        }
        remark(connection, &row).await?;
        let event = lapsed(&row, &beyond, actor);
        event_insert(connection, Timestamp::now(), &[event]).await?;
    }
    Ok(())
}

/// Keeps beside a revision that is ready what it waits for, as it is now.
pub(crate) async fn remark(connection: &mut Connection, row: &PluginRow) -> Result<(), AppError> {
    if row.state != RevisionState::Ready {
        return Ok(());
    }
    let (description, digest) = (&row.description, row.digest);
    let said = words(&grant_list(connection, &description.application, digest).await?);
    let waits = waiting_for(description, digest, &said);
    let why = waits.as_deref().map(|waits| (ASKS, waits));
    let since = row.changed_at;
    Ok(plugin_state_set(
        connection,
        &description.application,
        digest,
        row.state,
        why,
        since,
    )
    .await?)
}

fn lapsed(row: &PluginRow, rights: &[Right], actor: &Actor) -> NewEvent {
    let names: Vec<&str> = rights.iter().map(|right| right.name()).collect();
    let description = &row.description;
    let text = format!(
        "The plug-in of {}, version {}, is no longer granted {}, which the one at work is not granted \
         either; it waits for a word before it is put to work.",
        description.name,
        description.version,
        names.join(", ")
    );
    NewEvent::new("plugin.grants-lapsed", Severity::Info, actor.clone(), text)
        .about(Subject {
            application: Some(description.application.clone()),
            ..Subject::default()
        })
        .with(serde_json::json!({ "digest": row.digest, "rights": names }))
}

//! What the server says about the device's user: what the user may do, and what became of what was asked
//! for. As with [`crate::orders`], an envelope is opened, judged, and becomes a row.

use super::overlay::overlay;
use crate::assignments::{newer, opened, refuse, wake, withdraw};
use crate::store::log::NewEntry;
use crate::store::{Store, StoreError, assignment, edit};
use muster_agent_protocol::order::{Envelope, OrderPublicKey};
use muster_agent_protocol::user::{Edited, UserRights};
use muster_domain::DeviceId;
use muster_domain::event::Severity;
use muster_domain::user::{Edit, EditOutcome};
use sqlx::SqliteConnection;

/// Takes in what the user may do: after this it is committed, or refused and logged.
pub async fn take_rights(
    store: &Store,
    device: DeviceId,
    key: &OrderPublicKey,
    envelope: &Envelope,
) -> Result<(), StoreError> {
    let what = "A message with the user's rights";
    let rights = match opened(key, envelope, device, |rights: &UserRights| rights.device) {
        Ok(rights) => rights,
        Err(refusal) => return refuse(store, what, &refusal).await,
    };
    let (_, seen) = store.identity().await?;
    let mut transaction = store.begin().await?;
    let before = edit::rights(&mut transaction).await?;
    let number = before.as_ref().map(|(sequence, ..)| *sequence);
    match newer(rights.sequence, number, seen) {
        Ok(true) => {}
        Ok(false) => return Ok(()),
        Err(refusal) => {
            drop(transaction);
            return refuse(store, what, &refusal).await;
        }
    }
    edit::put_rights(&mut transaction, &rights).await?;
    let may = |allowed: bool| if allowed { "allowed" } else { "not allowed" };
    let text = format!(
        "By the policy of {}, local tasks of this device's user are {}, and starting an administrator's tasks is {}.",
        rights.group,
        may(rights.rights.manage_own),
        may(rights.rights.start_stop)
    );
    note(store, &mut transaction, "user.rights", Severity::Info, text).await?;
    transaction.commit().await?;
    muster_crash_point::reach("agent.rights-committed");
    wake(store);
    Ok(())
}

/// Takes in what became of something that was asked for. Names are given once: what is not known, or
/// was answered, is passed over.
pub async fn take_edited(
    store: &Store,
    device: DeviceId,
    key: &OrderPublicKey,
    envelope: &Envelope,
) -> Result<(), StoreError> {
    let edited = match opened(key, envelope, device, |edited: &Edited| edited.device) {
        Ok(edited) => edited,
        Err(refusal) => return refuse(store, "An answer to the device's user", &refusal).await,
    };
    let mut transaction = store.begin().await?;
    edit::saw_number(&mut transaction, edited.sequence).await?;
    if edit::answer(&mut transaction, &edited.edit, &edited.outcome).await? {
        settle(store, &mut transaction, &edited).await?;
    }
    transaction.commit().await?;
    muster_crash_point::reach("agent.edited-committed");
    wake(store);
    Ok(())
}

async fn settle(
    store: &Store,
    at: &mut SqliteConnection,
    edited: &Edited,
) -> Result<(), StoreError> {
    let Some(known) = edit::find(at, &edited.edit).await? else {
        return Ok(());
    };
    if let Some(task) = known.task {
        overlay(at, task).await?;
        let dropped = assignment::find(at, task).await?;
        if dropped.is_some_and(|kept| kept.dropped) {
            withdraw(store, at, task).await?;
        }
    }
    let what = match &known.asked.edit {
        Edit::Create(new) => format!("The task \"{}\"", new.name),
        Edit::Change { .. } => format!("The change {}", edited.edit.short()),
        Edit::Delete { .. } => format!("The deletion {}", edited.edit.short()),
    };
    let (severity, text) = match &edited.outcome {
        EditOutcome::Taken { task, lost, .. } if lost.is_empty() => (
            Severity::Info,
            format!("{what} was accepted (task {task})."),
        ),
        EditOutcome::Taken { lost, .. } => {
            let lost: Vec<&str> = lost.iter().map(|lost| lost.pointer.as_str()).collect();
            let lost = lost.join(", ");
            let text =
                format!("{what} was accepted but for {lost}: an administrator changed the same.");
            (Severity::Warning, text)
        }
        EditOutcome::Lost { reason, .. } => {
            (Severity::Warning, format!("{what} is lost: {reason}."))
        }
        EditOutcome::Refused { reason, .. } => {
            (Severity::Warning, format!("{what} was refused: {reason}."))
        }
    };
    note(store, at, "task.edited", severity, text).await
}

pub(super) async fn note(
    store: &Store,
    at: &mut SqliteConnection,
    kind: &'static str,
    severity: Severity,
    text: String,
) -> Result<(), StoreError> {
    let entry = NewEntry {
        kind,
        severity,
        text: muster_domain::text::plain(&text).into_owned(),
        run: None,
        fields: Vec::new(),
    };
    store.log(at, entry).await
}

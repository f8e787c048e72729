//! What has to hold of every history.

use crate::history::World;
use anyhow::{Context as _, Result, ensure};
use muster_agent::store::{assignment, edit};
use muster_domain::event::Actor;
use muster_domain::merge::FieldChange;
use muster_domain::schedule::When;
use muster_domain::user::{Edit, EditId, EditOutcome, content};
use muster_domain::{DeviceId, TaskId};
use muster_storage::Connection;
use muster_storage::event::{EventFilter, event_list};
use muster_storage::task::task_revision_get;
use muster_storage::user::{TaskVersion, UserEditRow, task_version, task_versions, user_edit_get};
use serde_json::Value;

/// A task as one side has it.
type Standing = (TaskId, u32, Value);

/// What differs between the two sides; none if nothing does and nothing waits.
pub(crate) async fn difference(world: &World<'_>) -> Result<Option<String>> {
    let mut at = world.device.store.acquire().await?;
    let open = edit::count_open(&mut at).await?;
    if open > 0 {
        return Ok(Some(format!("{open} edits wait")));
    }
    let mut theirs = Vec::new();
    for task in world.servers_tasks().await? {
        let mut connection = world.server.storage.read().await?;
        let version = task_version(&mut connection, task.id).await?;
        let schedule = task.revision.schedule.as_ref();
        let settings = &task.revision.settings;
        let whole = content(&task.name, task.time_limit, schedule, settings);
        theirs.push((task.id, version, whole));
    }
    let mut own = Vec::new();
    for kept in assignment::list(&mut at).await? {
        let Some((assigned, local)) = kept
            .assigned
            .as_ref()
            .and_then(|assigned| Some((assigned, assigned.local.as_ref()?)))
        else {
            continue;
        };
        if kept.assigned != kept.told || kept.state != assignment::State::Active {
            return Ok(Some(format!("task {} is not as it was told", kept.task)));
        }
        let schedule = Some(&assigned.schedule).filter(|one| one.when != When::Manual);
        let (name, limit) = (&assigned.task_name, assigned.time_limit);
        let whole = content(name, limit, schedule, &local.settings);
        own.push((kept.task, local.version, whole));
    }
    let only = |one: &[Standing], other: &[Standing]| -> Vec<String> {
        let left = one.iter().filter(|standing| !other.contains(standing));
        left.map(|(task, version, whole)| format!("task {task} in version {version}: {whole}"))
            .collect()
    };
    Ok((theirs != own).then(|| {
        format!(
            "the server alone has {:#?}, the device alone {:#?}",
            only(&theirs, &own),
            only(&own, &theirs)
        )
    }))
}

/// Everything that has to hold at the end of a history.
pub async fn check(world: &World<'_>) -> Result<()> {
    let mut edits = Vec::new();
    for name in &world.asked {
        edits.push(recorded(world, name).await.with_context(|| name.clone())?);
    }
    for edit in &edits {
        taken(world, edit)
            .await
            .with_context(|| format!("{edit:#?}"))?;
    }
    let mut connection = world.server.storage.read().await?;
    let mut tasks: Vec<TaskId> = world.made.clone();
    tasks.extend(edits.iter().filter_map(|edit| edit.task));
    tasks.sort_unstable();
    tasks.dedup();
    for task in tasks {
        administrator_wins(&mut connection, task, &edits, world.device.id)
            .await
            .with_context(|| format!("task {task}"))?;
    }
    Ok(())
}

/// An edit that the device took is known to both sides, with one outcome, and told where it is lost.
async fn recorded(world: &World<'_>, name: &str) -> Result<UserEditRow> {
    let id = EditId::try_from(name.to_owned()).map_err(anyhow::Error::msg)?;
    let mut at = world.device.store.acquire().await?;
    let own = edit::find(&mut at, &id)
        .await?
        .context("the device forgot it")?;
    let mut connection = world.server.storage.read().await?;
    let row = user_edit_get(&mut connection, world.device.id, &id).await?;
    let row = row.context("the server never heard of it")?;
    ensure!(own.outcome.is_some(), "nothing became of it");
    ensure!(
        own.outcome == row.outcome,
        "the device has {:?}, the server {:?}",
        own.outcome,
        row.outcome
    );
    ensure!(own.task.is_none() || own.task == row.task || row.task.is_none());
    let outcome = row.outcome.as_ref().context("no outcome")?;
    let kind = match outcome {
        EditOutcome::Refused { .. } => Some("task.user-change-refused"),
        EditOutcome::Lost { .. } => Some("task.user-change-lost"),
        EditOutcome::Taken { lost, .. } if !lost.is_empty() => Some("task.user-change-lost"),
        EditOutcome::Taken { .. } => None,
    };
    if let Some(kind) = kind {
        let filter = EventFilter {
            kind: Some(kind.into()),
            device: Some(world.device.id),
            ..EventFilter::default()
        };
        let events = event_list(&mut connection, &filter, 1000).await?;
        let told = events
            .iter()
            .filter(|event| event.event.fields.get("edit").and_then(Value::as_str) == Some(name))
            .count();
        ensure!(told == 1, "{told} events {kind} tell of it");
    }
    Ok(row)
}

async fn whole(connection: &mut Connection, task: TaskId, version: &TaskVersion) -> Result<Value> {
    let revision = task_revision_get(connection, task, version.revision).await?;
    let revision = revision.context("no such revision")?;
    let schedule = revision.schedule.as_ref();
    Ok(content(
        &version.name,
        version.time_limit,
        schedule,
        &revision.settings,
    ))
}

/// Each value that the user wanted stands in the version that the edit led to, or among what is lost.
async fn taken(world: &World<'_>, edit: &UserEditRow) -> Result<()> {
    let Some(EditOutcome::Taken {
        task,
        version,
        lost,
        ..
    }) = &edit.outcome
    else {
        return Ok(());
    };
    let mut connection = world.server.storage.read().await?;
    match edit.edit.as_ref().context("the edit is not kept")? {
        Edit::Change { changes, .. } => {
            let versions = task_versions(&mut connection, *task, *version).await?;
            let led_to = versions.first().context("no such version")?;
            let stands = whole(&mut connection, *task, led_to).await?;
            for FieldChange { pointer, to } in changes {
                let is_lost = lost.iter().any(|lost| {
                    pointer.starts_with(&lost.pointer) || lost.pointer.starts_with(pointer)
                });
                ensure!(
                    is_lost || stands.pointer(pointer) == to.as_ref(),
                    "{pointer} is {:?}, and nothing tells of it",
                    stands.pointer(pointer)
                );
            }
        }
        Edit::Create(new) => {
            let versions = task_versions(&mut connection, *task, 1).await?;
            let first = versions.first().context("no first version")?;
            let stands = whole(&mut connection, *task, first).await?;
            ensure!(first.device == Some(edit.device) && first.name == new.name);
            ensure!(stands.get("settings") == Some(&new.settings.to_value()));
        }
        Edit::Delete { .. } => {
            let tasks = world.servers_tasks().await?;
            ensure!(tasks.iter().all(|left| left.id != *task), "it is there");
        }
    }
    Ok(())
}

/// The places that are one field in the settings of ClamAV's scan.
const TIED: [&str; 2] = ["/settings/area", "/settings/paths"];

/// What an administrator changed stays, until somebody changes it who has seen it.
async fn administrator_wins(
    connection: &mut Connection,
    task: TaskId,
    edits: &[UserEditRow],
    device: DeviceId,
) -> Result<()> {
    let versions = task_versions(connection, task, 1).await?;
    let mut states = Vec::new();
    for version in &versions {
        states.push(whole(connection, task, version).await?);
    }
    let changed = |from: usize| -> Vec<String> {
        let (before, after) = (states.get(from - 1), states.get(from));
        let pair = before.zip(after);
        let changes = pair.map(|(before, after)| muster_domain::user::changes(before, after));
        changes
            .unwrap_or_default()
            .into_iter()
            .map(|change| change.pointer)
            .collect()
    };
    for (place, version) in versions.iter().enumerate().skip(1) {
        if version.device != Some(device) {
            continue;
        }
        let edit = edits.iter().find(|edit| {
            matches!(&edit.outcome, Some(EditOutcome::Taken { task: of, version: led_to, .. })
                if *of == task && *led_to == version.version)
        });
        let edit = edit.with_context(|| format!("no edit led to version {}", version.version))?;
        let base = match &edit.edit {
            Some(Edit::Change { base, .. }) => *base,
            other => anyhow::bail!("{other:?} led to a change"),
        };
        let users = changed(place);
        for (earlier, other) in versions.iter().enumerate().take(place).skip(1) {
            if other.version <= base || other.device == Some(device) {
                continue;
            }
            let theirs = changed(earlier);
            let meets = |one: &String| {
                theirs.iter().any(|their| {
                    let tied = TIED.contains(&one.as_str()) && TIED.contains(&their.as_str());
                    tied || one.starts_with(their.as_str()) || their.starts_with(one.as_str())
                })
            };
            // What another change of the administrator's took back is no loss of anybody's: then there
            // stands what the user knew, which is what the user's own last change put there, or the base.
            let took_back = |one: &String| {
                let base = versions.iter().position(|known| known.version == base);
                let own = versions
                    .iter()
                    .enumerate()
                    .take(place)
                    .skip(base.map_or(place, |base| base + 1))
                    .filter(|(_, version)| version.device == Some(device))
                    .map(|(own, _)| own)
                    .rfind(|own| changed(*own).contains(one));
                let known = own.or(base).and_then(|known| states.get(known));
                let last = states.get(place - 1);
                known.and_then(|known| known.pointer(one))
                    == last.and_then(|last| last.pointer(one))
            };
            let met: Vec<&String> = users
                .iter()
                .filter(|one| meets(one) && !took_back(one))
                .collect();
            ensure!(
                met.is_empty(),
                "version {} of the user, made on {base}, took {met:?} from version {} of the administrator",
                version.version,
                other.version
            );
        }
    }
    let first = versions.first().context("no version")?;
    let revision = task_revision_get(connection, task, first.revision).await?;
    let by_user = revision.is_some_and(|first| matches!(first.created_by, Actor::DeviceUser(..)));
    ensure!(by_user == first.device.is_some(), "who made it is not told");
    Ok(())
}

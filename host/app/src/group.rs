//! Administration groups: made, moved, removed.

use crate::place::Tree;
use crate::{Administrator, App, AppError};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::group::{Group, is_name};
use muster_domain::{DeviceSet, GroupId};
use muster_storage::Connection;
use muster_storage::event::event_insert;
use muster_storage::group::{group_delete, group_device_counts, group_insert, group_update};
use muster_storage::task::task_of_group;
use muster_storage::window::window_list;
use std::collections::BTreeMap;

impl App {
    /// The tree, and how many devices each group holds itself.
    pub async fn group_tree(
        &self,
        _who: &Administrator,
    ) -> Result<(Tree, BTreeMap<GroupId, u64>), AppError> {
        let mut connection = self.0.storage.read().await?;
        let tree = Tree::read(&mut connection).await?;
        let counts = group_device_counts(&mut connection).await?;
        Ok((tree, counts.into_iter().collect()))
    }

    /// Makes a group below another, the root if none is named.
    pub async fn group_create(
        &self,
        who: &Administrator,
        name: String,
        parent: Option<String>,
    ) -> Result<GroupId, AppError> {
        check_name(&name)?;
        let actor = who.actor();
        self.logged(move |connection| {
            Box::pin(async move {
                let tree = Tree::read(connection).await?;
                let parent = find(&tree, parent.as_deref().unwrap_or("/"))?;
                let id = group_insert(connection, parent, &name).await?;
                let tree = Tree::read(connection).await?;
                let event = NewEvent::new(
                    "group.created",
                    Severity::Info,
                    actor,
                    format!("Group {} was created.", tree.path(id)),
                )
                .about(about(id));
                event_insert(connection, muster_clock::now(), &[event]).await?;
                Ok(id)
            })
        })
        .await
    }

    /// Gives a group another name, or another place in the tree.
    pub async fn group_change(
        &self,
        who: &Administrator,
        reference: String,
        name: Option<String>,
        parent: Option<String>,
    ) -> Result<GroupId, AppError> {
        if let Some(name) = &name {
            check_name(name)?;
        }
        let actor = who.actor();
        let id = self
            .logged(move |connection| {
                Box::pin(async move {
                    let tree = Tree::read(connection).await?;
                    let id = find(&tree, &reference)?;
                    let group = tree.get(id).filter(|group| group.parent.is_some());
                    let group = group.ok_or_else(root_stays)?;
                    let parent = parent.map(|parent| find(&tree, &parent)).transpose()?;
                    if parent.is_some_and(|parent| tree.subtree(id).contains(&parent)) {
                        return Err(AppError::Conflict {
                            code: "group-into-itself",
                            text: format!("group {} cannot stand below itself", tree.path(id)),
                        });
                    }
                    let changed = Group {
                        id,
                        parent: parent.or(group.parent),
                        name: name.unwrap_or_else(|| group.name.clone()),
                    };
                    group_update(connection, &changed).await?;
                    let now = Tree::read(connection).await?;
                    let text = format!("Group {} is now {}.", tree.path(id), now.path(id));
                    let event = NewEvent::new("group.changed", Severity::Info, actor, text);
                    event_insert(connection, muster_clock::now(), &[event.about(about(id))])
                        .await?;
                    Ok(id)
                })
            })
            .await?;
        // Scopes and windows follow the tree.
        self.0.hints.everything();
        Ok(id)
    }

    /// Removes a group that holds no groups and no devices, and that no task and no window is for.
    pub async fn group_remove(
        &self,
        who: &Administrator,
        reference: String,
    ) -> Result<(), AppError> {
        let actor = who.actor();
        self.logged(move |connection| {
            Box::pin(async move {
                let id = find(&Tree::read(connection).await?, &reference)?;
                remove(connection, id, actor).await
            })
        })
        .await
    }
}

/// Removes a group that nothing is in or for.
pub(crate) async fn remove(
    connection: &mut Connection,
    id: GroupId,
    actor: Actor,
) -> Result<(), AppError> {
    let tree = Tree::read(connection).await?;
    let path = tree.path(id);
    if id == GroupId::ROOT {
        return Err(root_stays());
    }
    let in_use = |what: String| AppError::Conflict {
        code: "group-in-use",
        text: format!("group {path} cannot be removed: {what}"),
    };
    if tree.subtree(id).len() > 1 {
        return Err(in_use("it holds groups; move or remove them first".into()));
    }
    let counts = group_device_counts(connection).await?;
    if let Some((_, count)) = counts.iter().find(|(group, _)| *group == id) {
        return Err(in_use(format!("it holds {count} devices; move them first")));
    }
    if let Some(task) = task_of_group(connection, id).await? {
        return Err(in_use(format!("task {task} is for it; delete that first")));
    }
    let windows = window_list(connection).await?;
    if let Some(row) = windows.iter().find(|row| row.of == DeviceSet::Group(id)) {
        let name = &row.window.name;
        return Err(in_use(format!(
            "window {name} is for it; remove that first"
        )));
    }
    group_delete(connection, id).await?;
    let text = format!("Group {path} was removed.");
    let event = NewEvent::new("group.removed", Severity::Info, actor, text);
    event_insert(connection, muster_clock::now(), &[event.about(about(id))]).await?;
    Ok(())
}

fn find(tree: &Tree, reference: &str) -> Result<GroupId, AppError> {
    tree.find(reference)
        .ok_or_else(|| AppError::not_found("group", &reference))
}

fn about(group: GroupId) -> Subject {
    Subject {
        group: Some(group),
        ..Subject::default()
    }
}

fn root_stays() -> AppError {
    AppError::Conflict {
        code: "group-root",
        text: "the root group holds every device; it cannot be renamed, moved or removed".into(),
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), AppError> {
    // A name of digits alone would be taken for a number.
    if is_name(name) && !name.contains('/') && !name.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(AppError::Invalid {
        code: "name-invalid",
        text: format!(
            "{name:?} cannot name a group: 1 to 100 characters, no slash, no control characters, no \
             white space at the ends, not digits alone"
        ),
    })
}

//! What groups say of their devices' users.

use crate::place::{Tree, group_find};
use crate::{Administrator, App, AppError};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::task::Task;
use muster_domain::user::{Rights, UserPolicy};
use muster_domain::{DeviceId, GroupId};
use muster_storage::device::device_set_of_groups;
use muster_storage::event::event_insert;
use muster_storage::user::{user_policies, user_policy_put};
use muster_storage::{Connection, StorageError};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// What all groups say, as they stand below each other.
pub(crate) struct Policies {
    pub(crate) tree: Tree,
    said: BTreeMap<GroupId, UserPolicy>,
}

impl Policies {
    pub(crate) async fn read(connection: &mut Connection) -> Result<Self, StorageError> {
        Ok(Self {
            tree: Tree::read(connection).await?,
            said: user_policies(connection).await?,
        })
    }

    /// What the users of a group's devices may do.
    pub(crate) fn rights(&self, group: GroupId) -> Rights {
        let said = |group: &GroupId| self.said.get(group).copied();
        let above = self.tree.with_above(group);
        Rights::of(above.iter().filter_map(said))
    }

    /// Whether some user may do something.
    pub(crate) fn any(&self) -> bool {
        let allows =
            |policy: &UserPolicy| policy.tasks == Some(true) || policy.starts == Some(true);
        self.said.values().any(allows)
    }

    /// The devices on which tasks are kept that only a person starts, as their users may start them: all, or
    /// those that are a device's own.
    pub(crate) async fn devices(
        &self,
        connection: &mut Connection,
        local: bool,
    ) -> Result<RoaringBitmap, StorageError> {
        let groups = self.tree.groups().map(|group| group.id);
        let allowed = |group: &GroupId| {
            let rights = self.rights(*group);
            rights.start_stop || (local && rights.manage_own)
        };
        let groups: Vec<GroupId> = groups.filter(allowed).collect();
        device_set_of_groups(connection, &groups).await
    }
}

/// Whether a task is one that a device's user made.
pub(crate) fn is_own(task: &Task) -> bool {
    matches!(task.created_by, Actor::DeviceUser(..))
}

/// Whether it is one that the user of this device made.
pub(super) fn is_own_of(task: &Task, device: DeviceId) -> bool {
    matches!(&task.created_by, Actor::DeviceUser(of, _) if *of == device)
}

impl App {
    /// What each group says of its devices' users, and what those may do by it.
    pub async fn user_policies(
        &self,
        _who: &Administrator,
    ) -> Result<BTreeMap<GroupId, (UserPolicy, Rights)>, AppError> {
        let policies = Policies::read(&mut *self.0.storage.read().await?).await?;
        let of = |group: GroupId| {
            let said = policies.said.get(&group).copied();
            (group, (said.unwrap_or_default(), policies.rights(group)))
        };
        Ok(policies.tree.groups().map(|group| of(group.id)).collect())
    }

    /// Has a group say something of its devices' users. What is none stays as it is said.
    pub async fn user_policy_set(
        &self,
        who: &Administrator,
        reference: String,
        tasks: Option<Option<bool>>,
        starts: Option<Option<bool>>,
    ) -> Result<GroupId, AppError> {
        let actor = who.actor();
        let id = self
            .logged(move |connection| {
                Box::pin(async move {
                    let id = group_find(connection, &reference).await?;
                    let policies = Policies::read(connection).await?;
                    let before = policies.said.get(&id).copied().unwrap_or_default();
                    let policy = UserPolicy {
                        tasks: tasks.unwrap_or(before.tasks),
                        starts: starts.unwrap_or(before.starts),
                    };
                    user_policy_put(connection, id, policy).await?;
                    let text = format!(
                        "Users of devices in {}: local tasks {}, starting tasks {}.",
                        policies.tree.path(id),
                        word(policy.tasks),
                        word(policy.starts),
                    );
                    let event =
                        NewEvent::new("group.user-policy-changed", Severity::Info, actor, text)
                            .about(Subject {
                                group: Some(id),
                                ..Subject::default()
                            })
                            .with(serde_json::json!({ "policy": policy }));
                    event_insert(connection, muster_clock::now(), &[event]).await?;
                    Ok(id)
                })
            })
            .await?;
        self.0.hints.everything();
        Ok(id)
    }
}

fn word(said: Option<bool>) -> &'static str {
    match said {
        Some(true) => "allowed",
        Some(false) => "denied",
        None => "inherited",
    }
}

//! Where things are: groups by path, devices by name, and the devices of a scope.

use crate::AppError;
use muster_domain::device::Device;
use muster_domain::device::DeviceKind;
use muster_domain::group::Group;
use muster_domain::scope::{Membership, Scope};
use muster_domain::{DeviceId, DeviceSet, GroupId, SelectionId};
use muster_storage::device::{
    device_by_name, device_get, device_set, device_set_of_groups, device_set_of_kind,
};
use muster_storage::group::group_list;
use muster_storage::member::member_set;
use muster_storage::selection::{SelectionRow, selection_list};
use muster_storage::{Connection, StorageError};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// The tree of groups.
#[derive(Debug, Clone)]
pub struct Tree(BTreeMap<GroupId, Group>);

impl Tree {
    pub(crate) async fn read(connection: &mut Connection) -> Result<Self, StorageError> {
        let groups = group_list(connection).await?;
        Ok(Self(
            groups.into_iter().map(|group| (group.id, group)).collect(),
        ))
    }

    /// Every group.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.0.values()
    }

    /// A group by its number.
    pub fn get(&self, id: GroupId) -> Option<&Group> {
        self.0.get(&id)
    }

    /// A group's path, such as `/Office/Berlin`; `/` for the root.
    pub fn path(&self, id: GroupId) -> String {
        let mut names = Vec::new();
        let mut at = self.0.get(&id);
        while let Some(group) = at.filter(|group| group.parent.is_some()) {
            names.push(group.name.as_str());
            at = group.parent.and_then(|parent| self.0.get(&parent));
        }
        names.reverse();
        format!("/{}", names.join("/"))
    }

    /// A group by number (`2`) or path (`/Office`).
    pub fn find(&self, reference: &str) -> Option<GroupId> {
        if let Ok(id) = reference.parse() {
            return self.0.contains_key(&id).then_some(id);
        }
        let mut at = GroupId::ROOT;
        for name in reference.split('/').filter(|name| !name.is_empty()) {
            let below = |group: &&Group| group.parent == Some(at) && group.name == name;
            at = self.0.values().find(below)?.id;
        }
        Some(at)
    }

    /// A group and all above it.
    pub fn with_above(&self, group: GroupId) -> Vec<GroupId> {
        let mut found = vec![group];
        while let Some(above) = found.last().and_then(|last| self.0.get(last)?.parent) {
            found.push(above);
        }
        found
    }

    /// A group and all below it.
    pub fn subtree(&self, top: GroupId) -> Vec<GroupId> {
        let mut found = vec![top];
        let mut next = 0;
        while let Some(&parent) = found.get(next) {
            next += 1;
            found.extend(
                self.0
                    .values()
                    .filter(|group| group.parent == Some(parent))
                    .map(|group| group.id),
            );
        }
        found
    }
}

/// A group by number or path, or the refusal that names it.
pub(crate) async fn group_find(
    connection: &mut Connection,
    reference: &str,
) -> Result<GroupId, AppError> {
    let tree = Tree::read(connection).await?;
    tree.find(reference)
        .ok_or_else(|| AppError::not_found("group", &reference))
}

/// A device by number or name, or the refusal that names it.
pub(crate) async fn device_find(
    connection: &mut Connection,
    reference: &str,
) -> Result<Device, AppError> {
    let by_number = match reference.parse::<DeviceId>() {
        Ok(id) => device_get(connection, id).await?,
        Err(_) => None,
    };
    let found = match by_number {
        Some(device) => Some(device),
        None => device_by_name(connection, reference).await?,
    };
    found.ok_or_else(|| AppError::not_found("device", &reference))
}

/// A selection by number or name, or the refusal that names it.
pub(crate) async fn selection_find(
    connection: &mut Connection,
    reference: &str,
) -> Result<SelectionRow, AppError> {
    let all = selection_list(connection).await?;
    let number = reference.parse::<SelectionId>().ok();
    let by_number = all.iter().find(|row| Some(row.id) == number);
    let named = || all.iter().find(|row| row.selection.name == reference);
    let found = by_number.or_else(named).cloned();
    found.ok_or_else(|| AppError::not_found("selection", &reference))
}

/// A group or a selection by its number, name or path, or the refusal that names it.
pub(crate) async fn set_find(
    connection: &mut Connection,
    reference: &SetReference,
) -> Result<DeviceSet, AppError> {
    Ok(match reference {
        SetReference::Group(group) => DeviceSet::Group(group_find(connection, group).await?),
        SetReference::Selection(selection) => {
            DeviceSet::Selection(selection_find(connection, selection).await?.id)
        }
    })
}

/// The names of groups and selections.
pub(crate) struct SetNames {
    tree: Tree,
    selections: BTreeMap<SelectionId, String>,
}

impl SetNames {
    pub(crate) async fn read(connection: &mut Connection) -> Result<Self, AppError> {
        let selections = selection_list(connection).await?.into_iter();
        Ok(Self {
            tree: Tree::read(connection).await?,
            selections: selections.map(|row| (row.id, row.selection.name)).collect(),
        })
    }

    /// A group's path, or a selection's name.
    pub(crate) fn of(&self, set: DeviceSet) -> String {
        match set {
            DeviceSet::Group(group) => self.tree.path(group),
            DeviceSet::Selection(id) => {
                let name = self.selections.get(&id).cloned();
                name.unwrap_or_else(|| id.to_string())
            }
        }
    }

    /// The same of what a scope goes by, if it goes by either.
    pub(crate) fn of_scope(&self, scope: &Scope) -> Option<String> {
        let set = match scope {
            Scope::Group { group, .. } => DeviceSet::Group(*group),
            Scope::Selection { selection, .. } => DeviceSet::Selection(*selection),
            Scope::Local { .. } | Scope::Global { .. } => return None,
        };
        Some(self.of(set))
    }
}

/// A group or a selection, in the words of whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetReference {
    /// A group, by number or path.
    Group(String),
    /// A selection, by number or name.
    Selection(String),
}

/// The devices that a scope means: of a selection, those that were in it at the last look.
pub(crate) async fn devices_of(
    connection: &mut Connection,
    scope: &Scope,
) -> Result<RoaringBitmap, AppError> {
    match scope {
        Scope::Local { device } => {
            Ok(device_set(connection).await? & RoaringBitmap::from_iter([device.0]))
        }
        Scope::Global { devices } => Ok(device_set(connection).await? & devices),
        Scope::Selection { selection, .. } => {
            let members = member_set(connection, *selection, None).await?;
            Ok(device_set(connection).await? & members)
        }
        Scope::Group {
            group,
            subgroups,
            excluded,
            only,
            membership: _,
        } => {
            let tree = Tree::read(connection).await?;
            let mut groups = if *subgroups {
                tree.subtree(*group)
            } else {
                vec![*group]
            };
            let left_out: Vec<GroupId> = excluded
                .iter()
                .flat_map(|group| tree.subtree(*group))
                .collect();
            groups.retain(|group| !left_out.contains(group));
            let devices = device_set_of_groups(connection, &groups).await?;
            match only {
                Some(kind) => Ok(devices & device_set_of_kind(connection, *kind).await?),
                None => Ok(devices),
            }
        }
    }
}

/// Where a task is to be done, in the words of whoever asks: numbers, names and paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeReference {
    /// One device.
    Local(String),
    /// A group's devices.
    Group {
        /// The group.
        group: String,
        /// With the groups below it.
        subgroups: bool,
        /// Groups left out.
        excluded: Vec<String>,
        /// Devices of this kind alone.
        only: Option<DeviceKind>,
        /// Whose a run is.
        membership: Membership,
    },
    /// A list of devices.
    Global(Vec<String>),
    /// The devices that a saved selection means.
    Selection {
        /// The selection.
        selection: String,
        /// Whose a run is.
        membership: Membership,
    },
}

/// Finds what a scope refers to. Everything that is missing comes back, as `device "x"`.
pub(crate) async fn scope_find(
    connection: &mut Connection,
    reference: &ScopeReference,
) -> Result<Result<Scope, Vec<String>>, AppError> {
    let mut missing = Vec::new();
    let scope = match reference {
        ScopeReference::Local(name) => {
            let device = take(device_find(connection, name).await, &mut missing)?;
            device.map(|device| Scope::Local { device: device.id })
        }
        ScopeReference::Global(names) => {
            let mut devices = RoaringBitmap::new();
            for name in names {
                let device = take(device_find(connection, name).await, &mut missing)?;
                devices.extend(device.map(|device| device.id.0));
            }
            Some(Scope::Global { devices })
        }
        ScopeReference::Selection {
            selection,
            membership,
        } => {
            let found = take(selection_find(connection, selection).await, &mut missing)?;
            found.map(|row| Scope::Selection {
                selection: row.id,
                membership: *membership,
            })
        }
        ScopeReference::Group {
            group,
            subgroups,
            excluded,
            only,
            membership,
        } => {
            let group = take(group_find(connection, group).await, &mut missing)?;
            let mut left_out = Vec::new();
            for name in excluded {
                left_out.extend(take(group_find(connection, name).await, &mut missing)?);
            }
            group.map(|group| Scope::Group {
                group,
                subgroups: *subgroups,
                excluded: left_out,
                only: *only,
                membership: *membership,
            })
        }
    };
    match scope {
        Some(scope) if missing.is_empty() => Ok(Ok(scope)),
        _ => Ok(Err(missing)),
    }
}

/// What was found; what was not is noted among the missing.
fn take<T>(found: Result<T, AppError>, missing: &mut Vec<String>) -> Result<Option<T>, AppError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(AppError::NotFound { what, name }) => {
            missing.push(format!("{what} {name:?}"));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let group = |id, parent: Option<i64>, name: &str| Group {
            id: GroupId(id),
            parent: parent.map(GroupId),
            name: name.into(),
        };
        let groups = [
            group(1, None, ""),
            group(2, Some(1), "Office"),
            group(3, Some(2), "Berlin"),
            group(4, Some(1), "Lab"),
        ];
        Tree(groups.into_iter().map(|group| (group.id, group)).collect())
    }

    #[test]
    fn paths_and_groups_find_each_other() {
        let tree = tree();
        assert_eq!(tree.path(GroupId(3)), "/Office/Berlin");
        assert_eq!(tree.path(GroupId::ROOT), "/");
        assert_eq!(tree.find("/Office/Berlin"), Some(GroupId(3)));
        assert_eq!(tree.find("/"), Some(GroupId::ROOT));
        assert_eq!(tree.find("4"), Some(GroupId(4)));
        assert_eq!(tree.find("/Office/Paris"), None);
        assert_eq!(tree.find("9"), None);
    }

    #[test]
    fn a_subtree_holds_its_top() {
        assert_eq!(tree().subtree(GroupId(2)), [GroupId(2), GroupId(3)]);
    }
}

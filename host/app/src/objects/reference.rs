//! What files name, found on this server: groups by path, devices by name, tasks by name or by their number
//! in the file.

use super::wanted::{InFile, Mapping, TaskName};
use crate::AppError;
use crate::place::{ScopeReference, SetReference, Tree, device_find};
use muster_domain::application::TaskKind;
use muster_domain::finding::Finding;
use muster_domain::{DeviceId, DeviceSet, TaskId};
use muster_storage::Connection;
use muster_storage::device::device_by_name;
use muster_storage::selection::SelectionRow;
use std::collections::{BTreeMap, BTreeSet};

/// What references are found in.
pub(super) struct Finder<'l> {
    pub(super) tree: &'l Tree,
    /// Paths of groups that the same files make.
    pub(super) made: &'l BTreeSet<String>,
    pub(super) selections: &'l [SelectionRow],
    /// Names of selections that the same files make.
    pub(super) made_selections: &'l BTreeSet<String>,
    pub(super) mapping: Option<&'l Mapping>,
}

/// A scope that was looked for.
pub(super) struct Located {
    /// With numbers in place of names, but for groups that are yet to be made.
    pub(super) scope: ScopeReference,
    /// What is not there.
    pub(super) missing: Vec<Finding>,
    /// Whether all of it is there now.
    pub(super) whole: bool,
}

impl Finder<'_> {
    /// A scope, with everything that it names looked for.
    pub(super) async fn scope(
        &self,
        connection: &mut Connection,
        reference: &ScopeReference,
    ) -> Result<Located, AppError> {
        let mut missing = Vec::new();
        let mut whole = true;
        let scope = match reference {
            ScopeReference::Local(device) => {
                let found = self.device(connection, device).await?;
                ScopeReference::Local(take(found, "/scope/device", &mut missing, device))
            }
            ScopeReference::Global(devices) => {
                let mut numbers = Vec::with_capacity(devices.len());
                for (place, device) in devices.iter().enumerate() {
                    let found = self.device(connection, device).await?;
                    let place = format!("/scope/devices/{place}");
                    numbers.push(take(found, &place, &mut missing, device));
                }
                ScopeReference::Global(numbers)
            }
            ScopeReference::Group {
                group,
                subgroups,
                excluded,
                only,
                membership,
            } => {
                let found = self.group(group, &mut whole);
                let group = take(found, "/scope/group", &mut missing, group);
                let mut left_out = Vec::with_capacity(excluded.len());
                for (place, group) in excluded.iter().enumerate() {
                    let found = self.group(group, &mut whole);
                    let place = format!("/scope/excluded/{place}");
                    left_out.push(take(found, &place, &mut missing, group));
                }
                ScopeReference::Group {
                    group,
                    subgroups: *subgroups,
                    excluded: left_out,
                    only: *only,
                    membership: *membership,
                }
            }
            ScopeReference::Selection {
                selection,
                membership,
            } => {
                let found = self.selection(selection, &mut whole);
                ScopeReference::Selection {
                    selection: take(found, "/scope/selection", &mut missing, selection),
                    membership: *membership,
                }
            }
        };
        Ok(Located {
            scope,
            whole: whole && missing.is_empty(),
            missing,
        })
    }

    /// A group by its path: its number, or the path if it is yet to be made.
    pub(super) fn group(&self, path: &str, whole: &mut bool) -> Result<String, Finding> {
        let here = self.group_here(path);
        if let Some(found) = self.tree.find(&here).filter(|_| is_reference(&here)) {
            return Ok(found.to_string());
        }
        if self.made.contains(&here) {
            *whole = false;
            return Ok(here);
        }
        let text = if here == path {
            format!("There is no group {path:?} here; make it, or say which one stands for it.")
        } else {
            format!("There is no group {here:?} here, which {path:?} is mapped to.")
        };
        Err(Finding::error("", "group-unknown", text))
    }

    /// A selection by its name: its number, or the name if it is yet to be made.
    pub(super) fn selection(&self, name: &str, whole: &mut bool) -> Result<String, Finding> {
        let mapped = self
            .mapping
            .and_then(|mapping| mapping.selections.get(name));
        let here = mapped.map_or(name, String::as_str);
        let found = self.selections.iter().find(|row| {
            // By number only where somebody said so.
            row.selection.name == here || (mapped.is_some() && row.id.to_string() == here)
        });
        if let Some(found) = found {
            return Ok(found.id.to_string());
        }
        if self.made_selections.contains(here) {
            *whole = false;
            return Ok(here.to_owned());
        }
        let text = format!(
            "There is no selection {here:?} here; make it, or say which one stands for it."
        );
        Err(Finding::error("", "selection-unknown", text))
    }

    /// A group or a selection: its number, or its path or name if it is yet to be made.
    pub(super) fn set(
        &self,
        set: &SetReference,
        whole: &mut bool,
    ) -> Result<SetReference, Finding> {
        Ok(match set {
            SetReference::Group(path) => SetReference::Group(self.group(path, whole)?),
            SetReference::Selection(name) => SetReference::Selection(self.selection(name, whole)?),
        })
    }

    /// The path here of a group in the file: that of the nearest group that is mapped, with what is below it.
    fn group_here(&self, path: &str) -> String {
        let Some(mapping) = self.mapping else {
            return path.to_owned();
        };
        let mut above = path;
        loop {
            if let Some(to) = mapping.groups.get(above) {
                let below = path.strip_prefix(above).unwrap_or_default();
                return if below.is_empty() {
                    to.clone()
                } else {
                    format!("{}{below}", to.trim_end_matches('/'))
                };
            }
            match above.rfind('/') {
                Some(at) if at > 0 => above = above.get(..at).unwrap_or_default(),
                _ => return path.to_owned(),
            }
        }
    }

    async fn device(
        &self,
        connection: &mut Connection,
        name: &str,
    ) -> Result<Result<String, Finding>, AppError> {
        let mapped = self.mapping.and_then(|mapping| mapping.devices.get(name));
        let found = match mapped {
            Some(to) => match device_find(connection, to).await {
                Ok(device) => Some(device.id),
                Err(AppError::NotFound { .. }) => None,
                Err(other) => return Err(other),
            },
            // By name alone: a number means nothing on another server.
            None => device_by_name(connection, name)
                .await?
                .map(|device| device.id),
        };
        Ok(found.as_ref().map(DeviceId::to_string).ok_or_else(|| {
            let text = match mapped {
                None => format!(
                    "There is no device {name:?} here; enroll it, or say which one stands for it."
                ),
                Some(to) => {
                    format!("There is no device {to:?} here, which {name:?} is mapped to.")
                }
            };
            Finding::error("", "device-unknown", text)
        }))
    }
}

/// A path, or a number that somebody wrote in a mapping. What is neither would be found as a path.
fn is_reference(text: &str) -> bool {
    text.starts_with('/') || text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What was found; what was not is noted at its place, and stands as it was named.
fn take(
    found: Result<String, Finding>,
    place: &str,
    missing: &mut Vec<Finding>,
    name: &str,
) -> String {
    found.unwrap_or_else(|finding| {
        missing.push(super::ask::below(place, finding));
        name.to_owned()
    })
}

/// The kind of task that has such a scope.
pub(super) fn kind_of(reference: &ScopeReference) -> TaskKind {
    match reference {
        ScopeReference::Local(_) => TaskKind::Local,
        ScopeReference::Group { .. } => TaskKind::Group,
        ScopeReference::Global(_) | ScopeReference::Selection { .. } => TaskKind::Global,
    }
}

/// A group or a selection that is here, by its number.
pub(super) fn set_here(set: &SetReference) -> Option<DeviceSet> {
    match set {
        SetReference::Group(group) => group.parse().ok().map(DeviceSet::Group),
        SetReference::Selection(selection) => selection.parse().ok().map(DeviceSet::Selection),
    }
}

/// Where a group or a selection is named in an object.
pub(super) fn set_word(set: &SetReference) -> &'static str {
    match set {
        SetReference::Group(_) => "group",
        SetReference::Selection(_) => "selection",
    }
}

/// A task that another one names: one that is here, or one of the file that is yet to be made, by its place
/// among those of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Here(TaskId),
    InFile(usize),
}

/// The tasks that can be named.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_id: BTreeMap<InFile, Target>,
    in_file: BTreeMap<String, Vec<Target>>,
    here: BTreeMap<String, Vec<TaskId>>,
    mapped: BTreeMap<String, String>,
}

impl Names {
    pub(super) fn new<'t>(
        here: impl Iterator<Item = (&'t str, TaskId)>,
        mapping: Option<&Mapping>,
    ) -> Self {
        let mut names = Self {
            mapped: mapping
                .map(|mapping| mapping.tasks.clone())
                .unwrap_or_default(),
            ..Self::default()
        };
        for (name, id) in here {
            names.here.entry(name.to_owned()).or_default().push(id);
        }
        names
    }

    /// Adds a task of the file. Says whether another one has its number.
    pub(super) fn add(&mut self, name: &str, id: Option<InFile>, target: Target) -> bool {
        let of_name = self.in_file.entry(name.to_owned()).or_default();
        of_name.push(target);
        id.is_some_and(|id| self.by_id.insert(id, target).is_some())
    }

    /// The task of a name: of the file, or one that stands for it, or of this server.
    pub(super) fn find(&self, name: &TaskName) -> Result<Target, String> {
        if let Some(id) = name.id {
            let found = self.by_id.get(&id).copied();
            return found.ok_or_else(|| {
                format!(
                    "The file has no task of number {}; a task elsewhere is named by its name alone.",
                    id.1
                )
            });
        }
        let wanted = name.name.as_deref().unwrap_or_default();
        if let Some(to) = self.mapped.get(wanted) {
            return self.here(to).ok_or_else(|| {
                format!("There is no task {to:?} here, or several, which {wanted:?} is mapped to.")
            });
        }
        let in_file = self.in_file.get(wanted).filter(|_| !name.outside);
        match in_file.map(Vec::as_slice) {
            Some([one]) => return Ok(*one),
            Some(several) => {
                return Err(format!(
                    "{} tasks of the file are named {wanted:?}; give each an `id`, and name the one that is \
                     meant by it.",
                    several.len()
                ));
            }
            None => {}
        }
        match self.here.get(wanted).map(Vec::as_slice) {
            Some([one]) => Ok(Target::Here(*one)),
            Some(several) => Err(format!(
                "{} tasks here are named {wanted:?}; say which one is meant.",
                several.len()
            )),
            None => Err(format!(
                "There is no task {wanted:?} in the file or here; say which one stands for it."
            )),
        }
    }

    fn here(&self, reference: &str) -> Option<Target> {
        let by_number = reference.parse::<TaskId>().ok();
        let known = |id: &TaskId| self.here.values().flatten().any(|known| known == id);
        match by_number.filter(known) {
            Some(id) => Some(Target::Here(id)),
            None => match self.here.get(reference)?.as_slice() {
                [one] => Some(Target::Here(*one)),
                _ => None,
            },
        }
    }
}

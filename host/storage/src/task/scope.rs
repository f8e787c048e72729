//! The columns of a task's scope.

use crate::StorageError;
use crate::codec::{Columns, to_bytes, to_json, to_word};
use muster_domain::application::TaskKind;
use muster_domain::scope::{Membership, Scope};
use muster_domain::{DeviceId, GroupId, SelectionId};

#[derive(Default)]
pub(super) struct ScopeColumns {
    pub(super) device: Option<i64>,
    pub(super) group: Option<i64>,
    pub(super) subgroups: Option<bool>,
    pub(super) excluded: Option<String>,
    pub(super) devices: Option<Vec<u8>>,
    pub(super) only: Option<String>,
    pub(super) selection: Option<i64>,
}

impl From<&Scope> for ScopeColumns {
    fn from(scope: &Scope) -> Self {
        match scope {
            Scope::Local { device } => Self {
                device: Some(i64::from(device.0)),
                ..Self::default()
            },
            Scope::Group {
                group,
                subgroups,
                excluded,
                only,
                membership: _,
            } => Self {
                group: Some(group.0),
                subgroups: Some(*subgroups),
                excluded: Some(to_json(excluded)),
                only: only.as_ref().map(to_word),
                ..Self::default()
            },
            Scope::Selection {
                selection,
                membership: _,
            } => Self {
                selection: Some(selection.0),
                ..Self::default()
            },
            Scope::Global { devices } => Self {
                devices: Some(to_bytes(devices)),
                ..Self::default()
            },
        }
    }
}

pub(super) fn scope_from_row(columns: &Columns<'_>) -> Result<Scope, StorageError> {
    let membership = if columns.get("following")? {
        Membership::Following
    } else {
        Membership::Fixed
    };
    Ok(match columns.word::<TaskKind>("kind")? {
        TaskKind::Local => Scope::Local {
            device: DeviceId(columns.number("device")?),
        },
        TaskKind::Group => Scope::Group {
            group: GroupId(columns.get("group_id")?),
            subgroups: columns.get("subgroups")?,
            excluded: columns.json("excluded")?,
            only: columns.optional_word("only_kind")?,
            membership,
        },
        TaskKind::Global => match columns.get::<Option<i64>>("selection")? {
            Some(selection) => Scope::Selection {
                selection: SelectionId(selection),
                membership,
            },
            None => Scope::Global {
                devices: columns.bitmap("devices")?,
            },
        },
        TaskKind::Server => {
            return Err(StorageError::Row {
                table: "tasks",
                what: "kind: server".into(),
            });
        }
    })
}

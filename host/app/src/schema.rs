//! Schema versions: settings in the terms of the plug-in that is to read them, whichever version of
//! its schema they were written for.
//!
//! Older ones are brought up to date by the plug-in itself. Newer ones it cannot read; they are
//! brought back to what they were migrated from, unless a person wrote them.

use crate::{App, AppError};
use muster_domain::TaskId;
use muster_domain::application::TaskType;
use muster_domain::chain;
use muster_domain::event::Actor;
use muster_domain::finding::Finding;
use muster_domain::settings::Settings;
use muster_domain::task::TaskRevision;
use muster_plugin_host::{CallError, Plugin};
use muster_storage::task::task_revision_list;
use std::sync::Arc;

/// Settings of a task, and which version of the schema they follow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'s> {
    /// The task.
    pub(crate) task: TaskId,
    /// Its revision.
    pub(crate) revision: u32,
    /// The version.
    pub(crate) schema_version: u32,
    /// The settings.
    pub(crate) settings: &'s Settings,
}

impl<'s> Written<'s> {
    pub(crate) fn of(task: TaskId, revision: &'s TaskRevision) -> Self {
        Self {
            task,
            revision: revision.number,
            schema_version: revision.schema_version,
            settings: &revision.settings,
        }
    }
}

/// Settings in the terms of a plug-in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Own {
    /// The settings.
    pub(crate) settings: Settings,
    /// The revision of the task that they come back from, if they do.
    pub(crate) restores: Option<u32>,
}

impl App {
    /// A task's settings in the terms of a plug-in; the findings say why there are none.
    pub(crate) async fn settings_for(
        &self,
        plugin: &Arc<Plugin>,
        task_type: &TaskType,
        written: Written<'_>,
    ) -> Result<Result<Own, Vec<Finding>>, AppError> {
        if plugin.is_compiling() {
            return Err(plugin.compiling_error().into());
        }
        if written.schema_version <= task_type.schema_version {
            let up = brought_up(plugin, task_type, written.schema_version, written.settings);
            return Ok(up.await?.map(|settings| Own {
                settings,
                restores: None,
            }));
        }
        let mut connection = self.0.storage.read().await?;
        let revisions = task_revision_list(&mut connection, written.task).await?;
        let back = brought_back(&revisions, written.revision, task_type.schema_version);
        Ok(back
            .map(|before| Own {
                settings: before.settings.clone(),
                restores: Some(before.number),
            })
            .map_err(|text| vec![Finding::error("", NEWER, text)]))
    }
}

/// The code for settings of a later schema than the plug-in has.
pub(crate) const NEWER: &str = "settings-newer";

/// Settings in the terms of a plug-in's own schema: as they are, or migrated from an older version.
/// An error says that the plug-in could not be asked now.
pub(crate) async fn brought_up(
    plugin: &Arc<Plugin>,
    task_type: &TaskType,
    schema_version: u32,
    settings: &Settings,
) -> Result<Result<Settings, Vec<Finding>>, CallError> {
    if schema_version == task_type.schema_version {
        return Ok(Ok(settings.clone()));
    }
    if schema_version > task_type.schema_version {
        let text = format!(
            "The settings follow version {schema_version} of the schema, and the plug-in knows \
             version {} at most.",
            task_type.schema_version
        );
        return Ok(Err(vec![Finding::error("", NEWER, text)]));
    }
    let migrated = plugin
        .migrate(&task_type.id, schema_version, settings)
        .await;
    migrated.or_else(|error| Ok(Err(vec![fault(error)?])))
}

/// A fault of a plug-in's, where findings are told. An error says that it could not be asked now,
/// which is none.
pub(crate) fn fault(error: CallError) -> Result<Finding, CallError> {
    if error.failure.is_passing() {
        return Err(error);
    }
    Ok(Finding::error("", "plugin-fault", chain(&error)))
}

/// The settings of an older schema version that those of a revision were migrated from, unless a
/// person set them.
fn brought_back(
    revisions: &[TaskRevision],
    number: u32,
    version: u32,
) -> Result<&TaskRevision, String> {
    let find = |number| revisions.iter().find(|revision| revision.number == number);
    let mut at = find(number);
    while let Some(revision) = at {
        if revision.schema_version == version {
            return Ok(revision);
        }
        // Always an earlier one, so this ends whatever the rows say.
        let before = revision
            .migrated_from
            .filter(|before| *before < revision.number);
        let Some(before) = before else {
            let who = match &revision.created_by {
                Actor::Administrator(name) => name.clone(),
                other => other.to_string(),
            };
            return Err(format!(
                "The settings were set by {who} in revision {} by version {} of the schema; version \
                 {version} cannot hold them, and what was before is not what was meant.",
                revision.number, revision.schema_version
            ));
        };
        at = find(before);
    }
    Err("The settings before the migration are not there any more.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use muster_domain::Digest;
    use muster_domain::application::Needs;

    fn revision(number: u32, schema_version: u32, migrated_from: Option<u32>) -> TaskRevision {
        TaskRevision {
            number,
            settings: Settings::parse("{}").unwrap(),
            schedule: None,
            rollout: None,
            schema_version,
            plugin: Digest::of(b""),
            needs: Needs::Running,
            exclusive: false,
            findings: Vec::new(),
            migrated_from,
            created_at: Timestamp::UNIX_EPOCH,
            created_by: Actor::Administrator("anna".into()),
            origin: muster_domain::origin::Origin::default(),
        }
    }

    #[test]
    fn settings_come_back_unless_a_person_set_them() {
        let all = [
            revision(1, 1, None),
            revision(2, 2, Some(1)),
            revision(3, 3, Some(2)),
            revision(4, 3, None),
            revision(5, 4, Some(4)),
        ];
        let back = |number, version| brought_back(&all, number, version).map(|found| found.number);
        assert_eq!(back(3, 1), Ok(1));
        assert_eq!(back(3, 2), Ok(2));
        assert_eq!(back(5, 3), Ok(4));
        let stands = back(5, 1).unwrap_err();
        assert!(stands.contains("set by anna in revision 4"), "{stands}");
        assert!(back(9, 1).is_err());
    }

    #[test]
    fn rows_that_go_round_in_circles_end_it() {
        let all = [revision(1, 2, Some(2)), revision(2, 2, Some(1))];
        assert!(brought_back(&all, 2, 1).is_err());
    }
}

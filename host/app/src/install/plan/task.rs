//! What another revision of a plug-in would mean for one task: its settings brought up to date or
//! brought back, checked, and translated by both for the profiles of its devices.

use super::usage::Group;
use crate::install::chain;
use crate::{App, AppError};
use muster_domain::application::TaskType;
use muster_domain::event::Actor;
use muster_domain::finding::Finding;
use muster_domain::plan::{Effect, NextSettings, ProfilePlan, Support, TaskPlan, changes};
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::settings::Settings;
use muster_domain::task::{Task, TaskRevision};
use muster_plugin_host::{CallError, Plugin, Refusal};
use muster_storage::task::task_revision_list;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Profiles in one call of a plug-in.
const MOST_PROFILES: usize = 100;

/// A command as JSON, or why there is none.
type Translated = Result<Value, String>;

impl App {
    pub(super) async fn plan_task(
        &self,
        from: Option<&Arc<Plugin>>,
        to: &Arc<Plugin>,
        task: &Task,
        groups: &[Group],
    ) -> Result<TaskPlan, AppError> {
        let mut plan = TaskPlan {
            task: task.id,
            name: task.name.clone(),
            task_type: task.task_type.clone(),
            revision: task.revision.number,
            effect: Effect::Identical,
            next: None,
            settings: Vec::new(),
            findings: Vec::new(),
            profiles: Vec::new(),
            more_profiles: 0,
            note: None,
        };
        let Some(task_type) = to.description().task_type(&task.task_type) else {
            plan.findings.push(Finding::error(
                "",
                "task-type-gone",
                format!(
                    "Version {} of the plug-in has no task type {}.",
                    to.description().version,
                    task.task_type
                ),
            ));
            plan.conclude();
            return Ok(plan);
        };
        if let Some(settings) = self.next_settings(&mut plan, to, task_type, task).await? {
            self.check(&mut plan, from, to, task, &settings, groups)
                .await;
        }
        plan.conclude();
        Ok(plan)
    }

    /// The settings that the task would have; none if there are none, which the findings say.
    async fn next_settings(
        &self,
        plan: &mut TaskPlan,
        to: &Arc<Plugin>,
        task_type: &TaskType,
        task: &Task,
    ) -> Result<Option<Settings>, AppError> {
        let now = &task.revision;
        if now.schema_version == task_type.schema_version {
            return Ok(Some(now.settings.clone()));
        }
        let next = if now.schema_version < task_type.schema_version {
            match brought_up(to, task_type, now.schema_version, &now.settings).await {
                Ok(settings) => (settings, None),
                Err(findings) => {
                    plan.findings = findings;
                    return Ok(None);
                }
            }
        } else {
            let mut connection = self.0.storage.read().await?;
            let revisions = task_revision_list(&mut connection, task.id).await?;
            match brought_back(&revisions, task_type.schema_version) {
                Ok(before) => (before.settings.clone(), Some(before.number)),
                Err(note) => {
                    plan.findings
                        .push(Finding::error("", "settings-newer", note.clone()));
                    plan.note = Some(note);
                    return Ok(None);
                }
            }
        };
        let (settings, restores) = next;
        plan.settings = changes(&now.settings.to_value(), &settings.to_value());
        plan.next = Some(NextSettings {
            settings: settings.clone(),
            schema_version: task_type.schema_version,
            restores,
        });
        Ok(Some(settings))
    }

    async fn check(
        &self,
        plan: &mut TaskPlan,
        from: Option<&Arc<Plugin>>,
        to: &Arc<Plugin>,
        task: &Task,
        settings: &Settings,
        groups: &[Group],
    ) {
        match to.validate(&task.task_type, settings).await {
            Ok(findings) => plan.findings = findings,
            Err(error) => plan.findings.push(fault(&error)),
        }
        let Some(from) = from else { return };
        let before = translate(from, task, &task.revision.settings, groups).await;
        let after = translate(to, task, settings, groups).await;
        let (before, after) = match (before, after) {
            (Ok(before), Ok(after)) => (before, after),
            // What could not be translated until now cannot be compared.
            (Err(_), Ok(_)) => return,
            (_, Err(error)) => {
                plan.findings.push(fault(&error));
                return;
            }
        };
        for ((group, before), after) in groups.iter().zip(&before).zip(&after) {
            if before == after || (before.is_err() && after.is_err()) {
                continue;
            }
            if plan.profiles.len() >= TaskPlan::MOST_PROFILES {
                plan.more_profiles += 1;
                continue;
            }
            plan.profiles.push(difference(group, before, after));
        }
    }
}

fn difference(group: &Group, before: &Translated, after: &Translated) -> ProfilePlan {
    let (profile, devices) = group.clone();
    let (support, command, reason) = match (before, after) {
        (Ok(before), Ok(after)) => (Support::Kept, changes(before, after), None),
        (Ok(_), Err(reason)) => (Support::Lost, Vec::new(), Some(reason.clone())),
        (Err(reason), _) => (Support::Gained, Vec::new(), Some(reason.clone())),
    };
    ProfilePlan {
        profile,
        devices,
        support,
        command,
        reason,
    }
}

/// What a revision makes of settings for each group, in their order.
async fn translate(
    plugin: &Arc<Plugin>,
    task: &Task,
    settings: &Settings,
    groups: &[Group],
) -> Result<Vec<Translated>, CallError> {
    let description = plugin.description();
    let Some(task_type) = description.task_type(&task.task_type) else {
        let none = Err(format!("no task type {}", task.task_type));
        return Ok(groups.iter().map(|_| none.clone()).collect());
    };
    let own: Vec<Profile> = groups
        .iter()
        .map(|(profile, _)| seen_by(profile, task_type))
        .collect();
    let mut made: BTreeMap<&Profile, Translated> = BTreeMap::new();
    let mut counts: BTreeMap<&Profile, u32> = BTreeMap::new();
    for (profile, (_, devices)) in own.iter().zip(groups) {
        let version = profile.application_version.as_deref();
        if version.is_none_or(|version| description.manages_version(version)) {
            let count = counts.entry(profile).or_default();
            *count = count.saturating_add(u32::try_from(*devices).unwrap_or(u32::MAX));
        } else {
            let version = version.unwrap_or_default();
            let reason = format!("version {version} is not managed ({})", description.manages);
            made.insert(profile, Err(reason));
        }
    }
    let asked: Vec<ProfileCount> = counts
        .iter()
        .map(|(profile, devices)| ProfileCount {
            profile: (*profile).clone(),
            devices: *devices,
        })
        .collect();
    let mut answers = Vec::with_capacity(asked.len());
    for part in asked.chunks(MOST_PROFILES) {
        answers.extend(plugin.translate(&task.task_type, settings, part).await?);
    }
    for (profile, answer) in counts.into_keys().zip(answers) {
        made.insert(
            profile,
            answer.map_or_else(refused, |command| Ok(serde_json::json!(command))),
        );
    }
    let unknown = || Err("the plug-in was not asked".to_owned());
    Ok(own
        .iter()
        .map(|profile| made.get(profile).cloned().unwrap_or_else(unknown))
        .collect())
}

fn refused(refusal: Refusal) -> Translated {
    Err(match refusal {
        Refusal::Unsupported(reason) | Refusal::Internal(reason) => reason,
        Refusal::Invalid(findings) => findings
            .into_iter()
            .map(|finding| finding.text)
            .collect::<Vec<_>>()
            .join(" "),
    })
}

/// A profile with the facts that a task type reads, in its order.
fn seen_by(profile: &Profile, task_type: &TaskType) -> Profile {
    let value = |name: &String| {
        let found = profile.facts.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| value.clone())
    };
    Profile {
        facts: task_type
            .facts
            .iter()
            .map(|name| (name.clone(), value(name)))
            .collect(),
        ..profile.clone()
    }
}

fn fault(error: &CallError) -> Finding {
    Finding::error("", "plugin-fault", chain(error))
}

/// Settings in the terms of a plug-in's own schema: as they are, or migrated from an older version.
pub(crate) async fn brought_up(
    plugin: &Arc<Plugin>,
    task_type: &TaskType,
    schema_version: u32,
    settings: &Settings,
) -> Result<Settings, Vec<Finding>> {
    if schema_version == task_type.schema_version {
        return Ok(settings.clone());
    }
    if schema_version > task_type.schema_version {
        let text = format!(
            "The settings follow version {schema_version} of the schema, and the plug-in knows \
             version {} at most.",
            task_type.schema_version
        );
        return Err(vec![Finding::error("", "settings-newer", text)]);
    }
    let migrated = plugin
        .migrate(&task_type.id, schema_version, settings)
        .await;
    migrated.unwrap_or_else(|error| Err(vec![fault(&error)]))
}

/// The settings of an older schema version that the newest ones were migrated from, unless a person
/// changed them since. `revisions` begin with the newest.
fn brought_back(revisions: &[TaskRevision], version: u32) -> Result<&TaskRevision, String> {
    let mut at = revisions.first();
    while let Some(revision) = at {
        if revision.schema_version == version {
            return Ok(revision);
        }
        let Some(before) = revision.migrated_from else {
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
        at = revisions.iter().find(|revision| revision.number == before);
    }
    Err("The settings before the migration are not there any more.".to_owned())
}

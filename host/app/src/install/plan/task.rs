//! What another revision of a plug-in would mean for one task: its settings brought up to date or
//! brought back, checked, and translated by both for the profiles of its devices.

use super::usage::Group;
use crate::schema::{NEWER, Written, fault};
use crate::{App, AppError};
use muster_domain::application::TaskType;
use muster_domain::chain;
use muster_domain::finding::Finding;
use muster_domain::plan::{Effect, NextSettings, ProfilePlan, Support, TaskPlan, changes};
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::settings::Settings;
use muster_domain::task::Task;
use muster_plugin_host::{CallError, Plugin, Refusal};
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
            uncompared: None,
            no_devices: false,
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
                .await?;
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
        let own = match self
            .settings_for(to, task_type, Written::of(task.id, now))
            .await?
        {
            Ok(own) => own,
            Err(findings) => {
                let newer = findings.iter().find(|finding| finding.code == NEWER);
                plan.note = newer.map(|finding| finding.text.clone());
                plan.findings = findings;
                return Ok(None);
            }
        };
        if now.schema_version != task_type.schema_version {
            plan.settings = changes(&now.settings.to_value(), &own.settings.to_value());
            plan.next = Some(NextSettings {
                settings: own.settings.clone(),
                schema_version: task_type.schema_version,
                restores: own.restores,
            });
        }
        Ok(Some(own.settings))
    }

    async fn check(
        &self,
        plan: &mut TaskPlan,
        from: Option<&Arc<Plugin>>,
        to: &Arc<Plugin>,
        task: &Task,
        settings: &Settings,
        groups: &[Group],
    ) -> Result<(), AppError> {
        match to.validate(&task.task_type, settings).await {
            Ok(findings) => plan.findings = findings,
            Err(error) => plan.findings.push(fault(error)?),
        }
        if groups.is_empty() {
            plan.no_devices = true;
            return Ok(());
        }
        let after = match translate(to, task, settings, groups).await {
            Ok(after) => after,
            Err(error) => {
                plan.findings.push(fault(error)?);
                return Ok(());
            }
        };
        let before = match self.before(from, task, groups).await? {
            Ok(before) => groups.iter().zip(before.into_iter().map(Some)).collect(),
            Err(why) => {
                plan.uncompared = Some(why);
                groups.iter().map(|group| (group, None)).collect::<Vec<_>>()
            }
        };
        for ((group, before), after) in before.into_iter().zip(&after) {
            let same = match &before {
                Some(before) => before == after || (before.is_err() && after.is_err()),
                None => after.is_ok(),
            };
            if same {
                continue;
            }
            if plan.profiles.len() >= TaskPlan::MOST_PROFILES {
                plan.more_profiles += 1;
                continue;
            }
            plan.profiles
                .push(difference(group, before.as_ref(), after));
        }
        Ok(())
    }

    /// What the task's devices get by the revision at work, or why that cannot be told.
    async fn before(
        &self,
        from: Option<&Arc<Plugin>>,
        task: &Task,
        groups: &[Group],
    ) -> Result<Result<Vec<Translated>, String>, AppError> {
        let Some(from) = from else {
            return Ok(Err("No revision is at work that could be compared.".into()));
        };
        let Some(task_type) = from.description().task_type(&task.task_type) else {
            return Ok(Err(format!(
                "The revision at work has no task type {}.",
                task.task_type
            )));
        };
        let written = Written::of(task.id, &task.revision);
        let Ok(own) = self.settings_for(from, task_type, written).await? else {
            let why = "The revision at work does not take its settings.";
            return Ok(Err(why.into()));
        };
        match translate(from, task, &own.settings, groups).await {
            Ok(translated) => Ok(Ok(translated)),
            Err(error) if error.failure.is_passing() => Err(error.into()),
            Err(error) => Ok(Err(format!(
                "The revision at work failed to translate it: {}.",
                chain(&error)
            ))),
        }
    }
}

fn difference(group: &Group, before: Option<&Translated>, after: &Translated) -> ProfilePlan {
    let (profile, devices) = group.clone();
    let (support, command, reason) = match (before, after) {
        (Some(Ok(before)), Ok(after)) => (Support::Kept, changes(before, after), None),
        (Some(Err(reason)), _) => (Support::Gained, Vec::new(), Some(reason.clone())),
        (_, Err(reason)) => (Support::Lost, Vec::new(), Some(reason.clone())),
        (None, Ok(_)) => (Support::Kept, Vec::new(), None),
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

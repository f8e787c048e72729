//! Ask: the plug-ins look at the tasks of a file before anything is compared or written.

use super::plan::PluginStand;
use super::wanted::{Manner, TaskName, Wanted, WantedTask};
use crate::place::SetReference;
use crate::submit::{
    Agreed, check_name, check_time_limit, rollout_of, schedule_of, words_about, words_about_rollout,
};
use crate::vault::Allowed;
use crate::{App, AppError};
use muster_domain::finding::Finding;
use muster_domain::plan::{Change, changes};
use muster_domain::rollout::Rollout;
use muster_domain::schedule::Schedule;
use muster_domain::{ApplicationId, Digest};
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What is wanted, with what the plug-ins say to it.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) wanted: Wanted,
    pub(super) manner: Manner,
    /// For each task, in their order.
    pub(super) asked: Vec<Asked>,
    pub(super) stands: Vec<PluginStand>,
    /// Of the request.
    pub(super) digest: Digest,
}

/// What came of a task.
#[derive(Debug)]
pub(super) struct Asked {
    /// What its plug-in agreed to.
    pub(super) agreed: Option<Agreed>,
    /// Seconds.
    pub(super) time_limit: u32,
    /// What changes in its settings, as they follow an older version of the schema.
    pub(super) migrated: Vec<Change>,
    /// When it starts by itself. What it names is not filled in.
    pub(super) schedule: Option<Schedule>,
    /// The task that it starts after.
    pub(super) after: Option<TaskName>,
    /// The group or the selection that devices come into to start it, by path or name.
    pub(super) joined: Option<SetReference>,
    /// How its runs go out. The groups in it are not filled in.
    pub(super) rollout: Option<Rollout>,
    /// The paths of the groups of its waves, by the places of the waves.
    pub(super) wave_groups: BTreeMap<usize, Vec<String>>,
    /// What stands against it, or is worth a word.
    pub(super) findings: Vec<Finding>,
}

impl App {
    pub(super) async fn objects_ask(
        &self,
        wanted: Wanted,
        manner: Manner,
    ) -> Result<Prepared, AppError> {
        let digest = Digest::of(format!("{wanted:?} {manner:?}"));
        let mut asked = Vec::with_capacity(wanted.tasks.len());
        for task in &wanted.tasks {
            asked.push(self.ask(task, manner.mapping().is_some()).await?);
        }
        Ok(Prepared {
            stands: self.stands(&wanted),
            wanted,
            manner,
            asked,
            digest,
        })
    }

    async fn ask(&self, task: &WantedTask, import: bool) -> Result<Asked, AppError> {
        let request = &task.request;
        let mut asked = Asked {
            agreed: None,
            time_limit: 0,
            migrated: Vec::new(),
            schedule: None,
            after: None,
            joined: None,
            rollout: None,
            wave_groups: BTreeMap::new(),
            findings: Vec::new(),
        };
        asked.note("/name", check_name(&request.name))?;
        if let Some(schedule) = &request.schedule {
            asked.read_schedule(schedule, task.file)?;
        }
        if let Some(rollout) = &request.rollout {
            asked.read_rollout(rollout)?;
        }
        let settings = match &request.settings {
            Ok(settings) => settings,
            Err(finding) => {
                asked.findings.push(below("/settings", finding.clone()));
                return Ok(asked);
            }
        };
        let agreed = self
            .agree_up(
                &request.application,
                &request.task_type,
                request.schema_version,
                settings,
                &Allowed::now(&request.allow_plain),
            )
            .await;
        let Some(mut agreed) = asked.note("/settings", agreed)? else {
            return Ok(asked);
        };
        let version = agreed.task_type.schema_version;
        if request.schema_version.is_some_and(|of| of < version) && import {
            asked.migrated = changes(&settings.to_value(), &agreed.settings.to_value());
        }
        let limit = check_time_limit(request.time_limit, &agreed.task_type);
        asked.time_limit = asked.note("/time_limit", limit)?.unwrap_or_default();
        asked.findings.extend(
            agreed
                .findings
                .iter()
                .cloned()
                .map(|one| below("/settings", one)),
        );
        let mut words = words_about(asked.schedule.as_ref());
        words.extend(words_about_rollout(asked.rollout.as_ref()));
        asked.findings.extend(words.iter().cloned());
        agreed.findings.extend(words);
        asked.agreed = Some(agreed);
        Ok(asked)
    }

    /// How the plug-ins of the file, and those that its tasks need, stand here.
    fn stands(&self, wanted: &Wanted) -> Vec<PluginStand> {
        let mut known: BTreeMap<ApplicationId, Vec<(String, Digest)>> = BTreeMap::new();
        for application in wanted.applications() {
            known.entry(application).or_default();
        }
        for plugin in &wanted.plugins {
            let versions = known.entry(plugin.application.clone()).or_default();
            versions.push((plugin.version.clone(), plugin.digest));
        }
        let stand = |(application, written): (ApplicationId, Vec<(String, Digest)>)| {
            let here = self.0.applications.get(&application);
            // Of several the last one counts: tasks of the same file were written for all of them.
            let newest = written.into_iter().last();
            let stand = match (&here, &newest) {
                (None, _) => "absent",
                (Some(_), None) => "unnamed",
                (Some(here), Some((_, digest))) if here.digest() == *digest => "same",
                (Some(here), Some((version, _))) => {
                    let here = &here.description().version;
                    match version.parse().map(|version| here.cmp(&version)) {
                        Ok(Ordering::Less) => "older",
                        Ok(Ordering::Greater) => "newer",
                        Ok(Ordering::Equal) => "other-build",
                        Err(_) => "unnamed",
                    }
                }
            };
            PluginStand {
                application,
                version: newest.map(|(version, _)| version),
                here: here.map(|here| here.description().version.to_string()),
                stand,
            }
        };
        known.into_iter().map(stand).collect()
    }
}

impl Asked {
    /// Takes what was found. What stands against it becomes findings at a place; what may pass, or is our own
    /// fault, is an error.
    fn note<T>(&mut self, place: &str, found: Result<T, AppError>) -> Result<Option<T>, AppError> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(
                AppError::SettingsInvalid { findings } | AppError::FormInvalid { findings, .. },
            ) => {
                self.findings
                    .extend(findings.into_iter().map(|one| below(place, one)));
                Ok(None)
            }
            Err(error @ AppError::ApplicationWithoutPlugin { .. }) => {
                self.refuse("/application", &error);
                Ok(None)
            }
            Err(error @ AppError::UnknownTaskType { .. }) => {
                self.refuse("/task_type", &error);
                Ok(None)
            }
            Err(error) if error.is_passing() => Err(error),
            Err(error @ (AppError::Invalid { .. } | AppError::Plugin(_))) => {
                self.refuse(place, &error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn refuse(&mut self, place: &str, error: &AppError) {
        let mut text = muster_domain::chain(error);
        if let Some(first) = text.get(..1).map(str::to_uppercase) {
            text.replace_range(..1, &first);
        }
        let text = crate::error::sentence(text);
        self.findings
            .push(Finding::error(place, error.code(), text));
    }

    /// Takes what a schedule names out of it, so that what is left can be read as any other is.
    fn read_schedule(&mut self, schedule: &Value, file: u32) -> Result<(), AppError> {
        let mut schedule = schedule.clone();
        // Any number will do: what is meant is filled in when it is known.
        if let Some(task) = schedule.pointer_mut("/when/after-task/task") {
            match task_name(task, file) {
                Ok(name) => self.after = Some(name),
                Err(text) => {
                    let place = "/schedule/when/after-task/task";
                    self.findings
                        .push(Finding::error(place, "reference-form", text));
                }
            }
            *task = json!(1);
        }
        for (kind, set) in [
            ("group", SetReference::Group as fn(String) -> SetReference),
            ("selection", SetReference::Selection),
        ] {
            let place = format!("/when/joined/{kind}");
            let Some(named) = schedule.pointer_mut(&place) else {
                continue;
            };
            match named.as_str() {
                Some(name) => self.joined = Some(set(name.to_owned())),
                None => self
                    .findings
                    .push(by_name_alone(format!("/schedule{place}"))),
            }
            *named = json!(1);
        }
        self.schedule = self
            .note("/schedule", schedule_of(Some(&schedule)))?
            .flatten();
        Ok(())
    }

    /// The same for a rollout.
    fn read_rollout(&mut self, rollout: &Value) -> Result<(), AppError> {
        let mut rollout = rollout.clone();
        let waves = rollout.get_mut("waves").and_then(Value::as_array_mut);
        for (place, wave) in waves.into_iter().flatten().enumerate() {
            let groups = wave.pointer_mut("/devices/groups/groups");
            let mut paths = Vec::new();
            for (number, group) in groups
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
                .enumerate()
            {
                if let Some(path) = group.as_str() {
                    paths.push(path.to_owned());
                } else {
                    let place = format!("/rollout/waves/{place}/devices/groups/groups/{number}");
                    self.findings.push(by_name_alone(place));
                }
                *group = json!(1);
            }
            if !paths.is_empty() {
                self.wave_groups.insert(place, paths);
            }
        }
        let read = rollout_of(Some(&rollout), self.schedule.as_ref());
        self.rollout = self.note("/rollout", read)?.flatten();
        Ok(())
    }
}

fn by_name_alone(place: String) -> Finding {
    let text = "Groups are named by their paths in a file, such as \"/Office\", and selections by their names; \
                a number on a server means nothing on another.";
    Finding::error(place, "reference-form", text)
}

/// A task as a schedule in a file names it.
fn task_name(json: &Value, file: u32) -> Result<TaskName, &'static str> {
    let form = "A task is named by its name in a file, such as \"Nightly scan\", or by an object with its `id` in \
                the file, or with the `name` alone of one that the file does not hold; its number on a server means \
                nothing on another.";
    match json {
        Value::String(name) => Ok(TaskName {
            name: Some(name.clone()),
            id: None,
            outside: false,
        }),
        Value::Object(fields) if fields.keys().all(|key| key == "name" || key == "id") => {
            let name = match fields.get("name") {
                None => None,
                Some(name) => Some(name.as_str().ok_or(form)?.to_owned()),
            };
            let id = match fields.get("id") {
                None => None,
                Some(id) => Some(id.as_u64().and_then(|id| id.try_into().ok()).ok_or(form)?),
            };
            let id = id.map(|id: u32| (file, id));
            if name.is_none() && id.is_none() {
                return Err(form);
            }
            let outside = id.is_none();
            Ok(TaskName { name, id, outside })
        }
        _ => Err(form),
    }
}

/// A finding with its place below another place.
pub(super) fn below(place: &str, mut finding: Finding) -> Finding {
    finding.pointer.insert_str(0, place);
    finding
}

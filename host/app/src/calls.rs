//! Calls of plug-ins as files: what a plug-in was asked about a delivery, so that its author can ask
//! the same of the same component elsewhere. Calls are pure, so the answer is the same as well.
//!
//! Nothing is recorded for it. A call is put together from the rows: the task's revision, the
//! device's profile or its report, the component that was asked, its limits.

mod secret;

use crate::schema::Written;
use crate::{Administrator, App, AppError};
use muster_domain::application::{Description, TaskType};
use muster_domain::profile::Profile;
use muster_domain::report::Report;
use muster_domain::{DeviceId, Digest, RunId};
use muster_plugin_host::{Function, Plugin};
use muster_storage::delivery::{delivery_get, report_body};
use muster_storage::device::device_get;
use muster_storage::run::run_get;
use muster_storage::task::{task_head, task_revision_get};
use serde_json::Value;

/// A call of a plug-in, whole.
#[derive(Debug, Clone)]
pub struct PluginCall {
    /// The component that was asked.
    pub digest: Digest,
    /// What it says of itself.
    pub description: Description,
    /// Whether the same call gets the same answer: it uses no clock, random bytes or files.
    pub pure: bool,
    /// Bytes of memory that the call may have.
    pub memory: usize,
    /// Milliseconds that it may take.
    pub time: u64,
    /// The task type.
    pub task_type: TaskType,
    /// Which version of the schema the settings follow.
    pub schema_version: u32,
    /// The settings, without what the schema marks as secret.
    pub settings: Value,
    /// Where something was taken out.
    pub removed: Vec<String>,
    /// What else was handed over.
    pub asked: Asked,
}

/// What a call hands over beside the settings.
#[derive(Debug, Clone)]
pub enum Asked {
    /// `migrate`: the settings alone.
    Migrate,
    /// `translate`: a profile.
    Translate(Profile),
    /// `interpret`: a report.
    Interpret(Report),
}

/// Which of the calls about a delivery is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// What made its command.
    Translate,
    /// What said what its report means.
    Interpret,
}

impl App {
    /// The call about a delivery. Where the settings could not be brought up to date, it is the one
    /// that was to do it.
    pub async fn delivery_call(
        &self,
        _who: &Administrator,
        run: RunId,
        device: DeviceId,
        wish: Wish,
    ) -> Result<PluginCall, AppError> {
        let mut connection = self.0.storage.read().await?;
        let found = run_get(&mut connection, run).await?;
        let run = found.ok_or_else(|| AppError::not_found("run", &run))?;
        if !run.targets.contains(device.0) {
            return Err(AppError::not_found("device of this run", &device));
        }
        let delivery = delivery_get(&mut connection, run.id, device).await?;
        let head = task_head(&mut connection, run.task).await?;
        let head = head.ok_or_else(|| AppError::not_found("task", &run.task))?;
        let revision = task_revision_get(&mut connection, run.task, run.revision).await?;
        let revision =
            revision.ok_or_else(|| AppError::not_found("task revision", &run.revision))?;
        let body = report_body(&mut connection, run.id, device).await?;
        let target = device_get(&mut connection, device).await?;
        drop(connection);

        let translated_by = delivery.and_then(|delivery| delivery.plugin);
        let plugin = match self.interpreter(&head.application, translated_by).await? {
            Some(plugin) => plugin,
            // It says why there is none.
            None => self.plugin(&head.application).await?,
        };
        let task_type = plugin.description().task_type(&head.task_type);
        let task_type =
            task_type.ok_or_else(|| AppError::not_found("task type", &head.task_type))?;
        let written = Written {
            task: run.task,
            revision: run.revision,
            schema_version: revision.schema_version,
            settings: &revision.settings,
        };
        let own = self.settings_for(&plugin, task_type, written).await?;
        let (settings, schema_version, asked) = match own {
            Err(findings) if revision.schema_version >= task_type.schema_version => {
                return Err(AppError::SettingsInvalid { findings });
            }
            Err(_) => (revision.settings, revision.schema_version, Asked::Migrate),
            Ok(own) => {
                let asked = match wish {
                    Wish::Interpret => Asked::Interpret(report_of(body.as_deref(), device)?),
                    Wish::Translate => {
                        let target =
                            target.ok_or_else(|| AppError::not_found("device", &device))?;
                        Asked::Translate(target.profile(&head.application, &task_type.facts))
                    }
                };
                (own.settings, task_type.schema_version, asked)
            }
        };
        let mut settings = settings.to_value();
        let removed = secret::take_out(&mut settings, &task_type.settings_schema);
        Ok(call(
            &plugin,
            task_type,
            schema_version,
            settings,
            removed,
            asked,
        ))
    }
}

fn call(
    plugin: &Plugin,
    task_type: &TaskType,
    schema_version: u32,
    settings: Value,
    removed: Vec<String>,
    asked: Asked,
) -> PluginCall {
    let (memory, time) = plugin.limits();
    let function = asked.function();
    PluginCall {
        digest: plugin.digest(),
        description: plugin.description().clone(),
        pure: plugin.is_pure(),
        memory,
        time: u64::try_from(time(function).as_millis()).unwrap_or(u64::MAX),
        task_type: task_type.clone(),
        schema_version,
        settings,
        removed,
        asked,
    }
}

impl Asked {
    /// The function that is called so.
    pub fn function(&self) -> Function {
        match self {
            Self::Migrate => Function::Migrate,
            Self::Translate(_) => Function::Translate,
            Self::Interpret(_) => Function::Interpret,
        }
    }
}

fn report_of(body: Option<&str>, device: DeviceId) -> Result<Report, AppError> {
    let body: Option<Value> = body.and_then(|body| serde_json::from_str(body).ok());
    let report = body.and_then(|mut body| Some(body.get_mut("report")?.take()));
    let report: Option<Report> = report.and_then(|report| serde_json::from_value(report).ok());
    report.ok_or_else(|| AppError::Conflict {
        code: "report-missing",
        text: format!(
            "device {device} has not reported what came of this run yet; the call that made its command can be had meanwhile"
        ),
    })
}

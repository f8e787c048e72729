//! What a run's task comes to on a device: a command, a wait, or that it cannot be done there.
//!
//! The plug-in is asked once for each profile, with all profiles that are new in one call.

use crate::install::brought_up;
use crate::{App, AppError};
use muster_domain::application::{Needs, TaskType};
use muster_domain::command::Command;
use muster_domain::delivery::Cause;
use muster_domain::device::{ApplicationState, Device};
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::run::Run;
use muster_domain::settings::Settings;
use muster_domain::{DeviceId, Digest};
use muster_plugin_host::{CallFailure, Plugin, Refusal};
use muster_storage::Connection;
use muster_storage::task::{TaskHead, task_head, task_revision_get};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Profiles in one call of a plug-in.
const MOST_PROFILES: usize = 1000;

/// Calls for one task that may take all their time, until the plug-in is not asked any more this
/// time: other applications' deliveries wait meanwhile.
const MOST_TIMED_OUT: u32 = 8;

/// What is to become of a delivery.
#[derive(Clone)]
pub(super) enum Placement {
    /// The device gets this command.
    Order(Arc<Translated>),
    /// Nothing is given to the device until the cause ends.
    Hold(Cause),
    /// The application cannot do it on this device.
    NotSupported(String),
}

/// A command that a plug-in made.
pub(super) struct Translated {
    pub(super) hash: Digest,
    pub(super) body: String,
    /// The revision that made it, which is to say what comes of it.
    pub(super) plugin: Digest,
}

/// The task of a run, and the translations of it that were made.
pub(super) struct Translations {
    pub(super) head: TaskHead,
    /// What the application must be before the task starts.
    pub(super) needs: Needs,
    /// Whether it has the application to itself.
    pub(super) exclusive: bool,
    settings: Settings,
    schema_version: u32,
    // The settings in the terms of the plug-in with this digest. Another one translates anew.
    plugin: Option<Digest>,
    own: Result<Settings, String>,
    made: BTreeMap<Profile, Placement>,
}

impl Translations {
    pub(super) async fn read(connection: &mut Connection, run: &Run) -> Result<Self, AppError> {
        let head = task_head(connection, run.task).await?;
        let head = head.ok_or_else(|| AppError::not_found("task", &run.task))?;
        let revision = task_revision_get(connection, run.task, run.revision).await?;
        let revision =
            revision.ok_or_else(|| AppError::not_found("task revision", &run.revision))?;
        Ok(Self {
            head,
            needs: revision.needs,
            exclusive: revision.exclusive,
            own: Ok(revision.settings.clone()),
            settings: revision.settings,
            schema_version: revision.schema_version,
            plugin: None,
            made: BTreeMap::new(),
        })
    }

    /// What is to become of the deliveries for some devices.
    pub(super) async fn place(
        &mut self,
        app: &App,
        devices: &[Device],
    ) -> Result<Vec<(DeviceId, Placement)>, AppError> {
        let Some(plugin) = app.0.applications.get(&self.head.application) else {
            return Ok(all(devices, &Placement::Hold(Cause::PluginMissing)));
        };
        let Some(task_type) = plugin.description().task_type(&self.head.task_type) else {
            let reason = format!(
                "version {} of the plug-in no longer knows the task type {}",
                plugin.description().version,
                self.head.task_type
            );
            return Ok(all(devices, &Placement::NotSupported(reason)));
        };
        self.translate(app, &plugin, task_type, devices).await;
        Ok(devices
            .iter()
            .map(|device| (device.id, self.placement(&plugin, task_type, device)))
            .collect())
    }

    fn placement(&self, plugin: &Plugin, task_type: &TaskType, device: &Device) -> Placement {
        if let Some(placement) = self.without_translation(plugin, task_type, device) {
            return placement;
        }
        let profile = device.profile(&self.head.application, &task_type.facts);
        self.made.get(&profile).cloned().unwrap_or_else(|| {
            let reason = "the plug-in was not asked about this device".to_owned();
            Placement::Hold(Cause::PluginFault { reason })
        })
    }

    /// What can be told of a device without asking the plug-in.
    fn without_translation(
        &self,
        plugin: &Plugin,
        task_type: &TaskType,
        device: &Device,
    ) -> Option<Placement> {
        let Some(installed) = device.application(&self.head.application) else {
            return Some(Placement::Hold(Cause::NoConnector));
        };
        if installed.state == ApplicationState::Absent {
            let nothing_needed = task_type.needs == Needs::Nothing;
            return (!nothing_needed).then_some(Placement::Hold(Cause::ApplicationNotInstalled));
        }
        let description = plugin.description();
        let version = installed.version.as_deref()?;
        (!description.manages_version(version)).then(|| {
            Placement::NotSupported(format!(
                "{} {version} is not among the versions that the plug-in manages ({})",
                description.name, description.manages
            ))
        })
    }

    /// Has the plug-in translate for the profiles of these devices that it was not asked about yet.
    async fn translate(
        &mut self,
        app: &App,
        plugin: &Arc<Plugin>,
        task_type: &TaskType,
        devices: &[Device],
    ) {
        if self.plugin != Some(plugin.digest()) {
            self.made.clear();
            self.plugin = Some(plugin.digest());
            let own = brought_up(plugin, task_type, self.schema_version, &self.settings).await;
            self.own = own.map_err(|findings| {
                let texts: Vec<String> = findings.into_iter().map(|finding| finding.text).collect();
                texts.join(" ")
            });
        }
        // A fault is no answer: it is asked for again.
        self.made
            .retain(|_, made| !matches!(made, Placement::Hold(_)));
        let mut counts: BTreeMap<Profile, u32> = BTreeMap::new();
        for device in devices {
            if self
                .without_translation(plugin, task_type, device)
                .is_none()
            {
                let profile = device.profile(&self.head.application, &task_type.facts);
                if !self.made.contains_key(&profile) {
                    *counts.entry(profile).or_default() += 1;
                }
            }
        }
        let profiles: Vec<ProfileCount> = counts
            .into_iter()
            .map(|(profile, devices)| ProfileCount { profile, devices })
            .collect();
        let mut timed_out = 0;
        for part in profiles.chunks(MOST_PROFILES) {
            let placements = self.ask(app, plugin, part, &mut timed_out).await;
            for (count, placement) in part.iter().zip(placements) {
                self.made.insert(count.profile.clone(), placement);
            }
        }
    }

    /// Asks the plug-in; where the answer for many profiles is too much for one call, in two calls.
    async fn ask(
        &self,
        app: &App,
        plugin: &Arc<Plugin>,
        profiles: &[ProfileCount],
        timed_out: &mut u32,
    ) -> Vec<Placement> {
        if *timed_out >= MOST_TIMED_OUT {
            let reason = format!(
                "the plug-in was not asked about this device, as it took all its time {timed_out} times before"
            );
            let hold = Placement::Hold(Cause::PluginFault { reason });
            return profiles.iter().map(|_| hold.clone()).collect();
        }
        let settings = match &self.own {
            Ok(settings) => settings,
            // Held: another revision may know what to make of them.
            Err(reason) => {
                let hold = Placement::Hold(Cause::PluginFault {
                    reason: reason.clone(),
                });
                return profiles.iter().map(|_| hold.clone()).collect();
            }
        };
        let answers = plugin
            .translate(&self.head.task_type, settings, profiles)
            .await;
        if let Err(error) = &answers
            && matches!(error.failure, CallFailure::TimedOut { .. })
        {
            *timed_out += 1;
        }
        match answers {
            Ok(answers) => {
                app.0.shadows.translated(
                    &self.head.application,
                    &self.head.task_type,
                    (self.schema_version, &self.settings),
                    profiles,
                    &answers,
                );
                let of = plugin.digest();
                let placement = |answer| placement_of(answer, of);
                answers.into_iter().map(placement).collect()
            }
            Err(error) if profiles.len() > 1 && too_much(&error.failure) => {
                let (one, other) = profiles.split_at(profiles.len() / 2);
                let mut placements = Box::pin(self.ask(app, plugin, one, timed_out)).await;
                placements.extend(Box::pin(self.ask(app, plugin, other, timed_out)).await);
                placements
            }
            Err(error) => {
                let reason = crate::install::chain(&error);
                tracing::error!(%reason, "a task could not be translated");
                let hold = Placement::Hold(Cause::PluginFault { reason });
                profiles.iter().map(|_| hold.clone()).collect()
            }
        }
    }
}

/// Whether fewer profiles in a call may do.
fn too_much(failure: &CallFailure) -> bool {
    matches!(
        failure,
        CallFailure::AnswerTooLarge { .. }
            | CallFailure::OutOfMemory { .. }
            | CallFailure::TimedOut { .. }
    )
}

fn placement_of(answer: Result<Command, Refusal>, plugin: Digest) -> Placement {
    match answer {
        Ok(command) => {
            let body = command.to_body();
            Placement::Order(Arc::new(Translated {
                hash: Command::hash_of(&body),
                body,
                plugin,
            }))
        }
        Err(Refusal::Unsupported(reason)) => Placement::NotSupported(reason),
        Err(Refusal::Invalid(findings)) => {
            let texts: Vec<&str> = findings
                .iter()
                .map(|finding| finding.text.as_str())
                .collect();
            Placement::NotSupported(texts.join(" "))
        }
        Err(Refusal::Internal(reason)) => Placement::Hold(Cause::PluginFault { reason }),
    }
}

fn all(devices: &[Device], placement: &Placement) -> Vec<(DeviceId, Placement)> {
    devices
        .iter()
        .map(|device| (device.id, placement.clone()))
        .collect()
}

//! A plug-in under test: each function of the contract, asked as a server asks it.

use crate::AskError;
use muster_domain::Digest;
use muster_domain::TaskTypeId;
use muster_domain::application::{Description, TaskType};
use muster_domain::command::Command;
use muster_domain::finding::Finding;
use muster_domain::grant::{Capability, Grants};
use muster_domain::outcome::Outcome;
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::report::Report;
use muster_domain::settings::Settings;
use muster_plugin_host::{Function, PluginHost, Refusal};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// What the calls of one function have cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Calls.
    pub calls: u64,
    /// The most memory that one had, in bytes.
    pub memory: u64,
    /// Bytes of log lines that were dropped.
    pub log_dropped: u64,
    /// Bytes of memory that a call may have.
    pub memory_limit: u64,
    /// The time that a call may take.
    pub time_limit: Duration,
}

/// A plug-in that passed the gate. Every call gets a fresh instance of it, as on a server.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// It ends calls at their limits for as long as it is there.
    _host: Arc<PluginHost>,
    plugin: Arc<muster_plugin_host::Plugin>,
}

impl Plugin {
    pub(crate) fn new(host: Arc<PluginHost>, plugin: Arc<muster_plugin_host::Plugin>) -> Self {
        Self {
            _host: host,
            plugin,
        }
    }

    /// What it says of itself, checked by the gate.
    pub fn description(&self) -> &Description {
        self.plugin.description()
    }

    /// The component's SHA-256 digest, by which a server names it.
    pub fn digest(&self) -> Digest {
        self.plugin.digest()
    }

    /// The component's size in bytes.
    pub fn size(&self) -> usize {
        self.plugin.size()
    }

    /// Whether it says what reports mean.
    pub fn has_interpret(&self) -> bool {
        self.plugin.has_interpret()
    }

    /// Whether it brings older settings up to date.
    pub fn has_migrate(&self) -> bool {
        self.plugin.has_migrate()
    }

    /// Whether the same question always gets the same answer: it uses no capability.
    pub fn is_pure(&self) -> bool {
        self.plugin.is_pure()
    }

    /// All that it asks an administrator for.
    pub fn asked_for(&self) -> Grants {
        let description = self.description();
        let asked = |capability: &Capability| {
            let mut requests = description.capabilities.iter();
            requests.any(|request| request.name == capability.name())
        };
        Grants {
            capabilities: Capability::ALL.into_iter().filter(asked).collect(),
            limits: description
                .limits
                .iter()
                .map(|of| (of.limit, of.value))
                .collect(),
        }
    }

    /// A task type by its id.
    pub fn task_type(&self, id: &str) -> Result<&TaskType, AskError> {
        let known = &self.description().task_types;
        let found = known.iter().find(|known| known.id.as_str() == id);
        found.ok_or_else(|| {
            let known: Vec<&str> = known.iter().map(|known| known.id.as_str()).collect();
            AskError::TaskType {
                asked: id.to_owned(),
                known: known.join(", "),
            }
        })
    }

    /// The facts that a task type reads, as a device has them that knows none of them.
    pub fn no_facts(&self, task_type: &str) -> Result<Vec<(String, Option<String>)>, AskError> {
        let facts = &self.task_type(task_type)?.facts;
        Ok(facts.iter().map(|fact| (fact.clone(), None)).collect())
    }

    /// Checks settings as a server does when a task is submitted: by the task type's schema, and if
    /// that finds nothing, by the plug-in. Without an error among the findings they can be used.
    pub fn validate(&self, task_type: &str, settings: &Value) -> Result<Vec<Finding>, AskError> {
        let (task_type, settings) = self.question(task_type, settings)?;
        Ok(self.plugin.validate_here(task_type, &settings)?)
    }

    /// Puts a task into the terms of each profile: one answer for each, in their order. The error
    /// within says why there is no command for it.
    pub fn translate(
        &self,
        task_type: &str,
        settings: &Value,
        profiles: &[Profile],
    ) -> Result<Vec<Result<Command, Refusal>>, AskError> {
        let counted: Vec<ProfileCount> = profiles
            .iter()
            .map(|of| ProfileCount {
                profile: of.clone(),
                devices: 1,
            })
            .collect();
        self.translate_counted(task_type, settings, &counted)
    }

    /// [`Plugin::translate`], with the number of devices of each profile.
    pub fn translate_counted(
        &self,
        task_type: &str,
        settings: &Value,
        profiles: &[ProfileCount],
    ) -> Result<Vec<Result<Command, Refusal>>, AskError> {
        let (task_type, settings) = self.question(task_type, settings)?;
        Ok(self.plugin.translate_here(task_type, &settings, profiles)?)
    }

    /// [`Plugin::translate`], for one profile.
    pub fn translate_one(
        &self,
        task_type: &str,
        settings: &Value,
        profile: &Profile,
    ) -> Result<Result<Command, Refusal>, AskError> {
        let mut answers = self.translate(task_type, settings, std::slice::from_ref(profile))?;
        answers.pop().ok_or(AskError::Nothing)
    }

    /// Says what reports mean: one outcome for each, in their order. Events are among those that the
    /// task type declares, and follow their schemas.
    pub fn interpret(
        &self,
        task_type: &str,
        settings: &Value,
        reports: &[Report],
    ) -> Result<Vec<Outcome>, AskError> {
        let (task_type, settings) = self.question(task_type, settings)?;
        Ok(self.plugin.interpret_here(task_type, &settings, reports)?)
    }

    /// Brings settings of an older schema version to this plug-in's. The findings say what stands
    /// against it. What comes back follows the schema.
    pub fn migrate(
        &self,
        task_type: &str,
        from_version: u32,
        settings: &Value,
    ) -> Result<Result<Settings, Vec<Finding>>, AskError> {
        let (task_type, settings) = self.question(task_type, settings)?;
        Ok(self
            .plugin
            .migrate_here(task_type, from_version, &settings)?)
    }

    /// Whether settings get past the schema, so that the plug-in would be asked about them.
    pub(crate) fn fits_schema(&self, task_type: &TaskType, settings: &Value) -> bool {
        let settings = Settings::from_value(settings);
        settings.is_ok_and(|settings| self.plugin.fits_schema(&task_type.id, &settings))
    }

    /// Hands a text to `validate` that no server would: past the schema, and no settings at all.
    pub(crate) fn validate_text(
        &self,
        task_type: &str,
        text: &str,
    ) -> Result<Vec<Finding>, AskError> {
        let task_type = &self.task_type(task_type)?.id;
        Ok(self.plugin.validate_text_here(task_type, text)?)
    }

    /// What the calls of a function have cost, since the component was opened.
    pub fn cost(&self, function: Function) -> Cost {
        let health = self.plugin.health();
        let of = health.iter().find(|of| of.function == function);
        let (memory, time) = self.plugin.limits();
        Cost {
            calls: of.map_or(0, muster_plugin_host::FunctionHealth::calls),
            memory: of.map_or(0, |of| of.memory),
            log_dropped: of.map_or(0, |of| of.log_dropped),
            memory_limit: memory as u64,
            time_limit: time(function),
        }
    }

    /// Begins to look anew for the most memory that a call of a function had, which [`Plugin::cost`]
    /// tells.
    pub fn forget_memory(&self, function: Function) {
        self.plugin.forget_memory(function);
    }

    fn question(
        &self,
        task_type: &str,
        settings: &Value,
    ) -> Result<(&TaskTypeId, Settings), AskError> {
        let task_type = &self.task_type(task_type)?.id;
        let settings = Settings::from_value(settings).map_err(AskError::Settings)?;
        Ok((task_type, settings))
    }
}

//! One instance from call to call.
//!
//! A guest made with our SDK never gives memory back within an instance, since in a server each lives
//! for one call. So here it is replaced when its memory is full, which is part of the figure: it
//! happens once in hundreds of single calls, but every few batches.

use crate::subject::Subject;
use anyhow::Result;
use muster_domain::TaskTypeId;
use muster_domain::command::Command;
use muster_domain::finding::Finding;
use muster_domain::profile::ProfileCount;
use muster_domain::settings::Settings;
use muster_plugin_host::{CallFailure, Plugin, Refusal, WarmInstance};

pub(crate) struct Reused<'a> {
    plugin: &'a Plugin,
    task_type: &'a TaskTypeId,
    instance: WarmInstance<'a>,
}

impl<'a> Reused<'a> {
    pub(crate) fn new(subject: &'a Subject) -> Result<Self> {
        Ok(Self {
            plugin: &subject.plugin,
            task_type: &subject.task_type,
            instance: subject.plugin.warm()?,
        })
    }

    pub(crate) fn validate(&mut self, settings: &Settings) -> Result<Vec<Finding>> {
        self.call(|instance, task_type| instance.validate(task_type, settings))
    }

    pub(crate) fn translate(
        &mut self,
        settings: &Settings,
        profiles: &[ProfileCount],
    ) -> Result<Vec<Result<Command, Refusal>>> {
        self.call(|instance, task_type| instance.translate(task_type, settings, profiles))
    }

    fn call<T>(
        &mut self,
        call: impl Fn(&mut WarmInstance<'a>, &TaskTypeId) -> Result<T, CallFailure>,
    ) -> Result<T> {
        match call(&mut self.instance, self.task_type) {
            Err(CallFailure::OutOfMemory { .. } | CallFailure::AnswerTooLarge { .. }) => {
                self.instance = self.plugin.warm()?;
                Ok(call(&mut self.instance, self.task_type)?)
            }
            answer => Ok(answer?),
        }
    }
}

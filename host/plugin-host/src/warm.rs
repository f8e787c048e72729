//! An instance that is used again, to measure what a fresh one costs. No server uses it: what one
//! call leaves behind would be there in the next.

use crate::call::{CallState, Code};
use crate::fault::{CallFailure, Function};
use crate::mapping::{Input, Linked, Weight};
use crate::plugin::{Plugin, Refusal};
use muster_domain::TaskTypeId;
use muster_domain::command::Command;
use muster_domain::finding::Finding;
use muster_domain::profile::ProfileCount;
use muster_domain::settings::Settings;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use wasmtime::Store;
use wasmtime::component::{Component, Instance};

/// One instance of a plug-in, alive from call to call. Its answers are the guest's own: neither
/// the schema nor the checks of answers are in the figures.
pub struct WarmInstance<'p> {
    plugin: &'p Plugin,
    linked: &'p Linked,
    store: Store<CallState>,
    instance: Instance,
}

/// How long the engine takes to map files of compiled code, one after the other: the least that
/// loading plug-ins can cost. They are those of a host of this user, and are not checked.
pub fn map_alone(files: &[PathBuf]) -> wasmtime::Result<Duration> {
    let engine = crate::engine::start(&crate::Config::default())?;
    let began = Instant::now();
    let components = files.iter().map(|file| {
        #[expect(
            unsafe_code,
            reason = "a measuring program maps what its own server compiled"
        )]
        let component = unsafe { Component::deserialize_file(&engine, file) };
        component
    });
    let components = components.collect::<wasmtime::Result<Vec<_>>>()?;
    let took = began.elapsed();
    drop(components);
    Ok(took)
}

impl Plugin {
    /// Makes an instance that is used again.
    pub fn warm(&self) -> Result<WarmInstance<'_>, CallFailure> {
        let mut store = self.code.store(Function::Validate);
        // It touches more and more memory: no slot to leave to small calls.
        let linked = self.code.mappings.of_weight(Weight::Heavy);
        let linked = linked.ok_or(CallFailure::Compiling)?;
        let instance = linked
            .pre
            .instantiate(&mut store)
            .map_err(|error| Code::failure(&error, Function::Validate, store.data()))?;
        Ok(WarmInstance {
            plugin: self,
            linked,
            store,
            instance,
        })
    }

    /// The guest's own `validate` in a fresh store, without the schema and without checks.
    pub fn validate_bare(
        &self,
        task_type: &TaskTypeId,
        settings: &Settings,
    ) -> Result<Vec<Finding>, CallFailure> {
        let input = Input::of(settings, 1);
        self.code
            .call(Function::Validate, input, |exports, store, instance| {
                exports.validate(store, instance, task_type.as_str(), settings.as_str())
            })?
            .map_err(|declined| CallFailure::Internal(format!("{declined:?}")))
    }

    /// The guest's own `translate` in a fresh store, without checks.
    pub fn translate_bare(
        &self,
        task_type: &TaskTypeId,
        settings: &Settings,
        profiles: &[ProfileCount],
    ) -> Result<Vec<Result<Command, Refusal>>, CallFailure> {
        let input = Input::of(settings, profiles.len());
        self.code
            .call(Function::Translate, input, |exports, store, instance| {
                exports.translate(
                    store,
                    instance,
                    task_type.as_str(),
                    settings.as_str(),
                    profiles,
                )
            })
    }
}

impl WarmInstance<'_> {
    /// The guest's own `validate`.
    pub fn validate(
        &mut self,
        task_type: &TaskTypeId,
        settings: &Settings,
    ) -> Result<Vec<Finding>, CallFailure> {
        let _watched = self.plugin.code.clock.watch();
        Code::set_deadline(&mut self.store, Function::Validate);
        let exports = &self.linked.exports;
        exports
            .validate(
                &mut self.store,
                &self.instance,
                task_type.as_str(),
                settings.as_str(),
            )
            .map_err(|error| Code::failure(&error, Function::Validate, self.store.data()))?
            .map_err(|declined| CallFailure::Internal(format!("{declined:?}")))
    }

    /// The guest's own `translate`.
    pub fn translate(
        &mut self,
        task_type: &TaskTypeId,
        settings: &Settings,
        profiles: &[ProfileCount],
    ) -> Result<Vec<Result<Command, Refusal>>, CallFailure> {
        let _watched = self.plugin.code.clock.watch();
        Code::set_deadline(&mut self.store, Function::Translate);
        let exports = &self.linked.exports;
        exports
            .translate(
                &mut self.store,
                &self.instance,
                task_type.as_str(),
                settings.as_str(),
                profiles,
            )
            .map_err(|error| Code::failure(&error, Function::Translate, self.store.data()))
    }
}

//! The engine that servers use, for one component of the author's own.

use crate::failure::Failure;
use muster_domain::Digest;
use muster_domain::application::TaskType;
use muster_domain::command::Command;
use muster_domain::finding::Finding;
use muster_domain::outcome::Outcome;
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::report::Report;
use muster_domain::settings::Settings;
use muster_plugin_harness::{
    AskError, Config, Description, Function, Grants, Harness, OpenError, Options, Plugin, Refusal,
};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;

/// What opens components.
pub(super) struct Engine {
    harness: Harness,
    /// Only the rights that a call had; otherwise all that a plug-in asks for.
    as_called: bool,
    /// Held for as long as the folder of compiled code is used.
    _kept: Option<File>,
}

/// A component that passed the gate.
pub(super) struct Guest(Plugin);

/// What a call took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) time: Duration,
    /// Bytes.
    pub(super) memory: u64,
    limits: (Duration, u64),
}

impl Engine {
    /// With the limits of a server that nobody configured.
    pub(super) fn start() -> Result<Self, Failure> {
        Self::with(Config::default(), false)
    }

    /// With the limits that a call had: bytes and milliseconds.
    pub(super) fn with_limits(memory: u64, time: u64) -> Result<Self, Failure> {
        let memory = u32::try_from(memory.div_ceil(1 << 20)).unwrap_or(u32::MAX);
        let time = u32::try_from(time).unwrap_or(u32::MAX);
        let config = Config {
            memory,
            validate_time: time,
            batch_time: time,
            ..Config::default()
        };
        Self::with(config, true)
    }

    fn with(config: Config, as_called: bool) -> Result<Self, Failure> {
        let (keep, kept) = kept().unzip();
        let harness = Harness::with(Options { config, keep })
            .map_err(|error| Failure::Refused(muster_domain::chain(&error)))?;
        Ok(Self {
            harness,
            as_called,
            _kept: kept,
        })
    }

    pub(super) fn harness(&self) -> &Harness {
        &self.harness
    }

    /// Opens a component in a file.
    pub(super) fn open(&self, file: &Path) -> Result<Guest, Failure> {
        let bytes = std::fs::read(file)
            .map_err(|cause| Failure::Usage(format!("cannot read {}: {cause}", file.display())))?;
        self.open_bytes(bytes)
    }

    /// Opens a component.
    pub(super) fn open_bytes(&self, component: Vec<u8>) -> Result<Guest, Failure> {
        let opened = if self.as_called {
            self.as_called(component)
        } else {
            self.harness.load(component)
        };
        opened
            .map(Guest)
            .map_err(|error| Failure::Refused(muster_domain::chain(&error)))
    }

    fn as_called(&self, component: Vec<u8>) -> Result<Plugin, OpenError> {
        let asking = self
            .harness
            .load_granted(component.clone(), Grants::default())?;
        let capabilities = asking.asked_for().capabilities;
        if capabilities.is_empty() {
            return Ok(asking);
        }
        let grants = Grants {
            capabilities,
            ..Grants::default()
        };
        self.harness.load_granted(component, grants)
    }
}

/// The folder that keeps compiled code for the next command, unless another one uses it now.
fn kept() -> Option<(PathBuf, File)> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let folder = cache.filter(|cache| cache.is_absolute()).or_else(home)?;
    let folder = folder.join("muster/author");
    std::fs::create_dir_all(&folder).ok()?;
    let lock = File::create(folder.join("lock")).ok()?;
    lock.try_lock().ok()?;
    Some((folder.join("engine"), lock))
}

/// The settings of a task type's first example; empty ones if it has none.
pub(super) fn first_example(task_type: &TaskType) -> Value {
    let example = task_type.examples.first();
    example.map_or_else(|| json!({}), |example| example.settings.to_value())
}

/// A device that tells none of the facts that a task type reads.
pub(super) fn usual_profile(task_type: &TaskType, platform: &str) -> Profile {
    Profile {
        platform: platform.to_owned(),
        architecture: "x86_64".to_owned(),
        application_version: None,
        facts: task_type
            .facts
            .iter()
            .map(|fact| (fact.clone(), None))
            .collect(),
    }
}

/// What a call does, with the lines that the plug-in logs meanwhile on standard error.
pub(super) fn with_log<T>(call: impl FnOnce() -> T) -> T {
    // Nothing else that the engine has to say is the author's concern.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(
            "off,muster_plugin_host::capability::log=debug",
        ))
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .finish();
    tracing::subscriber::with_default(lines, call)
}

impl Guest {
    pub(super) fn plugin(&self) -> &Plugin {
        &self.0
    }

    pub(super) fn description(&self) -> &Description {
        self.0.description()
    }

    pub(super) fn digest(&self) -> Digest {
        self.0.digest()
    }

    pub(super) fn validate(
        &self,
        task_type: &str,
        settings: &Value,
    ) -> (Result<Vec<Finding>, String>, Used) {
        self.measured(Function::Validate, || self.0.validate(task_type, settings))
    }

    pub(super) fn translate(
        &self,
        task_type: &str,
        settings: &Value,
        profile: &ProfileCount,
    ) -> (Result<Result<Command, Refusal>, String>, Used) {
        self.measured(Function::Translate, || {
            let profiles = std::slice::from_ref(profile);
            let mut answers = self.0.translate_counted(task_type, settings, profiles)?;
            answers.pop().ok_or(AskError::Nothing)
        })
    }

    pub(super) fn interpret(
        &self,
        task_type: &str,
        settings: &Value,
        report: &Report,
    ) -> (Result<Outcome, String>, Used) {
        self.measured(Function::Interpret, || {
            let mut answers =
                self.0
                    .interpret(task_type, settings, std::slice::from_ref(report))?;
            answers.pop().ok_or(AskError::Nothing)
        })
    }

    pub(super) fn migrate(
        &self,
        task_type: &str,
        from_version: u32,
        settings: &Value,
    ) -> (Result<Result<Settings, Vec<Finding>>, String>, Used) {
        self.measured(Function::Migrate, || {
            self.0.migrate(task_type, from_version, settings)
        })
    }

    fn measured<T>(
        &self,
        function: Function,
        call: impl FnOnce() -> Result<T, AskError>,
    ) -> (Result<T, String>, Used) {
        self.0.forget_memory(function);
        let began = Instant::now();
        let answer = call();
        let time = began.elapsed();
        let cost = self.0.cost(function);
        let used = Used {
            time,
            memory: cost.memory,
            limits: (cost.time_limit, cost.memory_limit),
        };
        (answer.map_err(|error| muster_domain::chain(&error)), used)
    }
}

impl Used {
    pub(super) fn microseconds(self) -> u64 {
        u64::try_from(self.time.as_micros()).unwrap_or(u64::MAX)
    }
}

impl std::fmt::Display for Used {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (time, memory) = self.limits;
        write!(
            f,
            "{:.2} ms of at most {} ms, {} KiB of memory of at most {} MiB",
            self.time.as_secs_f64() * 1e3,
            time.as_millis(),
            self.memory.div_ceil(1024),
            memory >> 20,
        )
    }
}

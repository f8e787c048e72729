//! A loaded plug-in, in the words of the domain: all that the rest of the host sees.
//!
//! Each function has two forms. The one without a suffix runs on the host's threads and waits for
//! its turn; the one that ends in `_here` runs at once on the thread that calls it, which must be
//! one that may stand still.

use crate::call::Code;
use crate::calls::{CallThreads, Lane, guarded};
use crate::capability::files::FilesError;
use crate::capability::{InForce, Terms};
use crate::check::description::{Schemas, TaskTypeSchemas};
use crate::check::pattern::Patterns;
use crate::check::{Faults, command, finding, outcome};
use crate::fault::{CallError, CallFailure, Function};
use crate::health::{FunctionHealth, LastFault, OUTCOMES};
use crate::host::PluginHost;
use crate::mapping::Input;
use crate::pass::{Known, Pass};
use crate::replay::{self, Sample, Sampling};
use crate::v1::Declined;
use muster_domain::application::Description;
use muster_domain::command::Command;
use muster_domain::finding::Finding;
use muster_domain::outcome::Outcome;
use muster_domain::profile::ProfileCount;
use muster_domain::report::Report;
use muster_domain::secret::references;
use muster_domain::settings::Settings;
use muster_domain::{Digest, TaskTypeId};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Why a plug-in has no command for a profile. It is an answer, not a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The application cannot do such a task on such a device; a sentence for people.
    Unsupported(String),
    /// The settings cannot be used there.
    Invalid(Vec<Finding>),
    /// The plug-in failed at this one profile, and says so.
    Internal(String),
}

/// A plug-in that passed the gate: compiled, linked, described. Cheap to share, and safe to use
/// from many tasks at once; each call gets a fresh instance of it.
pub struct Plugin {
    digest: Digest,
    size: usize,
    description: Description,
    schemas: Schemas,
    patterns: Patterns,
    pub(crate) code: Code,
    pass: Pass,
    host: Weak<PluginHost>,
    threads: Option<Arc<CallThreads>>,
    lane: Lane,
    sample: Option<Sample>,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("label", &self.code.label)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        if let Some(threads) = &self.threads {
            threads.forget(self.lane);
        }
    }
}

impl Plugin {
    pub(crate) fn new(
        host: &Arc<PluginHost>,
        known: Known,
        pass: Pass,
        schemas: Schemas,
        code: Code,
    ) -> Self {
        Self {
            digest: known.digest,
            size: known.size,
            description: known.description,
            schemas,
            patterns: Patterns::default(),
            code,
            pass,
            host: Arc::downgrade(host),
            threads: None,
            lane: Lane::new(),
            sample: None,
        }
    }

    pub(crate) fn with_threads(self, threads: Arc<CallThreads>, sampling: Arc<Sampling>) -> Self {
        let mut plugin = self;
        plugin.threads = Some(threads);
        plugin.sample = Some(Sample::new(sampling));
        plugin
    }

    pub(crate) fn lane(&self) -> Lane {
        self.lane
    }

    pub(crate) fn label(&self) -> &str {
        &self.code.label
    }

    pub(crate) fn sample(&self) -> Option<&Sample> {
        self.sample.as_ref()
    }

    /// How often it gave two answers to one question, as far as a sample of its calls tells.
    pub fn differed(&self) -> u64 {
        self.sample.as_ref().map_or(0, Sample::differed)
    }

    /// The component's SHA-256 digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The component's size in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// What it says of itself, checked.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether the same call gets the same answer. One that uses the time, random bytes or files of
    /// its own need not answer alike; one that may not use them is told so each time, which is alike.
    pub fn is_pure(&self) -> bool {
        let terms = self.code.terms.load();
        let mut imports = self.pass.imports.iter();
        !imports.any(|capability| terms.grants(*capability))
    }

    /// Sets the terms on which it is run. They hold from the next call on; calls under way go on by
    /// the terms on which they began.
    pub fn set_terms(&self, terms: &Terms) -> Result<(), FilesError> {
        // Without a host there are no calls any more.
        let Some(host) = self.host.upgrade() else {
            return Ok(());
        };
        let limits = host.config.limits(&terms.grants);
        let application = &self.description.application;
        let data = Arc::clone(&self.code.terms.load().data);
        let in_force = InForce::new(limits, terms, &host.files, application, data)?;
        self.code.terms.store(Arc::new(in_force));
        Ok(())
    }

    /// What this host's gate found, to be kept with its description: see [`PluginHost::recall`].
    pub fn pass(&self) -> &Pass {
        &self.pass
    }

    /// Whether it cannot be called until it is compiled anew. Every call says so as well.
    pub fn is_compiling(&self) -> bool {
        self.code.uncompiled.load(Ordering::Relaxed)
    }

    /// What its calls say while it is compiled.
    pub fn compiling_error(&self) -> CallError {
        self.error(Function::Validate, CallFailure::Compiling)
    }

    /// How its calls went, since it was loaded.
    pub fn health(&self) -> Vec<FunctionHealth> {
        self.code.health.read()
    }

    /// What went wrong last, if anything did.
    pub fn last_fault(&self) -> Option<LastFault> {
        self.code.health.last_fault()
    }

    /// Whether it failed in so many calls in a row that it had better be left alone.
    pub fn is_sick(&self) -> bool {
        self.code.health.is_sick()
    }

    /// Its limits, as they are in force: bytes of memory, and the time that each function has.
    pub fn limits(&self) -> (usize, impl Fn(Function) -> Duration) {
        let limits = self.code.terms.load().limits;
        (limits.memory, move |function| limits.time(function))
    }

    /// Whether it does again what it did when it was admitted: it validates its own examples. If so,
    /// its faults are forgiven.
    pub async fn probe(self: &Arc<Self>) -> Result<(), CallError> {
        for task_type in &self.description.task_types {
            for example in &task_type.examples {
                self.validate(&task_type.id, &example.settings).await?;
            }
        }
        self.code.health.forgive();
        Ok(())
    }

    /// From its next call on it changes no files any more: another revision speaks for the application.
    pub fn stand_back(&self) {
        self.code.terms.rcu(|terms| terms.only_reading());
    }

    /// Whether it says what reports mean. If not, [`Report::outcome_by_status`] does.
    pub fn has_interpret(&self) -> bool {
        self.pass.interpret
    }

    /// Whether it brings older settings up to date.
    pub fn has_migrate(&self) -> bool {
        self.pass.migrate
    }

    /// Checks settings: first by the task type's schema, and only if that finds nothing by the
    /// plug-in itself. An empty list, or one without errors, means that they can be used.
    pub async fn validate(
        self: &Arc<Self>,
        task_type: &TaskTypeId,
        settings: &Settings,
    ) -> Result<Vec<Finding>, CallError> {
        let (of, with) = (task_type.clone(), settings.clone());
        let answer = self
            .run(Function::Validate, move |plugin| {
                plugin.validate_failing(&of, &with)
            })
            .await?;
        if let Some((threads, _)) = self.picked(1) {
            let (of, with) = (task_type.clone(), settings.clone());
            let ask = move |plugin: &Self| plugin.validate_failing(&of, &with);
            replay::repeat(self, threads, Function::Validate, answer.clone(), ask);
        }
        Ok(answer)
    }

    /// [`Plugin::validate`], on this thread.
    pub fn validate_here(
        &self,
        task_type: &TaskTypeId,
        settings: &Settings,
    ) -> Result<Vec<Finding>, CallError> {
        self.run_here(Function::Validate, || {
            self.validate_failing(task_type, settings)
        })
    }

    /// Puts a task into the terms of each profile: exactly one answer for each, in their order.
    /// Commands are within bounds and their patterns compile.
    pub async fn translate(
        self: &Arc<Self>,
        task_type: &TaskTypeId,
        settings: &Settings,
        profiles: &[ProfileCount],
    ) -> Result<Vec<Result<Command, Refusal>>, CallError> {
        let (of, with, all) = (task_type.clone(), settings.clone(), profiles.to_vec());
        let translate = move |plugin: &Self| plugin.translate_failing(&of, &with, &all);
        let answers = self.run(Function::Translate, translate).await?;
        if let Some((threads, number)) = self.picked(profiles.len())
            && let Some((profile, answer)) = profiles.get(number).zip(answers.get(number))
        {
            let (of, with) = (task_type.clone(), settings.clone());
            let alone = [ProfileCount {
                devices: profile.devices.wrapping_add(1).max(1),
                ..profile.clone()
            }];
            let ask = move |plugin: &Self| plugin.translate_failing(&of, &with, &alone);
            let first = vec![answer.clone()];
            replay::repeat(self, threads, Function::Translate, first, ask);
        }
        Ok(answers)
    }

    /// [`Plugin::translate`], on this thread.
    pub fn translate_here(
        &self,
        task_type: &TaskTypeId,
        settings: &Settings,
        profiles: &[ProfileCount],
    ) -> Result<Vec<Result<Command, Refusal>>, CallError> {
        self.run_here(Function::Translate, || {
            self.translate_failing(task_type, settings, profiles)
        })
    }

    /// Says what reports mean: exactly one outcome for each, in their order. Events are of the
    /// task type's event types and follow their schemas.
    pub async fn interpret(
        self: &Arc<Self>,
        task_type: &TaskTypeId,
        settings: &Settings,
        reports: &[Report],
    ) -> Result<Vec<Outcome>, CallError> {
        let (of, with, all) = (task_type.clone(), settings.clone(), reports.to_vec());
        let interpret = move |plugin: &Self| plugin.interpret_failing(&of, &with, &all);
        let outcomes = self.run(Function::Interpret, interpret).await?;
        if let Some((threads, number)) = self.picked(reports.len())
            && let Some((report, outcome)) = reports.get(number).zip(outcomes.get(number))
        {
            let (of, with, alone) = (task_type.clone(), settings.clone(), [report.clone()]);
            let ask = move |plugin: &Self| plugin.interpret_failing(&of, &with, &alone);
            let first = vec![outcome.clone()];
            replay::repeat(self, threads, Function::Interpret, first, ask);
        }
        Ok(outcomes)
    }

    /// [`Plugin::interpret`], on this thread.
    pub fn interpret_here(
        &self,
        task_type: &TaskTypeId,
        settings: &Settings,
        reports: &[Report],
    ) -> Result<Vec<Outcome>, CallError> {
        self.run_here(Function::Interpret, || {
            self.interpret_failing(task_type, settings, reports)
        })
    }

    /// Brings settings of an older schema version to this plug-in's; the inner error holds what
    /// stands against it. What comes back was checked by the schema.
    pub async fn migrate(
        self: &Arc<Self>,
        task_type: &TaskTypeId,
        from_version: u32,
        settings: &Settings,
    ) -> Result<Result<Settings, Vec<Finding>>, CallError> {
        let (task_type, settings) = (task_type.clone(), settings.clone());
        let migrate =
            move |plugin: &Self| plugin.migrate_failing(&task_type, from_version, &settings);
        self.run(Function::Migrate, migrate).await
    }

    /// [`Plugin::migrate`], on this thread.
    pub fn migrate_here(
        &self,
        task_type: &TaskTypeId,
        from_version: u32,
        settings: &Settings,
    ) -> Result<Result<Settings, Vec<Finding>>, CallError> {
        self.run_here(Function::Migrate, || {
            self.migrate_failing(task_type, from_version, settings)
        })
    }

    /// Whether settings get past the schema.
    #[cfg(feature = "author")]
    pub fn fits_schema(&self, task_type: &TaskTypeId, settings: &Settings) -> bool {
        let found = self.schema_findings(task_type, settings);
        found.is_ok_and(|findings| findings.is_empty())
    }

    /// Begins to look anew for the most memory that a call of a function had.
    #[cfg(feature = "author")]
    pub fn forget_memory(&self, function: Function) {
        self.code.health.forget_memory(function);
    }

    /// Hands a text to `validate` as it is, past the schema: for an author who wants to know what
    /// becomes of it. A server never asks so.
    #[cfg(feature = "author")]
    pub fn validate_text_here(
        &self,
        task_type: &TaskTypeId,
        text: &str,
    ) -> Result<Vec<Finding>, CallError> {
        self.run_here(Function::Validate, || {
            self.validate_text(task_type, text, Input::default())
        })
    }

    pub(crate) fn validate_failing(
        &self,
        task_type: &TaskTypeId,
        settings: &Settings,
    ) -> Result<Vec<Finding>, CallFailure> {
        let schema_findings = self.schema_findings(task_type, settings)?;
        if !schema_findings.is_empty() {
            return Ok(schema_findings);
        }
        self.validate_text(task_type, settings.as_str(), Input::of(settings, 1))
    }

    fn validate_text(
        &self,
        task_type: &TaskTypeId,
        text: &str,
        input: Input,
    ) -> Result<Vec<Finding>, CallFailure> {
        let verdict = self
            .code
            .call(Function::Validate, input, |exports, store, instance| {
                exports.validate(store, instance, task_type.as_str(), text)
            })?;
        let mut faults = Faults::default();
        let findings = match verdict {
            Ok(findings) => {
                finding::check(&mut faults, "findings", &findings);
                findings
            }
            Err(declined) => refusing(&mut faults, declined)?,
        };
        answered(faults, findings)
    }

    fn translate_failing(
        &self,
        task_type: &TaskTypeId,
        settings: &Settings,
        profiles: &[ProfileCount],
    ) -> Result<Vec<Result<Command, Refusal>>, CallFailure> {
        self.schemas_of(task_type)?;
        let input = Input::of(settings, profiles.len());
        let answers = self
            .code
            .call(Function::Translate, input, |exports, store, instance| {
                exports.translate(
                    store,
                    instance,
                    task_type.as_str(),
                    settings.as_str(),
                    profiles,
                )
            })?;
        each_answered_once("profiles", profiles.len(), answers.len())?;
        let mut faults = Faults::default();
        // Few settings name any, and few commands want one.
        let wanted = answers
            .iter()
            .flatten()
            .any(|answer| answer.secrets().next().is_some());
        let named: BTreeSet<String> = if wanted {
            let named = references(&settings.to_value()).into_iter();
            named.map(|reference| reference.name).collect()
        } else {
            BTreeSet::new()
        };
        for (number, answer) in answers.iter().enumerate() {
            match answer {
                Ok(answer) => {
                    command::check(&mut faults, &number.to_string(), answer, &self.patterns);
                    command::check_secrets(&mut faults, &number.to_string(), answer, &named);
                }
                Err(Refusal::Invalid(found)) => {
                    finding::check_refusing(&mut faults, &number.to_string(), found);
                }
                Err(Refusal::Unsupported(text) | Refusal::Internal(text)) => {
                    faults.text(&number.to_string(), text, 4000);
                }
            }
        }
        answered(faults, answers)
    }

    fn interpret_failing(
        &self,
        task_type: &TaskTypeId,
        settings: &Settings,
        reports: &[Report],
    ) -> Result<Vec<Outcome>, CallFailure> {
        let schemas = self.schemas_of(task_type)?;
        let input = Input::with_reports(settings, reports);
        let outcomes = self
            .code
            .call(Function::Interpret, input, |exports, store, instance| {
                exports.interpret(
                    store,
                    instance,
                    task_type.as_str(),
                    settings.as_str(),
                    reports,
                )
            })?
            .ok_or(CallFailure::NotExported)?;
        each_answered_once("reports", reports.len(), outcomes.len())?;
        let mut faults = Faults::default();
        let outcomes = outcomes
            .into_iter()
            .enumerate()
            .map(|(number, raw)| {
                outcome::take(&mut faults, &number.to_string(), raw, |id| {
                    schemas.events.get(id)
                })
            })
            .collect();
        answered(faults, outcomes)
    }

    fn migrate_failing(
        &self,
        task_type: &TaskTypeId,
        from_version: u32,
        settings: &Settings,
    ) -> Result<Result<Settings, Vec<Finding>>, CallFailure> {
        self.schemas_of(task_type)?;
        let input = Input::of(settings, 1);
        let answer = self
            .code
            .call(Function::Migrate, input, |exports, store, instance| {
                exports.migrate(
                    store,
                    instance,
                    task_type.as_str(),
                    from_version,
                    settings.as_str(),
                )
            })?
            .ok_or(CallFailure::NotExported)?;
        let mut faults = Faults::default();
        let migrated = match answer {
            Ok(text) => Settings::parse(&text).map_err(|fault| CallFailure::Invalid(fault.text))?,
            Err(declined) => {
                let findings = refusing(&mut faults, declined)?;
                return answered(faults, Err(findings));
            }
        };
        for fault in self.schema_findings(task_type, &migrated)? {
            faults.add(&fault.pointer, fault.text);
        }
        answered(faults, Ok(migrated))
    }

    fn schemas_of(&self, task_type: &TaskTypeId) -> Result<&TaskTypeSchemas, CallFailure> {
        let described = self
            .description
            .task_type(task_type)
            .ok_or_else(|| CallFailure::UnknownTaskType(task_type.clone()))?;
        self.schemas.get(described).map_err(CallFailure::Invalid)
    }

    fn schema_findings(
        &self,
        task_type: &TaskTypeId,
        settings: &Settings,
    ) -> Result<Vec<Finding>, CallFailure> {
        let schema = &self.schemas_of(task_type)?.settings;
        // A fault of the schema is the plug-in's, and whoever wrote the settings does not hear of it.
        schema.findings(&settings.to_value()).map_err(|fault| {
            CallFailure::Invalid(format!("its schema of {task_type} is at fault: {fault}"))
        })
    }

    /// If this call is to be repeated: the threads for it, and which of its questions.
    fn picked(&self, questions: usize) -> Option<(&CallThreads, usize)> {
        // What sees a clock or a random number may answer as it likes.
        if !self.is_pure() {
            return None;
        }
        let number = self.sample.as_ref()?.picks(questions)?;
        self.threads.as_deref().map(|threads| (threads, number))
    }

    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        function: Function,
        call: impl FnOnce(&Self) -> Result<T, CallFailure> + Send + 'static,
    ) -> Result<T, CallError> {
        let (plugin, asked) = (Arc::clone(self), Instant::now());
        let answer = match &self.threads {
            Some(threads) => {
                let call = move || {
                    let _watched = plugin.code.clock.watch();
                    plugin.observed(function, asked.elapsed(), || call(&plugin))
                };
                threads.run(self.lane, call).await
            }
            None => Err(CallFailure::Stopping),
        };
        if let Err(failure @ CallFailure::Busy { waiting: 1.., .. }) = &answer {
            self.code.health.turned_away(function, failure);
        }
        answer.map_err(|failure| self.error(function, failure))
    }

    fn run_here<T>(
        &self,
        function: Function,
        call: impl FnOnce() -> Result<T, CallFailure>,
    ) -> Result<T, CallError> {
        self.observed(function, Duration::ZERO, call)
            .map_err(|failure| self.error(function, failure))
    }

    /// Runs a call, and notes how it went.
    fn observed<T>(
        &self,
        function: Function,
        waited: Duration,
        call: impl FnOnce() -> Result<T, CallFailure>,
    ) -> Result<T, CallFailure> {
        let span = tracing::debug_span!(
            "plugin-call",
            plugin = &*self.code.label,
            digest = %self.digest.short(),
            %function,
            outcome = tracing::field::Empty,
        );
        let _entered = span.enter();
        let began = Instant::now();
        let result = guarded(call);
        let health = &self.code.health;
        let one_too_many = health.ended(function, waited, began.elapsed(), &result);
        if let Some(host) = self.host.upgrade() {
            if one_too_many {
                host.sick.notify_one();
            }
            if matches!(result, Err(CallFailure::Compiling)) {
                host.uncompiled.notify_one();
            }
        }
        let outcome = result
            .as_ref()
            .err()
            .map_or(OUTCOMES[0], CallFailure::outcome);
        span.record("outcome", outcome);
        result
    }

    /// Notes that a call which was repeated got another answer.
    pub(crate) fn note_difference(&self, function: Function) {
        let differed = Err::<(), _>(CallFailure::Differed);
        let health = &self.code.health;
        if health.ended(function, Duration::ZERO, Duration::ZERO, &differed)
            && let Some(host) = self.host.upgrade()
        {
            host.sick.notify_one();
        }
    }

    fn error(&self, function: Function, failure: CallFailure) -> CallError {
        CallError {
            application: self.description.application.clone(),
            version: self.description.version.clone(),
            function,
            failure,
        }
    }
}

/// What a guest says that declines to answer, as findings if it can be.
fn refusing(faults: &mut Faults, declined: Declined) -> Result<Vec<Finding>, CallFailure> {
    match declined {
        Declined::Invalid(findings) => {
            finding::check_refusing(faults, "findings", &findings);
            Ok(findings)
        }
        Declined::UnknownTaskType => Err(CallFailure::Invalid(
            "it does not know a task type that it described".to_owned(),
        )),
        Declined::Internal(text) => Err(CallFailure::Internal(
            crate::capability::log::cut(&text, 4000).to_owned(),
        )),
    }
}

fn each_answered_once(what: &str, asked: usize, answers: usize) -> Result<(), CallFailure> {
    if asked == answers {
        return Ok(());
    }
    Err(CallFailure::Invalid(format!(
        "it was asked about {asked} {what} and gave {answers} answers"
    )))
}

fn answered<T>(faults: Faults, answer: T) -> Result<T, CallFailure> {
    faults
        .into_result()
        .map(|()| answer)
        .map_err(CallFailure::Invalid)
}

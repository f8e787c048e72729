//! The gate that a component passes to become a plug-in: `inspect`, compile (`compile`, `cache`),
//! link, describe, `check`. A step that fails leaves nothing behind but compiled code.

use crate::apart::{ApartError, apart};
use crate::cache::{CacheError, Discarded};
use crate::call::Code;
use crate::call::own_time::{Over, OwnTime};
use crate::calls::Lane;
use crate::capability::data::DataFiles;
use crate::capability::files::FilesError;
use crate::capability::{InForce, Terms};
use crate::check::description::Schemas;
use crate::check::{self, Faults};
use crate::compile::{CompileError, compile};
use crate::fault::{CallFailure, Fault, Function};
use crate::health::Health;
use crate::host::PluginHost;
use crate::inspect::{InspectError, Inspected, inspect};
use crate::mapping::{Input, Linked, Mappings};
use crate::pass::{Known, Pass};
use crate::plugin::Plugin;
use crate::v1::{self, Exports};
use arc_swap::ArcSwap;
use muster_domain::Digest;
use muster_domain::application::Description;
use muster_domain::finding::Level;
use muster_domain::grant::Capability;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wasmtime::Engine;
use wasmtime::component::Component;

/// How long a plug-in may take to validate all its own examples.
const EXAMPLES_TIME: Duration = Duration::from_secs(20);

/// Why a component is no plug-in.
#[derive(Debug, thiserror::Error)]
#[error("component {} cannot be loaded", digest.short())]
pub struct LoadError {
    /// The component.
    pub digest: Digest,
    /// Why.
    #[source]
    pub reason: LoadFailure,
}

/// Why a component is no plug-in.
#[derive(Debug, thiserror::Error)]
pub enum LoadFailure {
    /// The file itself is not what a plug-in is.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// It could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It is built for another contract, or a function has another shape.
    #[error("it does not follow the contract muster:plugin@1: {0}")]
    Contract(String),
    /// It is made of more than one plug-in may have: memories, tables, instances.
    #[error("it does not fit into what one plug-in may have: {0}")]
    TooMuch(String),
    /// It did not describe itself.
    #[error("it did not describe itself")]
    Describe(#[source] CallFailure),
    /// It did not say whether one of its own examples is valid.
    #[error("it did not validate its own example {example:?} of task type {task_type}")]
    Example {
        /// The task type.
        task_type: String,
        /// The example's title.
        example: String,
        /// What went wrong.
        #[source]
        cause: CallFailure,
    },
    /// What it says of itself breaks the contract. One line for each thing, with its place:
    /// `task-types/0/settings-schema/properties/paths: …`.
    #[error("its description breaks the contract: {}", .0.join("; "))]
    Description(Vec<String>),
    /// It uses what it does not ask for.
    #[error(
        "it imports {import} and does not ask for `{capability}` in its description; what a plug-in uses, an administrator has to be asked for"
    )]
    NotAskedFor {
        /// The import.
        import: String,
        /// The capability.
        capability: Capability,
    },
    /// Something of ours failed.
    #[error("the server failed: {0}")]
    Us(String),
}

impl LoadError {
    /// Whether the same component may well be loaded a little later; see
    /// [`CallFailure::is_passing`].
    pub fn is_passing(&self) -> bool {
        matches!(&self.reason,
            LoadFailure::Describe(failure) | LoadFailure::Example { cause: failure, .. }
                if failure.is_passing())
    }

    /// Whose fault it is: the plug-in's maker's, unless the server failed or is busy.
    pub fn fault(&self) -> Fault {
        match &self.reason {
            LoadFailure::Inspect(_)
            | LoadFailure::Contract(_)
            | LoadFailure::TooMuch(_)
            | LoadFailure::Description(_)
            | LoadFailure::NotAskedFor { .. } => Fault::Plugin,
            LoadFailure::Compile(error) => error.fault(),
            LoadFailure::Describe(failure) | LoadFailure::Example { cause: failure, .. } => {
                failure.fault()
            }
            LoadFailure::Us(_) => Fault::Us,
        }
    }
}

/// The gate, step by step.
pub(crate) async fn load(
    host: &Arc<PluginHost>,
    component: Arc<[u8]>,
    terms: Terms,
) -> Result<Arc<Plugin>, LoadError> {
    let (digest, inspected) = look(host, Arc::clone(&component)).await;
    let fail = |reason: LoadFailure| LoadError { digest, reason };
    let inspected = inspected.map_err(fail)?;
    let size = component.len();
    let compiled = compiled(host, digest, &component).await.map_err(fail)?;
    let (engine, places) = (host.engine.clone(), inspected.data.clone());
    let link = move || (places.read(&component), linked(&engine, &compiled));
    let (data, first) = apart("linking", link)
        .await
        .map_err(|why| fail(why.into()))?;
    let first = first.map_err(|error| fail(LoadFailure::Contract(format!("{error:#}"))))?;
    let terms_at_gate = InForce::computing(host.config.limits(&terms.grants), data);
    let code = code(host, digest, Some(first), terms_at_gate);
    let threads = Arc::clone(&host.threads);
    let candidate = Candidate {
        host: Arc::clone(host),
        digest,
        size,
        inspected,
        terms,
    };
    let admit = move || {
        let clock = Arc::clone(&code.clock);
        let _watched = clock.watch();
        Ok(candidate.admit(code))
    };
    let admitted = threads.run(Lane::GATE, admit).await;
    let plugin = admitted
        .unwrap_or_else(|failure| Err(LoadFailure::Describe(failure)))
        .map_err(fail)?;
    Ok(Arc::new(
        plugin.with_threads(threads, Arc::clone(&host.sampling)),
    ))
}

/// A plug-in that passed before: nothing is asked, and nothing mapped yet.
pub(crate) fn recall(
    host: &Arc<PluginHost>,
    known: Known,
    pass: Option<Pass>,
    terms: &Terms,
    component: impl FnOnce() -> Option<Vec<u8>>,
) -> Result<Arc<Plugin>, FilesError> {
    let pass = pass.unwrap_or_else(|| Pass::unknown(&known.description));
    let data = if pass.data.is_empty() {
        Some(DataFiles::default())
    } else {
        component().map(|component| pass.data.read(&component))
    };
    let can_run = pass.gate == host.gate() && host.cache.has(&known.digest) && data.is_some();
    if can_run {
        host.counts.mapped.fetch_add(1, Ordering::Relaxed);
    }
    let limits = host.config.limits(&terms.grants);
    let application = &known.description.application;
    let data = Arc::new(data.unwrap_or_default());
    let terms = InForce::new(limits, terms, &host.files, application, data)?;
    let mut code = code(host, known.digest, None, terms);
    code.uncompiled = AtomicBool::new(!can_run);
    code.label = label(&known.description);
    let schemas = Schemas::of(&known.description);
    let plugin = Plugin::new(host, known, pass, schemas, code);
    let threads = Arc::clone(&host.threads);
    Ok(Arc::new(
        plugin.with_threads(threads, Arc::clone(&host.sampling)),
    ))
}

impl From<ApartError> for LoadFailure {
    fn from(why: ApartError) -> Self {
        Self::Us(error_chain(&why))
    }
}

/// Digest and inspection: work for a processor, tens of milliseconds for a large component.
async fn look(
    host: &Arc<PluginHost>,
    component: Arc<[u8]>,
) -> (Digest, Result<Inspected, LoadFailure>) {
    let most = host.config.component_bytes();
    let look = move || {
        let inspected = inspect(&component, most).map_err(LoadFailure::from);
        (Digest::of(&component), inspected)
    };
    let looked = apart("the inspection", look).await;
    looked.unwrap_or_else(|why| (Digest::of([]), Err(why.into())))
}

/// Maps the compiled code; compiles first if there is none, or none that can be taken.
async fn compiled(
    host: &Arc<PluginHost>,
    digest: Digest,
    component: &Arc<[u8]>,
) -> Result<Component, LoadFailure> {
    // Two that load the same component at once compile it once.
    let _one_at_a_time = host.compiling.lock().await;
    if let Some(mapped) = map(host, digest).await?.unwrap_or_else(|why| {
        host.counts.discarded.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(component = %digest, why = error_chain(&why), "threw compiled code away");
        None
    }) {
        host.counts.mapped.fetch_add(1, Ordering::Relaxed);
        return Ok(mapped);
    }
    let us = |error: CacheError| LoadFailure::Us(error_chain(&error));
    let file = host.cache.new_file().map_err(us)?;
    let output = file
        .as_file()
        .try_clone()
        .map_err(|error| LoadFailure::Us(error.to_string()))?;
    let begun = Instant::now();
    compile(
        &host.compiler,
        &host.config.compile,
        host.cache.folder(),
        Arc::clone(component),
        output,
    )
    .await?;
    let cache = Arc::clone(&host.cache);
    let keep = move || cache.keep(file, &digest);
    apart("keeping compiled code", keep).await?.map_err(us)?;
    host.counts.compiled.fetch_add(1, Ordering::Relaxed);
    tracing::info!(component = %digest, bytes = component.len(), took = ?begun.elapsed(), "compiled a component");
    match map(host, digest).await? {
        Ok(Some(mapped)) => Ok(mapped),
        Ok(None) => Err(LoadFailure::Us(
            "what was compiled just now is gone".to_owned(),
        )),
        // The child made it a moment ago, so it is whole: the engine has no room for such a thing.
        Err(Discarded::Engine(why)) => Err(LoadFailure::TooMuch(why)),
        Err(why) => Err(LoadFailure::Us(error_chain(&why))),
    }
}

async fn map(
    host: &PluginHost,
    digest: Digest,
) -> Result<Result<Option<Component>, Discarded>, ApartError> {
    let (cache, engine) = (Arc::clone(&host.cache), host.engine.clone());
    apart("mapping", move || cache.map(&engine, &digest)).await
}

/// Code as calls use it, of which nobody knows yet whose it is.
fn code(host: &PluginHost, digest: Digest, first: Option<Linked>, terms: InForce) -> Code {
    let (cache, engine) = (Arc::clone(&host.cache), host.engine.clone());
    let counts = Arc::clone(&host.counts);
    let map = move || {
        let mapped = cache.map(&engine, &digest).and_then(|component| {
            let linking = component.map(|component| linked(&engine, &component));
            linking
                .transpose()
                .map_err(|error| Discarded::Engine(format!("{error:#}")))
        });
        mapped.unwrap_or_else(|why| {
            counts.discarded.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(component = %digest, why = error_chain(&why), "threw compiled code away");
            None
        })
    };
    Code {
        mappings: Mappings::new(first, host.config.mapped_threads(), map),
        uncompiled: AtomicBool::new(false),
        engine: host.engine.clone(),
        clock: Arc::clone(&host.clock),
        terms: ArcSwap::from_pointee(terms),
        label: format!("component {}", digest.short()).into(),
        health: Health::default(),
    }
}

fn label(description: &Description) -> Arc<str> {
    format!("{} {}", description.application, description.version).into()
}

/// Links what it imports and finds what it exports, once for all calls.
fn linked(engine: &Engine, component: &Component) -> wasmtime::Result<Linked> {
    let pre = v1::link(engine, component)?.instantiate_pre(component)?;
    let exports = Exports::find(&pre)?;
    Ok(Linked { pre, exports })
}

/// A component whose code is linked, and of which only the file is known.
struct Candidate {
    host: Arc<PluginHost>,
    digest: Digest,
    size: usize,
    inspected: Inspected,
    terms: Terms,
}

impl Candidate {
    /// Instantiates it, asks what it is, and lets it prove that its examples are valid.
    fn admit(self, mut code: Code) -> Result<Plugin, LoadFailure> {
        let (described, interpret, migrate) = code
            .call(
                Function::Describe,
                Input::default(),
                |exports, store, instance| {
                    if let Err(error) = exports.check_shapes(store, instance) {
                        return Ok(Err(LoadFailure::Contract(format!("{error:#}"))));
                    }
                    let (interpret, migrate) = (exports.has_interpret(), exports.has_migrate());
                    let described = exports.describe(store, instance)?;
                    Ok(Ok((described, interpret, migrate)))
                },
            )
            .map_err(LoadFailure::Describe)??;
        let broken = |faults: Faults| LoadFailure::Description(faults.into_lines());
        let description = v1::read_description(described).map_err(broken)?;
        let schemas = check::description::check(&description).map_err(broken)?;
        self.check_asked_for(&description)?;
        code.label = label(&description);
        let pass = Pass {
            gate: self.host.gate(),
            imports: self.inspected.capabilities.into_keys().collect(),
            interpret,
            migrate,
            data: self.inspected.data,
        };
        let known = Known {
            digest: self.digest,
            size: self.size,
            description,
        };
        let plugin = Plugin::new(&self.host, known, pass, schemas, code);
        let set_terms = |terms: &Terms| {
            let set = plugin.set_terms(terms);
            set.map_err(|error| LoadFailure::Us(error_chain(&error)))
        };
        // Its examples are tried, not done.
        set_terms(&Terms::trial(self.terms.grants.clone()))?;
        check_migrate(&plugin)?;
        check_examples(&plugin)?;
        set_terms(&self.terms)?;
        Ok(plugin)
    }

    fn check_asked_for(&self, description: &Description) -> Result<(), LoadFailure> {
        let asks_for = |capability: Capability| {
            let mut names = description.capabilities.iter().map(|request| &request.name);
            names.any(|name| name == capability.name())
        };
        let imports = &self.inspected.capabilities;
        match imports
            .iter()
            .find(|(capability, _)| !asks_for(**capability))
        {
            Some((capability, import)) => Err(LoadFailure::NotAskedFor {
                import: import.clone(),
                capability: *capability,
            }),
            None => Ok(()),
        }
    }
}

fn check_migrate(plugin: &Plugin) -> Result<(), LoadFailure> {
    let later = plugin
        .description()
        .task_types
        .iter()
        .position(|task_type| task_type.schema_version > 1);
    match later {
        Some(number) if !plugin.has_migrate() => Err(LoadFailure::Description(vec![format!(
            "task-types/{number}/schema-version: a version beyond 1 needs the function `migrate`, which the plug-in does not have"
        )])),
        _ => Ok(()),
    }
}

fn check_examples(plugin: &Plugin) -> Result<(), LoadFailure> {
    let mut faults = Faults::default();
    let by_the_clock = plugin.code.terms.load().limits.by_the_clock;
    let mut time = OwnTime::begin(EXAMPLES_TIME, by_the_clock);
    for (number, task_type) in plugin.description().task_types.iter().enumerate() {
        for (at, example) in task_type.examples.iter().enumerate() {
            let failed = |cause| LoadFailure::Example {
                task_type: task_type.id.to_string(),
                example: example.title.clone(),
                cause,
            };
            match time.over() {
                None => {}
                Some(Over::Used) => {
                    faults.add(
                        "task-types",
                        format_args!(
                            "validating all examples took longer than {} s",
                            EXAMPLES_TIME.as_secs()
                        ),
                    );
                    return Err(LoadFailure::Description(faults.into_lines()));
                }
                Some(starved) => return Err(failed(CallFailure::over(starved, EXAMPLES_TIME))),
            }
            let findings = plugin
                .validate_failing(&task_type.id, &example.settings)
                .map_err(failed)?;
            for finding in findings
                .iter()
                .filter(|finding| finding.level == Level::Error)
            {
                faults.add(
                    &format!(
                        "task-types/{number}/examples/{at}/settings{}",
                        finding.pointer
                    ),
                    format_args!("the plug-in's own `validate` refuses it: {}", finding.text),
                );
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(LoadFailure::Description(faults.into_lines()))
    }
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

//! The gate that a component passes to become a plug-in: `inspect`, compile (`compile`, `cache`),
//! link, describe, `check`. A step that fails leaves nothing behind but compiled code.

use crate::cache::{CacheError, Discarded};
use crate::call::Code;
use crate::calls::Lane;
use crate::capability::data::DataFiles;
use crate::capability::{InForce, Terms};
use crate::check::{self, Faults};
use crate::compile::{CompileError, compile};
use crate::fault::{CallFailure, Fault, Function};
use crate::health::Health;
use crate::host::PluginHost;
use crate::inspect::{InspectError, Inspected, inspect};
use crate::mapping::{Input, Linked, Mappings};
use crate::plugin::Plugin;
use crate::v1::{self, Exports};
use arc_swap::ArcSwap;
use muster_domain::Digest;
use muster_domain::application::Description;
use muster_domain::finding::Level;
use muster_domain::grant::Capability;
use std::sync::Arc;
use std::sync::atomic::Ordering;
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
    let compiled = compiled(host, &digest, &component).await.map_err(fail)?;
    let size = component.len();
    let data = inspected.data.read(&component);
    let code = link(host, &compiled, &digest, &terms, data).map_err(fail)?;
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

/// Digest and inspection: work for a processor, tens of milliseconds for a large component.
async fn look(
    host: &Arc<PluginHost>,
    component: Arc<[u8]>,
) -> (Digest, Result<Inspected, LoadFailure>) {
    let most = host.config.component_bytes();
    let looked = tokio::task::spawn_blocking(move || {
        let inspected = inspect(&component, most).map_err(LoadFailure::from);
        (Digest::of(&component), inspected)
    });
    looked.await.unwrap_or_else(|error| {
        (
            Digest::of([]),
            Err(LoadFailure::Us(format!(
                "the inspection of the component ended: {error}"
            ))),
        )
    })
}

/// Maps the compiled code; compiles first if there is none, or none that can be taken.
async fn compiled(
    host: &Arc<PluginHost>,
    digest: &Digest,
    component: &[u8],
) -> Result<Component, LoadFailure> {
    // Two that load the same component at once compile it once.
    let _one_at_a_time = host.compiling.lock().await;
    if let Some(mapped) = map(host, digest).unwrap_or_else(|why| {
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
        component,
        output,
    )
    .await?;
    host.cache.keep(file, digest).map_err(us)?;
    host.counts.compiled.fetch_add(1, Ordering::Relaxed);
    tracing::info!(component = %digest, bytes = component.len(), took = ?begun.elapsed(), "compiled a component");
    match map(host, digest) {
        Ok(Some(mapped)) => Ok(mapped),
        Ok(None) => Err(LoadFailure::Us(
            "what was compiled just now is gone".to_owned(),
        )),
        // The child made it a moment ago, so it is whole: the engine has no room for such a thing.
        Err(Discarded::Engine(why)) => Err(LoadFailure::TooMuch(why)),
        Err(why) => Err(LoadFailure::Us(error_chain(&why))),
    }
}

fn map(host: &PluginHost, digest: &Digest) -> Result<Option<Component>, Discarded> {
    host.cache.map(&host.engine, digest)
}

/// Links what it imports and finds what it exports, once for all calls.
fn link(
    host: &PluginHost,
    component: &Component,
    digest: &Digest,
    terms: &Terms,
    data: DataFiles,
) -> Result<Code, LoadFailure> {
    let first = linked(&host.engine, component)
        .map_err(|error| LoadFailure::Contract(format!("{error:#}")))?;
    let (cache, engine, digest_again) = (Arc::clone(&host.cache), host.engine.clone(), *digest);
    let again = move || {
        let component = cache.map(&engine, &digest_again).ok().flatten()?;
        linked(&engine, &component).ok()
    };
    Ok(Code {
        mappings: Mappings::new(first, host.config.mapped_threads(), again),
        engine: host.engine.clone(),
        clock: Arc::clone(&host.clock),
        terms: ArcSwap::from_pointee(InForce::computing(host.config.limits(&terms.grants), data)),
        // Nobody knows yet whose it is.
        label: format!("component {}", digest.short()).into(),
        health: Health::default(),
    })
}

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
        let described = code
            .call(
                Function::Describe,
                Input::default(),
                |exports, store, instance| {
                    if let Err(error) = exports.check_shapes(store, instance) {
                        return Ok(Err(LoadFailure::Contract(format!("{error:#}"))));
                    }
                    exports.describe(store, instance).map(Ok)
                },
            )
            .map_err(LoadFailure::Describe)??;
        let broken = |faults: Faults| LoadFailure::Description(faults.into_lines());
        let description = v1::read_description(described).map_err(broken)?;
        let schemas = check::description::check(&description).map_err(broken)?;
        self.check_asked_for(&description)?;
        code.label = format!("{} {}", description.application, description.version).into();
        let imports = self.inspected.capabilities.into_keys().collect();
        let plugin = Plugin::new(
            self.digest,
            self.size,
            description,
            schemas,
            code,
            imports,
            &self.host,
        );
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
    let deadline = Instant::now() + EXAMPLES_TIME;
    for (number, task_type) in plugin.description().task_types.iter().enumerate() {
        for (at, example) in task_type.examples.iter().enumerate() {
            if Instant::now() > deadline {
                faults.add(
                    "task-types",
                    format_args!(
                        "validating all examples took longer than {} s",
                        EXAMPLES_TIME.as_secs()
                    ),
                );
                return Err(LoadFailure::Description(faults.into_lines()));
            }
            let findings = plugin
                .validate_failing(&task_type.id, &example.settings)
                .map_err(|cause| LoadFailure::Example {
                    task_type: task_type.id.to_string(),
                    example: example.title.clone(),
                    cause,
                })?;
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

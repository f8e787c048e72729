//! The plug-in host: loads management plug-ins, keeps them within bounds, calls them.
//!
//! [`PluginHost::load`] is the gate: a component that passes it is a [`Plugin`], compiled, linked
//! and described. The plug-in then answers in the words of `muster-domain`; what crosses to the
//! guest and back is the matter of `v1`, and no other crate sees it.
//!
//! What a guest returns is hostile until checked. One that traps, loops, eats memory or answers
//! rubbish fails that one call, with an error that says whose fault it was.

mod apart;
mod cache;
mod call;
mod calls;
mod capability;
mod check;
mod compile;
mod config;
mod engine;
mod fault;
mod folders;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod gentle;
mod health;
mod host;
mod inspect;
mod load;
mod mapping;
mod pass;
mod plugin;
mod replay;
mod v1;
#[cfg(feature = "bench")]
mod warm;

pub use cache::{CacheError, CompiledFiles};
pub use capability::Terms;
pub use capability::data::DataError;
pub use capability::files::FilesError;
#[cfg(feature = "compiler")]
pub use compile::child::compile_child_main;
pub use compile::{CompileError, Compiler};
pub use config::{CompileConfig, Config};
pub use fault::{CallError, CallFailure, Fault, Function};
pub use folders::Folders;
pub use gentle::write_gently;
pub use health::{BOUNDS, FunctionHealth, LastFault, OUTCOMES, Spread};
pub use host::{Counters, PluginHost, StartError};
pub use inspect::InspectError;
pub use load::{LoadError, LoadFailure};
pub use pass::{Known, Pass};
pub use plugin::{Plugin, Refusal};
#[cfg(feature = "bench")]
pub use warm::{WarmInstance, map_alone};

//! For authors of Muster's management plug-ins in Rust.
//!
//! A plug-in says who it is ([`About`]) and which task types its application has: each is a [`Task`],
//! with settings of its own type, that checks them, puts them into a device's terms and says what a
//! device's report means. [`export!`] makes a component of it. What the functions promise stands in
//! the contract, `wit/v1`; the types of this crate are those of the contract.
//!
//! A component made so imports WASI, because Rust's standard library does, and never calls it. Keep
//! it so: a `HashMap`, and a JSON object as a `serde_json::Value`, ask for random bytes. Read settings
//! into types of your own, and write events from such.
//!
//! Beyond computing there are [`data`], files that come with the plug-in, and what an administrator has
//! to grant: [`files`], [`clock`] and [`random`], named in [`Plugin::CAPABILITIES`]. A component
//! imports of them what it calls, and no more.
//!
//! The crate compiles natively too: all logic can be tested without an engine, and [`export!`] does
//! nothing then; `native` stands for the server.
//!
//! ```
//! use muster_sdk::{About, AnyTask, Command, Findings, Plugin, Profile, Refusal, Step, Task, TaskType};
//! use muster_sdk::{pointer, serde::Deserialize, task_type};
//!
//! /// The application "ping", which has one task type.
//! struct Ping;
//!
//! impl Plugin for Ping {
//!     const ABOUT: About = About {
//!         application: "org.example.ping",
//!         name: "Ping",
//!         vendor: "Example",
//!         version: "1.0.0",
//!         manages: "*",
//!     };
//!     const TASKS: &'static [&'static dyn AnyTask] = &[&Reach];
//! }
//!
//! /// Asks whether a host answers.
//! struct Reach;
//!
//! #[derive(Deserialize)]
//! #[serde(crate = "muster_sdk::serde")]
//! struct Settings {
//!     host: String,
//! }
//!
//! impl Task for Reach {
//!     const ID: &'static str = "reach";
//!     type Settings = Settings;
//!
//!     fn describe(&self) -> TaskType {
//!         task_type(Self::ID, "Reach a host", "Asks whether a host answers.")
//!             .schema(r#"{
//!                 "type": "object",
//!                 "properties": { "host": { "type": "string", "title": "Host" } },
//!                 "required": ["host"]
//!             }"#)
//!             .example("The device itself", r#"{ "host": "localhost" }"#)
//!     }
//!
//!     fn validate(&self, settings: &Settings, findings: &mut Findings) {
//!         if settings.host.starts_with('-') {
//!             findings.error(pointer!("host"), "host-not-a-name", "A host's name has no hyphen in front.");
//!         }
//!     }
//!
//!     fn translate(&self, settings: &Settings, _: &Profile) -> Result<Command, Refusal> {
//!         Ok(Step::run("ping").args(["-c", "1", &settings.host]).into())
//!     }
//! }
//!
//! muster_sdk::export!(Ping, interpret);
//!
//! let verdict = Ping::validate("reach", r#"{"host": "-f"}"#).unwrap();
//! assert_eq!(verdict.findings[0].pointer, "/host");
//! ```

#[cfg(target_arch = "wasm32")]
mod allocator;
pub mod bindings;
#[cfg(not(target_arch = "wasm32"))]
pub mod cases;
pub mod clock;
#[cfg(target_arch = "wasm32")]
mod compare;
pub mod data;
mod describe;
mod export;
pub mod files;
mod finding;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
mod outcome;
pub mod path;
mod plugin;
pub mod random;
mod settings;
mod step;
mod task;

pub use bindings::base::exports::muster::plugin::describe::{
    ApplicationState, CapabilityRequest, Description, EventType, Example, Limit, LimitRequest,
    Mark, Severity, TaskKind, TaskType,
};
pub use bindings::base::exports::muster::plugin::translate::{
    Command, KeptOutput, Meaning, Profile, ProgressRole, ProgressRule, Refusal, StatusMeaning,
    Step, Value,
};
pub use bindings::base::exports::muster::plugin::validate::Verdict;
pub use bindings::base::muster::plugin::types::{Failure, Finding, Level};
pub use bindings::interpret::exports::muster::plugin::interpret::{
    Event, Outcome, OutcomeStatus, Report, StepEnd, StepReport,
};
pub use describe::{NOTHING, task_type};
pub use finding::{Findings, pointer_of};
pub use outcome::{NoFields, cut};
pub use plugin::{About, Capability, Plugin};
pub use serde;
pub use serde_json;
pub use task::{AnyTask, Task};

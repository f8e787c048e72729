//! For authors of Muster's management plug-ins in Rust.
//!
//! A plug-in says who it is ([`About`]) and which task types its application has: each is a [`Task`],
//! with settings of its own type, that checks them, puts them into a device's terms and says what a
//! device's report means. [`export!`] makes a component of it. What the functions promise stands in
//! the contract, `wit/v1`; the types of this crate are those of the contract. The JSON Schema of settings
//! is made of their type when the plug-in is compiled: [`JsonSchema`](derive@JsonSchema).
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
//! use muster_sdk::{About, AnyTask, Command, Findings, JsonSchema, Plugin, Profile, Refusal, Step};
//! use muster_sdk::{Task, TaskType, at, serde::Deserialize, task_type};
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
//! /// Which host is asked.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(crate = "muster_sdk::serde")]
//! struct Settings {
//!     /// Name or address.
//!     host: String,
//! }
//!
//! impl Task for Reach {
//!     const ID: &'static str = "reach";
//!     type Settings = Settings;
//!
//!     fn describe(&self) -> TaskType {
//!         task_type(Self::ID, "Reach a host", "Asks whether a host answers.")
//!             .example("The device itself", r#"{ "host": "localhost" }"#)
//!     }
//!
//!     fn validate(&self, settings: &Settings, findings: &mut Findings) {
//!         if settings.host.starts_with('-') {
//!             findings.error(at!(settings.host), "host-not-a-name", "A host's name has no hyphen in front.");
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
//!
//! The guide is in `docs/plugins`.

// What the derive writes names the crate so, here too.
extern crate self as muster_sdk;

#[cfg(target_arch = "wasm32")]
mod allocator;
#[doc(hidden)]
pub mod bindings;
#[cfg(not(target_arch = "wasm32"))]
pub mod cases;
pub mod clock;
#[cfg(target_arch = "wasm32")]
mod compare;
pub mod data;
mod describe;
mod event;
mod export;
pub mod files;
mod finding;
pub mod log;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
mod outcome;
pub mod path;
mod plugin;
mod profile;
pub mod random;
mod report;
pub mod schema;
mod secret;
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
pub use event::{EventKind, NoFields};
pub use finding::{Findings, name_of, pointer_of};
pub use muster_sdk_derive::JsonSchema;
pub use outcome::cut;
pub use plugin::{About, Capability, Plugin};
pub use schema::JsonSchema;
pub use secret::Secret;
pub use serde;
pub use serde_json;
pub use settings::{NoSettings, old_settings};
pub use step::Statuses;
pub use task::{AnyTask, Task};

/// What the guide shows runs: each of its Rust blocks is a test.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../../docs/plugins/rust.md")]
    struct First;
    #[doc = include_str!("../../../docs/plugins/settings.md")]
    struct Settings;
    #[doc = include_str!("../../../docs/plugins/contract.md")]
    struct Contract;
    #[doc = include_str!("../../../docs/plugins/capabilities.md")]
    struct Capabilities;
    #[doc = include_str!("../../../docs/plugins/testing.md")]
    struct Testing;
}

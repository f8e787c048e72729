//! The harness for management plug-ins: a component, run on the very plug-in host that a server uses,
//! with the same gate, the same checks of every answer and the same limits.
//!
//! For a vendor's own tests in Rust, and for `muster plugin check`. All calls are plain functions: they
//! run on the thread that calls them, and a test needs no runtime.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or("../../target".into());
//! # let file = std::path::Path::new(&target).join("plugins/clamav.wasm");
//! use muster_plugin_harness::{Harness, Profile, any_error};
//! use serde_json::json;
//!
//! let harness = Harness::start()?;
//! let plugin = harness.open(&file)?;
//! assert_eq!(plugin.description().name, "ClamAV");
//!
//! // `validate`: the schema first, then the plug-in, as on a server.
//! let findings = plugin.validate("scan", &json!({ "area": "everywhere" }))?;
//! assert!(any_error(&findings));
//!
//! // `translate`: one answer for each profile.
//! let linux = Profile {
//!     platform: "linux".into(),
//!     architecture: "x86_64".into(),
//!     application_version: Some("1.4.2".into()),
//!     facts: plugin.no_facts("scan")?,
//! };
//! let command = plugin.translate_one("scan", &json!({}), &linux)?.expect("there is a command");
//! assert_eq!(command.steps[1].program, "clamscan");
//! # Ok(())
//! # }
//! ```

pub mod cases;
mod conformance;
mod draw;
mod error;
mod harness;
mod plugin;
mod report;

pub use conformance::{
    Broken, Component, Group, Input, Progress, RULES, Rule, RuleResult, Suite, Verdict, Weight,
};
pub use error::{AskError, OpenError, StartError};
pub use harness::{Harness, Options};
pub use muster_domain::application::{Description, EventType, Example, TaskType};
pub use muster_domain::chain;
pub use muster_domain::command::{Command, Step, Value as Argument};
pub use muster_domain::finding::{Finding, Level, any_error};
pub use muster_domain::grant::{Capability, Grants};
pub use muster_domain::outcome::{Outcome, OutcomeEvent, OutcomeStatus};
pub use muster_domain::profile::{Profile, ProfileCount};
pub use muster_domain::report::{Report, StepEnd, StepReport};
pub use muster_domain::settings::Settings;
pub use muster_domain::{Digest, TaskTypeId};
pub use muster_plugin_host::{
    CallError, CallFailure, Config, Function, LoadError, LoadFailure, Refusal,
};
pub use plugin::{Cost, Plugin};
pub use report::Format;

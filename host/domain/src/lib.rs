//! The nouns and rules of Muster. No I/O, no async, no clock: what needs one gets it as a value.
//!
//! Read in this order: an [`application`] has a plug-in that describes its task types; a [`task`]
//! is what an administrator asked for, with revisions; a [`run`] is one occurrence of a task over
//! its [`scope`], started by hand or by a [`schedule`]; a [`selection`] is a saved query over devices, and a
//! [`rollout`] lets a run go out in waves; a [`delivery`] is one run for one [`device`]; the
//! [`command`] is a delivery in the device's own terms; a [`report`] is what came of it; an [`outcome`] is what that means; and an
//! [`event`] stands beside every one of these steps. A device's [`user`] may have a word too: [`merge`] says
//! what becomes of it.

pub mod application;
mod chain;
pub mod command;
pub mod delivery;
pub mod device;
pub mod digest;
pub mod event;
pub mod finding;
pub mod grant;
pub mod group;
pub mod id;
mod json;
pub mod merge;
pub mod origin;
pub mod outbreak;
pub mod outcome;
pub mod plan;
pub mod profile;
pub mod report;
pub mod revision;
pub mod rollout;
pub mod run;
pub mod schedule;
pub mod scope;
pub mod secret;
pub mod selection;
pub mod settings;
pub mod task;
pub mod text;
pub mod user;
pub mod wake;

pub use chain::chain;
pub use device::DeviceSet;
pub use digest::Digest;
pub use id::{
    ApplicationId, DeviceId, EventId, GroupId, RunId, SelectionId, TaskId, TaskTypeId, WindowId,
};

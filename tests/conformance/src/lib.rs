//! The conformance suite of the plug-in host: every way to misbehave that we know, and what a host
//! must answer.
//!
//! A [`Case`] is a component, what it is asked, and what must come of it: an error that blames the
//! plug-in and names the limit, or an answer that does no harm. [`all`] lists them. Components are
//! made from source: the Rust guest of `tests/guests` ([`rust`]), core modules in text
//! ([`module`]), and whole components ([`component`]). [`Trial`] puts cases to a host.
//!
//! `cargo xtask conformance` runs it; `docs/conformance.md` is written from it.

// The guest's crate is built for wasm alone; what it can do is a list that both sides read.
#[path = "../../guests/src/behaviour.rs"]
pub mod behaviour;
mod case;
mod cases;
pub mod component;
pub mod module;
pub mod rust;
mod trial;

pub use case::{Asked, Case, Expected, Guest};
pub use cases::all;
pub use trial::{Answer, Trial, profiles, reports, settings, told_to};

//! The whole system in a test: a real server and real agents as processes, in a temporary folder.
//!
//! [`TestSystem`] starts the server, [`TestSystem::agent`] enrolls and starts a device,
//! [`Client`] asks as an administrator does, [`until`] waits for what must come about. A test that
//! drives an installed program begins with [`needs`]; [`Registry`] is a real OCI registry. The programs are those that
//! `cargo xtask test` built ([`Programs`]); their crash points are armed there, and
//! `MUSTER_CRASH_AT` in a start's environment says where a process is to be killed.
//!
//! Processes are ended by their own id when their handle is dropped.

mod agent;
mod cli;
mod client;
mod clock;
mod needs;
mod process;
mod programs;
mod registry;
mod server;
mod system;
mod until;
mod vendor;

pub use agent::Agent;
pub use cli::Ran;
pub use client::{Answer, Client};
pub use clock::TestClock;
pub use needs::needs;
pub use programs::Programs;
pub use registry::Registry;
pub use server::Server;
pub use system::{TestSystem, folder};
pub use until::{PATIENCE, until};
pub use vendor::Vendor;

/// Names and values that a process gets besides those of the test.
pub type Environment<'a> = &'a [(&'a str, &'a str)];

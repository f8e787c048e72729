//! What the measuring programs share.
//!
//! `engine` measures calls to a plug-in, `path` the way of a task to many devices and back, `hostile`
//! what others notice of plug-ins that misbehave, `harness` how fast the conformance suite is,
//! `schedules` what an occurrence costs; run them with `cargo xtask bench <name>`. Each takes its cases by turns ([`rounds`]), so that whatever else
//! the machine does falls on all of them, and tells what came of it as [`report`]: a table, JSON
//! lines, or a part of `docs/benchmarks.md`.

pub mod machine;
pub mod measure;
pub mod process;
pub mod report;
pub mod rounds;

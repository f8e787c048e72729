//! How the guest misbehaves when it is loaded.
//!
//! The guest is built once. Which behaviour it has stands in a slot of its data that whoever loads
//! it writes over: a component can be given nothing else before it is asked to describe itself.

/// How the slot begins, unwritten.
pub const SLOT: &[u8; 16] = b"behaviour-slot::";
/// Bytes of the slot, its beginning included.
pub const SLOT_BYTES: usize = 64;

/// All behaviours. `well` is a plug-in that misbehaves only when a call's settings say so.
pub const ALL: [&str; 34] = [
    "well",
    "loop-at-start",
    "describe-loops",
    "describe-traps",
    "describe-panics",
    "describe-eats-memory",
    "describe-recurses",
    "describe-giant",
    "describe-calls-wasi",
    "application-bad",
    "version-bad",
    "manages-bad",
    "name-too-long",
    "task-types-none",
    "task-types-101",
    "task-type-twice",
    "task-type-bad-id",
    "kinds-none",
    "time-limit-zero",
    "schema-version-zero",
    "schema-version-without-migrate",
    "schema-not-json",
    "schema-not-schema",
    "schema-other-dialect",
    "schema-refers-outside",
    "schema-circle",
    "schema-doubles",
    "schema-deep",
    "schema-bad-regex",
    "schema-huge-regex",
    "examples-none",
    "example-against-schema",
    "example-against-validate",
    "event-type-twice",
];

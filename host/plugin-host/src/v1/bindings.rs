//! What the engine generates from `wit/v1`.
#![allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    unused_variables,
    dead_code,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated code"
)]

wasmtime::component::bindgen!({
    path: "../../wit/v1",
    world: "everything",
    ownership: Borrowing { duplicate_if_necessary: false },
    anyhow: false,
});

//! A plug-in that keeps every rule, until a fault is planted in it.
//!
//! Its faults are such as authors make: a text cut within a character, a list taken for never empty,
//! an answer sorted. [`fault`] lists them.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "a guest does what no code of ours may do, and half of it is generated"
)]

mod describe;
mod fault;
mod reports;
mod settings;
mod translate;

wit_bindgen::generate!({
    path: "../../../../wit/v1",
    inline: "package muster:faults; world faults { include muster:plugin/full-management-plugin@1.0.0; import muster:plugin/random@1.0.0; }",
    world: "muster:faults/faults",
    generate_all,
});

struct Guest;
export!(Guest);

#[unsafe(no_mangle)]
static mut FAULT: [u8; fault::SLOT_BYTES] = {
    let mut slot = [0; fault::SLOT_BYTES];
    let mut at = 0;
    while at < fault::SLOT.len() {
        slot[at] = fault::SLOT[at];
        at += 1;
    }
    slot
};

/// Whether this fault was planted.
fn has(name: &str) -> bool {
    // Read as the bytes are, not as the compiler saw them.
    let slot = unsafe { std::ptr::read_volatile(&raw const FAULT) };
    let text: Vec<u8> = slot.iter().copied().take_while(|byte| *byte != 0).collect();
    debug_assert!(fault::ALL.iter().any(|(known, _)| *known == name));
    text == name.as_bytes()
}

/// A number that nobody can guess; none, if the administrator denied them.
fn chance() -> Option<u8> {
    muster::plugin::random::bytes(1).ok().map(|bytes| bytes[0])
}

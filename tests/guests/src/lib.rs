//! A hostile guest: a plug-in that traps, loops, eats memory and lies, each when it is told to.
//!
//! What it does when it is loaded is a [`behaviour`]; what it does in a call, the settings say:
//! `{"do": "loop"}`, or `{"do": "translate:loop"}` for one function alone. The conformance suite,
//! `tests/conformance`, holds a case for each.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "a guest does what no code of ours may do, and half of it is generated"
)]

pub mod behaviour;
mod calls;
mod describe;
mod misdeeds;

wit_bindgen::generate!({ path: "../../wit/v1", world: "full-management-plugin" });

struct Guest;
export!(Guest);

#[unsafe(no_mangle)]
static mut BEHAVIOUR: [u8; behaviour::SLOT_BYTES] = {
    let mut slot = [0; behaviour::SLOT_BYTES];
    let mut at = 0;
    while at < behaviour::SLOT.len() {
        slot[at] = behaviour::SLOT[at];
        at += 1;
    }
    slot
};

/// What was written into the slot, or `well`.
fn behaviour() -> String {
    // Read as the bytes are, not as the compiler saw them.
    let slot = unsafe { std::ptr::read_volatile(&raw const BEHAVIOUR) };
    let text: Vec<u8> = slot.iter().copied().take_while(|byte| *byte != 0).collect();
    if text.starts_with(behaviour::SLOT) {
        "well".into()
    } else {
        String::from_utf8(text).unwrap()
    }
}

#[cfg(target_family = "wasm")]
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = {
    extern "C" fn start() {
        if behaviour() == "loop-at-start" {
            misdeeds::loop_for_ever();
        }
    }
    start
};

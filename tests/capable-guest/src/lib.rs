//! A plug-in that uses every capability, made with the SDK as a vendor would make it.
//!
//! Its one task type does in `validate` what the settings say, and tells what came of it as a
//! notice. What it asks for in its description can be written over in its [`slot`].

pub mod slot;

use muster_sdk::{
    About, AnyTask, Capability, CapabilityRequest, Command, Description, Findings, JsonSchema,
    Limit, LimitRequest, Plugin, Profile, Refusal, Step, Task, TaskType, clock, data, data_file,
    files, pointer, random, serde::Deserialize, task_type,
};
use std::fmt::Debug;

data_file!("products.txt", "../data/products.txt");

/// A plug-in that asks for all that it uses.
pub struct Capable;

impl Plugin for Capable {
    const ABOUT: About = About {
        application: "org.example.capable",
        name: "Capable",
        vendor: "Example",
        version: "1.0.0",
        manages: "*",
    };
    const TASKS: &'static [&'static dyn AnyTask] = &[&Use];
    const CAPABILITIES: &'static [(Capability, &'static str)] = &[
        (Capability::Files, "Keeps what it has seen."),
        (Capability::Clock, "Knows what is old."),
        (Capability::Random, "Gives names."),
    ];
}

/// The guest: [`Capable`], with the asks of its slot.
pub struct Guest;

impl Plugin for Guest {
    const ABOUT: About = Capable::ABOUT;
    const TASKS: &'static [&'static dyn AnyTask] = Capable::TASKS;

    fn describe() -> Description {
        let mut description = Capable::describe();
        let asks = asks();
        for word in asks.split_ascii_whitespace() {
            match word {
                "nothing" => description.capabilities.clear(),
                "network" => description.capabilities.push(CapabilityRequest {
                    name: "network".into(),
                    reason: "Looks for updates.".into(),
                }),
                "memory" => description.limits.push(LimitRequest {
                    limit: Limit::Memory,
                    value: 128,
                    reason: "Its table is large.".into(),
                }),
                "more-memory" => description.limits.push(LimitRequest {
                    limit: Limit::Memory,
                    value: 256,
                    reason: "Its table has grown.".into(),
                }),
                "zero" => description.limits.push(LimitRequest {
                    limit: Limit::BatchTime,
                    value: 0,
                    reason: "None.".into(),
                }),
                "used-in-describe" => {
                    description.vendor = format!(
                        "{:?} {:?} {:?}",
                        files::list(),
                        clock::now(),
                        random::bytes(1)
                    );
                }
                version => description.version = version.into(),
            }
        }
        description
    }
}

muster_sdk::export!(Guest);

/// A written slot's words, such as `nothing` or `memory 2.0.0`.
fn asks() -> String {
    #[cfg(target_arch = "wasm32")]
    let slot = guest_slot::read();
    #[cfg(not(target_arch = "wasm32"))]
    let slot = *slot::SLOT;
    if slot.starts_with(slot::SLOT) {
        return String::new();
    }
    let text: Vec<u8> = slot.iter().copied().take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(target_arch = "wasm32")]
mod guest_slot {
    #![allow(
        unsafe_code,
        reason = "the bytes are written by whoever loads the component"
    )]

    use crate::slot::{SLOT, SLOT_BYTES};

    #[unsafe(no_mangle)]
    static mut ASKS: [u8; SLOT_BYTES] = {
        let mut slot = [0; SLOT_BYTES];
        let (beginning, _) = slot.split_at_mut(SLOT.len());
        beginning.copy_from_slice(SLOT);
        slot
    };

    /// As the bytes are, not as the compiler saw them.
    pub(crate) fn read() -> [u8; SLOT_BYTES] {
        unsafe { std::ptr::read_volatile(&raw const ASKS) }
    }
}

/// Uses what it is told to use.
struct Use;

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "muster_sdk::serde")]
struct Settings {
    #[serde(rename = "do")]
    what: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    size: u32,
}

impl Task for Use {
    const ID: &'static str = "use";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(Self::ID, "Use", "Uses a capability.")
            .example("Nothing", r#"{ "do": "nothing" }"#)
            .example("Write", r#"{ "do": "write", "name": "example" }"#)
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        let Settings { what, name, size } = settings;
        let said = match what.as_str() {
            "list" => said(&files::list()),
            "read" => said(&files::read(name).map(|content| content.len())),
            "read-part" => said(&files::read_part(name, 0, *size)),
            "write" => said(&files::write(name, &vec![b'x'; *size as usize])),
            "write-many" => {
                let written = (0..*size).take_while(|_| files::write(name, b"x").is_ok());
                said(&(written.count(), files::write(name, b"x")))
            }
            "write-and-trap" => {
                let written = files::write(name, &vec![b'x'; *size as usize]);
                assert!(written.is_err(), "written, and now it traps");
                said(&written)
            }
            "remove" => said(&files::remove(name)),
            "space" => said(&files::usage().map(|space| (space.bytes, space.files))),
            "now" => said(&clock::now()),
            "now-twice" => {
                let first = clock::now();
                let between: u64 = (0..3_000_000)
                    .fold(*size, |a, b| a.rotate_left(1) ^ b)
                    .into();
                said(&(first == clock::now(), between > u64::MAX / 2))
            }
            "random" => said(&random::bytes(*size)),
            "random-length" => said(&random::bytes(*size).map(|bytes| bytes.len())),
            "data" => said(&(data::list(), data::read(name))),
            "grow" => said(&vec![1_u8; (*size as usize) << 20].len()),
            _ => return,
        };
        findings.notice(pointer!("do"), "said", said);
    }

    fn translate(&self, settings: &Settings, _: &Profile) -> Result<Command, Refusal> {
        let now = clock::now().map_or_else(|_| "unknown".to_owned(), |now| now.to_string());
        Ok(Step::run("use").args([settings.what.as_str(), &now]).into())
    }
}

fn said(answer: &impl Debug) -> String {
    format!("{answer:?}")
}

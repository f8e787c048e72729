//! A plug-in whose releases differ as a vendor's releases do: other settings, another command, other
//! devices. Made with the SDK; it is built once, and which [`release`] a component is stands in its
//! [`slot`].

pub mod release;
pub mod slot;
mod sweep;

use muster_sdk::{About, AnyTask, Description, Plugin};

/// The plug-in.
#[derive(Debug)]
pub struct Changing;

impl Plugin for Changing {
    const ABOUT: About = About {
        application: "org.example.changing",
        name: "Changing",
        vendor: "Example",
        version: "1.0.0",
        manages: "*",
    };
    const TASKS: &'static [&'static dyn AnyTask] = &[&sweep::Sweep];
}

/// The guest: [`Changing`], in the version of its slot.
#[derive(Debug)]
pub struct Guest;

impl Plugin for Guest {
    const ABOUT: About = Changing::ABOUT;
    const TASKS: &'static [&'static dyn AnyTask] = Changing::TASKS;

    fn describe() -> Description {
        Description {
            version: release::release().version,
            ..Changing::describe()
        }
    }
}

muster_sdk::export!(Guest, interpret, migrate);

//! `cargo xtask demo`: the whole once, for somebody to see.
//!
//! A real server and a real agent in a temporary folder, driven by the `muster` command line; each
//! command is shown before it runs. [`world`] holds folder and processes, [`device`] is what lies on
//! the device, [`story`] is what happens.

mod device;
mod interrupt;
mod story;
mod world;

use crate::bench::PROGRAMS;
use crate::place::Place;
use crate::step::{self, cargo};
use crate::{plugins, setup};
use anyhow::{Result, bail};
use clap::Args;
use interrupt::Interrupt;
use world::World;

#[derive(Args)]
pub(crate) struct Options {
    /// End when the story is told, instead of serving on for you to look around
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::run()?;
    if let Some(missing) = ["clamscan", "aide"]
        .into_iter()
        .find(|program| setup::find(program).is_none())
    {
        bail!(
            "the demo drives ClamAV and AIDE, and `{missing}` is not installed; what to install is told above"
        );
    }
    let place = Place::find()?;
    let plugins = plugins::build_rust(&place)?;
    step::say("Server, agent and command line");
    step::run(cargo().current_dir(&place.root).arg("build").args(PROGRAMS))?;

    let interrupt = Interrupt::listen()?;
    let mut world = World::new(&place)?;
    let told = story::tell(&mut world, &plugins);
    if interrupt.came() {
        world.end()?;
        bail!("interrupted before the story was told");
    }
    if let Err(error) = told {
        return Err(error.context(world.logs()));
    }
    if !options.once {
        story::look_around(&world);
        interrupt.wait();
    }
    world.end()
}

//! `cargo xtask plugins`: the management plug-ins, from source to components.

use crate::guests::{self, Guest};
use crate::place::Place;
use crate::{setup, step};
use anyhow::Result;

pub(crate) fn run() -> Result<()> {
    setup::toolchain()?;
    for Guest {
        name,
        path,
        size,
        digest,
    } in build(&Place::find()?)?
    {
        println!(
            "{name:<12} {:>6} KiB  {digest}\n{:12} {}",
            size.div_ceil(1024),
            "",
            path.display()
        );
    }
    Ok(())
}

/// Builds the plug-ins into `<target>/plugins`.
pub(crate) fn build(place: &Place) -> Result<Vec<Guest>> {
    step::say("Management plug-ins");
    guests::build(place, "plugins")
}

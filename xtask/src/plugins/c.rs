//! The plug-in in C: bindings by `wit-bindgen`, a module by clang, a component by the SDK's own tool, as
//! `docs/plugins/c.md` tells authors.

use crate::place::{Place, entries};
use crate::setup;
use crate::step::{self, ci};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use wit_bindgen_core::{Files, wit_parser::Resolve};

/// The programs, and the Debian package of each.
const TOOLS: [&str; 2] = ["clang", "wasm-ld"];
/// Those of `docs/plugins/c.md`.
const FLAGS: [&str; 12] = [
    "--target=wasm32",
    "-O3",
    "-flto",
    "-mbulk-memory",
    "-ffreestanding",
    "-nostdlib",
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Wl,--no-entry,--stack-first",
    "-Wl,-z,stack-size=131072",
    "-Wl,--strip-debug",
];
const WORLD: &str = "management-plugin";

/// Makes a component of the C files in a folder; nothing if there is no clang, which is told.
pub(super) fn build(place: &Place, folder: &Path, into: &Path) -> Result<()> {
    if let Some(missing) = TOOLS.into_iter().find(|tool| setup::find(tool).is_none()) {
        if ci() {
            bail!("with CI=true nothing may be skipped, and there is no {missing}");
        }
        eprintln!("Left out: the plug-in in C, for want of {missing}");
        return Ok(());
    }
    let bindings = place.folder("tests/languages/c")?;
    bind(&place.root.join("wit/v1"), &bindings)?;
    let sdk = place.root.join("sdk/c");
    let module = bindings.join("module.wasm");
    let mut command = Command::new("clang");
    command
        .args(FLAGS)
        // A clang of another day warns of other things.
        .args(ci().then_some("-Werror"))
        .args([include(&sdk.join("include")), include(&bindings)])
        .args(sources(folder)?)
        .args(sources(&sdk.join("src"))?)
        .arg(bindings.join("management_plugin.c"))
        .arg(bindings.join("management_plugin_component_type.o"))
        .arg("-o")
        .arg(&module);
    step::run(&mut command)?;
    let bytes = fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
    let component = muster_plugin_component::encode(&bytes)
        .with_context(|| format!("cannot make a component of {}", module.display()))?;
    super::put(&into.join("c.wasm"), &component)
}

fn include(folder: &Path) -> String {
    format!("-I{}", folder.display())
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = entries(folder)?;
    files.retain(|file| file.extension().is_some_and(|kind| kind == "c"));
    Ok(files)
}

/// What `wit-bindgen c wit/v1 --world management-plugin` writes.
fn bind(contract: &Path, into: &Path) -> Result<()> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_path(contract)
        .with_context(|| format!("cannot read the contract in {}", contract.display()))?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default()
        .build()
        .generate(&mut resolve, world, &mut files)?;
    for (name, bytes) in files.iter() {
        let path = into.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{FLAGS, WORLD};

    #[test]
    fn the_guide_builds_with_the_same_flags() {
        let guide = include_str!("../../../docs/plugins/c.md");
        let command = guide.split("```").nth(1).unwrap();
        for told in FLAGS.into_iter().chain([WORLD]) {
            assert!(command.contains(told), "{told}");
        }
    }
}

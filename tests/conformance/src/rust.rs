//! The Rust guest of `tests/guests`: built once, with a slot in its data for its behaviour.

use crate::behaviour::{ALL, SLOT, SLOT_BYTES};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The guest, built from source once for each process. Cargo does nothing if it is built already.
pub fn built() -> Result<&'static [u8]> {
    static GUEST: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(guest) = GUEST.get() {
        return Ok(guest);
    }
    let guest = build()?;
    Ok(GUEST.get_or_init(|| guest))
}

/// The guest with a behaviour.
pub fn that(behaviour: &str) -> Result<Vec<u8>> {
    ensure!(
        ALL.contains(&behaviour),
        "the guest knows no behaviour {behaviour}"
    );
    let mut bytes = built()?.to_vec();
    let slots: Vec<usize> = bytes
        .windows(SLOT_BYTES)
        .enumerate()
        .filter(|(_, window)| {
            window
                .strip_prefix(SLOT)
                .is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
        })
        .map(|(at, _)| at)
        .collect();
    let [at] = slots.as_slice() else {
        bail!("the guest has {} slots for its behaviour", slots.len())
    };
    let slot = bytes
        .get_mut(*at..at + SLOT_BYTES)
        .context("the slot is whole")?;
    slot.fill(0);
    for (to, byte) in slot.iter_mut().zip(behaviour.bytes()) {
        *to = byte;
    }
    Ok(bytes)
}

fn build() -> Result<Vec<u8>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // A folder of its own: whoever runs this may hold the lock of the usual one.
    let target = target()?.join("guests");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", "muster-test-guests"])
        .args(["--lib", "--target", "wasm32-wasip2", "--profile", "guest"])
        .arg("--target-dir")
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .current_dir(workspace)
        .status()
        .context("cannot start cargo to build the hostile guest")?;
    ensure!(
        status.success(),
        "the hostile guest does not build; `cargo xtask setup` adds the wasm target"
    );
    let path = target.join("wasm32-wasip2/guest/muster_test_guests.wasm");
    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The target folder that this very program was built into.
fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    // A folder that was there before cargo came has no tag.
    let marks = ["CACHEDIR.TAG", ".rustc_info.json"];
    let marked = |folder: &&Path| marks.iter().any(|mark| folder.join(mark).exists());
    let found = program.ancestors().find(marked);
    Ok(found
        .context("this program does not lie in a target folder of cargo")?
        .to_owned())
}

//! A plug-in whose releases differ in their settings, commands and devices, and a device for it.

#[path = "../../changing-guest/src/slot.rs"]
#[expect(
    unreachable_pub,
    reason = "the guest's own file, which others see as well"
)]
mod slot;

use crate::{ALWAYS, connector, task};
use anyhow::{Context as _, Result};
use muster_api::task::TaskCreate;
use muster_test_harness::{Agent, Answer, Programs, TestSystem};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// Its application.
pub const CHANGING: &str = "org.example.changing";

/// A release of it, by the words that its guest knows; the first is its version.
pub fn changing(programs: &Programs, words: &str) -> Result<Vec<u8>> {
    let guest = programs.guest("muster-test-changing-guest")?;
    written(&guest, slot::SLOT, slot::SLOT_BYTES, words)
}

/// The same, signed.
pub async fn changing_release(system: &TestSystem, words: &str) -> Result<Vec<u8>> {
    let component = changing(&system.programs, words)?;
    let version = words.split(' ').next().unwrap_or_default();
    system.client.release(&component, CHANGING, version).await
}

/// Uploads it, with a query such as `auto=true`.
pub async fn changing_upload(system: &TestSystem, words: &str, query: &str) -> Result<Answer> {
    let release = changing_release(system, words).await?;
    system.client.plugin_upload_with(release, query).await
}

/// A task of its only type, for all devices.
pub fn sweep(name: &str, settings: Value) -> TaskCreate {
    task(name, CHANGING, "sweep", settings)
}

/// Writes words into the slot of a guest.
pub(crate) fn written(guest: &[u8], slot: &[u8], size: usize, words: &str) -> Result<Vec<u8>> {
    let mut bytes = guest.to_vec();
    let at = bytes
        .windows(slot.len())
        .position(|window| window == slot)
        .context("the guest has no slot")?;
    let place = bytes.get_mut(at..at + size).context("its slot is short")?;
    let text = format!(" {words}");
    anyhow::ensure!(text.len() < place.len(), "{words} does not fit the slot");
    place.fill(0);
    place
        .iter_mut()
        .zip(text.bytes())
        .for_each(|(place, byte)| *place = byte);
    Ok(bytes)
}

/// A device with some version of the application.
#[derive(Debug)]
pub struct Sweeper {
    /// Its agent.
    pub agent: Agent,
    folder: PathBuf,
}

impl Sweeper {
    /// Enrolls it, and starts its agent.
    pub async fn start(system: &TestSystem, name: &str, version: &str) -> Result<Self> {
        let mut device = Self::enroll(system, name, version).await?;
        device.agent.start(&[])?;
        system.client.device_online(name).await?;
        Ok(device)
    }

    /// Enrolls it.
    pub async fn enroll(system: &TestSystem, name: &str, version: &str) -> Result<Self> {
        let agent = system.agent(name, None).await?;
        let folder = system.folder().join(format!("device-{name}"));
        std::fs::create_dir_all(&folder).context("no folder for the device")?;
        let program = folder.join("sweep.sh");
        // What it got it writes down; where there is a file `hold`, it ends when that is gone.
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo 'Sweep {version}'; exit; }}\n\
             cd '{}' || exit 99\necho \"$@\" >> swept\nwhile [ -e hold ]; do sleep 0.02; done\n",
            folder.display()
        );
        std::fs::write(&program, text)
            .and_then(|()| {
                std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))
            })
            .with_context(|| format!("cannot write {}", program.display()))?;
        let text = connector(
            CHANGING,
            &program,
            ("sweep", r"Sweep (\S+)"),
            ALWAYS,
            &[("sweep", program.clone())],
        );
        agent.connector("sweep", &text)?;
        Ok(Self { agent, folder })
    }

    /// What its program was started with, each time.
    pub fn swept(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.join("swept")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Lets its program wait until [`Sweeper::go_on`].
    pub fn hold(&self) -> Result<()> {
        std::fs::write(self.folder.join("hold"), "").context("cannot hold the program")
    }

    /// Lets it end.
    pub fn go_on(&self) -> Result<()> {
        std::fs::remove_file(self.folder.join("hold")).context("cannot let the program go on")
    }
}

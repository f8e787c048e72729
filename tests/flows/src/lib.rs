//! What the flows of the whole system share: devices, and tasks for them.
//!
//! Most flows are not about ClamAV but about what happens around it. They use its plug-in as it is,
//! and a connector that maps its programs to scripts of the test ([`Device`]): the contract between
//! plug-in and device is the real one, and the test decides what the program does and when.
//! What the real programs do is in `tests/scan.rs`.

mod between;
mod capable;
mod changing;
mod liar;
mod places;
mod real;
mod sealed;
mod second;
mod secrets;
mod tidy;
mod timed;
mod transfer;
mod trial;
mod witness;

pub use between::{Between, Then};
pub use capable::{CAPABLE, capable};
pub use changing::{CHANGING, Sweeper, changing, changing_release, changing_upload, sweep};
pub use liar::Liar;
pub use places::{ELSEWHERE, places};
pub use real::{done, prepare};
pub use sealed::{Sealed, Teller, with_secrets};
pub use second::{
    FOUND, SCANNER_ARGUMENTS, SECOND_VERSION, WARNED, clamav_of_version, first_clamav,
    second_clamav,
};
pub use secrets::Needles;
pub use tidy::{State, revisions, tidy};
pub use timed::{Timed, assigned, assigned_to, run_of, runs, scheduled, stands};
pub use transfer::{import, import_done, import_plan};
pub use trial::{CRASH_AT, Trial, killed};
pub use witness::Witness;

use anyhow::{Context as _, Result};
use muster_api::task::{ScopeRequest, TaskCreate};
use muster_domain::scope::Membership;
use muster_test_harness::{Agent, Environment, TestSystem};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// ClamAV's application id.
pub const CLAMAV: &str = "net.clamav.clamav";
/// AIDE's application id.
pub const AIDE: &str = "net.aide.aide";

/// For a server on which what loops has all its time, however busy the machine is.
pub const PATIENT: (&str, &str) = ("MUSTER_SERVER_PLUG_INS_BY_THE_CLOCK", "1000");

/// When the application is running, for a connector: as soon as it is installed.
pub const ALWAYS: &str = "when = \"installed\"";

/// The file and the signature that [`DETECTS`] tells of.
pub const DETECTION: (&str, &str) = ("/files/marked", "Muster.Test-1");

/// A scanner that finds one threat, and notes in the folder of its device that it was at work.
pub const DETECTS: &str = "echo scanned >> effects\n\
    echo '/files/marked: Muster.Test-1 FOUND'\n\
    echo 'Scanned files: 2'\n\
    echo 'Infected files: 1'\n\
    exit 1";

/// The same, as soon as there is a file `gate` in the folder of its device.
pub const WAITS_THEN_DETECTS: &str = "echo begun >> begun\n\
    while [ ! -e gate ]; do sleep 0.02; done\n\
    echo scanned >> effects\n\
    echo '/files/marked: Muster.Test-1 FOUND'\n\
    echo 'Scanned files: 2'\n\
    echo 'Infected files: 1'\n\
    exit 1";

/// A device whose ClamAV is scripts of the test, each at work in [`Device::folder`].
#[derive(Debug)]
pub struct Device {
    /// Its agent.
    pub agent: Agent,
    folder: PathBuf,
}

impl Device {
    /// Enrolls it, with a scanner of this script, and starts its agent.
    pub async fn start(system: &TestSystem, name: &str, scanner: &str) -> Result<Self> {
        let mut device = Self::enroll(system, name, scanner, ALWAYS).await?;
        device.agent.start(&[])?;
        system.client.device_online(name).await?;
        Ok(device)
    }

    /// Enrolls it; its agent does not run yet.
    pub async fn enroll(
        system: &TestSystem,
        name: &str,
        scanner: &str,
        running: &str,
    ) -> Result<Self> {
        let agent = system.agent(name, None).await?;
        let folder = system.folder().join(format!("device-{name}"));
        std::fs::create_dir_all(&folder).context("no folder for the device")?;
        let device = Self { agent, folder };
        let scanner = device.script("clamscan", scanner)?;
        device.connector(
            running,
            &[("clamscan", scanner), ("find", "/bin/true".into())],
        )?;
        Ok(device)
    }

    /// Where its scripts are at work.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes an executable of `sh` that is at work in the device's folder. Asked for its version it
    /// says that of a ClamAV.
    pub fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(format!("{name}.sh"));
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo 'ClamAV 1.4.3'; exit; }}\ncd '{}' || exit 99\n{text}\n",
            self.folder.display()
        );
        std::fs::write(&path, text)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Writes its connector for ClamAV.
    pub fn connector(&self, running: &str, programs: &[(&str, PathBuf)]) -> Result<PathBuf> {
        let installed = self.folder.join("clamscan.sh");
        let text = connector(
            CLAMAV,
            &installed,
            ("clamscan", r"ClamAV (\S+)"),
            running,
            programs,
        );
        self.agent.connector("clamav", &text)
    }

    /// Makes a file in its folder.
    pub fn touch(&self, name: &str) -> Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, "").with_context(|| format!("cannot write {}", path.display()))
    }

    /// Removes a file of its folder, if it is there.
    pub fn remove(&self, name: &str) {
        let _ = std::fs::remove_file(self.folder.join(name));
    }

    /// How many lines a file in its folder has; none if it is not there.
    pub fn lines(&self, name: &str) -> usize {
        std::fs::read_to_string(self.folder.join(name))
            .unwrap_or_default()
            .lines()
            .count()
    }

    /// Starts its agent anew, with an environment of its own.
    pub fn restart(&mut self, environment: Environment<'_>) -> Result<()> {
        self.agent.start(environment)
    }
}

/// The text of a connector.
pub fn connector(
    application: &str,
    installed: &Path,
    version: (&str, &str),
    running: &str,
    programs: &[(&str, PathBuf)],
) -> String {
    let (program, pattern) = version;
    let mut text = format!(
        "application = \"{application}\"\nname = \"Application\"\n\
         [installed]\nfile = [\"{}\"]\n\
         [version]\nprogram = \"{program}\"\narguments = [\"--version\"]\npattern = '{pattern}'\n\
         [running]\n{running}\n[programs]\n",
        installed.display()
    );
    for (name, path) in programs {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name} = \"{}\"", path.display());
    }
    text
}

/// A task for all devices.
pub fn task(name: &str, application: &str, task_type: &str, settings: Value) -> TaskCreate {
    TaskCreate {
        name: name.into(),
        application: application.into(),
        task_type: task_type.into(),
        scope: ScopeRequest::Group {
            group: "/".into(),
            subgroups: true,
            excluded: vec![],
            only: None,
            membership: Membership::default(),
        },
        settings: Some(settings),
        time_limit: None,
        schedule: None,
        rollout: None,
        allow_plain: vec![],
    }
}

/// A scan of one folder, for all devices.
pub fn scan(name: &str) -> TaskCreate {
    let settings = json!({ "area": "paths", "paths": ["/files"] });
    task(name, CLAMAV, "scan", settings)
}

/// A system with ClamAV's plug-in.
pub async fn system_with_clamav() -> Result<TestSystem> {
    system_with_clamav_in(&[]).await
}

/// The same, in an environment.
pub async fn system_with_clamav_in(environment: Environment<'_>) -> Result<TestSystem> {
    let system = TestSystem::start_with(environment).await?;
    let plugin = system.programs.plugin("clamav")?;
    system.client.plugin_install(&plugin).await?;
    Ok(system)
}

//! Database containers (`.cvd`, `.cld`, `.cud`), as `sigtool --info` tells of them.

use muster_sdk::{JsonSchema, Meaning, Report, Step, StepReport};
use serde::Serialize;

/// Where Linux distributions keep the databases.
pub(crate) const FOLDER: &str = "/var/lib/clamav";
/// ClamAV's own. Which of the two forms there is depends on how it was updated.
pub(crate) const OFFICIAL: [&str; 6] = [
    "main.cvd",
    "main.cld",
    "daily.cvd",
    "daily.cld",
    "bytecode.cvd",
    "bytecode.cld",
];

/// What a container says of itself.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Container<'a> {
    /// # Database
    /// Such as daily.cvd.
    #[serde(rename = "database")]
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// # Build time
    /// In sigtool's form, such as 24 Nov 2026 06:30 +0000.
    pub(crate) built: &'a str,
    pub(crate) signatures: u64,
}

/// Whether a database of this file name is a container.
pub(crate) fn is_container(name: &str) -> bool {
    [".cvd", ".cld", ".cud"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Asks a container. One that is missing is no failure.
pub(crate) fn ask(folder: &str, name: &str) -> Step {
    Step::run("sigtool")
        .args([format!("--info={}/{name}", folder.trim_end_matches('/'))])
        .status(0..=1, Meaning::Succeeded)
        .keep(2048, 512)
}

/// The containers that answered.
pub(crate) fn told(report: &Report) -> impl Iterator<Item = Container<'_>> {
    report
        .steps
        .iter()
        .filter(|step| step.program == "sigtool" && step.status() == Some(0))
        .filter_map(read)
}

fn read(step: &StepReport) -> Option<Container<'_>> {
    let value = |name: &str| {
        step.output()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let file = value("File: ")?;
    Some(Container {
        name: file.rsplit('/').next().unwrap_or(file),
        version: value("Version: ")?,
        built: value("Build time: ")?,
        signatures: value("Signatures: ")?.parse().ok()?,
    })
}

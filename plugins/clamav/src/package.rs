//! `install` and `remove`: ClamAV from the distribution's packages.

use crate::{linux_only, output};
use muster_sdk::{
    ApplicationState, Command, Event, EventKind, Findings, JsonSchema, Mark, Meaning, NoFields,
    Outcome, Profile, Refusal, Report, Severity, Step, Task, TaskType, at, task_type,
};
use serde::Deserialize;

/// Its value is the package manager's name: `apt`, `dnf`, `zypper`.
const PACKAGE_MANAGER: &str = "os.package-manager";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Manager {
    Apt,
    Dnf,
    Zypper,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Component {
    Scanner,
    Updater,
    Daemon,
}

impl Manager {
    /// The package manager of a profile, if it is one that we know.
    fn of(profile: &Profile) -> Result<Self, Refusal> {
        linux_only(profile)?;
        let known = "this plug-in knows apt, dnf and zypper";
        match profile.fact(PACKAGE_MANAGER) {
            Some("apt") => Ok(Self::Apt),
            Some("dnf") => Ok(Self::Dnf),
            Some("zypper") => Ok(Self::Zypper),
            Some(other) => Err(Refusal::Unsupported(format!(
                "The device's package manager is {other}; {known}."
            ))),
            None => Err(Refusal::Unsupported(format!(
                "The device does not tell its package manager; {known}."
            ))),
        }
    }

    fn packages(self, components: &[Component]) -> Vec<&'static str> {
        let all = [Component::Scanner, Component::Updater, Component::Daemon];
        let chosen = all
            .into_iter()
            .filter(|component| components.contains(component));
        let mut packages: Vec<&str> = chosen
            .flat_map(|component| self.package(component))
            .copied()
            .collect();
        packages.dedup();
        packages
    }

    fn package(self, component: Component) -> &'static [&'static str] {
        match (self, component) {
            (_, Component::Scanner) | (Self::Zypper, _) => &["clamav"],
            (Self::Apt, Component::Updater) => &["clamav-freshclam"],
            (Self::Apt, Component::Daemon) => &["clamav-daemon", "clamdscan"],
            (Self::Dnf, Component::Updater) => &["clamav-update"],
            (Self::Dnf, Component::Daemon) => &["clamd"],
        }
    }

    /// The package manager, asking nobody.
    fn step(self) -> Step {
        match self {
            Self::Apt => Step::run("apt-get")
                .env("DEBIAN_FRONTEND", "noninteractive")
                .args(["--yes", "--quiet", "--option=DPkg::Lock::Timeout=300"])
                .args(["--option=Dpkg::Options::=--force-confold"]),
            Self::Dnf => Step::run("dnf").args(["--assumeyes", "--quiet"]),
            Self::Zypper => Step::run("zypper")
                .arg("--non-interactive")
                .status(102, Meaning::NeedsRestart),
        }
    }
}

/// Installs it.
pub(crate) struct Install;

const INSTALLED: EventKind<NoFields> =
    EventKind::new("application-installed", "ClamAV installed", Severity::Info);
const REMOVED: EventKind<NoFields> =
    EventKind::new("application-removed", "ClamAV removed", Severity::Warning);

/// What is installed, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct InstallSettings {
    /// What is installed: scanner, the scan on demand; updater, for the signature databases; daemon,
    /// for scans through clamd.
    #[serde(default = "scanner_and_updater")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    components: Vec<Component>,
    /// # Refresh the list of packages
    /// Ask the distribution's servers for the newest packages first. If they do not answer, the list on
    /// the device is used. Only apt needs to be told.
    #[serde(default = "yes")]
    refresh: bool,
}

fn scanner_and_updater() -> Vec<Component> {
    vec![Component::Scanner, Component::Updater]
}

fn yes() -> bool {
    true
}

impl Task for Install {
    const ID: &'static str = "install";
    type Settings = InstallSettings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Install",
            "Installs ClamAV from the distribution's packages.",
        )
        .example("Scanner and updater", "{}")
        .example(
            "With the daemon",
            r#"{"components": ["scanner", "updater", "daemon"]}"#,
        )
        .facts(&[PACKAGE_MANAGER])
        .needs(ApplicationState::Nothing)
        .mark(Mark::Exclusive)
        .time_limit(1800)
        .raises(&INSTALLED)
    }

    fn validate(&self, settings: &InstallSettings, findings: &mut Findings) {
        if !settings.components.contains(&Component::Scanner) {
            findings.warning(
                at!(settings.components),
                "scanner-missing",
                "Without the scanner, tasks of the type scan do not work.",
            );
        }
    }

    fn translate(&self, settings: &InstallSettings, profile: &Profile) -> Result<Command, Refusal> {
        let manager = Manager::of(profile)?;
        let mut steps = Vec::new();
        if settings.refresh && manager == Manager::Apt {
            let refresh = manager.step().arg("update").time_limit(600);
            steps.push(refresh.status(1..=255, Meaning::Warning));
        }
        let install = manager.step().arg("install");
        let install = if manager == Manager::Apt {
            install.arg("--no-install-recommends")
        } else {
            install
        };
        steps.push(install.args(manager.packages(&settings.components)));
        Ok(steps.into())
    }

    fn interpret(&self, _: &InstallSettings, report: &Report) -> Outcome {
        let installed = INSTALLED.event("ClamAV was installed.", &NoFields {});
        ended(
            report,
            "The installation failed",
            "ClamAV is installed.",
            installed,
        )
    }
}

/// Removes it.
pub(crate) struct Remove;

/// How much of it is removed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RemoveSettings {
    /// # With its configuration
    /// Remove configuration files too. Only apt makes the difference; others keep changed files.
    #[serde(default)]
    purge: bool,
}

impl Task for Remove {
    const ID: &'static str = "remove";
    type Settings = RemoveSettings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Remove",
            "Removes ClamAV with the distribution's package manager.",
        )
        .example("Keep the configuration", "{}")
        .facts(&[PACKAGE_MANAGER])
        .needs(ApplicationState::Installed)
        .mark(Mark::Exclusive)
        .time_limit(1800)
        .raises(&REMOVED)
    }

    fn translate(&self, settings: &RemoveSettings, profile: &Profile) -> Result<Command, Refusal> {
        let manager = Manager::of(profile)?;
        let verb = match manager {
            Manager::Apt if settings.purge => "purge",
            Manager::Apt | Manager::Dnf | Manager::Zypper => "remove",
        };
        let packages: &[&str] = match manager {
            // All that make up the application; apt does not mind those that are not there.
            Manager::Apt => &[
                "clamav",
                "clamav-base",
                "clamav-freshclam",
                "clamav-daemon",
                "clamdscan",
            ],
            Manager::Dnf => &["clamav", "clamav-update", "clamd"],
            Manager::Zypper => &["clamav"],
        };
        Ok(manager
            .step()
            .arg(verb)
            .args(packages.iter().copied())
            .into())
    }

    fn interpret(&self, _: &RemoveSettings, report: &Report) -> Outcome {
        let removed = REMOVED.event("ClamAV was removed.", &NoFields {});
        ended(report, "The removal failed", "ClamAV is removed.", removed)
    }
}

fn ended(report: &Report, failed: &str, succeeded: &str, event: Event) -> Outcome {
    let last = report
        .steps
        .last()
        .filter(|_| report.trouble().is_none())
        .and_then(muster_sdk::StepReport::status);
    match last {
        Some(0) => Outcome::succeeded(succeeded).with([event]),
        Some(102) => Outcome::succeeded(succeeded).with([event]).needs_restart(),
        _ => output::failure(report, failed),
    }
}

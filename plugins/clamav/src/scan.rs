//! `scan`: looks for malware with `clamscan`, which needs no daemon.
//!
//! `find` counts the files beforehand, so that progress has a total. [`report`] reads the result.

mod report;

use crate::{linux_only, path};
use muster_sdk::{
    Command, Findings, Meaning, Outcome, Profile, ProgressRole, Refusal, Report, Severity, Step,
    Task, TaskType, pointer, task_type,
};
use serde::Deserialize;

const DAY: u32 = 24 * 3600;
/// They exist on every Linux system: clamscan takes a missing path for an error.
const QUICK: [&str; 6] = ["/tmp", "/var/tmp", "/home", "/root", "/etc", "/usr/local"];
/// They hold no files of their own.
const PSEUDO: [&str; 4] = ["/proc", "/sys", "/dev", "/run"];
const MIB: u64 = 1024 * 1024;
const MOST_LINES: u32 = 10_000;
// Detections, what became of them, errors, and the summary at the end.
const KEEP: &str = concat!(
    r": \S+ FOUND$|: moved to '|: Removed\.$|^(ERROR|WARNING|LibClamAV Error): |: Access denied$",
    r"|: Can't open |^(Scanned files|Infected files|Total errors|Not moved|Not removed|Known viruses): \d+$"
);

/// The task type.
pub(crate) struct Scan;

/// Its settings.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(default)]
    area: Area,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    exclusions: Exclusions,
    #[serde(default)]
    archives: Archives,
    max_file_size: Option<u64>,
    #[serde(default)]
    one_file_system: bool,
    #[serde(default)]
    unwanted_applications: bool,
    #[serde(default)]
    on_detection: Action,
    quarantine_folder: Option<String>,
    database_folder: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Area {
    #[default]
    Quick,
    Full,
    Paths,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exclusions {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    patterns: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Archives {
    scan: Option<bool>,
    max_recursion: Option<u32>,
    max_files: Option<u32>,
    max_scan_size: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    #[default]
    Report,
    Quarantine,
    Remove,
}

impl Settings {
    fn scanned(&self) -> Vec<&str> {
        match self.area {
            Area::Quick => QUICK.to_vec(),
            Area::Full => vec!["/"],
            Area::Paths => self.paths.iter().map(String::as_str).collect(),
        }
    }

    /// The quarantine folder, if detected files go there.
    fn quarantine(&self) -> Option<&str> {
        (self.on_detection == Action::Quarantine).then(|| {
            self.quarantine_folder
                .as_deref()
                .unwrap_or("/var/lib/muster/clamav-quarantine")
        })
    }

    /// All paths that are passed over, whether the settings name them or not.
    fn excluded(&self) -> Vec<&str> {
        let pseudo = if self.area == Area::Full {
            PSEUDO.as_slice()
        } else {
            &[]
        };
        let named = self.exclusions.paths.iter().map(String::as_str);
        named
            .chain(self.quarantine())
            .chain(pseudo.iter().copied())
            .collect()
    }
}

impl Task for Scan {
    const ID: &'static str = "scan";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Scan",
            "Looks for malware in files, with clamscan. The daemon need not run.",
        )
        .schema(include_str!("../schemas/scan.json"))
        .example("Quick scan", "{}")
        .example(
            "Full scan, detected files to quarantine",
            r#"{"area": "full", "on-detection": "quarantine", "one-file-system": true}"#,
        )
        .example(
            "Shared files, without backups and disk images",
            r#"{
                    "area": "paths",
                    "paths": ["/srv/files"],
                    "exclusions": { "paths": ["/srv/files/backup"], "patterns": ["*.iso"] },
                    "archives": { "max-recursion": 8 }
                }"#,
        )
        .time_limit(DAY)
        .event(
            "threat-detected",
            "Threat detected",
            Severity::Critical,
            include_str!("../schemas/events/threat-detected.json"),
        )
        .event(
            "file-not-scanned",
            "File not scanned",
            Severity::Warning,
            include_str!("../schemas/events/file-not-scanned.json"),
        )
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        let excluded = |index| pointer!("exclusions", "paths", index);
        check_paths(&settings.paths, &|index| pointer!("paths", index), findings);
        check_paths(&settings.exclusions.paths, &excluded, findings);
        check_area(settings, findings);
        check_exclusions(settings, findings);
        check_folders(settings, findings);
        check_sizes(settings, findings);
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        let mut steps = Vec::with_capacity(3);
        if let Some(folder) = settings.quarantine() {
            steps.push(Step::run("mkdir").args(["--parents", "--mode=0700", folder]));
        }
        steps.push(count(settings));
        steps.push(clamscan(settings));
        Ok(steps.into())
    }

    fn interpret(&self, settings: &Settings, report: &Report) -> Outcome {
        report::outcome(settings.on_detection, report)
    }
}

fn count(settings: &Settings) -> Step {
    let mut step = Step::run("find").args(settings.scanned());
    if settings.one_file_system {
        step = step.arg("-xdev");
    }
    let mut tests: Vec<[String; 2]> = Vec::new();
    for path in settings.excluded() {
        tests.push(["-path".into(), escaped_for_find(path.trim_end_matches('/'))]);
    }
    for pattern in &settings.exclusions.patterns {
        tests.push(["-name".into(), escaped_brackets(pattern)]);
    }
    let prunes = !tests.is_empty();
    for (place, test) in tests.into_iter().enumerate() {
        step = step.arg(if place == 0 { "(" } else { "-o" }).args(test);
    }
    if prunes {
        step = step.args([")", "-prune", "-o"]);
    }
    // One short line a file: names would only cost time. What cannot be read is for clamscan to say.
    step.args(["-type", "f", "-printf", ".\\n"])
        .progress(r"^\.$", ProgressRole::CountTotal)
        .status(0..=1, Meaning::Succeeded)
        .keep(0, 1024)
}

fn escaped_for_find(path: &str) -> String {
    escaped_brackets(path)
        .replace('*', "\\*")
        .replace('?', "\\?")
}

/// In find's patterns brackets and backslashes mean something; in ours only `*` and `?` do.
fn escaped_brackets(pattern: &str) -> String {
    pattern.replace('\\', "\\\\").replace('[', "\\[")
}

fn clamscan(settings: &Settings) -> Step {
    let yes_no = |name: &str, yes: bool| format!("--{name}={}", if yes { "yes" } else { "no" });
    let archives = &settings.archives;
    let mut step = Step::run("clamscan").args(["--recursive=yes", "--stdout"]);
    step = step.arg(yes_no("cross-fs", !settings.one_file_system));
    step = step.arg(yes_no("scan-archive", archives.scan.unwrap_or(true)));
    if settings.unwanted_applications {
        step = step.arg(yes_no("detect-pua", true));
    }
    // clamscan's own limit of 15 levels of folders would leave files out without a word.
    step = step.arg("--max-dir-recursion=1000");
    for (name, value) in [
        ("max-filesize", settings.max_file_size.map(|mib| mib * MIB)),
        ("max-scansize", archives.max_scan_size.map(|mib| mib * MIB)),
        ("max-recursion", archives.max_recursion.map(u64::from)),
        ("max-files", archives.max_files.map(u64::from)),
    ] {
        if let Some(value) = value {
            step = step.arg(format!("--{name}={value}"));
        }
    }
    for path in settings.excluded() {
        let regex = path::to_regex(path);
        step = step
            .arg(format!("--exclude={regex}"))
            .arg(format!("--exclude-dir={regex}"));
    }
    for pattern in &settings.exclusions.patterns {
        let regex = path::glob_to_regex(pattern);
        step = step
            .arg(format!("--exclude={regex}"))
            .arg(format!("--exclude-dir={regex}"));
    }
    if let Some(folder) = &settings.database_folder {
        step = step.arg(format!("--database={folder}"));
    }
    step = match (settings.on_detection, settings.quarantine()) {
        (Action::Quarantine, Some(folder)) => step.arg(format!("--move={folder}")),
        (Action::Remove, _) => step.arg(yes_no("remove", true)),
        _ => step,
    };
    step.args(settings.scanned())
        .progress(r": (OK|Empty file|\S+ FOUND)$", ProgressRole::CountDone)
        .status(0..=0, Meaning::Succeeded)
        .status(1..=1, Meaning::Warning)
        .keep(2048, 4096)
        .keep_lines(KEEP, MOST_LINES)
}

fn check_paths(paths: &[String], pointer: &dyn Fn(usize) -> String, findings: &mut Findings) {
    for (index, path) in paths.iter().enumerate() {
        if !path::check(path, &|| pointer(index), findings) {
            continue;
        }
        let before = paths.iter().take(index);
        if let Some(other) = before.clone().find(|other| path::same(other, path)) {
            findings
                .warning(
                    pointer(index),
                    "path-twice",
                    format!("{path} stands in the list twice."),
                )
                .param("path", other);
        } else if let Some(other) = paths
            .iter()
            .find(|other| !path::same(other, path) && path::covers(other, path))
        {
            findings
                .warning(
                    pointer(index),
                    "paths-overlap",
                    format!("{path} lies below {other}, which is in the list already."),
                )
                .param("path", path)
                .param("other", other);
        }
    }
}

fn check_area(settings: &Settings, findings: &mut Findings) {
    match settings.area {
        Area::Paths if settings.paths.is_empty() => {
            findings.error(
                pointer!("paths"),
                "paths-missing",
                "The area is paths, and no path is given; give one, or choose another area.",
            );
        }
        Area::Quick | Area::Full if !settings.paths.is_empty() => {
            findings.warning(
                pointer!("paths"),
                "paths-unused",
                "Paths are only looked at when the area is paths.",
            );
        }
        _ => {}
    }
}

fn check_exclusions(settings: &Settings, findings: &mut Findings) {
    let scanned = settings.scanned();
    let mut left: Vec<&str> = scanned.clone();
    for (index, excluded) in settings.exclusions.paths.iter().enumerate() {
        for path in scanned.iter().filter(|path| path::covers(excluded, path)) {
            findings
                .warning(
                    pointer!("exclusions", "paths", index),
                    "exclusion-covers-path",
                    format!("{excluded} is excluded, so {path} is not scanned at all."),
                )
                .param("exclusion", excluded)
                .param("path", path);
        }
        left.retain(|path| !path::covers(excluded, path));
        if !scanned
            .iter()
            .any(|path| path::covers(path, excluded) || path::covers(excluded, path))
        {
            findings
                .notice(
                    pointer!("exclusions", "paths", index),
                    "exclusion-without-effect",
                    format!("{excluded} lies outside of what is scanned."),
                )
                .param("exclusion", excluded);
        }
    }
    if left.is_empty() && !scanned.is_empty() {
        findings.error(
            pointer!("exclusions", "paths"),
            "nothing-to-scan",
            "Everything that would be scanned is excluded.",
        );
    }
    for (index, pattern) in settings.exclusions.patterns.iter().enumerate() {
        if pattern.chars().all(|c| c == '*') {
            findings.error(
                pointer!("exclusions", "patterns", index),
                "pattern-covers-all",
                format!("{pattern} is every file; nothing would be scanned."),
            );
        } else if pattern.contains('/') || pattern.chars().any(char::is_control) {
            findings.error(
                pointer!("exclusions", "patterns", index),
                "pattern-not-a-name",
                format!("{pattern:?} is no file name; exclude folders as paths."),
            );
        }
    }
}

fn check_folders(settings: &Settings, findings: &mut Findings) {
    if let Some(folder) = &settings.database_folder {
        path::check(folder, &|| pointer!("database-folder"), findings);
    }
    let Some(folder) = &settings.quarantine_folder else {
        return;
    };
    if !path::check(folder, &|| pointer!("quarantine-folder"), findings) {
        return;
    }
    if settings.on_detection != Action::Quarantine {
        findings.warning(
            pointer!("quarantine-folder"),
            "quarantine-folder-unused",
            "The quarantine folder is only used when on-detection is quarantine.",
        );
    } else if path::same(folder, "/") {
        findings.error(
            pointer!("quarantine-folder"),
            "quarantine-folder-is-root",
            "The quarantine needs a folder of its own, not /.",
        );
    } else if let Some(path) = settings
        .scanned()
        .into_iter()
        .find(|path| path::covers(folder, path))
    {
        findings
            .error(
                pointer!("quarantine-folder"),
                "quarantine-folder-covers-path",
                format!("{path} lies in the quarantine folder and would not be scanned."),
            )
            .param("path", path);
    } else if settings.area == Area::Paths
        && let Some(path) = settings
            .scanned()
            .into_iter()
            .find(|path| path::covers(path, folder))
    {
        findings
            .warning(
                pointer!("quarantine-folder"),
                "quarantine-folder-inside-path",
                format!("The quarantine folder lies in {path}; it is left out of the scan."),
            )
            .param("path", path);
    }
}

fn check_sizes(settings: &Settings, findings: &mut Findings) {
    let archives = &settings.archives;
    if let (Some(file), Some(scan)) = (settings.max_file_size, archives.max_scan_size)
        && scan < file
    {
        findings
            .warning(
                pointer!("archives", "max-scan-size"),
                "scan-size-below-file-size",
                format!("At most {scan} MiB of an archive are scanned, though files of {file} MiB are taken."),
            )
            .param("max-scan-size", scan)
            .param("max-file-size", file);
    }
    let limits = [
        ("max-recursion", archives.max_recursion.is_some()),
        ("max-files", archives.max_files.is_some()),
    ];
    for (name, _) in limits
        .iter()
        .filter(|(_, set)| *set && archives.scan == Some(false))
    {
        findings.notice(
            pointer!("archives", name),
            "archive-limit-unused",
            "Archives are not looked into, so the limit has no effect.",
        );
    }
}

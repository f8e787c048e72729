//! `scan`: looks for malware with `clamscan`, which needs no daemon.
//!
//! `find` counts the files beforehand, so that progress has a total. [`report`] reads the result.

mod report;

use crate::{linux_only, path};
use muster_sdk::{
    Command, Findings, JsonSchema, Meaning, Outcome, Profile, ProgressRule, Refusal, Report, Step,
    Task, TaskType, at, task_type,
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

/// What is scanned, and what becomes of what is found.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(
    title = "Scan",
    extend("if" = { "properties": { "area": { "const": "paths" } }, "required": ["area"] }),
    extend("then" = { "required": ["paths"] })
)]
pub(crate) struct Settings {
    /// What is scanned: quick, where malware usually settles (temporary folders, home folders, /etc,
    /// /usr/local); full, the whole file system without /proc, /sys, /dev and /run; paths, the list
    /// below.
    #[serde(default)]
    area: Area,
    /// Folders and files to scan, for the area paths.
    #[serde(default)]
    #[schemars(
        length(min = 1, max = 500),
        inner(length(min = 1, max = 4096), extend("examples" = ["/srv/files"]))
    )]
    paths: Vec<String>,
    /// What is passed over.
    #[serde(default)]
    exclusions: Exclusions,
    /// How archives, disk images and documents with content of their own are looked into.
    #[serde(default)]
    archives: Archives,
    /// # Largest file (MiB)
    /// Larger files are taken for clean without a scan.
    // Where a default is told and not set, it is ClamAV's own.
    #[schemars(range(min = 1, max = 2000), extend("default" = 100))]
    max_file_size: Option<u64>,
    /// Stay on the file systems of the scanned paths: no network shares or other disks that are
    /// mounted below them.
    #[serde(default)]
    one_file_system: bool,
    /// Detect possibly unwanted applications too.
    #[serde(default)]
    unwanted_applications: bool,
    /// What becomes of a detected file: report leaves it where it is; quarantine moves it to the
    /// quarantine folder; remove deletes it.
    #[serde(default)]
    on_detection: Action,
    /// Where detected files are moved. It is made if need be, for the superuser alone, and never
    /// scanned.
    #[schemars(
        length(min = 1, max = 4096),
        extend("default" = "/var/lib/muster/clamav-quarantine"),
        example = "/srv/files"
    )]
    quarantine_folder: Option<String>,
    /// Where the signature databases are; ClamAV's own folder if not given.
    #[schemars(length(min = 1, max = 4096), example = "/srv/files")]
    database_folder: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Area {
    #[default]
    Quick,
    Full,
    Paths,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Exclusions {
    /// Folders and files, with all that lies below them.
    #[serde(default)]
    #[schemars(
        length(max = 500),
        inner(length(min = 1, max = 4096), extend("examples" = ["/srv/files"]))
    )]
    paths: Vec<String>,
    /// # File names
    /// Names of files, where * stands for any characters and ? for one.
    #[serde(default)]
    #[schemars(
        length(max = 200),
        inner(length(min = 1, max = 200), regex(pattern = r"^[^/\u0000-\u001f]+$")),
        example = ["*.iso", "*.vmdk"]
    )]
    patterns: Vec<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Archives {
    /// # Look into archives
    /// Whether the content of archives is scanned too.
    #[schemars(extend("default" = true))]
    scan: Option<bool>,
    /// # Nesting
    /// How deep an archive within an archive is followed.
    #[schemars(range(min = 1, max = 100), extend("default" = 17))]
    max_recursion: Option<u32>,
    /// # Files
    /// How many files of one archive are scanned.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 10000))]
    max_files: Option<u32>,
    /// # Data (MiB)
    /// How much data of one archive is scanned.
    #[schemars(range(min = 1, max = 4000), extend("default" = 400))]
    max_scan_size: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
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
        .raises(&report::THREAT)
        .raises(&report::NOT_SCANNED)
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        let excluded = |index| at!(settings.exclusions.paths[index]);
        check_paths(
            &settings.paths,
            &|index| at!(settings.paths[index]),
            findings,
        );
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
        .progress(ProgressRule::one_to_do(r"^\.$"))
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
        .progress(ProgressRule::one_done(r": (OK|Empty file|\S+ FOUND)$"))
        .status(1, Meaning::Warning)
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
                at!(settings.paths),
                "paths-missing",
                "The area is paths, and no path is given; give one, or choose another area.",
            );
        }
        Area::Quick | Area::Full if !settings.paths.is_empty() => {
            findings.warning(
                at!(settings.paths),
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
                    at!(settings.exclusions.paths[index]),
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
                    at!(settings.exclusions.paths[index]),
                    "exclusion-without-effect",
                    format!("{excluded} lies outside of what is scanned."),
                )
                .param("exclusion", excluded);
        }
    }
    if left.is_empty() && !scanned.is_empty() {
        findings.error(
            at!(settings.exclusions.paths),
            "nothing-to-scan",
            "Everything that would be scanned is excluded.",
        );
    }
    for (index, pattern) in settings.exclusions.patterns.iter().enumerate() {
        if pattern.chars().all(|c| c == '*') {
            findings.error(
                at!(settings.exclusions.patterns[index]),
                "pattern-covers-all",
                format!("{pattern} is every file; nothing would be scanned."),
            );
        } else if pattern.contains('/') || pattern.chars().any(char::is_control) {
            findings.error(
                at!(settings.exclusions.patterns[index]),
                "pattern-not-a-name",
                format!("{pattern:?} is no file name; exclude folders as paths."),
            );
        }
    }
}

fn check_folders(settings: &Settings, findings: &mut Findings) {
    if let Some(folder) = &settings.database_folder {
        path::check(folder, &|| at!(settings.database_folder), findings);
    }
    let Some(folder) = &settings.quarantine_folder else {
        return;
    };
    if !path::check(folder, &|| at!(settings.quarantine_folder), findings) {
        return;
    }
    if settings.on_detection != Action::Quarantine {
        findings.warning(
            at!(settings.quarantine_folder),
            "quarantine-folder-unused",
            "The quarantine folder is only used when on-detection is quarantine.",
        );
    } else if path::same(folder, "/") {
        findings.error(
            at!(settings.quarantine_folder),
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
                at!(settings.quarantine_folder),
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
                at!(settings.quarantine_folder),
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
                at!(settings.archives.max_scan_size),
                "scan-size-below-file-size",
                format!("At most {scan} MiB of an archive are scanned, though files of {file} MiB are taken."),
            )
            .param("max-scan-size", scan)
            .param("max-file-size", file);
    }
    let limits = [
        (
            at!(settings.archives.max_recursion),
            archives.max_recursion.is_some(),
        ),
        (
            at!(settings.archives.max_files),
            archives.max_files.is_some(),
        ),
    ];
    for (pointer, _) in limits
        .into_iter()
        .filter(|(_, set)| *set && archives.scan == Some(false))
    {
        findings.notice(
            pointer,
            "archive-limit-unused",
            "Archives are not looked into, so the limit has no effect.",
        );
    }
}

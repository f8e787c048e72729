//! Profiles: devices as they may be.

use super::words::Words;
use super::{Draw, text};
use crate::{Description, Profile, TaskType};

/// Platforms that devices tell, and one that nobody knows yet.
pub(crate) const PLATFORMS: [&str; 5] = ["linux", "windows", "macos", "freebsd", "plan9"];
const ARCHITECTURES: [&str; 4] = ["x86_64", "aarch64", "riscv64", "unheard-of"];
const VERSIONS: [&str; 14] = [
    "0.1.0", "0.16.1", "0.17.4", "0.18.6", "1.0.0", "1.0.9", "1.4.2", "2.0.0", "2.5.1", "3.1.0",
    "4.2.0", "5.0.0", "10.1.0", "2026.1.0",
];
/// Values that facts often have, and some that trouble readers.
const FACTS: [&str; 12] = [
    "debian",
    "ubuntu",
    "fedora",
    "arch",
    "alpine",
    "systemd",
    "true",
    "0",
    "",
    "12.5",
    "../..",
    "\u{1b}[1m\n",
];

/// The versions of the application that a server would ask this plug-in about.
pub(crate) fn versions(of: &Description) -> Vec<String> {
    let managed = VERSIONS
        .iter()
        .filter(|version| of.manages_version(version));
    managed.map(|version| (*version).to_owned()).collect()
}

/// Any device of any kind, with exactly the facts that the task type named.
pub(crate) fn draw(
    draw: &mut Draw,
    of: &Description,
    task_type: &TaskType,
    words: &Words,
) -> Profile {
    let versions = versions(of);
    let mut of_list = |list: &[&str]| {
        // Mostly the usual ones.
        let usual = if draw.once_in(3) { list.len() } else { 2 };
        list.get(draw.below(usual))
            .copied()
            .unwrap_or_default()
            .to_owned()
    };
    let (platform, architecture) = (of_list(&PLATFORMS), of_list(&ARCHITECTURES));
    let application_version = if draw.once_in(5) {
        None
    } else {
        draw.one_of(&versions).cloned()
    };
    let facts = task_type.facts.iter().map(|name| {
        let value = match draw.below(6) {
            0 => None,
            1 => Some(text::draw(draw, words, 300)),
            _ => draw.one_of(&FACTS).map(|fact| (*fact).to_owned()),
        };
        (name.clone(), value)
    });
    Profile {
        facts: facts.collect(),
        platform,
        architecture,
        application_version,
    }
}

/// The plain devices on which a task may be expected to work.
pub(crate) fn plain(of: &Description, task_type: &TaskType) -> Vec<Profile> {
    let versions = versions(of);
    let mut all = Vec::new();
    for platform in PLATFORMS {
        for version in [versions.last(), versions.first(), None] {
            for family in [None, Some(0), Some(1)] {
                let facts = task_type.facts.iter();
                let facts =
                    facts.map(|name| (name.clone(), family.map(|of| usual(name, of).to_owned())));
                let profile = Profile {
                    platform: platform.to_owned(),
                    architecture: "x86_64".to_owned(),
                    application_version: version.cloned(),
                    facts: facts.collect(),
                };
                if !all.contains(&profile) {
                    all.push(profile);
                }
            }
        }
    }
    all
}

/// What a plain device of one of two families tells of a fact, by its name.
fn usual(name: &str, family: usize) -> &'static str {
    let known = [
        ("package", ["apt", "dnf"]),
        ("init", ["systemd", "systemd"]),
        ("service", ["systemd", "systemd"]),
        ("id", ["debian", "fedora"]),
        ("distribution", ["debian", "fedora"]),
        ("version", ["12", "42"]),
    ];
    let found = known.iter().find(|(part, _)| name.contains(part));
    let values = found.map_or(["debian", "fedora"], |(_, values)| *values);
    values.get(family).copied().unwrap_or_default()
}

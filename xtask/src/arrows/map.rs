//! The map, and the arrows that climb on it.

/// A crate of the workspace.
pub(super) struct Crate {
    pub(super) name: String,
    /// Its folder in the checkout.
    pub(super) folder: String,
    pub(super) uses: Vec<Use>,
}

/// An arrow to another crate of the workspace.
pub(super) struct Use {
    pub(super) name: String,
    /// Only its tests do.
    pub(super) in_tests: bool,
}

/// The folders of `host/` by level.
const LEVELS: [&[&str]; 4] = [
    &["domain", "clock"],
    &["plugin-host", "storage", "release", "api", "agent-protocol"],
    &["app"],
    &["server", "agent", "cli"],
];

/// Programs that run away from the server: each knows it by its messages alone.
const AWAY: [(&str, &str); 2] = [("agent", "agent-protocol"), ("cli", "api")];

/// The folders of `host/` that the authors' harness is made of.
const HARNESS_KNOWS: [&str; 2] = ["domain", "plugin-host"];

/// What a vendor hands over is the same on both sides: the command line packs it, the server opens it.
const HANDED_OVER: &str = "release";

/// Where a crate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side<'a> {
    /// Native, in the product.
    Host { folder: &'a str, level: usize },
    /// For plug-in authors; runs in wasm.
    Sdk,
    /// For plug-in authors; native, runs plug-ins on the server's own plug-in host.
    Harness,
    /// What is done with components as files; native, and knows nobody.
    Component,
    /// A management plug-in.
    Plugin,
    /// Tests and developer commands: they see everything, nobody sees them.
    Test,
    /// Knows nobody, everybody may know it.
    CrashPoint,
}

impl<'a> Side<'a> {
    fn of(folder: &'a str) -> Option<Self> {
        let (top, rest) = folder.split_once('/').unwrap_or((folder, ""));
        match (top, rest) {
            ("host", folder) => {
                let level = LEVELS.iter().position(|level| level.contains(&folder))?;
                Some(Self::Host { folder, level })
            }
            ("sdk", "harness") => Some(Self::Harness),
            // The guest of its own tests.
            ("sdk", "harness/tests/faults") => Some(Self::Test),
            ("sdk", "component") => Some(Self::Component),
            ("sdk", _) => Some(Self::Sdk),
            ("plugins", _) => Some(Self::Plugin),
            ("tests", "crash-point") => Some(Self::CrashPoint),
            ("tests", _) | ("xtask", "") => Some(Self::Test),
            _ => None,
        }
    }
}

/// One line for each arrow that should not be, with the reason; empty if all is well.
pub(super) fn climbing(crates: &[Crate]) -> Vec<String> {
    let mut wrong = Vec::new();
    for from in crates {
        let Some(side) = Side::of(&from.folder) else {
            wrong.push(format!(
                "{} in {} has no place on the map: give it one in xtask/src/arrows/map.rs and in ARCHITECTURE.md",
                from.name, from.folder
            ));
            continue;
        };
        for arrow in &from.uses {
            let Some(to) = crates.iter().find(|to| to.name == arrow.name) else {
                continue;
            };
            // A crate without a place is told of above, once.
            let Some(reason) =
                Side::of(&to.folder).and_then(|to| refused(side, to, arrow.in_tests))
            else {
                continue;
            };
            wrong.push(format!("{} -> {}: {reason}", from.name, to.name));
        }
    }
    wrong
}

/// Why there must be no arrow from one place to the other.
fn refused(from: Side<'_>, to: Side<'_>, in_tests: bool) -> Option<String> {
    match (from, to) {
        (Side::CrashPoint, _) => {
            Some("crash points depend on nothing of ours, so that everything may use them".into())
        }
        (Side::Test, _)
        | (_, Side::CrashPoint)
        | (Side::Plugin | Side::Sdk, Side::Sdk)
        | (Side::Harness, Side::Harness)
        | (Side::Host { folder: "cli", .. }, Side::Harness | Side::Component) => None,
        (_, Side::Test) | (Side::Sdk | Side::Plugin, Side::Harness) if in_tests => None,
        (_, Side::Test) => Some("nothing that ships depends on tests or developer commands".into()),
        (
            Side::Host { folder, level },
            Side::Host {
                folder: to,
                level: to_level,
            },
        ) => between_hosts(folder, level, to, to_level),
        (Side::Harness, Side::Host { folder, .. }) => {
            (!HARNESS_KNOWS.contains(&folder)).then(|| {
                format!(
                    "the harness knows {} alone",
                    HARNESS_KNOWS
                        .map(|known| format!("host/{known}"))
                        .join(" and ")
                )
            })
        }
        (Side::Host { .. }, Side::Harness) => {
            Some("the harness is for authors: of the programs, host/cli alone knows it".into())
        }
        (Side::Sdk | Side::Plugin, Side::Harness) | (Side::Harness, Side::Sdk | Side::Plugin) => {
            Some("harness and guests share wit/ and no Rust".into())
        }
        (Side::Component, _) => {
            Some("what is done with components as files knows nobody of ours".into())
        }
        (_, Side::Component) => Some(
            "components are made for authors: of the programs, host/cli alone knows how".into(),
        ),
        (Side::Plugin, Side::Plugin) => Some("a plug-in knows no other plug-in".into()),
        (Side::Sdk, Side::Plugin) => {
            Some("the SDK is below the plug-ins: this arrow climbs".into())
        }
        (Side::Host { .. }, Side::Sdk | Side::Plugin)
        | (Side::Sdk | Side::Plugin, Side::Host { .. }) => {
            Some("host and guests share wit/ and no Rust".into())
        }
    }
}

fn between_hosts(folder: &str, level: usize, to: &str, to_level: usize) -> Option<String> {
    if to_level > level {
        return Some(format!("it climbs from level {level} to level {to_level}"));
    }
    // Its own tests know a crate with features that it does not have where it ships.
    if folder == to {
        return None;
    }
    if to_level == level {
        return Some(format!(
            "neighbours on level {level} do not know each other"
        ));
    }
    let (_, messages) = AWAY.iter().find(|(program, _)| *program == folder)?;
    let known = to == *messages || (folder == "cli" && to == HANDED_OVER);
    (to_level > 0 && !known).then(|| {
        format!("host/{folder} runs away from the server and knows it by host/{messages} alone (and the words of host/domain)")
    })
}

#[cfg(test)]
mod tests {
    use super::{Crate, Use, climbing};

    /// `folder -> folder, folder*`: crates are named after their folders, `*` marks an arrow that
    /// only tests need. Folders that are only pointed at are added by themselves.
    fn graph(lines: &[&str]) -> Vec<Crate> {
        let mut crates: Vec<Crate> = Vec::new();
        for line in lines {
            let (folder, uses) = line.split_once(" -> ").unwrap_or((line, ""));
            let uses: Vec<Use> = uses
                .split(", ")
                .filter(|name| !name.is_empty())
                .map(|name| Use {
                    name: name.trim_end_matches('*').into(),
                    in_tests: name.ends_with('*'),
                })
                .collect();
            for name in std::iter::once(folder).chain(uses.iter().map(|arrow| arrow.name.as_str()))
            {
                if !crates.iter().any(|known| known.name == name) {
                    crates.push(Crate {
                        name: name.into(),
                        folder: name.into(),
                        uses: Vec::new(),
                    });
                }
            }
            crates
                .iter_mut()
                .find(|known| known.name == folder)
                .unwrap()
                .uses
                .extend(uses);
        }
        crates
    }

    #[test]
    fn the_map_as_it_is_meant() {
        let good = graph(&[
            "host/plugin-host -> host/domain, tests/crash-point, tests/harness*",
            "host/app -> host/storage, host/plugin-host, host/domain",
            "host/server -> host/app, host/api, host/agent-protocol, host/storage, host/plugin-host, host/domain",
            "host/agent -> host/agent-protocol, host/domain, tests/crash-point",
            "host/cli -> host/api, host/release, host/domain, sdk/component",
            "plugins/clamav -> sdk/rust",
            "tests/flows -> tests/harness, host/server, plugins/clamav",
            "sdk/harness -> host/plugin-host, host/domain, tests/harness*",
            "host/cli -> sdk/harness",
            "plugins/clamav -> sdk/harness*",
            "xtask -> host/domain, sdk/component",
        ]);
        assert_eq!(climbing(&good), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_climbs_is_named() {
        for (line, reason) in [
            ("host/domain -> host/api", "climbs from level 0 to level 1"),
            ("host/storage -> host/app", "climbs from level 1 to level 2"),
            (
                "host/storage -> host/app*",
                "climbs from level 1 to level 2",
            ),
            ("host/app -> host/server", "climbs from level 2 to level 3"),
            ("host/storage -> host/plugin-host", "neighbours on level 1"),
            ("host/cli -> host/agent", "neighbours on level 3"),
            (
                "host/agent -> host/api",
                "knows it by host/agent-protocol alone",
            ),
            (
                "host/agent -> host/app",
                "knows it by host/agent-protocol alone",
            ),
            (
                "host/agent -> host/release",
                "knows it by host/agent-protocol alone",
            ),
            ("host/cli -> host/storage", "knows it by host/api alone"),
            ("host/app -> sdk/rust", "share wit/ and no Rust"),
            ("plugins/clamav -> host/domain", "share wit/ and no Rust"),
            ("plugins/clamav -> plugins/aide", "knows no other plug-in"),
            ("sdk/rust -> plugins/aide", "below the plug-ins"),
            (
                "sdk/harness -> host/app",
                "knows host/domain and host/plugin-host alone",
            ),
            ("sdk/harness -> sdk/rust", "share wit/ and no Rust"),
            ("host/server -> sdk/harness", "host/cli alone knows it"),
            ("plugins/clamav -> sdk/harness", "share wit/ and no Rust"),
            ("sdk/component -> host/domain", "knows nobody"),
            ("host/server -> sdk/component", "host/cli alone"),
            ("host/server -> tests/harness", "depends on tests"),
            (
                "host/api -> xtask",
                "depends on tests or developer commands",
            ),
            (
                "tests/crash-point -> host/domain",
                "depend on nothing of ours",
            ),
        ] {
            let wrong = climbing(&graph(&[line]));
            assert_eq!(wrong.len(), 1, "{line}: {wrong:?}");
            let arrow = line.trim_end_matches('*');
            assert!(
                wrong[0].starts_with(arrow) && wrong[0].contains(reason),
                "{line}: {wrong:?}"
            );
        }
    }

    #[test]
    fn a_crate_without_a_place_is_told_once() {
        let wrong = climbing(&graph(&[
            "host/helpers -> host/domain",
            "host/app -> host/helpers",
        ]));
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(
            wrong[0].contains("host/helpers has no place on the map"),
            "{wrong:?}"
        );
    }
}

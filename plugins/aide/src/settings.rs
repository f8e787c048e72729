//! The settings of all three task types, and AIDE's configuration that comes of them.

use muster_sdk::{Findings, JsonSchema, Profile, Refusal, Step, at, path};
use serde::Deserialize;

const FOLDER: &str = "/var/lib/muster/aide";
/// Entries, their counts and headings in AIDE's report, and what it says when it fails.
const KEEP: &str = concat!(
    r#"^    "/.*": ".*",?$|^    "(total|added|removed|changed)": \d+,?$"#,
    r#"|^  "(added|removed|changed)": \{$|^ *(ERROR|WARNING): "#
);

/// What is watched, and where its state is kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// Folders and files that are watched, with all that lies below them. Names that are not UTF-8 are
    /// passed over by AIDE itself.
    #[schemars(
        length(min = 1, max = 500),
        inner(length(min = 1, max = 4096), extend("examples" = ["/etc"]))
    )]
    pub(crate) paths: Vec<String>,
    /// Folders and files below the paths that are not watched.
    #[serde(default)]
    #[schemars(
        length(max = 500),
        inner(length(min = 1, max = 4096), extend("examples" = ["/etc"]))
    )]
    pub(crate) exclusions: Vec<String>,
    /// # What counts as a change
    /// contents: type, owner, permissions, size and contents; permissions: type, owner, permissions,
    /// access lists, whatever is in the file; everything: times, inodes and extended attributes as
    /// well; growing: for logs, which may grow.
    #[serde(default)]
    pub(crate) level: Level,
    /// Where AIDE's database is kept on the device. All tasks that belong together name the same.
    #[serde(default = "folder")]
    #[schemars(length(min = 1, max = 1024))]
    pub(crate) database_folder: String,
}

pub(crate) fn folder() -> String {
    FOLDER.into()
}

#[derive(Debug, Default, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    #[default]
    Contents,
    Permissions,
    Everything,
    Growing,
}

impl Level {
    /// In AIDE's letters: p permissions, u g owner and group, s size, S growing size, n links,
    /// i inode, m c times, l where a link leads, ftype what it is.
    fn attributes(self) -> &'static str {
        match self {
            Self::Contents => "ftype+l+p+u+g+n+s+sha256",
            Self::Permissions => "ftype+l+p+u+g+n+acl+selinux+caps",
            Self::Everything => "ftype+l+p+u+g+n+s+i+m+c+sha256+acl+selinux+xattrs+caps",
            Self::Growing => "ftype+p+u+g+n+S",
        }
    }
}

impl Settings {
    /// The folder of the database.
    pub(crate) fn folder(&self) -> &str {
        self.database_folder.trim_end_matches('/')
    }

    /// The database that checks compare with.
    pub(crate) fn database(&self) -> String {
        format!("{}/aide.db", self.folder())
    }

    /// Where AIDE writes a new one.
    fn new_database(&self) -> String {
        format!("{}/aide.db.new", self.folder())
    }

    /// AIDE with one of its commands; its configuration comes by standard input.
    pub(crate) fn aide(&self, command: &str) -> Step {
        Step::run("aide")
            .args(["--config=-", command])
            .input(self.configuration())
            .keep(2048, 2048)
            .keep_lines(KEEP, 10_000)
    }

    /// Puts the new database in the old one's place.
    pub(crate) fn take_new(&self) -> Step {
        let (from, to) = (self.new_database(), self.database());
        Step::run("mv").args(["--force".into(), "--no-target-directory".into(), from, to])
    }

    fn configuration(&self) -> String {
        let mut lines = vec![
            format!("database_in=file:{}", self.database()),
            format!("database_out=file:{}", self.new_database()),
            "gzip_dbout=yes".into(),
            // Options hold for the URLs that follow them.
            "report_format=json".into(),
            "report_url=stdout".into(),
            format!("Watched = {}", self.level.attributes()),
        ];
        lines.extend(
            self.exclusions
                .iter()
                .map(|path| format!("!{}(/|$)", to_regex(path))),
        );
        lines.extend(
            self.paths
                .iter()
                .map(|path| format!("{}(/|$) Watched", to_regex(path))),
        );
        lines.push(String::new());
        lines.join("\n")
    }

    /// What a schema cannot say.
    pub(crate) fn check(&self, findings: &mut Findings) {
        check_paths(&self.paths, &|index| at!(self.paths[index]), findings);
        let excluded = |index| at!(self.exclusions[index]);
        check_paths(&self.exclusions, &excluded, findings);
        if self.paths.is_empty() {
            findings.error(
                at!(self.paths),
                "paths-missing",
                "No path is given; give what is watched.",
            );
        }
        self.check_exclusions(findings);
        self.check_folder(findings);
    }

    fn check_exclusions(&self, findings: &mut Findings) {
        for (index, excluded) in self.exclusions.iter().enumerate() {
            for path in self
                .paths
                .iter()
                .filter(|path| path::covers(excluded, path))
            {
                findings
                    .error(
                        at!(self.exclusions[index]),
                        "exclusion-covers-path",
                        format!("{excluded} is excluded, so {path} would not be watched at all."),
                    )
                    .param("exclusion", excluded)
                    .param("path", path);
            }
            if !self
                .paths
                .iter()
                .any(|path| path::covers(path, excluded) || path::covers(excluded, path))
            {
                findings
                    .notice(
                        at!(self.exclusions[index]),
                        "exclusion-without-effect",
                        format!("{excluded} lies outside of what is watched."),
                    )
                    .param("exclusion", excluded);
            }
        }
    }

    fn check_folder(&self, findings: &mut Findings) {
        let folder = &self.database_folder;
        let place = || at!(self.database_folder);
        if !path::check(folder, &place, findings) {
            return;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        if !folder.chars().all(plain) {
            findings.error(
                place(),
                "folder-not-plain",
                "AIDE reads only letters, digits and . _ - in the name of its database's folder.",
            );
        }
        let excluded = self
            .exclusions
            .iter()
            .any(|excluded| path::covers(excluded, folder));
        if let Some(path) = self
            .paths
            .iter()
            .find(|path| path::covers(path, folder) && !excluded)
        {
            findings
                .warning(
                    place(),
                    "database-inside-path",
                    format!("The database lies in {path}, so each new one is a change; exclude its folder."),
                )
                .param("path", path);
        }
    }
}

fn check_paths(list: &[String], pointer: &dyn Fn(usize) -> String, findings: &mut Findings) {
    for (index, path) in list.iter().enumerate() {
        let usable = path::check(path, &|| pointer(index), findings);
        if usable && list.iter().take(index).any(|other| path::same(other, path)) {
            let text = format!("{path} stands in the list twice.");
            findings
                .warning(pointer(index), "path-twice", text)
                .param("path", path);
        }
    }
}

/// Refuses a platform whose AIDE is driven in another way.
pub(crate) fn linux_only(profile: &Profile) -> Result<(), Refusal> {
    if profile.platform == "linux" {
        return Ok(());
    }
    Err(Refusal::Unsupported(format!(
        "This plug-in drives AIDE on Linux; the device's platform is {}.",
        profile.platform
    )))
}

/// A path as AIDE's regular expression for itself. Blanks, `#` and `@` mean something to AIDE's
/// reader before the expression is read, so all that is no plain ASCII is written by its number.
fn to_regex(path: &str) -> String {
    path::bare(path)
        .split('/')
        .skip(1)
        .map(part_to_regex)
        .collect()
}

/// `/` and a part of a path. AIDE files a rule under the folder that it takes the expression to begin
/// with, and takes numbers in it for letters; at a bracket it stops looking.
fn part_to_regex(part: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c) || !c.is_ascii();
    if part.chars().all(plain) {
        return format!("/{part}");
    }
    let escaped = |c: char| {
        if plain(c) {
            c.to_string()
        } else {
            format!("\\x{:02x}", u32::from(c))
        }
    };
    let parts: Vec<String> = part.chars().map(escaped).collect();
    format!("/({})", parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_itself_to_aide() {
        assert_eq!(
            to_regex("/a.b/c d@@{x}#é/"),
            r"/(a\x2eb)/(c\x20d\x40\x40\x7bx\x7d\x23é)"
        );
        assert_eq!(to_regex("/"), "");
    }
}

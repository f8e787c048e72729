//! What lies on the device of the demo: files, a signature database, and connectors.

use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const FOLDERS: usize = 20;
const FILES_IN_EACH: usize = 50;
const FILE_SIZE: usize = 120 * 1024;

/// Harmless: no program does anything with this text, and only our own signature knows it.
const MARKER: &str = "MUSTER-DEMO-HARMLESS-MARKER-0001";

/// The signature's name, as the scanner tells it.
pub(super) const SIGNATURE: &str = "Muster.Demo.Marker-1";

/// How many clean files there are.
pub(super) const CLEAN_FILES: usize = FOLDERS * FILES_IN_EACH;

/// Writes many clean files, and one with the marker, below `folder`. Gives back the latter.
pub(super) fn files(folder: &Path) -> Result<PathBuf> {
    for number in 0..FOLDERS {
        let folder = folder.join(format!("department-{number:02}"));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        for file in 0..FILES_IN_EACH {
            write(
                &folder.join(format!("report-{file:03}.txt")),
                &text(number * FILES_IN_EACH + file),
            )?;
        }
    }
    let marked = folder.join("department-07/invoice.txt");
    write(
        &marked,
        &format!("Please find the invoice enclosed.\n{MARKER}\n"),
    )?;
    Ok(marked)
}

/// A text of some length that no other file has: scanners remember what they have seen.
fn text(number: usize) -> String {
    const SENTENCE: &str = "The accounts of the quarter were found in order.\n";
    format!(
        "Report {number}\n{}",
        SENTENCE.repeat(FILE_SIZE / SENTENCE.len())
    )
}

/// What somebody changes between two looks at the files.
pub(super) fn change(folder: &Path) -> Result<()> {
    write(
        &folder.join("department-00/report-000.txt"),
        "Somebody wrote something else here.\n",
    )?;
    write(
        &folder.join("department-00/new.txt"),
        "Somebody wrote this after the fact.\n",
    )?;
    let gone = folder.join("department-00/report-001.txt");
    std::fs::remove_file(&gone).with_context(|| format!("cannot remove {}", gone.display()))
}

/// A signature database with one signature: the marker.
pub(super) fn signatures(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // name:type of file (any):offset (any):bytes
    write(
        &folder.join("demo.ndb"),
        &format!("{SIGNATURE}:0:*:{}\n", hex::encode(MARKER)),
    )
}

/// Installs the connectors that come with our plug-ins, as the device's owner would.
pub(super) fn connectors(plugins: &Path, folder: &Path) -> Result<()> {
    for name in ["clamav", "aide"] {
        let from = plugins.join(name).join("connector.toml");
        let text = std::fs::read_to_string(&from)
            .with_context(|| format!("cannot read {}", from.display()))?;
        write(&folder.join(name).with_extension("toml"), &text)?;
    }
    Ok(())
}

/// Readable by all and writable by the owner alone, whatever the umask: the agent passes over a
/// connector that others may write.
fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text)
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{CLEAN_FILES, FILE_SIZE, MARKER, change, files, signatures};
    use std::collections::HashSet;
    use std::path::Path;

    fn texts(folder: &Path) -> Vec<String> {
        let folders = std::fs::read_dir(folder).unwrap();
        let files = folders.flat_map(|entry| std::fs::read_dir(entry.unwrap().path()).unwrap());
        files
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect()
    }

    #[test]
    fn one_file_among_many_different_ones_has_the_marker() {
        let folder = tempfile::tempdir().unwrap();
        let marked = files(folder.path()).unwrap();
        let texts = texts(folder.path());
        assert_eq!(texts.len(), CLEAN_FILES + 1);
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), CLEAN_FILES + 1);
        assert_eq!(texts.iter().filter(|text| text.contains(MARKER)).count(), 1);
        assert_eq!(
            texts
                .iter()
                .filter(|text| text.len() > FILE_SIZE - 100)
                .count(),
            CLEAN_FILES
        );
        assert!(std::fs::read_to_string(marked).unwrap().contains(MARKER));
        change(folder.path()).unwrap();
        assert_eq!(self::texts(folder.path()).len(), CLEAN_FILES + 1);
    }

    #[test]
    fn the_database_holds_the_marker_in_hexadecimal() {
        let folder = tempfile::tempdir().unwrap();
        signatures(folder.path()).unwrap();
        let text = std::fs::read_to_string(folder.path().join("demo.ndb")).unwrap();
        assert!(
            text.starts_with("Muster.Demo.Marker-1:0:*:4d5553544552"),
            "{text}"
        );
        assert!(text.ends_with('\n') && text.len() > 2 * MARKER.len());
    }
}

//! Digests of files, so that what was made of them is made again only when they change.

use crate::place;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of which nothing gets into a component.
const PASSED_OVER: [&str; 6] = [
    "__pycache__",
    "cases",
    "node_modules",
    "template",
    "test",
    "tests",
];

/// Of these files: their names and what is in them.
pub(crate) fn of_files<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<String> {
    let mut digest = Sha256::new();
    for file in files {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.file_name().unwrap_or_default().as_encoded_bytes();
        for part in [name, bytes.as_slice()] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
    }
    Ok(hex::encode(digest.finalize()))
}

/// Of all files of these folders that a component may be made of.
pub(crate) fn of_folders(folders: &[PathBuf]) -> Result<String> {
    let mut files = Vec::new();
    for folder in folders {
        collect(folder, &mut files)?;
    }
    of_files(files.iter().map(PathBuf::as_path))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in place::entries(folder)? {
        let passed_over = entry
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| PASSED_OVER.contains(&name));
        if passed_over {
            continue;
        }
        if entry.is_dir() {
            collect(&entry, files)?;
        } else {
            files.push(entry);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::of_folders;
    use std::fs;

    #[test]
    fn what_does_not_get_into_a_component_does_not_change_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [folder.path().to_owned()];
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            of_folders(&folders).unwrap()
        };
        let first = write("src/plugin.js", "1");
        assert_eq!(write("cases/one/task.json", "{}"), first);
        assert_eq!(write("src/__pycache__/x.pyc", "x"), first);
        let second = write("src/plugin.js", "2");
        assert_ne!(second, first);
        assert_ne!(write("src/more.js", ""), second);
        assert_eq!(
            {
                fs::remove_file(folder.path().join("src/more.js")).unwrap();
                write("src/plugin.js", "1")
            },
            first
        );
    }
}

//! Whether a project's files changed.
//!
//! They are looked at again and again: a project has some tens of files, and a look works the same on
//! every system and file system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Each file with its size and its time of change.
pub(super) type Seen = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// What tools write there, which nobody saves by hand.
const PASSED_OVER: [&str; 7] = [
    "target",
    "node_modules",
    ".git",
    "__pycache__",
    ".venv",
    "dist",
    "Cargo.lock",
];
/// Files that are looked at.
const MOST: usize = 10_000;

/// All files as they are now.
pub(super) fn seen(folder: &Path) -> Seen {
    let mut seen = Seen::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // A folder that went meanwhile is a change itself.
        let entries = std::fs::read_dir(&folder).into_iter().flatten();
        for entry in entries.filter_map(Result::ok) {
            let (path, name) = (entry.path(), entry.file_name());
            let passed_over = PASSED_OVER.iter().any(|passed| name == *passed);
            // The component that is built lies there as well.
            let built = path.extension().is_some_and(|ending| ending == "wasm");
            let Ok(found) = entry.metadata() else {
                continue;
            };
            if passed_over || built || seen.len() >= MOST {
                continue;
            }
            if found.is_dir() {
                folders.push(path);
            } else {
                seen.insert(path, (found.len(), found.modified().ok()));
            }
        }
    }
    seen
}

/// Waits until files differ from what was seen, and then stay as they are for one look: editors and
/// version control write several at once.
pub(super) async fn until_changed(folder: &Path, before: &Seen, look: Duration) -> Seen {
    let mut last = before.clone();
    loop {
        tokio::time::sleep(look).await;
        let now = seen(folder);
        if now != *before && now == last {
            return now;
        }
        last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_saved_is_seen_and_what_tools_write_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("src")).unwrap();
        std::fs::create_dir_all(at("target")).unwrap();
        std::fs::write(at("src/lib.rs"), "a").unwrap();
        let before = seen(folder.path());
        assert_eq!(before.len(), 1);
        std::fs::write(at("target/x"), "x").unwrap();
        std::fs::write(at("x.wasm"), "x").unwrap();
        assert_eq!(seen(folder.path()), before);
        std::fs::write(at("src/lib.rs"), "ab").unwrap();
        let after = until_changed(folder.path(), &before, Duration::ZERO).await;
        assert_ne!(after, before);
    }
}

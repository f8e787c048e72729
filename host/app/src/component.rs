//! The components of plug-ins, as files named by their digest, and beside each what was signed of it.
//! What is there is never changed, so installs at the same time do not disturb each other.

use crate::{Administrator, App, AppError};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use muster_domain::Digest;
use muster_plugin_host::write_gently;
use muster_release::bundle::Evidence;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Components {
    folder: Arc<Dir>,
    // Names temporary files of this process apart.
    counter: AtomicU64,
}

impl Components {
    pub(crate) fn open(path: &Path) -> Result<Self, AppError> {
        let fail = |doing| {
            move |cause| AppError::File {
                doing,
                file: path.display().to_string(),
                cause,
            }
        };
        Dir::create_ambient_dir_all(path, ambient_authority()).map_err(fail("make the folder"))?;
        let folder =
            Dir::open_ambient_dir(path, ambient_authority()).map_err(fail("open the folder"))?;
        Ok(Self {
            folder: Arc::new(folder),
            counter: AtomicU64::new(0),
        })
    }

    /// Keeps a component. When this returns it is on the disk, whole, under its digest.
    pub(crate) fn keep(&self, digest: Digest, bytes: &[u8]) -> Result<(), AppError> {
        let name = file_name(digest);
        if self.folder.exists(&name) && self.read(digest).is_ok() {
            return Ok(());
        }
        self.put(&name, bytes)
    }

    /// Keeps what was signed of a component. Signed anew, it has more of that, and all is kept.
    pub(crate) fn keep_evidence(&self, evidence: &Evidence) -> Result<(), AppError> {
        let bytes = evidence.write()?;
        let name = evidence_name(evidence.component, &bytes);
        if self.folder.read(&name).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        self.put(&name, &bytes)
    }

    /// All that was signed of a component.
    pub(crate) fn evidence(&self, digest: Digest) -> Result<Vec<Evidence>, AppError> {
        let fail = |cause| AppError::File {
            doing: "read",
            file: format!("{}.*.{EVIDENCE}", digest.hex()),
            cause,
        };
        let mut all = Vec::new();
        for entry in self.folder.entries().map_err(fail)? {
            let name = entry.map_err(fail)?.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.starts_with(&digest.hex()) && name.ends_with(&format!(".{EVIDENCE}")) {
                let bytes = self.folder.read(name).map_err(fail)?;
                let is_same = name == evidence_name(digest, &bytes);
                match Evidence::read(&bytes) {
                    Ok(evidence) if is_same && evidence.component == digest => all.push(evidence),
                    // Changed by others than us: it proves nothing any more.
                    _ => tracing::warn!(file = name, "a file of signatures was changed"),
                }
            }
        }
        Ok(all)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), AppError> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let temporary = format!("{name}.{}.{number}.new", std::process::id());
        let written = self.write(&temporary, name, bytes);
        if written.is_err() {
            let _ = self.folder.remove_file(&temporary);
        }
        written.map_err(|cause| AppError::File {
            doing: "write",
            file: name.to_owned(),
            cause,
        })
    }

    fn write(&self, temporary: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let options = OpenOptions::new().write(true).create_new(true).clone();
        let mut file = self.folder.open_with(temporary, &options)?;
        write_gently(&mut file, bytes)?;
        file.sync_all()?;
        self.folder.rename(temporary, &self.folder, name)?;
        // The new name itself is durable only once the folder is.
        self.folder.open(".")?.sync_all()
    }

    /// Removes every file that does not belong to one of these components. Nobody may be writing one.
    /// One that cannot be removed is told, and does not keep the others; so is a folder, which nobody of
    /// ours made.
    pub(crate) fn retain(&self, kept: &BTreeSet<Digest>) -> Result<(), AppError> {
        let fail = |cause| AppError::File {
            doing: "clean",
            file: "the folder of components".to_owned(),
            cause,
        };
        let kept: BTreeSet<String> = kept.iter().map(Digest::hex).collect();
        for entry in self.folder.entries().map_err(fail)? {
            let name = entry.map_err(fail)?.file_name();
            if name.to_str().is_some_and(|name| belongs(name, &kept)) {
                continue;
            }
            if let Err(error) = self.folder.remove_file(&name) {
                tracing::warn!(?name, %error, "what belongs to no component cannot be removed");
            }
        }
        Ok(())
    }

    /// Reads a component back, and makes sure that it is still the one.
    pub(crate) fn read(&self, digest: Digest) -> Result<Vec<u8>, AppError> {
        let name = file_name(digest);
        let fail = |cause| AppError::File {
            doing: "read",
            file: name.clone(),
            cause,
        };
        let bytes = self.folder.read(&name).map_err(fail)?;
        if Digest::of(&bytes) != digest {
            let changed = "the file was changed; its bytes have another digest than its name";
            return Err(fail(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                changed,
            )));
        }
        Ok(bytes)
    }
}

impl App {
    /// All that was signed of a component that is or was installed.
    pub async fn plugin_evidence(
        &self,
        _who: &Administrator,
        digest: Digest,
    ) -> Result<Vec<Evidence>, AppError> {
        let app = self.clone();
        tokio::task::spawn_blocking(move || app.0.components.evidence(digest))
            .await
            .map_err(|cause| AppError::File {
                doing: "read",
                file: digest.to_string(),
                cause: cause.into(),
            })?
    }

    /// Keeps a component and what was signed of it, the latter first: a component that is there was
    /// kept with all that came with it.
    pub(crate) async fn component_keep(
        &self,
        digest: Digest,
        component: Arc<[u8]>,
        evidence: Option<Evidence>,
    ) -> Result<(), AppError> {
        let app = self.clone();
        let keep = move || {
            let components = &app.0.components;
            evidence
                .iter()
                .try_for_each(|evidence| components.keep_evidence(evidence))?;
            components.keep(digest, &component)
        };
        tokio::task::spawn_blocking(keep)
            .await
            .map_err(|cause| AppError::File {
                doing: "write",
                file: digest.to_string(),
                cause: cause.into(),
            })?
    }
}

/// Whether a file is a component of these or what was signed of one, whole. An unfinished one is of
/// nobody who still lives.
fn belongs(name: &str, kept: &BTreeSet<String>) -> bool {
    let Some((digest, rest)) = name.split_once('.') else {
        return false;
    };
    let is_evidence = rest
        .strip_suffix(EVIDENCE)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|short| !short.is_empty() && short.bytes().all(|b| b.is_ascii_hexdigit()));
    kept.contains(digest) && (rest == "wasm" || is_evidence)
}

/// How files end that hold what was signed of a component.
const EVIDENCE: &str = "signed.tar";

fn evidence_name(component: Digest, bytes: &[u8]) -> String {
    format!(
        "{}.{}.{EVIDENCE}",
        component.hex(),
        Digest::of(bytes).short()
    )
}

fn file_name(digest: Digest) -> String {
    format!("{}.wasm", digest.hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_comes_back_or_says_that_it_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let components = Components::open(&folder.path().join("components")).unwrap();
        let digest = Digest::of(b"component");
        components.keep(digest, b"component").unwrap();
        components.keep(digest, b"component").unwrap();
        assert_eq!(components.read(digest).unwrap(), b"component");

        let file = folder.path().join("components").join(file_name(digest));
        std::fs::write(&file, b"compomemt").unwrap();
        assert!(components.read(digest).is_err());
        components.keep(digest, b"component").unwrap();
        assert_eq!(components.read(digest).unwrap(), b"component");
        assert_eq!(
            std::fs::read_dir(folder.path().join("components"))
                .unwrap()
                .count(),
            1
        );
    }
    fn evidence(component: &[u8], statement: &str) -> Evidence {
        let mut bundle = muster_release::bundle::Bundle::bare(component.to_vec());
        bundle.statement = Some(statement.into());
        Evidence::of(&bundle).unwrap()
    }

    #[test]
    fn all_that_was_signed_of_a_component_is_kept_and_nothing_else_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let components = Components::open(folder.path()).unwrap();
        let (first, second) = (evidence(b"a", "1"), evidence(b"a", "2"));
        for evidence in [&first, &second, &first, &evidence(b"b", "1")] {
            components.keep_evidence(evidence).unwrap();
        }
        let digest = Digest::of(b"a");
        let mut kept = components.evidence(digest).unwrap();
        kept.sort_by(|a, b| a.statement.cmp(&b.statement));
        assert_eq!(kept, [first.clone(), second.clone()]);

        let name = evidence_name(digest, &first.write().unwrap());
        std::fs::write(
            folder.path().join(&name),
            evidence(b"a", "3").write().unwrap(),
        )
        .unwrap();
        assert_eq!(components.evidence(digest).unwrap(), [second]);
        components.keep_evidence(&first).unwrap();
        assert_eq!(components.evidence(digest).unwrap().len(), 2);
    }

    #[test]
    fn what_belongs_to_no_component_that_is_kept_goes() {
        let folder = tempfile::tempdir().unwrap();
        let components = Components::open(folder.path()).unwrap();
        let (kept, gone) = (Digest::of(b"a"), Digest::of(b"b"));
        for (digest, bytes) in [(kept, b"a"), (gone, b"b")] {
            components.keep(digest, bytes).unwrap();
            for statement in ["1", "2"] {
                components
                    .keep_evidence(&evidence(bytes, statement))
                    .unwrap();
            }
        }
        let names = || -> BTreeSet<String> {
            let entries = std::fs::read_dir(folder.path()).unwrap();
            let name = |entry: std::io::Result<std::fs::DirEntry>| {
                entry.unwrap().file_name().to_string_lossy().into_owned()
            };
            entries.map(name).collect()
        };
        let ours: BTreeSet<String> = names()
            .into_iter()
            .filter(|name| name.starts_with(&kept.hex()))
            .collect();
        assert_eq!(ours.len(), 3);
        let hex = kept.hex();
        let strange = [
            format!("{hex}.wasm.12.0.new"),
            format!("{hex}.0123456789ab.signed.tar.12.1.new"),
            format!("{hex}.wasm.bak"),
            format!("{hex}..signed.tar"),
            format!("{hex}.signed.tar"),
            format!("{hex}.x y.signed.tar"),
            hex,
            format!("{}.0123456789ab.signed.tar", Digest::of(b"c").hex()),
            ".hidden".to_owned(),
            "readme.txt".to_owned(),
        ];
        for name in &strange {
            std::fs::write(folder.path().join(name), b"left").unwrap();
        }
        // A folder is nobody's of ours, and keeps nothing from being done.
        std::fs::create_dir(folder.path().join("aaa")).unwrap();
        components.retain(&BTreeSet::from([kept])).unwrap();
        let mut left = names();
        assert!(left.remove("aaa"));
        assert_eq!(left, ours);
    }

    #[test]
    fn many_keep_the_same_and_others_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let components = Components::open(folder.path()).unwrap();
        let component = |number: u8| vec![number; 100_000];
        std::thread::scope(|scope| {
            for worker in 0..16_u8 {
                let components = &components;
                scope.spawn(move || {
                    // Each keeps the same eight, beginning with another.
                    for number in (0..8).map(|number| (number + worker) % 8) {
                        let bytes = component(number);
                        let digest = Digest::of(&bytes);
                        components.keep_evidence(&evidence(&bytes, "1")).unwrap();
                        components.keep(digest, &bytes).unwrap();
                        assert_eq!(components.read(digest).unwrap(), bytes);
                        assert_eq!(components.evidence(digest).unwrap().len(), 1);
                    }
                });
            }
        });
        // One file for each and its signatures, and none that is half done.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 16);
    }
}

//! Looking for what must not be there: in files, in answers, and on the command lines of everything
//! that runs.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::path::{Path, PathBuf};

/// A value in the forms in which somebody might have written it down.
#[derive(Debug, Clone)]
pub struct Needles(Vec<(&'static str, Vec<u8>)>);

impl Needles {
    /// Those of a value.
    pub fn of(value: &str) -> Self {
        let mut forms = vec![
            ("plain", value.as_bytes().to_vec()),
            ("reversed", value.bytes().rev().collect()),
            ("hexadecimal", hex::encode(value).into_bytes()),
            ("HEXADECIMAL", hex::encode_upper(value).into_bytes()),
            (
                "UTF-16",
                value.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            ),
        ];
        for shift in 0..3 {
            let shifted = [&vec![0; shift], value.as_bytes()].concat();
            let encoded = STANDARD_NO_PAD.encode(&shifted);
            // The first and the last character depend on what stands beside the value.
            let from = if shift == 0 { 0 } else { shift + 1 };
            let form = encoded.get(from..shifted.len() * 8 / 6).unwrap_or_default();
            forms.push(("base64", form.as_bytes().to_vec()));
        }
        Self(forms)
    }

    /// The form in which it is in some bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<&'static str> {
        let is_in = |form: &[u8]| bytes.windows(form.len()).any(|window| window == form);
        let found = self.0.iter().find(|(_, form)| is_in(form));
        found.map(|(name, _)| *name)
    }

    /// The files below a folder that hold it, each with the form.
    pub fn files(&self, folder: &Path) -> Result<Vec<(PathBuf, &'static str)>> {
        let mut found = Vec::new();
        self.look(folder, &mut found)?;
        Ok(found)
    }

    fn look(&self, path: &Path, found: &mut Vec<(PathBuf, &'static str)>) -> Result<()> {
        let unreadable = || format!("cannot read {}", path.display());
        if path.is_dir() {
            for entry in std::fs::read_dir(path).with_context(unreadable)? {
                self.look(&entry.with_context(unreadable)?.path(), found)?;
            }
            return Ok(());
        }
        // A socket holds nothing.
        if path.exists() && !path.is_file() {
            return Ok(());
        }
        match std::fs::read(path) {
            Ok(bytes) => found.extend(self.find(&bytes).map(|form| (path.to_owned(), form))),
            // A database takes its journal away when it is closed.
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cause).with_context(unreadable),
        }
        Ok(())
    }

    /// The command lines of this machine that hold it.
    pub fn command_lines(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").context("there is no /proc")? {
            // What has ended meanwhile has none.
            let line = std::fs::read(entry?.path().join("cmdline")).unwrap_or_default();
            if self.find(&line).is_some() {
                found.push(String::from_utf8_lossy(&line).replace('\0', " "));
            }
        }
        Ok(found)
    }
}

//! The first administrator's token: made at the first start and told once.
//!
//! It lies in a file of the data folder until it was told, so that a start that is cut short in
//! between does not lose it.

use crate::administrator::token_make;
use crate::folder::{self, DataFolder, FolderError};
use std::path::PathBuf;

/// A token that was not told yet.
#[derive(Debug)]
pub struct FirstToken {
    file: PathBuf,
    text: String,
}

impl FirstToken {
    /// The token that waits to be told: on a fresh folder it is made, otherwise there is one only if
    /// an earlier start was cut short.
    pub(crate) fn open(data: &DataFolder, fresh: bool) -> Result<Option<Self>, FolderError> {
        let file = data.key("administrator.token");
        let kept = folder::read(&file)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let text = match kept {
            Some(text) => text,
            None if fresh => {
                let text = token_make();
                folder::write(&file, text.as_bytes())?;
                text
            }
            None => return Ok(None),
        };
        Ok(Some(Self { file, text }))
    }

    /// The token.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Forgets it: somebody has it now, and the server needs its digest alone.
    pub fn told(self) -> Result<(), FolderError> {
        folder::remove(&self.file)
    }
}

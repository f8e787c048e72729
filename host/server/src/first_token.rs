//! The first administrator's token: made at the first start and told once.
//!
//! It lies in a file of the data folder until it was told, so that a start that is cut short in
//! between does not lose it.

use crate::administrator::TOKEN_PREFIX;
use crate::folder::{self, DataFolder, FolderError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
                let text = format!(
                    "{TOKEN_PREFIX}{}",
                    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
                );
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

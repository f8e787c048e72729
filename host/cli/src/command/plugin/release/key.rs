//! The secret key that something is signed with.

use super::password::PasswordFile;
use crate::failure::Failure;
use crate::input::Source;
use clap::Args;
use muster_release::signature::sign::{is_locked, sign};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct SigningKey {
    /// The secret key, as `muster plugin keygen` or minisign made it. Left out, nothing is signed, and
    /// another tool may do it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordFile,
}

impl SigningKey {
    /// A signature over bytes, if there is a key. The comment is signed with them.
    pub(crate) fn sign(&self, bytes: &[u8], comment: &str) -> Result<Option<Vec<u8>>, Failure> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let secret = Source::File(key.clone()).text()?;
        let password = if is_locked(&secret)? {
            let question = format!("Password of {}:", key.display());
            Some(self.password.password(&question)?)
        } else {
            None
        };
        Ok(Some(sign(&secret, password.as_deref(), bytes, comment)?))
    }
}

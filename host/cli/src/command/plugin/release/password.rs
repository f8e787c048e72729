//! The password that a secret key is locked with.

use crate::failure::Failure;
use crate::input::{Source, ask_secret};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct PasswordFile {
    /// A file with the key's password in its first line; asked for on the terminal if left out
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordFile {
    /// The password, from the file or from the person who sits there.
    pub(super) fn password(&self, question: &str) -> Result<String, Failure> {
        let text = match &self.password_file {
            Some(file) => Source::File(file.clone()).text()?,
            None => ask_secret(question)?.ok_or_else(|| {
                let text = "the key's password is wanted, and nobody sits at a terminal: give \
                            --password-file";
                Failure::Usage(text.to_owned())
            })?,
        };
        let password = text.lines().next().unwrap_or_default();
        if password.is_empty() {
            return Err(Failure::Usage("the password is empty".to_owned()));
        }
        Ok(password.to_owned())
    }

    /// Whether it comes from a file, and need not be typed twice.
    pub(super) fn is_file(&self) -> bool {
        self.password_file.is_some()
    }
}

//! `muster plugin keygen`: a key pair, as minisign has it.

use super::files::beside;
use super::password::PasswordFile;
use crate::failure::Failure;
use crate::input::write_file;
use crate::output::{Output, cell};
use clap::Args;
use muster_release::signature::minisign::PublicKey;
use muster_release::signature::sign::generate;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// Where the secret key goes; the public one goes to FILE.pub
    file: PathBuf,
    #[command(flatten)]
    password: PasswordFile,
    /// Do not lock the secret key with a password, for machines that keep secrets otherwise
    #[arg(long, conflicts_with = "password_file")]
    no_password: bool,
}

impl Keygen {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let public = beside(&self.file, "pub");
        for file in [&self.file, &public] {
            if file.exists() {
                let file = file.display();
                let text = format!("{file} is there already, and a key is never overwritten");
                return Err(Failure::Usage(text));
            }
        }
        let password = self.password()?;
        let keys = generate(password.as_deref())?;
        let key = PublicKey::parse(&keys.public)
            .map_err(|error| Failure::Usage(format!("the new key cannot be read: {error}")))?;
        write_file(&self.file, keys.secret.as_bytes(), 0o600)?;
        write_file(&public, keys.public.as_bytes(), 0o644)?;
        if out.is_json() {
            return out.json(&json!({
                "secret_file": self.file.display().to_string(),
                "public_file": public.display().to_string(),
                "public_key": key.base64(),
                "id": key.id(),
                "fingerprint": key.fingerprint(),
            }));
        }
        out.fields(vec![
            ("secret key", cell(self.file.display().to_string())),
            ("public key", cell(public.display().to_string())),
            ("", cell(key.base64())),
            ("id", cell(key.id())),
            ("fingerprint", cell(key.fingerprint().to_string())),
        ])
    }

    fn password(&self) -> Result<Option<String>, Failure> {
        if self.no_password {
            return Ok(None);
        }
        let password = self.password.password("Password for the new key:")?;
        if !self.password.is_file() && self.password.password("The same again:")? != password {
            return Err(Failure::Usage("the two passwords differ".to_owned()));
        }
        Ok(Some(password))
    }
}

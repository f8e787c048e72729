//! A vendor who signs plug-ins, with a key made for one test.

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use muster_domain::{ApplicationId, Digest};
use muster_release::bundle::{Bundle, SignatureFile, SignatureKind};
use muster_release::revocation::RevocationList;
use muster_release::signature::sign;
use muster_release::statement::Statement;
use std::path::Path;

/// A vendor with one key.
pub struct Vendor {
    public: String,
    secret: String,
}

impl std::fmt::Debug for Vendor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vendor").finish_non_exhaustive()
    }
}

impl Vendor {
    /// Makes a key.
    pub fn new() -> Result<Self> {
        let files = sign::generate(None)?;
        Ok(Self {
            public: files.public,
            secret: files.secret.to_string(),
        })
    }

    /// The public key, as it is given to a server.
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// The digest that revocation lists name the key by.
    pub fn fingerprint(&self) -> Result<Digest> {
        let key = muster_release::signature::minisign::PublicKey::parse(&self.public)?;
        Ok(key.fingerprint())
    }

    /// A signature over bytes.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(sign::sign(&self.secret, None, bytes, "a test")?)
    }

    /// A bundle of a component that asks for nothing, stated now and for a day.
    pub fn release(&self, component: &[u8], application: &str, version: &str) -> Result<Vec<u8>> {
        self.release_at(component, application, version, Timestamp::now())
    }

    /// The same, stated at another time.
    pub fn release_at(
        &self,
        component: &[u8],
        application: &str,
        version: &str,
        created: Timestamp,
    ) -> Result<Vec<u8>> {
        let statement = Statement::new(
            Digest::of(component),
            ApplicationId::new(application)?,
            version.parse()?,
            Default::default(),
            created..Timestamp::now() + SignedDuration::from_hours(24),
        );
        self.bundle(component, &statement)
    }

    /// A bundle of a component and of what is stated of it.
    pub fn bundle(&self, component: &[u8], statement: &Statement) -> Result<Vec<u8>> {
        let statement = statement.to_bytes()?;
        let mut bundle = Bundle::bare(component.to_vec());
        bundle.signatures = vec![SignatureFile {
            kind: SignatureKind::Minisign,
            bytes: self.sign(&statement)?,
        }];
        bundle.statement = Some(statement);
        Ok(bundle.write()?)
    }

    /// A signed revocation list, as it is imported.
    pub fn revocations(&self, list: &RevocationList) -> Result<serde_json::Value> {
        let list = list.to_bytes()?;
        let signature = String::from_utf8(self.sign(&list)?)?;
        Ok(serde_json::json!({
            "list": String::from_utf8(list)?,
            "signatures": [{ "kind": "minisign", "text": signature }],
        }))
    }
}

/// The application and version of one of our own plug-ins, by its file.
pub(crate) fn ours(component: &Path) -> Result<(&'static str, &'static str)> {
    let name = component.file_stem().and_then(|name| name.to_str());
    let application = match name {
        Some("clamav") => "net.clamav.clamav",
        Some("aide") => "net.aide.aide",
        Some("lynis") => "com.cisofy.lynis",
        Some("yara") => "com.virustotal.yara",
        _ => {
            return Err(anyhow::anyhow!(
                "{} is none of our plug-ins",
                component.display()
            ))
            .context("say what it states of itself: Client::plugin_install_as");
        }
    };
    // All of ours have the version of the workspace.
    Ok((application, env!("CARGO_PKG_VERSION")))
}

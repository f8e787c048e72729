//! `muster plugin push` and `muster plugin pull`: OCI registries.

use super::bundle::{told, write};
use super::files::{COMPONENT_MOST, release};
use crate::failure::Failure;
use crate::input::Source;
use crate::output::{Output, cell};
use clap::{Args, ValueEnum};
use muster_release::registry::{Config, Credentials, Layout, Pulled, Reference, Registry};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

const TIME: Duration = Duration::from_mins(10);

/// How a registry is reached.
#[derive(Debug, Args)]
pub(crate) struct Access {
    /// User names and passwords for registries, in a file like Docker's config.json
    #[arg(
        long,
        value_name = "FILE",
        env = "MUSTER_REGISTRY_CREDENTIALS",
        hide_env_values = true
    )]
    credentials: Option<PathBuf>,
    /// CA certificates of the registry (PEM), instead of the operating system's
    #[arg(
        long,
        value_name = "FILE",
        env = "MUSTER_REGISTRY_CA",
        hide_env_values = true
    )]
    registry_ca: Option<PathBuf>,
    /// Reach the registry without TLS. One on this machine is, unless --registry-ca is given
    #[arg(long)]
    plain_http: bool,
}

impl Access {
    fn registry(&self, reference: &Reference) -> Result<Registry, Failure> {
        let credentials = match &self.credentials {
            None => Credentials::default(),
            Some(file) => {
                let bytes = Source::File(file.clone()).bytes()?;
                Credentials::read(&bytes)
                    .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?
            }
        };
        let ca = self
            .registry_ca
            .clone()
            .map(|file| Source::File(file).text());
        let plain = self.plain_http.then(|| reference.registry().to_owned());
        Ok(Registry::new(Config {
            credentials,
            ca: ca.transpose()?,
            plain: plain.into_iter().collect(),
            component_most: COMPONENT_MOST,
            time: TIME,
        }))
    }

    /// Pulls a release.
    pub(crate) async fn pull(&self, reference: &Reference) -> Result<Pulled, Failure> {
        Ok(self.registry(reference)?.pull(reference).await?)
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LayoutChoice {
    /// As wasm, and as an image where the registry refuses that
    Auto,
    /// As wasm: the component is a layer application/wasm
    Wasm,
    /// As an image of one tar layer, which any registry takes
    Image,
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    /// A bundle, or a component with its statement and signatures beside it
    file: Source,
    /// Where to: `oci://registry/name:tag`
    reference: Reference,
    /// How it is laid out
    #[arg(long, value_enum, default_value = "auto")]
    layout: LayoutChoice,
    #[command(flatten)]
    access: Access,
}

impl Push {
    pub(super) async fn run(self, out: &Output) -> Result<(), Failure> {
        let bundle = release(&self.file)?;
        if bundle.signatures.is_empty() {
            out.note("Nobody signed this plug-in; `muster plugin sign` does.");
        }
        let layout = match self.layout {
            LayoutChoice::Auto => Layout::Automatic,
            LayoutChoice::Wasm => Layout::Wasm,
            LayoutChoice::Image => Layout::Image,
        };
        let registry = self.access.registry(&self.reference)?;
        let pushed = registry.push(&self.reference, &bundle, layout).await?;
        let layout = match pushed.layout {
            Layout::Image => "image",
            Layout::Wasm | Layout::Automatic => "wasm",
        };
        let (source, digest) = (pushed.pinned.to_string(), bundle.digest());
        if out.is_json() {
            return out.json(&json!({ "source": source, "digest": digest, "layout": layout }));
        }
        out.fields(vec![
            ("pushed", cell(source)),
            ("component", cell(digest.to_string())),
            ("layout", cell(layout)),
        ])
    }
}

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// What: `oci://registry/name:tag`, with @sha256:… to have these very bytes
    reference: Reference,
    /// Where the bundle goes; the last part of the name and the tag if left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    access: Access,
}

impl Pull {
    pub(super) async fn run(self, out: &Output) -> Result<(), Failure> {
        let Pulled { bundle, pinned } = self.access.pull(&self.reference).await?;
        let name = self.reference.name().rsplit('/').next().unwrap_or_default();
        let version = match (self.reference.tag(), pinned.digest()) {
            (Some(tag), _) => tag.to_owned(),
            (None, digest) => digest.map(|digest| digest.short()).unwrap_or_default(),
        };
        let file = self
            .out
            .unwrap_or_else(|| format!("{name}-{version}.tar").into());
        write(&bundle, &file)?;
        told(&bundle, &file, Some(&pinned.to_string()), out)
    }
}

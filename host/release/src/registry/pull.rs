//! Pull: a release out of a registry.

use super::artifact::{
    self, Descriptor, LAYERS_MOST, MANIFEST, Manifest, OCTETS, REFERENCE, STATEMENT, TAR, WASM,
};
use super::session::{Right, Session, what};
use super::{Reference, Registry, RegistryError};
use crate::bundle::{self, Bundle, OVERHEAD, SIGNATURE_MOST, STATEMENT_MOST, SignatureFile};
use muster_domain::Digest;
use muster_domain::text::plain;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};

const MANIFEST_MOST: usize = 256 * 1024;
const REFERENCE_MOST: usize = 32 * 1024;

/// What came out of a registry.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The release, unverified.
    pub bundle: Bundle,
    /// The reference that names this very release for ever.
    pub pinned: Reference,
}

impl Registry {
    /// Pulls a release. Each part of it has the digest by which it is named, and the whole the one of
    /// the reference, if that has one.
    pub async fn pull(&self, reference: &Reference) -> Result<Pulled, RegistryError> {
        let time = self.config.time;
        let late = |_| RegistryError::Late {
            registry: reference.registry().to_owned(),
            time,
        };
        tokio::time::timeout(time, self.pull_all(reference))
            .await
            .map_err(late)?
    }

    async fn pull_all(&self, reference: &Reference) -> Result<Pulled, RegistryError> {
        let mut session = Session::open(self, reference, Right::Pull)?;
        let (manifest, digest) = manifest(&mut session, reference).await?;
        let pinned = reference.pinned(digest);
        let no_plugin = |why: String| RegistryError::Artifact {
            what: pinned.to_string(),
            why,
        };
        if manifest.layers.len() > LAYERS_MOST {
            return Err(no_plugin(format!("it has more than {LAYERS_MOST} layers")));
        }
        let Some(first) = manifest.layers.first() else {
            return Err(no_plugin("it has no layers".to_owned()));
        };
        let most = self.config.component_most;
        let bundle = match first.media_type.as_str() {
            WASM => layers(&mut session, &manifest.layers, most, &no_plugin).await?,
            TAR | OCTETS | bundle::MEDIA_TYPE if manifest.layers.len() == 1 => {
                let bytes = blob(&mut session, first, most.saturating_add(OVERHEAD)).await?;
                Bundle::open(bytes, most)?
            }
            other => {
                let other: String = plain(other).chars().take(100).collect();
                return Err(no_plugin(format!(
                    "its first layer has the media type {other}"
                )));
            }
        };
        Ok(Pulled { bundle, pinned })
    }
}

async fn manifest(
    session: &mut Session<'_>,
    reference: &Reference,
) -> Result<(Manifest, Digest), RegistryError> {
    let url = session.url(&format!("manifests/{}", reference.asked()))?;
    let what = what(&Method::GET, &url);
    let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(MANIFEST))]);
    let response = session.ask(Method::GET, url, accept).await?;
    if !response.status().is_success() {
        return Err(session.unwanted(&what, response).await);
    }
    let bytes = session.body(&what, response, MANIFEST_MOST).await?;
    let digest = reference.digest().unwrap_or_else(|| Digest::of(&bytes));
    session.digest("the manifest", digest, &bytes)?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|cause| RegistryError::Artifact {
            what: reference.pinned(digest).to_string(),
            why: format!("its manifest is not the one of a single artifact ({cause})"),
        })?;
    Ok((manifest, digest))
}

/// Reads a release of several layers. Layers of types that are not known are nobody's business.
async fn layers(
    session: &mut Session<'_>,
    layers: &[Descriptor],
    component_most: usize,
    no_plugin: &impl Fn(String) -> RegistryError,
) -> Result<Bundle, RegistryError> {
    let mut bundle = Bundle::bare(Vec::new());
    for (index, layer) in layers.iter().enumerate() {
        match layer.media_type.as_str() {
            WASM if index == 0 => bundle.component = blob(session, layer, component_most).await?,
            WASM => return Err(no_plugin("it has a second component".to_owned())),
            STATEMENT if bundle.statement.is_some() => {
                return Err(no_plugin("it has a second statement".to_owned()));
            }
            STATEMENT => bundle.statement = Some(blob(session, layer, STATEMENT_MOST).await?),
            REFERENCE => {
                let bytes = blob(session, layer, REFERENCE_MOST).await?;
                bundle.reference = serde_json::from_slice(&bytes).map_err(|cause| {
                    no_plugin(format!("its trust reference cannot be read ({cause})"))
                })?;
            }
            other => {
                if let Some(kind) = artifact::signature_kind(other) {
                    let bytes = blob(session, layer, SIGNATURE_MOST).await?;
                    bundle.signatures.push(SignatureFile { kind, bytes });
                }
            }
        }
    }
    bundle.check()?;
    Ok(bundle)
}

async fn blob(
    session: &mut Session<'_>,
    layer: &Descriptor,
    most: usize,
) -> Result<Vec<u8>, RegistryError> {
    let what = format!("blob {}", layer.digest);
    // The size that the manifest states is a bound as well.
    let most =
        usize::try_from(layer.size).map_or(most, |size| if size <= most { size } else { most });
    let response = session.ask_blob(layer.digest).await?;
    if !response.status().is_success() {
        return Err(session.unwanted(&what, response).await);
    }
    let bytes = session.body(&what, response, most).await?;
    session.digest(&what, layer.digest, &bytes)?;
    Ok(bytes)
}

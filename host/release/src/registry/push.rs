//! Push: a release into a registry.

use super::artifact::{self, Artifact, Descriptor, Layout, MANIFEST};
use super::session::{Right, Session, what};
use super::{Reference, Registry, RegistryError};
use crate::bundle::Bundle;
use muster_domain::Digest;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};

/// What is in a registry now.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// The reference that names this very release for ever.
    pub pinned: Reference,
    /// As it was laid out.
    pub layout: Layout,
}

impl Registry {
    /// Pushes a release under a tag. The tag moves last, so nobody finds half a release.
    pub async fn push(
        &self,
        reference: &Reference,
        bundle: &Bundle,
        layout: Layout,
    ) -> Result<Pushed, RegistryError> {
        let time = self.config.time;
        let late = |_| RegistryError::Late {
            registry: reference.registry().to_owned(),
            time,
        };
        tokio::time::timeout(time, self.push_all(reference, bundle, layout))
            .await
            .map_err(late)?
    }

    async fn push_all(
        &self,
        reference: &Reference,
        bundle: &Bundle,
        layout: Layout,
    ) -> Result<Pushed, RegistryError> {
        bundle.check()?;
        let mut session = Session::open(self, reference, Right::Push)?;
        if layout != Layout::Image {
            let artifact = artifact::wasm(bundle).map_err(|why| RegistryError::Artifact {
                what: "the component".to_owned(),
                why,
            })?;
            let pushed = put(&mut session, reference, artifact, Layout::Wasm).await?;
            match pushed {
                Put::Done(pushed) => return Ok(pushed),
                Put::Refused(error) if layout == Layout::Wasm => return Err(error),
                Put::Refused(_) => {}
            }
        }
        match put(
            &mut session,
            reference,
            artifact::image(bundle)?,
            Layout::Image,
        )
        .await?
        {
            Put::Done(pushed) => Ok(pushed),
            Put::Refused(error) => Err(error),
        }
    }
}

enum Put {
    Done(Pushed),
    /// The registry takes the blobs, and not a manifest of these types.
    Refused(RegistryError),
}

async fn put(
    session: &mut Session<'_>,
    reference: &Reference,
    artifact: Artifact,
    layout: Layout,
) -> Result<Put, RegistryError> {
    let Artifact { manifest, blobs } = artifact;
    let body = serde_json::to_vec(&manifest)
        .map_err(|cause| session.answer("the manifest", cause.to_string()))?;
    let digest = Digest::of(&body);
    if let Some(wanted) = reference.digest() {
        // Whoever names a digest means these bytes and no others.
        session.digest("the manifest", wanted, &body)?;
    }
    let descriptors = manifest.layers.iter().chain([&manifest.config]);
    for (descriptor, blob) in descriptors.zip(blobs) {
        upload(session, descriptor, blob).await?;
    }
    let place = reference
        .tag()
        .map_or_else(|| digest.to_string(), str::to_owned);
    let url = session.url(&format!("manifests/{place}"))?;
    let what = what(&Method::PUT, &url);
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(MANIFEST))]);
    let response = session.send(Method::PUT, url, headers, body).await?;
    let status = response.status();
    if status == StatusCode::CREATED {
        let pinned = reference.pinned(digest);
        return Ok(Put::Done(Pushed { pinned, layout }));
    }
    let error = session.unwanted(&what, response).await;
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::NOT_FOUND
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Ok(Put::Refused(error)),
        _ => Err(error),
    }
}

/// Uploads a blob that is not there yet.
async fn upload(
    session: &mut Session<'_>,
    descriptor: &Descriptor,
    blob: Vec<u8>,
) -> Result<(), RegistryError> {
    let url = session.url(&format!("blobs/{}", descriptor.digest))?;
    let there = session.ask(Method::HEAD, url, HeaderMap::new()).await?;
    if there.status().is_success() {
        return Ok(());
    }
    let url = session.url("blobs/uploads/")?;
    let begin = what(&Method::POST, &url);
    let response = session
        .ask(Method::POST, url.clone(), HeaderMap::new())
        .await?;
    if response.status() != StatusCode::ACCEPTED {
        return Err(session.unwanted(&begin, response).await);
    }
    let mut url = session.location(&begin, &url, &response)?;
    url.query_pairs_mut()
        .append_pair("digest", &descriptor.digest.to_string());
    let headers = HeaderMap::from_iter([(
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    )]);
    let finish = what(&Method::PUT, &url);
    let response = session.send(Method::PUT, url, headers, blob).await?;
    if response.status() != StatusCode::CREATED {
        return Err(session.unwanted(&finish, response).await);
    }
    Ok(())
}

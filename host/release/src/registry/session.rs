//! Requests to one registry about one name.
//!
//! Nothing with credentials leaves the registry's own origin, but for the token service that the
//! registry names, which must be reached by the same kind of transport.

use super::auth::Challenge;
use super::{Reference, Registry, RegistryError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster_domain::Digest;
use muster_domain::text::plain;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Deserialize;
use std::error::Error;

const ERROR_MOST: usize = 16 * 1024;
const TOKEN_MOST: usize = 64 * 1024;
const REDIRECTS_MOST: usize = 3;

/// What is to be done with the name; a token is asked for it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Right {
    Pull,
    Push,
}

pub(super) struct Session<'a> {
    registry: &'a Registry,
    http: reqwest::Client,
    reference: &'a Reference,
    origin: Url,
    right: Right,
    authorization: Option<HeaderValue>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

#[derive(Deserialize)]
struct Refusal {
    errors: Vec<RefusalCause>,
}

#[derive(Deserialize)]
struct RefusalCause {
    code: String,
    #[serde(default)]
    message: String,
}

impl<'a> Session<'a> {
    pub(super) fn open(
        registry: &'a Registry,
        reference: &'a Reference,
        right: Right,
    ) -> Result<Self, RegistryError> {
        let plain = registry.is_plain(reference.registry());
        let scheme = if plain { "http" } else { "https" };
        let origin = Url::parse(&format!("{scheme}://{}/", reference.registry()))
            .map_err(|_| RegistryError::Reference(super::ReferenceError::Registry))?;
        Ok(Self {
            registry,
            http: registry.http(plain)?,
            reference,
            origin,
            right,
            authorization: None,
        })
    }

    /// The address of something of this name, as `manifests/1.0`.
    pub(super) fn url(&self, rest: &str) -> Result<Url, RegistryError> {
        let path = format!("/v2/{}/{rest}", self.reference.name());
        self.origin
            .join(&path)
            .map_err(|cause| self.answer(&path, cause.to_string()))
    }

    /// Asks, and once more with what the registry wants to know.
    pub(super) async fn ask(
        &mut self,
        method: Method,
        url: Url,
        headers: HeaderMap,
    ) -> Result<Response, RegistryError> {
        let response = self
            .send(method.clone(), url.clone(), headers.clone(), Vec::new())
            .await?;
        if response.status() != StatusCode::UNAUTHORIZED || self.authorization.is_some() {
            return Ok(response);
        }
        self.authorize(&what(&method, &url), response.headers())
            .await?;
        self.send(method, url, headers, Vec::new()).await
    }

    /// Sends a body. What the registry wants to know was told by then.
    pub(super) async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response, RegistryError> {
        let what = what(&method, &url);
        if url.origin() != self.origin.origin() {
            return Err(self.elsewhere(
                &what,
                &url,
                "credentials and uploads stay with the registry",
            ));
        }
        let mut request = self.http.request(method.clone(), url).headers(headers);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if method != Method::GET && method != Method::HEAD {
            request = request.body(body);
        }
        request
            .send()
            .await
            .map_err(|cause| self.broken(&what, &cause))
    }

    /// Asks for a blob. A registry may send on to where it keeps them; nobody is told there who asks.
    pub(super) async fn ask_blob(&mut self, digest: Digest) -> Result<Response, RegistryError> {
        let mut url = self.url(&format!("blobs/{digest}"))?;
        let mut response = self.ask(Method::GET, url.clone(), HeaderMap::new()).await?;
        let what = what(&Method::GET, &url);
        for _ in 0..REDIRECTS_MOST {
            if !response.status().is_redirection() {
                return Ok(response);
            }
            url = self.location(&what, &url, &response)?;
            self.may_follow(&what, &url)?;
            response = self
                .http
                .get(url.clone())
                .send()
                .await
                .map_err(|cause| self.broken(&what, &cause))?;
        }
        if response.status().is_redirection() {
            return Err(self.elsewhere(&what, &url, "it sent on too often"));
        }
        Ok(response)
    }

    /// The address that an answer names, also a relative one.
    pub(super) fn location(
        &self,
        what: &str,
        base: &Url,
        response: &Response,
    ) -> Result<Url, RegistryError> {
        response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| base.join(value).ok())
            .ok_or_else(|| self.answer(what, "it names no place to go on"))
    }

    /// Whether a place that the registry names may be asked: by TLS as the registry itself, and an
    /// address instead of a name only where it is the registry's own. So nobody is sent into the
    /// networks around the one who asks.
    fn may_follow(&self, what: &str, url: &Url) -> Result<(), RegistryError> {
        let elsewhere = |why| Err(self.elsewhere(what, url, why));
        if url.scheme() != self.origin.scheme() && url.scheme() != "https" {
            return elsewhere("that is not by TLS");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return elsewhere("that has credentials in it");
        }
        let same = url.host_str() == self.origin.host_str();
        let named = url.domain().is_some_and(|name| {
            name.contains('.')
                && !name.eq_ignore_ascii_case("localhost")
                && !name.ends_with(".localhost")
        });
        if !same && !named {
            return elsewhere("that is no host name that a registry could mean for all");
        }
        if !same && url.scheme() != "https" {
            return elsewhere("that is not by TLS");
        }
        Ok(())
    }

    async fn authorize(&mut self, what: &str, headers: &HeaderMap) -> Result<(), RegistryError> {
        let challenges = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let refused = |why: &str| self.refused(what, why.to_owned());
        let given = self
            .registry
            .config
            .credentials
            .of(self.reference.registry());
        let basic = given.map(|(user, password)| {
            let mut value = HeaderValue::from_str(&format!(
                "Basic {}",
                STANDARD.encode(format!("{user}:{password}"))
            ));
            if let Ok(value) = &mut value {
                value.set_sensitive(true);
            }
            value
        });
        let basic = basic
            .transpose()
            .map_err(|_| refused("the credentials for it cannot be sent"))?;
        let authorization = match Challenge::first(challenges) {
            None => {
                return Err(refused(
                    "it asks for credentials in a way that is not known",
                ));
            }
            Some(Challenge::Basic) => basic.ok_or_else(|| {
                refused(
                    "it wants credentials, and there are none for it in the file of credentials",
                )
            })?,
            Some(Challenge::Bearer { realm, service }) => {
                self.token(what, &realm, service, basic).await?
            }
        };
        self.authorization = Some(authorization);
        Ok(())
    }

    async fn token(
        &self,
        what: &str,
        realm: &str,
        service: Option<String>,
        basic: Option<HeaderValue>,
    ) -> Result<HeaderValue, RegistryError> {
        let url =
            Url::parse(realm).map_err(|_| self.answer(what, "its token service is no address"))?;
        self.may_follow(what, &url)?;
        let right = match self.right {
            Right::Pull => "pull",
            Right::Push => "pull,push",
        };
        let mut query = vec![(
            "scope",
            format!("repository:{}:{right}", self.reference.name()),
        )];
        query.extend(service.map(|service| ("service", service)));
        let mut request = self.http.get(url).query(&query);
        if let Some(basic) = basic {
            request = request.header(AUTHORIZATION, basic);
        }
        let response = request
            .send()
            .await
            .map_err(|cause| self.broken("a token", &cause))?;
        if !response.status().is_success() {
            let why = format!("its token service answers {}", response.status());
            return Err(self.refused(what, why));
        }
        let bytes = self.body("a token", response, TOKEN_MOST).await?;
        let bearer =
            bearer(&bytes).ok_or_else(|| self.answer(what, "its token service gave no token"))?;
        let mut value = HeaderValue::from_str(&bearer)
            .map_err(|_| self.answer(what, "its token cannot be sent"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Reads a body of at most so many bytes.
    pub(super) async fn body(
        &self,
        what: &str,
        mut response: Response,
        most: usize,
    ) -> Result<Vec<u8>, RegistryError> {
        let too_large = || RegistryError::TooLarge {
            registry: self.reference.registry().to_owned(),
            what: what.to_owned(),
            most,
        };
        let said = response.content_length();
        if said.is_some_and(|said| said > most as u64) {
            return Err(too_large());
        }
        let room = said.and_then(|said| usize::try_from(said).ok());
        let mut bytes = Vec::with_capacity(room.unwrap_or_default());
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|cause| self.broken(what, &cause))?
        {
            if chunk.len() > most - bytes.len() {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// What an answer that is not the wanted one means.
    pub(super) async fn unwanted(&self, what: &str, response: Response) -> RegistryError {
        let status = response.status();
        let said = match self.body(what, response, ERROR_MOST).await {
            Ok(bytes) => said(&bytes),
            Err(_) => None,
        };
        let said = said.map_or_else(String::new, |said| format!(" ({said})"));
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let remedy = if self
                    .registry
                    .config
                    .credentials
                    .of(self.reference.registry())
                    .is_some()
                {
                    "the credentials for it do not suffice"
                } else {
                    "there are no credentials for it in the file of credentials"
                };
                self.refused(what, format!("{status}{said}; {remedy}"))
            }
            StatusCode::NOT_FOUND => RegistryError::NotFound {
                registry: self.reference.registry().to_owned(),
                what: format!("{}{said}", what.trim_start_matches("GET ")),
            },
            status => self.answer(what, format!("status {status}{said}")),
        }
    }

    pub(super) fn answer(&self, what: &str, why: impl Into<String>) -> RegistryError {
        RegistryError::Answer {
            registry: self.reference.registry().to_owned(),
            request: what.to_owned(),
            why: why.into(),
        }
    }

    pub(super) fn digest(
        &self,
        what: &str,
        wanted: Digest,
        bytes: &[u8],
    ) -> Result<(), RegistryError> {
        let found = Digest::of(bytes);
        if found == wanted {
            return Ok(());
        }
        Err(RegistryError::Digest {
            registry: self.reference.registry().to_owned(),
            what: what.to_owned(),
            wanted,
            found,
        })
    }

    fn refused(&self, what: &str, why: String) -> RegistryError {
        RegistryError::Credentials {
            registry: self.reference.registry().to_owned(),
            request: what.to_owned(),
            why,
        }
    }

    fn elsewhere(&self, what: &str, to: &Url, why: &'static str) -> RegistryError {
        RegistryError::Elsewhere {
            registry: self.reference.registry().to_owned(),
            request: what.to_owned(),
            // Without path and query: they may be long, or a secret of the place.
            to: to.origin().ascii_serialization(),
            why,
        }
    }

    fn broken(&self, what: &str, error: &reqwest::Error) -> RegistryError {
        let mut root: &dyn Error = error;
        while let Some(source) = root.source() {
            root = source;
        }
        let why = if error.is_timeout() {
            "no byte came for too long".to_owned()
        } else {
            root.to_string()
        };
        RegistryError::Unreachable {
            registry: self.reference.registry().to_owned(),
            request: what.to_owned(),
            why,
        }
    }
}

/// A request, for people.
pub(super) fn what(method: &Method, url: &Url) -> String {
    format!("{method} {}", url.path())
}

/// What is sent with each request, from the answer of a token service.
pub(super) fn bearer(bytes: &[u8]) -> Option<String> {
    let token: Token = serde_json::from_slice(bytes).ok()?;
    Some(format!("Bearer {}", token.token))
}

/// The first cause that a registry gives, fit for a terminal.
pub(super) fn said(bytes: &[u8]) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(bytes).ok()?;
    let RefusalCause { code, message } = refusal.errors.into_iter().next()?;
    let text = format!("{code}: {message}");
    Some(plain(&text).chars().take(200).collect())
}

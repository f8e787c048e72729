//! Requests to the server's REST interface.
//!
//! Answers are kept as the JSON that came, so that `--output json` prints what the server said;
//! [`Answer::view`] reads it for tables. [`crate::sse`] reads the streams.

use crate::credentials::Credentials;
use crate::sse::{EventStream, StreamEvent};
use crate::tls::{self, TlsError};
use muster_api::BASE;
use muster_api::problem::ProblemDocument;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header, redirect};
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use std::error::Error;
use std::time::Duration;

/// The greatest answer that is taken. A page has at most a few thousand rows.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const CONNECT_TIME: Duration = Duration::from_secs(10);
const ANSWER_TIME: Duration = Duration::from_mins(1);
/// An upload is compiled and tried before it is answered.
const INSTALL_TIME: Duration = Duration::from_mins(10);
/// Rows for each request while a whole list is read.
const PAGE: usize = 500;
/// What a path segment keeps as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Why a request has no good answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("cannot reach {server}: {why}; is the server running there?")]
    Unreachable { server: String, why: String },
    #[error("cannot trust {server}: {why}; {remedy}")]
    Untrusted {
        server: String,
        why: String,
        remedy: &'static str,
    },
    #[error("{server} broke off while it answered {request}: {why}")]
    BrokenOff {
        server: String,
        request: String,
        why: String,
    },
    #[error("{server} did not answer {request} in time; what was asked may have been done")]
    Late { server: String, request: String },
    #[error("{server} answered {request} with what no Muster server says: {why}")]
    NotUnderstood {
        server: String,
        request: String,
        why: String,
    },
    #[error("{}", text(.document))]
    Problem {
        document: Box<ProblemDocument>,
        raw: Value,
    },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),
}

/// The detail is the sentence; a server that left it out is known by the title.
fn text(document: &ProblemDocument) -> String {
    let said = if document.detail.is_empty() {
        &document.title
    } else {
        &document.detail
    };
    if document.status == 401 {
        format!("{said} (run `muster login` again, or look at MUSTER_TOKEN)")
    } else {
        said.clone()
    }
}

impl ClientError {
    /// The exit status of the program for it.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Problem { document, .. } => match document.status {
                401 => 4,
                404 => 3,
                _ => match document.code() {
                    "registry-not-found" => 3,
                    "registry-unreachable" | "registry-late" | "registry-credentials" => 4,
                    _ => 1,
                },
            },
            _ => 4,
        }
    }

    /// Whether the same request may have an answer a little later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::BrokenOff { .. } | Self::Late { .. } => true,
            Self::Problem { document, .. } => matches!(document.status, 429 | 502..=504),
            _ => false,
        }
    }
}

/// A path under `/api/v1`, each segment percent-encoded.
pub(crate) fn path(segments: &[&str]) -> String {
    segments.iter().fold(String::new(), |path, segment| {
        format!("{path}/{}", utf8_percent_encode(segment, SEGMENT))
    })
}

/// A path with a query, each value percent-encoded.
pub(crate) fn query(path: &str, values: &[(&str, &str)]) -> String {
    let values = values
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, SEGMENT)));
    format!("{path}?{}", values.collect::<Vec<_>>().join("&"))
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The JSON as it came.
    pub(crate) raw: Value,
    server: String,
    request: String,
}

impl Answer {
    /// The JSON as a type.
    pub(crate) fn view<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        T::deserialize(&self.raw).map_err(|cause| ClientError::NotUnderstood {
            server: self.server.clone(),
            request: self.request.clone(),
            why: cause.to_string(),
        })
    }
}

/// A query, name by name.
pub(crate) type Query<'a> = Vec<(&'a str, String)>;

/// A server to ask.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    server: String,
    token: Option<String>,
}

impl Client {
    /// For an administrator.
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, ClientError> {
        let tls = tls::trusting(&credentials.ca)?;
        Self::with(tls, &credentials.server, Some(credentials.token.clone()))
    }

    /// For one who has nothing yet: it trusts anybody, and tells no token.
    pub(crate) fn blind(server: &str) -> Result<Self, ClientError> {
        Self::with(tls::blind()?, server, None)
    }

    fn with(
        tls: rustls::ClientConfig,
        server: &str,
        token: Option<String>,
    ) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIME)
            .tcp_keepalive(Duration::from_secs(30))
            .build()
            .map_err(ClientError::Setup)?;
        Ok(Self {
            http,
            server: server.to_owned(),
            token,
        })
    }

    /// `https://host:port`.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) async fn get(&self, path: &str, query: &Query<'_>) -> Result<Answer, ClientError> {
        let request = self
            .request(Method::GET, path)
            .query(query)
            .timeout(ANSWER_TIME);
        self.answer(request, &format!("GET {path}")).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        let request = self
            .request(Method::POST, path)
            .json(body)
            .timeout(ANSWER_TIME);
        self.answer(request, &format!("POST {path}")).await
    }

    pub(crate) async fn patch(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        let request = self
            .request(Method::PATCH, path)
            .json(body)
            .timeout(ANSWER_TIME);
        self.answer(request, &format!("PATCH {path}")).await
    }

    pub(crate) async fn put(&self, path: &str) -> Result<Answer, ClientError> {
        let request = self.request(Method::PUT, path).timeout(ANSWER_TIME);
        self.answer(request, &format!("PUT {path}")).await
    }

    pub(crate) async fn put_json(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        let request = self
            .request(Method::PUT, path)
            .json(body)
            .timeout(ANSWER_TIME);
        self.answer(request, &format!("PUT {path}")).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Answer, ClientError> {
        let request = self.request(Method::DELETE, path).timeout(ANSWER_TIME);
        self.answer(request, &format!("DELETE {path}")).await
    }

    /// Posts what was read, unchanged.
    pub(crate) async fn post_bytes(
        &self,
        path: &str,
        query: &Query<'_>,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Answer, ClientError> {
        let request = self
            .request(Method::POST, path)
            .query(query)
            .header(header::CONTENT_TYPE, media_type)
            .body(bytes)
            .timeout(INSTALL_TIME);
        self.answer(request, &format!("POST {path}")).await
    }

    /// Posts what must not happen twice. The key lets the server know a second try for one, so a
    /// broken link is tried again.
    pub(crate) async fn post_once(
        &self,
        path: &str,
        body: &impl Serialize,
        key: &str,
    ) -> Result<Answer, ClientError> {
        let mut tries = 3;
        loop {
            let request = self
                .request(Method::POST, path)
                .json(body)
                .header("idempotency-key", key)
                .timeout(ANSWER_TIME);
            tries -= 1;
            match self.answer(request, &format!("POST {path}")).await {
                Err(ClientError::BrokenOff { .. }) if tries > 0 => {}
                answer => return answer,
            }
        }
    }

    /// Reads a list, page by page, up to `most` rows. A list that comes whole, without pages, is
    /// taken as well.
    pub(crate) async fn list(
        &self,
        path: &str,
        query: &Query<'_>,
        most: Option<usize>,
    ) -> Result<Answer, ClientError> {
        let mut rows = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let wanted = most.map_or(PAGE, |most| most.saturating_sub(rows.len()).min(PAGE));
            let mut query = query.clone();
            query.push(("limit", wanted.to_string()));
            query.extend(after.take().map(|after| ("after", after)));
            let mut answer = self.get(path, &query).await?;
            let next = answer
                .raw
                .get("next")
                .and_then(Value::as_str)
                .map(str::to_owned);
            let items = match answer.raw.take() {
                Value::Array(items) => Value::Array(items),
                mut page => page.get_mut("items").map(Value::take).unwrap_or_default(),
            };
            answer.raw = items;
            let items: Vec<Value> = answer.view()?;
            // An empty page with a next one would be read for ever.
            let last = next.is_none() || items.is_empty();
            rows.extend(items);
            if last || most.is_some_and(|most| rows.len() >= most) {
                rows.truncate(most.unwrap_or(usize::MAX));
                answer.raw = Value::Array(rows);
                return Ok(answer);
            }
            after = next;
        }
    }

    /// Opens a stream of server-sent events.
    pub(crate) async fn stream(
        &self,
        path: &str,
        query: &Query<'_>,
    ) -> Result<EventStream, ClientError> {
        let request = self
            .request(Method::GET, path)
            .query(query)
            .header(header::ACCEPT, "text/event-stream");
        let what = format!("GET {path}");
        let response = self.send(request, &what).await?;
        if response.status().is_success() {
            Ok(EventStream::new(response, self.server.clone(), what))
        } else {
            Err(self.problem(response, &what).await)
        }
    }

    /// The JSON that an event of a stream holds.
    pub(crate) fn read(&self, event: &StreamEvent) -> Result<Value, ClientError> {
        serde_json::from_str(&event.data).map_err(|cause| {
            self.not_understood("a stream", &format!("an event is no JSON ({cause})"))
        })
    }

    /// Reads a text, such as the CA's certificate.
    pub(crate) async fn text(&self, path: &str) -> Result<String, ClientError> {
        let what = format!("GET {path}");
        let request = self.request(Method::GET, path).timeout(ANSWER_TIME);
        let response = self.send(request, &what).await?;
        if !response.status().is_success() {
            return Err(self.problem(response, &what).await);
        }
        let bytes = self.body(response, &what).await?;
        String::from_utf8(bytes).map_err(|_| self.not_understood(&what, "it is no text"))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{BASE}{path}", self.server));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn answer(&self, request: RequestBuilder, what: &str) -> Result<Answer, ClientError> {
        let response = self.send(request, what).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.problem(response, what).await);
        }
        let bytes = self.body(response, what).await?;
        let raw = if bytes.is_empty() || status == StatusCode::NO_CONTENT {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .map_err(|cause| self.not_understood(what, &format!("it is no JSON ({cause})")))?
        };
        Ok(Answer {
            raw,
            server: self.server.clone(),
            request: what.to_owned(),
        })
    }

    async fn send(&self, request: RequestBuilder, what: &str) -> Result<Response, ClientError> {
        request
            .send()
            .await
            .map_err(|error| self.broken(what, &error))
    }

    async fn body(&self, mut response: Response, what: &str) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.broken(what, &error))?
        {
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Err(self.not_understood(what, "it has more than 64 MiB"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    async fn problem(&self, response: Response, what: &str) -> ClientError {
        let status = response.status();
        let bytes = match self.body(response, what).await {
            Ok(bytes) => bytes,
            Err(error) => return error,
        };
        let raw: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match ProblemDocument::deserialize(&raw) {
            Ok(document) => ClientError::Problem {
                document: Box::new(document),
                raw,
            },
            Err(_) => {
                self.not_understood(what, &format!("status {status} without a problem document"))
            }
        }
    }

    pub(crate) fn not_understood(&self, what: &str, why: &str) -> ClientError {
        ClientError::NotUnderstood {
            server: self.server.clone(),
            request: what.to_owned(),
            why: why.to_owned(),
        }
    }

    fn broken(&self, what: &str, error: &reqwest::Error) -> ClientError {
        broken(&self.server, what, error)
    }
}

/// Says what a failed exchange failed by, and what would help.
pub(crate) fn broken(server: &str, request: &str, error: &reqwest::Error) -> ClientError {
    let (server, request) = (server.to_owned(), request.to_owned());
    if let Some(tls) = tls_cause(error) {
        use rustls::CertificateError as Certificate;
        let remedy = match tls {
            rustls::Error::InvalidCertificate(
                Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
            ) => "use a name or an address that the server's certificate has",
            rustls::Error::InvalidCertificate(_) => {
                "if the server was set up anew, run `muster login` again; otherwise somebody else answers there"
            }
            _ => "is there a Muster server on that port?",
        };
        return ClientError::Untrusted {
            server,
            why: tls.to_string(),
            remedy,
        };
    }
    let root = root(error);
    let cut = root
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof);
    let why = if cut {
        "the connection was cut".to_owned()
    } else {
        root.to_string()
    };
    if error.is_connect() {
        ClientError::Unreachable { server, why }
    } else if error.is_timeout() {
        ClientError::Late { server, request }
    } else {
        ClientError::BrokenOff {
            server,
            request,
            why,
        }
    }
}

fn root(error: &reqwest::Error) -> &(dyn Error + 'static) {
    let mut root: &(dyn Error + 'static) = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root
}

fn tls_cause(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        // An I/O error shows what it holds by `get_ref` alone; its `source` is one further.
        next = match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_path_is_one_segment() {
        assert_eq!(
            path(&["groups", "/Office/Köln 1"]),
            "/groups/%2FOffice%2FK%C3%B6ln%201"
        );
    }
}

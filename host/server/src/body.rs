//! Bodies of requests, read within bounds of size and time.

use crate::edge::Edge;
use crate::problem::Problem;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::time::Duration;
use tokio::time::timeout;

/// So much of a body that is too large is still read and thrown away, so that whoever sends it
/// gets the answer instead of a broken connection.
const MOST_DISCARDED: usize = 512 * 1024 * 1024;

/// Reads a body. `what` and `setting` tell of one that is larger than `limit` bytes.
pub(crate) async fn read(
    mut body: Body,
    limit: usize,
    piece_time: Duration,
    what: &str,
    setting: &str,
) -> Result<Bytes, Problem> {
    let told = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    if told <= limit {
        bytes.reserve_exact(told);
    }
    let mut length = 0;
    while let Some(data) = piece(&mut body, piece_time).await? {
        length += data.len();
        if length.max(told) <= limit {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
            if length > limit.saturating_add(MOST_DISCARDED) {
                break;
            }
        }
        // Whoever sends fast must not keep this thread from what else waits for it.
        tokio::task::consume_budget().await;
    }
    if length > limit {
        return Err(Problem::too_large(what, limit, setting));
    }
    Ok(bytes.into())
}

async fn piece(body: &mut Body, time: Duration) -> Result<Option<Bytes>, Problem> {
    loop {
        let frame = timeout(time, body.frame()).await.map_err(|_| {
            let detail = "the rest of the body did not arrive in time (http.read-time)";
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body-late", detail)
        })?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(cause)) => {
                let detail = format!("the body broke off: {cause}");
                return Err(Problem::new(StatusCode::BAD_REQUEST, "body-broken", detail));
            }
        }
    }
}

/// A JSON body. An empty one is read as `{}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Edge> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, edge: &Edge) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let text = read(
            body,
            edge.json_bytes(),
            edge.read_time(),
            "the body",
            "http.json-size",
        )
        .await?;
        if text.is_empty() {
            return parse(b"{}").map(Self);
        }
        check_media_type(&parts.headers)?;
        parse(&text).map(Self)
    }
}

/// A browser that is tricked into a request cannot give it this media type unasked.
pub(crate) fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let given = given
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if given.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(media_type("application/json", given))
}

/// The problem of a body that is of another media type.
pub(crate) fn media_type(wanted: &str, given: &str) -> Problem {
    let given: String = given.chars().take(100).collect();
    let detail = format!("the body must be {wanted} (header content-type), not {given:?}");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail)
}

/// Reads JSON. What is wrong is told with its place.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        unreadable(error.inner(), &path)
    })?;
    json.end().map_err(|error| unreadable(&error, "."))?;
    Ok(value)
}

pub(crate) fn unreadable(error: &serde_json::Error, path: &str) -> Problem {
    match error.classify() {
        Category::Data => {
            let place = if path == "." {
                String::new()
            } else {
                format!("{path}: ")
            };
            let detail = format!("in the body, {place}{error}");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request-invalid", detail)
        }
        // The parser goes no deeper than 128, long before the stack ends.
        _ if error.to_string().starts_with("recursion limit") => {
            let detail = format!(
                "the body is nested deeper than 127 levels, at line {} column {}",
                error.line(),
                error.column()
            );
            Problem::new(StatusCode::BAD_REQUEST, "json-too-deep", detail)
        }
        _ => {
            let detail = format!("the body is not valid JSON: {error}");
            Problem::new(StatusCode::BAD_REQUEST, "json-invalid", detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_api::group::GroupCreate;

    fn told(text: &str) -> (u16, &'static str, String) {
        let problem = parse::<GroupCreate>(text.as_bytes()).unwrap_err();
        (
            problem.status().as_u16(),
            problem.code(),
            problem.detail().to_owned(),
        )
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let (status, code, detail) = told("{\"name\":\n  nope}");
        assert_eq!((status, code), (400, "json-invalid"));
        assert!(detail.contains("line 2 column 4"), "{detail}");
        let (status, code, detail) = told(r#"{"name": 7}"#);
        assert_eq!((status, code), (422, "request-invalid"));
        assert!(
            detail.starts_with("In the body, name: invalid type"),
            "{detail}"
        );
        let (_, code, detail) = told(r#"{"name": "a", "parrent": "/"}"#);
        assert_eq!(code, "request-invalid");
        assert!(
            detail.contains("unknown field `parrent`, expected `name` or `parent`"),
            "{detail}"
        );
        assert_eq!(told("{} {}").1, "request-invalid");
        assert_eq!(told(r#"{"name": "a"} x"#).1, "json-invalid");
    }

    #[test]
    fn a_nest_of_ten_thousand_is_refused() {
        let text = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let problem = parse::<serde_json::Value>(text.as_bytes()).unwrap_err();
        assert_eq!(problem.code(), "json-too-deep");
    }
}

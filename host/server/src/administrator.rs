//! Who asks: the administrator whose bearer token a request brings.
//!
//! A handler that has an [`Administrator`] among its parameters cannot run without one.

use crate::accept::Peer;
use crate::edge::Edge;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster_app::Administrator;
use muster_domain::origin::Client;

/// What an administrator's token begins with.
pub(crate) const TOKEN_PREFIX: &str = "muster-admin-";

/// A new token.
pub(crate) fn token_make() -> String {
    let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    format!("{TOKEN_PREFIX}{secret}")
}

/// No token is longer.
const MOST_TOKEN: usize = 200;

impl FromRequestParts<Edge> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let token = token(&parts.headers)?;
        let administrator = edge.app().administrator_by_token(token).await?;
        let administrator = administrator.map(|administrator| Administrator {
            client: client(parts),
            ..administrator
        });
        administrator.ok_or_else(|| {
            let detail = "this server does not know the token; the first one was printed at its \
                          first start";
            Problem::new(StatusCode::UNAUTHORIZED, "token-unknown", detail)
        })
    }
}

/// From where a request comes, and by which program.
fn client(parts: &Parts) -> Client {
    let address = parts.extensions.get::<Peer>().map(|peer| peer.address.ip());
    let program = parts.headers.get(header::USER_AGENT);
    Client::new(address, program.and_then(|program| program.to_str().ok()))
}

fn token(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || {
        Problem::unauthenticated(
            "this needs an administrator's token: `authorization: Bearer muster-admin-…`",
        )
    };
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(missing)?;
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer") && token.len() <= MOST_TOKEN;
    if fits && token.starts_with(TOKEN_PREFIX) {
        Ok(token)
    } else {
        Err(missing())
    }
}

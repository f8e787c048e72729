//! Enroll: the device makes its keys, shows the token, and gets a certificate.
//!
//! The token carries the digest of the server's CA certificate, so the device knows the server
//! before it says anything to it. Nothing is written before everything was checked.

use crate::config::DeviceKindChoice;
use crate::identity::{Identity, IdentityError};
use crate::schedule::zone::DeviceZone;
use crate::{facts, tls};
use muster_agent_protocol::ENROLL_PATH;
use muster_agent_protocol::enroll::{EnrollRequest, EnrollResponse, EnrollmentToken, InvalidToken};
use muster_domain::Digest;
use rcgen::{CertificateParams, DnType, KeyPair};
use std::time::Duration;

const TIME_LIMIT: Duration = Duration::from_secs(30);
const MOST_ANSWER: usize = 256 * 1024;

/// Why a device was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// The token is no token.
    #[error("{0}")]
    Token(#[from] InvalidToken),
    /// The address is none.
    #[error("\"{0}\" is no address of a server; write https://host:port")]
    Address(String),
    /// The device cannot make its keys.
    #[error("cannot make keys and a signing request")]
    Keys(#[from] rcgen::Error),
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] tls::TlsError),
    /// The server was not reached, or is another one.
    #[error("cannot enroll at {server}")]
    Link {
        /// The address.
        server: String,
        /// Why.
        #[source]
        cause: reqwest::Error,
    },
    /// The server said no.
    #[error("{server} refused to enroll this device (status {status}): {text}")]
    Refused {
        /// The address.
        server: String,
        /// HTTP status.
        status: u16,
        /// Its words.
        text: String,
    },
    /// The server's answer is not what it should be.
    #[error("the answer of {server} cannot be used: {problem}")]
    Answer {
        /// The address.
        server: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The identity cannot be kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Enrolls at a server (`https://host:port`) and gives back the identity, which is not yet kept.
pub async fn enroll(
    server: &str,
    token: &str,
    name: Option<&str>,
) -> Result<Identity, EnrollError> {
    let server = server.trim_end_matches('/').to_owned();
    if !server.starts_with("https://") || reqwest::Url::parse(&server).is_err() {
        return Err(EnrollError::Address(server));
    }
    let token: EnrollmentToken = token.parse()?;
    let facts = facts::gather(&DeviceZone::find().name, DeviceKindChoice::Auto);
    let name = name.map_or_else(facts::host_name, str::to_owned);

    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::default();
    parameters
        .distinguished_name
        .push(DnType::CommonName, name.as_str());
    let csr = parameters.serialize_request(&key)?.pem()?;

    let request = EnrollRequest {
        token: token.to_string(),
        csr,
        name: name.clone(),
        facts,
    };
    let response = ask(&server, &token, &request).await?;
    let identity = Identity {
        device: response.device,
        name,
        certificate: response.certificate,
        key: key.serialize_pem(),
        ca: response.ca,
        order_key: response.order_key,
        server,
    };
    check(&identity, &token)?;
    Ok(identity)
}

async fn ask(
    server: &str,
    token: &EnrollmentToken,
    request: &EnrollRequest,
) -> Result<EnrollResponse, EnrollError> {
    let link = |cause| EnrollError::Link {
        server: server.to_owned(),
        cause,
    };
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::enrollment(token.ca)?)
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIME_LIMIT)
        .build()
        .map_err(link)?;
    let mut response = client
        .post(format!("{server}{ENROLL_PATH}"))
        .json(request)
        .send()
        .await
        .map_err(link)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(link)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_ANSWER {
            return Err(answer(server, &"it is longer than 256 KiB"));
        }
    }
    if !status.is_success() {
        let text = problem_text(&body);
        return Err(EnrollError::Refused {
            server: server.to_owned(),
            status: status.as_u16(),
            text,
        });
    }
    serde_json::from_slice(&body).map_err(|cause| answer(server, &cause))
}

/// What a problem document says; other answers are shown as they are, cut short.
fn problem_text(body: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    ["detail", "title"]
        .iter()
        .find_map(|key| problem.get(key)?.as_str().map(str::to_owned))
        .unwrap_or_else(|| {
            let text: String = String::from_utf8_lossy(body).chars().take(300).collect();
            muster_domain::text::plain(&text).into_owned()
        })
}

fn answer(server: &str, problem: &dyn std::fmt::Display) -> EnrollError {
    EnrollError::Answer {
        server: server.to_owned(),
        problem: problem.to_string(),
    }
}

fn check(identity: &Identity, token: &EnrollmentToken) -> Result<(), EnrollError> {
    let ca = tls::certificate(&identity.ca)?;
    if Digest::of(&ca) != token.ca {
        return Err(answer(
            &identity.server,
            &"its CA certificate is not the one that the token names",
        ));
    }
    // Also finds a certificate that was made for another key.
    tls::link(identity)?;
    Ok(())
}

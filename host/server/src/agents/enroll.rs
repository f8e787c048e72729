//! Enrollment: `POST` of a one-time token and a signing request; back comes a certificate.

use crate::authority::Request as SigningRequest;
use crate::body;
use crate::edge::Edge;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use muster_agent_protocol::enroll::{EnrollRequest, EnrollResponse, EnrollmentToken};
use muster_app::AppError;
use muster_app::enroll::Applicant;

/// Names, facts, a token and a signing request need a few KiB.
const MOST_BYTES: usize = 64 * 1024;

pub(crate) async fn device_enroll(
    State(edge): State<Edge>,
    request: Request,
) -> Result<(StatusCode, Json<EnrollResponse>), Problem> {
    let what = "the enrollment";
    let text = body::read(
        request.into_body(),
        MOST_BYTES,
        edge.read_time(),
        what,
        "fixed",
    )
    .await?;
    let EnrollRequest {
        token,
        csr,
        name,
        facts,
    } = body::parse(&text)?;
    let token: EnrollmentToken = token
        .parse()
        .map_err(|error| denied("enrollment-token-invalid", &format!("this is {error}")))?;
    if token.ca != edge.authority().fingerprint() {
        return Err(denied(
            "enrollment-token-foreign",
            "the enrollment token is another server's",
        ));
    }
    let request = SigningRequest::read(&csr).map_err(|error| {
        let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
        Problem::new(unprocessable, "signing-request-invalid", error.to_string())
    })?;
    let applicant = Applicant {
        token: token.secret_digest(),
        name,
        key: request.key(),
        facts,
    };
    let authority = edge.clone();
    let certify = move |device| match authority.authority().device(device, &request) {
        Ok(certificate) => Ok((certificate.pem, certificate.digest)),
        Err(error) => Err(AppError::File {
            doing: "make",
            file: format!("the certificate of device {device}"),
            cause: std::io::Error::other(error),
        }),
    };
    let (device, certificate) = edge.app().enroll(applicant, certify).await?;
    let response = EnrollResponse {
        device,
        certificate,
        ca: edge.authority().pem().to_owned(),
        order_key: edge.app().order_public_key(),
    };
    Ok((StatusCode::CREATED, Json(response)))
}

fn denied(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, code, detail)
}

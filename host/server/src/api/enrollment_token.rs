//! Enrollment tokens: made here, told once.

use crate::body::Json as Body;
use crate::edge::Edge;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_agent_protocol::enroll::EnrollmentToken;
use muster_api::device::{EnrollmentTokenCreate, EnrollmentTokenView};
use muster_api::problem::ProblemDocument;
use muster_app::Administrator;

/// Makes a token that enrolls one device.
#[utoipa::path(post, path = "/api/v1/enrollment-tokens", tag = "devices", request_body = EnrollmentTokenCreate,
    responses((status = 201, body = EnrollmentTokenView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn enrollment_token_create(
    State(edge): State<Edge>,
    who: Administrator,
    Body(wanted): Body<EnrollmentTokenCreate>,
) -> Result<(StatusCode, Json<EnrollmentTokenView>), Problem> {
    let token = EnrollmentToken {
        ca: edge.authority().fingerprint(),
        secret: rand::random(),
    };
    let digest = token.secret_digest();
    let valid_until = edge
        .app()
        .enrollment_token_create(
            &who,
            digest,
            (wanted.group, wanted.device),
            wanted.valid_for,
        )
        .await?;
    let view = EnrollmentTokenView {
        token: token.to_string(),
        valid_until,
    };
    Ok((StatusCode::CREATED, Json(view)))
}
